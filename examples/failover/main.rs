//! Two nodes, one virtual address: a crash, a return and a stop, shown as a timeline.
//!
//! Started by `examples/failover/run`. Each node is a machine made of namespaces that runs `keepalived-rs` with its
//! unchanged file of `examples/two-nodes/`; a third host asks the virtual address for an echo fifty times a second. All
//! numbers are measured: adverts by the clock of the kernel that receives them, addresses as the kernel reports them.
//!
//! With `--svg FILE` the run is also drawn (`timeline.svg` is such a picture), beside a takeover by Debian's keepalived where
//! that is installed.

#[path = "../../tests/lab/rig/mod.rs"]
#[allow(dead_code, reason = "the lab uses the rest")]
mod rig;
mod timeline;

use std::env;
use std::io::IsTerminal;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use rig::moment::{Moment, now, stay};
use rig::node::{Daemon, KEEPALIVED, Role};
use rig::pinger::Pinger;
use rig::{Lab, Layout};
use timeline::{Lane, Span, Takeover, Timeline};

const VIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 12);
const FIRST: usize = 0;
const SECOND: usize = 1;
const FILES: [&str; 2] = [include_str!("../two-nodes/lb01.conf"), include_str!("../two-nodes/lb02.conf")];
const PRIORITIES: [u8; 2] = [150, 100];
/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between one event and the next that is provoked.
const PAUSE: Duration = Duration::from_millis(2500);
/// How fine the picture shows what the client felt; it asks every 20 ms.
const SLOT: Duration = Duration::from_millis(100);

/// Skew_Time of the second node, RFC 3768 6.1: (256 - priority) / 256 seconds.
fn skew() -> Duration {
    Duration::from_secs(1) * (256 - u32::from(PRIORITIES[SECOND])) / 256
}

/// Master_Down_Interval of the second node: three intervals and the skew time.
fn timer() -> Duration {
    Duration::from_secs(3) + skew()
}

fn main() {
    let (program, picture) = arguments();
    println!("two nodes, one VIP, keepalived.conf unchanged (examples/two-nodes/)\n");
    let mut show = Show::new(&program, Daemon::Ours);
    let story = show.play();
    let Some(file) = picture else { return };
    let mut timeline = show.timeline(&story);
    drop(show);
    timeline.takeovers = vec![story.enlarged];
    if Path::new(KEEPALIVED).is_file() {
        println!("\n  the same crash, with Debian's keepalived");
        timeline.takeovers.push(Show::new(&program, Daemon::Keepalived).crash_only());
    }
    std::fs::write(&file, timeline::draw(&timeline)).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    println!("\n  drawn in {}", file.display());
}

/// The daemon (that was built beside this program unless another one is named), and where the picture is wanted.
fn arguments() -> (PathBuf, Option<PathBuf>) {
    let own = env::current_exe().expect("this program knows where it lies");
    let mut program = own.ancestors().nth(2).map(|folder| folder.join("keepalived-rs")).expect("a build folder");
    let mut picture = None;
    let mut words = env::args_os().skip(1);
    while let Some(word) = words.next() {
        if word == "--svg" {
            picture = words.next().map(PathBuf::from);
            complain_unless(picture.is_some(), "--svg wants the name of a file");
        } else {
            program = PathBuf::from(word);
        }
    }
    complain_unless(
        program.is_file(),
        &format!("{} is not there: build it with `cargo build --release`", program.display()),
    );
    (program, picture)
}

fn complain_unless(good: bool, complaint: &str) {
    if !good {
        eprintln!("{complaint}");
        std::process::exit(1);
    }
}

struct Show {
    lab: Lab,
    daemon: Daemon,
    client: Pinger,
    start: Moment,
}

/// When things happened that a picture shows.
struct Story {
    dead: Vec<(Moment, Moment)>,
    events: Vec<(Moment, &'static str)>,
    silence: (Moment, Moment),
    enlarged: Takeover,
    end: Moment,
}

/// A change of master, as the wire and the kernel saw it.
struct Change {
    /// The heir's first advert.
    at: Moment,
    /// How many announcements of the address came with it.
    announced: usize,
}

impl Show {
    fn new(program: &Path, daemon: Daemon) -> Self {
        let lab = Lab::new("failover", program, &Layout::default());
        let client = Pinger::start(&lab.client.host, VIP, Duration::from_millis(20));
        Self { lab, daemon, client, start: now() }
    }

    fn play(&mut self) -> Story {
        for (i, priority) in PRIORITIES.into_iter().enumerate() {
            self.start_node(i);
            self.tell(now(), self.name(i), "started", &format!("priority {priority}"), "");
        }
        let begun = self.takeover(FIRST, self.start);
        let what = format!("{VIP} added, announced ({} GARP)", begun.announced);
        self.wait_for_answer(begun.at);
        self.tell(begun.at, self.name(FIRST), "MASTER", &what, &format!("client: {VIP} answers"));
        stay(PAUSE);

        let cut = now();
        self.event(cut, "lb01 dies: kill -9 of all its processes, and its cable is pulled");
        self.lab.nodes[FIRST].crash(&[Role::Parent, Role::Vrrp]);
        self.lab.carrier(FIRST, false);
        let crash = self.takeover(SECOND, cut);
        let last_advert = self.last_advert(FIRST, crash.at);
        let silence = crash.at - last_advert;
        let why = format!("no advert from 10.0.0.1 for {:.3} s", silence.as_secs_f64());
        self.wait_for_answer(crash.at);
        self.tell(crash.at, self.name(SECOND), "MASTER", &why, &self.felt(cut));
        stay(PAUSE);

        let again = now();
        self.lab.carrier(FIRST, true);
        self.event(again, "lb01 is started again");
        self.start_node(FIRST);
        let address = IpAddr::V4(VIP);
        if let Some(at) = self.lab.nodes[FIRST].watch.next(address, false, again, PATIENCE) {
            self.tell(at, self.name(FIRST), "BACKUP", &format!("{VIP}, left by the crash, removed"), "");
        }
        let back = self.takeover(FIRST, again);
        self.wait_for_answer(back.at);
        self.tell(back.at, self.name(FIRST), "MASTER", "higher priority", &self.felt(again));
        stay(PAUSE);

        let stop = now();
        self.event(stop, "lb01 is stopped (SIGTERM)");
        self.lab.nodes[FIRST].signal(Role::Parent, Signal::SIGTERM);
        let last = self.takeover(SECOND, stop);
        self.wait_for_answer(last.at);
        self.tell(last.at, self.name(SECOND), "MASTER", "lb01 said goodbye (priority 0)", &self.felt(stop));
        self.lab.nodes[FIRST].wait_end(PATIENCE);
        stay(PAUSE / 2);
        self.lab.nodes[SECOND].stop();

        println!(
            "\n  takeover {:.4} s after the last advert of the dead, of which {:.4} s are the protocol's own timer;\n  \
             after a stop {:.4} s, of which {:.4} s are the protocol's own timer",
            silence.as_secs_f64(),
            timer().as_secs_f64(),
            (last.at - stop).as_secs_f64(),
            skew().as_secs_f64()
        );
        let end = last.at + PAUSE / 2;
        Story {
            dead: vec![(cut, again), (stop, end)],
            events: vec![(cut, "lb01 dies (kill -9)"), (again, "lb01 is started"), (stop, "lb01 is stopped")],
            silence: (last_advert, crash.at),
            enlarged: self.enlarged("keepalived-rs", last_advert, &crash),
            end,
        }
    }

    /// Only the crash, and what the other node makes of it.
    fn crash_only(&mut self) -> Takeover {
        for i in [FIRST, SECOND] {
            self.start_node(i);
        }
        self.takeover(FIRST, self.start);
        stay(PAUSE);
        let cut = now();
        self.lab.nodes[FIRST].crash(&[Role::Parent, Role::Vrrp]);
        self.lab.carrier(FIRST, false);
        let crash = self.takeover(SECOND, cut);
        let enlarged = self.enlarged("keepalived", self.last_advert(FIRST, crash.at), &crash);
        self.lab.nodes[SECOND].stop();
        enlarged
    }

    fn enlarged(&self, program: &str, last_advert: Moment, crash: &Change) -> Takeover {
        let address = IpAddr::V4(VIP);
        let due = last_advert + timer();
        let added = self.lab.nodes[SECOND].watch.next(address, true, last_advert, PATIENCE).expect("it is there");
        let after = |at: Moment| at.as_secs_f64() - due.as_secs_f64();
        let first = crash.at..crash.at + Duration::from_secs(1);
        let announcements = self.announcements(SECOND).into_iter().filter(|at| first.contains(at));
        Takeover {
            name: program.to_owned(),
            advert: after(crash.at),
            address: after(added),
            announcements: announcements.map(after).collect(),
        }
    }

    fn announcements(&self, i: usize) -> Vec<Moment> {
        let of_it = Some(IpAddr::V4(VIP));
        self.lab.wire.all(self.start, |f| (f.from == self.name(i) && f.packet.announces() == of_it).then_some(f.at))
    }

    fn timeline(&self, story: &Story) -> Timeline {
        let seconds = |at: Moment| at.saturating_sub(self.start).as_secs_f64();
        let spans =
            |list: &[(Moment, Moment)]| -> Vec<Span> { list.iter().map(|(a, b)| (seconds(*a), seconds(*b))).collect() };
        let shown =
            |list: Vec<Moment>| -> Vec<f64> { list.into_iter().filter(|at| *at < story.end).map(seconds).collect() };
        let lane = |i: usize| Lane {
            name: format!("{} (priority {})", self.name(i), PRIORITIES[i]),
            master: spans(&self.master(i, story)),
            dead: if i == FIRST { spans(&story.dead) } else { Vec::new() },
            adverts: shown(self.lab.wire.adverts(self.name(i), self.start).into_iter().map(|(at, _)| at).collect()),
            announcements: shown(self.announcements(i)),
        };
        Timeline {
            end: seconds(story.end),
            lanes: vec![lane(FIRST), lane(SECOND)],
            answered: spans(&self.answered(story.end)),
            events: story.events.iter().map(|(at, what)| (seconds(*at), *what)).collect(),
            silence: (seconds(story.silence.0), seconds(story.silence.1)),
            takeovers: Vec::new(),
        }
    }

    /// When the client had answers: spans without a lost request.
    fn answered(&self, end: Moment) -> Vec<(Moment, Moment)> {
        let mut spans: Vec<(Moment, Moment)> = Vec::new();
        let mut from = self.start;
        while from < end {
            let to = end.min(from + SLOT);
            if self.client.outage(from, to).lost == 0 {
                match spans.last_mut() {
                    Some((_, last)) if *last == from => *last = to,
                    _ => spans.push((from, to)),
                }
            }
            from = to;
        }
        spans
    }

    /// When a node was master: from the coming of the address to its going, or the node's.
    fn master(&self, i: usize, story: &Story) -> Vec<(Moment, Moment)> {
        let mut spans: Vec<(Moment, Moment)> = Vec::new();
        let mut since = None;
        let died = story.dead.iter().filter(|_| i == FIRST).map(|(at, _)| (*at, false));
        let changes = self.lab.nodes[i].watch.since(self.start);
        let changes = changes.iter().filter(|c| c.address == IpAddr::V4(VIP)).map(|c| (c.at, c.added));
        let mut changes: Vec<(Moment, bool)> = changes.chain(died).chain([(story.end, false)]).collect();
        changes.sort();
        for (at, added) in changes.into_iter().filter(|(at, _)| *at <= story.end) {
            match (since, added) {
                (None, true) => since = Some(at),
                (Some(from), false) => {
                    spans.push((from, at));
                    since = None;
                }
                _ => {}
            }
        }
        spans
    }

    fn start_node(&mut self, i: usize) {
        self.lab.nodes[i].start(self.daemon, FILES[i]);
    }

    fn name(&self, i: usize) -> &str {
        self.lab.nodes[i].name()
    }

    /// Waits until the node is master and has the address.
    fn takeover(&self, i: usize, since: Moment) -> Change {
        let name = self.name(i);
        let address = IpAddr::V4(VIP);
        let (at, _) = self.lab.wire.advert(&format!("an advert of {name}"), name, since, PATIENCE, |a| a.priority > 0);
        let node = &self.lab.nodes[i];
        rig::moment::wait_until(&format!("{name} has {VIP}"), PATIENCE, || node.has_all(&[address]));
        let told =
            || self.lab.wire.all(at, |f| (f.from == name && f.packet.announces() == Some(address)).then_some(())).len();
        rig::moment::wait_until(&format!("{name} announces {VIP}"), PATIENCE, || told() > 0);
        stay(Duration::from_millis(20));
        Change { at, announced: told() }
    }

    fn last_advert(&self, i: usize, before: Moment) -> Moment {
        let adverts = self.lab.wire.adverts(self.name(i), self.start);
        adverts.iter().map(|(at, _)| *at).rfind(|at| *at < before).expect("it was master")
    }

    fn wait_for_answer(&self, since: Moment) {
        rig::moment::wait_until("the client gets an answer", PATIENCE, || self.client.answered_since(since));
    }

    /// What the client felt since then.
    fn felt(&self, since: Moment) -> String {
        stay(Duration::from_millis(300));
        // The last requests may still be under way.
        let outage = self.client.outage(since - Duration::from_millis(100), now() - Duration::from_millis(100));
        match outage.lost {
            0 => "client: no request lost".to_owned(),
            1 => "client: 1 request lost".to_owned(),
            _ => format!("client: {:.1} s without answer", outage.longest.as_secs_f64()),
        }
    }

    fn tell(&self, at: Moment, who: &str, state: &str, what: &str, client: &str) {
        let seconds = at.saturating_sub(self.start).as_secs_f64();
        let line = format!("{seconds:8.3} s  {who}  {state:<8} {what:<42} {client}");
        println!("{}", line.trim_end());
    }

    fn event(&self, at: Moment, what: &str) {
        let seconds = at.saturating_sub(self.start).as_secs_f64();
        let plain = !std::io::stdout().is_terminal() || env::var_os("NO_COLOR").is_some();
        let (on, off) = if plain { ("", "") } else { ("\x1b[1m", "\x1b[0m") };
        println!("{seconds:8.3} s  {on}--- {what} ---{off}");
    }
}
