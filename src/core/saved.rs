//! Copies of the configurations that were read (`config_save_dir`): `keepalived.conf.PID.0` and so on.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use tracing::info;

use crate::os::new_file;

#[cfg(test)]
mod tests;

/// What may be done with a copy, less the umask.
const FILE_MODE: u32 = 0o666;

/// What may be done with a folder that is made for them, whatever the umask: without the right to search it would be none.
const FOLDER_MODE: u32 = 0o700;

/// How many there are.
#[derive(Debug, Default)]
pub(super) struct Saved(u32);

impl Saved {
    /// Saves one more.
    pub(super) fn add(&mut self, folder: &Path, text: &str, umask: u32) {
        let file = folder.join(format!("keepalived.conf.{}.{}", std::process::id(), self.0));
        self.0 += 1;
        let written = make(folder).and_then(|()| new_file::write(&file, FILE_MODE & !umask, text.as_bytes()));
        if let Err(error) = written {
            info!("Failed to open config_save file {}: {error}", file.display());
        }
    }
}

/// Makes the folder, not those above it, unless it is there.
fn make(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(FOLDER_MODE).create(folder) {
        Ok(()) => fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
