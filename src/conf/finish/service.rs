//! Virtual servers: what each must have, and what it gets if it does not say.

use super::changed;
use crate::conf::diagnostic::Code;
use crate::conf::raw::{RawService, ServiceTarget};
use crate::conf::reader::Reader;
use crate::model::check::{Forwarding, Protocol, SchedulerFlags, Service, VirtualServer};
use crate::model::{Family, Micros};

/// Gives each virtual server protocol, scheduler and forwarding method, with a complaint where they are missing.
pub(super) fn complete(reader: &mut Reader) {
    let mut services = std::mem::take(&mut reader.raw.services);
    for service in &mut services {
        let place = service.place;
        let mut complain = |text: String| reader.complain(changed(Code::Service, text).at(place));
        let by_address = matches!(service.target, ServiceTarget::Address(..));
        if by_address && service.protocol.is_none() {
            complain(format!("Virtual server {}: no protocol set - defaulting to UDP", service.name()));
            service.protocol = Some("udp");
        }
        if !service.scheduler {
            complain(format!("Virtual server {}: no scheduler set, setting default 'wlc'", service.name()));
        }
        if !service.method {
            complain(format!("Virtual server {}: no forwarding method set, setting default NAT", service.name()));
        }
    }
    reader.raw.services = services;
}

/// The finished virtual server.
pub(super) fn finish(raw: &RawService) -> VirtualServer {
    let (service, family) = match &raw.target {
        ServiceTarget::Address(ip, port) => (Service::Address { ip: *ip, port: *port }, Some(Family::of(ip))),
        ServiceTarget::Mark(mark) => (Service::Mark(*mark), None),
        ServiceTarget::Group(name) => (Service::Group { name: name.clone(), index: 0 }, None),
    };
    VirtualServer {
        service,
        family,
        protocol: match raw.protocol {
            Some("tcp") => Some(Protocol::Tcp),
            Some("sctp") => Some(Protocol::Sctp),
            Some(_) => Some(Protocol::Udp),
            None => None,
        },
        scheduler: "wlc".into(),
        flags: SchedulerFlags::default(),
        hashed: false,
        one_packet: false,
        persistence: None,
        forwarding: Forwarding::Nat,
        delay_loop: Micros::from_secs(60),
        connect_timeout: Micros::from_secs(5),
        retry: None,
        delay_before_retry: None,
        warmup: None,
        weight: 1,
        inhibit_on_failure: false,
        ha_suspend: false,
        alpha: false,
        omega: false,
        quorum: 1,
        hysteresis: 0,
        quorum_up: None,
        quorum_down: None,
        smtp_alert: false,
        virtualhost: None,
        snmp_name: None,
        sorry_server: None,
        real_servers: Vec::new(),
    }
}
