//! Health checks: ours and Debian's keepalived check servers that are good, at fault and good again, at the same time, on
//! machines of their own. What the servers hear, what is logged and which scripts are run has to be the same.
//!
//! keepalived's requests to IPVS, which the kernel may not have, are taken for carried out (`fakeipvs.c`). A difference
//! is listed with its case, and why; one that is not listed fails, and so does a listed one that is not seen.

mod dialogues;
mod genhash;
pub mod play;
mod programs;
mod server;
pub mod tls;
mod web;

use play::{Case, Protocol, State, compare};
use server::{Manner, Step};

/// What every checker of a case has.
const COMMON: &str = "warmup 0\n   retry 1\n   delay_before_retry 1";
/// With what those have that connect.
const CONNECT: &str = "connect_timeout 2\n   warmup 0\n   retry 1\n   delay_before_retry 1";

/// The block of a checker.
fn checker(kind: &str, lines: &str) -> String {
    let common = if matches!(kind, "MISC_CHECK") { COMMON } else { CONNECT };
    format!("  {kind} {{\n   {common}\n   {lines}\n  }}")
}

/// A case without differences.
fn case(name: &'static str, checker: String, good: State, fault: State) -> Case {
    Case { name, checker, good, fault, differs: &[] }
}

impl Case {
    /// With differences.
    fn differs(self, differs: &'static [&'static str]) -> Self {
        Case { differs, ..self }
    }
}

fn serves(manner: Manner) -> State {
    State { serves: Some(manner), shell: None }
}

fn talks(steps: impl Into<Vec<Step>>) -> State {
    serves(Manner::Talk(steps.into()))
}

fn shell(line: &'static str) -> State {
    State { serves: None, shell: Some(line) }
}

fn says(text: &str) -> Step {
    Step::Say(text.as_bytes().to_vec())
}

/// Nobody listens.
fn closed() -> State {
    State::default()
}

/// Packets to the server are lost, and no longer.
const LOSES: &str = "nft add table ip lNUMBER; nft 'add chain ip lNUMBER in { type filter hook input priority 0; }'; \
                     nft add rule ip lNUMBER in ip daddr ADDRESS drop";
const LOSES_NOT: &str = "nft delete table ip lNUMBER 2>/dev/null; true";

/// There is no way to the server, and again there is.
const NO_ROUTE: &str = "ip route add table local unreachable ADDRESS";
const A_ROUTE: &str = "ip route del table local unreachable ADDRESS 2>/dev/null; true";

/// The same with the shell's work done too.
fn and(state: State, line: &'static str) -> State {
    State { shell: Some(line), ..state }
}

super::tests! {
    tcp_check
    udp_check
    ping_check
}

fn tcp_check() {
    let check = || checker("TCP_CHECK", "");
    let all = || checker("TCP_CHECK", "log_all_failures");
    let listens = || talks([]);
    compare(
        "tcp",
        Protocol::Tcp,
        &[
            case("refused", check(), listens(), closed()),
            case("refused, every failure logged", all(), listens(), closed()),
            case("a greeting", check(), listens(), talks([says("hello\r\n")])),
            case("packets are lost", all(), and(listens(), LOSES_NOT), and(listens(), LOSES)),
            case("no route", all(), and(listens(), A_ROUTE), shell(NO_ROUTE)),
        ],
    );
}

fn udp_check() {
    let check = || checker("UDP_CHECK", "");
    let echoes = || serves(Manner::Datagrams(|request| vec![request.to_vec()]));
    let silent = || serves(Manner::Datagrams(|_| vec![]));
    let replies = |lines: &str| checker("UDP_CHECK", &format!("payload 01 02 03\n   {lines}\n   log_all_failures"));
    compare(
        "udp",
        Protocol::Udp,
        &[
            case("nobody listens", check(), echoes(), closed()),
            case("no reply, none wanted", check(), echoes(), silent()),
            case("no reply", replies("require_reply"), echoes(), silent()),
            case("an empty reply", replies("require_reply"), echoes(), serves(Manner::Datagrams(|_| vec![vec![]]))),
            case(
                "another reply",
                replies("require_reply 01 x2"),
                echoes(),
                serves(Manner::Datagrams(|_| vec![b"no".into()])),
            ),
            case(
                "a short reply",
                replies("require_reply 01 02\n   min_reply_length 3"),
                echoes(),
                serves(Manner::Datagrams(|_| vec![vec![1, 2]])),
            ),
            case(
                "a long reply",
                replies("require_reply 01"),
                echoes(),
                serves(Manner::Datagrams(|_| vec![vec![1; 300]])),
            ),
            case(
                "several replies",
                replies("require_reply 01"),
                echoes(),
                serves(Manner::Datagrams(|_| vec![vec![1], vec![2], vec![3]])),
            ),
            case("no route", replies("require_reply"), and(echoes(), A_ROUTE), shell(NO_ROUTE)),
        ],
    );
}

fn ping_check() {
    let check = || checker("PING_CHECK", "log_all_failures");
    compare(
        "ping",
        Protocol::Tcp,
        &[
            case("no answer", check(), shell(LOSES_NOT), shell(LOSES)),
            case("no answer, one word", checker("PING_CHECK", ""), shell(LOSES_NOT), shell(LOSES)),
            case("no route", check(), shell(A_ROUTE), shell(NO_ROUTE)),
        ],
    );
}
