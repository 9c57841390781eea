use super::super::rig::{self, connect, loopbacks, reason, within};
use super::*;
use crate::model::{IfName, Micros};
use crate::net::ping_group::PingGroup;

/// A network namespace of this thread's own, where we may ask for echoes on loopback.
fn enter_namespace() {
    rig::enter_namespace();
    PingGroup::admit().expect("the range can be set").expect("nobody was let in before");
}

#[tokio::test]
async fn pings_are_numbered_on_one_socket_as_long_as_they_succeed() {
    enter_namespace();
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
    enter_namespace();
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
    enter_namespace();
    // The namespace knows no way to anywhere else.
    let to = connect("192.0.2.1:0".parse().expect("an address"));
    let slot = Slot::default();
    let report = run(&to, &slot).await;
    assert_eq!((reason(&report), report.notes.join(";").as_str()), ("unreachable", "send ICMP packet fail"));
    let to = connect("[2001:db8::1]:0".parse().expect("an address"));
    let report = run(&to, &slot).await;
    assert_eq!(
        (reason(&report), report.notes.join(";").as_str()),
        ("unreachable", "send ICMPv6 packet fail - errno 101")
    );
    assert!(slot.lock().expect("whole").is_none());
}

#[tokio::test]
async fn silence_fails_in_time_and_the_socket_goes() {
    enter_namespace();
    std::fs::write("/proc/sys/net/ipv4/icmp_echo_ignore_all", "1").expect("root may");
    let slot = Slot::default();
    let begun = Instant::now();
    let report = run(&within(loopbacks()[0], Micros::from_millis(200)), &slot).await;
    assert_eq!(report, Report::of(Outcome::Bad("timeout".into())));
    assert!((200..2000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
    assert!(slot.lock().expect("whole").is_none());
}

#[tokio::test]
async fn without_the_right_to_ask_nothing_is_said_of_the_server() {
    rig::enter_namespace();
    let report = run(&connect(loopbacks()[0]), &Slot::default()).await;
    let line = "Permission denied. ICMP connect fail to create socket. Rescheduling.";
    assert_eq!(report, Report::of(Outcome::Unable(line.into())));
}

#[tokio::test]
async fn a_missing_interface_says_nothing_of_the_server() {
    enter_namespace();
    let mut to = connect(loopbacks()[0]);
    to.bind_if = IfName::new("nosuchif");
    let report = run(&to, &Slot::default()).await;
    assert!(matches!(report.outcome, Outcome::Unable(_)), "{report:?}");
}
