//! Files and processes that a daemon tracks, with real ones.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::daemon::{Daemon, Folder, Namespace, VRRP, signal};

/// Starts a daemon with one instance VI of priority 100 that follows `T`, which is `what` of `block`; `FOLDER` stands for
/// its folder.
fn start(namespace: &Namespace, folder: Folder, block: &str, what: &str) -> Daemon {
    let conf = format!(
        "{block}\nvrrp_instance VI {{\n interface eth0\n virtual_router_id 77\n priority 100\n version 3\n \
         advert_int 0.05\n virtual_ipaddress {{\n 10.77.0.9\n }}\n {what} {{\n T\n }}\n}}\n"
    );
    folder.write("conf", &conf.replace("FOLDER", &folder.0.display().to_string()));
    let mut command = namespace.command();
    command.arg(super::daemon::BINARY).args(super::daemon::own_files(&folder)).args(["-n", "-l", "-D", "-G"]);
    Daemon::run(folder, command, |_| {})
}

/// A process that lives until it is told to end.
struct Sleeper(Child);

impl Sleeper {
    /// Runs a copy of sleep(1) of the folder; each folder's copy has a name of its own.
    fn start(folder: &Folder, name: &str, argument: &str) -> Self {
        let mut command = Command::new(folder.path(name));
        command.arg(argument).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Sleeper(command.spawn().expect("it starts"))
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A name that no other process has, and a program of that name.
fn program(folder: &Folder) -> String {
    let name = format!("trk{}", folder.0.file_name().and_then(|it| it.to_str()).map_or_else(String::new, short));
    let copied = Command::new("cp").arg("/bin/sleep").arg(folder.path(&name)).status();
    assert!(copied.expect("cp runs").success());
    name
}

/// Process and number of a folder.
fn short(folder: &str) -> String {
    folder.trim_start_matches(|c: char| !c.is_ascii_digit()).replace('-', "n")
}

fn count(daemon: &Daemon, text: &str) -> usize {
    daemon.log().lines().filter(|line| line.contains(text)).count()
}

#[test]
fn a_process_that_ends_is_a_fault_until_it_runs_again() {
    let (namespace, folder) = (Namespace::with_interface(), Folder::new());
    let name = program(&folder);
    let block = format!("vrrp_track_process T {{\n process {name}\n}}");
    let mut daemon = start(&namespace, folder, &block, "track_process");
    daemon.wait_for_line("(VI) entering FAULT state (tracked process T quorum not achieved)");
    daemon.wait_for_line("Entering FAULT STATE");
    for round in 1..=3 {
        let sleeper = Sleeper::start(&daemon.folder, &name, "1000");
        daemon.wait_for_lines("Quorum gained for tracked process T", round);
        daemon.wait_for_lines("Entering MASTER STATE", round);
        drop(sleeper);
        daemon.wait_for_lines("Quorum lost for tracked process T", round);
        daemon.wait_for_lines("Entering FAULT STATE", round + 1);
    }
    assert_eq!(
        count(&daemon, "WARNING - the kernel does not"),
        0,
        "the first namespace is in reach:\n{}",
        daemon.log()
    );
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn arguments_and_children_count() {
    let (namespace, folder) = (Namespace::with_interface(), Folder::new());
    let name = program(&folder);
    let path = folder.path(&name);
    let block = format!("vrrp_track_process T {{\n process {} 1000\n quorum 2\n weight 20\n}}", path.display());
    let mut daemon = start(&namespace, folder, &block, "track_process");
    daemon.wait_for_line("Entering MASTER STATE");
    let other = Sleeper::start(&daemon.folder, &name, "1001");
    let first = Sleeper::start(&daemon.folder, &name, "1000");
    let second = Sleeper::start(&daemon.folder, &name, "1000");
    daemon.wait_for_line("(VI) Changing effective priority from 100 to 120");
    drop(other);
    drop(first);
    daemon.wait_for_line("(VI) Changing effective priority from 120 to 100");
    drop(second);
    assert_eq!(count(&daemon, "Quorum gained for tracked process T"), 1, "{}", daemon.log());
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn in_a_namespace_of_processes_they_are_looked_for_again_and_again() {
    let (namespace, folder) = (Namespace::with_interface(), Folder::new());
    let name = program(&folder);
    let conf = format!(
        "vrrp_track_process T {{\n process {name}\n}}\nvrrp_instance VI {{\n interface eth0\n virtual_router_id 77\n \
         advert_int 0.05\n version 3\n virtual_ipaddress {{\n 10.77.0.9\n }}\n track_process {{\n T\n }}\n}}\n"
    );
    folder.write("conf", &conf);
    let path = folder.path(&name);
    let mut command = namespace.command();
    command.args(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c"]);
    command.arg(format!("{} 6 & exec \"$@\"", path.display()));
    command.args(["sh", super::daemon::BINARY]).args(super::daemon::own_files(&folder)).args(["-n", "-l", "-D", "-G"]);
    let daemon = Daemon::run(folder, command, |_| {});
    daemon.wait_for_line("Entering MASTER STATE");
    daemon.wait_for_line("WARNING - the kernel does not support proc events here");
    daemon.wait_for_line("Quorum lost for tracked process T");
    daemon.wait_for_line("Entering FAULT STATE");
}

#[test]
fn a_storm_of_processes_is_survived() {
    let (namespace, folder) = (Namespace::with_interface(), Folder::new());
    let name = program(&folder);
    let block = format!(
        "global_defs {{\n process_monitor_rcv_bufs 4096\n}}\nvrrp_track_process T {{\n process {name}\n weight 20\n}}"
    );
    let mut daemon = start(&namespace, folder, &block, "track_process");
    daemon.wait_for_line("Entering MASTER STATE");
    let sleeper = Sleeper::start(&daemon.folder, &name, "1000");
    daemon.wait_for_line("from 100 to 120");
    let storm = Command::new("sh").args(["-c", "i=0; while [ $i -lt 3000 ]; do (:); i=$((i+1)); done"]).status();
    assert!(storm.expect("a shell").success());
    drop(sleeper);
    daemon.wait_for_line("from 120 to 100");
    assert_eq!(count(&daemon, "Entering "), 2, "nothing but BACKUP and MASTER:\n{}", daemon.log());
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_file_is_followed_wherever_it_comes_from() {
    let (namespace, folder) = (Namespace::with_interface(), Folder::new());
    fs::create_dir(folder.path("there")).expect("a folder");
    let block = "track_file T {\n file FOLDER/there/number\n init_file 5\n}";
    let mut daemon = start(&namespace, folder, block, "track_file");
    daemon.wait_for_line("Changing effective priority from 100 to 105");
    daemon.wait_for_line("Entering MASTER STATE");
    let there = daemon.folder.path("there");
    let file = there.join("number");
    assert_eq!(fs::read_to_string(&file).expect("a file"), "5\n");
    let expect = |text: &str| daemon.wait_for_line(&format!("(VI) Changing effective priority from {text}"));
    fs::write(&file, "0x10\n").expect("written");
    expect("105 to 116");
    fs::write(there.join("draft"), "20").expect("written");
    fs::rename(there.join("draft"), &file).expect("moved");
    expect("116 to 120");
    fs::write(&file, "99999999999").expect("written");
    daemon.wait_for_line(&format!("Invalid number 99999999999 read from {} - ignoring", file.display()));
    fs::remove_file(&file).expect("removed");
    expect("120 to 100");
    // What is neither file nor missing is not opened, which would block.
    mkfifo(&file, Mode::S_IRWXU).expect("mkfifo");
    fs::rename(&file, there.join("pipe")).expect("moved");
    fs::rename(there.join("pipe"), &file).expect("moved");
    daemon.wait_for_line("cannot be read, which counts as 0: it is no ordinary file");
    fs::remove_file(&file).expect("removed");
    fs::write(&file, "7").expect("written");
    expect("100 to 107");
    // The whole folder goes and comes back.
    fs::rename(&there, daemon.folder.path("away")).expect("moved");
    expect("107 to 100");
    fs::create_dir(&there).expect("a folder");
    fs::write(&file, "9").expect("written");
    expect("100 to 109");
    fs::write(&file, "11").expect("written");
    expect("109 to 111");
    fs::write(daemon.folder.path("away/number"), "50").expect("written");
    // A child that starts again finds what is there, and nothing is written anew.
    signal(daemon.folder.pid(VRRP).expect("a pid"), libc::SIGKILL);
    expect("100 to 111");
    assert_eq!(fs::read_to_string(&file).expect("a file"), "11");
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_file_that_changes_all_the_time_is_no_burden() {
    let (namespace, folder) = (Namespace::with_interface(), Folder::new());
    let file = folder.write("number", "0");
    let mut daemon = start(&namespace, folder, "track_file T {\n file FOLDER/number\n}", "track_file");
    daemon.wait_for_line("Entering MASTER STATE");
    let vrrp = daemon.folder.pid(VRRP).expect("a pid");
    let (begun, used) = (Instant::now(), processor_time(vrrp));
    let mut writes = 0_u64;
    while begun.elapsed() < Duration::from_secs(3) {
        fs::write(&file, (writes % 50).to_string()).expect("written");
        writes += 1;
    }
    let (span, used) = (begun.elapsed(), processor_time(vrrp) - used);
    fs::write(&file, "77").expect("written");
    daemon.wait_for_line("to 177");
    let lines = count(&daemon, "Changing effective priority");
    assert!(writes > 300, "{writes} writes");
    assert!(lines <= span.as_millis() as usize / 100 + 3, "{lines} lines in {span:?}");
    assert!(used < span / 4, "{used:?} of {span:?} for {writes} writes");
    assert_eq!(count(&daemon, "Entering "), 2, "nothing but BACKUP and MASTER:\n{}", daemon.log());
    assert_eq!(count(&daemon, "stood still"), 0);
    assert_eq!(daemon.stop().code(), Some(0));
}

/// What a process has used of the processors.
fn processor_time(pid: i32) -> Duration {
    let ticks = |field| super::daemon::stat_field(pid, field).parse::<u64>().expect("a number");
    // Fields 14 and 15 of proc_pid_stat(5), in hundredths of a second.
    Duration::from_millis(10 * (ticks(14) + ticks(15)))
}

#[test]
fn a_reload_may_follow_other_things() {
    let (namespace, folder) = (Namespace::with_interface(), Folder::new());
    folder.write("one", "1");
    folder.write("two", "2");
    let block = "track_file T {\n file FOLDER/one\n}";
    let mut daemon = start(&namespace, folder, block, "track_file");
    daemon.wait_for_line("from 100 to 101");
    daemon.wait_for_line("Entering MASTER STATE");
    let conf = daemon.folder.read("conf").replace("/one", "/two");
    daemon.folder.write("conf", &conf);
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("from 101 to 102");
    fs::write(daemon.folder.path("one"), "50").expect("written");
    fs::write(daemon.folder.path("two"), "3").expect("written");
    daemon.wait_for_line("from 102 to 103");
    assert!(!eventually_within(Duration::from_millis(300), || daemon.log().contains("to 150")));
    assert_eq!(count(&daemon, "Entering "), 2, "{}", daemon.log());
    assert_eq!(daemon.stop().code(), Some(0));
}

fn eventually_within(span: Duration, condition: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < span {
        if condition() {
            return true;
        }
        thread::sleep(Duration::from_millis(10));
    }
    condition()
}
