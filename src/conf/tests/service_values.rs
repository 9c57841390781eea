//! Virtual servers: the values that come of what is written, of defaults and of inheritance.

use std::net::IpAddr;

use super::*;
use crate::model::check::{
    Forwarding, GroupEntry, Persistence, Protocol, Service, Tunnel, TunnelChecksum, TunnelKind, VirtualServer,
};
use crate::model::{Family, Micros};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The virtual servers of a text without faults.
fn all(text: &str) -> Vec<VirtualServer> {
    let loaded = read(text);
    assert_eq!(words(&loaded), Vec::<&str>::new(), "{text}");
    loaded.config.check.virtual_servers
}

fn one(lines: &str) -> VirtualServer {
    let text = format!(
        "virtual_server 10.0.0.1 80 {{\nprotocol TCP\nlvs_sched rr\nlvs_method NAT\n{lines}\nreal_server 10.0.0.2 {{\n}}\n}}\n"
    );
    all(&text).remove(0)
}

#[test]
fn defaults() {
    let got = one("");
    assert_eq!(got.service, Service::Address { ip: ip("10.0.0.1"), port: 80 });
    assert_eq!((got.family, got.protocol), (Some(Family::V4), Some(Protocol::Tcp)));
    assert_eq!((got.delay_loop, got.connect_timeout), (Micros::from_secs(60), Micros::from_secs(5)));
    assert_eq!((got.retry, got.delay_before_retry, got.warmup), (None, None, None));
    assert_eq!((got.weight, got.quorum, got.hysteresis), (1, 1, 0));
    assert!(got.persistence.is_none() && got.sorry_server.is_none() && !got.smtp_alert);
    let server = &got.real_servers[0];
    assert_eq!((server.ip, server.port, server.weight), (ip("10.0.0.2"), 80, 1));
    assert_eq!((server.forwarding, server.checkers.len()), (Forwarding::Nat, 0));
    assert!(server.smtp_alert && !server.alpha && !server.inhibit_on_failure);
}

#[test]
fn mails_follow_the_global_setting() {
    let text = "global_defs {\nsmtp_alert_checker no\nsmtp_alert\n}\nvirtual_server 10.0.0.1 80 {\nprotocol TCP\n\
                lvs_sched rr\nlvs_method NAT\nsmtp_alert\nreal_server 10.0.0.2 80 {\n}\n}\n";
    let got = all(text).remove(0);
    assert_eq!((got.smtp_alert, got.real_servers[0].smtp_alert), (true, false));
}

#[test]
fn persistence() {
    let of = |lines: &str| one(lines).persistence;
    let with = |timeout, granularity, engine: Option<&str>| {
        Some(Persistence { timeout, granularity, engine: engine.map(str::to_string) })
    };
    assert_eq!(of("persistence_timeout"), with(360, None, None));
    assert_eq!(of("persistence_timeout 50\npersistence_engine sip"), with(50, None, Some("sip")));
    assert_eq!(of("persistence_granularity 255.255.255.0"), with(360, Some(0xffff_ff00), None));
    assert_eq!(of("persistence_granularity 255.255.255.255"), with(360, None, None));
    assert_eq!(of("persistence_granularity 0xff.1"), with(360, Some(0xff00_0001), None));
    assert_eq!(of("persistence_engine sip"), None);
}

#[test]
fn flags_go_with_the_scheduler() {
    let flags = |lines: &str| {
        let got = one(lines);
        (got.scheduler, got.flags.one, got.flags.two, got.flags.three)
    };
    assert_eq!(flags("lvs_sched sh\nsh-port\nmh-fallback"), ("sh".into(), false, true, false));
    assert_eq!(flags("lvs_sched mh\nmh-port\nmh-fallback"), ("mh".into(), true, true, false));
    assert_eq!(flags("flag-1\nflag-3"), ("rr".into(), true, false, true));
}

#[test]
fn servers_forward_as_the_service_does_when_they_are_read() {
    let text = "virtual_server 10.0.0.1 80 {\nprotocol TCP\nlvs_sched rr\nlvs_method TUN type gre csum\n\
                sorry_server ::9\nreal_server ::1 80 {\n}\nreal_server 10.0.0.3 80 {\nlvs_method DR\n}\n\
                lvs_method NAT\nreal_server 10.0.0.4 8080 {\nweight 3\n}\n}\n";
    let got = all(text).remove(0);
    let gre = Tunnel { kind: TunnelKind::Gre, port: 0, checksum: TunnelChecksum::Full };
    let forwarding: Vec<Forwarding> = got.real_servers.iter().map(|it| it.forwarding).collect();
    assert_eq!(forwarding, [Forwarding::Tun(gre), Forwarding::Dr, Forwarding::Nat]);
    let sorry = got.sorry_server.unwrap();
    assert_eq!((sorry.forwarding, sorry.port), (Forwarding::Tun(gre), 80));
    assert_eq!((got.forwarding, got.real_servers[2].port), (Forwarding::Nat, 8080));
}

#[test]
fn a_bad_option_keeps_the_method_and_not_the_tunnel() {
    let text = "virtual_server 10.0.0.1 80 {\nprotocol TCP\nlvs_sched rr\nlvs_method NAT type gre\n\
                real_server 10.0.0.2 80 {\nlvs_method TUN bogus\n}\n}\n";
    let got = read(text).config.check.virtual_servers.remove(0);
    let gre = Tunnel { kind: TunnelKind::Gre, ..Tunnel::default() };
    assert_eq!(got.real_servers[0].forwarding, Forwarding::Tun(gre));
}

#[test]
fn families_of_marks() {
    let family = |lines: &str| {
        let text = format!("virtual_server fwmark 5 {{\nlvs_sched rr\nlvs_method TUN\n{lines}\n}}\n");
        all(&text).remove(0).family
    };
    assert_eq!(family("real_server ::1 {\n}\nreal_server ::2 {\n}"), Some(Family::V6));
    assert_eq!(family("real_server ::1 {\n}\nreal_server 10.0.0.1 {\n}"), Some(Family::V4));
    assert_eq!(family("ip_family inet6\nreal_server 10.0.0.1 {\n}"), Some(Family::V6));
    assert_eq!(family("real_server ::1 {\n}\nreal_server 10.0.0.1 {\nlvs_method NAT\n}"), Some(Family::V4));
}

#[test]
fn groups_and_those_who_use_them() {
    let text = "virtual_server group G {\nprotocol TCP\nlvs_sched rr\nlvs_method NAT\nreal_server 10.0.0.9 {\n}\n}\n\
                virtual_server_group G {\n10.0.0.1-3 80\n10.1.0.0/30\nfwmark 7 inet\n}\n\
                virtual_server_group G {\n10.0.0.8 90\n}\n\
                virtual_server group G {\nprotocol UDP\nlvs_sched rr\nlvs_method NAT\nreal_server 10.0.0.9 53 {\n}\n}\n";
    let loaded = read(text);
    let zero = |index| format!("Virtual server [G]:{index}: zero port only valid for persistent services - setting");
    assert_eq!(words(&loaded), [zero(0), zero(1)]);
    let check = loaded.config.check;
    let range = |first: &str, last: &str, port| GroupEntry::Range { first: ip(first), last: ip(last), port };
    let expected =
        [range("10.0.0.1", "10.0.0.3", 80), range("10.1.0.0", "10.1.0.3", 0), GroupEntry::Mark(7, Some(Family::V4))];
    assert_eq!(check.groups[0].entries, expected);
    let [first, second] = &check.virtual_servers[..] else {
        panic!("{check:?}");
    };
    assert_eq!(first.service, Service::Group { name: "G".into(), index: 0 });
    assert_eq!(second.service, Service::Group { name: "G".into(), index: 1 });
    assert_eq!((first.family, first.real_servers[0].port), (Some(Family::V4), 0));
}

#[test]
fn material_of_ssl() {
    let loaded = read("SSL {\npassword p\nca /a\ncertificate /c\nkey /k\n}\n");
    let ssl = loaded.config.check.ssl.unwrap();
    assert_eq!(ssl.password.unwrap().expose(), b"p");
    assert_eq!((ssl.ca, ssl.certificate, ssl.key), (Some("/a".into()), Some("/c".into()), Some("/k".into())));
}
