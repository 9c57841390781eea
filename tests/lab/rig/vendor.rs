//! Other vendors' daemons on a machine: FRR (package frr) and BIRD (package bird2). They put themselves into the
//! background when they have read their configuration.

use std::process::Command;

use super::host::Host;
use super::moment::{SOON, wait_until};

/// Where FRR's programs are.
const FRR: &str = "/usr/lib/frr";
/// FRR's folder on its machine.
const FRR_FOLDER: &str = "/run/frr";
/// BIRD's.
const BIRD_FOLDER: &str = "/run/bird";

/// A daemon in the background of a machine, which ends with the machine at the latest.
pub struct Background {
    name: String,
    /// Its id as the machine sees it.
    pid: String,
}

impl Background {
    /// Sends it a signal, by name.
    pub fn signal(&self, host: &Host, signal: &str) {
        host.run("kill", &[&format!("-{signal}"), &self.pid]);
    }

    /// Gives it, with all its threads, precedence over everything ordinary.
    pub fn urge(&self, host: &Host) {
        host.run("chrt", &["--all-tasks", "--fifo", "--pid", "50", &self.pid]);
    }

    /// Ends it by a signal.
    pub fn end(self, host: &Host, signal: &str) {
        self.signal(host, signal);
        wait_until(&format!("{} has ended", self.name), SOON, || {
            let gone = format!("/proc/{}/exe", self.pid);
            host.within(move || std::fs::read_link(gone).is_err())
        });
    }
}

/// Starts one of FRR's programs; `zebra` comes first.
pub fn start_frr(host: &Host, program: &str, configuration: &str) -> Background {
    let file = |ending: &str| format!("{FRR_FOLDER}/{program}.{ending}");
    write(host, FRR_FOLDER, &file("conf"), configuration);
    host.run("sh", &["-c", &format!("touch {FRR_FOLDER}/vtysh.conf; chown -R frr:frr {FRR_FOLDER}")]);
    let mut command = Command::new(format!("{FRR}/{program}"));
    command.args(["-d", "-P", "0", "--vty_socket", FRR_FOLDER, "-z", &format!("{FRR_FOLDER}/zserv")]).args([
        "-f",
        &file("conf"),
        "-i",
        &file("pid"),
        "--log",
        &format!("file:{}", file("log")),
    ]);
    if program == "bfdd" {
        command.args(["--bfdctl", &format!("{FRR_FOLDER}/bfdd.sock")]);
    }
    let started = start(host, program, "frr", command, &file("pid"));
    let log = host.run("cat", &[&file("log")]);
    assert!(!log.contains("No such command"), "FRR does not know its configuration:\n{log}");
    started
}

/// Asks FRR something, or tells it what to do; nothing when it does not answer.
pub fn vtysh(host: &Host, commands: &[&str]) -> Option<String> {
    let mut arguments = vec!["5", "vtysh", "--vty_socket", FRR_FOLDER, "--config_dir", FRR_FOLDER];
    commands.iter().for_each(|command| arguments.extend(["-c", command]));
    host.try_run("timeout", &arguments).ok()
}

/// Starts BIRD.
pub fn start_bird(host: &Host, configuration: &str) -> Background {
    let [conf, control, pid] = bird_files();
    write(host, BIRD_FOLDER, &conf, configuration);
    let mut command = Command::new("/usr/sbin/bird");
    command.args(["-c", &conf, "-s", &control, "-P", &pid]);
    start(host, "bird", "bird2", command, &pid)
}

/// Gives BIRD another configuration.
pub fn configure_bird(host: &Host, configuration: &str) {
    let [conf, ..] = bird_files();
    write(host, BIRD_FOLDER, &conf, configuration);
    let answer = birdc(host, &["configure"]).unwrap_or_default();
    assert!(answer.contains("Reconfigured"), "BIRD takes its configuration: {answer}");
}

/// Asks BIRD something; nothing when it does not answer.
pub fn birdc(host: &Host, command: &[&str]) -> Option<String> {
    let [_, control, _] = bird_files();
    let arguments: Vec<&str> = ["5", "birdc", "-s", &control].into_iter().chain(command.iter().copied()).collect();
    host.try_run("timeout", &arguments).ok()
}

fn bird_files() -> [String; 3] {
    ["conf", "control", "pid"].map(|ending| format!("{BIRD_FOLDER}/bird.{ending}"))
}

fn write(host: &Host, folder: &str, file: &str, text: &str) {
    let (folder, file, text) = (folder.to_owned(), file.to_owned(), text.to_owned());
    host.within(move || {
        std::fs::create_dir_all(folder).expect("create a daemon's folder");
        std::fs::write(file, text).expect("write a daemon's configuration");
    });
}

fn start(host: &Host, name: &str, package: &str, mut command: Command, pid_file: &str) -> Background {
    let old = pid_file.to_owned();
    let out = host
        .within(move || {
            let _ = std::fs::remove_file(old);
            command.output()
        })
        .unwrap_or_else(|e| panic!("start {name}: {e} (is the package {package} installed?)"));
    assert!(out.status.success(), "{name}: {}", String::from_utf8_lossy(&out.stderr));
    let mut pid = String::new();
    wait_until(&format!("{name} has written its pid"), SOON, || {
        let file = pid_file.to_owned();
        pid = host.within(move || std::fs::read_to_string(file)).unwrap_or_default().trim().to_owned();
        !pid.is_empty()
    });
    Background { name: name.to_owned(), pid }
}
