//! Every kind of change, what the kernel then tells of its table, and how it refuses.

use std::net::SocketAddr;
use std::process::Command;

use keepalived_rs::model::Family;
use keepalived_rs::model::check::{Forwarding, Protocol, Tunnel, TunnelChecksum, TunnelKind};
use keepalived_rs::model::ipvs::{DestSettings, IpvsChange, Observed, ServiceKey, ServiceSettings, Timeouts};
use keepalived_rs::net::Ipvs;
use nix::errno::Errno;

use crate::namespace::{Namespace, ip};

/// A director whose servers have an address on a link of its own, as the kernel wants them to be reachable.
pub fn director() -> Namespace {
    let host = Namespace::new();
    host.run(|| {
        ip("link add d0 type dummy");
        ip("link set d0 up multicast on");
        ip("addr add 10.1.0.254/16 dev d0");
        ip("addr add fd00:1::fe/64 dev d0");
    });
    host
}

pub fn service(protocol: Protocol, address: &str) -> ServiceKey {
    let address: SocketAddr = address.parse().unwrap();
    ServiceKey::Address { protocol, ip: address.ip(), port: address.port() }
}

pub fn plain(scheduler: &str) -> ServiceSettings {
    ServiceSettings { scheduler: scheduler.into(), flags: 0, timeout: 0, netmask: u32::MAX, engine: None }
}

pub fn plain6(scheduler: &str) -> ServiceSettings {
    ServiceSettings { netmask: 128, ..plain(scheduler) }
}

pub fn dest(forwarding: Forwarding, weight: u32) -> DestSettings {
    DestSettings { forwarding, weight, upper_threshold: 0, lower_threshold: 0 }
}

fn at(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

/// Carries out changes that the kernel takes.
#[track_caller]
pub fn take(ipvs: &mut Ipvs, changes: &[IpvsChange]) {
    let refused = ipvs.change(changes).unwrap();
    let refused: Vec<_> = refused.iter().map(|(place, refusal)| (&changes[*place], refusal)).collect();
    assert!(refused.is_empty(), "{refused:?}");
}

/// The changes that make a table.
pub fn made_of(table: &[Observed]) -> Vec<IpvsChange> {
    let make = |observed: &Observed| {
        let service = IpvsChange::AddService(observed.key, observed.settings.clone());
        let dests = observed.dests.iter().map(|(at, settings)| IpvsChange::AddDest(observed.key, *at, *settings));
        [service].into_iter().chain(dests).collect::<Vec<_>>()
    };
    table.iter().flat_map(make).collect()
}

/// A table in an order of its own.
pub fn sorted(mut table: Vec<Observed>) -> Vec<Observed> {
    table.iter_mut().for_each(|observed| observed.dests.sort_by_key(|(at, _)| *at));
    table.sort_by_key(|observed| observed.key);
    table
}

/// One of everything that a configuration can ask for.
fn everything() -> Vec<Observed> {
    let tunnel = |kind, port, checksum| Forwarding::Tun(Tunnel { kind, port, checksum });
    let observed = |key, settings, dests| Observed { key, settings, dests };
    let v4 = service(Protocol::Tcp, "10.0.0.1:80");
    let v6 = service(Protocol::Tcp, "[fd00:1::100]:80");
    sorted(vec![
        observed(
            v4,
            plain("wrr"),
            vec![
                (at("10.1.0.1:8080"), dest(Forwarding::Nat, 3)),
                (at("10.1.0.2:80"), dest(Forwarding::Dr, 0)),
                (at("10.1.0.3:80"), dest(Forwarding::Tun(Tunnel::default()), 1)),
                (at("10.1.0.4:80"), dest(tunnel(TunnelKind::Gue, 6080, TunnelChecksum::Remote), 1)),
                (at("10.1.0.5:80"), dest(tunnel(TunnelKind::Gre, 0, TunnelChecksum::Full), i32::MAX as u32)),
                (
                    at("10.1.0.6:80"),
                    DestSettings { upper_threshold: 100, lower_threshold: 50, ..dest(Forwarding::Nat, 1) },
                ),
                (at("[fd00:1::1]:80"), dest(Forwarding::Tun(Tunnel::default()), 2)),
            ],
        ),
        observed(v6, plain6("sh"), vec![(at("[fd00:1::1]:8080"), dest(Forwarding::Nat, 1))]),
        observed(
            service(Protocol::Tcp, "10.0.0.2:0"),
            ServiceSettings { flags: 0x1, timeout: 360, netmask: 0xffff_ff00, ..plain("wlc") },
            vec![],
        ),
        observed(
            service(Protocol::Tcp, "[fd00:1::101]:443"),
            ServiceSettings { flags: 0x1, timeout: 50, netmask: 64, ..plain6("rr") },
            vec![],
        ),
        observed(
            service(Protocol::Udp, "10.0.0.1:5060"),
            ServiceSettings { flags: 0x1, timeout: 30, engine: Some("sip".into()), ..plain("rr") },
            vec![(at("10.1.0.1:5060"), dest(Forwarding::Nat, 1))],
        ),
        observed(
            service(Protocol::Udp, "10.0.0.1:53"),
            ServiceSettings { flags: 0x4, ..plain("rr") },
            vec![(at("10.1.0.1:53"), dest(Forwarding::Dr, 1))],
        ),
        observed(service(Protocol::Sctp, "10.0.0.1:5000"), ServiceSettings { flags: 0x18, ..plain("mh") }, vec![]),
        observed(
            ServiceKey::Mark { family: Family::V4, mark: 1 },
            ServiceSettings { flags: 0x28, ..plain("wlc") },
            vec![(at("10.1.0.1:0"), dest(Forwarding::Dr, 1)), (at("10.1.0.2:99"), dest(Forwarding::Nat, 1))],
        ),
        observed(
            ServiceKey::Mark { family: Family::V6, mark: u32::MAX },
            plain6("rr"),
            vec![(at("10.1.0.1:0"), dest(Forwarding::Tun(Tunnel::default()), 1))],
        ),
    ])
}

fn ipvsadm() -> String {
    let output = Command::new("ipvsadm").arg("-Sn").output().expect("these tests need ipvsadm");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[test]
fn the_table_is_what_was_written() {
    director().run(|| {
        let mut ipvs = Ipvs::open(None).unwrap();
        assert_eq!(ipvs.table().unwrap(), []);
        let wanted = everything();
        take(&mut ipvs, &made_of(&wanted));
        assert_eq!(sorted(ipvs.table().unwrap()), wanted);
        let shown = ipvsadm();
        for line in [
            "-A -t 10.0.0.1:80 -s wrr",
            "-a -t 10.0.0.1:80 -r 10.1.0.1:8080 -m -w 3",
            "-a -t 10.0.0.1:80 -r 10.1.0.2:80 -g -w 0",
            "-a -t 10.0.0.1:80 -r 10.1.0.4:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum",
            "-A -t 10.0.0.2:0 -s wlc -p 360 -M 255.255.255.0",
            "-A -u 10.0.0.1:5060 -s rr -p 30 --pe sip",
            "-A -u 10.0.0.1:53 -s rr -o",
            "-A --sctp-service 10.0.0.1:5000 -s mh -b flag-1,flag-2",
            "-A -f 1 -s wlc -b flag-1,flag-3",
        ] {
            let found = shown.lines().any(|shown| shown.trim() == line);
            // How tunnels and flags are spelled depends on the version of ipvsadm.
            assert!(found || line.contains("--tun") || line.contains("-b "), "{line} is not in\n{shown}");
        }
        take(&mut ipvs, &[IpvsChange::Flush]);
        assert_eq!(ipvs.table().unwrap(), []);
    });
}

#[test]
fn what_is_there_is_changed_and_taken_away() {
    director().run(|| {
        let mut ipvs = Ipvs::open(None).unwrap();
        let wanted = everything();
        take(&mut ipvs, &made_of(&wanted));
        let key = service(Protocol::Tcp, "10.0.0.1:80");
        let mark = ServiceKey::Mark { family: Family::V4, mark: 1 };
        let settings = ServiceSettings { flags: 0x1, timeout: 100, ..plain("wlc") };
        let server = DestSettings { upper_threshold: 10, ..dest(Forwarding::Dr, 9) };
        take(
            &mut ipvs,
            &[
                IpvsChange::SetService(key, settings.clone()),
                IpvsChange::SetService(mark, plain("rr")),
                IpvsChange::SetDest(key, at("10.1.0.1:8080"), server),
                IpvsChange::SetDest(key, at("10.1.0.4:80"), dest(Forwarding::Nat, 1)),
                IpvsChange::SetDest(mark, at("10.1.0.1:0"), dest(Forwarding::Nat, 0)),
                IpvsChange::DeleteDest(key, at("10.1.0.2:80")),
                IpvsChange::DeleteDest(key, at("[fd00:1::1]:80")),
                IpvsChange::DeleteDest(mark, at("10.1.0.2:99")),
                IpvsChange::DeleteService(ServiceKey::Mark { family: Family::V6, mark: u32::MAX }),
                IpvsChange::DeleteService(service(Protocol::Udp, "10.0.0.1:5060")),
                IpvsChange::DeleteService(service(Protocol::Tcp, "[fd00:1::100]:80")),
            ],
        );
        let table = sorted(ipvs.table().unwrap());
        assert_eq!(table.len(), wanted.len() - 3);
        let of = |key| table.iter().find(|observed| observed.key == key).unwrap();
        assert_eq!(of(key).settings, settings);
        let dests: Vec<_> = of(key).dests.iter().map(|(at, _)| at.to_string()).collect();
        assert_eq!(dests, ["10.1.0.1:8080", "10.1.0.3:80", "10.1.0.4:80", "10.1.0.5:80", "10.1.0.6:80"]);
        assert_eq!(of(key).dests[0].1, server);
        assert_eq!(of(key).dests[2].1, dest(Forwarding::Nat, 1));
        assert_eq!(of(mark).settings, plain("rr"));
        assert_eq!(of(mark).dests, [(at("10.1.0.1:0"), dest(Forwarding::Nat, 0))]);
    });
}

#[test]
fn timeouts_are_set_and_zero_leaves_them() {
    director().run(|| {
        let mut ipvs = Ipvs::open(None).unwrap();
        let usual = ipvs.timeouts().unwrap();
        assert_eq!(usual, Timeouts { tcp: 900, tcp_fin: 120, udp: 300 });
        take(&mut ipvs, &[IpvsChange::SetTimeouts(Timeouts { tcp: 1000, tcp_fin: 0, udp: 200 })]);
        assert_eq!(ipvs.timeouts().unwrap(), Timeouts { tcp: 1000, tcp_fin: 120, udp: 200 });
        take(&mut ipvs, &[IpvsChange::SetTimeouts(usual)]);
        assert_eq!(ipvs.timeouts().unwrap(), usual);
    });
}

#[test]
fn refusals_name_their_places_and_stop_nothing() {
    director().run(|| {
        let mut ipvs = Ipvs::open(None).unwrap();
        let key = service(Protocol::Tcp, "10.0.0.1:80");
        let other = service(Protocol::Tcp, "10.0.0.9:80");
        let server = at("10.1.0.1:80");
        let nat = |upper_threshold, lower_threshold| DestSettings {
            upper_threshold,
            lower_threshold,
            ..dest(Forwarding::Nat, 1)
        };
        let changes = [
            (IpvsChange::AddService(key, plain("wlc")), None),
            (IpvsChange::AddService(key, plain("rr")), Some(Errno::EEXIST)),
            (IpvsChange::AddService(other, plain("nonesuch")), Some(Errno::ENOENT)),
            (IpvsChange::SetService(other, plain("rr")), Some(Errno::ESRCH)),
            (IpvsChange::DeleteService(other), Some(Errno::ESRCH)),
            (IpvsChange::AddDest(other, server, nat(0, 0)), Some(Errno::ESRCH)),
            (IpvsChange::SetDest(key, server, nat(0, 0)), Some(Errno::ENOENT)),
            (IpvsChange::DeleteDest(key, server), Some(Errno::ENOENT)),
            (IpvsChange::AddDest(key, server, nat(0, 0)), None),
            (IpvsChange::AddDest(key, server, nat(0, 0)), Some(Errno::EEXIST)),
            (IpvsChange::AddDest(key, at("10.1.0.2:80"), nat(10, 11)), Some(Errno::ERANGE)),
            (IpvsChange::AddDest(key, at("10.1.0.2:80"), nat(u32::MAX, 0)), Some(Errno::EINVAL)),
            (IpvsChange::AddDest(key, at("224.0.0.1:80"), nat(0, 0)), Some(Errno::EINVAL)),
            (IpvsChange::AddDest(key, at("[fd00:1::1]:80"), nat(0, 0)), Some(Errno::EINVAL)),
            (IpvsChange::AddDest(key, at("10.1.0.3:80"), nat(0, 0)), None),
        ];
        let (asked, expected): (Vec<_>, Vec<_>) = changes.into_iter().unzip();
        let refused = ipvs.change(&asked).unwrap();
        let mut answers = vec![None; asked.len()];
        for (place, refusal) in &refused {
            answers[*place] = Some(Errno::from_raw(refusal.errno));
        }
        let told: Vec<_> = asked.iter().zip(&answers).collect();
        assert_eq!(answers, expected, "{told:#?}");
        assert_eq!(refused[0].1.text, "File exists");
        let table = ipvs.table().unwrap();
        assert_eq!(table.len(), 1);
        assert_eq!(table[0].dests.len(), 2);
    });
}
