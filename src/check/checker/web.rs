//! HTTP_GET and SSL_GET: the urls of a server, one in a period.
//!
//! The server is good when the last url was as it should be. A url that fails is asked again until it is good; then all are
//! asked from the first, and only after the last is the server up.
//!
//! The first failure is said and counts as with the other kinds. keepalived takes the checker for one that has run before it
//! comes to that: it tells of further tries that were not made and, of an alpha server that is down from the first, nothing.

use super::{Checker, Finding, Verdict, timetable, words};
use crate::model::Time;
use crate::model::checker::Http;

impl Checker {
    /// Takes the end of a request; gives the next start.
    pub(super) fn fetched(&mut self, http: &Http, verdict: Verdict, now: Time, finding: &mut Finding) -> Time {
        let Err(reason) = verdict else {
            self.url_is_good(http, finding);
            let recovers = !self.has_run || !self.up;
            return if http.fast_recovery && recovers { now } else { self.period(now) };
        };
        if self.is_open() {
            if self.schedule.log_all_failures {
                finding.log(words::attempt(&self.kind, &self.names, &reason));
            }
            if self.failures < self.schedule.retry {
                self.failures += 1;
                self.has_run = true;
                return now + self.schedule.delay_before_retry;
            }
            self.failures = 0;
            finding.log(words::failure(&self.kind, &self.names, self.retries_made()));
            self.stand(Err(&reason), finding);
            self.failed_url = true;
        }
        let pause = self.schedule.delay_before_retry;
        // A url that fails while the others are being asked again is no new failure, but must not be asked without end.
        now + pause.max(match self.failed_url {
            true => self.schedule.delay_loop,
            false => timetable::pause(&self.schedule),
        })
    }

    /// Goes on to the next url, or comes to a decision.
    fn url_is_good(&mut self, http: &Http, finding: &mut Finding) {
        if let Some(url) = http.urls.get(self.url).filter(|_| !self.up) {
            finding.log(words::url_success(&self.names, url));
        }
        let is_last = self.url + 1 >= http.urls.len();
        let is_whole_round = is_last && !self.failed_url;
        self.url = if is_last || self.failed_url { 0 } else { self.url + 1 };
        self.failed_url = false;
        if is_whole_round && (!self.up || !self.has_run) {
            finding.log(words::success(&self.kind, &self.names));
            self.stand(Ok(()), finding);
        }
        // Until all have been good once, one failure is enough.
        self.failures = if self.has_run { 0 } else { self.failures.min(self.schedule.retry) };
    }
}
