//! The socket of nf_tables, over which batches go, each carried out whole or not at all.
//!
//! Called by the other files of this folder.

use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};
use rtnetlink::sys::protocols::NETLINK_NETFILTER;
use rtnetlink::sys::{Socket, SocketAddr};

use super::message::Batch;
use crate::net::NetError;
use crate::net::transport::{Messages, RECEIVE_BYTES, Refusal, no_answer, open, outcome, receive, send};

/// Wished send buffer in bytes, for a batch goes whole: room for a hundred thousand addresses. The kernel takes memory
/// only for what is sent.
const SEND_BYTES: usize = 4 * 1024 * 1024;

/// A socket in the network namespace of the thread that opened it.
#[derive(Debug)]
pub(super) struct BatchSocket {
    socket: Socket,
    /// By which the kernel names us in reports
    pub(super) port: u32,
    sequence: u32,
    incoming: Vec<u8>,
}

impl BatchSocket {
    /// Opens the socket; changes nothing.
    ///
    /// # Errors
    /// [`NetError::Socket`] if the kernel has no netfilter, or the process may not have the socket.
    pub(super) fn open() -> Result<Self, NetError> {
        let socket = open(NETLINK_NETFILTER, "open the socket of the packet filter")?;
        if setsockopt(&socket, sockopt::SndBufForce, &SEND_BYTES).is_err() {
            let _ = setsockopt(&socket, sockopt::SndBuf, &SEND_BYTES);
        }
        let mut address = SocketAddr::new(0, 0);
        socket.get_address(&mut address).map_err(NetError::socket("name the socket of the packet filter"))?;
        let port = address.port_number();
        Ok(BatchSocket { socket, port, sequence: 0, incoming: vec![0; RECEIVE_BYTES] })
    }

    /// Lets the kernel carry out a batch. It does so inside the send, so the answer is there when that returns.
    pub(super) fn transact(&mut self, write: impl FnOnce(&mut Batch)) -> Result<(), Refusal> {
        let first = self.sequence.wrapping_add(1);
        let mut batch = Batch::after(self.sequence);
        write(&mut batch);
        let (bytes, last) = batch.finish();
        self.sequence = last;
        send(&self.socket, &bytes)?;
        let mut answer = None;
        loop {
            let length = match receive(&self.socket, &mut self.incoming) {
                Ok(Some(length)) => length,
                Ok(None) => continue,
                Err(Errno::EAGAIN) => return answer.unwrap_or_else(|| Err(no_answer())),
                Err(errno) => {
                    answer.get_or_insert(Err(errno.into()));
                    continue;
                }
            };
            for message in Messages::of(&self.incoming, length) {
                let ours = message.sequence.wrapping_sub(first) <= last.wrapping_sub(first);
                // The first refusal is the cause of the others.
                if ours && !matches!(answer, Some(Err(_))) {
                    answer = outcome(message.payload).or(answer);
                }
            }
        }
    }
}
