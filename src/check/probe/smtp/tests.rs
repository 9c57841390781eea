use super::super::rig::{self, Step, connect, loopbacks, nobody, reason, tcp, within};
use super::*;
use crate::model::IfName;
use crate::model::Micros;

const NAME: &str = "smtpchecker.keepalived.org";
const HELO: Step = Step::Hear("HELO smtpchecker.keepalived.org\r\n");

async fn check(to: SocketAddr) -> Report {
    run(&connect(to), &Smtp { helo: NAME.into() }).await
}

async fn of(steps: Vec<Step>) -> (Report, SocketAddr) {
    let server = tcp(loopbacks()[0], steps).await;
    (check(server).await, server)
}

fn dialogue(banner: &'static [u8], hello: &'static [u8], bye: &'static [u8]) -> Vec<Step> {
    vec![Step::Say(banner), HELO, Step::Say(hello), Step::Hear("QUIT\r\n"), Step::Say(bye)]
}

#[tokio::test]
async fn the_dialogue_is_byte_for_byte_keepalived_s() {
    for at in loopbacks() {
        let server = tcp(at, dialogue(b"220 sink ESMTP\r\n", b"250 hi\r\n", b"221 bye\r\n")).await;
        assert_eq!(check(server).await, Report::of(Outcome::Good));
    }
}

#[tokio::test]
async fn banners_of_many_lines_or_none_are_good() {
    let banners: [&[u8]; 4] =
        [b"220\r\n", b"220-please\r\n220-wait\r\n220 now\r\n", b"220 LF alone\n", b"220 one\r\n220 too many\r\n"];
    for banner in banners {
        let (report, _) = of(dialogue(banner, b"250-host\r\n250 SIZE\r\n", b"500 whatever\r\n")).await;
        assert_eq!(report, Report::of(Outcome::Good), "{banner:?}");
    }
    let pieces = [b"2".as_slice(), b"20", b"-a\r", b"\n220 ", b"b\r\n"].map(Step::Say);
    let slowly = pieces.into_iter().flat_map(|piece| [piece, Step::Wait(Duration::from_millis(20))]);
    let (report, _) = of(slowly.chain(dialogue(b"", b"250\r\n", b"221\r\n")).collect()).await;
    assert_eq!(report, Report::of(Outcome::Good));
}

#[tokio::test]
async fn what_is_wrong_has_keepalived_s_words() {
    let cases: [(&str, Vec<Step>); 9] = [
        ("Bad greeting banner from", vec![Step::Say(b"554 no\r\n"), Step::Hang]),
        ("Bad greeting banner from", vec![Step::Say(b"\0\xff\xfe garbage\n"), Step::Hang]),
        ("Bad greeting banner from", vec![Step::Say(&[b'2'; 600]), Step::Hang]),
        ("Bad greeting banner from", vec![Step::Drip(b"220-more\r\n", Duration::ZERO)]),
        ("Bad HELO response from", vec![Step::Say(b"220 x\r\n"), HELO, Step::Say(b"501 no\r\n"), Step::Hang]),
        ("Read failure from", vec![]),
        ("Read failure from", vec![Step::Say(b"220 x\r\n"), HELO, Step::Say(b"25")]),
        ("Read failure from", vec![Step::Say(b"220 x\r\n"), HELO, Step::Reset]),
        (
            "Read failure from",
            vec![Step::Say(b"220 x\r\n"), HELO, Step::Say(b"250 x\r\n"), Step::Hear("QUIT\r\n"), Step::Reset],
        ),
    ];
    for (what, steps) in cases {
        let (report, server) = of(steps.clone()).await;
        assert_eq!(reason(&report), format!("{what} server {server}").replace("127.0.0.1", "[127.0.0.1]"), "{steps:?}");
        assert!(report.notes.is_empty());
    }
    let nobody = nobody().await;
    assert_eq!(reason(&check(nobody).await), format!("Could not connect to server [127.0.0.1]:{}", nobody.port()));
}

#[tokio::test]
async fn silence_and_dripping_end_in_time() {
    let short = Micros::from_millis(100);
    let smtp = Smtp { helo: NAME.into() };
    for (steps, most) in [
        (vec![Step::Hang], 1000),
        (vec![Step::Say(b"220 x\r\n"), HELO, Step::Hang], 1000),
        (vec![Step::Drip(b"2", Duration::from_millis(20))], 3000),
    ] {
        let begun = Instant::now();
        let server = tcp(loopbacks()[0], steps.clone()).await;
        let report = run(&within(server, short), &smtp).await;
        assert_eq!(reason(&report), format!("Read timeout from server [127.0.0.1]:{}", server.port()), "{steps:?}");
        assert!(begun.elapsed() < Duration::from_millis(most), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_missing_interface_says_nothing_of_the_server() {
    let mut to = connect(loopbacks()[0]);
    to.bind_if = IfName::new("nosuchif");
    let report = run(&to, &Smtp { helo: NAME.into() }).await;
    let Outcome::Unable(line) = &report.outcome else { panic!("{report:?}") };
    assert!(line.contains("Checker can't bind to device nosuchif: No such device"), "{line}");
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_has_keepalived_s_words() {
    let (server, _crowd) = rig::full();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let smtp = Smtp { helo: NAME.into() };
    let report = run(&within(server, Micros::from_millis(200)), &smtp).await;
    assert_eq!(reason(&report), format!("Connection timeout to server [127.0.0.1]:{}", server.port()));
    rig::enter_namespace();
    let report = check("192.0.2.1:86".parse().expect("an address")).await;
    assert_eq!(reason(&report), "Network unreachable for server 192.0.2.1 - real server [192.0.2.1]:86");
}
