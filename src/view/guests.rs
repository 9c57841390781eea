//! Who is served at a time: so many at most, and so many of one origin. When all places are taken, whoever has been silent
//! for longest makes room, so that nobody can keep others out by staying. Used by the servers of clients that may be
//! hostile; it only counts, and closes nothing itself.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// A client that is served for longer than this does not read, and counts as silent: a scene takes two seconds at most.
const SERVED: Duration = Duration::from_secs(3);

/// The places of one server, by origin of clients.
#[derive(Debug)]
pub(super) struct Guests<Origin> {
    places: usize,
    of_one: usize,
    present: Vec<(Origin, Weak<Seat>)>,
}

/// One client's place; it is free again when this is dropped.
#[derive(Clone, Debug)]
pub(super) struct Guest(Arc<Seat>);

#[derive(Debug)]
struct Seat {
    /// Since when it does this
    doing: Mutex<(Doing, Instant)>,
    dismissed: Notify,
}

/// What a client does, those first that make room first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Doing {
    /// It is expected to ask.
    Silent,
    /// It has asked for all that will happen.
    Listens,
    /// It is being answered.
    Served,
}

impl<Origin: Copy + Eq + Hash> Guests<Origin> {
    pub fn new(places: usize, of_one: usize) -> Self {
        Guests { places, of_one, present: Vec::new() }
    }

    /// A place for one more, which somebody else may lose for it; `None`: all are being answered.
    pub fn admit(&mut self, origin: Origin) -> Option<Guest> {
        self.present.retain(|(_, seat)| seat.strong_count() > 0);
        let of_one = self.present.iter().filter(|(other, _)| *other == origin).count();
        if of_one >= self.of_one {
            self.dismiss_one_of(origin)?;
        } else if self.present.len() >= self.places {
            let crowd = self.largest_crowd()?;
            self.dismiss_one_of(crowd)?;
        }
        let doing = Mutex::new((Doing::Silent, Instant::now()));
        let seat = Arc::new(Seat { doing, dismissed: Notify::new() });
        self.present.push((origin, Arc::downgrade(&seat)));
        Some(Guest(seat))
    }

    /// The origin that most come from: whoever floods us makes room for others and not they for him.
    fn largest_crowd(&self) -> Option<Origin> {
        let mut counts: HashMap<Origin, usize> = HashMap::new();
        self.present.iter().for_each(|(origin, _)| *counts.entry(*origin).or_default() += 1);
        counts.into_iter().max_by_key(|(_, count)| *count).map(|(origin, _)| origin)
    }

    fn dismiss_one_of(&mut self, origin: Origin) -> Option<()> {
        let now = Instant::now();
        let seats = self.present.iter().enumerate().filter(|(_, (of, _))| *of == origin);
        let removable = seats.filter_map(|(at, (_, seat))| Some((seat.upgrade()?.removable(now)?, at)));
        let (_, at) = removable.min()?;
        if let Some(seat) = self.present.swap_remove(at).1.upgrade() {
            seat.dismissed.notify_one();
        }
        Some(())
    }
}

impl Seat {
    /// In which order clients make room; `None`: this one does not.
    fn removable(&self, now: Instant) -> Option<(Doing, Instant)> {
        let (doing, since) = *self.doing.lock().unwrap_or_else(PoisonError::into_inner);
        match doing {
            Doing::Served if now.duration_since(since) < SERVED => None,
            Doing::Served => Some((Doing::Silent, since)),
            Doing::Silent | Doing::Listens => Some((doing, since)),
        }
    }
}

impl Guest {
    /// It has asked.
    pub fn is_served(&self) {
        self.does(Doing::Served);
    }

    /// It has its answer, and may ask again.
    pub fn is_silent(&self) {
        self.does(Doing::Silent);
    }

    /// It is told what happens, as long as there is room.
    pub fn listens(&self) {
        self.does(Doing::Listens);
    }

    /// Ends when somebody else gets the place.
    pub async fn dismissed(&self) {
        self.0.dismissed.notified().await;
    }

    fn does(&self, doing: Doing) {
        *self.0.doing.lock().unwrap_or_else(PoisonError::into_inner) = (doing, Instant::now());
    }
}

#[cfg(test)]
mod tests;
