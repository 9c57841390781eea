//! Policy rules as netlink says them, and as the kernel reports them (linux/fib_rules.h).
//!
//! Called by `change` and `monitor`.

use netlink_packet_core::{DefaultNla, NlasIterator};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::rule::{RuleAttribute, RuleFlags, RuleMessage};

use super::NetError;
use super::attribute::{self, address, attribute, number, read_number};
use super::link::interface_name;
use super::route::{family_of, number_of};
use super::rtnetlink::Netlink;
use crate::model::entry::PROTOCOL_KEEPALIVED;
use crate::model::route::{Prefix, RuleAction};
use crate::model::{Family, IfName, Rule};

// linux/rtnetlink.h
pub(super) const RTM_NEWRULE: u16 = 32;
pub(super) const RTM_DELRULE: u16 = 33;

const FRA_DST: u16 = 1;
const FRA_SRC: u16 = 2;
const FRA_IIFNAME: u16 = 3;
const FRA_GOTO: u16 = 4;
const FRA_PRIORITY: u16 = 6;
const FRA_FWMARK: u16 = 10;
const FRA_FLOW: u16 = 11;
const FRA_TUN_ID: u16 = 12;
const FRA_SUPPRESS_IFGROUP: u16 = 13;
const FRA_SUPPRESS_PREFIXLEN: u16 = 14;
const FRA_TABLE: u16 = 15;
const FRA_FWMASK: u16 = 16;
const FRA_OIFNAME: u16 = 17;
const FRA_L3MDEV: u16 = 19;
const FRA_UID_RANGE: u16 = 20;
const FRA_PROTOCOL: u16 = 21;
const FRA_IP_PROTO: u16 = 22;
const FRA_SPORT_RANGE: u16 = 23;
const FRA_DPORT_RANGE: u16 = 24;

const FR_ACT_TO_TBL: u8 = 1;
const FR_ACT_GOTO: u8 = 2;
const FR_ACT_NOP: u8 = 3;
const FR_ACT_BLACKHOLE: u8 = 6;
const FR_ACT_UNREACHABLE: u8 = 7;
const FR_ACT_PROHIBIT: u8 = 8;
const FIB_RULE_INVERT: u32 = 2;
const RULE_HEADER: usize = 12;

/// What is said of a rule, to add it as well as to remove it.
pub(super) fn message(rule: &Rule) -> RuleMessage {
    let mut message = RuleMessage::default();
    let header = &mut message.header;
    header.family = number_of(rule.family).into();
    header.dst_len = rule.to.map_or(0, |to| to.len);
    header.src_len = rule.from.map_or(0, |from| from.len);
    header.tos = rule.tos;
    header.action = match rule.action {
        RuleAction::Table(_) | RuleAction::L3mdev => FR_ACT_TO_TBL,
        RuleAction::Goto(_) => FR_ACT_GOTO,
        RuleAction::Nop => FR_ACT_NOP,
        RuleAction::Blackhole => FR_ACT_BLACKHOLE,
        RuleAction::Unreachable => FR_ACT_UNREACHABLE,
        RuleAction::Prohibit => FR_ACT_PROHIBIT,
    }
    .into();
    if rule.invert {
        header.flags = RuleFlags::from_bits_retain(FIB_RULE_INVERT);
    }
    if let RuleAction::Table(table) = rule.action {
        // A table beyond 8 bits is in its attribute alone (RT_TABLE_UNSPEC).
        header.table = u8::try_from(table).unwrap_or(0);
    }
    message.attributes = attributes(rule).into_iter().map(RuleAttribute::Other).collect();
    message
}

fn attributes(rule: &Rule) -> Vec<DefaultNla> {
    let mut list = vec![number(FRA_PRIORITY, rule.preference)];
    match rule.action {
        RuleAction::Table(table) => list.push(number(FRA_TABLE, table)),
        RuleAction::Goto(target) => list.push(number(FRA_GOTO, target)),
        RuleAction::L3mdev => list.push(attribute(FRA_L3MDEV, [1])),
        RuleAction::Nop | RuleAction::Blackhole | RuleAction::Unreachable | RuleAction::Prohibit => {}
    }
    list.extend(rule.from.map(|from| address(FRA_SRC, from.ip)));
    list.extend(rule.to.map(|to| address(FRA_DST, to.ip)));
    if let Some((mark, mask)) = rule.fwmark {
        list.push(number(FRA_FWMARK, mark));
        list.extend(mask.map(|mask| number(FRA_FWMASK, mask)));
    }
    list.extend(rule.realms.map(|realms| number(FRA_FLOW, realms)));
    list.extend(rule.suppress_prefix_length.map(|length| number(FRA_SUPPRESS_PREFIXLEN, length)));
    list.extend(rule.suppress_group.map(|group| number(FRA_SUPPRESS_IFGROUP, group)));
    list.extend(rule.iif.as_ref().map(|name| text(FRA_IIFNAME, name)));
    list.extend(rule.oif.as_ref().map(|name| text(FRA_OIFNAME, name)));
    list.extend(rule.tunnel_id.filter(|id| *id != 0).map(|id| attribute(FRA_TUN_ID, id.to_be_bytes())));
    list.extend(
        rule.uid_range.map(|(first, last)| attribute(FRA_UID_RANGE, pair(first.to_ne_bytes(), last.to_ne_bytes()))),
    );
    list.extend(rule.protocol.map(|protocol| attribute(FRA_PROTOCOL, [protocol])));
    list.extend(rule.ip_protocol.map(|protocol| attribute(FRA_IP_PROTO, [protocol])));
    let ports = |kind, ports: Option<(u16, u16)>| {
        ports.map(|(first, last)| attribute(kind, pair(first.to_ne_bytes(), last.to_ne_bytes())))
    };
    list.extend(ports(FRA_SPORT_RANGE, rule.sport));
    list.extend(ports(FRA_DPORT_RANGE, rule.dport));
    list
}

/// A name with the NUL behind it.
fn text(kind: u16, name: &IfName) -> DefaultNla {
    let mut value = name.as_str().as_bytes().to_vec();
    value.push(0);
    attribute(kind, value)
}

fn pair<const LENGTH: usize>(first: [u8; LENGTH], second: [u8; LENGTH]) -> Vec<u8> {
    [first, second].concat()
}

impl Netlink {
    /// All rules of keepalived's protocol.
    ///
    /// # Errors
    /// [`NetError::Dump`] if the kernel would not list them.
    pub fn rules(&mut self) -> Result<Vec<Rule>, NetError> {
        self.list_rules(read)
    }

    /// All rules, whoever has set them.
    ///
    /// # Errors
    /// [`NetError::Dump`] if the kernel would not list them.
    pub fn rules_of_all(&mut self) -> Result<Vec<Rule>, NetError> {
        self.list_rules(read_any)
    }

    fn list_rules(&mut self, read: fn(&[u8]) -> Option<Rule>) -> Result<Vec<Rule>, NetError> {
        let mut rules = Vec::new();
        for family in [Family::V4, Family::V6] {
            let mut request = RuleMessage::default();
            request.header.family = number_of(family).into();
            rules.extend(self.dump("rules", RouteNetlinkMessage::GetRule(request), |kind, payload| {
                (kind == RTM_NEWRULE).then(|| read(payload)).flatten()
            })?);
        }
        Ok(rules)
    }
}

/// The rule that a message is about. `None` if the message is not whole, or not about a rule of keepalived's protocol.
pub(super) fn read(payload: &[u8]) -> Option<Rule> {
    read_any(payload).filter(|rule| rule.protocol == Some(PROTOCOL_KEEPALIVED))
}

/// The rule of any protocol that a message is about.
fn read_any(payload: &[u8]) -> Option<Rule> {
    let (header, attributes) = payload.split_at_checked(RULE_HEADER)?;
    let &[family, to_len, from_len, tos, table, _, _, action, ref flags @ ..] = header else {
        return None;
    };
    let mut rule = Rule {
        family: family_of(family)?,
        invert: read_number(flags)? & FIB_RULE_INVERT != 0,
        from: None,
        to: None,
        iif: None,
        oif: None,
        fwmark: None,
        tos,
        uid_range: None,
        ip_protocol: None,
        sport: None,
        dport: None,
        tunnel_id: None,
        realms: None,
        action: RuleAction::Nop,
        suppress_prefix_length: None,
        suppress_group: None,
        preference: 0,
        protocol: None,
        tracked: true,
        track_group: None,
    };
    let (mut table, mut target, mut l3mdev, mut mark, mut mask) = (u32::from(table), 0, false, 0, 0);
    for attribute in NlasIterator::new(attributes) {
        let attribute = attribute.ok()?;
        let value = attribute.value();
        match attribute.kind() {
            FRA_DST => rule.to = Some(Prefix { ip: attribute::ip(value)?, len: to_len }),
            FRA_SRC => rule.from = Some(Prefix { ip: attribute::ip(value)?, len: from_len }),
            FRA_IIFNAME => rule.iif = interface_name(value),
            FRA_OIFNAME => rule.oif = interface_name(value),
            FRA_GOTO => target = read_number(value)?,
            FRA_PRIORITY => rule.preference = read_number(value)?,
            FRA_FWMARK => mark = read_number(value)?,
            FRA_FWMASK => mask = read_number(value)?,
            FRA_FLOW => rule.realms = read_number(value).filter(|realms| *realms != 0),
            FRA_TUN_ID => rule.tunnel_id = Some(u64::from_be_bytes(value.try_into().ok()?)),
            // -1 is none.
            FRA_SUPPRESS_IFGROUP => rule.suppress_group = read_number(value).filter(|group| *group != u32::MAX),
            FRA_SUPPRESS_PREFIXLEN => {
                rule.suppress_prefix_length = read_number(value).filter(|length| *length != u32::MAX);
            }
            FRA_TABLE => table = read_number(value)?,
            FRA_L3MDEV => l3mdev = value.first().is_some_and(|on| *on != 0),
            FRA_UID_RANGE => {
                let (first, last) = value.split_at_checked(4)?;
                rule.uid_range = Some((read_number(first)?, read_number(last)?));
            }
            FRA_PROTOCOL => rule.protocol = value.first().copied(),
            FRA_IP_PROTO => rule.ip_protocol = value.first().copied().filter(|protocol| *protocol != 0),
            FRA_SPORT_RANGE => rule.sport = ports(value),
            FRA_DPORT_RANGE => rule.dport = ports(value),
            _ => {}
        }
    }
    rule.fwmark = (mark != 0 || mask != 0).then_some((mark, Some(mask)));
    rule.action = match action {
        FR_ACT_TO_TBL if l3mdev => RuleAction::L3mdev,
        FR_ACT_TO_TBL => RuleAction::Table(table),
        FR_ACT_GOTO => RuleAction::Goto(target),
        FR_ACT_NOP => RuleAction::Nop,
        FR_ACT_BLACKHOLE => RuleAction::Blackhole,
        FR_ACT_UNREACHABLE => RuleAction::Unreachable,
        FR_ACT_PROHIBIT => RuleAction::Prohibit,
        _ => return None,
    };
    Some(rule)
}

/// `struct fib_rule_port_range`.
fn ports(value: &[u8]) -> Option<(u16, u16)> {
    let (first, last) = value.split_first_chunk()?;
    Some((u16::from_ne_bytes(*first), u16::from_ne_bytes(*last.first_chunk()?)))
}

#[cfg(test)]
pub(super) mod tests;
