//! Whom a router hears: a short table of sources, for people and for the words of causes. Nothing is decided by it.
//!
//! It has a bounded number of rows. Who was accepted once is not pushed out by somebody whose packets are refused.

use std::net::IpAddr;

use super::accept::{Gist, Heard, Refusal};
use crate::model::Time;
use crate::model::running_why::{ChecksumForm, HeardPeer, PeerSignature, RunningPeer};
use crate::model::{Instance, Micros, Transport};

/// So many sources are remembered.
const ROOM: usize = 32;

/// The sources heard, in the order in which they were heard first.
#[derive(Clone, Debug, Default)]
pub(super) struct Peers(Vec<Peer>);

#[derive(Clone, Debug)]
struct Peer {
    ip: IpAddr,
    priority: u8,
    version: u8,
    interval: Micros,
    first: Time,
    last: Time,
    /// When the last one was accepted, and what it was like
    accepted_at: Option<(Time, ChecksumForm, PeerSignature)>,
    accepted: u64,
    refused: u64,
    refusal: Option<(Time, Refusal)>,
}

impl Peers {
    /// An advert was accepted.
    pub(super) fn accepted(&mut self, now: Time, heard: &Heard) {
        let Some(peer) = self.row(now, heard.source, true) else {
            return;
        };
        (peer.priority, peer.version, peer.interval) = (heard.priority, heard.version, heard.interval);
        peer.accepted_at = Some((now, heard.checksum, heard.signature));
        peer.accepted += 1;
    }

    /// A packet was refused.
    pub(super) fn refused(&mut self, now: Time, ip: IpAddr, gist: Gist, why: &Refusal) {
        let Some(peer) = self.row(now, ip, false) else {
            return;
        };
        (peer.priority, peer.version, peer.interval) = (gist.priority, gist.version, gist.interval);
        peer.refused += 1;
        peer.refusal = Some((now, why.clone()));
    }

    /// The row of a source, made if there is room for it.
    fn row(&mut self, now: Time, ip: IpAddr, accepted: bool) -> Option<&mut Peer> {
        let place = match self.0.iter().position(|peer| peer.ip == ip) {
            Some(place) => place,
            None => {
                if self.0.len() >= ROOM {
                    self.0.remove(self.least(accepted)?);
                }
                self.0.push(Peer {
                    ip,
                    priority: 0,
                    version: 0,
                    interval: Micros::ZERO,
                    first: now,
                    last: now,
                    accepted_at: None,
                    accepted: 0,
                    refused: 0,
                    refusal: None,
                });
                self.0.len() - 1
            }
        };
        let peer = self.0.get_mut(place)?;
        peer.last = now;
        Some(peer)
    }

    /// Who makes room: the one not heard for the longest time, of those that were always refused if there are any.
    fn least(&self, for_accepted: bool) -> Option<usize> {
        let rows = self.0.iter().enumerate();
        let oldest = rows.min_by_key(|(_, peer)| (peer.accepted > 0, peer.last))?;
        (for_accepted || oldest.1.accepted == 0).then_some(oldest.0)
    }

    /// When an advert of this source was accepted last.
    pub(super) fn accepted_at(&self, ip: IpAddr) -> Option<Time> {
        self.0.iter().find(|peer| peer.ip == ip)?.accepted_at.map(|(at, ..)| at)
    }

    /// Who was refused last, if that was after `since`, and why.
    pub(super) fn refused_since(&self, since: Time) -> Option<(IpAddr, &Refusal)> {
        let refusals = self.0.iter().filter_map(|peer| peer.refusal.as_ref().map(|(at, why)| (at, peer.ip, why)));
        let last = refusals.filter(|(at, ..)| **at > since).max_by_key(|(at, ..)| **at);
        last.map(|(_, ip, why)| (ip, why))
    }

    /// The table for people, with the peers that the configuration names.
    pub(super) fn running(&self, config: &Instance) -> Vec<RunningPeer> {
        let named: Vec<IpAddr> = match &config.transport {
            Transport::Multicast { .. } => vec![],
            Transport::Unicast { peers, .. } => peers.iter().map(|peer| peer.ip).collect(),
        };
        let row = |ip, heard| RunningPeer { ip, mac: None, configured: named.contains(&ip), heard };
        let heard = self.0.iter().map(|peer| row(peer.ip, Some(peer.heard())));
        let unheard = named.iter().filter(|ip| self.0.iter().all(|peer| peer.ip != **ip));
        heard.chain(unheard.map(|ip| row(*ip, None))).collect()
    }
}

impl Peer {
    fn heard(&self) -> HeardPeer {
        HeardPeer {
            priority: self.priority,
            version: self.version,
            interval: self.interval,
            checksum: self.accepted_at.map(|(_, checksum, _)| checksum),
            signature: self.accepted_at.map(|(.., signature)| signature),
            first: self.first,
            last: self.last,
            accepted_at: self.accepted_at.map(|(at, ..)| at),
            accepted: self.accepted,
            refused: self.refused,
            refusal: self.refusal.as_ref().map(|(at, why)| (*at, why.to_string())),
        }
    }
}

#[cfg(test)]
mod tests;
