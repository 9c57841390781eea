use super::super::rig::{HIGH, LOW, OURS, instance};
use super::*;
use crate::model::{Auth, Family, Micros, Peer, Version};
use crate::wire::ipv4;
use crate::wire::vrrp::{Advert, Pseudo};

/// Noon of some day.
const NOON: u64 = 1_700_000_000_000_000;
const SECOND: u64 = 1_000_000;

fn hmac() -> Hmac {
    Hmac {
        keys: vec![(1, Secret::new([1; 32])), (2, Secret::new([2; 32]))],
        active: 1,
        time_window: Micros::from_secs(5),
        anti_replay: AntiReplay::Time,
        mode: HmacMode::Enforce,
    }
}

fn monotonic() -> Hmac {
    Hmac { anti_replay: AntiReplay::Monotonic, time_window: Micros::ZERO, ..hmac() }
}

fn pdu() -> Vec<u8> {
    let addresses = [IpAddr::from([10, 0, 0, 100])];
    Advert {
        version: Version::V3,
        vrid: 51,
        priority: 200,
        interval: Micros::from_secs(1),
        addresses: &addresses,
        family: Family::V4,
        auth: vrrp::Auth::None,
    }
    .encode(Pseudo::Kernel)
}

/// A node: what it remembers, and how it is configured.
struct Node {
    signatures: Signatures,
    instance: Instance,
    hmac: Hmac,
}

impl Node {
    fn new(hmac: Hmac) -> Self {
        let instance = Instance { version: Version::V3, auth: Auth::Hmac(hmac.clone()), ..instance() };
        Node { signatures: Signatures::default(), instance, hmac }
    }

    fn unicast(hmac: Hmac, peers: &[Ipv4Addr]) -> Self {
        let peers = peers.iter().map(|ip| Peer { ip: (*ip).into(), min_ttl: 0, max_ttl: 255 }).collect();
        let mut node = Node::new(hmac);
        node.instance.transport = Transport::Unicast { peers, ttl: None };
        node
    }

    fn sign(&mut self, wall: u64, source: Ipv4Addr) -> [u8; trailer::LEN] {
        let origin = Origin { version: 3, vrid: 51, source: source.into() };
        self.signatures.sign(&self.hmac, wall, &origin, &pdu()).expect("a trailer")
    }

    fn verify(
        &mut self,
        wall: u64,
        source: Ipv4Addr,
        trailer: Option<&[u8; trailer::LEN]>,
    ) -> Result<Option<Oddity>, Refusal> {
        let pdu = pdu();
        let packet = Packet::decode(&pdu, Family::V4, None).expect("a packet");
        self.signatures.verify(&self.instance, &self.hmac, wall, source.into(), &packet, trailer)
    }
}

#[test]
fn what_is_unsigned_passes_only_in_the_modes_of_migration() {
    for (mode, signs, accepts) in
        [(HmacMode::Enforce, true, false), (HmacMode::Permissive, true, true), (HmacMode::ReceiveOnly, false, true)]
    {
        let mut node = Node::new(Hmac { mode, ..hmac() });
        let origin = Origin { version: 3, vrid: 51, source: OURS.into() };
        assert_eq!(node.signatures.sign(&node.hmac, NOON, &origin, &pdu()).is_some(), signs, "{mode:?}");
        assert_eq!(node.verify(NOON, LOW, None).is_ok(), accepts, "{mode:?}");
        let good = Node::new(hmac()).sign(NOON, LOW);
        assert_eq!(node.verify(NOON, LOW, Some(&good)), Ok(None), "{mode:?}");
        let mut bad = Node::new(hmac()).sign(NOON + 1_000, LOW);
        bad[27] ^= 1;
        let source_ip = LOW.into();
        assert_eq!(node.verify(NOON, LOW, Some(&bad)), Err(Refusal::TrailerTag { source_ip }), "{mode:?}");
    }
}

#[test]
fn keys_can_be_rotated_while_adverts_flow() {
    let mut receiver = Node::new(hmac());
    let new = Node::new(Hmac { active: 2, ..hmac() }).sign(NOON, LOW);
    assert_eq!(receiver.verify(NOON, LOW, Some(&new)), Ok(None));
    receiver.hmac.keys.truncate(1);
    let (source_ip, key_id) = (LOW.into(), 2);
    assert_eq!(receiver.verify(NOON, LOW, Some(&new)), Err(Refusal::TrailerKey { source_ip, key_id }));
}

#[test]
fn another_scheme_or_a_reserved_field_in_use_is_malformed() {
    let good = Node::new(hmac()).sign(NOON, LOW);
    for at in [0, 2, 3] {
        let mut bad = good;
        bad[at] ^= 2;
        let source_ip = LOW.into();
        let verdict = Node::new(hmac()).verify(NOON, LOW, Some(&bad));
        assert_eq!(verdict, Err(Refusal::TrailerMalformed { source_ip }));
    }
}

#[test]
fn an_advert_may_be_a_window_old_and_half_a_window_without_a_word() {
    for (late, accepted, warned) in
        [(0, true, false), (2, true, false), (3, true, true), (5, true, true), (6, false, false)]
    {
        for wall in [NOON + late * SECOND, NOON - late * SECOND] {
            let trailer = Node::new(hmac()).sign(NOON, LOW);
            let verdict = Node::new(hmac()).verify(wall, LOW, Some(&trailer));
            assert_eq!(verdict.is_ok(), accepted, "{late}");
            assert_eq!(matches!(verdict, Ok(Some(Oddity::ClockSkew { .. }))), warned, "{late}");
            if !accepted {
                assert!(matches!(verdict, Err(Refusal::TrailerStale { window: 5, .. })));
            }
            assert_eq!(Node::new(monotonic()).verify(wall, LOW, Some(&trailer)), Ok(None));
        }
    }
}

#[test]
fn nothing_is_accepted_twice_and_senders_do_not_hinder_each_other() {
    for hmac in [hmac(), monotonic()] {
        let (mut receiver, mut sender) = (Node::new(hmac.clone()), Node::new(hmac));
        let [first, second] = [sender.sign(NOON, LOW), sender.sign(NOON, LOW)];
        assert_eq!(receiver.verify(NOON, LOW, Some(&second)), Ok(None));
        for old in [first, second] {
            assert_eq!(receiver.verify(NOON, LOW, Some(&old)), Err(Refusal::TrailerReplay { source_ip: LOW.into() }));
        }
        let other = Node::new(self::hmac()).sign(NOON - SECOND, HIGH);
        assert_eq!(receiver.verify(NOON, HIGH, Some(&other)), Ok(None));
    }
}

#[test]
fn a_forged_trailer_moves_no_mark_and_takes_no_place() {
    let (mut receiver, mut sender) = (Node::new(hmac()), Node::new(hmac()));
    assert!(receiver.verify(NOON, LOW, Some(&sender.sign(NOON, LOW))).is_ok());
    let before = receiver.signatures.marks.clone();
    for last in 0..=255 {
        let source = Ipv4Addr::new(10, 0, 0, last);
        let mut forged = Node::new(hmac()).sign(NOON + SECOND, source);
        forged[12] ^= 1;
        assert!(matches!(receiver.verify(NOON, source, Some(&forged)), Err(Refusal::TrailerTag { .. })));
    }
    assert_eq!(receiver.signatures.marks, before);
    assert!(receiver.verify(NOON, LOW, Some(&sender.sign(NOON, LOW))).is_ok());
}

#[test]
fn a_group_has_room_for_four_senders_and_the_longest_silent_one_goes() {
    let mut receiver = Node::new(hmac());
    let mut hear = |last: u8, wall| {
        let source = Ipv4Addr::new(10, 0, 0, last);
        let trailer = Node::new(hmac()).sign(wall, source);
        receiver.verify(NOON, source, Some(&trailer)).is_ok()
    };
    assert!([1, 2, 3, 4].into_iter().all(|last| hear(last, NOON)));
    assert!(hear(1, NOON + 1_000));
    assert!(hear(5, NOON), "takes the place of 2");
    assert!([1, 3, 4, 5].into_iter().all(|last| !hear(last, NOON)), "known still");
    assert!(hear(2, NOON), "unknown again");
}

#[test]
fn each_peer_has_a_mark_and_strangers_are_refused() {
    let peers: Vec<Ipv4Addr> = (1..=6).map(|last| Ipv4Addr::new(10, 0, 0, last)).collect();
    let mut receiver = Node::unicast(hmac(), &peers);
    for peer in &peers {
        let trailer = Node::new(hmac()).sign(NOON, *peer);
        assert!(receiver.verify(NOON, *peer, Some(&trailer)).is_ok());
    }
    for peer in &peers {
        let trailer = Node::new(hmac()).sign(NOON, *peer);
        assert!(matches!(receiver.verify(NOON, *peer, Some(&trailer)), Err(Refusal::TrailerReplay { .. })));
    }
    let stranger = Node::new(hmac()).sign(NOON, HIGH);
    assert_eq!(receiver.verify(NOON, HIGH, Some(&stranger)), Err(Refusal::Stranger { source_ip: HIGH.into() }));
}

#[test]
fn a_sender_whose_clock_was_set_right_is_heard_again() {
    let (mut receiver, mut sender) = (Node::new(hmac()), Node::new(hmac()));
    // Both were four seconds ahead; then the clock goes back a little: the sequence goes on from where it was.
    assert!(receiver.verify(NOON + 4 * SECOND, LOW, Some(&sender.sign(NOON + 4 * SECOND, LOW))).is_ok());
    assert!(receiver.verify(NOON, LOW, Some(&sender.sign(NOON, LOW))).is_ok());
    // Both were an hour ahead: the sender begins anew, and the receiver forgets a mark in the future.
    let (mut receiver, mut sender) = (Node::new(hmac()), Node::new(hmac()));
    let ahead = NOON + 3_600 * SECOND;
    assert!(receiver.verify(ahead, LOW, Some(&sender.sign(ahead, LOW))).is_ok());
    assert!(receiver.verify(NOON, LOW, Some(&sender.sign(NOON, LOW))).is_ok());
    // Only the sender was: what it signs from now on is right.
    let (mut receiver, mut sender) = (Node::new(hmac()), Node::new(hmac()));
    let early = sender.sign(ahead, LOW);
    assert!(matches!(receiver.verify(NOON, LOW, Some(&early)), Err(Refusal::TrailerStale { .. })));
    assert!(receiver.verify(NOON, LOW, Some(&sender.sign(NOON, LOW))).is_ok());
    // Without the time a sender goes on counting, whatever its clock says.
    let (mut receiver, mut sender) = (Node::new(monotonic()), Node::new(monotonic()));
    assert!(receiver.verify(NOON, LOW, Some(&sender.sign(ahead, LOW))).is_ok());
    assert!(receiver.verify(NOON, LOW, Some(&sender.sign(NOON, LOW))).is_ok());
}

#[test]
fn forgetting_keeps_our_own_sequence() {
    let mut node = Node::new(hmac());
    let first = Trailer::decode(&node.sign(NOON, OURS)).sequence;
    node.signatures.forget();
    assert!(Trailer::decode(&node.sign(NOON, OURS)).sequence.is_after(first));
}

fn sealed(sequence: u32, source: Ipv4Addr, spi: Option<Ipv4Addr>) -> Vec<u8> {
    let pdu = pdu();
    let header = ipv4::Header { id: 1, ttl: 255, protocol: ah::PROTOCOL, source, destination: [224, 0, 0, 18].into() };
    let mut ip = header.encode_for(ah::LEN + pdu.len());
    if let Some(spi) = spi {
        // Sealed as if from another address, then the true header is put back: nobody with the key does that.
        let other = ipv4::Header { source: spi, ..header }.encode_for(ah::LEN + pdu.len());
        ip = other;
    }
    ah::seal(&ip, sequence, &pdu, b"s3cr3t", false)
}

fn verify_header(signatures: &mut Signatures, source: Ipv4Addr, datagram: &[u8]) -> Result<(), Refusal> {
    let (ip, rest) = datagram.split_at(ipv4::HEADER_LEN);
    let (header, pdu) = rest.split_first_chunk().expect("a header");
    signatures.verify_header(&Secret::new("s3cr3t"), false, source, &Sealed { ip, header }, pdu)
}

#[test]
fn authentication_headers_count_up_together() {
    let mut signatures = Signatures::default();
    assert_eq!([signatures.next_header(), signatures.next_header()], [1, 2]);
    let source_ip = LOW.into();
    let replayed = |received, ours| Err(Refusal::HeaderReplay { source_ip, received, ours });
    assert_eq!(verify_header(&mut signatures, LOW, &sealed(2, LOW, None)), replayed(2, 2));
    assert_eq!(verify_header(&mut signatures, LOW, &sealed(9, LOW, None)), Ok(()));
    assert_eq!(verify_header(&mut signatures, LOW, &sealed(9, LOW, None)), replayed(9, 9));
    assert_eq!(signatures.next_header(), 10);
}

#[test]
fn a_wrong_header_moves_no_counter() {
    let mut signatures = Signatures::default();
    let source_ip = LOW.into();
    let mut bad = sealed(9, LOW, None);
    bad[43] ^= 1;
    assert_eq!(verify_header(&mut signatures, LOW, &bad), Err(Refusal::HeaderCheck { source_ip }));
    let mut next = sealed(9, LOW, None);
    next[20] = 6;
    assert_eq!(verify_header(&mut signatures, LOW, &next), Err(Refusal::HeaderNext { source_ip, received: 6 }));
    let foreign = sealed(9, LOW, Some(HIGH));
    assert!(matches!(verify_header(&mut signatures, LOW, &foreign), Err(Refusal::HeaderSpi { .. })));
    assert_eq!(signatures.next_header(), 1);
}

#[test]
fn numbers_that_are_used_up_begin_anew_with_the_next_mastership() {
    let mut signatures = Signatures { header: LAST_SEQUENCE, ..Signatures::default() };
    assert_eq!([signatures.next_header(), signatures.next_header()], [LAST_SEQUENCE + 1, LAST_SEQUENCE + 1]);
    signatures.begin_mastership();
    assert_eq!(signatures.next_header(), 1);
}
