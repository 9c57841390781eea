//! Windows for the outside world: views of what has happened, never decisions.

pub mod dump;
pub mod fifo;
mod line;
pub mod link_names;
pub mod mail;
pub mod notify;
mod occurrences;
mod reporter;
mod saved;
pub mod writer;

pub use line::say;
pub use occurrences::Occurrences;
pub use reporter::Reporter;
pub use saved::Saved;
