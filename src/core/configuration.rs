//! The one door to `conf`: what is read, and what it comes to for a daemon and for `-t`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::environment::Machine;
use crate::cli::{Options, TestOptions};
use crate::conf::{self, diagnostic::Style};
use crate::model::Config;
use crate::model::frame::PermanentExit;
use crate::model::trap::VrrpTraps;

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
    /// `-x`: all of SNMP but notifications
    snmp: bool,
    /// `-A`
    snmp_socket: Option<String>,
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
            snmp: options.snmp,
            snmp_socket: options.snmp_socket.clone(),
        }
    }

    /// Reads for a daemon.
    pub(super) fn read(&self) -> Reading {
        let mut loaded = self.load();
        self.add_snmp(&mut loaded.config);
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

    /// What the command line says of SNMP counts before what the files say; and which notifications follow from both.
    fn add_snmp(&self, config: &mut Config) {
        let snmp = &mut config.global.snmp;
        if self.snmp {
            [&mut snmp.vrrp, &mut snmp.checker, &mut snmp.rfc_v2, &mut snmp.rfc_v3]
                .into_iter()
                .for_each(|it| *it = true);
        }
        if let Some(socket) = &self.snmp_socket {
            snmp.socket = Some(socket.clone());
        }
        let told = |wanted: bool| snmp.traps && wanted;
        config.vrrp.traps = VrrpTraps { own: told(snmp.vrrp), rfc_v2: told(snmp.rfc_v2), rfc_v3: told(snmp.rfc_v3) };
        config.check.traps = told(snmp.checker);
    }

    fn load(&self) -> conf::Loaded {
        conf::load(&self.request(), &Machine::new(self.namespace_is_settled, self.default_user))
    }

    fn request(&self) -> conf::Request {
        conf::Request { file: self.file.clone(), config_id: self.config_id.clone(), require_files: self.require_files }
    }
}
