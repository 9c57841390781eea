//! Generic netlink: the header of its messages, and how a family is found by its name (linux/genetlink.h).

use super::netlink::{Attributes, Fields};

/// `GENL_ID_CTRL`: the type of messages to the one family that has a fixed number
pub const CONTROLLER: u16 = 0x10;

/// Length of `struct genlmsghdr`
const HEADER: usize = 4;
/// `CTRL_CMD_GETFAMILY`
const GET_FAMILY: u8 = 3;
/// The version that libnl says
const CONTROLLER_VERSION: u8 = 1;
/// `CTRL_ATTR_FAMILY_ID`
const FAMILY_ID: u16 = 1;
/// `CTRL_ATTR_FAMILY_NAME`
const FAMILY_NAME: u16 = 2;

/// What follows the header of netlink: `struct genlmsghdr` and attributes.
pub fn payload(command: u8, version: u8, attributes: &Attributes) -> Vec<u8> {
    [&[command, version, 0, 0], attributes.as_bytes()].concat()
}

/// Splits a payload into the command and the bytes of its attributes.
pub fn split(payload: &[u8]) -> Option<(u8, &[u8])> {
    let (header, attributes) = payload.split_first_chunk::<HEADER>()?;
    let [command, ..] = *header;
    Some((command, attributes))
}

/// Asks the controller for the number of a family. The kernel may load a module for it before it answers.
pub fn find_family(name: &str) -> Vec<u8> {
    let mut attributes = Attributes::default();
    attributes.text(FAMILY_NAME, name);
    payload(GET_FAMILY, CONTROLLER_VERSION, &attributes)
}

/// The number of a family in the answer of the controller.
pub fn family_id(payload: &[u8]) -> Option<u16> {
    let (_, attributes) = split(payload)?;
    Fields::<3>::of(attributes).short(FAMILY_ID)
}

#[cfg(test)]
mod tests;
