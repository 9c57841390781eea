//! A daemon with many features in a machine of its own, as it was when the samples were taken, and its files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::libc;

use super::host::{Host, Running};
use super::{PATIENCE, read};

/// Signals as clients send them.
pub const DATA: i32 = libc::SIGUSR1;
pub const STATS: i32 = libc::SIGUSR2;
pub const STATS_CLEAR: i32 = 63;
pub const JSON: i32 = 36;

/// How long a file may take that nobody waits for in a hurry.
const LEISURE: Duration = Duration::from_secs(10);

pub fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dump/samples").join(name)
}

pub fn sample_text(name: &str) -> String {
    let path = sample(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A machine with a daemon.
pub struct Scene {
    pub host: Host,
    daemon: Running,
    log: PathBuf,
}

/// A machine with what the configuration of the samples names.
pub fn machine(name: &str) -> Host {
    let host = Host::machine(name, &sample(""));
    host.ip(concat!(
        "link add eth0 type veth peer name peth0\nlink set eth0 up\nlink set peth0 up\n",
        "link add eth1 type veth peer name peth1\nlink set eth1 up\nlink set peth1 up\n",
        "address add 10.99.0.1/24 dev eth0\naddress add 10.99.1.1/24 dev eth1\n",
    ));
    for link in ["eth0", "eth1"] {
        host.sysctl(&format!("net/ipv4/conf/{link}/rp_filter"), "0");
    }
    host.within(|| {
        use std::os::unix::fs::PermissionsExt;
        fs::create_dir("/run/scr").expect("make a folder");
        for (name, script) in [("notify.sh", "#!/bin/sh\nexit 0\n"), ("fifo_reader.sh", "#!/bin/sh\nexec sleep 1000\n")]
        {
            let path = Path::new("/run/scr").join(name);
            fs::write(&path, script).expect("write a script");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("let it be run");
        }
        for (name, text) in [("ok_f", ""), ("ok_hard", ""), ("tfile", "5\n")] {
            fs::write(Path::new("/run").join(name), text).expect("write a file");
        }
    });
    host
}

impl Scene {
    /// Starts a program on a machine, with these further variables of the environment.
    pub fn start(host: Host, program: &str, args: &[&str], environment: &[(&str, &str)]) -> Self {
        let log = std::env::temp_dir().join(format!("ka-scene-{}-{}", std::process::id(), host.name()));
        let mut command = Command::new(program);
        command.args(["-n", "-l", "-G", "-D"]).args(args).envs(environment.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(fs::File::create(&log).expect("create a file for the log"));
        let daemon = host.start(command).expect("start a daemon");
        Scene { host, daemon, log }
    }

    /// The scene of the samples, once its masters are there.
    pub fn of_samples(name: &str, program: &str) -> Self {
        let scene = Scene::start(machine(name), program, &["-f", "/run/lab/rich.conf"], &[]);
        scene.awaits(&["(VI_1) Entering MASTER STATE", "(VI_2) Entering MASTER STATE", "(VI_6) Entering MASTER STATE"]);
        // A second burst of announcements, and results of scripts.
        sleep(Duration::from_millis(1500));
        scene
    }

    pub fn log(&self) -> String {
        read(&self.log)
    }

    /// Waits until each of these ends a line of the log.
    pub fn awaits(&self, ends: &[&str]) {
        let start = Instant::now();
        loop {
            let log = self.log();
            if ends.iter().all(|end| log.lines().any(|line| line.ends_with(end))) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "not all of {ends:?} are logged:\n{log}");
            sleep(Duration::from_millis(20));
        }
    }

    /// Sends a signal to the daemon.
    pub fn signal(&self, number: i32) {
        // By kill(1), which knows real-time signals.
        let sent = Command::new("kill").args([format!("-{number}"), self.daemon.pid().to_string()]).status();
        assert!(sent.expect("run kill").success(), "the daemon is not there");
    }

    /// What a file says.
    pub fn text(&self, file: &str) -> String {
        let path = file.to_owned();
        self.host.within(move || fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}")))
    }

    pub fn exists(&self, file: &str) -> bool {
        let path = file.to_owned();
        self.host.within(move || fs::symlink_metadata(path).is_ok())
    }

    /// Has a file written anew and reads it, once it is there and whole.
    pub fn ask(&self, number: i32, file: &str) -> String {
        let path = file.to_owned();
        self.host.within(move || {
            let _ = fs::remove_file(path);
        });
        self.signal(number);
        let start = Instant::now();
        while !self.exists(file) {
            assert!(start.elapsed() < LEISURE, "{file} is not written:\n{}", self.log());
            sleep(Duration::from_millis(10));
        }
        // Keepalived's files have their name before they have their text.
        sleep(Duration::from_millis(300));
        self.text(file)
    }

    pub fn data(&self) -> String {
        self.ask(DATA, "/tmp/keepalived.data")
    }

    pub fn stats(&self) -> String {
        self.ask(STATS, "/tmp/keepalived.stats")
    }

    pub fn json(&self) -> String {
        self.ask(JSON, "/tmp/keepalived.json")
    }

    /// Lets the script and the file turn bad, and waits for it.
    pub fn spoil(&self) {
        self.host.within(|| {
            fs::remove_file("/run/ok_f").expect("remove a file");
            fs::remove_file("/run/ok_hard").expect("remove a file");
            fs::write("/run/tfile", "9\n").expect("write a file");
        });
        self.awaits(&["(VI_1) Entering FAULT STATE", "(VI_2) Entering FAULT STATE"]);
        sleep(Duration::from_millis(2500));
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = nix::sys::signal::kill(self.daemon.pid(), nix::sys::signal::Signal::SIGTERM);
        let start = Instant::now();
        while self.daemon.ended().is_none() && start.elapsed() < LEISURE {
            sleep(Duration::from_millis(20));
        }
        let _ = fs::remove_file(&self.log);
    }
}
