//! What a configuration owns in IPVS is taken away, without a daemon: its virtual services with all that is in them, the
//! sync daemons if it has any, and the tables that give packets their marks. Called by the core.

use crate::check::{expand, refusal};
use crate::model::check::CheckConfig;
use crate::model::ipvs::{IpvsChange, SyncRole};
use crate::model::{Cleanup, Family, Global, MarkStyle};
use crate::net::{Ipvs, IpvsError, MarkTables};

/// Removes what the configuration owns; other services stay. To be called while no daemon runs with it. Timeouts of
/// connections stay: nobody knows what they were.
pub fn clean_up(config: &CheckConfig, global: &Global) -> Cleanup {
    let mut outcome = Cleanup::default();
    let has_daemon = global.lvs.sync_daemon.is_some();
    if !config.virtual_servers.is_empty() || has_daemon {
        match empty(config, global, has_daemon, &mut outcome) {
            // Where there is no IPVS, there is nothing in it.
            Ok(()) | Err(IpvsError::Absent) => {}
            Err(error) => outcome.left.push(format!("virtual services ({error})")),
        }
    }
    if let Some(style) = MarkStyle::of(&global.firewall) {
        unmark(style, &mut outcome);
    }
    outcome
}

fn empty(config: &CheckConfig, global: &Global, has_daemon: bool, outcome: &mut Cleanup) -> Result<(), IpvsError> {
    let mut ipvs = Ipvs::open(global.lvs.namespace.as_ref().map(Option::as_deref))?;
    let owned = expand::all(config, &global.firewall);
    let present = ipvs.services()?.into_iter().map(|(key, _)| key).filter(|key| owned.contains(key));
    let mut changes: Vec<IpvsChange> = present.map(IpvsChange::DeleteService).collect();
    if has_daemon {
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

fn unmark(style: MarkStyle, outcome: &mut Cleanup) {
    let table = style.table.clone();
    let removed = MarkTables::open(style).map_err(|error| error.to_string());
    match removed.and_then(|mut tables| tables.remove_leftovers().map_err(|refusal| refusal.to_string())) {
        Ok(families) => outcome.removed.extend(families.into_iter().map(|family| {
            let family = if family == Family::V4 { "ip" } else { "ip6" };
            format!("nftables table {family} {table}")
        })),
        Err(reason) => outcome.left.push(format!("nftables table {table} ({reason})")),
    }
}
