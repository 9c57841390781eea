//! Packets to octets, in network order.

use super::{Bind, Body, HEADER, NETWORK_BYTE_ORDER, NON_DEFAULT_CONTEXT, Oid, Packet, Range, VERSION, Value};

impl Packet {
    /// The packet with its header.
    pub fn write(&self) -> Vec<u8> {
        let mut to = Writer(vec![0; HEADER]);
        if let Some(context) = &self.context {
            to.text(context);
        }
        let kind = to.body(&self.body);
        let context = if self.context.is_some() { NON_DEFAULT_CONTEXT } else { 0 };
        let length = to.0.len().saturating_sub(HEADER);
        let mut header = Writer(vec![VERSION, kind, NETWORK_BYTE_ORDER | context, 0]);
        [self.session, self.transaction, self.packet].into_iter().for_each(|number| header.number(number));
        header.number(u32::try_from(length).unwrap_or(u32::MAX));
        to.0.splice(..HEADER, header.0);
        to.0
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, number: u32) {
        self.0.extend(number.to_be_bytes());
    }

    fn short(&mut self, number: u16) {
        self.0.extend(number.to_be_bytes());
    }

    fn text(&mut self, text: &[u8]) {
        self.number(u32::try_from(text.len()).unwrap_or(u32::MAX));
        self.0.extend(text);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }

    /// A name. Those of ours are far shorter than what a count of one octet can tell.
    fn name(&mut self, Oid(parts): &Oid, include: bool) {
        let parts = parts.get(..usize::from(u8::MAX)).unwrap_or(parts);
        self.0.extend([u8::try_from(parts.len()).unwrap_or(u8::MAX), 0, u8::from(include), 0]);
        parts.iter().for_each(|part| self.number(*part));
    }

    fn ranges(&mut self, ranges: &[Range]) {
        for range in ranges {
            self.name(&range.start, range.include);
            self.name(&range.end, false);
        }
    }

    fn binds(&mut self, binds: &[Bind]) {
        for Bind { name, value } in binds {
            self.short(kind(value));
            self.short(0);
            self.name(name, false);
            match value {
                Value::Integer(number) => self.number(number.cast_unsigned()),
                Value::Octets(octets) | Value::Opaque(octets) => self.text(octets),
                Value::Name(name) => self.name(name, false),
                Value::IpAddress(ip) => self.text(&ip.octets()),
                Value::Counter32(number) | Value::Gauge32(number) | Value::TimeTicks(number) => self.number(*number),
                Value::Counter64(number) => self.0.extend(number.to_be_bytes()),
                Value::Null | Value::NoSuchObject | Value::NoSuchInstance | Value::EndOfMibView => {}
            }
        }
    }

    /// What is said; gives its type.
    fn body(&mut self, body: &Body) -> u8 {
        match body {
            Body::Open { timeout, id, description } => {
                self.0.extend([*timeout, 0, 0, 0]);
                self.name(id, false);
                self.text(description);
                1
            }
            Body::Close(reason) => {
                self.0.extend([*reason, 0, 0, 0]);
                2
            }
            Body::Register { timeout, priority, tree } => {
                self.0.extend([*timeout, *priority, 0, 0]);
                self.name(tree, false);
                3
            }
            Body::Unregister { priority, tree } => {
                self.0.extend([0, *priority, 0, 0]);
                self.name(tree, false);
                4
            }
            Body::Get(ranges) => {
                self.ranges(ranges);
                5
            }
            Body::GetNext(ranges) => {
                self.ranges(ranges);
                6
            }
            Body::GetBulk { once, times, ranges } => {
                self.short(*once);
                self.short(*times);
                self.ranges(ranges);
                7
            }
            Body::TestSet(binds) => {
                self.binds(binds);
                8
            }
            Body::CommitSet => 9,
            Body::UndoSet => 10,
            Body::CleanupSet => 11,
            Body::Notify(binds) => {
                self.binds(binds);
                12
            }
            Body::Ping => 13,
            Body::AddCaps { id, description } => {
                self.name(id, false);
                self.text(description);
                16
            }
            Body::RemoveCaps(id) => {
                self.name(id, false);
                17
            }
            Body::Response { uptime, error, index, binds } => {
                self.number(*uptime);
                self.short(*error);
                self.short(*index);
                self.binds(binds);
                18
            }
        }
    }
}

/// The number of a value's type.
fn kind(value: &Value) -> u16 {
    match value {
        Value::Integer(_) => 2,
        Value::Octets(_) => 4,
        Value::Null => 5,
        Value::Name(_) => 6,
        Value::IpAddress(_) => 64,
        Value::Counter32(_) => 65,
        Value::Gauge32(_) => 66,
        Value::TimeTicks(_) => 67,
        Value::Opaque(_) => 68,
        Value::Counter64(_) => 70,
        Value::NoSuchObject => 128,
        Value::NoSuchInstance => 129,
        Value::EndOfMibView => 130,
    }
}
