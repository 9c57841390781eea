//! A host in a namespace with a link to another one, a master agent, a receiver of notifications, and a daemon.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// Where the master agent listens for managers.
const AGENT: &str = "127.0.0.1:1161";

/// KEEPALIVED-MIB.
pub const KEEPALIVED: &str = "1.3.6.1.4.1.9586.100.5";

static HOSTS: AtomicU32 = AtomicU32::new(0);

/// Which daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    Ours,
    Debian,
}

pub struct Host {
    pub name: String,
    pub folder: PathBuf,
    children: Vec<Child>,
}

impl Host {
    pub fn new() -> Host {
        assert!(nix::unistd::geteuid().is_root(), "these tests make network namespaces: run them as root");
        let number = HOSTS.fetch_add(1, Ordering::Relaxed);
        let name = format!("snmp{}x{number}", std::process::id());
        let folder = std::env::temp_dir().join(&name);
        fs::create_dir_all(&folder).unwrap();
        let host = Host { name, folder, children: Vec::new() };
        let (here, there) = (host.name.clone(), host.peer());
        for namespace in [&here, &there] {
            ip(&["netns", "add", namespace]);
        }
        for link in ["eth0", "eth1"] {
            ip(&["link", "add", link, "netns", &here, "type", "veth", "peer", "name", link, "netns", &there]);
            ip(&["-n", &here, "link", "set", link, "up"]);
            ip(&["-n", &there, "link", "set", link, "up"]);
        }
        ip(&["-n", &here, "link", "set", "lo", "up"]);
        ip(&["-n", &here, "addr", "add", "10.99.0.1/24", "dev", "eth0"]);
        ip(&["-n", &here, "addr", "add", "10.99.1.1/24", "dev", "eth1"]);
        ip(&["-n", &there, "addr", "add", "10.99.0.2/24", "dev", "eth0"]);
        let agent = format!(
            "agentaddress udp:{AGENT}\nrwcommunity public\nmaster agentx\nagentXSocket {}\nagentXTimeout 5\n\
             trap2sink 127.0.0.1:1162 public\n",
            host.socket()
        );
        fs::write(host.folder.join("snmpd.conf"), agent).unwrap();
        host
    }

    /// The namespace at the other end.
    pub fn peer(&self) -> String {
        format!("{}p", self.name)
    }

    /// Where the master agent listens for us.
    pub fn socket(&self) -> String {
        format!("unix:{}", self.path("agentx").display())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program.as_ref());
        command.env("MIBS", "").env("SNMPCONFPATH", "/nonexistent").env("SNMP_PERSISTENT_DIR", self.path("persistent"));
        command.stdin(Stdio::null());
        command
    }

    /// Starts a program that runs until the end of the test; `log`: the file that it writes to. Gives its pid.
    pub fn spawn(&mut self, program: impl AsRef<Path>, arguments: &[&str], log: &str) -> u32 {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.path(log)).unwrap();
        let mut command = self.command(program);
        command.args(arguments).stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().expect("a program of this test");
        let pid = child.id();
        self.children.push(child);
        pid
    }

    /// The master agent, listening.
    pub fn start_agent(&mut self) -> u32 {
        let _ = fs::remove_file(self.path("agentx"));
        let config = self.path("snmpd.conf").display().to_string();
        let pid = self.spawn("/usr/sbin/snmpd", &["-f", "-C", "-c", &config, "-Le", "-I", "-smux"], "snmpd.log");
        wait_for("the master agent", || self.get("1.3.6.1.2.1.1.1.0").contains("STRING"));
        pid
    }

    /// What receives notifications, listening.
    pub fn start_receiver(&mut self) {
        let arguments = ["-f", "-C", "-On", "-Le", "--disableAuthorization=yes", "udp:127.0.0.1:1162"];
        self.spawn("/usr/sbin/snmptrapd", &arguments, "traps");
        wait_for("the receiver", || self.read("traps").contains("NET-SNMP version"));
    }

    /// A daemon with this configuration.
    pub fn start(&mut self, program: Program, config: &str) -> u32 {
        let config = config.replace("AGENTX", &self.socket()).replace("FOLDER", &self.folder.display().to_string());
        fs::write(self.path("conf"), config).unwrap();
        let file = |name: &str| self.path(name).display().to_string();
        let names = ["conf", "pid", "vrrp.pid", "check.pid", "bfd.pid"].map(file);
        let [conf, pid, vrrp, check, bfd] = names.each_ref().map(String::as_str);
        let arguments = ["-n", "-D", "-l", "-P", "-f", conf, "-p", pid, "-r", vrrp, "-c", check, "-b", bfd];
        match program {
            Program::Ours => self.spawn(env!("CARGO_BIN_EXE_keepalived-rs"), &arguments, "log"),
            Program::Debian => self.spawn("/usr/sbin/keepalived", &arguments, "log"),
        }
    }

    /// Ends a program of this test in its ordinary way.
    pub fn stop(&mut self, pid: u32) {
        self.signal(pid, Signal::SIGTERM);
        self.await_end(pid);
    }

    pub fn signal(&self, pid: u32, signal: Signal) {
        kill(Pid::from_raw(pid.cast_signed()), signal).unwrap();
    }

    pub fn await_end(&mut self, pid: u32) {
        let child = self.children.iter_mut().find(|child| child.id() == pid).expect("a child of this test");
        child.wait().unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read(self.path(name)).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
    }

    /// What a tool of net-snmp says.
    pub fn tool(&self, name: &str, arguments: &[&str]) -> String {
        let mut command = self.command(name);
        command.args(["-v2c", "-c", "public", "-On", "-Ih", "-t", "5", "-r", "1", AGENT]).args(arguments);
        let output = command.output().expect("a tool of net-snmp (package snmp)");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    pub fn get(&self, name: &str) -> String {
        self.tool("snmpget", &[name])
    }

    /// An object of KEEPALIVED-MIB.
    pub fn own(&self, name: &str) -> String {
        self.get(&format!("{KEEPALIVED}.{name}"))
    }

    pub fn set(&self, name: &str, kind: &str, value: &str) -> String {
        self.tool("snmpset", &[&format!("{KEEPALIVED}.{name}"), kind, value])
    }

    /// All three subtrees.
    pub fn walk(&self) -> Vec<String> {
        let trees = [KEEPALIVED, "1.3.6.1.2.1.68", "1.3.6.1.2.1.207"];
        let walks = trees.map(|tree| self.tool("snmpbulkwalk", &[tree]));
        walks.iter().flat_map(|walk| walk.lines()).map(str::to_owned).collect()
    }

    /// Notifications, each in one line.
    pub fn traps(&self) -> Vec<String> {
        self.read("traps").lines().filter(|line| line.contains(" = ")).map(|line| line.replace('\t', " | ")).collect()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("log of the daemon:\n{}\nsnmpd:\n{}", self.read("log"), self.read("snmpd.log"));
        }
        for child in &mut self.children {
            if let Ok(None) = child.try_wait() {
                let pid = Pid::from_raw(child.id().cast_signed());
                // A daemon ends its children itself.
                let _ = kill(pid, Signal::SIGCONT);
                let _ = kill(pid, Signal::SIGTERM);
                let until = Instant::now() + Duration::from_secs(10);
                while child.try_wait().is_ok_and(|end| end.is_none()) && Instant::now() < until {
                    sleep(Duration::from_millis(20));
                }
                let _ = child.kill();
                let _ = child.wait();
            }
        }
        for namespace in [self.name.clone(), self.peer()] {
            let _ = Command::new("ip").args(["netns", "del", &namespace]).status();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn ip(arguments: &[&str]) {
    let status = Command::new("ip").args(arguments).status().expect("ip (package iproute2)");
    assert!(status.success(), "ip {}", arguments.join(" "));
}

/// Waits until something is so.
pub fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "not within {} s: {what}", PATIENCE.as_secs());
        sleep(Duration::from_millis(100));
    }
}
