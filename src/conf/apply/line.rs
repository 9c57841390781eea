//! A line of words that belong together, read word by word: routes and policy rules.
//!
//! [`Line`] is a place in such a line. It reads the values that both kinds of line have (addresses, names, numbers) and
//! knows how to complain of them; what the words mean is for `route` and `rule`.

use std::net::IpAddr;

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::environment::NameTable;
use crate::conf::reader::{MissingWord, Reader, Statement};
use crate::conf::value::{self, Fault};
use crate::model::route::Prefix;
use crate::model::{Family, IfName};

/// Why a line is not read to its end.
pub(super) enum Stop {
    /// It is dropped, and was complained of
    Dropped,
    /// A word that it cannot do without is not there
    Missing(MissingWord),
}

impl From<MissingWord> for Stop {
    fn from(missing: MissingWord) -> Self {
        Stop::Missing(missing)
    }
}

/// What reading a part of a line gives.
pub(super) type Read<T> = Result<T, Stop>;

/// Where a route goes, or what a rule selects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    /// `None`: `default`, `any` or `all`, which have no family of their own
    pub family: Option<Family>,
    /// `None`: everything
    prefix: Option<Prefix>,
}

impl Target {
    /// The prefix in a line of this family.
    pub fn prefix(self, family: Family) -> Prefix {
        let everything = || match family {
            Family::V4 => Prefix { ip: IpAddr::from([0; 4]), len: 0 },
            Family::V6 => Prefix { ip: IpAddr::from([0_u16; 8]), len: 0 },
        };
        self.prefix.unwrap_or_else(everything)
    }
}

/// The family of a line as far as its words have settled it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kin {
    family: Option<Family>,
    /// By `inet` or `inet6`
    stated: bool,
}

impl Kin {
    pub fn get(self) -> Option<Family> {
        self.family
    }

    /// Settles the family unless it is settled otherwise. Whether it fits.
    pub fn take(&mut self, family: Family) -> bool {
        *self.family.get_or_insert(family) == family
    }

    /// The same for `inet` and `inet6`.
    pub fn state(&mut self, family: Family) -> bool {
        self.stated |= self.family.is_none();
        self.take(family)
    }

    /// The same for a target. As keepalived has it, one without family does not fit once an address has settled it.
    pub fn target(&mut self, target: &Target) -> bool {
        match target.family {
            Some(family) => self.take(family),
            None => self.family.is_none() || self.stated,
        }
    }
}

/// A line, and the next word in it.
pub(super) struct Line<'a, 'b, 'c> {
    pub reader: &'a mut Reader<'b>,
    pub statement: &'c Statement,
    next: usize,
    /// What comes of a part that cannot be read
    dropping: &'static str,
}

impl<'a, 'b, 'c> Line<'a, 'b, 'c> {
    /// At the first word. `dropping` says what comes of a line that cannot be read.
    pub fn new(reader: &'a mut Reader<'b>, statement: &'c Statement, dropping: &'static str) -> Self {
        Line { reader, statement, next: 0, dropping }
    }

    /// Says from here on what comes of words that cannot be read.
    pub fn dropping(&mut self, effect: &'static str) {
        self.dropping = effect;
    }

    /// The word that was taken last.
    pub fn last(&self) -> String {
        self.statement.get(self.position()).unwrap_or_default().into_owned()
    }

    /// Which word was taken last.
    pub fn position(&self) -> usize {
        self.next.saturating_sub(1)
    }

    /// Whether nothing follows the next word.
    pub fn is_last(&self) -> bool {
        self.next + 1 >= self.statement.len()
    }

    /// The next word, if there is one.
    pub fn word(&mut self) -> Option<String> {
        let word = self.peek()?;
        self.next += 1;
        Some(word)
    }

    /// The next word, which stays the next one.
    pub fn peek(&self) -> Option<String> {
        self.statement.get(self.next).map(|word| word.into_owned())
    }

    /// Whether the next word is this one; then it is taken.
    pub fn skip(&mut self, word: &str) -> bool {
        let there = self.statement.word(self.next) == Some(word.as_bytes());
        self.next += usize::from(there);
        there
    }

    /// Goes back by one word.
    pub fn back(&mut self) {
        self.next = self.next.saturating_sub(1);
    }

    /// The next word, which has to be there.
    pub fn value(&mut self) -> Read<String> {
        let word = self.statement.text(self.next)?.into_owned();
        self.next += 1;
        Ok(word)
    }

    fn diagnostic(&self, code: Code, text: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, text).at(self.statement.place(self.position()))
    }

    /// Complains of the word that was taken last; the line stays.
    pub fn complain(&mut self, code: Code, text: impl Into<String>, effect: &str) {
        let diagnostic = self.diagnostic(code, text).effect(effect);
        self.reader.complain(diagnostic);
    }

    /// Complains of the word that was taken last, and drops the line.
    pub fn drop<T>(&mut self, code: Code, text: impl Into<String>) -> Read<T> {
        self.complain(code, text, self.dropping);
        Err(Stop::Dropped)
    }

    /// Complains of the whole line, and drops it.
    pub fn drop_whole<T>(&mut self, code: Code, text: impl Into<String>) -> Read<T> {
        let diagnostic = Diagnostic::error(code, text).at(self.statement.whole()).effect(self.dropping);
        self.reader.complain(diagnostic);
        Err(Stop::Dropped)
    }

    /// Complains of a value that cannot be read, and drops the line.
    fn drop_value<T>(&mut self, code: Code, text: String, fault: Fault) -> Read<T> {
        let diagnostic = self.diagnostic(code, text).title(fault.0).effect(self.dropping);
        self.reader.complain(diagnostic);
        Err(Stop::Dropped)
    }

    /// A whole number up to `max`; `text` is what is said of another word.
    pub fn number(&mut self, max: u32, text: impl Fn(&str) -> String) -> Read<u32> {
        self.number_in_base(10, max, text)
    }

    /// The same, where 16 takes `0x` and 8 a leading 0 if the base is 0.
    pub fn number_in_base(&mut self, base: u32, max: u32, text: impl Fn(&str) -> String) -> Read<u32> {
        let word = self.value()?;
        match value::unsigned_in_base(&word, base, 0, u64::from(max)) {
            Ok(number) => Ok(number as u32),
            Err(fault) => self.drop_value(Code::Number, text(&word), fault),
        }
    }

    /// A whole number of 64 bits.
    pub fn number64(&mut self, text: impl Fn(&str) -> String) -> Read<u64> {
        let word = self.value()?;
        match value::unsigned64(&word) {
            Ok(number) => Ok(number),
            Err(fault) => self.drop_value(Code::Number, text(&word), fault),
        }
    }

    /// A number, or a name of this table.
    pub fn named(&mut self, table: NameTable, text: impl Fn(&str) -> String) -> Read<u32> {
        let word = self.value()?;
        match self.reader.named_id(table, &word) {
            Some(id) => Ok(id),
            None => {
                let diagnostic = self.diagnostic(Code::Choice, text(&word)).effect(self.dropping);
                let diagnostic = diagnostic
                    .expected(format!("a number up to {}, or a name", table.max()))
                    .help(format!("names are those of {} (iproute2)", table.file()));
                self.reader.complain(diagnostic);
                Err(Stop::Dropped)
            }
        }
    }

    /// The same where the number has 8 bits.
    pub fn named8(&mut self, table: NameTable, text: impl Fn(&str) -> String) -> Read<u8> {
        Ok(self.named(table, text)? as u8)
    }

    /// `[FROM/]TO`: the source realm in the upper 16 bits.
    pub fn realms(&mut self, text: impl Fn(&str) -> String) -> Read<u32> {
        let word = self.value()?;
        let (from, to) = match word.split_once('/') {
            Some((from, to)) => (from, Some(to)),
            None => (&*word, None),
        };
        let first = self.reader.named_id(NameTable::Realms, from);
        let both = match (first, to) {
            (Some(from), Some(to)) => self.reader.named_id(NameTable::Realms, to).map(|to| from << 16 | to),
            (first, _) => first,
        };
        match both {
            Some(realms) => Ok(realms),
            None => self.drop(Code::Choice, text(&word)),
        }
    }

    /// An address without prefix length.
    pub fn address(&mut self, text: impl Fn(&str) -> String) -> Read<IpAddr> {
        let word = self.value()?;
        match value::address(&word) {
            Some(ip) => Ok(ip),
            None => {
                let fault = Fault(format!("`{word}` is not an IP address"));
                self.drop_value(Code::Address, text(&word), fault)
            }
        }
    }

    /// `ADDR[/LEN]`, or a word for everything.
    pub fn target(&mut self, text: impl Fn(&str) -> String) -> Read<Target> {
        let word = self.value()?;
        match &*word {
            "default" | "any" | "all" => return Ok(Target { family: None, prefix: None }),
            "default6" => {
                let text = "'default6' is deprecated - please replace with 'inet6 default'";
                let place = self.statement.place(self.position());
                self.reader.complain(Diagnostic::note(Code::Deprecated, text).at(place));
                return Ok(Target { family: Some(Family::V6), prefix: None });
            }
            _ => {}
        }
        let (host, length) = match word.split_once('/') {
            Some((host, length)) => (host, Some(length)),
            None => (&*word, None),
        };
        let whole = if word.contains(':') { 128 } else { 32 };
        let read = length.map(|length| (length, value::unsigned(length, 0, whole)));
        let mut len = whole as u8;
        match read {
            Some((_, Ok(read))) => len = read as u8,
            Some((length, Err(fault))) => {
                let text = format!("Invalid address prefix len {length} for address {word} - using {whole}");
                let diagnostic = self.diagnostic(Code::Address, text).title(format!("prefix length: {}", fault.0));
                self.reader.complain(diagnostic.effect(format!("/{whole} is used")));
            }
            None => {}
        }
        match value::address(host) {
            Some(ip) => Ok(Target { family: Some(Family::of(&ip)), prefix: Some(Prefix { ip, len }) }),
            None => {
                let fault = Fault(format!("`{word}` is no keyword here, and no IP address"));
                self.drop_value(Code::Address, text(&word), fault)
            }
        }
    }

    /// An interface, which has to be there unless interfaces may come later.
    pub fn interface(&mut self, text: impl Fn(&str) -> String) -> Read<IfName> {
        let word = self.value()?;
        match self.reader.interface(&word) {
            Some((name, _)) => Ok(name),
            None => {
                self.reader.missing_interface(self.statement, self.position(), text(&word));
                Err(Stop::Dropped)
            }
        }
    }

    /// A group of instances that was defined above; `None` after a complaint.
    pub fn track_group(&mut self) -> Read<Option<String>> {
        let name = self.value()?;
        if self.reader.raw.names.contains(&("track_group", name.clone())) {
            return Ok(Some(name));
        }
        self.complain(Code::Reference, format!("track_group {name} not found"), "no instance decides about it");
        Ok(None)
    }
}
