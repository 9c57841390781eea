//! Writes tracked files at the start of the daemon, where the configuration asks for it (`init_file`).
//!
//! Neither at a reload, nor when a child is started again, nor by a test of the configuration: what somebody has written
//! meanwhile stays.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;

use tracing::info;

use crate::model::Config;
use crate::model::tracker::InitFile;

/// Writes all files that are to be written.
pub(super) fn initialise(config: &Config) {
    let mut done: Vec<&Path> = Vec::new();
    for file in config.vrrp.files.iter().chain(&config.check.track_files) {
        let Some(init) = file.init.filter(|_| !done.contains(&file.file.as_path())) else {
            continue;
        };
        done.push(&file.file);
        if let Err(error) = write(&file.file, init) {
            info!("Unable to initialise track file {}: {error}", file.name);
        }
    }
}

/// Writes a file unless it is there and may not be written over. It appears with its content, or not at all.
fn write(path: &Path, init: InitFile) -> io::Result<()> {
    let target = match fs::canonicalize(path) {
        Ok(_) if !init.overwrite => return Ok(()),
        Ok(target) => target,
        Err(_) => path.to_owned(),
    };
    if fs::metadata(&target).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", process::id()));
    let draft: PathBuf = target.with_file_name(name);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&draft)
        .and_then(|mut file| writeln!(file, "{}", init.value))
        .and_then(|()| fs::rename(&draft, &target));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

#[cfg(test)]
mod tests;
