//! Windows for the outside world: views of what has happened, never decisions.

pub mod dump;
pub mod notify;
mod reporter;
pub mod writer;

pub use reporter::Reporter;
