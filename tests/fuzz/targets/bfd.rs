//! Datagrams to the engine of BFD: any bytes, at any pace.
//!
//! The input is a row of datagrams, each after one byte of time to wait (in steps of 100 us), one of TTL, one whose bits say the port, the
//! sender and whether the discriminator of a session is filled in, and one of length.

#![no_main]

use std::net::IpAddr;

use keepalived_rs::bfd::engine::Engine;
use keepalived_rs::bfd::event::{Action, Datagram, Event, SessionId};
use keepalived_rs::model::{BfdConfig, BfdInstance, Micros, Time, Weight};
use keepalived_rs::wire::bfd::Packet;
use libfuzzer_sys::fuzz_target;

const PEERS: [IpAddr; 2] = [
    IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2)),
    IpAddr::V6(std::net::Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2)),
];
/// No single datagram, and no moment, makes more of these.
const MOST: usize = 12;

fn instance(number: usize, neighbor: IpAddr) -> BfdInstance {
    BfdInstance {
        name: format!("b{number}"),
        neighbor,
        source: None,
        min_rx: Micros::from_millis(10),
        min_tx: Micros::from_millis(10),
        idle_tx: Micros::from_secs(1),
        multiplier: 3,
        passive: number == 1,
        ttl: 255,
        max_hops: 5,
        multihop: number == 1,
        weight: Weight::default(),
        for_vrrp: true,
        for_checker: true,
    }
}

/// Carries out nothing, and looks at all.
fn look(engine: &mut Engine, mine: &mut [u32; 2], packets: &mut u64, words: &mut u64) {
    let actions: Vec<Action> = std::iter::from_fn(|| engine.poll()).collect();
    assert!(actions.len() <= MOST, "{actions:?}");
    for action in actions {
        match action {
            Action::Send(SessionId(id), bytes) => {
                let packet = Packet::decode(&bytes).expect("a packet that others take");
                mine[id as usize - 1] = packet.mine;
                *packets += 1;
            }
            Action::Tell { .. } => *words += 1,
            _ => {}
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let mut engine = Engine::new(7);
    let start = Time(1_000_000);
    let (mut now, mut mine, mut packets, mut words) = (start, [0; 2], 0, 0);
    let instances = PEERS.into_iter().enumerate().map(|(number, peer)| instance(number, peer)).collect();
    engine.reload(now, BfdConfig { instances });
    look(&mut engine, &mut mine, &mut packets, &mut words);
    let mut rest = input;
    while let Some((&[wait, ttl, bits, length], after)) = rest.split_first_chunk::<4>() {
        let (bytes, after) = after.split_at(after.len().min(length.into()));
        rest = after;
        let end = now + Micros(u64::from(wait) * 100);
        while let Some(at) = engine.next_timeout().filter(|at| *at <= end) {
            engine.handle_timeout(at);
            assert!(engine.next_timeout().is_none_or(|next| next > at), "called again at once");
            look(&mut engine, &mut mine, &mut packets, &mut words);
        }
        now = end;
        let number = usize::from(bits & 1);
        let mut bytes = bytes.to_vec();
        if bits & 2 != 0 && bytes.len() >= 12 {
            bytes[8..12].copy_from_slice(&mine[number].to_be_bytes());
        }
        let ttl = (bits & 4 == 0).then_some(ttl);
        let datagram = Datagram {
            source: PEERS[number],
            port: 50_000,
            destination: None,
            ttl,
            multihop: bits & 8 != 0,
            bytes: &bytes,
        };
        engine.handle(now, Event::Datagram(datagram));
        look(&mut engine, &mut mine, &mut packets, &mut words);
    }
    let counters = engine.counters();
    assert_eq!(counters.refused, counters.refused_for.iter().sum::<u64>());
    let millis = now.since(start).0 / 1000 + 1;
    assert!(packets <= 2 * (3 * millis + 10), "{packets} packets in {millis} ms");
    assert!(words <= 2 * (2 * millis / 1000 + 13), "{words} words to followers in {millis} ms");
});
