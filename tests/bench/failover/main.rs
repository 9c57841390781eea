//! Failover beside Debian's keepalived, in one interleaved run.
//!
//! `cargo bench --bench failover` (root; `-- --quick` for few rounds, `-- --bfd` for the part with BFD alone). Two nodes and a listener on the wire are made of
//! namespaces; each program in turn is crashed, stopped and cut off. A takeover is measured from the last advert (or
//! the goodbye) that the listener saw, so that the protocol's own timer can be taken off: what remains is the program's
//! excess. `KEEPALIVED_RS` names another program than the one that cargo built.

mod cost;
mod detection;
#[path = "../../lab/rig/mod.rs"]
#[allow(dead_code, reason = "the lab uses the rest")]
mod rig;
mod sample;
mod takeover;
mod usage;

use std::env;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cost::{Costs, Scale};
use detection::{Story, Watch};
use rig::conf::Speech;
use rig::node::Daemon;
use sample::Sample;
use takeover::{Duel, Event};

/// How often each is measured.
struct Rounds {
    /// At an interval of one second.
    slow: usize,
    /// At the shorter intervals.
    fast: usize,
    /// With BFD.
    bfd: usize,
    /// Start and memory.
    cost: usize,
}

fn main() {
    let quick = env::args().any(|a| a == "--quick");
    let rounds = if quick {
        Rounds { slow: 1, fast: 5, bfd: 3, cost: 2 }
    } else {
        Rounds { slow: 7, fast: 40, bfd: 20, cost: 7 }
    };
    let ours = env::var_os("KEEPALIVED_RS").map_or_else(|| env!("CARGO_BIN_EXE_keepalived-rs").into(), PathBuf::from);
    println!("medians [first - third quartile]; ratio: ours / keepalived; excess: beyond the protocol's timer\n");
    if env::args().any(|a| a == "--bfd") {
        return detections(&rounds, &ours);
    }
    for (name, version, milliseconds) in [
        ("version 2, interval 1 s", 2, 1000),
        ("version 3, interval 0.1 s", 3, 100),
        ("version 3, interval 0.01 s", 3, 10),
    ] {
        let interval = Duration::from_millis(milliseconds);
        let count = if milliseconds >= 1000 { rounds.slow } else { rounds.fast };
        takeovers(name, Speech { version, interval, ..Speech::QUICK }, count, &ours);
    }
    detections(&rounds, &ours);
    costs(rounds.cost, &ours);
}

fn detections(rounds: &Rounds, ours: &Path) {
    for story in Story::ALL {
        let count = match story {
            Story::Master | Story::Router => rounds.slow,
            Story::MasterByBfd | Story::RouterByBfd => rounds.bfd,
        };
        let mut watches = [Daemon::Ours, Daemon::Keepalived].map(|program| Watch::new(program, ours, story));
        for round in 0..count {
            progress(&format!("{}: round {} of {count}", story.name(), round + 1));
            let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
            for i in order {
                watches[i].wait_until_ready(round);
                watches[i].round();
            }
        }
        progress("");
        let [ours, theirs] = watches.each_ref().map(|watch| &watch.figures);
        heading(&format!("{}: {} rounds", story.name(), ours.total.count().min(theirs.total.count())));
        if story.has_router() {
            row("death to the master's goodbye, ms", &ours.goodbye, &theirs.goodbye);
        }
        row("death to address on the backup, ms", &ours.total, &theirs.total);
        if ours.discarded + theirs.discarded > 0 {
            println!("  discarded rounds: ours {}, keepalived {}", ours.discarded, theirs.discarded);
        }
        println!();
    }
}

fn takeovers(name: &str, speech: Speech, rounds: usize, ours: &Path) {
    let mut duels = [Daemon::Ours, Daemon::Keepalived].map(|program| Duel::new(program, ours, speech));
    for round in 0..rounds {
        progress(&format!("{name}: round {} of {rounds}", round + 1));
        for event in Event::ALL {
            // Who goes first changes, so that neither has the machine warmer.
            let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
            for i in order {
                duels[i].round(event);
            }
            for duel in &duels {
                duel.wait_for_master();
            }
        }
    }
    progress("");
    let [a, b] = &duels;
    for event in Event::ALL {
        let (ours, theirs) = (&a.figures[event as usize], &b.figures[event as usize]);
        let timer = a.timer(event).as_secs_f64() * 1e3;
        let rounds = ours.total.count().min(theirs.total.count());
        heading(&format!("{name}, {}: protocol's timer {timer:.2} ms, {rounds} rounds", event.name()));
        row("event to address on the backup, ms", &ours.total, &theirs.total);
        row("excess to first advert, ms", &ours.advert, &theirs.advert);
        row("excess to first GARP, ms", &ours.garp, &theirs.garp);
        row("excess to address, ms", &ours.address, &theirs.address);
        if event == Event::Term {
            row("SIGTERM to priority 0 on the wire, ms", &ours.goodbye, &theirs.goodbye);
            row("SIGTERM to exit, ms", &ours.exit, &theirs.exit);
        }
        if ours.discarded + theirs.discarded > 0 {
            println!("  discarded rounds: ours {}, keepalived {}", ours.discarded, theirs.discarded);
        }
        println!();
    }
}

fn costs(rounds: usize, ours: &Path) {
    let mut scale = Scale::new(ours);
    let mut costs = [Costs::default(), Costs::default()];
    for round in 0..rounds {
        progress(&format!("start and memory: round {} of {rounds}", round + 1));
        for (program, costs) in [Daemon::Ours, Daemon::Keepalived].into_iter().zip(&mut costs) {
            scale.round(program, costs);
        }
    }
    progress("");
    let [a, b] = &costs;
    heading(&format!("two instances, version 2, interval 1 s, {rounds} rounds"));
    row("exec to multicast group joined, ms", &a.joined, &b.joined);
    row("processor time to start, ms", &a.start, &b.start);
    row("resident memory, all processes, MiB", &a.resident, &b.resident);
    row("anonymous memory, all processes, MiB", &a.anonymous, &b.anonymous);
}

/// What is going on, on a terminal only.
fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
    }
}

fn heading(text: &str) {
    println!("{text}");
    println!("  {:<40} {:<26} {:<26} ratio", "", "ours", "keepalived");
}

fn row(what: &str, ours: &Sample, theirs: &Sample) {
    println!("  {what:<40} {:<26} {:<26} {}", ours.shown(), theirs.shown(), ours.ratio(theirs));
}
