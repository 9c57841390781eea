//! The section of the `bfd` process.

use crate::model::Time;
use crate::model::bfd::{BfdConfig, BfdInstance};
use crate::model::running_bfd::{RunningBfd, RunningEnd, RunningSession};

use super::{Page, either, timer, truth};

pub(super) fn dump(page: &mut Page, config: &BfdConfig, running: Option<&RunningBfd>) {
    if let Some(RunningBfd { receivers: [single_hop, multihop], .. }) = running {
        page.heading("BFD Data");
        page.at(1).maybe("fd_in", *single_hop);
        page.at(1).maybe("multihop fd_in", *multihop);
    }
    if !config.instances.is_empty() {
        page.heading("BFD Topology");
    }
    for (at, it) in config.instances.iter().enumerate() {
        session(page, it);
        if let Some(running) = running
            && let Some(one) = running.sessions.get(at)
        {
            standing(page, one, |time| running.ahead.saturating_add_unsigned(time.0).cast_unsigned());
        }
    }
    if let Some(running) = running {
        counted(page, &running.counted);
    }
}

/// What keepalived does not count.
fn counted(page: &mut Page, counted: &[(String, u64)]) {
    page.heading("BFD Packets");
    let mut at = page.at(1);
    counted.iter().for_each(|(name, number)| at.pair(name, number));
}

/// How a session stands; `epoch` gives microseconds since the Unix epoch.
fn standing(page: &mut Page, it: &RunningSession, epoch: impl Fn(Time) -> u64) {
    let mut at = page.at(3);
    at.say(format_args!("fd_out {}", it.sender.unwrap_or(-1)));
    // What keepalived keeps of its timers over a reload; here they go on, and these are the timers.
    let timer = |time: Option<Time>| time.map_or("[disabled]".to_owned(), |time| timer::behind(epoch(time)));
    at.pair("sands_out", timer(it.sends_at.or(it.reopens_at)));
    at.pair("sands_exp", timer(it.expires_at));
    at.pair("sands_rst", timer(None));
    at.pair("send error", truth(it.send_failed));
    let RunningSession { local, remote, .. } = it;
    let ends = [("local", local), ("remote", remote)];
    let mut both = |what: &str, value: fn(&RunningEnd) -> String| {
        ends.iter().for_each(|(name, end)| at.pair(format_args!("{name} {what}"), value(end)));
    };
    both("state", |end| end.state.to_string());
    both("discriminator", |end| format!("0x{:x}", end.discriminator));
    both("diag", |end| end.diagnostic.to_string());
    let [min_tx, min_rx] = it.remote_least;
    at.pair("remote min tx intv", format_args!("{} us", min_tx.0));
    at.pair("remote min rx intv", format_args!("{} us", min_rx.0));
    at.pair("local demand", 0);
    at.pair("remote demand", u8::from(it.remote_demand));
    at.pair("remote detect multiplier", it.remote_multiplier);
    at.say(format_args!("{}poll, {}final", either(it.polls, "", "!"), either(it.answers, "", "!")));
    let mut both = |what: &str, value: fn(&RunningEnd) -> String| {
        ends.iter().for_each(|(name, end)| at.pair(format_args!("{name} {what}"), value(end)));
    };
    both("tx intv", |end| format!("{} us", end.interval.0));
    both("detection time", |end| format!("{} us", end.detection.0));
    match it.heard_at {
        Some(time) => at.pair("last seen", timer::behind(epoch(time))),
        None => at.say("last_seen = [never]"),
    }
}

fn session(page: &mut Page, session: &BfdInstance) {
    page.at(1).pair("BFD Instance", &session.name);
    let mut at = page.at(3);
    at.pair("Neighbor IP", session.neighbor);
    at.maybe("Source IP", session.source);
    at.pair("Required min RX interval", format_args!("{} us", session.min_rx.0));
    at.pair("Desired min TX interval", format_args!("{} us", session.min_tx.0));
    at.pair("Desired idle TX interval", format_args!("{} us", session.idle_tx.0));
    at.pair("Detection multiplier", session.multiplier);
    at.pair(either(session.neighbor.is_ipv4(), "TTL", "hoplimit"), session.ttl);
    at.pair("max_hops", session.max_hops);
    at.pair("passive", truth(session.passive));
    at.pair("send event to VRRP process", either(session.for_vrrp, "Yes", "No"));
    at.pair("send event to checker process", either(session.for_checker, "Yes", "No"));
}
