//! Gratuitous ARP and neighbour advertisements on a wire.

use keepalived_rs::net::forwards_ipv6;
use keepalived_rs::sock::NeighbourSocket;
use keepalived_rs::wire::neigh::{ETHER_ARP, ETHER_IPV6, gratuitous_arp, unsolicited_advert};

use crate::namespace::{Pair, ip, link, name};

#[test]
fn neighbours_learn_where_an_address_lives_now() {
    let pair = Pair::new();
    let mac = "02:00:00:00:00:01";
    pair.left.run(|| ip(&format!("link set eth0 address {mac}")));
    // The right host believes that the VIPs live elsewhere.
    pair.right.run(|| {
        for vip in ["10.0.0.100", "fe80::100"] {
            ip(&format!("neigh add {vip} lladdr 02:00:00:00:00:99 dev eth0 nud reachable"));
        }
    });
    pair.left.run(|| {
        let eth0 = link("eth0");
        let socket = NeighbourSocket::open().unwrap();
        let garp = gratuitous_arp(&eth0, "10.0.0.100".parse().unwrap()).unwrap();
        socket.send(eth0.index, ETHER_ARP, &garp).unwrap();
        let advert = unsolicited_advert(&eth0, "fe80::100".parse().unwrap(), false).unwrap();
        socket.send(eth0.index, ETHER_IPV6, &advert).unwrap();
    });
    pair.right.run(|| {
        for vip in ["10.0.0.100", "fe80::100"] {
            let neighbour = ip(&format!("neigh show {vip} dev eth0"));
            assert!(neighbour.contains(mac), "{neighbour}");
        }
    });
}

#[test]
fn a_frame_that_cannot_go_is_an_error() {
    let pair = Pair::new();
    pair.left.run(|| {
        let eth0 = link("eth0");
        let socket = NeighbourSocket::open().unwrap();
        let garp = gratuitous_arp(&eth0, "10.0.0.100".parse().unwrap()).unwrap();
        let error = socket.send(9999, ETHER_ARP, &garp).unwrap_err();
        assert_eq!(error.cause().raw_os_error(), Some(nix::libc::ENXIO));
        assert!(socket.send(eth0.index, ETHER_ARP, &garp[..13]).is_err(), "shorter than its header");
        ip("link set eth0 down");
        let error = socket.send(eth0.index, ETHER_ARP, &garp).unwrap_err();
        assert_eq!(error.cause().raw_os_error(), Some(nix::libc::ENETDOWN));
    });
}

#[test]
fn a_router_is_known_by_its_forwarding() {
    let pair = Pair::new();
    pair.left.run(|| {
        assert!(!forwards_ipv6(&name("eth0")));
        std::fs::write("/proc/sys/net/ipv6/conf/eth0/forwarding", "1").unwrap();
        assert!(forwards_ipv6(&name("eth0")));
        assert!(!forwards_ipv6(&name("lo")));
        assert!(!forwards_ipv6(&name("nosuch")));
    });
}
