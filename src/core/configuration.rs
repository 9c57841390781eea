//! The one door to `conf`: what is read, and what it comes to for a daemon and for `-t`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::cli::Options;
use crate::model::Config;

/// Where the configuration is when the command line does not say.
const DEFAULT_FILE: &str = "/etc/keepalived/keepalived.conf";

/// What to read, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Source {
    /// The first file
    pub(super) file: PathBuf,
    /// `-i`
    config_id: Option<String>,
    /// `-e`
    require_files: bool,
}

/// What was read.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Reading {
    /// What it means
    pub(super) config: Box<Config>,
    /// Lines for the log
    pub(super) complaints: Vec<String>,
    /// Why a daemon must not run with it
    pub(super) refusal: Option<Refusal>,
}

/// Why a configuration cannot be run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Refusal {
    /// Exit status of a daemon that was to start with it
    pub(super) status: u8,
    /// One line
    pub(super) text: String,
}

impl Source {
    /// By the command line.
    pub(super) fn new(options: &Options) -> Self {
        Source {
            file: options.config_file.clone().unwrap_or_else(|| DEFAULT_FILE.into()),
            config_id: options.config_id.clone(),
            require_files: options.all_config,
        }
    }

    /// Reads for a daemon.
    pub(super) fn read(&self) -> Reading {
        let refusal = (!self.file.is_file())
            .then(|| Refusal { status: 6, text: format!("Config files missing '{}'.", self.file.display()) });
        Reading { config: Box::default(), complaints: Vec::new(), refusal }
    }

    /// Reads for `-t`: the complaints as people want to read them, and the exit status.
    pub(super) fn test(&self) -> (String, u8) {
        let refusal = self.read().refusal;
        (refusal.map_or_else(String::new, |refusal| refusal.text + "\n"), 0)
    }
}
