//! The text that checks send where the server does not care what it is sent.

const TEXT: &[u8] = b"keepalived check - ";

/// The text, over and over.
pub fn bytes() -> impl Iterator<Item = u8> {
    TEXT.iter().copied().cycle()
}
