//! What we say we are. Clients read the second word of the first line, less its first letter, as a version number and
//! switch features by it; deployment tools look for words in `Config options:`.

use crate::os::host;

/// The release of keepalived whose behaviour we offer.
const COMPATIBLE: &str = "2.4.3";

/// Our own version.
const OWN: &str = env!("CARGO_PKG_VERSION");

/// Features that are there, in keepalived's words.
const FEATURES: &str = "VRRP VRRP_AUTH SYSTEMD_NOTIFY";

/// The daemon in the words that keepalived's log lines use.
pub const RELEASE: Release = Release;

/// Shows as `Keepalived v2.4.3 (keepalived-rs 0.1.0)`.
#[derive(Clone, Copy, Debug)]
pub struct Release;

impl std::fmt::Display for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keepalived v{COMPATIBLE} (keepalived-rs {OWN})")
    }
}

/// The text of `--version`.
pub(super) fn text() -> String {
    let distribution = host::distribution().map_or_else(String::new, |name| format!("Distro: {name}\n"));
    format!(
        "{RELEASE}\n\
         \n\
         keepalived-rs {OWN}: behaves as keepalived {COMPATIBLE} does, rewritten in Rust. Licence: {}\n\
         \n\
         Running on {}\n\
         {distribution}\
         \n\
         configure options: \n\
         \n\
         Config options:  {FEATURES}\n\
         \n\
         System options:  \n",
        env!("CARGO_PKG_LICENSE"),
        host::kernel(),
    )
}
