//! What we say we are.

use std::fmt;

/// The release of keepalived whose behaviour we offer.
pub const COMPATIBLE: &str = "2.4.3";

/// Our own version.
pub const OWN: &str = env!("CARGO_PKG_VERSION");

/// The daemon in the words that keepalived's log lines use.
pub const RELEASE: Release = Release;

/// Shows as `Keepalived v2.4.3 (keepalived-rs 0.1.0)`.
#[derive(Clone, Copy, Debug)]
pub struct Release;

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keepalived v{COMPATIBLE} (keepalived-rs {OWN})")
    }
}
