//! The hops of a multipath route: `nexthop ...` at the end of a line, and the old `or`.

use super::super::line::{Line, Read, Stop};
use super::{Reading, encap, missing_interface};
use crate::conf::diagnostic::Code;
use crate::model::Family;
use crate::model::route::NextHop;

fn blank() -> NextHop {
    NextHop { via: None, dev: None, weight: 1, onlink: false, realms: None, encap: None }
}

/// `inet` or `inet6` before the address of a gateway.
pub(super) fn stated_family(line: &mut Line) -> Option<Family> {
    match () {
        () if line.skip("inet") => Some(Family::V4),
        () if line.skip("inet6") => Some(Family::V6),
        () => None,
    }
}

/// `or ADDR`, an old way to name a second gateway: both become hops.
pub(super) fn old_second(reading: &mut Reading) -> Read<()> {
    let line = &mut reading.line;
    line.complain(
        Code::Deprecated,
        "\"or\" for routes is deprecated. Please use \"nexthop\"",
        "it is read as a next hop",
    );
    if !reading.route.hops.is_empty() {
        line.word();
        line.complain(Code::Repeated, "\"or\" route already specified - ignoring subsequent", "the first two stay");
        return Ok(());
    }
    let second = line.address(|word| format!("Invalid \"or\" address {word}"))?;
    let first = NextHop { via: reading.route.via.take(), ..blank() };
    reading.route.hops = vec![first, NextHop { via: Some(second), ..blank() }];
    Ok(())
}

/// Everything from the first `nexthop` on. A hop that cannot be read and those after it are left out; the route stays.
pub(super) fn read(reading: &mut Reading) -> Read<()> {
    if !reading.route.hops.is_empty() {
        return reading.line.drop(Code::Conflict, "Cannot specify nexthops with \"or\" route");
    }
    reading.line.dropping("this hop and those after it are left out");
    loop {
        match hop(reading) {
            Ok(hop) => reading.route.hops.push(hop),
            Err(Stop::Dropped) => return Ok(()),
            Err(missing) => return Err(missing),
        }
        if !reading.line.skip("nexthop") {
            break;
        }
    }
    if let Some(word) = reading.line.word() {
        let text = format!("Route has trailing nonsense after nexthops - {word}");
        reading.line.complain(Code::UnknownOption, text, "the rest of the line is ignored");
    }
    Ok(())
}

fn hop(reading: &mut Reading) -> Read<NextHop> {
    let mut hop = blank();
    while let Some(word) = reading.line.word() {
        match &*word {
            "via" => {
                if let Some(family) = stated_family(&mut reading.line)
                    && !reading.kin.take(family)
                {
                    return reading.line.drop(Code::Conflict, "IPv4/6 mismatch for nexthop");
                }
                let ip = reading.line.address(|word| format!("invalid nexthop address {word}"))?;
                if !reading.kin.take(Family::of(&ip)) {
                    return reading.line.drop(Code::Conflict, "Address family mismatch for next hop");
                }
                hop.via = Some(ip);
            }
            "dev" => hop.dev = Some(reading.line.interface(missing_interface)?),
            "weight" => {
                let weight = reading.line.number(256, |word| format!("Invalid weight {word} specified for route"))?;
                if weight == 0 {
                    return reading.line.drop(Code::Number, "Invalid weight 0 specified for route");
                }
                hop.weight = weight as u16;
            }
            "onlink" => hop.onlink = true,
            "encap" => hop.encap = encap::read(&mut reading.line)?.or(hop.encap.take()),
            "realms" => {
                let realms = reading.line.realms(|word| format!("Invalid realms {word} for route"))?;
                if !reading.kin.take(Family::V4) {
                    return reading.line.drop(Code::Conflict, "realms are only supported for IPv4");
                }
                hop.realms = Some(realms);
            }
            "as" => {
                reading.line.value()?;
                return reading.line.drop(Code::UnknownOption, "'as [to]' (nat) not supported");
            }
            _ => {
                reading.line.back();
                break;
            }
        }
    }
    Ok(hop)
}
