//! The packets of one router: what it sends, in which form, and what it has learned about the form.

use std::net::{IpAddr, Ipv4Addr};

use super::accept::Heard;
use super::engine::Engine;
use super::event::{Level, Outgoing};
use super::router::{Router, RouterId};
use crate::model::running_why::ChecksumForm;
use crate::model::stats::Counter;
use crate::model::{Auth, Family, Instance, Transport, Version};
use crate::wire::trailer::Origin;
use crate::wire::vrrp::{self, Advert, Pseudo};
use crate::wire::{ah, ipv4};

/// Group of VRRP over IPv4 (RFC 9568 section 5.1.1.2).
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);

/// What packets need that no router knows by itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outside {
    /// The time of day, in microseconds since the Unix epoch
    pub(super) wall: u64,
    /// The global IPv4 group, which the checksum of keepalived up to 1.3.6 covers whatever the destination
    pub(super) old_group: Option<Ipv4Addr>,
}

/// How a router's packets differ from the ordinary ones because of what it has heard.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Form {
    /// A peer makes its checksums with the group in place of the destination
    old_checksum: bool,
}

/// IP protocol of an instance's adverts.
pub(super) fn protocol(auth: &Auth) -> u8 {
    match auth {
        Auth::Ah(_) => ah::PROTOCOL,
        Auth::None | Auth::Pass(_) | Auth::Hmac(_) => vrrp::PROTOCOL,
    }
}

impl Engine {
    /// What packets need at this turn.
    pub(super) fn outside(&self) -> Outside {
        Outside { wall: self.day.now(), old_group: Some(self.config.group4.unwrap_or(GROUP)) }
    }

    /// `old_unicast_checksum` without a word about it: a peer that makes checksums in the old form gets them so.
    pub(super) fn learn_checksum(&mut self, id: RouterId, heard: &Heard) {
        let router = &mut self.routers[id];
        let is_old = heard.checksum == ChecksumForm::OldPseudoHeader;
        if is_old && router.learns_checksum() && !router.form.old_checksum && router.has_peer(heard.source) {
            router.form.old_checksum = true;
            self.log_of(id, Level::Info, "Setting unicast VRRPv3 checksum to old version");
        }
    }
}

impl Router {
    fn learns_checksum(&self) -> bool {
        self.config.extras.old_unicast_checksum.is_none()
    }

    /// What was learned about others does not hold once the configuration says something else.
    pub(super) fn forget_peculiarities(&mut self, old: &Instance) {
        if self.config.auth != old.auth {
            self.signatures.forget();
        }
        if self.config.transport != old.transport || !self.learns_checksum() {
            self.form = Form::default();
        }
    }

    /// The packets of one advert with this priority: one for a group, a copy for each unicast peer. Empty while there
    /// is no channel or no source address.
    pub(super) fn advert(&mut self, priority: u8, outside: &Outside) -> Vec<Outgoing> {
        let (Some(channel), Some(source)) = (self.channel, self.source) else {
            return Vec::new();
        };
        self.packet_id = self.packet_id.checked_add(1).unwrap_or(1);
        self.stats[Counter::Sent] += 1;
        if priority == 0 {
            self.stats[Counter::PriorityZeroSent] += 1;
        }
        let config = &self.config;
        let addresses: Vec<IpAddr> = config.vips.iter().map(|vip| vip.ip).collect();
        let advert = Advert {
            version: config.version,
            vrid: config.vrid.get(),
            priority,
            interval: config.advert_interval,
            addresses: &addresses,
            family: config.family,
            auth: match &config.auth {
                Auth::None | Auth::Hmac(_) => vrrp::Auth::None,
                Auth::Pass(password) => vrrp::Auth::Password(password.expose()),
                Auth::Ah(_) => vrrp::Auth::Header,
            },
        };
        // The signature covers neither destination nor checksum, and the sequence is the same for all copies.
        let trailer = match &config.auth {
            Auth::Hmac(hmac) => {
                let origin = Origin { version: config.version.number(), vrid: config.vrid.get(), source };
                self.signatures.sign(hmac, outside.wall, &origin, &advert.encode(Pseudo::Kernel))
            }
            Auth::None | Auth::Pass(_) | Auth::Ah(_) => None,
        };
        let sequence = match &config.auth {
            Auth::Ah(_) => self.signatures.next_header(),
            Auth::None | Auth::Pass(_) | Auth::Hmac(_) => 0,
        };
        let trailer: &[u8] = trailer.as_ref().map_or(&[], |trailer| trailer);
        let copy = |to: IpAddr, ttl: Option<u8>| {
            let bytes = match (source, to) {
                (IpAddr::V4(source), IpAddr::V4(destination)) => {
                    let mut pdu = advert.encode(self.pseudo(source, destination, outside));
                    pdu.extend_from_slice(trailer);
                    let protocol = protocol(&self.config.auth);
                    let ttl = ttl.unwrap_or(u8::MAX);
                    let header = ipv4::Header { id: self.packet_id, ttl, protocol, source, destination };
                    self.datagram(&header, sequence, &pdu)
                }
                _ => {
                    let mut pdu = advert.encode(Pseudo::Kernel);
                    pdu.extend_from_slice(trailer);
                    pdu
                }
            };
            Outgoing { channel, to, source, ttl, bytes }
        };
        match &self.config.transport {
            Transport::Multicast { group } => vec![copy(*group, Some(u8::MAX))],
            Transport::Unicast { peers, ttl } => {
                let ttl = match self.config.family {
                    Family::V4 => Some(ttl.unwrap_or(u8::MAX)),
                    Family::V6 => *ttl,
                };
                peers.iter().map(|peer| copy(peer.ip, ttl)).collect()
            }
        }
    }

    /// The IPv4 datagram of a PDU.
    fn datagram(&self, header: &ipv4::Header, sequence: u32, pdu: &[u8]) -> Vec<u8> {
        match &self.config.auth {
            Auth::Ah(password) => {
                let ip = header.encode_for(ah::LEN + pdu.len());
                ah::seal(&ip, sequence, pdu, password.expose(), self.config.is_unicast())
            }
            Auth::None | Auth::Pass(_) | Auth::Hmac(_) => header.encode(pdu),
        }
    }

    /// What the checksum of the copy for a destination covers beside the PDU.
    fn pseudo(&self, source: Ipv4Addr, destination: Ipv4Addr, outside: &Outside) -> Pseudo {
        let config = &self.config;
        match config.version {
            Version::V3 if !config.v3_checksum_as_v2 => {
                let old = config.extras.old_unicast_checksum.unwrap_or(self.form.old_checksum);
                let group = outside.old_group.filter(|_| old && config.is_unicast());
                Pseudo::V4 { source, destination: group.unwrap_or(destination) }
            }
            Version::V2 | Version::V3 => Pseudo::None,
        }
    }
}

#[cfg(test)]
mod tests;
