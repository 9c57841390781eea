//! BFD control packets (RFC 5880 section 4.1), read field by field whatever they say.

use std::net::IpAddr;
use std::time::Duration;

use super::{array, u16_at};

/// The state that a packet tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Held down by its operator.
    AdminDown,
    /// Hears nobody, or is not heard.
    Down,
    /// Hears the other.
    Init,
    /// Hears the other, and is heard.
    Up,
}

/// A control packet with what surrounds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Bfd {
    /// Source of the IP packet.
    pub source: IpAddr,
    /// Destination of the IP packet.
    pub target: IpAddr,
    /// TTL or hop limit.
    pub ttl: u8,
    /// Source port.
    pub source_port: u16,
    /// Destination port: 3784, or 4784 over several hops.
    pub port: u16,
    /// Why the session was last down.
    pub diagnostic: u8,
    /// The sender's state.
    pub state: State,
    /// Wants an answer with the final bit.
    pub poll: bool,
    /// Answers a poll.
    pub last: bool,
    /// Detection multiplier.
    pub multiplier: u8,
    /// The sender's discriminator.
    pub mine: u32,
    /// The receiver's.
    pub yours: u32,
    /// What the sender would send at.
    pub tx: Duration,
    /// What it can receive at.
    pub rx: Duration,
    /// What RFC 5880 section 6.8.6 would discard it for, and what nobody here sends: demand, authentication, echo.
    pub faults: Vec<String>,
}

/// Reads a UDP packet; nothing unless it goes to one of the ports of BFD.
pub fn read(udp: &[u8], source: IpAddr, target: IpAddr, ttl: u8) -> Option<Bfd> {
    let port = u16_at(udp, 2).filter(|port| matches!(port, 3784 | 4784))?;
    let payload = udp.get(8..)?;
    let word = |at: usize| array::<4>(payload, at).map(u32::from_be_bytes);
    let micros = |at: usize| word(at).map(|count| Duration::from_micros(count.into()));
    let [head, flags, multiplier, length] = array(payload, 0)?;
    let state = [State::AdminDown, State::Down, State::Init, State::Up][usize::from(flags >> 6)];
    let (mine, yours) = (word(4)?, word(8)?);
    let mut faults = Vec::new();
    let mut fault = |is_so: bool, text: String| is_so.then(|| faults.push(text));
    fault(head >> 5 != 1, format!("version {}", head >> 5));
    fault(head & 0x1f > 8, format!("diagnostic {}", head & 0x1f));
    fault(flags & 0x30 == 0x30, "poll and final".to_owned());
    fault(flags & 0x0f != 0, format!("flags {:#04x}", flags & 0x0f));
    fault(multiplier == 0, "multiplier 0".to_owned());
    fault(length != 24 || payload.len() != 24, format!("length {length} of {}", payload.len()));
    fault(mine == 0, "no discriminator".to_owned());
    fault(yours == 0 && matches!(state, State::Init | State::Up), format!("to nobody in state {state:?}"));
    fault(word(20)? != 0, "wants echoes".to_owned());
    Some(Bfd {
        source,
        target,
        ttl,
        source_port: u16_at(udp, 0)?,
        port,
        diagnostic: head & 0x1f,
        state,
        poll: flags & 0x20 != 0,
        last: flags & 0x10 != 0,
        multiplier,
        mine,
        yours,
        tx: micros(12)?,
        rx: micros(16)?,
        faults,
    })
}
