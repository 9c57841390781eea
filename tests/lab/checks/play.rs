//! Plays cases with one program on a machine of its own: the daemon checks one real server for each case, and the server of
//! each case is good, then at fault until it is removed, then good again until it is added.

use std::collections::HashMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::server::{Manner, Note, Server, address_of};
use super::tls;
use crate::rig::moment::stay;
use crate::rig::node::{ARGS, Daemon, Node};
use crate::rig::{Lab, Layout};

/// So many answers in a row that do not have the server removed show that nothing is wrong with them.
const HARMLESS: usize = 4;
/// The first success of a check that does not log it is there by then.
const SILENT: Duration = Duration::from_secs(4);
/// The longest that a phase may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How a server is good, or at fault.
#[derive(Clone, Default)]
pub struct State {
    /// A server of the test's own that answers like this.
    pub serves: Option<Manner>,
    /// A line for the shell of the machine, with `ADDRESS` and `NUMBER` standing for those of the case.
    pub shell: Option<&'static str>,
}

/// One real server.
#[derive(Clone)]
pub struct Case {
    /// What it shows.
    pub name: &'static str,
    /// The block of its checker; `NUMBER` is that of the case.
    pub checker: String,
    /// As it should be.
    pub good: State,
    /// What is wrong with it.
    pub fault: State,
    /// Lines of a [`Record`] that only one program gives; the reason stands where they are listed.
    pub differs: &'static [&'static str],
}

impl Case {
    /// Whether a first success is not logged.
    fn is_silent(&self) -> bool {
        self.checker.contains("DNS_CHECK") || self.checker.contains("FILE_CHECK")
    }
}

/// What was seen of a case, as lines.
pub type Record = Vec<String>;

/// The kinds of protocol that the virtual server may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TCP
    Tcp,
    /// UDP
    Udp,
}

struct Play {
    number: usize,
    server: Option<Server>,
    phase: usize,
    since: Instant,
    /// How long the log was when the phase began
    logged: usize,
    /// Two bytes of each request are random
    masked: bool,
    /// What was heard in which phase
    heard: Vec<(usize, Note)>,
    record: Record,
}

/// Plays all cases at once; gives what was seen of each.
pub fn play(name: &str, daemon: Daemon, protocol: Protocol, cases: &[Case]) -> Vec<Record> {
    let mut lab = Lab::new(
        &format!("checks-{name}-{daemon:?}"),
        &crate::ours(),
        &Layout { nodes: &["lb01"], ..Layout::default() },
    );
    let node = &mut lab.nodes[0];
    let mut variables = Vec::new();
    if daemon == Daemon::Keepalived || crate::is_stand_in() {
        build_stand_in(node.folder());
        variables.push(("LD_PRELOAD", "/run/lab/fakeipvs.so"));
    }
    node.host.run("sh", &["-c", "echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range"]);
    let script = "#!/bin/sh\necho \"$*\" >>/run/lab/told\n";
    crate::rig::node::write_script(&node.folder().join("tell"), script);
    let mut plays: Vec<Play> = (0..cases.len())
        .map(|number| Play {
            number,
            masked: cases[number].checker.contains("DNS_CHECK"),
            server: None,
            phase: 0,
            since: Instant::now(),
            logged: 0,
            heard: Vec::new(),
            record: Record::new(),
        })
        .collect();
    for (play, case) in plays.iter_mut().zip(cases) {
        play.enter(node, case, 0, 0);
    }
    node.configure(&configuration(protocol, cases));
    node.start_env(daemon, ARGS, &variables);
    loop {
        let log = lines_by_case(&node.log(), cases.len());
        let mut busy = false;
        for (play, case) in plays.iter_mut().zip(cases) {
            let lines = log.get(&play.number).map_or(&[][..], Vec::as_slice);
            busy |= play.go_on(node, case, lines);
        }
        if !busy {
            break;
        }
        stay(Duration::from_millis(10));
    }
    // The last notify scripts take their time.
    stay(Duration::from_secs(1));
    node.terminate();
    let log = lines_by_case(&node.log(), cases.len());
    let told = std::fs::read_to_string(node.folder().join("told")).unwrap_or_default();
    for play in &mut plays {
        let heard = play.lines();
        play.record.extend(heard);
        let lines = log.get(&play.number).cloned().unwrap_or_default();
        play.record.extend(lines.into_iter().map(|line| format!("log: {line}")));
        let own = format!("{} ", play.number);
        play.record
            .extend(told.lines().filter_map(|line| line.strip_prefix(&own)).map(|line| format!("script: {line}")));
    }
    plays.into_iter().map(|play| play.record).collect()
}

impl Play {
    /// Whether there is more to be done.
    fn go_on(&mut self, node: &Node, case: &Case, log: &[String]) -> bool {
        let new = log.get(self.logged..).unwrap_or_default();
        let says = |word: &str| new.iter().any(|line| line.contains(word));
        let heard = self.server.as_ref().map_or(0, |server| server.heard().len());
        let idle = self.server.as_ref().is_none_or(Server::is_idle);
        let over = match self.phase {
            0 => says("succe") || (case.is_silent() && (heard > 0 || self.since.elapsed() > SILENT)),
            1 => says("Removing service") || (heard >= HARMLESS && idle),
            2 => says("Adding service") || !log.iter().any(|line| line.contains("Removing service")),
            _ => return false,
        };
        if over || self.since.elapsed() > PATIENCE {
            if !over {
                self.record.push(format!("phase {}: nothing came of it", self.phase));
            }
            self.enter(node, case, self.phase + 1, log.len());
        }
        self.phase < 3
    }

    /// Begins a phase.
    fn enter(&mut self, node: &Node, case: &Case, phase: usize, logged: usize) {
        self.note();
        if phase < 3 {
            // What is good at last stays so until the daemon ends.
            self.server = None;
        }
        (self.phase, self.since, self.logged) = (phase, Instant::now(), logged);
        let state = match phase {
            0 | 2 => &case.good,
            1 => &case.fault,
            _ => return,
        };
        let address = address_of(self.number);
        if let Some(line) = state.shell {
            let line = line.replace("ADDRESS", &address.to_string()).replace("NUMBER", &self.number.to_string());
            node.host.run("sh", &["-c", &line]);
        }
        if let Some(manner) = &state.serves {
            let at = SocketAddr::new(address, PORT);
            self.server = Some(Server::start(&node.host, at, manner.clone(), Some(tls::identity())));
        }
    }

    /// Notes what the server of the phase has heard, or is about to hear.
    fn note(&mut self) {
        self.server.as_ref().into_iter().for_each(Server::catch_up);
        let heard = self.server.as_ref().map(Server::heard).unwrap_or_default();
        self.heard.extend(heard.into_iter().map(|note| (self.phase, note)));
    }

    /// What was heard, as lines.
    fn lines(&self) -> Vec<String> {
        let line = |(phase, note): &(usize, Note)| {
            let bytes = note.lock().expect("a note");
            if bytes.starts_with(b"\x16\x03") {
                return format!("phase {phase} heard: the beginning of TLS");
            }
            let (masked, rest) = bytes.split_at(if self.masked { bytes.len().min(2) } else { 0 });
            let mask = if masked.is_empty() { "" } else { "ID " };
            format!("phase {phase} heard: {mask}{}", rest.escape_ascii())
        };
        self.heard.iter().map(line).collect()
    }
}

/// The port of all real servers.
pub const PORT: u16 = 8000;

fn configuration(protocol: Protocol, cases: &[Case]) -> String {
    let protocol = if protocol == Protocol::Tcp { "TCP" } else { "UDP" };
    let mut text = format!(
        "global_defs {{\n router_id lb\n script_user root\n}}\n\
         FILESvirtual_server 10.77.0.1 80 {{\n delay_loop 1\n lb_algo rr\n lb_kind NAT\n protocol {protocol}\n \
         real_server 127.0.2.1 80 {{\n }}\n"
    );
    for (number, case) in cases.iter().enumerate() {
        let checker = case.checker.replace("NUMBER", &number.to_string());
        let _ = write!(
            text,
            " real_server {} {PORT} {{\n  notify_up \"/run/lab/tell {number} up\"\n  notify_down \"/run/lab/tell {number} \
             down\"\n{checker}\n }}\n",
            address_of(number)
        );
    }
    text.push_str("}\n");
    let files = cases.iter().enumerate().filter(|(_, case)| case.checker.contains("FILE_CHECK"));
    let files = files.map(|(number, _)| format!("track_file f{number} {{\n file /run/lab/f{number}\n weight 0\n}}\n"));
    text.replace("FILES", &files.collect::<String>())
}

/// The lines about each case, without their times, and with nothing that differs from run to run.
fn lines_by_case(log: &str, cases: usize) -> HashMap<usize, Vec<String>> {
    let mut found: HashMap<usize, Vec<String>> = HashMap::new();
    for line in log.lines() {
        let text = line.split_once(": ").map_or(line, |(_, text)| text);
        for number in 0..cases {
            let ip = address_of(number);
            if text.contains(&format!("[{ip}]")) || text.contains(&format!(" {ip} ")) {
                found.entry(number).or_default().push(text.to_owned());
            }
        }
    }
    found
}

/// The library that takes IPVS's place for keepalived.
pub fn build_stand_in(folder: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/fakeipvs.c");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O2", "-o"])
        .arg(folder.join("fakeipvs.so"))
        .arg(source)
        .status()
        .expect("run the C compiler");
    assert!(built.success(), "tests/lab/fakeipvs.c does not compile");
}

/// Plays the cases with both programs side by side, and compares.
pub fn compare(name: &str, protocol: Protocol, cases: &[Case]) {
    let (ours, theirs) = std::thread::scope(|scope| {
        let theirs = scope.spawn(|| play(name, Daemon::Keepalived, protocol, cases));
        let ours = play(name, Daemon::Ours, protocol, cases);
        (ours, theirs.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let mut faults = String::new();
    for (case, (ours, theirs)) in cases.iter().zip(ours.iter().zip(&theirs)) {
        let theirs: Record = theirs.iter().map(|line| newer(case, line)).collect();
        let seen = differences(ours, &theirs);
        let listed = case.differs;
        if seen != listed {
            let _ = writeln!(faults, "{} \n  differences that were seen:", case.name);
            seen.iter().for_each(|line| {
                let _ = writeln!(faults, "    {line}");
            });
            let _ = writeln!(faults, "  listed:");
            listed.iter().for_each(|line| {
                let _ = writeln!(faults, "    {line}");
            });
            let _ = writeln!(faults, "  keepalived gave:\n    {}", theirs.join("\n    "));
        }
    }
    assert!(faults.is_empty(), "{name}:\n{faults}");
}

/// Words that keepalived 2.4.3 has otherwise than 2.2.7: ours are the newer ones.
const NEWER: [(&str, &str); 1] = [("HTTP_CHECK on service", "SSL_CHECK on service")];

/// A line of 2.2.7 as 2.4.3 would have it.
fn newer(case: &Case, line: &str) -> String {
    let is_secret = case.checker.contains("SSL_GET");
    NEWER.iter().fold(line.to_owned(), |line, (old, new)| if is_secret { line.replace(old, new) } else { line })
}

/// What only one of both has, in order (by a longest common subsequence).
pub fn differences(ours: &[String], theirs: &[String]) -> Vec<String> {
    let (n, m) = (ours.len(), theirs.len());
    let mut common = vec![vec![0; m + 1]; n + 1];
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            common[i][j] =
                if ours[i] == theirs[j] { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut found: Vec<String> = Vec::new();
    while i < n || j < m {
        if i < n && j < m && ours[i] == theirs[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == m || (i < n && common[i + 1][j] >= common[i][j + 1]) {
            found.push(format!("only ours: {}", ours[i]));
            i += 1;
        } else {
            found.push(format!("only keepalived: {}", theirs[j]));
            j += 1;
        }
    }
    // However often in a row.
    found.dedup();
    found
}
