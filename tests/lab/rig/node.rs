//! A machine that runs a daemon: start, signals, what its scripts were told, and what is left when it has gone.

use std::fs::{self, File};
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::addresses::AddressWatch;
use super::host::{Host, Running};
use super::moment::{Moment, SOON, comes_true, now, stay, wait_until};

/// Debian's keepalived, the other side of every comparison.
pub const KEEPALIVED: &str = "/usr/sbin/keepalived";

/// Where the configuration lies on a node unless a test says otherwise.
pub const CONF: &str = "/run/lab/keepalived.conf";

/// The arguments with which a node's daemon is started unless a test says otherwise: foreground, log to the console.
pub const ARGS: &[&str] = &["-n", "-l", "-D", "-f", CONF];

/// Which program a node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Daemon {
    /// The program under test.
    Ours,
    /// Debian's keepalived.
    Keepalived,
}

/// A process of a daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The process that was started.
    Parent,
    /// Its VRRP child.
    Vrrp,
    /// Its BFD child.
    Bfd,
}

/// A process of a node.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its id as the outside sees it.
    pub pid: Pid,
    /// Its id as the node sees it.
    pub inner: i32,
    /// Its name as `ps` shows it.
    pub name: String,
}

/// A machine of the lab.
pub struct Node {
    process: Option<Running>,
    /// Where the daemon's addresses come and go.
    pub watch: AddressWatch,
    /// The machine.
    pub host: Host,
    folder: PathBuf,
    ours: PathBuf,
    untouched: String,
}

impl Node {
    /// A node on `host`, with its files in `folder` (seen there as `/run/lab`), `ours` being the program under test.
    pub fn new(host: Host, folder: &Path, ours: &Path) -> Self {
        let place = Path::new("/run/bin").join(ours.file_name().expect("the program under test is a file"));
        host.show_file(ours, &place);
        let script = "#!/bin/sh\nfor a; do l=\"$l[$a]\"; done\necho \"$l\" >>/run/lab/notified\n";
        write_script(&folder.join("notify"), script);
        let watch = AddressWatch::on(&host);
        let untouched = settled_state_of(&host);
        Self { process: None, watch, host, folder: folder.to_owned(), ours: place, untouched }
    }

    /// The node's name.
    pub fn name(&self) -> &str {
        self.host.name()
    }

    /// The node's folder as the outside sees it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes the configuration.
    pub fn configure(&self, conf: &str) {
        fs::write(self.folder.join("keepalived.conf"), conf).expect("write a node's configuration");
    }

    /// Starts the daemon with the usual arguments.
    pub fn start(&mut self, daemon: Daemon, conf: &str) {
        self.configure(conf);
        self.start_with(daemon, ARGS);
    }

    /// Starts the daemon with these arguments.
    pub fn start_with(&mut self, daemon: Daemon, args: &[&str]) {
        self.start_env(daemon, args, &[]);
    }

    /// Starts the daemon with these arguments and these environment variables.
    pub fn start_env(&mut self, daemon: Daemon, args: &[&str], variables: &[(&str, &str)]) {
        let log = File::options().create(true).append(true).open(self.folder.join("log")).expect("open a node's log");
        let mut command = self.command(daemon, args);
        command.envs(variables.iter().copied());
        command.stdout(log.try_clone().expect("share a log")).stderr(log);
        self.launch(daemon, command);
    }

    /// Starts the daemon with these arguments and something else than the node's log as standard error.
    pub fn start_logging_to(&mut self, daemon: Daemon, args: &[&str], log: Stdio) {
        let mut command = self.command(daemon, args);
        command.stdout(Stdio::null()).stderr(log);
        self.launch(daemon, command);
    }

    fn launch(&mut self, daemon: Daemon, command: Command) {
        assert!(self.process.is_none(), "{} already runs a daemon", self.name());
        self.process = Some(self.host.start(command).unwrap_or_else(|e| {
            panic!("{}: cannot start {daemon:?}: {e} (is the package keepalived installed?)", self.name())
        }));
    }

    /// Runs the daemon to its end and gives its exit status and what it wrote to standard output and error.
    pub fn run_to_end(&self, daemon: Daemon, args: &[&str]) -> (ExitStatus, String) {
        let mut command = self.command(daemon, args);
        let out = self
            .host
            .within(move || command.output())
            .unwrap_or_else(|e| panic!("{}: cannot run {daemon:?}: {e}", self.name()));
        let text = [out.stdout, out.stderr].concat();
        (out.status, String::from_utf8_lossy(&text).into_owned())
    }

    /// The command that starts the daemon, with nothing inherited but a search path.
    fn command(&self, daemon: Daemon, args: &[&str]) -> Command {
        let mut command = Command::new(match daemon {
            Daemon::Ours => self.ours.as_path(),
            Daemon::Keepalived => Path::new(KEEPALIVED),
        });
        command
            .args(args)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .current_dir("/")
            .stdin(Stdio::null());
        command
    }

    /// Sends a signal to a process of the daemon.
    pub fn signal(&self, role: Role, signal: Signal) {
        let pid = self.pid(role);
        kill(pid, signal).unwrap_or_else(|e| panic!("{}: send {signal} to {role:?}: {e}", self.name()));
    }

    /// Asks for a reload, with a new configuration.
    pub fn reload(&self, conf: &str) -> Moment {
        self.configure(conf);
        let at = now();
        self.signal(Role::Parent, Signal::SIGHUP);
        at
    }

    /// The id of one of the daemon's processes, by its pid file.
    pub fn pid(&self, role: Role) -> Pid {
        let file = match role {
            Role::Parent => "/run/keepalived.pid",
            Role::Vrrp => "/run/vrrp.pid",
            Role::Bfd => "/run/bfd.pid",
        };
        let mut pid = None;
        wait_until(&format!("{}: {file} names a process that runs", self.name()), SOON, || {
            pid = self.pid_in(file);
            pid.is_some()
        });
        pid.expect("it was waited for")
    }

    fn pid_in(&self, file: &str) -> Option<Pid> {
        let inner: i32 = self.file(file)?.trim().parse().ok()?;
        self.processes().iter().find(|p| p.inner == inner).map(|p| p.pid)
    }

    /// The text of a file of the node, as the node sees it.
    pub fn file(&self, path: &str) -> Option<String> {
        let path = path.to_owned();
        self.host.within(move || fs::read_to_string(path).ok())
    }

    /// All processes of the node, except its first one and those that only wait to be buried.
    pub fn processes(&self) -> Vec<Process> {
        let init = self.host.init_pid();
        let home = fs::read_link(format!("/proc/{init}/ns/pid")).expect("the node's first process lives");
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").expect("read /proc").flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<i32>().ok()) else {
                continue;
            };
            let lives_here = fs::read_link(entry.path().join("ns/pid")).is_ok_and(|l| l == home);
            if !lives_here || u32::try_from(pid) == Ok(init) {
                continue;
            }
            let Ok(status) = fs::read_to_string(entry.path().join("status")) else {
                continue;
            };
            let field = |name: &str| {
                let line = status.lines().find_map(|l| l.strip_prefix(name));
                line.unwrap_or_default().trim().to_owned()
            };
            if field("State:").starts_with('Z') {
                continue;
            }
            found.push(Process {
                pid: Pid::from_raw(pid),
                inner: field("NSpid:").split_whitespace().last().and_then(|n| n.parse().ok()).unwrap_or(0),
                name: field("Name:"),
            });
        }
        found
    }

    /// Waits until the daemon has ended by itself or by a signal.
    pub fn wait_end(&mut self, patience: Duration) -> ExitStatus {
        let name = self.name().to_owned();
        let process = self.process.as_mut().expect("a daemon was started");
        let mut status = None;
        wait_until(&format!("{name}: the daemon ends"), patience, || {
            status = process.ended();
            status.is_some()
        });
        self.process = None;
        status.expect("it was waited for")
    }

    /// Stops the daemon in the orderly way, and checks that it says success and leaves nothing.
    pub fn stop(&mut self) {
        self.terminate();
        self.assert_nothing_left();
    }

    /// Stops the daemon in the orderly way and checks that it says success.
    pub fn terminate(&mut self) {
        self.signal(Role::Parent, Signal::SIGTERM);
        let status = self.wait_end(Duration::from_secs(8));
        assert!(status.success(), "{}: the daemon ended with {status}\n{}", self.name(), self.log_tail());
    }

    /// Kills the parent, the VRRP child or both, without giving either time to react to the other's death.
    pub fn crash(&mut self, victims: &[Role]) -> Moment {
        let pids: Vec<Pid> = victims.iter().map(|role| self.pid(*role)).collect();
        for pid in &pids {
            let _ = kill(*pid, Signal::SIGSTOP);
        }
        let at = now();
        for pid in &pids {
            kill(*pid, Signal::SIGKILL).expect("kill a daemon's process");
        }
        if victims.contains(&Role::Parent) {
            self.wait_end(SOON);
        }
        wait_until("killed processes are gone", SOON, || pids.iter().all(|pid| kill(*pid, None).is_err()));
        at
    }

    /// Asserts that the node is as it was before the daemon was first started.
    pub fn assert_nothing_left(&self) {
        let mut left = Vec::new();
        comes_true(Duration::from_secs(3), || {
            left = self.leftovers();
            left.is_empty()
        });
        assert!(left.is_empty(), "{}: left behind: {}\n{}", self.name(), left.join("; "), self.log_tail());
    }

    fn leftovers(&self) -> Vec<String> {
        let mut left: Vec<String> =
            self.processes().iter().map(|p| format!("process {} {}", p.inner, p.name)).collect();
        for file in ["keepalived", "vrrp", "checkers", "bfd"] {
            let path = format!("/run/{file}.pid");
            if let Some(text) = self.file(&path) {
                left.push(format!("{path} ({})", text.trim()));
            }
        }
        let state = state_of(&self.host);
        if state != self.untouched {
            let news = state.lines().filter(|l| !self.untouched.contains(l)).map(|l| format!("new: {l}"));
            let gone = self.untouched.lines().filter(|l| !state.contains(l)).map(|l| format!("gone: {l}"));
            left.extend(news.chain(gone));
        }
        left
    }

    /// Takes the node as it is now for its untouched state.
    pub fn settle(&mut self) {
        self.untouched = settled_state_of(&self.host);
    }

    /// Whether the node has all of these addresses.
    pub fn has_all(&self, addresses: &[IpAddr]) -> bool {
        let present = self.host.addresses();
        addresses.iter().all(|a| present.iter().any(|(_, p)| p == a))
    }

    /// Whether the node has any of these addresses.
    pub fn has_any(&self, addresses: &[IpAddr]) -> bool {
        let present = self.host.addresses();
        addresses.iter().any(|a| present.iter().any(|(_, p)| p == a))
    }

    /// What the notify scripts were called with, one call a line, each argument in brackets, in the order of the calls;
    /// only those lines whose first argument is `first`.
    pub fn notified(&self, first: &str) -> Vec<String> {
        let text = fs::read_to_string(self.folder.join("notified")).unwrap_or_default();
        let head = format!("[{first}]");
        text.lines().filter(|l| l.starts_with(&head)).map(str::to_owned).collect()
    }

    /// Waits until the scripts were called like this, neither less nor more.
    pub fn expect_notified(&self, first: &str, expected: &[String]) {
        let expected: Vec<String> = expected.iter().map(|e| format!("[{first}]{e}")).collect();
        comes_true(SOON, || self.notified(first).len() >= expected.len());
        let seen = self.notified(first);
        assert!(
            seen == expected,
            "{}: notify scripts were called {seen:#?}, expected {expected:#?}\n{}",
            self.name(),
            self.log_tail()
        );
    }

    /// Forgets the calls of notify scripts up to now.
    pub fn forget_notified(&self) {
        let _ = fs::remove_file(self.folder.join("notified"));
    }

    /// Everything the daemon logged on this node, all starts together.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Waits until the log contains `text`.
    pub fn expect_logged(&self, text: &str) {
        assert!(
            comes_true(SOON, || self.log().contains(text)),
            "{}: {text:?} is not in the log\n{}",
            self.name(),
            self.log_tail()
        );
    }

    /// The last lines of the log, for a message about a failure.
    pub fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(40)..).unwrap_or_default();
        format!("the last lines that {} logged:\n  {}", self.name(), tail.join("\n  "))
    }
}

/// Writes an executable script.
pub fn write_script(path: &Path, text: &str) {
    fs::write(path, text).expect("write a script");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("make a script executable");
}

/// The state when the kernel has finished what it does by itself after an interface came up.
fn settled_state_of(host: &Host) -> String {
    let mut last = String::new();
    wait_until(&format!("the addresses of {} are settled", host.name()), SOON, || {
        stay(Duration::from_millis(20));
        let state = state_of(host);
        let settled = state == last && !state.contains("tentative");
        last = state;
        settled
    });
    last
}

/// Everything in a host's network that a daemon could leave changed.
fn state_of(host: &Host) -> String {
    host.ip("address show\nmaddress show\nrule show\nroute show table all\n") + &host.run("ip", &["-6", "rule", "show"])
}
