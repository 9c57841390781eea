//! Notifications: what managers are told of what has happened.

use std::net::IpAddr;

use super::names::{ROUTER_ID, TRAP, keepalived, mib2};
use super::objects::{address, address_type, family_number, integer, text, truth, unsigned};
use crate::model::check::{Protocol, Service};
use crate::model::trap::{ServiceNow, Trap};
use crate::wire::agentx::{Bind, Value};

/// The values of a notification.
struct Binds(Vec<Bind>);

impl Binds {
    fn of(notification: &[u32]) -> Self {
        Binds(vec![Bind { name: TRAP.into(), value: Value::Name(notification.into()) }])
    }

    /// A value of the object with these parts.
    fn with(mut self, name: &[u32], value: impl Into<Option<Value>>) -> Self {
        self.0.extend(value.into().map(|value| Bind { name: name.into(), value }));
        self
    }

    /// The last one of KEEPALIVED-MIB's.
    fn of_router(self, router_id: &str) -> Vec<Bind> {
        self.with(ROUTER_ID, text(router_id)).0
    }
}

/// The values of a notification, in the order in which keepalived has them. Its own ones name columns without a row.
pub fn binds(trap: &Trap, router_id: &str) -> Vec<Bind> {
    match trap {
        Trap::Instance { name, state, initial } => Binds::of(keepalived![2, 10, 0, 2])
            .with(keepalived![2, 3, 1, 2], text(name))
            .with(keepalived![2, 3, 1, 4], integer(*state))
            .with(keepalived![2, 3, 1, 5], integer(initial.number()))
            .of_router(router_id),
        Trap::Group { name, state } => Binds::of(keepalived![2, 10, 0, 1])
            .with(keepalived![2, 1, 1, 2], text(name))
            .with(keepalived![2, 1, 1, 3], integer(*state))
            .of_router(router_id),
        Trap::NewMaster2 { interface, vrid, source } => {
            Binds::of(mib2![68, 0, 1])
                .with(mib2![68, 1, 3, 1, 7, *interface, u32::from(*vrid)], Value::IpAddress(*source))
                .0
        }
        Trap::NewMaster3 { interface, vrid, source, reason } => {
            let family = family_number(source.is_ipv6()).cast_unsigned();
            let vrid = u32::from(*vrid);
            Binds::of(mib2![207, 0, 1])
                .with(mib2![207, 1, 1, 1, 1, 3, *interface, vrid, family], address(*source))
                .with(mib2![207, 1, 2, 5, 1, 2, *interface, vrid, family], integer(*reason as u8))
                .0
        }
        Trap::AuthFailure { interface, vrid, source, error } => {
            Binds::of(mib2![68, 0, 2])
                .with(mib2![68, 1, 5, *interface, u32::from(*vrid)], Value::IpAddress(*source))
                .with(mib2![68, 1, 6, *interface, u32::from(*vrid)], integer(*error as u8))
                .0
        }
        Trap::ProtocolError { interface, vrid, family, error } => {
            let family = family_number(*family == crate::model::Family::V6).cast_unsigned();
            let name = mib2![207, 1, 2, 5, 1, 6, *interface, u32::from(*vrid), family];
            Binds::of(mib2![207, 0, 2]).with(name, integer(*error as u8)).0
        }
        Trap::Server { ip, port, alive, of } => {
            let binds = Binds::of(keepalived![3, 5, 0, 1])
                .with(keepalived![3, 4, 1, 3], address_type(*ip))
                .with(keepalived![3, 4, 1, 4], address(*ip))
                .with(keepalived![3, 4, 1, 5], unsigned(*port))
                .with(keepalived![3, 4, 1, 6], truth(*alive));
            counts(service(binds, of), of).of_router(router_id)
        }
        Trap::Quorum { quorum, status, of } => {
            let binds = service(Binds::of(keepalived![3, 5, 0, 2]), of)
                .with(keepalived![3, 3, 1, 23], integer(*status as u8))
                .with(keepalived![3, 3, 1, 22], unsigned(*quorum));
            counts(binds, of).of_router(router_id)
        }
    }
}

/// Which virtual server it is.
fn service(binds: Binds, of: &ServiceNow) -> Binds {
    let binds = match &of.service {
        Service::Mark(mark) => {
            binds.with(keepalived![3, 3, 1, 2], integer(1)).with(keepalived![3, 3, 1, 4], unsigned(*mark))
        }
        Service::Address { ip, port } => at(binds.with(keepalived![3, 3, 1, 2], integer(2)), *ip, *port),
        Service::Group { name, .. } => {
            binds.with(keepalived![3, 3, 1, 2], integer(3)).with(keepalived![3, 3, 1, 3], text(name))
        }
    };
    binds.with(keepalived![3, 3, 1, 8], truth(of.protocol == Some(Protocol::Tcp)))
}

fn at(binds: Binds, ip: IpAddr, port: u16) -> Binds {
    binds
        .with(keepalived![3, 3, 1, 5], address_type(ip))
        .with(keepalived![3, 3, 1, 6], address(ip))
        .with(keepalived![3, 3, 1, 7], unsigned(port))
}

/// How many of its servers are up, and how many there are.
fn counts(binds: Binds, of: &ServiceNow) -> Binds {
    binds.with(keepalived![3, 3, 1, 21], unsigned(of.up)).with(keepalived![3, 3, 1, 20], unsigned(of.all))
}

#[cfg(test)]
mod tests;
