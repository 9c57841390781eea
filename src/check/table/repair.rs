//! What others did to the table: an audit compares the kernel's with what it was asked for.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::check::refusal;
use crate::model::ipvs::{DestSettings, Observed, ServiceKey, ServiceSettings};
use crate::model::{Micros, Time};

use super::entry::{Applied, Entry};
use super::{SHORTEST_PERIOD, Service, Table};

/// About what it costs the kernel and us to tell of a service: a request of its own for what is in it.
const SERVICE_COST: Micros = Micros(10);

/// About what a destination costs.
const DEST_COST: Micros = Micros(2);

/// An audit takes at most this part of the time.
const SHARE: u64 = 1_000;

/// Most lines of one audit.
const MOST_LINES: usize = 20;

/// Findings of one audit.
struct Findings {
    now: Time,
    /// Its number
    number: u64,
    lines: Vec<String>,
    /// Findings without a line
    more: usize,
    /// What is repaired later, since it did not help before
    later: Vec<(Time, ServiceKey, Option<SocketAddr>)>,
}

impl Findings {
    /// Something is not as it should be. True: the next plan repairs it.
    fn repair<S: Clone + PartialEq>(
        &mut self,
        entry: &mut Entry<S>,
        place: (ServiceKey, Option<SocketAddr>),
        line: impl FnOnce() -> String,
    ) -> bool {
        let (due, news) = entry.repair(self.now);
        if news && self.lines.len() < MOST_LINES {
            self.lines.push(line());
        } else if news {
            self.more += 1;
        }
        self.later.extend(due.map(|due| (due, place.0, place.1)));
        due.is_none()
    }
}

impl Table {
    /// The kernel's table. What is not as it should be is in the next plan; the lines tell of it
    /// ([`super::super::event::Level::Warning`]). Services and destinations that are not ours stay as they are.
    ///
    /// The next audit is due after 10 s, or after so long that audits cost no more than about a thousandth of a
    /// processor: 30 s with 1,000 services of 10 destinations.
    pub fn observed(&mut self, now: Time, table: Vec<Observed>) -> Vec<String> {
        let Some(audit) = self.audit.take() else {
            return Vec::new();
        };
        self.held = None;
        let dests: usize = table.iter().map(|service| service.dests.len()).sum();
        let cost = SERVICE_COST * table.len() as u64 + DEST_COST * dests as u64;
        self.period = SHORTEST_PERIOD.max(cost * SHARE);
        self.audit_at = Some(now + self.period);

        let mut findings = Findings { now, number: audit.number, lines: Vec::new(), more: 0, later: Vec::new() };
        let mut changed = Vec::new();
        for observed in table {
            let key = observed.key;
            if let Some(service) = self.services.get_mut(&key)
                && service.compare(observed, &mut findings)
            {
                changed.push(key);
            }
        }
        for (key, service) in &mut self.services {
            let entry = &service.entry;
            if entry.seen < audit.number && entry.planned < audit.number && service.lose(*key, &mut findings) {
                changed.push(*key);
            }
        }
        for key in changed {
            self.queue(key);
            self.bury(&key);
        }
        self.retries.extend(findings.later);
        if findings.more > 0 {
            findings.lines.push(format!("{} more entries of IPVS were not as they should be", findings.more));
        }
        findings.lines
    }
}

impl Service {
    /// Compares a service that is there. True: a plan must look at it.
    fn compare(&mut self, observed: Observed, findings: &mut Findings) -> bool {
        let key = observed.key;
        self.entry.seen = findings.number;
        if self.entry.planned > findings.number {
            return false;
        }
        let mut changed = self.compare_itself(key, observed.settings, findings);
        let found: BTreeMap<SocketAddr, DestSettings> = observed.dests.into_iter().collect();
        let mut differ = Vec::new();
        for (address, dest) in &mut self.dests {
            if dest.planned > findings.number {
                continue;
            }
            let place = (key, Some(*address));
            let name = || refusal::dest(&key, address);
            let was_there = dest.is_applied();
            dest.applied = found.get(address).map_or(Applied::Absent, |settings| Applied::Present(*settings));
            let repair = match (dest.wanted(), found.get(address)) {
                (None, None) => {
                    dest.is_well();
                    false
                }
                (Some(wanted), Some(found)) if wanted == found => {
                    dest.is_well();
                    false
                }
                // Not asked for yet, or refused: no news.
                (Some(_), None) if !was_there => false,
                (Some(_), None) => {
                    findings.repair(dest, place, || format!("IPVS destination {} is gone: adding it again", name()))
                }
                (Some(wanted), Some(found)) => {
                    let what = difference(wanted, found);
                    findings.repair(dest, place, || {
                        format!("IPVS destination {} was changed ({what}): setting it again", name())
                    })
                }
                (None, Some(_)) => findings
                    .repair(dest, place, || format!("IPVS destination {} should not be there: removing it", name())),
            };
            if repair {
                differ.push(*address);
            }
        }
        changed |= !differ.is_empty();
        differ.into_iter().for_each(|address| self.queue(address));
        self.dests.retain(|_, dest| !dest.is_dead());
        changed
    }

    fn compare_itself(&mut self, key: ServiceKey, found: ServiceSettings, findings: &mut Findings) -> bool {
        let was_there = self.entry.is_applied();
        if !was_there {
            // All that was to be added to it was waiting for it.
            self.entry.is_well();
        }
        let right = self.entry.wanted().is_none_or(|wanted| *wanted == found);
        self.entry.applied = Applied::Present(found);
        if right {
            if self.entry.wanted().is_some() {
                self.entry.is_well();
            }
            return !was_there || self.has_leftovers;
        }
        let name = refusal::service(&key);
        let line = || format!("IPVS service {name} was changed: setting it again");
        findings.repair(&mut self.entry, (key, None), line) || !was_there
    }

    /// It is not there. True: a plan must look at it.
    fn lose(&mut self, key: ServiceKey, findings: &mut Findings) -> bool {
        if !self.entry.is_applied() {
            return false;
        }
        self.is_missing();
        self.mended = Some(findings.now);
        if self.entry.wanted().is_none() {
            return true;
        }
        let name = refusal::service(&key);
        findings.repair(&mut self.entry, (key, None), || format!("IPVS service {name} is gone: adding it again"))
    }
}

/// What differs, as far as it is worth a word.
fn difference(wanted: &DestSettings, found: &DestSettings) -> String {
    if wanted.weight != found.weight {
        format!("weight {} instead of {}", found.weight, wanted.weight)
    } else if wanted.forwarding != found.forwarding {
        "forwarding method".to_string()
    } else {
        "connection limits".to_string()
    }
}
