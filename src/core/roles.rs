//! What the children are called, in the words of keepalived's log lines and on our own command line.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::model::frame::Role;
use crate::model::global::ProcessNames;
use crate::os::process;
use crate::report::fifo;

#[cfg(test)]
mod tests;

/// The hidden option in front of a role's name.
pub(super) const OPTION: &str = "--role";

/// The hidden option by which a child, too, ignores SIGINT.
pub(super) const IGNORE_INTERRUPT: &str = "--ignore-sigint";

/// The children in the order in which they are started.
pub(super) const ALL: [Role; 3] = [Role::Check, Role::Vrrp, Role::Bfd];

/// The names of one child.
pub(super) struct Words {
    /// After [`OPTION`]
    pub(super) argument: &'static str,
    /// As in `Starting VRRP child process`
    pub(super) process: &'static str,
    /// As in `vrrp process failed to die`
    pub(super) short: &'static str,
    /// Syslog ident
    pub(super) ident: &'static str,
    /// What its log file has behind its name
    pub(super) file: &'static str,
}

/// The syslog ident of the parent.
pub(super) const PARENT_IDENT: &str = "Keepalived";

pub(super) fn words(role: Role) -> Words {
    match role {
        Role::Check => {
            let ident = "Keepalived_healthcheckers";
            Words { argument: "check", process: "Healthcheck", short: "checker", ident, file: "check" }
        }
        Role::Vrrp => {
            let ident = "Keepalived_vrrp";
            Words { argument: "vrrp", process: "VRRP", short: "vrrp", ident, file: "vrrp" }
        }
        Role::Bfd => Words { argument: "bfd", process: "BFD", short: "bfd", ident: "Keepalived_bfd", file: "bfd" },
    }
}

/// The events that a child writes to pipes.
pub(super) fn events(role: Role) -> Option<fifo::Kind> {
    match role {
        Role::Check => Some(fifo::Kind::Lvs),
        Role::Vrrp => Some(fifo::Kind::Vrrp),
        Role::Bfd => None,
    }
}

/// The name that the system shows for a child.
pub(super) fn process_name(role: Role, names: &ProcessNames) -> String {
    let configured = match role {
        Role::Check => &names.check,
        Role::Vrrp => &names.vrrp,
        Role::Bfd => &names.bfd,
    };
    configured.clone().unwrap_or_else(|| process::NAME.to_owned())
}

/// An ident with what tells several daemons on a host apart, as in `Keepalived_vrrp_NAMESPACE_INSTANCE`.
pub(super) fn ident(base: &str, namespace: Option<&str>, instance: Option<&str>) -> String {
    let mut ident = base.to_owned();
    for part in [namespace, instance].into_iter().flatten() {
        ident.push('_');
        ident.push_str(part);
    }
    ident
}

/// The log file of a process: `named` with what tells processes and daemons apart in front of its extension, as in
/// `/var/log/keepalived_vrrp_NAMESPACE_INSTANCE.log`. A relative name is one in the folder of temporary files.
pub(super) fn log_file(
    named: &Path,
    process: Option<&str>,
    namespace: Option<&str>,
    instance: Option<&str>,
) -> PathBuf {
    let mut name = named.file_stem().map(OsStr::to_owned).unwrap_or_default();
    for part in [process, namespace, instance].into_iter().flatten() {
        name.push(OsString::from(format!("_{part}")));
    }
    if let Some(extension) = named.extension() {
        name.push(".");
        name.push(extension);
    }
    std::env::temp_dir().join(named.with_file_name(name))
}
