//! A daemon that a test started, and what it may ask of it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

pub const BINARY: &str = env!("CARGO_BIN_EXE_keepalived-rs");

/// How long anything may take that should happen at once, on a machine that does much else.
pub const SOON: Duration = Duration::from_secs(10);

/// A folder that goes away.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        assert!(nix::unistd::geteuid().is_root(), "these tests need root");
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("keepalived-process-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("a file");
        path
    }

    /// Writes a program that everybody may run. Another process does it: a descriptor of ours that is open for writing,
    /// inherited by a process that another test is just starting, would make the program busy.
    pub fn program(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        let written = Command::new("/bin/sh")
            .args(["-c", "printf %s \"$1\" > \"$2\" && chmod 755 \"$2\"", "sh", text])
            .arg(&path)
            .status();
        assert!(written.expect("a shell").success());
        path
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// The number that stands alone in a file.
    pub fn pid(&self, name: &str) -> Option<i32> {
        self.read(name).strip_suffix('\n')?.parse().ok()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A network namespace that goes away.
pub struct Namespace(pub String);

impl Namespace {
    pub fn new(name: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{name}{}n{number}", std::process::id());
        let made = Command::new("ip").args(["netns", "add", &name]).status();
        assert!(made.expect("ip runs").success());
        Namespace(name)
    }

    /// One with an interface eth0 that is up and has the address 10.77.0.1.
    pub fn with_interface() -> Self {
        let namespace = Namespace::new("kahost");
        namespace.ip(&["link", "add", "eth0", "type", "veth", "peer", "name", "eth1"]);
        for interface in ["eth0", "eth1"] {
            namespace.ip(&["link", "set", interface, "up"]);
        }
        namespace.ip(&["addr", "add", "10.77.0.1/24", "dev", "eth0"]);
        namespace
    }

    /// A command that runs in it what follows.
    pub fn command(&self) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0]);
        command
    }

    /// Runs ip(8) in it.
    pub fn ip(&self, arguments: &[&str]) {
        let done = Command::new("ip").args(["-n", &self.0]).args(arguments).status();
        assert!(done.expect("ip runs").success(), "ip {arguments:?}");
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

/// The pid files of a daemon in the folder of a test.
pub const PARENT: &str = "parent.pid";
pub const VRRP: &str = "vrrp.pid";
pub const CHECK: &str = "check.pid";
pub const BFD: &str = "bfd.pid";

/// The arguments that keep a daemon's files in a folder.
pub fn own_files(folder: &Folder) -> Vec<String> {
    [("-f", "conf"), ("-p", PARENT), ("-r", VRRP), ("-c", CHECK), ("-b", BFD)]
        .iter()
        .map(|(option, name)| format!("{option}{}", folder.path(name).display()))
        .collect()
}

/// A daemon in the foreground that logs to `log` in its folder. Killed with its children when dropped.
pub struct Daemon {
    pub folder: Folder,
    child: Child,
}

impl Daemon {
    /// Starts one with all children and nothing to do, and waits until it is up.
    pub fn idle(more: &[&str]) -> Self {
        let folder = Folder::new();
        folder.write("conf", "");
        let daemon = Daemon::start(folder, &[&["--all"], more].concat());
        daemon.wait_for_line("Startup complete");
        daemon
    }

    /// Starts one by the configuration in `folder`.
    pub fn start(folder: Folder, more: &[&str]) -> Self {
        Daemon::prepared(folder, more, |_| {})
    }

    /// Starts one with something else about its command.
    pub fn prepared(folder: Folder, more: &[&str], prepare: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(BINARY);
        command.args(own_files(&folder)).args(["-n", "-l", "-D", "-G"]).args(more);
        Daemon::run(folder, command, prepare)
    }

    /// Starts any command that becomes a daemon.
    pub fn run(folder: Folder, mut command: Command, prepare: impl FnOnce(&mut Command)) -> Self {
        // Dumps go there, too.
        command.env("TMPDIR", folder.path(""));
        let log = File::create(folder.path("log")).expect("a log");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).process_group(0);
        prepare(&mut command);
        let child = command.spawn().expect("the daemon starts");
        Daemon { folder, child }
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a pid")
    }

    pub fn log(&self) -> String {
        self.folder.read("log")
    }

    /// Waits for a line with this text; `log` is shown if there is none.
    pub fn wait_for_line(&self, text: &str) {
        self.wait_for_lines(text, 1);
    }

    pub fn wait_for_lines(&self, text: &str, count: usize) {
        let found = || self.log().lines().filter(|line| line.contains(text)).count() >= count;
        assert!(eventually(found), "no {count} lines `{text}` in:\n{}", self.log());
    }

    /// Asserts that the log has these texts, in this order.
    pub fn assert_order(&self, texts: &[&str]) {
        let log = self.log();
        let mut rest = log.as_str();
        for text in texts {
            let Some(at) = rest.find(text) else {
                panic!("no `{text}` (in this order) in:\n{log}");
            };
            rest = &rest[at + text.len()..];
        }
    }

    pub fn signal(&self, number: i32) {
        signal(self.pid(), number);
    }

    /// Waits for the end.
    pub fn wait(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("our child") {
                return status;
            }
            assert!(begun.elapsed() < SOON, "still running:\n{}", self.log());
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Asks it to stop and waits for the end.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(libc::SIGTERM);
        self.wait()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Ok(Some(_)) = self.child.try_wait() {
            return;
        }
        // Its children follow it: that is one of the things tested here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn signal(pid: i32, number: i32) {
    assert!(pid > 1);
    // nix has no name for real-time signals.
    let status = Command::new("kill").arg(format!("-{number}")).arg(pid.to_string()).status();
    assert!(status.expect("kill runs").success(), "signal {number} to {pid}");
}

/// The words of its command line, with a NUL after each.
pub fn command_line(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default()
}

/// The processes that it started.
pub fn children_of(pid: i32) -> Vec<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().map(|pid| pid.parse().expect("a pid")).collect()
}

pub fn is_alive(pid: i32) -> bool {
    // A zombie is not alive.
    kill(Pid::from_raw(pid), None::<Signal>).is_ok() && !stat(pid).contains(") Z ")
}

pub fn stat(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default()
}

/// Field of /proc/PID/stat, counted as in proc(5) from 1; from 3 on.
pub fn stat_field(pid: i32, field: usize) -> String {
    let stat = stat(pid);
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    after_name.split(' ').nth(field - 3).unwrap_or_default().to_owned()
}

pub fn name(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim_end().to_owned()
}

/// Waits for something; whether it came.
pub fn eventually(condition: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < SOON {
        if condition() {
            return true;
        }
        thread::sleep(Duration::from_millis(2));
    }
    false
}

/// Runs the binary to its end.
pub fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> (Option<i32>, String, String) {
    let output = Command::new(BINARY).args(arguments).stdin(Stdio::null()).output().expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).expect("the file").permissions().mode() & 0o7777
}
