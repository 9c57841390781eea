use super::*;
use crate::model::Weight;

const MS: u64 = 1000;
const STATES: [State; 4] = [State::AdminDown, State::Down, State::Init, State::Up];

pub(crate) fn config() -> BfdInstance {
    BfdInstance {
        name: "b1".into(),
        neighbor: [10, 0, 0, 2].into(),
        source: None,
        min_rx: Micros(10 * MS),
        min_tx: Micros(10 * MS),
        idle_tx: Micros(1000 * MS),
        multiplier: 3,
        passive: false,
        ttl: 255,
        max_hops: 0,
        multihop: false,
        weight: Weight::default(),
        for_vrrp: true,
        for_checker: false,
    }
}

/// A session and what it has done.
struct Rig {
    session: Session,
    random: Random,
    now: Time,
    out: VecDeque<Action>,
}

impl Rig {
    fn new(config: BfdInstance) -> Self {
        let now = Time(1_000_000);
        Rig { session: Session::new(now, config, 7), random: Random::new(1), now, out: VecDeque::new() }
    }

    fn act(&mut self, act: impl FnOnce(&mut Session, Time, &mut Outside<'_>)) {
        let mut outside = Outside { id: SessionId(1), now: self.now, out: &mut self.out, random: &mut self.random };
        act(&mut self.session, self.now, &mut outside);
    }

    fn hear(&mut self, state: State) {
        self.hear_packet(Packet { state, ..packet() });
    }

    fn hear_packet(&mut self, packet: Packet) {
        self.act(|session, now, outside| session.hear(now, &packet, outside));
    }

    /// Lets time pass, and does what falls due.
    fn wait(&mut self, span: Micros) {
        let end = self.now + span;
        while let Some(next) = self.session.next_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(next);
            self.act(|session, now, outside| session.handle_timeout(now, outside));
        }
        self.now = end;
    }

    /// What has been sent since the last look.
    fn sent(&mut self) -> Vec<Packet> {
        let packets = self.out.iter().filter_map(|action| match action {
            Action::Send(_, bytes) => Some(Packet::decode(bytes).expect("a packet")),
            _ => None,
        });
        let packets = packets.collect();
        self.out.retain(|action| !matches!(action, Action::Send(..)));
        packets
    }

    /// What followers were told since the last look.
    fn told(&mut self) -> Vec<bool> {
        let told = self.out.iter().filter_map(|action| match action {
            Action::Tell { up, .. } => Some(*up),
            _ => None,
        });
        let told = told.collect();
        self.out.retain(|action| !matches!(action, Action::Tell { .. }));
        told
    }

    fn lines(&mut self, least: Level) -> Vec<String> {
        let lines = self.out.iter().filter_map(|action| match action {
            Action::Log(level, line) if *level <= least => Some(line.clone()),
            _ => None,
        });
        let lines = lines.collect();
        self.out.retain(|action| !matches!(action, Action::Log(..)));
        lines
    }

    /// What has happened since the last look, as `FROM TO CAUSE`.
    fn happened(&mut self) -> Vec<String> {
        let happened = self.out.iter().filter_map(|action| match action {
            Action::Happened(it) => Some(format!("{} {} {}", it.from, it.to, it.cause)),
            _ => None,
        });
        let happened = happened.collect();
        self.out.retain(|action| !matches!(action, Action::Happened(_)));
        happened
    }

    /// In this state, by packets.
    fn in_state(own: State) -> Self {
        let mut rig = Rig::new(config());
        match own {
            State::AdminDown => rig.act(|session, now, outside| session.path_failed(now, "no socket", outside)),
            State::Down => {}
            State::Init => rig.hear(State::Down),
            State::Up => {
                rig.hear(State::Down);
                rig.now = rig.now + Micros(2 * MS);
                rig.hear(State::Init);
            }
        }
        assert_eq!(rig.session.state, own);
        rig.out.clear();
        rig
    }
}

/// A word of a peer that is down.
pub(crate) fn packet() -> Packet {
    Packet {
        diagnostic: Diagnostic::NONE,
        state: State::Down,
        poll: false,
        last: false,
        demand: false,
        multiplier: 3,
        mine: 9,
        yours: 7,
        desired_min_tx: 10_000,
        required_min_rx: 10_000,
    }
}

/// RFC 5880 section 6.8.6, the whole table.
#[test]
fn every_state_meets_every_received_state() {
    use State::{AdminDown, Down, Init, Up};
    let expected = [
        [AdminDown, AdminDown, AdminDown, AdminDown],
        [Down, Init, Up, Down],
        [Down, Init, Up, Up],
        [Down, Down, Up, Up],
    ];
    for (own, row) in STATES.into_iter().zip(expected) {
        for (heard, expected) in STATES.into_iter().zip(row) {
            let mut rig = Rig::in_state(own);
            rig.hear(heard);
            assert_eq!(rig.session.state, expected, "{own:?} hears {heard:?}");
            let told = match (own, expected) {
                (Init | Down, Up) => vec![true],
                (Up, Down) if heard == Down => vec![false],
                _ => vec![],
            };
            assert_eq!(rig.told(), told, "{own:?} hears {heard:?}");
            if own == Up && expected == Down {
                assert_eq!(rig.session.diagnostic, Diagnostic::NEIGHBOR_DOWN);
            }
        }
    }
}

#[test]
fn a_session_that_is_not_up_sends_once_a_second_at_most() {
    let mut rig = Rig::new(config());
    rig.wait(Micros::from_secs(100));
    let sent = rig.sent().len();
    assert!((100..=134).contains(&sent), "{sent} packets in 100 s");
}

#[test]
fn a_change_of_state_leaves_at_once_and_confirms_the_new_pace() {
    let mut rig = Rig::new(config());
    rig.wait(Micros(100));
    assert_eq!(rig.sent().len(), 1);
    rig.now = rig.now + Micros(2 * MS);
    rig.hear(State::Down);
    let sent = rig.sent();
    assert_eq!((sent.len(), sent[0].state, sent[0].yours, sent[0].desired_min_tx), (1, State::Init, 9, 1_000_000));
    rig.now = rig.now + Micros(2 * MS);
    rig.hear(State::Up);
    let sent = rig.sent();
    assert_eq!((sent.len(), sent[0].state, sent[0].poll, sent[0].desired_min_tx), (1, State::Up, true, 10_000));
    assert_eq!(rig.lines(Level::Info).last().map(String::as_str), Some("(b1) Entering Up state"));
    rig.wait(Micros(25 * MS));
    assert!(rig.sent().iter().all(|packet| packet.poll), "until it is answered");
    rig.hear_packet(Packet { state: State::Up, last: true, ..packet() });
    rig.wait(Micros(25 * MS));
    let sent = rig.sent();
    assert!((2..=4).contains(&sent.len()) && sent.iter().all(|packet| !packet.poll), "{sent:?}");
}

#[test]
fn silence_for_the_detection_time_takes_it_down() {
    let mut rig = Rig::in_state(State::Up);
    rig.wait(Micros(30 * MS - 1));
    assert_eq!(rig.session.state, State::Up);
    rig.sent();
    rig.wait(Micros(1));
    assert_eq!((rig.session.state, rig.session.diagnostic), (State::Down, Diagnostic::EXPIRED));
    assert_eq!(rig.told(), [false]);
    assert_eq!(
        rig.lines(Level::Info),
        [
            "(b1) Expired after 30 ms (0 usec overdue)",
            "(b1) Entering Down state (Local diagnostic - Control Detection Time Expired, Remote diagnostic - No Diagnostic)"
        ]
    );
    rig.wait(Micros(2 * MS));
    let sent = rig.sent();
    assert_eq!((sent.len(), sent[0].state, sent[0].yours), (1, State::Down, 0), "the peer is no longer known");
    rig.wait(Micros::from_secs(10));
    assert!(rig.sent().len() <= 14, "slowly again");
}

#[test]
fn a_peer_that_is_taken_down_by_its_operator_is_no_failure() {
    let mut rig = Rig::in_state(State::Up);
    rig.hear_packet(Packet { state: State::AdminDown, diagnostic: Diagnostic::ADMIN_DOWN, ..packet() });
    assert_eq!(rig.session.state, State::Down);
    assert_eq!(rig.told(), [] as [bool; 0]);
    assert_eq!(
        rig.lines(Level::Info),
        [
            "(b1) Entering Down state (Local diagnostic - Neighbor Signaled Session Down, Remote diagnostic - Administratively Down)"
        ]
    );
}

#[test]
fn a_poll_is_answered_at_once_without_a_poll_of_ours() {
    let mut rig = Rig::in_state(State::Up);
    rig.wait(Micros(2 * MS));
    rig.sent();
    let due = rig.session.periodic;
    assert!(rig.session.timing.polls());
    rig.hear_packet(Packet { state: State::Up, poll: true, ..packet() });
    let sent = rig.sent();
    assert_eq!((sent.len(), sent[0].last, sent[0].poll), (1, true, false));
    assert_ne!(due, None);
}

#[test]
fn a_passive_session_speaks_when_it_is_spoken_to() {
    let mut rig = Rig::new(BfdInstance { passive: true, ..config() });
    rig.wait(Micros::from_secs(100));
    assert_eq!(rig.sent(), []);
    rig.hear(State::Down);
    assert_eq!(rig.sent().len(), 1);
    rig.hear(State::Init);
    rig.wait(Micros::from_secs(1));
    assert_eq!(rig.session.state, State::Down);
    rig.sent();
    rig.wait(Micros::from_secs(100));
    assert_eq!(rig.sent(), [], "silent again when the peer is not known any more");
}

#[test]
fn a_peer_that_demands_silence_gets_it_while_both_are_up() {
    let mut rig = Rig::in_state(State::Up);
    rig.hear_packet(Packet { state: State::Up, demand: true, last: true, ..packet() });
    rig.wait(Micros(2 * MS));
    rig.sent();
    rig.wait(Micros(27 * MS));
    assert_eq!(rig.sent(), []);
    rig.hear_packet(Packet { state: State::Up, demand: true, poll: true, ..packet() });
    assert_eq!(rig.sent().len(), 1, "a poll is answered all the same");
}

#[test]
fn a_peer_that_wants_no_packets_gets_none() {
    let mut rig = Rig::in_state(State::Up);
    rig.hear_packet(Packet { state: State::Up, required_min_rx: 0, last: true, ..packet() });
    rig.wait(Micros(2 * MS));
    rig.sent();
    rig.wait(Micros(27 * MS));
    assert_eq!(rig.sent(), []);
}

/// However fast a peer asks or changes its mind, packets, log lines and followers stay few.
#[test]
fn a_wild_peer_causes_bounded_work() {
    let mut rig = Rig::new(config());
    let mut changes = 0;
    for round in 0..100_000_u32 {
        rig.now = rig.now + Micros(50);
        let state = STATES[usize::try_from(round % 4).expect("small")];
        let desired_min_tx = 10_000 + round;
        rig.hear_packet(Packet { state, poll: round % 3 == 0, last: round % 5 == 0, desired_min_tx, ..packet() });
        changes += rig.told().len();
    }
    // Five seconds.
    assert!(rig.sent().len() <= 6_000);
    assert!(changes <= 2 * 11, "{changes}");
    assert!(rig.lines(Level::Detail).len() <= 100);
}

#[test]
fn a_socket_that_fails_is_tried_again_ever_more_rarely() {
    let mut rig = Rig::in_state(State::Up);
    let mut waits = Vec::new();
    for _ in 0..9 {
        let begun = rig.now;
        rig.act(|session, now, outside| session.path_failed(now, "Cannot assign requested address", outside));
        assert_eq!(rig.session.state, State::AdminDown);
        rig.out.clear();
        rig.now = rig.session.next_timeout().expect("another try");
        rig.act(|session, now, outside| session.handle_timeout(now, outside));
        assert!(rig.out.iter().any(|action| matches!(action, Action::Open(..))));
        waits.push(rig.now.since(begun).0 / 1_000_000);
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    assert_eq!(rig.session.state, State::Down);
}

#[test]
fn followers_hear_of_a_socket_that_fails() {
    let mut rig = Rig::in_state(State::Up);
    rig.act(|session, now, outside| session.path_failed(now, "gone", outside));
    assert_eq!(rig.told(), [false]);
}

#[test]
fn a_reload_with_other_timers_polls_and_keeps_the_session() {
    let mut rig = Rig::in_state(State::Up);
    rig.hear_packet(Packet { state: State::Up, last: true, ..packet() });
    rig.wait(Micros(5 * MS));
    rig.out.clear();
    let slower = BfdInstance { min_tx: Micros(20 * MS), ..config() };
    rig.act(|session, now, outside| session.reload(now, slower, outside));
    let sent = rig.sent();
    assert_eq!((sent.len(), sent[0].poll, sent[0].desired_min_tx, sent[0].mine), (1, true, 20_000, 7));
    assert_eq!((rig.session.state, rig.session.interval()), (State::Up, Some(Micros(10 * MS))));
    rig.hear_packet(Packet { state: State::Up, last: true, ..packet() });
    assert_eq!(rig.session.interval(), Some(Micros(20 * MS)));
    rig.out.clear();
    let same = rig.session.config.clone();
    rig.act(|session, now, outside| session.reload(now, same, outside));
    assert_eq!(rig.sent(), []);
    assert_eq!(rig.told(), [true], "followers may have been started anew");
}

#[test]
fn the_end_is_said() {
    let mut rig = Rig::in_state(State::Up);
    rig.act(|session, now, outside| session.stop(now, outside));
    let sent = rig.sent();
    assert_eq!((sent.len(), sent[0].state, sent[0].diagnostic), (1, State::AdminDown, Diagnostic::ADMIN_DOWN));
    assert!(matches!(rig.out.back(), Some(Action::Close(_))));
    assert_eq!(rig.told(), [] as [bool; 0]);
}

#[test]
fn timers_are_shown_in_keepaliveds_words() {
    let mut rig = Rig::new(BfdInstance { multiplier: 5, ..config() });
    rig.hear_packet(Packet { desired_min_tx: 1_000_000, multiplier: 5, ..packet() });
    assert_eq!(
        rig.lines(Level::Detail),
        [
            "(b1) ---------------< Session parameters >--------------",
            "              min_tx  min_rx  tx_intv  mult  detect_time",
            "     local   1000000   10000  1000000     5      5000000",
            "     remote  1000000   10000  1000000     5      5000000",
            "     Detection time is 5000000 us (was 0 us)",
        ]
    );
}

#[test]
fn table_and_lines_are_as_wide_as_the_name() {
    let side = Side { min_tx: Micros(10_000_000), ..Side::default() };
    let lines = words::parameters("session", side, side);
    assert_eq!(lines[1], "                   min_tx  min_rx  tx_intv  mult  detect_time");
    assert_eq!(lines[2], "          local  10000000       0        0     0            0");
    assert_eq!(words::detection("session", Micros(3), Micros(2)), "          Detection time is 3 us (was 2 us)");
}

/// Section 6.8.3: the new interval lies between the last packet and the next, not between now and the next.
#[test]
fn a_shorter_interval_is_counted_from_the_last_packet() {
    let mut rig = Rig::in_state(State::Up);
    rig.hear_packet(Packet { state: State::Up, required_min_rx: 1_000_000, last: true, ..packet() });
    rig.wait(Micros(25 * MS));
    rig.sent();
    rig.hear_packet(Packet { state: State::Up, required_min_rx: 10_000, ..packet() });
    assert_eq!(rig.sent().len(), 1, "10 ms have passed since the last");
}

#[test]
fn a_longer_interval_holds_from_the_last_packet_on() {
    let mut rig = Rig::in_state(State::Up);
    rig.wait(Micros(2 * MS));
    rig.sent();
    rig.hear_packet(Packet { state: State::Up, required_min_rx: 25_000, last: true, ..packet() });
    rig.wait(Micros(16 * MS));
    assert_eq!(rig.sent(), []);
}

/// Section 6.5: P goes with scheduled packets, additional ones are not sent.
#[test]
fn a_poll_makes_no_packets_beside_the_scheduled_ones() {
    let mut rig = Rig::in_state(State::Up);
    rig.wait(Micros(2 * MS));
    rig.sent();
    rig.hear_packet(Packet { state: State::Up, poll: true, ..packet() });
    assert!(rig.sent()[0].last);
    rig.wait(Micros(2 * MS));
    assert_eq!(rig.sent(), [], "P waits");
    rig.wait(Micros(7 * MS));
    assert!(rig.sent()[0].poll);
}

#[test]
fn a_peer_that_polls_without_end_is_polled_as_well() {
    let mut rig = Rig::in_state(State::Up);
    rig.sent();
    for _ in 0..1000 {
        rig.wait(Micros(100));
        rig.hear_packet(Packet { state: State::Up, poll: true, ..packet() });
    }
    let sent = rig.sent();
    let polls = sent.iter().filter(|packet| packet.poll).count();
    let answers = sent.iter().filter(|packet| packet.last).count();
    assert!((9..=14).contains(&polls) && answers > 80, "{polls} polls and {answers} answers in 100 ms");
}

#[test]
fn the_end_is_said_slowly_and_without_a_poll() {
    let mut rig = Rig::in_state(State::Up);
    rig.act(|session, now, outside| session.stop(now, outside));
    let sent = rig.sent();
    assert_eq!((sent[0].poll, sent[0].desired_min_tx), (false, 1_000_000));
}

#[test]
fn a_session_that_never_was_up_expires_without_a_word() {
    let mut rig = Rig::new(config());
    for _ in 0..100 {
        rig.hear_packet(Packet { multiplier: 1, desired_min_tx: 1, ..packet() });
        rig.wait(Micros(20 * MS));
        assert_eq!(rig.session.state, State::Down);
    }
    assert!(rig.lines(Level::Warning).is_empty());
}

#[test]
fn a_peer_that_is_heard_hastens_the_next_try_of_a_socket() {
    let mut rig = Rig::in_state(State::Up);
    for _ in 0..9 {
        rig.act(|session, now, outside| session.path_failed(now, "no address", outside));
        rig.hear(State::Down);
        assert_eq!(rig.session.next_timeout(), Some(rig.now + RETRY));
        rig.wait(RETRY);
        assert_eq!(rig.session.state, State::Down);
    }
}

#[test]
fn a_reload_tries_a_socket_at_once() {
    let mut rig = Rig::in_state(State::AdminDown);
    rig.act(|session, now, outside| session.reload(now, config(), outside));
    assert_eq!(rig.session.next_timeout(), Some(rig.now));
    rig.wait(Micros::ZERO);
    let sent = rig.sent();
    assert_eq!((sent.len(), sent[0].state, sent[0].diagnostic), (1, State::Down, Diagnostic::PATH_DOWN));
}

#[test]
fn a_reload_makes_no_failure_of_what_the_peers_operator_did() {
    let mut rig = Rig::in_state(State::Up);
    rig.hear(State::AdminDown);
    rig.out.clear();
    rig.act(|session, now, outside| session.reload(now, config(), outside));
    assert_eq!((rig.session.state, rig.told()), (State::Down, vec![true]));
    rig.act(|session, now, outside| session.path_failed(now, "gone", outside));
    assert_eq!(rig.told(), [false], "but that is one");
}

/// Section 6.8.1: what is known of a peer is kept for a detection time, even over a socket that fails.
#[test]
fn a_peer_is_remembered_over_a_socket_that_fails_for_a_detection_time() {
    let mut rig = Rig::in_state(State::Up);
    rig.hear_packet(Packet { state: State::Up, multiplier: 200, ..packet() });
    rig.act(|session, now, outside| session.path_failed(now, "gone", outside));
    rig.out.clear();
    rig.wait(RETRY);
    assert_eq!(rig.sent()[0].yours, 9);
    rig.wait(RETRY);
    assert_eq!(rig.sent().last().map(|packet| packet.yours), Some(0));
}

/// Section 6.8.7: without respect to the session's state or its timer.
#[test]
fn a_poll_is_answered_in_every_state() {
    for own in [State::Down, State::Init, State::Up] {
        let mut rig = Rig::in_state(own);
        rig.now = rig.now + Micros(2 * MS);
        let due = rig.session.periodic;
        rig.hear_packet(Packet { state: State::Up, poll: true, ..packet() });
        let sent = rig.sent();
        assert!(sent.len() == 1 && sent[0].last && !sent[0].poll, "{own:?}: {sent:?}");
        if own == State::Up {
            assert_eq!(rig.session.periodic, due, "what is due stays due");
        }
    }
}

/// Section 6.8.12.
#[test]
fn another_multiplier_is_told_without_a_poll() {
    let mut rig = Rig::in_state(State::Up);
    rig.hear_packet(Packet { state: State::Up, last: true, ..packet() });
    rig.wait(Micros(2 * MS));
    rig.sent();
    let patient = BfdInstance { multiplier: 9, ..config() };
    rig.act(|session, now, outside| session.reload(now, patient, outside));
    let sent = rig.sent();
    assert_eq!((sent.len(), sent[0].multiplier, sent[0].poll), (1, 9, false));
}

/// Section 6.8.4: the peer's multiplier, and the slower of what it sends at and what we want.
#[test]
fn detection_time_is_reckoned_from_the_peers_words() {
    for (min_tx, multiplier, expected) in [(5_000, 3, 30), (40_000, 3, 120), (40_000, 1, 40), (0, 255, 2550)] {
        let mut rig = Rig::in_state(State::Up);
        rig.hear_packet(Packet { state: State::Up, desired_min_tx: min_tx, multiplier, ..packet() });
        assert_eq!(rig.session.detection(), Micros(expected * MS));
        rig.wait(Micros(expected * MS - 1));
        assert_eq!(rig.session.state, State::Up);
        rig.wait(Micros(1));
        assert_eq!(rig.session.state, State::Down);
    }
}

/// Section 6.8.1.
#[test]
fn a_session_begins_with_the_variables_of_the_rfc() {
    let session = Session::new(Time(0), config(), 7);
    assert_eq!((session.state, session.diagnostic), (State::Down, Diagnostic::NONE));
    let Remote { discriminator, state, min_rx, demand, .. } = session.remote;
    assert_eq!((discriminator, state, min_rx, demand), (0, State::Down, Micros(1), false));
    assert_eq!(session.packet().desired_min_tx, 1_000_000);
}

/// A driver measures by it how late it is: real-time priority may depend on that.
#[test]
fn the_first_packet_is_due_when_the_session_is_made() {
    let rig = Rig::new(config());
    assert_eq!(rig.session.next_timeout(), Some(rig.now));
}

/// An answer to the poll before is none to this one.
#[test]
fn an_answer_that_comes_before_the_question_is_none() {
    let mut rig = Rig::in_state(State::Up);
    rig.hear_packet(Packet { state: State::Up, last: true, poll: false, ..packet() });
    rig.wait(Micros(9 * MS));
    let sent = rig.session.sent.expect("a packet");
    rig.now = sent + Micros(100);
    let slower = BfdInstance { min_tx: Micros(20 * MS), ..config() };
    rig.act(|session, now, outside| session.reload(now, slower, outside));
    rig.hear_packet(Packet { state: State::Up, last: true, ..packet() });
    assert!(rig.session.timing.polls(), "nothing was asked yet");
    rig.wait(Micros(2 * MS));
    rig.hear_packet(Packet { state: State::Up, last: true, ..packet() });
    assert!(!rig.session.timing.polls());
}

#[test]
fn every_change_is_told_with_its_cause() {
    let mut rig = Rig::in_state(State::Init);
    rig.hear(State::Init);
    let neighbor = config().neighbor;
    assert_eq!(rig.happened(), [format!("Init Up the peer {neighbor} says Init")]);
    assert_eq!((rig.session.changed, rig.session.risen), (rig.now, 1));
    rig.hear(State::Down);
    assert_eq!(rig.happened(), ["Up Down Neighbor Signaled Session Down: the peer says Down (No Diagnostic)"]);
    rig.hear(State::Down);
    assert!(rig.happened().is_empty(), "Init is not told from Down");
    let mut rig = Rig::in_state(State::Up);
    let silence = rig.session.detection();
    rig.wait(silence);
    let span = format!("{}.{:03}", silence.0 / 1_000_000, silence.0 / 1000 % 1000);
    let cause = format!("Control Detection Time Expired: no packet from {neighbor} for {span} s");
    assert_eq!(rig.happened(), [format!("Up Down {cause}")]);
    let mut rig = Rig::in_state(State::Up);
    for _ in 0..3 {
        rig.act(|session, now, outside| session.path_failed(now, "no socket", outside));
        rig.wait(Micros::from_secs(120));
    }
    assert_eq!(rig.happened(), ["Up AdminDown no socket"], "a socket that is tried again is no news");
}
