//! One service or destination: who wants it, what the kernel has been asked for, what went wrong with it.

use crate::model::{Micros, Time};

use super::Owner;

/// What is believed to be in the kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Applied<S> {
    /// Nothing
    #[default]
    Absent,
    /// This
    Present(S),
    /// Something, with settings that are not known
    Unknown,
}

/// The way to what is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<S> {
    Add(S),
    Set(S),
    Delete,
}

/// Refusals and repairs that have not yet been seen to help.
#[derive(Clone, Copy, Debug)]
struct Trouble {
    /// The last one
    at: Time,
    /// How many
    count: u32,
    /// Not before this
    due: Option<Time>,
    /// What was last said of it: the command and the error number, or nothing but that it was repaired
    said: Option<(u8, i32)>,
}

/// First pause before a refused change is tried again.
const FIRST_PAUSE: Micros = Micros::from_secs(1);

/// Longest pause.
const LONGEST_PAUSE: Micros = Micros::from_secs(60);

/// The pause after so many refusals, at least one: 1 s, doubled each time, at most 60 s.
pub(in crate::check) fn pause(count: u32) -> Micros {
    LONGEST_PAUSE.min(FIRST_PAUSE * (1 << count.saturating_sub(1).min(16)))
}

/// A service or a destination.
#[derive(Clone, Debug)]
pub(super) struct Entry<S> {
    /// In the order in which they came. `None`: known as ours, but not wanted
    owners: Vec<(Owner, Option<S>)>,
    /// In the kernel
    pub applied: Applied<S>,
    /// Number of the last plan that asked for a change of it
    pub planned: u64,
    /// Number of the last audit that saw it
    pub seen: u64,
    /// Stands in the list of what the next plan looks at
    pub queued: bool,
    trouble: Option<Box<Trouble>>,
}

impl<S> Default for Entry<S> {
    fn default() -> Self {
        Entry { owners: Vec::new(), applied: Applied::Absent, planned: 0, seen: 0, queued: false, trouble: None }
    }
}

impl<S: Clone + PartialEq> Entry<S> {
    /// The settings of the first owner that wants it.
    pub fn wanted(&self) -> Option<&S> {
        self.owners.iter().find_map(|(_, settings)| settings.as_ref())
    }

    /// An owner wants it so, or (`None`) only knows it. True: something else is wanted than before.
    pub fn own(&mut self, owner: Owner, settings: Option<S>) -> bool {
        self.change(|owners| match owners.iter_mut().find(|(other, _)| *other == owner) {
            Some((_, old)) => *old = settings,
            None => add(owners, owner, settings),
        })
    }

    /// An owner knows it; if it wants it already, it goes on wanting it.
    pub fn know(&mut self, owner: Owner) {
        if !self.owners.iter().any(|(other, _)| *other == owner) {
            add(&mut self.owners, owner, None);
        }
    }

    /// An owner knows it no more. True: something else is wanted than before.
    pub fn disown(&mut self, owner: Owner) -> bool {
        self.change(|owners| owners.retain(|(other, _)| *other != owner))
    }

    /// All owners know it no more.
    pub fn disown_all(&mut self) {
        self.change(|owners| owners.clear());
    }

    fn change(&mut self, with: impl FnOnce(&mut Vec<(Owner, Option<S>)>)) -> bool {
        let before = self.wanted().cloned();
        with(&mut self.owners);
        let changed = before.as_ref() != self.wanted();
        if changed && let Some(trouble) = &mut self.trouble {
            // Something else is asked for: it may be refused for its own reasons, or not at all.
            trouble.due = None;
        }
        changed
    }

    /// Nobody knows it, and it is not there: it can be forgotten.
    pub fn is_dead(&self) -> bool {
        self.owners.is_empty() && self.applied == Applied::Absent
    }

    /// Whether it is there, as far as is known.
    pub fn is_applied(&self) -> bool {
        self.applied != Applied::Absent
    }

    /// What leads to what is wanted; taken for done. `None`: nothing, or not yet.
    pub fn step(&mut self, plan: u64) -> Option<Step<S>> {
        if self.waits() {
            return None;
        }
        let step = match (self.wanted(), &self.applied) {
            (None, Applied::Absent) => return None,
            (None, _) => Step::Delete,
            (Some(wanted), Applied::Absent) => Step::Add(wanted.clone()),
            (Some(wanted), Applied::Present(applied)) if wanted == applied => return None,
            (Some(wanted), _) => Step::Set(wanted.clone()),
        };
        self.applied = match &step {
            Step::Add(settings) | Step::Set(settings) => Applied::Present(settings.clone()),
            Step::Delete => Applied::Absent,
        };
        self.planned = plan;
        Some(step)
    }

    /// It was refused, and is not to be tried before its time.
    pub fn waits(&self) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.due.is_some())
    }

    /// The pause after a refusal has ended, if it is the one that ends now.
    pub fn resume(&mut self, due: Time) -> bool {
        match &mut self.trouble {
            Some(trouble) if trouble.due == Some(due) => {
                trouble.due = None;
                true
            }
            _ => false,
        }
    }

    /// Whether what the kernel says can be mended at once. Not twice within a second: then it is a refusal like others.
    pub fn mend(&mut self, now: Time) -> bool {
        if self.trouble.as_ref().is_some_and(|it| it.due.is_some() || now < it.at + FIRST_PAUSE) {
            return false;
        }
        let trouble = self.trouble_at(now);
        trouble.at = now;
        true
    }

    /// It was refused: when it may be tried again, and whether to speak of it.
    pub fn fail(&mut self, now: Time, command: u8, errno: i32) -> (Time, bool) {
        let trouble = self.trouble_at(now);
        trouble.at = now;
        trouble.count += 1;
        let due = now + pause(trouble.count);
        trouble.due = Some(due);
        let news = trouble.said.replace((command, errno)) != Some((command, errno));
        (due, news)
    }

    /// An audit found it other than it should be: when it may be repaired (`None`: at once), and whether to speak of it.
    pub fn repair(&mut self, now: Time) -> (Option<Time>, bool) {
        const REPAIR: (u8, i32) = (0, 0);
        let is_queued = self.queued;
        let trouble = self.trouble_at(now);
        trouble.at = now;
        if trouble.due.is_some() || (is_queued && trouble.count > 0) {
            // It is about to be tried again.
            return (trouble.due, false);
        }
        let news = trouble.said.replace(REPAIR) != Some(REPAIR);
        if trouble.count > 0 {
            trouble.due = Some(now + pause(trouble.count));
        }
        trouble.count += 1;
        (trouble.due, news)
    }

    /// It was seen to be as it should be, or all is different now.
    pub fn is_well(&mut self) {
        self.trouble = None;
    }

    fn trouble_at(&mut self, now: Time) -> &mut Trouble {
        self.trouble.get_or_insert_with(|| Box::new(Trouble { at: now, count: 0, due: None, said: None }))
    }
}

/// There is one owner nearly always: room for others is made when they come.
fn add<S>(owners: &mut Vec<(Owner, Option<S>)>, owner: Owner, settings: Option<S>) {
    owners.reserve_exact(1);
    owners.push((owner, settings));
}
