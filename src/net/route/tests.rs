//! Routes byte for byte, and reports of them.

use netlink_packet_core::Emitable;

use super::*;
use crate::model::IfName;
use crate::model::route::{Encap, Placement, TunnelKey};

/// 10.1.0.0/16 with keepalived's protocol and nothing else.
pub fn route() -> Route {
    Route {
        destination: Prefix { ip: [10, 1, 0, 0].into(), len: 16 },
        protocol: Some(PROTOCOL_KEEPALIVED),
        placement: Placement::Prepend,
        ..Route::blank()
    }
}

fn ipv6() -> Route {
    let destination = Prefix { ip: "fd01::".parse().unwrap(), len: 64 };
    Route { family: Family::V6, destination, ..route() }
}

pub fn bytes(route: &Route) -> Vec<u8> {
    let placed = PlacedRoute::find(route, |name| if name.as_str() == "eth0" { Some(3) } else { Some(4) }).unwrap();
    let message = message(&placed);
    let mut bytes = vec![0; message.buffer_len()];
    message.emit(&mut bytes);
    bytes
}

#[track_caller]
fn check(route: &Route, expected: &str) {
    if cfg!(target_endian = "big") {
        return;
    }
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(&bytes(route)), expected.split_whitespace().collect::<String>());
}

fn eth(number: u8) -> Option<IfName> {
    IfName::new(format!("eth{number}"))
}

#[test]
fn a_gateway_and_a_device() {
    let route = Route { via: Some([10, 0, 0, 2].into()), dev: eth(0), onlink: true, metric: Some(7), ..route() };
    check(
        &route,
        "02 10 00 00 fe 12 00 01 04000000  08000f00 fe000000  08000100 0a010000  08000500 0a000002
         08000400 03000000  08000600 07000000",
    );
}

#[test]
fn an_ipv6_route_always_names_its_metric() {
    check(
        &Route { source: Some(Prefix { ip: "fd02::".parse().unwrap(), len: 48 }), table: Some(1000), ..ipv6() },
        "0a 40 30 00 00 12 00 01 00000000  08000f00 e8030000
         14000100 fd010000 00000000 00000000 00000000  14000200 fd020000 00000000 00000000 00000000
         08000600 00040000",
    );
}

#[test]
fn a_gateway_of_the_other_family_says_which() {
    check(
        &Route { via: Some("fe80::1".parse().unwrap()), kind: 6, scope: Some(253), ..route() },
        "02 10 00 00 fe 12 fd 06 00000000  08000f00 fe000000  08000100 0a010000
         16001200 0a00fe80 00000000 00000000 00000000 00010000",
    );
}

#[test]
fn metrics_stand_in_a_nest_with_their_locks() {
    let metric = |kind, value, lock| Metric { kind, value, lock };
    let metrics = vec![
        metric(MetricKind::Mtu, 1400, true),
        metric(MetricKind::HopLimit, 9, false),
        metric(MetricKind::FastOpenNoCookie, 1, false),
    ];
    check(
        &Route { metrics, congestion_control: Some(("reno".into(), true)), ..route() },
        "02 10 00 00 fe 12 00 01 00000000  08000f00 fe000000  08000100 0a010000
         2c000800  08000200 78050000  08000a00 09000000  08001100 01000000  08001000 72656e6f  08000100 04000100",
    );
}

#[test]
fn hops_have_weights_devices_and_flags() {
    let hop = |last, dev, weight| NextHop {
        via: Some([10, 0, 0, last].into()),
        dev,
        weight,
        onlink: false,
        realms: None,
        encap: None,
    };
    let hops = vec![hop(2, eth(0), 1), NextHop { onlink: true, realms: Some(5), ..hop(3, eth(1), 256) }];
    check(
        &Route { hops, ..route() },
        "02 10 00 00 fe 12 00 01 00000000  08000f00 fe000000  08000100 0a010000
         2c000900  10000000 03000000 08000500 0a000002  180004ff 04000000 08000500 0a000003 08000b00 05000000",
    );
}

#[test]
fn tunnels() {
    let with = |encap| Route { encap: Some(encap), ..route() };
    let head = "02 10 00 00 fe 12 00 01 00000000  08000f00 fe000000  08000100 0a010000 ";
    check(
        &with(Encap::Mpls(vec![100, 200])),
        &format!("{head} 10001600 0c000100 00064000 000c8100  06001500 01000000"),
    );
    let key = TunnelKey { id: Some(5), dst: Some([10, 0, 0, 7].into()), ttl: Some(64), ..TunnelKey::default() };
    check(
        &with(Encap::Ip(key)),
        &format!("{head} 20001600 0c000100 00000000 00000005 08000200 0a000007 05000400 40000000  06001500 02000000"),
    );
    check(
        &with(Encap::Ila(0x0001_0002_0003_0004)),
        &format!("{head} 10001600 0c000100 00010002 00030004  06001500 03000000"),
    );
}

#[test]
fn what_is_said_is_understood_when_it_comes_back() {
    let hop = |last: u8, dev| NextHop {
        via: Some([10, 0, 0, last].into()),
        dev,
        weight: 1,
        onlink: false,
        realms: None,
        encap: None,
    };
    let index = |name: &IfName| Some(if name.as_str() == "eth0" { 3 } else { 4 });
    let routes = [
        route(),
        Route { via: Some([10, 0, 0, 2].into()), dev: eth(0), table: Some(70_000), tos: 16, ..route() },
        Route { via: Some("fe80::1".parse().unwrap()), dev: eth(1), ..route() },
        Route { hops: vec![hop(2, eth(0)), hop(3, eth(1))], metric: Some(9), ..route() },
        ipv6(),
        Route { source: Some(Prefix { ip: "fd02::".parse().unwrap(), len: 48 }), metric: Some(5), ..ipv6() },
    ];
    for route in &routes {
        let report = read(&bytes(route)).unwrap();
        assert_eq!(report.place, route.place());
        assert!(route.is_reported_by(&report, index), "{report:?}");
    }
    let two_hops = read(&bytes(&routes[3])).unwrap();
    assert_eq!(two_hops.hops.len(), 2);
    let other = Route { hops: vec![hop(2, eth(0)), hop(4, eth(1))], ..routes[3].clone() };
    assert!(!other.is_reported_by(&two_hops, index));
    let other_device = Route { dev: eth(1), via: Some([10, 0, 0, 2].into()), ..routes[1].clone() };
    assert!(!other_device.is_reported_by(&read(&bytes(&routes[1])).unwrap(), index));
}

#[test]
fn other_protocols_and_broken_reports_are_none_of_ours() {
    assert_eq!(read(&bytes(&Route { protocol: Some(3), ..route() })), None);
    let whole = bytes(&Route {
        hops: vec![NextHop {
            via: Some([10, 0, 0, 2].into()),
            dev: eth(0),
            weight: 1,
            onlink: false,
            realms: None,
            encap: None,
        }],
        ..route()
    });
    assert!(read(&whole).is_some());
    for cut in 0..12 {
        assert_eq!(read(&whole[..cut]), None);
    }
    // Never a panic, whatever is cut off or changed.
    for cut in 12..whole.len() {
        let _ = read(&whole[..cut]);
    }
    for place in 12..whole.len() {
        for value in [0, 1, 0xff] {
            let mut broken = whole.clone();
            broken[place] = value;
            let _ = read(&broken);
        }
    }
}
