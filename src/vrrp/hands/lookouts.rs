//! The sockets that hear other virtual routers with our addresses, looked at now and then.

use std::collections::BTreeMap;

use tracing::info;

use super::endpoint;
use crate::model::{LogLimit, Micros, Time};
use crate::sock::{Inbox, LookoutSocket};
use crate::vrrp::engine::Engine;
use crate::vrrp::event::{ChannelId, Datagram, Event, Lookout};

/// How often they are looked at, where the process is awake anyway.
const SPAN: Micros = Micros::from_millis(250);
/// So many packets of each are taken at a time.
const AT_ONCE: usize = 4;
/// An advert with 255 addresses of IPv6 is not longer.
const INBOX_BYTES: usize = 4200;

/// The lookouts, by the channel that each is beside.
#[derive(Debug)]
pub(crate) struct Lookouts {
    sockets: BTreeMap<ChannelId, LookoutSocket>,
    inbox: Inbox,
    looked_at: Time,
    failures: LogLimit<ChannelId>,
}

impl Default for Lookouts {
    fn default() -> Self {
        Lookouts {
            sockets: BTreeMap::new(),
            inbox: Inbox::new(INBOX_BYTES),
            looked_at: Time(0),
            failures: LogLimit::default(),
        }
    }
}

impl Lookouts {
    /// Looks out beside a channel, or no longer. Without one there is a suspect less.
    pub(super) fn set(&mut self, now: Time, id: ChannelId, lookout: Option<&Lookout>, engine: &Engine) {
        self.sockets.remove(&id);
        let Some(Lookout { channel, vrids, addresses }) = lookout else {
            return;
        };
        let addresses: Vec<_> = addresses.iter().copied().collect();
        match LookoutSocket::open(endpoint(channel, engine), vrids, &addresses) {
            Ok(socket) => drop(self.sockets.insert(id, socket)),
            Err(error) => {
                let line = || format!("other virtual routers with our addresses are not looked for: {error}");
                if let Some(line) = self.failures.pass(now, id, line) {
                    info!("{line}");
                }
            }
        }
    }

    /// Tells the engine what waits in the sockets, if it is time to look; true if there was something.
    pub(crate) fn look(&mut self, now: Time, engine: &mut Engine) -> bool {
        if self.sockets.is_empty() || now.since(self.looked_at) < SPAN {
            return false;
        }
        self.looked_at = now;
        let mut found = false;
        for (id, socket) in &self.sockets {
            for _ in 0..AT_ONCE {
                // An error that waits on the socket is taken off by reading it.
                let Ok(Some(packet)) = socket.receive(&mut self.inbox) else {
                    break;
                };
                found = true;
                let (source, destination, ttl) = (packet.source, packet.destination, packet.ttl);
                let datagram = Datagram { source, destination, ttl, bytes: packet.bytes };
                engine.handle(now, Event::Stranger(*id, datagram));
            }
        }
        found
    }
}
