use super::*;
use crate::net::link_info::built;

fn message(kind: &[u8], table: &[u8]) -> Vec<u8> {
    built::message(b"red\0", kind, 0x8000, &built::attribute(IFLA_VRF_TABLE, table))
}

#[test]
fn a_vrf_has_a_name_and_a_table() {
    let red = IfName::new("red").unwrap();
    assert_eq!(vrf(&message(b"vrf\0", &10_u32.to_ne_bytes())), Some((red, 10)));
}

#[test]
fn other_interfaces_and_broken_messages_are_none() {
    assert_eq!(vrf(&message(b"bridge\0", &10_u32.to_ne_bytes())), None);
    assert_eq!(vrf(&message(b"vrf\0", &[1, 2])), None);
    assert_eq!(vrf(&[0; 7]), None);
    let whole = message(b"vrf\0", &10_u32.to_ne_bytes());
    for length in 0..whole.len() - 4 {
        assert_eq!(vrf(&whole[..length]), None, "{length}");
    }
}
