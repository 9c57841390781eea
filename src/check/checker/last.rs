//! How the last run of a checker ended, for those who ask: kept small, for there are thousands.

use std::borrow::Cow;

use crate::check::event::{Detail, Outcome, Report, ScriptEnd};
use crate::model::checker::CheckKind;
use crate::model::running_check::{LastRun, RunResult};
use crate::model::{Micros, Time};

/// The end of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Last {
    at: Time,
    /// Of those that are not good
    reason: Option<Box<Cow<'static, str>>>,
    /// In microseconds; as long as it can be told, which is more than an hour
    took: u32,
    /// Of an answer or a script; 0: none
    status: u16,
    result: RunResult,
}

impl Last {
    /// Takes in the end of a run.
    pub(super) fn take(&mut self, now: Time, started: Time, kind: &CheckKind, report: &Report) {
        self.at = now;
        self.took = u32::try_from(now.since(started).0).unwrap_or(u32::MAX);
        self.status = match (&report.outcome, report.detail) {
            (Outcome::Script(ScriptEnd::Exited(status)), _) => u16::try_from(*status).unwrap_or_default(),
            (_, Some(Detail::Status(status))) => status,
            _ => 0,
        };
        let reason = reason(kind, report);
        self.result = match (&report.outcome, &reason) {
            (Outcome::Unable(_), _) => RunResult::Unable,
            (_, Some(_)) => RunResult::Bad,
            (_, None) => RunResult::Good,
        };
        // Mostly it is the same as before, and stays where it is.
        if self.reason.as_deref() != reason.as_ref() {
            self.reason = reason.map(Box::new);
        }
    }

    /// Why it was not good.
    pub(super) fn reason(&self) -> Option<&str> {
        self.reason.as_deref().map(|reason| &**reason)
    }

    pub(super) fn shown(&self) -> LastRun {
        let has_run = self.result != RunResult::None;
        LastRun {
            result: self.result,
            reason: self.reason().map(str::to_owned),
            status: Some(self.status).filter(|status| *status != 0),
            ended_at: has_run.then_some(self.at),
            took: Micros(self.took.into()),
        }
    }
}

/// Why a run was not good; `None`: it was.
fn reason(kind: &CheckKind, report: &Report) -> Option<Cow<'static, str>> {
    Some(match (&report.outcome, report.detail) {
        (Outcome::Good | Outcome::Script(ScriptEnd::Exited(0)), _) => return None,
        (Outcome::Script(ScriptEnd::Exited(2..=255)), _) if is_dynamic(kind) => return None,
        (Outcome::Script(ScriptEnd::Exited(status)), _) => format!("exit status {status}").into(),
        (Outcome::Script(ScriptEnd::Signalled(signal)), _) => format!("signal {signal}").into(),
        (Outcome::Script(ScriptEnd::TimedOut), _) => "timeout".into(),
        (Outcome::Unable(line), _) => line.clone().into(),
        (_, Some(Detail::Kernel(words))) => words.into(),
        (_, Some(Detail::Status(status))) => format!("HTTP status code {status}").into(),
        (Outcome::Bad(Cow::Borrowed(words)), None) => bare(words).into(),
        (Outcome::Bad(Cow::Owned(words)), None) => words.clone().into(),
    })
}

/// Words of the log without what leads on to the name of the server.
fn bare(words: &'static str) -> &'static str {
    let words = words.trim_end();
    [" to", " from", " with"].into_iter().find_map(|end| words.strip_suffix(end)).unwrap_or(words)
}

fn is_dynamic(kind: &CheckKind) -> bool {
    matches!(kind, CheckKind::Misc(misc) if misc.dynamic)
}

#[cfg(test)]
mod tests;
