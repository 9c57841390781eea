//! Ports of services and of their servers: behind direct routing and tunnels packets keep theirs.

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::hash::Set;
use crate::conf::place::Place;
use crate::conf::raw::service::{Method, RawForwarding, RawService, ServiceTarget};
use crate::conf::reader::Reader;

use super::changed;
use super::server_group::Contents;

/// Whether the ports of both sides may differ.
fn translates(forwarding: RawForwarding) -> bool {
    forwarding.method == Some(Method::Nat)
}

/// Compares ports, and corrects those of servers; a group has ports of its own, and nothing is corrected.
pub(super) fn settle(reader: &mut Reader, service: &mut RawService, group: Option<&Contents>) {
    match group {
        Some(group) => compare_group(reader, service, group),
        None => correct(reader, service),
    }
}

fn ignored(reader: &mut Reader, place: Place, text: String) {
    reader.complain(changed(Code::Service, text).at(place).effect("packets go to the port of the service"));
}

fn compare_group(reader: &mut Reader, service: &RawService, group: &Contents) {
    let name = service.name();
    let servers = service.servers.iter().filter(|it| it.port != 0 && !translates(it.forwarding));
    let sorry = service.sorry.as_ref().filter(|it| it.port != 0 && !translates(it.forwarding));
    if group.marks {
        for server in servers.clone() {
            let shown = service.server_name(server.ip, server.port);
            let text = format!(
                "WARNING - fwmark virtual server {name}, real server {shown} has port specified - port will be ignored"
            );
            ignored(reader, server.place, text);
        }
        if let Some(sorry) = sorry {
            let text = format!(
                "WARNING - fwmark virtual server {name}, sorry server has port specified - port will be ignored"
            );
            ignored(reader, sorry.place, text);
        }
    }
    let wanted: Set<u16> = servers.clone().map(|it| it.port).collect();
    for (entry, port) in &group.ranges {
        // Where all agree nobody is looked at one by one: there may be many of both.
        let others = wanted.iter().any(|wanted| wanted != port);
        for server in servers.clone().filter(|it| others && it.port != *port) {
            let shown = service.server_name(server.ip, server.port);
            let text = format!("virtual server {name}:[{entry}] and real server {shown} ports don't match");
            ignored(reader, server.place, text);
        }
        if let Some(sorry) = sorry.filter(|it| it.port != *port) {
            let text =
                format!("WARNING - virtual server {name}, sorry server has port specified - port will be ignored");
            ignored(reader, sorry.place, text);
        }
    }
}

/// What a port is replaced by.
fn replaced(reader: &mut Reader, place: Place, text: String, port: u16) {
    let effect = match port {
        0 => "packets keep their port".to_string(),
        port => format!("packets go to port {port}"),
    };
    let diagnostic: Diagnostic = changed(Code::Service, text).at(place).effect(effect);
    reader.complain(diagnostic.help("only lvs_method NAT changes ports"));
}

fn correct(reader: &mut Reader, service: &mut RawService) {
    let name = service.name();
    let marked = service.is_mark();
    let port = match service.target {
        ServiceTarget::Address(_, port) => port,
        _ => 0,
    };
    let mut servers = std::mem::take(&mut service.servers);
    for server in &mut servers {
        let shown = service.server_name(server.ip, server.port);
        let differs = server.port != 0 && server.port != port;
        if server.port != 0 && (translates(server.forwarding) || !differs) {
            continue;
        }
        if differs {
            let text = match marked {
                true => {
                    format!("WARNING - fwmark virtual server {name}, real server {shown} has port specified - clearing")
                }
                false => {
                    format!("WARNING - virtual server {name} and real server {shown} ports don't match - resetting")
                }
            };
            replaced(reader, server.place, text, port);
        }
        server.port = port;
    }
    service.servers = servers;
    let Some(sorry) = service.sorry.as_mut().filter(|it| !translates(it.forwarding)) else {
        return;
    };
    if sorry.port != 0 && sorry.port != port {
        let text = match marked {
            true => format!("WARNING - virtual server {name}, sorry server has port specified - clearing"),
            false => format!("WARNING - virtual server {name} and sorry server ports don't match - resetting"),
        };
        replaced(reader, sorry.place, text, port);
    }
    sorry.port = port;
}
