use proptest::prelude::*;

use super::*;

fn oid() -> impl Strategy<Value = Oid> {
    prop::collection::vec(any::<u32>(), 0..20).prop_map(Oid)
}

fn value() -> impl Strategy<Value = Value> {
    let octets = || prop::collection::vec(any::<u8>(), 0..20);
    prop_oneof![
        any::<i32>().prop_map(Value::Integer),
        octets().prop_map(Value::Octets),
        Just(Value::Null),
        oid().prop_map(Value::Name),
        any::<[u8; 4]>().prop_map(|ip| Value::IpAddress(ip.into())),
        any::<u32>().prop_map(Value::Counter32),
        any::<u32>().prop_map(Value::Gauge32),
        any::<u32>().prop_map(Value::TimeTicks),
        octets().prop_map(Value::Opaque),
        any::<u64>().prop_map(Value::Counter64),
        Just(Value::NoSuchObject),
        Just(Value::NoSuchInstance),
        Just(Value::EndOfMibView),
    ]
}

fn binds() -> impl Strategy<Value = Vec<Bind>> {
    prop::collection::vec((oid(), value()).prop_map(|(name, value)| Bind { name, value }), 0..6)
}

fn ranges() -> impl Strategy<Value = Vec<Range>> {
    let range = (oid(), any::<bool>(), oid()).prop_map(|(start, include, end)| Range { start, include, end });
    prop::collection::vec(range, 0..6)
}

fn body() -> impl Strategy<Value = Body> {
    let text = || prop::collection::vec(any::<u8>(), 0..20);
    prop_oneof![
        (any::<u8>(), oid(), text()).prop_map(|(timeout, id, description)| Body::Open { timeout, id, description }),
        any::<u8>().prop_map(Body::Close),
        (any::<u8>(), any::<u8>(), oid()).prop_map(|(timeout, priority, tree)| Body::Register {
            timeout,
            priority,
            tree
        }),
        (any::<u8>(), oid()).prop_map(|(priority, tree)| Body::Unregister { priority, tree }),
        ranges().prop_map(Body::Get),
        ranges().prop_map(Body::GetNext),
        (any::<u16>(), any::<u16>(), ranges()).prop_map(|(once, times, ranges)| Body::GetBulk { once, times, ranges }),
        binds().prop_map(Body::TestSet),
        Just(Body::CommitSet),
        Just(Body::UndoSet),
        Just(Body::CleanupSet),
        binds().prop_map(Body::Notify),
        Just(Body::Ping),
        (oid(), text()).prop_map(|(id, description)| Body::AddCaps { id, description }),
        oid().prop_map(Body::RemoveCaps),
        (any::<u32>(), any::<u16>(), any::<u16>(), binds()).prop_map(|(uptime, error, index, binds)| Body::Response {
            uptime,
            error,
            index,
            binds
        }),
    ]
}

fn packet() -> impl Strategy<Value = Packet> {
    let context = prop::option::of(prop::collection::vec(any::<u8>(), 0..9));
    (any::<[u32; 3]>(), context, body()).prop_map(|([session, transaction, packet], context, body)| Packet {
        session,
        transaction,
        packet,
        context,
        body,
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(packet in packet()) {
        let octets = packet.write();
        let header = octets.first_chunk().unwrap();
        prop_assert_eq!(rest(header), Ok(octets.len() - HEADER));
        prop_assert_eq!(Packet::read(&octets), Ok(packet));
    }

    #[test]
    fn any_octets_are_a_packet_or_an_error(packet in packet(), at in any::<prop::sample::Index>(), octet in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut octets = packet.write();
        let place = at.index(octets.len());
        octets[place] = octet;
        let _ = Packet::read(&octets);
        octets.truncate(cut.index(octets.len()));
        prop_assert!(Packet::read(&octets).is_err());
    }
}

/// Octets that look like a packet from far: the header is right, and numbers are small more often than not.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let octet = prop_oneof![4 => 0u8..8, 1 => any::<u8>()];
    (0u8..20, 0u8..32, prop::collection::vec(octet, 0..200)).prop_map(|(kind, flags, body)| {
        let length = body.len() as u32;
        let length = if flags & NETWORK_BYTE_ORDER != 0 { length.to_be_bytes() } else { length.to_le_bytes() };
        [&[VERSION, kind, flags, 0][..], &[0; 12], &length, &body].concat()
    })
}

proptest! {
    #[test]
    fn garbage_does_no_harm(octets in garbage()) {
        if let Ok(packet) = Packet::read(&octets) {
            // Whatever has been understood can be said.
            prop_assert_eq!(Packet::read(&packet.write()), Ok(packet));
        }
    }
}

#[test]
fn a_request_of_snmpd_is_read() {
    // GETNEXT in little-endian order, whose names are compressed, as snmpd 5.9.3 sends it.
    let octets = [
        &[1, 6, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 9, 0, 0, 0, 36, 0, 0, 0][..],
        &[3, 4, 1, 0, 1, 0, 0, 0, 0x72, 0x25, 0, 0, 100, 0, 0, 0],
        &[4, 4, 0, 0, 1, 0, 0, 0, 0x72, 0x25, 0, 0, 100, 0, 0, 0, 6, 0, 0, 0],
    ]
    .concat();
    let start = Oid(vec![1, 3, 6, 1, 4, 1, 9586, 100]);
    let end = start.with(&[6]);
    let wanted = Packet {
        session: 7,
        transaction: 3,
        packet: 9,
        context: None,
        body: Body::GetNext(vec![Range { start, include: true, end }]),
    };
    assert_eq!(Packet::read(&octets), Ok(wanted));
}

#[test]
fn lengths_that_lie_are_errors() {
    let mut octets = Packet { session: 0, transaction: 0, packet: 0, context: None, body: Body::Ping }.write();
    octets[16..20].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(rest(octets.first_chunk().unwrap()), Err(Error::Long(u32::MAX as usize)));
    assert_eq!(Packet::read(&octets), Err(Error::Short));
    // A text that claims to be as long as a number can tell.
    let text = [&[1, 16, 16, 0][..], &[0; 12], &[0, 0, 0, 8], &[0, 0, 0, 0], &[0xff; 4]].concat();
    assert_eq!(Packet::read(&text), Err(Error::Short));
}
