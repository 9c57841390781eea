//! All objects of one scene with their values, in the order of their names, and how they are written down row by row.

use std::net::IpAddr;

use crate::model::Micros;
use crate::wire::agentx::{Oid, Range};

pub use crate::wire::agentx::Value;

/// What is served, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Objects(Vec<(Oid, Value)>);

impl Objects {
    /// Of what is on a sheet.
    pub fn new(sheet: Sheet) -> Objects {
        let mut objects = sheet.0;
        // Two virtual routers may have one index for as long as they are at fault for it: the first is shown.
        objects.sort_by(|(one, _), (other, _)| one.cmp(other));
        objects.dedup_by(|(later, _), (earlier, _)| later == earlier);
        Objects(objects)
    }

    /// The value of an object.
    pub fn get(&self, name: &Oid) -> Option<&Value> {
        let place = self.0.binary_search_by(|(own, _)| own.cmp(name)).ok()?;
        self.0.get(place).map(|(_, value)| value)
    }

    /// The first object in a range.
    pub fn next(&self, range: &Range) -> Option<(&Oid, &Value)> {
        let before = |own: &Oid| if range.include { *own < range.start } else { *own <= range.start };
        let place = self.0.partition_point(|(own, _)| before(own));
        let (name, value) = self.0.get(place)?;
        (range.end.0.is_empty() || *name < range.end).then_some((name, value))
    }

    /// All of them.
    #[cfg(test)]
    pub fn all(&self) -> &[(Oid, Value)] {
        &self.0
    }
}

/// What objects are written on, in any order.
#[derive(Debug, Default)]
pub struct Sheet(Vec<(Oid, Value)>);

impl Sheet {
    /// A row of a table: its columns are called by the parts of the table's entry, their number and the index.
    pub fn row<'a>(&'a mut self, entry: &'a [u32], index: &'a [u32]) -> Row<'a> {
        Row { sheet: self, entry, index }
    }

    /// Objects that there is one of each, called by the parts of their group, their number and zero.
    pub fn single<'a>(&'a mut self, group: &'a [u32]) -> Row<'a> {
        Row { sheet: self, entry: group, index: &[0] }
    }
}

/// A row in the making.
pub struct Row<'a> {
    sheet: &'a mut Sheet,
    entry: &'a [u32],
    index: &'a [u32],
}

impl Row<'_> {
    /// A column, unless it has no value in this row.
    pub fn put(&mut self, column: u32, value: impl Into<Option<Value>>) {
        if let Some(value) = value.into() {
            self.sheet.0.push((Oid([self.entry, &[column], self.index].concat()), value));
        }
    }
}

/// INTEGER; one that is too large for it is cut as C cuts it.
pub fn integer(number: impl Into<i64>) -> Value {
    Value::Integer(number.into() as i32)
}

/// Unsigned32; the largest, if it is larger.
pub fn unsigned(number: impl TryInto<u32>) -> Value {
    Value::Gauge32(number.try_into().unwrap_or(u32::MAX))
}

/// Counter32, which begins again at its end.
pub fn counter(number: u64) -> Value {
    Value::Counter32(number as u32)
}

/// `yes(1), no(2)`, whatever the two are called.
pub fn truth(is_so: bool) -> Value {
    Value::Integer(if is_so { 1 } else { 2 })
}

/// Text.
pub fn text(text: impl ToString) -> Value {
    Value::Octets(text.to_string().into_bytes())
}

/// InetAddress: its octets.
pub fn address(ip: IpAddr) -> Value {
    Value::Octets(match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    })
}

/// InetAddressType.
pub fn address_type(ip: IpAddr) -> Value {
    Value::Integer(family_number(ip.is_ipv6()))
}

/// `ipv4(1), ipv6(2)`.
pub fn family_number(is_ipv6: bool) -> i32 {
    if is_ipv6 { 2 } else { 1 }
}

/// Whole seconds.
pub fn seconds(span: Micros) -> Value {
    unsigned(span.0 / 1_000_000)
}

/// Microseconds, cut as C cuts them.
pub fn micros(span: Micros) -> Value {
    Value::Gauge32(span.0 as u32)
}

/// InetScopeType of an `RT_SCOPE_*` number.
pub fn scope(number: u8) -> Value {
    Value::Integer(match number {
        0 => 14,
        254 => 1,
        253 => 2,
        200 => 5,
        _ => 0,
    })
}

/// The index of what stands at a place in a list.
pub fn index(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests;
