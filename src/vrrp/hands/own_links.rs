//! The hand for links of our own and for the sysctls that go with them. What a sysctl was before is remembered here.

use std::collections::HashMap;

use nix::errno::Errno;
use tracing::{debug, info, warn};

use super::{Feedback, Hands};
use crate::model::own_link::{LinkChange, LinkWish, OwnKind};
use crate::model::{Family, IfName};
use crate::net::{Refusal, Setting, sysctl};

/// What the interface below IPv4 macvlans is set to.
const HUSHED: [(Setting, u32); 2] = [(Setting::ArpIgnore, 1), (Setting::ArpFilter, 1)];

/// What sysctls were before we changed them.
#[derive(Debug, Default)]
pub(super) struct HeldSysctls {
    /// By index of the interface
    hushed: HashMap<u32, Vec<(Setting, u32)>>,
    reverse_path: Option<ReversePath>,
}

/// The reverse path filters before they were loosened.
#[derive(Debug)]
struct ReversePath {
    all: u32,
    /// Of `default`, if it was changed
    default: Option<u32>,
    /// Of the interfaces that were changed
    interfaces: Vec<(u32, IfName, u32)>,
}

impl Hands {
    /// Carries out a change of own links. What the engine has to know goes into `feedback`.
    pub(super) fn change_link(&mut self, change: LinkChange, feedback: &mut Vec<Feedback>) {
        match change {
            LinkChange::Make(wish) => {
                let made = self.netlink.make_link(&wish);
                if made.is_ok() {
                    debug!("({}): Success creating {} interface {}", wish.owner, kind(&wish), wish.name);
                }
                answer(&wish, made, "create", feedback);
            }
            LinkChange::Adopt(index, wish) => {
                let adopted = self.netlink.adopt_link(index, &wish);
                answer(&wish, adopted, "update", feedback);
            }
            LinkChange::SetVrf(wish, index) => match self.netlink.set_vrf(index, wish.vrf) {
                Ok(()) => debug!(
                    "vmac: Success changing VRF of VMAC interface {} for vrrp_instance {}",
                    wish.name, wish.owner
                ),
                Err(refusal) => warn!(
                    "vmac: Error changing VRF of VMAC interface {} for vrrp_instance {}: {refusal}",
                    wish.name, wish.owner
                ),
            },
            LinkChange::Remove(wish, index) => self.remove_link(&wish, index),
            LinkChange::Hush(name, index) => self.hush(&name, index),
            LinkChange::Unhush(name, index) => self.unhush(&name, index),
            LinkChange::LoosenReversePath => self.loosen_reverse_path(),
            LinkChange::TightenReversePath => self.tighten_reverse_path(),
        }
    }

    fn remove_link(&mut self, wish: &LinkWish, index: u32) {
        let (owner, kind, name) = (&wish.owner, kind(wish), &wish.name);
        match self.netlink.remove_link(index) {
            Ok(()) => debug!("({owner}) Success removing {kind} interface {name}"),
            Err(refusal) => warn!("({owner}) Error removing {kind} interface {name}: {refusal}"),
        }
        if let Some(group) = wish.notify_group {
            let set = self.netlink.set_group(wish.base_index, group);
            told(set, &wish.base);
        }
    }

    fn hush(&mut self, name: &IfName, index: u32) {
        let now =
            |(setting, _): (Setting, u32)| Some((setting, sysctl::read(name.as_str(), Family::V4, setting.key())?));
        self.sysctls.hushed.insert(index, HUSHED.into_iter().filter_map(now).collect());
        let set = self.netlink.set(index, &HUSHED);
        told(set, name);
    }

    fn unhush(&mut self, name: &IfName, index: u32) {
        let was = self.sysctls.hushed.remove(&index).unwrap_or_default();
        let ours = |setting: Setting| {
            let now = sysctl::read(name.as_str(), Family::V4, setting.key());
            HUSHED.into_iter().any(|(hushed, value)| hushed == setting && now == Some(value))
        };
        let back: Vec<(Setting, u32)> = was.into_iter().filter(|(setting, _)| ours(*setting)).collect();
        if !back.is_empty() {
            let set = self.netlink.set(index, &back);
            told(set, name);
        }
    }

    /// An interface is filtered by the greater of its own value and that of `all`. A macvlan must not be filtered: so
    /// each interface that there is or will be gets the value of `all` for its own, and `all` becomes 0.
    fn loosen_reverse_path(&mut self) {
        let read = |name: &str| sysctl::read(name, Family::V4, Setting::RpFilter.key());
        let Some(all) = read("all").filter(|all| *all > 0) else {
            return;
        };
        let default = read("default").filter(|value| *value < all);
        if let Some(value) = default {
            info!("NOTICE: setting sysctl net.ipv4.conf.default.rp_filter from {value} to {all}");
            write("default", all);
        }
        let mut interfaces = Vec::new();
        for link in self.netlink.links().unwrap_or_default() {
            if let Some(value) = read(link.name.as_str()).filter(|value| *value < all) {
                let set = self.netlink.set(link.index, &[(Setting::RpFilter, all)]);
                told(set, &link.name);
                interfaces.push((link.index, link.name, value));
            }
        }
        info!("NOTICE: setting sysctl net.ipv4.conf.all.rp_filter from {all} to 0");
        write("all", 0);
        self.sysctls.reverse_path = Some(ReversePath { all, default, interfaces });
    }

    /// What nobody has changed since is as it was before.
    fn tighten_reverse_path(&mut self) {
        let read = |name: &str| sysctl::read(name, Family::V4, Setting::RpFilter.key());
        let Some(ReversePath { all, default, interfaces }) = self.sysctls.reverse_path.take() else {
            return;
        };
        if read("all") == Some(0) {
            info!("NOTICE: resetting sysctl net.ipv4.conf.all.rp_filter to {all}");
            write("all", all);
        }
        if let Some(value) = default.filter(|_| read("default") == Some(all)) {
            info!("NOTICE: resetting sysctl net.ipv4.conf.default.rp_filter to {value}");
            write("default", value);
        }
        for (index, name, value) in interfaces {
            if read(name.as_str()) == Some(all) {
                let set = self.netlink.set(index, &[(Setting::RpFilter, value)]);
                told(set, &name);
            }
        }
    }
}

/// Says so if settings of an interface could not be changed; one that has gone needs none.
fn told(outcome: Result<(), Refusal>, interface: &IfName) {
    if let Err(refusal) = outcome
        && refusal.errno != Errno::ENODEV
    {
        warn!("Unable to set parameters for {interface}: {refusal}");
    }
}

/// Says why a link could not be had, and tells the engine.
fn answer(wish: &LinkWish, outcome: Result<(), Refusal>, verb: &str, feedback: &mut Vec<Feedback>) {
    if let Err(refusal) = outcome {
        // The interface below may have gone a moment ago; then that is what is reported.
        if refusal.errno != Errno::ENODEV {
            warn!("({}): Unable to {verb} {} interface {}: {refusal}", wish.owner, kind(wish), wish.name);
        }
        feedback.push(Feedback::LinkRefused(wish.name.clone(), refusal.to_string()));
    }
}

fn kind(wish: &LinkWish) -> &'static str {
    match wish.kind {
        OwnKind::Macvlan(_) => "VMAC",
        OwnKind::Ipvlan(_) => "ipvlan",
    }
}

fn write(which: &str, value: u32) {
    if let Err(error) = sysctl::write(which, Family::V4, Setting::RpFilter.key(), value) {
        warn!("Unable to set sysctl net.ipv4.conf.{which}.rp_filter: {error}");
    }
}
