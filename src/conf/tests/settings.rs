//! The families of `global_defs`.

use std::collections::BTreeSet;

use super::*;
use crate::conf::environment::{Identity, KeyFile, fake::found};
use crate::model::settings::{FlushOnStop, GarpExtra, MailTls, RxBuffers};
use crate::model::{Global, Micros};

fn global(lines: &str) -> Loaded {
    read(format!("global_defs {{\n{lines}\n}}\n"))
}

/// What lines mean that keepalived accepts.
fn means(lines: &str) -> Global {
    let loaded = global(lines);
    assert_eq!(words(&loaded), Vec::<&str>::new(), "{lines}");
    loaded.config.global
}

#[test]
fn mail() {
    let mail = means(
        "smtp_server 127.0.0.1 26\nsmtp_helo_name me\nsmtp_connect_timeout 7\nnotification_email_from \"J. R. <a@b>\"\n\
         notification_email {\na@b \"c d <e@f>\"\n}\nnotification_email {\ng@h\n}\nsmtp_alert\nsmtp_alert_vrrp no\n\
         no_email_faults\nno_checker_emails",
    )
    .mail;
    assert_eq!(mail.server, "127.0.0.1:26".parse().ok());
    assert_eq!((mail.helo.as_deref(), mail.timeout), (Some("me"), Some(Micros::from_secs(7))));
    assert_eq!(mail.from.as_deref(), Some("\"J. R.\" <a@b>"));
    assert_eq!(mail.to, ["a@b", "c d <e@f>", "g@h"]);
    assert_eq!((mail.alert, mail.alert_vrrp, mail.alert_checker), (Some(true), Some(false), None));
    assert!(mail.no_faults && mail.no_checker_emails);
}

#[test]
fn a_mail_server_by_name_is_known_by_it() {
    let server = |lines: &str| {
        let env = Fake { hosts: ["mail.example.com".to_string()].into(), ..Fake::default() };
        let mail = load_for(&env, format!("global_defs {{\n{lines}\n}}\n")).config.global.mail;
        (mail.server.is_some(), mail.server_name)
    };
    assert_eq!(server("smtp_server mail.example.com 587"), (true, Some("mail.example.com".to_string())));
    assert_eq!(server("smtp_server mail.example.com\nsmtp_server 127.0.0.1"), (true, None));
    assert_eq!(server("smtp_server other.example.com"), (false, None));
}

#[test]
fn encryption_and_login_of_mails() {
    let plain = means("").mail;
    assert_eq!((plain.tls, plain.login), (MailTls::None, None));
    let mail = means("smtp_tls starttls\nsmtp_login ops \"a b#c\"").mail;
    let login = mail.login.unwrap();
    assert_eq!((mail.tls, login.user.as_str(), login.password.expose()), (MailTls::StartTls, "ops", &b"a b#c"[..]));
    assert!(!format!("{login:?}").contains("a b#c"));
    assert_eq!(means("smtp_tls tls\nsmtp_tls none").mail.tls, MailTls::None);
    for (lines, complaint) in [
        ("smtp_tls ssl", "Unknown smtp_tls 'ssl'"),
        ("smtp_login ops", "smtp_login needs a user and a password"),
        ("smtp_login_file /no/such", "smtp_login_file '/no/such' cannot be read: entity not found"),
    ] {
        assert_eq!(words(&global(lines)), [complaint]);
    }
}

#[test]
fn a_login_may_be_a_credential_of_systemd() {
    let read = |path: &str, content: &[u8], open_to_others: bool, line: &str| {
        let file = KeyFile { content: content.to_vec(), open_to_others };
        let env = Fake {
            key_files: [(path.into(), file)].into(),
            variables: [("CREDENTIALS_DIRECTORY".into(), "/run/credentials/k".into())].into(),
            ..Fake::default()
        };
        let loaded = load_for(&env, format!("global_defs {{\nsmtp_login_file {line}\n}}\n"));
        let said = words(&loaded).into_iter().map(str::to_owned).collect::<Vec<_>>();
        let login = loaded.config.global.mail.login;
        (login.map(|it| (it.user, String::from_utf8(it.password.expose().to_vec()).unwrap())), said)
    };
    let known = |password: &str| Some(("ops".to_string(), password.to_string()));
    let secret = "/run/credentials/k/relay";
    assert_eq!(read(secret, b"ops  s3 cr3t \n# more", false, "relay"), (known("s3 cr3t "), vec![]));
    assert_eq!(read("/etc/relay", b"ops\tx", false, "/etc/relay"), (known("x"), vec![]));
    let open = "smtp_login_file '/etc/relay' is readable by group or others".to_string();
    assert_eq!(read("/etc/relay", b"ops x", true, "/etc/relay"), (known("x"), vec![open]));
    for content in [&b""[..], b"ops", b"ops \nx", b" x y", b"\xff\xff x"] {
        let (login, said) = read(secret, content, false, "relay");
        assert_eq!(login, None);
        assert_eq!(said, ["smtp_login_file 'relay' has no line with a user, a blank and a password"]);
    }
    let (login, said) = read(secret, &[b'x'; 1025], false, "relay");
    assert_eq!((login, said), (None, vec!["smtp_login_file 'relay' is too large".to_string()]));
}

#[test]
fn a_mail_server_needs_a_port_that_exists() {
    let loaded = global("smtp_server 127.0.0.1\nsmtp_server 127.0.0.1 70000");
    assert_eq!(words(&loaded), ["Invalid smtp server 127.0.0.1 70000"]);
    assert_eq!(loaded.config.global.mail.server, None, "the last line counts");
    let loaded = global("smtp_connect_timeout 0");
    assert_eq!(loaded.config.global.mail.timeout, Some(Micros::from_secs(1)));
    assert_eq!(loaded.test_exit_code(), 5);
}

#[test]
fn processes() {
    let processes = means(
        "vrrp_priority -5\nchecker_no_swap\nbfd_rt_priority 50\nvrrp_cpu_affinity 0 1\nchecker_rlimit_rtime 1\n\
         max_auto_priority\nmin_auto_priority_delay 5",
    )
    .processes;
    assert_eq!((processes.vrrp.priority, processes.check.no_swap), (-5, true));
    assert_eq!(processes.bfd.rt_priority, Some(50));
    assert_eq!(processes.vrrp.cpu_affinity, BTreeSet::from([0, 1]));
    assert_eq!(processes.check.rlimit_rttime, Some(Micros(2)), "half of it must not be 0");
    assert_eq!((processes.max_auto_priority, processes.min_auto_priority_delay), (99, Some(Micros(5))));
}

#[test]
fn processes_out_of_range() {
    for (line, text) in [
        ("vrrp_priority", "No vrrp process priority specified"),
        ("bfd_rt_priority 0", "bfd process real-time priority 0 less than minimum 1 - setting to minimum"),
        (
            "checker_rt_priority 100",
            "checker process real-time priority 100 greater than maximum 99 - setting to maximum",
        ),
        ("vrrp_cpu_affinity 0 99", "number '99' outside range [0, 1]"),
        ("vrrp_rlimit_rttime 0", "number '0' outside range [1, 4294967295]"),
    ] {
        assert_eq!(words(&global(line)), [text], "{line}");
    }
    let loaded = global("vrrp_cpu_affinity 0\nvrrp_cpu_affinity 1 99\nchecker_rt_priority 100");
    assert!(loaded.config.global.processes.vrrp.cpu_affinity.is_empty());
    assert_eq!(loaded.config.global.processes.check.rt_priority, Some(99));
}

#[test]
fn lvs() {
    let lvs = means(
        "lvs_timeouts tcp 5 udp 7\nlvs_flush\nlvs_flush_onstop VS\nrs_init_notifies\nchecker_log_all_failures\n\
         lvs_sync_daemon eth0 inst V id 0 maxlen 1000 port 80 ttl 5 group 224.0.0.81",
    )
    .lvs;
    assert_eq!((lvs.tcp_timeout, lvs.tcp_fin_timeout, lvs.udp_timeout), (Some(5), None, Some(7)));
    assert!(lvs.flush && lvs.init_notifies && lvs.log_all_failures);
    assert_eq!(lvs.flush_on_stop, FlushOnStop::Services);
    let daemon = lvs.sync_daemon.unwrap();
    assert_eq!((daemon.interface.as_str(), daemon.instance.as_deref(), daemon.id), ("eth0", Some("V"), Some(0)));
    assert_eq!((daemon.max_len, daemon.port, daemon.ttl), (Some(1000), Some(80), Some(5)));
    assert_eq!(daemon.group, "224.0.0.81".parse().ok());
}

#[test]
fn the_old_form_of_the_sync_daemon() {
    let loaded = global("lvs_sync_daemon eth0 V 5 foo\nlvs_sync_daemon eth1");
    assert_eq!(
        words(&loaded),
        [
            "Please use keyword \"id\" before lvs_sync_daemon SYNCID",
            "Unknown option foo specified for lvs_sync_daemon",
            "lvs_sync_daemon has already been specified as eth0 V - ignoring",
        ]
    );
    let daemon = loaded.config.global.lvs.sync_daemon.unwrap();
    assert_eq!((daemon.instance.as_deref(), daemon.id), (Some("V"), Some(5)));
}

#[test]
fn firewall() {
    let firewall =
        means("nftables_priority 5\nnftables\nnftables_ipvs mine\nnftables_ipvs_priority 7\nnftables_counters")
            .firewall;
    assert_eq!(
        (firewall.table.as_deref(), firewall.priority),
        (Some("keepalived"), None),
        "it counts from nftables on"
    );
    assert_eq!((firewall.ipvs_table.as_deref(), firewall.ipvs_priority), (Some("mine"), Some(7)));
    assert!(firewall.counters && !firewall.ifindex);
    let loaded = global("vrrp_iptables IN OUT\nvrrp_ipsets a b\nnftables");
    assert_eq!(words(&loaded)[1..], ["Unknown keyword 'vrrp_ipsets'", "nftables already specified - ignoring"]);
    assert_eq!(loaded.config.global.firewall.table.as_deref(), Some("keepalived"));
}

#[test]
fn defaults_of_instances() {
    let vrrp = means(
        "vrrp_garp_extra_if all 5\nvrrp_notify_priority_changes\ndisable_local_igmp\ndynamic_interfaces allow_if_changes\n\
         vmac_prefix v\nvrrp_rx_bufs_multiplier 2\nvrrp_version 3\nvrrp_strict\ndefault_interface eth1\n\
         vrrp_garp_master_delay 3\nvrrp_mcast_group4 224.0.0.99",
    )
    .vrrp;
    assert_eq!(vrrp.garp_extra, Some(GarpExtra { all: true, period: Micros::from_secs(5) }));
    assert!(vrrp.notify_priority_changes && vrrp.disable_local_igmp && vrrp.allow_if_changes && vrrp.strict);
    assert_eq!((vrrp.vmac_prefix.as_deref(), vrrp.rx_bufs_multiplier), (Some("v"), 2));
    assert_eq!(vrrp.default_interface.unwrap().as_str(), "eth1");
    assert_eq!(vrrp.garp.master_delay, Micros::from_secs(3));
    assert_eq!(vrrp.group4.to_string(), "224.0.0.99");
}

#[test]
fn the_kernel_decides_about_local_igmp() {
    let env = Fake { local_igmp: false, ..Fake::default() };
    let loaded = load_for(&env, "global_defs {\ndisable_local_igmp\n}\n");
    assert_eq!(words(&loaded), ["kernel does not support /proc/sys/net/ipv4/igmp_link_local_mcast_reports"]);
    assert!(!loaded.config.global.vrrp.disable_local_igmp);
}

#[test]
fn receive_buffers() {
    assert_eq!(means("vrrp_rx_bufs_policy advert").vrrp.rx_bufs, RxBuffers::Advert);
    for (lines, buffers, text) in [
        (
            "vrrp_rx_bufs_policy MTU\nvrrp_rx_bufs_policy ADVERT",
            RxBuffers::Mtu,
            "Cannot set both vrrp_rx_bufs_policy MTU and ADVERT, ignoring ADVERT",
        ),
        (
            "vrrp_rx_bufs_policy 100 mtu",
            RxBuffers::Size(100),
            "Cannot set vrrp_rx_bufs_policy size and policy, ignoring policy",
        ),
        ("vrrp_rx_bufs_policy MTU 100", RxBuffers::Mtu, "Invalid vrrp_rx_bufs_policy 100"),
    ] {
        let loaded = global(lines);
        assert_eq!((words(&loaded), loaded.config.global.vrrp.rx_bufs), (vec![text], buffers), "{lines}");
    }
    let netlink =
        means("vrrp_netlink_cmd_rcv_bufs 5\nvrrp_netlink_cmd_rcv_bufs 0\nlvs_netlink_monitor_rcv_bufs_force").netlink;
    assert_eq!((netlink.vrrp_command.size, netlink.lvs_monitor.force), (5, true));
}

#[test]
fn windows_reload_and_files() {
    let global = means(
        "snmp_socket unix:/x\nenable_snmp_rfc\nenable_snmp_keepalived\nsnmp_vs_stats_update_interval 0.5\nenable_dbus\n\
         dbus_service_name a.b\nreload_check_config\nreload_time_file /t\nreload_file\nreload_repeat\njson_version 2\n\
         config_save_dir /save/\nstate_dump_file /s\nrandom_seed 5\numask 027",
    );
    assert_eq!(global.snmp.socket.as_deref(), Some("unix:/x"));
    assert!(global.snmp.rfc_v2 && global.snmp.rfc_v3 && global.snmp.vrrp && global.dbus.enabled);
    assert_eq!(global.snmp.vs_stats_interval, Some(Micros(500_000)));
    assert_eq!((global.reload.check, global.reload.time_file), (Some("/dev/null".into()), Some("/t".into())));
    assert_eq!((global.reload.marker, global.reload.repeat), (Some(None), true));
    assert_eq!((global.files.json_v2, global.files.config_save_dir), (true, Some("/save".into())));
    assert_eq!((global.files.state_dump_file, global.random_seed), (Some("/s".into()), Some(5)));
    assert_eq!(global.umask, Some(0o027));
}

#[test]
fn the_first_one_stays() {
    for (lines, text) in [
        ("snmp_socket a\nsnmp_socket b", "SNMP socket already set to a - ignoring"),
        ("vmac_prefix a\nvmac_prefix b", "vmac prefix has already been specified - ignoring b"),
        ("tmp_config_directory /a\ntmp_config_directory /b", "tmp_config_directory already specified - ignoring"),
        ("notify_fifo /a\nnotify_fifo /b", "notify_fifo already specified - ignoring /b"),
        ("nftables\nnftables", "nftables already specified - ignoring"),
    ] {
        assert_eq!(words(&global(lines)), [text], "{lines}");
    }
}

#[test]
fn settings_outside_blocks() {
    let loaded = read("net_namespace_ipvs\nnamespace_with_ipsets\nlinkbeat_use_polling\n");
    let global = &loaded.config.global;
    assert_eq!((loaded.test_exit_code(), global.lvs.namespace.clone()), (0, Some(None)));
    assert!(global.namespace_with_ipsets && global.vrrp.linkbeat_use_polling);
    assert_eq!(read("net_namespace_ipvs \"\"\n").config.global.lvs.namespace, Some(None));
    let loaded = read("net_namespace_ipvs x\nnet_namespace_ipvs y\n");
    assert_eq!(words(&loaded), ["Duplicate net_namespace_ipvs definition y - ignoring"]);
    assert_eq!(loaded.config.global.lvs.namespace, Some(Some("x".into())));
    assert_eq!(read("net_namespace_ipvs\nnet_namespace_ipvs\n").test_exit_code(), 2);
}

#[test]
fn named_pipes_have_owners_and_readers() {
    let mut env = Fake::default();
    let command = found("/bin/ok");
    env.commands.insert("ok".into(), command);
    let instance = "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress {\n10.9.9.8\n}\n}\n";
    let load = |lines: &str| load_for(&env, format!("global_defs {{\n{lines}\n}}\n{instance}"));
    let loaded = load(
        "enable_script_security\nscript_user nobody\nvrrp_notify_fifo /v root\nvrrp_notify_fifo_script ok\n\
         lvs_notify_fifo /l\nfifo_write_vrrp_states_on_reload",
    );
    assert_eq!(words(&loaded), Vec::<&str>::new());
    let fifos = &loaded.config.global.fifos;
    let vrrp = fifos.vrrp.as_ref().unwrap();
    assert_eq!((vrrp.path.to_str(), vrrp.uid), (Some("/v"), 0));
    let script = vrrp.script.as_ref().unwrap();
    assert_eq!((script.argv[0].to_str(), script.uid), (Some("/bin/ok"), 65534), "its path was looked for");
    assert_eq!(fifos.lvs.as_ref().map(|fifo| fifo.uid), Some(65534));
    assert!(fifos.states_on_reload && fifos.all.is_none());
    assert_eq!(loaded.config.global.scripts.default_identity, Some((65534, 65534)));

    let loaded = load("notify_fifo /a\nnotify_fifo_script ok");
    assert_eq!(loaded.test_exit_code(), 6, "a script runs without script security");
    let loaded = load("notify_fifo /a\nvrrp_notify_fifo /a\nlvs_notify_fifo /a nosuchuser");
    assert_eq!(loaded.test_exit_code(), 0);
    let fifos = &loaded.config.global.fifos;
    assert!(fifos.all.is_some() && fifos.vrrp.is_none() && fifos.lvs.is_none());
}

#[test]
fn one_pipe_has_one_reader() {
    let mut env = Fake::default();
    env.users.insert("keepalived_script".into(), Identity { uid: 7, gid: 7, further_groups: false });
    let lines = "vrrp_notify_fifo /a\nlvs_notify_fifo /a\nvrrp_notify_fifo_script /x\nlvs_notify_fifo_script /y";
    let fifos = load_for(&env, format!("global_defs {{\n{lines}\n}}\n")).config.global.fifos;
    assert!(fifos.vrrp.unwrap().script.is_some() && fifos.lvs.unwrap().script.is_none());
}

#[test]
fn neither_yes_nor_no() {
    for (line, text) in [
        ("smtp_alert maybe", "Invalid value 'maybe' for global smtp_alert specified"),
        ("use_symlink_paths x", "Invalid value 'x' for global use_symlink_path specified"),
        ("vrrp_min_garp x", "Invalid value for vrrp_min_garp specified"),
        ("set_supplementary_groups x", "Invalid set_supplementary_groups parameter x"),
    ] {
        assert_eq!(words(&global(line)), [text], "{line}");
    }
}

#[test]
fn vrrp_min_garp_changes_what_was_the_default_when_it_was_read() {
    for (lines, delay, repeat, refresh_repeat) in [
        ("vrrp_min_garp", 0, 1, 0),
        ("vrrp_min_garp off", 5, 5, 1),
        (
            "vrrp_min_garp\nvrrp_garp_master_delay 5\nvrrp_garp_master_repeat 5\nvrrp_garp_master_refresh_repeat 1",
            5,
            5,
            1,
        ),
        ("vrrp_garp_master_delay 5\nvrrp_garp_master_repeat 5\nvrrp_min_garp on", 0, 1, 0),
        (
            "vrrp_garp_master_delay 6\nvrrp_garp_master_repeat 2\nvrrp_garp_master_refresh_repeat 3\nvrrp_min_garp",
            6,
            2,
            3,
        ),
    ] {
        let garp = global(lines).config.global.vrrp.garp;
        assert_eq!(garp.master_delay, Micros::from_secs(delay), "{lines}");
        assert_eq!((garp.master_repeat, garp.master_refresh_repeat), (repeat, refresh_repeat), "{lines}");
        assert_eq!((garp.lower_prio_delay, garp.lower_prio_repeat), (garp.master_delay, repeat), "{lines}");
    }
}

/// A configuration with two instances, lines of `global_defs`, and more lines in the second instance.
fn with_instances(global: &str, second: &str) -> Loaded {
    let instance = |name: &str, vrid: u8, more: &str| {
        format!(
            "vrrp_instance {name} {{\ninterface eth0\nvirtual_router_id {vrid}\npriority 100\n{more}\n\
             virtual_ipaddress {{\n10.0.0.{vrid}\n}}\n}}\n"
        )
    };
    read(format!("global_defs {{\n{global}\n}}\n{}{}", instance("V", 7, ""), instance("W", 8, second)))
}

#[test]
fn the_vrrp_process_has_the_sync_daemon_of_an_instance_that_exists() {
    let follows = |global: &str, second: &str| with_instances(global, second).config.vrrp.sync_daemon;
    let daemon = follows("lvs_sync_daemon eth1 inst V ttl 5", "").unwrap();
    assert_eq!((daemon.instance.as_deref(), daemon.id, daemon.ttl), (Some("V"), None, Some(5)));
    assert_eq!(follows("lvs_sync_daemon eth1", ""), None, "that one runs in both roles, whoever is master");
    let daemon = follows("", "lvs_sync_daemon_interface eth2").unwrap();
    assert_eq!((daemon.interface.as_str(), daemon.instance.as_deref(), daemon.id), ("eth2", Some("W"), Some(0)));
    let loaded = with_instances("lvs_sync_daemon eth1 inst X", "");
    assert_eq!(loaded.config.vrrp.sync_daemon, None);
    assert!(words(&loaded).is_empty(), "keepalived says it when it runs, and no -t counts it");
    let said = "Unable to find vrrp instance X for lvs_syncd - clearing lvs_syncd config";
    assert!(loaded.diagnostics.iter().any(|it| it.text == said));
}
