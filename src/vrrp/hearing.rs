//! What becomes of a datagram: whose it is, whether it is an advert that we act on, and what is kept of it either way.

use std::net::IpAddr;

use super::accept::{self, Context, Heard, Refusal};
use super::engine::{Engine, Phase};
use super::event::{ChannelId, Datagram, Level};
use super::fsm::{Input, Rank, State};
use super::packets::Outside;
use super::router::{Leader, Line, RouterId};
use crate::model::Time;
use crate::model::stats::Counter;

impl Engine {
    pub(super) fn datagram(&mut self, now: Time, channel: ChannelId, datagram: &Datagram<'_>) {
        if self.phase != Phase::Running {
            return;
        }
        let Some(vrid) = self.channels.family(channel).and_then(|family| accept::vrid_of(family, datagram.bytes))
        else {
            return;
        };
        let Some(id) = self.addressee(channel, vrid, datagram.source) else {
            self.unknown_vrid(now, channel, vrid, datagram.source);
            return;
        };
        if matches!(self.routers[id].state, State::Init | State::Fault) {
            return;
        }
        let Outside { wall, old_group } = self.outside();
        let router = &mut self.routers[id];
        let context = Context {
            effective: router.effective(),
            following: router.leader.map(|Leader { ip, .. }| ip),
            wall,
            old_group,
        };
        match accept::judge(&router.config, context, &mut router.signatures, datagram) {
            Ok(heard) => {
                router.peers.accepted(now, &heard);
                self.heard(now, id, &heard);
            }
            Err(refusal) => {
                let gist = accept::gist_of(router.config.family, datagram.bytes);
                if let Some(gist) = gist
                    && router.source != Some(datagram.source)
                {
                    router.peers.refused(now, datagram.source, gist, &refusal);
                }
                self.refused(now, id, &refusal);
                self.trap_refusal(now, id, datagram.source, &refusal);
                if let Some(gist) = gist {
                    self.hear_refused_master(id, datagram.source, (gist.priority, gist.interval), &refusal);
                }
            }
        }
    }

    /// The router that a packet is for. Several unicast routers may share a VRID and a source address: then the one
    /// with the sender among its peers.
    fn addressee(&self, channel: ChannelId, vrid: u8, source: IpAddr) -> Option<RouterId> {
        match self.channels.routers(channel, vrid) {
            [] => None,
            [only] => Some(*only),
            several => several.iter().copied().find(|id| self.routers[*id].has_peer(source)),
        }
    }

    fn unknown_vrid(&mut self, now: Time, channel: ChannelId, vrid: u8, source: IpAddr) {
        if !self.config.log_unknown_vrids {
            return;
        }
        let interface = self.channels.get(channel).and_then(|channel| channel.interface.clone());
        let line = self.unknown_vrids.pass(now, (channel, vrid), || {
            let interface = interface.map_or_else(String::new, |name| format!(" on interface({name})"));
            format!("Unknown VRID({vrid}) received{interface} from {source}. ignoring...")
        });
        if let Some(line) = line {
            self.log(Level::Info, line);
        }
    }

    fn refused(&mut self, now: Time, id: RouterId, refusal: &Refusal) {
        let router = &mut self.routers[id];
        if let Some(counter) = refusal.counter() {
            router.stats[counter] += 1;
        }
        if refusal.counts_as_received() {
            router.stats[Counter::Received] += 1;
        }
        if *refusal != Refusal::OwnerIgnores {
            self.limited(now, id, Line::Refused(std::mem::discriminant(refusal)), Level::Info, || refusal.to_string());
        }
    }

    fn heard(&mut self, now: Time, id: RouterId, heard: &Heard) {
        let router = &mut self.routers[id];
        router.stats[Counter::Received] += 1;
        if heard.priority == 0 {
            router.stats[Counter::PriorityZeroReceived] += 1;
        }
        self.learn_checksum(id, heard);
        for oddity in &heard.oddities {
            if let Some(counter) = oddity.counter() {
                self.routers[id].stats[counter] += 1;
            }
            self.limited(now, id, Line::Odd(std::mem::discriminant(oddity)), Level::Info, || oddity.to_string());
        }
        self.before_rank(now, id, heard);
        let rank = self.routers[id].rank(now, heard);
        if rank == Rank::Weaker && self.routers[id].state.is_master() {
            self.hear_weaker_master(id, heard);
        }
        self.input(now, id, Input::Heard(rank), Some(heard));
    }

    /// A log line that packets cause, limited in number.
    pub(super) fn limited(&mut self, now: Time, id: RouterId, kind: Line, level: Level, line: impl FnOnce() -> String) {
        if let Some(line) = self.routers[id].lines.pass(now, kind, line) {
            self.log_of(id, level, line);
        }
    }
}
