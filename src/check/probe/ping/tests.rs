use super::super::rig::{connect, loopbacks, reason};
use super::*;
use crate::model::IfName;
use crate::net::ping_group::PingGroup;

/// Root is let in, here as in the daemon. The range is left so: tests run side by side.
fn admit() {
    PingGroup::admit().expect("the test runs as root");
}

#[tokio::test]
async fn pings_are_numbered_on_one_socket_as_long_as_they_succeed() {
    admit();
    for at in loopbacks() {
        let (to, slot) = (connect(at), Slot::default());
        let kept =
            || slot.lock().expect("whole").as_ref().map(|it| (it.socket.local_addr().expect("its id"), it.sequence));
        assert_eq!(run(&to, &slot).await, Report::of(Outcome::Good));
        let first = kept().expect("kept");
        assert_eq!(first.1, 1);
        assert_eq!(run(&to, &slot).await, Report::of(Outcome::Good));
        assert_eq!(kept(), Some((first.0, 2)), "the identifier is the socket's");
        slot.lock().expect("whole").as_mut().expect("kept").sequence = u16::MAX;
        assert_eq!(run(&to, &slot).await, Report::of(Outcome::Good));
        assert_eq!(kept(), Some((first.0, 0)));
    }
}

#[tokio::test]
async fn late_replies_belong_to_requests_before() {
    admit();
    let (to, slot) = (connect(loopbacks()[0]), Slot::default());
    assert_eq!(run(&to, &slot).await, Report::of(Outcome::Good));
    let kept = slot.lock().expect("whole").take().expect("kept");
    for old in [7, 8] {
        kept.socket.send_to(&icmp_echo::request(Family::V4, old), to.to).await.expect("sent");
    }
    kept.socket.readable().await.expect("replies");
    *slot.lock().expect("whole") = Some(kept);
    assert_eq!(run(&to, &slot).await, Report::of(Outcome::Good));
}

#[tokio::test]
async fn what_cannot_be_sent_fails_and_the_socket_goes() {
    admit();
    // There is no way from loopback to anywhere else.
    let mut to = connect("192.0.2.1:0".parse().expect("an address"));
    to.bind_ip = "127.0.0.1".parse().ok();
    to.bind_if = IfName::new("lo");
    let slot = Slot::default();
    let report = run(&Connect { timeout: crate::model::Micros::from_millis(200), ..to }, &slot).await;
    assert!(["failed", "timeout"].contains(&reason(&report)), "{report:?}");
    assert!(slot.lock().expect("whole").is_none());
}

#[tokio::test]
async fn a_missing_interface_says_nothing_of_the_server() {
    admit();
    let mut to = connect(loopbacks()[0]);
    to.bind_if = IfName::new("nosuchif");
    let report = run(&to, &Slot::default()).await;
    assert!(matches!(report.outcome, Outcome::Unable(_)), "{report:?}");
}
