//! The sorry server of a virtual server: it takes the place of all others while the quorum is lost.

use std::net::SocketAddr;

use super::expand::{self, Place};
use super::outbox::Outbox;
use super::virtual_server::{Virtual, server_name};
use crate::model::check::SorryServer;
use crate::model::ipvs::DestSettings;
use crate::model::occurrence::{Kind, up_or_down};

impl Virtual {
    /// As messages print it.
    pub fn sorry_name(&self, sorry: &SorryServer) -> String {
        server_name(&SocketAddr::new(sorry.ip, sorry.port), self.config.protocol)
    }

    /// The quorum is down, and the sorry server does not serve yet.
    pub fn sorry_is_missing(&self) -> bool {
        !self.quorum_up && !self.sorry_serves && self.config.sorry_server.is_some()
    }

    /// The quorum is lost.
    pub fn call_sorry(&mut self, out: &mut Outbox) {
        let Some(sorry) = self.config.sorry_server.as_ref().filter(|_| !self.sorry_serves) else { return };
        let what = if sorry.inhibit { "Enabling" } else { "Adding" };
        out.info(format!("{what} sorry server {} to VS {}", self.sorry_name(sorry), self.name));
        out.info(format!("Removing alive servers from the pool for VS {}", self.name));
        self.sorry_serves = true;
        self.sorry_happened(sorry, out);
        self.put_all(out);
    }

    /// The quorum is back.
    pub fn dismiss_sorry(&mut self, out: &mut Outbox) {
        let Some(sorry) = self.config.sorry_server.as_ref().filter(|_| self.sorry_serves) else { return };
        let what = if sorry.inhibit { "Disabling" } else { "Removing" };
        out.info(format!("{what} sorry server {} from VS {}", self.sorry_name(sorry), self.name));
        out.info(format!("Adding alive servers to the pool for VS {}", self.name));
        self.sorry_serves = false;
        self.sorry_happened(sorry, out);
        self.put_all(out);
    }

    fn sorry_happened(&self, sorry: &SorryServer, out: &mut Outbox) {
        let subject = format!("{} of {}", self.sorry_name(sorry), self.name);
        let what = if self.quorum_up { "the quorum is up" } else { "sorry server: the quorum is down" };
        let reason = std::mem::replace(&mut out.cause, what.into());
        out.happened(Kind::RealServer, subject, up_or_down(!self.sorry_serves), up_or_down(self.sorry_serves));
        out.cause = reason;
    }

    /// Where the sorry server is in a service.
    pub fn sorry_dest(&self, place: &Place) -> Option<SocketAddr> {
        let sorry = self.config.sorry_server.as_ref()?;
        expand::dest(&self.config, place, sorry.ip, sorry.port, sorry.forwarding)
    }

    /// Asks for the sorry server in all services as its state wants it. While it does not serve, a real server of the
    /// same address comes before it.
    pub fn put_sorry(&self, out: &mut Outbox) {
        let Some(sorry) = &self.config.sorry_server else { return };
        let weight = match self.sorry_serves {
            true => Some(1),
            false => sorry.inhibit.then_some(0),
        };
        for place in &self.places {
            let Some(dest) = self.sorry_dest(place) else { continue };
            match weight {
                Some(weight) => {
                    let settings =
                        DestSettings { forwarding: sorry.forwarding, weight, upper_threshold: 0, lower_threshold: 0 };
                    out.table.want_dest(self.owner, &place.key, dest, settings);
                }
                None => {
                    out.table.know_dest(self.owner, &place.key, dest);
                    out.table.drop_dest(self.owner, &place.key, dest);
                }
            }
        }
    }
}
