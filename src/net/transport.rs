//! Sockets for requests: many requests in one send, their answers read at once.
//!
//! The kernel carries out requests of rtnetlink and of generic netlink inside `sendmsg`, and the next part of a dump
//! inside `recvmsg`, so answers are in the receive queue when these calls return. Nothing here ever waits; an answer that
//! is not there is lost. Requests come as bytes, and nothing is known of what they say. Called by the other files of this
//! room only.

use std::fmt;
use std::io::IoSliceMut;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd};

use netlink_packet_core::{ErrorBuffer, NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, NetlinkBuffer, NlasIterator};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, NetlinkAddr, recvmsg, sendto};
use rtnetlink::sys::{Socket, SocketAddr};

use super::{NetError, buffer};
use crate::model::settings;
use crate::wire::netlink;

/// Bounds of one send. An answer takes some 800 bytes of receive buffer; the smallest usual buffer
/// (`net.core.rmem_default`, 212,992 bytes) holds those of a full batch three times over.
const BATCH_MESSAGES: usize = 64;
const BATCH_BYTES: usize = 32 * 1024;

/// Usual size of the receive buffer: the smallest usual `net.core.rmem_default`.
const BUFFER_BYTES: usize = 212_992;

/// More than any message without `IFLA_EXT_MASK` needs; the kernel fills a dump's parts up to the reader's buffer.
pub(super) const RECEIVE_BYTES: usize = 64 * 1024;

/// A dump that changed under way is read again, at most so many times in all.
const DUMP_ATTEMPTS: usize = 8;

/// The kernel's refusal of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The error number
    pub errno: Errno,
    /// The kernel's explanation (`NLMSGERR_ATTR_MSG`, linux/netlink.h), if it gave one
    pub hint: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.errno.desc())?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// A netlink socket for requests in the network namespace of the thread that opened it.
#[derive(Debug)]
pub(super) struct Transport {
    pub(super) socket: Socket,
    sequence: u32,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
}

impl Transport {
    /// Opens a socket of a protocol (`NETLINK_*`); `action` is what is tried.
    ///
    /// # Errors
    /// [`NetError::Socket`] if the process may not have it.
    pub(super) fn open(protocol: isize, action: &'static str) -> Result<Self, NetError> {
        let socket = open(protocol, action)?;
        Ok(Transport { socket, sequence: 0, outgoing: Vec::new(), incoming: vec![0; RECEIVE_BYTES] })
    }

    /// Sets the receive buffer, in which answers wait. Of a small one too, no answer is lost for good.
    ///
    /// # Errors
    /// [`NetError::Socket`] if the kernel refuses the size.
    pub(super) fn set_buffer(&self, wanted: settings::NetlinkBuffer) -> Result<(), NetError> {
        buffer::set(&self.socket, wanted, BUFFER_BYTES)
    }

    /// Sends the requests in order and many at a time, and returns the kernel's answer to each.
    ///
    /// The kernel tells of every refusal, and of success where it is asked to (`NLM_F_ACK`): that of the last request of
    /// a send says that all before it are done.
    ///
    /// A request whose answer got lost is sent once more by itself, so the caller takes "it is there already" for
    /// success of an addition, and "there is no such thing" for success of a removal.
    pub(super) fn transact(&mut self, mut requests: Vec<Vec<u8>>) -> Vec<Result<(), Refusal>> {
        let sizes: Vec<usize> = requests.iter().map(Vec::len).collect();
        let mut answers = vec![None; requests.len()];
        for batch in batches(&sizes) {
            if let (Some(requests), Some(answers)) = (requests.get_mut(batch.clone()), answers.get_mut(batch)) {
                self.exchange(requests, answers);
            }
        }
        for (request, answer) in requests.iter_mut().zip(&mut answers) {
            if answer.is_none() {
                self.exchange(std::slice::from_mut(request), std::slice::from_mut(answer));
            }
        }
        answers.into_iter().map(|answer| answer.unwrap_or_else(|| Err(no_answer()))).collect()
    }

    /// One send and its answers. What is not answered stays `None`.
    fn exchange(&mut self, requests: &mut [Vec<u8>], answers: &mut [Option<Result<(), Refusal>>]) {
        let first = self.sequence.wrapping_add(1);
        self.outgoing.clear();
        let count = requests.len();
        for (place, request) in requests.iter_mut().enumerate() {
            netlink::number(request, self.next_sequence());
            netlink::acknowledge(request, place + 1 == count);
            append(&mut self.outgoing, request);
        }
        if let Err(errno) = self.send() {
            // Of several, each gets its own chance.
            if let [answer] = answers {
                *answer = Some(Err(errno.into()));
            }
            return;
        }
        let mut lost = false;
        while answers.last().is_some_and(Option::is_none) {
            let length = match receive(&self.socket, &mut self.incoming) {
                Ok(Some(length)) => length,
                Ok(None) => continue,
                // Some answers found no room. Those that did are still in the queue.
                Err(Errno::ENOBUFS) => {
                    lost = true;
                    continue;
                }
                Err(_) => return,
            };
            for message in Messages::of(&self.incoming, length) {
                if message.kind != NLMSG_ERROR {
                    continue;
                }
                let place = message.sequence.wrapping_sub(first) as usize;
                if let Some(answer) = answers.get_mut(place).filter(|answer| answer.is_none()) {
                    *answer = outcome(message.payload);
                }
            }
        }
        if !lost {
            // No refusal is missing.
            for answer in answers.iter_mut().filter(|answer| answer.is_none()) {
                *answer = Some(Ok(()));
            }
        }
    }

    /// Asks for a whole table (`NLM_F_DUMP`): what `each` makes of the type and payload of every entry. A table that
    /// changed while it was read is read anew; what the last of some attempts yields stands.
    pub(super) fn dump<T>(
        &mut self,
        mut request: Vec<u8>,
        each: impl Fn(u16, &[u8]) -> Option<T>,
    ) -> Result<Vec<T>, Refusal> {
        let mut entries = Vec::new();
        for _ in 0..DUMP_ATTEMPTS {
            entries.clear();
            if self.ask(&mut request, |kind, payload| entries.extend(each(kind, payload)))? {
                break;
            }
        }
        Ok(entries)
    }

    /// Asks for something and hands out the answers up to the last, which is the end of a dump or an acknowledgement;
    /// tells whether what is told of stood still meanwhile.
    pub(super) fn ask(&mut self, request: &mut [u8], mut each: impl FnMut(u16, &[u8])) -> Result<bool, Refusal> {
        let sequence = self.next_sequence();
        netlink::number(request, sequence);
        self.outgoing.clear();
        append(&mut self.outgoing, request);
        self.send()?;
        let mut whole = true;
        loop {
            let length = match receive(&self.socket, &mut self.incoming) {
                Ok(Some(length)) => length,
                Ok(None) => return Err(Errno::EMSGSIZE.into()),
                Err(Errno::EAGAIN) => return Err(no_answer()),
                Err(errno) => return Err(errno.into()),
            };
            for message in Messages::of(&self.incoming, length) {
                if message.sequence != sequence {
                    continue;
                }
                whole &= message.flags & NLM_F_DUMP_INTR == 0;
                match message.kind {
                    NLMSG_DONE | NLMSG_ERROR => {
                        let outcome = outcome(message.payload).unwrap_or_else(|| Err(no_answer()));
                        return outcome.map(|()| whole);
                    }
                    kind => each(kind, message.payload),
                }
            }
        }
    }

    /// The number by which the kernel knows this socket, and names it in reports of what it asked for.
    pub(super) fn port(&self) -> u32 {
        let mut address = SocketAddr::new(0, 0);
        match self.socket.get_address(&mut address) {
            Ok(()) => address.port_number(),
            // No report names 0: that is the kernel itself.
            Err(_) => 0,
        }
    }

    fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }

    fn send(&self) -> nix::Result<()> {
        send(&self.socket, &self.outgoing)
    }
}

/// A socket for requests of a protocol (`NETLINK_*`); `action` is what is tried.
pub(super) fn open(protocol: isize, action: &'static str) -> Result<Socket, NetError> {
    let mut socket = Socket::new(protocol).map_err(NetError::socket(action))?;
    socket.bind_auto().map_err(NetError::socket(action))?;
    // Both only make answers shorter and clearer; kernels before 4.12 do without.
    let _ = socket.set_cap_ack(true);
    let _ = socket.set_ext_ack(true);
    Ok(socket)
}

/// Sends bytes to the kernel. They go whole or not at all.
pub(super) fn send(socket: &Socket, bytes: &[u8]) -> nix::Result<()> {
    let kernel = NetlinkAddr::new(0, 0);
    sendto(socket.as_raw_fd(), bytes, &kernel, MsgFlags::empty()).map(drop)
}

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Self {
        Refusal { errno, hint: None }
    }
}

pub(super) fn no_answer() -> Refusal {
    Refusal { errno: Errno::ENOBUFS, hint: Some("the kernel gave no answer".to_owned()) }
}

/// Cuts messages of the given sizes into runs that go out in one send each. A message larger than the bound goes
/// alone.
fn batches(sizes: &[usize]) -> Vec<Range<usize>> {
    let mut batches = Vec::new();
    let mut start = 0;
    let mut bytes = 0;
    for (place, size) in sizes.iter().enumerate() {
        let full = place - start == BATCH_MESSAGES || bytes + size > BATCH_BYTES;
        if full && place > start {
            batches.push(start..place);
            start = place;
            bytes = 0;
        }
        bytes += size;
    }
    if start < sizes.len() {
        batches.push(start..sizes.len());
    }
    batches
}

/// Puts a message behind others, aligned to four bytes as the kernel wants it (`NLMSG_ALIGN`).
fn append(buffer: &mut Vec<u8>, message: &[u8]) {
    buffer.extend_from_slice(message);
    buffer.resize(buffer.len().next_multiple_of(4), 0);
}

/// Reads one datagram of the kernel without waiting (`EAGAIN` if there is none) and returns its length; `None` if it
/// was cut off. What other processes send is skipped.
pub(super) fn receive(socket: impl AsFd, buffer: &mut [u8]) -> nix::Result<Option<usize>> {
    loop {
        let mut room = [IoSliceMut::new(buffer)];
        let received = recvmsg::<NetlinkAddr>(socket.as_fd().as_raw_fd(), &mut room, None, MsgFlags::MSG_DONTWAIT)?;
        if received.address.is_some_and(|sender| sender.pid() == 0) {
            let whole = !received.flags.contains(MsgFlags::MSG_TRUNC);
            return Ok(whole.then_some(received.bytes));
        }
    }
}

/// One message of a datagram.
pub(super) struct Message<'a> {
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) sequence: u32,
    pub(super) payload: &'a [u8],
}

/// The messages of a datagram. Ends at the first that is not whole.
pub(super) struct Messages<'a>(&'a [u8]);

impl<'a> Messages<'a> {
    /// The messages in the first `length` bytes of `buffer`, or in all of it if it is shorter.
    pub(super) fn of(buffer: &'a [u8], length: usize) -> Self {
        Messages(buffer.get(..length).unwrap_or(buffer))
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let bytes = self.0;
        let header = NetlinkBuffer::new_checked(bytes).ok()?;
        let length = header.length() as usize;
        let message = Message {
            kind: header.message_type(),
            flags: header.flags(),
            sequence: header.sequence_number(),
            payload: header.payload(),
        };
        // NLMSG_ALIGN; the last message may lack the padding.
        self.0 = bytes.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        Some(message)
    }
}

/// What `NLMSG_ERROR` or `NLMSG_DONE` says; `None` if it is too short to say anything.
pub(super) fn outcome(payload: &[u8]) -> Option<Result<(), Refusal>> {
    let error = ErrorBuffer::new_checked(payload).ok()?;
    let Some(code) = error.code() else {
        return Some(Ok(()));
    };
    Some(Err(Refusal { errno: Errno::from_raw(code.get().wrapping_neg()), hint: hint(error.payload()) }))
}

/// The kernel's words in the attributes that follow the echoed header of an `NLMSG_ERROR` (`NETLINK_CAP_ACK`,
/// `NETLINK_EXT_ACK`).
fn hint(echo: &[u8]) -> Option<String> {
    const HEADER: usize = 16;
    const NLMSGERR_ATTR_MSG: u16 = 1;
    let attributes = echo.get(HEADER..)?;
    let text =
        NlasIterator::new(attributes).map_while(Result::ok).find(|attribute| attribute.kind() == NLMSGERR_ATTR_MSG)?;
    let text = text.value().split(|byte| *byte == 0).next()?;
    Some(String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests;
