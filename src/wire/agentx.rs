//! AgentX (RFC 2741): what a subagent and the master agent of SNMP say to each other.
//!
//! Bytes to packets and back, without state. Whatever arrives is answered with a packet or an [`Error`]. Octet strings are
//! octets, not text: addresses are served as such.

use std::fmt;
use std::net::Ipv4Addr;

use thiserror::Error;

/// The length of the header (section 6.1).
pub const HEADER: usize = 20;

/// The longest packet behind its header that is read. The master agent sends requests of a few hundred octets.
pub const LONGEST: usize = 1 << 20;

/// The most parts of a name (RFC 2578 section 3.5).
const MOST_PARTS: usize = 128;

/// The only version that there is.
const VERSION: u8 = 1;

/// Flags of the header.
const NON_DEFAULT_CONTEXT: u8 = 1 << 3;
const NETWORK_BYTE_ORDER: u8 = 1 << 4;

/// What a compressed name begins with (section 5.1).
const INTERNET: [u32; 4] = [1, 3, 6, 1];

/// Why octets are no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// It ends too early
    #[error("an AgentX packet ends too early")]
    Short,
    /// Too much behind its end
    #[error("octets behind the end of an AgentX packet")]
    Rest,
    /// Too long
    #[error("an AgentX packet of {0} octets")]
    Long(usize),
    /// Another version
    #[error("version {0} of AgentX")]
    Version(u8),
    /// A type of packet that does not exist
    #[error("an AgentX packet of type {0}")]
    Kind(u8),
    /// A type of value that does not exist
    #[error("an AgentX value of type {0}")]
    Value(u16),
    /// A name of too many parts
    #[error("an object identifier of {0} parts")]
    Name(usize),
}

/// The name of an object: an object identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid(pub Vec<u32>);

impl Oid {
    /// The name with further parts.
    pub fn with(&self, parts: &[u32]) -> Oid {
        Oid([self.0.as_slice(), parts].concat())
    }

    /// Whether it is this one or below it.
    pub fn is_in(&self, tree: &Oid) -> bool {
        self.0.starts_with(&tree.0)
    }
}

impl From<&[u32]> for Oid {
    fn from(parts: &[u32]) -> Self {
        Oid(parts.to_vec())
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| write!(f, ".{part}"))
    }
}

/// A value (section 5.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// INTEGER
    Integer(i32),
    /// OCTET STRING
    Octets(Vec<u8>),
    /// Nothing
    Null,
    /// OBJECT IDENTIFIER
    Name(Oid),
    /// IpAddress
    IpAddress(Ipv4Addr),
    /// Counter32
    Counter32(u32),
    /// Gauge32, Unsigned32
    Gauge32(u32),
    /// TimeTicks, in hundredths of a second
    TimeTicks(u32),
    /// Opaque
    Opaque(Vec<u8>),
    /// Counter64
    Counter64(u64),
    /// There is no such object
    NoSuchObject,
    /// The object has no such instance
    NoSuchInstance,
    /// Nothing follows
    EndOfMibView,
}

/// A name and what it has for a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind {
    /// Name
    pub name: Oid,
    /// Value
    pub value: Value,
}

/// Where a search begins and ends (section 5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The beginning
    pub start: Oid,
    /// The beginning itself is looked at
    pub include: bool,
    /// The end, which is not; nothing: none
    pub end: Oid,
}

/// A packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The session
    pub session: u32,
    /// What requests of a manager belong together
    pub transaction: u32,
    /// What an answer refers to
    pub packet: u32,
    /// Not for the ordinary context, but for this one
    pub context: Option<Vec<u8>>,
    /// What is said
    pub body: Body,
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Begins a session
    Open {
        /// Seconds that the master agent waits for answers; 0: as it likes
        timeout: u8,
        /// Who we are; nothing: nobody
        id: Oid,
        /// In words
        description: Vec<u8>,
    },
    /// Ends a session, for a reason of section 6.2.2
    Close(u8),
    /// Requests for this tree are for us
    Register {
        /// Seconds, as in `Open`
        timeout: u8,
        /// 1 to 255, the smallest is asked
        priority: u8,
        /// The tree
        tree: Oid,
    },
    /// No longer
    Unregister {
        /// As it was registered
        priority: u8,
        /// The tree
        tree: Oid,
    },
    /// What are these?
    Get(Vec<Range>),
    /// What follows these?
    GetNext(Vec<Range>),
    /// What follows these, many times?
    GetBulk {
        /// The first ranges are asked once
        once: u16,
        /// How often the others are
        times: u16,
        /// Ranges
        ranges: Vec<Range>,
    },
    /// Could these be set?
    TestSet(Vec<Bind>),
    /// Set them
    CommitSet,
    /// Set them back
    UndoSet,
    /// It is over
    CleanupSet,
    /// Tell managers
    Notify(Vec<Bind>),
    /// Are you there?
    Ping,
    /// What we can is described there
    AddCaps {
        /// Where
        id: Oid,
        /// In words
        description: Vec<u8>,
    },
    /// No longer
    RemoveCaps(Oid),
    /// An answer
    Response {
        /// The master agent's uptime in hundredths of a second
        uptime: u32,
        /// 0, or what went wrong (section 6.2.16, RFC 3416 section 3)
        error: u16,
        /// With which value, from 1 on; 0: none of them
        index: u16,
        /// Values
        binds: Vec<Bind>,
    },
}

/// How many octets come behind a header.
pub fn rest(header: &[u8; HEADER]) -> Result<usize, Error> {
    let [version, _, flags, _, .., a, b, c, d] = *header;
    if version != VERSION {
        return Err(Error::Version(version));
    }
    let octets = [a, b, c, d];
    let length = if flags & NETWORK_BYTE_ORDER != 0 { u32::from_be_bytes(octets) } else { u32::from_le_bytes(octets) };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > LONGEST { Err(Error::Long(length)) } else { Ok(length) }
}

mod read;
mod write;

#[cfg(test)]
mod tests;
