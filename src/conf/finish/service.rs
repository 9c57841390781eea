//! Virtual servers: what each must have, and what it gets if it does not say.

use super::changed;
use crate::conf::diagnostic::Code;
use crate::conf::raw::ServiceTarget;
use crate::conf::reader::Reader;

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
