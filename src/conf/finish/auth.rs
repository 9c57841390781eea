//! Authentication of adverts: which kind is left, and whether it can be had.

use super::changed;
use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::raw::{AuthKind, RawInstance};
use crate::conf::reader::Reader;
use crate::model::hmac::{AntiReplay, HmacMode};
use crate::model::{Auth, Family, Hmac, Micros, Version};

/// Shortest window for the age of an advert that is worked out from the interval.
const LEAST_WINDOW: u64 = 5;
/// Longest window.
const LONGEST_WINDOW: u64 = 300;

/// What is known of an instance when its authentication is looked at.
pub(super) struct Facts {
    pub(super) family: Family,
    pub(super) version: Version,
    pub(super) strict: bool,
    /// It would start as MASTER without owning its addresses
    pub(super) eager: bool,
}

/// What is left of the authentication, and whether the instance has to start as BACKUP because of it.
pub(super) fn finish(reader: &mut Reader, raw: &RawInstance, facts: &Facts) -> (Auth, bool) {
    let legacy = legacy(reader, raw, facts);
    let backup = facts.eager && matches!(legacy, Auth::Ah(_));
    if backup {
        let text = format!("({}) Initial state master is incompatible with AH authentication - clearing", raw.name);
        let place = raw.master.map_or(raw.place, |(_, place)| place);
        reader.complain(changed(Code::Conflict, text).at(place).effect(format!("{} starts as BACKUP", raw.name)));
    }
    (hmac(reader, raw, facts.strict, legacy), backup)
}

fn legacy(reader: &mut Reader, raw: &RawInstance, facts: &Facts) -> Auth {
    let Some((kind, place)) = raw.auth_kind else {
        return Auth::None;
    };
    let name = &raw.name;
    // Bytes behind a NUL do not count, so one in front makes the password empty.
    let secret = raw.auth_pass.clone().filter(|secret| !matches!(secret.expose(), [] | [0, ..]));
    let reason = match (kind, secret) {
        _ if facts.strict => format!("({name}) Strict mode does not support authentication. Ignoring."),
        _ if facts.version == Version::V3 => {
            format!("({name}) VRRP version 3 does not support authentication. Ignoring.")
        }
        (_, None) => format!("({name}) Authentication specified but no password given. Ignoring"),
        (AuthKind::Ah, _) if facts.family == Family::V6 => {
            format!("({name}) Cannot use AH authentication with IPv6. ignoring")
        }
        (AuthKind::Pass, _) if facts.family == Family::V6 => {
            // keepalived says nothing, and sends none either.
            let text = format!("({name}) Cannot use PASS authentication with IPv6. ignoring");
            reader.complain(Diagnostic::note(Code::Authentication, text).at(place));
            return Auth::None;
        }
        (AuthKind::Ah, Some(secret)) => return Auth::Ah(secret),
        (AuthKind::Pass, Some(secret)) => return Auth::Pass(secret),
    };
    let diagnostic = changed(Code::Authentication, reason).at(place);
    reader.complain(diagnostic.effect(format!("{name} runs without authentication")));
    Auth::None
}

/// The extension takes the place of the old kinds, unless its key for sending is missing.
fn hmac(reader: &mut Reader, raw: &RawInstance, strict: bool, legacy: Auth) -> Auth {
    let Some(hmac) = &raw.hmac else {
        return legacy;
    };
    let name = &raw.name;
    if let (Some((_, place)), true) = (raw.auth_kind, legacy != Auth::None) {
        let text = format!("({name}) auth_hmac cannot be combined with authentication, dropping legacy auth");
        reader.complain(changed(Code::Conflict, text).at(place));
    }
    if hmac.keys.iter().all(|(id, _)| *id != hmac.active) {
        let text = format!("({name}) auth_hmac active_key {} is not defined, disabling extension", hmac.active);
        let diagnostic = changed(Code::Authentication, text).at(hmac.place);
        reader.complain(
            diagnostic
                .effect(format!("{name} runs without authentication"))
                .help("set `active_key` to the id of one of the keys"),
        );
        return Auth::None;
    }
    let mut mode = hmac.mode;
    if strict && mode != HmacMode::Enforce {
        let text = format!("({name}) strict mode requires auth_hmac mode enforce");
        reader.complain(changed(Code::Conflict, text).at(hmac.mode_place.unwrap_or(hmac.place)));
        mode = HmacMode::Enforce;
    }
    let seconds = raw.advert_interval.map_or(0, |(interval, _)| interval.0 / 1_000_000);
    let derived = Micros::from_secs((3 * seconds).clamp(LEAST_WINDOW, LONGEST_WINDOW));
    let time_window = match hmac.anti_replay {
        AntiReplay::Time => hmac.time_window.unwrap_or(derived),
        AntiReplay::Monotonic => hmac.time_window.unwrap_or(Micros::ZERO),
    };
    let (keys, active, anti_replay) = (hmac.keys.clone(), hmac.active, hmac.anti_replay);
    Auth::Hmac(Hmac { keys, active, time_window, anti_replay, mode })
}
