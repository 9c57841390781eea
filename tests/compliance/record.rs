//! What two programs are compared by: objects in the kernel, packets, calls of scripts, lines of named pipes. Times, numbers that the kernel
//! gives out and the counts of repeated packets are left out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::rig::moment::Moment;
use crate::rig::node::Node;
use crate::rig::packet::Packet;
use crate::rig::wire::Wire;

/// Fields that differ from run to run, or that only say where the kernel keeps an object.
const PASSING: [&str; 14] = [
    "ifindex",
    "handle",
    "valid_life_time",
    "preferred_life_time",
    "group",
    "stats",
    "stats64",
    "link_index",
    "link_netnsid",
    "packets",
    "bytes",
    "qdisc",
    "txqlen",
    "expires",
];

/// All objects of a node that a daemon may have set.
pub fn objects(node: &Node) -> Vec<String> {
    let name = node.name();
    let ask = |kind: &str, arguments: &[&str]| -> Vec<String> {
        let mut all = vec!["-j"];
        all.extend(arguments);
        let text = node.host.run("ip", &all);
        let Ok(Value::Array(list)) = serde_json::from_str::<Value>(if text.trim().is_empty() { "[]" } else { &text })
        else {
            panic!("ip {arguments:?} says {text:?}");
        };
        list.into_iter().filter(|object| matters(kind, object)).flat_map(|object| lines(kind, object)).collect()
    };
    let mut found = ask("address", &["address", "show"]);
    for family in ["-4", "-6"] {
        found.extend(ask("route", &[family, "route", "show", "table", "all"]));
        found.extend(ask("rule", &[family, "rule", "show"]));
    }
    found.extend(ruleset(node));
    found.into_iter().map(|line| format!("{name}: {line}")).collect()
}

/// Routes that the kernel makes for addresses say nothing more than these.
fn matters(kind: &str, object: &Value) -> bool {
    let protocol = object.get("protocol").and_then(Value::as_str);
    kind != "route" || !matches!(protocol, Some("kernel"))
}

fn lines(kind: &str, mut object: Value) -> Vec<String> {
    if kind != "address" {
        strip(&mut object);
        return vec![format!("{kind} {object}")];
    }
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (interface, state) = (text("ifname"), text("operstate"));
    let addresses = object.get("addr_info").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut found = vec![format!("link {interface} {state} {}", text("address"))];
    for mut address in addresses {
        // An infinite life is one of the few that say something.
        let deprecated = address.get("preferred_life_time").and_then(Value::as_u64) == Some(0);
        strip(&mut address);
        let deprecated = if deprecated { " deprecated" } else { "" };
        found.push(format!("address on {interface} {address}{deprecated}"));
    }
    found
}

/// The rules of nftables.
fn ruleset(node: &Node) -> Vec<String> {
    let text = node.host.run("nft", &["-j", "list", "ruleset"]);
    let Ok(mut all) = serde_json::from_str::<Value>(&text) else {
        panic!("nft says {text:?}");
    };
    let list = all.get_mut("nftables").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
    let mut found = Vec::new();
    for mut object in list.into_iter().filter(|object| object.get("metainfo").is_none()) {
        strip(&mut object);
        found.push(format!("nft {object}"));
    }
    found
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|key, _| !PASSING.contains(&key.as_str()));
            for (key, value) in fields.iter_mut() {
                strip(value);
                if let (true, Value::Array(elements)) = (key == "elem", value) {
                    elements.sort_by_key(Value::to_string);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(strip),
        _ => {}
    }
}

/// The last advert of each virtual router: node, interface, VRID, text.
pub type Last = BTreeMap<(String, String, u8), String>;

/// What a node has sent: its adverts of each virtual router in their order, each kind once in a row (a row that began
/// before the last look goes on), and the addresses that it has announced.
pub fn packets(wire: &Wire, node: &str, since: Moment, last: &mut Last) -> Vec<String> {
    let frames = wire.all(since, |frame| (frame.from == node).then(|| (frame.interface.clone(), frame.packet.clone())));
    let mut adverts: BTreeMap<(String, u8), Vec<String>> = BTreeMap::new();
    let mut announced = BTreeSet::new();
    for (interface, packet) in frames {
        // The kernel answers the announcement of an address that is being taken from it: that is no announcement.
        let answers = matches!(&packet, Packet::Arp(arp) if arp.operation != 1);
        if let Some(address) = packet.announces().filter(|_| !answers) {
            let mac = match &packet {
                Packet::Arp(arp) => Some(arp.sender_mac),
                Packet::Neighbour(advertisement) => advertisement.mac,
                _ => None,
            };
            announced.insert(format!("{node}: announces {address} by {interface} with {mac:02x?}"));
        }
        if let Some(advert) = packet.advert() {
            let before = last.entry((node.to_owned(), interface.clone(), advert.vrid)).or_default();
            let run = adverts.entry((interface, advert.vrid)).or_default();
            let line = format!(
                "version {} priority {} interval {:?} {:?} from {} to {} TTL {} ToS {} MAC {:02x?} authentication {} {:?}",
                advert.version,
                advert.priority,
                advert.interval,
                advert.addresses,
                advert.source,
                advert.target,
                advert.ttl,
                advert.tos,
                advert.mac_source,
                advert.auth_type,
                advert.faults,
            );
            if *before != line {
                before.clone_from(&line);
                run.push(line);
            }
        }
    }
    let mut found: Vec<String> = announced.into_iter().collect();
    for ((interface, vrid), run) in adverts {
        let numbered = run.iter().enumerate();
        found.extend(numbered.map(|(n, line)| format!("{node}: {interface} VRID {vrid} advert {}: {line}", n + 1)));
    }
    found
}

/// The calls of scripts, equal ones numbered. Scripts run side by side, so that one that is started a moment after another
/// may write first: the order of the states is what the named pipe says.
pub fn states(calls: &[String]) -> Vec<String> {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    calls
        .iter()
        .map(|call| {
            let number = numbers.entry(call).or_default();
            *number += 1;
            format!("script call {call} {number}")
        })
        .collect()
}

/// The lines of a named pipe, numbered for each subject, each once in a row. How often a master hears a weaker router
/// before that one has heard it is a matter of chance.
pub fn events(lines: &[String]) -> Vec<String> {
    let mut runs: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for line in lines {
        let subject = line.split('"').nth(1).unwrap_or_default();
        let run = runs.entry(subject).or_default();
        if run.last() != Some(&line) && !line.contains(" MASTER_RX_LOWER_PRI ") {
            run.push(line);
        }
    }
    let numbered = runs.into_iter().flat_map(|(subject, run)| {
        (1..).zip(run).map(move |(number, line)| format!("event {number} for {subject}: {line}"))
    });
    numbered.collect()
}
