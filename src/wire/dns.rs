//! Queries of DNS (RFC 1035) and the little that a check looks at in the replies.
//!
//! Used by DNS_CHECK. The answers of a server are not its health: only whether it answers, and with which code.

/// Bytes of the header, the least that a message has.
const HEADER_BYTES: usize = 12;
/// Recursion desired, nothing else.
const FLAGS: u16 = 0x0100;
/// The message is a reply.
const IS_REPLY: u8 = 0x80;
const CLASS_INTERNET: u16 = 1;
/// Longest label in bytes (RFC 1035 section 2.3.4).
const LONGEST_LABEL: usize = 63;
/// Longest name in bytes, lengths and the root's zero included (ibid.).
const LONGEST_NAME: usize = 255;

/// What a datagram says to somebody who waits for the reply to a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is no reply to this query: short, of another identifier, or a query itself
    Other,
    /// The reply, with its response code, 0 to 15; 0 is no error
    Reply(u8),
}

/// A query of the class Internet for one name, which is written with dots; a dot at the end changes nothing, and `.` as
/// well as nothing is the root. `None` if the name has an empty label, or is longer than DNS allows.
pub fn query(id: u16, kind: u16, name: &str) -> Option<Vec<u8>> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let mut message = Vec::with_capacity(HEADER_BYTES + name.len() + 2 + 4);
    for value in [id, FLAGS, 1, 0, 0, 0] {
        message.extend(value.to_be_bytes());
    }
    for label in name.split('.').filter(|_| !name.is_empty()) {
        let length = u8::try_from(label.len()).ok().filter(|_| (1..=LONGEST_LABEL).contains(&label.len()))?;
        message.push(length);
        message.extend(label.as_bytes());
    }
    message.push(0);
    if message.len() - HEADER_BYTES > LONGEST_NAME {
        return None;
    }
    for value in [kind, CLASS_INTERNET] {
        message.extend(value.to_be_bytes());
    }
    Some(message)
}

/// What a datagram says about the query with this identifier.
pub fn verdict(id: u16, message: &[u8]) -> Verdict {
    match message.get(..HEADER_BYTES) {
        Some(&[high, low, flags, code, ..]) if [high, low] == id.to_be_bytes() && flags & IS_REPLY != 0 => {
            Verdict::Reply(code & 0x0f)
        }
        _ => Verdict::Other,
    }
}

#[cfg(test)]
mod tests;
