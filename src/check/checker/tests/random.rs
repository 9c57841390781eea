//! Properties, with random schedules, outcomes, durations and reloads.

use super::*;
use crate::model::Weight;

const SEEDS: u64 = 2_000;
const STEPS: usize = 200;

fn any_kind(random: &mut Random) -> CheckKind {
    let urls = ["/a", "/b", "/c"];
    let count = usize::try_from(random.below(3)).unwrap() + 1;
    let fast_recovery = random.below(2) == 0;
    match random.below(9) {
        0 => tcp(),
        1 => udp(b"x"),
        2 => ping(),
        3 => smtp(),
        4 => dns(),
        5 => misc(random.below(2) == 0),
        6 => {
            let value = i32::try_from(random.below(200)).unwrap() - 100;
            CheckKind::File { track_file: "f".into(), weight: Weight { value, reverse: random.below(2) == 0 } }
        }
        7 => CheckKind::Bfd { instance: "b".into() },
        _ => CheckKind::Http(connect("127.0.0.2:8020"), Box::new(Http { fast_recovery, ..http(&urls[..count]) })),
    }
}

fn any_schedule(random: &mut Random) -> Schedule {
    Schedule {
        retry: u32::try_from(random.below(4)).unwrap(),
        delay_before_retry: random.span(SECOND * 2),
        warmup: random.span(SECOND * 2),
        delay_loop: random.span(SECOND * 4) + Micros(1),
        alpha: random.below(3) == 0,
        log_all_failures: random.below(2) == 0,
    }
}

/// How good a server is changes with the seed, between always and never.
fn any_outcome(random: &mut Random, kind: &CheckKind, badness: u64) -> Outcome {
    let good = random.below(10) >= badness;
    match (kind, good) {
        _ if random.below(20) == 0 => Outcome::Unable("no more files".into()),
        (CheckKind::Misc(misc), true) if misc.dynamic && random.below(2) == 0 => {
            exited(i32::try_from(random.below(254)).unwrap() + 2)
        }
        (CheckKind::Misc(_), true) => exited(0),
        (CheckKind::Misc(_), false) => match random.below(3) {
            0 => exited(1),
            1 => Outcome::Script(ScriptEnd::Signalled(15)),
            _ => Outcome::Script(ScriptEnd::TimedOut),
        },
        (_, true) => Outcome::Good,
        (_, false) => bad("failed"),
    }
}

/// What is seen from outside, as the engine sees it.
struct Seen {
    up: bool,
    adjustment: i64,
    decisions: u32,
    failed: bool,
    succeeded: bool,
}

impl Seen {
    fn take(&mut self, checker: &Checker, finding: &Finding, seed: u64) {
        let (mut up, mut stands) = (self.up, 0);
        for effect in &finding.effects {
            match effect {
                Effect::Stand { up: now, changed, first } => {
                    stands += 1;
                    assert_eq!(*changed, *now != up, "seed {seed}: {checker:?}");
                    assert!(*changed || *first, "seed {seed}: a decision that is no news");
                    let cause = if *now { self.succeeded } else { self.failed };
                    assert!(cause, "seed {seed}: a decision without a cause: {checker:?}");
                    up = *now;
                    self.decisions += 1;
                }
                Effect::Adjust(sum) | Effect::AdjustQuietly(sum) => {
                    assert_ne!(*sum, self.adjustment, "seed {seed}");
                    self.adjustment = *sum;
                }
                Effect::Mail(body) => assert!(stands == 1 && body.starts_with("=> "), "seed {seed}"),
                Effect::Log(_, line) => assert!(!line.is_empty() && !line.contains('\n'), "seed {seed}"),
            }
        }
        assert!(stands <= 1, "seed {seed}");
        if stands > 0 {
            (self.up, self.failed, self.succeeded) = (up, false, false);
        }
        assert_eq!((self.up, self.adjustment), (checker.is_up(), checker.adjustment()), "seed {seed}: {checker:?}");
    }
}

#[test]
fn decisions_have_causes_and_alternate() {
    let (mut decisions, mut reloads) = (0, 0);
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let (kind, badness) = (any_kind(&mut random), random.below(11));
        let mut checker = checker(kind.clone(), any_schedule(&mut random));
        let (up, adjustment) = (checker.is_up(), checker.adjustment());
        let mut seen = Seen { up, adjustment, decisions: 0, failed: false, succeeded: false };
        let mut now = Time(0);
        let mut next = checker.first_run(now, &mut random);
        for _ in 0..STEPS {
            let finding = match &kind {
                CheckKind::File { .. } => {
                    let number = i32::try_from(random.below(1 << 32) as i64 - (1 << 31)).unwrap();
                    let number = if random.below(2) == 0 { 0 } else { number };
                    (seen.failed, seen.succeeded) = (true, true);
                    checker.tracked_file(number)
                }
                CheckKind::Bfd { .. } => {
                    let up = random.below(2) == 0;
                    (seen.failed, seen.succeeded) = (!up, up);
                    checker.bfd(up)
                }
                _ => {
                    let planned = next.unwrap();
                    let started = planned.max(now) + random.span(Micros::from_millis(10));
                    let outcome = any_outcome(&mut random, &kind, badness);
                    match &outcome {
                        Outcome::Unable(_) => {}
                        Outcome::Good => seen.succeeded = true,
                        Outcome::Script(ScriptEnd::Exited(status)) if *status != 1 => seen.succeeded = true,
                        _ => seen.failed = true,
                    }
                    let unable = matches!(outcome, Outcome::Unable(_));
                    now = started + random.span(SECOND * 3);
                    let (_, url) = checker.task().unwrap();
                    let finding = checker.finished(now, started, Report::of(outcome));
                    next = finding.next;
                    assert!(next.is_some_and(|next| next >= now), "seed {seed}: {checker:?}");
                    assert!(!unable || checker.task().is_some_and(|(_, after)| after == url), "seed {seed}");
                    finding
                }
            };
            seen.take(&checker, &finding, seed);
            if random.below(20) == 0 {
                let config = model::Checker { schedule: any_schedule(&mut random), kind: kind.clone() };
                let mut new = Checker::new(&config, 10, names());
                assert!(new.is_same(&checker));
                new.inherit(now, &checker);
                assert_eq!(new.has_run(), checker.has_run());
                assert!(!checker.has_run() || new.is_up() == checker.is_up());
                assert_eq!(new.task(), checker.task());
                checker = new;
                (seen.up, next) = (checker.is_up(), checker.next());
                assert_eq!(checker.adjustment(), seen.adjustment, "seed {seed}");
                reloads += 1;
            }
        }
        decisions += seen.decisions;
        assert!(badness < 10 || checker.task().is_none() || !checker.is_up() || !checker.has_run(), "seed {seed}");
        assert!(badness > 0 || checker.task().is_none() || checker.is_up(), "seed {seed}: {checker:?}");
    }
    assert!(decisions > 10_000 && reloads > 10_000, "{decisions} decisions, {reloads} reloads");
}

/// A server that never fails is never found bad, whatever the reloads; one in alpha mode comes up.
#[test]
fn a_good_server_stays() {
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let kind = any_kind(&mut random);
        let mut checker = checker(kind.clone(), any_schedule(&mut random));
        let mut now = checker.first_run(Time(0), &mut random).unwrap_or_default();
        let was_up = checker.is_up();
        for _ in 0..20 {
            if checker.task().is_none() {
                break;
            }
            let finding = checker.finished(now, now, Report::of(any_outcome(&mut random, &kind, 0)));
            assert!(!finding.effects.iter().any(|effect| matches!(effect, Effect::Stand { up: false, .. })));
            assert!(checker.is_up() || !was_up, "seed {seed}");
            now = finding.next.unwrap();
        }
        assert!(checker.task().is_none() || checker.is_up(), "seed {seed}: {checker:?}");
    }
}
