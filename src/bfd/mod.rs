//! The `bfd` process: the engine of BFD sessions (room 3; RFC 5880, 5881 and 5883, asynchronous mode).

pub mod engine;
pub mod event;
mod session;
mod timing;
mod words;
