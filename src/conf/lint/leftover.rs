//! Notes about what was left over: from samples, from older releases, for newer ones.

use super::{Case, Release, note};
use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::hash::Set;
use crate::conf::table::Keyword;

/// Keywords of global_defs, and the values that the sample file gives them.
const SAMPLES: [(&str, &str); 3] = [
    ("router_id", "LVS_DEVEL"),
    ("smtp_server", "192.168.200.1"),
    ("notification_email_from", "Alexandre.Cassen@firewall.loc"),
];

/// Domain of the sample's mail addresses.
const SAMPLE_DOMAIN: &str = "@firewall.loc";

/// Values of the sample file.
pub(super) fn sample_value(case: &Case) -> Vec<Diagnostic> {
    let mut notes = Vec::new();
    for block in case.outline.blocks("global_defs") {
        let lines = block.children().filter(|line| {
            SAMPLES.iter().any(|(name, value)| line.name() == *name && line.word(1).as_deref() == Some(value))
        });
        let mails = block.entries("notification_email");
        let mails = mails.into_iter().filter(|mail| mail.word(0).is_some_and(|it| it.ends_with(SAMPLE_DOMAIN))).take(1);
        for (line, index) in lines.map(|it| (it, 1)).chain(mails.map(|it| (it, 0))) {
            let value = line.word(index).unwrap_or_default();
            let text = format!("{value} was left from the sample configuration");
            notes.push(note(Code::SampleValue, line.place(index), text));
        }
    }
    notes
}

/// Recipients, and nobody who sends.
pub(super) fn silent_mail(case: &Case) -> Vec<Diagnostic> {
    let mut recipients = case.outline.blocks("global_defs").flat_map(|block| block.entries("notification_email"));
    let Some(first) = recipients.next() else {
        return Vec::new();
    };
    let alerts = case.outline.keywords(|it| it.name.starts_with("smtp_alert")).next().is_some();
    let servers = case.outline.blocks("virtual_server").next().is_some();
    if alerts || servers || case.config.vrrp.instances.is_empty() {
        return Vec::new();
    }
    let found = note(Code::SilentMail, first.place(0), "mail has recipients, but nothing sends any");
    vec![found.effect("no mail is ever sent").help("add `smtp_alert` to global_defs or to an instance")]
}

/// How the table's remark on a name begins that has a successor. Other remarks are on one form, or on what a build does.
const OLD: [&str; 4] = ["deprecated", "older spelling", "alias of", "kept for old files"];

/// Old names about which keepalived says nothing, each once.
pub(super) fn old_name(case: &Case) -> Vec<Diagnostic> {
    let mut seen = Set::default();
    let mut notes = Vec::new();
    for branch in case.outline.keywords(|it| it.deprecated.is_some()) {
        let old = |it: &&Keyword| it.deprecated.is_some_and(|reason| OLD.iter().any(|start| reason.starts_with(start)));
        let found = branch.keyword().filter(old).and_then(|keyword| Some((keyword, keyword.deprecated?)));
        let Some((keyword, reason)) = found else {
            continue;
        };
        if !case.complained_at(branch.place(0)) && seen.insert(keyword.name) {
            let text = format!("{} is an old name", keyword.name);
            notes.push(note(Code::OldName, branch.place(0), text).help(reason));
        }
    }
    notes
}

/// The release that the table names: its first word.
fn release(text: &str) -> Option<Release> {
    let mut numbers = [0; 3];
    let first = text.split(' ').next().unwrap_or_default();
    for (number, part) in numbers.iter_mut().zip(first.split('.')) {
        *number = part.parse().ok()?;
    }
    Some(numbers)
}

/// Keywords that the release asked for does not know, each once for each block.
pub(super) fn newer_keyword(case: &Case) -> Vec<Diagnostic> {
    let Some(target) = case.target else {
        return Vec::new();
    };
    let newer = |keyword: &&Keyword| keyword.since.and_then(release).is_some_and(|since| since > target);
    let mut seen = Set::default();
    let mut notes = Vec::new();
    for branch in case.outline.keywords(|it| it.since.is_some() || it.ours) {
        if let Some(keyword) = branch.keyword().filter(|keyword| keyword.ours || newer(keyword))
            && seen.insert((branch.block(), keyword.name))
        {
            let text = format!("{} is not known to keepalived {}.{}.{}", keyword.name, target[0], target[1], target[2]);
            let help = keyword.since.map_or("an extension of keepalived-rs".into(), |since| format!("since {since}"));
            notes.push(note(Code::NewerKeyword, branch.place(0), text).help(help));
        }
    }
    notes
}
