//! What the packet filter has to hold: a function of the routers' states, told to the hands as a whole whenever it
//! changes.
//!
//! A master that is not to accept packets to its addresses has them blocked before they are put up, and until they have
//! been taken down. Neighbour discovery always passes, so that others find the router (RFC 9568 section 6.1,
//! Accept_Mode).

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};

use super::engine::{Engine, Phase};
use super::event::{Action, Level};
use super::links::Links;
use super::own_links::OwnLinkView;
use super::router::RouterId;
use crate::model::macvlan::OwnLink;
use crate::model::own_link::OwnKind;
use crate::model::{
    Address, Family, FilterRules, FilterStyle, FilteredLink, IfName, Instance, LinkRef, LogLimit, Time,
};

/// A macvlan of ours, and the family of what it is used for; one that is used for both comes twice.
pub(super) type Used<'a> = (&'a OwnLinkView, Family);

/// Kinds of log lines that others can cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Line {
    Lost,
    Refused,
}

/// What the hands have been told.
#[derive(Clone, Debug, Default)]
pub(super) struct Firewall {
    /// The rules told last; `None` before the start, and while no router may ever need any
    told: Option<FilterRules>,
    /// Something that the rules follow from may be different
    stale: bool,
    /// Somebody else has taken away what was told
    lost: bool,
    lines: LogLimit<Line>,
}

impl Firewall {
    /// Something that the rules follow from may be different. They are worked out anew when everything else of the
    /// turn has been said.
    pub(super) fn reconsider(&mut self) {
        self.stale = true;
    }

    /// The rules that were told last.
    pub(super) fn told(&self) -> Option<&FilterRules> {
        self.told.as_ref()
    }
}

/// Whether packets to the addresses are accepted: always by their owner (RFC 9568 section 6.4.3), by default by
/// everybody, in strict mode only by the owner.
fn accepts(config: &Instance) -> bool {
    config.priority.is_owner() || config.extras.accept.unwrap_or(!config.strict)
}

/// What is to be there while these instances are masters.
pub(super) fn rules<'a>(
    style: FilterStyle,
    masters: impl Iterator<Item = &'a Instance>,
    macvlans: &[Used<'_>],
    links: &Links,
) -> FilterRules {
    let mut rules = FilterRules::empty(style);
    for config in masters.filter(|config| !accepts(config)) {
        for address in config.addresses() {
            match address.ip {
                IpAddr::V6(ip) if ip.is_unicast_link_local() => {
                    let link = link_ref(&rules.style, config, address, links);
                    rules.blocked_on.extend(link.map(|link| (ip, link)));
                }
                ip => {
                    rules.blocked.insert(ip);
                }
            }
        }
    }
    for (own, family) in macvlans {
        let filtered = FilteredLink {
            name: own.name.clone(),
            base: own.base_index,
            parent_link_local: link_local(links, &own.base),
        };
        rules.own_links.insert((*family, own.index), filtered);
    }
    rules
}

/// How the link of a link-local address is named: by index while it cannot go without the instance leaving MASTER, else
/// by name. `None` while there is none.
fn link_ref(style: &FilterStyle, config: &Instance, address: &Address, links: &Links) -> Option<LinkRef> {
    let own = config.interface.as_ref() == Some(&address.interface);
    let may_go = !config.track_primary && (own || !address.tracked);
    if may_go && !style.by_index {
        return Some(LinkRef::Name(address.interface.clone()));
    }
    links.get(&address.interface).map(|link| LinkRef::Index(link.index))
}

/// The link-local address of an interface.
fn link_local(links: &Links, interface: &IfName) -> Option<Ipv6Addr> {
    links.sources(interface, Family::V6).find_map(|ip| match ip {
        IpAddr::V6(ip) => Some(ip),
        IpAddr::V4(_) => None,
    })
}

impl Engine {
    /// Says what becomes of a router's block, if it has one.
    pub(super) fn reconsider_filter_of(&mut self, id: RouterId, verb: &str) {
        if !accepts(&self.routers[id].config) {
            self.log_of(id, Level::Detail, format!("{verb} firewall drop rule"));
            self.firewall.reconsider();
        }
    }

    /// An interface or an address on it is different: rules may name it.
    pub(super) fn reconsider_filter_for_link(&mut self) {
        if self.firewall.told.is_some() || !self.own_links.is_empty() {
            self.firewall.reconsider();
        }
    }

    /// Says what is different, when everything else of a turn has been said: what comes is there before addresses
    /// change, what goes stays until they have changed. So whatever happens in one turn makes one change.
    ///
    /// The first rules are none if no router is master: then what a killed predecessor has left goes. The last ones go
    /// with their tables, when no router may need any after a reload.
    pub(super) fn settle_filter(&mut self) {
        let Firewall { stale, lost, .. } = self.firewall;
        (self.firewall.stale, self.firewall.lost) = (false, false);
        let begun = self.phase != Phase::Learning || self.own_macvlans().next().is_some();
        if !(stale || lost) || !begun || self.phase == Phase::Stopped {
            return;
        }
        let first = self.firewall.told.is_none();
        if first && !self.filters() {
            return;
        }
        if first && self.config.firewall.table.is_none() {
            let line = "use_vmac or no_accept/strict specified, but no firewall configured - using nftables";
            self.log(Level::Info, line.into());
        }
        let style = FilterStyle::of(&self.config.firewall);
        let masters = self.order.iter().map(|id| &self.routers[*id]).filter(|router| router.state.is_master());
        let configs = masters.map(|router| &router.config);
        let macvlans: Vec<OwnLinkView> = self.own_macvlans().collect();
        let wanted = rules(style.clone(), configs, &self.uses_of(&macvlans), &self.links);
        let told = self.firewall.told.replace(wanted.clone()).unwrap_or_else(|| FilterRules::empty(style));
        let both = wanted.with(&told);
        if wanted.is_empty() && !self.filters() {
            return self.leave_filter();
        }
        let goes = both != wanted || (first && wanted.is_empty());
        if both.own_links != told.own_links {
            self.out.push_back(Action::Divert(Box::new(both)));
        } else if both != told || lost {
            self.out.push_back(Action::Block(Box::new(both)));
        }
        if goes {
            self.out.push_back(Action::Unblock(Some(Box::new(wanted))));
        }
    }

    /// Somebody else has taken something from our tables: they are set again.
    pub(super) fn filter_lost(&mut self, now: Time) {
        let Some(told) = &self.firewall.told else {
            return;
        };
        self.firewall.lost = true;
        let line = format!("nftables table {} was changed by somebody else - setting it again", told.style.table);
        if let Some(line) = self.firewall.lines.pass(now, Line::Lost, || line) {
            self.log(Level::Info, line);
        }
    }

    /// The kernel did not take the rules. The routers go on, as an election must not hang on a packet filter.
    pub(super) fn filter_refused(&mut self, now: Time, reason: &str) {
        let open: Vec<&str> = self
            .order
            .iter()
            .map(|id| &self.routers[*id].config)
            .filter(|it| !accepts(it))
            .map(|it| it.name.as_str())
            .collect();
        let consequence = match open.is_empty() {
            true => String::new(),
            false => format!(": packets to the addresses of {} will be accepted", open.join(", ")),
        };
        let table = FilterStyle::of(&self.config.firewall).table;
        let line = || format!("cannot set nftables table {table} ({reason}){consequence}");
        if let Some(line) = self.firewall.lines.pass(now, Line::Refused, line) {
            self.log(Level::Warning, line);
        }
    }

    /// Tables that a killed daemon with this configuration may have left go.
    pub(super) fn clean_filter(&mut self) {
        if self.filters() {
            let none = FilterRules::empty(FilterStyle::of(&self.config.firewall));
            self.out.push_back(Action::Unblock(Some(Box::new(none))));
        }
    }

    /// The end: our tables go after the addresses, but as long as there are macvlans what leaves over them is sent by the
    /// link below.
    pub(super) fn stop_filter(&mut self) {
        if !self.has_own_links() {
            self.leave_filter();
        } else if let Some(told) = &mut self.firewall.told {
            told.blocked.clear();
            told.blocked_on.clear();
            self.out.push_back(Action::Unblock(Some(Box::new(told.clone()))));
        }
    }

    /// Our tables go.
    pub(super) fn leave_filter(&mut self) {
        if self.firewall.told.take().is_some() {
            self.out.push_back(Action::Unblock(None));
        }
    }

    /// Whether any router may ever need rules.
    fn filters(&self) -> bool {
        let needs = |config: &Instance| !accepts(config) || matches!(config.own_link, Some(OwnLink::Macvlan(_)));
        self.order.iter().any(|id| needs(&self.routers[*id].config)) || self.own_macvlans().next().is_some()
    }

    fn own_macvlans(&self) -> impl Iterator<Item = OwnLinkView> {
        self.own_links().filter(|own| matches!(own.kind, OwnKind::Macvlan(_)))
    }

    /// What macvlans are used for: their own family, and the other one if the instance has addresses of it. With
    /// `disable_local_igmp` no group is reported over IPv4 at all.
    fn uses_of<'a>(&self, macvlans: &'a [OwnLinkView]) -> Vec<Used<'a>> {
        let mixed: BTreeSet<&IfName> = self
            .order
            .iter()
            .map(|id| &self.routers[*id].config)
            .filter(|config| config.addresses().any(|address| address.family() != config.family))
            .filter_map(|config| self.own_links.of_instance(&config.name))
            .collect();
        let uses = |own: &OwnLinkView, family: Family| {
            let wanted = own.family == family || mixed.contains(&own.name);
            wanted && (family == Family::V6 || !self.config.disable_local_igmp)
        };
        let pairs = macvlans.iter().flat_map(|own| [(own, Family::V4), (own, Family::V6)]);
        pairs.filter(|(own, family)| uses(own, *family)).collect()
    }
}

#[cfg(test)]
mod tests;
