//! The counters of all instances as text, as keepalived's statistics file has them: it can be read as YAML behind its first
//! line, and exporters look for its words.

use std::fmt::Write;

use crate::model::VrrpConfig;
use crate::model::running::Running;
use crate::model::stats::Counter;

/// Lines under headings, in their order.
const LINES: [(&str, &[(&str, Counter)]); 6] = [
    ("  Advertisements:", &[("    Received", Counter::Received), ("    Sent", Counter::Sent)]),
    ("", &[("  Became master", Counter::BecameMaster), ("  Released master", Counter::ReleasedMaster)]),
    (
        "  Packet Errors:",
        &[
            ("    Length", Counter::Length),
            ("    TTL", Counter::Ttl),
            ("    Invalid Type", Counter::InvalidType),
            ("    Advertisement Interval", Counter::Interval),
            ("    Address List", Counter::AddressList),
        ],
    ),
    (
        "  Authentication Errors:",
        &[
            ("    Invalid Type", Counter::InvalidAuthType),
            ("    Type Mismatch", Counter::AuthTypeMismatch),
            ("    Failure", Counter::AuthFailure),
        ],
    ),
    (
        "  Authentication Extension Errors:",
        &[
            ("    Missing", Counter::TrailerMissing),
            ("    Malformed", Counter::TrailerMalformed),
            ("    Unknown Key", Counter::TrailerKey),
            ("    Invalid HMAC", Counter::TrailerTag),
            ("    Stale", Counter::TrailerStale),
            ("    Replay", Counter::TrailerReplay),
        ],
    ),
    ("  Priority Zero:", &[("    Received", Counter::PriorityZeroReceived), ("    Sent", Counter::PriorityZeroSent)]),
];

/// The whole file.
pub fn text(config: &VrrpConfig, running: &Running) -> String {
    let mut text = String::new();
    for (one, router) in config.instances.iter().zip(&running.routers) {
        // Text takes everything.
        let _ = writeln!(text, "VRRP Instance: {}", one.name);
        for (heading, lines) in LINES {
            if !heading.is_empty() {
                let _ = writeln!(text, "{heading}");
            }
            for (name, counter) in lines {
                let _ = writeln!(text, "{name}: {}", router.stats[*counter]);
            }
        }
    }
    text
}
