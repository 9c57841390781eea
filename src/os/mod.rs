//! Hands on the operating system: processes, signals, pid files, namespaces, calendars, the pipes between our processes.
//!
//! Acts and never decides; knows no engine. `core` and the drivers call it.

pub mod calendar;
pub mod host;
pub mod ipc;
pub mod namespace;
pub mod pid_file;
pub mod process;
pub mod script;
pub mod signals;
pub mod usage;
