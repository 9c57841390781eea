//! Carries out the actions of the engine of BFD: sockets, packets, words for followers, log. Part of the driver; decides
//! nothing.

pub(super) mod dumps;

use std::collections::{BTreeMap, HashSet};

use tracing::warn;

use super::engine::Engine;
use super::event::{Action, Datagram, Event, Path, SessionId};
use crate::model::frame::{FromChild, SessionNews};
use crate::model::running_bfd::RunningBfd;
use crate::model::{Histogram, Micros, Time};
use crate::os::clock;
use crate::os::ipc::Herald;
use crate::report::{self, Occurrences};
use crate::sock::bfd::{Inbox, Receiver, Sender};
use crate::sock::{ReadySet, SockError};

/// At most so many packets of a port are taken before everything else has its turn.
const HELPING: usize = 64;

/// The number of the second port.
const MULTIHOP: u64 = 1;

/// After this a port is tried again that another program had.
const RETRY: Micros = Micros::from_secs(1);

/// What the driver acts by.
pub(super) struct Hands {
    /// Of one hop, and of several
    receivers: [Port; 2],
    /// When the ports that could not be had are tried again
    retry: Option<Time>,
    ready: ReadySet,
    inbox: Inbox,
    senders: BTreeMap<SessionId, Outlet>,
    /// The source ports in use: each session has its own, whatever its address
    ports: HashSet<u16>,
    occurrences: Occurrences,
}

/// A port to receive on.
#[derive(Default)]
struct Port {
    wanted: bool,
    receiver: Option<Receiver>,
    /// It could not be had, which has been told
    failed: bool,
}

/// The socket of a session.
struct Outlet {
    sender: Sender,
    /// The last packet could not be sent, which has been told
    failed: bool,
}

impl Hands {
    /// Hands that listen to nothing. Must be called inside a tokio runtime.
    pub(super) fn open(occurrences: Occurrences) -> Result<Self, SockError> {
        Ok(Hands {
            receivers: [Port::default(), Port::default()],
            retry: None,
            ready: ReadySet::new()?,
            inbox: Inbox::default(),
            senders: BTreeMap::new(),
            ports: HashSet::new(),
            occurrences,
        })
    }

    /// Carries out an action; gives what the engine has to be told of that.
    pub(super) fn carry_out(
        &mut self,
        now: Time,
        action: Action,
        parent: &Herald<FromChild>,
    ) -> Option<Event<'static>> {
        match action {
            Action::Listen { single_hop, multihop } => {
                self.receivers.iter_mut().zip([single_hop, multihop]).for_each(|(port, wanted)| port.wanted = wanted);
                self.listen(now);
            }
            Action::Open(id, path) => return self.open_path(id, &path),
            Action::Close(id) => self.close(id),
            Action::Send(id, packet) => self.send(id, &packet),
            Action::Tell { name, up, vrrp, checker } => {
                let news = SessionNews { name, up, sent: clock::now() };
                parent.say(FromChild::Session { news, vrrp, checker });
            }
            Action::Log(level, line) => report::say(level, &line),
            Action::Happened(occurrence) => self.occurrences.tell(occurrence),
        }
        None
    }

    /// Opens the sockets that are wanted, and closes others. While another program has a port, all else goes on.
    fn listen(&mut self, now: Time) {
        self.retry = None;
        for (key, port) in (0..).zip(&mut self.receivers) {
            if !port.wanted {
                *port = Port::default();
            } else if port.receiver.is_none() {
                let opened = Receiver::open(key == MULTIHOP);
                match opened.and_then(|receiver| self.ready.add(&receiver, key).map(|()| receiver)) {
                    Ok(receiver) => (port.receiver, port.failed) = (Some(receiver), false),
                    Err(error) => {
                        if !port.failed {
                            warn!("{error}; trying again every second");
                        }
                        port.failed = true;
                        self.retry = Some(now + RETRY);
                    }
                }
            }
        }
    }

    /// When [`Hands::try_again`] has something to do.
    pub(super) fn retry(&self) -> Option<Time> {
        self.retry
    }

    /// Tries again what is due by now.
    pub(super) fn try_again(&mut self, now: Time) {
        if self.retry.is_some_and(|at| at <= now) {
            self.listen(now);
        }
    }

    fn open_path(&mut self, id: SessionId, path: &Path) -> Option<Event<'static>> {
        self.close(id);
        let Path { neighbor, source, ttl, multihop } = *path;
        match Sender::open(neighbor, source, ttl, multihop, |port| self.ports.contains(&port)) {
            Ok(sender) => {
                self.ports.insert(sender.port());
                self.senders.insert(id, Outlet { sender, failed: false });
                None
            }
            Err(error) => Some(Event::PathFailed(id, error.to_string())),
        }
    }

    fn close(&mut self, id: SessionId) {
        if let Some(outlet) = self.senders.remove(&id) {
            self.ports.remove(&outlet.sender.port());
        }
    }

    fn send(&mut self, id: SessionId, packet: &[u8]) {
        let Some(outlet) = self.senders.get_mut(&id) else {
            return;
        };
        let sent = outlet.sender.send(packet);
        if let Err(error) = &sent
            && !outlet.failed
        {
            warn!("{error}");
        }
        outlet.failed = sent.is_err();
    }

    /// Waits until packets have come; gives the ports, as numbers for [`Hands::hear`]. Can be dropped at any time without
    /// loss.
    pub(super) async fn packets(&self) -> Result<Vec<u64>, SockError> {
        self.ready.ready().await
    }

    /// Tells the engine of some packets of a port; gives whether there may be more.
    pub(super) fn hear(&mut self, now: Time, at: u64, engine: &mut Engine) -> Result<bool, SockError> {
        let multihop = at == MULTIHOP;
        let [one_hop, several] = &self.receivers;
        let Some(receiver) = &(if multihop { several } else { one_hop }).receiver else {
            return Ok(false);
        };
        for _ in 0..HELPING {
            let Some(it) = receiver.receive(&mut self.inbox)? else {
                return Ok(false);
            };
            let (source, port, destination, ttl, bytes) = (it.source, it.port, it.destination, it.ttl, it.bytes);
            engine.handle(now, Event::Datagram(Datagram { source, port, destination, ttl, multihop, bytes }));
        }
        Ok(true)
    }

    /// How everything stands.
    pub(super) fn running(&self, engine: &Engine) -> RunningBfd {
        let sessions = engine.running().into_iter().map(|(id, mut session)| {
            let outlet = self.senders.get(&id);
            session.sender = outlet.map(|outlet| outlet.sender.descriptor());
            session.send_failed = outlet.is_some_and(|outlet| outlet.failed);
            session
        });
        let receivers = self.receivers.each_ref().map(|port| port.receiver.as_ref().map(Receiver::descriptor));
        RunningBfd {
            ahead: clock::ahead_of_monotonic(),
            receivers,
            sessions: sessions.collect(),
            counted: engine.counters().named(),
            lateness: Histogram::default(),
        }
    }
}
