//! VRRP: the engine (room 3) and the driver that joins it to the kernel (room 5).

pub mod accept;
mod announce;
mod announcing;
mod announcing_extra;
mod channels;
mod day;
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
pub mod number;
pub mod own_links;
mod own_names;
mod ownership;
mod packets;
pub mod process;
mod promotion;
#[cfg(test)]
mod rig;
mod rivals;
pub mod router;
mod routing;
mod script;
mod scripting;
pub mod signature;
pub mod snapshot;
pub mod stats;
pub mod sync;
mod track;
mod trackers;
mod transition;
