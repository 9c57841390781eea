//! Settings of instances that few files have: own interfaces, authentication, extras.

use super::*;
use crate::conf::environment::{KeyFile, Stacked};
use crate::model::hmac::{AntiReplay, HmacMode};
use crate::model::macvlan::{IpvlanMode, OwnLink};
use crate::model::{Auth, Instance, Micros};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn only(loaded: &Loaded) -> &Instance {
    &loaded.config.vrrp.instances[0]
}

fn says(lines: &str, expected: &[&str]) -> Loaded {
    let loaded = with(lines);
    assert_eq!(words(&loaded), expected, "{lines}");
    loaded
}

#[test]
fn a_virtual_mac() {
    let loaded = says("use_vmac name vrrp9 02:00:00:00:00 group 0x10 netlink_notify_msg\nuse_vmac_addr", &[]);
    let Some(OwnLink::Macvlan(link)) = &only(&loaded).own_link else {
        panic!("no macvlan");
    };
    assert_eq!(link.name.as_ref().unwrap().as_str(), "vrrp9");
    assert_eq!(link.mac, Some([2, 0, 0, 0, 0, 5]), "five octets and the VRID");
    assert_eq!(link.group, Some(16));
    assert!(link.netlink_notify && link.mac_ends_with_vrid && !link.xmit_base);
    for (words_of_it, expected) in [
        ("01:00:00:00:00:01", "VMAC MAC address is multicast 01:00:00:00:00:01 - ignoring"),
        ("00:00:5e:00:01:05", "VMAC MAC address not allowed to be RFC5798 address (00:00:5e:00:01:05) - ignoring"),
        ("02:00:00:00", "VMAC invalid MAC address 02:00:00:00 - ignored"),
        ("zz:00", "VMAC invalid MAC address zz:00"),
        ("x y", "VMAC interface name already specified"),
        ("a/b", "VMAC interface name 'a/b' too long or invalid characters - ignoring"),
        ("group nothing", "VMAC group nothing not found"),
        ("eth1", "(V) interface eth1 already exists and is not a private macvlan; ignoring vmac if_name"),
    ] {
        says(&format!("use_vmac {words_of_it}"), &[expected]);
    }
    let mut env = Fake::default();
    env.stacked.insert("eth1".into(), Stacked::PrivateMacvlan);
    let text =
        "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress {\n10.9.9.8\n}\nuse_vmac eth1\n}";
    assert_eq!(load_for(&env, text).test_exit_code(), 0, "one that an instance can take over");
}

#[test]
fn what_is_said_without_an_own_interface_is_kept() {
    let plain = only(&says("", &[])).extras.clone();
    assert!(!plain.macvlans_for_addresses && !plain.no_virtual_ipaddress && !plain.unicast_asked);
    let extras = only(&says("use_vmac_addr\nno_virtual_ipaddress\nunicast_peer {\n10.0.0.2\n}", &[])).extras.clone();
    assert!(extras.macvlans_for_addresses && extras.no_virtual_ipaddress && extras.unicast_asked);
}

#[test]
fn own_interfaces_and_other_settings() {
    let vmac = "use_vmac\npromote_secondaries";
    let loaded = says(vmac, &["(V) promote_secondaries is automatically set for vmacs - ignoring"]);
    assert!(!only(&loaded).extras.promote_secondaries);
    says("vmac_xmit_base", &["(V) vmac_xmit_base is only valid with a vmac"]);
    let strict = "strict_mode\nuse_vmac 02:00:00:00:00:01\nvmac_xmit_base";
    let loaded = says(
        strict,
        &[
            "(V): cannot specify MAC address with strict mode - clearing",
            "(V) xmit_base is incompatible with strict mode - resetting",
        ],
    );
    let Some(OwnLink::Macvlan(link)) = &only(&loaded).own_link else {
        panic!("no macvlan");
    };
    assert!(link.mac.is_none() && !link.xmit_base);
    let unicast = "use_vmac\nunicast_peer {\n10.9.9.2\n}";
    let loaded = says(unicast, &["(V) unicast with use_vmac requires vmac_xmit_base - setting"]);
    assert!(matches!(&only(&loaded).own_link, Some(OwnLink::Macvlan(link)) if link.xmit_base));
    let taken = "use_vmac v.1\n}\nvrrp_instance W {\ninterface eth0\nvirtual_router_id 6\nvirtual_ipaddress {\n10.9.9.9\n}\n\
                 use_vmac v.1";
    says(taken, &["(W) VRRP instance V is already using v.1 - ignoring name"]);
}

#[test]
fn an_ipvlan() {
    let loaded = says("use_ipvlan ipv5 10.9.9.1/24 vepa", &[]);
    let Some(OwnLink::Ipvlan(link)) = &only(&loaded).own_link else {
        panic!("no ipvlan");
    };
    assert_eq!((link.mode, link.address), (IpvlanMode::Vepa, Some(("10.9.9.1".parse().unwrap(), 24))));
    assert_eq!(only(&loaded).source, Some("10.9.9.1".parse().unwrap()), "it is the source as well");
    let text = "(V) IPv4 ipvlan requires a source ip address to be configured. setting instance to fault state";
    let loaded = says("use_ipvlan", &[text]);
    assert!(only(&loaded).config_fault.is_some());
    says("use_ipvlan 10.9.9.1\nuse_ipvlan", &["(V) use_ipvlan already specified"]);
    says("use_ipvlan 10.9.9.1 bridge vepa", &["(V) ipvlan type already specified - ignoring 'vepa'"]);
    says("use_ipvlan 10.9.9.1 10.9.9.2", &["(V) ipvlan address already specified - ignoring '10.9.9.2'"]);
}

fn hmac(lines: &str) -> String {
    format!("auth_hmac {{\nkey 1 {KEY}\nactive_key 1\n{lines}\n}}")
}

#[test]
fn hmac_values() {
    let loaded = says(&hmac(&format!("key 2 hex:{}\nmode permissive", "0A".repeat(32))), &[]);
    let Auth::Hmac(got) = &only(&loaded).auth else {
        panic!("no hmac");
    };
    assert_eq!(got.keys[0].1.expose(), KEY.as_bytes());
    assert_eq!(got.keys[1].1.expose(), [10; 32]);
    assert_eq!((got.active, got.mode, got.anti_replay), (1, HmacMode::Permissive, AntiReplay::Time));
    assert_eq!(got.time_window, Micros::from_secs(5), "three intervals, at least five seconds");
    let window = |lines: &str| match &only(&with(&(hmac("") + lines))).auth {
        Auth::Hmac(it) => it.time_window,
        other => panic!("{other:?}"),
    };
    assert_eq!(window("\nadvert_int 10"), Micros::from_secs(30));
    assert_eq!(window("\nadvert_int 255"), Micros::from_secs(300));
    assert_eq!(only(&loaded).config_fault, None);
}

#[test]
fn hmac_complaints() {
    let undefined = "(V) auth_hmac active_key 0 is not defined, disabling extension";
    says("auth_hmac {\n}", &[undefined]);
    says("auth_hmac {\nkey 1\n}", &["(V) auth_hmac key needs an id and a value", undefined]);
    says("auth_hmac {\nkey 1 short\n}", &["(V) auth_hmac key 1 length 5 not in range [32, 64]", undefined]);
    says(&hmac("active_key 9"), &["(V) auth_hmac active_key 9 is not defined, disabling extension"]);
    says(&hmac(&format!("key 1 {KEY}")), &["(V) duplicate auth_hmac key id 1"]);
    says(&hmac("mode x"), &["(V) auth_hmac mode 'x' must be enforce, permissive or receive-only"]);
    says(&hmac("anti_replay x"), &["(V) auth_hmac anti_replay 'x' must be time or monotonic"]);
    let both = hmac("") + "\nauthentication {\nauth_type PASS\nauth_pass x\n}";
    says(&both, &["(V) auth_hmac cannot be combined with authentication, dropping legacy auth"]);
    let strict = hmac("mode permissive") + "\nstrict_mode";
    says(&strict, &["(V) strict mode requires auth_hmac mode enforce"]);
}

#[test]
fn keys_in_files() {
    let mut env = Fake::default();
    let file = |content: &str, open_to_others| KeyFile { content: content.as_bytes().to_vec(), open_to_others };
    env.key_files.insert("/etc/key".into(), file(&format!("{KEY}\r\n"), false));
    env.key_files.insert("/etc/open".into(), file(KEY, true));
    env.key_files.insert("/etc/long".into(), file(&"a".repeat(139), false));
    let of = |path: &str| {
        let text = format!(
            "vrrp_instance V {{\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress {{\n10.9.9.8\n}}\n\
             auth_hmac {{\nkey 1 file:{path}\nactive_key 1\n}}\n}}\n"
        );
        load_for(&env, text)
    };
    assert_eq!(words(&of("/etc/key")), Vec::<&str>::new());
    assert!(matches!(&only(&of("/etc/key")).auth, Auth::Hmac(it) if it.keys[0].1.expose() == KEY.as_bytes()));
    let open = of("/etc/open");
    assert_eq!(words(&open), ["(V) auth_hmac key file '/etc/open' is readable by group or others"]);
    assert_eq!(open.test_exit_code(), 6);
    assert!(matches!(only(&open).auth, Auth::Hmac(_)), "it is used all the same");
    assert!(words(&of("/etc/long"))[0].ends_with("is too large"));
    assert!(words(&of("/etc/none"))[0].ends_with("cannot be opened"));
}

#[test]
fn ah_starts_as_backup() {
    let auth = "state MASTER\npriority 9\nauthentication {\nauth_type AH\nauth_pass x\n}";
    let loaded = says(auth, &["(V) Initial state master is incompatible with AH authentication - clearing"]);
    assert!(!only(&loaded).start_as_master);
    assert!(matches!(only(&loaded).auth, Auth::Ah(_)));
}

#[test]
fn extras() {
    let loaded = says(
        "nopreempt\ntimer_expired_backup 7\nno_accept\nkernel_rx_buf_size 9000\ndebug 2\nold_unicast_checksum never\n\
         garp_extra_if all 60\nsmtp_alert off\ntrack_src_ip\nunicast_src_ip 10.9.9.1\nunicast_peer {\n10.9.9.2\n}",
        &[],
    );
    let got = &only(&loaded).extras;
    assert_eq!((got.timer_expired_backup, got.accept), (Some(7), Some(false)));
    assert_eq!((got.kernel_rx_buf_size, got.debug, got.old_unicast_checksum), (Some(9000), 2, Some(false)));
    assert_eq!(got.garp_extra.map(|it| (it.all, it.period)), Some((true, Micros::from_secs(60))));
    assert_eq!((got.smtp_alert, only(&loaded).track_source), (Some(false), true));
    assert!(!only(&with("track_src_ip")).track_source, "there is no source to track");
    for (lines, expected) in [
        ("timer_expired_backup", "(V) expired_timer_backup requires nopreempt - resetting"),
        (
            "strict_mode\naccept",
            "(V) warning - accept mode for VRRP version 2 does not comply with RFC3768 - resetting",
        ),
        ("kernel_rx_buf_size 1 2", "(V) invalid kernel_rx_buf_size specified"),
        ("garp_extra_if all", "(V): garp_extra_if specified without time - ignoring"),
        ("smtp_alert maybe", "Invalid vrrp_instance smtp_alert parameter maybe"),
        ("vrf eth1", "(V) Cannot specify VRF interface and interface - ignoring"),
        (
            "strict_mode\npriority 255\nowner_ignore_adverts off",
            "(V) strict_mode with priority 255 requires owner_ignore_adverts",
        ),
    ] {
        says(lines, &[expected]);
    }
    assert!(!only(&with("skip_check_adv_addr off")).skip_check_adv_addr);
}
