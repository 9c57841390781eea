//! Messages of nfnetlink as bytes: headers, attributes, batches (linux/netfilter/nfnetlink.h).
//!
//! Holds no word of nf_tables beyond the number of its subsystem. Called by the other files of this folder.

/// `NFNL_SUBSYS_NFTABLES`
pub(super) const SUBSYSTEM: u8 = 10;
/// `NFNL_MSG_BATCH_BEGIN`
const BATCH_BEGIN: u16 = 16;
/// `NFNL_MSG_BATCH_END`
const BATCH_END: u16 = 17;
/// `NLM_F_REQUEST` (linux/netlink.h)
const REQUEST: u16 = 0x01;
/// `NLM_F_ACK` (linux/netlink.h)
const ACK: u16 = 0x04;
/// `NLA_F_NESTED` (linux/netlink.h)
const NESTED: u16 = 0x8000;
/// Length of `struct nlmsghdr` (linux/netlink.h)
const MESSAGE_HEADER: usize = 16;

/// Attributes one after the other, each aligned to four bytes. Numbers are in network order.
#[derive(Debug, Default)]
pub(super) struct Attributes(Vec<u8>);

impl Attributes {
    /// A number of 32 bits
    pub(super) fn number(&mut self, kind: u16, value: u32) -> &mut Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    /// A text with its final NUL
    pub(super) fn text(&mut self, kind: u16, text: &str) -> &mut Self {
        self.bytes(kind, &[text.as_bytes(), &[0]].concat())
    }

    /// Bytes as they are
    pub(super) fn bytes(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        let start = self.open(kind);
        self.0.extend_from_slice(value);
        self.close(start)
    }

    /// Attributes within an attribute
    pub(super) fn nest(&mut self, kind: u16, fill: impl FnOnce(&mut Attributes)) -> &mut Self {
        let start = self.open(kind | NESTED);
        fill(self);
        self.close(start)
    }

    /// Attributes that are there already within an attribute
    pub(super) fn wrap(&mut self, kind: u16, inner: &Attributes) -> &mut Self {
        self.bytes(kind | NESTED, &inner.0)
    }

    /// Writes a header (`struct nlattr`) whose length is not known yet; gives its place.
    fn open(&mut self, kind: u16) -> usize {
        let start = self.0.len();
        self.0.extend_from_slice(&[0, 0]);
        self.0.extend_from_slice(&kind.to_ne_bytes());
        start
    }

    /// Writes the length of the attribute that began at `start`, which leaves the padding out.
    fn close(&mut self, start: usize) -> &mut Self {
        let length = (self.0.len() - start) as u16;
        if let Some(place) = self.0.get_mut(start..start + 2) {
            place.copy_from_slice(&length.to_ne_bytes());
        }
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }
}

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
        self.append(u16::from_be_bytes([SUBSYSTEM, kind]), flags, [family, 0, 0, 0], &attributes.0);
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
        let length = (MESSAGE_HEADER + head.len() + attributes.len()) as u32;
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(&(flags | REQUEST).to_ne_bytes());
        self.bytes.extend_from_slice(&self.sequence.to_ne_bytes());
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&head);
        self.bytes.extend_from_slice(attributes);
    }
}

fn u16_of(bytes: &[u8]) -> u16 {
    bytes.first_chunk().map_or(0, |bytes| u16::from_ne_bytes(*bytes))
}
