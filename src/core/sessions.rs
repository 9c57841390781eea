//! What the `bfd` process has said of its sessions, for those that follow them.
//!
//! Each word is passed on at once. Who starts later is told of all sessions, as they stand then. While there is no `bfd`
//! process, or only one that has not had the time yet to bring a session up again, a session that was up is still taken for
//! up: that one of our own processes has died says nothing of the path. Called by `parent`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::Time;
use crate::model::frame::{Role, SessionNews};

#[cfg(test)]
mod tests;

/// How long a session may take to come up again after the end of its process. At a packet a second (RFC 5880 section
/// 6.8.3) it takes one or two; its new process may start late, and packets may be lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is known of a session.
#[derive(Debug)]
struct Session {
    up: bool,
    vrrp: bool,
    checker: bool,
    /// Its process has ended while it was up: until then it is taken for up
    held: Option<Instant>,
}

impl Session {
    fn is_for(&self, role: Role) -> bool {
        match role {
            Role::Vrrp => self.vrrp,
            Role::Check => self.checker,
            Role::Bfd => false,
        }
    }
}

/// All sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions(BTreeMap<String, Session>);

/// What the followers of one role are to be told.
pub(super) type Told = Vec<(Role, SessionNews)>;

impl Sessions {
    /// The `bfd` process has said how a session stands. Gives who is to be told.
    pub(super) fn note(&mut self, news: SessionNews, vrrp: bool, checker: bool) -> Told {
        let held = self.0.get(&news.name).and_then(|known| known.held).filter(|_| !news.up);
        let session = Session { up: news.up || held.is_some(), vrrp, checker, held };
        let told = if held.is_some() { Vec::new() } else { followers(&session, &news) };
        self.0.insert(news.name, session);
        told
    }

    /// What a child is told that has just started.
    pub(super) fn all(&self, role: Role, now: Time) -> Vec<SessionNews> {
        let sessions = self.0.iter().filter(|(_, session)| session.is_for(role));
        sessions.map(|(name, session)| SessionNews { name: name.clone(), up: session.up, sent: now }).collect()
    }

    /// The `bfd` process has ended; without sessions no other one `follows`.
    pub(super) fn end(&mut self, follows: bool, now: Instant) {
        if !follows {
            self.0.clear();
        }
        self.0.values_mut().filter(|session| session.up).for_each(|session| {
            session.held.get_or_insert(now + PATIENCE);
        });
    }

    /// The `bfd` process has a configuration in force that has these sessions alone.
    pub(super) fn keep(&mut self, names: &BTreeSet<String>) {
        self.0.retain(|name, _| names.contains(name));
    }

    /// When patience ends.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.0.values().filter_map(|session| session.held).min()
    }

    /// Sessions that have not come up again by now are down. Gives who is to be told.
    pub(super) fn give_up(&mut self, now: Instant, time: Time) -> Told {
        let mut told = Vec::new();
        for (name, session) in &mut self.0 {
            if session.held.is_some_and(|until| until <= now) {
                (session.up, session.held) = (false, None);
                told.extend(followers(session, &SessionNews { name: name.clone(), up: false, sent: time }));
            }
        }
        told
    }

    /// How many are up.
    pub(super) fn up(&self) -> usize {
        self.0.values().filter(|session| session.up).count()
    }
}

fn followers(session: &Session, news: &SessionNews) -> Told {
    let roles = [Role::Vrrp, Role::Check].into_iter().filter(|role| session.is_for(*role));
    roles.map(|role| (role, news.clone())).collect()
}
