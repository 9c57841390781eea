//! What can be tracked: `vrrp_script`, `vrrp_track_process` and `track_file`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::environment::Watch;
use crate::conf::place::Place;
use crate::conf::raw::RawScript;
use crate::conf::raw::track::{RawTrackFile, RawTrackProcess, RawTrackScript};
use crate::conf::reader::{MissingWord, Outcome, Reader, Statement};
use crate::conf::value::{self, Decimal};
use crate::model::tracker::{InitFile, ParamMatch};
use crate::model::{Micros, Weight};

use super::notify;

/// Interval and time limit of a script: milliseconds, of which 0 is read for the sake of old files.
const SCRIPT_TIME: Decimal = Decimal::thousandths(0, 4_294_000);
/// Delays of processes: up to an hour.
const PROCESS_DELAY: Decimal = Decimal::seconds(1, 3_600_000_000);
/// Largest number in a file that makes sense.
const SENSIBLE: i64 = 254;

fn word_bytes(statement: &Statement, index: usize) -> OsString {
    OsString::from_vec(statement.word(index).unwrap_or_default().to_vec())
}

/// The word `reverse` after a weight. Whether it is there; `text` is what is said of another word.
fn reverse(reader: &mut Reader, statement: &Statement, text: impl FnOnce(&str) -> String) -> bool {
    match statement.get(2) {
        None => false,
        Some(word) if word == "reverse" => true,
        Some(word) => {
            let diagnostic = Diagnostic::error(Code::UnknownOption, text(&word)).at(statement.place(2));
            reader.complain(diagnostic.expected("reverse").effect("the word is ignored"));
            false
        }
    }
}

/// A `vrrp_script`.
pub fn open_script(reader: &mut Reader, statement: &Statement) -> Outcome {
    let script = RawScript { name: statement.text(1)?.into_owned(), command: None, user: None };
    reader.raw.scripts.push(RawTrackScript {
        script,
        interval: None,
        timeout: None,
        weight: Weight::default(),
        rise: None,
        fall: None,
        init_fail: false,
    });
    Ok(())
}

/// The end of a `vrrp_script`: without command or user it is dropped.
pub fn close_script(reader: &mut Reader, opened: Place) {
    let Some(mut tracked) = reader.raw.scripts.pop() else {
        return;
    };
    let place = opened;
    let name = tracked.script.name.clone();
    let refuse = |reader: &mut Reader, code: Code, text: String| {
        let diagnostic = Diagnostic::error(code, text).at(place);
        reader.complain(diagnostic.effect("what tracks it does not find it"));
    };
    if tracked.script.command.is_none() {
        let text = format!("No script set for vrrp_script {name} - removing");
        return refuse(reader, Code::Script, text);
    }
    match tracked.script.user {
        Some(Ok(_)) => {}
        Some(Err(_)) => return,
        None => match reader.default_script_user(place) {
            Some(identity) => tracked.script.user = Some(Ok(identity)),
            None => {
                let text = format!("Unable to set default user for vrrp script {name} - removing");
                return refuse(reader, Code::User, text);
            }
        },
    }
    reader.raw.define("vrrp_script", &name, tracked.weight);
    reader.raw.scripts.push(tracked);
}

fn with_script(reader: &mut Reader, change: impl FnOnce(&mut RawTrackScript)) -> Outcome {
    if let Some(script) = reader.raw.scripts.last_mut() {
        change(script);
    }
    Ok(())
}

/// `script` of a `vrrp_script`; a later one replaces it.
pub fn script(reader: &mut Reader, statement: &Statement) -> Outcome {
    let Some(words) = notify::script_words(reader, statement) else {
        return Ok(());
    };
    let Some(line) = words.get(1) else {
        return Ok(());
    };
    let command = notify::arguments(reader, statement, line).map(|argv| (argv, statement.place(1)));
    with_script(reader, |it| it.script.command = command.or(it.script.command.take()))
}

/// `user` of a `vrrp_script`
pub fn script_user(reader: &mut Reader, statement: &Statement) -> Outcome {
    let user = statement.text(1)?.into_owned();
    let group = statement.get(2).map(|word| word.into_owned());
    let found = reader.identity(&user, group.as_deref()).map_err(|reason| {
        let command = reader.raw.scripts.last().and_then(|it| it.script.command.as_ref());
        let words = command.map(|(argv, _)| argv.iter().map(|word| format!("'{}'", word.to_string_lossy())));
        let shown: Vec<String> = words.into_iter().flatten().collect();
        let text = format!("Unable to set uid/gid for script {}", shown.join(" "));
        reader.complain(
            Diagnostic::error(Code::User, text).title(reason).at(statement.place(1)).effect("the script is dropped"),
        );
        statement.place(1)
    });
    with_script(reader, |it| it.script.user = Some(found))
}

/// A time of a script in thousandths, of which 0 becomes a second; `None` after a complaint.
fn script_time(reader: &mut Reader, statement: &Statement) -> Result<Option<Micros>, MissingWord> {
    let read = reader.time(statement, 1, SCRIPT_TIME)?;
    if read == Some(0) {
        let name = reader.raw.scripts.last().map(|it| it.script.name.clone()).unwrap_or_default();
        let text = format!("({name}): vrrp script {} must be greater than 0, setting to 1", statement.keyword());
        let diagnostic = Diagnostic::warning(Code::Time, text).at(statement.place(1));
        reader.complain(diagnostic.effect("1 s is used"));
        return Ok(Some(Micros::from_secs(1)));
    }
    Ok(read.map(Micros::from_millis))
}

/// `interval` of a `vrrp_script`
pub fn script_interval(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = script_time(reader, statement)?;
    with_script(reader, |it| it.interval = read.or(it.interval))
}

/// `timeout` of a `vrrp_script`
pub fn script_timeout(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = script_time(reader, statement)?;
    with_script(reader, |it| it.timeout = read.or(it.timeout))
}

/// `weight` of a `vrrp_script`; what is out of range is used all the same.
pub fn script_weight(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(1)?.into_owned();
    let used = value::leading_decimal(word.as_bytes());
    reader.signed_or(statement, 1, -253, 253, &format!("{used} is used"))?;
    let name = reader.raw.scripts.last().map(|it| it.script.name.clone()).unwrap_or_default();
    let reversed = reverse(reader, statement, |word| format!("vrrp_script {name} unknown weight option {word}"));
    with_script(reader, |it| it.weight = Weight { value: used, reverse: it.weight.reverse | reversed })
}

/// `rise` of a `vrrp_script`; what cannot be read is 1.
pub fn script_rise(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.number_or(statement, 1, 1, i32::MAX as u64, "1 is used")?;
    with_script(reader, |it| it.rise = Some(read.map_or(1, |count| count as u32)))
}

/// `fall` of a `vrrp_script`; what cannot be read is 1.
pub fn script_fall(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.number_or(statement, 1, 1, i32::MAX as u64, "1 is used")?;
    with_script(reader, |it| it.fall = Some(read.map_or(1, |count| count as u32)))
}

/// `init_fail` of a `vrrp_script`
pub fn script_init_fail(reader: &mut Reader, _: &Statement) -> Outcome {
    with_script(reader, |it| it.init_fail = true)
}

/// A `vrrp_track_process`.
pub fn open_process(reader: &mut Reader, statement: &Statement) -> Outcome {
    reader.raw.processes.push(RawTrackProcess {
        name: statement.text(1)?.into_owned(),
        command: Vec::new(),
        param_match: ParamMatch::default(),
        full_command: false,
        weight: Weight::default(),
        quorum: 1,
        quorum_max: None,
        terminate_delay: Micros::ZERO,
        fork_delay: Micros::ZERO,
    });
    Ok(())
}

/// The end of a `vrrp_track_process`: without a process it is dropped.
pub fn close_process(reader: &mut Reader, opened: Place) {
    let Some(process) = reader.raw.processes.pop() else {
        return;
    };
    if process.command.is_empty() {
        let text = format!("track process '{}' process name not specified", process.name);
        let diagnostic = Diagnostic::error(Code::Incomplete, text).at(opened);
        reader.complain(diagnostic.effect("what tracks it does not find it"));
        return;
    }
    reader.raw.define("vrrp_track_process", &process.name, process.weight);
    reader.raw.processes.push(process);
}

fn with_process(reader: &mut Reader, change: impl FnOnce(&mut RawTrackProcess)) -> Outcome {
    if let Some(process) = reader.raw.processes.last_mut() {
        change(process);
    }
    Ok(())
}

/// `process`; the first one stays.
pub fn process(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(1)?.into_owned();
    let Some(process) = reader.raw.processes.last_mut() else {
        return Ok(());
    };
    if !process.command.is_empty() {
        let text = format!("Process already set for track process {} - ignoring {word}", process.name);
        reader.refuse(statement, 1, Code::Repeated, text);
        return Ok(());
    }
    process.command = (1..statement.len()).map(|index| word_bytes(statement, index)).collect();
    if process.command.len() > 1 {
        process.full_command = true;
        if process.param_match == ParamMatch::Ignored {
            process.param_match = ParamMatch::Exact;
        }
    }
    Ok(())
}

/// `param_match`
pub fn process_match(reader: &mut Reader, statement: &Statement) -> Outcome {
    let chosen = match statement.get(1).as_deref() {
        None => ParamMatch::Exact,
        Some("initial") => ParamMatch::Initial,
        Some("partial") => ParamMatch::Partial,
        Some(word) => {
            reader.refuse(statement, 1, Code::Choice, format!("Invalid param_match type {word} - ignoring"));
            return Ok(());
        }
    };
    with_process(reader, |it| (it.param_match, it.full_command) = (chosen, true))
}

/// `weight` of a `vrrp_track_process`; the first one that is not 0 stays.
pub fn process_weight(reader: &mut Reader, statement: &Statement) -> Outcome {
    let Some((name, known)) = reader.raw.processes.last().map(|it| (it.name.clone(), it.weight.value != 0)) else {
        return Ok(());
    };
    let Some(word) = statement.get(1) else {
        let text = format!("No weight specified for track process {name} - ignoring");
        reader.refuse(statement, 0, Code::MissingWord, text);
        return Ok(());
    };
    if known {
        let text = format!("Weight already set for track process {name} - ignoring {word}");
        reader.refuse(statement, 0, Code::Repeated, text);
        return Ok(());
    }
    let Some(read) = reader.signed(statement, 1, -254, 254)? else {
        return Ok(());
    };
    let text = |word: &str| format!("vrrp_track_process {name} unknown weight option {word}");
    let reversed = reverse(reader, statement, text);
    with_process(reader, |it| it.weight = Weight { value: read as i32, reverse: it.weight.reverse | reversed })
}

/// `quorum`, not above `quorum_max` so far
pub fn process_quorum(reader: &mut Reader, statement: &Statement) -> Outcome {
    let Some(quorum) = reader.number(statement, 1, 1, 65535)?.map(|read| read as u32) else {
        return Ok(());
    };
    let most = reader.raw.processes.last().and_then(|it| it.quorum_max);
    if most.is_some_and(|most| quorum > most) {
        reader.refuse(statement, 1, Code::Conflict, "Quorum is greater than quorum_max - ignoring");
        return Ok(());
    }
    with_process(reader, |it| it.quorum = quorum)
}

/// `quorum_max`, not below `quorum` so far; 0 asks for no process at all.
pub fn process_quorum_max(reader: &mut Reader, statement: &Statement) -> Outcome {
    let Some(most) = reader.number(statement, 1, 0, 65535)?.map(|read| read as u32) else {
        return Ok(());
    };
    let least = reader.raw.processes.last().map_or(0, |it| it.quorum);
    if (most > 0 || least > 1) && most < least {
        reader.refuse(statement, 1, Code::Conflict, "quorum_max is less than quorum - ignoring");
        return Ok(());
    }
    with_process(reader, |it| {
        it.quorum_max = Some(most);
        it.quorum = if most == 0 { 0 } else { it.quorum.max(1) };
    })
}

fn process_time(reader: &mut Reader, statement: &Statement) -> Result<Option<Micros>, MissingWord> {
    Ok(reader.time(statement, 1, PROCESS_DELAY)?.map(Micros))
}

/// `delay`: both of the others
pub fn process_delay(reader: &mut Reader, statement: &Statement) -> Outcome {
    match process_time(reader, statement)? {
        Some(delay) => with_process(reader, |it| (it.terminate_delay, it.fork_delay) = (delay, delay)),
        None => Ok(()),
    }
}

/// `terminate_delay`
pub fn process_terminate_delay(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = process_time(reader, statement)?;
    with_process(reader, |it| it.terminate_delay = read.unwrap_or(it.terminate_delay))
}

/// `fork_delay`
pub fn process_fork_delay(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = process_time(reader, statement)?;
    with_process(reader, |it| it.fork_delay = read.unwrap_or(it.fork_delay))
}

/// `full_command`
pub fn process_full_command(reader: &mut Reader, _: &Statement) -> Outcome {
    with_process(reader, |it| it.full_command = true)
}

/// A `track_file` or `vrrp_track_file`.
pub fn open_file(reader: &mut Reader, statement: &Statement) -> Outcome {
    if statement.keyword() == "vrrp_track_file" {
        let text = "\"vrrp_track_file\" is deprecated, please use \"track_file\"";
        reader.complain(Diagnostic::note(Code::Deprecated, text).at(statement.place(0)));
    }
    let weight = Weight { value: 1, reverse: false };
    let name = statement.text(1)?.into_owned();
    reader.raw.files.push(RawTrackFile { name, file: None, weight, init: None });
    Ok(())
}

/// The end of a `track_file`: without a file that can be watched it is dropped.
pub fn close_file(reader: &mut Reader, opened: Place) {
    let Some(tracked) = reader.raw.files.pop() else {
        return;
    };
    let name = &tracked.name;
    let text = match &tracked.file {
        None => format!("No file set for track_file {name} - ignoring"),
        Some(file) => match reader.env.watch(file) {
            Watch::NoFolder { errno, reason } => format!("realpath() error {errno} ({reason}) for {name}"),
            Watch::Unsuitable => {
                let file = file.display();
                format!("The filesystem of {file} is read only or cannot be monitored - ignoring")
            }
            Watch::Possible { odd: true } if tracked.init.is_some_and(|init| init.overwrite) => {
                format!("Cannot initialise track file {name} - it is not a regular file")
            }
            Watch::Possible { .. } => {
                reader.raw.define("track_file", name, tracked.weight);
                return reader.raw.files.push(tracked);
            }
        },
    };
    let diagnostic = Diagnostic::error(Code::File, text).at(opened);
    reader.complain(diagnostic.effect("what tracks it does not find it"));
}

fn with_file(reader: &mut Reader, change: impl FnOnce(&mut RawTrackFile)) -> Outcome {
    if let Some(file) = reader.raw.files.last_mut() {
        change(file);
    }
    Ok(())
}

/// `file`; the first one stays.
pub fn file(reader: &mut Reader, statement: &Statement) -> Outcome {
    let Some(word) = statement.get(1) else {
        reader.refuse(statement, 0, Code::MissingWord, "track file file name missing");
        return Ok(());
    };
    let known = reader.raw.files.last().filter(|it| it.file.is_some()).map(|it| it.name.clone());
    if let Some(name) = known {
        let text = format!("File already set for track file {name} - ignoring {word}");
        reader.refuse(statement, 0, Code::Repeated, text);
        return Ok(());
    }
    let path = word_bytes(statement, 1).into();
    with_file(reader, |it| it.file = Some(path))
}

/// `weight` of a `track_file`; the first one that is not 1 stays.
pub fn file_weight(reader: &mut Reader, statement: &Statement) -> Outcome {
    let Some((name, known)) = reader.raw.files.last().map(|it| (it.name.clone(), it.weight.value != 1)) else {
        return Ok(());
    };
    let Some(word) = statement.get(1) else {
        let text = format!("No weight specified for track file {name} - ignoring");
        reader.refuse(statement, 0, Code::MissingWord, text);
        return Ok(());
    };
    if known {
        let text = format!("Weight already set for track file {name} - ignoring {word}");
        reader.refuse(statement, 0, Code::Repeated, text);
        return Ok(());
    }
    let value = reader.signed_or(statement, 1, -254, 254, "weight 1 is used")?.unwrap_or(1) as i32;
    let reversed = reverse(reader, statement, |word| format!("track_file {name} unknown weight option {word}"));
    with_file(reader, |it| it.weight = Weight { value, reverse: it.weight.reverse | reversed })
}

/// `init_file`
pub fn file_init(reader: &mut Reader, statement: &Statement) -> Outcome {
    let name = reader.raw.files.last().map(|it| it.name.clone()).unwrap_or_default();
    let mut init = InitFile { value: 0, overwrite: false };
    for index in 1..statement.len() {
        let word = statement.text(index)?.into_owned();
        let word = word.trim_start_matches([' ', '\t']);
        if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            let (min, max) = (i64::from(i32::MIN), i64::from(i32::MAX));
            let value = reader.signed_or(statement, index, min, max, "0 is used")?.unwrap_or(0);
            if value.abs() > SENSIBLE {
                let text = format!("Track file {name} init value {value} is outside sensible range [-254, 254]");
                let diagnostic = Diagnostic::warning(Code::Number, text).at(statement.place(index));
                reader.complain(diagnostic.effect("the number is used"));
            }
            init.value = value as i32;
        } else if word == "overwrite" {
            init.overwrite = true;
        } else {
            let text = format!("Unknown track file init option {word}");
            reader.complain(
                Diagnostic::error(Code::UnknownOption, text)
                    .at(statement.place(index))
                    .expected("a number or overwrite")
                    .effect("the word is ignored"),
            );
        }
    }
    with_file(reader, |it| it.init = Some(init))
}
