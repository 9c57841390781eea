//! A subagent of SNMP: serves KEEPALIVED-MIB and the standard MIBs of VRRP to a master agent, over AgentX (RFC 2741).
//!
//! Here is the task with its socket. What is said is decided by [`session`], what the objects are by the tables beside it, of
//! a scene that may be a second old. Only `view` starts it.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{info, warn};

use self::address::MasterAddress;
use self::names::{CHECK, GLOBAL, RFC2787, RFC6527, VRRP};
use self::objects::{Objects, Sheet};
use self::session::{News, Session, Tree};
use super::hub::Hub;
use super::sealed::Sealed;
use crate::model::scene::Scene;
use crate::model::settings::Snmp;
use crate::model::trap::Trap;
use crate::model::{Global, Micros, Time};
use crate::os::clock;
use crate::report::link_names;
use crate::wire::agentx::{self, Bind, Packet, Value};

mod address;
mod addresses;
mod global;
mod instance;
mod links;
mod names;
mod objects;
mod rfc2787;
mod rfc6527;
mod routes;
mod server;
mod service;
mod session;
mod tracker;
mod traps;
mod writable;

/// For how long the objects of a scene are shown: a walk takes less.
const FRESH: Duration = Duration::from_secs(1);

/// How long it takes until what was set is to be seen in every new scene.
const SETTLING: Duration = Duration::from_millis(300);

/// The first pause between two attempts to connect, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(15)];

/// How long it may take to connect, or to get rid of a packet.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the end waits for notifications to be taken.
const FAREWELL: Duration = Duration::from_millis(300);

/// How many failed attempts in a row are logged, at first each, then each 20th: about every five minutes.
const LOGGED: u32 = 1;
const LOGGED_AGAIN: u32 = 20;

/// How many octets of answers may wait for a master agent that does not read.
const MOST_UNSENT: usize = 4 << 20;

/// Everything that is served of a scene.
pub fn objects(scene: &Scene) -> Objects {
    let mut sheet = Sheet::default();
    let configuration = &scene.configuration;
    let snmp = &configuration.shared.global.snmp;
    if snmp.vrrp || snmp.checker {
        global::write(&mut sheet, configuration);
    }
    if let Some(running) = &scene.vrrp {
        let config = &configuration.vrrp;
        let links = links::Links::new(running);
        if snmp.vrrp {
            let names = link_names::names(&configuration.shared, config);
            instance::write(&mut sheet, &configuration.shared, config, running);
            addresses::write(&mut sheet, config, &names, &links, running);
            routes::write(&mut sheet, config, &links, running);
            tracker::write(&mut sheet, &configuration.shared, config, running);
        }
        if snmp.rfc_v2 {
            rfc2787::write(&mut sheet, config, &links, running, scene.started, snmp.traps);
        }
        if snmp.rfc_v3 {
            rfc6527::write(&mut sheet, config, &links, running, scene.at);
        }
    }
    if let Some(running) = scene.check.as_ref().filter(|_| snmp.checker) {
        service::write(&mut sheet, &configuration.shared.global.lvs, &configuration.check, running);
    }
    Objects::new(sheet)
}

/// What a configuration asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    address: MasterAddress,
    trees: Vec<Tree>,
}

impl Wanted {
    fn of(sealed: &Sealed) -> Option<Wanted> {
        let Snmp { socket, traps: _, vrrp, rfc_v2, rfc_v3, checker, .. } = &sealed.global.snmp;
        let (has_vrrp, has_check) = (sealed.vrrp.is_some(), sealed.check.is_some());
        // In the order in which keepalived's processes register them: `vrrp` first, and `check` takes the part about the daemon
        // with it.
        let (by_check, by_vrrp) = (has_check && *checker, has_vrrp && *vrrp);
        let trees = [
            (by_vrrp && !by_check, GLOBAL, "Keepalived"),
            (by_vrrp, VRRP, "KEEPALIVED-VRRP"),
            (has_vrrp && *rfc_v2, RFC2787, "VRRP"),
            (has_vrrp && *rfc_v3, RFC6527, "VRRPV3"),
            (by_check, GLOBAL, "Keepalived"),
            (by_check, CHECK, "Healthchecker"),
        ];
        let trees = trees.into_iter().filter(|(is_wanted, ..)| *is_wanted);
        let trees: Vec<Tree> = trees.map(|(_, root, name)| Tree { root: root.into(), name }).collect();
        let address = MasterAddress::of(socket.as_deref());
        (!trees.is_empty()).then_some(Wanted { address, trees })
    }
}

/// Serves until the daemon ends: then `traps` does, and what is still to be told is told.
pub async fn serve(hub: Hub, mut traps: mpsc::Receiver<Trap>) {
    let mut agent = Agent {
        configuration: hub.configuration(),
        hub,
        waiting: VecDeque::new(),
        objects: None,
        settles_at: None,
        ends: false,
        failures: 0,
    };
    while !agent.ends {
        let wanted = Wanted::of(&agent.configuration.borrow_and_update());
        match wanted {
            Some(wanted) => agent.session(&wanted, &mut traps).await,
            None => {
                agent.failures = 0;
                tokio::select! {
                    trap = traps.recv() => agent.ends = trap.is_none(),
                    changed = agent.configuration.changed() => agent.ends = changed.is_err(),
                }
            }
        }
    }
}

/// What lasts from session to session.
struct Agent {
    hub: Hub,
    configuration: watch::Receiver<Arc<Sealed>>,
    /// Notifications that could not be told
    waiting: VecDeque<(Vec<Bind>, Time)>,
    /// The objects that were made last, and when
    objects: Option<(Instant, Objects)>,
    /// When what was set last is to be seen
    settles_at: Option<Instant>,
    /// The daemon ends
    ends: bool,
    /// How many attempts to connect have failed in a row
    failures: u32,
}

/// A connection, whichever way.
trait Connection: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin {}
impl Connection for UnixStream {}
impl Connection for TcpStream {}

impl Agent {
    /// One session, from the attempt to connect to its end and the pause after it.
    async fn session(&mut self, wanted: &Wanted, traps: &mut mpsc::Receiver<Trap>) {
        if self.failures == 0 {
            info!("Starting SNMP subagent");
        }
        let reason = match self.until(traps, wanted, timeout(PATIENCE, connect(&wanted.address))).await {
            None => return,
            Some(Ok(Ok(connection))) => match self.converse(connection, wanted, traps).await {
                Ok(()) => return,
                Err(reason) => reason,
            },
            Some(Ok(Err(error))) => error.to_string(),
            Some(Err(_)) => "no answer".to_owned(),
        };
        if self.failures < LOGGED || self.failures.is_multiple_of(LOGGED_AGAIN) {
            warn!("Warning: Failed to connect to the agentx master agent ({}): {reason}", wanted.address);
        }
        let pause = PAUSES[0].saturating_mul(1 << self.failures.min(4)).min(PAUSES[1]);
        self.failures = self.failures.saturating_add(1);
        self.until(traps, wanted, sleep(pause)).await;
    }

    /// Waits for something, and keeps notifications meanwhile. `None`: the end, or another configuration.
    async fn until<T>(
        &mut self,
        traps: &mut mpsc::Receiver<Trap>,
        wanted: &Wanted,
        what: impl Future<Output = T>,
    ) -> Option<T> {
        let mut what = std::pin::pin!(what);
        loop {
            tokio::select! {
                done = &mut what => return Some(done),
                trap = traps.recv() => match trap {
                    Some(trap) => {
                        let binds = traps::binds(&trap, &self.router_id());
                        session::keep(&mut self.waiting, clock::now(), binds);
                    }
                    None => {
                        self.ends = true;
                        return None;
                    }
                },
                changed = self.configuration.changed() => {
                    if changed.is_err() || Wanted::of(&self.configuration.borrow_and_update()).as_ref() != Some(wanted) {
                        return None;
                    }
                }
            }
        }
    }

    /// The session itself; an error is why it was lost.
    async fn converse(
        &mut self,
        mut connection: Box<dyn Connection>,
        wanted: &Wanted,
        traps: &mut mpsc::Receiver<Trap>,
    ) -> Result<(), String> {
        let (mut reading, mut writing) = tokio::io::split(&mut connection);
        let waiting = std::mem::take(&mut self.waiting);
        let (session, first) = Session::begin(clock::now(), wanted.trees.clone(), waiting);
        let mut line = Line { session, unsent: first.write(), unread: Vec::new() };
        let mut stalled: Option<Instant> = Some(Instant::now());
        let mut ending: Option<Instant> = None;
        let mut buffer = vec![0; 16 << 10];
        let outcome = loop {
            if line.unsent.is_empty() {
                stalled = None;
                if ending.is_some_and(|until| line.session.is_idle() || until <= Instant::now()) {
                    break Ok(());
                }
            } else if stalled.get_or_insert_with(Instant::now).elapsed() >= PATIENCE || line.unsent.len() > MOST_UNSENT
            {
                break Err("it does not read".to_owned());
            }
            let due = line.session.deadline().since(clock::now());
            let due = if line.unsent.is_empty() { due } else { due.min(Micros::from_secs(1)) };
            let due = ending.map_or(due.into(), |until| until.saturating_duration_since(Instant::now()));
            tokio::select! {
                read = reading.read(&mut buffer) => match read {
                    Ok(0) => break Err("it has closed the connection".to_owned()),
                    Ok(count) => {
                        line.unread.extend(buffer.get(..count).unwrap_or_default());
                        if let Err(reason) = self.listen(&mut line, wanted).await {
                            break Err(reason);
                        }
                    }
                    Err(error) => break Err(error.to_string()),
                },
                written = writing.write(&line.unsent), if !line.unsent.is_empty() => match written {
                    Ok(count) => {
                        line.unsent.drain(..count);
                        stalled = None;
                    }
                    Err(error) => break Err(error.to_string()),
                },
                trap = traps.recv(), if ending.is_none() => match trap {
                    Some(trap) => {
                        let binds = traps::binds(&trap, &self.router_id());
                        let packets = line.session.notify(clock::now(), binds);
                        line.say(packets);
                    }
                    None => {
                        self.ends = true;
                        ending = Some(Instant::now() + FAREWELL);
                    }
                },
                changed = self.configuration.changed() => {
                    self.objects = None;
                    if changed.is_err() || Wanted::of(&self.configuration.borrow_and_update()).as_ref() != Some(wanted) {
                        break Ok(());
                    }
                }
                () = sleep(due) => {
                    match line.session.tick(clock::now()) {
                        Ok(packet) => line.say(packet),
                        Err(reason) => break Err(reason),
                    }
                    if ending.is_some_and(|until| until <= Instant::now()) {
                        break Ok(());
                    }
                }
            }
        };
        if outcome.is_ok() {
            let last = line.session.close();
            line.say(last);
            // What a master agent does not take in time it does not miss.
            let _ = timeout(FAREWELL, writing.write_all(&line.unsent)).await;
        }
        self.waiting = line.session.end();
        outcome
    }

    /// Answers what has come in whole.
    async fn listen(&mut self, line: &mut Line, wanted: &Wanted) -> Result<(), String> {
        while let Some(packet) = line.packet().map_err(|error| error.to_string())? {
            let nothing = Objects::default();
            let objects = if Session::needs_objects(&packet) { self.objects().await } else { &nothing };
            let outcome = line.session.hear(clock::now(), packet, objects);
            line.say(outcome.say);
            if !outcome.commands.is_empty() {
                // What was set is to be seen by the next request.
                self.objects = None;
                self.settles_at = Some(Instant::now() + SETTLING);
            }
            for command in outcome.commands {
                self.hub.command(command).await;
            }
            match outcome.news {
                Some(News::Opened) => {
                    self.failures = 0;
                    info!("AgentX subagent connected to the master agent ({})", wanted.address);
                }
                Some(News::Taken(tree)) => warn!("Unable to register {tree}: another subagent has registered it"),
                Some(News::Over(reason)) => return Err(reason),
                None => {}
            }
        }
        Ok(())
    }

    /// The objects, made anew if those that there are are old.
    async fn objects(&mut self) -> &Objects {
        let is_old = self.objects.as_ref().is_none_or(|(made, _)| made.elapsed() >= FRESH);
        if is_old {
            // Not two at a time: with very many instances they are large.
            self.objects = None;
            if let Some(at) = self.settles_at.take() {
                sleep_until(at).await;
            }
            let scene = self.hub.scene().await;
            let made = objects(&scene);
            self.objects = Some((Instant::now(), made));
        }
        let (_, objects) = self.objects.get_or_insert_with(|| (Instant::now(), Objects::default()));
        objects
    }

    fn router_id(&self) -> String {
        let sealed = self.configuration.borrow();
        let global: &Global = &sealed.global;
        global.router_id.clone().unwrap_or_else(|| sealed.shared.open().map(|it| it.host_name).unwrap_or_default())
    }
}

/// A session on its connection.
struct Line {
    session: Session,
    unsent: Vec<u8>,
    unread: Vec<u8>,
}

impl Line {
    fn say(&mut self, packets: impl IntoIterator<Item = Packet>) {
        packets.into_iter().for_each(|packet| self.unsent.extend(packet.write()));
    }

    /// The next packet that is there as a whole.
    fn packet(&mut self) -> Result<Option<Packet>, agentx::Error> {
        let Some(header) = self.unread.first_chunk() else { return Ok(None) };
        let length = agentx::HEADER + agentx::rest(header)?;
        let Some(octets) = self.unread.get(..length) else { return Ok(None) };
        let packet = Packet::read(octets);
        self.unread.drain(..length);
        packet.map(Some)
    }
}

async fn connect(address: &MasterAddress) -> io::Result<Box<dyn Connection>> {
    Ok(match address {
        MasterAddress::Unix(path) => Box::new(UnixStream::connect(path).await?),
        MasterAddress::Tcp(host) => Box::new(TcpStream::connect(host).await?),
        MasterAddress::Unknown(_) => return Err(io::ErrorKind::Unsupported.into()),
    })
}

#[cfg(test)]
mod tests;
