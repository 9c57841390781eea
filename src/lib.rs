//! keepalived-rs: VRRP failover and load balancing for Linux, a drop-in replacement for keepalived.
//!
//! `src/README.md` is the map of the rooms.

pub mod bfd;
pub mod check;
pub mod cli;
pub mod command;
pub mod conf;
pub mod core;
pub mod log;
pub mod model;
pub mod net;
pub mod os;
pub mod report;
pub mod sock;
pub mod view;
pub mod vrrp;
pub mod watch;
pub mod wire;
