//! BFD control packets (RFC 5880 section 4.1).
//!
//! Without authentication, as keepalived speaks it: a packet that is signed is refused.

use thiserror::Error;

#[cfg(test)]
mod tests;

/// Length of a packet without authentication in bytes.
pub const LENGTH: usize = 24;

const VERSION: u8 = 1;

/// State of a session (`Sta`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Held down by its operator
    AdminDown,
    /// The peer is not heard, or does not hear us
    Down,
    /// The peer is heard
    Init,
    /// Both hear each other
    Up,
}

/// Why the sender's session left Up (`Diag`), 0 to 31; only 0 to 8 have a meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Diagnostic(u8);

impl Diagnostic {
    /// Nothing happened
    pub const NONE: Self = Diagnostic(0);
    /// No packet came for the detection time
    pub const EXPIRED: Self = Diagnostic(1);
    /// The peer said that its session is down
    pub const NEIGHBOR_DOWN: Self = Diagnostic(3);
    /// The way to the peer does not work on our side
    pub const PATH_DOWN: Self = Diagnostic(5);
    /// The operator wants it so
    pub const ADMIN_DOWN: Self = Diagnostic(7);

    /// The words of RFC 5880.
    pub fn words(self) -> &'static str {
        match self.0 {
            0 => "No Diagnostic",
            1 => "Control Detection Time Expired",
            2 => "Echo Function Failed",
            3 => "Neighbor Signaled Session Down",
            4 => "Forwarding Plane Reset",
            5 => "Path Down",
            6 => "Concatenated Path Down",
            7 => "Administratively Down",
            8 => "Reverse Concatenated Path Down",
            _ => "Reserved for future use",
        }
    }
}

/// A control packet. Intervals are microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Why the sender's session left Up
    pub diagnostic: Diagnostic,
    /// The sender's state
    pub state: State,
    /// P: wants an answer with F
    pub poll: bool,
    /// F: answers P
    pub last: bool,
    /// D: wants no periodic packets while both are up
    pub demand: bool,
    /// Detection multiplier, 1 to 255
    pub multiplier: u8,
    /// The sender's discriminator, not 0
    pub mine: u32,
    /// The receiver's discriminator, 0 if the sender does not know it
    pub yours: u32,
    /// The sender does not send faster than this
    pub desired_min_tx: u32,
    /// The sender does not want packets faster than this; 0: none at all
    pub required_min_rx: u32,
}

/// Why a packet is discarded (RFC 5880 section 6.8.6, in its order).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Fewer than 24 bytes
    #[error("packet is too short: {0} bytes")]
    Short(usize),
    /// Another version than 1
    #[error("unsupported BFD version: {0}")]
    Version(u8),
    /// The length field does not fit
    #[error("invalid length field: {field}, received {received}")]
    Length {
        /// What the packet says
        field: u8,
        /// What came
        received: usize,
    },
    /// Detection multiplier 0
    #[error("detection multiplier is 0")]
    Multiplier,
    /// M is reserved
    #[error("multipoint bit is set")]
    Multipoint,
    /// The sender's discriminator is 0
    #[error("my discriminator is 0")]
    NoDiscriminator,
    /// Ours is 0, though the sender hears us
    #[error("your discriminator is 0 in state {0:?}")]
    Unaddressed(State),
    /// P and F exclude each other (section 6.5)
    #[error("both poll and final bits are set")]
    PollAndFinal,
    /// A: we use no authentication
    #[error("authentication bit is set")]
    Authenticated,
}

impl Refusal {
    /// What is counted apart, in the order of the checks.
    pub const KINDS: [&str; 9] = [
        "too short",
        "version",
        "length field",
        "multiplier is 0",
        "multipoint",
        "my discriminator is 0",
        "your discriminator is 0",
        "poll and final",
        "authentication",
    ];

    /// Which of [`Refusal::KINDS`].
    pub fn kind(&self) -> usize {
        match self {
            Refusal::Short(_) => 0,
            Refusal::Version(_) => 1,
            Refusal::Length { .. } => 2,
            Refusal::Multiplier => 3,
            Refusal::Multipoint => 4,
            Refusal::NoDiscriminator => 5,
            Refusal::Unaddressed(_) => 6,
            Refusal::PollAndFinal => 7,
            Refusal::Authenticated => 8,
        }
    }
}

impl Packet {
    /// The bytes on the wire. C, A and M are not set, and no echo packets are wanted.
    pub fn encode(&self) -> [u8; LENGTH] {
        let flag = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
        let mut bytes = [0; LENGTH];
        bytes[0] = VERSION << 5 | self.diagnostic.0;
        bytes[1] = (self.state as u8) << 6 | flag(self.poll, 0x20) | flag(self.last, 0x10) | flag(self.demand, 0x02);
        bytes[2] = self.multiplier;
        bytes[3] = LENGTH as u8;
        let words = [self.mine, self.yours, self.desired_min_tx, self.required_min_rx, 0];
        for (place, word) in bytes[4..].chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_be_bytes());
        }
        bytes
    }

    /// Reads the payload of a datagram; what stands behind the packet is left alone.
    ///
    /// # Errors
    /// If it has to be discarded, whichever session it is for.
    pub fn decode(payload: &[u8]) -> Result<Self, Refusal> {
        let Some((bytes, _)) = payload.split_first_chunk::<LENGTH>() else {
            return Err(Refusal::Short(payload.len()));
        };
        let [head, flags, multiplier, length, ..] = *bytes;
        let word = |index: usize| u32::from_be_bytes([0, 1, 2, 3].map(|at| bytes[4 * index + at]));
        let [mine, yours, desired_min_tx, required_min_rx] = [1, 2, 3, 4].map(word);
        let state = [State::AdminDown, State::Down, State::Init, State::Up][usize::from(flags >> 6)];
        let has = |bit: u8| flags & bit != 0;
        if head >> 5 != VERSION {
            return Err(Refusal::Version(head >> 5));
        }
        if usize::from(length) < LENGTH || usize::from(length) > payload.len() {
            return Err(Refusal::Length { field: length, received: payload.len() });
        }
        if multiplier == 0 {
            return Err(Refusal::Multiplier);
        }
        if has(0x01) {
            return Err(Refusal::Multipoint);
        }
        if mine == 0 {
            return Err(Refusal::NoDiscriminator);
        }
        if yours == 0 && !matches!(state, State::Down | State::AdminDown) {
            return Err(Refusal::Unaddressed(state));
        }
        if has(0x20) && has(0x10) {
            return Err(Refusal::PollAndFinal);
        }
        if has(0x04) {
            return Err(Refusal::Authenticated);
        }
        Ok(Packet {
            diagnostic: Diagnostic(head & 0x1f),
            state,
            poll: has(0x20),
            last: has(0x10),
            demand: has(0x02),
            multiplier,
            mine,
            yours,
            desired_min_tx,
            required_min_rx,
        })
    }
}
