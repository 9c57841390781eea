//! Raw values into a finished configuration: defaults, and the rules that compare settings with each other.
//!
//! One function per rule, in keepalived's order where the order shows. It reads no text; it asks the machine about
//! scripts only. What comes out cannot hold a bad value.

mod advert;
mod checker;
mod global;
mod group;
mod instance;
mod ports;
mod router;
mod script;
mod server_group;
mod service;

use super::Refusal;
use super::diagnostic::{Code, Diagnostic, Severity, Weight};
use super::reader::Reader;
use crate::model::config::VrrpConfig;
use crate::model::{Address, CheckConfig, Global, IfName};

use super::raw::RawAddress;

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
    service::finish(reader, global)
}

/// The part of the `vrrp` process, and why it must not run with it.
pub fn vrrp(reader: &mut Reader) -> (VrrpConfig, Option<Refusal>) {
    let mut refusals = Vec::new();
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
    script::check_instances(reader);
    let raw = std::mem::take(&mut reader.raw.instances);
    let paces = router::garp_paces(&reader.raw);
    let membership = group::membership(reader, &raw);
    let mut instances = Vec::new();
    for one in &raw {
        let weighted = membership.weighted(&one.name);
        match instance::finish(reader, one, weighted) {
            Ok(mut instance) => {
                let routing = &reader.raw.routing;
                instance.routes = of_instance(&routing.routes, &one.name);
                instance.rules = of_instance(&routing.rules, &one.name);
                instances.push(instance);
            }
            Err(refusal) => refusals.push(refusal),
        }
    }
    refusals.extend(router::duplicates(reader, &raw, &instances));
    let groups = group::finish(reader, membership, &mut instances);
    let global = &reader.raw.global;
    let statics = reader.raw.static_addresses.iter();
    let config = VrrpConfig {
        static_addresses: statics.filter_map(|it| address(it, None)).collect(),
        static_routes: reader.raw.routing.static_routes.clone(),
        static_rules: reader.raw.routing.static_rules.clone(),
        instances,
        groups,
        garp_paces: paces,
        startup_delay: global.startup_delay,
        delay_after_boot: global.delay_after_boot,
        log_unknown_vrids: global.log_unknown_vrids,
        dynamic_interfaces: global.dynamic_interfaces,
        ..VrrpConfig::default()
    };
    reader.raw.instances = raw;
    (config, refusals.into_iter().next())
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
