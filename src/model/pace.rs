//! Something that is told when it has changed, but not too often.

use super::{Micros, Time};

/// When to tell again: at once, if nothing was told of late, and never oftener than each `span`.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    span: Micros,
    next: Option<Time>,
    due: Option<Time>,
}

impl Pace {
    /// Nothing has been told yet, and nothing has changed.
    pub fn new(span: Micros) -> Self {
        Pace { span, next: None, due: None }
    }

    /// Something has changed.
    pub fn changed(&mut self, now: Time) {
        if self.due.is_none() {
            self.due = Some(self.next.map_or(now, |next| next.max(now)));
        }
    }

    /// When it is to be told.
    pub fn due(&self) -> Option<Time> {
        self.due
    }

    /// Whether it is to be told now, which is then done.
    pub fn take(&mut self, now: Time) -> bool {
        let is_due = self.due.is_some_and(|due| due <= now);
        if is_due {
            self.due = None;
            self.next = Some(now + self.span);
        }
        is_due
    }
}

#[cfg(test)]
mod tests;
