//! Room 2: bytes to data and back.
//!
//! Pure functions: no socket, no clock, no decision. Called by the drivers and by the engines.

pub mod neigh;
