//! Classic BPF programs that decide in the kernel which datagrams an advert socket is woken for.
//!
//! Linux shows a raw IPv4 socket the datagram from its IP header on, and a raw IPv6 socket what follows the IPv6 and
//! extension headers. Called by `advert` only.

use std::net::IpAddr;

use nix::libc;
use socket2::SockFilter;

use crate::model::Family;

/// One instruction (`struct sock_filter`, linux/filter.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Instruction {
    code: u16,
    if_true: u8,
    if_false: u8,
    operand: u32,
}

/// A program whose result is how many bytes of the datagram are kept: 0 drops it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program(Vec<Instruction>);

/// Where the VRID stands in the VRRP header, version 2 and 3 alike (RFC 9568 section 5.1).
const VRID_OFFSET: u32 = 1;
/// Where its addresses begin.
const ADDRESS_OFFSET: u32 = 8;
/// So many of them are looked at: with 128 addresses and all VRIDs a program stays below the kernel's limit (4096
/// instructions).
const FIRST_ADDRESSES: u32 = 4;

// Instructions put together from linux/bpf_common.h.
const LOAD_BYTE: u16 = (libc::BPF_LD | libc::BPF_B | libc::BPF_ABS) as u16;
const LOAD_BYTE_AT_X: u16 = (libc::BPF_LD | libc::BPF_B | libc::BPF_IND) as u16;
const LOAD_WORD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const LOAD_WORD_AT_X: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_IND) as u16;
const LOAD_HEADER_LENGTH_TO_X: u16 = (libc::BPF_LDX | libc::BPF_B | libc::BPF_MSH) as u16;
const JUMP_IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

impl Program {
    /// Drops everything.
    pub(super) fn nothing() -> Self {
        Program(vec![returning(0)])
    }

    /// Keeps adverts for these virtual routers. A datagram too short to name one is dropped.
    /// `ahead` is the length of what stands between IPv4 header and advert.
    pub(super) fn vrids(family: Family, ahead: u32, vrids: &[u8]) -> Self {
        let mut program = match family {
            Family::V4 => vec![plain(LOAD_HEADER_LENGTH_TO_X, 0), plain(LOAD_BYTE_AT_X, ahead + VRID_OFFSET)],
            Family::V6 => vec![plain(LOAD_BYTE, VRID_OFFSET)],
        };
        for vrid in vrids {
            program.push(Instruction { code: JUMP_IF_EQUAL, if_true: 0, if_false: 1, operand: u32::from(*vrid) });
            program.push(returning(u32::MAX));
        }
        program.push(returning(0));
        Program(program)
    }

    /// Keeps adverts for other virtual routers than these that name one of these addresses among their first.
    pub(super) fn strangers(family: Family, vrids: &[u8], addresses: &[IpAddr]) -> Self {
        let (mut program, load, first, step) = match family {
            Family::V4 => {
                let begin = vec![plain(LOAD_HEADER_LENGTH_TO_X, 0), plain(LOAD_BYTE_AT_X, VRID_OFFSET)];
                (begin, LOAD_WORD_AT_X, ADDRESS_OFFSET, 4)
            }
            // The last word of an address tells enough: what is kept is read anew.
            Family::V6 => (vec![plain(LOAD_BYTE, VRID_OFFSET)], LOAD_WORD, ADDRESS_OFFSET + 12, 16),
        };
        for vrid in vrids {
            program.push(Instruction { code: JUMP_IF_EQUAL, if_true: 0, if_false: 1, operand: u32::from(*vrid) });
            program.push(returning(0));
        }
        // A load beyond the end drops the datagram.
        for place in 0..FIRST_ADDRESSES {
            program.push(plain(load, first + step * place));
            for address in addresses {
                let operand = match address {
                    IpAddr::V4(ip) => ip.to_bits(),
                    IpAddr::V6(ip) => ip.to_bits() as u32,
                };
                program.push(Instruction { code: JUMP_IF_EQUAL, if_true: 0, if_false: 1, operand });
                program.push(returning(u32::MAX));
            }
        }
        program.push(returning(0));
        Program(program)
    }

    /// In the form that `socket2` takes.
    pub(super) fn to_filter(&self) -> Vec<SockFilter> {
        self.0.iter().map(|step| SockFilter::new(step.code, step.if_true, step.if_false, step.operand)).collect()
    }
}

fn plain(code: u16, operand: u32) -> Instruction {
    Instruction { code, if_true: 0, if_false: 0, operand }
}

fn returning(kept: u32) -> Instruction {
    plain(RETURN, kept)
}

#[cfg(test)]
mod tests;
