//! Rules as they are said, and as they come back.

use netlink_packet_core::Emitable;

use super::*;
use crate::model::Entry;

/// `from 10.1.0.0/16 lookup 100 priority 50` with keepalived's protocol.
pub fn rule() -> Rule {
    Rule {
        from: Some(Prefix { ip: [10, 1, 0, 0].into(), len: 16 }),
        action: RuleAction::Table(100),
        preference: 50,
        protocol: Some(PROTOCOL_KEEPALIVED),
        ..Rule::blank()
    }
}

fn bytes(rule: &Rule) -> Vec<u8> {
    let message = message(rule);
    let mut bytes = vec![0; message.buffer_len()];
    message.emit(&mut bytes);
    bytes
}

#[test]
fn a_plain_rule_byte_for_byte() {
    if cfg!(target_endian = "big") {
        return;
    }
    let hex: String = bytes(&rule()).iter().map(|byte| format!("{byte:02x}")).collect();
    let expected = "02 00 10 00 64 00 00 01 00000000  08000600 32000000  08000f00 64000000  08000200 0a010000
                    05001500 12000000";
    assert_eq!(hex, expected.split_whitespace().collect::<String>());
}

#[test]
fn what_is_said_is_understood_when_it_comes_back() {
    let name = |name| IfName::new(name);
    let rules = [
        rule(),
        Rule { invert: true, to: Some(Prefix { ip: [10, 2, 0, 0].into(), len: 16 }), tos: 16, ..rule() },
        Rule { iif: name("eth0"), oif: name("eth1"), action: RuleAction::Table(70_000), ..rule() },
        Rule { fwmark: Some((5, None)), ..rule() },
        Rule { fwmark: Some((5, Some(0xff))), uid_range: Some((1, 99)), ip_protocol: Some(6), ..rule() },
        Rule { sport: Some((1, 2)), dport: Some((3, 65_535)), tunnel_id: Some(u64::MAX), ..rule() },
        Rule { realms: Some(0x0001_0002), suppress_prefix_length: Some(0), suppress_group: Some(3), ..rule() },
        Rule { action: RuleAction::Goto(60), ..rule() },
        Rule { action: RuleAction::Nop, from: None, ..rule() },
        Rule { action: RuleAction::Blackhole, ..rule() },
        Rule { action: RuleAction::Unreachable, ..rule() },
        Rule { action: RuleAction::Prohibit, ..rule() },
        Rule { action: RuleAction::L3mdev, ..rule() },
        Rule { family: Family::V6, from: Some(Prefix { ip: "fd00::".parse().unwrap(), len: 8 }), ..rule() },
    ];
    let mut objects = Vec::new();
    for rule in rules {
        let report = read(&bytes(&rule)).unwrap();
        let object = Entry::from(rule.clone()).object();
        // The kernel makes up a mask for a mark without one.
        let report = match rule.fwmark {
            Some((mark, None)) => Rule { fwmark: Some((mark, Some(u32::MAX))), ..report },
            _ => report,
        };
        assert_eq!(Entry::from(report).object(), object);
        assert!(!objects.contains(&object), "each is another one: {object}");
        objects.push(object);
    }
}

#[test]
fn other_protocols_and_broken_reports_are_none_of_ours() {
    assert_eq!(read(&bytes(&Rule { protocol: Some(3), ..rule() })), None);
    assert_eq!(read(&bytes(&Rule { protocol: None, ..rule() })), None);
    let rule = Rule { uid_range: Some((1, 2)), sport: Some((1, 2)), iif: IfName::new("eth0"), ..rule() };
    let whole = bytes(&rule);
    for cut in 0..whole.len() {
        let _ = read(&whole[..cut]);
    }
    for place in 0..whole.len() {
        for value in [0, 1, 0xff] {
            let mut broken = whole.clone();
            broken[place] = value;
            let _ = read(&broken);
        }
    }
}
