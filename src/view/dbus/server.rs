//! The daemon on the bus for as long as one connection lasts: its name, what it says by itself, and its answers.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_core::Stream;
use nix::sys::signal::Signal;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;
use tracing::info;
use zbus::message::{Flags, Message, Type};
use zbus::{Connection, MessageStream};

use super::answers::{Answer, Order, answer};
use super::objects::{Objects, Router, State};
use super::{Failure, Wish, interfaces, within};
use crate::model::Scene;
use crate::model::frame::Role;
use crate::model::occurrence::{Kind, Record};
use crate::os::process;
use crate::view::{Hub, Sealed};

/// The bus itself.
const BUS: &str = "org.freedesktop.DBus";
const BUS_PATH: &str = "/org/freedesktop/DBus";

/// Answer to a request for a name: we have it, or another one has (D-Bus specification, `RequestName`).
const PRIMARY_OWNER: u32 = 1;
const IN_QUEUE: u32 = 2;

/// Before a scene without instances is looked at again.
const PAUSE: Duration = Duration::from_millis(500);

/// How many changes of instances are remembered that have no object yet.
const EARLY: usize = 10_000;

/// Why a connection is over.
#[derive(Debug)]
pub(super) enum End {
    /// Something else is wanted: another name, or nothing
    Unwanted,
    /// The `vrrp` process is gone, and with it what there is to show
    Gone,
    /// The daemon ends
    Stopped,
}

/// What a look at the daemon is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Look {
    /// Something may have been missed
    Doubt,
    /// Another configuration is in force
    Reload,
}

type Looking = Pin<Box<dyn Future<Output = Arc<Scene>> + Send>>;

/// The daemon on the bus.
pub(super) struct Server<'a> {
    hub: &'a Hub,
    name: String,
    connection: Connection,
    calls: MessageStream,
    news: Receiver<Arc<Record>>,
    objects: Objects,
    machine: Option<String>,
    /// The pid of `vrrp`
    vrrp: Option<u32>,
    /// Since when the configuration is in force whose objects these are
    since: u64,
    has_name: bool,
    looking: Option<(Look, Looking)>,
    /// What has happened to instances that have no object yet
    early: Vec<(String, State)>,
}

impl<'a> Server<'a> {
    /// Connects, asks for the name, and says that we are there. `scene` has a picture of `vrrp`.
    pub(super) async fn open(hub: &'a Hub, wish: &Wish) -> Result<Server<'a>, Failure> {
        let (_, news) = hub.occurrences();
        let scene = with_routers(hub, Duration::ZERO).await;
        let connection = within(super::connect()).await?;
        let calls = MessageStream::from(&connection);
        info!("Acquired DBus bus {}", wish.name);
        let mut server = Server {
            hub,
            name: wish.name.clone(),
            connection,
            calls,
            news,
            objects: Objects::default(),
            machine: super::machine_id(),
            vrrp: pid_of_vrrp(&scene).flatten(),
            since: scene.configuration.since,
            has_name: false,
            looking: None,
            early: Vec::new(),
        };
        server.objects = server.objects_of(&scene);
        let request = (&*server.name, 0_u32);
        let asked = server.connection.call_method(Some(BUS), BUS_PATH, Some(BUS), "RequestName", &request);
        match within(asked).await.and_then(|reply| Ok(reply.body().deserialize::<u32>()?)) {
            Ok(PRIMARY_OWNER) => server.named().await?,
            Ok(IN_QUEUE) => server.unnamed(),
            Ok(other) => return Err(Failure::Name(format!("answer {other} of the bus"))),
            Err(Failure::Bus(error)) => return Err(Failure::Name(error.to_string())),
            Err(failure) => return Err(failure),
        }
        Ok(server)
    }

    /// Serves until the end.
    pub(super) async fn run(
        &mut self,
        wish: &Wish,
        of_daemon: &mut watch::Receiver<Arc<Sealed>>,
        leaving: &mut oneshot::Receiver<()>,
    ) -> Result<End, Failure> {
        loop {
            tokio::select! {
                biased;
                _ = &mut *leaving => return Ok(End::Stopped),
                changed = of_daemon.changed() => {
                    let sealed = of_daemon.borrow_and_update().clone();
                    if changed.is_err() || Wish::of(&sealed).as_ref() != Some(wish) {
                        return Ok(End::Unwanted);
                    }
                    if sealed.since != self.since {
                        self.look(Look::Reload);
                    }
                }
                record = self.news.recv() => match record {
                    Ok(record) => self.hear(&record).await?,
                    Err(RecvError::Lagged(_)) => self.look(Look::Doubt),
                    Err(RecvError::Closed) => return Ok(End::Stopped),
                },
                (why, scene) = seen(&mut self.looking) => {
                    if !self.see(why, &scene).await? {
                        return Ok(End::Gone);
                    }
                }
                message = next(&mut self.calls) => match message {
                    Some(message) => self.take(&message?).await?,
                    None => return Err(Failure::Closed),
                },
            }
        }
    }

    /// Leaves the bus, with a last word if all ends in order.
    pub(super) async fn close(mut self, end: End) {
        if matches!(end, End::Gone) {
            return;
        }
        self.drain().await;
        let stopped = self.signal(self.objects.daemon(), interfaces::DAEMON, "VrrpStopped", &());
        // The bus may be gone too.
        let _ = self.tell(&[stopped]).await;
        let Server { connection, calls, name, .. } = self;
        drop(calls);
        let _ = within(connection.call_method(Some(BUS), BUS_PATH, Some(BUS), "ReleaseName", &name)).await;
        let _ = within(connection.close()).await;
        info!("Released DBus");
    }

    /// The connection broke.
    pub(super) fn lost(mut self) {
        if self.has_name {
            self.unnamed();
        }
    }

    /// The name is ours: whoever waits for it hears that we are there, and how all stand.
    async fn named(&mut self) -> Result<(), Failure> {
        self.has_name = true;
        info!("Acquired the name {} on the session bus", self.name);
        let started = self.signal(self.objects.daemon(), interfaces::DAEMON, "VrrpStarted", &());
        let stand = self.objects.routers().iter().map(|router| self.status(router));
        let all: Vec<_> = std::iter::once(started).chain(stand).collect();
        self.tell(&all).await
    }

    fn unnamed(&mut self) {
        self.has_name = false;
        info!("Lost the name {} on the session bus", self.name);
    }

    /// Something has happened in the daemon.
    async fn hear(&mut self, record: &Record) -> Result<(), Failure> {
        match (record.kind, State::named(&record.to)) {
            (Kind::Instance, Some(state)) => match self.objects.note(&record.subject, state).cloned() {
                Some(router) => return self.tell(&[self.status(&router)]).await,
                None if self.looking.is_some() && self.early.len() < EARLY => {
                    self.early.push((record.subject.clone(), state));
                }
                None => {}
            },
            (Kind::Process, _) => self.look(Look::Doubt),
            _ => {}
        }
        Ok(())
    }

    /// Hears what has happened before a scene.
    async fn drain(&mut self) {
        // Scenes and news come by different ways: those who bring news get their turn.
        tokio::task::yield_now().await;
        while let Ok(record) = self.news.try_recv() {
            if self.hear(&record).await.is_err() {
                return;
            }
        }
    }

    /// Looks at the daemon; calls are answered meanwhile.
    fn look(&mut self, why: Look) {
        let why = self.looking.take().map_or(why, |(before, _)| before.max(why));
        let hub = self.hub.clone();
        self.looking = Some((why, Box::pin(async move { hub.scene().await })));
    }

    /// Shows what a look has found; false if `vrrp` is not there any more.
    async fn see(&mut self, why: Look, scene: &Scene) -> Result<bool, Failure> {
        match pid_of_vrrp(scene) {
            // It ends, or the daemon does: we shall be told.
            None => return Ok(true),
            pid if pid != Some(self.vrrp) => return Ok(false),
            // It did not answer in time.
            Some(_) if scene.vrrp.is_none() => {
                let hub = self.hub.clone();
                let again = async move {
                    sleep(PAUSE).await;
                    hub.scene().await
                };
                self.looking = Some((why, Box::pin(again)));
                return Ok(true);
            }
            Some(_) => {}
        }
        self.drain().await;
        let new = self.objects_of(scene);
        let old = std::mem::replace(&mut self.objects, new);
        self.since = scene.configuration.since;
        let gone = old.routers().iter().filter(|router| self.objects.of_name(&router.name).is_none());
        gone.for_each(|router| info!("Deleted DBus object for instance {}", router.name));
        let early = std::mem::take(&mut self.early);
        let early = early.into_iter().filter_map(|(name, state)| self.objects.note(&name, state).cloned());
        let early: Vec<_> = early.collect();
        let mut signals: Vec<_> = early.iter().map(|router| self.status(router)).collect();
        match why {
            Look::Reload => signals.push(self.signal(self.objects.daemon(), interfaces::DAEMON, "VrrpReloaded", &())),
            Look::Doubt => {
                let differs = |router: &&Router| old.of_name(&router.name).is_some_and(|it| it.state != router.state);
                signals.extend(self.objects.routers().iter().filter(differs).map(|router| self.status(router)));
            }
        }
        self.tell(&signals).await?;
        Ok(true)
    }

    /// Somebody has sent us something.
    async fn take(&mut self, message: &Message) -> Result<(), Failure> {
        match message.message_type() {
            Type::MethodCall => self.serve(message).await,
            Type::Signal => self.hear_of_name(message).await,
            Type::MethodReturn | Type::Error => Ok(()),
        }
    }

    async fn serve(&mut self, call: &Message) -> Result<(), Failure> {
        let (order, reply) = match answer(&self.objects, self.machine.as_deref(), call)? {
            Answer::Say(reply) => (None, reply),
            Answer::Do(order, reply) => (Some(order), reply),
        };
        let reloads = order == Some(Order::Reload);
        if let Some(Order::Command(command)) = order {
            self.hub.command(command).await;
        }
        if !call.primary_header().flags().contains(Flags::NO_REPLY_EXPECTED) {
            self.tell(&[Ok(reply)]).await?;
        }
        if reloads {
            process::send_signal(std::process::id(), Signal::SIGHUP);
        }
        Ok(())
    }

    async fn hear_of_name(&mut self, signal: &Message) -> Result<(), Failure> {
        let header = signal.header();
        if header.sender().is_none_or(|sender| sender.as_str() != BUS) {
            return Ok(());
        }
        let body = signal.body();
        let is_ours = body.deserialize::<&str>().is_ok_and(|name| name == self.name);
        match header.member().map(|member| member.as_str()) {
            Some("NameAcquired") if is_ours && !self.has_name => self.named().await?,
            Some("NameLost") if is_ours && self.has_name => self.unnamed(),
            _ => {}
        }
        Ok(())
    }

    fn objects_of(&self, scene: &Scene) -> Objects {
        let objects = Objects::of(scene);
        for (name, path) in objects.hidden() {
            info!("Registering DBus object on {path} failed: another instance than {name} is there already");
        }
        objects
    }

    fn status(&self, router: &Router) -> zbus::Result<Message> {
        self.signal(&router.path, interfaces::ROUTER, "VrrpStatusChange", &router.state.number())
    }

    fn signal<B>(&self, path: &str, interface: &str, member: &str, body: &B) -> zbus::Result<Message>
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        Message::signal(path, interface, member).build(body)
    }

    /// Sends. A bus that takes nothing for long counts as gone.
    async fn tell(&mut self, messages: &[zbus::Result<Message>]) -> Result<(), Failure> {
        let messages: Vec<Message> = messages.iter().cloned().collect::<zbus::Result<_>>()?;
        within(self.connection.send_all(&messages)).await
    }
}

/// A scene with a picture of `vrrp`, looked for now, or after a pause.
async fn with_routers(hub: &Hub, mut pause: Duration) -> Arc<Scene> {
    loop {
        sleep(pause).await;
        let scene = hub.scene().await;
        if scene.vrrp.is_some() {
            return scene;
        }
        pause = PAUSE;
    }
}

/// The pid of `vrrp`, which there is while it runs; `None` if it is not asked for.
fn pid_of_vrrp(scene: &Scene) -> Option<Option<u32>> {
    scene.children.iter().find(|child| child.role == Role::Vrrp).map(|child| child.pid)
}

/// What a look has found; never, while there is none.
async fn seen(looking: &mut Option<(Look, Looking)>) -> (Look, Arc<Scene>) {
    let Some((why, look)) = looking else {
        return std::future::pending().await;
    };
    let (why, scene) = (*why, look.await);
    *looking = None;
    (why, scene)
}

/// The next message.
async fn next(calls: &mut MessageStream) -> Option<zbus::Result<Message>> {
    poll_fn(|context| Pin::new(&mut *calls).poll_next(context)).await
}
