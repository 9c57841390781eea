//! Rules of nf_tables, put together from its expressions (linux/netfilter/nf_tables.h).
//!
//! A rule loads parts of the packet into registers, compares them, and ends with a verdict. Says nothing about which
//! rules there should be. Called by `layout`.

use super::message::Attributes;

/// `NFTA_LIST_ELEM`
const ELEMENT: u16 = 1;
/// `NFTA_EXPR_NAME`
const NAME: u16 = 1;
/// `NFTA_EXPR_DATA`
const DATA: u16 = 2;
/// `NFTA_DATA_VALUE`
const VALUE: u16 = 1;
/// `NFTA_DATA_VERDICT`
const VERDICT: u16 = 2;
/// `NFT_CMP_EQ`
const EQUAL: u32 = 0;
/// `NFT_GOTO`
const GOTO: u32 = -4_i32 as u32;

/// `NFT_RETURN`
const RETURN: u32 = -5_i32 as u32;

/// Registers of 16 bytes; a key longer than that goes on in the next. The first one can be filled in parts of four bytes
/// as well.
#[derive(Clone, Copy, Debug)]
pub(super) enum Register {
    /// `NFT_REG_VERDICT`
    Verdict = 0,
    /// `NFT_REG_1`
    First = 1,
    /// `NFT_REG_2`
    Second = 2,
    /// `NFT_REG32_01`: the second four bytes of the first
    FirstPart2 = 9,
}

/// A part of the packet: base, offset and length in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field(u32, u32, u32);

impl Field {
    /// `ip protocol`
    pub(super) const IPV4_PROTOCOL: Field = Field(Field::NETWORK, 9, 1);
    /// `ip saddr`
    pub(super) const IPV4_SOURCE: Field = Field(Field::NETWORK, 12, 4);
    /// `ip daddr`
    pub(super) const IPV4_DESTINATION: Field = Field(Field::NETWORK, 16, 4);
    /// `ip6 nexthdr`
    pub(super) const IPV6_NEXT_HEADER: Field = Field(Field::NETWORK, 6, 1);
    /// `ip6 saddr`
    pub(super) const IPV6_SOURCE: Field = Field(Field::NETWORK, 8, 16);
    /// `ip6 daddr`
    pub(super) const IPV6_DESTINATION: Field = Field(Field::NETWORK, 24, 16);
    /// `icmpv6 type`
    pub(super) const ICMPV6_TYPE: Field = Field(Field::TRANSPORT, 0, 1);
    /// `th dport`
    pub(super) const DESTINATION_PORT: Field = Field(Field::TRANSPORT, 2, 2);

    /// `NFT_PAYLOAD_NETWORK_HEADER`
    const NETWORK: u32 = 1;
    /// `NFT_PAYLOAD_TRANSPORT_HEADER`
    const TRANSPORT: u32 = 2;
}

/// What is known of a packet beside its bytes (`NFT_META_*`).
#[derive(Clone, Copy, Debug)]
pub(super) enum Meta {
    /// Firewall mark
    Mark = 3,
    /// Index of the link that it came by
    InputIndex = 4,
    /// Index of the link that it leaves by
    OutputIndex = 5,
    /// Name of the link that it came by
    InputName = 6,
    /// Name of the link that it leaves by
    OutputName = 7,
    /// Protocol after all extension headers
    Protocol = 16,
    /// Kind of the link that it leaves by
    OutputKind = 27,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verdict {
    /// `NF_DROP`
    Drop,
    /// `NF_ACCEPT`
    Accept,
    /// Back to the chain before, here the end of its own
    Return,
    /// On to this chain, and not back
    Goto(&'static str),
}

/// A rule in the making.
#[derive(Debug, Default)]
pub(super) struct Rule(Attributes);

impl Rule {
    /// Loads a part of the packet.
    pub(super) fn load(self, Field(base, offset, length): Field, to: Register) -> Self {
        self.expression("payload", |data| {
            data.number(1, to as u32).number(2, base).number(3, offset).number(4, length);
        })
    }

    /// Loads what is known of the packet.
    pub(super) fn meta(self, key: Meta, to: Register) -> Self {
        self.expression("meta", |data| {
            data.number(2, key as u32).number(1, to as u32);
        })
    }

    /// Sets what is known of the packet to what is in a register.
    pub(super) fn set_meta(self, key: Meta, from: Register) -> Self {
        self.expression("meta", |data| {
            data.number(2, key as u32).number(3, from as u32);
        })
    }

    /// Goes on if a register is equal to this.
    pub(super) fn equals(self, register: Register, value: &[u8]) -> Self {
        self.expression("cmp", |data| {
            data.number(1, register as u32).number(2, EQUAL).nest(3, |data| {
                data.bytes(VALUE, value);
            });
        })
    }

    /// Leaves of a register only the bits of the mask.
    pub(super) fn mask(self, register: Register, mask: &[u8]) -> Self {
        let zeros = vec![0; mask.len()];
        self.expression("bitwise", |data| {
            data.number(1, register as u32).number(2, register as u32).number(3, mask.len() as u32);
            data.nest(4, |data| {
                data.bytes(VALUE, mask);
            });
            data.nest(5, |data| {
                data.bytes(VALUE, &zeros);
            });
        })
    }

    /// Goes on if a set has the key that begins in this register.
    pub(super) fn within(self, set: &str, key: Register) -> Self {
        self.expression("lookup", |data| {
            data.text(1, set).number(2, key as u32);
        })
    }

    /// Goes on if a map has the key in a register, which then holds what the map says of it.
    pub(super) fn map(self, map: &str, register: Register) -> Self {
        self.expression("lookup", |data| {
            data.text(1, map).number(2, register as u32).number(3, register as u32);
        })
    }

    /// Sends a copy of the packet to the address in one register by the link in another.
    pub(super) fn duplicate(self, address: Register, link: Register) -> Self {
        self.expression("dup", |data| {
            data.number(1, address as u32).number(2, link as u32);
        })
    }

    /// Counts the packets that have come so far, if `wanted`.
    pub(super) fn count(self, wanted: bool) -> Self {
        if wanted { self.expression("counter", |_| {}) } else { self }
    }

    /// Ends with a verdict; gives the list of expressions.
    pub(super) fn verdict(self, verdict: Verdict) -> Attributes {
        let (code, chain) = match verdict {
            Verdict::Drop => (0, None),
            Verdict::Accept => (1, None),
            Verdict::Return => (RETURN, None),
            Verdict::Goto(chain) => (GOTO, Some(chain)),
        };
        let rule = self.expression("immediate", |data| {
            data.number(1, Register::Verdict as u32).nest(2, |data| {
                data.nest(VERDICT, |data| {
                    data.number(1, code);
                    if let Some(chain) = chain {
                        data.text(2, chain);
                    }
                });
            });
        });
        rule.0
    }

    fn expression(mut self, name: &str, fill: impl FnOnce(&mut Attributes)) -> Self {
        self.0.nest(ELEMENT, |element| {
            element.text(NAME, name).nest(DATA, fill);
        });
        self
    }
}
