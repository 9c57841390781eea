use proptest::prelude::*;

use super::*;

fn packet() -> Packet {
    Packet {
        diagnostic: Diagnostic::NEIGHBOR_DOWN,
        state: State::Up,
        poll: true,
        last: false,
        demand: false,
        multiplier: 3,
        mine: 0x0102_0304,
        yours: 0x0506_0708,
        desired_min_tx: 100_000,
        required_min_rx: 50_000,
    }
}

#[test]
fn a_packet_has_the_form_of_the_rfc() {
    let bytes = [0x23, 0xe0, 3, 24, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0x01, 0x86, 0xa0, 0, 0, 0xc3, 0x50, 0, 0, 0, 0];
    assert_eq!(packet().encode(), bytes);
    assert_eq!(Packet::decode(&bytes), Ok(packet()));
}

#[test]
fn what_the_rfc_discards_is_discarded() {
    let refused = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = packet().encode().to_vec();
        change(&mut bytes);
        Packet::decode(&bytes).expect_err("to be discarded")
    };
    assert_eq!(refused(&|it| it.truncate(23)), Refusal::Short(23));
    assert_eq!(refused(&|it| it[0] = 0x03), Refusal::Version(0));
    assert_eq!(refused(&|it| it[0] = 0x43), Refusal::Version(2));
    assert_eq!(refused(&|it| it[3] = 23), Refusal::Length { field: 23, received: 24 });
    assert_eq!(refused(&|it| it[3] = 25), Refusal::Length { field: 25, received: 24 });
    assert_eq!(refused(&|it| it[2] = 0), Refusal::Multiplier);
    assert_eq!(refused(&|it| it[1] |= 0x01), Refusal::Multipoint);
    assert_eq!(refused(&|it| it[4..8].fill(0)), Refusal::NoDiscriminator);
    assert_eq!(refused(&|it| it[8..12].fill(0)), Refusal::Unaddressed(State::Up));
    assert_eq!(refused(&|it| it[1] |= 0x10), Refusal::PollAndFinal);
    assert_eq!(refused(&|it| it[1] |= 0x04), Refusal::Authenticated);
    for state in [State::Init, State::Up] {
        let bytes = Packet { yours: 0, state, ..packet() }.encode();
        assert_eq!(Packet::decode(&bytes), Err(Refusal::Unaddressed(state)));
    }
    for state in [State::Down, State::AdminDown] {
        let unaddressed = Packet { yours: 0, state, ..packet() };
        assert_eq!(Packet::decode(&unaddressed.encode()), Ok(unaddressed));
    }
}

/// Section 6.8.6: the first rule that is broken is the one that counts.
#[test]
fn rules_are_looked_at_in_the_order_of_the_rfc() {
    let mut bytes = [0x43, 0xf5, 0, 25, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut kinds = Vec::new();
    for (at, byte) in [(0, 0x23), (3, 24), (2, 1), (1, 0xf4), (4, 1), (8, 1), (1, 0xc4), (1, 0xc0)] {
        kinds.push(Packet::decode(&bytes).expect_err("to be discarded").kind());
        bytes[at] = byte;
    }
    assert_eq!(kinds, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(Packet::decode(&bytes[..23]).expect_err("to be discarded").kind(), 0);
    assert!(Packet::decode(&bytes).is_ok());
}

#[test]
fn what_stands_behind_a_packet_and_unknown_diagnostics_are_no_fault() {
    let mut bytes = packet().encode().to_vec();
    bytes.extend([0; 6]);
    bytes[0] |= 0x1f;
    let read = Packet::decode(&bytes).expect("a packet");
    assert_eq!(read.diagnostic.words(), "Reserved for future use");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(read) = Packet::decode(&bytes) {
            prop_assert_eq!(Packet::decode(&read.encode()), Ok(read));
        }
    }

    #[test]
    fn what_is_written_is_read_again(
        (state, diagnostic, multiplier) in (0..4_usize, 0..32_u8, 1..=255_u8),
        (poll, last, demand) in any::<(bool, bool, bool)>(),
        (mine, yours) in (1..=u32::MAX, 1..=u32::MAX),
        (desired_min_tx, required_min_rx) in any::<(u32, u32)>(),
    ) {
        let state = [State::AdminDown, State::Down, State::Init, State::Up][state];
        let last = last && !poll;
        let written = Packet {
            diagnostic: Diagnostic(diagnostic), state, poll, last, demand, multiplier, mine, yours, desired_min_tx, required_min_rx,
        };
        prop_assert_eq!(Packet::decode(&written.encode()), Ok(written));
    }
}
