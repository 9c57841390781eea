//! The window of a child to core's memory of what has happened. Called by drivers, which never wait for it.

use crate::model::frame::FromChild;
use crate::model::{Occurrence, Restraint};
use crate::os::ipc::Herald;

/// Tells core what happens, as often as it may be told.
#[derive(Debug)]
pub struct Occurrences {
    core: Herald<FromChild>,
    restraint: Restraint,
}

impl Occurrences {
    /// Tells by this herald.
    pub fn new(core: Herald<FromChild>) -> Self {
        Occurrences { core, restraint: Restraint::default() }
    }

    /// Something has happened.
    pub fn tell(&mut self, occurrence: Occurrence) {
        if let Some(occurrence) = self.restraint.pass(occurrence) {
            self.core.say(FromChild::Happened(occurrence));
        }
    }
}
