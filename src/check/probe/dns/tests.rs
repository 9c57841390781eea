use std::net::SocketAddr;
use std::time::Duration;

use super::super::rig::{self, connect, loopbacks, nobody, reason, udp, within};
use super::*;
use crate::model::Micros;

fn a_record() -> Dns {
    Dns { kind: 1, name: "www.example.com".into() }
}

async fn check(to: SocketAddr) -> Report {
    run(&connect(to), &a_record()).await
}

/// The query as an answer with this code.
fn answer(query: &[u8], code: u8) -> Vec<u8> {
    let mut answer = query.to_vec();
    answer[2..4].copy_from_slice(&[0x81, 0x80 | code]);
    answer
}

#[tokio::test]
async fn any_reply_without_an_error_is_good() {
    for at in loopbacks() {
        let server = udp(at, |query| {
            let expected = b"\x01\0\0\x01\0\0\0\0\0\0\x03www\x07example\x03com\0\0\x01\0\x01";
            assert_eq!(query[2..], *expected);
            vec![answer(query, 0)]
        });
        assert_eq!(check(server.await).await, Report::of(Outcome::Good));
    }
    // A header alone is enough, and only its code counts.
    let server = udp(loopbacks()[0], |query| vec![answer(query, 0)[..12].to_vec()]).await;
    assert_eq!(check(server).await, Report::of(Outcome::Good));
}

#[tokio::test]
async fn an_error_code_fails_at_once() {
    let server = udp(loopbacks()[0], |query| vec![answer(query, 3)]).await;
    assert_eq!(reason(&check(server).await), "read error occurred. (rcode = 3)");
}

#[tokio::test]
async fn what_is_no_reply_is_passed_over() {
    let noise = |query: &[u8]| {
        let mut other = answer(query, 2);
        other[0] ^= 0xff;
        vec![query.to_vec(), answer(query, 2)[..11].to_vec(), vec![], other]
    };
    let good = udp(loopbacks()[0], move |query| [noise(query), vec![answer(query, 0)]].concat()).await;
    assert_eq!(check(good).await, Report::of(Outcome::Good));
    let begun = Instant::now();
    let noisy = udp(loopbacks()[0], noise).await;
    let report = run(&within(noisy, Micros::from_millis(200)), &a_record()).await;
    assert_eq!(reason(&report), "read timeout from socket");
    assert!((200..2000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_flood_of_noise_does_not_outlast_the_time() {
    let flood = udp(loopbacks()[0], |query| vec![query.to_vec(); 2000]).await;
    let (to, a_record) = (within(flood, Micros::from_millis(100)), a_record());
    let report = tokio::time::timeout(Duration::from_secs(5), run(&to, &a_record));
    assert_eq!(reason(&report.await.expect("in time")), "read timeout from socket");
}

#[tokio::test]
async fn a_closed_port_fails_at_once() {
    let begun = Instant::now();
    assert_eq!(reason(&check(nobody().await).await), "failed to read socket; errno 111 (Connection refused)");
    assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_name_that_dns_does_not_have_says_nothing_of_the_server() {
    let long = Dns { kind: 1, name: "a".repeat(64) };
    let report = run(&connect(loopbacks()[0]), &long).await;
    assert!(matches!(report.outcome, Outcome::Unable(_)), "{report:?}");
}

#[test]
fn identifiers_differ() {
    let ids: std::collections::HashSet<u16> = (0..64).filter_map(|_| identifier().ok()).collect();
    assert!(ids.len() > 32, "{ids:?}");
}

#[tokio::test]
async fn without_a_route_there_is_nothing_to_wait_for() {
    rig::enter_namespace();
    let to = "192.0.2.1:87".parse().expect("an address");
    assert_eq!(reason(&check(to).await), "network unreachable for [192.0.2.1]:87");
}
