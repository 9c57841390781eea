//! What an instance follows, and what that does to it; and whom it hears.

use super::mac;
use crate::model::running_why::{Contribution, PeerSignature, RunningPeer, RunningStranger, Source};
use crate::model::status::{Moment, Peer, Stranger, Tracker};
use crate::model::{Micros, Time};

/// A tracker. `moment` puts the engine's clock into the calendar.
pub(super) fn tracker(it: &Contribution, moment: impl Fn(Time) -> Moment) -> Tracker {
    // What a file says counts by its number; it is as it should be unless that means FAULT.
    let number = (it.source == Source::File && it.since.is_some()).then_some(!it.fault);
    Tracker {
        kind: it.source.word().into(),
        name: it.name.clone(),
        good: it.good.or(number),
        weight: it.weight,
        reverse: it.reverse,
        adds: it.adds,
        fault: it.fault,
        since: it.since.map(moment),
        detail: it.detail.clone(),
    }
}

/// A router of the same VRID.
pub(super) fn peer(it: &RunningPeer, moment: impl Fn(Time) -> Moment) -> Peer {
    let known = Peer {
        address: Some(it.ip),
        mac: it.mac.as_deref().and_then(mac),
        configured: it.configured,
        ..Peer::default()
    };
    let Some(heard) = &it.heard else { return known };
    Peer {
        priority: Some(heard.priority),
        vrrp_version: Some(heard.version),
        advert_interval: Some(heard.interval).filter(|interval| *interval != Micros::ZERO),
        checksum: heard.checksum.map(|form| form.words().into()),
        authentication: heard.signature.map(|signature| match signature {
            PeerSignature::None => "none".into(),
            PeerSignature::Password => "password".into(),
            PeerSignature::Header => "AH".into(),
            PeerSignature::Hmac(id) => format!("HMAC key {id}"),
            PeerSignature::Unsigned => "unsigned".into(),
        }),
        first_heard: Some(moment(heard.first)),
        last_heard: Some(moment(heard.last)),
        adverts: heard.accepted,
        refused: heard.refused,
        refusal: heard.refusal.as_ref().map_or_else(String::new, |(_, reason)| reason.clone()),
        ..known
    }
}

/// A router with another VRID that adverts addresses of ours.
pub(super) fn stranger(it: &RunningStranger, moment: impl Fn(Time) -> Moment) -> Stranger {
    Stranger {
        interface: it.interface.as_ref().map(ToString::to_string),
        address: Some(it.ip),
        virtual_router_id: it.vrid,
        priority: it.priority,
        addresses: it.shared.clone(),
        first_heard: moment(it.first),
        last_heard: moment(it.last),
    }
}
