use super::*;

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = ((value.len() + 4) as u16).to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn message(kind: &[u8], table: &[u8]) -> Vec<u8> {
    let data = attribute(IFLA_INFO_DATA | 0x8000, &attribute(IFLA_VRF_TABLE, table));
    let info = [attribute(IFLA_INFO_KIND, kind), data].concat();
    [vec![0; LINK_HEADER], attribute(IFLA_IFNAME, b"red\0"), attribute(IFLA_LINKINFO, &info)].concat()
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
