//! The rig: machines in namespaces on a bridge, a third host, and ears on the wire.
//!
//! It knows nothing of what a scenario expects. The scenarios, the failover benchmark and the failover example use it.
//! Needs root, iproute2 and Debian's keepalived; without them it panics and says so. Nothing of it outlives the test
//! process, even if that is killed.

pub mod addresses;
pub mod client;
pub mod conf;
pub mod forge;
pub mod host;
pub mod moment;
pub mod node;
pub mod packet;
pub mod pinger;
pub mod vendor;
pub mod wire;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{env, fs, io, thread};

use client::Client;
use host::Host;
use node::Node;
use wire::{Port, Wire};

/// What a lab is made of.
#[derive(Clone, Copy)]
pub struct Layout<'a> {
    /// The names of the machines.
    pub nodes: &'a [&'a str],
    /// The names of each machine's interfaces; the k-th ones hang on the k-th bridge.
    pub interfaces: &'a [&'a str],
}

impl Default for Layout<'_> {
    fn default() -> Self {
        Self { nodes: &["lb01", "lb02"], interfaces: &["eth0"] }
    }
}

/// Machines, wire and client. Node i (from 1) has 10.0.k.i/24, fd00:0:0:k::i/64 and MAC 02:00:00:00:0k:0i on
/// its k-th interface (from 0); the client is host 9.
pub struct Lab {
    /// The machines that run daemons.
    pub nodes: Vec<Node>,
    /// The third host.
    pub client: Client,
    /// What passes the bridges.
    pub wire: Wire,
    /// The machine of the bridges.
    pub switch: Host,
    folder: PathBuf,
}

impl Lab {
    /// A lab as `layout` says; `ours` is the program under test.
    pub fn new(name: &str, ours: &Path, layout: &Layout<'_>) -> Self {
        let folder = new_folder(name);
        let switch = Host::switch("switch");
        let machine = |name: &str| {
            let own = folder.join(name);
            fs::create_dir_all(&own).expect("create a machine's folder");
            let host = Host::machine(name, &own);
            (host, own)
        };
        let mut machines: Vec<(Host, PathBuf)> = layout.nodes.iter().map(|n| machine(n)).collect();
        machines.push(machine("client"));
        let last = machines.len() - 1;
        let number = |i: usize| if i == last { 9 } else { i + 1 };
        for (host, _) in &machines {
            prepare(host);
        }
        let mut cables = String::new();
        for (k, interface) in layout.interfaces.iter().enumerate() {
            cables.push_str(&format!("link add br{k} type bridge mcast_snooping 0\nlink set br{k} up\n"));
            cables.extend(machines.iter().enumerate().map(|(i, (host, _))| cable(i, k, host, interface)));
        }
        switch.ip(&cables);
        let mut ports = Vec::new();
        for (i, (host, _)) in machines.iter().enumerate() {
            let interfaces = || layout.interfaces.iter().enumerate();
            host.ip(&interfaces().map(|(k, interface)| link(number(i), k, interface)).collect::<String>());
            ports.extend(interfaces().map(|(k, interface)| port(&switch, i, k, host.name(), interface)));
        }
        let wire = Wire::listen(&switch, ports, &folder.join("wire.pcap"));
        let (client, _) = machines.pop().expect("the client is the last one");
        Self {
            nodes: machines.into_iter().map(|(host, own)| Node::new(host, &own, ours)).collect(),
            client: Client::new(client),
            wire,
            switch,
            folder,
        }
    }

    /// Takes the carrier from a node's first interface, or gives it back.
    pub fn carrier(&self, node: usize, on: bool) {
        let state = if on { "up" } else { "down" };
        self.switch.ip(&format!("link set n{node}i0 {state}"));
    }

    /// Gives a node a new interface in place of its first one, which was removed. `name` is its name.
    pub fn replug(&self, node: usize, name: &str) {
        let host = &self.nodes[node].host;
        self.switch.ip(&cable(node, 0, host, name));
        self.wire.add_port(port(&self.switch, node, 0, host.name(), name));
        host.ip(&link(node + 1, 0, name));
    }

    /// Lets no frame pass between the nodes (each is alone with the client), or lets them pass again.
    pub fn split(&self, on: bool) {
        let state = if on { "on" } else { "off" };
        for node in 0..self.nodes.len() {
            self.switch.ip(&format!("link set n{node}i0 type bridge_slave isolated {state}"));
        }
    }

    /// The node whose answer reaches the client when it asks for `address`; nothing when none does.
    pub fn who_answers(&self, address: IpAddr) -> Option<String> {
        let start = moment::now();
        let echo = self.client.ping(address, Duration::from_secs(1))?;
        let frame = self.wire.first("the echo reply that the client got", start, moment::SOON, |f| {
            matches!(f.packet, packet::Packet::EchoReply { from, id, sequence }
                if from == address && id == echo.id && sequence == echo.sequence)
        });
        Some(frame.from)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if thread::panicking() {
            for node in &self.nodes {
                eprintln!("{}", node.log_tail());
            }
            match keep(&self.folder) {
                Ok(kept) => eprintln!("kept for a look: {}", kept.display()),
                Err(e) => eprintln!("what the machines wrote could not be kept: {e}"),
            }
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The first IPv4 address of node `i` (from 0).
pub fn ipv4_of(i: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, u8::try_from(i + 1).expect("a few nodes"))
}

/// The first global IPv6 address of node `i` (from 0).
pub fn ipv6_of(i: usize) -> Ipv6Addr {
    Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, u16::try_from(i + 1).expect("a few nodes"))
}

/// The link-local address of node `i` (from 0), which the kernel makes of its MAC address.
pub fn link_local_of(i: usize) -> Ipv6Addr {
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0x00ff, 0xfe00, u16::try_from(i + 1).expect("a few nodes"))
}

/// The MAC address of node `i` (from 0).
pub fn mac_of(i: usize) -> [u8; 6] {
    [2, 0, 0, 0, 0, u8::try_from(i + 1).expect("a few nodes")]
}

/// A folder in memory, unless `TMPDIR` names another place: a daemon that writes its log to a busy disk stands still
/// meanwhile.
fn new_folder(name: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let memory = PathBuf::from("/dev/shm");
    let base = if memory.is_dir() && env::var_os("TMPDIR").is_none() { memory } else { env::temp_dir() };
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    if count == 0 {
        sweep(&base);
    }
    let folder = base.join(format!("lab-{}-{count}-{name}", std::process::id()));
    fs::create_dir_all(&folder).expect("create the lab's folder");
    folder
}

/// Removes the folders of test processes that were killed.
fn sweep(base: &Path) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|n| n.strip_prefix("lab-")?.split('-').next()?.parse::<u32>().ok());
        if owner.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Copies what the machines wrote to where it lasts.
fn keep(folder: &Path) -> io::Result<PathBuf> {
    let base = option_env!("CARGO_TARGET_TMPDIR").map_or_else(env::temp_dir, PathBuf::from);
    let to = base.join(folder.file_name().unwrap_or_default());
    copy(folder, &to)?;
    Ok(to)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else if entry.file_type()?.is_file() {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Addresses are there at once (no duplicate address detection), stay when an interface goes down, and there are no
/// others.
fn prepare(host: &Host) {
    for (name, value) in [
        ("ipv6/conf/default/accept_dad", "0"),
        ("ipv6/conf/default/addr_gen_mode", "0"),
        ("ipv6/conf/default/accept_ra", "0"),
        ("ipv6/conf/all/keep_addr_on_down", "1"),
        ("ipv6/conf/default/keep_addr_on_down", "1"),
    ] {
        host.sysctl(&format!("net/{name}"), value);
    }
}

/// Lines for the switch: the cable of the machine `i` to the bridge `k`.
fn cable(i: usize, k: usize, host: &Host, interface: &str) -> String {
    let pid = host.init_pid();
    format!("link add n{i}i{k} type veth peer name {interface} netns {pid}\nlink set n{i}i{k} master br{k} up\n")
}

/// Lines for a machine: its end of the cable to the bridge `k`.
fn link(number: usize, k: usize, interface: &str) -> String {
    format!(
        "link set {interface} address 02:00:00:00:0{k}:0{number} up\n\
         address add 10.0.{k}.{number}/24 dev {interface}\n\
         address add fd00:0:0:{k}::{number}/64 dev {interface} nodad\n"
    )
}

/// The port of that cable.
fn port(switch: &Host, i: usize, k: usize, host: &str, interface: &str) -> Port {
    let name = format!("n{i}i{k}");
    let index = switch.within(move || nix::net::if_::if_nametoindex(name.as_str()));
    Port {
        index: usize::try_from(index.expect("a port that was just made")).expect("an interface number"),
        host: host.to_owned(),
        interface: interface.to_owned(),
    }
}
