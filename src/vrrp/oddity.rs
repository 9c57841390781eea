//! What an accepted advert has that is worth a word and yet no reason to refuse it.
//!
//! Called by `accept.rs`, and by `signature.rs` for what concerns clocks. Decides nothing.

use std::net::IpAddr;

use thiserror::Error;

use super::accept::Context;
use crate::model::Instance;
use crate::model::stats::Counter;
use crate::wire::vrrp::Packet;

/// Something worth a word that is no reason to refuse an advert. `Display` is the log line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Oddity {
    /// Version 3: the sender uses another interval
    #[error("advertisement interval mismatch ours = {ours} centi-sec rcv'd={received} centi-sec")]
    Interval {
        /// Our interval in centiseconds
        ours: u64,
        /// The sender's
        received: u64,
    },
    /// Another number of addresses
    #[error("expected {expected} VIPs but received {received}")]
    AddressCount {
        /// How many we have
        expected: usize,
        /// How many the advert has
        received: usize,
    },
    /// One of our addresses is missing
    #[error("ip address associated with VRID {vrid} not present in advert from {source_ip}: {missing}")]
    AddressMissing {
        /// Sender
        source_ip: IpAddr,
        /// Virtual router id
        vrid: u8,
        /// The first address that is missing
        missing: IpAddr,
    },
    /// `auth_hmac`: the sender's clock and ours drift apart
    #[error("authentication clock skew {skew} sec from {source_ip} approaching window {window} sec")]
    ClockSkew {
        /// Sender
        source_ip: IpAddr,
        /// Seconds that our clock is ahead
        skew: i64,
        /// Seconds tolerated
        window: i64,
    },
}

impl Oddity {
    /// The counter that it adds to.
    pub fn counter(&self) -> Option<Counter> {
        match self {
            Oddity::Interval { .. } | Oddity::ClockSkew { .. } => None,
            Oddity::AddressCount { .. } | Oddity::AddressMissing { .. } => Some(Counter::AddressList),
        }
    }
}

/// What is odd about an accepted advert.
pub(super) fn of(instance: &Instance, context: Context, source: IpAddr, packet: &Packet<'_>) -> Vec<Oddity> {
    let mut oddities = Vec::new();
    if packet.interval != instance.advert_interval {
        oddities.push(Oddity::Interval {
            ours: instance.advert_interval.as_centis(),
            received: packet.interval.as_centis(),
        });
    }
    let expected = instance.vips.len();
    let received = usize::from(packet.count);
    if expected != received {
        oddities.push(Oddity::AddressCount { expected, received });
    } else if !(instance.skip_check_adv_addr && context.following == Some(source)) {
        let missing = first_missing(instance, packet);
        oddities.extend(missing.map(|missing| Oddity::AddressMissing {
            source_ip: source,
            vrid: packet.vrid,
            missing,
        }));
    }
    oddities
}

/// The first of our VIPs that the advert does not name. Almost always both lists are equal, so that is tried first.
fn first_missing(instance: &Instance, packet: &Packet<'_>) -> Option<IpAddr> {
    if packet.addresses().eq(instance.vips.iter().map(|vip| vip.ip)) {
        return None;
    }
    let named: std::collections::HashSet<IpAddr> = packet.addresses().collect();
    instance.vips.iter().map(|vip| vip.ip).find(|ip| !named.contains(ip))
}
