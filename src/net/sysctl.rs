//! Settings of an interface under `/proc/sys/net` (Documentation/networking/ip-sysctl.rst of the kernel).
//!
//! Reads and writes, decides nothing, and remembers nothing: who changes a setting keeps what it was.

use std::{fs, io};

use crate::model::{Family, IfName};

/// The value of `net.FAMILY.conf.INTERFACE.KEY`, without the end of the line.
///
/// # Errors
/// That of the file; `NotFound` if the kernel has no such interface or setting.
pub fn read(interface: &IfName, family: Family, key: &str) -> io::Result<String> {
    fs::read_to_string(path(interface, family, key)).map(|value| value.trim_end().to_owned())
}

/// Sets `net.FAMILY.conf.INTERFACE.KEY`.
///
/// # Errors
/// That of the file; `NotFound` if the kernel has no such interface or setting.
pub fn write(interface: &IfName, family: Family, key: &str, value: &str) -> io::Result<()> {
    fs::write(path(interface, family, key), value)
}

fn path(interface: &IfName, family: Family, key: &str) -> String {
    let family = match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    };
    format!("/proc/sys/net/{family}/conf/{interface}/{key}")
}
