//! The maps that give packets for the addresses of a group its mark, as `nft` shows them. The files in `marks` show what
//! keepalived 2.4.3 puts there for the same groups, at the start and after a reload.

use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;

use keepalived_rs::model::check::Protocol::{self, Sctp, Tcp, Udp};
use keepalived_rs::model::ipvs::ServiceKey;
use keepalived_rs::model::{Family, MarkChange, MarkStyle, Marked};
use keepalived_rs::net::MarkTables;
use nix::errno::Errno;

use crate::namespace::{Namespace, wait_for};

fn style() -> MarkStyle {
    MarkStyle { table: "keepalived_ipvs".into(), priority: -1, counters: true }
}

fn marked(protocol: Protocol, first: &str, last: &str, port: u16) -> Marked {
    Marked { protocol, first: first.parse().unwrap(), last: last.parse().unwrap(), port }
}

fn one(protocol: Protocol, ip: &str, port: u16) -> Marked {
    marked(protocol, ip, ip, port)
}

/// The entries of the golden text at the start.
fn started() -> Vec<MarkChange> {
    let group = |protocol| {
        [
            one(protocol, "10.0.0.10", 80),
            marked(protocol, "10.0.0.11", "10.0.0.13", 81),
            marked(protocol, "10.0.0.16", "10.0.0.19", 82),
        ]
    };
    let mut changes: Vec<MarkChange> = group(Tcp).map(|entry| MarkChange::Add(entry, 1000)).to_vec();
    changes.extend(group(Udp).map(|entry| MarkChange::Add(entry, 1001)));
    changes.push(MarkChange::Add(one(Tcp, "10.0.0.20", 443), 1002));
    changes.push(MarkChange::Add(marked(Tcp, "fd00:1::120", "fd00:1::123", 443), 1002));
    changes.push(MarkChange::Add(one(Sctp, "fd00:1::130", 80), 1003));
    changes
}

/// From there to those after the reload.
fn reloaded() -> Vec<MarkChange> {
    vec![
        MarkChange::Remove(marked(Tcp, "10.0.0.11", "10.0.0.13", 81)),
        MarkChange::Remove(one(Udp, "10.0.0.10", 80)),
        MarkChange::Remove(marked(Udp, "10.0.0.11", "10.0.0.13", 81)),
        MarkChange::Remove(marked(Udp, "10.0.0.16", "10.0.0.19", 82)),
        MarkChange::Remove(marked(Tcp, "fd00:1::120", "fd00:1::123", 443)),
        MarkChange::Add(one(Tcp, "10.0.0.40", 83), 1000),
    ]
}

fn nft(arguments: &str) -> String {
    let output = Command::new("nft").args(arguments.split_whitespace()).output().expect("these tests need nft");
    assert!(output.status.success(), "nft {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn ruleset() -> String {
    nft("list ruleset")
}

#[track_caller]
fn shows(expected: &str) {
    let got = ruleset();
    let (got, expected): (Vec<&str>, Vec<&str>) = (got.lines().collect(), expected.lines().collect());
    assert_eq!(got, expected);
}

#[test]
fn the_tables_are_those_of_keepalived() {
    Namespace::new().run(|| {
        let mut tables = MarkTables::open(style()).unwrap();
        assert!(!tables.is_in_use());
        assert_eq!(tables.change(&started()), []);
        shows(include_str!("marks/started.nft"));
        assert_eq!(tables.change(&reloaded()), []);
        shows(include_str!("marks/reloaded.nft"));
        assert!(tables.is_in_use());
        assert_eq!(tables.change(&[MarkChange::RemoveTables]), []);
        assert_eq!(ruleset(), "");
        assert!(!tables.is_in_use());
        let mut named = MarkTables::open(MarkStyle { table: "mytab".into(), priority: -150, counters: false }).unwrap();
        assert_eq!(named.change(&[MarkChange::Add(one(Tcp, "10.0.0.10", 80), 5000)]), []);
        shows(include_str!("marks/names.nft"));
        let json = nft("-j list ruleset");
        assert!(json.contains(r#""map": "tcp_map""#) || json.contains(r#""name": "tcp_map""#), "{json}");
        assert!(json.contains(r#"[{"concat": ["10.0.0.10", 80]}, 5000]"#), "{json}");
    });
}

#[test]
fn nft_can_read_back_what_it_shows() {
    Namespace::new().run(|| {
        let mut tables = MarkTables::open(style()).unwrap();
        tables.change(&started());
        let shown = ruleset();
        let file = format!("/tmp/rs-marks-{}.nft", std::process::id());
        std::fs::write(&file, &shown).unwrap();
        nft("flush ruleset");
        nft(&format!("-f {file}"));
        std::fs::remove_file(&file).unwrap();
        assert_eq!(ruleset(), shown);
    });
}

#[test]
fn what_is_there_is_not_added_again_and_what_is_not_is_not_removed() {
    Namespace::new().run(|| {
        let mut tables = MarkTables::open(style()).unwrap();
        tables.change(&started());
        assert_eq!(tables.change(&started()), []);
        assert_eq!(tables.change(&[MarkChange::Remove(one(Tcp, "10.9.9.9", 1))]), []);
        shows(include_str!("marks/started.nft"));
        let entry = one(Tcp, "10.0.0.20", 443);
        assert_eq!(tables.change(&[MarkChange::Add(entry, 7)]), []);
        assert!(ruleset().contains("10.0.0.20 . 443 counter packets 0 bytes 0 : 0x00000007"), "{}", ruleset());
        assert_eq!(tables.change(&[MarkChange::Remove(entry), MarkChange::Add(entry, 1002)]), []);
        shows(include_str!("marks/started.nft"));
    });
}

#[test]
fn an_entry_that_is_refused_keeps_no_other_out() {
    Namespace::new().run(|| {
        let mut tables = MarkTables::open(style()).unwrap();
        let mut changes = started();
        // Part of a range that is there with another mark.
        changes.insert(3, MarkChange::Add(marked(Tcp, "10.0.0.12", "10.0.0.14", 81), 9));
        let refused = tables.change(&changes);
        let places: Vec<_> = refused.iter().map(|(place, refusal)| (*place, refusal.errno)).collect();
        assert_eq!(places, [(3, Errno::EEXIST)]);
        shows(include_str!("marks/started.nft"));
        assert_eq!(tables.change(&reloaded()), []);
        shows(include_str!("marks/reloaded.nft"));
    });
}

#[test]
fn tables_of_a_predecessor_and_flushed_ones_are_made_anew() {
    Namespace::new().run(|| {
        let mut old = MarkTables::open(style()).unwrap();
        old.change(&started());
        old.change(&[MarkChange::Add(one(Tcp, "10.9.9.9", 1), 1)]);
        let mut tables = MarkTables::open(style()).unwrap();
        assert_eq!(tables.change(&started()), []);
        shows(include_str!("marks/started.nft"));
        nft("flush ruleset");
        assert_eq!(tables.change(&reloaded()), []);
        let anew = ruleset();
        assert!(anew.contains("10.0.0.40 . 83") && anew.contains("fd00:1::130"), "{anew}");
        assert!(!anew.contains("udp_map"), "nothing is made that nobody needs: {anew}");
        nft("delete element ip keepalived_ipvs tcp_map { 10.0.0.40 . 83 }");
        tables.forget();
        tables.restore().unwrap();
        shows(&anew);
    });
}

#[test]
fn another_style_takes_everything_along() {
    Namespace::new().run(|| {
        let mut tables = MarkTables::open(MarkStyle { table: "old".into(), ..style() }).unwrap();
        tables.change(&started());
        tables.restyle(style()).unwrap();
        shows(include_str!("marks/started.nft"));
        tables.restyle(MarkStyle { counters: false, priority: -150, ..style() }).unwrap();
        let shown = ruleset();
        assert!(!shown.contains("counter") && shown.contains("priority mangle"), "{shown}");
        assert!(shown.contains("10.0.0.11-10.0.0.13 . 81 : 0x000003e8"), "{shown}");
    });
}

#[test]
fn a_watch_hears_of_losses_and_not_of_ourselves() {
    Namespace::new().run_async(async || {
        let mut tables = MarkTables::open(style()).unwrap();
        tables.change(&started());
        let watch = tables.watch().unwrap();
        tables.change(&reloaded());
        let short = std::time::Duration::from_millis(200);
        assert!(tokio::time::timeout(short, watch.lost()).await.is_err());
        nft("flush chain ip6 keepalived_ipvs in");
        assert!(matches!(tokio::time::timeout(10 * short, watch.lost()).await, Ok(Ok(()))));
    });
}

/// What IPVS sees of a packet: its mark, told by a counter behind our chain.
#[test]
fn packets_to_the_addresses_get_the_mark() {
    Namespace::new().run(|| {
        let mut tables = MarkTables::open(style()).unwrap();
        let local = marked(Udp, "127.0.1.1", "127.0.1.9", 5000);
        let local6 = one(Udp, "::1", 5000);
        assert_eq!(tables.change(&[MarkChange::Add(local, 77), MarkChange::Add(local6, 78)]), []);
        nft("add table inet seen");
        nft("add chain inet seen in { type filter hook input priority 10 ; }");
        for mark in [77, 78] {
            nft(&format!("add rule inet seen in meta mark {mark} counter"));
        }
        let sent = |target: &str| {
            let from = if target.starts_with('[') { "[::1]:0" } else { "127.0.0.1:0" };
            std::net::UdpSocket::bind(from).unwrap().send_to(b"x", target).unwrap();
        };
        for target in ["127.0.1.1:5000", "127.0.1.9:5000", "127.0.1.10:5000", "127.0.1.1:5001", "[::1]:5000"] {
            sent(target);
        }
        wait_for(|| {
            let seen = nft("list table inet seen");
            seen.contains("0x0000004d counter packets 2") && seen.contains("0x0000004e counter packets 1")
        });
    });
}

#[test]
fn what_a_predecessor_marked_is_read_and_removed() {
    Namespace::new().run(|| {
        assert_eq!(MarkTables::open(style()).unwrap().services(), []);
        assert_eq!(MarkTables::open(style()).unwrap().change(&started()), []);
        nft("add table ip other");
        let mut tables = MarkTables::open(style()).unwrap();
        let of = |family, marks: &[u32]| -> Vec<ServiceKey> {
            marks.iter().map(|mark| ServiceKey::Mark { family, mark: *mark }).collect()
        };
        let expected = [of(Family::V4, &[1000, 1001, 1002]), of(Family::V6, &[1002, 1003])].concat();
        assert_eq!(tables.services(), expected);
        assert_eq!(tables.remove_leftovers().unwrap(), [Family::V4, Family::V6]);
        assert_eq!(tables.services(), []);
        assert_eq!(tables.remove_leftovers().unwrap(), []);
        assert_eq!(ruleset(), "table ip other {\n}\n");
    });
}

#[test]
fn ten_thousand_addresses_fit_into_one_change() {
    Namespace::new().run(|| {
        let mut tables = MarkTables::open(MarkStyle { counters: false, ..style() }).unwrap();
        let entry = |number: u32| {
            let ip = IpAddr::V4(Ipv4Addr::from(0x0a01_0000 + number));
            MarkChange::Add(Marked { protocol: Tcp, first: ip, last: ip, port: 80 }, 1000)
        };
        assert_eq!(tables.change(&(0..10_000).map(entry).collect::<Vec<_>>()), []);
        assert_eq!(ruleset().matches("10.1.").count(), 10_000);
        assert_eq!(tables.services(), [ServiceKey::Mark { family: Family::V4, mark: 1000 }]);
        assert_eq!(tables.change(&[MarkChange::RemoveTables]), []);
    });
}
