use std::ffi::OsString;

use proptest::prelude::*;

use super::*;
use crate::model::Weight;

const NOW: Time = Time(1_000_000);

fn tracked(command: &[&str]) -> TrackProcess {
    TrackProcess {
        name: "P".into(),
        command: command.iter().map(OsString::from).collect(),
        param_match: if command.len() > 1 { ParamMatch::Exact } else { ParamMatch::Ignored },
        full_command: command.len() > 1,
        weight: Weight::default(),
        quorum: 1,
        quorum_max: None,
        terminate_delay: Micros::ZERO,
        fork_delay: Micros::ZERO,
    }
}

fn look(name: &str) -> ProcessLook {
    ProcessLook { name: name.into(), command_line: Vec::new() }
}

fn running(words: &[&str]) -> ProcessLook {
    let line = words.iter().flat_map(|word| [word.as_bytes(), &[0]].concat()).collect();
    ProcessLook { name: words[0].into(), command_line: line }
}

fn forked(parent: u32, child: u32) -> ProcessEvent {
    ProcessEvent::Forked { parent, child }
}

/// Tells the census of something; a process that is asked about looks like this.
fn tell(census: &mut Census, at: Time, event: ProcessEvent, looks: &str) -> Vec<bool> {
    census.handle(at, &event, |_| Some(look(looks))).into_iter().map(|(_, quorate)| quorate).collect()
}

#[test]
fn children_count_until_they_run_something_else() {
    let mut census = Census::new(vec![tracked(&["httpd"])], &[(1, look("init")), (10, look("httpd"))]);
    assert_eq!(census.standings().collect::<Vec<_>>(), [("P", true)]);
    assert!(tell(&mut census, NOW, forked(10, 11), "").is_empty());
    assert!(tell(&mut census, NOW, ProcessEvent::Ended(10), "").is_empty(), "the child is left");
    assert_eq!(tell(&mut census, NOW, ProcessEvent::Executed(11), "sh"), [false]);
    assert_eq!(tell(&mut census, NOW, ProcessEvent::Executed(1), "httpd"), [true]);
    assert!(tell(&mut census, NOW, ProcessEvent::Executed(1), "httpd").is_empty(), "it counts once");
    assert_eq!(tell(&mut census, NOW, ProcessEvent::Ended(1), ""), [false]);
    assert!(tell(&mut census, NOW, forked(1, 12), "").is_empty(), "nobody knows the parent");
}

#[test]
fn a_name_is_compared_as_far_as_the_kernel_keeps_it() {
    let mut census = Census::new(vec![tracked(&["a-name-of-many-letters"])], &[(10, look("a-name-of-many-"))]);
    assert_eq!(census.standings().next(), Some(("P", true)));
    let renamed = ProcessEvent::Renamed { pid: 10, name: b"another".into() };
    assert_eq!(tell(&mut census, NOW, renamed, ""), [false]);
    let renamed = ProcessEvent::Renamed { pid: 10, name: b"a-name-of-many-".into() };
    assert_eq!(tell(&mut census, NOW, renamed, ""), [true]);
}

#[test]
fn a_new_name_is_nothing_to_a_command_line() {
    let mut census = Census::new(vec![tracked(&["prog", "a"])], &[(10, running(&["prog", "a"]))]);
    let renamed = ProcessEvent::Renamed { pid: 10, name: b"other".into() };
    assert!(tell(&mut census, NOW, renamed, "").is_empty());
    assert_eq!(tell(&mut census, NOW, ProcessEvent::Ended(10), ""), [false]);
}

#[test]
fn arguments() {
    use ParamMatch::{Exact, Ignored, Initial, Partial};
    let of = |command: &[&str], param_match| TrackProcess { param_match, full_command: true, ..tracked(command) };
    for (command, rule, line, expected) in [
        (&["p"][..], Ignored, &["p", "a"][..], true),
        (&["p"], Exact, &["p"], true),
        (&["p"], Exact, &["p", "a"], false),
        (&["p", "a", "b"], Exact, &["p", "a", "b"], true),
        (&["p", "a", "b"], Exact, &["p", "a", "b", "c"], false),
        (&["p", "a", "b"], Exact, &["p", "a b"], false),
        (&["p", "a", "b"], Partial, &["p", "a", "b", "c"], true),
        (&["p", "a", "b"], Partial, &["p", "a", "bc"], false),
        (&["p", "a", "b"], Initial, &["p", "a", "bc", "d"], true),
        (&["p", "a", "b"], Initial, &["p", "a"], false),
        (&["p", "a", "b"], Initial, &["p", "ab", "b"], false),
        (&["p"], Partial, &["p", "a"], true),
        (&["p", ""], Initial, &["p", "a"], true),
        (&["p", ""], Exact, &["p", ""], true),
        (&["/bin/p"], Ignored, &["p"], false),
    ] {
        assert_eq!(has_command(&of(command, rule), &running(line).command_line), expected, "{command:?} {rule:?}");
    }
    assert!(!has_command(&of(&["p"], Ignored), b""), "a zombie and a kernel thread have none");
}

#[test]
fn a_quorum_has_two_ends() {
    let config = TrackProcess { quorum: 2, quorum_max: Some(3), ..tracked(&["p"]) };
    let mut census = Census::new(vec![config], &[(10, look("p"))]);
    assert_eq!(census.standings().next(), Some(("P", false)));
    assert_eq!(tell(&mut census, NOW, forked(10, 11), ""), [true]);
    assert!(tell(&mut census, NOW, forked(10, 12), "").is_empty());
    assert_eq!(tell(&mut census, NOW, forked(10, 13), ""), [false]);
    assert_eq!(tell(&mut census, NOW, ProcessEvent::Ended(10), ""), [true]);

    let none = TrackProcess { quorum: 0, quorum_max: Some(0), ..tracked(&["p"]) };
    let mut census = Census::new(vec![none], &[]);
    assert_eq!(census.standings().next(), Some(("P", true)));
    assert_eq!(tell(&mut census, NOW, ProcessEvent::Executed(10), "p"), [false]);
}

#[test]
fn delays() {
    let second = Micros::from_secs(1);
    let config = TrackProcess { terminate_delay: second, fork_delay: second * 2, quorum: 2, ..tracked(&["p"]) };
    let mut census = Census::new(vec![config], &[(10, look("p")), (11, look("p"))]);
    assert!(tell(&mut census, NOW, ProcessEvent::Ended(11), "").is_empty());
    assert_eq!(census.next_timeout(), Some(NOW + second));
    // Restored in between: as if nothing had been.
    assert!(tell(&mut census, NOW + Micros(5), forked(10, 12), "").is_empty());
    assert_eq!(census.next_timeout(), None);

    assert!(tell(&mut census, NOW, ProcessEvent::Ended(12), "").is_empty());
    assert!(tell(&mut census, NOW + Micros(9), ProcessEvent::Ended(10), "").is_empty());
    assert_eq!(census.next_timeout(), Some(NOW + second), "a further loss does not put it off");
    assert!(census.handle_timeout(NOW).is_empty());
    assert_eq!(census.handle_timeout(NOW + second), [("P".into(), false)]);

    // What runs another program counts at once, a child after the delay.
    assert!(tell(&mut census, NOW, ProcessEvent::Executed(20), "p").is_empty());
    assert!(tell(&mut census, NOW, forked(20, 21), "").is_empty());
    assert_eq!(census.next_timeout(), Some(NOW + second * 2));
    assert_eq!(tell(&mut census, NOW, ProcessEvent::Executed(22), "p"), [true]);
    assert_eq!(census.next_timeout(), None);

    assert!(census.rescan(NOW, &[(20, look("p"))]).is_empty());
    assert_eq!(census.next_timeout(), Some(NOW + second), "a scan that finds a loss waits as an exit does");
}

/// What may happen to a few processes, some of which are called p.
fn events() -> impl Strategy<Value = Vec<(u8, u32, u32, bool)>> {
    prop::collection::vec((0..4_u8, 1..8_u32, 1..8_u32, any::<bool>()), 0..60)
}

proptest! {
    #[test]
    fn the_count_is_that_of_the_processes(events in events(), quorum in 1..4_u32, spare in 0..3_u32) {
        let config = TrackProcess { quorum, quorum_max: Some(quorum + spare), ..tracked(&["p"]) };
        let mut census = Census::new(vec![config], &[]);
        let mut told = false;
        let mut alive: HashMap<u32, bool> = HashMap::new();
        for (kind, pid, other, is_p) in events {
            let name = if is_p { "p" } else { "q" };
            let event = match kind {
                0 => {
                    if pid == other { continue; }
                    let copy = alive.get(&pid).copied().unwrap_or(false);
                    if alive.contains_key(&other) { continue; }
                    alive.insert(other, copy);
                    forked(pid, other)
                }
                1 => { alive.insert(pid, is_p); ProcessEvent::Executed(pid) }
                2 => { alive.insert(pid, is_p); ProcessEvent::Renamed { pid, name: name.into() } }
                _ => { alive.remove(&pid); ProcessEvent::Ended(pid) }
            };
            for change in tell(&mut census, NOW, event, name) {
                prop_assert_ne!(change, told, "only news is told");
                told = change;
            }
            let count = alive.values().filter(|is_p| **is_p).count() as u32;
            prop_assert_eq!(told, (quorum..=quorum + spare).contains(&count));
            prop_assert!(census.counted.len() <= alive.len(), "nothing is kept of the dead");
        }
        let present: Vec<(u32, ProcessLook)> =
            alive.iter().map(|(pid, is_p)| (*pid, look(if *is_p { "p" } else { "q" }))).collect();
        prop_assert!(census.rescan(NOW, &present).is_empty(), "a scan finds what was counted");
    }
}
