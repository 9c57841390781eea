//! What N instances cost: start, work as master and as backup, memory, stop, a reload with one change.

use std::fmt::Write;
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::rig::moment::{SOON, now, stay};
use crate::rig::node::Daemon;
use crate::rig::{Lab, Layout};
use crate::sample::Sample;
use crate::usage::{memory, processor_time};
use crate::{ARGS, PROGRAMS, heading, row};

/// Instances on each interface: there are 255 numbers for them.
const EACH: usize = 250;
const INTERFACES: &[&str] = &["eth0", "eth1", "eth2", "eth3"];
/// How long the steady state is watched.
const WATCH: Duration = Duration::from_secs(8);
const MASTER: usize = 0;
const BACKUP: usize = 1;

/// Reading of 1000 instances and the burst of their announcements take a while on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug, Default)]
struct Figures {
    started: Sample,
    sent: Sample,
    received: Sample,
    resident: Sample,
    anonymous: Sample,
    released: Sample,
    exit: Sample,
    changed: Sample,
    gap: Sample,
}

/// Measures both programs in turn and prints the table.
pub fn measure(ours: &Path, count: usize, rounds: usize) {
    let layout = Layout { interfaces: &INTERFACES[..count.div_ceil(EACH)], ..Layout::default() };
    let mut lab = Lab::new("bench-size", ours, &layout);
    let mut figures = [Figures::default(), Figures::default()];
    for _ in 0..rounds {
        for (program, figures) in PROGRAMS.into_iter().zip(&mut figures) {
            round(&mut lab, program, count, figures);
        }
    }
    let [a, b] = &figures;
    heading(&format!("{count} instances, version 2, interval 1 s, {rounds} rounds"));
    row("exec to the last address, less the protocol's timer, ms", [&a.started, &b.started]);
    row("processor time per advert sent, us", [&a.sent, &b.sent]);
    row("processor time per advert received, us", [&a.received, &b.received]);
    row("resident memory of a master, MiB", [&a.resident, &b.resident]);
    row("anonymous memory of a master, MiB", [&a.anonymous, &b.anonymous]);
    row("SIGHUP to one changed address, ms", [&a.changed, &b.changed]);
    row("longest gap between adverts around it, ms", [&a.gap, &b.gap]);
    row("SIGTERM to the last address gone, ms", [&a.released, &b.released]);
    row("SIGTERM to exit, ms", [&a.exit, &b.exit]);
    println!();
}

fn round(lab: &mut Lab, program: Daemon, count: usize, figures: &mut Figures) {
    lab.nodes[MASTER].configure(&conf(count, 150, 1));
    lab.nodes[BACKUP].configure(&conf(count, 100, 1));
    let start = now();
    lab.nodes[MASTER].start_with(program, ARGS);
    let all = last_change(lab, start, true, count);
    // Version 2: three seconds and (256 - 150) / 256 of one.
    figures.started.add((all.as_secs_f64() - start.as_secs_f64() - 3.0 - 106.0 / 256.0) * 1e3);
    lab.nodes[BACKUP].start_with(program, ARGS);
    // The second burst of announcements, after 5 s, is over.
    stay(Duration::from_secs(7));
    let before = [MASTER, BACKUP].map(|i| processor_time(&lab.nodes[i]));
    let since = now();
    stay(WATCH);
    let used = [MASTER, BACKUP].map(|i| processor_time(&lab.nodes[i]) - before[i]);
    let adverts = lab.wire.adverts("lb01", since).len() as f64;
    assert!(adverts >= count as f64 * 6.0, "{adverts} adverts of {count} instances");
    figures.sent.add(used[MASTER].as_secs_f64() * 1e6 / adverts);
    figures.received.add(used[BACKUP].as_secs_f64() * 1e6 / adverts);
    figures.resident.add(memory(&lab.nodes[MASTER], "Rss:"));
    figures.anonymous.add(memory(&lab.nodes[MASTER], "Anonymous:"));
    reload(lab, count, figures);
    lab.nodes[BACKUP].terminate();
    let stop = now();
    lab.nodes[MASTER].terminate();
    figures.exit.add_time(now().saturating_sub(stop));
    let gone = last_change(lab, stop, false, count);
    figures.released.add_time(gone.saturating_sub(stop));
    lab.nodes[MASTER].assert_nothing_left();
}

/// One address of one instance changes.
fn reload(lab: &Lab, count: usize, figures: &mut Figures) {
    let before = now();
    stay(Duration::from_secs(2));
    let at = lab.nodes[MASTER].reload(&conf(count, 150, 2));
    let new = address(0, 2);
    let changed = lab.nodes[MASTER].watch.next(new, true, at, SOON).expect("the new address comes");
    figures.changed.add_time(changed - at);
    stay(Duration::from_secs(3));
    let mut longest = Duration::ZERO;
    let mut last = std::collections::HashMap::new();
    let seen = lab.wire.all(before, |frame| {
        (frame.from == "lb01").then(|| Some((frame.at, frame.interface.clone(), frame.packet.advert()?.vrid))).flatten()
    });
    for (at, interface, vrid) in seen {
        if let Some(previous) = last.insert((interface, vrid), at) {
            longest = longest.max(at.saturating_sub(previous));
        }
    }
    figures.gap.add_time(longest);
}

/// When the last of `count` addresses came, or went, after `start`.
fn last_change(lab: &Lab, start: Duration, added: bool, count: usize) -> Duration {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let changes = lab.nodes[MASTER].watch.since(start);
        let virtual_ones = changes.iter().filter(|change| change.added == added && is_virtual(change.address));
        let times: Vec<Duration> = virtual_ones.map(|change| change.at).collect();
        if times.len() >= count {
            return times.into_iter().max().unwrap_or_default();
        }
        assert!(Instant::now() < deadline, "{} of {count} addresses changed", times.len());
        stay(Duration::from_millis(20));
    }
}

fn is_virtual(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(ip) if ip.octets()[0] == 10 && ip.octets()[1] == 77)
}

fn address(number: usize, first: u8) -> IpAddr {
    let (high, low) = (number / EACH, number % EACH);
    let number = |n: usize| u8::try_from(n).expect("at most 250 a net");
    let host = number(low + 1);
    if low == 0 && high == 0 { [10, 77, 100 + first, host].into() } else { [10, 77, number(high), host].into() }
}

/// A file of `count` instances with one address each; the first one's is `first`.
fn conf(count: usize, priority: u8, first: u8) -> String {
    let mut text = String::from("global_defs {\n router_id lb\n}\n");
    for number in 0..count {
        let _ = write!(
            text,
            "vrrp_instance VI_{number} {{\n state BACKUP\n interface {}\n virtual_router_id {}\n priority {priority}\n \
             version 2\n advert_int 1\n virtual_ipaddress {{\n {}/32\n }}\n}}\n",
            INTERFACES[number / EACH],
            number % EACH + 1,
            address(number, first),
        );
    }
    text
}
