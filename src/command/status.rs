//! `keepalived-rs status`: a [`Status`] as tables for people, as one line for monitoring, or of one name only.

use super::screen::{Cell, Look, Table, Tone, clean, fold};
use crate::model::Micros;
use crate::model::status::{
    Address, BfdSession, Check, Instance, Level, Moment, Peer, RealServer, State, Status, VirtualServer,
};

/// So many addresses or peers of an instance are shown; more only if it is asked for by name.
const SHOWN: usize = 6;

/// In the place of what a process would say that does not answer.
const UNKNOWN: &str = "?";

/// The answer of `status --check`, one line: the word for the whole, and the first reasons.
pub(super) fn line(status: &Status) -> String {
    let health = &status.health;
    let up = |servers: &VirtualServer| servers.real_servers.iter().filter(|server| server.up).count();
    let count = |state| status.instances.iter().filter(|it| it.state == state).count();
    let mut parts: Vec<String> = if status.is_silent("vrrp") {
        let number = status.instances.len();
        (number > 0).then(|| format!("{number} instances unknown")).into_iter().collect()
    } else {
        [State::Master, State::Backup, State::Fault, State::Init]
            .into_iter()
            .map(|state| (count(state), state.word()))
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| format!("{number} {word}"))
            .collect()
    };
    let all: usize = status.virtual_servers.iter().map(|it| it.real_servers.len()).sum();
    if all > 0 {
        let up = status.virtual_servers.iter().map(up).sum::<usize>().to_string();
        let up = if status.is_silent("check") { UNKNOWN } else { &up };
        parts.push(format!("{up}/{all} real servers up"));
    }
    let reasons: Vec<String> =
        health.reasons.iter().take(3).map(|it| format!("{}: {}", clean(&it.subject), clean(&it.text))).collect();
    let more = health.reasons.len().saturating_sub(reasons.len());
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let shown = if reasons.is_empty() { String::new() } else { format!(" - {}{more}", reasons.join("; ")) };
    let parts = if parts.is_empty() { "nothing configured".to_owned() } else { parts.join(", ") };
    format!("{}: {parts}{shown}\n", health.level.word())
}

/// Only what bears this name; `None`: nothing does.
pub(super) fn narrow(status: &Status, name: &str) -> Option<Status> {
    let group = status.groups.iter().find(|group| group.name == name);
    let is_asked = |it: &Instance| it.name == name || group.is_some_and(|group| group.members.contains(&it.name));
    let mut narrow = status.clone();
    narrow.instances.retain(is_asked);
    narrow.groups.retain(|group| group.name == name);
    let follows = |kind: &str, tracker: &str| {
        narrow.instances.iter().any(|it| it.trackers.iter().any(|by| by.kind == kind && by.name == tracker))
    };
    let (scripts, files, processes, sessions) = (
        status.scripts.iter().filter(|it| it.name == name || follows("script", &it.name)).cloned().collect(),
        status.files.iter().filter(|it| it.name == name || follows("file", &it.name)).cloned().collect(),
        status.processes.iter().filter(|it| it.name == name || follows("process", &it.name)).cloned().collect(),
        status.bfd.iter().filter(|it| it.name == name || follows("bfd", &it.name)).cloned().collect(),
    );
    (narrow.scripts, narrow.files, narrow.processes, narrow.bfd) = (scripts, files, processes, sessions);
    narrow.virtual_servers.retain(|it| it.name == name || it.name.split(']').next() == Some(&format!("[{name}")));
    let names: Vec<&String> = narrow.instances.iter().map(|it| &it.name).collect();
    narrow.health.reasons.retain(|it| it.subject == name || names.contains(&&it.subject));
    let found = !narrow.instances.is_empty()
        || !narrow.groups.is_empty()
        || !narrow.scripts.is_empty()
        || !narrow.files.is_empty()
        || !narrow.processes.is_empty()
        || !narrow.bfd.is_empty()
        || !narrow.virtual_servers.is_empty();
    found.then_some(narrow)
}

/// All names that can be asked for.
pub(super) fn names(status: &Status) -> Vec<&str> {
    let instances = status.instances.iter().map(|it| it.name.as_str());
    let groups = status.groups.iter().map(|it| it.name.as_str());
    let services = status.virtual_servers.iter().map(|it| it.name.as_str());
    instances.chain(groups).chain(services).chain(status.bfd.iter().map(|it| it.name.as_str())).collect()
}

/// The tables.
pub(super) fn text(status: &Status, look: Look) -> String {
    let mut text = head(status, look);
    for table in [instances(status), groups(status), trackers(status), services(status), sessions(status)] {
        if !table.is_empty() {
            text.push('\n');
            text.push_str(&table.text(look));
        }
    }
    text
}

/// Who speaks, and what is not well.
fn head(status: &Status, look: Look) -> String {
    let daemon = &status.daemon;
    let up = status.at.since(daemon.started).in_words();
    let (date, refused) = (day(status.configuration.since), &status.configuration.refused);
    let state = if refused.is_some() { "a later one was refused" } else { "ok" };
    let first = format!(
        "keepalived-rs {} on {}, up {up}, configuration of {date} ({state})",
        daemon.release,
        clean(&daemon.host)
    );
    let lines = fold(&first, look.columns);
    let mut text: String = lines.iter().map(|line| look.paint(Tone::Heading, line) + "\n").collect();
    for reason in &status.health.reasons {
        let word = reason.level.word();
        let says = format!("{}: {}", clean(&reason.subject), clean(&reason.text));
        for (at, line) in fold(&says, look.columns.saturating_sub(11).max(10)).into_iter().enumerate() {
            let label = format!("{:<9}", if at == 0 { word } else { "" });
            text.push_str(&format!("{}  {line}\n", look.paint(tone_of(reason.level), &label)));
        }
    }
    text
}

fn tone_of(level: Level) -> Tone {
    match level {
        Level::Well => Tone::Good,
        Level::Degraded => Tone::Warning,
        Level::Fault | Level::Contested => Tone::Bad,
    }
}

/// `2026-11-20 18:02`, UTC.
fn day(moment: Moment) -> String {
    let text = moment.to_string();
    let date = text.get(..10).unwrap_or_default();
    format!("{date} {} UTC", text.get(11..16).unwrap_or_default())
}

/// `3.2 s ago`
fn ago(status: &Status, moment: Moment) -> String {
    format!("{} ago", span(status.at.since(moment)))
}

/// Without hundredths, which nobody needs of the past.
fn span(span: Micros) -> String {
    let rounded = if span.0 < 10_000_000 { span.0 / 100_000 * 100_000 } else { span.0 / 1_000_000 * 1_000_000 };
    Micros(rounded).in_words()
}

fn instances(status: &Status) -> Table {
    let most = if status.instances.len() == 1 { usize::MAX } else { SHOWN };
    let mut table = Table::new(&["INSTANCE", "STATE", "PRIORITY", "ADDRESSES", "PEERS", "SINCE"]);
    for it in &status.instances {
        if status.is_silent("vrrp") {
            table.row([Cell::new(&it.name), Cell::new(UNKNOWN).tone(Tone::Warning)]);
            continue;
        }
        let state = if it.contested.is_some() { "CONTESTED" } else { it.state.word() };
        table.row([
            Cell::new(&it.name),
            Cell::new(state).tone(tone_of_state(it)),
            Cell::new(priority(it)),
            Cell::lines(some(it.addresses.iter().map(|at| address(status, it, at)).collect(), most)),
            Cell::lines(some(it.peers.iter().map(|one| peer(status, it, one)).collect(), most)),
            Cell::new(span(status.at.since(it.since))),
        ]);
        table.note(&it.cause);
    }
    table
}

fn tone_of_state(it: &Instance) -> Tone {
    match it.state {
        _ if it.contested.is_some() => Tone::Bad,
        State::Master => Tone::Good,
        State::Backup => Tone::Plain,
        State::Init => Tone::Warning,
        State::Fault => Tone::Bad,
    }
}

/// The first of them, and how many more there are.
fn some(mut lines: Vec<String>, most: usize) -> Vec<String> {
    let more = lines.len().saturating_sub(most);
    if more > 1 {
        lines.truncate(most);
        lines.push(format!("and {more} more"));
    }
    lines
}

/// `150`, `100-20=80`
fn priority(it: &Instance) -> String {
    let added: String = it.priority.weights.iter().map(|weight| format!("{:+}", weight.adds)).collect();
    match added.as_str() {
        "" => it.priority.effective.to_string(),
        added => format!("{}{added}={}", it.priority.base, it.priority.effective),
    }
}

/// `10.0.0.12/24 eth0, GARP 5 s ago`
fn address(status: &Status, it: &Instance, address: &Address) -> String {
    let mut text = format!("{} {}", address.address, address.interface);
    if it.state == State::Master && !address.set {
        text.push_str(" MISSING");
    } else if it.state != State::Master && address.set {
        text.push_str(" set by others");
    } else if let Some(announced) = address.announced.filter(|_| address.set) {
        let what = if it.is_ipv6() { "NA" } else { "GARP" };
        text.push_str(&format!(", {what} {}", ago(status, announced)));
    }
    text
}

/// `10.0.0.2 master 100, 0.4 s ago`
fn peer(status: &Status, it: &Instance, peer: &Peer) -> String {
    let mut text = peer.address.map_or_else(String::new, |address| address.to_string());
    if it.master.as_ref().is_some_and(|master| Some(master.address) == peer.address) {
        text.push_str(" master");
    }
    if let Some(priority) = peer.priority {
        text.push_str(&format!(" {priority}"));
    }
    match peer.last_heard {
        Some(heard) => text.push_str(&format!(", {}", ago(status, heard))),
        // A backup has nothing to say.
        None if it.state == State::Master => text.push_str(" silent"),
        None => text.push_str(" never heard"),
    }
    text
}

fn groups(status: &Status) -> Table {
    let mut table = Table::new(&["GROUP", "STATE", "MEMBERS", "NOTE"]);
    for group in &status.groups {
        let note = match group.in_fault.as_slice() {
            [] => group.cause.clone(),
            in_fault => format!("in FAULT: {}", in_fault.join(", ")),
        };
        let tone = if group.state == State::Fault { Tone::Bad } else { Tone::Plain };
        let state = if status.is_silent("vrrp") { UNKNOWN } else { group.state.word() };
        table.row([
            Cell::new(&group.name),
            Cell::new(state).tone(tone),
            Cell::new(group.members.join(", ")),
            Cell::new(note),
        ]);
    }
    table
}

fn trackers(status: &Status) -> Table {
    let mut table = Table::new(&["TRACKER", "STANDS", "SINCE", "NOTE"]);
    for script in &status.scripts {
        let note = match script.last_run {
            Some(at) => format!("{}, {}", script.last_result, ago(status, at)),
            None => "has not run yet".into(),
        };
        let since = script.since.map_or_else(String::new, |since| span(status.at.since(since)));
        table.row([Cell::new(format!("script {}", script.name)), good(script.good), Cell::new(since), Cell::new(note)]);
    }
    for file in &status.files {
        let says = file.value.map_or_else(|| "unknown".into(), |value| value.to_string());
        table.row([Cell::new(format!("file {}", file.name)), Cell::new(says), Cell::default(), Cell::new(&file.file)]);
    }
    for process in &status.processes {
        let most = process.quorum_max.map_or_else(String::new, |most| format!(" and at most {most}"));
        let note = format!("{} run, at least {}{most} needed", process.count, process.quorum);
        table.row([
            Cell::new(format!("process {}", process.name)),
            good(Some(process.good)),
            Cell::default(),
            Cell::new(note),
        ]);
    }
    table
}

fn good(good: Option<bool>) -> Cell {
    match good {
        Some(true) => Cell::new("good").tone(Tone::Good),
        Some(false) => Cell::new("BAD").tone(Tone::Bad),
        None => Cell::new("unknown").tone(Tone::Warning),
    }
}

fn services(status: &Status) -> Table {
    let mut table = Table::new(&["SERVICE", "SERVERS", "SERVER", "WEIGHT", "CHECK", "RESULT", "NOTE"]);
    for service in &status.virtual_servers {
        let up = service.real_servers.iter().filter(|server| server.up).count();
        let is_silent = status.is_silent("check");
        let up = if is_silent { UNKNOWN.to_owned() } else { up.to_string() };
        let mut count = format!("{up}/{} up", service.real_servers.len());
        if service.sorry_serves == Some(true) {
            count.push_str(", sorry");
        }
        if service.suspended {
            count = "suspended".into();
        }
        let tone = if service.quorum_up || service.suspended || is_silent { Tone::Plain } else { Tone::Bad };
        let mut name = Cell::new(format!("{} {}", service.name, service.scheduler));
        let mut count = Cell::new(count).tone(tone);
        for server in &service.real_servers {
            let mut first = Some((place(server), server.weight.to_string()));
            for check in checks(server) {
                let (at, weight) = first.take().unwrap_or_default();
                let (result, tone) = if is_silent { (UNKNOWN, Tone::Warning) } else { result(server, check) };
                table.row([
                    std::mem::take(&mut name),
                    std::mem::take(&mut count),
                    Cell::new(at),
                    Cell::new(weight),
                    Cell::new(check.map_or("none", |check| &check.kind)),
                    Cell::new(result).tone(tone),
                    Cell::new(note(status, server, check)),
                ]);
            }
        }
    }
    table
}

/// Its checks, or that it has none.
fn checks(server: &RealServer) -> Vec<Option<&Check>> {
    match server.checks.as_slice() {
        [] => vec![None],
        checks => checks.iter().map(Some).collect(),
    }
}

fn place(server: &RealServer) -> String {
    match server.address {
        Some(address) if server.port == 0 => address.to_string(),
        Some(address) => std::net::SocketAddr::new(address, server.port).to_string(),
        None => String::new(),
    }
}

fn result(server: &RealServer, check: Option<&Check>) -> (&'static str, Tone) {
    match check.map_or(Some(server.up), |check| check.up) {
        Some(true) => ("ok", Tone::Good),
        Some(false) => ("DOWN", Tone::Bad),
        None if check.is_some_and(|check| !check.enabled) => ("paused", Tone::Warning),
        None => ("unknown", Tone::Warning),
    }
}

/// `connection refused, for 12 s, next in 3 s`; of a good one `0.4 ms, 3 s ago, next in 3 s`.
fn note(status: &Status, server: &RealServer, check: Option<&Check>) -> String {
    let Some(check) = check else { return String::new() };
    let mut parts = Vec::new();
    if !matches!(check.last_result.as_str(), "" | "ok") {
        parts.push(check.last_result.clone());
    }
    if let Some(since) = server.since.filter(|_| check.up == Some(false)) {
        parts.push(format!("for {}", span(status.at.since(since))));
    } else if let Some(latency) = check.latency {
        parts.push(format!("{}.{} ms", latency.0 / 1000, latency.0 % 1000 / 100));
    }
    if let Some(next) = check.next_run {
        parts.push(format!("next in {}", span(next.since(status.at))));
    }
    parts.join(", ")
}

fn sessions(status: &Status) -> Table {
    let mut table = Table::new(&["BFD SESSION", "NEIGHBOUR", "STATE", "SINCE", "HEARD", "NOTE"]);
    for it in &status.bfd {
        if status.is_silent("bfd") {
            let neighbor = it.neighbor.map_or_else(String::new, |ip| ip.to_string());
            table.row([Cell::new(&it.name), Cell::new(neighbor), Cell::new(UNKNOWN).tone(Tone::Warning)]);
            continue;
        }
        let tone = if it.state == "Up" { Tone::Good } else { Tone::Bad };
        table.row([
            Cell::new(&it.name),
            Cell::new(it.neighbor.map_or_else(String::new, |ip| ip.to_string())),
            Cell::new(&it.state).tone(tone),
            Cell::new(it.since.map_or_else(String::new, |since| span(status.at.since(since)))),
            Cell::new(it.last_heard.map_or_else(|| "never".into(), |heard| ago(status, heard))),
            Cell::new(remark(it)),
        ]);
    }
    table
}

fn remark(it: &BfdSession) -> String {
    if it.state == "Up" {
        format!("sends every {}, dead after {}", it.interval.in_words(), it.detection.in_words())
    } else {
        it.diagnostic.clone()
    }
}

#[cfg(test)]
pub(super) mod tests;
