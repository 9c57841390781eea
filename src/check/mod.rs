//! The `check` process: the engine of health checks and of IPVS (room 3), and the driver that joins it to the system (room 5).

mod checker;
mod checks;
mod commands;
pub mod driver;
pub mod engine;
pub mod event;
mod expand;
mod general;
mod hands;
mod mails;
mod outbox;
mod probe;
mod quorum;
mod refusal;
mod reload;
mod running;
mod server;
mod sorry;
mod stop;
mod suspend;
mod table;
mod traps;
mod virtual_server;

pub use probe::genhash;
