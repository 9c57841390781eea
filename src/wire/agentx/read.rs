//! Octets to packets.

use std::net::Ipv4Addr;

use super::{
    Bind, Body, Error, INTERNET, MOST_PARTS, NETWORK_BYTE_ORDER, NON_DEFAULT_CONTEXT, Oid, Packet, Range, VERSION,
    Value,
};

impl Packet {
    /// Reads a whole packet with its header.
    pub fn read(octets: &[u8]) -> Result<Packet, Error> {
        let mut from = Reader { octets, network_order: true };
        let [version, kind, flags, _] = from.array()?;
        if version != VERSION {
            return Err(Error::Version(version));
        }
        from.network_order = flags & NETWORK_BYTE_ORDER != 0;
        let [session, transaction, packet] = [from.number()?, from.number()?, from.number()?];
        let length = usize::try_from(from.number()?).unwrap_or(usize::MAX);
        match from.octets.len() {
            there if there < length => return Err(Error::Short),
            there if there > length => return Err(Error::Rest),
            _ => {}
        }
        let context = if flags & NON_DEFAULT_CONTEXT != 0 { Some(from.text()?) } else { None };
        let body = from.body(kind)?;
        Ok(Packet { session, transaction, packet, context, body })
    }
}

/// What is still to be read.
struct Reader<'a> {
    octets: &'a [u8],
    network_order: bool,
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Result<&[u8], Error> {
        let (taken, rest) = self.octets.split_at_checked(count).ok_or(Error::Short)?;
        self.octets = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (taken, rest) = self.octets.split_first_chunk().ok_or(Error::Short)?;
        self.octets = rest;
        Ok(*taken)
    }

    fn number(&mut self) -> Result<u32, Error> {
        let octets = self.array()?;
        Ok(if self.network_order { u32::from_be_bytes(octets) } else { u32::from_le_bytes(octets) })
    }

    fn short(&mut self) -> Result<u16, Error> {
        let octets = self.array()?;
        Ok(if self.network_order { u16::from_be_bytes(octets) } else { u16::from_le_bytes(octets) })
    }

    fn long(&mut self) -> Result<u64, Error> {
        let octets = self.array()?;
        Ok(if self.network_order { u64::from_be_bytes(octets) } else { u64::from_le_bytes(octets) })
    }

    /// An octet string, with what fills it up to a multiple of four.
    fn text(&mut self) -> Result<Vec<u8>, Error> {
        let length = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        let whole = length.checked_next_multiple_of(4).ok_or(Error::Short)?;
        let mut text = self.take(whole)?.to_vec();
        text.truncate(length);
        Ok(text)
    }

    /// A name, and whether it is included.
    fn name(&mut self) -> Result<(Oid, bool), Error> {
        let [count, prefix, include, _] = self.array()?;
        let count = usize::from(count);
        if count > MOST_PARTS {
            return Err(Error::Name(count));
        }
        let mut parts = Vec::with_capacity(count + INTERNET.len() + 1);
        if prefix != 0 {
            parts.extend(INTERNET);
            parts.push(u32::from(prefix));
        }
        for _ in 0..count {
            parts.push(self.number()?);
        }
        if parts.len() > MOST_PARTS {
            return Err(Error::Name(parts.len()));
        }
        Ok((Oid(parts), include != 0))
    }

    fn oid(&mut self) -> Result<Oid, Error> {
        Ok(self.name()?.0)
    }

    fn ranges(&mut self) -> Result<Vec<Range>, Error> {
        let mut ranges = Vec::new();
        while !self.octets.is_empty() {
            let (start, include) = self.name()?;
            ranges.push(Range { start, include, end: self.oid()? });
        }
        Ok(ranges)
    }

    fn binds(&mut self) -> Result<Vec<Bind>, Error> {
        let mut binds = Vec::new();
        while !self.octets.is_empty() {
            let kind = self.short()?;
            let _reserved = self.short()?;
            let name = self.oid()?;
            binds.push(Bind { name, value: self.value(kind)? });
        }
        Ok(binds)
    }

    fn value(&mut self, kind: u16) -> Result<Value, Error> {
        Ok(match kind {
            2 => Value::Integer(self.number()?.cast_signed()),
            4 => Value::Octets(self.text()?),
            5 => Value::Null,
            6 => Value::Name(self.oid()?),
            64 => {
                let octets: [u8; 4] = self.text()?.try_into().map_err(|_| Error::Value(kind))?;
                Value::IpAddress(Ipv4Addr::from(octets))
            }
            65 => Value::Counter32(self.number()?),
            66 => Value::Gauge32(self.number()?),
            67 => Value::TimeTicks(self.number()?),
            68 => Value::Opaque(self.text()?),
            70 => Value::Counter64(self.long()?),
            128 => Value::NoSuchObject,
            129 => Value::NoSuchInstance,
            130 => Value::EndOfMibView,
            other => return Err(Error::Value(other)),
        })
    }

    fn body(&mut self, kind: u8) -> Result<Body, Error> {
        let body = match kind {
            1 => {
                let [timeout, ..] = self.array::<4>()?;
                Body::Open { timeout, id: self.oid()?, description: self.text()? }
            }
            2 => {
                let [reason, ..] = self.array::<4>()?;
                Body::Close(reason)
            }
            3 => {
                let [timeout, priority, range, _] = self.array()?;
                let tree = self.oid()?;
                self.upper_bound(range)?;
                Body::Register { timeout, priority, tree }
            }
            4 => {
                let [_, priority, range, _] = self.array()?;
                let tree = self.oid()?;
                self.upper_bound(range)?;
                Body::Unregister { priority, tree }
            }
            5 => Body::Get(self.ranges()?),
            6 => Body::GetNext(self.ranges()?),
            7 => Body::GetBulk { once: self.short()?, times: self.short()?, ranges: self.ranges()? },
            8 => Body::TestSet(self.binds()?),
            9 => Body::CommitSet,
            10 => Body::UndoSet,
            11 => Body::CleanupSet,
            12 => Body::Notify(self.binds()?),
            13 => Body::Ping,
            16 => Body::AddCaps { id: self.oid()?, description: self.text()? },
            17 => Body::RemoveCaps(self.oid()?),
            18 => {
                let (uptime, error, index) = (self.number()?, self.short()?, self.short()?);
                Body::Response { uptime, error, index, binds: self.binds()? }
            }
            other => return Err(Error::Kind(other)),
        };
        if self.octets.is_empty() { Ok(body) } else { Err(Error::Rest) }
    }

    /// The end of a range of trees, which nobody asks of us.
    fn upper_bound(&mut self, range: u8) -> Result<(), Error> {
        if range != 0 {
            self.number()?;
        }
        Ok(())
    }
}
