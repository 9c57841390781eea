//! What the machine says of itself.

use std::fs;

/// Kernel name, release and build, as `uname -srv` prints them; empty words where /proc is missing.
pub fn kernel() -> String {
    let read = |name: &str| {
        fs::read_to_string(format!("/proc/sys/kernel/{name}"))
            .map(|text| text.trim_end().to_owned())
            .unwrap_or_default()
    };
    format!("{} {} {}", read("ostype"), read("osrelease"), read("version"))
}

/// `PRETTY_NAME` of os-release(5), where there is one.
pub fn distribution() -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").or_else(|_| fs::read_to_string("/usr/lib/os-release")).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim_matches(['"', '\'']).to_owned())
}
