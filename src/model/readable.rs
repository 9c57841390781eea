//! How values look in formats for people. In the frames between our processes they are as serde derives them.
//!
//! Formats for people are written only: nothing reads them back.

use std::ffi::OsString;

use serde::{Serialize, Serializer};

/// Words of a command, as text.
pub fn words<S: Serializer>(words: &Vec<OsString>, to: S) -> Result<S::Ok, S::Error> {
    if to.is_human_readable() {
        to.collect_seq(words.iter().map(|word| word.to_string_lossy()))
    } else {
        words.serialize(to)
    }
}

/// Octets, as hexadecimal digits.
pub fn octets<T: AsRef<[u8]> + Serialize, S: Serializer>(octets: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
    match octets {
        Some(octets) if to.is_human_readable() => {
            let digits: String = octets.as_ref().iter().map(|octet| format!("{octet:02x}")).collect();
            to.serialize_some(&digits)
        }
        _ => octets.serialize(to),
    }
}

/// Bytes that are meant as text.
pub fn text<S: Serializer>(bytes: &Vec<u8>, to: S) -> Result<S::Ok, S::Error> {
    if to.is_human_readable() { to.serialize_str(&String::from_utf8_lossy(bytes)) } else { bytes.serialize(to) }
}

#[cfg(test)]
mod tests;
