//! A master: who could take its place, and what would make it give way.

use super::backup::condition;
use super::flip;
use crate::model::explanation::Change;
use crate::model::status::{Instance, Peer, State, Status};

/// Why it is MASTER.
pub(super) fn because(it: &Instance) -> String {
    let ours = it.priority.effective;
    if it.priority.base == u8::MAX {
        return "it owns the addresses (priority 255)".into();
    }
    match strongest(it) {
        Some((peer, theirs)) if theirs <= ours => {
            let address = peer.address.map_or_else(|| "another router".into(), |address| address.to_string());
            format!(
                "nobody adverts a priority above our {ours}; the strongest that was heard is {address} with {theirs}"
            )
        }
        Some(_) | None => format!("nobody adverts a priority above our {ours}"),
    }
}

/// The other router with the highest priority that was heard.
fn strongest(it: &Instance) -> Option<(&Peer, u8)> {
    let heard = it.peers.iter().filter_map(|peer| Some((peer, peer.priority.filter(|priority| *priority > 0)?)));
    heard.max_by_key(|(peer, priority)| (*priority, peer.address))
}

/// What would make it give way.
pub(super) fn changes(status: &Status, it: &Instance) -> Vec<Change> {
    let mut found = Vec::new();
    let ours = it.priority.effective;
    if it.priority.base != u8::MAX {
        if let Some((peer, theirs)) = strongest(it) {
            let address = peer.address.map_or_else(String::new, |address| address.to_string());
            let needed = i32::from(theirs) - 1 - it.priority.total;
            if needed < 0 {
                for mut when in flip::smallest(flip::all(status, it).collect(), needed) {
                    let below = format!(", which makes us weaker than {address} with {theirs}");
                    if let Some(last) = when.last_mut() {
                        last.text.push_str(&below);
                        last.priority = Some(theirs);
                    }
                    found.push(Change { becomes: State::Backup, when });
                }
            }
        }
        let text = format!("a router with a priority above {ours} adverts, or one with {ours} and a higher address");
        let when = vec![condition("advert", "", text, |it| it.priority = Some(ours))];
        found.push(Change { becomes: State::Backup, when });
    }
    if !it.addresses.is_empty() {
        let text = "one of its addresses is taken off its interface".into();
        found.push(Change { becomes: State::Backup, when: vec![condition("address", "", text, |_| {})] });
    }
    let mut fails = |when| found.push(Change { becomes: State::Fault, when: vec![when] });
    if let Some(name) = it.interface.as_ref().filter(|_| it.track_primary) {
        fails(condition("interface", name, format!("interface {name} goes down"), |_| {}));
    }
    flip::all(status, it).filter(|flip| flip.fault).for_each(|flip| fails(flip.condition));
    found
}
