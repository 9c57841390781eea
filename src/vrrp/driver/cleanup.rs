//! What a configuration owns in the kernel is taken away, without a daemon.

use std::path::Path;

use super::{Driver, Error};
use crate::model::frame::Shared;
use crate::model::own_link::LinkChange;
use crate::model::settings::Processes;
use crate::model::{Address, Cleanup, Family, FilterRules, VrrpConfig};
use crate::net::Nftables;
use crate::report::Reporter;
use crate::vrrp::event::{Action, Event};
use crate::vrrp::hands::dumps::Dumps;
use crate::vrrp::hands::sysctls::HeldSysctls;

/// Removes what the configuration owns, and makes sysctls what they were before the daemon whose `vrrp` process has this
/// pid file. To be called inside a tokio runtime, while no daemon runs with it.
///
/// # Errors
/// If the kernel does not let us look or act at all.
pub fn clean_up(config: VrrpConfig, pid_file: &Path) -> Result<Cleanup, Error> {
    let dumps = Dumps::of(&Shared::default(), &config);
    let mut driver = Driver::open(config, &Processes::default(), false, dumps)?;
    let mut nobody = Reporter::silent();
    let present = driver.monitor.pending()?;
    driver.turn_with(&mut nobody, |driver, now| driver.take(now, present))?;
    let now = crate::os::clock::now();
    driver.engine.handle(now, Event::CleanUp);
    let mut actions = Vec::new();
    let mut addresses: Vec<Address> = Vec::new();
    let mut outcome = Cleanup::default();
    let (mut entries, mut links, mut filter) = (Vec::new(), Vec::new(), None);
    while let Some(action) = driver.engine.poll() {
        match &action {
            Action::RemoveAddress(address) if !addresses.iter().any(|known| known.same_object(address)) => {
                addresses.push(address.clone());
            }
            Action::RemoveEntry(entry) => {
                entries.push(entry.clone());
                continue;
            }
            Action::Link(LinkChange::Remove(wish, index)) => links.push((wish.name.clone(), *index)),
            Action::Changed(_) | Action::Happened(_) | Action::Log(..) => continue,
            Action::Unblock(rules) => {
                filter.clone_from(rules);
                continue;
            }
            _ => {}
        }
        actions.push(action);
    }
    for (entry, answer) in entries.iter().zip(driver.hands.remove_entries(&entries, &driver.engine)) {
        match answer {
            Ok(true) => outcome.removed.push(entry.to_string()),
            Ok(false) => {}
            Err(reason) => outcome.left.push(format!("{entry} ({reason})")),
        }
    }
    driver.hands.carry_out(now, actions, &driver.engine, &mut nobody);
    driver.hands.sysctls = HeldSysctls::of(pid_file);
    driver.hands.disclaim_sysctls();
    // What the kernel says counts, not what it was asked for.
    let reports = driver.monitor.pending()?;
    driver.take(now, reports);
    for address in addresses {
        let list = if driver.engine.has_address(&address) { &mut outcome.left } else { &mut outcome.removed };
        list.push(format!("address {}/{} from {}", address.ip, address.prefix_len, address.interface));
    }
    for (name, index) in links {
        let is_left = driver.engine.link(&name).is_some_and(|link| link.index == index);
        let list = if is_left { &mut outcome.left } else { &mut outcome.removed };
        list.push(format!("interface {name}"));
    }
    if let Some(rules) = filter {
        empty_filter(&rules, &mut outcome);
    }
    Ok(outcome)
}

/// The tables of a predecessor go with the first rules that are set.
fn empty_filter(none: &FilterRules, outcome: &mut Cleanup) {
    let table = &none.style.table;
    let set = |mut tables: Nftables| tables.set(none).map_err(|refusal| refusal.to_string());
    match Nftables::open().map_err(|error| error.to_string()).and_then(set) {
        Ok(replaced) => outcome.removed.extend(replaced.into_iter().map(|family| {
            let family = if family == Family::V4 { "ip" } else { "ip6" };
            format!("nftables table {family} {table}")
        })),
        Err(reason) => outcome.left.push(format!("nftables table {table} ({reason})")),
    }
}
