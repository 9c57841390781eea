//! What we say we are. Clients read the second word of the first line, less its first letter, as a version number and
//! switch features by it; deployment tools look for words in `Config options:`.

pub use crate::model::release::RELEASE;
use crate::model::release::{COMPATIBLE, OWN};
use crate::os::host;

/// Features that are there, in keepalived's words.
const FEATURES: &str = "VRRP VRRP_AUTH SYSTEMD_NOTIFY";

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
