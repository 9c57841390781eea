//! Windows for the outside world: views of what has happened, never decisions.

pub mod dump;
pub mod fifo;
pub mod notify;
mod reporter;

pub use reporter::Reporter;
