//! Rules about adverts: interval, gratuitous ARP, and what a master says to others.

use super::changed;
use crate::conf::diagnostic::Code;
use crate::conf::raw::{RawGarp, RawInstance};
use crate::conf::reader::Reader;
use crate::model::{Garp, Micros, Version};

/// The interval that the version can carry: whole seconds up to 255, or centiseconds up to 40.95 s.
pub(super) fn interval(reader: &mut Reader, raw: &RawInstance, version: Version) -> Micros {
    let name = &raw.name;
    let Some((interval, place)) = raw.advert_interval else {
        return Micros::from_secs(1);
    };
    let seconds = interval.as_secs_f64();
    let (unit, most) = match version {
        Version::V2 => (Micros::from_secs(1), Micros::from_secs(255)),
        Version::V3 => (Micros::from_centis(1), Micros::from_centis(4095)),
    };
    let text = match version {
        Version::V3 if interval.0 >= most.0 + unit.0 => format!(
            "({name}) VRRPv3 advertisement interval {seconds:.2}s is out of range. Must be less than 40.96s. Setting \
             to 40.95s"
        ),
        Version::V2 if !interval.0.is_multiple_of(unit.0) => {
            format!("({name}) VRRPv2 advertisement interval {seconds:.6}s must be an integer. rounding")
        }
        Version::V3 if !interval.0.is_multiple_of(unit.0) => {
            format!("({name}) VRRPv3 advertisement interval {seconds:.6}s must be in units of 10ms - rounding")
        }
        _ => return interval,
    };
    let rounded = (interval.0 + unit.0 / 2) / unit.0 * unit.0;
    let used = Micros(rounded.clamp(unit.0, most.0));
    let diagnostic = changed(Code::Time, text).at(place);
    reader.complain(diagnostic.effect(format!("{name} sends an advert every {} s", used.as_secs_f64())));
    used
}

/// Values that count where an instance says nothing.
pub(super) fn default_garp(reader: &Reader) -> Garp {
    let RawGarp {
        master_delay,
        master_repeat,
        master_refresh,
        master_refresh_repeat,
        lower_prio_delay,
        lower_prio_repeat,
    } = reader.raw.global.garp;
    let usual = Garp::default();
    let delay = master_delay.unwrap_or(usual.master_delay);
    let repeat = master_repeat.unwrap_or(usual.master_repeat);
    Garp {
        master_delay: delay,
        master_repeat: repeat,
        master_refresh: master_refresh.unwrap_or(usual.master_refresh),
        master_refresh_repeat: master_refresh_repeat.unwrap_or(usual.master_refresh_repeat),
        lower_prio_delay: lower_prio_delay.unwrap_or(delay),
        lower_prio_repeat: lower_prio_repeat.unwrap_or(repeat),
    }
}

/// Gratuitous ARP settings; strict mode has none after an advert of lower priority.
pub(super) fn garp(reader: &mut Reader, raw: &RawInstance, strict: bool) -> Garp {
    let usual = default_garp(reader);
    let own = raw.garp;
    let mut garp = Garp {
        master_delay: own.master_delay.unwrap_or(usual.master_delay),
        master_repeat: own.master_repeat.unwrap_or(usual.master_repeat),
        master_refresh: own.master_refresh.unwrap_or(usual.master_refresh),
        master_refresh_repeat: own.master_refresh_repeat.unwrap_or(usual.master_refresh_repeat),
        lower_prio_delay: own.lower_prio_delay.unwrap_or(usual.lower_prio_delay),
        lower_prio_repeat: own.lower_prio_repeat.unwrap_or(usual.lower_prio_repeat),
    };
    if !strict {
        return garp;
    }
    garp.lower_prio_delay = Micros::ZERO;
    garp.lower_prio_repeat = 0;
    let name = &raw.name;
    let asked = [
        (own.lower_prio_repeat.unwrap_or(0) > 0, "garps"),
        (own.lower_prio_delay.is_some_and(|delay| !delay.is_zero()), "garp delay"),
    ];
    for (_, what) in asked.into_iter().filter(|(asked, _)| *asked) {
        let text = format!("({name}) Strict mode requires no repeat {what}. resetting");
        let place = raw.garp_lower_place.unwrap_or(raw.place);
        reader.complain(changed(Code::Conflict, text).at(place));
    }
    garp
}

/// `lower_prio_no_advert`; strict mode wants it.
pub(super) fn lower_prio_no_advert(reader: &mut Reader, raw: &RawInstance, strict: bool) -> bool {
    match raw.lower_prio_no_advert {
        None => strict || reader.raw.global.lower_prio_no_advert,
        Some((false, place)) if strict => {
            let text = format!("({}) Strict mode requires no lower priority advert. resetting", raw.name);
            reader.complain(changed(Code::Conflict, text).at(place));
            true
        }
        Some((value, _)) => value,
    }
}

/// `higher_prio_send_advert`; strict mode forbids it.
pub(super) fn higher_prio_send_advert(reader: &mut Reader, raw: &RawInstance, strict: bool) -> bool {
    match raw.higher_prio_send_advert {
        None => !strict && reader.raw.global.higher_prio_send_advert,
        Some((true, place)) if strict => {
            let text = format!("({}) strict mode requires higher_prio_send_advert to be clear. resetting", raw.name);
            reader.complain(changed(Code::Conflict, text).at(place));
            false
        }
        Some((value, _)) => value,
    }
}

/// `owner_ignore_adverts`, which only an address owner can have. Strict mode wants it of an owner.
pub(super) fn owner_ignore_adverts(reader: &mut Reader, raw: &RawInstance, owner: bool, strict: bool) -> bool {
    let name = &raw.name;
    let (text, place) = match raw.owner_ignore_adverts {
        None => return owner && (strict || reader.raw.global.owner_ignore_adverts),
        Some((true, place)) if !owner => {
            (format!("({name}) ignoring owner_ignore_adverts since priority is not 255"), place)
        }
        Some((false, place)) if owner && strict => {
            (format!("({name}) strict_mode with priority 255 requires owner_ignore_adverts"), place)
        }
        Some((value, _)) => return value,
    };
    reader.complain(changed(Code::Conflict, text).at(place));
    owner
}
