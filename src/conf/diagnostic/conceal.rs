//! Keeps passwords out of complaints: tells which part of a line nobody may be shown. Called by `render` for excerpts
//! and by whoever quotes a line or a word of it. A keyword that is misspelt or in the wrong block counts too, for then
//! its line is the one that is quoted.

use crate::conf::table::distance;

/// Stands for a secret; its length says nothing about that of the secret.
pub(super) const MASK: &str = "********";

/// Names of secrets with an id or a form of their own in front (`auth_hmac`, `key`), or as other programs call them.
const NAMES: [&str; 4] = ["key", "auth_key", "auth_hmac", "secret"];

/// What a name contains only if it is one of a password.
const PARTS: [&str; 5] = ["auth_p", "auth-p", "authp", "_pass", "passw"];

fn names_a_secret(word: &[u8]) -> bool {
    let name = String::from_utf8_lossy(word.get(..word.len().min(32)).unwrap_or(word)).to_ascii_lowercase();
    NAMES.contains(&name.as_str()) || PARTS.iter().any(|part| name.contains(part)) || distance(&name, "auth_pass") <= 2
}

/// Where in a line a secret begins; all that follows may belong to it.
pub(super) fn secret_at(line: &[u8]) -> Option<usize> {
    let ends = |byte: &u8| b" \t{}=:\"'".contains(byte);
    let mut from = 0;
    while let Some(rest) = line.get(from..).filter(|rest| !rest.is_empty()) {
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(length);
        let gap = behind.iter().take_while(|byte| ends(byte)).count();
        if gap < behind.len() && names_a_secret(word) {
            return Some(from + length + gap);
        }
        from += length + gap.max(1);
    }
    None
}

/// A line, or a word of one, as it may be quoted.
pub fn conceal(line: &[u8]) -> String {
    match secret_at(line).and_then(|at| line.get(..at)) {
        Some(open) => format!("{}{MASK}", String::from_utf8_lossy(open)),
        None => String::from_utf8_lossy(line).into_owned(),
    }
}
