//! Room 4: what the operating system offers beside packets and netlink.

pub mod clock;
pub mod watch;
