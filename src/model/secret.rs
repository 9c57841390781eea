//! Values that must never reach a log, a dump or a process list.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// What is shown in place of a secret.
const ASTERISKS: &str = "********";

/// Bytes of a password or a key. `Debug` and formats for people show asterisks; only [`Secret::expose`] and the frames
/// between our processes have the bytes.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Wraps the bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Secret(bytes.into())
    }

    /// The bytes, for the code that signs or compares packets.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ASTERISKS)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            to.serialize_str(ASTERISKS)
        } else {
            to.serialize_newtype_struct("Secret", &self.0)
        }
    }
}
