//! `$NAME=` definitions and the names that stand for their values.

use std::collections::HashMap;
use std::rc::Rc;

use crate::conf::place::Site;

/// A stretch of a value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ValueLine {
    pub bytes: Vec<u8>,
    pub site: Site,
}

/// Names that are always there. A definition of the same name replaces them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Builtin {
    /// Folder of the file being read
    Folder,
    /// Configuration id
    Instance,
    /// Random number, with up to two numbers as bounds
    Random,
    /// Environment variable, with its name
    Variable,
    /// A fixed text
    Text(&'static [u8]),
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// One stretch of text
    Line(ValueLine),
    /// Several lines; only replaced where the name ends its line
    Lines(Rc<Vec<ValueLine>>),
    /// Worked out where it is used
    Builtin(Builtin),
}

/// A use of a name: `$NAME`, `${NAME}` or `${NAME words}`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    pub name: &'a [u8],
    /// Words after the name, within braces only
    pub words: Vec<&'a [u8]>,
    /// Bytes from the `$` on
    pub length: usize,
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn name_length(bytes: &[u8]) -> usize {
    match bytes.first() {
        Some(first) if first.is_ascii_alphabetic() || *first == b'_' => {
            bytes.iter().take_while(|byte| is_name_byte(**byte)).count()
        }
        _ => 0,
    }
}

/// Reads the use of a name at the start of `bytes`, which begin with `$`.
pub(super) fn reference(bytes: &[u8]) -> Option<Reference<'_>> {
    let after = bytes.get(1..)?;
    let braced = after.first() == Some(&b'{');
    let rest = after.get(usize::from(braced)..)?;
    let (name, tail) = rest.split_at(name_length(rest));
    if name.is_empty() {
        return None;
    }
    if !braced {
        let ends = matches!(tail.first(), None | Some(b' ' | b'\t' | b',' | b')'));
        return ends.then_some(Reference { name, words: Vec::new(), length: 1 + name.len() });
    }
    let close = tail.iter().position(|byte| *byte == b'}')?;
    let inside = tail.get(..close)?;
    let plain = inside.iter().all(|byte| is_name_byte(*byte) || matches!(byte, b' ' | b'\t'));
    if !plain || inside.last().is_some_and(|last| !is_name_byte(*last)) {
        return None;
    }
    let words = inside.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty()).collect();
    Some(Reference { name, words, length: 2 + name.len() + close + 1 })
}

/// Reads `$NAME=` at the start of a line; returns the name and the offset of the value.
pub(super) fn assignment(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let rest = bytes.strip_prefix(b"$")?;
    let name = rest.get(..name_length(rest)).filter(|name| !name.is_empty())?;
    (rest.get(name.len()) == Some(&b'=')).then_some((name, name.len() + 2))
}

/// All names that stand for something.
#[derive(Debug)]
pub(super) struct Definitions(HashMap<Vec<u8>, Meaning>);

impl Definitions {
    pub(super) fn new() -> Self {
        let builtins = [
            (&b"_PWD"[..], Builtin::Folder),
            (b"_INSTANCE", Builtin::Instance),
            (b"_RANDOM", Builtin::Random),
            (b"_ENV", Builtin::Variable),
            (b"_HASH", Builtin::Text(b"#")),
            (b"_BANG", Builtin::Text(b"!")),
        ];
        let entries = builtins.map(|(name, it)| (name.to_vec(), Meaning::Builtin(it)));
        Definitions(HashMap::from(entries))
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&Meaning> {
        self.0.get(name)
    }

    pub(super) fn set(&mut self, name: &[u8], meaning: Meaning) {
        self.0.insert(name.to_vec(), meaning);
    }
}
