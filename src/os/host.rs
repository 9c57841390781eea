//! What the machine says of itself.

use std::fs;
use std::sync::OnceLock;

use nix::unistd::{User, gethostname, getuid};

/// Kernel name, release and build, as `uname -srv` prints them; empty words where /proc is missing.
pub fn kernel() -> String {
    let read = |name: &str| {
        fs::read_to_string(format!("/proc/sys/kernel/{name}"))
            .map(|text| text.trim_end().to_owned())
            .unwrap_or_default()
    };
    format!("{} {} {}", read("ostype"), read("osrelease"), read("version"))
}

/// Name of the host; empty if it has none.
pub fn name() -> String {
    gethostname().unwrap_or_default().to_string_lossy().into_owned()
}

/// Name of the user that we run as, else the number. Looked up once.
pub fn user() -> String {
    static NAME: OnceLock<String> = OnceLock::new();
    let look = || {
        let uid = getuid();
        User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name)
    };
    NAME.get_or_init(look).clone()
}

/// `PRETTY_NAME` of os-release(5), where there is one.
pub fn distribution() -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").or_else(|_| fs::read_to_string("/usr/lib/os-release")).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim_matches(['"', '\'']).to_owned())
}
