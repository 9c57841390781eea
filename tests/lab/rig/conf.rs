//! Configuration files for the lab's nodes, as a person would write them.

use std::net::IpAddr;
use std::time::Duration;

use super::{ipv4_of, ipv6_of};

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// How adverts are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cast {
    /// To the protocol's group.
    Multicast,
    /// To each peer.
    Unicast,
}

/// One way to speak the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speech {
    /// 2 or 3.
    pub version: u8,
    /// The family of the virtual addresses.
    pub family: Family,
    /// Multicast or unicast.
    pub cast: Cast,
    /// Time between adverts.
    pub interval: Duration,
}

impl Speech {
    /// Version 3 over IPv4, multicast, ten adverts a second: the quick one for scenarios that do not depend on it.
    pub const QUICK: Self =
        Self { version: 3, family: Family::V4, cast: Cast::Multicast, interval: Duration::from_millis(100) };

    /// The time without adverts after which a node of this priority takes over, interval being the master's
    /// (RFC 3768 6.1, RFC 9568 6.1).
    pub fn master_down(&self, priority: u8) -> Duration {
        3 * self.interval + self.skew(priority)
    }

    /// The time after a goodbye until a node of this priority takes over.
    pub fn skew(&self, priority: u8) -> Duration {
        let unit = if self.version == 2 { Duration::from_secs(1) } else { self.interval };
        unit * (256 - u32::from(priority)) / 256
    }
}

/// An instance of a configuration.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its name.
    pub name: String,
    /// The index of the node that it is for.
    pub node: usize,
    /// How it speaks.
    pub speech: Speech,
    /// What it says of its state at start.
    pub state: String,
    /// Its interface.
    pub interface: String,
    /// Its virtual router id.
    pub vrid: u8,
    /// Its priority.
    pub priority: u8,
    /// The indices of the nodes that unicast adverts go to.
    pub peers: Vec<usize>,
    /// Its virtual addresses with prefix length, and with options if need be.
    pub addresses: Vec<String>,
    /// Further lines of the block.
    pub lines: Vec<String>,
    /// Whether it runs notify scripts.
    pub scripts: bool,
}

impl Instance {
    /// `VI_1` on eth0 with virtual router id 51 and one virtual address (over IPv6 a link-local one before it), for two
    /// nodes.
    pub fn new(node: usize, speech: Speech, priority: u8) -> Self {
        let addresses = match speech.family {
            Family::V4 => vec!["10.0.0.12/24".to_owned()],
            Family::V6 => vec!["fe80::12/64".to_owned(), "fd00::12/64".to_owned()],
        };
        Self {
            name: "VI_1".to_owned(),
            node,
            speech,
            state: "BACKUP".to_owned(),
            interface: "eth0".to_owned(),
            vrid: 51,
            priority,
            peers: vec![1 - node.min(1)],
            addresses,
            lines: Vec::new(),
            scripts: true,
        }
    }

    /// With a further line.
    pub fn line(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    /// With a further virtual address.
    pub fn address(mut self, address: &str) -> Self {
        self.addresses.push(address.to_owned());
        self
    }

    /// The virtual addresses alone.
    pub fn virtual_addresses(&self) -> Vec<IpAddr> {
        let bare = |text: &String| {
            let end = text.find(['/', ' ']).unwrap_or(text.len());
            text.get(..end).and_then(|t| t.parse().ok()).unwrap_or_else(|| panic!("{text} is no address"))
        };
        self.addresses.iter().map(bare).collect()
    }

    fn block(&self) -> String {
        let Self { name, state, interface, vrid, priority, .. } = self;
        let version = self.speech.version;
        let interval = self.speech.interval.as_secs_f64();
        let mut text = format!(
            "vrrp_instance {name} {{\n    state {state}\n    interface {interface}\n    virtual_router_id {vrid}\n    \
             priority {priority}\n    version {version}\n    advert_int {interval}\n"
        );
        if self.speech.cast == Cast::Unicast {
            let address = |i: usize| match self.speech.family {
                Family::V4 => IpAddr::V4(ipv4_of(i)),
                Family::V6 => IpAddr::V6(ipv6_of(i)),
            };
            text.push_str(&format!("    unicast_src_ip {}\n    unicast_peer {{\n", address(self.node)));
            for peer in &self.peers {
                text.push_str(&format!("        {}\n", address(*peer)));
            }
            text.push_str("    }\n");
        }
        for line in &self.lines {
            text.push_str(&format!("    {line}\n"));
        }
        text.push_str("    virtual_ipaddress {\n");
        for address in &self.addresses {
            text.push_str(&format!("        {address}\n"));
        }
        text.push_str("    }\n");
        if self.scripts {
            for state in ["master", "backup", "fault", "stop"] {
                text.push_str(&format!("    notify_{state} \"/run/lab/notify {name} {state} 'two words'\"\n"));
            }
            text.push_str("    notify /run/lab/notify\n");
        }
        text.push_str("}\n");
        text
    }
}

/// A whole file: the global part, `before` (for example sync groups) and the instances.
pub fn file(before: &str, instances: &[&Instance]) -> String {
    let node = instances.first().map_or(0, |i| i.node + 1);
    let mut text = format!(
        "global_defs {{\n    router_id lb0{node}\n    script_user root\n    enable_script_security\n}}\n\n{before}\n"
    );
    for instance in instances {
        text.push_str(&instance.block());
    }
    text
}
