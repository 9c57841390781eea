//! The tables as keepalived lays them out: sets, chains and rules, and which elements stand for which wish.
//!
//! Tools and people look for these names and this order. A table is made of parts, each when it is first needed; from
//! then on only elements of sets come and go. Talks to nobody. Called by `mod`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::message::Batch;
use super::rule::Register::{First, Second};
use super::rule::{Field, Meta, Rule, Verdict};
use super::writer::{Element, INPUT, Look, MAP, OUTPUT, Set, Type, Writer};
use crate::model::{Family, FilterRules, FilterStyle, IfName, LinkRef};

/// `IFNAMSIZ` (linux/if.h)
const NAME_BYTES: usize = 16;

const IGMP: u8 = 2;
const ICMPV6: u8 = 58;
const ROUTER_SOLICIT: u8 = 133;
const NEIGHBOUR_DISCOVERY: [u8; 2] = [135, 136];
const NEIGHBOUR_ADVERT: u8 = 136;
/// Versions 1 and 2 (RFC 2710, RFC 3810)
const MLD_REPORTS: [u8; 2] = [131, 143];
/// What the kernel calls a macvlan, as long as a register
const MACVLAN: &[u8; NAME_BYTES] = b"macvlan\0\0\0\0\0\0\0\0\0";

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
        Element { family: Family::of(ip), set: "vips", key, end: None, data: None }
    });
    let on = rules.blocked_on.iter().map(|(ip, link)| {
        let (set, link) = match link {
            LinkRef::Index(index) => ("vips_link_local", index.to_ne_bytes().to_vec()),
            LinkRef::Name(name) => ("vips_link_local_name", padded(name).to_vec()),
        };
        Element { family: Family::V6, set, key: [ip.octets().as_slice(), &link].concat(), end: None, data: None }
    });
    let own = rules.own_links.iter().flat_map(|((family, index), link)| {
        let (family, key) = (*family, index.to_ne_bytes().to_vec());
        let data = Some(link.base.to_ne_bytes().to_vec());
        let mut elements = vec![Element { family, set: "vmac_map", key: key.clone(), end: None, data }];
        if family == Family::V6 {
            elements.push(Element { family, set: "vmac_set", key: key.clone(), end: None, data: None });
            elements.extend(link.parent_link_local.map(|ip| {
                let link = if rules.style.by_index { key } else { padded(&link.name).to_vec() };
                let key = [ip.octets().as_slice(), &link].concat();
                Element { family, set: "parent_link_local", key, end: None, data: None }
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
    pub(super) out: Writer<'a>,
    by_index: bool,
}

impl<'a> Author<'a> {
    pub(super) fn new(batch: &'a mut Batch, style: &'a FilterStyle) -> Self {
        let look = Look { table: &style.table, priority: style.priority, counters: style.counters };
        Author { out: Writer::new(batch, look), by_index: style.by_index }
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

    fn set(&mut self, family: Family, name: &str, key: &[Type], data: Option<Type>) {
        let flags = if data.is_some() { MAP } else { 0 };
        self.out.set(family, Set { name, key, data, flags, counted: false });
    }

    fn make_base(&mut self, family: Family) {
        self.out.make_table(family);
        self.out.chain(family, "out", Some(OUTPUT));
        if family == Family::V6 {
            let (link, meta) = match self.by_index {
                true => (Type::Index, Meta::OutputIndex),
                false => (Type::Name, Meta::OutputName),
            };
            self.set(family, "parent_link_local", &[Type::Ipv6, link], None);
            let from_own_link = icmpv6().load(Field::ICMPV6_TYPE, First).equals(First, &[NEIGHBOUR_ADVERT]);
            let rule = leaves_by_macvlan(from_own_link).load(Field::IPV6_SOURCE, First).meta(meta, Second);
            self.out.rule(family, "out", rule.within("parent_link_local", First), Verdict::Drop);
        }
    }

    fn make_own_links_v4(&mut self) {
        let family = Family::V4;
        self.set(family, "vmac_map", &[Type::Index], Some(Type::Index));
        let report = Rule::default().load(Field::IPV4_PROTOCOL, First).equals(First, &[IGMP]);
        self.send_by_base(family, report.load(Field::IPV4_DESTINATION, First));
    }

    fn make_own_links_v6(&mut self) {
        let family = Family::V6;
        self.set(family, "vmac_map", &[Type::Index], Some(Type::Index));
        self.set(family, "vmac_set", &[Type::Index], None);
        self.out.constant("mld-report", &MLD_REPORTS);
        let report = icmpv6().load(Field::ICMPV6_TYPE, First).within("mld-report", First);
        self.send_by_base(family, report.load(Field::IPV6_DESTINATION, First));
        let solicit = icmpv6().load(Field::ICMPV6_TYPE, First).equals(First, &[ROUTER_SOLICIT]);
        let rule = leaves_by_macvlan(solicit).meta(Meta::OutputIndex, Second).within("vmac_set", Second);
        self.out.rule(family, "out", rule, Verdict::Drop);
    }

    /// What leaves by a macvlan, with its destination in the first register, leaves by the link below instead.
    fn send_by_base(&mut self, family: Family, rule: Rule) {
        let base = leaves_by_macvlan(rule).meta(Meta::OutputIndex, Second).map("vmac_map", Second);
        self.out.rule(family, "out", base.duplicate(First, Second), Verdict::Drop);
    }

    fn make_addresses_v4(&mut self) {
        let family = Family::V4;
        self.out.chain(family, "in", Some(INPUT));
        self.set(family, "vips", &[Type::Ipv4], None);
        for (chain, field) in [("in", Field::IPV4_DESTINATION), ("out", Field::IPV4_SOURCE)] {
            self.out.rule(family, chain, Rule::default().load(field, First).within("vips", First), Verdict::Drop);
        }
    }

    fn make_addresses_v6(&mut self) {
        let family = Family::V6;
        self.out.chain(family, "in", Some(INPUT));
        self.out.chain(family, "in_link_local", None);
        self.out.chain(family, "out_link_local", None);
        self.set(family, "vips", &[Type::Ipv6], None);
        self.out.constant("neighbor-discovery", &NEIGHBOUR_DISCOVERY);
        let sides = [("in", "in_link_local", Field::IPV6_DESTINATION), ("out", "out_link_local", Field::IPV6_SOURCE)];
        for (chain, link_local, field) in sides {
            let discovery = Rule::default().load(Field::IPV6_NEXT_HEADER, First).equals(First, &[ICMPV6]);
            let discovery = discovery.load(Field::ICMPV6_TYPE, First).within("neighbor-discovery", First);
            self.out.rule(family, chain, discovery, Verdict::Accept);
            let (mut mask, mut prefix) = ([0; 16], [0; 16]);
            (mask[0], mask[1], prefix[0], prefix[1]) = (0xff, 0xc0, 0xfe, 0x80);
            let rule = Rule::default().load(field, First).mask(First, &mask).equals(First, &prefix);
            self.out.rule(family, chain, rule, Verdict::Goto(link_local));
        }
        for (chain, _, field) in sides {
            self.out.rule(family, chain, Rule::default().load(field, First).within("vips", First), Verdict::Drop);
        }
    }

    fn make_link_local(&mut self, set: &'static str, link: Type, input: Meta, output: Meta) {
        let family = Family::V6;
        self.set(family, set, &[Type::Ipv6, link], None);
        let sides = [("in_link_local", Field::IPV6_DESTINATION, input), ("out_link_local", Field::IPV6_SOURCE, output)];
        for (chain, field, meta) in sides {
            let rule = Rule::default().load(field, First).meta(meta, Second).within(set, First);
            self.out.rule(family, chain, rule, Verdict::Drop);
        }
    }
}

fn icmpv6() -> Rule {
    Rule::default().meta(Meta::Protocol, First).equals(First, &[ICMPV6])
}

fn leaves_by_macvlan(rule: Rule) -> Rule {
    rule.meta(Meta::OutputKind, Second).equals(Second, MACVLAN)
}
