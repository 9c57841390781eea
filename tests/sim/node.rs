//! A machine: the engine, the kernel's interfaces and addresses, what else is followed, and hands that carry out
//! actions at once.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;

use keepalived_rs::model::macvlan::Linkbeat;
use keepalived_rs::model::{
    Address, Entry, Family, IfAddress, IfName, KernelEvent, KernelRoute, Link, Route, Time, VrrpConfig,
};
use keepalived_rs::vrrp::engine::Engine;
use keepalived_rs::vrrp::event::{Action, Channel, ChannelId, Event, Local, Outgoing, Standing, Tracker};

use crate::scenario::{FOLLOWED, INTERFACES, address_of};

/// An address on an interface, as the kernel keeps it.
pub type OnInterface = (usize, IpAddr, u8);

/// A machine.
pub struct Node {
    /// Its number
    pub number: usize,
    /// The daemon; `None` while it is dead
    pub engine: Option<Engine>,
    /// Its configuration file
    pub config: VrrpConfig,
    /// Whether each interface is up
    pub up: [bool; 2],
    /// The plan that its configuration was drawn by
    pub plan: usize,
    /// One of its addresses belongs to another instance than elsewhere
    pub moved: bool,
    /// Kernel index of each interface
    pub index: [u32; 2],
    /// Present name of each interface
    names: [String; 2],
    /// How the things that routers follow stand
    standings: BTreeMap<Tracker, Standing>,
    /// Addresses on the interfaces
    pub addresses: BTreeSet<OnInterface>,
    /// Addresses that a daemon has set, dead or alive
    marked: BTreeSet<OnInterface>,
    /// Routes and rules that a daemon has set, dead or alive
    pub entries: HashSet<Entry>,
    /// Open channels
    pub channels: BTreeMap<ChannelId, Channel>,
    /// Channels whose interface has gone
    broken: BTreeSet<ChannelId>,
    /// The daemon does not run until then (SIGSTOP, a busy host)
    pub stalled_until: Time,
}

/// What an action of the engine means to the world.
pub enum Effect {
    /// A packet leaves over this channel
    Packet(Channel, Outgoing),
    /// It asks over an interface who has an address
    Probe(usize, IpAddr),
    /// The kernel has something to report to the daemon
    Report(KernelEvent),
    /// The daemon wrote or told something
    Line(String),
}

impl Node {
    /// A machine with its own addresses, on which nothing runs.
    pub fn new(number: usize, config: VrrpConfig) -> Self {
        let followed = || FOLLOWED.to_owned();
        let mut node = Node {
            number,
            engine: None,
            config,
            plan: 0,
            moved: false,
            up: [true; 2],
            names: INTERFACES.map(str::to_owned),
            standings: BTreeMap::from([
                (Tracker::Script(followed()), Standing::Good),
                (Tracker::File(followed()), Standing::Number(0)),
                (Tracker::Process(followed()), Standing::Good),
                (Tracker::Bfd(followed()), Standing::Good),
            ]),
            index: [2, 3],
            addresses: BTreeSet::new(),
            marked: BTreeSet::new(),
            entries: HashSet::new(),
            channels: BTreeMap::new(),
            broken: BTreeSet::new(),
            stalled_until: Time(0),
        };
        for interface in 0..INTERFACES.len() {
            node.put_own_addresses(interface);
        }
        node
    }

    fn put_own_addresses(&mut self, interface: usize) {
        for (family, prefix) in [(Family::V4, 24), (Family::V6, 64)] {
            self.addresses.insert((interface, address_of(self.number, interface, family), prefix));
        }
    }

    /// Starts the daemon: it is told of everything, then begins.
    pub fn boot(&mut self, now: Time) -> Vec<Effect> {
        let mut engine = self.informed(now);
        engine.handle(now, Event::Start);
        self.engine = Some(engine);
        self.tell_standings(now);
        self.carry_out(now)
    }

    /// A daemon that knows its configuration and what the kernel has.
    fn informed(&self, now: Time) -> Engine {
        let mut engine = Engine::new(self.config.clone());
        for interface in 0..INTERFACES.len() {
            engine.handle(now, Event::Link(self.link(interface)));
        }
        for address in &self.addresses {
            engine.handle(now, Event::Address(self.describe(address)));
        }
        engine
    }

    /// An operator who is about to change a machine has removed what a dead daemon left on it. Where one runs, that
    /// sees to it itself.
    pub fn clean_up(&mut self, now: Time) {
        if self.engine.is_none() {
            let mut engine = self.informed(now);
            engine.handle(now, Event::CleanUp);
            self.engine = Some(engine);
            self.carry_out(now);
            self.kill();
            assert!(
                self.virtual_addresses().is_empty(),
                "a cleanup has left something: {:?}",
                self.virtual_addresses()
            );
        }
    }

    /// What a monitor does when something is followed anew: it tells how that stands.
    fn tell_standings(&mut self, now: Time) {
        if let Some(engine) = &mut self.engine {
            for (tracker, standing) in &self.standings {
                engine.handle(now, Event::Tracked(tracker.clone(), *standing));
            }
        }
    }

    /// Something that routers follow stands otherwise from now on.
    pub fn turn(&mut self, now: Time, which: usize, standing: Standing) -> Vec<Effect> {
        let Some((tracker, old)) = self.standings.iter_mut().nth(which) else {
            return vec![];
        };
        *old = standing;
        let tracker = tracker.clone();
        self.feed(now, Event::Tracked(tracker, standing))
    }

    /// All that routers follow is as it should be.
    pub fn mend(&mut self, now: Time) -> Vec<Effect> {
        for (tracker, standing) in &mut self.standings {
            *standing = if matches!(tracker, Tracker::File(_)) { Standing::Number(0) } else { Standing::Good };
        }
        self.tell_standings(now);
        self.carry_out(now)
    }

    /// Kills the daemon: what it has set stays.
    pub fn kill(&mut self) {
        self.engine = None;
        self.channels.clear();
        self.broken.clear();
    }

    /// The whole machine loses its power, and all that a daemon has set.
    pub fn power_off(&mut self) {
        self.kill();
        let set = self.virtual_addresses();
        self.addresses.retain(|address| !set.contains(address));
        self.marked.clear();
        self.entries.clear();
    }

    /// Feeds the daemon something and carries out what it wants.
    pub fn feed(&mut self, now: Time, event: Event<'_>) -> Vec<Effect> {
        if let Some(engine) = &mut self.engine {
            engine.handle(now, event);
        }
        self.carry_out(now)
    }

    /// Lets the daemon do what is due.
    pub fn tick(&mut self, now: Time) -> Vec<Effect> {
        if let Some(engine) = &mut self.engine {
            engine.handle_timeout(now);
        }
        self.carry_out(now)
    }

    /// Gives the daemon a new configuration.
    pub fn reload(&mut self, now: Time, config: VrrpConfig) -> Vec<Effect> {
        self.clean_up(now);
        self.config = config;
        if let Some(engine) = &mut self.engine {
            engine.reload(now, self.config.clone());
        }
        self.tell_standings(now);
        self.carry_out(now)
    }

    /// When the daemon wants to run next.
    pub fn next_timeout(&self) -> Option<Time> {
        let at = self.engine.as_ref()?.next_timeout()?;
        Some(at.max(self.stalled_until))
    }

    /// Carries an interface up or down; the kernel drops IPv6 addresses of an interface that goes down.
    pub fn set_link(&mut self, interface: usize, up: bool) -> Vec<Effect> {
        if self.up[interface] == up {
            return vec![];
        }
        self.up[interface] = up;
        let mut reports = vec![Effect::Report(KernelEvent::Link(self.link(interface)))];
        if up {
            let before = self.addresses.clone();
            self.put_own_addresses(interface);
            for address in self.addresses.difference(&before) {
                reports.push(Effect::Report(KernelEvent::Address(self.describe(address))));
            }
        } else {
            let gone: Vec<OnInterface> =
                self.addresses.iter().copied().filter(|(on, ip, _)| *on == interface && ip.is_ipv6()).collect();
            for address in gone {
                self.addresses.remove(&address);
                reports.push(Effect::Report(KernelEvent::AddressGone(self.describe(&address))));
            }
            reports.extend(self.drop_routes(interface));
        }
        reports
    }

    /// An interface disappears with its addresses and is made again, with another index.
    pub fn recreate(&mut self, interface: usize) -> Vec<Effect> {
        let gone: Vec<OnInterface> = self.addresses.iter().copied().filter(|(on, ..)| *on == interface).collect();
        let mut reports = Vec::new();
        for address in gone {
            reports.push(Effect::Report(KernelEvent::AddressGone(self.describe(&address))));
            self.addresses.remove(&address);
        }
        reports.extend(self.drop_routes(interface));
        reports.push(Effect::Report(KernelEvent::LinkGone(self.index[interface])));
        let name = IfName::new(INTERFACES[interface]);
        self.broken.extend(self.channels.iter().filter(|(_, channel)| channel.interface == name).map(|(id, _)| *id));
        self.index[interface] += 2;
        self.names[interface] = INTERFACES[interface].to_owned();
        self.up[interface] = true;
        self.put_own_addresses(interface);
        reports.push(Effect::Report(KernelEvent::Link(self.link(interface))));
        for address in self.addresses.iter().filter(|(on, ..)| *on == interface) {
            reports.push(Effect::Report(KernelEvent::Address(self.describe(address))));
        }
        reports
    }

    /// An interface is given another name, or its own back. What was bound to it stays bound.
    pub fn rename(&mut self, now: Time, interface: usize, own: bool) -> Vec<Effect> {
        let name = if own { INTERFACES[interface].to_owned() } else { format!("lan{interface}") };
        if self.names[interface] == name {
            return vec![];
        }
        self.clean_up(now);
        let old = std::mem::replace(&mut self.names[interface], name);
        let renamed = |entry: Entry| match &entry {
            Entry::Route(route) if route.dev.as_ref().is_some_and(|dev| dev.as_str() == old) => {
                over(route, &self.names[interface]).object()
            }
            _ => entry,
        };
        self.entries = std::mem::take(&mut self.entries).into_iter().map(renamed).collect();
        vec![Effect::Report(KernelEvent::Link(self.link(interface)))]
    }

    /// The kernel had no room for its reports: the daemon reads the tables anew.
    pub fn resync(&mut self, now: Time) -> Vec<Effect> {
        let links = (0..INTERFACES.len()).map(|interface| self.link(interface)).collect();
        let addresses = self.addresses.iter().map(|address| self.describe(address)).collect();
        let mut effects = self.feed(now, Event::Resync(links, addresses));
        let mut routes = Vec::new();
        let mut rules = Vec::new();
        for entry in &self.entries {
            match entry {
                Entry::Route(route) => routes.push(KernelRoute { place: route.place(), hops: vec![(None, None)] }),
                Entry::Rule(rule) => rules.push((**rule).clone()),
            }
        }
        effects.extend(self.feed(now, Event::Entries(routes, rules)));
        effects
    }

    /// Somebody removes one virtual address, if there is one.
    pub fn lose_vip(&mut self) -> Vec<Effect> {
        let vips: Vec<OnInterface> = self.virtual_addresses();
        let Some(address) = vips.first().filter(|address| self.addresses.remove(address)) else {
            return vec![];
        };
        vec![Effect::Report(KernelEvent::AddressGone(self.describe(address)))]
    }

    /// The addresses on its interfaces that a daemon has set.
    pub fn virtual_addresses(&self) -> Vec<OnInterface> {
        self.addresses.intersection(&self.marked).copied().collect()
    }

    /// The routes and rules that stand where its configuration has some, by where that is.
    pub fn own_entries(&self) -> BTreeSet<String> {
        let configured: BTreeSet<String> =
            self.config.instances.iter().flat_map(|config| config.entries()).map(|entry| place_of(&entry)).collect();
        self.entries.iter().map(place_of).filter(|place| configured.contains(place)).collect()
    }

    /// Whether an address of the configuration is on its interface.
    pub fn has(&self, address: &Address) -> bool {
        self.place(address).is_some_and(|placed| self.addresses.contains(&placed))
    }

    /// Whether a packet to this address over this interface reaches a channel, and which.
    pub fn listens(&self, interface: usize, to: IpAddr) -> Vec<ChannelId> {
        let name = IfName::new(INTERFACES[interface]);
        let hears = |channel: &Channel| {
            channel.interface == name
                && match channel.local {
                    Local::Group(group) => group == to,
                    Local::Source(source) => source == to,
                }
        };
        self.channels
            .iter()
            .filter(|(id, channel)| hears(channel) && !self.broken.contains(id))
            .map(|(id, _)| *id)
            .collect()
    }

    /// The hardware address of an interface.
    pub fn mac(&self, interface: usize) -> Vec<u8> {
        vec![2, 0, 0, 0, interface as u8, self.number as u8]
    }

    fn link(&self, interface: usize) -> Link {
        Link {
            index: self.index[interface],
            name: IfName::new(&self.names[interface]).expect("a name"),
            admin_up: self.up[interface],
            running: self.up[interface],
            multicast: true,
            loopback: false,
            broadcasts: true,
            point_to_point: false,
            arp: true,
            mac: self.mac(interface),
            broadcast: vec![0xff; 6],
            hardware_type: 1,
            mtu: 1500,
            ties: keepalived_rs::model::Ties::default(),
        }
    }

    fn describe(&self, placed: &OnInterface) -> IfAddress {
        let (interface, ip, prefix_len) = *placed;
        let link_local = matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
        IfAddress {
            index: self.index[interface],
            ip,
            prefix_len,
            scope: if link_local { 253 } else { 0 },
            tentative: false,
            ours: self.marked.contains(placed),
        }
    }

    /// Carries out the actions of a turn stage by stage, as the daemon's hands do, until there are none.
    fn carry_out(&mut self, now: Time) -> Vec<Effect> {
        let mut effects = Vec::new();
        loop {
            let mut actions: Vec<Action> = std::iter::from_fn(|| self.engine.as_mut()?.poll()).collect();
            if actions.is_empty() {
                return effects;
            }
            actions.sort_by_key(Action::stage);
            for action in actions {
                self.act(now, action, &mut effects);
            }
        }
    }

    fn act(&mut self, now: Time, action: Action, effects: &mut Vec<Effect>) {
        match action {
            Action::Open(id, channel) => {
                self.channels.insert(id, channel);
            }
            Action::Close(id) => {
                self.channels.remove(&id);
                self.broken.remove(&id);
            }
            Action::Send(packet) => {
                let channel = self.channels.get(&packet.channel).expect("packets leave over open channels");
                if !self.broken.contains(&packet.channel) {
                    effects.push(Effect::Packet(channel.clone(), packet));
                }
            }
            Action::AddAddress(address) if self.place(&address).is_none() => {
                if let Some(engine) = &mut self.engine {
                    engine.handle(now, Event::AddressRefused(address, "No such device".into()));
                }
            }
            Action::AddAddress(address) => {
                if let Some(placed) = self.place(&address)
                    && self.addresses.insert(placed)
                {
                    self.marked.insert(placed);
                    effects.push(Effect::Report(KernelEvent::Address(self.describe(&placed))));
                }
            }
            Action::RemoveAddress(address) => {
                if let Some(placed) = self.place(&address)
                    && self.addresses.remove(&placed)
                {
                    effects.push(Effect::Report(KernelEvent::AddressGone(self.describe(&placed))));
                }
            }
            Action::AddEntry(entry) => match self.located(&entry).filter(|it| it.interfaces().all(|on| self.is_up(on)))
            {
                Some(located) => {
                    self.entries.insert(located.object());
                }
                None => {
                    if let Some(engine) = &mut self.engine {
                        engine.handle(now, Event::EntryRefused(entry, "Network is down".into()));
                    }
                }
            },
            Action::RemoveEntry(entry) => {
                if let Some(located) = self.located(&entry) {
                    self.entries.remove(&located.object());
                }
            }
            Action::Probe { interface, address, .. } => {
                effects.extend(
                    INTERFACES.iter().position(|name| *name == interface.as_str()).map(|on| Effect::Probe(on, address)),
                );
            }
            Action::PromoteSecondaries { .. }
            | Action::Probing(_)
            | Action::Ping(_)
            | Action::Listen(..)
            | Action::Announce { .. }
            | Action::Buffer(..)
            | Action::LocalIgmp(_)
            | Action::RunScript { .. }
            | Action::EndScript(..)
            | Action::SyncDaemon(_)
            | Action::Divert(_)
            | Action::Block(_)
            | Action::Unblock(_) => {}
            Action::Poll { interface, .. } => {
                let place = INTERFACES.iter().position(|name| *name == interface.as_str()).expect("one of ours");
                if let Some(engine) = &mut self.engine {
                    engine.handle(now, Event::Polled { interface, by: Linkbeat::Ethtool, up: self.up[place] });
                }
            }
            // The scenarios have no own links.
            Action::Link(_) => {}
            Action::Notify(notification) => effects.push(Effect::Line(format!("{notification:?}"))),
            Action::Trap(trap) => effects.push(Effect::Line(format!("{trap:?}"))),
            Action::Alert(alert) => effects.push(Effect::Line(format!("{alert:?}"))),
            Action::Happened(_) | Action::LookOut(..) => {}
            Action::Changed(change) => effects.push(Effect::Line(change.text)),
            Action::Log(_, line) => effects.push(Effect::Line(line)),
        }
    }

    fn is_up(&self, name: &IfName) -> bool {
        self.names.iter().zip(self.up).any(|(own, up)| own == name.as_str() && up)
    }

    /// An entry as the kernel has it: it knows interfaces by their numbers, which the daemon finds by the names that it
    /// has been told.
    fn located(&self, entry: &Entry) -> Option<Entry> {
        let Entry::Route(route) = entry else {
            return Some(entry.clone());
        };
        let Some(dev) = &route.dev else {
            return Some(entry.clone());
        };
        let index = self.engine.as_ref()?.link(dev)?.index;
        let interface = self.index.iter().position(|known| *known == index)?;
        Some(over(route, &self.names[interface]))
    }

    /// The kernel drops the routes of an interface: those of IPv4 without a word.
    fn drop_routes(&mut self, interface: usize) -> Vec<Effect> {
        let name = IfName::new(self.names[interface].as_str()).expect("a name");
        let mut gone: Vec<Entry> =
            self.entries.iter().filter(|entry| entry.interfaces().any(|on| *on == name)).cloned().collect();
        gone.sort_by_cached_key(Entry::to_string);
        self.entries.retain(|entry| !gone.contains(entry));
        gone.iter().filter(|entry| is_ipv6(entry)).map(Self::report_of).collect()
    }

    /// What the kernel says when an entry goes.
    fn report_of(entry: &Entry) -> Effect {
        let event = match entry {
            Entry::Route(route) => {
                KernelEvent::RouteGone(KernelRoute { place: route.place(), hops: vec![(None, None)] })
            }
            Entry::Rule(rule) => KernelEvent::RuleGone(rule.clone()),
        };
        Effect::Report(event)
    }

    /// Somebody removes one route or rule, if there is one.
    pub fn lose_entry(&mut self, number: u64) -> Vec<Effect> {
        let mut entries: Vec<Entry> = self.entries.iter().cloned().collect();
        entries.sort_by_key(Entry::to_string);
        let Some(entry) = entries.get(number as usize % entries.len().max(1)).cloned() else {
            return vec![];
        };
        self.entries.remove(&entry);
        vec![Self::report_of(&entry)]
    }

    /// Where the kernel puts an address: the daemon says it by the index that it knows. Nowhere if there is no such
    /// interface (any more).
    fn place(&self, address: &Address) -> Option<OnInterface> {
        let known = self.engine.as_ref()?.link(&address.interface)?;
        let interface = self.index.iter().position(|index| *index == known.index)?;
        Some((interface, address.ip, address.prefix_len))
    }
}

/// A route over this interface.
fn over(route: &Route, interface: &str) -> Entry {
    Route { dev: IfName::new(interface), ..route.clone() }.into()
}

/// Where an entry stands, whatever the name of its interface.
pub fn place_of(entry: &Entry) -> String {
    match entry {
        Entry::Route(route) => format!("{:?}", route.place()),
        Entry::Rule(rule) => format!("{} rule {}", rule.family, rule.preference),
    }
}

fn is_ipv6(entry: &Entry) -> bool {
    matches!(entry, Entry::Route(route) if route.family == Family::V6)
}
