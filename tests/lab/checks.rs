//! Health checks: ours and Debian's keepalived check servers that are good, at fault and good again, at the same time, on
//! machines of their own. What the servers hear, what is logged and which scripts are run has to be the same.
//!
//! keepalived's requests to IPVS, which the kernel may not have, are taken for carried out (`fakeipvs.c`). A difference
//! is listed with its case, and why; one that is not listed fails, and so does a listed one that is not seen.

mod play;
mod server;
mod tls;

use std::time::Duration;

use play::{Case, Protocol, State, compare};
use server::{Manner, Step};

super::tests! {
    tcp_check
}

/// A case without differences.
fn case(name: &'static str, checker: &str, good: State, fault: State) -> Case {
    Case { name, checker: checker.to_owned(), good, fault, differs: &[] }
}

impl Case {
    /// With differences, and why.
    fn differs(self, differs: &'static [(&'static str, &'static str)]) -> Self {
        Case { differs, ..self }
    }
}

fn talks(steps: impl Into<Vec<Step>>) -> State {
    State::Serves(Manner::Talk(steps.into()))
}

fn says(text: &str) -> Step {
    Step::Say(text.as_bytes().to_vec())
}

const CLOSED: State = State::Serves(Manner::Closed);

fn tcp_check() {
    let check = "  TCP_CHECK {\n   connect_timeout 1\n   warmup 0\n   retry 1\n   delay_before_retry 1\n  }";
    let all = "  TCP_CHECK {\n   connect_timeout 1\n   warmup 0\n   retry 2\n   delay_before_retry 1\n   log_all_failures\n  }";
    let listens = || talks([]);
    let drops = State::Shell(
        "nft add table ip lab; nft 'add chain ip lab in { type filter hook input priority 0; }'; \
        nft add rule ip lab in ip daddr ADDRESS tcp dport 8000 drop",
    );
    compare(
        "tcp",
        Protocol::Tcp,
        &[
            case("refused", check, listens(), CLOSED),
            case("refused, every failure logged", all, listens(), CLOSED),
            case("a greeting", check, listens(), talks([says("hello\r\n"), Step::Pause(Duration::from_millis(100))])),
        ],
    );
    let _ = drops;
}
