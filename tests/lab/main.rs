//! The lab: scenarios with real daemons on machines made of namespaces, ours beside Debian's keepalived.
//!
//! Needs root, iproute2, tshark and Debian's keepalived 2.2.7. `KEEPALIVED_RS` names another program to test than the
//! one that cargo built. Most scenarios only wait: run them with more threads than there are cores
//! (`--test-threads 8`).

mod core;
mod rig;
mod scene;

use std::path::PathBuf;

/// The program under test.
fn ours() -> PathBuf {
    std::env::var_os("KEEPALIVED_RS")
        .map_or_else(|| env!("CARGO_BIN_EXE_keepalived-rs").into(), PathBuf::from)
}

/// Whether keepalived itself stands in for the program under test, to try the scenarios.
fn is_stand_in() -> bool {
    ours().file_name().is_some_and(|name| name == "keepalived")
}
