//! VRRP: the engine (room 3) and the driver that joins it to the kernel (room 5).

pub mod accept;
mod announce;
mod announcing;
mod channels;
pub mod driver;
pub mod engine;
mod entries;
pub mod event;
pub mod fsm;
mod hands;
mod holdings;
mod lifecycle;
mod limit;
pub mod links;
mod ownership;
mod promotion;
#[cfg(test)]
mod rig;
pub mod router;
mod routing;
pub mod snapshot;
pub mod stats;
pub mod sync;
mod track;
mod trackers;
mod transition;
