//! Keeps passwords out of complaints: tells which part of a line nobody may be shown, and takes it out of texts. Called
//! by `render` and `json` for all they show, and by whoever quotes a line or a word of it. A keyword that is misspelt or
//! in the wrong block counts too, for then its line is the one that is quoted.

use super::{Code, Diagnostic};
use crate::conf::place::Files;
use crate::conf::table::{blocks_with, distance};

/// Stands for a secret; its length says nothing about that of the secret.
pub(super) const MASK: &str = "********";

/// Names of secrets with an id or a form of their own in front (`auth_hmac`, `key`), or as other programs call them.
const NAMES: [&str; 5] = ["key", "auth_key", "auth_hmac", "secret", "smtp_login"];

/// What a name contains only if it is one of a password.
const PARTS: [&str; 5] = ["auth_p", "auth-p", "authp", "_pass", "passw"];

/// What the name of a definition contains that stands for a password.
const DEFINED: [&str; 5] = ["pass", "pw", "key", "secret", "token"];

/// What follows `auth_type`. Anything else may be a password in the wrong line.
const AUTH_TYPES: [&str; 3] = ["pass", "ah", "hmac"];

/// Longest word that can be a name.
const LONGEST_NAME: usize = 32;

/// How a name may go on after `auth_pass`. Anything else is a password with no blank in front of it.
const ENDINGS: [&str; 9] = ["", "d", "s", "w", "wd", "word", "wort", "phrase", "_phrase"];

/// Blanks and marks that nobody sees: a line that was pasted from a document has them where blanks should be.
const UNSEEN: [&str; 5] = ["\u{a0}", "\u{3000}", "\u{200b}", "\u{200d}", "\u{feff}"];

/// The byte of a word at which a password begins that is stuck to its keyword.
fn stuck_at(word: &[u8]) -> Option<usize> {
    let length = "auth_pass".len();
    let (keyword, rest) = word.split_at_checked(length)?;
    if !keyword.eq_ignore_ascii_case(b"auth_pass") || ENDINGS.contains(&lower(rest).as_str()) {
        return None;
    }
    let unseen = UNSEEN.iter().find(|mark| rest.starts_with(mark.as_bytes())).map_or(0, |mark| mark.len());
    Some(length + unseen)
}

fn lower(word: &[u8]) -> String {
    String::from_utf8_lossy(word.get(..word.len().min(LONGEST_NAME)).unwrap_or(word)).to_ascii_lowercase()
}

fn names_a_secret(word: &[u8], value: &[u8]) -> bool {
    let name = lower(word);
    if let Some(defined) = name.strip_prefix('$') {
        return DEFINED.iter().any(|part| defined.contains(part));
    }
    if distance(&name, "auth_type") <= 1 {
        let value = lower(value);
        return !AUTH_TYPES.iter().any(|kind| distance(&value, kind) <= kind.len() / 2);
    }
    NAMES.contains(&name.as_str())
        || PARTS.iter().any(|part| name.contains(part))
        || distance(&name, "auth_pass") <= 2
        || distance(&name, "smtp_login") <= 2
}

fn ends(byte: &u8) -> bool {
    b" \t{}=:\"'".contains(byte)
}

fn word_at(line: &[u8], from: usize) -> &[u8] {
    let rest = line.get(from..).unwrap_or_default();
    rest.split(ends).next().unwrap_or_default()
}

/// Where in a line a secret begins; all that follows may belong to it.
pub(super) fn secret_at(line: &[u8]) -> Option<usize> {
    let mut from = 0;
    while from < line.len() {
        let word = word_at(line, from);
        let behind = line.get(from + word.len()..).unwrap_or_default();
        let gap = behind.iter().take_while(|byte| ends(byte)).count();
        let value = from + word.len() + gap;
        if let Some(at) = stuck_at(word) {
            return Some(from + at);
        }
        if gap < behind.len() && !word.is_empty() && names_a_secret(word, word_at(line, value)) {
            return Some(value);
        }
        from = value.max(from + 1);
    }
    None
}

/// Where a secret may begin in the line of a complaint, or in a line that a definition put there, at `column` from 1.
pub(super) fn secret_of(about: &Diagnostic, line: &[u8], column: u32) -> Option<usize> {
    let own = secret_at(line);
    if !about.confidential {
        return own;
    }
    let start = (column as usize).saturating_sub(1);
    let keyword = word_at(line, start);
    let behind = line.get(start + keyword.len()..)?;
    let gap = behind.iter().take_while(|byte| ends(byte)).count();
    let value = (gap < behind.len()).then_some(start + keyword.len() + gap);
    own.into_iter().chain(value).min()
}

/// Whether a line has a secret in it.
pub fn holds_secret(line: &[u8]) -> bool {
    secret_at(line).is_some()
}

/// A line, or a word of one, as it may be quoted.
pub fn conceal(line: &[u8]) -> String {
    match secret_at(line).and_then(|at| line.get(..at)) {
        Some(open) => format!("{}{MASK}", String::from_utf8_lossy(open)),
        None => String::from_utf8_lossy(line).into_owned(),
    }
}

/// Where a secret begins in the line where a definition's value was written: by its own words, or because it is used as
/// one.
pub(super) fn secret_in_definition(files: &Files, about: &Diagnostic) -> Option<usize> {
    let place = about.place.as_ref()?;
    let written = place.written?;
    let line = files.get(written.file)?.line(written.line)?;
    let value = (written.column as usize).saturating_sub(1);
    let used = files.get(place.at.file)?.line(place.at.line)?;
    let is_secret = secret_at(used).is_some_and(|at| at < place.at.column as usize);
    let own = secret_of(about, line, written.column);
    // The place may be in the middle of the value: all of it is a secret.
    let start = line.iter().position(|byte| *byte == b'=').map_or(value, |equals| value.min(equals + 1));
    if is_secret { Some(own.map_or(start, |own| own.min(start))) } else { own }
}

/// A text of a complaint without the secrets of the line that it is about.
pub(super) fn scrub(text: &str, about: &Diagnostic, files: &Files) -> String {
    // That note quotes nothing, and a word of it that is masked would tell the password.
    let Some(place) = about.place.as_ref().filter(|_| about.code != Code::WeakPassword) else {
        return text.to_string();
    };
    let line = |file, number| files.get(file).and_then(|file| file.line(number));
    let used = line(place.at.file, place.at.line).and_then(|line| line.get(secret_of(about, line, place.at.column)?..));
    // The rest of a line that is too long begins within a secret.
    let cut = line(place.at.file, place.at.line).and_then(|line| {
        let from = (place.at.column as usize).saturating_sub(1);
        line.get(from..).filter(|_| secret_at(line).is_some_and(|at| at < from))
    });
    let defined =
        place.written.and_then(|written| line(written.file, written.line)?.get(secret_in_definition(files, about)?..));
    let secrets: Vec<String> =
        used.into_iter().chain(cut).chain(defined).map(|secret| String::from_utf8_lossy(secret).into_owned()).collect();
    let words: Vec<&str> = secrets
        .iter()
        .flat_map(|secret| secret.split(between))
        .filter(|word| word.contains(char::is_alphanumeric))
        .collect();
    if words.is_empty() {
        return text.to_string();
    }
    let mask = |part: &str| {
        let word = part.trim_end_matches(between);
        // A keyword is what it is; masked, it would tell what the secret contains.
        let known = blocks_with(word.as_bytes()).next().is_some();
        let betrays = !known && words.iter().any(|secret| betrays(word, secret));
        if betrays { format!("{MASK}{}", part.get(word.len()..).unwrap_or_default()) } else { part.to_string() }
    };
    text.split_inclusive(between).map(mask).collect()
}

/// What stands between words, in a file and in a text about it.
fn between(c: char) -> bool {
    c.is_whitespace() || "\"'`{}()<>,;".contains(c)
}

/// Fewest letters of a secret that count as a part of it.
const PART: usize = 4;

/// Whether a word of a text is a secret, has it in it, or is the beginning of one that was cut short.
fn betrays(word: &str, secret: &str) -> bool {
    let long = |text: &str| text.chars().count() >= PART;
    word == secret || (long(secret) && word.contains(secret)) || (long(word) && secret.starts_with(word))
}
