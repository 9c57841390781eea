use super::*;
use crate::bfd::session::tests::{config, packet};
use crate::model::Micros;
use crate::wire::bfd::{LENGTH, State};

const MS: u64 = 1000;

/// Two daemons with a session each, and the link between them.
struct Pair {
    engines: [Engine; 2],
    now: Time,
    /// Arrives at (time, engine, bytes)
    flying: Vec<(Time, usize, [u8; LENGTH])>,
    /// Whether packets to each get through
    open: [bool; 2],
    told: [Vec<bool>; 2],
    random: Random,
    /// Of a hundred packets so many are lost
    loss: u64,
}

fn address(side: usize) -> IpAddr {
    [10, 0, 0, 1 + side as u8].into()
}

impl Pair {
    fn new(change: impl Fn(usize, &mut BfdInstance), seed: u64) -> Self {
        let mut pair = Pair {
            engines: [Engine::new(seed), Engine::new(seed + 1000)],
            now: Time(5_000_000),
            flying: Vec::new(),
            open: [true; 2],
            told: [Vec::new(), Vec::new()],
            random: Random::new(seed),
            loss: 0,
        };
        for side in 0..2 {
            let mut instance = config();
            instance.neighbor = address(1 - side);
            change(side, &mut instance);
            pair.engines[side].reload(pair.now, BfdConfig { instances: vec![instance] });
            pair.carry_out(side);
        }
        pair
    }

    fn carry_out(&mut self, side: usize) {
        while let Some(action) = self.engines[side].poll() {
            match action {
                Action::Send(_, bytes) => {
                    let delay = self.random.span(Micros(MS));
                    if self.open[1 - side] && self.random.below(100) >= self.loss {
                        self.flying.push((self.now + delay, 1 - side, bytes));
                    }
                }
                Action::Tell { up, .. } => self.told[side].push(up),
                Action::Listen { .. } | Action::Open(..) | Action::Close(_) | Action::Log(..) | Action::Happened(_) => {
                }
            }
        }
    }

    fn run(&mut self, span: Micros) {
        let end = self.now + span;
        loop {
            let arrival = self.flying.iter().map(|(at, ..)| *at).min();
            let due = self.engines.iter().filter_map(Engine::next_timeout).min();
            let Some(next) = [arrival, due].into_iter().flatten().min().filter(|at| *at <= end) else {
                break;
            };
            self.now = self.now.max(next);
            if let Some(index) = self.flying.iter().position(|(at, ..)| *at <= self.now) {
                let (_, side, bytes) = self.flying.swap_remove(index);
                self.deliver(side, &bytes, 255);
                continue;
            }
            for side in 0..2 {
                self.engines[side].handle_timeout(self.now);
                self.carry_out(side);
            }
        }
        self.now = end;
    }

    fn deliver(&mut self, side: usize, bytes: &[u8], ttl: u8) {
        let datagram = Datagram {
            source: address(1 - side),
            port: 49152,
            destination: Some(address(side)),
            ttl: Some(ttl),
            multihop: false,
            bytes,
        };
        self.engines[side].handle(self.now, Event::Datagram(datagram));
        self.carry_out(side);
    }

    fn states(&self) -> [State; 2] {
        self.engines.each_ref().map(|engine| engine.sessions.values().next().expect("a session").state)
    }

    fn told(&mut self) -> [Vec<bool>; 2] {
        self.told.each_mut().map(std::mem::take)
    }
}

const UP: [State; 2] = [State::Up, State::Up];

#[test]
fn two_sessions_come_up_and_stay() {
    let mut pair = Pair::new(|_, _| {}, 1);
    pair.run(Micros::from_secs(3));
    assert_eq!(pair.states(), UP);
    assert_eq!(pair.told(), [vec![false, true], vec![false, true]]);
    let before = pair.engines.each_ref().map(Engine::counters);
    pair.run(Micros::from_secs(60));
    assert_eq!((pair.states(), pair.told()), (UP, [vec![], vec![]]));
    for (engine, before) in pair.engines.iter().zip(before) {
        let sent = engine.counters().sent - before.sent;
        assert!((6_000..=8_001).contains(&sent), "{sent} packets in a minute at 10 ms");
    }
}

#[test]
fn a_link_that_breaks_one_way_is_noticed_on_both_sides() {
    let mut pair = Pair::new(|_, _| {}, 2);
    pair.run(Micros::from_secs(3));
    pair.told();
    pair.open[0] = false;
    pair.run(Micros(35 * MS));
    assert_eq!(pair.told(), [vec![false], vec![false]], "the second is told by the packet of the first");
    pair.open[0] = true;
    pair.run(Micros::from_secs(3));
    assert_eq!((pair.states(), pair.told()), (UP, [vec![true], vec![true]]));
}

#[test]
fn loss_within_the_multiplier_is_borne() {
    for seed in 0..50 {
        let mut pair = Pair::new(|_, it| it.multiplier = 10, seed);
        pair.loss = 20;
        pair.run(Micros::from_secs(20));
        assert_eq!(pair.states(), UP, "seed {seed}");
        assert_eq!(pair.told(), [vec![false, true], vec![false, true]], "seed {seed}");
    }
}

#[test]
fn each_side_sends_as_the_other_wants() {
    let slow = |side: usize, it: &mut BfdInstance| it.min_rx = Micros([10, 200][side] * MS);
    let mut pair = Pair::new(slow, 3);
    pair.run(Micros::from_secs(5));
    assert_eq!(pair.states(), UP);
    let before = pair.engines.each_ref().map(|it| it.counters().sent);
    pair.run(Micros::from_secs(10));
    let sent = [0, 1].map(|side| pair.engines[side].counters().sent - before[side]);
    assert!((50..=67).contains(&sent[0]) && (1_000..=1_334).contains(&sent[1]), "{sent:?}");
}

#[test]
fn a_reload_keeps_sessions_and_makes_new_ones_of_other_ends() {
    let mut pair = Pair::new(|_, _| {}, 4);
    pair.run(Micros::from_secs(3));
    pair.told();
    let discriminator = |pair: &Pair| pair.engines[0].sessions.values().next().map(|it| it.mine);
    let first = discriminator(&pair);
    let mut instance = config();
    instance.min_tx = Micros(50 * MS);
    pair.engines[0].reload(pair.now, BfdConfig { instances: vec![instance.clone()] });
    pair.carry_out(0);
    pair.run(Micros::from_secs(1));
    assert_eq!((discriminator(&pair), pair.states()), (first, UP));
    assert_eq!(pair.told(), [vec![true], vec![]]);
    instance.neighbor = [10, 0, 0, 77].into();
    pair.engines[0].reload(pair.now, BfdConfig { instances: vec![instance] });
    pair.carry_out(0);
    pair.open = [false; 2];
    pair.run(Micros::from_secs(1));
    assert_ne!(discriminator(&pair), first);
    assert_eq!(
        (pair.states()[0], pair.told()),
        (State::Down, [vec![false], vec![]]),
        "the other was told of AdminDown"
    );
}

#[test]
fn packets_for_others_are_counted_and_change_nothing() {
    let mut pair = Pair::new(|_, _| {}, 5);
    pair.run(Micros::from_secs(3));
    pair.told();
    let stray = Packet { yours: 0, ..packet() };
    let yours = pair.engines[0].sessions.values().next().expect("a session").mine;
    let now = pair.now;
    pair.deliver(0, &Packet { yours: yours ^ 1, ..stray }.encode(), 255);
    pair.deliver(0, &Packet { yours, ..stray }.encode(), 254);
    pair.deliver(0, &[1; 24], 255);
    let elsewhere = Datagram {
        source: [10, 0, 0, 9].into(),
        port: 1,
        destination: None,
        ttl: Some(255),
        multihop: false,
        bytes: &stray.encode(),
    };
    pair.engines[0].handle(now, Event::Datagram(elsewhere));
    let multihop = Datagram { source: address(1), multihop: true, ..elsewhere };
    pair.engines[0].handle(now, Event::Datagram(multihop));
    pair.carry_out(0);
    let Counters { refused, refused_for, strayed, too_far, .. } = pair.engines[0].counters();
    assert_eq!((refused, strayed, too_far), (1, 3, 1));
    assert_eq!(refused_for, [0, 1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!((pair.states(), pair.told()), (UP, [vec![], vec![]]));
}

#[test]
fn one_listens_where_sessions_are() {
    let mut engine = Engine::new(1);
    let mut instance = config();
    instance.multihop = true;
    let listens = |engine: &mut Engine| {
        let actions: Vec<_> = std::iter::from_fn(|| engine.poll()).collect();
        actions.into_iter().filter(|action| matches!(action, Action::Listen { .. })).collect::<Vec<_>>()
    };
    engine.reload(Time(0), BfdConfig { instances: vec![instance] });
    assert_eq!(listens(&mut engine), [Action::Listen { single_hop: false, multihop: true }]);
    engine.reload(Time(0), BfdConfig { instances: vec![config()] });
    assert_eq!(listens(&mut engine), [Action::Listen { single_hop: true, multihop: false }]);
    engine.reload(Time(0), BfdConfig::default());
    assert_eq!(listens(&mut engine), [Action::Listen { single_hop: false, multihop: false }]);
}

/// Two sessions to one peer from two addresses of ours.
#[test]
fn a_first_packet_finds_its_session_by_both_addresses() {
    let mut engine = Engine::new(1);
    let instance =
        |name: &str, source: [u8; 4]| BfdInstance { name: name.into(), source: Some(source.into()), ..config() };
    engine.reload(Time(0), BfdConfig { instances: vec![instance("a", [10, 0, 0, 1]), instance("b", [10, 0, 0, 3])] });
    let hello = Packet { yours: 0, ..packet() };
    let datagram = Datagram {
        source: address(1),
        port: 50_000,
        destination: Some([10, 0, 0, 3].into()),
        ttl: Some(255),
        multihop: false,
        bytes: &hello.encode(),
    };
    engine.handle(Time(1), Event::Datagram(datagram));
    let states: Vec<_> = engine.sessions.values().map(|it| (it.config.name.as_str(), it.state)).collect();
    assert_eq!(states, [("a", State::Down), ("b", State::Init)]);
}

/// Each kind of bad input is discarded, changes nothing, and is counted as what it is.
#[test]
fn bad_packets_are_discarded_and_counted_by_reason() {
    let mut pair = Pair::new(|_, _| {}, 6);
    pair.run(Micros::from_secs(3));
    pair.told();
    let yours = pair.engines[0].sessions.values().next().expect("a session").mine;
    let good = Packet { yours, ..packet() }.encode();
    let with = |changes: &[(usize, u8)]| {
        let mut bytes = good;
        changes.iter().for_each(|(at, byte)| bytes[*at] = *byte);
        bytes
    };
    pair.deliver(0, &good[..23], 255);
    pair.deliver(0, &[], 255);
    let unaddressed = [(1, 0xc0), (8, 0), (9, 0), (10, 0), (11, 0)];
    let bad: [&[(usize, u8)]; 8] = [
        &[(0, 0x40)],
        &[(3, 25)],
        &[(2, 0)],
        &[(1, 0x41)],
        &[(4, 0), (5, 0), (6, 0), (7, 0)],
        &unaddressed,
        &[(1, 0x70)],
        &[(1, 0x44)],
    ];
    for changes in bad {
        pair.deliver(0, &with(changes), 255);
    }
    let counters = pair.engines[0].counters();
    assert_eq!((counters.refused, counters.refused_for), (10, [2, 1, 1, 1, 1, 1, 1, 1, 1]));
    assert_eq!((pair.states(), pair.told()), (UP, [vec![], vec![]]));
}

#[test]
fn what_comes_for_a_session_without_a_socket_is_counted_apart() {
    let mut pair = Pair::new(|_, _| {}, 7);
    let id = *pair.engines[0].sessions.keys().next().expect("a session");
    pair.engines[0].handle(pair.now, Event::PathFailed(id, "no address".into()));
    let before = pair.engines[0].counters();
    pair.deliver(0, &Packet { yours: 0, ..packet() }.encode(), 255);
    let after = pair.engines[0].counters();
    assert_eq!((after.held, after.received), (before.held + 1, before.received));
}

/// A session whose own address is given is meant by packets to that address, wherever it stands in the list.
#[test]
fn the_session_that_is_named_by_both_addresses_comes_first() {
    let mut engine = Engine::new(1);
    let instance = |name: &str, source: Option<IpAddr>| BfdInstance { name: name.into(), source, ..config() };
    let instances = vec![instance("any", None), instance("exact", Some([10, 0, 0, 3].into()))];
    engine.reload(Time(0), BfdConfig { instances });
    let hello = Packet { yours: 0, ..packet() }.encode();
    for (destination, expected) in [([10, 0, 0, 3], "exact"), ([10, 0, 0, 1], "any")] {
        let datagram = Datagram {
            source: address(1),
            port: 50_000,
            destination: Some(destination.into()),
            ttl: Some(255),
            multihop: false,
            bytes: &hello,
        };
        engine.handle(Time(1), Event::Datagram(datagram));
        let session = engine.sessions.values().find(|it| it.config.name == expected).expect("a session");
        assert_eq!(session.state, State::Init, "{expected}");
    }
}

#[test]
fn discriminators_are_distinct_and_not_zero() {
    let mut engine = Engine::new(1);
    let instance = |n: u8| BfdInstance { name: format!("b{n}"), neighbor: [10, 0, 1, n].into(), ..config() };
    engine.reload(Time(0), BfdConfig { instances: (0..=255).map(instance).collect() });
    let known: BTreeSet<u32> = engine.sessions.values().map(|session| session.mine).collect();
    assert!(known.len() == 256 && !known.contains(&0));
    let others = Engine::new(2).discriminator();
    assert!(!known.contains(&others), "another seed gives others");
}

/// RFC 5881 section 6: the discriminator alone says whose a packet is, and answers go where they were configured to.
#[test]
fn a_packet_with_our_discriminator_may_come_from_any_address() {
    let mut engine = Engine::new(1);
    engine.reload(Time(0), BfdConfig { instances: vec![config()] });
    engine.handle_timeout(Time(1));
    let yours = engine.sessions.values().next().expect("a session").mine;
    let datagram = Datagram {
        source: [10, 9, 9, 9].into(),
        port: 50_000,
        destination: Some(address(0)),
        ttl: Some(255),
        multihop: false,
        bytes: &Packet { yours, ..packet() }.encode(),
    };
    engine.handle(Time(2), Event::Datagram(datagram));
    let session = engine.sessions.values().next().expect("a session");
    assert_eq!((session.state, session.path().neighbor), (State::Init, config().neighbor));
    let opened = std::iter::from_fn(|| engine.poll()).filter(|action| matches!(action, Action::Open(..))).count();
    assert_eq!(opened, 1);
}

/// RFC 5881 section 5, and `max_hops`.
#[test]
fn packets_that_have_come_too_far_are_discarded() {
    for (ttl, max_hops, received, accepted) in
        [(255, 0, 255, true), (255, 0, 254, false), (255, 3, 252, true), (255, 3, 251, false), (64, 255, 1, true)]
    {
        let mut engine = Engine::new(1);
        engine.reload(Time(0), BfdConfig { instances: vec![BfdInstance { ttl, max_hops, ..config() }] });
        let datagram = Datagram {
            source: address(1),
            port: 50_000,
            destination: None,
            ttl: Some(received),
            multihop: false,
            bytes: &Packet { yours: 0, ..packet() }.encode(),
        };
        engine.handle(Time(1), Event::Datagram(datagram));
        let Counters { received: taken, too_far, .. } = engine.counters();
        assert_eq!((taken, too_far), if accepted { (1, 0) } else { (0, 1) }, "{ttl} {max_hops} {received}");
        engine.handle(Time(2), Event::Datagram(Datagram { ttl: None, ..datagram }));
        assert_eq!(engine.counters().received, taken + u64::from(max_hops == 255), "not told is too far");
    }
}
