//! The kernel's table of neighbours: the link-layer address behind an address on a link.
//!
//! Asks for single entries and changes none. Called by the drivers.

use std::net::IpAddr;

use netlink_packet_core::NlasIterator;

use super::rtnetlink::Netlink;
use crate::wire::netlink;

// linux/rtnetlink.h
const RTM_NEWNEIGH: u16 = 28;
const RTM_GETNEIGH: u16 = 30;

// linux/neighbour.h
const NDA_DST: u16 = 1;
const NDA_LLADDR: u16 = 2;
const NEIGHBOUR_HEADER: usize = 12;

impl Netlink {
    /// The link-layer address of a neighbour on the interface with this index; `None` if the kernel knows none (kernels
    /// before 5.0 are not to be asked for one entry).
    pub fn neighbour(&mut self, index: u32, ip: IpAddr) -> Option<Vec<u8>> {
        let mut request = netlink::message(RTM_GETNEIGH, netlink::REQUEST | netlink::ACK, &question(index, ip));
        let mut found = None;
        let answered = self.transport.ask(&mut request, |kind, payload| {
            if kind == RTM_NEWNEIGH {
                found = address(payload);
            }
        });
        answered.ok().and(found)
    }
}

/// `struct ndmsg` and the address that is asked for.
fn question(index: u32, ip: IpAddr) -> Vec<u8> {
    let (family, octets) = match ip {
        IpAddr::V4(ip) => (nix::libc::AF_INET, ip.octets().to_vec()),
        IpAddr::V6(ip) => (nix::libc::AF_INET6, ip.octets().to_vec()),
    };
    let mut bytes = vec![0; NEIGHBOUR_HEADER];
    bytes[0] = family as u8;
    bytes[4..8].copy_from_slice(&index.to_ne_bytes());
    bytes.extend_from_slice(&((4 + octets.len()) as u16).to_ne_bytes());
    bytes.extend_from_slice(&NDA_DST.to_ne_bytes());
    bytes.extend_from_slice(&octets);
    bytes
}

fn address(payload: &[u8]) -> Option<Vec<u8>> {
    let attributes = NlasIterator::new(payload.get(NEIGHBOUR_HEADER..)?).map_while(Result::ok);
    let mut found = attributes.filter(|attribute| attribute.kind() == NDA_LLADDR);
    found.next().map(|attribute| attribute.value().to_vec()).filter(|mac| !mac.is_empty())
}

#[cfg(test)]
mod tests;
