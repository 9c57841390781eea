//! Tables of nf_tables written into a batch: chains, sets, maps, rules, elements (linux/netfilter/nf_tables.h).
//!
//! Says nothing about which there should be. Called by the layouts.

use super::message::{Attributes, Batch};
use super::rule::{Rule, Verdict};
use crate::model::Family;

// Messages (`enum nf_tables_msg_types`)
const NEW_TABLE: u8 = 0;
const DELETE_TABLE: u8 = 2;
const NEW_CHAIN: u8 = 3;
const NEW_RULE: u8 = 6;
const NEW_SET: u8 = 9;
const NEW_ELEMENTS: u8 = 12;
pub(super) const GET_ELEMENTS: u8 = 13;
const DELETE_ELEMENTS: u8 = 14;
// Flags of `struct nlmsghdr` (linux/netlink.h)
const CREATE: u16 = 0x400;
const APPEND: u16 = 0x800;
/// `NFT_SET_CONSTANT`
pub(super) const CONSTANT: u32 = 0x2;
/// `NFT_SET_INTERVAL`
pub(super) const INTERVAL: u32 = 0x4;
/// `NFT_SET_MAP`
pub(super) const MAP: u32 = 0x8;
/// `NFT_SET_CONCAT`
pub(super) const CONCAT: u32 = 0x80;
/// `NF_INET_LOCAL_IN` (linux/netfilter.h)
pub(super) const INPUT: u32 = 1;
/// `NF_INET_LOCAL_OUT` (linux/netfilter.h)
pub(super) const OUTPUT: u32 = 3;
/// `NF_ACCEPT` (linux/netfilter.h)
const ACCEPT: u32 = 1;
/// The elements of one message have to fit into an attribute, whose length has 16 bits; the longest takes 80 bytes.
const ELEMENTS_A_MESSAGE: usize = 500;

/// What a set holds: nft's number of the type, by which it knows how to show it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Type {
    Ipv4 = 7,
    Ipv6 = 8,
    Port = 13,
    Mark = 19,
    Index = 20,
    Icmpv6 = 29,
    Name = 41,
}

impl Type {
    fn bytes(self) -> usize {
        match self {
            Type::Icmpv6 => 1,
            Type::Port => 2,
            Type::Ipv4 | Type::Mark | Type::Index => 4,
            Type::Ipv6 | Type::Name => 16,
        }
    }
}

/// An element of a set or map.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Element {
    pub(super) family: Family,
    pub(super) set: &'static str,
    pub(super) key: Vec<u8>,
    /// Where sets have intervals: the last key
    pub(super) end: Option<Vec<u8>>,
    pub(super) data: Option<Vec<u8>>,
}

/// A set or map in the making.
#[derive(Clone, Copy, Debug)]
pub(super) struct Set<'a> {
    pub(super) name: &'a str,
    /// What a key consists of
    pub(super) key: &'a [Type],
    /// What a map says of a key
    pub(super) data: Option<Type>,
    /// `NFT_SET_*`
    pub(super) flags: u32,
    /// Elements count packets
    pub(super) counted: bool,
}

/// How tables look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look<'a> {
    pub(super) table: &'a str,
    /// Of chains that hang on a hook
    pub(super) priority: i32,
    /// Rules count packets
    pub(super) counters: bool,
}

/// Writes what becomes of tables into a batch.
pub(super) struct Writer<'a> {
    batch: &'a mut Batch,
    look: Look<'a>,
    /// Sets of one batch need numbers of their own (`NFTA_SET_ID`)
    sets: u32,
}

impl<'a> Writer<'a> {
    pub(super) fn new(batch: &'a mut Batch, look: Look<'a>) -> Self {
        Writer { batch, look, sets: 0 }
    }

    /// A table comes, if it is not there.
    pub(super) fn make_table(&mut self, family: Family) {
        let table = self.table();
        self.say(NEW_TABLE, CREATE, family, &table);
    }

    /// A table goes, with all that is in it. It has to be there.
    pub(super) fn remove_table(&mut self, family: Family) {
        let table = self.table();
        self.say(DELETE_TABLE, 0, family, &table);
    }

    /// A table goes if it is there.
    pub(super) fn remove_table_if_there(&mut self, family: Family) {
        self.make_table(family);
        self.remove_table(family);
    }

    /// Elements come.
    pub(super) fn add(&mut self, elements: &[&Element]) {
        self.change(NEW_ELEMENTS, CREATE, elements);
    }

    /// Elements go.
    pub(super) fn remove(&mut self, elements: &[&Element]) {
        self.change(DELETE_ELEMENTS, 0, elements);
    }

    /// A chain comes.
    pub(super) fn chain(&mut self, family: Family, name: &str, hook: Option<u32>) {
        let mut chain = self.table();
        chain.text(3, name);
        if let Some(hook) = hook {
            let priority = self.look.priority as u32;
            chain.nest(4, |at| {
                at.number(1, hook).number(2, priority);
            });
            chain.number(5, ACCEPT).text(7, "filter");
        }
        self.say(NEW_CHAIN, CREATE, family, &chain);
    }

    /// A set or map comes.
    pub(super) fn set(&mut self, family: Family, wanted: Set<'_>) {
        // `enum byteorder` of nft
        const HOST: u32 = 1;
        const NETWORK: u32 = 2;
        let Set { name, key, data, flags, counted } = wanted;
        self.sets += 1;
        // A key of several types has their numbers in groups of six bits, and each part fills registers of its own.
        let kind = key.iter().fold(0, |kind, part| kind << 6 | *part as u32);
        let length: usize = match key {
            [only] => only.bytes(),
            parts => parts.iter().map(|part| part.bytes().next_multiple_of(4)).sum(),
        };
        let mut set = self.table();
        set.text(2, name);
        if flags != 0 {
            set.number(3, flags);
        }
        set.number(4, kind).number(5, length as u32);
        if let Some(data) = data {
            set.number(6, data as u32).number(7, data.bytes() as u32);
        }
        if flags & CONCAT != 0 {
            set.nest(9, |at| {
                at.nest(2, |at| describe_parts(at, key));
            });
        }
        set.number(10, self.sets);
        // Notes for nft: in which order the bytes of the key are, and those of the data.
        let order = if matches!(key, [Type::Ipv4 | Type::Ipv6]) { NETWORK } else { HOST };
        let mut notes = note(0, order);
        if data.is_some() {
            notes.extend(note(1, HOST));
        }
        set.bytes(13, &notes);
        if counted {
            set.nest(17, |at| {
                at.text(1, "counter").nest(2, |_| {});
            });
        }
        self.say(NEW_SET, CREATE, family, &set);
    }

    /// A set of ICMPv6 types that stays as it is.
    pub(super) fn constant(&mut self, name: &'static str, types: &[u8]) {
        let family = Family::V6;
        self.set(family, Set { name, key: &[Type::Icmpv6], data: None, flags: CONSTANT, counted: false });
        let element = |kind: &u8| Element { family, set: name, key: vec![*kind], end: None, data: None };
        let elements: Vec<Element> = types.iter().map(element).collect();
        self.add(&elements.iter().collect::<Vec<_>>());
    }

    /// A rule comes, as the last one of its chain.
    pub(super) fn rule(&mut self, family: Family, chain: &str, rule: Rule, verdict: Verdict) {
        let mut attributes = self.table();
        attributes.text(2, chain).wrap(4, &rule.count(self.look.counters).verdict(verdict));
        self.say(NEW_RULE, CREATE | APPEND, family, &attributes);
    }

    /// The attributes of every message begin with the table's name (`NFTA_*_TABLE`).
    fn table(&self) -> Attributes {
        let mut attributes = Attributes::default();
        attributes.text(1, self.look.table);
        attributes
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
        if let Some(end) = &self.end {
            at.nest(10, |at| {
                at.bytes(1, end);
            });
        }
    }
}

/// How long each part of a key is (`NFTA_SET_DESC_CONCAT`).
fn describe_parts(at: &mut Attributes, key: &[Type]) {
    for part in key {
        at.nest(1, |at| {
            at.number(1, part.bytes() as u32);
        });
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
