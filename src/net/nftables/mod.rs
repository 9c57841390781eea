//! The packet filter of virtual routers, said to nf_tables over netlink.
//!
//! Holds the tables in the kernel as [`FilterRules`] describe them, each change all or nothing; needs no program and no
//! library. Never decides what should be blocked. Called by the driver of the `vrrp` process.

mod layout;
mod marks;
mod message;
mod rule;
mod socket;
mod watch;
mod writer;

use std::collections::BTreeSet;

use nix::errno::Errno;

use self::layout::{Author, Part, elements, parts};
use self::socket::BatchSocket;
use self::writer::Element;
use super::NetError;
use super::transport::Refusal;
use crate::model::{Family, FilterRules, FilterStyle};

pub use self::marks::MarkTables;
pub use self::watch::FilterWatch;

/// The tables, in the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct Nftables {
    socket: BatchSocket,
    made: State,
}

/// What we know of our tables in the kernel.
#[derive(Debug)]
enum State {
    /// Nothing: there may be tables of a predecessor that was killed
    Unknown,
    /// This is there
    Made(Content),
    /// The tables of this name did not become what they should, or somebody has changed them
    Broken(String),
}

/// What tables consist of.
#[derive(Debug)]
struct Content {
    style: FilterStyle,
    parts: BTreeSet<Part>,
    elements: BTreeSet<Element>,
}

impl Nftables {
    /// Opens the socket; changes nothing.
    ///
    /// # Errors
    /// [`NetError::Socket`] if the kernel has no netfilter, or the process may not have the socket.
    pub fn open() -> Result<Self, NetError> {
        Ok(Nftables { socket: BatchSocket::open()?, made: State::Unknown })
    }

    /// Makes the tables hold exactly this, at once or not at all. Tables are made when they are first needed; the first
    /// call removes those of the same name that were there before, and gives their families.
    ///
    /// # Errors
    /// What the kernel says. The next call makes the tables anew.
    pub fn set(&mut self, rules: &FilterRules) -> Result<Vec<Family>, Refusal> {
        let replaced = match &self.made {
            State::Unknown => self.remove_leftovers(&rules.style)?,
            State::Made(_) | State::Broken(_) => vec![],
        };
        let mut wanted = Content { style: rules.style.clone(), parts: parts(rules), elements: elements(rules) };
        let table = match &self.made {
            State::Unknown => rules.style.table.clone(),
            State::Made(old) => old.style.table.clone(),
            State::Broken(table) => table.clone(),
        };
        let before = std::mem::replace(&mut self.made, State::Broken(table.clone()));
        let changed = match &before {
            State::Made(old) if old.style == wanted.style => {
                wanted.parts.extend(&old.parts);
                self.change(old, &wanted).is_ok()
            }
            State::Unknown | State::Made(_) | State::Broken(_) => false,
        };
        if !changed {
            self.renew(table, &wanted)?;
        }
        self.made = State::Made(wanted);
        Ok(replaced)
    }

    /// Removes the tables that this process has made.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn clear(&mut self) -> Result<(), Refusal> {
        let State::Made(made) = std::mem::replace(&mut self.made, State::Unknown) else {
            return Ok(());
        };
        let families: BTreeSet<Family> = made.parts.iter().map(|(family, _)| *family).collect();
        self.socket.transact(|batch| {
            let mut author = Author::new(batch, &made.style);
            families.iter().for_each(|family| author.out.remove_table_if_there(*family));
        })
    }

    /// Somebody else has changed the tables: the next [`Nftables::set`] makes them anew.
    pub fn forget(&mut self) {
        if let State::Made(made) = &self.made {
            self.made = State::Broken(made.style.table.clone());
        }
    }

    /// A watch over the tables of this name.
    ///
    /// # Errors
    /// [`NetError::Socket`] if the process may not have the socket.
    pub fn watch(&self, table: &str) -> Result<FilterWatch, NetError> {
        FilterWatch::open(table, self.socket.port)
    }

    /// Whether there is any table of ours.
    pub fn is_in_use(&self) -> bool {
        matches!(&self.made, State::Made(made) if !made.parts.is_empty())
    }

    fn remove_leftovers(&mut self, style: &FilterStyle) -> Result<Vec<Family>, Refusal> {
        let mut removed = Vec::new();
        for family in [Family::V4, Family::V6] {
            match self.socket.transact(|batch| Author::new(batch, style).out.remove_table(family)) {
                Ok(()) => removed.push(family),
                Err(refusal) if refusal.errno == Errno::ENOENT => {}
                Err(refusal) => return Err(refusal),
            }
        }
        self.made = State::Made(Content { style: style.clone(), parts: BTreeSet::new(), elements: BTreeSet::new() });
        Ok(removed)
    }

    /// From what is there to what is wanted.
    fn change(&mut self, old: &Content, wanted: &Content) -> Result<(), Refusal> {
        let missing: Vec<Part> = wanted.parts.difference(&old.parts).copied().collect();
        let gone: Vec<&Element> = old.elements.difference(&wanted.elements).collect();
        let come: Vec<&Element> = wanted.elements.difference(&old.elements).collect();
        if missing.is_empty() && gone.is_empty() && come.is_empty() {
            return Ok(());
        }
        self.socket.transact(|batch| {
            let mut author = Author::new(batch, &wanted.style);
            missing.iter().for_each(|part| author.make(*part));
            author.out.remove(&gone);
            author.out.add(&come);
        })
    }

    /// Everything anew, in place of whatever is there under this name and under the old one.
    fn renew(&mut self, old_table: String, wanted: &Content) -> Result<(), Refusal> {
        let style = &wanted.style;
        let old = FilterStyle { table: old_table, ..style.clone() };
        let outdated = Some(&old).filter(|old| old.table != style.table);
        self.socket.transact(|batch| {
            for style in outdated.into_iter().chain([style]) {
                for family in [Family::V4, Family::V6] {
                    Author::new(batch, style).out.remove_table_if_there(family);
                }
            }
            let mut author = Author::new(batch, style);
            wanted.parts.iter().for_each(|part| author.make(*part));
            author.out.add(&wanted.elements.iter().collect::<Vec<_>>());
        })
    }
}
