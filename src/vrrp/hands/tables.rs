//! The changes of a turn to the kernel's tables, in one burst.

use nix::errno::Errno;
use tracing::warn;

use super::{Feedback, Hands};
use crate::model::{Entry, IfName, Rule};
use crate::net::{Change, PlacedRoute};
use crate::vrrp::engine::Engine;
use crate::vrrp::event::Action;

/// Whether an action is one of those that go to the kernel together.
pub(super) fn is_change(action: &Action) -> bool {
    matches!(action, Action::AddAddress(_) | Action::RemoveAddress(_) | Action::AddEntry(_) | Action::RemoveEntry(_))
}

impl Hands {
    /// Removes routes and rules, and tells of each whether it was there. Of a rule without a mark the kernel would take
    /// one of somebody else's that has more conditions: it goes only if it stands there as it is configured, and no
    /// other at its preference.
    pub(in crate::vrrp) fn remove_entries(&mut self, entries: &[Entry], engine: &Engine) -> Vec<Result<bool, String>> {
        entries.iter().map(|entry| self.remove_entry(entry, engine)).collect()
    }

    fn remove_entry(&mut self, entry: &Entry, engine: &Engine) -> Result<bool, String> {
        if let Entry::Rule(rule) = entry
            && rule.protocol.is_none()
        {
            let mut rules = self.netlink.rules_of_all().map_err(|error| error.to_string())?;
            rules.retain(|there| there.family == rule.family && there.preference == rule.preference);
            let is_it = |there: &Rule| Entry::from(there.clone()).object() == entry.object();
            match rules.as_slice() {
                [only] if is_it(only) => {}
                several if several.iter().any(is_it) => return Err("others have the same preference".into()),
                _ => return Ok(false),
            }
        }
        let action = Action::RemoveEntry(entry.clone());
        let Some(change) = change(&action, |name| engine.link(name).map(|link| link.index)) else {
            return Ok(false);
        };
        self.netlink.apply_telling(&[change]).pop().map_or(Ok(false), |answer| answer.map_err(|it| it.to_string()))
    }

    /// Carries out changes, in order. What the kernel does not add is fed back; what is gone already needs no removal.
    pub(super) fn change_tables(&mut self, actions: Vec<Action>, engine: &Engine, feedback: &mut Vec<Feedback>) {
        if actions.is_empty() {
            return;
        }
        let mut wished = Vec::with_capacity(actions.len());
        for action in &actions {
            match change(action, |name| engine.link(name).map(|link| link.index)) {
                Some(change) => wished.push((action, change)),
                None => feedback.extend(refusal(action, Errno::ENODEV.desc().to_owned())),
            }
        }
        let (wishes, changes): (Vec<&Action>, Vec<Change<'_>>) = wished.into_iter().unzip();
        for (action, answer) in wishes.into_iter().zip(self.netlink.apply(&changes)) {
            let Err(reason) = answer else {
                continue;
            };
            match action {
                Action::RemoveAddress(address) => {
                    warn!("cannot remove {address} from {}: {reason}", address.interface);
                }
                Action::RemoveEntry(entry) => warn!("cannot remove {entry}: {reason}"),
                _ => feedback.extend(refusal(action, reason.to_string())),
            }
        }
    }
}

/// What is asked of the kernel; `None` if an interface is not there.
fn change(action: &Action, index_of: impl Fn(&IfName) -> Option<u32>) -> Option<Change<'_>> {
    match action {
        Action::AddAddress(address) => index_of(&address.interface).map(|index| Change::Add { address, index }),
        Action::RemoveAddress(address) => index_of(&address.interface).map(|index| Change::Remove { address, index }),
        Action::AddEntry(Entry::Route(route)) => PlacedRoute::find(route, index_of).ok().map(Change::AddRoute),
        Action::RemoveEntry(Entry::Route(route)) => PlacedRoute::left(route, index_of).map(Change::RemoveRoute),
        Action::AddEntry(Entry::Rule(rule)) => Some(Change::AddRule(rule)),
        Action::RemoveEntry(Entry::Rule(rule)) => Some(Change::RemoveRule(rule)),
        _ => None,
    }
}

/// That something was not added.
fn refusal(action: &Action, reason: String) -> Option<Feedback> {
    match action {
        Action::AddAddress(address) => Some(Feedback::AddressRefused(address.clone(), reason)),
        Action::AddEntry(entry) => Some(Feedback::EntryRefused(entry.clone(), reason)),
        _ => None,
    }
}
