//! BFD packets of keepalived: what they say, when they came, and what our engine makes of them.

use keepalived_rs::bfd::engine::Engine;
use keepalived_rs::bfd::event::{Action, Datagram, Event};
use keepalived_rs::model::{BfdConfig, BfdInstance, Micros, Time, Weight};
use keepalived_rs::wire::bfd::{Packet, State};

use crate::pcap::{IpPacket, frames};

const NAMES: [&str; 4] =
    ["bfd_session_up_expire_down", "bfd_passive_and_sigterm", "bfd_multihop_4784", "bfd_reload_new_timers_poll"];

struct Captured {
    node: u8,
    at: Time,
    ttl: u8,
    ports: (u16, u16),
    bytes: Vec<u8>,
    packet: Packet,
}

fn captured(name: &str) -> Vec<Captured> {
    let read = |ip: IpPacket| {
        let port = |at: usize| u16::from_be_bytes([ip.payload[at], ip.payload[at + 1]]);
        let bytes = ip.payload[8..].to_vec();
        let std::net::IpAddr::V4(source) = ip.source else { panic!("not IPv4") };
        Captured {
            node: source.octets()[3],
            at: Time(ip.at),
            ttl: ip.ttl,
            ports: (port(0), port(2)),
            packet: Packet::decode(&bytes).unwrap_or_else(|refusal| panic!("{name}: {refusal}")),
            bytes,
        }
    };
    let packets = frames(name);
    packets.iter().filter_map(|frame| frame.ip()).filter(|ip| ip.protocol == 17).map(read).collect()
}

/// The packets of a node.
fn of(node: u8, name: &str) -> Vec<Captured> {
    captured(name).into_iter().filter(|it| it.node == node).collect()
}

/// State, P and F, each time that they change.
fn story(packets: &[Captured]) -> Vec<(State, bool, bool)> {
    let mut story: Vec<_> = packets.iter().map(|it| (it.packet.state, it.packet.poll, it.packet.last)).collect();
    story.dedup();
    story
}

#[test]
fn every_packet_of_keepalived_is_what_we_would_send() {
    let mut compared = 0;
    for captured in NAMES.into_iter().flat_map(captured) {
        assert_eq!(captured.packet.encode()[..], captured.bytes);
        compared += 1;
    }
    assert!(compared > 150, "{compared} packets");
}

#[test]
fn states_follow_each_other_as_the_rfc_has_them() {
    use State::{Down, Init, Up};
    let name = "bfd_session_up_expire_down";
    assert_eq!(
        story(&of(1, name)),
        [
            (Down, false, false),
            (Up, true, false),
            (Up, false, false),
            (Down, false, false),
            (Up, true, false),
            (Up, false, false)
        ]
    );
    assert_eq!(
        story(&of(2, name)),
        [
            (Down, false, false),
            (Init, false, false),
            (Up, false, true),
            (Up, false, false),
            (Init, false, false),
            (Up, false, true),
            (Up, false, false)
        ]
    );
}

#[test]
fn intervals_ports_and_ttls_are_those_of_the_rfc() {
    for name in NAMES {
        let far = name == "bfd_multihop_4784";
        for Captured { packet, ttl, ports, .. } in captured(name) {
            assert_eq!((ttl, ports.1), if far { (64, 4784) } else { (255, 3784) }, "{name}");
            assert!(ports.0 >= 49152, "{name}");
            let up = if name == "bfd_reload_new_timers_poll" { &[100_000, 300_000][..] } else { &[100_000] };
            let expected = if packet.state == State::Up { up } else { &[1_000_000] };
            assert!(expected.contains(&packet.desired_min_tx), "{name}: {packet:?}");
            assert_eq!((packet.required_min_rx, packet.multiplier, packet.demand), (100_000, 3, false), "{name}");
        }
    }
}

#[test]
fn a_passive_node_is_silent_until_it_is_spoken_to_and_leaves_without_a_word() {
    let name = "bfd_passive_and_sigterm";
    let (active, passive) = (of(1, name), of(2, name));
    assert!(active[0].at < passive[0].at && passive[0].packet.state == State::Init);
    assert!(captured(name).iter().all(|it| it.packet.state != State::AdminDown));
    let last = active.last().expect("packets");
    assert_eq!((last.packet.state, last.packet.diagnostic.words()), (State::Down, "Control Detection Time Expired"));
    assert_ne!(last.packet.mine, active[0].packet.mine, "keepalived takes another discriminator");
}

#[test]
fn a_reload_of_keepalived_polls_and_waits_for_the_answer() {
    let name = "bfd_reload_new_timers_poll";
    let all = captured(name);
    let poll = all.iter().position(|it| it.packet.desired_min_tx == 300_000).expect("the new interval");
    assert!(all[poll].packet.poll && all[poll + 1].packet.last && all[poll + 1].node == 2);
    assert!(all[poll + 1].at.since(all[poll].at) < Micros::from_millis(1));
    let slow: Vec<_> = all[poll + 2..].iter().filter(|it| it.node == 1).map(|it| it.at).collect();
    assert!(slow.windows(2).all(|pair| pair[1].since(pair[0]) > Micros::from_millis(220)));
}

/// What our session makes of the packets that keepalived's node 2 sent: up, dead for a second, and up again.
#[test]
fn our_session_goes_the_way_of_keepalived_s() {
    let instance = BfdInstance {
        name: "b".into(),
        neighbor: [10, 9, 0, 2].into(),
        source: None,
        min_rx: Micros::from_millis(100),
        min_tx: Micros::from_millis(100),
        idle_tx: Micros::from_secs(1),
        multiplier: 3,
        passive: false,
        ttl: 255,
        max_hops: 0,
        multihop: false,
        weight: Weight::default(),
        for_vrrp: true,
        for_checker: true,
    };
    let heard = of(2, "bfd_session_up_expire_down");
    let mut engine = Engine::new(1);
    let mut mine = 0;
    let mut told = Vec::new();
    let mut drain = |engine: &mut Engine, now: Time| {
        while let Some(action) = engine.poll() {
            match action {
                Action::Tell { up, .. } => told.push((up, now.since(heard[0].at).0 / 1000)),
                Action::Send(_, bytes) => mine = Packet::decode(&bytes).expect("a packet").mine,
                _ => {}
            }
        }
        mine
    };
    engine.reload(heard[0].at, BfdConfig { instances: vec![instance] });
    drain(&mut engine, heard[0].at);
    let mut now = heard[0].at;
    for captured in &heard {
        while let Some(at) = engine.next_timeout().filter(|at| *at < captured.at) {
            now = now.max(at);
            engine.handle_timeout(now);
            drain(&mut engine, now);
        }
        let known = drain(&mut engine, captured.at);
        // The discriminators are of our session.
        let yours = if captured.packet.yours == 0 { 0 } else { known };
        let datagram = Datagram {
            source: [10, 9, 0, 2].into(),
            port: captured.ports.0,
            destination: Some([10, 9, 0, 1].into()),
            ttl: Some(captured.ttl),
            multihop: false,
            bytes: &Packet { yours, ..captured.packet }.encode(),
        };
        engine.handle(captured.at, Event::Datagram(datagram));
        drain(&mut engine, captured.at);
    }
    // Up by its Init, dead 300 ms after its last packet, up by its next Init.
    assert_eq!(told, [(false, 0), (true, 903), (false, 2798), (true, 3658)]);
    assert_eq!(engine.counters().received, heard.len() as u64);
}
