//! What a child did before and after a reload, as files (`config_save_dir`): `keepalived_vrrp.PID.1.pre` and `.post`.
//!
//! The drivers hand over the text of each configuration that comes into force.

use std::path::{Path, PathBuf};
use std::process;

use tracing::info;

use crate::model::frame::{Role, Shared};
use crate::os::new_file;

#[cfg(test)]
mod tests;

/// What may be done with the files, less the umask.
const MODE: u32 = 0o666;

/// The configuration in force, until another one comes.
#[derive(Debug)]
pub struct Saved {
    process: &'static str,
    reloads: u32,
    /// Where it is to be saved, and its text; `None` if it is not
    running: Option<(PathBuf, String)>,
}

impl Saved {
    /// The configuration of a start, which is not written until another one takes its place. `dump` is not called
    /// unless it is needed.
    pub fn begin(role: Role, shared: &Shared, dump: impl FnOnce() -> Vec<String>) -> Self {
        let process = match role {
            Role::Vrrp => "vrrp",
            Role::Check => "check",
            Role::Bfd => "bfd",
        };
        Saved { process, reloads: 0, running: text(shared, dump) }
    }

    /// Another configuration has come into force.
    pub fn replace(&mut self, shared: &Shared, dump: impl FnOnce() -> Vec<String>) {
        self.reloads += 1;
        let before = std::mem::replace(&mut self.running, text(shared, dump));
        for (state, suffix) in [(&before, "pre"), (&self.running, "post")] {
            if let Some((folder, text)) = state {
                self.write(folder, suffix, text, shared.umask);
            }
        }
    }

    fn write(&self, folder: &Path, suffix: &str, text: &str, umask: u32) {
        let name = format!("keepalived_{}.{}.{}.{suffix}", self.process, process::id(), self.reloads);
        let file = folder.join(name);
        if let Err(error) = new_file::write(&file, MODE & !umask, text.as_bytes()) {
            info!("Failed to open config_save file {}: {error}", file.display());
        }
    }
}

fn text(shared: &Shared, dump: impl FnOnce() -> Vec<String>) -> Option<(PathBuf, String)> {
    let folder = shared.global.files.config_save_dir.clone()?;
    Some((folder, dump().into_iter().map(|line| line + "\n").collect()))
}
