//! Commands that the daemon runs for the user.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::readable;

/// A command with its arguments and the identity it runs under. Never run through a shell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// Program (resolved to a path) and arguments; never empty. Bytes as configured.
    #[serde(serialize_with = "readable::words")]
    pub argv: Vec<OsString>,
    /// The file that is run, if that is not the one that the first word names: what its symbolic links led to when the
    /// configuration was read
    #[serde(with = "readable::optional_path")]
    pub program: Option<PathBuf>,
    /// User id
    pub uid: u32,
    /// Group id
    pub gid: u32,
    /// With the further groups of the user
    pub further_groups: bool,
}

impl Script {
    /// As dumps show it: `PROGRAM, params = 'WORD' ...` or `'WORD' ...`.
    pub fn with_program(&self) -> impl fmt::Display {
        match &self.program {
            Some(program) => format!("{}, params = {self}", program.display()),
            None => self.to_string(),
        }
    }
}

impl fmt::Display for Script {
    /// Every word in single quotes, as in keepalived's dumps, so that a shell would read it back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.argv.iter().enumerate() {
            let blank = if index == 0 { "" } else { " " };
            write!(f, "{blank}'{}'", word.to_string_lossy().replace('\'', r"'\''"))?;
        }
        Ok(())
    }
}
