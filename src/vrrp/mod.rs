//! VRRP: the engine (room 3) and the driver that joins it to the kernel (room 5).

pub mod accept;
mod announce;
mod announcing;
mod channels;
mod day;
pub mod driver;
pub mod engine;
pub mod event;
pub mod fsm;
mod hands;
mod holdings;
mod lifecycle;
mod limit;
pub mod links;
pub mod number;
mod ownership;
mod packets;
pub mod process;
#[cfg(test)]
mod rig;
mod rivals;
pub mod router;
pub mod signature;
pub mod snapshot;
pub mod stats;
pub mod sync;
mod track;
mod trackers;
mod tracking;
mod transition;
