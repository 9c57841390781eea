//! Lines of `virtual_routes` and `static_routes`: the words of `ip route`, in any order.
//!
//! Whatever is no option is the destination. The options that only one kind of route has are in files of their own.

mod encap;
mod hops;
mod metric;

use super::line::{Kin, Line, Read, Stop, Target};
use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::environment::NameTable;
use crate::conf::reader::{Outcome, Reader, Statement};
use crate::conf::value;
use crate::model::Family;
use crate::model::route::{Placement, Route};

/// Who sets routes and rules that are watched (`RTPROT_KEEPALIVED`, linux/rtnetlink.h).
pub(super) const PROTOCOL: u8 = 18;

const MIXED: &str = "Cannot mix IPv4 and IPv6 addresses for route";

/// Types of routes (`RTN_*`, linux/rtnetlink.h).
const KINDS: [(&str, u8); 12] = [
    ("local", 2),
    ("nat", 10),
    ("broadcast", 3),
    ("brd", 3),
    ("anycast", 4),
    ("multicast", 5),
    ("prohibit", 8),
    ("unreachable", 7),
    ("blackhole", 6),
    ("xresolve", 11),
    ("unicast", 1),
    ("throw", 9),
];

/// The type of route that a word names, or is the number of.
pub(super) fn kind(word: &str) -> Option<u8> {
    let named = KINDS.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind);
    named.or_else(|| {
        let (number, rest) = value::leading_integer(word.as_bytes());
        u8::try_from(number).ok().filter(|_| rest.is_empty() && !word.starts_with('-'))
    })
}

/// A route that is being read.
struct Reading<'a, 'b, 'c> {
    line: Line<'a, 'b, 'c>,
    route: Route,
    kin: Kin,
    destination: Option<Target>,
    source: Option<Target>,
    is_static: bool,
}

impl Reading<'_, '_, '_> {
    fn drop_unless<T>(&mut self, fits: bool, value: T) -> Read<T> {
        match fits {
            true => Ok(value),
            false => self.line.drop(Code::Conflict, MIXED),
        }
    }

    /// Reads all words.
    fn words(&mut self) -> Read<()> {
        while let Some(word) = self.line.word() {
            if word == "nexthop" {
                return hops::read(self);
            }
            if !(self.endpoint(&word)? || self.lookup(&word)? || self.behaviour(&word)? || metric::read(self, &word)?) {
                self.line.back();
                self.destination()?;
            }
        }
        Ok(())
    }

    /// Addresses and devices. Whether the word is such an option.
    fn endpoint(&mut self, word: &str) -> Read<bool> {
        match word {
            "inet" | "inet6" => {
                let (family, other) = if word == "inet" { (Family::V4, "IPv6") } else { (Family::V6, "IPv4") };
                if !self.kin.state(family) {
                    return self.line.drop(Code::Conflict, format!("{word} specified for {other} route"));
                }
            }
            "src" => {
                let ip = self.line.address(|word| format!("invalid route src address {word}"))?;
                let fits = self.kin.take(Family::of(&ip));
                self.route.preferred_source = Some(self.drop_unless(fits, ip)?);
            }
            "gw" => {
                let text = "\"gw\" for routes is deprecated. Please use \"via\"";
                self.line.complain(Code::Deprecated, text, "it is read as `via`");
                self.via()?;
            }
            "via" => self.via()?,
            "from" => {
                let text = |word: &str| format!("invalid route from address {word}");
                let target = self.line.target(text)?;
                if target.family != Some(Family::V6) {
                    let shown = self.line.last();
                    let text = format!("route from address only supported with IPv6 ({shown})");
                    return self.line.drop(Code::Conflict, text);
                }
                let fits = self.kin.target(&target);
                self.source = Some(self.drop_unless(fits, target)?);
            }
            "dev" | "oif" => self.route.dev = Some(self.line.interface(missing_interface)?),
            "onlink" => self.route.onlink = true,
            "encap" => self.route.encap = encap::read(&mut self.line)?.or(self.route.encap.take()),
            "or" => return hops::old_second(self).map(|()| true),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn via(&mut self) -> Read<()> {
        let stated = hops::stated_family(&mut self.line);
        if let Some(family) = stated {
            let fits = self.kin.take(family);
            self.drop_unless(fits, ())?;
        }
        let ip = self.line.address(|word| format!("invalid route via address {word}"))?;
        let fits = self.kin.take(Family::of(&ip));
        self.route.via = Some(self.drop_unless(fits, ip)?);
        Ok(())
    }

    /// What names have numbers for. Whether the word is such an option.
    fn lookup(&mut self, word: &str) -> Read<bool> {
        let line = &mut self.line;
        match word {
            "tos" | "dsfield" => {
                self.route.tos = line.named8(NameTable::Dsfield, |word| format!("TOS value {word} is invalid"))?;
            }
            "table" => {
                let text = |word: &str| format!("Routing table {word} not found for route");
                self.route.table = Some(line.named(NameTable::Tables, text)?);
                self.route.vrf = None;
            }
            "protocol" => {
                let text = |word: &str| format!("Protocol {word} not found or invalid for route");
                self.route.protocol = Some(line.named8(NameTable::Protocols, text)?);
            }
            "scope" => {
                let text = |word: &str| format!("Scope {word} not found or invalid for route");
                self.route.scope = Some(line.named8(NameTable::Scopes, text)?);
            }
            "realms" => {
                let realms = line.realms(|word| format!("Invalid realms {word} for route"))?;
                if !self.kin.take(Family::V4) {
                    return self.line.drop(Code::Conflict, "realms are only valid for IPv4");
                }
                self.route.realms = Some(realms);
            }
            "metric" | "priority" | "preference" => {
                let text = |word: &str| format!("Invalid metric {word} specified for route");
                self.route.metric = Some(line.number(u32::MAX, text)?);
            }
            "vrf" => self.vrf()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn vrf(&mut self) -> Read<()> {
        let name = self.line.value()?;
        let reader = &self.line.reader;
        let namespace = reader.raw.global.net_namespace.as_deref();
        if reader.env.interface(namespace, &name).is_none() {
            return self.line.drop(Code::Interface, format!("VRF {name} not found for route"));
        }
        match reader.env.vrf_table(namespace, &name) {
            Some(table) => {
                self.route.table = Some(table);
                self.route.vrf = crate::model::IfName::new(name);
                Ok(())
            }
            None => self.line.drop(Code::Interface, format!("Route specified VRF {name} is not a VRF")),
        }
    }

    /// How the route gets in and is kept, and what only IPv6 has. Whether the word is such an option.
    fn behaviour(&mut self, word: &str) -> Read<bool> {
        match word {
            "add" => self.route.placement = Placement::Add,
            "prepend" => self.route.placement = Placement::Prepend,
            "append" => self.route.placement = Placement::Append,
            "no_track" => self.route.tracked = false,
            "track_group" if self.is_static => {
                if self.route.track_group.is_some() {
                    let name = self.line.value()?;
                    return self.line.drop(Code::Repeated, format!("track_group {name} is a duplicate"));
                }
                self.route.track_group = self.line.track_group()?;
            }
            "expires" => {
                self.only_ipv6(word)?;
                let text = |word: &str| format!("Invalid expires time {word} specified for route");
                self.route.expires = Some(self.line.number(u32::MAX, text)?);
            }
            "pref" => {
                self.only_ipv6(word)?;
                self.route.preference = Some(self.preference()?);
            }
            "ttl-propagate" => {
                let value = self.line.value()?;
                if !["enabled", "disabled"].contains(&&*value) {
                    let text = format!("ttl-propagate value {value} not recognised");
                    self.line.complain(Code::Choice, text, "it is read as `disabled`");
                }
                self.route.ttl_propagate = Some(value == "enabled");
            }
            "as" => {
                let word = self.line.value()?;
                if word == "to" {
                    self.line.word();
                }
                self.line.complain(
                    Code::UnknownOption,
                    "\"as to\" for MPLS only - ignoring",
                    "these words are ignored",
                );
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn only_ipv6(&mut self, option: &str) -> Read<()> {
        match self.kin.take(Family::V6) {
            true => Ok(()),
            false => self.line.drop(Code::Conflict, format!("{option} is only valid for IPv6")),
        }
    }

    /// `ICMPV6_ROUTER_PREF_*` (linux/icmpv6.h).
    fn preference(&mut self) -> Read<u8> {
        let number = match self.line.peek().as_deref() {
            Some("low") => 3,
            Some("medium") => 0,
            Some("high") => 1,
            _ => {
                let text = |word: &str| format!("Invalid pref value {word} specified for route");
                return Ok(self.line.number(255, text)? as u8);
            }
        };
        self.line.word();
        Ok(number)
    }

    /// `[to] [TYPE] DEST`. A second one replaces the first.
    fn destination(&mut self) -> Read<()> {
        if !self.line.skip("to")
            && let Some(kind) = self.line.peek().as_deref().and_then(kind)
        {
            self.route.kind = kind;
            self.line.word();
        }
        let target = self.line.target(|word| format!("unknown route keyword {word}"))?;
        if !self.kin.target(&target) {
            let text = format!("{MIXED} ({})", self.line.last());
            return self.line.drop(Code::Conflict, text);
        }
        self.destination = Some(target);
        Ok(())
    }

    /// Works out what depends on several words.
    fn complete(mut self) -> Read<Route> {
        let Some(destination) = self.destination else {
            return self.line.drop_whole(Code::Incomplete, "Route must have a destination");
        };
        let family = self.kin.get().unwrap_or(Family::V4);
        let statement = self.line.statement;
        let mut complain = |code, text: String, effect: &str| {
            let diagnostic = Diagnostic::error(code, text).at(statement.whole());
            self.line.reader.complain(diagnostic.effect(effect));
        };
        let mut route = self.route;
        if route.tracked {
            if route.protocol.is_some_and(|protocol| protocol != PROTOCOL) {
                let text = format!(
                    "Route cannot be tracked if protocol is not RTPROT_KEEPALIVED({PROTOCOL}), resetting protocol"
                );
                complain(Code::Conflict, text, "the protocol is keepalived's; `no_track` keeps another one");
            }
            route.protocol = Some(PROTOCOL);
        }
        if route.track_group.is_some() && route.dev.is_none() {
            let text = "Static route cannot have track group if no oif specified";
            complain(Code::Conflict, text.into(), "no instance decides about it");
            route.track_group = None;
        }
        route.family = family;
        route.destination = destination.prefix(family);
        route.source = self.source.map(|source| source.prefix(family));
        Ok(route)
    }
}

fn missing_interface(name: &str) -> String {
    format!("WARNING - interface {name} for VROUTE nexthop doesn't exist")
}

/// Reads a line; `None` if the route is not to be used.
fn read(reader: &mut Reader, statement: &Statement, is_static: bool) -> Result<Option<Route>, super::MissingWord> {
    let line = Line::new(reader, statement, "the route is not used");
    let mut reading =
        Reading { line, route: Route::blank(), kin: Kin::default(), destination: None, source: None, is_static };
    match reading.words().and_then(|()| reading.complete()) {
        Ok(route) => Ok(Some(route)),
        Err(Stop::Dropped) => Ok(None),
        Err(Stop::Missing(missing)) => Err(missing),
    }
}

/// A line of `virtual_routes`.
pub fn virtual_route(reader: &mut Reader, statement: &Statement) -> Outcome {
    let route = read(reader, statement, false)?;
    let instance = reader.raw.instances.last().map(|instance| instance.name.clone());
    reader.raw.routing.routes.extend(instance.zip(route));
    Ok(())
}

/// A line of `static_routes`.
pub fn static_route(reader: &mut Reader, statement: &Statement) -> Outcome {
    let route = read(reader, statement, true)?;
    reader.raw.routing.static_routes.extend(route);
    Ok(())
}
