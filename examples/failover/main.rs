//! Two nodes, one virtual address: a crash, a return and a stop, shown as a timeline.
//!
//! Started by `examples/failover/run`. Each node is a machine made of namespaces that runs `keepalived-rs` with its
//! unchanged file of `examples/two-nodes/`; a third host asks the virtual address for an echo fifty times a second. All
//! numbers are measured: adverts by the clock of the kernel that receives them, addresses as the kernel reports them.

#[path = "../../tests/lab/rig/mod.rs"]
#[allow(dead_code, reason = "the lab uses the rest")]
mod rig;

use std::env;
use std::io::IsTerminal;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use rig::moment::{Moment, now, stay};
use rig::node::{Daemon, Role};
use rig::pinger::Pinger;
use rig::{Lab, Layout};

const VIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 12);
const FIRST: usize = 0;
const SECOND: usize = 1;
const FILES: [&str; 2] = [include_str!("../two-nodes/lb01.conf"), include_str!("../two-nodes/lb02.conf")];
const PRIORITIES: [u8; 2] = [150, 100];
/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between one event and the next that is provoked.
const PAUSE: Duration = Duration::from_millis(2500);

fn main() {
    let program = program();
    println!("two nodes, one VIP, keepalived.conf unchanged (examples/two-nodes/)\n");
    Show::new(&program).play();
}

/// The daemon that was built beside this program, or the one named as argument.
fn program() -> PathBuf {
    let beside = || {
        let own = env::current_exe().expect("this program knows where it lies");
        own.ancestors().nth(2).map(|folder| folder.join("keepalived-rs")).expect("a build folder")
    };
    let program = env::args_os().nth(1).map_or_else(beside, PathBuf::from);
    if !program.is_file() {
        eprintln!("{} is not there: build it with `cargo build --release`", program.display());
        std::process::exit(1);
    }
    program
}

struct Show {
    lab: Lab,
    client: Pinger,
    start: Moment,
}

/// A takeover, as the wire and the kernel saw it.
struct Takeover {
    /// The heir's first advert.
    at: Moment,
    /// How many announcements of the address came with it.
    announced: usize,
}

impl Show {
    fn new(program: &Path) -> Self {
        let lab = Lab::new("failover", program, &Layout::default());
        let client = Pinger::start(&lab.client.host, VIP, Duration::from_millis(20));
        Self { lab, client, start: now() }
    }

    fn play(&mut self) {
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
        let silence = crash.at - self.last_advert(FIRST, crash.at);
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
        self.lab.nodes[SECOND].stop();

        // RFC 3768 6.1: three intervals and the skew time, (256 - priority) / 256 seconds.
        let skew = Duration::from_secs(1) * (256 - u32::from(PRIORITIES[SECOND])) / 256;
        let timer = Duration::from_secs(3) + skew;
        println!(
            "\n  takeover {:.4} s after the last advert of the dead, of which {:.4} s are the protocol's own timer;\n  \
             after a stop {:.4} s, of which {:.4} s are the protocol's own timer",
            silence.as_secs_f64(),
            timer.as_secs_f64(),
            (last.at - stop).as_secs_f64(),
            skew.as_secs_f64()
        );
    }

    fn start_node(&mut self, i: usize) {
        self.lab.nodes[i].start(Daemon::Ours, FILES[i]);
    }

    fn name(&self, i: usize) -> &str {
        self.lab.nodes[i].name()
    }

    /// Waits until the node is master and has the address.
    fn takeover(&self, i: usize, since: Moment) -> Takeover {
        let name = self.name(i);
        let address = IpAddr::V4(VIP);
        let (at, _) = self.lab.wire.advert(&format!("an advert of {name}"), name, since, PATIENCE, |a| a.priority > 0);
        let node = &self.lab.nodes[i];
        rig::moment::wait_until(&format!("{name} has {VIP}"), PATIENCE, || node.has_all(&[address]));
        let told =
            || self.lab.wire.all(at, |f| (f.from == name && f.packet.announces() == Some(address)).then_some(())).len();
        rig::moment::wait_until(&format!("{name} announces {VIP}"), PATIENCE, || told() > 0);
        stay(Duration::from_millis(20));
        Takeover { at, announced: told() }
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
