//! Room 4: what is watched beside the network, each kind by a thread of its own, so that a disk that does not answer never
//! holds up an advert or a check.
//!
//! Holds the threads' orders and their board, and the watching of tracked files. Acts and never decides what a number
//! means. Called by the drivers of `vrrp` and `check`.

pub mod board;
pub mod errand;
pub mod file_watch;
pub mod files;
pub mod number;
