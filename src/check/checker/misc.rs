//! MISC_CHECK: a script whose status tells how the server is and, with `misc_dynamic`, which weight it should have.

use super::words::{self, Tries};
use super::{Checker, Finding, timetable};
use crate::check::event::{Outcome, ScriptEnd};
use crate::model::Time;
use crate::model::checker::Misc;

/// What the end of a script means.
enum Meaning {
    /// The server is good, and the script may wish it this weight
    Good(Option<u32>),
    /// It is not: how the script ended, and what is said of it in brackets
    Bad(&'static str, Option<String>),
}

impl Checker {
    /// Takes the end of a run; gives the next start. Counts from start to start, as a script may take its time.
    pub(super) fn script_ended(
        &mut self,
        misc: &Misc,
        outcome: Outcome,
        now: Time,
        started: Time,
        finding: &mut Finding,
    ) -> Time {
        let status = match &outcome {
            Outcome::Script(ScriptEnd::Exited(status)) => *status as u8,
            _ => self.ended.as_deref().map_or(0, |(_, status)| *status),
        };
        self.ended = Some(Box::new((started, status)));
        match meaning(misc, outcome) {
            Meaning::Good(wish) => {
                self.failures = 0;
                self.wish = wish;
                self.adjust(self.wished_adjustment(), finding);
                if !self.up || !self.has_run {
                    finding.log(words::script(&self.names, &program(misc), "succeeded", None));
                    self.stand(Ok(()), finding);
                }
            }
            Meaning::Bad(end, reason) if self.is_open() => {
                if self.script_failed(misc, end, reason, finding) {
                    return timetable::from_start(&self.schedule, started, self.schedule.delay_before_retry, now);
                }
            }
            Meaning::Bad(..) => {}
        }
        let start = self.planned.unwrap_or(started);
        timetable::from_start(&self.schedule, start, self.schedule.delay_loop, now)
    }

    /// A failure that matters. Whether a further try follows.
    fn script_failed(&mut self, misc: &Misc, end: &str, reason: Option<String>, finding: &mut Finding) -> bool {
        let retry = self.schedule.retry;
        let is_last = self.failures >= retry;
        let tries = match self.failures {
            _ if retry == 0 => Tries::NoOthers,
            _ if is_last && !self.has_run => Tries::One,
            _ if is_last => Tries::All(retry),
            0 => Tries::First(retry),
            made => Tries::Further(made, retry),
        };
        let line = words::script(&self.names, &program(misc), &format!("{end}{tries}"), reason);
        if !is_last {
            if self.schedule.log_all_failures {
                finding.log(line);
            }
            self.failures += 1;
            self.has_run = true;
            return true;
        }
        self.failures = 0;
        self.wish = None;
        self.adjust_quietly(0, finding);
        finding.log(line);
        self.stand(Err(end), finding);
        false
    }

    /// The difference between the weight that the script wishes and the configured one.
    pub(super) fn wished_adjustment(&self) -> i64 {
        self.wish.map_or(0, |wish| i64::from(wish) - i64::from(self.weight))
    }
}

/// With `misc_dynamic` the statuses 2 to 255 ask for a weight of 0 to 253.
fn meaning(misc: &Misc, outcome: Outcome) -> Meaning {
    match outcome {
        Outcome::Good | Outcome::Script(ScriptEnd::Exited(0)) => Meaning::Good(None),
        Outcome::Script(ScriptEnd::Exited(status @ 2..=255)) if misc.dynamic => {
            Meaning::Good(Some(status.unsigned_abs() - 2))
        }
        Outcome::Script(ScriptEnd::Exited(status)) => {
            Meaning::Bad("failed", Some(format!("exited with status {status}")))
        }
        Outcome::Script(ScriptEnd::Signalled(signal)) => {
            Meaning::Bad("failed", Some(format!("due to signal {signal}")))
        }
        Outcome::Script(ScriptEnd::TimedOut) => Meaning::Bad("timed out", None),
        Outcome::Bad(reason) => Meaning::Bad("failed", Some(reason.into_owned())),
        Outcome::Unable(line) => Meaning::Bad("failed", Some(line)),
    }
}

/// How log lines name the script.
fn program(misc: &Misc) -> String {
    misc.script.argv.first().map(|program| program.to_string_lossy().into_owned()).unwrap_or_default()
}
