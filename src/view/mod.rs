//! The windows of the daemon: how it stands and what happens, for whoever asks.
//!
//! A thread of its own in the core process, with a runtime of its own, so that no client can hold up the parent's loop,
//! far less an advert. It gathers scenes from the parent ([`Request`]), hears of all that happens, and runs the servers
//! (see [`serve`]). Everything that is shown is made of a [`Scene`](crate::model::Scene) and of
//! [`Record`](crate::model::occurrence::Record)s. Only `core` starts it; it never decides anything of the daemon.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc as threads;
use std::thread;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::warn;

use self::ring::Ring;
use crate::model::command::Command;
use crate::model::frame::Picture;
use crate::model::notification::Notified;
use crate::model::scene::ChildScene;
use crate::model::trap::Trap;
use crate::model::{Global, Occurrence};
use crate::os::clock;

mod control;
mod dbus;
mod diary;
pub mod explain;
mod guests;
mod hub;
pub mod metrics;
mod ring;
#[cfg(test)]
mod samples;
mod sealed;
mod snmp;
pub mod status;

pub use self::hub::Hub;
use self::hub::Spans;
pub use self::sealed::Sealed;

/// How many requests may wait for the parent.
const WAITING: usize = 16;

/// How many notifications may wait for the task that tells managers.
const TRAPS: usize = 4096;

/// How long the end of the daemon waits for that of the thread.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long the end of the thread waits for last words to the bus; less than [`PATIENCE`].
const LAST_WORDS: Duration = Duration::from_millis(400);

/// How many states of instances wait for one who listens slowly.
const STATES: usize = 1024;

/// What the thread asks of the parent.
#[derive(Debug)]
pub enum Request {
    /// How do all stand?
    Look(oneshot::Sender<Gathered>),
    /// Pass this on to the child that it is for
    Command(Command),
}

/// What the parent knows, and what its children have said.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The children that the configuration asks for
    pub children: Vec<ChildScene>,
    /// How those stand that have answered
    pub pictures: Vec<Picture>,
}

/// Which daemon this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The pid of core
    pub pid: u32,
    /// When it started, in microseconds since the Unix epoch
    pub started: u64,
}

/// The servers. Each is a task that ends with the thread, opens what the configuration asks for, and follows
/// [`Hub::configuration`] from reload to reload. One that cannot open says so in the log and tries again at the next
/// reload.
fn serve(hub: &Hub, socket: &Path, servers: &mut JoinSet<()>) {
    servers.spawn(metrics::serve(hub.clone()));
    servers.spawn(control::serve(hub.clone(), socket.to_owned()));
}

/// The parent's end of the thread.
#[derive(Debug)]
pub struct View {
    requests: mpsc::Receiver<Request>,
    configuration: watch::Sender<Arc<Sealed>>,
    /// Dropped: the end
    happened: mpsc::UnboundedSender<Occurrence>,
    /// Dropped likewise
    traps: mpsc::Sender<Trap>,
    notified: broadcast::Sender<Notified>,
    /// Nothing is ever sent: it breaks when the thread ends
    alive: threads::Receiver<()>,
}

impl View {
    /// Starts the thread, which inherits what the calling one may do and where it is (namespaces). `socket`: where the
    /// control socket is unless the configuration says otherwise.
    ///
    /// # Errors
    /// If there is no room for a thread or its runtime.
    pub fn start(origin: Origin, socket: PathBuf, sealed: Arc<Sealed>) -> io::Result<Self> {
        let (to_parent, requests) = mpsc::channel(WAITING);
        let (configuration, of_servers) = watch::channel(sealed);
        let (happened, occurrences) = mpsc::unbounded_channel();
        let (traps, of_snmp) = mpsc::channel(TRAPS);
        let notified = broadcast::Sender::new(STATES);
        let bus = notified.clone();
        let (token, alive) = threads::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("view".into()).spawn(move || {
            let _token: threads::Sender<()> = token;
            runtime.block_on(run(origin, socket, to_parent, of_servers, occurrences, bus, of_snmp));
            // A file that is being written must not delay the end.
            runtime.shutdown_background();
        })?;
        Ok(View { requests, configuration, happened, notified, traps, alive })
    }

    /// The next thing that is asked for; never, once the thread is gone. May be dropped and called again without loss.
    pub async fn request(&mut self) -> Request {
        match self.requests.recv().await {
            Some(request) => request,
            None => std::future::pending().await,
        }
    }

    /// Another configuration is in force, or one was refused.
    pub fn configure(&self, sealed: Arc<Sealed>) {
        self.configuration.send_replace(sealed);
    }

    /// Scripts were told of a state.
    pub fn notified(&self, notified: Notified) {
        // Nobody has to listen.
        let _ = self.notified.send(notified);
    }

    /// Something has happened.
    pub fn happened(&self, occurrence: Occurrence) {
        // Without the thread nobody wants to know.
        let _ = self.happened.send(occurrence);
    }

    /// Managers are to be told. Of a flood that nobody can take some are lost.
    pub fn trapped(&self, trap: Trap) {
        let _ = self.traps.try_send(trap);
    }

    /// Ends the thread, and waits for that, but not long.
    pub fn finish(self) {
        let View { requests, happened, traps, alive, .. } = self;
        drop((requests, happened, traps));
        if alive.recv_timeout(PATIENCE) == Err(threads::RecvTimeoutError::Timeout) {
            warn!("What has happened could not be saved: the disk takes too long");
        }
    }
}

/// What the thread does until the parent ends.
async fn run(
    origin: Origin,
    socket: PathBuf,
    requests: mpsc::Sender<Request>,
    configuration: watch::Receiver<Arc<Sealed>>,
    mut occurrences: mpsc::UnboundedReceiver<Occurrence>,
    notified: broadcast::Sender<Notified>,
    traps: mpsc::Receiver<Trap>,
) {
    // Until here nobody waits for this thread: a disk may take its time.
    let file = |global: &Global| control::path(global, &socket).map(|socket| diary::beside(&socket));
    let before = file(&configuration.borrow().global);
    let ring = Arc::new(Ring::new(before.as_deref().map(diary::read).unwrap_or_default()));
    let hub = Hub::new(origin, Spans::USUAL, requests, configuration, ring.clone());
    let mut servers = JoinSet::new();
    servers.spawn(diary::keep(hub.clone(), socket.clone(), ring.clone()));
    serve(&hub, &socket, &mut servers);
    let snmp = tokio::spawn(snmp::serve(hub.clone(), traps));
    let (stay, leaving) = oneshot::channel();
    let bus = tokio::spawn(dbus::serve(hub.clone(), notified, leaving));
    while let Some(occurrence) = occurrences.recv().await {
        ring.note(occurrence, clock::ahead_of_monotonic());
    }
    let last = file(&hub.configuration().borrow().global);
    if let Some(Err(error)) = last.map(|path| diary::write(&path, &ring.listen().0)) {
        warn!("What has happened could not be saved: {error}");
    }
    drop(stay);
    let _ = timeout(LAST_WORDS, bus).await;
    servers.shutdown().await;
    // It has notifications of the stop to pass on, and does not take long for that.
    let _ = timeout(PATIENCE, snmp).await;
}
