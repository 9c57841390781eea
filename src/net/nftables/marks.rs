//! Tables that give packets for the addresses of a `virtual_server_group` its mark (`nftables_ipvs`).
//!
//! A table, its chain, and for each transport protocol a map with its rule are made when they are first needed; from then on
//! only entries of maps come and go. Never decides what should be marked. Called by the driver of the `check` process.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use nix::errno::Errno;
use rtnetlink::sys::protocols::NETLINK_NETFILTER;

use super::message::{Attributes, Batch, SUBSYSTEM};
use super::rule::Register::{First, FirstPart2, Second};
use super::rule::{Field, Meta, Rule, Verdict};
use super::socket::BatchSocket;
use super::watch::FilterWatch;
use super::writer::{CONCAT, Element, GET_ELEMENTS, INPUT, INTERVAL, Look, MAP, Set, Type, Writer};
use crate::model::check::Protocol;
use crate::model::ipvs::ServiceKey;
use crate::model::{Family, MarkChange, MarkStyle, Marked};
use crate::net::NetError;
use crate::net::transport::{Refusal, Transport};
use crate::wire::netlink::{self, Reader};

const CHAIN: &str = "in";
const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// The tables, in the network namespace of the thread that opened them.
#[derive(Debug)]
pub struct MarkTables {
    socket: BatchSocket,
    style: MarkStyle,
    /// What is there; `None`: not known, as at the start there may be tables of a predecessor, and later others may have
    /// changed ours
    made: Option<Content>,
    /// What there should be
    wanted: Entries,
}

/// Packets and their marks.
type Entries = BTreeMap<Marked, u32>;

#[derive(Clone, Debug, Default)]
struct Content {
    maps: BTreeSet<(Family, Protocol)>,
    entries: Entries,
}

impl MarkTables {
    /// Opens the socket; changes nothing.
    ///
    /// # Errors
    /// [`NetError::Socket`] if the kernel has no netfilter, or the process may not have the socket.
    pub fn open(style: MarkStyle) -> Result<Self, NetError> {
        Ok(MarkTables { socket: BatchSocket::open()?, style, made: None, wanted: Entries::new() })
    }

    /// Carries out changes, those up to a removal of the tables all at once; gives the places of those that were refused,
    /// and why: then the others have been made nevertheless. What is there already is not added again, and what is not
    /// there not removed. The first changes replace tables of the same name that were there before.
    pub fn change(&mut self, changes: &[MarkChange]) -> Vec<(usize, Refusal)> {
        let mut refused = Vec::new();
        let mut place = 0;
        for run in changes.split_inclusive(|change| *change == MarkChange::RemoveTables) {
            if self.change_at_once(run).is_err() {
                refused.extend(self.change_one_by_one(place, run));
            }
            place += run.len();
        }
        refused
    }

    /// Other tables from now on, with what was in the old ones, at once or not at all.
    ///
    /// # Errors
    /// What the kernel says; the old ones are as before.
    pub fn restyle(&mut self, style: MarkStyle) -> Result<(), Refusal> {
        if style == self.style {
            return Ok(());
        }
        let old = std::mem::replace(&mut self.style, style);
        let outdated = (self.made.is_some() && old.table != self.style.table).then(|| old.clone());
        self.renew(outdated.as_ref()).inspect_err(|_| self.style = old)
    }

    /// Somebody else has changed the tables: [`MarkTables::restore`] makes them anew, or the next change does.
    pub fn forget(&mut self) {
        self.made = None;
    }

    /// Makes the tables anew if they are not what they should be.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn restore(&mut self) -> Result<(), Refusal> {
        match self.made {
            Some(_) => Ok(()),
            None => self.renew(None),
        }
    }

    /// A watch over the tables.
    ///
    /// # Errors
    /// [`NetError::Socket`] if the process may not have the socket.
    pub fn watch(&self) -> Result<FilterWatch, NetError> {
        FilterWatch::open(&self.style.table, self.socket.port)
    }

    /// The services that tables of this name mark packets for, whoever has made them; none where they cannot be read.
    pub fn services(&self) -> Vec<ServiceKey> {
        let Ok(mut transport) = Transport::open(NETLINK_NETFILTER, "open the socket of the packet filter") else {
            return Vec::new();
        };
        let mut services = BTreeSet::new();
        for family in FAMILIES {
            for protocol in [Protocol::Tcp, Protocol::Udp, Protocol::Sctp] {
                let mut map = Attributes::default();
                map.text(1, &self.style.table).text(2, map_name(protocol));
                let kind = u16::from_be_bytes([SUBSYSTEM, GET_ELEMENTS]);
                let payload = [&head(family), map.as_bytes()].concat();
                let request = netlink::message(kind, netlink::REQUEST | netlink::DUMP, &payload);
                // It is refused where there is no such map.
                let parts = transport.dump(request, |_, payload| Some(marks(payload))).unwrap_or_default();
                services.extend(parts.into_iter().flatten().map(|mark| ServiceKey::Mark { family, mark }));
            }
        }
        services.into_iter().collect()
    }

    /// Removes tables of this name that somebody else has made, such as a predecessor; gives the families that had one.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn remove_leftovers(&mut self) -> Result<Vec<Family>, Refusal> {
        let mut removed = Vec::new();
        for family in FAMILIES {
            match self.socket.transact(|batch| Writer::new(batch, look(&self.style)).remove_table(family)) {
                Ok(()) => removed.push(family),
                Err(refusal) if refusal.errno == Errno::ENOENT => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(removed)
    }

    /// Whether there is any table of ours.
    pub fn is_in_use(&self) -> bool {
        self.made.as_ref().is_some_and(|made| !made.maps.is_empty())
    }

    fn change_at_once(&mut self, changes: &[MarkChange]) -> Result<(), Refusal> {
        let before = self.wanted.clone();
        for change in changes {
            match change {
                MarkChange::Add(marked, mark) => {
                    self.wanted.insert(*marked, *mark);
                }
                MarkChange::Remove(marked) => {
                    self.wanted.remove(marked);
                }
                MarkChange::RemoveTables => return self.remove_tables(),
            }
        }
        let done = match self.made.take() {
            // If somebody has taken away what it builds on, everything is made anew.
            Some(made) => self.advance(made).or_else(|_| self.renew(None)),
            None => self.renew(None),
        };
        done.inspect_err(|_| self.wanted = before)
    }

    fn change_one_by_one(&mut self, first: usize, changes: &[MarkChange]) -> Vec<(usize, Refusal)> {
        let one = |(place, change)| Some((first + place, self.change_at_once(std::slice::from_ref(change)).err()?));
        changes.iter().enumerate().filter_map(one).collect()
    }

    /// From what is there to what is wanted.
    fn advance(&mut self, made: Content) -> Result<(), Refusal> {
        let of = |entries: &Entries| -> BTreeSet<Element> { entries.iter().map(element).collect() };
        let (old, new) = (of(&made.entries), of(&self.wanted));
        let gone: Vec<&Element> = old.difference(&new).collect();
        let come: Vec<&Element> = new.difference(&old).collect();
        let needed = maps(&self.wanted);
        let missing: Vec<(Family, Protocol)> = needed.difference(&made.maps).copied().collect();
        if !(gone.is_empty() && come.is_empty() && missing.is_empty()) {
            let look = look(&self.style);
            self.socket.transact(|batch| {
                let mut writer = Writer::new(batch, look);
                make(&mut writer, &missing, &made.maps, look);
                writer.remove(&gone);
                writer.add(&come);
            })?;
        }
        let maps = &made.maps | &needed;
        self.made = Some(Content { maps, entries: self.wanted.clone() });
        Ok(())
    }

    /// Everything anew, in place of whatever is there under this name and under that of an old style.
    fn renew(&mut self, outdated: Option<&MarkStyle>) -> Result<(), Refusal> {
        let look = look(&self.style);
        let maps = maps(&self.wanted);
        let missing: Vec<(Family, Protocol)> = maps.iter().copied().collect();
        let elements: Vec<Element> = self.wanted.iter().map(element).collect();
        self.socket.transact(|batch| {
            if let Some(old) = outdated {
                clear(batch, old);
            }
            clear(batch, &self.style);
            let mut writer = Writer::new(batch, look);
            make(&mut writer, &missing, &BTreeSet::new(), look);
            writer.add(&elements.iter().collect::<Vec<_>>());
        })?;
        self.made = Some(Content { maps, entries: self.wanted.clone() });
        Ok(())
    }

    fn remove_tables(&mut self) -> Result<(), Refusal> {
        self.wanted.clear();
        if self.made.is_none() || self.is_in_use() {
            self.socket.transact(|batch| clear(batch, &self.style))?;
        }
        self.made = Some(Content::default());
        Ok(())
    }
}

/// `struct nfgenmsg`
fn head(family: Family) -> [u8; 4] {
    [super::writer::protocol(family), 0, 0, 0]
}

/// The marks in a part of a map (`NFTA_SET_ELEM_LIST_ELEMENTS`, of each element `NFTA_SET_ELEM_DATA`).
fn marks(payload: &[u8]) -> Vec<u32> {
    let inner = |bytes, wanted| Reader(bytes).filter(move |(kind, _)| *kind == wanted).map(|(_, value)| value);
    let attributes = payload.get(head(Family::V4).len()..).unwrap_or_default();
    let elements = inner(attributes, 3).flat_map(|list| inner(list, 1));
    let values = elements.flat_map(|element| inner(element, 2)).flat_map(|data| inner(data, 1));
    values.filter_map(|value| Some(u32::from_ne_bytes(value.try_into().ok()?))).collect()
}

fn look(style: &MarkStyle) -> Look<'_> {
    Look { table: &style.table, priority: style.priority, counters: style.counters }
}

/// The tables of both families go, if they are there.
fn clear(batch: &mut Batch, style: &MarkStyle) {
    let mut writer = Writer::new(batch, look(style));
    FAMILIES.into_iter().for_each(|family| writer.remove_table_if_there(family));
}

/// Maps come, each with its rule, and the table and chain with the first of a family.
fn make(
    writer: &mut Writer<'_>,
    missing: &[(Family, Protocol)],
    present: &BTreeSet<(Family, Protocol)>,
    look: Look<'_>,
) {
    let mut families: BTreeSet<Family> = present.iter().map(|(family, _)| *family).collect();
    for (family, protocol) in missing {
        if families.insert(*family) {
            writer.make_table(*family);
            writer.chain(*family, CHAIN, Some(INPUT));
        }
        let (address, field, port) = match family {
            Family::V4 => (Type::Ipv4, Field::IPV4_DESTINATION, FirstPart2),
            Family::V6 => (Type::Ipv6, Field::IPV6_DESTINATION, Second),
        };
        let set = Set {
            name: map_name(*protocol),
            key: &[address, Type::Port],
            data: Some(Type::Mark),
            flags: MAP | INTERVAL | CONCAT,
            counted: look.counters,
        };
        writer.set(*family, set);
        let rule = Rule::default().meta(Meta::Protocol, First).equals(First, &[protocol_number(*protocol)]);
        let rule = rule.load(field, First).load(Field::DESTINATION_PORT, port).map(map_name(*protocol), First);
        writer.rule(*family, CHAIN, rule.set_meta(Meta::Mark, First), Verdict::Return);
    }
}

fn maps(entries: &Entries) -> BTreeSet<(Family, Protocol)> {
    entries.keys().map(|marked| (Family::of(&marked.first), marked.protocol)).collect()
}

fn map_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp_map",
        Protocol::Udp => "udp_map",
        Protocol::Sctp => "sctp_map",
    }
}

/// `IPPROTO_*` (linux/in.h).
fn protocol_number(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
        Protocol::Sctp => 132,
    }
}

fn element((marked, mark): (&Marked, &u32)) -> Element {
    Element {
        family: Family::of(&marked.first),
        set: map_name(marked.protocol),
        key: key(marked.first, marked.port),
        end: Some(key(marked.last, marked.port)),
        data: Some(mark.to_ne_bytes().to_vec()),
    }
}

/// Address and port, each aligned to four bytes.
fn key(ip: IpAddr, port: u16) -> Vec<u8> {
    let mut key = match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    key.extend(port.to_be_bytes());
    key.resize(key.len().next_multiple_of(4), 0);
    key
}
