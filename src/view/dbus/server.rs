//! The daemon on the bus for as long as one connection lasts: its name, what it says by itself, and its answers.

use std::collections::HashSet;
use std::future::poll_fn;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_core::Stream;
use nix::sys::signal::Signal;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender};
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
use crate::model::notification::Notified;
use crate::model::occurrence::{Kind, Record};
use crate::os::process;
use crate::view::{Hub, Sealed};

/// The bus itself.
const BUS: &str = "org.freedesktop.DBus";
const BUS_PATH: &str = "/org/freedesktop/DBus";

/// Answer to a request for a name: we have it (D-Bus specification, `RequestName`).
const PRIMARY_OWNER: u32 = 1;

/// Before a scene without instances is looked at again.
const PAUSE: Duration = Duration::from_millis(500);

/// How many states are held back at most.
const HELD: usize = 10_000;

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
    news: Receiver<Notified>,
    /// Deaths of `vrrp` are among them
    occurrences: Receiver<Arc<Record>>,
    objects: Objects,
    machine: Option<String>,
    /// The pid of `vrrp`
    vrrp: Option<u32>,
    /// Since when the configuration is in force whose objects these are
    since: u64,
    has_name: bool,
    /// The serial of our request for the name, until it is answered
    asked: Option<NonZeroU32>,
    looking: Option<(Look, Looking)>,
    /// What has been told since a reload began whose objects are not known yet
    held: Option<Vec<(String, State)>>,
}

impl<'a> Server<'a> {
    /// Connects, asks for the name, and says that we are there. `scene` has a picture of `vrrp`.
    pub(super) async fn open(hub: &'a Hub, notified: &Sender<Notified>, wish: &Wish) -> Result<Server<'a>, Failure> {
        let news = notified.subscribe();
        let (_, occurrences) = hub.occurrences();
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
            occurrences,
            objects: Objects::default(),
            machine: super::machine_id(),
            vrrp: pid_of_vrrp(&scene).flatten(),
            since: scene.configuration.since,
            has_name: false,
            asked: None,
            looking: None,
            held: None,
        };
        server.objects = server.objects_of(&scene);
        server.drain().await;
        // The answer comes among the calls, where nothing waits for it.
        let request = Message::method_call(BUS_PATH, "RequestName").destination(BUS).interface(BUS);
        let request = request.build(&(&*server.name, 0_u32))?;
        server.asked = Some(request.primary_header().serial_num());
        server.tell(&[Ok(request)]).await?;
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
                notified = self.news.recv() => match notified {
                    Ok(notified) => self.hear(notified).await?,
                    Err(RecvError::Lagged(_)) => self.look(Look::Doubt),
                    Err(RecvError::Closed) => return Ok(End::Stopped),
                },
                record = self.occurrences.recv() => match record {
                    Ok(record) if record.kind != Kind::Process => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => self.look(Look::Doubt),
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
        // What `vrrp` says at its end may not have come so far.
        let going: &[Router] = if matches!(end, End::Stopped) { self.objects.routers() } else { &[] };
        let going = going.iter().filter(|router| router.state != State::Stop);
        let mut words: Vec<_> = going.map(|it| self.status(&Router { state: State::Stop, ..it.clone() })).collect();
        words.push(self.signal(self.objects.daemon(), interfaces::DAEMON, "VrrpStopped", &()));
        // The bus may be gone too.
        let _ = self.tell(&words).await;
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

    /// Scripts were told of a state.
    async fn hear(&mut self, notified: Notified) -> Result<(), Failure> {
        let Notified { instance, state } = notified;
        let Some(state) = State::of(state) else { return Ok(()) };
        if let Some(held) = &mut self.held {
            if held.len() < HELD {
                held.push((instance, state));
            }
            return Ok(());
        }
        let signal = self.turned(&instance, state);
        // With the name all are told.
        if self.has_name {
            self.tell(&signal.into_iter().collect::<Vec<_>>()).await?;
        }
        Ok(())
    }

    /// An instance is in another state.
    fn turned(&mut self, name: &str, state: State) -> Option<zbus::Result<Message>> {
        let router = self.objects.note(name, state)?.clone();
        Some(self.status(&router))
    }

    /// Hears what has happened before a scene.
    async fn drain(&mut self) {
        // Scenes and news come by different ways: those who bring news get their turn.
        tokio::task::yield_now().await;
        while let Ok(notified) = self.news.try_recv() {
            if self.hear(notified).await.is_err() {
                return;
            }
        }
    }

    /// Looks at the daemon; calls are answered meanwhile.
    fn look(&mut self, why: Look) {
        if why == Look::Reload {
            self.held.get_or_insert_default();
        }
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
        let mut signals = Vec::new();
        let (mut later, mut parted) = (Vec::new(), HashSet::new());
        // Who is deleted, or is another one of the same name from now on, has a last word where it was.
        for (name, state) in self.held.take().unwrap_or_default() {
            let path = |objects: &Objects| objects.of_name(&name).map(|router| router.path.clone());
            let goes_on = path(&self.objects) == path(&new);
            let is_last = matches!(state, State::Fault | State::Deleted) && self.objects.of_name(&name).is_some();
            if goes_on || (parted.insert(name.clone()) && is_last) {
                signals.extend(self.turned(&name, state));
            } else {
                later.push((name, state));
            }
        }
        let old = std::mem::replace(&mut self.objects, new);
        self.since = scene.configuration.since;
        let gone = old
            .routers()
            .iter()
            .filter(|router| self.objects.of_name(&router.name).is_none_or(|it| it.path != router.path));
        gone.for_each(|router| info!("Deleted DBus object for instance {}", router.name));
        // What was missed; what was not is known here as the scene has it.
        let goes_on = |it: &&Router, router: &Router| it.path == router.path && it.state != router.state;
        let missed = self.objects.routers().iter();
        let missed = missed.filter(|router| old.of_name(&router.name).filter(|it| goes_on(it, router)).is_some());
        signals.extend(missed.map(|router| self.status(router)));
        if why == Look::Reload {
            signals.push(self.signal(self.objects.daemon(), interfaces::DAEMON, "VrrpReloaded", &()));
        }
        signals.extend(later.into_iter().filter_map(|(name, state)| self.turned(&name, state)));
        self.tell(&signals).await?;
        Ok(true)
    }

    /// Somebody has sent us something.
    async fn take(&mut self, message: &Message) -> Result<(), Failure> {
        match message.message_type() {
            Type::MethodCall => self.serve(message).await,
            Type::Signal => self.hear_of_name(message).await,
            Type::MethodReturn | Type::Error => self.hear_answer(message).await,
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

    /// The bus has answered our request for the name.
    async fn hear_answer(&mut self, reply: &Message) -> Result<(), Failure> {
        let header = reply.header();
        if header.reply_serial().is_none() || header.reply_serial() != self.asked {
            return Ok(());
        }
        self.asked = None;
        let body = reply.body();
        match reply.message_type() {
            Type::MethodReturn if body.deserialize::<u32>().is_ok_and(|it| it == PRIMARY_OWNER) && !self.has_name => {
                self.named().await?
            }
            // It will tell when the other one is gone.
            Type::MethodReturn if !self.has_name => self.unnamed(),
            Type::MethodReturn => {}
            _ => return Err(Failure::Name(body.deserialize::<&str>().unwrap_or_default().to_owned())),
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
