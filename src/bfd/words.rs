//! Log lines in keepalived's words.

use std::net::IpAddr;

use crate::model::Micros;
use crate::wire::bfd::{Diagnostic, Refusal, State};

/// A session is in another state.
pub(super) fn entering(name: &str, state: State, local: Diagnostic, remote: Diagnostic) -> String {
    match state {
        State::Down => format!(
            "({name}) Entering Down state (Local diagnostic - {}, Remote diagnostic - {})",
            local.words(),
            remote.words()
        ),
        State::AdminDown | State::Init | State::Up => format!("({name}) Entering {state:?} state"),
    }
}

/// Nothing has come for so long, which is so much more than the detection time.
pub(super) fn expired(name: &str, silence: Micros, late: Micros) -> String {
    format!("({name}) Expired after {} ms ({} usec overdue)", silence.0 / 1000, late.0)
}

/// The name of a state.
pub(super) fn state(state: State) -> &'static str {
    match state {
        State::AdminDown => "AdminDown",
        State::Down => "Down",
        State::Init => "Init",
        State::Up => "Up",
    }
}

/// Why a session goes down: the peer is silent.
pub(super) fn silent(peer: IpAddr, silence: Micros) -> String {
    format!("no packet from {peer} for {}.{:03} s", silence.0 / 1_000_000, silence.0 / 1000 % 1000)
}

/// Why a session goes down: the peer said so, with this diagnostic of its own.
pub(super) fn said_down(said: State, diagnostic: Diagnostic) -> String {
    format!("the peer says {} ({})", state(said), diagnostic.words())
}

/// A poll sequence begins.
pub(super) fn polling(name: &str) -> String {
    format!("({name}) Starting poll sequence")
}

/// The timers of a side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Side {
    pub(super) min_tx: Micros,
    pub(super) min_rx: Micros,
    /// What it sends at
    pub(super) interval: Micros,
    pub(super) multiplier: u8,
    /// After which the other side takes it for dead
    pub(super) detection: Micros,
}

/// As far as the head of the first line is wide.
fn indent(name: &str) -> String {
    " ".repeat(name.len() + 2)
}

/// A table of both sides' timers.
pub(super) fn parameters(name: &str, local: Side, remote: Side) -> [String; 4] {
    let indent = indent(name);
    let row = |title: &str, side: Side| {
        let Side { min_tx, min_rx, interval, multiplier, detection } = side;
        format!(
            "{indent} {title:<6} {:>8} {:>7} {:>8} {multiplier:>5} {:>12}",
            min_tx.0, min_rx.0, interval.0, detection.0
        )
    };
    [
        format!("({name}) ---------------< Session parameters >--------------"),
        format!("{indent}          min_tx  min_rx  tx_intv  mult  detect_time"),
        row("local", local),
        row("remote", remote),
    ]
}

/// How long silence may last, and how long it might before.
pub(super) fn detection(name: &str, is: Micros, was: Micros) -> String {
    format!("{} Detection time is {} us (was {} us)", indent(name), is.0, was.0)
}

/// A datagram that is no packet of ours to understand.
pub(super) fn refused(source: IpAddr, port: u16, refusal: &Refusal) -> String {
    format!("Discarding packet from [{source}]:{port} ({refusal})")
}

/// A packet for nobody.
pub(super) fn strayed(source: IpAddr, port: u16, yours: u32) -> String {
    match yours {
        0 => format!(
            "Discarding packet from [{source}]:{port} (session is not found - your discriminator field is zero)"
        ),
        yours => format!(
            "Discarding packet from [{source}]:{port} (session is not found - your discriminator field is 0x{yours:08x})"
        ),
    }
}

/// A packet that has come too far.
pub(super) fn too_far(name: &str, source: IpAddr, port: u16, ttl: u8, least: u8) -> String {
    format!("({name}) Discarding packet from [{source}]:{port} (ttl {ttl}, at least {least} expected)")
}

/// A packet for a session that cannot send.
pub(super) fn held(name: &str, source: IpAddr, port: u16) -> String {
    format!("({name}) Discarding packet from [{source}]:{port} (session is in AdminDown state)")
}
