use super::*;

fn weight(value: i32) -> Weight {
    Weight { value, reverse: false }
}

fn reversed(value: i32) -> Weight {
    Weight { value, reverse: true }
}

#[test]
fn a_weight_counts_only_on_its_side() {
    let cases = [
        (Standing::Good, weight(20), 20),
        (Standing::Bad, weight(20), 0),
        (Standing::Good, weight(-20), 0),
        (Standing::Bad, weight(-20), -20),
        (Standing::Good, reversed(20), -20),
        (Standing::Bad, reversed(-20), 20),
        (Standing::Pending, weight(20), 0),
        (Standing::Number(7), weight(-3), -21),
        (Standing::Number(7), reversed(-3), 21),
        (Standing::Number(1000), weight(1), 253),
        (Standing::Number(i32::MAX), weight(254), 253),
        (Standing::Good, weight(0), 0),
        (Standing::Bad, reversed(0), 0),
        (Standing::Number(0), weight(0), 0),
        (Standing::Number(1), reversed(0), 0),
    ];
    for (standing, weight, added) in cases {
        assert_eq!(effect(standing, weight), Effect::Priority(added), "{standing:?} {weight:?}");
    }
}

#[test]
fn without_weight_a_bad_thing_is_a_fault() {
    let cases = [
        (Standing::Bad, weight(0)),
        (Standing::Good, reversed(0)),
        (Standing::Number(-1), weight(0)),
        (Standing::Number(0), reversed(0)),
        (Standing::Number(-254), weight(1)),
        (Standing::Number(i32::MIN), weight(254)),
    ];
    for (standing, weight) in cases {
        assert_eq!(effect(standing, weight), Effect::Fault, "{standing:?} {weight:?}");
    }
    assert_eq!(effect(Standing::Pending, weight(0)), Effect::Hold);
}

#[test]
fn a_group_s_weight_wins_over_a_member_s() {
    let own = vec![("a", weight(5)), ("b", weight(0)), ("c", weight(7))];
    let group = vec![("a", weight(9)), ("b", weight(9)), ("d", weight(1))];
    let merged = merge(own, group);
    assert_eq!(merged, [("b", weight(0)), ("c", weight(7)), ("a", weight(9)), ("d", weight(1))]);
}
