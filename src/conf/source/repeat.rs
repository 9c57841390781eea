//! `~SEQ` and `~LST`: one line, several times.

use super::comment::blanks;
use crate::conf::value::leading_integer;

/// What makes a `~SEQ` or `~LST` unusable, in keepalived's words without the line itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The form is wrong
    Form,
    /// No `)` after the numbers
    Parenthesis,
    /// The step is zero or leads away from the end
    Direction,
    /// A negative number where hexadecimal output is asked for
    Negative,
    /// More values in a set than there are variables
    TooManyValues,
}

impl Fault {
    pub(super) fn text(self, line: &str) -> String {
        match self {
            Fault::Form => match line.starts_with("~LST") {
                true => format!("Invalid ~LST specification '{line}'"),
                false => format!("Invalid ~SEQ specification '{line}'"),
            },
            Fault::Parenthesis => format!("~SEQ missing terminating ')' '{line}'"),
            Fault::Direction => format!("Invalid ~SEQ values '{line}'"),
            Fault::Negative => format!("~SEQx is only valid for positive numbers '{line}'"),
            Fault::TooManyValues => format!("~LST specification has too many values '{line}'"),
        }
    }
}

/// The rounds that are still to come.
#[derive(Debug)]
pub(super) enum Rounds {
    /// Numbers
    Numbers { variable: Vec<u8>, next: Option<i64>, step: i64, last: i64, hex: bool },
    /// Listed values; each round has one for every variable
    Listed { variables: Vec<Vec<u8>>, rounds: std::vec::IntoIter<Vec<Vec<u8>>> },
}

impl Rounds {
    /// The variables of the next round with their values; `None` when all rounds are done.
    pub(super) fn advance(&mut self) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
        match self {
            Rounds::Numbers { variable, next, step, last, hex } => {
                let now = (*next)?;
                let following = now.checked_add(*step);
                *next = following.filter(|n| if *step > 0 { n <= last } else { n >= last });
                let value = if *hex { format!("{now:x}") } else { now.to_string() };
                Some(vec![(variable.clone(), value.into_bytes())])
            }
            Rounds::Listed { variables, rounds } => {
                let values = rounds.next()?;
                Some(variables.iter().cloned().zip(values).collect())
            }
        }
    }
}

/// Reads forward over bytes.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn skip_blanks(&mut self) {
        self.0 = self.0.get(blanks(self.0)..).unwrap_or_default();
    }

    fn eat(&mut self, byte: u8) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if *first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    /// Bytes up to one of `stops` or the end.
    fn until(&mut self, stops: &[u8]) -> &'a [u8] {
        let end = self.0.iter().position(|byte| stops.contains(byte));
        let (word, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest;
        word
    }
}

/// Where the arguments of `~SEQ` begin and end (without the `)`), so that definitions in them can be replaced first.
pub(super) fn sequence_arguments(line: &[u8]) -> Option<std::ops::Range<usize>> {
    let comma = line.iter().position(|byte| *byte == b',')?;
    let length = line.get(comma..)?.iter().position(|byte| *byte == b')')?;
    Some(comma + 1..comma + length)
}

/// Reads `~SEQ(VAR, [START, [STEP,]] END) rest` and `~SEQx(...)`; returns the rounds and the offset of the rest.
pub(super) fn sequence(line: &[u8]) -> Result<(Rounds, usize), Fault> {
    let mut cursor = Cursor(line.get(4..).unwrap_or_default());
    let hex = cursor.eat(b'x');
    cursor.skip_blanks();
    if !cursor.eat(b'(') {
        return Err(Fault::Form);
    }
    cursor.skip_blanks();
    let variable = cursor.until(b" \t,)").to_vec();
    cursor.skip_blanks();
    if variable.is_empty() || variable.starts_with(b"{") || !cursor.eat(b',') {
        return Err(Fault::Form);
    }
    if !cursor.0.contains(&b')') {
        return Err(Fault::Parenthesis);
    }
    let mut numbers = Vec::new();
    loop {
        let (number, rest) = leading_integer(cursor.0);
        cursor.0 = rest;
        cursor.skip_blanks();
        numbers.push(number);
        if cursor.eat(b')') {
            break;
        }
        if !cursor.eat(b',') || numbers.len() == 3 {
            return Err(Fault::Form);
        }
    }
    let (start, step, last) = match *numbers {
        [end] if end < 0 => (-1, -1, end),
        [end] => (1, if end < 1 { -1 } else { 1 }, end),
        [start, end] => (start, if start <= end { 1 } else { -1 }, end),
        [start, step, end] => (start, step, end),
        _ => return Err(Fault::Form),
    };
    if step == 0 || (start < last && step < 0) || (start > last && step > 0) {
        return Err(Fault::Direction);
    }
    if hex && (start < 0 || last < 0) {
        return Err(Fault::Negative);
    }
    cursor.skip_blanks();
    let rounds = Rounds::Numbers { variable, next: Some(start), step, last, hex };
    Ok((rounds, line.len() - cursor.0.len()))
}

/// One word, or a set of words in braces. `closers` end an unbraced word.
fn word_set(cursor: &mut Cursor, most: usize, closers: &[u8]) -> Result<Vec<Vec<u8>>, Fault> {
    cursor.skip_blanks();
    let braced = cursor.eat(b'{');
    let mut words = Vec::new();
    loop {
        cursor.skip_blanks();
        words.push(cursor.until(closers).to_vec());
        cursor.skip_blanks();
        match cursor.0.first() {
            Some(b'}') if braced => {
                cursor.eat(b'}');
                break;
            }
            Some(b',' | b')') if !braced => break,
            Some(b',') if words.len() < most => cursor.eat(b','),
            Some(b',') => return Err(Fault::TooManyValues),
            _ => return Err(Fault::Form),
        };
    }
    cursor.skip_blanks();
    Ok(words)
}

/// Reads `~LST(VAR, V1, V2...) rest` and `~LST({A,B}, {a,b}...) rest`; returns the rounds and the offset of the rest.
pub(super) fn list(line: &[u8]) -> Result<(Rounds, usize), Fault> {
    let mut cursor = Cursor(line.get(4..).unwrap_or_default());
    cursor.skip_blanks();
    if !cursor.eat(b'(') {
        return Err(Fault::Form);
    }
    let variables = word_set(&mut cursor, usize::MAX, b" \t,}")?;
    let mut rounds = Vec::new();
    while cursor.eat(b',') {
        let mut values = word_set(&mut cursor, variables.len(), b" \t,})")?;
        values.resize(variables.len(), Vec::new());
        rounds.push(values);
    }
    if rounds.is_empty() || !cursor.eat(b')') {
        return Err(Fault::Form);
    }
    cursor.skip_blanks();
    let rounds = Rounds::Listed { variables, rounds: rounds.into_iter() };
    Ok((rounds, line.len() - cursor.0.len()))
}
