//! What the children are called, in the words of keepalived's log lines and on our own command line.

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
pub(super) const ALL: [Role; 2] = [Role::Check, Role::Vrrp];

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
}

/// The syslog ident of the parent.
pub(super) const PARENT_IDENT: &str = "Keepalived";

pub(super) fn words(role: Role) -> Words {
    match role {
        Role::Check => {
            Words { argument: "check", process: "Healthcheck", short: "checker", ident: "Keepalived_healthcheckers" }
        }
        Role::Vrrp => Words { argument: "vrrp", process: "VRRP", short: "vrrp", ident: "Keepalived_vrrp" },
    }
}

/// The events that a child tells of.
pub(super) fn events(role: Role) -> fifo::Kind {
    match role {
        Role::Check => fifo::Kind::Lvs,
        Role::Vrrp => fifo::Kind::Vrrp,
    }
}

/// The name that the system shows for a child.
pub(super) fn process_name(role: Role, names: &ProcessNames) -> String {
    let configured = match role {
        Role::Check => &names.check,
        Role::Vrrp => &names.vrrp,
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
