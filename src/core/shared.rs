//! What every process is told beside its own part of the configuration.

use super::start;
use crate::cli::Options;
use crate::model::Config;
use crate::model::frame::Shared;
use crate::os::host;

/// By the configuration, the command line, the namespace that the daemon is in, and the host.
pub(super) fn of(options: &Options, namespace: Option<&str>, config: &Config) -> Shared {
    let mut global = config.global.clone();
    global.net_namespace = namespace.map(str::to_owned).or(global.net_namespace);
    let mail = &global.mail;
    let is_named = global.router_id.is_some() && mail.helo.is_some() && mail.from.is_some();
    // To look the domain up may take its time, and only mails have it.
    let host_name = if mail.server.is_some() && !is_named { host::full_name() } else { host::name() };
    Shared {
        umask: start::umask_for(options, global.umask),
        global,
        bfd: config.bfd.clone(),
        dynamic_interfaces: config.vrrp.dynamic_interfaces,
        startup_delay: config.vrrp.startup_delay,
        log_unknown_vrids: config.vrrp.log_unknown_vrids,
        host_name,
        user_name: host::user(),
    }
}
