//! SMTP_CHECK: a mail server that answers or not. Unlike the others it makes its further tries at the first run and while the
//! server is down, too: a round of them each period.

use super::{Checker, Finding, Verdict, words};
use crate::model::Time;

impl Checker {
    /// Takes the end of a run; gives the next start.
    pub(super) fn greeted(&mut self, verdict: Verdict, now: Time, finding: &mut Finding) -> Time {
        let Err(reason) = verdict else {
            return self.well(now, finding);
        };
        let last = self.failures >= self.schedule.retry;
        if self.is_open() && (last || self.schedule.log_all_failures) {
            finding.log(words::smtp_failure(&reason));
        }
        if !last {
            self.failures += 1;
            return now + self.schedule.delay_before_retry;
        }
        self.failures = 0;
        if self.is_open() {
            self.stand(Err(&reason), finding);
        }
        now + self.schedule.delay_loop
    }
}
