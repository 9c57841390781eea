//! DNS_CHECK: answered or not. Says why a server is bad, and nothing when it is good.

use super::{Checker, Finding, Verdict, words};
use crate::model::Time;

impl Checker {
    /// Takes the end of a run; gives the next start. Further tries are made only while the server is up.
    pub(super) fn answered(&mut self, verdict: Verdict, now: Time, finding: &mut Finding) -> Time {
        let Err(reason) = verdict else {
            self.failures = 0;
            if !self.up || !self.has_run {
                self.stand(Ok(()), finding);
            }
            return self.period(now);
        };
        if self.is_open() {
            let last = self.failures >= self.schedule.retry;
            if last || self.schedule.log_all_failures {
                let retries = (last && self.has_run).then_some(self.schedule.retry);
                finding.log(words::dns_failure(&self.names, &reason, retries));
            }
            if !last {
                self.failures += 1;
                self.has_run = true;
                return now + self.schedule.delay_before_retry;
            }
            self.stand(Err(&reason), finding);
        }
        self.failures = 0;
        now + self.schedule.delay_loop
    }
}
