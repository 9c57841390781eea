//! Netlink as bytes: messages and the attributes in them (linux/netlink.h).
//!
//! Holds no word of any protocol over netlink. Called by the codecs of generic netlink, and by the hand that speaks to
//! nf_tables.

/// `NLM_F_REQUEST`: every message to the kernel
pub const REQUEST: u16 = 0x01;
/// `NLM_F_ACK`: success is told as well
pub const ACK: u16 = 0x04;
/// `NLM_F_DUMP`: a whole table
pub const DUMP: u16 = 0x300;
/// Length of `struct nlmsghdr`
pub const HEADER: usize = 16;

/// `NLA_F_NESTED`
const NESTED: u16 = 0x8000;
/// `NLA_TYPE_MASK`
const TYPE_MASK: u16 = 0x3fff;

/// A message with its header. Its number and that of the sender are zero: the sender sets the first, the kernel knows the
/// second.
pub fn message(kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
    let length = (HEADER + payload.len()) as u32;
    let mut bytes = Vec::with_capacity(HEADER + payload.len());
    bytes.extend_from_slice(&length.to_ne_bytes());
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(&flags.to_ne_bytes());
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(payload);
    bytes
}

/// Numbers a message (`nlmsg_seq`).
pub fn number(message: &mut [u8], sequence: u32) {
    if let Some(place) = message.get_mut(8..12) {
        place.copy_from_slice(&sequence.to_ne_bytes());
    }
}

/// Sets whether the success of a message is told as well (`nlmsg_flags`).
pub fn acknowledge(message: &mut [u8], wanted: bool) {
    if let Some(place) = message.get_mut(6..8).and_then(|place| place.first_chunk_mut()) {
        let flags = u16::from_ne_bytes(*place);
        *place = if wanted { flags | ACK } else { flags & !ACK }.to_ne_bytes();
    }
}

/// Attributes one after the other, each aligned to four bytes.
#[derive(Debug, Default)]
pub struct Attributes(Vec<u8>);

impl Attributes {
    /// None yet, with room for so many bytes
    pub fn with_room(bytes: usize) -> Self {
        Attributes(Vec::with_capacity(bytes))
    }

    /// A number of 32 bits in network order
    pub fn number(&mut self, kind: u16, value: u32) -> &mut Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    /// A number of 32 bits in the host's order
    pub fn native(&mut self, kind: u16, value: u32) -> &mut Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    /// A number of 16 bits in the host's order
    pub fn short(&mut self, kind: u16, value: u16) -> &mut Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    /// A text with its final NUL
    pub fn text(&mut self, kind: u16, text: &str) -> &mut Self {
        self.bytes(kind, &[text.as_bytes(), &[0]].concat())
    }

    /// Bytes as they are
    pub fn bytes(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        let start = self.open(kind);
        self.0.extend_from_slice(value);
        self.close(start)
    }

    /// Attributes within an attribute
    pub fn nest(&mut self, kind: u16, fill: impl FnOnce(&mut Attributes)) -> &mut Self {
        let start = self.open(kind | NESTED);
        fill(self);
        self.close(start)
    }

    /// Attributes that are there already within an attribute
    pub fn wrap(&mut self, kind: u16, inner: &Attributes) -> &mut Self {
        self.bytes(kind | NESTED, &inner.0)
    }

    /// All of them
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
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
        while !self.0.len().is_multiple_of(4) {
            self.0.push(0);
        }
        self
    }
}

/// Reads attributes: the type without its flags, and the value. Ends at the first that is not whole.
#[derive(Clone, Debug)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Iterator for Reader<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (length, rest) = self.0.split_first_chunk::<2>()?;
        let (kind, _) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_ne_bytes(*length));
        let value = self.0.get(4..length)?;
        // The last one may lack the padding.
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        Some((u16::from_ne_bytes(*kind) & TYPE_MASK, value))
    }
}

/// The attributes of one level whose types are below `N`, by type. Of equal ones the last counts, as for the kernel.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a, const N: usize>([Option<&'a [u8]>; N]);

impl<'a, const N: usize> Fields<'a, N> {
    /// Reads them all.
    pub fn of(bytes: &'a [u8]) -> Self {
        let mut fields = [None; N];
        for (kind, value) in Reader(bytes) {
            if let Some(field) = fields.get_mut(usize::from(kind)) {
                *field = Some(value);
            }
        }
        Fields(fields)
    }

    /// The value of one, if it is there.
    pub fn get(&self, kind: u16) -> Option<&'a [u8]> {
        self.0.get(usize::from(kind)).copied().flatten()
    }

    /// The first `L` bytes of one, if it has so many.
    pub fn array<const L: usize>(&self, kind: u16) -> Option<[u8; L]> {
        self.get(kind)?.first_chunk().copied()
    }

    /// A number of 32 bits in the host's order.
    pub fn native(&self, kind: u16) -> Option<u32> {
        self.array(kind).map(u32::from_ne_bytes)
    }

    /// A number of 16 bits in the host's order.
    pub fn short(&self, kind: u16) -> Option<u16> {
        self.array(kind).map(u16::from_ne_bytes)
    }

    /// A text up to its NUL.
    pub fn text(&self, kind: u16) -> Option<&'a str> {
        std::str::from_utf8(self.get(kind)?.split(|byte| *byte == 0).next()?).ok()
    }
}

#[cfg(test)]
mod tests;
