//! What the kernel's packet filter is to hold for virtual routers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};

use super::settings::Firewall;
use super::{Family, IfName};

/// Name of the tables where the configuration gives none.
const TABLE: &str = "keepalived";
/// Priority of the chains where the configuration gives none: just before those called `filter`.
const PRIORITY: i32 = -1;

/// How the tables look, whatever they hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterStyle {
    /// Name of the tables, one for each family
    pub table: String,
    /// Priority of the chains
    pub priority: i32,
    /// Rules count packets
    pub counters: bool,
    /// Links are matched by index even where a name would do (`nftables_ifindex`)
    pub by_index: bool,
}

impl FilterStyle {
    /// What the configuration asks for.
    pub fn of(firewall: &Firewall) -> Self {
        FilterStyle {
            table: firewall.table.clone().unwrap_or_else(|| TABLE.to_owned()),
            priority: firewall.priority.unwrap_or(PRIORITY),
            counters: firewall.counters,
            by_index: firewall.ifindex,
        }
    }
}

/// How a link is named in a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkRef {
    /// By kernel index
    Index(u32),
    /// By name, for a link that may come and go
    Name(IfName),
}

/// A macvlan of ours: what the host itself says to the link below must not leave with the virtual router's MAC address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilteredLink {
    /// Its name
    pub name: IfName,
    /// Kernel index of the link below
    pub base: u32,
    /// Link-local address of the link below
    pub parent_link_local: Option<Ipv6Addr>,
}

/// Everything that the packet filter is to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterRules {
    /// How the tables look
    pub style: FilterStyle,
    /// Addresses to and from which nothing passes but neighbour discovery; none of them link-local
    pub blocked: BTreeSet<IpAddr>,
    /// The same for link-local addresses, each on one link
    pub blocked_on: BTreeSet<(Ipv6Addr, LinkRef)>,
    /// Macvlans of ours, by family and kernel index
    pub own_links: BTreeMap<(Family, u32), FilteredLink>,
}

impl FilterRules {
    /// Nothing at all.
    pub fn empty(style: FilterStyle) -> Self {
        FilterRules { style, blocked: BTreeSet::new(), blocked_on: BTreeSet::new(), own_links: BTreeMap::new() }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.blocked.is_empty() && self.blocked_on.is_empty() && self.own_links.is_empty()
    }

    /// Both together; where they contradict each other, and in style, this one counts.
    pub fn with(&self, other: &FilterRules) -> FilterRules {
        let mut own_links = other.own_links.clone();
        own_links.extend(self.own_links.clone());
        FilterRules {
            style: self.style.clone(),
            blocked: self.blocked.union(&other.blocked).copied().collect(),
            blocked_on: self.blocked_on.union(&other.blocked_on).cloned().collect(),
            own_links,
        }
    }
}
