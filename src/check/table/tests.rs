#[path = "../../../tests/checks/kernel.rs"]
mod kernel;
mod property;
#[path = "../../../tests/sim/rng.rs"]
mod rng;

use std::net::SocketAddr;

use crate::check::table::{Owner, Table};
use crate::model;
use crate::model::check::{Forwarding, Protocol};
use crate::model::ipvs::{DestSettings, IpvsChange, Observed, ServiceKey, ServiceSettings};
use crate::model::{Micros, Time};

use IpvsChange::{AddDest, AddService, DeleteDest, DeleteService, SetDest, SetService};
use kernel::{Kernel, refusal};

const ONE: Owner = Owner(1);
const TWO: Owner = Owner(2);

fn key(port: u16) -> ServiceKey {
    ServiceKey::Address { protocol: Protocol::Tcp, ip: [10, 0, 0, 1].into(), port }
}

fn service(scheduler: &str) -> ServiceSettings {
    ServiceSettings { scheduler: scheduler.into(), flags: 0, timeout: 0, netmask: u32::MAX, engine: None }
}

fn at(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 1, 0, last], 80))
}

fn weight(weight: u32) -> DestSettings {
    DestSettings { forwarding: Forwarding::Nat, weight, upper_threshold: 0, lower_threshold: 0 }
}

fn seconds(seconds: u64) -> Time {
    Time(seconds * 1_000_000)
}

/// A table that has seen its first audit, which found nothing.
fn open() -> Table {
    let mut table = Table::default();
    table.open(seconds(0));
    assert!(table.handle_timeout(seconds(0)));
    assert!(table.observed(seconds(0), Vec::new()).is_empty());
    table
}

/// One service with two destinations, made.
fn standing() -> Table {
    let mut table = open();
    table.want_service(ONE, key(80), service("rr"));
    table.want_dest(ONE, &key(80), at(1), weight(1));
    table.want_dest(ONE, &key(80), at(2), weight(2));
    let expected =
        [AddService(key(80), service("rr")), AddDest(key(80), at(1), weight(1)), AddDest(key(80), at(2), weight(2))];
    assert_eq!(table.plan(), expected);
    assert_eq!(table.plan(), []);
    table
}

fn observed(dests: &[(SocketAddr, DestSettings)]) -> Observed {
    Observed { key: key(80), settings: service("rr"), dests: dests.to_vec() }
}

/// The next audit, at its time.
fn audit(table: &mut Table, found: Vec<Observed>) -> (Time, Vec<String>) {
    let due = table.next_timeout().expect("an audit is due");
    assert!(table.handle_timeout(due), "an audit is due");
    (due, table.observed(due, found))
}

#[test]
fn only_differences_are_planned_and_removals_come_last() {
    let mut table = standing();
    table.drop_dest(ONE, &key(80), at(1));
    table.want_dest(ONE, &key(80), at(2), weight(5));
    table.want_dest(ONE, &key(80), at(3), weight(1));
    table.want_service(ONE, key(80), service("wlc"));
    let expected = [
        SetService(key(80), service("wlc")),
        SetDest(key(80), at(2), weight(5)),
        AddDest(key(80), at(3), weight(1)),
        DeleteDest(key(80), at(1)),
    ];
    assert_eq!(table.plan(), expected);
}

#[test]
fn what_is_taken_back_in_the_same_turn_is_no_change() {
    let mut table = standing();
    table.drop_service(ONE, &key(80));
    table.want_service(TWO, key(80), service("rr"));
    table.want_dest(TWO, &key(80), at(1), weight(1));
    assert_eq!(table.plan(), [DeleteDest(key(80), at(2))]);
}

#[test]
fn a_service_goes_with_all_that_is_in_it() {
    let mut table = standing();
    table.drop_service(ONE, &key(80));
    assert_eq!(table.plan(), [DeleteService(key(80))]);
    assert!(table.services.is_empty());

    let mut table = standing();
    table.drop_all();
    assert_eq!(table.plan(), [DeleteService(key(80))]);
    assert!(table.services.is_empty());
}

#[test]
fn shared_entries_follow_their_first_owner_and_stay_for_the_last() {
    let mut table = standing();
    table.want_service(TWO, key(80), service("sh"));
    table.want_dest(TWO, &key(80), at(1), weight(9));
    assert_eq!(table.plan(), []);
    table.drop_dest(ONE, &key(80), at(1));
    table.drop_dest(ONE, &key(80), at(2));
    assert_eq!(table.plan(), [SetDest(key(80), at(1), weight(9)), DeleteDest(key(80), at(2))]);
    table.drop_service(ONE, &key(80));
    assert_eq!(table.plan(), [SetService(key(80), service("sh"))]);
    table.drop_service(TWO, &key(80));
    assert_eq!(table.plan(), [DeleteService(key(80))]);
}

#[test]
fn nothing_is_asked_of_ipvs_before_it_is_there_and_its_table_is_known() {
    let mut table = Table::default();
    table.want_service(ONE, key(80), service("rr"));
    table.want_dest(ONE, &key(80), at(1), weight(1));
    assert_eq!((table.plan(), table.next_timeout()), (Vec::new(), None));
    table.open(seconds(5));
    assert_eq!(table.next_timeout(), Some(seconds(5)));
    assert!(table.handle_timeout(seconds(5)));
    assert_eq!(table.plan(), []);
    // No answer: it goes on without.
    assert_eq!(table.next_timeout(), Some(seconds(7)));
    assert!(!table.handle_timeout(seconds(7)));
    assert_eq!(table.plan(), [AddService(key(80), service("rr")), AddDest(key(80), at(1), weight(1))]);
    table.close();
    assert_eq!((table.plan(), table.next_timeout()), (Vec::new(), None));
}

#[test]
fn what_a_predecessor_left_is_mended() {
    let mut table = Table::default();
    table.want_service(ONE, key(80), service("rr"));
    table.want_dest(ONE, &key(80), at(1), weight(1));
    table.know_dest(ONE, &key(80), at(2));
    table.want_dest(ONE, &key(80), at(3), weight(1));
    table.want_dest(ONE, &key(80), at(4), weight(1));
    table.open(seconds(0));
    let left = vec![observed(&[(at(1), weight(1)), (at(2), weight(1)), (at(3), weight(7)), (at(9), weight(1))])];
    let (_, lines) = audit(&mut table, left);
    assert_eq!(
        lines,
        [
            "IPVS destination 10.0.0.1:tcp:80 -> 10.1.0.2:80 should not be there: removing it",
            "IPVS destination 10.0.0.1:tcp:80 -> 10.1.0.3:80 was changed (weight 7 instead of 1): setting it again",
        ]
    );
    let expected = [SetDest(key(80), at(3), weight(1)), AddDest(key(80), at(4), weight(1)), DeleteDest(key(80), at(2))];
    assert_eq!(table.plan(), expected);
}

#[test]
fn a_service_of_a_predecessor_goes_unless_it_is_wanted() {
    let mut table = standing();
    table.evict(key(80));
    table.evict(key(81));
    assert_eq!(table.plan(), [DeleteService(key(81))]);
    assert_eq!(table.services.len(), 1);

    let mut table = open();
    table.evict(key(80));
    table.want_service(ONE, key(80), service("rr"));
    assert_eq!(table.plan(), [SetService(key(80), service("rr"))]);
}

#[test]
fn an_audit_repairs_what_others_changed() {
    let mut table = standing();
    let (now, lines) = audit(&mut table, vec![observed(&[(at(1), weight(4))])]);
    assert_eq!(now, seconds(10));
    assert_eq!(
        lines,
        [
            "IPVS destination 10.0.0.1:tcp:80 -> 10.1.0.1:80 was changed (weight 4 instead of 1): setting it again",
            "IPVS destination 10.0.0.1:tcp:80 -> 10.1.0.2:80 is gone: adding it again",
        ]
    );
    assert_eq!(table.plan(), [SetDest(key(80), at(1), weight(1)), AddDest(key(80), at(2), weight(2))]);

    let (_, lines) = audit(&mut table, Vec::new());
    assert_eq!(lines, ["IPVS service 10.0.0.1:tcp:80 is gone: adding it again"]);
    assert_eq!(table.plan().len(), 3);

    let mut found = observed(&[(at(1), weight(1)), (at(2), weight(2))]);
    found.settings.timeout = 77;
    let (_, lines) = audit(&mut table, vec![found]);
    assert_eq!(lines, Vec::<String>::new(), "it was repaired just before, and was said to be");
    let due = table.next_timeout().expect("a repair is due");
    table.handle_timeout(due);
    assert_eq!(table.plan(), [SetService(key(80), service("rr"))]);
}

#[test]
fn a_repair_that_does_not_last_is_made_ever_more_rarely_and_said_once() {
    let mut table = standing();
    let mut repairs = 0;
    let mut said = 0;
    let mut now = seconds(0);
    while now < seconds(1_000) {
        now = table.next_timeout().expect("audits go on");
        if table.handle_timeout(now) {
            said += table.observed(now, vec![observed(&[(at(1), weight(4)), (at(2), weight(2))])]).len();
        }
        repairs += table.plan().len();
        assert!(table.next_timeout().is_none_or(|next| next > now));
    }
    assert_eq!(said, 1);
    assert!((15..25).contains(&repairs), "{repairs} repairs in 1000 s");
}

#[test]
fn what_was_planned_during_an_audit_is_not_compared() {
    let mut table = standing();
    assert!(table.handle_timeout(seconds(10)));
    table.want_dest(ONE, &key(80), at(1), weight(7));
    table.drop_dest(ONE, &key(80), at(2));
    table.want_service(ONE, key(81), service("rr"));
    table.want_dest(ONE, &key(81), at(1), weight(1));
    assert_eq!(table.plan().len(), 4);
    assert!(table.observed(seconds(11), vec![observed(&[(at(1), weight(1)), (at(2), weight(2))])]).is_empty());
    assert_eq!(table.plan(), []);
}

#[test]
fn a_service_that_is_changed_during_an_audit_is_not_compared() {
    let mut table = standing();
    assert!(table.handle_timeout(seconds(10)));
    table.want_service(ONE, key(80), service("sh"));
    assert_eq!(table.plan(), [SetService(key(80), service("sh"))]);
    assert!(table.observed(seconds(11), vec![observed(&[])]).is_empty());
    assert_eq!(table.plan(), []);
    // The next one looks at it again.
    let (_, lines) = audit(&mut table, vec![observed(&[])]);
    assert_eq!((lines.len(), table.plan().len()), (3, 3));
}

#[test]
fn few_lines_tell_of_many_repairs() {
    let mut table = open();
    table.want_service(ONE, key(80), service("rr"));
    (0..100).for_each(|last| table.want_dest(ONE, &key(80), at(last), weight(1)));
    table.plan();
    let (_, lines) = audit(&mut table, vec![observed(&[])]);
    assert_eq!(lines.len(), 21);
    assert_eq!(lines[20], "80 more entries of IPVS were not as they should be");
    assert_eq!(table.plan().len(), 100);
}

#[test]
fn audits_of_a_large_table_are_rarer() {
    let mut table = standing();
    let foreign = (1_000..2_000).map(|port| Observed {
        key: key(port),
        settings: service("rr"),
        dests: (0..10).map(|last| (at(last), weight(1))).collect(),
    });
    let ours = observed(&[(at(1), weight(1)), (at(2), weight(2))]);
    let (now, lines) = audit(&mut table, foreign.chain([ours]).collect());
    assert_eq!((lines.len(), table.plan().len()), (0, 0));
    let next = table.next_timeout().expect("audits go on");
    assert!(next.since(now) >= Micros::from_secs(30), "{}", next.since(now));
}

#[test]
fn what_exists_is_set_and_what_is_missing_is_added() {
    let mut table = standing();
    let now = seconds(1);
    assert_eq!(table.refused(now, &AddService(key(80), service("rr")), &refusal(kernel::EXISTS)), None);
    assert_eq!(table.refused(now, &AddDest(key(80), at(1), weight(1)), &refusal(kernel::EXISTS)), None);
    assert_eq!(table.refused(now, &SetDest(key(80), at(2), weight(2)), &refusal(kernel::NO_ENTRY)), None);
    let expected =
        [SetService(key(80), service("rr")), SetDest(key(80), at(1), weight(1)), AddDest(key(80), at(2), weight(2))];
    assert_eq!(table.plan(), expected);
    // The kernel contradicts itself: no loop.
    let line = table.refused(now, &SetDest(key(80), at(1), weight(1)), &refusal(kernel::NO_ENTRY));
    assert_eq!(
        line.as_deref(),
        Some("IPVS cmd IP_VS_SO_SET_EDITDEST(1161) error: No such destination(2) (10.0.0.1:tcp:80 -> 10.1.0.1:80)")
    );
    assert_eq!(table.plan(), []);
    assert!(!table.handle_timeout(seconds(2)) || !table.observed(now, Vec::new()).is_empty());
    assert!(table.plan().contains(&AddDest(key(80), at(1), weight(1))));
}

#[test]
fn what_is_gone_already_is_removed() {
    let mut table = standing();
    table.drop_dest(ONE, &key(80), at(1));
    table.plan();
    assert_eq!(table.refused(seconds(1), &DeleteDest(key(80), at(1)), &refusal(kernel::NO_ENTRY)), None);
    assert_eq!(table.plan(), []);
    table.drop_service(ONE, &key(80));
    table.plan();
    assert_eq!(table.refused(seconds(1), &DeleteService(key(80)), &refusal(kernel::NO_SERVICE)), None);
    assert_eq!(table.plan(), []);
    assert!(table.services.is_empty());
}

#[test]
fn a_missing_service_is_added_with_all_its_destinations_once() {
    let mut table = standing();
    table.want_dest(ONE, &key(80), at(1), weight(3));
    table.want_dest(ONE, &key(80), at(2), weight(3));
    let changes = table.plan();
    let lines: Vec<_> =
        changes.iter().map(|change| table.refused(seconds(1), change, &refusal(kernel::NO_SERVICE))).collect();
    assert_eq!(lines, [Some("IPVS service 10.0.0.1:tcp:80 is gone: adding it again".to_string()), None]);
    assert_eq!(table.plan().len(), 3);
    // A late answer to an old request changes nothing; an audit will tell.
    assert_eq!(table.refused(seconds(1), &changes[1], &refusal(kernel::NO_SERVICE)), None);
    assert_eq!(table.plan(), []);
    assert_eq!(table.next_timeout(), Some(seconds(2)));
}

#[test]
fn what_cannot_be_mended_is_said_once_and_tried_ever_more_rarely() {
    let mut table = open();
    table.want_service(ONE, key(80), service("missing"));
    table.want_dest(ONE, &key(80), at(1), weight(1));
    let mut kernel = Kernel::default();
    let (mut lines, mut tries) = (Vec::new(), Vec::new());
    let mut now = seconds(0);
    while now < seconds(300) {
        for change in table.plan() {
            if matches!(change, AddService(..)) {
                tries.push(now.0 / 1_000_000);
            }
            let refused = kernel.apply(&change).expect_err("nothing can be done");
            lines.extend(table.refused(now, &change, &refusal(refused)));
        }
        now = table.next_timeout().expect("something is due");
        if table.handle_timeout(now) {
            lines.extend(table.observed(now, kernel.services.clone()));
        }
    }
    assert_eq!(
        lines,
        ["IPVS cmd IP_VS_SO_SET_ADD(1154) error: Scheduler or persistence engine not found(2) (10.0.0.1:tcp:80)"]
    );
    assert_eq!(tries, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
    // Something else is wanted: at once.
    table.want_service(ONE, key(80), service("wlc"));
    assert_eq!(table.plan(), [AddService(key(80), service("wlc")), AddDest(key(80), at(1), weight(1))]);
}

#[test]
fn a_refused_removal_is_not_forgotten() {
    let mut table = standing();
    table.forget_dest(ONE, &key(80), at(1));
    assert_eq!(table.plan(), [DeleteDest(key(80), at(1))]);
    assert!(table.refused(seconds(0), &DeleteDest(key(80), at(1)), &refusal(12)).is_some());
    assert!(!table.handle_timeout(seconds(1)));
    assert_eq!(table.plan(), [DeleteDest(key(80), at(1))]);
    table.drop_service(ONE, &key(80));
    assert_eq!(table.plan(), [DeleteService(key(80))]);
    assert!(table.refused(seconds(1), &DeleteService(key(80)), &refusal(12)).is_some());
    assert!(!table.handle_timeout(seconds(2)));
    assert_eq!(table.plan(), [DeleteService(key(80))]);
    assert!(table.services.is_empty());
    // Wanted again meanwhile: what was in it must go all the same.
    assert!(table.refused(seconds(2), &DeleteService(key(80)), &refusal(12)).is_some());
    table.want_service(ONE, key(80), service("rr"));
    table.want_dest(ONE, &key(80), at(3), weight(1));
    let expected = [DeleteService(key(80)), AddService(key(80), service("rr")), AddDest(key(80), at(3), weight(1))];
    assert_eq!(table.plan(), expected);
}

#[test]
fn one_change_in_a_large_service_costs_one_change() {
    let mut table = open();
    table.want_service(ONE, key(80), service("rr"));
    let dests: Vec<SocketAddr> =
        (0..10_000u32).map(|number| SocketAddr::from((std::net::Ipv4Addr::from(0x0a01_0000 + number), 80))).collect();
    dests.iter().for_each(|to| table.want_dest(ONE, &key(80), *to, weight(1)));
    assert_eq!(table.plan().len(), 10_001);
    let begun = std::time::Instant::now();
    for to in &dests {
        table.want_dest(ONE, &key(80), *to, weight(2));
        assert_eq!(table.plan().len(), 1);
    }
    // A tenth of this is plenty; looking at all of them each time would take minutes.
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
}
