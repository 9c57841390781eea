//! Where the pid files are.

use std::path::{Path, PathBuf};

use crate::cli::{self, Options};
use crate::model::Global;
use crate::model::frame::Role;
use crate::model::settings::ReloadRules;

#[cfg(test)]
mod tests;

/// The folder of run-time files.
const RUN: &str = "/run";

/// The folder of pid files of a daemon with an instance name or a network namespace.
pub(super) const PID_DIR: &str = "/run/keepalived";

/// The pid files of one daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Paths {
    /// The parent's
    pub(super) parent: PathBuf,
    /// Where the control socket is, unless the configuration says otherwise
    pub(super) socket: PathBuf,
    vrrp: PathBuf,
    check: PathBuf,
    bfd: PathBuf,
    /// Where `reload_file` without a path is
    reload_marker: PathBuf,
    /// Whether [`PID_DIR`] is used, and has to be made
    pub(super) needs_folder: bool,
}

impl Paths {
    /// By command line and configuration, for a daemon in `namespace`. A relative path is one of the folder that we are
    /// in now, and stays so in the background.
    pub(super) fn new(options: &Options, global: &Global, namespace: Option<&str>) -> Self {
        let needs_folder = global.use_pid_dir || global.instance.is_some() || namespace.is_some();
        let folder = Path::new(if needs_folder { PID_DIR } else { RUN });
        let suffix = global.instance.as_ref().map_or_else(String::new, |name| format!("_{name}"));
        let choose = |asked: &Option<PathBuf>, name: &str| {
            let path = asked.clone().unwrap_or_else(|| folder.join(format!("{name}{suffix}.pid")));
            // Only an empty path cannot be made absolute, and no file is made by that.
            std::path::absolute(&path).unwrap_or(path)
        };
        let parent = choose(&options.pid_file, "keepalived");
        Paths {
            socket: cli::ask::beside(&parent),
            parent,
            vrrp: choose(&options.vrrp_pid_file, "vrrp"),
            check: choose(&options.checkers_pid_file, "checkers"),
            bfd: choose(&options.bfd_pid_file, "bfd"),
            reload_marker: folder.join(format!("keepalived{suffix}.reload")),
            needs_folder,
        }
    }

    /// The file that is there while a new configuration is read (`reload_file`), if one is configured.
    pub(super) fn reload_marker(&self, rules: &ReloadRules) -> Option<PathBuf> {
        let path = rules.marker.as_ref()?;
        Some(path.clone().unwrap_or_else(|| self.reload_marker.clone()))
    }

    /// A child's.
    pub(super) fn of(&self, role: Role) -> &Path {
        match role {
            Role::Check => &self.check,
            Role::Vrrp => &self.vrrp,
            Role::Bfd => &self.bfd,
        }
    }
}

/// What stands for [`PID_DIR`] on the host while a daemon runs in `namespace`.
pub(super) fn namespace_folder(namespace: &str) -> PathBuf {
    Path::new(PID_DIR).join(namespace)
}
