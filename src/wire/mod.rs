//! Room 2: bytes to data and back, for every protocol that we speak.
//!
//! Pure functions over slices: no sockets, no clock, no panic on any input. Each decoder is fuzzed by a property test.

pub mod agentx;
pub mod ah;
pub mod bfd;
pub mod checksum;
pub mod dns;
pub mod filler;
pub mod generic;
pub mod http;
pub mod icmp_echo;
pub mod ipv4;
pub mod ipvs;
pub mod neigh;
pub mod netlink;
pub mod smtp_reply;
pub mod trailer;
pub mod vrrp;
