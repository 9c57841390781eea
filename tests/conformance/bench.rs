//! The router under test: configured as a person would, with a clock and a link that the test holds in its hands.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use keepalived_rs::conf::{Request, load};
use keepalived_rs::model::stats::Counter;
use keepalived_rs::model::{IfAddress, IfName, Instance, Link, Micros, Ties, Time, VrrpConfig};
use keepalived_rs::vrrp::engine::Engine;
use keepalived_rs::vrrp::event::{Action, ChannelId, Datagram, Event, Outgoing};
use keepalived_rs::vrrp::fsm::State;
use keepalived_rs::vrrp::snapshot::RouterView;

use crate::machine::Machine;
use crate::packet::Crafted;

/// The address of the router under test.
pub const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);
/// Its link-local one.
pub const OURS_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 5);
/// A tester with a lower address.
pub const LOW: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// A tester with a higher address.
pub const HIGH: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
/// Scope of link-local addresses (rtnetlink(7)).
const LINK: u8 = 253;
/// One second.
pub const SECOND: Micros = Micros::from_secs(1);

/// A configuration file's instance VI_1: eth0, VRID 51, these lines, these virtual addresses.
pub fn instance(lines: &str, addresses: &str) -> String {
    format!(
        "vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\n{lines}\nvirtual_ipaddress {{\n{addresses}\n}}\n}}\n"
    )
}

/// The address of the tests over IPv4.
pub const VIP: &str = "10.0.0.100";
/// The same over IPv6.
pub const VIP_V6: &str = "fe80::100";

/// What a configuration means, and the complaints about it.
pub fn configured(text: &str) -> (VrrpConfig, Vec<String>) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("conformance-{}-{number}", std::process::id()));
    std::fs::write(&file, text).expect("write a configuration");
    let loaded = load(&Request { file: file.clone(), config_id: None, require_files: false }, &Machine);
    std::fs::remove_file(&file).expect("remove a configuration");
    let lines = loaded.log_lines().map(|(_, line)| line).collect();
    (loaded.config.vrrp.clone(), lines)
}

/// The only instance of a configuration.
pub fn only(text: &str) -> Instance {
    configured(text).0.instances.remove(0)
}

/// A packet that the router has sent, and when.
#[derive(Clone, Debug)]
pub struct Sent {
    /// When
    pub at: Time,
    /// What
    pub packet: Outgoing,
}

impl Sent {
    /// From the VRRP header on.
    pub fn pdu(&self) -> &[u8] {
        if self.packet.source.is_ipv4() { &self.packet.bytes[20..] } else { &self.packet.bytes }
    }

    /// Priority.
    pub fn priority(&self) -> u8 {
        self.pdu()[2]
    }
}

/// The router.
pub struct Router {
    engine: Engine,
    /// Its clock
    pub now: Time,
    channel: Option<ChannelId>,
    /// The virtual addresses that it holds
    pub holds: BTreeSet<IpAddr>,
    /// What it has sent
    pub sent: Vec<Sent>,
    /// How many of those the others have heard
    heard: usize,
    /// For which addresses it has sent gratuitous ARP or neighbour advertisements
    pub announced: Vec<IpAddr>,
    /// What it has logged
    pub lines: Vec<String>,
}

impl Router {
    /// A router whose interface is up and that is about to start.
    pub fn idle(text: &str) -> Self {
        Router::at(OURS, text)
    }

    /// The same with another address.
    pub fn at(address: Ipv4Addr, text: &str) -> Self {
        let mut router = Router {
            engine: Engine::new(configured(text).0),
            now: Time(10_000_000),
            channel: None,
            holds: BTreeSet::new(),
            sent: Vec::new(),
            heard: 0,
            announced: Vec::new(),
            lines: Vec::new(),
        };
        router.carrier(true);
        let ours = IfAddress { ip: address.into(), prefix_len: 24, scope: 0, ..link_local(OURS_V6) };
        for address in [ours, link_local(OURS_V6)] {
            router.feed(Event::Address(address));
        }
        router
    }

    /// A router that has started.
    pub fn started(text: &str) -> Self {
        let mut router = Router::idle(text);
        router.start();
        router
    }

    /// A router that has become master because it was alone.
    pub fn master(text: &str) -> Self {
        let mut router = Router::started(text);
        router.wait(SECOND * 4);
        assert!(router.is_master(), "{:?}", router.view());
        router.forget();
        router
    }

    /// The start-up event.
    pub fn start(&mut self) {
        self.feed(Event::Start);
    }

    /// The shutdown event.
    pub fn shut_down(&mut self) {
        self.feed(Event::Stop { keep_addresses: false, take_all: false });
    }

    /// The interface goes down or comes up.
    pub fn carrier(&mut self, up: bool) {
        self.feed(Event::Link(link("eth0", 2, up)));
    }

    /// The kernel tells of something.
    pub fn feed(&mut self, event: Event<'_>) {
        self.engine.handle(self.now, event);
        self.drain();
    }

    /// A packet arrives.
    pub fn hear(&mut self, packet: &Crafted) {
        self.hear_bytes(packet, &packet.bytes());
    }

    /// The same, with these bytes in place of its own.
    pub fn hear_bytes(&mut self, packet: &Crafted, bytes: &[u8]) {
        let (source, destination) = (packet.source, Some(packet.destination()));
        let ttl = source.is_ipv6().then_some(packet.ttl);
        let channel = self.channel.expect("the router listens");
        self.feed(Event::Datagram(channel, Datagram { source, destination, ttl, bytes }));
    }

    fn drain(&mut self) {
        while let Some(action) = self.engine.poll() {
            match action {
                Action::Open(id, _) => self.channel = Some(id),
                Action::Send(packet) => self.sent.push(Sent { at: self.now, packet }),
                Action::AddAddress(address) => {
                    self.holds.insert(address.ip);
                }
                Action::RemoveAddress(address) => {
                    self.holds.remove(&address.ip);
                }
                Action::Announce { address, .. } => self.announced.push(address),
                Action::Changed(change) => self.lines.push(change.text),
                Action::Log(_, line) => self.lines.push(line),
                _ => {}
            }
        }
    }

    /// When it wants to run next.
    pub fn next(&self) -> Option<Time> {
        self.engine.next_timeout()
    }

    /// Lets time pass.
    pub fn wait(&mut self, span: Micros) {
        let end = self.now + span;
        while let Some(at) = self.next().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.engine.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    /// Lets time pass until it becomes master; gives how long that took.
    pub fn wait_master(&mut self, most: Micros) -> Micros {
        let start = self.now;
        while !self.is_master() {
            let at = self.next().filter(|at| at.since(start) <= most).expect("it becomes master in time");
            self.wait(at.since(self.now));
        }
        self.now.since(start)
    }

    /// Forgets what it has sent, announced and logged.
    pub fn forget(&mut self) {
        self.sent.clear();
        self.heard = 0;
        self.announced.clear();
        self.lines.clear();
    }

    /// The instances as they stand.
    pub fn views(&self) -> Vec<RouterView> {
        self.engine.snapshot().routers
    }

    /// The first instance as it stands.
    pub fn view(&self) -> RouterView {
        self.views().remove(0)
    }

    /// Whether it is master (the RFC's Active).
    pub fn is_master(&self) -> bool {
        self.view().state.is_master()
    }

    /// Whether it is backup.
    pub fn is_backup(&self) -> bool {
        matches!(self.view().state, State::Backup { .. })
    }

    /// A counter.
    pub fn count(&self, counter: Counter) -> u64 {
        self.view().stats[counter]
    }

    /// Priorities of the adverts sent.
    pub fn priorities(&self) -> Vec<u8> {
        self.sent.iter().map(Sent::priority).collect()
    }

    /// Whether it has logged a line with this text.
    pub fn logged(&self, text: &str) -> bool {
        self.lines.iter().any(|line| line.contains(text))
    }
}

/// A link-local address of eth0.
pub fn link_local(ip: Ipv6Addr) -> IfAddress {
    IfAddress { index: 2, ip: ip.into(), prefix_len: 64, scope: LINK, tentative: false, ours: false }
}

/// An interface; eth0 has index 2.
pub fn link(name: &str, index: u32, up: bool) -> Link {
    Link {
        index,
        name: IfName::new(name).expect("a name"),
        admin_up: up,
        running: up,
        multicast: true,
        loopback: false,
        broadcasts: true,
        point_to_point: false,
        arp: true,
        mac: vec![2, 0, 0, 0, 0, 5],
        broadcast: vec![0xff; 6],
        hardware_type: 1,
        mtu: 1500,
        ties: Ties::default(),
    }
}

/// Lets routers on one link live for a while: what one sends the others hear at once.
pub fn together(routers: &mut [&mut Router], span: Micros) {
    let end = routers.iter().map(|router| router.now).max().expect("some routers") + span;
    loop {
        while let Some((sender, packet)) = unheard(routers) {
            let envelope = Crafted { source: packet.source, ..Crafted::v2(OURS, 0) };
            for (number, receiver) in routers.iter_mut().enumerate() {
                if number != sender && receiver.channel.is_some() {
                    receiver.hear_bytes(&envelope, &packet.bytes);
                }
            }
        }
        let next = routers.iter().filter_map(|router| router.next()).min().filter(|at| *at <= end);
        for router in routers.iter_mut() {
            router.wait(next.unwrap_or(end).since(router.now));
        }
        if next.is_none() {
            return;
        }
    }
}

/// A packet that the others have not heard yet, and whose it is.
fn unheard(routers: &mut [&mut Router]) -> Option<(usize, Outgoing)> {
    routers.iter_mut().enumerate().find_map(|(number, router)| {
        let packet = router.sent.get(router.heard)?.packet.clone();
        router.heard += 1;
        Some((number, packet))
    })
}
