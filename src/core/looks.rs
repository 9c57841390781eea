//! What the parent does for those who look at the daemon: it asks its children how they stand, and passes on what happens.
//!
//! Those who look are served by the thread of `view`; the parent's loop never waits for one of them.

use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::warn;

use super::children::{Child, Phase, Place, Slot};
use super::frames::{self, InForce};
use super::start::Setting;
use super::{exits, roles};
use crate::model::Occurrence;
use crate::model::frame::{Picture, Role};
use crate::model::notification::Notified;
use crate::model::occurrence::Kind;
use crate::model::scene::ChildScene;
use crate::model::trap::Trap;
use crate::os::{clock, process};
use crate::view::{Gathered, Origin, Request, View};

/// How long a child may take to say how it stands. One that reads its configuration may need longer, and then there is no
/// picture of it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Those who look, and what they wait for.
pub(super) struct Looks {
    /// `None`: there was no thread to be had
    view: Option<View>,
    /// The thread has one at a time
    pending: Option<Pending>,
    /// Of the daemon, among several
    name: String,
}

/// A look that is not over.
struct Pending {
    until: Instant,
    /// Pids of the children that have not answered
    awaited: Vec<u32>,
    gathered: Gathered,
    answer: oneshot::Sender<Gathered>,
}

impl Looks {
    /// Starts the thread, inside the parent's process as it will stay.
    pub(super) fn begin(setting: &Setting, config: &InForce) -> Self {
        let name = config.global.instance.clone().unwrap_or_else(|| process::NAME.to_owned());
        let origin = Origin { pid: std::process::id(), started: clock::epoch() };
        let sealed = Arc::new(config.sealed(&setting.source.file, None));
        let view = View::start(origin, setting.paths.socket.clone(), sealed);
        let view = view.inspect_err(|error| warn!("Nobody can look at this daemon: no thread: {error}")).ok();
        let looks = Looks { view, pending: None, name };
        looks.tell(Kind::Daemon, &looks.name, "STOPPED", "RUNNING", format!("started, pid {}", origin.pid));
        looks
    }

    /// The next thing that is asked for; may be dropped and called again without loss.
    pub(super) async fn request(&mut self) -> Request {
        match &mut self.view {
            Some(view) => view.request().await,
            None => std::future::pending().await,
        }
    }

    /// Asks the children.
    pub(super) fn ask(&mut self, request: Request, places: &[Place]) {
        match request {
            Request::Look(answer) => {
                let wanted = places.iter().filter(|place| place.wanted);
                let children =
                    wanted.map(|it| ChildScene { role: it.role, pid: it.pid(), deaths: it.deaths }).collect();
                let awaited = places.iter().filter_map(show).collect();
                let gathered = Gathered { children, pictures: Vec::new() };
                self.pending = Some(Pending { until: Instant::now() + PATIENCE, awaited, gathered, answer });
                self.settle();
            }
            Request::Command(command) => {
                let Some((role, frame)) = frames::command(command) else { return };
                if let Some(child) = places.iter().find(|place| place.role == role).and_then(at_work) {
                    child.send(frame);
                }
            }
        }
    }

    /// A child has said how it stands. (An answer to a look that has been given up is as good.)
    pub(super) fn note(&mut self, pid: u32, picture: Picture) {
        if let Some(pending) = &mut self.pending
            && let Some(place) = pending.awaited.iter().position(|awaited| *awaited == pid)
        {
            pending.awaited.swap_remove(place);
            pending.gathered.pictures.push(picture);
        }
        self.settle();
    }

    /// A child has died, and is started again or not.
    pub(super) fn died(&self, role: Role, status: ExitStatus) {
        self.tell(Kind::Process, roles::words(role).short, "RUNNING", "DIED", exits::words(status));
    }

    /// A child that had died works again.
    pub(super) fn revived(&self, place: &Place) {
        if place.deaths > 0 {
            let cause = format!("started again, pid {}", place.pid().unwrap_or(0));
            self.tell(Kind::Process, roles::words(place.role).short, "DIED", "RUNNING", cause);
        }
    }

    /// A child has ended, and will not answer.
    pub(super) fn lost(&mut self, pid: u32) {
        if let Some(pending) = &mut self.pending {
            pending.awaited.retain(|awaited| *awaited != pid);
        }
        self.settle();
    }

    /// When a look is given up.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.pending.as_ref().map(|pending| pending.until)
    }

    /// Gives up waiting for children that have not answered in time.
    pub(super) fn give_up(&mut self, now: Instant) {
        if let Some(pending) = &mut self.pending
            && pending.until <= now
        {
            pending.awaited.clear();
        }
        self.settle();
    }

    /// Managers are to be told.
    pub(super) fn trapped(&self, trap: Trap) {
        if let Some(view) = &self.view {
            view.trapped(trap);
        }
    }

    /// Scripts were told of a state.
    pub(super) fn notified(&self, notified: Notified) {
        if let Some(view) = &self.view {
            view.notified(notified);
        }
    }

    /// Something has happened.
    pub(super) fn happened(&self, occurrence: Occurrence) {
        if let Some(view) = &self.view {
            view.happened(occurrence);
        }
    }

    /// A configuration was taken over, or one was `refused`.
    pub(super) fn configure(&self, setting: &Setting, config: &InForce, refused: Option<String>) {
        let file = setting.source.file.display();
        match &refused {
            None => self.tell(Kind::Daemon, &self.name, "RUNNING", "RELOADED", format!("{file} was read")),
            Some(reason) => {
                let cause = format!("{file} is not used: {reason}");
                self.tell(Kind::Daemon, &self.name, "RUNNING", "REFUSED", cause);
            }
        }
        if let Some(view) = &self.view {
            let refused = refused.map(|reason| (reason, clock::epoch()));
            view.configure(Arc::new(config.sealed(&setting.source.file, refused)));
        }
    }

    /// Ends the thread.
    pub(super) fn finish(self) {
        self.tell(Kind::Daemon, &self.name, "RUNNING", "STOPPED", String::new());
        if let Some(view) = self.view {
            view.finish();
        }
    }

    /// Something has happened to the daemon itself.
    fn tell(&self, kind: Kind, subject: &str, from: &str, to: &str, cause: String) {
        let (subject, from, to) = (subject.to_owned(), from.to_owned(), to.to_owned());
        self.happened(Occurrence { at: clock::now(), kind, subject, from, to, priority: None, cause });
    }

    /// Answers once all have.
    fn settle(&mut self) {
        if let Some(pending) = self.pending.take_if(|pending| pending.awaited.is_empty()) {
            // Whoever asked may have given up.
            let _ = pending.answer.send(pending.gathered);
        }
    }
}

/// Asks a child, and says whose answer to wait for.
fn show(place: &Place) -> Option<u32> {
    let child = at_work(place)?;
    child.send(frames::look(place.role)?);
    Some(child.pid)
}

fn at_work(place: &Place) -> Option<&Child> {
    match &place.slot {
        Slot::Living(child) if !matches!(child.phase, Phase::Leaving { .. }) => Some(child),
        Slot::Living(_) | Slot::Waiting(_) | Slot::Empty => None,
    }
}
