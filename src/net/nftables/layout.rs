//! The tables as keepalived lays them out: sets, chains and rules, and which elements stand for which wish.
//!
//! Tools and people look for these names and this order. A table is made of parts, each when it is first needed; from
//! then on only elements of sets come and go. Talks to nobody. Called by `mod`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::message::{Attributes, Batch};
use super::rule::Register::{First, Second};
use super::rule::{Field, Meta, Rule, Verdict};
use crate::model::{Family, FilterRules, FilterStyle, IfName, LinkRef};

// Messages (`enum nf_tables_msg_types`, linux/netfilter/nf_tables.h)
const NEW_TABLE: u8 = 0;
const DELETE_TABLE: u8 = 2;
const NEW_CHAIN: u8 = 3;
const NEW_RULE: u8 = 6;
const NEW_SET: u8 = 9;
const NEW_ELEMENTS: u8 = 12;
const DELETE_ELEMENTS: u8 = 14;
// Flags of `struct nlmsghdr` (linux/netlink.h)
const CREATE: u16 = 0x400;
const APPEND: u16 = 0x800;
/// `NFT_SET_CONSTANT`
const CONSTANT: u32 = 0x2;
/// `NFT_SET_MAP`
const MAP: u32 = 0x8;
/// `NF_INET_LOCAL_IN` (linux/netfilter.h)
const INPUT: u32 = 1;
/// `NF_INET_LOCAL_OUT` (linux/netfilter.h)
const OUTPUT: u32 = 3;
/// `NF_ACCEPT` (linux/netfilter.h)
const ACCEPT: u32 = 1;
/// `IFNAMSIZ` (linux/if.h)
const NAME_BYTES: usize = 16;
/// The elements of one message have to fit into an attribute, whose length has 16 bits; the longest takes 80 bytes.
const ELEMENTS_A_MESSAGE: usize = 500;

const IGMP: u8 = 2;
const ICMPV6: u8 = 58;
const ROUTER_SOLICIT: u8 = 133;
const NEIGHBOUR_DISCOVERY: [u8; 2] = [135, 136];
const NEIGHBOUR_ADVERT: u8 = 136;
/// Versions 1 and 2 (RFC 2710, RFC 3810)
const MLD_REPORTS: [u8; 2] = [131, 143];
/// What the kernel calls a macvlan, as long as a register
const MACVLAN: &[u8; NAME_BYTES] = b"macvlan\0\0\0\0\0\0\0\0\0";

/// What a set holds: nft's number of the type, by which it knows how to show it.
#[derive(Clone, Copy, Debug)]
enum Type {
    Ipv4 = 7,
    Ipv6 = 8,
    Index = 20,
    Icmpv6 = 29,
    Name = 41,
}

impl Type {
    fn bytes(self) -> usize {
        match self {
            Type::Icmpv6 => 1,
            Type::Ipv4 | Type::Index => 4,
            Type::Ipv6 | Type::Name => 16,
        }
    }
}

/// A part of a table, in the order in which parts are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The table and its chain for output
    Base,
    /// Macvlans of ours
    OwnLinks,
    /// Blocked addresses
    Addresses,
    /// Blocked link-local addresses on links with an index
    ByIndex,
    /// Blocked link-local addresses on links with a name
    ByName,
}

/// A part of one of the two tables.
pub(super) type Part = (Family, Kind);

/// An element of a set or map.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Element {
    family: Family,
    set: &'static str,
    key: Vec<u8>,
    data: Option<Vec<u8>>,
}

/// The parts that some rules need.
pub(super) fn parts(rules: &FilterRules) -> BTreeSet<Part> {
    let blocked = rules.blocked.iter().map(|ip| (Family::of(ip), Kind::Addresses));
    let own = rules.own_links.keys().map(|(family, _)| (*family, Kind::OwnLinks));
    let on = rules.blocked_on.iter().flat_map(|(_, link)| {
        let kind = match link {
            LinkRef::Index(_) => Kind::ByIndex,
            LinkRef::Name(_) => Kind::ByName,
        };
        [(Family::V6, Kind::Addresses), (Family::V6, kind)]
    });
    blocked.chain(own).chain(on).flat_map(|(family, kind)| [(family, Kind::Base), (family, kind)]).collect()
}

/// The elements that some rules consist of.
pub(super) fn elements(rules: &FilterRules) -> BTreeSet<Element> {
    let blocked = rules.blocked.iter().map(|ip| {
        let key = match ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        Element { family: Family::of(ip), set: "vips", key, data: None }
    });
    let on = rules.blocked_on.iter().map(|(ip, link)| {
        let (set, link) = match link {
            LinkRef::Index(index) => ("vips_link_local", index.to_ne_bytes().to_vec()),
            LinkRef::Name(name) => ("vips_link_local_name", padded(name).to_vec()),
        };
        Element { family: Family::V6, set, key: [ip.octets().as_slice(), &link].concat(), data: None }
    });
    let own = rules.own_links.iter().flat_map(|((family, index), link)| {
        let (family, key) = (*family, index.to_ne_bytes().to_vec());
        let data = Some(link.base.to_ne_bytes().to_vec());
        let mut elements = vec![Element { family, set: "vmac_map", key: key.clone(), data }];
        if family == Family::V6 {
            elements.push(Element { family, set: "vmac_set", key: key.clone(), data: None });
            elements.extend(link.parent_link_local.map(|ip| {
                let link = if rules.style.by_index { key } else { padded(&link.name).to_vec() };
                let key = [ip.octets().as_slice(), &link].concat();
                Element { family, set: "parent_link_local", key, data: None }
            }));
        }
        elements
    });
    blocked.chain(on).chain(own).collect()
}

fn padded(name: &IfName) -> [u8; NAME_BYTES] {
    let mut bytes = [0; NAME_BYTES];
    for (place, byte) in bytes.iter_mut().zip(name.as_str().bytes()) {
        *place = byte;
    }
    bytes
}

/// Writes what becomes of the tables into a batch.
pub(super) struct Author<'a> {
    batch: &'a mut Batch,
    style: &'a FilterStyle,
    /// Sets of one batch need numbers of their own (`NFTA_SET_ID`)
    sets: u32,
}

impl<'a> Author<'a> {
    pub(super) fn new(batch: &'a mut Batch, style: &'a FilterStyle) -> Self {
        Author { batch, style, sets: 0 }
    }

    /// A table goes, with all that is in it. It has to be there.
    pub(super) fn remove_table(&mut self, family: Family) {
        let table = self.table();
        self.say(DELETE_TABLE, 0, family, &table);
    }

    /// A table goes if it is there.
    pub(super) fn remove_table_if_there(&mut self, family: Family) {
        let table = self.table();
        self.say(NEW_TABLE, CREATE, family, &table);
        self.say(DELETE_TABLE, 0, family, &table);
    }

    /// Makes a part.
    pub(super) fn make(&mut self, (family, kind): Part) {
        match (kind, family) {
            (Kind::Base, _) => self.make_base(family),
            (Kind::OwnLinks, Family::V4) => self.make_own_links_v4(),
            (Kind::OwnLinks, Family::V6) => self.make_own_links_v6(),
            (Kind::Addresses, Family::V4) => self.make_addresses_v4(),
            (Kind::Addresses, Family::V6) => self.make_addresses_v6(),
            (Kind::ByIndex, _) => {
                self.make_link_local("vips_link_local", Type::Index, Meta::InputIndex, Meta::OutputIndex);
            }
            (Kind::ByName, _) => {
                self.make_link_local("vips_link_local_name", Type::Name, Meta::InputName, Meta::OutputName);
            }
        }
    }

    /// Elements come.
    pub(super) fn add(&mut self, elements: &[&Element]) {
        self.change(NEW_ELEMENTS, CREATE, elements);
    }

    /// Elements go.
    pub(super) fn remove(&mut self, elements: &[&Element]) {
        self.change(DELETE_ELEMENTS, 0, elements);
    }

    fn make_base(&mut self, family: Family) {
        let table = self.table();
        self.say(NEW_TABLE, CREATE, family, &table);
        self.chain(family, "out", Some(OUTPUT));
        if family == Family::V6 {
            let (link, meta) = match self.style.by_index {
                true => (Type::Index, Meta::OutputIndex),
                false => (Type::Name, Meta::OutputName),
            };
            self.set(family, "parent_link_local", &[Type::Ipv6, link], None, 0);
            let from_own_link = icmpv6().load(Field::ICMPV6_TYPE, First).equals(First, &[NEIGHBOUR_ADVERT]);
            let rule = leaves_by_macvlan(from_own_link).load(Field::IPV6_SOURCE, First).meta(meta, Second);
            self.rule(family, "out", rule.within("parent_link_local", First), Verdict::Drop);
        }
    }

    fn make_own_links_v4(&mut self) {
        let family = Family::V4;
        self.set(family, "vmac_map", &[Type::Index], Some(Type::Index), MAP);
        let report = Rule::default().load(Field::IPV4_PROTOCOL, First).equals(First, &[IGMP]);
        self.send_by_base(family, report.load(Field::IPV4_DESTINATION, First));
    }

    fn make_own_links_v6(&mut self) {
        let family = Family::V6;
        self.set(family, "vmac_map", &[Type::Index], Some(Type::Index), MAP);
        self.set(family, "vmac_set", &[Type::Index], None, 0);
        self.constant("mld-report", &MLD_REPORTS);
        let report = icmpv6().load(Field::ICMPV6_TYPE, First).within("mld-report", First);
        self.send_by_base(family, report.load(Field::IPV6_DESTINATION, First));
        let solicit = icmpv6().load(Field::ICMPV6_TYPE, First).equals(First, &[ROUTER_SOLICIT]);
        let rule = leaves_by_macvlan(solicit).meta(Meta::OutputIndex, Second).within("vmac_set", Second);
        self.rule(family, "out", rule, Verdict::Drop);
    }

    /// What leaves by a macvlan, with its destination in the first register, leaves by the link below instead.
    fn send_by_base(&mut self, family: Family, rule: Rule) {
        let base = leaves_by_macvlan(rule).meta(Meta::OutputIndex, Second).map("vmac_map", Second);
        self.rule(family, "out", base.duplicate(First, Second), Verdict::Drop);
    }

    fn make_addresses_v4(&mut self) {
        let family = Family::V4;
        self.chain(family, "in", Some(INPUT));
        self.set(family, "vips", &[Type::Ipv4], None, 0);
        for (chain, field) in [("in", Field::IPV4_DESTINATION), ("out", Field::IPV4_SOURCE)] {
            self.rule(family, chain, Rule::default().load(field, First).within("vips", First), Verdict::Drop);
        }
    }

    fn make_addresses_v6(&mut self) {
        let family = Family::V6;
        self.chain(family, "in", Some(INPUT));
        self.chain(family, "in_link_local", None);
        self.chain(family, "out_link_local", None);
        self.set(family, "vips", &[Type::Ipv6], None, 0);
        self.constant("neighbor-discovery", &NEIGHBOUR_DISCOVERY);
        let sides = [("in", "in_link_local", Field::IPV6_DESTINATION), ("out", "out_link_local", Field::IPV6_SOURCE)];
        for (chain, link_local, field) in sides {
            let discovery = Rule::default().load(Field::IPV6_NEXT_HEADER, First).equals(First, &[ICMPV6]);
            let discovery = discovery.load(Field::ICMPV6_TYPE, First).within("neighbor-discovery", First);
            self.rule(family, chain, discovery, Verdict::Accept);
            let (mut mask, mut prefix) = ([0; 16], [0; 16]);
            (mask[0], mask[1], prefix[0], prefix[1]) = (0xff, 0xc0, 0xfe, 0x80);
            let rule = Rule::default().load(field, First).mask(First, &mask).equals(First, &prefix);
            self.rule(family, chain, rule, Verdict::Goto(link_local));
        }
        for (chain, _, field) in sides {
            self.rule(family, chain, Rule::default().load(field, First).within("vips", First), Verdict::Drop);
        }
    }

    fn make_link_local(&mut self, set: &'static str, link: Type, input: Meta, output: Meta) {
        let family = Family::V6;
        self.set(family, set, &[Type::Ipv6, link], None, 0);
        let sides = [("in_link_local", Field::IPV6_DESTINATION, input), ("out_link_local", Field::IPV6_SOURCE, output)];
        for (chain, field, meta) in sides {
            let rule = Rule::default().load(field, First).meta(meta, Second).within(set, First);
            self.rule(family, chain, rule, Verdict::Drop);
        }
    }

    /// The attributes of every message begin with the table's name (`NFTA_*_TABLE`).
    fn table(&self) -> Attributes {
        let mut attributes = Attributes::default();
        attributes.text(1, &self.style.table);
        attributes
    }

    fn chain(&mut self, family: Family, name: &str, hook: Option<u32>) {
        let mut chain = self.table();
        chain.text(3, name);
        if let Some(hook) = hook {
            let priority = self.style.priority as u32;
            chain.nest(4, |at| {
                at.number(1, hook).number(2, priority);
            });
            chain.number(5, ACCEPT).text(7, "filter");
        }
        self.say(NEW_CHAIN, CREATE, family, &chain);
    }

    fn set(&mut self, family: Family, name: &str, key: &[Type], data: Option<Type>, flags: u32) {
        // `enum byteorder` of nft
        const HOST: u32 = 1;
        const NETWORK: u32 = 2;
        self.sets += 1;
        // A key of several types has their numbers in groups of six bits.
        let kind = key.iter().fold(0, |kind, part| kind << 6 | *part as u32);
        let length: usize = key.iter().map(|part| part.bytes()).sum();
        let mut set = self.table();
        set.text(2, name);
        if flags != 0 {
            set.number(3, flags);
        }
        set.number(4, kind).number(5, length as u32);
        if let Some(data) = data {
            set.number(6, data as u32).number(7, data.bytes() as u32);
        }
        set.number(10, self.sets);
        // Notes for nft: in which order the bytes of the key are, and those of the data.
        let order = if matches!(key, [Type::Ipv4 | Type::Ipv6]) { NETWORK } else { HOST };
        let mut notes = note(0, order);
        if data.is_some() {
            notes.extend(note(1, HOST));
        }
        set.bytes(13, &notes);
        self.say(NEW_SET, CREATE, family, &set);
    }

    /// A set of ICMPv6 types that stays as it is.
    fn constant(&mut self, name: &'static str, types: &[u8]) {
        let family = Family::V6;
        self.set(family, name, &[Type::Icmpv6], None, CONSTANT);
        let elements: Vec<Element> =
            types.iter().map(|kind| Element { family, set: name, key: vec![*kind], data: None }).collect();
        self.add(&elements.iter().collect::<Vec<_>>());
    }

    fn rule(&mut self, family: Family, chain: &str, rule: Rule, verdict: Verdict) {
        let mut attributes = self.table();
        attributes.text(2, chain).wrap(4, &rule.count(self.style.counters).verdict(verdict));
        self.say(NEW_RULE, CREATE | APPEND, family, &attributes);
    }

    /// Elements in their order, those of one set together.
    fn change(&mut self, kind: u8, flags: u16, elements: &[&Element]) {
        for same_set in elements.chunk_by(|a, b| (a.family, a.set) == (b.family, b.set)) {
            for some in same_set.chunks(ELEMENTS_A_MESSAGE) {
                let Some(first) = some.first() else { continue };
                let mut list = self.table();
                list.text(2, first.set).nest(3, |list| {
                    for element in some {
                        list.nest(1, |at| element.describe(at));
                    }
                });
                self.say(kind, flags, first.family, &list);
            }
        }
    }

    fn say(&mut self, kind: u8, flags: u16, family: Family, attributes: &Attributes) {
        self.batch.message(kind, flags, protocol(family), attributes);
    }
}

impl Element {
    fn describe(&self, at: &mut Attributes) {
        at.nest(1, |at| {
            at.bytes(1, &self.key);
        });
        if let Some(data) = &self.data {
            at.nest(2, |at| {
                at.bytes(1, data);
            });
        }
    }
}

/// `NFPROTO_*` (linux/netfilter.h).
pub(super) fn protocol(family: Family) -> u8 {
    match family {
        Family::V4 => 2,
        Family::V6 => 10,
    }
}

/// A note of a set for nft: type, length, number.
fn note(kind: u8, value: u32) -> Vec<u8> {
    [[kind, 4].as_slice(), &value.to_ne_bytes()].concat()
}

fn icmpv6() -> Rule {
    Rule::default().meta(Meta::Protocol, First).equals(First, &[ICMPV6])
}

fn leaves_by_macvlan(rule: Rule) -> Rule {
    rule.meta(Meta::OutputKind, Second).equals(Second, MACVLAN)
}
