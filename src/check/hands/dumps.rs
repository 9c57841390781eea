//! The data file of the process, written by a thread of its own when a signal asks for it.

use tracing::info;

use crate::model::check::CheckConfig;
use crate::model::frame::Shared;
use crate::model::running_check::RunningCheck;
use crate::os::packed::Packed;
use crate::report::dump::{self, place};
use crate::report::writer::{File, Order, Writer};

/// The files of the process.
#[derive(Debug)]
pub(in crate::check) struct Dumps {
    writer: Writer,
    known: Packed<(Shared, CheckConfig)>,
}

impl Dumps {
    /// Of a configuration.
    pub(in crate::check) fn of(shared: &Shared, config: &CheckConfig) -> Self {
        Dumps { writer: Writer::default(), known: Packed::of(&(shared, config)) }
    }

    /// Shows another configuration from now on.
    pub(in crate::check) fn configure(&mut self, shared: &Shared, config: &CheckConfig) {
        self.known = Packed::of(&(shared, config));
    }

    /// Has the data file written; how things stand is told in the turn, and put into words in the thread.
    pub(in crate::check) fn write(&mut self, running: RunningCheck) {
        info!("Printing checker data for process({}) on signal", std::process::id());
        let known = self.known.clone();
        self.writer.order(Order {
            file: Box::new(move || {
                let (shared, config) = known.open()?;
                let path = place::data(&shared, &place::temporary_folder(), place::Owner::Check);
                Ok(File { path, mode: place::mode(&shared), text: dump::checking(&shared, &config, &running) })
            }),
            failed: Box::new(|| {}),
        });
    }

    /// The end of the process.
    pub(in crate::check) fn finish(self) {
        self.writer.finish();
    }
}
