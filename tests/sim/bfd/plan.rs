//! What hosts there are, and the sessions between them.

use std::net::{IpAddr, Ipv6Addr};

use keepalived_rs::model::{BfdConfig, BfdInstance, Micros, Weight};

use crate::rng::Rng;

/// What sits on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ours,
    /// Behaves as keepalived 2.4.3 does
    Keepalived,
    /// Says anything
    Mad,
}

/// How two hosts may be joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relation {
    pub v6: bool,
    pub multihop: bool,
}

const RELATIONS: [Relation; 3] = [
    Relation { v6: false, multihop: false },
    Relation { v6: true, multihop: false },
    Relation { v6: false, multihop: true },
];

/// Hops that a packet over a multihop session loses.
pub const HOPS: u8 = 3;

/// All there is.
#[derive(Clone, Debug)]
pub struct Plan {
    pub kinds: Vec<Kind>,
    /// Two hosts, and who of them is passive
    pub pairs: Vec<(usize, usize, Relation, Option<usize>)>,
    /// The shortest interval, milliseconds
    shortest: u64,
}

pub fn address(host: usize, v6: bool) -> IpAddr {
    let last = host as u8 + 1;
    if v6 { Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last.into()).into() } else { [10, 0, 0, last].into() }
}

pub fn host_of(address: IpAddr) -> usize {
    let last = match address {
        IpAddr::V4(ip) => ip.octets()[3],
        IpAddr::V6(ip) => ip.octets()[15],
    };
    usize::from(last) - 1
}

impl Plan {
    pub fn draw(rng: &mut Rng) -> Self {
        let mut kinds = vec![Kind::Ours];
        for _ in 0..rng.range(1, 3) {
            let kind = match rng.range(0, 9) {
                0..=4 => Kind::Ours,
                5..=7 => Kind::Keepalived,
                _ => Kind::Mad,
            };
            kinds.push(kind);
        }
        let mut pairs = Vec::new();
        for a in 0..kinds.len() {
            for b in a + 1..kinds.len() {
                if kinds[a] != Kind::Ours && kinds[b] != Kind::Ours {
                    continue;
                }
                let first = rng.range(0, 2) as usize;
                for relation in RELATIONS.into_iter().skip(first).take(rng.range(1, 2) as usize) {
                    let passive = rng.chance(25).then(|| if rng.chance(50) { a } else { b });
                    pairs.push((a, b, relation, passive.filter(|host| kinds[*host] != Kind::Mad)));
                }
            }
        }
        Plan { kinds, pairs, shortest: if rng.chance(8) { 1 } else { 10 } }
    }

    /// The configuration of a host; numbers are drawn anew each time.
    pub fn configure(&self, rng: &mut Rng, host: usize) -> BfdConfig {
        let sides = self.pairs.iter().enumerate().flat_map(|(number, (a, b, relation, passive))| {
            [(number, *a, *b, *relation, *passive), (number, *b, *a, *relation, *passive)]
        });
        let mine = sides.filter(|(_, own, ..)| *own == host);
        let instances = mine.map(|(number, own, peer, relation, passive)| {
            // A passive keepalived does not put off its expiry in Init, and speaks too late for a multiplier of 1: it never comes up.
            let is_late = passive == Some(peer) && self.kinds[peer] == Kind::Keepalived;
            let interval = |rng: &mut Rng| Micros::from_millis(rng.pick(&[self.shortest, 10, 30, 100, 300]));
            let (ttl, max_hops) = match relation {
                Relation { multihop: true, .. } => (rng.pick(&[64, 200]), 255),
                // What the configuration makes of nothing said about it.
                Relation { v6: true, .. } if self.kinds[own] == Kind::Keepalived => (64, 0),
                Relation { v6: true, .. } => (255, 191),
                Relation { .. } => (255, 0),
            };
            BfdInstance {
                name: format!("p{number}"),
                neighbor: address(peer, relation.v6),
                source: rng.chance(50).then(|| address(own, relation.v6)),
                min_rx: interval(rng),
                min_tx: interval(rng),
                idle_tx: Micros::from_millis(rng.pick(&[1000, 1500])),
                multiplier: rng.pick(&[1, 2, 3, 5]).max(if is_late { 2 } else { 1 }),
                passive: passive == Some(own),
                ttl,
                max_hops,
                multihop: relation.multihop,
                weight: Weight::default(),
                for_vrrp: true,
                for_checker: false,
            }
        });
        BfdConfig { instances: instances.collect() }
    }
}
