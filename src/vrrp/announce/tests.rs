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
