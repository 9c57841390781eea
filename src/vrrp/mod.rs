//! VRRP: the engine (room 3) and the driver that joins it to the kernel (room 5).

pub mod accept;
mod announce;
mod announcing;
mod channels;
pub mod driver;
pub mod engine;
pub mod event;
mod firewall;
pub mod fsm;
mod hands;
mod holdings;
mod lifecycle;
mod limit;
pub mod links;
mod ownership;
#[cfg(test)]
mod rig;
pub mod router;
pub mod snapshot;
pub mod stats;
pub mod sync;
mod track;
mod trackers;
mod transition;
