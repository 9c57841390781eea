//! Virtual routers with another VRID that advert our addresses: the first suspect of a split brain that no advert of our own
//! VRID shows.
//!
//! The kernel drops adverts of other VRIDs. While a router is master its channel has a lookout beside it: a socket that
//! lets through only what names our addresses under a VRID that is not ours, and that is looked at now and then. What it
//! finds is remembered for people and told to `contest.rs`. It touches no timer and no state.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::engine::Engine;
use super::event::{Action, Channel, ChannelId, Datagram, Lookout};
use super::router::RouterId;
use crate::model::running_why::RunningStranger;
use crate::model::{Family, Time};
use crate::wire::ipv4;
use crate::wire::vrrp::{self, Packet, Pseudo};

/// So many channels have lookouts.
const LOOKOUTS: usize = 64;
/// A lookout is for so many addresses.
pub const ADDRESSES: usize = 128;
/// So many strangers are remembered.
const ROOM: usize = 16;

/// What has been heard of others, and where we listen.
#[derive(Clone, Debug, Default)]
pub(super) struct Strangers {
    /// Something may have changed that lookouts depend on
    stirred: bool,
    lookouts: BTreeMap<ChannelId, Lookout>,
    heard: Vec<RunningStranger>,
}

impl Strangers {
    /// A router has become master, or is none any more, or another channel is used.
    pub(super) fn stir(&mut self) {
        self.stirred = true;
    }

    /// For people.
    pub(super) fn running(&self) -> Vec<RunningStranger> {
        self.heard.clone()
    }

    fn remember(&mut self, it: RunningStranger) {
        let same =
            |known: &RunningStranger| (known.ip, known.vrid, &known.interface) == (it.ip, it.vrid, &it.interface);
        if let Some(known) = self.heard.iter_mut().find(|known| same(known)) {
            *known = RunningStranger { first: known.first, ..it };
            return;
        }
        if self.heard.len() >= ROOM
            && let Some(oldest) = (0..ROOM).min_by_key(|place| self.heard.get(*place).map(|known| known.last))
        {
            self.heard.remove(oldest);
        }
        self.heard.push(it);
    }
}

impl Engine {
    /// Tells the hands where to look out, where that has changed.
    pub(super) fn settle_lookouts(&mut self) {
        if !std::mem::take(&mut self.strangers.stirred) {
            return;
        }
        let mut wanted: BTreeMap<ChannelId, Lookout> = BTreeMap::new();
        for id in &self.order {
            let router = &self.routers[*id];
            let (true, Some(channel)) = (router.state.is_master(), router.channel) else {
                continue;
            };
            if !wanted.contains_key(&channel) {
                let what = self.channels.get(channel).filter(|what| what.protocol == vrrp::PROTOCOL);
                let Some(what) = what.filter(|_| wanted.len() < LOOKOUTS) else {
                    continue;
                };
                let vrids = self.channels.vrids(channel);
                wanted.insert(channel, Lookout { channel: what.clone(), vrids, addresses: BTreeSet::new() });
            }
            if let Some(lookout) = wanted.get_mut(&channel) {
                let room = ADDRESSES.saturating_sub(lookout.addresses.len());
                lookout.addresses.extend(router.config.vips.iter().take(room).map(|vip| vip.ip));
            }
        }
        for id in self.strangers.lookouts.keys().filter(|id| !wanted.contains_key(id)) {
            self.out.push_back(Action::LookOut(*id, None));
        }
        for (id, lookout) in &wanted {
            if self.strangers.lookouts.get(id) != Some(lookout) {
                self.out.push_back(Action::LookOut(*id, Some(Box::new(lookout.clone()))));
            }
        }
        self.strangers.lookouts = wanted;
    }

    /// A lookout has heard something.
    pub(super) fn stranger_heard(&mut self, now: Time, id: ChannelId, datagram: &Datagram<'_>) {
        let Some(lookout) = self.strangers.lookouts.get(&id) else {
            return;
        };
        let Channel { family, interface, .. } = &lookout.channel;
        let Some(packet) = advert(*family, datagram) else {
            return;
        };
        let shared: Vec<IpAddr> = packet.addresses().filter(|ip| lookout.addresses.contains(ip)).collect();
        let is_ours = lookout.vrids.contains(&packet.vrid) || self.links.has_ip(datagram.source);
        if is_ours || shared.is_empty() || packet.priority == 0 {
            return;
        }
        let (ip, vrid, version, priority) = (datagram.source, packet.vrid, packet.version, packet.priority);
        let (interval, interface) = (packet.interval, interface.clone());
        let concerned = |router: &RouterId| {
            let router = &self.routers[*router];
            let names = || router.config.vips.iter().any(|vip| shared.contains(&vip.ip));
            router.state.is_master() && router.channel == Some(id) && names()
        };
        let routers: Vec<RouterId> = self.order.iter().copied().filter(concerned).collect();
        let (first, last) = (now, now);
        self.strangers.remember(RunningStranger { interface, ip, vrid, version, priority, shared, first, last });
        for router in routers {
            self.hear_stranger(router, ip, (vrid, priority, interval));
        }
    }
}

/// An advert as a neighbour on the link sends it: whole, with a right checksum, and over no router.
fn advert<'a>(family: Family, datagram: &Datagram<'a>) -> Option<Packet<'a>> {
    if datagram.ttl.is_some_and(|ttl| ttl != u8::MAX) {
        return None;
    }
    let packet = match family {
        Family::V4 => {
            let split = ipv4::split(datagram.bytes)?;
            let packet = Packet::decode(split.payload, family, Some(split.header_len)).ok()?;
            let ipv4::Header { source, destination, .. } = split.header;
            let is_right = |pseudo| packet.checksum_ok(pseudo);
            (is_right(Pseudo::None) || is_right(Pseudo::V4 { source, destination })).then_some(packet)?
        }
        // The kernel has verified those of IPv6.
        Family::V6 => Packet::decode(datagram.bytes, family, None).ok()?,
    };
    (packet.kind == vrrp::ADVERTISEMENT).then_some(packet)
}

#[cfg(test)]
mod tests;
