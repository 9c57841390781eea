//! The data file of the process, written by a thread of its own when a signal asks for it.

use tracing::info;

use crate::model::frame::Shared;
use crate::model::running_bfd::RunningBfd;
use crate::os::packed::Packed;
use crate::report::dump::{self, place};
use crate::report::writer::{File, Order, Writer};

/// The files of the process.
#[derive(Debug)]
pub(in crate::bfd) struct Dumps {
    writer: Writer,
    known: Packed<Shared>,
}

impl Dumps {
    /// Of a configuration.
    pub(in crate::bfd) fn of(shared: &Shared) -> Self {
        Dumps { writer: Writer::default(), known: Packed::of(shared) }
    }

    /// Shows another configuration from now on.
    pub(in crate::bfd) fn configure(&mut self, shared: &Shared) {
        self.known = Packed::of(shared);
    }

    /// Has the data file written; how things stand is told in the turn, and put into words in the thread.
    pub(in crate::bfd) fn write(&mut self, running: RunningBfd) {
        info!("Printing BFD data for process({}) on signal", std::process::id());
        let known = self.known.clone();
        self.writer.order(Order {
            file: Box::new(move || {
                let shared = known.open()?;
                let path = place::data(&shared, &place::temporary_folder(), place::Owner::Bfd);
                Ok(File { path, mode: place::mode(&shared), text: dump::talking(&shared, &running) })
            }),
            failed: Box::new(|| {}),
        });
    }

    /// The end of the process.
    pub(in crate::bfd) fn finish(self) {
        self.writer.finish();
    }
}
