//! TCP_CHECK, UDP_CHECK and PING_CHECK: reached or not.

use super::{Checker, Finding, Verdict, words};
use crate::model::Time;

impl Checker {
    /// Takes a success, with a word for it if it is news; gives the next start.
    pub(super) fn well(&mut self, now: Time, finding: &mut Finding) -> Time {
        self.failures = 0;
        if !self.up || !self.has_run {
            finding.log(words::success(&self.kind, &self.names));
            self.stand(Ok(()), finding);
        }
        self.period(now)
    }

    /// Takes the end of a run; gives the next start. Further tries are made only while the server is up.
    pub(super) fn reached(&mut self, verdict: Verdict, now: Time, finding: &mut Finding) -> Time {
        let Err(reason) = verdict else {
            return self.well(now, finding);
        };
        if self.up && self.schedule.log_all_failures {
            finding.log(words::attempt(&self.kind, &self.names, &reason));
        }
        if self.is_open() && self.failures >= self.schedule.retry {
            self.failures = 0;
            finding.log(words::failure(&self.kind, &self.names, self.retries_made()));
            self.stand(Err(&reason), finding);
        } else if self.is_open() {
            self.failures += 1;
            self.has_run = true;
            return now + self.schedule.delay_before_retry;
        }
        now + self.schedule.delay_loop
    }

    /// How many further tries precede a decision that is made now: none at the first run, where one failure is enough.
    pub(super) fn retries_made(&self) -> u32 {
        if self.has_run { self.schedule.retry } else { 0 }
    }
}
