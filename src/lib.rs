//! keepalived-rs: VRRP failover and load balancing for Linux, a drop-in replacement for keepalived.
//!
//! `src/README.md` is the map of the rooms.

pub mod conf;
pub mod model;
pub mod vrrp;
