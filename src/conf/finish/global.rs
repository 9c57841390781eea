//! `global_defs` and the settings outside blocks.

use super::script;
use crate::conf::raw::RawCommand;
use crate::conf::reader::Reader;
use crate::model::global::TimedScript;
use crate::model::{Global, Micros};

/// How long startup and shutdown scripts may take if nothing is said.
const SCRIPT_TIMEOUT: Micros = Micros::from_secs(10);

pub(super) fn finish(reader: &mut Reader) -> Global {
    script::check_own(reader);
    let global = &reader.raw.global;
    let timed = |command: &Option<RawCommand>, timeout: Option<Micros>| {
        command
            .as_ref()
            .map(|command| TimedScript { script: script::script(command), timeout: timeout.unwrap_or(SCRIPT_TIMEOUT) })
    };
    Global {
        router_id: global.router_id.clone(),
        instance: global.instance.clone(),
        net_namespace: global.net_namespace.clone(),
        use_pid_dir: global.use_pid_dir,
        child_wait_time: global.child_wait_time,
        process_names: global.process_names.clone(),
        startup_script: timed(&global.startup_script, global.startup_timeout),
        shutdown_script: timed(&global.shutdown_script, global.shutdown_timeout),
        umask: global.umask,
        ..Global::default()
    }
}
