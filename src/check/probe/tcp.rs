//! TCP_CHECK: a connection is made, and closed. No data.
//!
//! The reason of a failure is `failed` or `timeout`, as in `TCP connection to SERVER failed.`

use super::connect::{self, Failed, Sentences, UNREACHABLE};
use crate::check::event::{Outcome, Report};
use crate::model::checker::Connect;

const SENTENCES: Sentences = Sentences {
    socket: "TCP connect fail to create socket. Rescheduling.",
    bind: "TCP socket bind failed. Rescheduling.",
};

/// One run.
pub(super) async fn run(to: &Connect) -> Report {
    Report::of(match connect::stream(to, SENTENCES).await {
        Ok(_) => Outcome::Good,
        Err(Failed::Timeout) => Outcome::Bad("timeout".into()),
        Err(Failed::Unreachable) => Outcome::Bad(UNREACHABLE.into()),
        Err(Failed::Refused) => Outcome::Bad("failed".into()),
        Err(Failed::Unable(line)) => Outcome::Unable(line),
    })
}
