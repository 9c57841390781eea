//! Counters are read no oftener than the configuration allows.

use super::*;

fn with(services: Option<u64>, servers: Option<u64>) -> Counters {
    let mut shared = Shared::default();
    shared.global.snmp.vs_stats_interval = services.map(Micros::from_secs);
    shared.global.snmp.rs_stats_interval = servers.map(Micros::from_secs);
    Counters::new(&shared)
}

/// What is due in each of some seconds, if everything that is due is read at once.
fn reads(mut counters: Counters, seconds: u64) -> Vec<(u64, Depth)> {
    let mut read = Vec::new();
    for second in 0..seconds {
        let now = Time(1_000) + Micros::from_secs(second);
        if let Some(depth) = counters.due(now) {
            read.push((second, depth));
            counters.read(now, depth, Counts::default());
        }
    }
    read
}

#[test]
fn counters_are_five_seconds_old_at_most_by_default() {
    let all = |second| (second, Depth::All);
    assert_eq!(reads(with(None, None), 11), [all(0), all(5), all(10)]);
}

#[test]
fn both_intervals_count() {
    let (all, services) = (|second| (second, Depth::All), |second| (second, Depth::Services));
    assert_eq!(reads(with(Some(3), None), 7), [all(0), all(3), all(6)], "real servers as virtual ones");
    assert_eq!(reads(with(Some(2), Some(5)), 8), [all(0), services(2), services(4), all(5), services(7)]);
    assert_eq!(reads(with(Some(9), Some(4)), 10), [all(0), all(4), all(8)]);
}

#[test]
fn services_alone_leave_what_is_known_of_servers() {
    let mut counters = with(None, None);
    let key = crate::model::ipvs::ServiceKey::Mark { family: crate::model::Family::V4, mark: 1 };
    let dest = ([10, 0, 0, 1], 80).into();
    let mut counts = Counts::default();
    counts.dests.insert((key, dest), Default::default());
    counters.read(Time(0), Depth::All, counts);
    counters.read(Time(1), Depth::Services, Counts::default());
    assert!(counters.counts.dests.contains_key(&(key, dest)));
    counters.forget();
    assert_eq!((&counters.counts, counters.due(Time(2))), (&Counts::default(), Some(Depth::All)));
}
