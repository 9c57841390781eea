//! A master agent that goes, hangs and comes back, while adverts go on.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};
use nix::sys::signal::Signal;
use socket2::{Domain, Protocol, Socket, Type};

use super::host::{Host, KEEPALIVED, Program, wait_for};

/// One instance that sends an advert each 100 ms.
const QUICK: &str = "global_defs {
    router_id IFA
    enable_snmp_vrrp
    enable_snmp_rfc
    enable_traps
    snmp_socket AGENTX
}
vrrp_instance VI_1 {
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority 150
    version 3
    advert_int 0.1
    virtual_ipaddress { 10.99.0.100/24 }
}
";

/// The longest gap between two adverts that passes: others work on this machine, too.
const LONGEST_GAP: Duration = Duration::from_millis(1500);

/// The longest gap between two adverts of version 3 that a neighbour hears, until it is told to stop.
fn listen(namespace: String, ends: Arc<AtomicBool>) -> (usize, Duration) {
    let namespace = File::open(format!("/run/netns/{namespace}")).unwrap();
    setns(namespace, CloneFlags::CLONE_NEWNET).unwrap();
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(112))).unwrap();
    socket.join_multicast_v4(&Ipv4Addr::new(224, 0, 0, 18), &Ipv4Addr::new(10, 99, 0, 2)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let (mut count, mut longest, mut last) = (0, Duration::ZERO, Instant::now());
    let mut buffer = [std::mem::MaybeUninit::uninit(); 1500];
    while !ends.load(Ordering::Relaxed) {
        if socket.recv(&mut buffer).is_ok() {
            let now = Instant::now();
            if count > 0 {
                longest = longest.max(now - last);
            }
            (count, last) = (count + 1, now);
        }
    }
    (count, longest)
}

/// Resident memory in KiB.
fn memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_master_agent_may_go_hang_and_come_back() {
    let mut host = Host::new();
    let mut agent = host.start_agent();
    let daemon = host.start(Program::Ours, QUICK);
    let state = format!("{KEEPALIVED}.2.3.1.4.1");
    let is_master = |host: &Host| host.get(&state).contains("INTEGER: 2");
    wait_for("a master", || is_master(&host));
    let ends = Arc::new(AtomicBool::new(false));
    let neighbour = thread::spawn({
        let (namespace, ends) = (host.peer(), ends.clone());
        move || listen(namespace, ends)
    });
    // Killed and started again, some times over.
    let mut longest = Duration::ZERO;
    for _ in 0..2 {
        host.signal(agent, Signal::SIGKILL);
        host.await_end(agent);
        sleep(Duration::from_millis(500));
        agent = host.start_agent();
        let begun = Instant::now();
        wait_for("another session", || is_master(&host));
        longest = longest.max(begun.elapsed());
    }
    // It hangs, and goes on.
    host.signal(agent, Signal::SIGSTOP);
    sleep(Duration::from_secs(6));
    host.signal(agent, Signal::SIGCONT);
    let begun = Instant::now();
    wait_for("answers after a halt", || is_master(&host));
    longest = longest.max(begun.elapsed());
    // Managers that ask without end.
    for _ in 0..20 {
        host.walk();
    }
    let before = memory(daemon);
    for _ in 0..60 {
        host.walk();
    }
    let after = memory(daemon);
    ends.store(true, Ordering::Relaxed);
    let (count, gap) = neighbour.join().unwrap();
    println!(
        "{count} adverts, {} ms between two at the most; a new session after {} ms at the most; {before} KiB, then {after}",
        gap.as_millis(),
        longest.as_millis()
    );
    assert!(count > 60, "{count} adverts");
    assert!(gap < LONGEST_GAP, "{gap:?} between two adverts");
    assert!(after < before + 4096, "from {before} KiB to {after}");
}
