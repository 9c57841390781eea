//! Marks of packets for the addresses of groups: tables that are opened when they are first needed, and set again when
//! somebody else has changed them.

use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tracing::info;

use crate::check::event::Event;
use crate::model::frame::Shared;
use crate::model::{MarkChange, MarkStyle};
use crate::net::{FilterWatch, MarkTables, NetError};

/// From one repair to the next: whoever removes the tables all the time does not keep us busy.
const PAUSE: Duration = Duration::from_secs(1);

/// The tables, and the ear for those who change them.
pub(in crate::check) struct MarkHands {
    style: Option<MarkStyle>,
    tables: Option<MarkTables>,
    watch: Option<FilterWatch>,
    /// They are to be set again
    lost: bool,
    /// When the next loss is heard of
    next_repair: Instant,
}

impl MarkHands {
    /// Nothing is opened yet.
    pub(in crate::check) fn new() -> Self {
        MarkHands { style: None, tables: None, watch: None, lost: false, next_repair: Instant::now() }
    }

    /// Another configuration: tables that are there move to their new name.
    pub(in crate::check) fn configure(&mut self, shared: &Shared) {
        let style = MarkStyle::of(&shared.global.firewall);
        if let (Some(tables), Some(style)) = (&mut self.tables, &style) {
            if let Err(refusal) = tables.restyle(style.clone()) {
                info!("The nftables tables of IPVS cannot be changed: {refusal}");
            }
            self.watch = None;
            self.listen();
        }
        // Without a style the engine has what is there removed, by the old one.
        if style.is_some() {
            self.style = style;
        }
    }

    /// Carries out changes; gives what the engine has to be told.
    pub(in crate::check) fn change(&mut self, changes: &[MarkChange]) -> Vec<Event> {
        match self.try_change(changes) {
            Ok(told) => told,
            Err(error) => vec![Event::MarksRefused(format!("Packets for groups are not marked: {error}"))],
        }
    }

    fn try_change(&mut self, changes: &[MarkChange]) -> Result<Vec<Event>, NetError> {
        let mut told = Vec::new();
        let Some(style) = &self.style else {
            return Ok(told);
        };
        let tables = match &mut self.tables {
            Some(tables) => tables,
            none => {
                let tables = none.insert(MarkTables::open(style.clone())?);
                told.push(Event::Leftovers(tables.services()));
                tables
            }
        };
        let refused = tables.change(changes).into_iter().map(|(place, refusal)| {
            let table = &style.table;
            match changes.get(place) {
                Some(MarkChange::Add(marked, mark)) => {
                    let (first, last, port) = (marked.first, marked.last, marked.port);
                    format!("nftables {table}: {first}-{last} port {port} cannot get mark {mark}: {refusal}")
                }
                Some(MarkChange::Remove(marked)) => {
                    let (first, last, port) = (marked.first, marked.last, marked.port);
                    format!("nftables {table}: the mark of {first}-{last} port {port} cannot be removed: {refusal}")
                }
                Some(MarkChange::RemoveTables) | None => {
                    format!("nftables {table}: the tables cannot be removed: {refusal}")
                }
            }
        });
        told.extend(refused.map(Event::MarksRefused));
        self.listen();
        Ok(told)
    }

    fn listen(&mut self) {
        match &self.tables {
            Some(tables) if tables.is_in_use() => {
                if self.watch.is_none() {
                    self.watch = tables.watch().inspect_err(|error| info!("{error}")).ok();
                }
            }
            Some(_) | None => self.watch = None,
        }
    }

    /// Sets the tables again when somebody else has changed them. Can be dropped at any time without loss.
    pub(in crate::check) async fn mend(&mut self) {
        while !self.lost {
            let Some(watch) = &self.watch else {
                return pending().await;
            };
            if let Err(error) = watch.lost().await {
                info!("{error}");
                self.watch = None;
            }
            self.lost = true;
            if let Some(tables) = &mut self.tables {
                tables.forget();
            }
        }
        sleep_until(self.next_repair).await;
        self.next_repair = Instant::now() + PAUSE;
        self.lost = false;
        if let Some(tables) = &mut self.tables {
            match tables.restore() {
                Ok(()) => info!("The nftables tables of IPVS were changed by somebody else, and are set again"),
                Err(refusal) => info!("The nftables tables of IPVS cannot be set again: {refusal}"),
            }
        }
        self.listen();
    }
}
