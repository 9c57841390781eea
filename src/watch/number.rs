//! The number that a tracked file begins with, as C's `strtol` with base 0 finds it.
//!
//! Called by the hand that reads files.

/// How much of a file is looked at, in bytes.
pub const LOOKED_AT: usize = 127;

/// The number that a text begins with: blanks, a sign, then decimal digits, hexadecimal ones after `0x`, or octal ones
/// after `0`. What has none is 0; what does not fit 32 bits is refused, and the text of the digits is given back.
pub fn leading_number(text: &[u8]) -> Result<i32, String> {
    let text = text.get(..LOOKED_AT).unwrap_or(text);
    let text = text.trim_ascii_start_with_vertical_tab();
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (base, digits) = match rest {
        [b'0', b'x' | b'X', digits @ ..] if digits.first().is_some_and(u8::is_ascii_hexdigit) => (16, digits),
        [b'0', ..] => (8, rest),
        _ => (10, rest),
    };
    let digits: Vec<u32> = digits.iter().map_while(|byte| char::from(*byte).to_digit(base)).collect();
    let value = digits.iter().try_fold(0_i64, |value, digit| {
        let value = value.checked_mul(base.into())?.checked_add(i64::from(*digit))?;
        (value <= 1 << 31).then_some(value)
    });
    let signed = value.map(|value| if negative { -value } else { value });
    signed.and_then(|value| i32::try_from(value).ok()).ok_or_else(|| {
        let end = text.iter().position(|byte| !byte.is_ascii_alphanumeric() && !b"+-".contains(byte));
        String::from_utf8_lossy(text.get(..end.unwrap_or(text.len())).unwrap_or(text)).into_owned()
    })
}

/// What C calls blank: `\v` too.
trait TrimStart {
    fn trim_ascii_start_with_vertical_tab(&self) -> &[u8];
}

impl TrimStart for [u8] {
    fn trim_ascii_start_with_vertical_tab(&self) -> &[u8] {
        let begin = self.iter().position(|byte| !byte.is_ascii_whitespace() && *byte != 0x0b).unwrap_or(self.len());
        self.get(begin..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
