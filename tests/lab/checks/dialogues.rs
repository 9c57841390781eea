//! SMTP_CHECK and DNS_CHECK.

use super::play::{Protocol, State, compare};
use super::server::{Manner, Step};
use super::{A_ROUTE, NO_ROUTE, and, case, checker, closed, says, serves, shell, talks};

crate::tests! {
    smtp_check
    dns_check
}

const LINE: Step = Step::Hear(b"\r\n");

/// keepalived reads on and on, and says so each time; ours takes no more than its buffer and has its verdict.
const ENDLESS: &[&str] = &[
    "only keepalived: phase 1: nothing came of it",
    "only ours: phase 1 heard: ",
    "only ours: phase 2 heard: HELO smtpchecker.keepalived.org\\r\\nQUIT\\r\\n",
    "only ours: log: SMTP_CHECK Bad greeting banner from server [127.0.1.12]:8000",
    "only ours: log: Removing service [127.0.1.12]:tcp:8000 from VS [10.77.0.1]:tcp:80",
    "only ours: log: Remote SMTP server [127.0.1.12]:tcp:8000 succeed on service.",
    "only ours: log: Adding service [127.0.1.12]:tcp:8000 to VS [10.77.0.1]:tcp:80",
    "only keepalived: log: SMTP_CHECK Buffer overflow reading from server [127.0.1.12]:8000. Increase SMTP_BUFF_MAX in check_smtp.h",
    "only keepalived: log: SMTP_CHECK Read failure from server [127.0.1.12]:8000",
    "only ours: script: down",
    "only ours: script: up",
];

fn smtp_check() {
    let check = || checker("SMTP_CHECK", "log_all_failures");
    let few = || checker("SMTP_CHECK", "helo_name lab.example");
    let dialogue = |banner: &str, helo: &str, quit: &str| talks([says(banner), LINE, says(helo), LINE, says(quit)]);
    let good = || dialogue("220 lab ESMTP\r\n", "250 lab\r\n", "221 bye\r\n");
    compare(
        "smtp",
        Protocol::Tcp,
        &[
            case("refused", check(), good(), closed()),
            case("refused, a name of ours", few(), good(), closed()),
            case("a bad greeting", check(), good(), dialogue("554 no\r\n", "250 lab\r\n", "221 bye\r\n")),
            case("a bad answer", check(), good(), dialogue("220 lab\r\n", "500 what?\r\n", "221 bye\r\n")),
            case("a bad goodbye", check(), good(), dialogue("220 lab\r\n", "250 lab\r\n", "500 what?\r\n")),
            case("no greeting", check(), good(), talks([Step::Stay])),
            case("no answer", check(), good(), talks([says("220 lab\r\n"), LINE, Step::Stay])),
            case("an end instead of an answer", check(), good(), talks([says("220 lab\r\n"), LINE])),
            case("an end instead of a greeting", check(), good(), talks([])),
            case("a reset", check(), good(), talks([says("220 lab\r\n"), LINE, Step::Reset])),
            case("garbage", check(), good(), talks([Step::Say((1..=255).collect()), says("\r\n"), LINE])),
            case("an endless line", check(), good(), talks([Step::Repeat(vec![b'2'; 200])])).differs(ENDLESS),
            case("no route", check(), and(good(), A_ROUTE), shell(NO_ROUTE)),
        ],
    );
}

/// A reply to a query with this code, and nothing in it.
fn reply(query: &[u8], code: u8) -> Vec<u8> {
    let mut reply = query.to_vec();
    reply[2] |= 0x80;
    reply[3] = code;
    reply
}

fn dns_check() {
    let check = || checker("DNS_CHECK", "type A\n   name www.example.com\n   log_all_failures");
    let of = |kind: &str, name: &str| checker("DNS_CHECK", &format!("type {kind}\n   name {name}"));
    let good = || serves(Manner::Datagrams(|query| vec![reply(query, 0)]));
    let fails = || serves(Manner::Datagrams(|query| vec![reply(query, 2)]));
    let says = |manner: fn(&[u8]) -> Vec<Vec<u8>>| -> State { serves(Manner::Datagrams(manner)) };
    compare(
        "dns",
        Protocol::Udp,
        &[
            case("nobody listens", check(), good(), closed()),
            case("a failure", check(), good(), fails()),
            case("no such name", of("AAAA", "example.com."), good(), says(|query| vec![reply(query, 3)])),
            case("the root", checker("DNS_CHECK", ""), good(), fails()),
            case("mail", of("mx", "example.com"), good(), fails()),
            case("silence", check(), good(), says(|_| vec![])),
            case("a short reply", check(), good(), says(|query| vec![query[..6].to_vec()])),
            case("the query as reply", check(), good(), says(|query| vec![query.to_vec()])),
            case(
                "another id",
                check(),
                good(),
                says(|query| {
                    let mut other = reply(query, 0);
                    other[0] ^= 1;
                    vec![other]
                }),
            ),
            case("garbage first", check(), good(), says(|query| vec![vec![0xff; 40], reply(query, 0)])),
            case("no route", check(), and(good(), A_ROUTE), shell(NO_ROUTE)),
        ],
    );
}
