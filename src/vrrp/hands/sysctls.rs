//! Sysctls that macvlans need otherwise than they were, and what they were before.
//!
//! What they were is also kept in a file beside the pid file, as long as it differs: a process that is killed cannot make
//! them what they were, but the next one can.

use std::fs;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use crate::model::{Family, IfName};
use crate::net::{Netlink, Refusal, Setting, sysctl};

/// What the interface below IPv4 macvlans is set to.
const HUSHED: [(Setting, u32); 2] = [(Setting::ArpIgnore, 1), (Setting::ArpFilter, 1)];

/// What sysctls were before we changed them.
#[derive(Debug, Default)]
pub(in crate::vrrp) struct HeldSysctls {
    held: Held,
    /// What a predecessor held that was killed, as far as nobody has asked for it again
    inherited: Held,
    file: Option<PathBuf>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Held {
    hushed: Vec<Hushed>,
    reverse_path: Option<ReversePath>,
}

/// An interface below IPv4 macvlans.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Hushed {
    index: u32,
    name: IfName,
    was: Vec<(Setting, u32)>,
}

/// The reverse path filters before they were loosened.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct ReversePath {
    all: u32,
    /// Of `default`, if it was changed
    default: Option<u32>,
    /// The interfaces that there were, with their values if these were changed
    interfaces: Vec<(u32, IfName, Option<u32>)>,
}

impl HeldSysctls {
    /// Looks into the file of a predecessor, which is beside its pid file; ours will be the same.
    pub(in crate::vrrp) fn of(pid_file: &Path) -> Self {
        let file = pid_file.with_extension("sysctls");
        let inherited = fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        HeldSysctls { held: Held::default(), inherited, file: Some(file) }
    }

    /// What a setting of an interface was before we changed it.
    pub(super) fn before(&self, index: u32, setting: Setting) -> Option<u32> {
        let hushed = self.held.hushed.iter().find(|hushed| hushed.index == index)?;
        hushed.was.iter().find(|(changed, _)| *changed == setting).map(|(_, value)| *value)
    }

    /// Every link is made that will be: what a predecessor held and we do not is as before.
    pub(in crate::vrrp) fn disclaim(&mut self, netlink: &mut Netlink) {
        let inherited = std::mem::take(&mut self.inherited);
        for hushed in inherited.hushed {
            restore(netlink, &hushed);
        }
        if let Some(reverse_path) = inherited.reverse_path {
            tighten(netlink, reverse_path);
        }
        self.keep();
    }

    pub(super) fn hush(&mut self, netlink: &mut Netlink, name: &IfName, index: u32) {
        let is_so = HUSHED.into_iter().all(|(setting, value)| read(name, setting) == Some(value));
        let before = self.inherited.hushed.iter().position(|old| old.index == index && old.name == *name);
        let inherited = before.map(|place| self.inherited.hushed.remove(place)).filter(|_| is_so);
        let now = || HUSHED.into_iter().filter_map(|(setting, _)| Some((setting, read(name, setting)?))).collect();
        let hushed = inherited.unwrap_or_else(|| Hushed { index, name: name.clone(), was: now() });
        self.held.hushed.retain(|old| old.index != index);
        self.held.hushed.push(hushed);
        self.keep();
        told(netlink.set(index, &HUSHED), name);
    }

    pub(super) fn unhush(&mut self, netlink: &mut Netlink, name: &IfName, index: u32) {
        if let Some(place) = self.held.hushed.iter().position(|old| old.index == index && old.name == *name) {
            restore(netlink, &self.held.hushed.remove(place));
            self.keep();
        }
    }

    /// An interface is filtered by the greater of its own value and that of `all`. A macvlan must not be filtered: so
    /// each interface that there is or will be gets the value of `all` for its own, and `all` becomes 0.
    pub(super) fn loosen_reverse_path(&mut self, netlink: &mut Netlink) {
        let now = general("all");
        if let Some(before) = self.inherited.reverse_path.take().filter(|_| now == Some(0)) {
            self.held.reverse_path = Some(before);
            self.keep();
            return;
        }
        let Some(all) = now.filter(|all| *all > 0) else {
            return;
        };
        let default = general("default").filter(|value| *value < all);
        let links = netlink.links().unwrap_or_default();
        let interfaces = links.into_iter().map(|link| {
            let lower = read(&link.name, Setting::RpFilter).filter(|value| *value < all);
            (link.index, link.name, lower)
        });
        let before = ReversePath { all, default, interfaces: interfaces.collect() };
        let lower: Vec<(u32, IfName)> = before
            .interfaces
            .iter()
            .filter(|(_, _, lower)| lower.is_some())
            .map(|(index, name, _)| (*index, name.clone()))
            .collect();
        self.held.reverse_path = Some(before);
        self.keep();
        if let Some(value) = default {
            info!("NOTICE: setting sysctl net.ipv4.conf.default.rp_filter from {value} to {all}");
            set_general("default", all);
        }
        for (index, name) in lower {
            told(netlink.set(index, &[(Setting::RpFilter, all)]), &name);
        }
        info!("NOTICE: setting sysctl net.ipv4.conf.all.rp_filter from {all} to 0");
        set_general("all", 0);
    }

    /// What nobody has changed since is as it was before.
    pub(super) fn tighten_reverse_path(&mut self, netlink: &mut Netlink) {
        if let Some(before) = self.held.reverse_path.take() {
            tighten(netlink, before);
            self.keep();
        }
    }

    /// Writes the file, or removes it if there is nothing to remember.
    fn keep(&self) {
        let Some(file) = &self.file else {
            return;
        };
        let kept = if self.held == Held::default() && self.inherited == Held::default() {
            fs::remove_file(file).or_else(|error| match error.kind() {
                std::io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            })
        } else {
            let fresh = file.with_extension("sysctls.new");
            let text = serde_json::to_vec(&self.held).unwrap_or_default();
            fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, file))
        };
        if let Err(error) = kept {
            warn!("{}: {error}; what sysctls were is not remembered after a crash", file.display());
        }
    }
}

fn restore(netlink: &mut Netlink, hushed: &Hushed) {
    let is_ours = |setting: Setting| {
        let now = read(&hushed.name, setting);
        HUSHED.into_iter().any(|(ours, value)| ours == setting && now == Some(value))
    };
    let back: Vec<(Setting, u32)> = hushed.was.iter().copied().filter(|(setting, _)| is_ours(*setting)).collect();
    if !back.is_empty() {
        told(netlink.set(hushed.index, &back), &hushed.name);
    }
}

fn tighten(netlink: &mut Netlink, before: ReversePath) {
    let ReversePath { all, default, interfaces } = before;
    if general("all") == Some(0) {
        info!("NOTICE: resetting sysctl net.ipv4.conf.all.rp_filter to {all}");
        set_general("all", all);
    }
    if let Some(value) = default.filter(|_| general("default") == Some(all)) {
        info!("NOTICE: resetting sysctl net.ipv4.conf.default.rp_filter to {value}");
        set_general("default", value);
    }
    for link in netlink.links().unwrap_or_default() {
        let known = interfaces.iter().find(|(index, name, _)| *index == link.index && *name == link.name);
        // One that has come since has the default of then.
        let value = known.map_or(default, |(_, _, value)| *value);
        if let Some(value) = value.filter(|_| read(&link.name, Setting::RpFilter) == Some(all)) {
            told(netlink.set(link.index, &[(Setting::RpFilter, value)]), &link.name);
        }
    }
}

/// Says so if settings of an interface could not be changed; one that has gone needs none.
pub(super) fn told(outcome: Result<(), Refusal>, interface: &IfName) {
    if let Err(refusal) = outcome
        && refusal.errno != Errno::ENODEV
    {
        warn!("Unable to set parameters for {interface}: {refusal}");
    }
}

fn read(interface: &IfName, setting: Setting) -> Option<u32> {
    sysctl::read(interface.as_str(), Family::V4, setting.key())
}

/// The filter of `all` or `default`.
fn general(which: &str) -> Option<u32> {
    sysctl::read(which, Family::V4, Setting::RpFilter.key())
}

fn set_general(which: &str, value: u32) {
    if let Err(error) = sysctl::write(which, Family::V4, Setting::RpFilter.key(), value) {
        warn!("Unable to set sysctl net.ipv4.conf.{which}.rp_filter: {error}");
    }
}
