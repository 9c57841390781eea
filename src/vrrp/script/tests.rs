use proptest::prelude::*;

use super::*;

const SECOND: Micros = Micros::from_secs(1);

fn config(name: &str) -> TrackScript {
    let script =
        Script { argv: vec![format!("/bin/{name}").into()], uid: 0, gid: 0, program: None, further_groups: false };
    TrackScript {
        name: name.into(),
        probe: Probe::Run(script),
        interval: SECOND,
        timeout: None,
        weight: Default::default(),
        rise: 1,
        fall: 1,
        init_fail: false,
    }
}

/// The machine with a clock, and the runs that go on.
struct Bench {
    scripts: Scripts,
    now: Time,
    standings: HashMap<String, Standing>,
    running: BTreeMap<RunId, String>,
    forced: Vec<(u64, RunId, Force)>,
    starts: Vec<(u64, String)>,
    lines: Vec<String>,
}

impl Bench {
    fn new(configs: impl IntoIterator<Item = TrackScript>) -> Self {
        let mut bench = Bench {
            scripts: Scripts::default(),
            now: Time(1_000_000_000),
            standings: HashMap::new(),
            running: BTreeMap::new(),
            forced: vec![],
            starts: vec![],
            lines: vec![],
        };
        let mut out = VecDeque::new();
        let news = bench.scripts.start(bench.now, configs.into_iter().collect(), &mut out);
        bench.take(news, out);
        bench
    }

    fn reload(&mut self, configs: impl IntoIterator<Item = TrackScript>) {
        let mut out = VecDeque::new();
        let news = self.scripts.reload(self.now, configs.into_iter().collect(), &mut out);
        self.take(news, out);
    }

    /// Milliseconds since the start.
    fn clock(&self) -> u64 {
        (self.now.0 - 1_000_000_000) / 1000
    }

    fn take(&mut self, news: impl IntoIterator<Item = News>, out: VecDeque<Action>) {
        self.standings.extend(news);
        let at = self.clock();
        for action in out {
            match action {
                Action::RunScript { run, name, .. } => {
                    self.starts.push((at, name.clone()));
                    assert!(self.running.insert(run, name).is_none(), "numbers are used once");
                }
                Action::EndScript(run, force) => self.forced.push((at, run, force)),
                Action::Log(_, line) => self.lines.push(line),
                other => panic!("{other:?}"),
            }
        }
    }

    fn wait(&mut self, millis: u64) {
        let end = self.now + Micros::from_millis(millis);
        while let Some(at) = self.scripts.next_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.timeout();
        }
        self.now = end;
    }

    fn timeout(&mut self) {
        let mut out = VecDeque::new();
        self.scripts.handle_timeout(self.now, &mut out);
        self.take([], out);
    }

    /// The oldest run ends.
    fn end(&mut self, end: RunEnd) {
        let (run, _) = self.running.pop_first().expect("a run");
        let mut out = VecDeque::new();
        let news = self.scripts.ended(self.now, run, end, &mut out);
        self.take(news, out);
    }

    /// The run that goes on ends with this status, and the next one begins.
    fn result(&mut self, status: i32) -> Standing {
        self.end(RunEnd::Exited(status));
        let standing = self.standing("a");
        self.wait(1000);
        standing
    }

    fn standing(&self, name: &str) -> Standing {
        self.standings[name]
    }
}

/// Results as `+` and `-`; standings after each as `?`, `U` and `D`.
#[test]
fn histories() {
    let cases = [
        (1, 1, false, "+-+-", "UDUD"),
        (1, 1, false, "-+", "DU"),
        (3, 1, false, "+-+++", "UDDDU"),
        (3, 2, false, "+-+--+-+++", "UUUUDDDDDU"),
        (1, 3, false, "+--+---", "UUUUUUD"),
        (2, 3, false, "-", "D"),
        (2, 3, false, "-+-++---", "DDDDUUUD"),
        (2, 1, true, "+-++", "DDDU"),
        (3, 1, true, "+++-", "DDUD"),
        (1, 1, true, "-+", "DU"),
    ];
    for (rise, fall, init_fail, results, expected) in cases {
        let mut bench = Bench::new([TrackScript { rise, fall, init_fail, ..config("a") }]);
        assert_eq!(bench.standing("a"), if init_fail { Standing::Bad } else { Standing::Pending });
        let seen: String = results
            .chars()
            .map(|result| match bench.result(i32::from(result == '-')) {
                Standing::Good => 'U',
                Standing::Bad => 'D',
                _ => '?',
            })
            .collect();
        assert_eq!(seen, expected, "rise {rise} fall {fall} init_fail {init_fail} {results}");
    }
}

/// Keepalived's word for it is `INIT/FAILED`.
#[test]
fn one_that_counts_as_failed_until_it_is_heard_says_so() {
    let failing = || TrackScript { init_fail: true, rise: 2, ..config("a") };
    let first_result = |bench: &Bench| bench.scripts.running()["a"].first_result;
    let mut bench = Bench::new([failing()]);
    assert_eq!(first_result(&bench), FirstResult::AwaitedAsFailed);
    bench.reload([failing()]);
    assert_eq!(first_result(&bench), FirstResult::AwaitedAsFailed);
    bench.result(0);
    assert_eq!((bench.standing("a"), first_result(&bench)), (Standing::Bad, FirstResult::Known));
    bench.reload([failing()]);
    assert_eq!(first_result(&bench), FirstResult::Known);
}

#[test]
fn keepalived_s_words() {
    let mut bench = Bench::new([TrackScript { fall: 2, ..config("a") }]);
    for status in [0, 0, 2, 2, 2, 3, 0] {
        bench.result(status);
    }
    let mut expected = vec![
        "VRRP_Script(a) succeeded",
        "Script `a` now returning 2",
        "VRRP_Script(a) failed (exited with status 2)",
        "Script `a` now returning 3",
        "Script `a` now returning 0",
        "VRRP_Script(a) succeeded",
    ];
    assert_eq!(bench.lines, expected);
    bench.end(RunEnd::Signalled(11));
    bench.wait(1000);
    bench.end(RunEnd::Signalled(11));
    expected.push("VRRP_Script(a) failed (due to signal 11)");
    assert_eq!(bench.lines, expected);
}

#[test]
fn a_run_that_lasts_too_long_is_ended_with_growing_force_and_has_failed() {
    let mut bench = Bench::new([TrackScript { timeout: Some(Micros::from_millis(1500)), ..config("a") }]);
    bench.wait(30_000);
    let id = RunId(0);
    let expected = [(1500, Force::Ask), (3500, Force::Kill), (5500, Force::KillAgain), (15_500, Force::KillAgain)];
    let forced: Vec<_> = bench.forced.iter().map(|(at, _, force)| (*at, *force)).collect();
    assert_eq!(forced[..4], expected);
    assert!(bench.forced.iter().all(|(_, run, _)| *run == id));
    assert_eq!(bench.starts, [(0, "a".into())], "no second one beside it");
    assert_eq!(bench.lines, ["Track script a is already running, expect idle - skipping run"], "said once");
    assert_eq!(bench.standing("a"), Standing::Pending, "nothing is known until it has gone");
    bench.end(RunEnd::Signalled(9));
    assert_eq!((bench.standing("a"), bench.lines[1].as_str()), (Standing::Bad, "VRRP_Script(a) timed_out"));
    bench.wait(1000);
    assert_eq!(bench.starts.len(), 2);
}

/// A handler for SIGTERM that ends with success has not made the check a success.
#[test]
fn what_had_to_be_ended_has_failed_whatever_it_says() {
    let mut bench = Bench::new([config("a")]);
    bench.wait(1100);
    bench.end(RunEnd::Exited(0));
    assert_eq!((bench.standing("a"), bench.lines[1].as_str()), (Standing::Bad, "VRRP_Script(a) timed_out"));
}

#[test]
fn runs_go_from_start_to_start_without_drift() {
    let mut bench = Bench::new([TrackScript { interval: Micros::from_millis(300), ..config("a") }]);
    for _ in 0..10 {
        bench.wait(290);
        bench.end(RunEnd::Exited(0));
        bench.wait(10);
    }
    let starts: Vec<u64> = bench.starts.iter().map(|(at, _)| *at).collect();
    assert_eq!(starts, (0..=10).map(|k| k * 300).collect::<Vec<_>>());
    // After a stall the rhythm is the same, and nothing is made up for.
    bench.end(RunEnd::Exited(0));
    bench.now = bench.now + Micros::from_millis(1000);
    bench.timeout();
    bench.end(RunEnd::Exited(0));
    bench.wait(299);
    assert_eq!(bench.starts[11..].iter().map(|(at, _)| *at).collect::<Vec<_>>(), [4000, 4200]);
}

/// A machine that stood still has not watched the script, which may have ended long ago or have stood still as well.
#[test]
fn a_stall_is_not_taken_for_a_timeout() {
    let mut bench = Bench::new([TrackScript { timeout: Some(Micros::from_millis(500)), ..config("a") }]);
    bench.now = bench.now + Micros::from_secs(5);
    bench.timeout();
    assert_eq!(bench.forced, []);
    bench.end(RunEnd::Exited(0));
    assert_eq!(bench.standing("a"), Standing::Good);
    bench.wait(1000);
    bench.now = bench.now + Micros::from_secs(5);
    bench.timeout();
    bench.wait(499);
    assert_eq!(bench.forced.len(), 0);
    bench.wait(1);
    assert_eq!(bench.forced.len(), 1, "but it gets no more than its time once more");
}

#[test]
fn scripts_of_one_interval_do_not_all_run_at_once_for_ever() {
    let mut bench = Bench::new((0..100).map(|n| config(&n.to_string())));
    assert_eq!(bench.starts.len(), 100, "the first results are wanted soon");
    while !bench.running.is_empty() {
        bench.end(RunEnd::Exited(0));
    }
    bench.wait(499);
    assert_eq!(bench.starts.len(), 100);
    bench.wait(501);
    assert_eq!(bench.starts.len(), 200, "each once within the interval");
    let mut at = HashMap::new();
    for (start, _) in &bench.starts[100..] {
        *at.entry(start / 10).or_insert(0) += 1;
    }
    assert!(at.values().all(|count| *count <= 3), "{at:?}");
}

#[test]
fn what_cannot_be_run_has_failed_and_is_told_once() {
    let mut bench = Bench::new([config("a")]);
    for _ in 0..3 {
        bench.end(RunEnd::CannotRun("Error exec-ing command '/bin/a', error 2: No such file".into()));
        assert_eq!(bench.standing("a"), Standing::Bad);
        bench.wait(1000);
    }
    let told = ["Error exec-ing command '/bin/a', error 2: No such file", "VRRP_Script(a) failed (cannot be run)"];
    assert_eq!(bench.lines, told);
    assert_eq!(bench.result(0), Standing::Good);
}

#[test]
fn a_machine_without_room_says_nothing_of_what_is_checked() {
    let mut bench = Bench::new([config("a")]);
    bench.result(0);
    for _ in 0..3 {
        bench.end(RunEnd::NoProcess("Failed fork process".into()));
        assert_eq!(bench.standing("a"), Standing::Good);
        bench.wait(1000);
    }
    assert_eq!(bench.lines, ["VRRP_Script(a) succeeded", "Failed fork process"]);
}

#[test]
fn a_reload_keeps_results_in_proportion() {
    // Rise and fall before, results, rise and fall after, further failures until it is bad (or successes until good).
    let cases = [
        ((1, 3), "+", (1, 5), "considered successful", 5),
        ((1, 3), "+-", (1, 5), "considered successful", 2),
        ((1, 3), "+--", (1, 2), "considered successful", 1),
        ((1, 5), "+-", (1, 2), "considered successful", 2),
        ((4, 1), "+-+", (5, 1), "considered unsuccessful", 3),
        ((4, 1), "+-+++", (2, 1), "considered unsuccessful", 1),
        ((4, 1), "+-", (2, 1), "considered unsuccessful", 2),
    ];
    for case @ (before, results, after, words, count) in cases {
        let mut bench = Bench::new([TrackScript { rise: before.0, fall: before.1, ..config("a") }]);
        for result in results.chars() {
            bench.result(i32::from(result == '-'));
        }
        bench.reload([TrackScript { rise: after.0, fall: after.1, ..config("a") }]);
        assert_eq!(bench.lines.last(), Some(&format!("VRRP_Script(a) {words} on reload")), "{case:?}");
        let good = words.ends_with(" successful");
        assert_eq!(bench.standing("a"), if good { Standing::Good } else { Standing::Bad });
        let turned =
            (1..10).find(|_| bench.result(i32::from(good)) != if good { Standing::Good } else { Standing::Bad });
        assert_eq!(turned, Some(count), "{case:?}");
    }
}

#[test]
fn a_reload_does_not_disturb_what_is_the_same() {
    let mut bench = Bench::new([config("a"), config("b")]);
    bench.end(RunEnd::Exited(0));
    bench.wait(300);
    bench.reload([config("b"), config("a")]);
    assert_eq!((bench.starts.len(), bench.forced.len()), (2, 0), "b goes on, a has its time");
    assert_eq!(bench.standing("b"), Standing::Pending);
    bench.end(RunEnd::Exited(1));
    assert_eq!(bench.standing("b"), Standing::Bad, "its result counts");
    bench.wait(700);
    let starts: Vec<_> = bench.starts[2..].iter().map(|(at, name)| (*at, name.as_str())).collect();
    assert_eq!(starts, [(750, "b"), (1000, "a")]);
    // A shorter interval counts from the last start.
    bench.end(RunEnd::Exited(0));
    bench.end(RunEnd::Exited(0));
    bench.wait(200);
    bench.reload([TrackScript { interval: Micros::from_millis(500), ..config("a") }]);
    bench.wait(300);
    assert_eq!(bench.starts[4..], [(1500, "a".into())]);
}

#[test]
fn what_is_new_after_a_reload_is_no_fault_until_it_fails() {
    let changed = |name: &str| TrackScript { probe: config("other").probe, ..config(name) };
    let mut bench = Bench::new([config("a"), config("b"), config("c")]);
    bench.end(RunEnd::Exited(0));
    bench.end(RunEnd::Exited(1));
    bench.reload([
        changed("a"),
        changed("b"),
        changed("c"),
        config("d"),
        TrackScript { init_fail: true, ..config("e") },
    ]);
    let standings = ["a", "b", "c", "d", "e"].map(|name| bench.standing(name));
    use Standing::{Assumed, Bad, Good, Pending};
    assert_eq!(standings, [Good, Assumed, Pending, Assumed, Bad]);
    assert_eq!(bench.forced, [(0, RunId(2), Force::Ask)], "the run of what c was is of no use");
    assert_eq!(bench.starts.len(), 8, "all new ones run at once");
    bench.end(RunEnd::Exited(1));
    assert_eq!(bench.standing("c"), Pending, "it is not asked what it says");
    for _ in 0..5 {
        bench.end(RunEnd::Exited(1));
    }
    assert!(["a", "b", "c", "d", "e"].iter().all(|name| bench.standing(name) == Bad));
    assert!(bench.scripts.runs.is_empty());
}

#[test]
fn what_nobody_follows_any_more_is_ended_and_forgotten() {
    let mut bench = Bench::new([config("a"), config("b")]);
    bench.reload([config("b")]);
    assert_eq!(bench.forced, [(0, RunId(0), Force::Ask)]);
    bench.wait(2000);
    assert!(bench.forced.contains(&(2000, RunId(0), Force::Kill)));
    bench.end(RunEnd::Signalled(9));
    assert!(!bench.lines.iter().any(|line| line.contains("(a)")));
    let mut out = VecDeque::new();
    bench.scripts.stop(&mut out);
    assert_eq!(Vec::from(out), [Action::EndScript(RunId(1), Force::Ask)]);
    assert_eq!(bench.scripts.next_timeout(), None);
    assert_eq!(bench.scripts.ended(bench.now, RunId(1), RunEnd::Exited(0), &mut VecDeque::new()), None);
}

#[test]
fn a_file_is_opened_by_a_shell_that_reads_no_word_of_it() {
    let probe = Probe::Open { file: "/a b/$(x)".into(), uid: 7, gid: 8, further_groups: true };
    let argv = ["/bin/sh", "-c", "<\"$0\"", "/a b/$(x)"].map(Into::into).to_vec();
    assert_eq!(command(&probe), Script { argv, uid: 7, gid: 8, program: None, further_groups: true });
}

/// What can happen to the machine in the property.
#[derive(Clone, Debug)]
enum Deed {
    End(RunEnd),
    Wait(u64),
    Stall(u64),
    Reload(u32, u32, bool),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let end = prop_oneof![
        4 => (0..3i32).prop_map(RunEnd::Exited),
        1 => Just(RunEnd::Signalled(15)),
        1 => Just(RunEnd::CannotRun("x".into())),
        1 => Just(RunEnd::NoProcess("x".into())),
    ];
    let deed = prop_oneof![
        5 => end.prop_map(Deed::End),
        4 => (0..1500u64).prop_map(Deed::Wait),
        1 => (0..10_000u64).prop_map(Deed::Stall),
        1 => (1..4u32, 1..4u32, any::<bool>()).prop_map(|(rise, fall, same)| Deed::Reload(rise, fall, same)),
    ];
    proptest::collection::vec(deed, 0..120)
}

proptest! {
    /// Without a reload it becomes good only after `rise` successes in a row (the first result alone excepted), bad only
    /// after `fall` failures in a row; and whatever happens, one run of a script goes on at a time, and the machine
    /// keeps no more than it has to.
    #[test]
    fn it_takes_rise_and_fall(rise in 1..5u32, fall in 1..5u32, init_fail: bool, deeds in deeds()) {
        let mut now = TrackScript { rise, fall, init_fail, ..config("a") };
        let mut bench = Bench::new([now.clone()]);
        let (mut streak, mut results, mut reloaded) = (0i64, u32::from(init_fail), false);
        for deed in deeds {
            match deed {
                Deed::End(end) => {
                    let Some((id, _)) = bench.running.first_key_value() else { continue };
                    let run = &bench.scripts.runs[id];
                    let (wanted, forced) = (run.watch.is_some(), run.stage != Stage::Running);
                    let success = match end {
                        RunEnd::NoProcess(_) => None,
                        RunEnd::Exited(0) => Some(!forced),
                        _ => Some(false),
                    };
                    let before = bench.standing("a");
                    bench.end(end);
                    let after = bench.standing("a");
                    let Some(success) = success.filter(|_| wanted) else {
                        prop_assert_eq!(before, after);
                        continue;
                    };
                    results += 1;
                    streak = if success { streak.max(0) + 1 } else { streak.min(0) - 1 };
                    if after != before && !reloaded && results > 1 {
                        let needed = if after == Standing::Good { i64::from(rise) } else { -i64::from(fall) };
                        prop_assert!(streak.abs() >= needed.abs() && streak.signum() == needed.signum());
                    }
                    prop_assert!(after == before || success == (after == Standing::Good));
                }
                Deed::Wait(millis) => bench.wait(millis),
                Deed::Stall(millis) => {
                    bench.now = bench.now + Micros::from_millis(millis);
                    bench.timeout();
                }
                Deed::Reload(rise, fall, same) => {
                    reloaded = true;
                    let probe = if same { now.probe.clone() } else { config(&bench.now.0.to_string()).probe };
                    now = TrackScript { rise, fall, probe, ..now };
                    bench.reload([now.clone()]);
                }
            }
            let scripts = &bench.scripts;
            prop_assert_eq!(scripts.timers.len(), scripts.runs.len() + scripts.watches.len());
            prop_assert!(scripts.runs.values().filter(|run| run.watch.is_some()).count() <= 1);
            prop_assert!(scripts.next_timeout().is_some_and(|at| at > bench.now));
        }
    }
}
