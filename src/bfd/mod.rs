//! The `bfd` process: the engine of BFD sessions (room 3; RFC 5880, 5881 and 5883, asynchronous mode), and the driver that
//! joins it to the system (room 5).

pub mod driver;
pub mod engine;
pub mod event;
mod hands;
mod session;
mod timing;
mod words;
