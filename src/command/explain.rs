//! `keepalived-rs explain NAME`: an [`Explanation`] in sentences.

use super::screen::{Cell, Look, Table, Tone, clean, fold};
use crate::model::explanation::{Change, Explanation};
use crate::model::status::{Moment, Peer, Priority, State, Tracker};

/// The text.
pub(super) fn text(it: &Explanation, look: Look) -> String {
    let mut text = String::new();
    let state = it.state.word();
    paragraph(&mut text, look, 0, &format!("{} is {state} because {}.", it.name, it.because));
    if let Some(since) = it.since {
        let cause = if it.cause.is_empty() { String::new() } else { format!(": {}", it.cause) };
        paragraph(&mut text, look, 2, &format!("It came to that {} ago{cause}.", ago(it, since)));
    }
    if let Some(contest) = &it.contested {
        let other = contest.address.map_or_else(|| "Another node".to_owned(), |address| address.to_string());
        let says = format!(
            "CONTESTED: {other} acts as master too, since {} ago, found by {}. {}",
            ago(it, contest.since),
            contest.found_by,
            contest.suspect
        );
        paragraph(&mut text, look, 2, &says);
    }
    if let Some(priority) = &it.priority {
        text.push_str(&indented(&sum(it, priority).text(narrower(look))));
    }
    if !it.peers.is_empty() {
        text.push_str(&indented(&peers(it).text(narrower(look))));
    }
    for rule in &it.rules {
        paragraph(&mut text, look, 2, rule);
    }
    for becomes in [State::Master, State::Backup, State::Fault, State::Init] {
        let ways: Vec<String> = it.changes.iter().filter(|it| it.becomes == becomes).map(when).collect();
        if !ways.is_empty() {
            paragraph(&mut text, look, 0, &format!("It would become {} {}.", becomes.word(), ways.join(", or ")));
        }
    }
    text
}

/// `if this, and if that`
fn when(change: &Change) -> String {
    let conditions: Vec<String> = change.when.iter().map(|it| format!("if {}", it.text)).collect();
    conditions.join(" and ")
}

fn narrower(look: Look) -> Look {
    Look { columns: look.columns.saturating_sub(2), ..look }
}

fn indented(lines: &str) -> String {
    lines.lines().map(|line| format!("  {line}\n")).collect()
}

fn paragraph(text: &mut String, look: Look, indent: usize, sentence: &str) {
    for (at, line) in fold(&clean(sentence), look.columns.saturating_sub(indent + 2)).iter().enumerate() {
        let indent = " ".repeat(if at == 0 { indent } else { indent + 2 });
        text.push_str(&format!("{indent}{line}\n"));
    }
}

fn ago(it: &Explanation, moment: Moment) -> String {
    it.at.since(moment).in_words()
}

/// Base priority, and what each tracker does to it.
fn sum(it: &Explanation, priority: &Priority) -> Table {
    let mut table = Table::new(&["PRIORITY", "ADDS", "IS", "NOTE"]);
    let mut sum = i32::from(priority.base);
    table.row([Cell::new("base"), Cell::default(), Cell::new(sum.to_string()), Cell::default()]);
    for tracker in &it.trackers {
        sum += tracker.adds;
        let adds = match tracker {
            Tracker { fault: true, .. } => "FAULT".to_owned(),
            Tracker { adds: 0, .. } => "0".to_owned(),
            Tracker { adds, .. } => format!("{adds:+}"),
        };
        let tone = if tracker.fault || tracker.adds < 0 { Tone::Bad } else { Tone::Plain };
        table.row([
            Cell::new(format!("{} {}", tracker.kind, tracker.name)),
            Cell::new(adds).tone(tone),
            Cell::new(sum.to_string()),
            Cell::new(note(it, tracker)),
        ]);
    }
    if sum != i32::from(priority.effective) {
        let why = if priority.base == u8::MAX { "an owner's stays" } else { "at least 1, at most 254" };
        table.row([Cell::new("counts"), Cell::default(), Cell::new(priority.effective.to_string()), Cell::new(why)]);
    }
    table
}

/// `exit 1, for 12 s, weight -20`
fn note(it: &Explanation, tracker: &Tracker) -> String {
    let stands = match tracker.good {
        Some(true) => "good",
        Some(false) => "bad",
        None => "not known yet",
    };
    let mut parts = vec![if tracker.detail.is_empty() { stands.to_owned() } else { tracker.detail.clone() }];
    if let Some(since) = tracker.since {
        parts.push(format!("for {}", ago(it, since)));
    }
    let reverse = if tracker.reverse { " reverse" } else { "" };
    parts.push(format!("weight {}{reverse}", tracker.weight));
    parts.join(", ")
}

fn peers(it: &Explanation) -> Table {
    let mut table = Table::new(&["PEER", "PRIORITY", "HEARD", "ADVERTS", "NOTE"]);
    for peer in &it.peers {
        let notes = [
            peer.mac.clone().unwrap_or_default(),
            peer.vrrp_version.map_or_else(String::new, |version| format!("VRRPv{version}")),
            peer.checksum.as_ref().map_or_else(String::new, |form| format!("checksum {form}")),
            peer.hmac.as_ref().map_or_else(String::new, |hmac| format!("HMAC {hmac}")),
            if peer.configured { "unicast_peer" } else { "" }.to_owned(),
        ];
        let notes: Vec<String> = notes.into_iter().filter(|note| !note.is_empty()).collect();
        table.row([
            Cell::new(peer.address.map_or_else(String::new, |address| address.to_string())),
            Cell::new(peer.priority.map_or_else(String::new, |priority| priority.to_string())),
            Cell::new(heard(it, peer)),
            Cell::new(peer.adverts.to_string()),
            Cell::new(notes.join(", ")),
        ]);
    }
    table
}

fn heard(it: &Explanation, peer: &Peer) -> String {
    peer.last_heard.map_or_else(|| "never".to_owned(), |heard| format!("{} ago", ago(it, heard)))
}

#[cfg(test)]
mod tests;
