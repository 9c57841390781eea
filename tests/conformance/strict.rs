//! What strict mode makes of a configuration, from the file to the packets.

use keepalived_rs::model::hmac::HmacMode;
use keepalived_rs::model::{Auth, Micros, Version};

use crate::bench::{HIGH, Router, SECOND, VIP, VIP_V6, configured, instance, only};
use crate::packet::Crafted;

fn strict(lines: &str) -> String {
    instance(&format!("strict_mode\n{lines}"), VIP)
}

#[test]
fn the_state_follows_the_priority() {
    assert!(!only(&strict("state MASTER\npriority 100")).start_as_master);
    assert!(only(&strict("state BACKUP\npriority 255")).start_as_master);
}

#[test]
fn passwords_are_removed_and_signatures_enforced() {
    for kind in ["PASS", "AH"] {
        let text = strict(&format!("version 2\nauthentication {{\nauth_type {kind}\nauth_pass x\n}}"));
        assert_eq!(only(&text).auth, Auth::None, "{kind}");
        assert!(configured(&text).1.iter().any(|line| line.contains("Strict mode does not support authentication")));
    }
    let key = "0123456789abcdef0123456789abcdef";
    let hmac = only(&strict(&format!("auth_hmac {{\nkey 1 {key}\nactive_key 1\nmode permissive\n}}")));
    let Auth::Hmac(hmac) = hmac.auth else { panic!("a signature") };
    assert_eq!(hmac.mode, HmacMode::Enforce);
}

#[test]
fn ipv6_is_version_3() {
    assert_eq!(only(&instance("strict_mode\nversion 2", VIP_V6)).version, Version::V3);
}

#[test]
fn unicast_is_refused_where_multicast_can_be_had() {
    let (config, lines) = configured(&strict("unicast_peer {\n10.0.0.9\n}"));
    assert!(config.instances.is_empty(), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("trict")), "{lines:?}");
}

#[test]
fn timers_are_the_rfc_s() {
    let got = only(&strict("preempt_delay 5\ndown_timer_adverts 5\nstate BACKUP"));
    assert_eq!((got.preempt_delay, got.down_timer_adverts), (Micros::ZERO, 3));
}

#[test]
fn a_weaker_master_is_not_answered() {
    let mut router = Router::master(&strict("version 3\npriority 100\ngarp_lower_prio_repeat 3"));
    router.hear(&Crafted::v3(HIGH, 50, 100));
    router.wait(Micros::from_millis(100));
    assert!(router.is_master() && router.sent.is_empty() && router.announced.is_empty());
}

#[test]
fn a_stronger_master_is_not_answered() {
    let mut router = Router::master(&strict("version 3\npriority 100\nhigher_prio_send_advert"));
    router.hear(&Crafted::v3(HIGH, 200, 100));
    assert!(router.is_backup() && router.sent.is_empty());
}

#[test]
fn an_owner_ignores_adverts() {
    let mut router = Router::started(&strict("version 3\npriority 255"));
    router.wait(SECOND);
    router.hear(&Crafted::v3(HIGH, 255, 100));
    assert!(router.is_master());
}

#[test]
fn an_instance_without_address_is_no_configuration() {
    let text = "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\nstrict_mode\nno_virtual_ipaddress\n}\n";
    assert!(configured(text).0.instances.is_empty());
}
