//! Packets that must change nothing, a log that nobody reads, an interface that vanishes.
//!
//! keepalived fails some of these, so that they run with ours alone.

use std::net::Ipv4Addr;
use std::process::Stdio;
use std::time::Duration;

use crate::rig::conf::Speech;
use crate::rig::forge::{Forged, Forger};
use crate::rig::moment::{Moment, SOON, now, stay};
use crate::rig::node::{ARGS, Daemon};
use crate::scene::{FIRST, OURS, PRIORITIES, SECOND, Scene};

crate::tests! {
    refused_packets_change_nothing
    weaker_adverts_draw_few_answers
    log_that_takes_nothing
}

const QUICK: Speech = Speech::QUICK;
const VIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 12);
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

/// Every refused packet, sent at a rate at which keepalived's master would fall silent, leaves master and backup as
/// they are: no advert late, no state changed.
fn refused_packets_change_nothing() {
    let scene = Scene::started("refused_packets", OURS, QUICK);
    let forger = Forger::on(&scene.lab.client.host, CLIENT);
    let sound = |priority: u8| Forged::advert(CLIENT, 51, priority, 10, &[VIP]);
    let low_ttl = Forged { ttl: 254, ..sound(200) };
    let many: Vec<Ipv4Addr> = (0..255).map(|i| Ipv4Addr::new(10, 9, 0, i)).collect();
    let spoiled = [
        sound(200).spoiled(|p| p[6] ^= 0xff),
        sound(0).spoiled(|p| p[7] ^= 0x01),
        low_ttl,
        sound(200).with(|p| p[0] = 0x21),
        sound(200).with(|p| p[0] = 0x41),
        sound(200).with(|p| p[0] = 0x3f),
        sound(200).with(|p| p[4..6].fill(0)),
        sound(200).spoiled(|p| p.truncate(7)),
        sound(200).spoiled(|p| p.truncate(1)),
        sound(200).spoiled(Vec::clear),
        sound(200).with(|p| p[3] = 200),
        sound(200).with(|p| p.truncate(8)),
        Forged::advert(CLIENT, 51, 200, 10, &many).spoiled(|p| p[6] ^= 0xff),
        Forged::advert(CLIENT, 99, 200, 10, &[VIP]),
        Forged::advert(CLIENT, 51, 200, 10, &[VIP]).spoiled(|p| p.extend([0xaa; 1300])),
    ];
    let start = now();
    for _ in 0..25 {
        for packet in &spoiled {
            forger.send(packet);
        }
        stay(Duration::from_millis(20));
    }
    assert_even_adverts(&scene, start);
    scene.expect_still_master(start);
    scene.expect_notified(SECOND, &[]);
    scene.end();
}

/// A weaker node that claims to be master is answered, but not without limit, and the log stays short.
fn weaker_adverts_draw_few_answers() {
    let scene = Scene::started("weaker_adverts", OURS, QUICK);
    let forger = Forger::on(&scene.lab.client.host, CLIENT);
    let weak = Forged::advert(CLIENT, 51, 50, 10, &[VIP]);
    let lines = scene.node(FIRST).log().lines().count();
    let start = now();
    for _ in 0..2000 {
        forger.send(&weak);
    }
    scene.lab.wire.advert("an answer", "lb01", start, SOON, |a| a.priority == PRIORITIES[FIRST]);
    stay(QUICK.interval * 5);
    let answers = scene.lab.wire.adverts("lb01", start).len();
    assert!(answers < 200, "{answers} adverts for 2000 weaker ones");
    let lines = scene.node(FIRST).log().lines().count() - lines;
    assert!(lines < 200, "{lines} lines of log for 2000 weaker adverts");
    scene.expect_still_master(start);
    scene.end();
}

/// A log that is full or that nobody reads delays no advert.
fn log_that_takes_nothing() {
    for full in [true, false] {
        let mut scene = Scene::new("log_that_takes_nothing", OURS, QUICK);
        let start = now();
        let conf = scene.conf(FIRST);
        scene.node(FIRST).configure(&conf);
        let (unread, pipe) = std::io::pipe().expect("make a pipe");
        let log = if full { Stdio::from(full_device()) } else { Stdio::from(filled(pipe)) };
        scene.node_mut(FIRST).start_logging_to(Daemon::Ours, ARGS, log);
        scene.start(SECOND);
        scene.expect_master(FIRST, start);
        let settled = now();
        let weak = Forged::advert(CLIENT, 51, 50, 10, &[VIP]);
        let forger = Forger::on(&scene.lab.client.host, CLIENT);
        for _ in 0..50 {
            forger.send(&weak);
            stay(Duration::from_millis(10));
        }
        assert_even_adverts(&scene, settled);
        scene.end();
        drop(unread);
    }
}

fn full_device() -> std::fs::File {
    std::fs::File::options().write(true).open("/dev/full").expect("open /dev/full")
}

/// A pipe that takes not one byte more.
fn filled(pipe: std::io::PipeWriter) -> std::io::PipeWriter {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("make a pipe non-blocking");
    for size in [4096, 1] {
        while nix::unistd::write(&pipe, &vec![b'.'; size]).is_ok() {}
    }
    fcntl(&pipe, FcntlArg::F_SETFL(OFlag::empty())).expect("make a pipe blocking");
    pipe
}

/// No gap between the first node's adverts is much longer than the interval.
fn assert_even_adverts(scene: &Scene, start: Moment) {
    let adverts = scene.lab.wire.adverts("lb01", start);
    assert!(adverts.len() > 3, "the first node adverts");
    let times: Vec<Moment> = adverts.iter().map(|(at, _)| *at).collect();
    let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default();
    assert!(longest < QUICK.interval * 2, "a gap of {longest:?} between adverts");
}
