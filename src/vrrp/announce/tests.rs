use super::*;

fn eth0() -> IfName {
    IfName::new("eth0").expect("a name")
}

fn vip(last: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, last])
}

fn sent(announcer: &mut Announcer, now: Time) -> Vec<IpAddr> {
    let mut out = VecDeque::new();
    announcer.pump(now, &mut out);
    out.into_iter()
        .filter_map(|action| match action {
            Action::Announce { address, .. } => Some(address),
            _ => None,
        })
        .collect()
}

#[test]
fn a_burst_goes_round_over_the_addresses() {
    let mut announcer = Announcer::default();
    announcer.add(RouterId(1), &eth0(), vip(1), 3);
    announcer.add(RouterId(1), &eth0(), vip(2), 3);
    assert_eq!(sent(&mut announcer, Time(5)), [vip(1), vip(2), vip(1), vip(2), vip(1), vip(2)]);
    assert_eq!(announcer.next_timeout(), None);
}

#[test]
fn a_pace_lets_one_leave_per_interval() {
    let mut announcer = Announcer::default();
    let interval = Micros::from_millis(10);
    announcer.set_paces(vec![GarpPace { interfaces: vec![], garp_interval: interval, gna_interval: Micros::ZERO }]);
    announcer.add(RouterId(1), &eth0(), vip(1), 2);
    announcer.add(RouterId(2), &eth0(), vip(2), 1);
    assert_eq!(sent(&mut announcer, Time(0)), [vip(1)]);
    assert_eq!(announcer.next_timeout(), Some(Time(0) + interval));
    assert!(sent(&mut announcer, Time(9_999)).is_empty());
    assert_eq!(sent(&mut announcer, Time(10_000)), [vip(2)]);
    announcer.cancel(RouterId(2));
    assert_eq!(sent(&mut announcer, Time(20_000)), [vip(1)]);
    assert_eq!(announcer.next_timeout(), None);
}

#[test]
fn an_absurd_repeat_takes_breath() {
    let mut announcer = Announcer::default();
    announcer.add(RouterId(1), &eth0(), vip(1), u32::MAX);
    assert_eq!(sent(&mut announcer, Time(0)).len(), TURN as usize);
    assert_eq!(announcer.next_timeout(), Some(Time(0) + BREATH));
    announcer.cancel(RouterId(1));
    assert!(sent(&mut announcer, Time(2_000)).is_empty());
}

#[test]
fn what_waits_already_counts() {
    let mut announcer = Announcer::default();
    let interval = Micros::from_millis(10);
    announcer.set_paces(vec![GarpPace { interfaces: vec![], garp_interval: interval, gna_interval: Micros::ZERO }]);
    announcer.add(RouterId(1), &eth0(), vip(1), 3);
    announcer.add(RouterId(1), &eth0(), vip(2), 3);
    assert_eq!(sent(&mut announcer, Time(0)), [vip(1)]);
    for _ in 0..100 {
        announcer.add(RouterId(1), &eth0(), vip(1), 3);
        announcer.add(RouterId(1), &eth0(), vip(2), 2);
    }
    let all: Vec<IpAddr> = (1..20).flat_map(|turn| sent(&mut announcer, Time(turn * interval.0))).collect();
    assert_eq!(all, [vip(2), vip(1), vip(2), vip(1), vip(2), vip(1)]);
}

#[test]
fn a_group_of_interfaces_shares_a_pace_and_others_have_their_own() {
    let mut announcer = Announcer::default();
    let name = |text: &str| IfName::new(text).expect("a name");
    let group = GarpPace {
        interfaces: vec![name("eth0"), name("eth1")],
        garp_interval: Micros::from_millis(20),
        gna_interval: Micros::from_millis(5),
    };
    let rest = GarpPace { interfaces: vec![], garp_interval: Micros::from_millis(1), gna_interval: Micros::ZERO };
    announcer.set_paces(vec![group, rest]);
    announcer.add(RouterId(1), &name("eth0"), vip(1), 1);
    announcer.add(RouterId(1), &name("eth1"), vip(2), 1);
    announcer.add(RouterId(1), &name("eth2"), vip(3), 2);
    announcer.add(RouterId(1), &name("eth0"), "fe80::1".parse().expect("an address"), 1);
    assert_eq!(sent(&mut announcer, Time(0)), [vip(1), "fe80::1".parse().expect("an address"), vip(3)]);
    assert_eq!(sent(&mut announcer, Time(1_000)), [vip(3)]);
    assert!(sent(&mut announcer, Time(19_999)).is_empty());
    assert_eq!(sent(&mut announcer, Time(20_000)), [vip(2)]);
}

#[test]
fn a_reload_of_paces_keeps_what_waits() {
    let mut announcer = Announcer::default();
    let slow = GarpPace { interfaces: vec![], garp_interval: Micros::from_secs(9), gna_interval: Micros::ZERO };
    announcer.set_paces(vec![slow]);
    announcer.add(RouterId(1), &eth0(), vip(1), 3);
    assert_eq!(sent(&mut announcer, Time(0)).len(), 1);
    announcer.set_paces(vec![]);
    assert_eq!(sent(&mut announcer, Time(1)), [vip(1), vip(1)]);
}
