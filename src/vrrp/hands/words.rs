//! What the log is told of packets that did not leave, in keepalived's words. Called by the hands; decides nothing.

use std::io;
use std::net::IpAddr;

use nix::errno::Errno;

use crate::model::IfName;

/// A gratuitous ARP or neighbour advertisement was not sent.
pub(super) fn not_announced(interface: &IfName, address: IpAddr, cause: &io::Error) -> String {
    let error = match cause.raw_os_error() {
        Some(number) => format!("Error {number} ({})", Errno::from_raw(number).desc()),
        None => format!("Error ({cause})"),
    };
    let what = match address {
        IpAddr::V4(_) => "gratuitous ARP",
        IpAddr::V6(_) => "ndisc unsolicited neighbour advert",
    };
    format!("{error} sending {what} on {interface} for {address}")
}

#[cfg(test)]
mod tests;
