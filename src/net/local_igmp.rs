//! `net.ipv4.igmp_link_local_mcast_reports`: whether the kernel reports memberships in 224.0.0.x, VRRP's group among them.
//!
//! Holds the value that the system had, and gives it back. Called by the `vrrp` driver when the engine says so.

use std::io;

const FILE: &str = "/proc/sys/net/ipv4/igmp_link_local_mcast_reports";

/// The setting of the network namespace of the calling thread.
#[derive(Debug, Default)]
pub struct LocalIgmp {
    before: Option<Vec<u8>>,
}

impl LocalIgmp {
    /// Turns reports off, or makes the setting what it was before.
    ///
    /// # Errors
    /// Those of the file.
    pub fn report(&mut self, on: bool) -> io::Result<()> {
        match (on, self.before.take()) {
            (false, None) => {
                let before = std::fs::read(FILE)?;
                std::fs::write(FILE, b"0\n")?;
                self.before = Some(before);
                Ok(())
            }
            (false, kept) => {
                self.before = kept;
                Ok(())
            }
            (true, Some(before)) => std::fs::write(FILE, before),
            (true, None) => Ok(()),
        }
    }
}
