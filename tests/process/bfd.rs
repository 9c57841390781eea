//! The BFD process: when it is there, its files and its names, how the system runs it, and what others hear of its sessions.

use std::fs;
use std::io::Read;
use std::process::Stdio;

use nix::libc;

use super::daemon::{
    BFD, BINARY, CHECK, Daemon, Folder, Namespace, VRRP, eventually, is_alive, name, own_files, signal, stat_field,
};

const KEEPALIVED: &str = "/usr/sbin/keepalived";

/// The addresses of the two hosts.
const ADDRESSES: [&str; 2] = ["10.78.0.1", "10.78.0.2"];

/// Two hosts on a link.
fn hosts() -> [Namespace; 2] {
    let hosts = [Namespace::new("kabfd"), Namespace::new("kabfd")];
    let [first, second] = &hosts;
    first.ip(&["link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", &second.0]);
    for (host, address) in hosts.iter().zip(ADDRESSES) {
        host.ip(&["link", "set", "lo", "up"]);
        host.ip(&["link", "set", "eth0", "up"]);
        host.ip(&["addr", "add", &format!("{address}/24"), "dev", "eth0"]);
    }
    hosts
}

/// A session of a host with the other one, with a detection time that a busy machine keeps.
fn session(host: usize, more: &str) -> String {
    let (own, other) = (ADDRESSES[host], ADDRESSES[1 - host]);
    format!(
        "bfd_instance far {{\n neighbor_ip {other}\n source_ip {own}\n min_rx 100\n min_tx 100\n multiplier 30\n{more}\n}}\n"
    )
}

/// An instance that is only there while the session is.
fn instance() -> String {
    "vrrp_instance VI {\n interface eth0\n virtual_router_id 9\n version 3\n advert_int 0.1\n priority 100\n \
     virtual_ipaddress {\n 10.78.0.9\n }\n track_bfd {\n far\n }\n}\n"
        .to_owned()
}

fn start(program: &str, host: &Namespace, text: &str, more: &[&str]) -> Daemon {
    let folder = Folder::new();
    folder.write("conf", text);
    let mut command = host.command();
    command.arg(program).args(own_files(&folder)).args(["-n", "-l", "-D", "-G"]).args(more);
    let daemon = Daemon::run(folder, command, |_| {});
    daemon.wait_for_line("Startup complete");
    daemon
}

fn pid(daemon: &Daemon) -> i32 {
    daemon.folder.pid(BFD).expect("a pid")
}

#[test]
fn the_process_is_there_for_sessions_alone() {
    let [host, _other] = hosts();
    let daemon = start(BINARY, &host, &instance().replace("track_bfd {\n far\n }", ""), &[]);
    assert!(!daemon.folder.path(BFD).exists(), "{}", daemon.log());
    daemon.folder.write("conf", &(session(0, "") + &instance()));
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("Reload complete");
    daemon.wait_for_line("Starting BFD child process, pid=");
    let bfd = pid(&daemon);
    assert!(is_alive(bfd));
    daemon.folder.write("conf", "");
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_lines("Reload complete", 2);
    assert!(eventually(|| !is_alive(bfd) && !daemon.folder.path(BFD).exists()), "{}", daemon.log());
}

#[test]
fn the_command_line_can_forbid_it() {
    let [host, _other] = hosts();
    let mut daemon = start(BINARY, &host, &(session(0, "") + &instance()), &["-B"]);
    daemon.wait_for_line("Entering FAULT STATE");
    assert!(!daemon.log().contains("BFD child process"), "{}", daemon.log());
    assert!(!daemon.folder.path(BFD).exists());
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn its_names_and_its_dump_are_keepalived_s() {
    let [host, _other] = hosts();
    let text = format!("global_defs {{\n process_names\n}}\n{}{}", session(0, ""), instance());
    let mut daemon = start(BINARY, &host, &text, &[]);
    let bfd = pid(&daemon);
    assert_eq!(name(bfd), "keepalived_bfd");
    daemon.signal(libc::SIGUSR1);
    daemon.wait_for_line(&format!("Printing BFD data for process({bfd}) on signal"));
    let file = "keepalived_bfd.data";
    assert!(eventually(|| daemon.folder.path(file).exists()));
    let dump = daemon.folder.read(file);
    let shown = dump.split("------< BFD Topology >------\n").nth(1).expect("sessions");
    let settings = " BFD Instance = far\n   Neighbor IP = 10.78.0.2\n   Source IP = 10.78.0.1\n   \
        Required min RX interval = 100000 us\n   Desired min TX interval = 100000 us\n   \
        Desired idle TX interval = 1000000 us\n   Detection multiplier = 30\n   TTL = 255\n   max_hops = 0\n   \
        passive = false\n   send event to VRRP process = Yes\n   send event to checker process = Yes\n   fd_out ";
    assert!(shown.starts_with(settings), "{shown}");
    for line in [
        "   local state = Down",
        "   remote state = Down",
        "   remote discriminator = 0x0",
        "   local diag = No Diagnostic",
        "   !poll, !final",
        "   local tx intv = 1000000 us",
        "   last_seen = [never]",
    ] {
        assert!(shown.lines().any(|it| it == line), "{line}:\n{shown}");
    }
    assert_eq!(daemon.stop().code(), Some(0));
    assert!(!daemon.folder.path(BFD).exists());
}

/// The part of a dump that is of sessions, without what no two ends have in common: times, descriptors, numbers and the
/// pointers of keepalived.
fn shown(daemon: &Daemon) -> Vec<String> {
    let file = "keepalived_bfd.data";
    let _ = fs::remove_file(daemon.folder.path(file));
    signal(pid(daemon), libc::SIGUSR1);
    let has_all = || daemon.folder.read(file).contains("   last seen = ");
    assert!(eventually(|| daemon.folder.path(file).exists() && has_all()), "{}", daemon.log());
    let dump = daemon.folder.read(file);
    let varying = [" fd_in = ", "   fd_out ", "   sands_", "   last seen = "];
    let line = |line: &str| {
        let start = varying.iter().find(|start| line.starts_with(**start)).copied();
        let start = start.or(line.split_once(" discriminator = ").map(|(start, _)| start));
        start.or(line.split_once(" IP = ").map(|(start, _)| start)).unwrap_or(line).to_owned()
    };
    // keepalived counts nothing.
    let lines = dump.lines().skip_while(|line| *line != "------< BFD Data >------");
    let lines = lines.take_while(|line| *line != "------< BFD Packets >------");
    lines.filter(|line| !line.contains("thread_")).map(line).collect()
}

#[test]
fn what_is_discarded_is_counted_in_the_dump() {
    const SEND: &str = "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
                        for _ in range(3): s.sendto(b'x', ('10.78.0.1', 3784))\n\
                        s.sendto(b'\\x20\\x40\\x03\\x18' + b'\\x01' * 20, ('10.78.0.1', 3784))\n";
    let [here, there] = hosts();
    let daemon = start(BINARY, &here, &session(0, ""), &[]);
    assert!(there.command().args(["python3", "-c", SEND]).status().expect("python3 runs").success());
    let file = daemon.folder.path("keepalived_bfd.data");
    let is_counted = || {
        signal(pid(&daemon), libc::SIGUSR1);
        let dump = fs::read_to_string(&file).unwrap_or_default();
        let has = |line: &str| dump.lines().any(|it| it == line);
        has(" discarded: too short = 3") && has(" discarded: session is not found = 1") && has(" received = 0")
    };
    assert!(eventually(is_counted), "{}", daemon.log());
}

#[test]
fn both_ends_of_a_session_show_the_same_in_keepalived_s_form() {
    let [here, there] = hosts();
    let ours = start(BINARY, &here, &session(0, ""), &[]);
    let theirs = start(KEEPALIVED, &there, &session(1, ""), &[]);
    ours.wait_for_line("(far) Entering Up state");
    theirs.wait_for_line("(far) Entering Up state");
    let polls = |daemon: &Daemon| shown(daemon).iter().any(|line| line.starts_with("   poll"));
    assert!(eventually(|| !polls(&ours) && !polls(&theirs)), "{}", ours.log());
    assert!(eventually(|| shown(&theirs) == shown(&ours)), "{:#?}\n{:#?}", shown(&theirs), shown(&ours));
    assert!(shown(&ours).len() > 30, "{:?}", shown(&ours));
}

/// Nice value, real-time priority and policy, processors, and limits of the process.
fn scheduling(pid: i32) -> String {
    let line = |file: &str, start: &str| {
        let text = fs::read_to_string(format!("/proc/{pid}/{file}")).expect("a process");
        text.lines().find(|line| line.starts_with(start)).unwrap_or_default().to_owned()
    };
    let is_locked = !line("status", "VmLck").contains(" 0 kB");
    let fields = [19, 40, 41].map(|field| stat_field(pid, field));
    let limits = ["Max realtime timeout", "Max nice"].map(|start| line("limits", start));
    format!("{} {fields:?} {} locked {is_locked} {limits:?}", name(pid), line("status", "Cpus_allowed_list"))
}

#[test]
fn the_system_runs_it_as_keepalived_s() {
    for global in [
        " bfd_priority -4\n bfd_no_swap\n bfd_cpu_affinity 0\n bfd_process_name loss",
        " bfd_rt_priority 12\n bfd_rlimit_rttime 600000",
    ] {
        let [theirs, ours] = [KEEPALIVED, BINARY].map(|program| {
            let [host, _other] = hosts();
            let text = format!("global_defs {{\n{global}\n}}\n{}{}", session(0, ""), instance());
            let daemon = start(program, &host, &text, &[]);
            assert!(eventually(|| daemon.folder.pid(BFD).is_some()), "{}", daemon.log());
            // It sets all that a moment after the daemon has said that it is ready: the last is awaited.
            let wanted = if global.contains("rt_priority") { ("12", 40) } else { ("-4", 19) };
            assert!(eventually(|| stat_field(pid(&daemon), wanted.1) == wanted.0), "{}", daemon.log());
            let processors = |pid| fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let has_processors = || processors(pid(&daemon)).contains("Cpus_allowed_list:\t0\n");
            assert!(global.contains("rt_priority") || eventually(has_processors), "{}", daemon.log());
            scheduling(pid(&daemon))
        });
        assert_eq!(theirs, ours);
    }
}

#[test]
fn the_end_of_our_own_process_is_no_failure_of_a_path() {
    let [here, there] = hosts();
    let daemon = start(BINARY, &here, &(session(0, "") + &instance()), &[]);
    daemon.wait_for_line("Entering FAULT STATE");
    let mut peer = start(KEEPALIVED, &there, &session(1, ""), &[]);
    daemon.wait_for_line("VRRP_Instance(VI) Tracked BFD instance far is UP");
    daemon.wait_for_line("(VI) Entering MASTER STATE");

    signal(pid(&daemon), libc::SIGKILL);
    daemon.wait_for_lines("(far) Entering Up state", 2);
    daemon.wait_for_lines("Received BFD event: instance far is in state Up", 2);
    assert!(!daemon.log().contains("Tracked BFD instance far is DOWN"), "{}", daemon.log());

    // Who follows a session and dies is told how it stands.
    signal(daemon.folder.pid(VRRP).expect("a pid"), libc::SIGKILL);
    daemon.wait_for_lines("(VI) Entering MASTER STATE", 2);
    let faults = daemon.log().matches("(VI) Entering FAULT STATE").count();
    assert_eq!(faults, 1, "before it begins: {}", daemon.log());

    // What is left alone at a reload goes on.
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("Reload complete");
    daemon.wait_for_lines("Received BFD event: instance far is in state Up", 4);
    assert!(!daemon.log().contains("(far) Entering Down state"), "{}", daemon.log());

    // The end of the path is one.
    signal(pid(&peer), libc::SIGSTOP);
    daemon.wait_for_line("(far) Expired after ");
    daemon.wait_for_line("VRRP_Instance(VI) Tracked BFD instance far is DOWN");
    let falls = || {
        let log = daemon.log();
        log.split_once("Tracked BFD instance far is DOWN")
            .is_some_and(|(_, rest)| rest.contains("(VI) Entering FAULT STATE"))
    };
    assert!(eventually(falls), "{}", daemon.log());
    signal(pid(&peer), libc::SIGCONT);
    assert_eq!(peer.stop().code(), Some(0));
}

#[test]
fn a_check_process_that_starts_anew_knows_of_sessions_before_it_begins() {
    const SERVICE: &str = "virtual_server 10.78.0.9 80 {\n lvs_sched rr\n protocol TCP\n real_server 10.78.0.2 80 {\n BFD_CHECK {\n \
                           name far\n }\n }\n}\n";
    let [host, _other] = hosts();
    let daemon = start(BINARY, &host, &(session(0, "") + SERVICE), &[]);
    daemon.wait_for_line("BFD check of [far] RS([10.78.0.2]:tcp:80) is DOWN");
    signal(daemon.folder.pid(CHECK).expect("a pid"), libc::SIGKILL);
    daemon.wait_for_lines("BFD check of [far] RS([10.78.0.2]:tcp:80) is DOWN", 2);
    let log = daemon.log();
    let (_, life) = log.rsplit_once("Healthcheck child process, pid=").expect("another one");
    let [heard, began] =
        ["Received BFD event: instance far", "Activating BFD healthchecker"].map(|line| life.find(line));
    assert!(heard.is_some() && heard < began, "{log}");
}

/// keepalived ends, with all its children.
#[test]
fn a_port_that_another_program_has_is_waited_for() {
    const HOLD: &str = "import socket, time\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind((\"\", 3784))\n\
                        print(1, flush=True)\ntime.sleep(60)\n";
    let [here, there] = hosts();
    let mut other = here.command();
    let mut other = other.args(["python3", "-c", HOLD]).stdout(Stdio::piped()).spawn().expect("python3 runs");
    let mut said = [0];
    other.stdout.as_mut().expect("its output").read_exact(&mut said).expect("it has the port");
    let daemon = start(BINARY, &here, &(session(0, "") + &instance()), &[]);
    daemon.wait_for_line("BFD socket of port 3784: cannot bind it: Address already in use (os error 98); trying again");
    let bfd = pid(&daemon);
    let _peer = start(BINARY, &there, &session(1, ""), &[]);
    other.kill().expect("it ends");
    other.wait().expect("reaped");
    daemon.wait_for_line("(far) Entering Up state");
    assert_eq!(pid(&daemon), bfd);
}

#[test]
fn a_peer_is_told_of_the_end() {
    let [here, there] = hosts();
    let mut daemon = start(BINARY, &here, &session(0, ""), &[]);
    let peer = start(BINARY, &there, &(session(1, "") + &instance()), &[]);
    daemon.wait_for_line("(far) Entering Up state");
    peer.wait_for_line("(VI) Entering MASTER STATE");
    assert_eq!(daemon.stop().code(), Some(0));
    peer.wait_for_line("(far) Entering Down state (Local diagnostic - Neighbor Signaled Session Down");
    assert!(!peer.log().contains("Tracked BFD instance far is DOWN"), "an operator's wish: {}", peer.log());
}
