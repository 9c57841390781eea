//! A bench for the engine's tests: one node with two interfaces, a clock that the test moves, and adverts of others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::engine::Engine;
use super::event::{Action, ChannelId, Datagram, Event};
use super::fsm::State;
use super::snapshot::RouterView;
use crate::model::route::{Placement, Prefix, RuleAction};
use crate::model::{
    Address, Entry, Family, Garp, IfAddress, IfName, Instance, Link, Micros, Notify, NotifyState, Priority, Route,
    Rule, Subject, SyncGroup, Time, Tracking, Transport, Version, Vrid, VrrpConfig, sample,
};
use crate::wire::vrrp::{Advert, PROTOCOL, Pseudo};
use crate::wire::{self, ipv4};

/// Our address on eth0; eth1 has 10.1.0.5.
pub const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);
/// A router with a lower address than ours.
pub const LOW: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// A router with a higher address than ours.
pub const HIGH: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);

pub fn name(interface: &str) -> IfName {
    IfName::new(interface).expect("a name")
}

pub fn vip(interface: &str, last: u8) -> Address {
    sample::address(interface, [10, 0, 0, last].into(), 32)
}

/// The route 10.50.NUMBER.0/24 over eth0, tracked.
pub fn route(number: u8) -> Route {
    Route {
        destination: Prefix { ip: [10, 50, number, 0].into(), len: 24 },
        dev: Some(name("eth0")),
        protocol: Some(18),
        placement: Placement::Prepend,
        ..Route::blank()
    }
}

/// The rule `from all lookup 100` with this preference, tracked.
pub fn rule(preference: u32) -> Rule {
    Rule { action: RuleAction::Table(100), preference, protocol: Some(18), ..Rule::blank() }
}

/// VI_1: version 2 on eth0, VRID 51, priority 100, VIP 10.0.0.100, two rounds of GARP, a second burst after 5 s.
pub fn instance() -> Instance {
    Instance {
        vips: vec![vip("eth0", 100)],
        garp: Garp {
            master_delay: Micros::from_secs(5),
            master_repeat: 2,
            master_refresh: Micros::ZERO,
            master_refresh_repeat: 1,
            lower_prio_delay: Micros::ZERO,
            lower_prio_repeat: 1,
        },
        ..sample::instance("VI_1", "eth0", 51)
    }
}

/// VI_2: as [`instance`], on eth1 with VRID 52 and VIP 10.0.0.101.
pub fn second() -> Instance {
    Instance {
        name: "VI_2".into(),
        vrid: Vrid::new(52).expect("not zero"),
        interface: Some(name("eth1")),
        vips: vec![vip("eth1", 101)],
        ..instance()
    }
}

pub fn priority(number: u8) -> Priority {
    Priority::new(number).expect("not zero")
}

pub fn config(instances: impl IntoIterator<Item = Instance>) -> VrrpConfig {
    VrrpConfig { instances: instances.into_iter().collect(), ..VrrpConfig::default() }
}

/// Both instances in one group.
pub fn grouped() -> VrrpConfig {
    let group = SyncGroup {
        name: "G1".into(),
        members: vec!["VI_1".into(), "VI_2".into()],
        track_interfaces: vec![],
        tracking: Tracking::default(),
        tracking_weight: false,
        smtp_alert: None,
        notify_priority_changes: None,
        notify: Notify::default(),
    };
    VrrpConfig { groups: vec![group], ..config([instance(), second()]) }
}

pub fn link(interface: &str, index: u32, up: bool) -> Link {
    Link {
        index,
        name: name(interface),
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
        ties: crate::model::Ties::default(),
    }
}

pub fn on(index: u32, ip: impl Into<IpAddr>, prefix_len: u8) -> IfAddress {
    IfAddress { index, ip: ip.into(), prefix_len, scope: 0, tentative: false, ours: false }
}

/// `route NUMBER`, `rule PREFERENCE`.
fn short(entry: &Entry) -> String {
    match entry {
        Entry::Route(route) => match route.destination.ip {
            IpAddr::V4(ip) => format!("route {}", ip.octets()[2]),
            IpAddr::V6(ip) => format!("route {ip}"),
        },
        Entry::Rule(rule) => format!("rule {}", rule.preference),
    }
}

/// The node.
pub struct Rig {
    pub engine: Engine,
    pub now: Time,
    pub channels: Vec<ChannelId>,
    /// Everything that was asked of the hands since [`Rig::forget`]
    pub done: Vec<Action>,
}

impl Rig {
    /// A node with eth0 and eth1 up, before [`Event::Start`].
    pub fn cold(config: VrrpConfig) -> Self {
        let mut rig = Rig { engine: Engine::new(config), now: Time(10_000_000), channels: vec![], done: vec![] };
        rig.feed(Event::Link(link("eth0", 2, true)));
        rig.feed(Event::Link(link("eth1", 3, true)));
        rig.feed(Event::Address(on(2, OURS, 24)));
        rig.feed(Event::Address(on(3, Ipv4Addr::new(10, 1, 0, 5), 24)));
        rig
    }

    /// A node that has started.
    pub fn new(config: VrrpConfig) -> Self {
        let mut rig = Rig::cold(config);
        rig.feed(Event::Start);
        rig
    }

    /// A node that has become master because it was alone.
    pub fn master(config: VrrpConfig) -> Self {
        let mut rig = Rig::new(config);
        rig.wait(Micros::from_secs(5));
        assert!(rig.state().is_master(), "{:?}", rig.state());
        rig.forget();
        rig
    }

    pub fn feed(&mut self, event: Event<'_>) {
        self.engine.handle(self.now, event);
        self.drain();
    }

    pub fn reload(&mut self, config: VrrpConfig) {
        self.engine.reload(self.now, config);
        self.drain();
    }

    pub fn drain(&mut self) {
        while let Some(action) = self.engine.poll() {
            if let Action::Open(id, _) = &action {
                self.channels.push(*id);
            }
            self.done.push(action);
        }
    }

    /// Lets time pass, with every deadline met.
    pub fn wait(&mut self, span: Micros) {
        let end = self.now + span;
        while let Some(at) = self.engine.next_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.engine.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    /// Forgets what was done.
    pub fn forget(&mut self) {
        self.done.clear();
    }

    /// An advert of another router for VI_1, a version 2 one without password unless `change` says otherwise.
    pub fn hear(&mut self, source: Ipv4Addr, priority: u8) {
        self.hear_changed(source, priority, |_| {}, |_| {});
    }

    /// The same, with the advert changed before and the datagram changed after encoding.
    pub fn hear_changed(
        &mut self,
        source: Ipv4Addr,
        priority: u8,
        change: impl FnOnce(&mut Advert<'_>),
        spoil: impl FnOnce(&mut Vec<u8>),
    ) {
        let addresses = [IpAddr::from([10, 0, 0, 100])];
        let mut advert = Advert {
            version: Version::V2,
            vrid: 51,
            priority,
            interval: Micros::from_secs(1),
            addresses: &addresses,
            family: Family::V4,
            auth: wire::vrrp::Auth::None,
        };
        change(&mut advert);
        let pseudo = match advert.version {
            Version::V2 => Pseudo::None,
            Version::V3 => Pseudo::V4 { source, destination: GROUP },
        };
        let header = ipv4::Header { id: 1, ttl: 255, protocol: PROTOCOL, source, destination: GROUP };
        let mut bytes = header.encode(&advert.encode(pseudo));
        spoil(&mut bytes);
        self.hear_bytes(source, &bytes);
    }

    /// An advert to our own address.
    pub fn hear_unicast(&mut self, source: Ipv4Addr, priority: u8) {
        let addresses = [IpAddr::from([10, 0, 0, 100])];
        let advert = Advert {
            version: Version::V2,
            vrid: 51,
            priority,
            interval: Micros::from_secs(1),
            addresses: &addresses,
            family: Family::V4,
            auth: wire::vrrp::Auth::None,
        };
        let header = ipv4::Header { id: 1, ttl: 255, protocol: PROTOCOL, source, destination: OURS };
        let bytes = header.encode(&advert.encode(Pseudo::None));
        let datagram = Datagram { source: source.into(), destination: Some(OURS.into()), ttl: None, bytes: &bytes };
        self.feed(Event::Datagram(self.channels[0], datagram));
    }

    /// Any bytes on VI_1's channel.
    pub fn hear_bytes(&mut self, source: Ipv4Addr, bytes: &[u8]) {
        let datagram = Datagram { source: source.into(), destination: Some(GROUP.into()), ttl: None, bytes };
        self.feed(Event::Datagram(self.channels[0], datagram));
    }

    pub fn views(&self) -> Vec<RouterView> {
        self.engine.snapshot().routers
    }

    /// The first router.
    pub fn view(&self) -> RouterView {
        self.views().remove(0)
    }

    pub fn state(&self) -> State {
        self.view().state
    }

    /// Priorities of the adverts sent, in order.
    pub fn adverts(&self) -> Vec<u8> {
        self.done
            .iter()
            .filter_map(|action| match action {
                Action::Send(packet) => ipv4::split(&packet.bytes).map(|split| split.payload[2]),
                _ => None,
            })
            .collect()
    }

    /// Addresses, routes and rules added (`+`) and removed (`-`), in order.
    pub fn tables(&self) -> Vec<String> {
        self.done
            .iter()
            .filter_map(|action| match action {
                Action::AddAddress(address) => Some(format!("+{}", address.ip)),
                Action::RemoveAddress(address) => Some(format!("-{}", address.ip)),
                Action::AddEntry(entry) => Some(format!("+{}", short(entry))),
                Action::RemoveEntry(entry) => Some(format!("-{}", short(entry))),
                _ => None,
            })
            .collect()
    }

    /// How many announcements were made.
    pub fn announcements(&self) -> usize {
        self.done.iter().filter(|action| matches!(action, Action::Announce { .. })).count()
    }

    /// State changes told, as `INSTANCE VI_1 MASTER`.
    pub fn notices(&self) -> Vec<String> {
        self.done
            .iter()
            .filter_map(|action| match action {
                Action::Notify(n) => Some(format!("{} {} {}", n.subject, n.name, n.state)),
                _ => None,
            })
            .collect()
    }

    /// The priorities that scripts were told.
    pub fn priorities_told(&self) -> Vec<u8> {
        let told = |action: &Action| match action {
            Action::Notify(notification) => Some(notification.priority),
            _ => None,
        };
        self.done.iter().filter_map(told).collect()
    }

    /// Log lines, those for `-D` only included.
    pub fn lines(&self) -> Vec<&str> {
        self.done
            .iter()
            .filter_map(|action| match action {
                Action::Log(_, line) => Some(line.as_str()),
                Action::Changed(change) => Some(change.text.as_str()),
                _ => None,
            })
            .collect()
    }

    pub fn has_line(&self, part: &str) -> bool {
        self.lines().iter().any(|line| line.contains(part))
    }

    pub fn told(&self, subject: Subject, state: NotifyState) -> usize {
        self.done
            .iter()
            .filter(|action| matches!(action, Action::Notify(n) if n.subject == subject && n.state == state))
            .count()
    }
}

/// A version 3, IPv6 variant of [`instance`].
pub fn instance_v6() -> Instance {
    let vip6 =
        Address { ip: Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x100).into(), prefix_len: 128, ..vip("eth0", 100) };
    Instance {
        family: Family::V6,
        version: Version::V3,
        vips: vec![vip6],
        transport: Transport::Multicast { group: Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12).into() },
        ..instance()
    }
}
