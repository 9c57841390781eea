//! Who may ask for echoes without special rights: `net.ipv4.ping_group_range`, for both families (icmp(7)).
//!
//! Holds the reading, the widening and the putting back of the range in the network namespace of the process. Called by
//! the driver of `check` when PING_CHECK is used, and when it stops.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};

use nix::unistd::getegid;

const FILE: &str = "/proc/sys/net/ipv4/ping_group_range";
/// More than two numbers of ten digits and what stands around them, in bytes.
const LONGEST: u64 = 64;

/// Group ids, first and last. The first is above the last where nobody may.
type Range = (u32, u32);

/// A range that has been widened for us. Dropping it puts nothing back.
#[derive(Debug)]
pub struct PingGroup {
    before: Range,
    widened: Range,
}

impl PingGroup {
    /// Lets our group in. `None` if it is in already, so that there is nothing to put back. The second is what to say
    /// of a range that let others in.
    ///
    /// # Errors
    /// What the system says: there is no such setting, or it cannot be written. Then checks cannot open their sockets.
    pub fn admit() -> io::Result<Option<(Self, Option<String>)>> {
        let before = read()?;
        let Some(widened) = widen(before, getegid().as_raw()) else {
            return Ok(None);
        };
        write(widened)?;
        let (first, last) = before;
        let warning = (first > 1 && last > 1)
            .then(|| format!("Warning: {FILE} being expanded from {first} {last} to {} {}", widened.0, widened.1));
        Ok(Some((PingGroup { before, widened }, warning)))
    }

    /// Puts the range back, unless somebody has set another one meanwhile.
    ///
    /// # Errors
    /// What the system says.
    pub fn restore(self) -> io::Result<()> {
        if read()? == self.widened { write(self.before) } else { Ok(()) }
    }
}

fn read() -> io::Result<Range> {
    let mut text = String::new();
    OpenOptions::new().read(true).open(FILE)?.take(LONGEST).read_to_string(&mut text)?;
    parse(&text).ok_or_else(|| io::Error::other(format!("{FILE} says {:?}", text.trim_end())))
}

fn write((first, last): Range) -> io::Result<()> {
    OpenOptions::new().write(true).open(FILE)?.write_all(format!("{first}\t{last}\n").as_bytes())
}

fn parse(text: &str) -> Option<Range> {
    let mut numbers = text.split_ascii_whitespace().map(str::parse);
    match (numbers.next()?, numbers.next()?, numbers.next()) {
        (Ok(first), Ok(last), None) => Some((first, last)),
        _ => None,
    }
}

/// The range with this group in it; `None` if it is in already.
fn widen((first, last): Range, group: u32) -> Option<Range> {
    match (first <= last, (first..=last).contains(&group)) {
        (true, true) => None,
        (true, false) => Some((first.min(group), last.max(group))),
        (false, _) => Some((group, group)),
    }
}

#[cfg(test)]
mod tests;
