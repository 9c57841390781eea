//! Carries out the engine's actions: sockets, addresses, routes, rules, frames. Part of the driver; decides nothing.
//!
//! The actions of a turn are carried out stage by stage: all adverts first, then all addresses, routes and rules in one
//! burst to the kernel, then all announcements, and only then what people and scripts are told.

pub(super) mod dumps;
mod filter;
mod links;
mod lookouts;
mod own_links;
pub(super) mod probes;
mod processes;
mod promotion;
pub(super) mod scripts;
mod sync_daemon;
pub(super) mod sysctls;
mod tables;
pub(super) mod watchers;
mod words;

use std::collections::HashMap;
use std::net::IpAddr;

use nix::errno::Errno;
use tracing::{debug, info};

use self::lookouts::Lookouts;
use self::probes::{Heard, Probes};
use self::promotion::Promotion;
use self::scripts::Scripts;
use self::sync_daemon::SyncDaemons;
use self::sysctls::HeldSysctls;
use super::engine::Engine;
use super::event::{Action, Change, Channel, ChannelId, Datagram, Event, Local, Outgoing};
use crate::model::macvlan::Linkbeat;
use crate::model::settings::NetlinkBuffer;
use crate::model::trap::Trap;
use crate::model::{Address, Entry, FilterRules, IfName, LogLimit, Micros, Subject, Time};
use crate::net::{self, LocalIgmp, NetError, Netlink};
use crate::os::clock;
use crate::os::linkbeat::LinkProbe;
use crate::report::{self, Reporter};
use crate::sock::{AdvertSocket, Carrier, Endpoint, Inbox, Interface, NeighbourSocket, Packet, ReadySet, SockError};
use crate::wire::{ah, neigh};
use filter::Filter;

/// A packet of this length is not cut: nothing on a link of ordinary size is longer, and no advert comes near it.
const INBOX_BYTES: usize = 65_535;

/// How many packets of one channel are taken before the others have their turn.
const PACKETS_A_TURN: usize = 64;

/// How long the answer to "does this interface forward IPv6?" is good.
const FORWARDING_GOOD_FOR: Micros = Micros::from_secs(5);

/// Kinds of failures that may repeat with each packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Failure {
    Send(ChannelId, Option<i32>),
    Receive(ChannelId),
    Announce(u32),
    Truncated(ChannelId),
    Buffer(ChannelId),
    Poll,
    Probe,
}

impl Failure {
    fn is_about(&self, channel: ChannelId) -> bool {
        match self {
            Failure::Send(id, _) | Failure::Receive(id) | Failure::Truncated(id) | Failure::Buffer(id) => {
                *id == channel
            }
            Failure::Announce(_) | Failure::Poll | Failure::Probe => false,
        }
    }
}

/// The sockets of the process.
pub(super) struct Hands {
    netlink: Netlink,
    promotion: Promotion,
    neighbours: NeighbourSocket,
    filter: Filter,
    channels: HashMap<ChannelId, AdvertSocket>,
    ready: ReadySet,
    inbox: Inbox,
    forwarding: HashMap<IfName, (Time, bool)>,
    failures: LogLimit<Failure>,
    /// Opened when a link is polled for the first time
    probe: Option<LinkProbe>,
    local_igmp: LocalIgmp,
    pub(super) probes: Probes,
    pub(super) sync_daemons: SyncDaemons,
    pub(super) sysctls: HeldSysctls,
    pub(super) lookouts: Lookouts,
    last_turn: Time,
    pub(super) scripts: Scripts,
    /// What managers are to be told of: core passes it on
    pub(super) trapped: Vec<Trap>,
}

/// What the engine has to be told after its actions.
pub(super) enum Feedback {
    /// A channel does not work
    ChannelFailed(ChannelId, SockError),
    /// The kernel did not take an address
    AddressRefused(Address, String),
    /// The kernel did not take the rules of the packet filter
    FilterRefused(String),
    /// The kernel did not take a route or rule
    EntryRefused(Entry, String),
    /// A polled link has answered: by these means, and whether it is up
    Polled(IfName, Linkbeat, bool),
    /// The kernel did not make or change an own link
    LinkRefused(IfName, String),
}

impl Hands {
    pub(super) fn open(scripts: Scripts) -> Result<Self, super::driver::Error> {
        Ok(Hands {
            scripts,
            trapped: Vec::new(),
            netlink: Netlink::open()?,
            promotion: Promotion::default(),
            neighbours: NeighbourSocket::open()?,
            filter: Filter::default(),
            channels: HashMap::new(),
            ready: ReadySet::new()?,
            inbox: Inbox::new(INBOX_BYTES),
            forwarding: HashMap::new(),
            failures: LogLimit::default(),
            probe: None,
            local_igmp: LocalIgmp::default(),
            probes: Probes::default(),
            sync_daemons: SyncDaemons::default(),
            sysctls: HeldSysctls::default(),
            lookouts: Lookouts::default(),
            last_turn: clock::now(),
        })
    }

    /// The port of the socket that asks for changes of the kernel's tables.
    pub(super) fn netlink_port(&self) -> u32 {
        self.netlink.port()
    }

    /// Every link is made that will be: sysctls that a predecessor held and we do not are as before.
    pub(super) fn disclaim_sysctls(&mut self) {
        self.sysctls.disclaim(&mut self.netlink);
    }

    /// Sets the receive buffer for the kernel's answers.
    pub(super) fn set_netlink_buffer(&self, wanted: NetlinkBuffer) -> Result<(), NetError> {
        self.netlink.set_buffer(wanted)
    }

    /// Waits until packets have arrived.
    pub(super) async fn packets(&self) -> Result<Vec<ChannelId>, SockError> {
        let keys = self.ready.ready().await?;
        Ok(keys.into_iter().filter_map(|key| u32::try_from(key).ok()).map(ChannelId).collect())
    }

    /// Waits until somebody else has taken something from the packet filter.
    pub(super) async fn filter_lost(&self) -> Result<(), NetError> {
        self.filter.lost().await
    }

    /// The packet filter is not what it was set to, or can no longer be watched.
    pub(super) fn forget_filter(&mut self, lost: Result<(), NetError>) {
        self.filter.forget(lost);
    }

    /// All channels, for a look at each.
    pub(super) fn all_channels(&self) -> Vec<ChannelId> {
        self.channels.keys().copied().collect()
    }

    /// Gives the engine some of the packets that wait on a channel; true if there may be more.
    pub(super) fn hear(&mut self, now: Time, id: ChannelId, engine: &mut Engine) -> bool {
        let Some(socket) = self.channels.get(&id) else {
            return false;
        };
        for _ in 0..PACKETS_A_TURN {
            match socket.receive(&mut self.inbox) {
                Ok(None) => return false,
                Ok(Some(packet)) if packet.truncated => {
                    let line = || format!("oversize packet from {} dropped", packet.source);
                    if let Some(line) = self.failures.pass(now, Failure::Truncated(id), line) {
                        info!("{line}");
                    }
                }
                Ok(Some(packet)) => {
                    let datagram = Datagram {
                        source: packet.source,
                        destination: packet.destination,
                        ttl: packet.ttl,
                        bytes: packet.bytes,
                    };
                    // Timers count from the arrival, not from our waking up. The time of day may have stepped since,
                    // but nothing has waited longer than since the last turn.
                    let arrived = now - packet.waited.min(now.since(self.last_turn));
                    engine.handle(arrived, Event::Datagram(id, datagram));
                }
                Err(error) => {
                    // An error that waits on the socket (ENETDOWN, for instance) is taken off by reading it.
                    if let Some(line) = self.failures.pass(now, Failure::Receive(id), || error.to_string()) {
                        info!("{line}");
                    }
                    return false;
                }
            }
        }
        true
    }

    /// Takes note of the end of a turn: what is heard from now on has arrived since.
    pub(super) fn end_turn(&mut self, now: Time) {
        self.last_turn = now;
    }

    /// Carries out the actions of one turn; who listens hears of it through `reporter`.
    pub(super) fn carry_out(
        &mut self,
        now: Time,
        mut actions: Vec<Action>,
        engine: &Engine,
        reporter: &mut Reporter,
    ) -> Vec<Feedback> {
        actions.sort_by_key(Action::stage);
        let mut feedback = Vec::new();
        // What was announced is told last, as the engine's own lines lead up to it.
        let mut announced = Vec::new();
        let mut tables = Vec::new();
        for action in actions {
            if !tables::is_change(&action) {
                self.change_tables(std::mem::take(&mut tables), engine, &mut feedback);
            }
            match action {
                Action::Open(id, channel) => {
                    if let Err(error) = self.open_channel(id, &channel, engine) {
                        feedback.push(Feedback::ChannelFailed(id, error));
                    }
                }
                Action::Close(id) => {
                    self.channels.remove(&id);
                    self.failures.forget(|failure| failure.is_about(id));
                }
                Action::Buffer(id, buffer) => self.set_buffer(now, id, buffer),
                Action::Poll { interface, means } => feedback.extend(self.poll_link(now, interface, &means)),
                Action::LocalIgmp(on) => self.report_local_igmp(on),
                Action::Listen(id, vrids) => {
                    if let Some(Err(error)) = self.channels.get(&id).map(|socket| socket.set_vrids(&vrids)) {
                        feedback.push(Feedback::ChannelFailed(id, error));
                    }
                }
                Action::Send(packet) => self.send(now, &packet),
                Action::Divert(rules) | Action::Block(rules) => feedback.extend(self.filter(Some(*rules))),
                Action::Unblock(rules) => feedback.extend(self.filter(rules.map(|rules| *rules))),
                Action::AddAddress(_) | Action::RemoveAddress(_) | Action::AddEntry(_) | Action::RemoveEntry(_) => {
                    tables.push(action)
                }
                Action::PromoteSecondaries { interface, wanted } => self.promotion.set(&interface, wanted),
                Action::Announce { interface, address } => {
                    self.announce(now, engine, &interface, address);
                    if tracing::enabled!(tracing::Level::DEBUG) {
                        announced.push((interface, address));
                    }
                }
                Action::Probing(_) | Action::Probe { .. } | Action::Ping(_) => self.probe(now, engine, action),
                Action::Link(change) => self.change_link(change, &mut feedback),
                Action::RunScript { run, name, script } => self.scripts.run(run, name, script),
                Action::EndScript(run, force) => self.scripts.end(run, force),
                Action::SyncDaemon(changes) => self.sync_daemons.change(changes),
                Action::Notify(notification) => reporter.notify(notification),
                Action::Trap(trap) => self.trapped.push(trap),
                Action::Alert(alert) => reporter.alert(alert),
                Action::Changed(change) => log_change(&change),
                // The driver tells the parent.
                Action::Happened(_) => {}
                Action::LookOut(id, lookout) => self.lookouts.set(now, id, lookout.as_deref(), engine),
                Action::Log(level, line) => report::say(level, &line),
            }
        }
        self.change_tables(tables, engine, &mut feedback);
        for (interface, address) in announced {
            let kind = if address.is_ipv4() { "gratuitous ARP" } else { "unsolicited Neighbour Advert" };
            debug!("Sending {kind} on {interface} for {address}");
        }
        feedback
    }

    fn probe(&mut self, now: Time, engine: &Engine, action: Action) {
        let done = match action {
            Action::Probing(true) => self.probes.open(),
            Action::Probe { interface, address, source } => {
                engine.link(&interface).map_or(Ok(()), |link| self.probes.ask(&self.neighbours, link, address, source))
            }
            Action::Ping(to) => self.probes.ping(to),
            _ => {
                self.probes.close();
                Ok(())
            }
        };
        if let Err(error) = done
            && let Some(line) = self.failures.pass(now, Failure::Probe, || format!("split_brain_probe: {error}"))
        {
            info!("{line}");
        }
    }

    /// Tells the engine who has answered probes.
    pub(super) fn hear_answers(&self, now: Time, engine: &mut Engine) {
        for heard in self.probes.hear() {
            match heard {
                Heard::Holder(index, address, mac) => engine.handle(now, Event::Answered(index, address, &mac)),
                Heard::Echo(from) => engine.handle(now, Event::Echoed(from)),
            }
        }
    }

    fn filter(&mut self, rules: Option<FilterRules>) -> Option<Feedback> {
        self.filter.set(rules.as_ref()).err().map(Feedback::FilterRefused)
    }

    fn open_channel(&mut self, id: ChannelId, channel: &Channel, engine: &Engine) -> Result<(), SockError> {
        let endpoint = endpoint(channel, engine);
        let carrier = if channel.protocol == ah::PROTOCOL { Carrier::Authenticated } else { Carrier::Plain };
        let socket = AdvertSocket::open(endpoint, carrier)?;
        self.ready.add(&socket, u64::from(id.0))?;
        let (kind, local) = match channel.local {
            Local::Group(group) => ("multicast", group),
            Local::Source(source) => ("unicast", source),
        };
        debug!(
            "VRRP sockpool: [ifindex({:3}), family({}), proto({}), {kind}, address({local})]",
            channel.interface.as_ref().and_then(|name| engine.link(name)).map_or(0, |link| link.index),
            channel.family,
            channel.protocol,
        );
        self.channels.insert(id, socket);
        Ok(())
    }

    fn send(&mut self, now: Time, packet: &Outgoing) {
        let Some(socket) = self.channels.get(&packet.channel) else {
            return;
        };
        let outgoing = Packet { to: packet.to, source: packet.source, hop_limit: packet.ttl, bytes: &packet.bytes };
        let Err(error) = socket.send(&outgoing) else {
            return;
        };
        // On an interface that is down nobody expects a packet to leave.
        let errno = error.cause().raw_os_error();
        let expected = matches!(errno.map(Errno::from_raw), Some(Errno::ENETUNREACH | Errno::ENETDOWN | Errno::ENODEV));
        if let Some(line) = self.failures.pass(now, Failure::Send(packet.channel, errno), || error.to_string()) {
            if expected {
                debug!("{line}");
            } else {
                info!("{line}");
            }
        }
    }

    fn announce(&mut self, now: Time, engine: &Engine, interface: &IfName, address: IpAddr) {
        let Some(link) = engine.link(interface) else {
            return;
        };
        let sent = match address {
            IpAddr::V4(ip) => {
                neigh::gratuitous_arp(link, ip).map(|frame| self.neighbours.send(link.index, neigh::ETHER_ARP, &frame))
            }
            IpAddr::V6(ip) => {
                let router = self.forwards(now, interface);
                neigh::unsolicited_advert(link, ip, router)
                    .map(|frame| self.neighbours.send(link.index, neigh::ETHER_IPV6, &frame))
            }
        };
        if let Some(Err(error)) = sent
            && let Some(line) = self
                .failures
                .pass(now, Failure::Announce(link.index), || words::not_announced(interface, address, error.cause()))
        {
            info!("{line}");
        }
    }

    /// Whether an interface forwards IPv6, asked every few seconds at most.
    fn forwards(&mut self, now: Time, interface: &IfName) -> bool {
        match self.forwarding.get(interface) {
            Some((asked, answer)) if now.since(*asked) < FORWARDING_GOOD_FOR => *answer,
            _ => {
                let answer = net::forwards_ipv6(interface);
                self.forwarding.insert(interface.clone(), (now, answer));
                answer
            }
        }
    }
}

/// What a channel is to a socket.
fn endpoint(channel: &Channel, engine: &Engine) -> Endpoint {
    let interface = channel.interface.as_ref().map(|name| {
        let index = engine.link(name).map_or(0, |link| link.index);
        Interface { name: name.clone(), index }
    });
    match (channel.local, interface) {
        (Local::Group(group), Some(interface)) => Endpoint::Multicast { group, interface },
        (Local::Group(source) | Local::Source(source), interface) => Endpoint::Unicast { source, interface },
    }
}

/// Logs a change with what is known of it, which plain text leaves out.
fn log_change(change: &Change) {
    let Change { text, subject, name, from, to, cause, priority } = change;
    match subject {
        Subject::Instance => info!(instance = name, from, to, %cause, priority, "{text}"),
        Subject::Group => info!(group = name, from, to, %cause, "{text}"),
    }
}
