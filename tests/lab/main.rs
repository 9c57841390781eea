//! The lab: scenarios with real daemons on machines made of namespaces, ours beside Debian's keepalived.
//!
//! Needs root, iproute2, tshark and Debian's keepalived 2.2.7. `KEEPALIVED_RS` names another program to test than the
//! one that cargo built. Most scenarios only wait: run them with more threads than there are cores
//! (`--test-threads 8`).

mod bfd;
mod causes;
mod checks;
mod clients;
mod contest;
mod core;
mod election;
mod firewall;
mod frr;
mod hostile;
mod inside;
mod links;
mod mails;
mod network;
mod process;
mod reload;
#[allow(dead_code, reason = "the example and the benchmark use the rest")]
mod rig;
mod routing;
mod scene;
mod scripts;
mod seeds;
mod signed;
mod steady;
mod vmac;
mod watch;

use std::path::PathBuf;

/// Makes tests of scenarios.
macro_rules! tests {
    ($($scenario:ident)*) => {
        mod tests {
            $(#[test]
            fn $scenario() {
                $crate::steady::steadily(super::$scenario);
            })*
        }
    };
}
use tests;

/// Makes tests of scenarios that take a name and a pair of programs: each with every pair.
macro_rules! pairs {
    ($($scenario:ident)*) => {
        $(mod $scenario {
            use $crate::scene::{OURS, OURS_FIRST, OURS_SECOND};
            use $crate::steady::steadily;

            #[test]
            fn ours_with_ours() {
                steadily(|| super::$scenario(concat!(stringify!($scenario), "-ours_with_ours"), OURS));
            }

            #[test]
            fn ours_with_keepalived() {
                steadily(|| super::$scenario(concat!(stringify!($scenario), "-ours_with_keepalived"), OURS_FIRST));
            }

            #[test]
            fn keepalived_with_ours() {
                steadily(|| super::$scenario(concat!(stringify!($scenario), "-keepalived_with_ours"), OURS_SECOND));
            }
        })*
    };
}
use pairs;

/// The program under test.
fn ours() -> PathBuf {
    std::env::var_os("KEEPALIVED_RS").map_or_else(|| env!("CARGO_BIN_EXE_keepalived-rs").into(), PathBuf::from)
}

/// Whether keepalived itself stands in for the program under test, to try the scenarios.
fn is_stand_in() -> bool {
    ours().file_name().is_some_and(|name| name == "keepalived")
}
