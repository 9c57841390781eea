//! VRRP: the engine (room 3) and the driver that joins it to the kernel (room 5).

pub mod accept;
mod announce;
mod announcing;
pub mod buffers;
mod channels;
mod debounce;
pub mod driver;
pub mod engine;
pub mod event;
mod flood;
pub mod fsm;
mod hands;
mod holdings;
mod lifecycle;
mod limit;
mod linkbeat;
pub mod links;
mod ownership;
mod perception;
#[cfg(test)]
mod rig;
pub mod router;
pub mod snapshot;
pub mod stats;
pub mod sync;
mod track;
mod trackers;
mod transition;
