//! A classic BPF program that drops, before they cost us anything, the reports of routes and rules that are none of our
//! business: additions, other protocols' routes, and what we have asked for ourselves. A full routing table that a
//! daemon of another kind exchanges wakes nobody.

use nix::libc;
use socket2::SockFilter;

use super::route::{RTM_DELROUTE, RTM_NEWROUTE};
use super::rule::{RTM_DELRULE, RTM_NEWRULE};
use crate::model::entry::PROTOCOL_KEEPALIVED;

// Instructions put together from linux/bpf_common.h.
const LOAD_BYTE: u16 = (libc::BPF_LD | libc::BPF_B | libc::BPF_ABS) as u16;
const LOAD_HALF: u16 = (libc::BPF_LD | libc::BPF_H | libc::BPF_ABS) as u16;
const LOAD_WORD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const JUMP_IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

// struct nlmsghdr (linux/netlink.h), then struct rtmsg.
const TYPE: u32 = 4;
const PORT: u32 = 12;
const ROUTE_PROTOCOL: u32 = 16 + 5;

/// The program for a listener beside requests that are sent from `port`.
pub(super) fn program(port: u32) -> [SockFilter; 12] {
    const KEEP: u32 = u32::MAX;
    const DROP: u32 = 0;
    let load = |code, offset| SockFilter::new(code, 0, 0, offset);
    let jump = |value, if_true, if_false| SockFilter::new(JUMP_IF_EQUAL, if_true, if_false, value);
    let give = |bytes| SockFilter::new(RETURN, 0, 0, bytes);
    // The machine loads numbers in network order, but netlink's are in the host's.
    let kind = |kind: u16| u32::from(u16::from_be_bytes(kind.to_ne_bytes()));
    let port = u32::from_be_bytes(port.to_ne_bytes());
    [
        load(LOAD_HALF, TYPE),
        jump(kind(RTM_NEWROUTE), 9, 0),
        jump(kind(RTM_NEWRULE), 8, 0),
        jump(kind(RTM_DELRULE), 4, 0),
        jump(kind(RTM_DELROUTE), 1, 0),
        give(KEEP),
        load(LOAD_BYTE, ROUTE_PROTOCOL),
        jump(PROTOCOL_KEEPALIVED.into(), 0, 3),
        load(LOAD_WORD, PORT),
        jump(port, 1, 0),
        give(KEEP),
        give(DROP),
    ]
}
