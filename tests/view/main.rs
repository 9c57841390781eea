//! What the windows of the daemon show of a scene that stands still.

mod exposition;
#[path = "../checks/machine.rs"]
#[allow(dead_code, reason = "the engine of checks uses the rest")]
mod machine;
mod metrics;
mod status;
