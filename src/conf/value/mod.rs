//! Words into values: yes or no, numbers, times, addresses.
//!
//! Pure readers of one word. A [`Fault`] carries keepalived's words; who reads decides what comes of it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why a word is not the value it should be, in keepalived's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(pub String);

/// Digits after the point, and the word for what a decimal counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// Smallest value, in units of the last digit
    pub min: u64,
    /// Largest value, in units of the last digit
    pub max: u64,
    /// Digits after the point
    pub digits: u32,
}

impl Decimal {
    /// A time in seconds with microseconds; `min` and `max` in microseconds.
    pub const fn seconds(min: u64, max: u64) -> Self {
        Decimal { min, max, digits: 6 }
    }

    /// A value with three decimals.
    pub const fn thousandths(min: u64, max: u64) -> Self {
        Decimal { min, max, digits: 3 }
    }
}

/// `true on yes` / `false off no`, lower case.
pub fn boolean(word: &str) -> Option<bool> {
    match word {
        "true" | "on" | "yes" => Some(true),
        "false" | "off" | "no" => Some(false),
        _ => None,
    }
}

fn space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

/// What C's `strtol` reads in the given base (0: decimal, `0x` hexadecimal, `0` octal): the number, saturated, and what
/// follows. Nothing read is 0 with all of the text left.
fn integer(text: &[u8], base: u32) -> (i128, &[u8]) {
    let start = text.iter().take_while(|byte| space(byte)).count();
    let mut rest = text.get(start..).unwrap_or_default();
    let negative = match rest.first() {
        Some(b'-') => true,
        Some(b'+') => false,
        _ => {
            let (value, after) = magnitude(rest, base);
            return match after.len() == rest.len() {
                true => (0, text),
                false => (value, after),
            };
        }
    };
    rest = rest.get(1..).unwrap_or_default();
    let (value, after) = magnitude(rest, base);
    match after.len() == rest.len() {
        true => (0, text),
        false => (if negative { -value } else { value }, after),
    }
}

fn magnitude(text: &[u8], base: u32) -> (i128, &[u8]) {
    let hex_digit = text.get(2).is_some_and(u8::is_ascii_hexdigit);
    let hex = base == 0 && hex_digit && matches!(text, [b'0', b'x' | b'X', ..]);
    let (base, digits) = match (base, text.first()) {
        _ if hex => (16, text.get(2..).unwrap_or_default()),
        (0, Some(b'0')) => (8, text),
        (0, _) => (10, text),
        _ => (base, text),
    };
    let digit = |byte: &u8| (*byte as char).to_digit(base);
    let count = digits.iter().map_while(digit).count();
    let (number, rest) = digits.split_at(count);
    if count <= 18 && base == 10 {
        // Nearly all numbers: fewer digits than 64 bits can hold.
        let value = number.iter().fold(0_u64, |value, digit| value * 10 + u64::from(digit - b'0'));
        return (value.into(), rest);
    }
    let value = number
        .iter()
        .filter_map(digit)
        .fold(0_i128, |value, digit| value.saturating_mul(base as i128).saturating_add(digit as i128).min(1 << 100));
    (value, rest)
}

/// Reads an integer of any base at the start of `text`, as `strtol` does, saturated to 64 bits; and what follows.
pub fn leading_integer(text: &[u8]) -> (i64, &[u8]) {
    let (value, rest) = integer(text, 0);
    let value = value.clamp(i64::MIN as i128, i64::MAX as i128);
    (value as i64, rest)
}

/// Reads a decimal integer at the start of `text`, as `strtol` does, saturated to 32 bits; 0 if there is none.
pub fn leading_decimal(text: &[u8]) -> i32 {
    let (value, _) = integer(text, 10);
    value.clamp(i128::from(i32::MIN), i128::from(i32::MAX)) as i32
}

/// A whole number in `min..=max`, decimal, which may be negative.
pub fn signed(word: &str, min: i64, max: i64) -> Result<i64, Fault> {
    let (value, rest) = integer(word.as_bytes(), 10);
    if !rest.is_empty() {
        return Err(Fault(format!("invalid number '{word}'")));
    }
    if i32::try_from(value).is_err() {
        return Err(Fault(format!("number '{word}' outside integer range")));
    }
    match value as i64 {
        value if (min..=max).contains(&value) => Ok(value),
        _ => Err(Fault(format!("number '{word}' outside range [{min}, {max}]"))),
    }
}

/// A whole number in `min..=max`, decimal, not negative.
pub fn unsigned(word: &str, min: u64, max: u64) -> Result<u64, Fault> {
    unsigned_in_base(word, 10, min, max)
}

/// A whole number in `min..=max`; base 0 also takes `0x` and a leading 0 for octal.
pub fn unsigned_in_base(word: &str, base: u32, min: u64, max: u64) -> Result<u64, Fault> {
    let text = word.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    if text.starts_with('-') {
        return Err(Fault(format!("negative number '{word}'")));
    }
    let (value, rest) = integer(text.as_bytes(), base);
    if !rest.is_empty() {
        return Err(Fault(format!("invalid number '{word}'")));
    }
    if u32::try_from(value).is_err() {
        return Err(Fault(format!("number '{word}' outside unsigned integer range")));
    }
    match value as u64 {
        value if (min..=max).contains(&value) => Ok(value),
        _ => Err(Fault(format!("number '{word}' outside range [{min}, {max}]"))),
    }
}

/// A whole number of 64 bits, decimal, not negative.
pub fn unsigned64(word: &str) -> Result<u64, Fault> {
    let text = word.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let (value, rest) = integer(text.as_bytes(), 10);
    match u64::try_from(value) {
        _ if text.starts_with('-') => Err(Fault(format!("negative number '{word}'"))),
        _ if !rest.is_empty() => Err(Fault(format!("invalid number '{word}'"))),
        Ok(value) => Ok(value),
        Err(_) => Err(Fault(format!("number '{word}' outside unsigned 64 bit range"))),
    }
}

/// A decimal read, and what is still to be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// In units of the last digit
    pub value: u64,
    /// Used in spite of this
    pub complaint: Option<Fault>,
}

/// A number with decimals. Too many of them are rounded, and complained of.
///
/// keepalived uses a number with a suffix as if it counted the smallest unit (`1m` is a microsecond); we do as well where
/// its range allows it, so that both do the same, and complain.
pub fn decimal(word: &str, range: Decimal) -> Result<Read, Fault> {
    let digits = range.digits as usize;
    if word.starts_with('-') {
        return Err(Fault(format!("negative number '{word}'")));
    }
    let (whole, fraction) = word.split_once('.').unwrap_or((word, ""));
    let mut complaint = None;
    let mut round_up = false;
    let mut kept = fraction.as_bytes();
    if kept.len() > digits {
        complaint = Some(Fault(format!("number '{word}' has too many decimal places")));
        round_up = kept.get(digits).is_some_and(|digit| *digit >= b'5');
        kept = kept.get(..digits).unwrap_or_default();
    }
    let mut padded = [whole.as_bytes(), kept].concat();
    padded.resize(padded.len() + digits - kept.len(), b'0');
    let (value, rest) = integer(&padded, 10);
    let value = value + i128::from(round_up);
    if !rest.is_empty() {
        complaint = Some(Fault(format!("invalid number '{word}'")));
    }
    let Ok(value) = u64::try_from(value) else {
        return Err(Fault(format!("number '{word}' outside unsigned decimal range")));
    };
    if (range.min..=range.max).contains(&value) {
        return Ok(Read { value, complaint });
    }
    let unit = 10_u64.pow(range.digits);
    let show = |n: u64| format!("{}.{:0digits$}", n / unit, n % unit);
    let (min, max) = (show(range.min), show(range.max));
    Err(complaint
        .filter(|_| !rest.is_empty())
        .unwrap_or_else(|| Fault(format!("number '{word}' outside range [{min}, {max}]"))))
}

/// An address, IPv6 if it has a colon. No port, no prefix, no short forms.
pub fn address(word: &str) -> Option<IpAddr> {
    if word.contains(':') {
        word.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
    } else {
        word.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
    }
}

/// An address outside address lines: what follows the first `-` or `/` is cut off.
pub fn plain_address(word: &str) -> Option<IpAddr> {
    address(word.split(['-', '/']).next().unwrap_or_default())
}

#[cfg(test)]
mod tests;
