//! The one door to `conf`: what is read, and what it comes to for a daemon and for `-t`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::environment::Machine;
use crate::cli::{Options, TestOptions};
use crate::conf::{self, diagnostic::Style};
use crate::model::Config;
use crate::model::frame::PermanentExit;

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
    /// `-s`: we are in the network namespace that counts, whatever the configuration says
    namespace_is_settled: bool,
    /// Who would run scripts that are not there is looked up too, which may take longer than everything else
    pub(super) default_user: bool,
    /// What a test says of it is wanted too (`reload_check_config`)
    pub(super) tests: bool,
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
    /// The whole text, where it is to be saved
    pub(super) consolidated: Option<String>,
    /// What a test says, if that was asked for
    pub(super) verdict: Option<Verdict>,
}

/// What a test says of a configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Verdict {
    /// Its exit status
    pub(super) status: u8,
    /// All complaints
    pub(super) text: String,
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
            namespace_is_settled: options.namespace.is_some(),
            default_user: true,
            tests: false,
        }
    }

    /// Reads for a daemon.
    pub(super) fn read(&self) -> Reading {
        let loaded = self.load();
        let refusal = loaded.refusal().map(|it| Refusal { status: it.exit, text: it.reason.clone() });
        // The reason of a refusal is told last.
        let is_other = |line: &String| refusal.as_ref().is_none_or(|refusal| refusal.text != *line);
        let complaints = loaded.log_lines().map(|(_, line)| line).filter(is_other).collect();
        let status = loaded.test_exit_code();
        // Who wants configurations to be tested wants none that is at fault.
        let wants_test = loaded.config.global.reload.check.is_some();
        let refusal = refusal.or_else(|| {
            let text = "reload_check_config is set, and the configuration has errors".to_owned();
            (wants_test && status != 0).then_some(Refusal { status: PermanentExit::Config as u8, text })
        });
        let verdict = self.tests.then(|| Verdict { status, text: loaded.render(Style { colour: false }) });
        let consolidated = loaded.consolidated;
        Reading { config: Box::new(loaded.config), complaints, refusal, consolidated, verdict }
    }

    /// Reads for `-t`: the complaints as people or machines want to read them, the exit status, and what the
    /// configuration means. `colour`: the complaints go to a terminal.
    pub(super) fn test(&self, how: &TestOptions, colour: bool) -> (String, u8, Config) {
        let loaded = conf::examine(&self.request(), &Machine::new(self.namespace_is_settled, true), how.target);
        let status = if how.strict { loaded.strict_exit_code() } else { loaded.test_exit_code() };
        let text = if how.json { loaded.to_json(status) } else { loaded.render(Style { colour }) };
        (text, status, loaded.config)
    }

    fn load(&self) -> conf::Loaded {
        conf::load(&self.request(), &Machine::new(self.namespace_is_settled, self.default_user))
    }

    fn request(&self) -> conf::Request {
        conf::Request { file: self.file.clone(), config_id: self.config_id.clone(), require_files: self.require_files }
    }
}
