//! KEEPALIVED-MIB: addresses, of the static list and of virtual routers.

use crate::model::running::{Placed, Running};
use crate::model::{Address, VrrpConfig};
use crate::report::link_names::Names;

use super::links::Links;
use super::names::keepalived;
use super::objects::{Sheet, Value, address as octets, address_type, index, scope, text, truth, unsigned};

/// One address, and all that is known of it.
struct Line<'a> {
    address: &'a Address,
    /// The link that it is on
    link: &'a str,
    set: bool,
    advertised: bool,
}

pub(super) fn write(sheet: &mut Sheet, config: &VrrpConfig, names: &[Names<'_>], links: &Links<'_>, running: &Running) {
    let set = running.static_addresses.iter().copied().chain(std::iter::repeat(false));
    for (place, (address, set)) in config.static_addresses.iter().zip(set).enumerate() {
        let line = Line { address, link: address.interface.as_str(), set, advertised: false };
        write_line(sheet, links, &[0, index(place)], &line);
    }
    let routers = config.instances.iter().zip(names).zip(&running.routers);
    for (of, ((one, names), router)) in routers.enumerate() {
        let placed = router.addresses.iter().copied().chain(std::iter::repeat(Placed::default()));
        for (place, (address, placed)) in one.addresses().zip(placed).enumerate() {
            let advertised = place < one.vips.len();
            let line = Line { address, link: names.link_of(address), set: placed.set, advertised };
            write_line(sheet, links, &[index(of), index(place)], &line);
        }
    }
}

/// A row of vrrpAddressTable.
fn write_line(sheet: &mut Sheet, links: &Links<'_>, at: &[u32], line: &Line<'_>) {
    let Line { address, link, set, advertised } = *line;
    let mut row = sheet.row(keepalived![2, 6, 1], at);
    row.put(2, address_type(address.ip));
    row.put(3, octets(address.ip));
    if address.ip.is_ipv4() {
        row.put(4, octets(address.broadcast.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED).into()));
    }
    row.put(5, unsigned(address.prefix_len));
    row.put(6, scope(address.scope));
    row.put(7, Value::Integer(links.index(link).cast_signed()));
    row.put(8, text(link));
    row.put(9, address.label.as_ref().map(text));
    row.put(10, truth(set));
    row.put(11, truth(advertised));
    row.put(12, address.peer.map(octets));
}
