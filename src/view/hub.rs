//! What servers get to know of the daemon, and from whom: the one handle that all of them have.
//!
//! However many clients there are, the children are asked for their pictures by one task, once at a time and a few times
//! a second.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::ring::Ring;
use super::{Gathered, Origin, Request, Sealed};
use crate::model::command::Command;
use crate::model::occurrence::{Kind, Record};
use crate::model::scene::{Configuration, Scene};
use crate::os::{clock, process};

/// How long things last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spans {
    /// For how long a scene is shown again
    fresh: Duration,
    /// How long the parent may take to gather a scene
    patience: Duration,
    /// For how long the opened configuration is kept after somebody has looked
    kept: Duration,
}

impl Spans {
    /// Nobody reads faster than five times a second; the parent has a shorter limit of its own for children, but it hears
    /// nothing while a script of the start runs; and who looks regularly does so once a minute.
    pub(super) const USUAL: Spans =
        Spans { fresh: Duration::from_millis(200), patience: Duration::from_secs(2), kept: Duration::from_secs(70) };
}

/// The daemon, as servers see it. Copies are of the same.
#[derive(Clone, Debug)]
pub struct Hub {
    looks: mpsc::UnboundedSender<oneshot::Sender<Arc<Scene>>>,
    requests: mpsc::Sender<Request>,
    configuration: watch::Receiver<Arc<Sealed>>,
    ring: Arc<Ring>,
}

impl Hub {
    /// Must be called inside the runtime of the thread.
    pub(super) fn new(
        origin: Origin,
        spans: Spans,
        requests: mpsc::Sender<Request>,
        configuration: watch::Receiver<Arc<Sealed>>,
        ring: Arc<Ring>,
    ) -> Self {
        let (looks, waiting) = mpsc::unbounded_channel();
        tokio::spawn(gather(origin, spans, requests.clone(), configuration.clone(), waiting));
        Hub { looks, requests, configuration, ring }
    }

    /// How the daemon stands, or has stood up to 200 ms ago. Takes about a second if a child does not answer, and two if
    /// the parent does not: what is missing then is not in the scene.
    pub async fn scene(&self) -> Arc<Scene> {
        let (answer, scene) = oneshot::channel();
        // Without the task the thread is ending, and whoever waits with it.
        let _ = self.looks.send(answer);
        match scene.await {
            Ok(scene) => scene,
            Err(_) => std::future::pending().await,
        }
    }

    /// What is remembered of what has happened, oldest first, and what will happen, without a gap between the two. Who
    /// does not receive for long loses the oldest news, and is told how many.
    pub fn occurrences(&self) -> (Vec<Arc<Record>>, broadcast::Receiver<Arc<Record>>) {
        self.ring.listen()
    }

    /// How much has happened since the start of the daemon, by kind.
    pub fn counts(&self) -> BTreeMap<Kind, u64> {
        self.ring.counts()
    }

    /// Has something done by a child. That it is done is not told: look at a scene.
    pub async fn command(&self, command: Command) {
        // The parent is gone only when all ends.
        let _ = self.requests.send(Request::Command(command)).await;
    }

    /// Changes with each reload, also with one that was refused: servers open other addresses if they are told to.
    pub fn configuration(&self) -> watch::Receiver<Arc<Sealed>> {
        self.configuration.clone()
    }
}

/// Gathers scenes for all who wait for one.
async fn gather(
    origin: Origin,
    spans: Spans,
    requests: mpsc::Sender<Request>,
    configuration: watch::Receiver<Arc<Sealed>>,
    mut waiting: mpsc::UnboundedReceiver<oneshot::Sender<Arc<Scene>>>,
) {
    let mut opened = Opened { configuration, last: None };
    let mut last: Option<(Instant, Arc<Scene>)> = None;
    let mut forget_at = Instant::now();
    loop {
        let waiter = tokio::select! {
            waiter = waiting.recv() => waiter,
            () = sleep_until(forget_at), if opened.last.is_some() => {
                (opened.last, last) = (None, None);
                process::return_free_memory();
                continue;
            }
        };
        let Some(waiter) = waiter else { return };
        if waiter.is_closed() {
            continue;
        }
        let scene = match last.take() {
            Some((at, scene)) if at.elapsed() < spans.fresh && opened.is_of(&scene) => {
                last = Some((at, scene.clone()));
                scene
            }
            // Not two scenes at a time: with very many instances they are large.
            old => {
                drop(old);
                let scene = Arc::new(look(origin, spans, &requests, &mut opened).await);
                last = Some((Instant::now(), scene.clone()));
                scene
            }
        };
        forget_at = Instant::now() + spans.kept;
        let _ = waiter.send(scene);
    }
}

/// Pictures have no names, but the order of the configuration: those of another one would be taken for something else. The
/// parent tells children of a new configuration before it tells us, and they answer in turn: what was asked for and
/// answered under one configuration is of that one.
async fn look(origin: Origin, spans: Spans, requests: &mpsc::Sender<Request>, opened: &mut Opened) -> Scene {
    let (gathered, configuration) = loop {
        let sealed = opened.sealed();
        let gathered = timeout(spans.patience, ask(requests)).await.ok().flatten();
        let configuration = opened.get();
        if opened.is_open(&sealed) {
            break (gathered, configuration);
        }
    };
    let answers = gathered.is_some();
    let Gathered { children, pictures } = gathered.unwrap_or_default();
    let mut scene = Scene {
        at: clock::epoch(),
        started: origin.started,
        pid: origin.pid,
        configuration,
        answers,
        children,
        vrrp: None,
        check: None,
        bfd: None,
    };
    pictures.into_iter().for_each(|picture| scene.put(picture));
    scene
}

async fn ask(requests: &mpsc::Sender<Request>) -> Option<Gathered> {
    let (answer, gathered) = oneshot::channel();
    requests.send(Request::Look(answer)).await.ok()?;
    gathered.await.ok()
}

/// The configuration, opened once for as long as it is in force.
struct Opened {
    configuration: watch::Receiver<Arc<Sealed>>,
    last: Option<(Arc<Sealed>, Arc<Configuration>)>,
}

impl Opened {
    fn get(&mut self) -> Arc<Configuration> {
        let sealed = self.sealed();
        if let Some((of, configuration)) = &self.last
            && Arc::ptr_eq(of, &sealed)
        {
            return configuration.clone();
        }
        // First the old one goes.
        self.last = None;
        let configuration = Arc::new(sealed.open());
        self.last = Some((sealed, configuration.clone()));
        configuration
    }

    /// What is in force.
    fn sealed(&self) -> Arc<Sealed> {
        self.configuration.borrow().clone()
    }

    /// Whether this was opened last.
    fn is_open(&self, sealed: &Arc<Sealed>) -> bool {
        self.last.as_ref().is_some_and(|(of, _)| Arc::ptr_eq(of, sealed))
    }

    /// Whether a scene shows what is in force.
    fn is_of(&self, scene: &Scene) -> bool {
        let sealed = self.configuration.borrow();
        let is_same = |(of, shown): &(Arc<Sealed>, Arc<Configuration>)| {
            Arc::ptr_eq(of, &sealed) && Arc::ptr_eq(shown, &scene.configuration)
        };
        self.last.as_ref().is_some_and(is_same)
    }
}

#[cfg(test)]
mod tests;
