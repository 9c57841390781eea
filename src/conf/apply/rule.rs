//! Lines of `virtual_rules` and `static_rules`: the words of `ip rule`, in any order.

use super::line::{Kin, Line, Read, Stop, Target};
use super::route::{self, PROTOCOL};
use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::environment::NameTable;
use crate::conf::reader::{Outcome, Reader, Statement};
use crate::conf::value;
use crate::model::Family;
use crate::model::route::{Rule, RuleAction};

const MIXED: &str = "rule specification has mixed IPv4 and IPv6";
const TWO_ACTIONS: &str = "Cannot specify more than one of table/nop/goto/blackhole/prohibit/unreachable";

/// A rule that is being read.
struct Reading<'a, 'b, 'c> {
    line: Line<'a, 'b, 'c>,
    rule: Rule,
    kin: Kin,
    from: Option<Target>,
    to: Option<Target>,
    action: Option<RuleAction>,
    preference: Option<u32>,
    is_static: bool,
}

/// `A-B`, decimal, cut to the bits of the field; what follows is ignored.
fn range(word: &str) -> Option<(u64, u64)> {
    let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let word = word.trim_start();
    let (first, rest) = word.split_at_checked(digits(word))?;
    let rest = rest.strip_prefix('-')?.trim_start();
    let (second, _) = rest.split_at_checked(digits(rest))?;
    Some((first.parse().ok()?, second.parse().ok()?))
}

/// `N[/MASK]`; numbers may be hexadecimal or octal.
fn mark(word: &str) -> Option<(u32, Option<u32>)> {
    let number = |text: &str| {
        let (number, rest) = value::leading_integer(text.as_bytes());
        u32::try_from(number).ok().filter(|_| rest.is_empty() && !text.starts_with('-'))
    };
    match word.trim_start().split_once('/') {
        Some((mark, mask)) => Some((number(mark)?, Some(number(mask)?))),
        None => Some((number(word.trim_start())?, None)),
    }
}

impl Reading<'_, '_, '_> {
    fn words(&mut self) -> Read<()> {
        while let Some(word) = self.line.word() {
            if !(self.selector(&word)? || self.ports(&word)? || self.settings(&word)?) {
                self.action(&word)?;
            }
        }
        Ok(())
    }

    fn target(&mut self, end: &str) -> Read<Option<Target>> {
        let target = self.line.target(|word| format!("Invalid rule {end} address {word}"))?;
        match self.kin.target(&target) {
            true => Ok(Some(target)),
            false => self.line.drop(Code::Conflict, MIXED),
        }
    }

    /// What packets the rule is for. Whether the word is such an option.
    fn selector(&mut self, word: &str) -> Read<bool> {
        match word {
            "inet" | "inet6" => {
                let (family, other) = if word == "inet" { (Family::V4, "IPv6") } else { (Family::V6, "IPv4") };
                if !self.kin.state(family) {
                    return self.line.drop(Code::Conflict, format!("{word} specified for {other} rule"));
                }
            }
            "not" => self.rule.invert = true,
            "from" => self.from = self.target("from")?,
            "to" => self.to = self.target("to")?,
            "dev" | "iif" => self.rule.iif = Some(self.line.interface(missing_interface)?),
            "oif" => self.rule.oif = Some(self.line.interface(missing_interface)?),
            "tos" | "dsfield" => {
                let text = |word: &str| format!("TOS value {word} is invalid");
                self.rule.tos = self.line.named8(NameTable::Dsfield, text)?;
            }
            "fwmark" => {
                let word = self.line.value()?;
                self.rule.fwmark = mark(&word);
                if self.rule.fwmark.is_none() {
                    return self.line.drop(Code::Number, format!("Invalid rule fwmark {word} specified"));
                }
            }
            "tunnel-id" => {
                self.rule.tunnel_id = Some(self.line.number64(|_| "Invalid tunnel-id tunnel-id specified".into())?);
            }
            "uidrange" => {
                let value = self.line.value()?;
                match range(&value) {
                    Some((first, last)) => self.rule.uid_range = Some((first as u32, last as u32)),
                    None => return self.line.drop(Code::Number, "Invalid uidrange uidrange specified"),
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// IP protocol and ports. A value that cannot be read is left out; the rule stays.
    fn ports(&mut self, word: &str) -> Read<bool> {
        const EFFECT: &str = "the rule is used without it";
        match word {
            "ipproto" => {
                let value = self.line.value()?;
                self.rule.ip_protocol = self.ip_protocol(&value);
                if self.rule.ip_protocol.is_none() {
                    self.line.complain(Code::Choice, format!("Invalid ipproto {value}"), EFFECT);
                }
            }
            "sport" | "dport" => {
                let value = self.line.value()?;
                let ports = range(&value).map(|(first, last)| (first as u16, last as u16));
                if ports.is_none() {
                    let text = format!("invalid {word} range {value}");
                    let place = self.line.statement.place(self.line.position());
                    self.line.reader.complain(
                        Diagnostic::error(Code::Number, text)
                            .at(place)
                            .expected("two ports with a `-` between, for instance 80-80")
                            .effect(EFFECT),
                    );
                }
                let slot = if word == "sport" { &mut self.rule.sport } else { &mut self.rule.dport };
                *slot = ports.or(*slot);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A number up to 127, or a name that the machine knows.
    fn ip_protocol(&self, word: &str) -> Option<u8> {
        let word = word.trim_start();
        if !word.starts_with(|c: char| c.is_ascii_digit()) {
            return self.line.reader.env.ip_protocol(word);
        }
        value::unsigned(word, 0, 127).ok().map(|number| number as u8)
    }

    /// Its place among rules and what is done with it. Whether the word is such an option.
    fn settings(&mut self, word: &str) -> Read<bool> {
        match word {
            "preference" | "order" | "priority" => {
                let text = |_: &str| format!("Invalid rule preference {word} specified");
                self.preference = Some(self.line.number_in_base(0, u32::MAX, text)?);
            }
            "realms" => {
                self.rule.realms = Some(self.line.realms(|word| format!("invalid realms {word} for rule"))?);
                if !self.kin.take(Family::V4) {
                    return self.line.drop(Code::Conflict, "realms is only valid for IPv4");
                }
            }
            "suppress_prefixlength" | "sup_pl" => {
                let text = |_: &str| format!("Invalid suppress_prefixlength {word} specified");
                self.rule.suppress_prefix_length = Some(self.line.number(i32::MAX as u32, text)?);
            }
            "suppress_ifgroup" | "sup_group" => {
                let text = |word: &str| format!("suppress_group {word} is invalid");
                self.rule.suppress_group = Some(self.line.named(NameTable::Groups, text)?);
            }
            "protocol" => {
                let value = self.line.value()?;
                match value::unsigned(&value, 0, 255) {
                    Ok(protocol) => self.rule.protocol = Some(protocol as u8),
                    Err(_) => {
                        let text = format!("Invalid protocol {value}");
                        self.line.complain(Code::Number, text, "the rule is used without it");
                    }
                }
            }
            "no_track" => self.rule.tracked = false,
            "track_group" if self.is_static => {
                if self.rule.track_group.is_some() {
                    // As keepalived: the rest of the line is not read.
                    let name = self.line.value()?;
                    let text = format!("track_group {name} is a duplicate");
                    self.line.complain(
                        Code::Repeated,
                        text,
                        "the first one stays, and the rest of the line is ignored",
                    );
                    while self.line.word().is_some() {}
                } else {
                    self.rule.track_group = self.line.track_group()?;
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// `table ID`, `goto N`, `blackhole` and so on.
    fn action(&mut self, word: &str) -> Read<()> {
        let action = match word {
            "table" | "lookup" => {
                let text = |word: &str| format!("Routing table {word} not found for rule");
                match self.line.named(NameTable::Tables, text)? {
                    0 => return self.line.drop(Code::Number, "Table 0 is not valid"),
                    table => RuleAction::Table(table),
                }
            }
            "l3mdev" => RuleAction::L3mdev,
            "type" => {
                let word = self.line.value()?;
                self.plain_action(&word)?
            }
            _ => self.plain_action(word)?,
        };
        if self.action.is_none() {
            self.action = Some(action);
            return Ok(());
        }
        let text = match action {
            RuleAction::Table(_) => format!("{TWO_ACTIONS} for rule"),
            RuleAction::L3mdev => "Cannot specify l3mdev with other action".into(),
            _ => format!("{TWO_ACTIONS}/l3mdev for rule"),
        };
        self.line.drop(Code::Conflict, text)
    }

    fn plain_action(&mut self, word: &str) -> Read<RuleAction> {
        match word {
            "goto" => Ok(RuleAction::Goto(self.line.number(u32::MAX, |_| "Invalid target goto specified".into())?)),
            "nop" => Ok(RuleAction::Nop),
            _ => match route::kind(word) {
                Some(6) => Ok(RuleAction::Blackhole),
                Some(7) => Ok(RuleAction::Unreachable),
                Some(8) => Ok(RuleAction::Prohibit),
                Some(_) => self.line.drop(Code::Choice, format!("Invalid rule action {word}")),
                None => self.line.drop(Code::UnknownOption, format!("Unknown rule option {word}")),
            },
        }
    }

    fn complain_whole(&mut self, code: Code, text: String, effect: &str) {
        let diagnostic = Diagnostic::error(code, text).at(self.line.statement.whole());
        self.line.reader.complain(diagnostic.effect(effect));
    }

    /// Works out what depends on several words, in keepalived's order.
    fn complete(mut self) -> Read<Rule> {
        let text = match (self.action, self.preference) {
            (Some(RuleAction::Goto(target)), Some(preference)) if preference >= target => {
                format!("Invalid rule - preference {preference} >= goto target {target}")
            }
            (Some(RuleAction::Goto(target)), None) => {
                format!("Invalid rule - goto target {target} specified without preference")
            }
            _ => String::new(),
        };
        if !text.is_empty() {
            return self.line.drop_whole(Code::Conflict, text);
        }
        let Some(action) = self.action else {
            return self.line.drop_whole(Code::Incomplete, "No action specified for rule - ignoring");
        };
        let looks_up = matches!(action, RuleAction::Table(_) | RuleAction::L3mdev);
        let rule = &self.rule;
        let for_tables =
            rule.realms.is_some() || rule.suppress_prefix_length.is_some() || rule.suppress_group.is_some();
        if for_tables && !looks_up {
            let text = "suppressor/realm specified for non table action - skipping";
            return self.line.drop_whole(Code::Conflict, text);
        }
        if self.rule.tracked {
            if self.rule.protocol.is_some_and(|protocol| protocol != PROTOCOL) {
                let text = format!(
                    "Rule cannot be tracked if protocol is not RTPROT_KEEPALIVED({PROTOCOL}), resetting protocol"
                );
                self.complain_whole(Code::Conflict, text, "the protocol is keepalived's; `no_track` keeps another one");
            }
            self.rule.protocol = Some(PROTOCOL);
        }
        if self.rule.track_group.is_some() && self.rule.iif.is_none() {
            let text = "Static rule cannot have track_group if dev/iif not specified";
            self.complain_whole(Code::Conflict, text.into(), "no instance decides about it");
            self.rule.track_group = None;
        }
        let family = self.kin.get().unwrap_or(Family::V4);
        let preference = match self.preference {
            Some(preference) => preference,
            None => self.next_preference(family),
        };
        let prefix = |target: Target| target.prefix(family);
        Ok(Rule { family, from: self.from.map(prefix), to: self.to.map(prefix), action, preference, ..self.rule })
    }

    /// Rules without preference count down, each family for itself.
    fn next_preference(&mut self, family: Family) -> u32 {
        let routing = &mut self.line.reader.raw.routing;
        let next = match family {
            Family::V4 => &mut routing.next_preference4,
            Family::V6 => &mut routing.next_preference6,
        };
        let preference = *next;
        *next = next.saturating_sub(1);
        let text =
            format!("Rule has no preference specified - setting to {preference}. This is probably not what you want.");
        let diagnostic = Diagnostic::error(Code::Incomplete, text).at(self.line.statement.whole());
        let diagnostic = diagnostic.title("the rule has no place among the others: `preference` is missing");
        self.line.reader.complain(diagnostic.effect(format!("its preference is {preference}")));
        preference
    }
}

fn missing_interface(name: &str) -> String {
    format!("WARNING - interface {name} for rule doesn't exist")
}

/// Reads a line; `None` if the rule is not to be used.
fn read(reader: &mut Reader, statement: &Statement, is_static: bool) -> Result<Option<Rule>, super::MissingWord> {
    let line = Line::new(reader, statement, "the rule is not used");
    let mut reading = Reading {
        line,
        rule: Rule::blank(),
        kin: Kin::default(),
        from: None,
        to: None,
        action: None,
        preference: None,
        is_static,
    };
    match reading.words().and_then(|()| reading.complete()) {
        Ok(rule) => Ok(Some(rule)),
        Err(Stop::Dropped) => Ok(None),
        Err(Stop::Missing(missing)) => Err(missing),
    }
}

/// A line of `virtual_rules`.
pub fn virtual_rule(reader: &mut Reader, statement: &Statement) -> Outcome {
    let rule = read(reader, statement, false)?;
    let instance = reader.raw.instances.last().map(|instance| instance.name.clone());
    reader.raw.routing.rules.extend(instance.zip(rule));
    Ok(())
}

/// A line of `static_rules`.
pub fn static_rule(reader: &mut Reader, statement: &Statement) -> Outcome {
    let rule = read(reader, statement, true)?;
    reader.raw.routing.static_rules.extend(rule);
    Ok(())
}
