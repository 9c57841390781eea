use super::*;

fn news(name: &str, up: bool) -> SessionNews {
    SessionNews { name: name.to_owned(), up, sent: Time(1) }
}

#[test]
fn followers_are_told_and_late_comers_too() {
    let mut sessions = Sessions::default();
    let both = [Role::Vrrp, Role::Check].map(|role| (role, news("a", true)));
    assert_eq!(sessions.note(news("a", true), true, true), both);
    assert_eq!(sessions.note(news("b", false), true, false), [(Role::Vrrp, news("b", false))]);
    assert_eq!(sessions.all(Role::Vrrp, Time(1)), [news("a", true), news("b", false)]);
    assert_eq!(sessions.all(Role::Check, Time(1)), [news("a", true)]);
    assert_eq!(sessions.up(), 1);
    sessions.end(false, Instant::now());
    assert_eq!(sessions.all(Role::Vrrp, Time(1)), []);
}

#[test]
fn the_end_of_our_own_process_is_no_failure_of_a_path() {
    let mut sessions = Sessions::default();
    let start = Instant::now();
    sessions.note(news("a", true), true, false);
    sessions.note(news("b", false), true, false);
    sessions.end(true, start);
    assert_eq!(sessions.deadline(), Some(start + PATIENCE));
    // A new process begins.
    assert_eq!(sessions.note(news("a", false), true, false), []);
    assert_eq!(sessions.note(news("b", false), true, false), [(Role::Vrrp, news("b", false))]);
    assert_eq!(sessions.all(Role::Vrrp, Time(1)), [news("a", true), news("b", false)]);
    // It comes up, and then fails.
    assert_eq!(sessions.note(news("a", true), true, false), [(Role::Vrrp, news("a", true))]);
    assert_eq!(sessions.deadline(), None);
    assert_eq!(sessions.note(news("a", false), true, false), [(Role::Vrrp, news("a", false))]);
}

#[test]
fn patience_ends_however_often_the_process_ends() {
    let mut sessions = Sessions::default();
    let start = Instant::now();
    sessions.note(news("a", true), true, false);
    sessions.end(true, start);
    sessions.note(news("a", false), true, false);
    sessions.end(true, start + PATIENCE / 2);
    assert_eq!(sessions.give_up(start + PATIENCE / 2, Time(1)), []);
    assert_eq!(sessions.give_up(start + PATIENCE, Time(1)), [(Role::Vrrp, news("a", false))]);
    assert_eq!(sessions.deadline(), None);
    assert_eq!(sessions.up(), 0);
}

#[test]
fn what_a_reload_takes_away_is_not_counted_any_more() {
    let mut sessions = Sessions::default();
    for name in ["a", "b"] {
        sessions.note(news(name, true), true, false);
    }
    sessions.keep(&BTreeSet::from(["b".to_owned(), "c".to_owned()]));
    assert_eq!(sessions.up(), 1);
    assert_eq!(sessions.all(Role::Vrrp, Time(1)), [news("b", true)]);
}
