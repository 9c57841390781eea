use super::*;

const INPUTS: [Input; 10] = [
    Input::Start,
    Input::Timeout,
    Input::Heard(Rank::Leaving),
    Input::Heard(Rank::Obeyed),
    Input::Heard(Rank::ObeyedWithAnswer),
    Input::Heard(Rank::Weaker),
    Input::Heard(Rank::Ourselves),
    Input::AddressLost,
    Input::Fault,
    Input::Recovered,
];

/// The whole table of RFC 9568 section 6.4 and of FAULT: a row a state, a column an input.
#[test]
fn every_state_with_every_input() {
    use Move::*;
    let at = Time(7);
    let table: [(State, [Move; 10]); 4] = [
        (State::Init, [StandBy, Stay, Stay, Stay, Stay, Stay, Stay, Stay, Fail, Stay]),
        (State::Backup { down_at: at }, [Stay, Claim, Inherit, Follow, Follow, Disregard, Warn, Stay, Fail, Stay]),
        (
            State::Master { advert_at: at },
            [
                Stay,
                Advertise,
                Reassure,
                Yield { answer: false },
                Yield { answer: true },
                Assert,
                Warn,
                Retreat,
                Fail,
                Stay,
            ],
        ),
        (State::Fault, [Stay, Stay, Stay, Stay, Stay, Stay, Stay, Stay, Stay, StandBy]),
    ];
    for (state, moves) in table {
        for (input, expected) in INPUTS.into_iter().zip(moves) {
            assert_eq!(next(state, input), expected, "{state:?} with {input:?}");
        }
    }
}
