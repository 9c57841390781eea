//! KEEPALIVED-MIB: the things that are followed.

use std::ffi::OsStr;

use crate::model::frame::Shared;
use crate::model::running::{FirstResult, Running};
use crate::model::tracker::{ParamMatch, Probe, TrackFile, TrackProcess, TrackScript};
use crate::model::{Tracked, Tracking, VrrpConfig};

use super::names::keepalived;
use super::objects::{Sheet, Value, index, integer, micros, text, truth, unsigned};

pub(super) fn write(sheet: &mut Sheet, shared: &Shared, config: &VrrpConfig, running: &Running) {
    // Keepalived forgets scripts and files that nobody follows.
    let scripts = config.scripts.iter().filter(|it| is_followed(config, &it.name, |tracking| &tracking.scripts));
    for (place, script) in scripts.enumerate() {
        write_script(sheet, script, running, index(place));
    }
    let files = config.files.iter().filter(|it| is_followed(config, &it.name, |tracking| &tracking.files));
    for (place, file) in files.enumerate() {
        write_file(sheet, file, running, index(place));
    }
    for (place, session) in shared.bfd.instances.iter().filter(|it| it.for_vrrp).enumerate() {
        let at = [index(place)];
        let mut row = sheet.row(keepalived![2, 18, 1], &at);
        row.put(2, text(&session.name));
        row.put(3, integer(u8::from(running.sessions.contains(&session.name))));
        row.put(4, integer(session.weight.value));
        row.put(5, truth(session.weight.reverse));
    }
    for (place, process) in config.processes.iter().enumerate() {
        write_process(sheet, process, running, index(place));
    }
}

fn is_followed(config: &VrrpConfig, name: &str, kind: fn(&Tracking) -> &Vec<Tracked>) -> bool {
    let of_instances = config.instances.iter().map(|one| &one.tracking);
    let mut all = of_instances.chain(config.groups.iter().map(|group| &group.tracking));
    all.any(|tracking| kind(tracking).iter().any(|it| it.name == name))
}

fn bytes(text: &OsStr) -> Value {
    Value::Octets(text.as_encoded_bytes().to_vec())
}

/// vrrpScriptTable.
fn write_script(sheet: &mut Sheet, script: &TrackScript, running: &Running, own: u32) {
    let at = [own];
    let now = running.scripts.get(&script.name).cloned().unwrap_or_default();
    let (command, path) = match &script.probe {
        Probe::Run(command) => {
            let program = command.program.as_deref().map(|program| bytes(program.as_os_str()));
            (text(command), program.or_else(|| command.argv.first().map(|word| bytes(word))))
        }
        Probe::Open { file, .. } => {
            let file = text(format_args!("<{}", file.display()));
            (file.clone(), Some(file))
        }
    };
    let result = match now.first_result {
        FirstResult::Awaited | FirstResult::AwaitedAfterReload => 1,
        FirstResult::AwaitedAsFailed => 5,
        FirstResult::Known if now.counter >= script.rise => 3,
        FirstResult::Known => 2,
    };
    let mut row = sheet.row(keepalived![2, 9, 1], &at);
    row.put(2, text(&script.name));
    row.put(3, command);
    row.put(4, Value::Integer((script.interval.0 / 1_000_000) as i32));
    row.put(5, integer(script.weight.value));
    row.put(6, integer(result));
    row.put(7, unsigned(script.rise));
    row.put(8, unsigned(script.fall));
    row.put(9, truth(script.weight.reverse));
    row.put(10, path);
    row.put(11, micros(script.interval));
    row.put(12, micros(script.timeout.unwrap_or_default()));
}

/// vrrpFileTable.
fn write_file(sheet: &mut Sheet, file: &TrackFile, running: &Running, own: u32) {
    let at = [own];
    let mut row = sheet.row(keepalived![2, 13, 1], &at);
    row.put(2, text(&file.name));
    row.put(3, bytes(file.file.as_os_str()));
    row.put(4, integer(running.files.get(&file.name).copied().unwrap_or_default()));
    row.put(5, integer(file.weight.value));
    row.put(6, truth(file.weight.reverse));
}

/// vrrpProcessTable.
fn write_process(sheet: &mut Sheet, process: &TrackProcess, running: &Running, own: u32) {
    let at = [own];
    let now = running.processes.get(&process.name).copied().unwrap_or_default();
    let mut words = process.command.iter().map(|word| word.as_encoded_bytes());
    let program = words.next().unwrap_or_default().to_vec();
    let parameters = words.collect::<Vec<_>>().join(&b' ');
    let by = match process.param_match {
        ParamMatch::Ignored => 0,
        ParamMatch::Exact => 1,
        ParamMatch::Initial => 2,
        ParamMatch::Partial => 3,
    };
    let mut row = sheet.row(keepalived![2, 21, 1], &at);
    row.put(2, text(&process.name));
    row.put(3, Value::Octets(program));
    row.put(4, Value::Octets(parameters));
    row.put(5, integer(by));
    row.put(6, integer(process.weight.value));
    row.put(7, truth(process.weight.reverse));
    row.put(8, unsigned(process.quorum));
    row.put(9, Value::Integer(process.quorum_max.unwrap_or(u32::MAX).cast_signed()));
    row.put(10, micros(process.fork_delay));
    row.put(11, micros(process.terminate_delay));
    row.put(12, truth(process.full_command));
    row.put(13, integer(now.count));
    row.put(14, truth(now.has_quorum));
}
