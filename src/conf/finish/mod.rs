//! Raw values into a finished configuration: defaults, and the rules that compare settings with each other.
//!
//! One function per rule, in keepalived's order where the order shows. It reads no text; it asks the machine about
//! scripts only. What comes out cannot hold a bad value.

mod advert;
mod auth;
mod bfd;
mod checker;
mod global;
mod group;
mod instance;
mod own_link;
mod ports;
mod router;
mod script;
mod server_group;
mod service;
mod tracking;

use std::net::IpAddr;

use super::Refusal;
use super::diagnostic::{Code, Diagnostic, Severity, Weight};
use super::reader::Reader;
use crate::model::config::VrrpConfig;
use crate::model::macvlan::Linkbeat;
use crate::model::settings::GarpExtra;
use crate::model::{Address, BfdConfig, CheckConfig, Global, IfName, Instance};

use super::raw::{RawAddress, RawInstance};

/// Settings of the whole, with the scripts that the parent runs.
pub fn core(reader: &mut Reader) -> Global {
    global::finish(reader)
}

/// What only is settled when all processes have read their blocks: named pipes, and how scripts are run.
pub fn shared(reader: &mut Reader, global: &mut Global) {
    global.fifos = global::fifos(reader);
    global.scripts = global::scripts(reader);
}

/// The part of the `check` process.
pub fn check(reader: &mut Reader, global: &Global) -> CheckConfig {
    let config = service::finish(reader, global);
    let track_files = reader.raw.files.iter().filter_map(tracking::file).collect();
    CheckConfig { track_files, ..config }
}

/// The part of the `bfd` process.
pub fn bfd(reader: &mut Reader) -> BfdConfig {
    bfd::finish(reader)
}

/// The part of the `vrrp` process, and why it must not run with it.
pub fn vrrp(reader: &mut Reader) -> (VrrpConfig, Option<Refusal>) {
    if reader.raw.missing_interface {
        let reason = "Non-existent interface specified in configuration";
        reader.complain(
            Diagnostic::error(Code::Interface, reason)
                .title("an interface that this configuration needs does not exist")
                .effect("the daemon does not start with this configuration")
                .weighing(Weight::Fatal),
        );
        return (VrrpConfig::default(), Some(Refusal::config(reason)));
    }
    let scripts = script::check_instances(reader);
    let raw = std::mem::take(&mut reader.raw.instances);
    let paces = router::garp_paces(&reader.raw);
    // Without these nothing else is looked at.
    if let Some(refusal) = raw.iter().find_map(|one| instance::least(reader, one).err()) {
        reader.raw.instances = raw;
        return (VrrpConfig::default(), Some(refusal));
    }
    let membership = group::membership(reader, &raw);
    let mut instances = match finish_instances(reader, &raw, &membership) {
        Ok(instances) => instances,
        Err(refusal) => {
            reader.raw.instances = raw;
            return (VrrpConfig::default(), Some(refusal));
        }
    };
    let groups = group::finish(reader, membership, &mut instances);
    let track_groups = group::track_groups(reader, &instances);
    let sync_daemon = global::sync_daemon(reader, &instances);
    let global = &reader.raw.global;
    let settings = &reader.raw.settings.vrrp;
    let statics = reader.raw.static_addresses.iter();
    let mut config = VrrpConfig {
        // Core says which: the command line has a say in it.
        traps: Default::default(),
        track_groups,
        scripts,
        files: reader.raw.files.iter().filter_map(tracking::file).collect(),
        processes: reader.raw.processes.iter().map(tracking::process).collect(),
        interface_delays: reader.raw.interface_delays.clone(),
        linkbeats: linkbeats(reader, &instances),
        static_addresses: statics.filter_map(|it| address(it, None)).collect(),
        static_routes: reader.raw.routing.static_routes.clone(),
        static_rules: reader.raw.routing.static_rules.clone(),
        instances,
        groups,
        garp_paces: paces,
        firewall: reader.raw.settings.firewall.clone(),
        startup_delay: global.startup_delay,
        delay_after_boot: global.delay_after_boot,
        group4: match global.group4 {
            Some(IpAddr::V4(group)) => Some(group),
            Some(IpAddr::V6(_)) | None => None,
        },
        log_unknown_vrids: global.log_unknown_vrids,
        notify_priority_changes: reader.raw.settings.vrrp.notify_priority_changes,
        states_on_reload: reader.raw.settings.fifos.states_on_reload,
        dynamic_interfaces: global.dynamic_interfaces,
        receive_buffers: global::receive_buffers(&reader.raw.settings.vrrp),
        disable_local_igmp: reader.raw.settings.vrrp.disable_local_igmp,
        own_link_prefixes: (settings.vmac_prefix.clone(), settings.vmac_addr_prefix.clone()),
        garp_extra: settings.garp_extra.map(|extra| GarpExtra { all: settings.garp_extra_all, ..extra }),
        sync_daemon,
        mails: global::mails(reader),
    };
    reader.raw.instances = raw;
    tracking::debounce(reader, &mut config);
    (config, None)
}

/// The polled links: those of `linkbeat_interfaces`, and those of instances with `linkbeat_use_polling`.
fn linkbeats(reader: &Reader, instances: &[Instance]) -> Vec<(IfName, Linkbeat)> {
    let mut polled = reader.raw.linkbeats.clone();
    let everywhere = reader.raw.settings.vrrp.linkbeat_use_polling;
    let namespace = reader.raw.global.net_namespace.as_deref();
    for instance in instances.iter().filter(|it| it.own_link.is_none()) {
        let asked = everywhere || instance.extras.linkbeat_use_polling;
        if let Some(interface) = instance.interface.as_ref().filter(|_| asked)
            && !polled.iter().any(|(name, _)| name == interface)
            && reader.env.stacked(namespace, interface.as_str()).is_none()
        {
            polled.push((interface.clone(), Linkbeat::Any));
        }
    }
    polled.into_iter().collect()
}

/// All instances; the first that cannot be run ends it.
fn finish_instances(
    reader: &mut Reader,
    raw: &[RawInstance],
    membership: &group::Membership,
) -> Result<Vec<Instance>, Refusal> {
    let mut instances = Vec::new();
    for one in raw {
        let mut instance = instance::finish(reader, one, membership.unweighted(&one.name))?;
        own_link::said_twice(reader, one, &instance);
        let routing = &reader.raw.routing;
        instance.routes = of_instance(&routing.routes, &one.name);
        instance.rules = of_instance(&routing.rules, &one.name);
        instances.push(instance);
    }
    match router::duplicates(reader, raw, &instances) {
        Some(refusal) => Err(refusal),
        None => {
            own_link::conflicts(reader, raw, &mut instances, |a, b| membership.together(a, b));
            Ok(instances)
        }
    }
}

/// What the blocks of one instance wrote.
fn of_instance<T: Clone>(all: &[(String, T)], name: &str) -> Vec<T> {
    all.iter().filter(|(instance, _)| instance == name).map(|(_, item)| item.clone()).collect()
}

/// An address with the interface of its line, else the given one; `None` without any.
fn address(raw: &RawAddress, interface: Option<&IfName>) -> Option<Address> {
    Some(Address {
        ip: raw.ip,
        prefix_len: raw.prefix_len,
        interface: raw.interface.as_ref().or(interface)?.clone(),
        scope: raw.scope,
        broadcast: raw.broadcast,
        label: raw.label.clone(),
        peer: raw.peer,
        flags: raw.flags,
        preferred: raw.preferred,
        tracked: raw.tracked,
        use_vmac: raw.use_vmac,
        track_group: raw.track_group.clone(),
    })
}

/// A complaint about something that was changed to make it work.
fn changed(code: Code, text: String) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(code, text);
    diagnostic.severity = Severity::Warning;
    diagnostic
}
