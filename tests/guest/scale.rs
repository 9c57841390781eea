//! Large tables: how many calls they take, and that no answer is lost for good.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;

use keepalived_rs::model::check::{Forwarding, Protocol};
use keepalived_rs::model::ipvs::{IpvsChange, Observed, ServiceKey};
use keepalived_rs::model::settings::NetlinkBuffer;
use keepalived_rs::net::Ipvs;

use crate::ipvs::{dest, director, made_of, plain, sorted, take};

const SERVICES: u32 = 1000;
const SERVERS: u32 = 10;

fn large(services: u32) -> Vec<Observed> {
    let service = |number: u32| {
        let ip = IpAddr::V4(Ipv4Addr::from(0x0a02_0000 + number));
        let servers = (1..=SERVERS).map(|server| {
            let at = SocketAddr::new(IpAddr::V4(Ipv4Addr::from(0x0a01_0000 + server)), 80);
            (at, dest(Forwarding::Nat, server))
        });
        let key = ServiceKey::Address { protocol: Protocol::Tcp, ip, port: 80 };
        Observed { key, settings: plain("wrr"), dests: servers.collect() }
    };
    (0..services).map(service).collect()
}

#[test]
fn eleven_thousand_changes_go_in_some_two_hundred_sends() {
    director().run(|| {
        let mut ipvs = Ipvs::open(None).unwrap();
        let wanted = large(SERVICES);
        let changes = made_of(&wanted);
        assert_eq!(changes.len(), 11_000);
        let began = Instant::now();
        take(&mut ipvs, &changes);
        println!("11000 changes: {:?}", began.elapsed());
        let began = Instant::now();
        let table = ipvs.table().unwrap();
        println!("read back: {:?}", began.elapsed());
        assert_eq!(sorted(table), sorted(wanted.clone()));
        let began = Instant::now();
        take(&mut ipvs, &wanted.iter().map(|observed| IpvsChange::DeleteService(observed.key)).collect::<Vec<_>>());
        println!("1000 deletions: {:?}", began.elapsed());
        assert_eq!(ipvs.table().unwrap(), []);
    });
}

#[test]
fn with_the_smallest_buffer_everything_is_made_as_well() {
    director().run(|| {
        let mut ipvs = Ipvs::open(None).unwrap();
        ipvs.set_buffer(NetlinkBuffer { size: 1, force: false }).unwrap();
        let wanted = large(50);
        // An answer that got lost is asked for again, and says then that it is there already.
        let refused = ipvs.change(&made_of(&wanted)).unwrap();
        assert!(refused.iter().all(|(_, refusal)| refusal.errno == nix::errno::Errno::EEXIST as i32), "{refused:?}");
        assert_eq!(sorted(ipvs.table().unwrap()), sorted(wanted));
    });
}
