//! Reading the configuration apart: in a short-lived process of its own, so that a fault in the files, or in our way of
//! reading them, cannot hurt the daemon that runs.

use std::time::Duration;

use nix::sys::signal::Signal;

use super::configuration::{Reading, Source};
use super::roles;
use crate::os::{ipc, process};

/// The short-lived process on our command line.
pub(super) const ROLE: &str = "config";

/// The longest that reading may take: host names may have to be looked up.
const LIMIT: Duration = Duration::from_secs(30);

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The process could not be started
    #[error("the configuration could not be read: {0}")]
    Start(#[from] std::io::Error),
    /// It gave no answer that we understand
    #[error("the configuration could not be read: {0}")]
    Answer(#[from] ipc::Error),
    /// It ended before it answered
    #[error("the configuration could not be read: the process that reads it ended without an answer")]
    Ended,
    /// It took too long
    #[error("the configuration could not be read within {} s", LIMIT.as_secs())]
    TooLong,
}

/// The process that reads, until it has answered.
struct Reader {
    pid: u32,
    answered: bool,
}

impl Drop for Reader {
    fn drop(&mut self) {
        // One that has answered ends by itself, and is reaped like every child.
        if !self.answered {
            process::send_signal(self.pid, Signal::SIGKILL);
        }
    }
}

/// Reads in another process. Dropping the future ends that process.
pub(super) async fn read_apart(source: Source) -> Result<Reading, Error> {
    let (pid, socket) = process::spawn_role(&[roles::OPTION, ROLE])?;
    let mut reader = Reader { pid, answered: false };
    let mut link = ipc::Link::<Source, Reading>::new(socket)?;
    let conversation = async {
        link.sender.send(&source).await?;
        link.receiver.receive().await
    };
    let answer = tokio::time::timeout(LIMIT, conversation).await.map_err(|_| Error::TooLong)?;
    // Here it has ended, or is about to.
    reader.answered = answer.is_ok();
    answer?.ok_or(Error::Ended)
}

/// The life of the process that reads: one question, one answer. Its exit status says nothing.
pub(super) fn run_reader() -> u8 {
    let answer = || -> Result<(), Box<dyn std::error::Error>> {
        process::end_with_parent()?;
        let socket = ipc::take_standard_input()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        runtime.block_on(async {
            let mut link = ipc::Link::<Reading, Source>::new(socket)?;
            if let Some(source) = link.receiver.receive().await? {
                link.sender.send(&source.read()).await?;
            }
            Ok(())
        })
    };
    u8::from(answer().is_err())
}
