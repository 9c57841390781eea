//! Messages of nfnetlink as bytes: headers and batches (linux/netfilter/nfnetlink.h).
//!
//! Holds no word of nf_tables beyond the number of its subsystem. Called by the other files of this folder.

use crate::wire::netlink::{self, ACK, REQUEST};

/// Attributes of nf_tables: numbers are in network order, 32 bits each.
pub(super) use crate::wire::netlink::Attributes;

/// `NFNL_SUBSYS_NFTABLES`
pub(super) const SUBSYSTEM: u8 = 10;
/// `NFNL_MSG_BATCH_BEGIN`
const BATCH_BEGIN: u16 = 16;
/// `NFNL_MSG_BATCH_END`
const BATCH_END: u16 = 17;

/// Messages that the kernel carries out all or none.
#[derive(Debug)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    /// Where the last message begins
    last: usize,
    /// Its sequence number
    sequence: u32,
}

impl Batch {
    /// A batch without messages, numbered after `sequence`.
    pub(super) fn after(sequence: u32) -> Self {
        let mut batch = Batch { bytes: Vec::new(), last: 0, sequence };
        batch.frame(BATCH_BEGIN);
        batch
    }

    /// Adds a message of nf_tables about one family (`NFPROTO_*`).
    pub(super) fn message(&mut self, kind: u8, flags: u16, family: u8, attributes: &Attributes) {
        self.append(u16::from_be_bytes([SUBSYSTEM, kind]), flags, [family, 0, 0, 0], attributes.as_bytes());
    }

    /// The batch as it goes to the kernel, and the number of its last message.
    ///
    /// The last message asks for an answer: so success is told apart from silence, and a long batch does not fill the
    /// socket with acknowledgements.
    pub(super) fn finish(mut self) -> (Vec<u8>, u32) {
        let asked = REQUEST | ACK;
        let add_ack = |flags: &mut [u8]| flags.copy_from_slice(&(u16_of(flags) | asked).to_ne_bytes());
        if let Some(flags) = self.bytes.get_mut(self.last + 6..self.last + 8) {
            add_ack(flags);
        }
        self.frame(BATCH_END);
        (self.bytes, self.sequence)
    }

    /// A message that begins or ends a batch: its `res_id` is the subsystem.
    fn frame(&mut self, kind: u16) {
        self.append(kind, 0, [0, 0, 0, SUBSYSTEM], &[]);
    }

    /// `struct nlmsghdr`, `struct nfgenmsg`, attributes.
    fn append(&mut self, kind: u16, flags: u16, head: [u8; 4], attributes: &[u8]) {
        self.last = self.bytes.len();
        self.sequence = self.sequence.wrapping_add(1);
        let mut message = netlink::message(kind, flags | REQUEST, &[&head, attributes].concat());
        netlink::number(&mut message, self.sequence);
        self.bytes.append(&mut message);
    }
}

fn u16_of(bytes: &[u8]) -> u16 {
    bytes.first_chunk().map_or(0, |bytes| u16::from_ne_bytes(*bytes))
}
