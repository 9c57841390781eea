//! What configurations mean: the values that the engine is given.

use std::net::IpAddr;

use super::*;
use crate::model::{Auth, Family, IfName, Instance, Lifetime, Micros, Transport, Version};

fn instance(lines: &str) -> Instance {
    let loaded = with(lines);
    assert_eq!(words(&loaded), Vec::<&str>::new(), "{lines}");
    loaded.config.vrrp.instances[0].clone()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn defaults() {
    let got = instance("");
    assert_eq!((got.name.as_str(), got.vrid.get(), got.priority.get()), ("V", 5, 100));
    assert_eq!((got.family, got.version), (Family::V4, Version::V2));
    assert_eq!(got.advert_interval, Micros::from_secs(1));
    assert_eq!(got.transport, Transport::Multicast { group: ip("224.0.0.18") });
    assert_eq!(got.auth, Auth::None);
    assert!(!got.start_as_master && !got.nopreempt && !got.strict && got.track_primary);
    assert_eq!((got.down_timer_adverts, got.preempt_delay), (3, Micros::ZERO));
    let garp = &got.garp;
    assert_eq!((garp.master_delay, garp.master_repeat), (Micros::from_secs(5), 5));
    assert_eq!((garp.master_refresh, garp.master_refresh_repeat), (Micros::ZERO, 1));
    assert_eq!((garp.lower_prio_delay, garp.lower_prio_repeat), (Micros::from_secs(5), 5));
    let vip = &got.vips[0];
    assert_eq!((vip.ip, vip.prefix_len, vip.interface.as_str()), (ip("10.9.9.8"), 32, "eth0"));
    assert!(vip.tracked && !vip.flags.nodad && vip.broadcast.is_none());
}

#[test]
fn state_and_priority_follow_from_each_other() {
    for (lines, priority, master) in [
        ("state MASTER", 255, true),
        ("state BACKUP", 100, false),
        ("priority 255", 255, true),
        ("priority 255\nstate BACKUP", 255, false),
        ("state MASTER\npriority 150", 150, true),
    ] {
        let got = instance(lines);
        assert_eq!((got.priority.get(), got.start_as_master), (priority, master), "{lines}");
    }
}

#[test]
fn repeated_keywords_the_last_counts() {
    assert_eq!(instance("priority 10\npriority 20").priority.get(), 20);
    let loaded = with("priority 10\npriority x");
    assert_eq!(loaded.config.vrrp.instances[0].priority.get(), 100);
}

#[test]
fn address_lines() {
    let got = instance(
        "virtual_ipaddress {\n10.9.9.9/24 dev eth1 brd + label eth1:1 scope link\n10.9.9.10/24 brd - no_track\n\
         10.9.9.11 peer 10.9.8.1 home\n}\nvirtual_ipaddress_excluded {\nfe80::5/64 -nodad\nfe80::6\n\
         2001:db8::7/64 preferred_lft 30 noprefixroute\n}",
    );
    let vips = &got.vips;
    assert_eq!(vips[1].interface, IfName::new("eth1").unwrap());
    assert_eq!(vips[1].broadcast, Some("10.9.9.255".parse().unwrap()));
    assert_eq!((vips[1].label.as_deref(), vips[1].scope), (Some("eth1:1"), 253));
    assert_eq!(vips[2].broadcast, Some("10.9.9.0".parse().unwrap()));
    assert!(!vips[2].tracked);
    assert_eq!((vips[3].peer, vips[3].prefix_len), (Some(ip("10.9.8.1")), 32));
    assert!(vips[3].flags.home);
    let excluded = &got.excluded;
    assert!(!excluded[0].flags.nodad && excluded[1].flags.nodad);
    assert_eq!((excluded[0].preferred, excluded[1].preferred), (Lifetime::Forever, Lifetime::Seconds(0)));
    assert_eq!(excluded[2].preferred, Lifetime::Seconds(30));
    assert!(excluded[2].flags.noprefixroute);
}

#[test]
fn address_faults() {
    for (line, expected, stays) in [
        ("300.1.1.1", &["VRRP parsed invalid IP 300.1.1.1. skipping IP..."][..], false),
        ("10.009.9.8", &["VRRP parsed invalid IP 10.009.9.8. skipping IP..."], false),
        (
            "10.9.9.7/255.255.255.0",
            &["Invalid address prefix len 255.255.255.0 for address 10.9.9.7/255.255.255.0 - using 32"],
            true,
        ),
        ("10.9.9.7/", &[], true),
        ("10.9.9.7 bogus", &["Unknown configuration entry 'bogus' for ip address - ignoring"], true),
        ("10.9.9.7 dev", &["No dev parameter specified for 10.9.9.7"], false),
        ("10.9.9.7 dev eth1 dev eth2", &["Cannot specify ipaddress device more than once for 10.9.9.7"], false),
        ("10.9.9.7 scope bogus", &["Invalid scope 'bogus' specified for 10.9.9.7 - ignoring"], true),
        ("10.9.9.7/31 brd +", &["Address prefix length 31 too long for broadcast"], true),
        ("10.9.9.7 brd bogus", &["VRRP is trying to assign invalid broadcast bogus. skipping VIP..."], false),
        (
            "10.9.9.7 label abcdefghijklmnop",
            &["Address label abcdefghijklmnop is longer than maximum length 15 - removing address"],
            false,
        ),
        ("10.9.9.7 peer fe80::1", &["Peer address fe80::1 does not match address family"], true),
        ("10.9.9.7/24 peer 10.9.8.1", &["Cannot specify address prefix when specifying peer address - ignoring"], true),
        ("10.9.9.7 preferred_lft -1", &["preferred_lft -1 is invalid"], true),
        (
            "10.9.9.7 track_group x",
            &[
                "Unknown configuration entry 'track_group' for ip address - ignoring",
                "Unknown configuration entry 'x' for ip address - ignoring",
            ],
            true,
        ),
        ("fe80::1", &["(V): address family must match VRRP instance [fe80::1] - ignoring"], false),
    ] {
        let loaded = with(&format!("virtual_ipaddress {{\n{line}\n}}"));
        assert_eq!(words(&loaded), expected, "{line}");
        let count = loaded.config.vrrp.instances[0].vips.len();
        assert_eq!(count, if stays { 2 } else { 1 }, "{line}");
    }
    let loaded = with("virtual_ipaddress {\n10.9.9.7 10.9.9.6\n}");
    assert_eq!(words(&loaded), ["Unknown configuration entry '10.9.9.6' for ip address - ignoring"]);
    let loaded = with("virtual_ipaddress_excluded {\nfe80::1 scope link label x brd 1.2.3.4\n}");
    assert_eq!(words(&loaded).len(), 1);
}

#[test]
fn unicast() {
    let got = instance(
        "unicast_src_ip 10.9.9.1\nunicast_ttl 5\nunicast_peer {\n10.9.9.2\n10.9.9.3 min_ttl 250 max_ttl 255\n}",
    );
    let Transport::Unicast { peers, ttl } = &got.transport else {
        panic!("not unicast");
    };
    assert_eq!((peers.len(), *ttl), (2, Some(5)));
    assert_eq!((peers[1].ip, peers[1].min_ttl, peers[1].max_ttl), (ip("10.9.9.3"), 250, 255));
    assert!(got.check_unicast_src);
    assert_eq!(got.source, Some(ip("10.9.9.1")));
    let loaded = with("unicast_peer {\n10.9.9.2\n10.9.9.2\nfe80::1\nx\n}");
    assert_eq!(words(&loaded).len(), 3);
    let loaded = with("unicast_fault_no_peer");
    assert!(loaded.config.vrrp.instances[0].config_fault.is_some());
    assert_eq!(loaded.refusal(), None);
}

#[test]
fn intervals_are_what_the_version_can_carry() {
    for (lines, micros) in [
        ("advert_int 1.5", 2_000_000),
        ("advert_int 0.3", 1_000_000),
        ("version 3\nadvert_int 0.25", 250_000),
        ("version 3\nadvert_int 0.015", 20_000),
        ("version 3\nadvert_int 40.958", 40_950_000),
        ("version 3\nadvert_int 41", 40_950_000),
        ("advert_int 255", 255_000_000),
    ] {
        assert_eq!(with(lines).config.vrrp.instances[0].advert_interval, Micros(micros), "{lines}");
    }
}

#[test]
fn passwords_are_cut_to_eight_bytes_and_never_shown() {
    let loaded = with("authentication {\nauth_type PASS\nauth_pass topsecret9\n}");
    let Auth::Pass(secret) = &loaded.config.vrrp.instances[0].auth else {
        panic!("no password");
    };
    assert_eq!(secret.expose(), b"topsecre");
    let log: Vec<String> = loaded.log_lines().map(|(_, line)| line).collect();
    let shown = format!("{:?}{}", loaded.config, log.concat());
    assert!(!shown.contains("topsec"), "{shown}");
}

#[test]
fn every_kind_of_authentication_can_be_had() {
    for (lines, ah) in [
        ("authentication {\nauth_type AH\nauth_pass x\n}", true),
        ("auth_hmac {\nkey 1 0123456789abcdef0123456789abcdef\nactive_key 1\n}", false),
    ] {
        let loaded = with(lines);
        let got = &loaded.config.vrrp.instances[0];
        assert_eq!((matches!(got.auth, Auth::Ah(_)), matches!(got.auth, Auth::Hmac(_))), (ah, !ah), "{lines}");
        assert_eq!((&got.config_fault, loaded.refusal()), (&None, None), "{lines}");
    }
}

#[test]
fn global_settings_count_wherever_they_stand() {
    let text = "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress {\n10.9.9.8\n}\n}\nglobal_defs {\n\
                vrrp_version 3\nvrrp_garp_master_repeat 2\nvrrp_garp_master_delay 1\nvrrp_down_timer_adverts 4\n\
                vrrp_mcast_group4 224.0.0.20\nvrrp_check_unicast_src\nvrrp_skip_check_adv_addr\nprocess_names\n\
                umask IRUSR|IWUSR\nrouter_id r\nvrrp_garp_interval 0.1\nvrrp_startup_delay 2\nlog_unknown_vrids\n}\n\
                garp_group {\ngarp_interval 0.2\ninterface eth1\n}\nchild_wait_time 7\ninstance i\n";
    let loaded = read(text);
    assert_eq!(words(&loaded), Vec::<&str>::new());
    let (config, got) = (&loaded.config, &loaded.config.vrrp.instances[0]);
    assert_eq!(got.version, Version::V3);
    assert_eq!((got.garp.master_repeat, got.garp.lower_prio_repeat), (2, 2));
    assert_eq!((got.garp.master_delay, got.garp.lower_prio_delay), (Micros::from_secs(1), Micros::from_secs(1)));
    assert_eq!(got.down_timer_adverts, 4);
    assert_eq!(got.transport, Transport::Multicast { group: ip("224.0.0.20") });
    assert!(got.check_unicast_src && got.skip_check_adv_addr);
    let global = &config.global;
    assert_eq!(global.process_names.vrrp.as_deref(), Some("keepalived_vrrp"));
    assert_eq!((global.umask, global.router_id.as_deref()), (Some(0o600), Some("r")));
    assert_eq!((global.child_wait_time, global.use_pid_dir), (Some(Micros::from_secs(7)), true));
    let paces = &config.vrrp.garp_paces;
    assert_eq!(paces.len(), 2);
    assert_eq!((paces[0].interfaces.len(), paces[0].garp_interval), (1, Micros(200_000)));
    assert_eq!((paces[1].interfaces.len(), paces[1].garp_interval), (0, Micros(100_000)));
    assert_eq!((config.vrrp.startup_delay, config.vrrp.log_unknown_vrids), (Micros::from_secs(2), true));
}

#[test]
fn strict_mode() {
    let got = instance("strict_mode\npriority 100");
    assert!(got.strict && got.lower_prio_no_advert && !got.higher_prio_send_advert);
    assert_eq!((got.garp.lower_prio_delay, got.garp.lower_prio_repeat), (Micros::ZERO, 0));
    let loaded = read(
        "global_defs {\nvrrp_strict\n}\nvrrp_instance V {\ninterface eth0\nvirtual_router_id 5\nstate MASTER\n\
         priority 100\npreempt_delay 3\ndown_timer_adverts 5\nvirtual_ipaddress {\n10.9.9.8\n}\n}\n",
    );
    let got = &loaded.config.vrrp.instances[0];
    assert!(!got.start_as_master && got.preempt_delay.is_zero());
    assert_eq!(got.down_timer_adverts, 3);
}

#[test]
fn members_of_a_group_start_as_backup_unless_all_are_owners() {
    let text = |priority: u8| {
        let one = "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\nstate MASTER\npriority 255\n\
                   virtual_ipaddress {\n10.9.9.8\n}\n}\n";
        let two = one.replace("V {", "W {").replace("_id 5", "_id 6").replace("9.8", "9.9");
        let two = two.replace("255", &priority.to_string());
        format!("{one}{two}vrrp_sync_group G {{\ngroup {{\nV\nW\n}}\n}}\n")
    };
    let masters = |priority| {
        let loaded = read(text(priority));
        let instances = loaded.config.vrrp.instances;
        instances.iter().map(|it| it.start_as_master).collect::<Vec<_>>()
    };
    assert_eq!(masters(255), [true, true]);
    assert_eq!(masters(100), [false, false]);
}

#[test]
fn ipv6_instances() {
    let text =
        "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress {\nfe80::9\n2001:db8::9/64\n}\n}";
    let loaded = read(text);
    let got = &loaded.config.vrrp.instances[0];
    assert_eq!((got.family, got.version), (Family::V6, Version::V3));
    assert_eq!(got.transport, Transport::Multicast { group: ip("ff02::12") });
    assert_eq!(words(&loaded), Vec::<&str>::new());
}

#[test]
fn more_addresses_than_a_packet_holds_move_to_the_excluded() {
    let many: String = (0..400).map(|n| format!("10.{}.{}.1\n", n / 200, n % 200)).collect();
    let loaded =
        read(format!("vrrp_instance V {{\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress {{\n{many}}}\n}}\n"));
    let got = &loaded.config.vrrp.instances[0];
    assert_eq!((got.vips.len(), got.excluded.len()), (255, 145));
    assert_eq!(loaded.test_exit_code(), 5);
}
