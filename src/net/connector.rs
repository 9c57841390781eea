//! What happens to processes, as the kernel's connector announces it (linux/cn_proc.h, `CONFIG_PROC_EVENTS`).
//!
//! Holds the subscription and the reading of its messages. Never judges an event. The connector is in the initial network
//! namespace only, and serves only those in the initial process and user namespaces; elsewhere it is either not there or
//! never answers. Called by the hand that tracks processes, on a thread of its own.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::thread;

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns};
use nix::sys::socket::{MsgFlags, NetlinkAddr, bind, getsockopt, recvfrom, send, setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};

use super::NetError;
use crate::model::tracker::ProcessEvent;

/// `NETLINK_CONNECTOR` (linux/netlink.h).
const CONNECTOR: i32 = 11;
/// `CN_IDX_PROC` and `CN_VAL_PROC` (linux/connector.h), which is the number of the multicast group as well.
const PROCESSES: u32 = 1;
/// `PROC_CN_MCAST_LISTEN` (linux/cn_proc.h).
const LISTEN: u32 = 1;
/// `NLMSG_DONE` (linux/netlink.h): the connector sends and takes nothing else.
const DONE: u16 = 3;

/// Length of `struct nlmsghdr`.
const NETLINK_HEADER: usize = 16;
/// Length of `struct cn_msg`.
const CONNECTOR_HEADER: usize = 20;
/// Offsets from the beginning of `struct proc_event`: what has happened, and to whom.
const WHAT: usize = NETLINK_HEADER + CONNECTOR_HEADER;
const WHOM: usize = WHAT + 16;
/// The messages are shorter than this.
const MESSAGE_BYTES: usize = 256;

/// `enum proc_cn_event` (linux/cn_proc.h).
const NONE: u32 = 0;
const FORK: u32 = 1;
const EXEC: u32 = 2;
const COMM: u32 = 0x200;
const EXIT: u32 = 0x8000_0000;

/// A subscription to the events of all processes.
#[derive(Debug)]
pub struct ProcessEvents(OwnedFd);

/// What one message tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The subscription is in force
    Confirmed,
    /// Something has happened to a process
    Event(ProcessEvent),
    /// Something that nobody asks for
    Nothing,
    /// The kernel had no room: messages have been lost
    Lost,
}

impl ProcessEvents {
    /// Subscribes; [`Told::Confirmed`] follows if the kernel serves us. Outside the initial network namespace the
    /// socket is opened in that of the first process.
    ///
    /// # Errors
    /// [`NetError::Socket`] if there is no connector, or we lack the right to use it (`CAP_NET_ADMIN`).
    pub fn open() -> Result<Self, NetError> {
        match Self::open_here() {
            Err(NetError::Socket { source, .. }) if source.raw_os_error() == Some(Errno::ECONNREFUSED as i32) => {
                let elsewhere = || {
                    let first = File::open("/proc/1/ns/net").map_err(NetError::socket("reach the first namespace"))?;
                    setns(first, CloneFlags::CLONE_NEWNET).map_err(NetError::socket("enter the first namespace"))?;
                    Self::open_here()
                };
                // A thread has its namespace to itself, and takes it along when it ends.
                let opened = thread::scope(|scope| scope.spawn(elsewhere).join());
                opened.unwrap_or_else(|_| Err(NetError::socket("open a connector")(io::Error::from(Errno::EIO))))
            }
            outcome => outcome,
        }
    }

    fn open_here() -> Result<Self, NetError> {
        let socket = Socket::new(
            Domain::from(nix::libc::AF_NETLINK),
            Type::DGRAM.nonblocking().cloexec(),
            Some(Protocol::from(CONNECTOR)),
        )
        .map_err(NetError::socket("open a connector"))?;
        let socket = OwnedFd::from(socket);
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, PROCESSES)).map_err(NetError::socket("bind a connector"))?;
        send(socket.as_raw_fd(), &subscription(), MsgFlags::empty())
            .map_err(NetError::socket("ask for the events of processes"))?;
        Ok(ProcessEvents(socket))
    }

    /// Sets the receive buffer, in bytes, with `force` beyond `net.core.rmem_max`.
    ///
    /// # Errors
    /// [`NetError::Socket`] if `force` is not allowed.
    pub fn set_buffer(&self, bytes: usize, force: bool) -> Result<(), NetError> {
        let outcome = match force {
            true => setsockopt(&self.0, sockopt::RcvBufForce, &bytes),
            false => setsockopt(&self.0, sockopt::RcvBuf, &bytes),
        };
        outcome.map_err(NetError::socket("set SO_RCVBUF of the process monitor"))
    }

    /// The receive buffer in bytes as the kernel has it, which is twice of what was asked for.
    pub fn buffer(&self) -> usize {
        getsockopt(&self.0, sockopt::RcvBuf).unwrap_or(0)
    }

    /// The next message; `None` if there is none now.
    ///
    /// # Errors
    /// [`NetError::Socket`] if the socket has failed for good.
    pub fn next(&self) -> Result<Option<Told>, NetError> {
        let mut message = [0; MESSAGE_BYTES];
        loop {
            return match recvfrom::<NetlinkAddr>(self.0.as_raw_fd(), &mut message) {
                Ok((length, Some(from))) if from.pid() == 0 => {
                    Ok(Some(read(message.get(..length).unwrap_or_default()).unwrap_or(Told::Nothing)))
                }
                // Only the kernel is believed.
                Ok(_) => Ok(Some(Told::Nothing)),
                Err(Errno::EINTR) => continue,
                Err(Errno::EAGAIN) => Ok(None),
                Err(Errno::ENOBUFS) => Ok(Some(Told::Lost)),
                Err(error) => Err(NetError::socket("read the events of processes")(error)),
            };
        }
    }
}

impl AsFd for ProcessEvents {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The message that asks for events.
fn subscription() -> Vec<u8> {
    let length = NETLINK_HEADER + CONNECTOR_HEADER + 4;
    let mut message = Vec::with_capacity(length);
    message.extend((length as u32).to_ne_bytes());
    message.extend(DONE.to_ne_bytes());
    // Flags, sequence number, sender: the kernel fills in the sender.
    message.extend([0; 10]);
    message.extend(PROCESSES.to_ne_bytes());
    message.extend(PROCESSES.to_ne_bytes());
    // Sequence number and acknowledgement.
    message.extend([0; 8]);
    message.extend(4_u16.to_ne_bytes());
    message.extend(0_u16.to_ne_bytes());
    message.extend(LISTEN.to_ne_bytes());
    message
}

/// Reads a message of the kernel; `None` if it is none of ours, or cut.
fn read(message: &[u8]) -> Option<Told> {
    let word =
        |offset: usize| -> Option<u32> { message.get(offset..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes)) };
    if word(NETLINK_HEADER)? != PROCESSES || word(NETLINK_HEADER + 4)? != PROCESSES {
        return None;
    }
    let whom = |index: usize| word(WHOM + 4 * index);
    // The second word is the process, the first the thread.
    let is_process = || Some(whom(0)? == whom(1)?);
    let event = match word(WHAT)? {
        NONE => return Some(Told::Confirmed),
        FORK if whom(2)? == whom(3)? => ProcessEvent::Forked { parent: whom(1)?, child: whom(3)? },
        EXEC if is_process()? => ProcessEvent::Executed(whom(1)?),
        COMM if is_process()? => {
            let name = message.get(WHOM + 8..)?.first_chunk::<16>()?;
            let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
            ProcessEvent::Renamed { pid: whom(1)?, name: name.get(..end)?.to_vec() }
        }
        EXIT if is_process()? => ProcessEvent::Ended(whom(1)?),
        _ => return Some(Told::Nothing),
    };
    Some(Told::Event(event))
}

#[cfg(test)]
mod tests;
