//! The kernel's settings of interfaces, under `/proc/sys/net`.
//!
//! Holds reading and writing of `net.FAMILY.conf.INTERFACE.KEY` in the network namespace of the thread. Never decides
//! what a value should be, and remembers none. Called by the drivers.

use std::io;

use crate::model::Family;

/// What a setting says; `None` if there is no such interface or setting, or if it is no number.
pub fn read(interface: &str, family: Family, key: &str) -> Option<u32> {
    std::fs::read_to_string(file(interface, family, key)).ok()?.trim().parse().ok()
}

/// Changes a setting.
///
/// # Errors
/// What the system says: no such interface or setting, or `/proc/sys` cannot be written.
pub fn write(interface: &str, family: Family, key: &str, value: u32) -> io::Result<()> {
    // Without O_CREAT: a file that is not there is no setting.
    let mut file = std::fs::OpenOptions::new().write(true).open(file(interface, family, key))?;
    io::Write::write_all(&mut file, value.to_string().as_bytes())
}

fn file(interface: &str, family: Family, key: &str) -> String {
    let family = match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    };
    format!("/proc/sys/net/{family}/conf/{interface}/{key}")
}
