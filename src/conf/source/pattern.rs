//! File name patterns of `include` and `-f`: `* ? [ ]` and csh braces.
//!
//! Reads folders; never opens a file. Names come back as the pattern writes them, relative to the folder given.

use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// Most alternatives that the braces of one pattern may stand for.
const ALTERNATIVES: usize = 4096;

/// What a pattern found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Matches {
    /// Names in the order of the alternatives, each alternative's sorted
    pub names: Vec<Vec<u8>>,
    /// A name or folder without wildcards is not there
    pub missing: bool,
    /// The pattern has `*`, `?` or `[`
    pub wildcards: bool,
    /// Alternatives that its braces stand for, at least one
    pub alternatives: usize,
    /// There are more names, or folders that lead to them, than are looked at
    pub cut: bool,
}

/// Most names, and most folders on the way to them, that one alternative may stand for.
pub(super) const NAMES: usize = 10_000;

/// Whether the pattern has a brace that a backslash does not protect.
pub(super) fn has_braces(pattern: &[u8]) -> bool {
    let mut bytes = pattern.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'{' => return true,
            _ => {}
        }
    }
    false
}

fn is_wild(component: &[u8]) -> bool {
    component.iter().any(|byte| b"*?[".contains(byte))
}

/// The byte after a `{` up to its `}`, and the commas between on the same level, as offsets.
fn brace_group(pattern: &[u8]) -> Option<(usize, Vec<usize>, usize)> {
    let open = pattern.iter().position(|byte| *byte == b'{')?;
    let mut depth = 0;
    let mut commas = Vec::new();
    for (at, byte) in pattern.iter().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b',' if depth == 1 => commas.push(at),
            _ => {}
        }
        if depth == 0 {
            return Some((open, commas, at));
        }
    }
    None
}

/// The patterns that the braces stand for, in order.
fn alternatives(pattern: &[u8]) -> Vec<Vec<u8>> {
    let mut done = Vec::new();
    let mut left = vec![pattern.to_vec()];
    while let Some(pattern) = left.pop() {
        let group = brace_group(&pattern).filter(|_| done.len() + left.len() < ALTERNATIVES);
        let Some((open, commas, close)) = group else {
            done.push(pattern);
            continue;
        };
        let starts = std::iter::once(open).chain(commas.iter().copied());
        let ends = commas.iter().copied().chain(std::iter::once(close));
        let mut made: Vec<Vec<u8>> = starts
            .zip(ends)
            .map(|(start, end)| {
                let parts = [pattern.get(..open), pattern.get(start + 1..end), pattern.get(close + 1..)];
                parts.into_iter().flatten().flatten().copied().collect()
            })
            .collect();
        made.reverse();
        left.extend(made);
    }
    done
}

/// Whether `name` matches `pattern` (one path component), as glob(7) says.
fn component_matches(pattern: &[u8], name: &[u8]) -> bool {
    // Where to go on when a `*` has to take one byte more.
    let mut retry: Option<(usize, usize)> = None;
    let (mut p, mut n) = (0, 0);
    loop {
        let step = match (pattern.get(p), name.get(n)) {
            (None, None) => return true,
            (Some(b'*'), _) => {
                retry = Some((p, n));
                p += 1;
                continue;
            }
            (Some(b'?'), Some(_)) => Some(1),
            (Some(b'['), Some(byte)) => class(pattern.get(p..).unwrap_or_default(), *byte),
            (Some(b'\\'), Some(byte)) => (pattern.get(p + 1) == Some(byte)).then_some(2),
            (Some(want), Some(byte)) => (want == byte).then_some(1),
            (None, Some(_)) | (Some(_), None) => None,
        };
        match (step, retry) {
            (Some(step), _) => {
                p += step;
                n += 1;
            }
            (None, Some((star, taken))) if taken < name.len() => {
                retry = Some((star, taken + 1));
                p = star + 1;
                n = taken + 1;
            }
            _ => return false,
        }
    }
}

/// Length of the `[...]` at the start of `pattern` if it takes `byte`.
fn class(pattern: &[u8], byte: u8) -> Option<usize> {
    let negated = matches!(pattern.get(1), Some(b'!' | b'^'));
    let first = if negated { 2 } else { 1 };
    let after = pattern.iter().skip(first + 1).position(|b| *b == b']');
    let Some(end) = after.map(|at| at + first + 1) else {
        return (byte == b'[').then_some(1);
    };
    let members = pattern.get(first..end)?;
    let mut hit = false;
    let mut at = 0;
    while let Some(low) = members.get(at) {
        match (members.get(at + 1), members.get(at + 2)) {
            (Some(b'-'), Some(high)) => {
                hit |= (low..=high).contains(&&byte);
                at += 3;
            }
            _ => {
                hit |= *low == byte;
                at += 1;
            }
        }
    }
    (hit != negated).then_some(end + 1)
}

/// Names that one alternative stands for.
fn expand(base: &Path, pattern: &[u8], found: &mut Matches) {
    let mut names: Vec<Vec<u8>> = vec![Vec::new()];
    let mut seen_wild = false;
    for (index, component) in pattern.split(|byte| *byte == b'/').enumerate() {
        let wild = is_wild(component);
        let literal_so_far = !seen_wild;
        seen_wild |= wild;
        found.wildcards |= wild;
        let mut next = Vec::new();
        for mut name in names {
            if next.len() >= NAMES {
                found.cut = true;
                break;
            }
            if index > 0 {
                name.push(b'/');
            }
            if !wild {
                name.extend_from_slice(component);
                next.push(name);
                continue;
            }
            let folder = base.join(OsStr::from_bytes(if name.is_empty() { b"." } else { &name }));
            let listed = std::fs::read_dir(folder);
            found.missing |= listed.is_err() && literal_so_far;
            let entries = listed.into_iter().flatten().flatten();
            let hidden = component.starts_with(b".");
            next.extend(
                entries
                    .map(|entry| entry.file_name().into_vec())
                    .filter(|entry| hidden || !entry.starts_with(b"."))
                    .filter(|entry| component_matches(component, entry))
                    .map(|entry| [name.as_slice(), &entry].concat())
                    .take(NAMES + 1),
            );
        }
        found.cut |= next.len() > NAMES;
        next.truncate(NAMES);
        names = next;
    }
    let wild = is_wild(pattern);
    let there = |name: &Vec<u8>| base.join(OsStr::from_bytes(name)).symlink_metadata().is_ok();
    let mut names: Vec<Vec<u8>> = names.into_iter().filter(there).collect();
    names.sort();
    found.missing |= names.is_empty() && !wild;
    found.names.append(&mut names);
}

/// Looks for the files that `pattern` names, relative to the folder `base`.
pub(super) fn find(base: &Path, pattern: &[u8]) -> Matches {
    let mut found = Matches::default();
    for alternative in alternatives(pattern) {
        expand(base, &alternative, &mut found);
        found.alternatives += 1;
    }
    found
}

#[cfg(test)]
mod tests;
