use super::*;

const YOUNG: Duration = Duration::from_millis(59_999);

#[test]
fn pauses_double_up_to_a_minute() {
    let mut respawn = Respawn::default();
    let mut seconds = Vec::new();
    for _ in 0..10 {
        match respawn.pause_after(YOUNG) {
            Pause::Limit(pause) => seconds.push(pause.as_secs()),
            Pause::None => panic!("a pause is due"),
        }
    }
    assert_eq!(seconds, [0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
}

#[test]
fn a_steady_life_is_followed_by_a_start_at_once_and_forgives_the_past() {
    let mut respawn = Respawn::default();
    for _ in 0..4 {
        respawn.pause_after(YOUNG);
    }
    assert_eq!(respawn.pause_after(STEADY), Pause::None);
    assert_eq!(respawn.pause_after(YOUNG), Pause::Limit(Duration::ZERO));
}
