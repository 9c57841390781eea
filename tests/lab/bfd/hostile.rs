//! Packets that must change nothing, and a peer that changes its mind thousands of times a second.
//!
//! They are sent from the peer's machine while FRR runs there, and from a third one.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use super::peer::Kind;
use super::stage::{Stage, TWO, here};
use super::{PATIENT, Plan};
use crate::rig::host::Host;
use crate::rig::moment::{now, stay};
use crate::rig::node::{Node, Role};
use crate::rig::packet::bfd::{Bfd, State};

const PLAN: Plan = Plan::with_multiplier(PATIENT);
/// State Down, were it taken.
const DOWN: u8 = 0x40;
/// Packets a second of a flood.
const RATE: u32 = 5000;
const FLOOD: Duration = Duration::from_secs(2);

crate::tests! {
    refused_packets_change_nothing
    strangers_cost_little
    fickle_peer_costs_little
}

/// A packet of the peer with these flags, as it should be.
fn sound(of: &Bfd, flags: u8) -> Vec<u8> {
    let mut bytes = vec![0x20, flags, of.multiplier, 24];
    for word in [of.mine, of.yours, 100_000, 100_000, 0] {
        bytes.extend(word.to_be_bytes());
    }
    bytes
}

/// A socket of a host that sends packets to ours with this TTL.
fn sender(host: &Host, ttl: u32) -> UdpSocket {
    let socket = host.within(|| UdpSocket::bind(("0.0.0.0", 0))).expect("open a socket");
    socket.set_ttl(ttl).expect("choose the TTL");
    socket.connect(("10.0.0.1", 3784)).expect("name the target");
    socket
}

/// The present packet of the peer.
fn present(stage: &Stage) -> Bfd {
    stage.packet("the peer speaks", TWO, now(), |it| it.state == State::Up && !it.poll)
}

fn refused_packets_change_nothing() {
    let stage = Stage::up("refused_packets", Kind::Frr, PLAN);
    stay(Duration::from_millis(300));
    let of = present(&stage);
    let spoiled = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = sound(&of, DOWN);
        change(&mut bytes);
        bytes
    };
    let refused = [
        spoiled(&|it| it[0] = 0x00),
        spoiled(&|it| it[0] = 0x40),
        spoiled(&|it| it[0] = 0xe0),
        spoiled(&|it| it[3] = 23),
        spoiled(&|it| it[3] = 25),
        spoiled(&|it| it[3] = 0),
        spoiled(&|it| it[3] = 255),
        spoiled(&|it| it.truncate(23)),
        spoiled(&|it| it.truncate(10)),
        spoiled(&|it| it.truncate(1)),
        spoiled(&Vec::clear),
        spoiled(&|it| it[2] = 0),
        spoiled(&|it| it[1] |= 0x01),
        spoiled(&|it| it[1] |= 0x30),
        spoiled(&|it| it[1] |= 0x04),
        spoiled(&|it| {
            it[1] |= 0x04;
            it[3] = 33;
            it.extend([1, 9, 1, b's', b'e', b'c', b'r', b'e', b't']);
        }),
        spoiled(&|it| it[4..8].fill(0)),
        spoiled(&|it| it[8] ^= 0xff),
        spoiled(&|it| {
            it[1] = 0x80;
            it[8..12].fill(0);
        }),
        spoiled(&|it| {
            it[1] = 0xc0;
            it[8..12].fill(0);
        }),
        spoiled(&|it| {
            it[0] = 0x40;
            it.resize(1400, 0xaa);
        }),
    ];
    let near = sender(&stage.other().host, 255);
    let far = sender(&stage.other().host, 254);
    let elsewhere = sender(&stage.lab.client.host, 255);
    let unaddressed = spoiled(&|it| it[8..12].fill(0));
    let (start, mark) = here(&stage);
    for _ in 0..25 {
        refused.iter().for_each(|packet| drop(near.send(packet)));
        let _ = far.send(&sound(&of, DOWN));
        let _ = elsewhere.send(&unaddressed);
        stay(Duration::from_millis(20));
    }
    stay(Duration::from_millis(500));
    assert_ours_undisturbed(&stage, start, mark);
    stage.end();
}

/// Packets for no session, thousands a second, with every packet another discriminator.
fn strangers_cost_little() {
    let stage = Stage::up("strangers", Kind::Frr, PLAN);
    stay(Duration::from_millis(300));
    let mut of = present(&stage);
    let near = sender(&stage.other().host, 255);
    let (start, mark) = here(&stage);
    let cost = flood(&stage, |count| {
        of.yours = of.yours.wrapping_add(count | 1);
        let _ = near.send(&sound(&of, DOWN));
    });
    assert!(cost < FLOOD / 2, "{cost:?} of processor time in {FLOOD:?}");
    assert_ours_undisturbed(&stage, start, mark);
    stage.end();
}

/// A peer that says something else in every packet gets its way, but neither all of our processor, nor our log, nor an
/// answer to each packet; and when it has come to rest, so has the session.
fn fickle_peer_costs_little() {
    let stage = Stage::up("fickle_peer", Kind::Frr, PLAN);
    stay(Duration::from_millis(300));
    let of = present(&stage);
    let near = sender(&stage.other().host, 255);
    let (start, mark) = here(&stage);
    let cost = flood(&stage, |count| {
        // Down, Init, Up, AdminDown, each with and without a poll.
        let flags = [0x40, 0x80, 0xc0, 0x60, 0xa0, 0xe0, 0x00, 0xc0][count as usize % 8];
        let _ = near.send(&sound(&of, flags));
    });
    assert!(cost < FLOOD / 2, "{cost:?} of processor time in {FLOOD:?}");
    let answers = stage.lab.wire.bfd("lb01", start).len();
    let lines = stage.logged(mark).lines().count();
    println!("{answers} packets, {lines} lines, {cost:?}");
    assert!(answers < 2 * (RATE as usize) / 4, "{answers} packets");
    assert!(lines < 1000, "{lines} lines of log");
    stage.expect_up();
    stage.end();
}

/// Calls `send` at the rate of a flood; gives the processor time of the process that gets it all.
fn flood(stage: &Stage, mut send: impl FnMut(u32)) -> Duration {
    let before = processor_time(stage.ours());
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < FLOOD {
        let due = RATE * u32::try_from(begun.elapsed().as_millis()).unwrap_or(0) / 1000;
        while count < due {
            send(count);
            count += 1;
        }
        stay(Duration::from_millis(1));
    }
    processor_time(stage.ours()).saturating_sub(before)
}

/// What the BFD process has used, by the scheduler's account.
fn processor_time(node: &Node) -> Duration {
    let file = format!("/proc/{}/schedstat", node.pid(Role::Bfd));
    let text = std::fs::read_to_string(file).expect("read the scheduler's account");
    Duration::from_nanos(text.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0))
}

/// FRR's packets keep the session up; ours has said nothing else, and has not much to log.
fn assert_ours_undisturbed(stage: &Stage, start: Duration, mark: usize) {
    let packets = stage.lab.wire.bfd(stage.ours().name(), start);
    let down = packets.iter().find(|(_, it)| it.state != State::Up || it.last);
    assert_eq!(down, None, "the session stays up");
    let log = stage.logged(mark);
    assert!(!log.contains("(B) Entering") && !log.contains("is DOWN"), "the session stays up:\n{log}");
    assert!(log.lines().count() < 200, "{} lines of log", log.lines().count());
    assert!(stage.ours().has_all(&[stage.address()]), "VRRP stays master");
    assert!(stage.peer.is_up(stage.other()), "the peer agrees");
}
