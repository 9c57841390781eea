//! getopt_long's way of reading words: long names may be cut short while they stay unique, options may follow other
//! words, short ones may share a dash, and an optional value must be attached.

use std::ffi::OsString;
use std::iter::Peekable;
use std::os::unix::ffi::OsStrExt;

use clap::{Arg, Command};

use super::word;

/// What a command line is made of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    /// An option by its long name, and its value
    Option(&'a str, Option<OsString>),
    /// No such option, or a value where there can be none: as the user wrote it
    Unknown(OsString),
    /// An option without the value that it needs: as keepalived names it
    Missing(String),
    /// Another word
    Word(OsString),
}

/// Whether an option takes a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Value {
    Never,
    Optional,
    Required,
}

/// A walk over the words of a command line.
pub(super) struct Walk<'a, W: Iterator> {
    command: &'a Command,
    words: Peekable<W>,
    /// What is left of a word of short options
    cluster: Vec<u8>,
    /// After `--` nothing is an option
    ended: bool,
}

impl<'a, 'w, W: Iterator<Item = &'w OsString>> Walk<'a, W> {
    pub(super) fn new(command: &'a Command, words: W) -> Self {
        Walk { command, words: words.peekable(), cluster: Vec::new(), ended: false }
    }

    /// Takes the next word if it is no option: for options that getopt_long does not have.
    pub(super) fn take_word(&mut self) -> Option<OsString> {
        let plain = |word: &&OsString| !word.as_bytes().starts_with(b"-");
        self.words.next_if(plain).cloned()
    }

    /// Everything that has not been walked over.
    pub(super) fn rest(&mut self) -> Vec<OsString> {
        let cluster = std::mem::take(&mut self.cluster);
        let cluster = (!cluster.is_empty()).then(|| word(&[b"-", cluster.as_slice()].concat()));
        cluster.into_iter().chain(self.words.by_ref().cloned()).collect()
    }

    fn short(&mut self) -> Option<Item<'a>> {
        let (&letter, rest) = self.cluster.split_first()?;
        let rest = rest.to_vec();
        self.cluster.clear();
        let found = self.command.get_arguments().find(|arg| arg.get_short() == Some(char::from(letter)));
        let Some(arg) = found else {
            self.cluster = rest;
            return Some(Item::Unknown(word(&[b'-', letter])));
        };
        let name = arg.get_id().as_str();
        let attached = (!rest.is_empty()).then(|| word(&rest));
        Some(match value_of(arg) {
            Value::Never => {
                self.cluster = rest;
                Item::Option(name, None)
            }
            Value::Optional => Item::Option(name, attached),
            Value::Required => match attached.or_else(|| self.words.next().cloned()) {
                Some(value) => Item::Option(name, Some(value)),
                None => Item::Missing(format!("-{}", char::from(letter))),
            },
        })
    }

    fn long(&mut self, written: &OsString, text: &[u8]) -> Item<'a> {
        let equals = text.iter().position(|&byte| byte == b'=');
        let (name, attached) = match equals.and_then(|at| text.split_at_checked(at)) {
            Some((name, value)) => (name, Some(word(value.strip_prefix(b"=").unwrap_or(value)))),
            None => (text, None),
        };
        let Some(arg) = self.find_long(name) else {
            return Item::Unknown(written.clone());
        };
        let name = arg.get_id().as_str();
        match (value_of(arg), attached) {
            (Value::Never, None) => Item::Option(name, None),
            (Value::Never, Some(_)) => Item::Unknown(written.clone()),
            (Value::Optional, attached) => Item::Option(name, attached),
            (Value::Required, attached) => match attached.or_else(|| self.words.next().cloned()) {
                Some(value) if !value.is_empty() => Item::Option(name, Some(value)),
                _ => Item::Missing(format!("--{name}")),
            },
        }
    }

    /// The option with this name, or the only one whose name begins so.
    fn find_long(&self, name: &[u8]) -> Option<&'a Arg> {
        let long = |arg: &&'a Arg| arg.get_long().is_some_and(|long| long.as_bytes().starts_with(name));
        let exact = |arg: &&'a Arg| arg.get_long().is_some_and(|long| long.as_bytes() == name);
        let arguments = || self.command.get_arguments();
        arguments().find(exact).or_else(|| {
            let mut candidates = arguments().filter(long);
            candidates.next().filter(|_| candidates.next().is_none())
        })
    }
}

fn value_of(arg: &Arg) -> Value {
    match (arg.get_action().takes_values(), arg.is_require_equals_set()) {
        (false, _) => Value::Never,
        (true, true) => Value::Optional,
        (true, false) => Value::Required,
    }
}

impl<'a, 'w, W: Iterator<Item = &'w OsString>> Iterator for Walk<'a, W> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        if let Some(item) = self.short() {
            return Some(item);
        }
        let written = self.words.next()?;
        let bytes = written.as_bytes();
        if self.ended {
            return Some(Item::Word(written.clone()));
        }
        if bytes == b"--" {
            self.ended = true;
            return self.next();
        }
        if let Some(long) = bytes.strip_prefix(b"--") {
            return Some(self.long(written, long));
        }
        match bytes.strip_prefix(b"-") {
            Some(cluster) if !cluster.is_empty() => {
                self.cluster = cluster.to_vec();
                self.next()
            }
            _ => Some(Item::Word(written.clone())),
        }
    }
}
