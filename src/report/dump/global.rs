//! The section that every process begins with.

use crate::model::frame::Shared;
use crate::model::global::TimedScript;
use crate::model::macvlan::OwnLink;
use crate::model::settings::{
    Fifo, Fifos, Files, Firewall, FlushOnStop, Lvs, Mail, MailTls, NetlinkBuffer, NetlinkBuffers, ProcessOptions,
    RxBuffers, Snmp, SyncDaemon, VrrpDefaults,
};
use crate::model::{Global, Micros, Script, VrrpConfig};

use super::instance::accepts;
use super::number::{general, seconds, whole_seconds};
use super::{Page, ability, answer, either, truth};

/// Where the loop of the files of iproute2 begins.
const IPROUTE: &str = "/etc/iproute2";

/// Table of nftables rules when the configuration names none.
const TABLE: &str = "keepalived";

/// Keepalived also names the release of the nftables library that it was built with.
///
/// `seen_by_vrrp`: the part of the `vrrp` process, which knows more of some settings than the others.
pub(super) fn dump(page: &mut Page, shared: &Shared, seen_by_vrrp: Option<&VrrpConfig>) {
    let global = &shared.global;
    page.heading("Global definitions");
    names(page, shared);
    mail(page, shared);
    processes_at_large(page, global);
    let mut at = page.at(1);
    at.pair("Dynamic interfaces", truth(shared.dynamic_interfaces));
    if shared.dynamic_interfaces {
        at.pair("Allow interface changes", truth(global.vrrp.allow_if_changes));
    }
    at.mention(global.mail.no_faults, "Send emails for fault transitions = off");
    timeouts(page, &global.lvs);
    let mut at = page.at(1);
    if seen_by_vrrp.is_some() {
        at.pair("Default interface", global.vrrp.default_interface.as_ref().map_or("eth0", |name| name.as_str()));
    }
    at.pair("Disable local IGMP", answer(global.vrrp.disable_local_igmp));
    at.pair("Use VRRPv2 checksum for VRRPv3 IPv4", answer(global.vrrp.v3_checksum_as_v2));
    if let Some(daemon) = &global.lvs.sync_daemon {
        sync_daemon(page, daemon, seen_by_vrrp);
    }
    let mut at = page.at(1);
    at.pair("LVS flush", truth(global.lvs.flush));
    at.pair(
        "LVS flush on stop",
        match global.lvs.flush_on_stop {
            FlushOnStop::No => "disabled",
            FlushOnStop::All => "full",
            FlushOnStop::Services => "VS",
        },
    );
    fifos(page, &global.fifos);
    adverts(page, &global.vrrp);
    let is_needed = global.firewall.iptables.is_none() && seen_by_vrrp.is_some_and(needs_firewall);
    firewall(page, &global.firewall, is_needed);
    checks_of_adverts(page, &global.vrrp);
    processes(page, global);
    snmp(page, &global.snmp);
    dbus(page, global);
    let mut at = page.at(1);
    at.say(format_args!("Script security {}", ability(global.scripts.security)));
    if let Some((uid, gid)) = global.scripts.default_identity {
        at.say(format_args!("Default script uid:gid {uid}:{gid}"));
    }
    buffers(page, &global.netlink);
    page.at(1).pair("rs_init_notifies", u8::from(global.lvs.init_notifies));
    page.at(1).pair("no_checker_emails", u8::from(global.mail.no_checker_emails));
    rest(page, shared);
    files(page, &global.files);
}

fn names(page: &mut Page, shared: &Shared) {
    let global = &shared.global;
    let mut at = page.at(1);
    at.maybe("Config save dir", global.files.config_save_dir.as_ref().map(|it| it.display()));
    at.pair("Network namespace", global.net_namespace.as_deref().unwrap_or("(default)"));
    at.pair(
        "Network namespace ipvs",
        match &global.lvs.namespace {
            None => "(main namespace)",
            Some(None) => "(default)",
            Some(Some(name)) => name,
        },
    );
    at.maybe("Instance name", global.instance.as_ref());
    let names = &global.process_names;
    at.maybe("Parent process name", names.parent.as_ref());
    at.maybe("VRRP process name", names.vrrp.as_ref());
    at.maybe("LVS process name", names.check.as_ref());
    at.maybe("BFD process name", names.bfd.as_ref());
    at.say(format_args!("{} symlinks in script paths", either(global.scripts.keep_symlinks, "Keep", "Replace")));
    let groups = either(global.scripts.supplementary_groups, "Set", "Don't set");
    at.say(format_args!("{groups} supplementary groups for all scripts"));
    at.pair("Router ID", global.router_id.as_ref().unwrap_or(&shared.host_name));
}

fn mail(page: &mut Page, shared: &Shared) {
    let mail: &Mail = &shared.global.mail;
    let host = &shared.host_name;
    let used = mail.server.is_some();
    let mut at = page.at(1);
    if let Some(server) = mail.server {
        at.pair("Smtp server", server.ip());
        at.pair("Smtp server port", server.port());
    }
    match mail.tls {
        MailTls::None => {}
        MailTls::StartTls => at.pair("Smtp encryption", "starttls"),
        MailTls::Tls => at.pair("Smtp encryption", "tls"),
    }
    at.maybe("Smtp login user", mail.login.as_ref().map(|login| &login.user));
    at.maybe("Smtp HELO name", mail.helo.as_ref().or(used.then_some(host)));
    let timeout = mail.timeout.or(used.then_some(Micros::from_secs(30)));
    at.maybe("Smtp server connection timeout", timeout.map(whole_seconds));
    let from = mail.from.clone().or_else(|| used.then(|| format!("{}@{host}", shared.user_name)));
    if let Some(from) = from {
        at.pair("Email notification from", from);
        at.say("Email notification to:");
        mail.to.iter().for_each(|to| page.at(3).say(to));
    }
    let switch = |choice: Option<bool>| choice.map_or("unset", |on| either(on, "on", "off"));
    let mut at = page.at(1);
    at.pair("Default smtp_alert", switch(mail.alert));
    at.pair("Default smtp_alert_vrrp", switch(mail.alert_vrrp));
    at.pair("Default smtp_alert_checker", switch(mail.alert_checker));
}

fn processes_at_large(page: &mut Page, global: &Global) {
    let mut at = page.at(1);
    at.pair("Checkers log all failures", truth(global.lvs.log_all_failures));
    reload(page, global);
    let mut at = page.at(1);
    at.maybe("config save directory", global.files.tmp_config_directory.as_ref().map(|it| it.display()));
    at.mention(global.files.data_use_instance, "Use instance name in data dumps");
    if let Some(script) = &global.startup_script {
        timed_script(page, "Startup", ",", script);
    }
    if let Some(script) = &global.shutdown_script {
        timed_script(page, "Shutdown", "", script);
    }
}

/// `comma`: the two lines of keepalived differ in it.
fn timed_script(page: &mut Page, name: &str, comma: &str, timed: &TimedScript) {
    let TimedScript { script, timeout } = timed;
    let identity = format_args!("{}:{}", script.uid, script.gid);
    let timeout = whole_seconds(*timeout);
    page.at(1).say(format_args!("{name} script = {script}, uid:gid {identity}{comma} timeout {timeout}"));
}

fn reload(page: &mut Page, global: &Global) {
    let rules = &global.reload;
    let mut at = page.at(1);
    match &rules.check {
        Some(log) => at.say(format_args!("Test config before reload, log to {}", log.display())),
        None => at.say("No test config before reload"),
    }
    if let Some(file) = &rules.time_file {
        at.pair("Reload time file", format_args!("{}{}", file.display(), either(rules.repeat, " (repeat)", "")));
    }
    if let Some(marker) = &rules.marker {
        let marker = marker.as_ref().map_or_else(|| usual_marker(global), |path| path.display().to_string());
        at.pair("Reload_file", marker);
    }
}

/// The file that `reload_file` without a path means.
fn usual_marker(global: &Global) -> String {
    match &global.instance {
        Some(name) => format!("/run/keepalived/keepalived_{name}.reload"),
        None if global.use_pid_dir => "/run/keepalived/keepalived.reload".into(),
        None => "/run/keepalived.reload".into(),
    }
}

fn timeouts(page: &mut Page, lvs: &Lvs) {
    let mut at = page.at(1);
    // 0 leaves the kernel's.
    let changed = |seconds: Option<u32>| seconds.filter(|seconds| *seconds > 0);
    at.maybe("LVS TCP timeout", changed(lvs.tcp_timeout));
    at.maybe("LVS TCP FIN timeout", changed(lvs.tcp_fin_timeout));
    // Keepalived's word for UDP's, too.
    at.maybe("LVS TCP timeout", changed(lvs.udp_timeout));
}

fn sync_daemon(page: &mut Page, daemon: &SyncDaemon, seen_by_vrrp: Option<&VrrpConfig>) {
    let instance = daemon.instance.as_ref();
    let known = seen_by_vrrp.zip(instance).and_then(|(it, name)| it.instances.iter().find(|one| one.name == *name));
    let mut at = page.at(1);
    at.maybe(either(known.is_some(), "LVS syncd vrrp instance", "LVS syncd vrrp name"), instance);
    at.pair("LVS syncd interface", &daemon.interface);
    let id = daemon.id.or(known.map(|one| one.vrid.get())).unwrap_or_default();
    at.pair("LVS syncd syncid", id);
    at.maybe("LVS syncd maxlen", daemon.max_len);
    if let Some(group) = daemon.group {
        at.say(format_args!("LVS mcast group {group}"));
    }
    at.maybe("LVS syncd mcast port", daemon.port);
    at.maybe("LVS syncd mcast ttl", daemon.ttl);
}

/// Pipes; the script of each is run with its path as last word.
fn fifos(page: &mut Page, fifos: &Fifos) {
    for (name, fifo) in [("Global", &fifos.all), ("VRRP", &fifos.vrrp), ("LVS", &fifos.lvs)] {
        if let Some(Fifo { path, uid, gid, script }) = fifo {
            let mut at = page.at(1);
            at.say(format_args!("{name} notify fifo = {}, uid:gid {uid}:{gid}", path.display()));
            if let Some(script) = script {
                let Script { program, uid, gid, .. } = script;
                let program = program.as_ref().map(|program| format!("path = {}, ", program.display()));
                let program = program.unwrap_or_default();
                let path = path.display();
                at.say(format_args!("{name} notify fifo {program}script = {script} '{path}', uid:gid {uid}:{gid}"));
            }
        }
    }
    page.at(1).pair("FIFO write vrrp states on reload", truth(fifos.states_on_reload));
}

fn adverts(page: &mut Page, vrrp: &VrrpDefaults) {
    let mut at = page.at(1);
    at.pair("VRRP notify priority changes", truth(vrrp.notify_priority_changes));
    at.pair("VRRP IPv4 mcast group", vrrp.group4);
    at.pair("VRRP IPv6 mcast group", vrrp.group6);
    at.pair("Gratuitous ARP delay", whole_seconds(vrrp.garp.master_delay));
    at.pair("Gratuitous ARP repeat", vrrp.garp.master_repeat);
    at.pair("Gratuitous ARP refresh timer", whole_seconds(vrrp.garp.master_refresh));
    at.pair("Gratuitous ARP refresh repeat", vrrp.garp.master_refresh_repeat);
    at.pair("Gratuitous ARP lower priority delay", whole_seconds(vrrp.garp.lower_prio_delay));
    at.pair("Gratuitous ARP lower priority repeat", vrrp.garp.lower_prio_repeat);
    at.pair("Num adverts before down", vrrp.down_timer_adverts);
    let (all, period) = vrrp.garp_extra.map_or((false, Micros::ZERO), |extra| (extra.all, extra.period));
    let each = either(all, "i/f", "VMAC");
    at.pair(format_args!("Gratuitous ARP for each secondary {each}"), format_args!("{}s", whole_seconds(period)));
    at.pair("Send advert after receive lower priority advert", truth(!vrrp.lower_prio_no_advert));
    at.pair("Send advert after receive higher priority advert", truth(vrrp.higher_prio_send_advert));
    at.pair("Gratuitous ARP interval", seconds(vrrp.garp_interval));
    at.pair("Gratuitous NA interval", seconds(vrrp.gna_interval));
    at.pair("VRRP default protocol version", vrrp.version.number());
}

/// Whether an instance refuses packets to its addresses, or makes a macvlan.
fn needs_firewall(config: &VrrpConfig) -> bool {
    config.instances.iter().any(|one| !accepts(one) || matches!(one.own_link, Some(OwnLink::Macvlan(_))))
}

/// `is_needed`: there is a table even if the configuration names none.
fn firewall(page: &mut Page, firewall: &Firewall, is_needed: bool) {
    let mut at = page.at(1);
    if let Some((input, output)) = &firewall.iptables {
        at.maybe("Iptables input chain", input.as_ref());
        at.maybe("Iptables output chain", output.as_ref());
    }
    if let Some(table) = firewall.table.as_deref().or(is_needed.then_some(TABLE)) {
        at.pair("nftables table name", table);
        at.pair("nftables base chain priority", firewall.priority.unwrap_or(-1));
        let force = either(firewall.ifindex, "", "don't ");
        at.say(format_args!("nftables {force}force use ifindex for link local IPv6"));
    }
    if let Some(table) = &firewall.ipvs_table {
        at.pair("ipvs nftables table name", table);
        at.pair("ipvs nftables base chain priority", firewall.ipvs_priority.unwrap_or(-1));
        at.pair("ipvs nftables start fwmark", firewall.ipvs_start_fwmark.unwrap_or(1000));
    }
    at.say(format_args!("nftables with{} counters", either(firewall.counters, "", "out")));
}

fn checks_of_adverts(page: &mut Page, vrrp: &VrrpDefaults) {
    let mut at = page.at(1);
    at.pair("VRRP check unicast_src", truth(vrrp.check_unicast_src));
    at.pair("VRRP skip check advert addresses", truth(vrrp.skip_check_adv_addr));
    at.pair("VRRP strict mode", truth(vrrp.strict));
}

fn processes(page: &mut Page, global: &Global) {
    let processes = &global.processes;
    let mut at = page.at(1);
    match processes.max_auto_priority {
        -1 => at.pair("Max auto priority", "Disabled"),
        limit => at.pair("Max auto priority", limit),
    }
    let delay = processes.min_auto_priority_delay.unwrap_or(Micros::from_secs(1));
    at.pair("Min auto priority delay", format_args!("{} usecs", delay.0));
    process(page, "VRRP", &processes.vrrp);
    process(page, "Checker", &processes.check);
    process(page, "BFD", &processes.bfd);
}

fn process(page: &mut Page, name: &str, options: &ProcessOptions) {
    let mut at = page.at(1);
    at.pair(format_args!("{name} process priority"), options.priority);
    at.pair(format_args!("{name} don't swap"), truth(options.no_swap));
    at.pair(format_args!("{name} realtime priority"), options.rt_priority.unwrap_or_default());
    if !options.cpu_affinity.is_empty() {
        let processors: String = options.cpu_affinity.iter().map(|number| format!("{number} ")).collect();
        at.pair(format_args!("{name} CPU Affinity"), processors);
    }
    let limit = options.rlimit_rttime.unwrap_or(Micros::from_millis(10));
    at.pair(format_args!("{name} realtime limit"), limit.0);
}

fn snmp(page: &mut Page, snmp: &Snmp) {
    let mut at = page.at(1);
    at.say(format_args!("SNMP vrrp {}", ability(snmp.vrrp)));
    at.say(format_args!("SNMP checker {}", ability(snmp.checker)));
    at.say(format_args!("SNMP RFCv2 {}", ability(snmp.rfc_v2)));
    at.say(format_args!("SNMP RFCv3 {}", ability(snmp.rfc_v3)));
    at.say(format_args!("SNMP traps {}", ability(snmp.traps)));
    at.pair("SNMP socket", snmp.socket.as_deref().unwrap_or("default (unix:/var/agentx/master)"));
    let services = snmp.vs_stats_interval.unwrap_or(Micros::from_secs(5));
    at.pair("SNMP VS stats update interval", seconds(services));
    at.pair("SNMP RS stats update interval", seconds(snmp.rs_stats_interval.unwrap_or(services)));
}

fn dbus(page: &mut Page, global: &Global) {
    let dbus = &global.dbus;
    let mut at = page.at(1);
    at.say(format_args!("DBus {}", ability(dbus.enabled)));
    at.pair("DBus service name", dbus.service_name.as_deref().unwrap_or_default());
    at.pair("DBus no interface name", dbus.no_interface_name.as_deref().unwrap_or("none"));
}

fn buffers(page: &mut Page, buffers: &NetlinkBuffers) {
    let all = [
        ("vrrp_netlink_cmd_rcv_bufs", buffers.vrrp_command),
        ("vrrp_netlink_monitor_rcv_bufs", buffers.vrrp_monitor),
        ("process_monitor_rcv_bufs", buffers.process_monitor),
        ("lvs_netlink_cmd_rcv_bufs", buffers.lvs_command),
        ("lvs_netlink_monitor_rcv_bufs", buffers.lvs_monitor),
    ];
    for (name, NetlinkBuffer { size, force }) in all {
        let mut at = page.at(1);
        at.pair(name, size);
        at.pair(format_args!("{name}_force"), u8::from(force));
    }
}

fn rest(page: &mut Page, shared: &Shared) {
    let vrrp = &shared.global.vrrp;
    let mut at = page.at(1);
    match vrrp.rx_bufs {
        RxBuffers::System => {}
        RxBuffers::Mtu => at.pair("rx_bufs_policy", "MTU"),
        RxBuffers::Advert => at.pair("rx_bufs_policy", "ADVERT"),
        RxBuffers::Size(bytes) => at.pair("rx_bufs_size", bytes),
    }
    at.pair("rx_bufs_multiples", vrrp.rx_bufs_multiplier);
    at.pair("umask", format_args!("0{:o}", shared.umask));
    if !shared.startup_delay.is_zero() {
        at.pair("vrrp_startup_delay", general(shared.startup_delay.as_secs_f64()));
    }
    at.mention(shared.log_unknown_vrids, "log_unknown_vrids");
    at.mention(vrrp.owner_ignore_adverts, "vrrp_owner_ignore_adverts");
    at.maybe("VMAC prefix", vrrp.vmac_prefix.as_ref());
    at.maybe("VMAC address prefix", vrrp.vmac_addr_prefix.as_ref());
}

fn files(page: &mut Page, files: &Files) {
    let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let mut at = page.at(1);
    at.say(format_args!("json_version {}", either(files.json_v2, "2", "1")));
    for (name, folder) in [("usr", &files.iproute_usr_dir), ("etc", &files.iproute_etc_dir)] {
        at.say(format_args!("iproute {name} directory {}", path(folder).unwrap_or_else(|| IPROUTE.to_owned())));
    }
    let dumps = [("state", &files.state_dump_file), ("stats", &files.stats_dump_file), ("json", &files.json_dump_file)];
    for (name, file) in dumps {
        if let Some(file) = path(file) {
            at.say(format_args!("{name} dump file {file}"));
        }
    }
}
