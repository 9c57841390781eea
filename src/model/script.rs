//! Commands that the daemon runs for the user.

use std::ffi::OsString;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A command with its arguments and the identity it runs under. Never run through a shell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// Program (resolved to a path) and arguments; never empty. Bytes as configured.
    pub argv: Vec<OsString>,
    /// User id
    pub uid: u32,
    /// Group id
    pub gid: u32,
}

impl fmt::Display for Script {
    /// Every word in single quotes, as in keepalived's dumps.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.argv.iter().enumerate() {
            let blank = if index == 0 { "" } else { " " };
            write!(f, "{blank}'{}'", word.to_string_lossy())?;
        }
        Ok(())
    }
}
