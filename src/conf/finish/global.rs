//! `global_defs` and the settings outside blocks.

use super::{advert, script};
use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::raw::settings::{RawFifo, RawVrrp};
use crate::conf::raw::{RawCommand, ScriptUser};
use crate::conf::reader::Reader;
use crate::model::config::{Mails, ReceiveBuffers};
use crate::model::global::TimedScript;
use crate::model::settings::{Fifo, Fifos, GarpExtra, ScriptRules, SyncDaemon, VrrpDefaults};
use crate::model::{Global, Instance, Micros};

/// How long startup and shutdown scripts may take if nothing is said.
const SCRIPT_TIMEOUT: Micros = Micros::from_secs(10);

pub(super) fn finish(reader: &mut Reader) -> Global {
    script::check_own(reader);
    let global = &reader.raw.global;
    let settings = &reader.raw.settings;
    let timed = |command: &Option<RawCommand>, timeout: Option<Micros>| {
        command
            .as_ref()
            .map(|command| TimedScript { script: script::script(command), timeout: timeout.unwrap_or(SCRIPT_TIMEOUT) })
    };
    Global {
        router_id: global.router_id.clone(),
        instance: global.instance.clone(),
        net_namespace: global.net_namespace.clone(),
        use_pid_dir: global.use_pid_dir,
        child_wait_time: global.child_wait_time,
        process_names: global.process_names.clone(),
        startup_script: timed(&global.startup_script, global.startup_timeout),
        shutdown_script: timed(&global.shutdown_script, global.shutdown_timeout),
        umask: global.umask,
        namespace_with_ipsets: settings.namespace_with_ipsets,
        random_seed: settings.random_seed,
        mail: settings.mail.clone(),
        // The scripts of pipes are looked at with those of the processes that run them.
        fifos: Fifos::default(),
        scripts: ScriptRules::default(),
        processes: settings.processes.clone(),
        vrrp: vrrp(reader),
        lvs: settings.lvs.clone(),
        netlink: settings.netlink,
        firewall: settings.firewall.clone(),
        metrics_listen: settings.metrics_listen,
        snmp: settings.snmp.clone(),
        dbus: settings.dbus.clone(),
        reload: settings.reload.clone(),
        files: settings.files.clone(),
    }
}

/// Defaults of instances, and what the `vrrp` process goes by.
fn vrrp(reader: &Reader) -> VrrpDefaults {
    let global = &reader.raw.global;
    let vrrp = &reader.raw.settings.vrrp;
    let usual = VrrpDefaults::default();
    VrrpDefaults {
        group4: global.group4.unwrap_or(usual.group4),
        group6: global.group6.unwrap_or(usual.group6),
        garp: advert::default_garp(reader),
        garp_interval: global.garp_interval.unwrap_or(usual.garp_interval),
        gna_interval: global.gna_interval.unwrap_or(usual.gna_interval),
        garp_extra: vrrp.garp_extra.map(|extra| GarpExtra { all: vrrp.garp_extra_all, ..extra }),
        down_timer_adverts: global.down_timer_adverts.unwrap_or(usual.down_timer_adverts),
        lower_prio_no_advert: global.lower_prio_no_advert,
        higher_prio_send_advert: global.higher_prio_send_advert,
        owner_ignore_adverts: global.owner_ignore_adverts,
        version: global.version.unwrap_or(usual.version),
        check_unicast_src: global.check_unicast_src,
        skip_check_adv_addr: global.skip_check_adv_addr,
        strict: global.strict,
        v3_checksum_as_v2: global.v3_checksum_as_v2,
        notify_priority_changes: vrrp.notify_priority_changes,
        default_interface: global.default_interface.clone(),
        disable_local_igmp: vrrp.disable_local_igmp,
        allow_if_changes: vrrp.allow_if_changes,
        vmac_prefix: vrrp.vmac_prefix.clone(),
        vmac_addr_prefix: vrrp.vmac_addr_prefix.clone(),
        rx_bufs: vrrp.rx_bufs,
        rx_bufs_multiplier: vrrp.rx_bufs_multiplier.unwrap_or(usual.rx_bufs_multiplier),
        linkbeat_use_polling: vrrp.linkbeat_use_polling,
    }
}

/// The sync daemon that follows an instance: that of `lvs_sync_daemon`, or the older one of an instance. One whose
/// instance does not exist is only logged, as by keepalived.
pub(super) fn sync_daemon(reader: &mut Reader, instances: &[Instance]) -> Option<SyncDaemon> {
    if let Some(daemon) = &reader.raw.settings.lvs.sync_daemon {
        let name = daemon.instance.clone()?;
        if instances.iter().any(|instance| instance.name == name) {
            return Some(daemon.clone());
        }
        let text = format!("Unable to find vrrp instance {name} for lvs_syncd - clearing lvs_syncd config");
        if !instances.is_empty() {
            reader.complain(Diagnostic::note(Code::Reference, text).effect("no sync daemon runs"));
        }
        return None;
    }
    let older = |instance: &Instance| {
        Some(SyncDaemon {
            interface: instance.extras.lvs_sync_daemon_interface.clone()?,
            instance: Some(instance.name.clone()),
            // The VRID counts for the newer form only.
            id: Some(0),
            max_len: None,
            port: None,
            ttl: None,
            group: None,
        })
    };
    instances.iter().find_map(older)
}

/// Which mails are sent about instances and groups.
pub(super) fn mails(reader: &Reader) -> Mails {
    let mail = &reader.raw.settings.mail;
    Mails { by_default: mail.alert_vrrp.or(mail.alert).unwrap_or_default(), no_faults: mail.no_faults }
}

/// Receive buffers of advert sockets.
pub(super) fn receive_buffers(vrrp: &RawVrrp) -> ReceiveBuffers {
    let usual = VrrpDefaults::default().rx_bufs_multiplier;
    ReceiveBuffers { policy: vrrp.rx_bufs, multiplier: vrrp.rx_bufs_multiplier.unwrap_or(usual) }
}

/// How scripts are run, once all blocks have said who runs theirs.
pub(super) fn scripts(reader: &Reader) -> ScriptRules {
    let security = reader.raw.global.script_security;
    // Where no script has asked yet, the answer is the one that it would get.
    let identity = match reader.raw.script_user {
        ScriptUser::Known(identity) => Some(identity),
        ScriptUser::Open if !reader.env.wants_default_user() => None,
        ScriptUser::Open => {
            let own = || (!security).then(|| reader.env.own_identity());
            reader.env.user("keepalived_script").or_else(own)
        }
        ScriptUser::Missing => None,
    };
    ScriptRules {
        security,
        keep_symlinks: reader.raw.settings.keep_symlinks,
        supplementary_groups: reader.raw.settings.supplementary_groups,
        default_identity: identity.map(|identity| (identity.uid, identity.gid)),
    }
}

fn fifo(raw: &RawFifo) -> Option<Fifo> {
    let (path, owner, _) = raw.pipe.as_ref()?;
    let script = raw.script.as_ref().map(script::script);
    Some(Fifo { path: path.into(), uid: owner.uid, gid: owner.gid, script })
}

/// The named pipes, no event twice on the same one.
pub(super) fn fifos(reader: &mut Reader) -> Fifos {
    let raw = reader.raw.settings.fifos.clone();
    let mut fifos = Fifos {
        all: fifo(&raw.all),
        vrrp: fifo(&raw.vrrp),
        lvs: fifo(&raw.lvs),
        states_on_reload: raw.states_on_reload,
    };
    let path = |fifo: &Option<Fifo>| fifo.as_ref().map(|fifo| fifo.path.clone());
    for (slot, raw, name) in [(&mut fifos.vrrp, &raw.vrrp, "vrrp"), (&mut fifos.lvs, &raw.lvs, "LVS")] {
        if slot.is_some() && path(slot) == path(&fifos.all) {
            let shown = raw.pipe.as_ref().map_or("", |(path, ..)| path);
            let text =
                format!("notify FIFO {shown} has been specified for global and {name} FIFO - ignoring {name} FIFO");
            note(reader, raw, text, "events of this kind come once, with all others");
            *slot = None;
        }
    }
    if let (Some(vrrp), Some(lvs)) = (&fifos.vrrp, &mut fifos.lvs)
        && vrrp.path == lvs.path
        && vrrp.script.is_some()
        && lvs.script.take().is_some()
    {
        let text = "LVS notify FIFO and vrrp FIFO are the same both with scripts - ignoring LVS FIFO script";
        note(reader, &raw.lvs, text.into(), "the script of the vrrp FIFO reads both");
    }
    fifos
}

fn note(reader: &mut Reader, fifo: &RawFifo, text: String, effect: &str) {
    if let Some((_, _, place)) = &fifo.pipe {
        let diagnostic = Diagnostic::note(Code::Conflict, text).at(*place);
        reader.complain(diagnostic.effect(effect));
    }
}
