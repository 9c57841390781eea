//! What a configuration owns in IPVS is taken away, without a daemon: its virtual services with all that is in them, the
//! sync daemons if it has any, and the tables that give packets their marks. Called by the core.

use std::collections::BTreeSet;

use crate::check::{expand, refusal};
use crate::model::check::CheckConfig;
use crate::model::ipvs::{IpvsChange, ServiceKey, SyncRole};
use crate::model::settings::Lvs;
use crate::model::{Cleanup, Family, Global, MarkStyle};
use crate::net::{Ipvs, IpvsError, MarkTables};

/// Removes what the configuration owns; other services stay. To be called while no daemon runs with it. Timeouts of
/// connections stay: nobody knows what they were.
pub fn clean_up(config: &CheckConfig, global: &Global) -> Cleanup {
    let mut outcome = Cleanup::default();
    let mut owned = expand::all(config, &global.firewall);
    let mut tables = MarkStyle::of(&global.firewall).map(|style| (style.table.clone(), MarkTables::open(style)));
    if let Some((_, Ok(tables))) = &tables {
        // After reloads groups may have other marks than they would have now.
        owned.extend(tables.services());
    }
    if !owned.is_empty() || global.lvs.sync_daemon.is_some() {
        match empty(&owned, &global.lvs, &mut outcome) {
            // Where there is no IPVS, there is nothing in it.
            Ok(()) | Err(IpvsError::Absent) => {}
            Err(error) => outcome.left.push(format!("virtual services ({error})")),
        }
    }
    if let Some((name, tables)) = &mut tables {
        let removed = match tables {
            Ok(tables) => tables.remove_leftovers().map_err(|refusal| refusal.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match removed {
            Ok(families) => outcome.removed.extend(families.into_iter().map(|family| {
                let family = if family == Family::V4 { "ip" } else { "ip6" };
                format!("nftables table {family} {name}")
            })),
            Err(reason) => outcome.left.push(format!("nftables table {name} ({reason})")),
        }
    }
    outcome
}

fn empty(owned: &BTreeSet<ServiceKey>, lvs: &Lvs, outcome: &mut Cleanup) -> Result<(), IpvsError> {
    let mut ipvs = Ipvs::open(lvs.namespace.as_ref().map(Option::as_deref))?;
    let present = ipvs.services()?.into_iter().map(|(key, _)| key).filter(|key| owned.contains(key));
    let mut changes: Vec<IpvsChange> = present.map(IpvsChange::DeleteService).collect();
    if lvs.sync_daemon.is_some() {
        changes.extend(ipvs.daemons()?.into_iter().map(|(role, settings)| IpvsChange::StopDaemon(role, settings.id)));
    }
    let mut refused = ipvs.change(&changes)?.into_iter().peekable();
    for (place, change) in changes.iter().enumerate() {
        let name = match change {
            IpvsChange::DeleteService(key) => format!("virtual service {}", refusal::service(key)),
            IpvsChange::StopDaemon(SyncRole::Master, id) => format!("IPVS sync daemon master {id}"),
            IpvsChange::StopDaemon(SyncRole::Backup, id) => format!("IPVS sync daemon backup {id}"),
            _ => continue,
        };
        match refused.next_if(|(number, _)| *number == place) {
            Some((_, reason)) => outcome.left.push(format!("{name} ({})", reason.text)),
            None => outcome.removed.push(name),
        }
    }
    Ok(())
}
