//! Network namespaces that exist only as long as a test holds them.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use keepalived_rs::model::{IfName, Link};
use keepalived_rs::net::Netlink;
use nix::sched::{CloneFlags, setns, unshare};

/// A network namespace with its loopback up and without duplicate address detection.
pub struct Namespace(File);

impl Namespace {
    pub fn new() -> Self {
        let namespace = thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("these tests need root");
            Namespace(File::open("/proc/thread-self/ns/net").unwrap())
        })
        .join()
        .unwrap();
        namespace.run(|| {
            fs::write("/proc/sys/net/ipv6/conf/default/accept_dad", "0").unwrap();
            ip("link set lo up");
        });
        namespace
    }

    /// Runs the closure on a thread of its own inside the namespace. Sockets that it opens stay there.
    pub fn run<T: Send>(&self, inside: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                setns(&self.0, CloneFlags::CLONE_NEWNET).unwrap();
                inside()
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// As [`Namespace::run`], with a tokio runtime.
    pub fn run_async<T: Send>(&self, inside: impl AsyncFnOnce() -> T + Send) -> T {
        self.run(|| tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(inside()))
    }

    /// The name by which `ip` finds the namespace.
    fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }
}

/// Adds `eth0`, with carrier as soon as it is up, to the namespace of the thread.
pub fn add_eth0() {
    ip("link add eth0 type veth peer name far");
    ip("link set far up");
}

/// Two hosts on one wire: `left` has 10.0.0.1/24 and fe80::1, `right` 10.0.0.2/24 and fe80::2, each on `eth0`.
pub struct Pair {
    pub left: Namespace,
    pub right: Namespace,
}

impl Pair {
    pub fn new() -> Self {
        let left = Namespace::new();
        let right = Namespace::new();
        let path = right.path();
        left.run(|| {
            ip(&format!("link add eth0 type veth peer name eth0 netns {path}"));
        });
        for (host, number) in [(&left, 1), (&right, 2)] {
            host.run(|| {
                fs::write("/proc/sys/net/ipv6/conf/eth0/addr_gen_mode", "1").unwrap();
                ip("link set eth0 up");
                ip(&format!("addr add 10.0.0.{number}/24 dev eth0"));
                ip(&format!("addr add fe80::{number}/64 dev eth0 nodad"));
            });
        }
        // The kernel begins to send only when it has noticed the carrier.
        for host in [&left, &right] {
            host.run(|| wait_for(|| ip("link show dev eth0").contains(" state UP ")));
        }
        Pair { left, right }
    }
}

/// Waits until something comes true.
#[track_caller]
pub fn wait_for(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(10), "waited in vain");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Runs `ip` in the namespace of the thread and returns what it prints.
pub fn ip(arguments: &str) -> String {
    let output =
        Command::new("ip").args(arguments.split_whitespace()).output().expect("these tests need ip of iproute2");
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The interface of this name in the namespace of the thread.
pub fn link(name: &str) -> Link {
    let links = Netlink::open().unwrap().links().unwrap();
    let found = links.into_iter().find(|link| link.name.as_str() == name);
    found.unwrap_or_else(|| panic!("no interface {name}"))
}

pub fn name(name: &str) -> IfName {
    IfName::new(name).unwrap()
}
