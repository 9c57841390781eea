//! What a router remembers about signed adverts, its own and those of others: `auth_hmac` and `auth_type AH`.
//!
//! Decides whether a signature is right and the advert new, and gives the numbers of our own. Pure: the time of day is an
//! argument. Called by `accept` for what is heard and by `router` for what is sent. The layouts are those of
//! `wire/trailer` and `wire/ah`.

use std::net::{IpAddr, Ipv4Addr};

use super::accept::Refusal;
use super::oddity::Oddity;
use crate::model::hmac::{AntiReplay, HmacMode};
use crate::model::{Hmac, Instance, Secret, Transport};
use crate::wire::ah;
use crate::wire::trailer::{self, Origin, SCHEME, Sequence, Trailer};
use crate::wire::vrrp::{self, Packet};

/// How many senders to a group are remembered.
const SENDERS: usize = 4;
/// The highest sequence number of an Authentication Header that another may follow.
const LAST_SEQUENCE: u32 = 0xffff_fffd;

/// Sequences sent and heard. Kept over a reload; [`Signatures::forget`] says which part not.
#[derive(Clone, Debug, Default)]
pub struct Signatures {
    /// Of our last trailer
    sent: Option<Sequence>,
    /// The highest sequence of each sender, the one heard last at the end
    marks: Vec<(IpAddr, Sequence)>,
    /// The highest number in an Authentication Header, ours or anybody's: all routers of a VRID count together
    header: u32,
}

impl Signatures {
    /// The configuration of `auth_hmac` has changed: whatever others have sent, they begin anew.
    pub(super) fn forget(&mut self) {
        self.marks.clear();
    }

    /// The trailer for a PDU of ours; `None` if we send none. `wall` is in microseconds since the Unix epoch.
    pub(super) fn sign(&mut self, hmac: &Hmac, wall: u64, origin: &Origin, pdu: &[u8]) -> Option<[u8; trailer::LEN]> {
        if hmac.mode == HmacMode::ReceiveOnly {
            return None;
        }
        let key = key_of(hmac, hmac.active)?;
        let sequence = self.next_sequence(hmac, wall);
        Some(Trailer::sign(key.expose(), hmac.active, sequence, origin, pdu))
    }

    /// The clock's if that is later than the last one, else one more than the last one. A clock that was set back further
    /// than receivers tolerate is followed, for they would refuse the future.
    fn next_sequence(&mut self, hmac: &Hmac, wall: u64) -> Sequence {
        let clock = Sequence::at(wall);
        let next = match self.sent {
            None => clock,
            Some(last) if clock.is_after(last) => clock,
            Some(last) if hmac.anti_replay == AntiReplay::Time && skew(last, clock) > window(hmac) => clock,
            Some(last) => last.next(),
        };
        self.sent = Some(next);
        next
    }

    /// Checks the trailer of a received packet, if it has one.
    pub(super) fn verify(
        &mut self,
        instance: &Instance,
        hmac: &Hmac,
        wall: u64,
        source_ip: IpAddr,
        packet: &Packet<'_>,
        trailer: Option<&[u8; trailer::LEN]>,
    ) -> Result<Option<Oddity>, Refusal> {
        let Some(trailer) = trailer.map(Trailer::decode) else {
            return match hmac.mode {
                HmacMode::Enforce => Err(Refusal::TrailerMissing { source_ip }),
                HmacMode::Permissive | HmacMode::ReceiveOnly => Ok(None),
            };
        };
        let room = match &instance.transport {
            Transport::Multicast { .. } => SENDERS,
            Transport::Unicast { peers, .. } if peers.iter().any(|peer| peer.ip == source_ip) => peers.len(),
            Transport::Unicast { .. } => return Err(Refusal::Stranger { source_ip }),
        };
        if trailer.scheme != SCHEME || trailer.reserved != 0 {
            return Err(Refusal::TrailerMalformed { source_ip });
        }
        let now = Sequence::at(wall);
        let (skew, window) = (skew(now, trailer.sequence), window(hmac));
        let timed = hmac.anti_replay == AntiReplay::Time;
        // Before the tag, as it costs nothing: a flood of old packets makes nobody work.
        if timed && skew.abs() > window {
            return Err(Refusal::TrailerStale { source_ip, skew, window });
        }
        let key_id = trailer.key_id;
        let key = key_of(hmac, key_id).ok_or(Refusal::TrailerKey { source_ip, key_id })?;
        let origin = Origin { version: packet.version, vrid: packet.vrid, source: source_ip };
        if !trailer.is_signed_with(key.expose(), &origin, packet.pdu) {
            return Err(Refusal::TrailerTag { source_ip });
        }
        // From here on it comes from somebody who has the key.
        let forgotten = |mark: Sequence| timed && self::skew(now, mark).abs() > window;
        if !self.advance(source_ip, trailer.sequence, room, forgotten) {
            return Err(Refusal::TrailerReplay { source_ip });
        }
        Ok((timed && skew.abs() > window / 2).then_some(Oddity::ClockSkew { source_ip, skew, window }))
    }

    /// Raises the mark of a sender; false if the sequence is not after it. `room` bounds the number of marks.
    fn advance(
        &mut self,
        source: IpAddr,
        sequence: Sequence,
        room: usize,
        forgotten: impl Fn(Sequence) -> bool,
    ) -> bool {
        let known = self.marks.iter().position(|(sender, _)| *sender == source);
        let mark = known.map(|at| self.marks.remove(at).1);
        let replayed = mark.filter(|mark| !forgotten(*mark) && !sequence.is_after(*mark));
        if self.marks.len() >= room {
            self.marks.remove(0);
        }
        self.marks.push((source, replayed.unwrap_or(sequence)));
        replayed.is_none()
    }

    /// Checks the Authentication Header of a received packet; `ip` is the IPv4 header in front of it.
    pub(super) fn verify_header(
        &mut self,
        password: &Secret,
        unicast: bool,
        source: Ipv4Addr,
        sealed: &Sealed<'_>,
        pdu: &[u8],
    ) -> Result<(), Refusal> {
        let source_ip = IpAddr::V4(source);
        let header = ah::Header::decode(sealed.header);
        if header.next != vrrp::PROTOCOL {
            return Err(Refusal::HeaderNext { source_ip, received: header.next });
        }
        if !ah::verify(sealed.ip, sealed.header, pdu, password.expose(), unicast) {
            return Err(Refusal::HeaderCheck { source_ip });
        }
        if header.spi != source.octets() {
            let [received, expected] = [header.spi, source.octets()].map(u32::from_be_bytes);
            return Err(Refusal::HeaderSpi { source_ip, received, expected });
        }
        if header.sequence <= self.header {
            return Err(Refusal::HeaderReplay { source_ip, received: header.sequence, ours: self.header });
        }
        self.header = header.sequence;
        Ok(())
    }

    /// The number for the next Authentication Header. At the end of the range it stays the same, so that others take
    /// us for a replay and one of them becomes master, which begins anew.
    pub(super) fn next_header(&mut self) -> u32 {
        if self.header <= LAST_SEQUENCE {
            self.header += 1;
        }
        self.header
    }

    /// A router that becomes master begins anew if the numbers are used up.
    pub(super) fn begin_mastership(&mut self) {
        if self.header > LAST_SEQUENCE {
            self.header = 0;
        }
    }
}

/// A packet's IPv4 header and Authentication Header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sealed<'a> {
    /// IPv4 header with its options
    pub(super) ip: &'a [u8],
    /// Authentication Header
    pub(super) header: &'a [u8; ah::LEN],
}

fn key_of(hmac: &Hmac, id: u8) -> Option<&Secret> {
    hmac.keys.iter().find(|(known, _)| *known == id).map(|(_, key)| key)
}

fn window(hmac: &Hmac) -> i64 {
    i64::try_from(hmac.time_window.0 / 1_000_000).unwrap_or(i64::MAX)
}

/// By how many whole seconds `a` is ahead of `b`, on a clock of 32 bits.
fn skew(a: Sequence, b: Sequence) -> i64 {
    i64::from(a.seconds().wrapping_sub(b.seconds()) as i32)
}

#[cfg(test)]
mod tests;
