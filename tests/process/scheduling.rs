//! How the system runs the processes, beside Debian's keepalived with the same configuration.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use nix::libc;

use super::daemon::{
    BFD, BINARY, CHECK, Daemon, Folder, Namespace, VRRP, eventually, name, own_files, signal, stat_field,
};

const KEEPALIVED: &str = "/usr/sbin/keepalived";

/// Notes how it runs itself, for good when it has noted everything.
const SCRIPT: &str = "#!/bin/sh\nhere=${0%/*}\n{ cut -d' ' -f 19,40,41 /proc/self/stat\n\
    grep -E 'Cpus_allowed_list|VmLck' /proc/self/status\n\
    grep 'core file' /proc/self/limits; } > $here/draft\nmv $here/draft $here/noted\n";

/// The fields of /proc/PID/stat: nice value, real-time priority, policy.
const FIELDS: [usize; 3] = [19, 40, 41];

fn config(folder: &Folder, global: &str) -> String {
    let script = folder.path("script").display().to_string();
    format!(
        "global_defs {{\n enable_script_security\n{global}\n}}\n\
         vrrp_script note {{\n script {script}\n interval 1\n user root\n}}\n\
         vrrp_instance VI {{\n interface eth0\n virtual_router_id 9\n priority 100\n virtual_ipaddress {{\n 10.77.0.9\n }}\n\
         track_script {{\n note\n }}\n}}\n"
    )
}

fn start(program: &str, namespace: &Namespace, global: &str, more: &[&str]) -> Daemon {
    let folder = Folder::new();
    folder.program("script", SCRIPT);
    let text = config(&folder, global);
    folder.write("conf", &text);
    let mut command = namespace.command();
    command.arg(program).args(own_files(&folder)).args(["-n", "-l", "-D", "-G"]).args(more);
    let daemon = Daemon::run(folder, command, |_| {});
    daemon.wait_for_line("Startup complete");
    daemon
}

fn line(pid: i32, file: &str, start: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).expect("a process");
    text.lines().find(|line| line.starts_with(start)).unwrap_or_default().to_owned()
}

fn scheduling(pid: i32) -> [String; 3] {
    FIELDS.map(|field| stat_field(pid, field))
}

/// All that a process shows of how it runs. Of locked memory it counts that there is some: the programs are not of the same
/// size. Open files are left out: ours takes all that it may have, so that scripts which hang do not use them up.
fn look(pid: i32) -> String {
    let is_locked = !line(pid, "status", "VmLck").contains(" 0 kB");
    let processors = line(pid, "status", "Cpus_allowed_list");
    let limits = ["Max core", "Max realtime", "Max nice", "Max locked"].map(|start| line(pid, "limits", start));
    format!("{} {:?} {processors} locked {is_locked}\n{}\n", name(pid), scheduling(pid), limits.join("\n"))
}

fn look_at_all(daemon: &Daemon) -> String {
    let vrrp = daemon.folder.pid(VRRP).expect("a pid");
    assert!(eventually(|| daemon.folder.path("noted").exists()), "{}", daemon.log());
    // keepalived sets it a moment after it has said that it is ready.
    thread::sleep(Duration::from_millis(300));
    format!("{}{}script {}", look(daemon.pid()), look(vrrp), daemon.folder.read("noted"))
}

fn assert_same(global: &str, more: &[&str]) {
    let namespace = Namespace::with_interface();
    let [theirs, ours] = [KEEPALIVED, BINARY].map(|program| {
        let mut daemon = start(program, &namespace, global, more);
        let seen = look_at_all(&daemon);
        assert_eq!(daemon.stop().code(), Some(0));
        seen
    });
    assert_eq!(theirs, ours);
}

#[test]
fn nothing_is_set_unless_it_is_asked_for() {
    assert_same("", &[]);
}

#[test]
fn nice_value_processors_and_memory_are_those_of_keepalived() {
    assert_same(" process_names\n vrrp_priority -5\n vrrp_no_swap\n vrrp_cpu_affinity 0", &[]);
}

#[test]
fn real_time_priority_and_core_dumps_are_those_of_keepalived() {
    assert_same(" vrrp_priority 3\n vrrp_rt_priority 11\n vrrp_rlimit_rttime 500000", &["-m"]);
}

#[test]
fn the_checker_has_settings_of_its_own() {
    let folder = Folder::new();
    folder.write("conf", "global_defs {\n checker_priority 4\n checker_cpu_affinity 0\n vrrp_priority 7\n}\n");
    let daemon = Daemon::start(folder, &["--all"]);
    daemon.wait_for_line("Startup complete");
    let nice = |file| scheduling(daemon.folder.pid(file).expect("a pid"))[0].clone();
    assert_eq!((nice(CHECK), nice(VRRP)), ("4".into(), "7".into()));
    assert!(line(daemon.folder.pid(CHECK).expect("a pid"), "status", "Cpus_allowed_list").ends_with("\t0"));
}

#[test]
fn a_reload_changes_what_is_configured_for_all_threads() {
    let namespace = Namespace::with_interface();
    let daemon = start(BINARY, &namespace, " vrrp_priority -5\n vrrp_no_swap\n vrrp_cpu_affinity 0", &[]);
    let vrrp = daemon.folder.pid(VRRP).expect("a pid");
    let reload = |global: &str, times: usize| {
        let text = config(&daemon.folder, global);
        daemon.folder.write("conf", &text);
        daemon.signal(libc::SIGHUP);
        daemon.wait_for_lines("Reload complete", times);
    };
    let all_threads_have = |nice: &str| {
        let threads = fs::read_dir(format!("/proc/{vrrp}/task")).expect("a process");
        threads.filter_map(Result::ok).all(|thread| {
            let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(FIELDS[0] - 3)).is_none_or(|it| it == nice)
        })
    };
    assert!(all_threads_have("-5"));
    reload(" vrrp_rt_priority 7\n vrrp_rlimit_rttime 900000", 1);
    assert!(eventually(|| scheduling(vrrp) == ["0", "7", "2"]), "{:?}", scheduling(vrrp));
    assert!(line(vrrp, "status", "VmLck").contains(" 0 kB"), "memory is free again");
    let all = line(daemon.pid(), "status", "Cpus_allowed_list");
    assert_eq!(line(vrrp, "status", "Cpus_allowed_list"), all, "as those of the parent");
    reload(" vrrp_rt_priority 8\n vrrp_rlimit_rttime 900000", 2);
    assert!(eventually(|| scheduling(vrrp) == ["0", "8", "2"]), "{:?}", scheduling(vrrp));
    reload(" vrrp_priority 2", 3);
    assert!(eventually(|| scheduling(vrrp) == ["2", "0", "0"]), "{:?}", scheduling(vrrp));
    assert!(all_threads_have("2"));
    assert_eq!(daemon.folder.pid(VRRP), Some(vrrp), "{}", daemon.log());
}

#[test]
fn late_timers_raise_the_priority_up_to_its_limit() {
    let namespace = Namespace::with_interface();
    let daemon = start(BINARY, &namespace, " max_auto_priority 2\n min_auto_priority_delay 200000", &[]);
    assert!(!daemon.log().contains("NOTICE: setting config option max_auto_priority"));
    let vrrp = daemon.folder.pid(VRRP).expect("a pid");
    daemon.wait_for_line("Entering MASTER STATE");
    // On a busy machine a timer may be late by itself, and the priority higher before it is asked for.
    for (wanted, line) in
        [("1", "Set realtime priority 1"), ("2", "Set realtime priority 2"), ("2", "Set realtime priority 2")]
    {
        signal(vrrp, libc::SIGSTOP);
        thread::sleep(Duration::from_millis(1400));
        signal(vrrp, libc::SIGCONT);
        daemon.wait_for_line(line);
        assert!(eventually(|| scheduling(vrrp)[1].as_str() >= wanted), "{wanted}:\n{}", daemon.log());
    }
    assert_eq!(scheduling(vrrp), ["0", "2", "2"]);
    daemon.assert_order(&["A thread timer expired ", "Set realtime priority 1", "Set realtime priority 2"]);
    assert!(!daemon.log().contains("Set realtime priority 3"));
    assert!(line(vrrp, "limits", "Max realtime timeout").contains("10000"), "with the usual limit");
}

#[test]
fn a_process_without_limit_for_late_timers_is_told_of_it_and_stays_as_it_is() {
    let namespace = Namespace::with_interface();
    let daemon = start(BINARY, &namespace, "", &[]);
    daemon.wait_for_line(
        "NOTICE: setting config option max_auto_priority should result in better keepalived performance",
    );
    let vrrp = daemon.folder.pid(VRRP).expect("a pid");
    daemon.wait_for_line("Entering MASTER STATE");
    signal(vrrp, libc::SIGSTOP);
    thread::sleep(Duration::from_millis(2300));
    signal(vrrp, libc::SIGCONT);
    daemon.wait_for_line("A thread timer expired ");
    assert_eq!(scheduling(vrrp), ["0", "0", "0"]);
}

#[test]
fn too_much_work_is_told() {
    let daemon = Daemon::idle(&[]);
    for (file, line) in [
        (VRRP, "VRRP process has used too much CPU time, vrrp_rlimit_rttime may need to be increased"),
        (CHECK, "Checker process has used too much CPU time, checker_rlimit_rttime may need to be increased"),
        (BFD, "BFD process has used too much CPU time, bfd_rlimit_rttime may need to be increased"),
    ] {
        signal(daemon.folder.pid(file).expect("a pid"), libc::SIGXCPU);
        daemon.wait_for_line(line);
    }
}

/// As in a container.
#[test]
fn what_the_system_refuses_is_a_line_in_the_log() {
    let namespace = Namespace::with_interface();
    let folder = Folder::new();
    folder.program("script", SCRIPT);
    let text = config(&folder, " vrrp_priority -5\n vrrp_no_swap\n max_auto_priority 5");
    folder.write("conf", &text);
    let mut command = namespace.command();
    command.args(["setpriv", "--bounding-set=-sys_nice,-ipc_lock,-sys_resource", BINARY]);
    command.args(own_files(&folder)).args(["-n", "-l", "-D", "-G"]);
    let mut daemon = Daemon::run(folder, command, |_| {});
    daemon.wait_for_line("Startup complete");
    // The children write for themselves, in their own time.
    daemon.wait_for_line("Unable to lock process in memory");
    daemon.assert_order(&["Unable to set process priority to -5", "Unable to lock process in memory"]);
    daemon.folder.write("conf", &text.replace("vrrp_priority -5", "vrrp_rt_priority 5"));
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("child process: cannot raise priority");
    assert!(eventually(|| daemon.folder.path("noted").exists()), "scripts run: {}", daemon.log());
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn core_dumps_are_named_as_wished_until_the_end() {
    const PATTERN: &str = "/proc/sys/kernel/core_pattern";
    let read = || fs::read_to_string(PATTERN).expect("a pattern");
    let before = read();
    let mut daemon = Daemon::idle(&["-M/tmp/keepalived-test-core.%p"]);
    assert_eq!(read(), "/tmp/keepalived-test-core.%p\n");
    assert!(
        line(daemon.folder.pid(CHECK).expect("a pid"), "limits", "Max core").contains("unlimited            unlimited")
    );
    assert_eq!(daemon.stop().code(), Some(0));
    assert_eq!(read(), before);
    let version = Command::new(BINARY).arg("--help").output().expect("it runs");
    assert!(String::from_utf8_lossy(&version.stderr).contains("--core-dump-pattern"));
}
