//! Counts the processes that are tracked, and says when a quorum is gained or lost.
//!
//! A machine without hands: it is told of processes and of the passing of time. Called by the hand that listens to the
//! kernel.

use std::collections::{BTreeSet, HashMap};
use std::os::unix::ffi::OsStrExt;

use crate::model::tracker::{ParamMatch, ProcessEvent, ProcessLook, TrackProcess};
use crate::model::{Micros, Time};

/// The kernel keeps so many bytes of the name of a process (`TASK_COMM_LEN` without the NUL, linux/sched.h).
const NAME_BYTES: usize = 15;

/// Why a count has changed: it decides which delay holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Fork,
    Exit,
    /// Another program or another name: counts at once
    Look,
    /// All processes were looked at anew
    Scan,
}

/// One `vrrp_track_process` at run time.
#[derive(Clone, Debug)]
struct Tracked {
    config: TrackProcess,
    /// How many processes there are
    count: u32,
    /// What was told last
    quorate: bool,
    /// When the opposite will be told, unless that changes back before
    due: Option<Time>,
}

/// All that is tracked, and the processes that count for it.
#[derive(Clone, Debug, Default)]
pub struct Census {
    tracked: Vec<Tracked>,
    /// Which of `tracked` a process counts for; those that count for none are not kept
    counted: HashMap<u32, BTreeSet<usize>>,
}

impl Census {
    /// A machine that knows of these processes. What it says of quorums is for [`Census::standings`] to tell.
    pub fn new(config: Vec<TrackProcess>, present: &[(u32, ProcessLook)]) -> Self {
        let tracked = config.into_iter().map(|config| Tracked { config, count: 0, quorate: false, due: None });
        let mut census = Census { tracked: tracked.collect(), counted: HashMap::new() };
        census.count(present);
        for tracked in &mut census.tracked {
            tracked.quorate = tracked.has_quorum();
        }
        census
    }

    /// All names, and whether each has its quorum.
    pub fn standings(&self) -> impl Iterator<Item = (&str, bool)> {
        self.tracked.iter().map(|tracked| (tracked.config.name.as_str(), tracked.quorate))
    }

    /// All names, and how many processes there are of each.
    pub fn counts(&self) -> impl Iterator<Item = (&str, u32)> {
        self.tracked.iter().map(|tracked| (tracked.config.name.as_str(), tracked.count))
    }

    /// How many bytes of command lines matter, at most; 0 if none do, for to read one may bring a process back from swap.
    pub fn command_line_bytes(&self) -> usize {
        let by_command = self.tracked.iter().filter(|tracked| tracked.config.full_command);
        let bytes = |tracked: &Tracked| tracked.config.command.iter().map(|word| word.len() + 1).sum::<usize>();
        // One more tells whether there is more.
        by_command.map(bytes).max().map_or(0, |bytes| bytes + 1)
    }

    /// Takes note of what the kernel has told. What a process looks like that runs another program now is asked of
    /// `look`; `None` if it has ended meanwhile. Gives the names whose quorum has changed.
    pub fn handle(
        &mut self,
        now: Time,
        event: &ProcessEvent,
        look: impl FnOnce(u32) -> Option<ProcessLook>,
    ) -> Vec<(String, bool)> {
        match event {
            ProcessEvent::Forked { parent, child } => match self.counted.get(parent).cloned() {
                Some(indexes) => self.set(now, *child, indexes, Cause::Fork),
                None => vec![],
            },
            ProcessEvent::Executed(pid) => match look(*pid) {
                Some(look) => self.set(now, *pid, self.matching(&look), Cause::Look),
                None => vec![],
            },
            ProcessEvent::Renamed { pid, name } => {
                let mut indexes = self.named(name);
                let by_command = |index: &usize| self.tracked.get(*index).is_some_and(|it| it.config.full_command);
                indexes.extend(self.counted.get(pid).into_iter().flatten().copied().filter(by_command));
                self.set(now, *pid, indexes, Cause::Look)
            }
            ProcessEvent::Ended(pid) => self.set(now, *pid, BTreeSet::new(), Cause::Exit),
        }
    }

    /// All processes, read anew because the kernel could not keep up with telling us, or does not tell us at all.
    pub fn rescan(&mut self, now: Time, present: &[(u32, ProcessLook)]) -> Vec<(String, bool)> {
        self.counted.clear();
        for tracked in &mut self.tracked {
            tracked.count = 0;
        }
        self.count(present);
        self.tracked.iter_mut().filter_map(|tracked| tracked.reconsider(now, Cause::Scan)).collect()
    }

    /// When [`Census::handle_timeout`] has to be called.
    pub fn next_timeout(&self) -> Option<Time> {
        self.tracked.iter().filter_map(|tracked| tracked.due).min()
    }

    /// Does what is due by now.
    pub fn handle_timeout(&mut self, now: Time) -> Vec<(String, bool)> {
        self.tracked.iter_mut().filter(|tracked| tracked.due.is_some_and(|due| due <= now)).map(Tracked::turn).collect()
    }

    fn count(&mut self, present: &[(u32, ProcessLook)]) {
        for (pid, look) in present {
            let indexes = self.matching(look);
            for index in &indexes {
                if let Some(tracked) = self.tracked.get_mut(*index) {
                    tracked.count += 1;
                }
            }
            if !indexes.is_empty() {
                self.counted.insert(*pid, indexes);
            }
        }
    }

    /// From now on a process counts for these.
    fn set(&mut self, now: Time, pid: u32, indexes: BTreeSet<usize>, cause: Cause) -> Vec<(String, bool)> {
        let before = self.counted.remove(&pid).unwrap_or_default();
        let mut changes = Vec::new();
        for index in before.symmetric_difference(&indexes) {
            if let Some(tracked) = self.tracked.get_mut(*index) {
                let count = tracked.count;
                tracked.count = if indexes.contains(index) { count + 1 } else { count.saturating_sub(1) };
                changes.extend(tracked.reconsider(now, cause));
            }
        }
        if !indexes.is_empty() {
            self.counted.insert(pid, indexes);
        }
        changes
    }

    fn matching(&self, look: &ProcessLook) -> BTreeSet<usize> {
        let by_command = |(_, tracked): &(usize, &Tracked)| tracked.config.full_command;
        let runs =
            |(index, tracked): (usize, &Tracked)| has_command(&tracked.config, &look.command_line).then_some(index);
        let mut indexes = self.named(&look.name);
        indexes.extend(self.tracked.iter().enumerate().filter(by_command).filter_map(runs));
        indexes
    }

    /// Those that look at names only, and at this one.
    fn named(&self, name: &[u8]) -> BTreeSet<usize> {
        let is_meant = |tracked: &Tracked| {
            let wanted = tracked.config.command.first().map(|word| word.as_bytes()).unwrap_or_default();
            !tracked.config.full_command && wanted.get(..NAME_BYTES).unwrap_or(wanted) == name
        };
        self.tracked.iter().enumerate().filter(|(_, tracked)| is_meant(tracked)).map(|(index, _)| index).collect()
    }
}

impl Tracked {
    fn has_quorum(&self) -> bool {
        self.count >= self.config.quorum && self.config.quorum_max.is_none_or(|most| self.count <= most)
    }

    /// The count has changed.
    fn reconsider(&mut self, now: Time, cause: Cause) -> Option<(String, bool)> {
        let has_quorum = self.has_quorum();
        if has_quorum == self.quorate {
            self.due = None;
            return None;
        }
        let delay = match cause {
            Cause::Look => Micros::ZERO,
            Cause::Fork => self.config.fork_delay,
            Cause::Exit => self.config.terminate_delay,
            Cause::Scan if has_quorum => self.config.fork_delay,
            Cause::Scan => self.config.terminate_delay,
        };
        if delay.is_zero() {
            return Some(self.turn());
        }
        self.due.get_or_insert(now + delay);
        None
    }

    fn turn(&mut self) -> (String, bool) {
        self.due = None;
        self.quorate = !self.quorate;
        (self.config.name.clone(), self.quorate)
    }
}

/// Whether a command line is the one that is looked for.
fn has_command(config: &TrackProcess, line: &[u8]) -> bool {
    let Some((program, wanted)) = config.command.split_first() else {
        return false;
    };
    let (found, arguments) = match line.iter().position(|byte| *byte == 0) {
        Some(end) => (line.get(..end).unwrap_or_default(), line.get(end + 1..).unwrap_or_default()),
        None => (line, &[][..]),
    };
    if found != program.as_bytes() {
        return false;
    }
    let mut expected = Vec::new();
    for argument in wanted {
        expected.extend_from_slice(argument.as_bytes());
        expected.push(0);
    }
    match config.param_match {
        ParamMatch::Ignored => true,
        ParamMatch::Exact => arguments == expected,
        ParamMatch::Partial => arguments.starts_with(&expected),
        ParamMatch::Initial => arguments.starts_with(expected.strip_suffix(&[0]).unwrap_or(&expected)),
    }
}

#[cfg(test)]
mod tests;
