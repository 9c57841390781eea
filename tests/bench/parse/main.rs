//! `-t` over long configurations beside Debian's keepalived, in one interleaved run.
//!
//! `cargo bench --bench parse` (root; `-- --quick` for one round and no long files). It works in a network namespace of
//! its own, with the interfaces that the files name; both go with it. `KEEPALIVED_RS` names another program than the one
//! that cargo built, `KEEPALIVED` one more keepalived to compare with.

mod run;
#[path = "../failover/sample.rs"]
#[allow(dead_code, reason = "the other benchmark uses the rest")]
mod sample;
mod text;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sched::{CloneFlags, unshare};

use sample::Sample;
use text::Kind;

/// Lines of the files, shortest first.
const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
/// Links in the namespace: enough for the longest file with 255 virtual routers on each. They are
/// the ends of pairs, thus an even number.
const INTERFACES: usize = 36;

/// A program that is measured.
struct Program {
    name: &'static str,
    path: PathBuf,
}

/// What was measured of one program over one file.
#[derive(Default)]
struct Figures {
    wall: Sample,
    cpu: Sample,
    memory: Sample,
}

fn main() {
    let quick = env::args().any(|a| a == "--quick");
    let (rounds, sizes) = if quick { (1, &SIZES[..2]) } else { (9, &SIZES[..]) };
    let programs = programs();
    make_links();
    let folder = env::temp_dir().join(format!("keepalived-rs-parse-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("make a folder for the files");
    println!("medians of {rounds} rounds; ratio: to keepalived; growth: to the file of a tenth of the lines");
    for kind in Kind::ALL {
        println!("\n{}", kind.name());
        println!(
            "  {:>7}  {:<17} {:>9} {:>9} {:>11}   ratio: {:>5} {:>5} {:>6}   {:>6}",
            "lines", "", "wall, ms", "CPU, ms", "memory, MiB", "wall", "CPU", "memory", "growth"
        );
        let mut shorter: Vec<Figures> = Vec::new();
        for lines in sizes {
            let file = folder.join(format!("{}-{lines}.conf", kind.name().replace(' ', "-")));
            text::write(&file, kind, *lines, INTERFACES).expect("write a configuration");
            let figures = measure(&programs, &file, rounds);
            show(*lines, &programs, &figures, &shorter);
            shorter = figures;
        }
    }
    fs::remove_dir_all(&folder).expect("remove the folder of the files");
}

/// Ours first, then those to compare with.
fn programs() -> Vec<Program> {
    let ours = env::var_os("KEEPALIVED_RS").map_or_else(|| env!("CARGO_BIN_EXE_keepalived-rs").into(), PathBuf::from);
    let mut programs = vec![
        Program { name: "ours", path: ours },
        Program { name: "keepalived", path: PathBuf::from("/usr/sbin/keepalived") },
    ];
    programs.extend(env::var_os("KEEPALIVED").map(|path| Program { name: "KEEPALIVED", path: path.into() }));
    programs
}

/// Goes into a network namespace of our own with links `eth0`, `eth1` ... that are up.
fn make_links() {
    unshare(CloneFlags::CLONE_NEWNET).expect("make a network namespace (needs root)");
    for number in (0..INTERFACES).step_by(2) {
        ip(&["link", "add", &format!("eth{number}"), "type", "veth", "peer", "name", &format!("eth{}", number + 1)]);
    }
    for number in 0..INTERFACES {
        let name = format!("eth{number}");
        ip(&["link", "set", &name, "up"]);
        ip(&["address", "add", &format!("10.250.{number}.1/24"), "dev", &name]);
    }
}

fn ip(arguments: &[&str]) {
    let status = Command::new("ip").args(arguments).status().expect("run ip (iproute2)");
    assert!(status.success(), "ip {}", arguments.join(" "));
}

fn measure(programs: &[Program], file: &Path, rounds: usize) -> Vec<Figures> {
    let mut figures: Vec<Figures> = programs.iter().map(|_| Figures::default()).collect();
    let log = file.with_extension("log");
    // One round more, which is not counted: the first finds the file and the programs cold.
    for round in 0..=rounds {
        for step in 0..programs.len() {
            // Who goes first changes, so that nobody has the machine warmer.
            let index = (step + round) % programs.len();
            let program = &programs[index];
            let cost = run::test(&program.path, file, &log).expect("run a program");
            let said = || fs::read_to_string(&log).unwrap_or_default();
            assert_eq!(cost.status, Some(0), "{} -t -f {}: {}", program.path.display(), file.display(), said());
            if round > 0 {
                figures[index].wall.add_time(cost.wall);
                figures[index].cpu.add_time(cost.cpu);
                figures[index].memory.add(cost.memory as f64 / 1024.0);
            }
        }
    }
    figures
}

fn show(lines: usize, programs: &[Program], figures: &[Figures], shorter: &[Figures]) {
    let other = &figures[1];
    for (index, (program, own)) in programs.iter().zip(figures).enumerate() {
        let median = |sample: &Sample| sample.median().unwrap_or_default();
        let growth = shorter.get(index).map_or_else(|| "-".into(), |before| own.cpu.ratio(&before.cpu));
        let ratio = |own: &Sample, other: &Sample| if index == 1 { "1".into() } else { own.ratio(other) };
        println!(
            "  {lines:>7}  {:<17} {:>9.1} {:>9.1} {:>11.1}          {:>5} {:>5} {:>6}   {growth:>6}",
            program.name,
            median(&own.wall),
            median(&own.cpu),
            median(&own.memory),
            ratio(&own.wall, &other.wall),
            ratio(&own.cpu, &other.cpu),
            ratio(&own.memory, &other.memory),
        );
    }
}
