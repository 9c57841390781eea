//! Units into words.
//!
//! Two grammars: the one of ordinary keywords, and the one of script keywords, which knows single quotes and escapes.
//! Neither knows what a word means.

use std::ops::Range;

use nom::branch::alt;
use nom::bytes::complete::{take_till, take_till1};
use nom::character::complete::char;
use nom::sequence::{preceded, terminated};
use nom::{IResult, Offset, Parser};

/// What separates words (`isspace` in the C locale).
fn space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The words of a unit, as ranges of its bytes without quotes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// In order
    pub words: Vec<Range<usize>>,
    /// Offset of a double quote that is not closed; everything from it on is lost
    pub unmatched: Option<usize>,
}

/// `"..."`: one word, blanks kept.
fn quoted(input: &[u8]) -> IResult<&[u8], &[u8]> {
    terminated(preceded(char('"'), take_till(|b| b == b'"')), char('"')).parse(input)
}

/// Anything up to a blank or a quote.
fn plain(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_till1(|b| b == b'"' || space(b)).parse(input)
}

/// Splits a unit as ordinary keywords do: a quoted part always is a word of its own, and there is no escape.
pub fn words(unit: &[u8]) -> Words {
    let mut words = Vec::with_capacity(4);
    let mut rest = blanks(unit);
    // What is refused is the end, or a quote without one.
    while let Ok((after, word)) = alt((plain, quoted)).parse(rest) {
        let start = unit.offset(word);
        words.push(start..start + word.len());
        rest = blanks(after);
    }
    Words { words, unmatched: (!rest.is_empty()).then(|| unit.offset(rest)) }
}

/// What follows the blanks at the start.
fn blanks(input: &[u8]) -> &[u8] {
    let end = input.iter().position(|byte| !space(*byte));
    input.get(end.unwrap_or(input.len())..).unwrap_or_default()
}

/// What makes the words of a script keyword unreadable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptFault {
    /// A quote of this kind is not closed
    Quote(char),
    /// A backslash ends the text
    Backslash,
}

/// A byte that a backslash and what follows stand for, and how many bytes after the backslash it took.
fn escape(after: &[u8]) -> Option<(u8, usize)> {
    let first = *after.first()?;
    let hex = |at: usize| (*after.get(at)? as char).to_digit(16);
    let octal = |at: usize| (*after.get(at)? as char).to_digit(8);
    let byte = match first {
        b'x' if hex(1).is_some() => {
            let digits: Vec<u32> = [hex(1), hex(2)].into_iter().map_while(|d| d).collect();
            let value = digits.iter().fold(0, |value, digit| value * 16 + digit);
            return Some((value as u8, 1 + digits.len()));
        }
        b'c' if after.len() > 1 => return Some((*after.get(1)? & 0x1f, 2)),
        b'0'..=b'7' => {
            let digits: Vec<u32> = (0..3).map(octal).map_while(|d| d).collect();
            let value = digits.iter().fold(0, |value, digit| value * 8 + digit);
            return Some((value as u8, digits.len()));
        }
        b'a' => 7,
        b'b' => 8,
        b'E' => 0x1b,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        other => other,
    };
    Some((byte, 1))
}

/// One script word: quoted and unquoted parts that touch, joined.
fn script_word(input: &[u8], escapes: bool) -> Result<(&[u8], Vec<u8>), ScriptFault> {
    let mut word = Vec::new();
    let mut quote: Option<u8> = None;
    let mut rest = input;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, quote) {
            (b'\\', _) if escapes => {
                let (value, length) = escape(after).ok_or(ScriptFault::Backslash)?;
                word.push(value);
                rest = after.get(length..).unwrap_or_default();
            }
            (b'\\', _) => {
                let (&next, after) = after.split_first().ok_or(ScriptFault::Backslash)?;
                word.extend([b'\\', next]);
                rest = after;
            }
            (byte, Some(open)) if byte == open => quote = None,
            (b'"' | b'\'', None) => quote = Some(byte),
            (byte, None) if space(byte) => break,
            (byte, _) => word.push(byte),
        }
    }
    match quote {
        Some(open) => Err(ScriptFault::Quote(open as char)),
        None => Ok((rest, word)),
    }
}

fn script_words(unit: &[u8], escapes: bool) -> Result<Vec<Vec<u8>>, ScriptFault> {
    let mut found = Vec::new();
    let mut rest = unit;
    loop {
        rest = blanks(rest);
        if rest.is_empty() {
            return Ok(found);
        }
        let (after, word) = script_word(rest, escapes)?;
        found.push(word);
        rest = after;
    }
}

/// First pass over a script statement: keyword, command line, user, group. Both kinds of quotes join what they touch; a
/// backslash keeps itself and protects the next byte.
pub fn script_statement(unit: &[u8]) -> Result<Vec<Vec<u8>>, ScriptFault> {
    script_words(unit, false)
}

/// Second pass, over the command line alone: the arguments, with escapes processed.
pub fn command_line(command: &[u8]) -> Result<Vec<Vec<u8>>, ScriptFault> {
    script_words(command, true)
}

#[cfg(test)]
mod tests;
