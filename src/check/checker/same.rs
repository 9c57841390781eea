//! Reload: which checkers are the same, and what goes over from one to the other.

use std::mem::discriminant;

use super::{Checker, timetable};
use crate::model::Time;
use crate::model::checker::{CheckKind, Http, Misc, Regex, Url};

impl Checker {
    /// Whether it checks the same as another, so that what one has found holds for the other. When it runs and how it counts
    /// may differ; whatever is sent or expected may not.
    pub fn is_same(&self, other: &Checker) -> bool {
        if self.kind == other.kind {
            return true;
        }
        discriminant(&*self.kind) == discriminant(&*other.kind) && essence(&self.kind) == essence(&other.kind)
    }

    /// Takes over from the checker of the configuration before, which is the same: how it stands, how far it is and when it
    /// runs next. A run under way may go on and be told to this one.
    ///
    /// One that has not run stays as it is new, with the start that the other had. A further failure is enough if there were
    /// as many as now count. The weight that a script wishes stays, whatever the configured one is now. FILE_CHECK: the file is
    /// to be told again, as its weight may have changed.
    pub fn inherit(&mut self, now: Time, old: &Checker) {
        let retry = self.schedule.retry;
        self.failures =
            if !old.has_run && old.failures >= old.schedule.retry { self.failures } else { old.failures.min(retry) };
        if old.has_run {
            self.up = old.up;
            self.has_run = true;
        }
        self.wish = old.wish;
        self.adjustment = if old.wish.is_some() { self.wished_adjustment() } else { old.adjustment };
        self.url = old.url;
        self.failed_url = old.failed_url;
        self.said.clone_from(&old.said);
        self.ended.clone_from(&old.ended);
        self.last.clone_from(&old.last);
        self.planned = old.planned;
        let (before, period) = (old.schedule.delay_loop, self.schedule.delay_loop);
        let is_regular = old.has_run && old.failures == 0;
        if let Some(planned) = old.planned.filter(|planned| is_regular && before != period && *planned > now) {
            self.planned = Some(timetable::rescaled(planned, now, before, period));
        }
    }
}

/// A check without what does not change its meaning: the pace of a recovery, the close of a connection, the room for a regex,
/// the patience with a script, the weight of a file.
fn essence(kind: &CheckKind) -> CheckKind {
    match kind {
        CheckKind::Http(connect, http) => {
            let urls = http.urls.iter().map(|url| Url {
                tls_compliant: None,
                regex: url.regex.as_ref().map(|regex| Box::new(Regex { stack: None, ..(**regex).clone() })),
                ..url.clone()
            });
            let urls = urls.collect();
            let http = Http { fast_recovery: false, tls_compliant: false, urls, ..(**http).clone() };
            CheckKind::Http(connect.clone(), Box::new(http))
        }
        CheckKind::Misc(misc) => CheckKind::Misc(Misc { timeout: Default::default(), ..misc.clone() }),
        CheckKind::File { track_file, .. } => {
            CheckKind::File { track_file: track_file.clone(), weight: Default::default() }
        }
        CheckKind::Tcp(_)
        | CheckKind::Smtp(..)
        | CheckKind::Dns(..)
        | CheckKind::Udp(..)
        | CheckKind::Ping(_)
        | CheckKind::Bfd { .. } => kind.clone(),
    }
}
