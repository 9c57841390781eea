use std::net::SocketAddr;
use std::time::Duration;

use super::super::rig::udp as server;
use super::super::rig::{self, connect, loopbacks, nobody, reason, within};
use super::*;
use crate::model::IfName;
use crate::model::Micros;

fn plain() -> Udp {
    Udp { payload: None, reply: None, min_reply: 0, max_reply: 255 }
}

fn wanting(text: &[u8]) -> Udp {
    Udp { reply: Some(text.iter().map(|&value| MaskedByte { value, mask: 0xff }).collect()), ..plain() }
}

async fn silent(at: SocketAddr) -> SocketAddr {
    server(at, |_| vec![]).await
}

async fn answering(answer: &'static [u8]) -> SocketAddr {
    server(loopbacks()[0], move |_| vec![answer.to_vec()]).await
}

async fn check(to: SocketAddr, udp: &Udp) -> Report {
    run(&within(to, Micros::from_millis(200)), udp).await
}

#[tokio::test]
async fn datagrams_are_byte_for_byte_keepalived_s() {
    for at in loopbacks() {
        let own_text = server(at, |heard| {
            assert_eq!(heard, b"keepalived check - keepalived ch");
            vec![heard.to_vec()]
        });
        assert_eq!(check(own_text.await, &wanting(b"keepalived")).await, Report::of(Outcome::Good));
    }
    let payload =
        server(loopbacks()[0], |heard| vec![if heard == [1, 2, 3, 0xff, 10] { vec![7] } else { vec![0] }]).await;
    let udp = Udp { payload: Some(vec![1, 2, 3, 0xff, 10]), ..wanting(&[7]) };
    assert_eq!(check(payload, &udp).await, Report::of(Outcome::Good));
}

#[tokio::test]
async fn silence_is_good_unless_an_answer_is_wanted() {
    for at in loopbacks() {
        let begun = Instant::now();
        assert_eq!(check(silent(at).await, &plain()).await, Report::of(Outcome::Good));
        assert!(begun.elapsed() >= Duration::from_millis(200), "it might still answer");
        assert_eq!(reason(&check(silent(at).await, &wanting(b"")).await), "failed");
    }
    let begun = Instant::now();
    assert_eq!(check(answering(b"x").await, &plain()).await, Report::of(Outcome::Good));
    assert!(begun.elapsed() < Duration::from_millis(200), "an answer is enough");
}

#[tokio::test]
async fn an_answer_is_compared_as_far_as_both_go() {
    let good = |udp: Udp, answer| async move { check(answering(answer).await, &udp).await.outcome == Outcome::Good };
    assert!(good(wanting(b""), b"").await);
    assert!(good(wanting(b"PONG"), b"PONG and more").await);
    assert!(good(wanting(b"PONG"), b"PO").await);
    assert!(!good(wanting(b"PONG"), b"PING").await);
    assert!(!good(Udp { min_reply: 3, ..wanting(b"PONG") }, b"PO").await);
    assert!(good(Udp { max_reply: 4, ..wanting(b"PONG") }, b"PONG").await);
    assert!(!good(Udp { max_reply: 4, ..wanting(b"PONG") }, b"PONG!").await);
    assert!(good(Udp { max_reply: 1, min_reply: 9, ..wanting(b"") }, b"PONG").await, "lengths belong to octets");
    assert!(!good(wanting(b"x"), &[b'x'; 300]).await, "longer than 255");
    let half = [MaskedByte { value: 0x40, mask: 0xf0 }, MaskedByte { value: 0, mask: 0 }];
    let masked = || Udp { reply: Some(half.to_vec()), ..plain() };
    assert!(good(masked(), b"Az").await);
    assert!(!good(masked(), b"Qz").await);
    let report = check(answering(b"PING").await, &wanting(b"PONG")).await;
    assert_eq!(report, Report::of(Outcome::Bad("reply data mismatch".into())));
}

#[tokio::test]
async fn a_closed_port_fails_at_once() {
    for udp in [plain(), wanting(b"")] {
        let begun = Instant::now();
        let report = run(&connect(nobody().await), &udp).await;
        assert_eq!(report, Report::of(Outcome::Bad("failed".into())));
        assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
    }
    let closed = UdpSocket::bind("[::1]:0").await.and_then(|socket| socket.local_addr()).expect("an address");
    assert_eq!(reason(&run(&connect(closed), &plain()).await), "failed");
}

#[tokio::test]
async fn a_missing_interface_says_nothing_of_the_server() {
    let mut to = connect(loopbacks()[0]);
    to.bind_if = IfName::new("nosuchif");
    assert!(matches!(run(&to, &plain()).await.outcome, Outcome::Unable(_)));
}

#[tokio::test]
async fn without_a_route_there_is_nothing_to_wait_for() {
    rig::enter_namespace();
    let report = run(&connect("192.0.2.1:88".parse().expect("an address")), &plain()).await;
    let note = "UDP connect error 101 - Network is unreachable";
    let detail = Some(Detail::Kernel("Network is unreachable"));
    assert_eq!(report, Report { outcome: Outcome::Bad("unreachable".into()), notes: vec![note.into()], detail });
}
