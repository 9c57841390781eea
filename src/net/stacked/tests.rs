use super::*;

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = ((value.len() + 4) as u16).to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn message(kind: &[u8], mode: &[u8]) -> Vec<u8> {
    let data = attribute(IFLA_INFO_DATA, &attribute(1, mode));
    let info = [attribute(IFLA_INFO_KIND, kind), data].concat();
    [vec![0; LINK_HEADER], attribute(IFLA_IFNAME, b"vrrp.5\0"), attribute(IFLA_LINKINFO, &info)].concat()
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
