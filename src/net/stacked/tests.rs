use super::*;
use crate::net::link_info::built;

fn message(kind: &[u8], mode: &[u8]) -> Vec<u8> {
    built::message(b"vrrp.5\0", kind, 0, &built::attribute(1, mode))
}

#[test]
fn kinds_and_modes() {
    let name = IfName::new("vrrp.5").unwrap();
    for (kind, mode, expected) in [
        (&b"macvlan\0"[..], &1_u32.to_ne_bytes()[..], Stacked::Macvlan { private: true }),
        (b"macvlan\0", &4_u32.to_ne_bytes(), Stacked::Macvlan { private: false }),
        (b"ipvlan\0", &0_u16.to_ne_bytes(), Stacked::Ipvlan { l2: true }),
        (b"ipvlan\0", &1_u16.to_ne_bytes(), Stacked::Ipvlan { l2: false }),
    ] {
        assert_eq!(stacked(&message(kind, mode)), Some((name.clone(), expected)));
    }
}

#[test]
fn other_interfaces_and_broken_messages_are_none() {
    assert_eq!(stacked(&message(b"veth\0", &1_u32.to_ne_bytes())), None);
    assert_eq!(stacked(&message(b"macvlan\0", &[1, 0])), None);
    let whole = message(b"macvlan\0", &1_u32.to_ne_bytes());
    for length in 0..whole.len() - 4 {
        assert_eq!(stacked(&whole[..length]), None, "{length}");
    }
}
