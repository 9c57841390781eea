use std::net::{IpAddr, SocketAddr};

use crate::check::event::MarkChange::{self, Add, Remove, RemoveTables};
use crate::check::event::Marked;
use crate::check::expand::{Marks, Place, dest, services, settings};
use crate::model::check::{
    Forwarding, GroupEntry, Persistence, Protocol, SchedulerFlags, ServerGroup, Service, Tunnel, VirtualServer,
};
use crate::model::ipvs::ServiceKey;
use crate::model::settings::Firewall;
use crate::model::{Family, Micros};

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn server(service: Service, protocol: Option<Protocol>) -> VirtualServer {
    VirtualServer {
        service,
        family: None,
        protocol,
        scheduler: "wlc".into(),
        flags: SchedulerFlags::default(),
        hashed: false,
        one_packet: false,
        persistence: None,
        forwarding: Forwarding::Nat,
        delay_loop: Micros::from_secs(60),
        connect_timeout: Micros::from_secs(5),
        retry: None,
        delay_before_retry: None,
        warmup: None,
        weight: 1,
        inhibit_on_failure: false,
        ha_suspend: false,
        alpha: false,
        omega: false,
        quorum: 1,
        hysteresis: 0,
        quorum_up: None,
        quorum_down: None,
        smtp_alert: false,
        virtualhost: None,
        snmp_name: None,
        sorry_server: None,
        real_servers: Vec::new(),
    }
}

fn of_group(name: &str, protocol: Protocol) -> VirtualServer {
    server(Service::Group { name: name.into(), index: 0 }, Some(protocol))
}

fn range(first: &str, last: &str, port: u16) -> GroupEntry {
    GroupEntry::Range { first: ip(first), last: ip(last), port }
}

fn group(name: &str, entries: Vec<GroupEntry>) -> ServerGroup {
    ServerGroup { name: name.into(), entries }
}

fn no_marks() -> Marks {
    Marks::new(&Firewall::default())
}

fn shown(places: &[Place]) -> Vec<String> {
    let show = |place: &Place| match place.key {
        ServiceKey::Address { protocol, ip, port } => format!("{} {ip} {port}", protocol.name()),
        ServiceKey::Mark { family, mark } => format!("mark {mark} {family:?}"),
    };
    places.iter().map(show).collect()
}

#[test]
fn an_address_and_a_mark_are_one_service_each() {
    let address = server(Service::Address { ip: ip("10.0.0.1"), port: 80 }, Some(Protocol::Sctp));
    assert_eq!(shown(&services(&address, &[], &mut no_marks())), ["sctp 10.0.0.1 80"]);
    let mut mark = server(Service::Mark(7), None);
    assert_eq!(shown(&services(&mark, &[], &mut no_marks())), ["mark 7 V4"]);
    mark.family = Some(Family::V6);
    assert_eq!(shown(&services(&mark, &[], &mut no_marks())), ["mark 7 V6"]);
    assert!(services(&of_group("none", Protocol::Tcp), &[], &mut no_marks()).is_empty());
}

#[test]
fn a_group_has_its_addresses_in_order_and_then_its_marks() {
    let entries = vec![
        GroupEntry::Mark(5, Some(Family::V6)),
        range("10.0.0.254", "10.0.1.1", 80),
        GroupEntry::Mark(6, None),
        range("10.0.1.0", "10.0.1.0", 80),
        range("10.0.1.0", "10.0.1.0", 81),
        range("fd00::fffe", "fd00::ffff", 0),
    ];
    let groups = [group("G", entries), group("G", vec![GroupEntry::Mark(9, None)])];
    let expected = [
        "tcp 10.0.0.254 80",
        "tcp 10.0.0.255 80",
        "tcp 10.0.1.0 80",
        "tcp 10.0.1.1 80",
        "tcp 10.0.1.0 81",
        "tcp fd00::fffe 0",
        "tcp fd00::ffff 0",
        "mark 5 V6",
        "mark 6 V4",
    ];
    assert_eq!(shown(&services(&of_group("G", Protocol::Tcp), &groups, &mut no_marks())), expected);
    let v6 = VirtualServer { family: Some(Family::V6), ..of_group("H", Protocol::Tcp) };
    let groups = [group("H", vec![GroupEntry::Mark(6, None)])];
    assert_eq!(shown(&services(&v6, &groups, &mut no_marks())), ["mark 6 V6"]);
}

#[test]
fn ports_are_only_changed_by_masquerading() {
    let place = |port| Place { key: ServiceKey::Address { protocol: Protocol::Tcp, ip: ip("10.0.0.1"), port } };
    let mark = Place { key: ServiceKey::Mark { family: Family::V4, mark: 3 } };
    let tunnel = Forwarding::Tun(Tunnel::default());
    let address = server(Service::Address { ip: ip("10.0.0.1"), port: 80 }, Some(Protocol::Tcp));
    let grouped = of_group("G", Protocol::Tcp);
    let marked = server(Service::Mark(3), None);
    let cases = [
        (&address, place(80), 8080, Forwarding::Nat, 8080),
        (&address, place(80), 0, Forwarding::Nat, 80),
        (&address, place(80), 8080, Forwarding::Dr, 80),
        (&address, place(80), 8080, tunnel, 80),
        (&marked, mark, 8080, Forwarding::Nat, 8080),
        (&marked, mark, 8080, Forwarding::Dr, 0),
        (&grouped, place(81), 8080, Forwarding::Nat, 8080),
        (&grouped, place(81), 0, Forwarding::Nat, 0),
        (&grouped, place(81), 8080, Forwarding::Dr, 81),
        (&grouped, mark, 8080, tunnel, 0),
    ];
    for (server, place, port, forwarding, expected) in cases {
        let found = dest(server, &place, ip("10.1.0.1"), port, forwarding);
        assert_eq!(found, Some(SocketAddr::new(ip("10.1.0.1"), expected)), "{place:?} {port} {forwarding:?}");
    }
    let other = ip("fd00::1");
    assert_eq!(dest(&address, &place(80), other, 80, Forwarding::Nat), None);
    assert_eq!(dest(&address, &place(80), other, 80, tunnel), Some(SocketAddr::new(other, 80)));
}

#[test]
fn settings_have_the_kernels_flags_and_masks() {
    let v4 = Place { key: ServiceKey::Mark { family: Family::V4, mark: 3 } };
    let v6 = Place { key: ServiceKey::Mark { family: Family::V6, mark: 3 } };
    let mut server = server(Service::Mark(3), None);
    let plain = settings(&server, &v4);
    assert_eq!((plain.flags, plain.timeout, plain.netmask, plain.engine), (0, 0, 0xffff_ffff, None));
    assert_eq!(settings(&server, &v6).netmask, 128);
    server.flags = SchedulerFlags { one: true, two: false, three: true };
    server.one_packet = true;
    assert_eq!(settings(&server, &v4).flags, 0x2c);
    server.flags = SchedulerFlags { one: false, two: true, three: false };
    server.persistence = Some(Persistence { timeout: 600, granularity: Some(0xffff_ff00), engine: Some("sip".into()) });
    let found = settings(&server, &v4);
    assert_eq!((found.flags, found.timeout, found.netmask), (0x15, 600, 0xffff_ff00));
    assert_eq!(found.engine.as_deref(), Some("sip"));
    assert_eq!(settings(&server, &v6).netmask, 128, "a mask of the other family");
    server.persistence = Some(Persistence { timeout: 600, granularity: Some(64), engine: None });
    assert_eq!((settings(&server, &v6).netmask, settings(&server, &v4).netmask), (64, 0xffff_ffff));
}

fn nftables(first: Option<u32>) -> Firewall {
    Firewall { ipvs_table: Some("keepalived_ipvs".into()), ipvs_start_fwmark: first, ..Firewall::default() }
}

fn marked(protocol: Protocol, first: &str, last: &str, port: u16) -> Marked {
    Marked { protocol, first: ip(first), last: ip(last), port }
}

/// Services of some virtual servers, then the changes of marks.
fn expand(
    marks: &mut Marks,
    groups: &[ServerGroup],
    servers: &[(&str, Protocol)],
) -> (Vec<Vec<String>>, Vec<MarkChange>) {
    let of = |(name, protocol): &(&str, Protocol)| shown(&services(&of_group(name, *protocol), groups, marks));
    let places = servers.iter().map(of).collect();
    (places, marks.plan())
}

#[test]
fn with_nftables_a_group_is_a_mark_of_each_family() {
    let groups = [
        group("A", vec![range("10.0.0.10", "10.0.0.10", 80), range("10.0.0.11", "10.0.0.13", 81)]),
        group("M", vec![range("10.0.0.20", "10.0.0.20", 80), GroupEntry::Mark(3, None)]),
        group("B", vec![range("fd00::20", "fd00::23", 443), range("10.0.0.20", "10.0.0.20", 443)]),
    ];
    let mut marks = Marks::new(&nftables(None));
    let (tcp, udp) = (Protocol::Tcp, Protocol::Udp);
    let (places, changes) = expand(&mut marks, &groups, &[("A", tcp), ("A", udp), ("M", tcp), ("B", tcp), ("A", tcp)]);
    let expected = [
        vec!["mark 1000 V4"],
        vec!["mark 1001 V4"],
        vec!["tcp 10.0.0.20 80", "mark 3 V4"],
        vec!["mark 1002 V4", "mark 1002 V6"],
        vec!["mark 1000 V4"],
    ];
    assert_eq!(places, expected);
    let expected = [
        Add(marked(tcp, "10.0.0.10", "10.0.0.10", 80), 1000),
        Add(marked(tcp, "10.0.0.11", "10.0.0.13", 81), 1000),
        Add(marked(udp, "10.0.0.10", "10.0.0.10", 80), 1001),
        Add(marked(udp, "10.0.0.11", "10.0.0.13", 81), 1001),
        Add(marked(tcp, "fd00::20", "fd00::23", 443), 1002),
        Add(marked(tcp, "10.0.0.20", "10.0.0.20", 443), 1002),
    ];
    assert_eq!(changes, expected);
    assert_eq!(marks.plan(), []);
    assert_eq!((marks.stop(), marks.stop()), (vec![RemoveTables], Vec::new()));
}

#[test]
fn marks_stay_over_a_reload_and_only_differences_are_asked_for() {
    let tcp = Protocol::Tcp;
    let one = |name, last| group(name, vec![range("10.0.0.1", last, 80)]);
    let mut marks = Marks::new(&nftables(Some(5)));
    let second = group("B", vec![range("10.0.1.1", "10.0.1.1", 80)]);
    expand(&mut marks, &[one("A", "10.0.0.1"), second.clone()], &[("A", tcp), ("B", tcp)]);

    marks.reload(&nftables(Some(5)));
    let third = group("C", vec![range("10.0.2.1", "10.0.2.1", 80)]);
    let (places, changes) = expand(&mut marks, &[third.clone(), second.clone()], &[("C", tcp), ("B", tcp)]);
    assert_eq!(places, [["mark 7 V4"], ["mark 6 V4"]]);
    let expected = [Remove(marked(tcp, "10.0.0.1", "10.0.0.1", 80)), Add(marked(tcp, "10.0.2.1", "10.0.2.1", 80), 7)];
    assert_eq!(changes, expected);

    // Another first mark counts for new groups; taken ones are left out.
    marks.reload(&nftables(Some(6)));
    let groups = [one("A", "10.0.0.1"), second.clone(), third.clone()];
    let (places, _) = expand(&mut marks, &groups, &[("A", tcp), ("B", tcp), ("C", tcp)]);
    assert_eq!(places, [["mark 8 V4"], ["mark 6 V4"], ["mark 7 V4"]]);

    // Another table is made anew.
    marks.reload(&Firewall { ipvs_table: Some("mine".into()), ..nftables(Some(6)) });
    let (_, changes) = expand(&mut marks, std::slice::from_ref(&second), &[("B", tcp)]);
    assert_eq!(changes, [RemoveTables, Add(marked(tcp, "10.0.1.1", "10.0.1.1", 80), 6)]);

    // Without nftables its addresses serve.
    marks.reload(&Firewall::default());
    let (places, changes) = expand(&mut marks, &[second], &[("B", tcp)]);
    assert_eq!((places, changes), (vec![vec!["tcp 10.0.1.1 80".to_string()]], vec![RemoveTables]));
}
