//! How values look in formats for people. In the frames between our processes they are as serde derives them.
//!
//! Formats for people are written only: nothing reads them back.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Words of a command, as text.
pub fn words<S: Serializer>(words: &Vec<OsString>, to: S) -> Result<S::Ok, S::Error> {
    if to.is_human_readable() {
        to.collect_seq(words.iter().map(|word| word.to_string_lossy()))
    } else {
        words.serialize(to)
    }
}

/// A path, as text. Between our processes it is its bytes, which need not be text.
pub mod path {
    use super::*;

    /// Writes it.
    pub fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
        Shown(path.as_os_str()).serialize(to)
    }

    /// Reads what was written for our own processes.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        OsString::deserialize(from).map(PathBuf::from)
    }
}

/// A path that may be missing.
pub mod optional_path {
    use super::*;

    /// Writes it.
    pub fn serialize<S: Serializer>(path: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
        path.as_ref().map(|path| Shown(path.as_os_str())).serialize(to)
    }

    /// Reads what was written for our own processes.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
        Ok(Option::<OsString>::deserialize(from)?.map(PathBuf::from))
    }
}

/// A path that may be missing, or be left to the program.
pub mod usual_path {
    use super::*;

    /// Writes it.
    pub fn serialize<S: Serializer>(path: &Option<Option<PathBuf>>, to: S) -> Result<S::Ok, S::Error> {
        path.as_ref().map(|path| path.as_ref().map(|path| Shown(path.as_os_str()))).serialize(to)
    }

    /// Reads what was written for our own processes.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<PathBuf>>, D::Error> {
        Ok(Option::<Option<OsString>>::deserialize(from)?.map(|path| path.map(PathBuf::from)))
    }
}

/// What is text only for people.
struct Shown<'a>(&'a OsStr);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() { to.serialize_str(&self.0.to_string_lossy()) } else { self.0.serialize(to) }
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
