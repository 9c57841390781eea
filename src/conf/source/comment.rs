//! Taking comments and outer blanks off a line.

use crate::conf::text::Text;

pub(super) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Length of the blanks (space, tab) at the start.
pub(super) fn blanks(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| is_blank(**byte)).count()
}

/// Cuts blanks (space, tab) off the end.
pub(super) fn trim_end(text: &mut Text) {
    let kept = text.bytes().iter().rposition(|byte| !is_blank(*byte));
    text.truncate(kept.map_or(0, |last| last + 1));
}

/// Strips a line: leading blanks, then a comment (`#` or `!` outside double quotes, up to the end), then trailing blanks.
/// `\#` and `\!` outside quotes lose their backslash. A backslash at the very end stays, without the blanks before it.
///
/// Returns the offset of a double quote that is never closed.
pub(super) fn strip(text: &mut Text) -> Option<usize> {
    text.drop_front(blanks(text.bytes()));
    let odd = |byte: &u8| matches!(byte, b'"' | b'\\' | b'#' | b'!');
    let Some(first) = text.bytes().iter().position(odd) else {
        trim_end(text);
        return None;
    };
    let mut quote = None;
    let mut continued = false;
    let mut at = first;
    while let Some(&byte) = text.bytes().get(at) {
        match byte {
            b'"' => quote = quote.map_or(Some(at), |_| None),
            b'\\' => match text.bytes().get(at + 1) {
                None => continued = true,
                Some(b'#' | b'!') if quote.is_none() => text.replace(at..at + 1, &[], None),
                Some(_) => at += 1,
            },
            b'#' | b'!' if quote.is_none() => text.truncate(at),
            _ => {}
        }
        at += 1;
    }
    if continued {
        let backslash = text.len() - 1;
        let before = text.bytes().get(..backslash).unwrap_or_default();
        let kept = before.iter().rposition(|byte| !is_blank(*byte));
        text.replace(kept.map_or(0, |last| last + 1)..backslash, &[], None);
    } else {
        trim_end(text);
    }
    quote
}
