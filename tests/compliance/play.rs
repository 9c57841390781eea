//! Plays a scenario with one program on both nodes and gives what was seen, as lines.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;

use crate::record;
use crate::rig::moment::{comes_true, now, stay};
use crate::rig::node::{Daemon, Node, Role};
use crate::rig::{Lab, Layout};
use crate::scenario::{Scenario, Step};

/// How long a state may take to come: the longest timers of a scenario are a few seconds.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the effects of a step may take that the next look has to see.
const SETTLING: Duration = Duration::from_millis(300);

/// Stands in front of each configuration.
const PREFACE: &str = "global_defs {\n    script_user root\n    enable_script_security\n    \
                       vrrp_notify_fifo /run/lab/events\n    vrrp_notify_priority_changes\n}\n";

/// Plays a scenario.
pub fn play(name: &str, scenario: &Scenario, daemon: Daemon) -> BTreeSet<String> {
    let interfaces: Vec<&str> = scenario.interfaces.iter().map(String::as_str).collect();
    let layout = Layout { interfaces: &interfaces, ..Layout::default() };
    let mut lab = Lab::new(&format!("{name}-{daemon:?}"), &crate::ours(), &layout);
    let mut pipes: Vec<File> = lab.nodes.iter().map(pipe).collect();
    let configuration = |section: &str| match scenario.configurations.get(section) {
        Some(text) => format!("{PREFACE}{text}"),
        None => panic!("{name}: there is no [{section}]"),
    };
    let mut seen = BTreeSet::new();
    let mut looks = 0;
    let mut since = now();
    let mut told = BTreeMap::new();
    let mut last = record::Last::new();
    for step in &scenario.steps {
        match step {
            Step::Start(i) => {
                let text = configuration(lab.nodes[*i].name());
                lab.nodes[*i].start(daemon, &text);
            }
            Step::Stop(i) => {
                lab.nodes[*i].terminate();
            }
            Step::Kill(i) => {
                lab.nodes[*i].crash(&[Role::Parent, Role::Vrrp]);
            }
            Step::Crash(i) => {
                lab.nodes[*i].crash(&[Role::Vrrp]);
            }
            Step::Pause(i, on) => {
                lab.nodes[*i].signal(Role::Vrrp, if *on { Signal::SIGSTOP } else { Signal::SIGCONT });
            }
            Step::Reload(i, section) => {
                lab.nodes[*i].reload(&configuration(section));
            }
            Step::Ip(i, line) => {
                lab.nodes[*i].host.ip(&format!("{line}\n"));
            }
            Step::Run(i, line) => {
                lab.nodes[*i].host.run("sh", &["-c", line]);
            }
            Step::Carrier(i, on) => lab.carrier(*i, *on),
            Step::Split(on) => lab.split(*on),
            Step::Until(i, subject, state) => {
                let from = told.entry((*i, subject)).or_default();
                *from = until(name, &lab.nodes[*i], *from, subject, state);
            }
            Step::Stay(time) => stay(*time),
            Step::Look => {
                stay(SETTLING);
                looks += 1;
                let mut add = |line: String| seen.insert(format!("look {looks}: {line}"));
                for node in &lab.nodes {
                    record::objects(node).into_iter().for_each(|line| {
                        add(line);
                    });
                    record::packets(&lab.wire, node.name(), since, &mut last).into_iter().for_each(|line| {
                        add(line);
                    });
                }
                since = now();
            }
        }
    }
    for (node, pipe) in lab.nodes.iter().zip(&mut pipes) {
        let told = record::states(&notified(node)).into_iter().chain(record::events(&lines(pipe)));
        seen.extend(told.map(|line| format!("{}: {line}", node.name())));
    }
    seen
}

/// The named pipe of a node, which is there before the daemon.
fn pipe(node: &Node) -> File {
    let path = node.folder().join("events");
    nix::unistd::mkfifo(&path, Mode::S_IRWXU).expect("make a pipe");
    let flags = nix::libc::O_NONBLOCK;
    OpenOptions::new().read(true).write(true).custom_flags(flags).open(path).expect("open a pipe")
}

/// All that has come through a pipe.
fn lines(pipe: &mut File) -> Vec<String> {
    let (mut text, mut piece) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = pipe.read(&mut piece) {
        text.extend_from_slice(&piece[..count]);
    }
    String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
}

/// All calls of a node's notify script, in order.
fn notified(node: &Node) -> Vec<String> {
    let text = std::fs::read_to_string(node.folder().join("notified")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Waits until the script was told of a state of `subject`, later than the call number `from`; gives the number of that
/// call.
fn until(scenario: &str, node: &Node, from: usize, subject: &str, state: &str) -> usize {
    let wanted = format!("[{subject}][{state}]");
    let mut found = None;
    comes_true(PATIENCE, || {
        let calls = notified(node);
        found = calls.iter().skip(from).position(|call| call.contains(&wanted)).map(|position| from + position + 1);
        found.is_some()
    });
    found.unwrap_or_else(|| {
        let calls = notified(node).split_off(from);
        panic!("{scenario}: {} is not told {wanted}, only {calls:#?}\n{}", node.name(), node.log_tail())
    })
}
