//! A machine with systemd as its first process: an overlay over the shared root, booted by systemd-nspawn.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::cgroup::Groups;
use crate::rig::host::{Host, Running};
use crate::rig::node::write_script;

/// How long anything may take, on a host that does much else.
const LIMIT: Duration = Duration::from_secs(120);
/// How often we look: each look is a process.
const LOOK: Duration = Duration::from_millis(100);

/// Whether `condition` comes to hold within the limit that everything here has.
pub fn comes(mut condition: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while !condition() {
        if begun.elapsed() > LIMIT {
            return false;
        }
        thread::sleep(LOOK);
    }
    true
}

/// A machine. Cut its power, then drop its keeper, then drop it.
pub struct Machine {
    name: String,
    /// The files that differ from the shared root.
    files: PathBuf,
    nspawn: Option<Running>,
    leader: String,
    groups: Option<Groups>,
}

impl Machine {
    /// A machine that is not booted yet: `interface` is the name of its only interface (on `br0` of `keeper`),
    /// `addresses` are the interface's.
    pub fn new(name: &str, folder: &Path, interface: &str, addresses: &[&str]) -> Self {
        let files = folder.join(name).join("files");
        let machine = Self { name: name.to_owned(), files, nspawn: None, leader: String::new(), groups: None };
        let mut start = format!("ExecStart=ip link set host0 name {interface}\n");
        for address in addresses {
            start.push_str(&format!("ExecStart=ip address add {address} dev {interface}\n"));
        }
        start.push_str(&format!("ExecStart=ip link set {interface} up\n"));
        machine.write(
            "etc/systemd/system/lab-network.service",
            &format!(
                "[Unit]\nDescription=The interface of the lab\nBefore=network-online.target\n\
                 [Service]\nType=oneshot\nRemainAfterExit=yes\n{start}"
            ),
        );
        let wants = machine.files.join("etc/systemd/system/multi-user.target.wants");
        fs::create_dir_all(&wants).expect("create a folder of a machine");
        std::os::unix::fs::symlink("../lab-network.service", wants.join("lab-network.service"))
            .expect("enable the machine's network");
        machine.write("etc/hostname", &format!("{name}\n"));
        // The test decides what is started: a mask of the root's own link.
        std::os::unix::fs::symlink("/dev/null", wants.join("keepalived.service")).expect("disable keepalived");
        machine
    }

    /// The machine's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes a file of the machine before it is booted.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.prepare(path);
        fs::write(&path, text).unwrap_or_else(|e| panic!("write {}: {e}", path.display()));
    }

    /// Writes an executable script of the machine before it is booted.
    pub fn write_script(&self, path: &str, text: &str) {
        write_script(&self.prepare(path), text);
    }

    /// Copies a file to the machine before it is booted.
    pub fn install(&self, file: &Path, path: &str) {
        let to = self.prepare(path);
        fs::copy(file, &to).unwrap_or_else(|e| panic!("copy {} to {}: {e}", file.display(), to.display()));
    }

    fn prepare(&self, path: &str) -> PathBuf {
        let path = self.files.join(path);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("create a folder of a machine");
        path
    }

    /// Switches the machine on.
    pub fn boot(&mut self, keeper: &Host, root: &Path) {
        let base = self.files.parent().expect("the files lie in the machine's folder");
        let (work, merged) = (base.join("work"), base.join("merged"));
        for folder in [&work, &merged] {
            fs::create_dir_all(folder).expect("create a folder of a machine");
        }
        let layers =
            format!("lowerdir={},upperdir={},workdir={}", root.display(), self.files.display(), work.display());
        keeper.run("mount", &["-t", "overlay", "overlay", "-o", &layers, &merged.to_string_lossy()]);
        let groups = Groups::new(&format!("keepalived-rs-{}-{}-{}", std::process::id(), keeper.name(), self.name));
        let nspawn = "exec systemd-nspawn --quiet --boot --register=no --keep-unit --network-bridge=br0 --console=pipe";
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", &format!("{}{nspawn} -D \"$1\" -M \"$2\"", groups.enter()), "sh"])
            .args([merged.as_os_str(), self.name.as_ref()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.groups = Some(groups);
        let nspawn = keeper.start(command).expect("run systemd-nspawn (package systemd-container)");
        let children = format!("/proc/{0}/task/{0}/children", nspawn.pid());
        self.nspawn = Some(nspawn);
        // nspawn has other children for a moment.
        let runs_systemd = |pid: &&str| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|c| c == "systemd\n");
        let booted = comes(|| {
            let pids = fs::read_to_string(&children).unwrap_or_default();
            self.leader = pids.split_whitespace().find(runs_systemd).unwrap_or_default().to_owned();
            !self.leader.is_empty()
        });
        assert!(booted, "{} has no first process", self.name);
    }

    /// Switches the machine off at once.
    pub fn cut_power(&mut self) {
        if self.nspawn.is_some() {
            // With its first process all others of the machine end.
            let _ = Command::new("kill").args(["-KILL", &self.leader]).status();
        }
        self.nspawn = None;
    }

    /// Whether it has no power.
    pub fn is_off(&self) -> bool {
        self.nspawn.is_none()
    }

    /// Waits until systemd has started everything.
    pub fn wait_until_up(&self) {
        let mut state = String::new();
        let up = comes(|| {
            let out = self.execute("systemctl is-system-running");
            state = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).trim().to_owned();
            state == "running"
        });
        assert!(up, "{} is {state}: {}", self.name, self.output("systemctl --failed --no-legend"));
    }

    /// Runs a command line on the machine to its end.
    pub fn execute(&self, line: &str) -> Output {
        self.enter("-a", line)
    }

    /// What a tool of this test's own host prints that looks at the machine's network.
    pub fn network(&self, line: &str) -> String {
        let out = self.enter("-n", line);
        assert!(out.status.success(), "{}: {line}: {out:?}", self.name);
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    }

    fn enter(&self, namespaces: &str, line: &str) -> Output {
        Command::new("nsenter")
            .args(["-t", &self.leader, namespaces, "--", "/bin/bash", "-c", line])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .output()
            .expect("run nsenter (package util-linux)")
    }

    /// Runs a command line that must succeed and gives what it printed.
    pub fn run(&self, line: &str) -> String {
        let out = self.execute(line);
        let text = [out.stdout, out.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        assert!(out.status.success(), "{}: {line}: {}: {text}\n{}", self.name, out.status, self.journal());
        text.trim().to_owned()
    }

    /// What a command line prints, whether it succeeds or not.
    pub fn output(&self, line: &str) -> String {
        String::from_utf8_lossy(&self.execute(line).stdout).trim().to_owned()
    }

    /// The end of the machine's journal, for a message about a failure.
    pub fn journal(&self) -> String {
        format!("the journal of {}:\n{}", self.name, self.output("journalctl --no-pager -n 40"))
    }
}
