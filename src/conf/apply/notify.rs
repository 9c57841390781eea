//! Script keywords: the command line, and the user it runs as.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::lex::{self, ScriptFault};
use crate::conf::place::Place;
use crate::conf::raw::RawCommand;
use crate::conf::reader::{MissingWord, Outcome, Reader, Statement};

/// What comes of a script that cannot be read.
const NOT_RUN: &str = "the script is not run";

/// Complains of quotes that cannot be read; `effect` is what comes of it.
pub(super) fn quote_fault(reader: &mut Reader, place: Place, text: &[u8], fault: ScriptFault, effect: &str) {
    let shown = String::from_utf8_lossy(text);
    let words = match fault {
        ScriptFault::Quote(quote) => format!("String '{shown}': missing terminating {quote}"),
        ScriptFault::Backslash => format!("Missing escape char at end: '{shown}'"),
    };
    let diagnostic = match fault {
        ScriptFault::Quote(_) => Diagnostic::error(Code::Quote, words),
        ScriptFault::Backslash => Diagnostic::note(Code::Quote, words),
    };
    reader.complain(diagnostic.at(place).effect(effect));
}

/// The words of a script statement after the keyword; `None` after a complaint.
pub(super) fn script_words(reader: &mut Reader, statement: &Statement) -> Option<Vec<Vec<u8>>> {
    match lex::script_statement(statement.bytes()) {
        Ok(words) => Some(words),
        Err(fault) => {
            quote_fault(reader, statement.whole(), statement.bytes(), fault, NOT_RUN);
            None
        }
    }
}

/// The arguments of a command line; `None` if there are none, or after a complaint.
pub(super) fn arguments(reader: &mut Reader, statement: &Statement, command: &[u8]) -> Option<Vec<OsString>> {
    match lex::command_line(command) {
        Ok(words) if words.is_empty() => None,
        Ok(words) => Some(words.into_iter().map(OsString::from_vec).collect()),
        Err(fault) => {
            quote_fault(reader, statement.place(1), command, fault, NOT_RUN);
            None
        }
    }
}

/// A command as messages show it: each word in quotes.
pub(in crate::conf) fn shown(argv: &[OsString]) -> String {
    let words: Vec<String> = argv.iter().map(|word| format!("'{}'", word.to_string_lossy())).collect();
    words.join(" ")
}

/// Reads `SCRIPT [USER [GROUP]]`; `None` if the script is dropped.
pub(super) fn command(reader: &mut Reader, statement: &Statement) -> Result<Option<RawCommand>, MissingWord> {
    let Some(words) = script_words(reader, statement) else {
        return Ok(None);
    };
    let line = words.get(1).ok_or_else(|| statement.missing(1))?;
    let Some(argv) = arguments(reader, statement, line) else {
        let text = format!("Unable to parse script '{}' - ignoring", String::from_utf8_lossy(line));
        reader.complain(Diagnostic::note(Code::Script, text).at(statement.place(1)));
        return Ok(None);
    };
    let word = |index: usize| words.get(index).map(|word| String::from_utf8_lossy(word).into_owned());
    let identity = match word(2) {
        Some(user) => match reader.identity(&user, word(3).as_deref()) {
            Ok(identity) => identity,
            Err(reason) => {
                reader.complain(
                    Diagnostic::note(Code::User, reason).at(statement.place(2)).effect("the script is not run"),
                );
                return Ok(None);
            }
        },
        None => match reader.default_script_user(statement.place(0)) {
            Some(identity) => identity,
            None => return Ok(None),
        },
    };
    Ok(Some(RawCommand { argv, program: None, identity, place: statement.place(1) }))
}

/// The name of a script keyword as it stands in the table.
fn slot(statement: &Statement) -> Option<&'static str> {
    const SLOTS: [&str; 8] = [
        "notify",
        "notify_master",
        "notify_backup",
        "notify_fault",
        "notify_stop",
        "notify_deleted",
        "notify_master_rx_lower_pri",
        "notify_split_brain",
    ];
    let keyword = statement.keyword();
    SLOTS.into_iter().find(|slot| *slot == keyword)
}

fn already(reader: &mut Reader, statement: &Statement, text: String) {
    reader.complain(Diagnostic::error(Code::Repeated, text).at(statement.place(0)).effect("the first one stays"));
}

/// A script of a `vrrp_instance`; the first one stays.
pub fn instance_script(reader: &mut Reader, statement: &Statement) -> Outcome {
    let (Some(slot), Some(instance)) = (slot(statement), reader.raw.instances.last()) else {
        return Ok(());
    };
    if instance.notify.contains_key(slot) {
        let text = format!("({}) {slot} script already specified - ignoring {}", instance.name, statement.text(1)?);
        already(reader, statement, text);
        return Ok(());
    }
    let command = command(reader, statement)?;
    if let Some(instance) = reader.raw.instances.last_mut() {
        instance.notify.extend(command.map(|command| (slot, command)));
    }
    Ok(())
}

/// `notify_deleted`, with or without a script.
pub fn notify_deleted(reader: &mut Reader, statement: &Statement) -> Outcome {
    let Some(instance) = reader.raw.instances.last_mut() else {
        return Ok(());
    };
    if instance.report_deleted {
        let script = statement.get(1).unwrap_or_default();
        let text = format!("({}) notify_deleted already specified - ignoring {script}", instance.name);
        already(reader, statement, text);
        return Ok(());
    }
    instance.report_deleted = true;
    match statement.len() {
        1 => Ok(()),
        _ => instance_script(reader, statement),
    }
}

/// A script of a `vrrp_sync_group`; the first one stays.
pub fn group_script(reader: &mut Reader, statement: &Statement) -> Outcome {
    let (Some(slot), Some(group)) = (slot(statement), reader.raw.groups.last()) else {
        return Ok(());
    };
    if group.notify.contains_key(slot) {
        let text =
            format!("vrrp group {}: {slot} script already specified - ignoring {}", group.name, statement.text(1)?);
        already(reader, statement, text);
        return Ok(());
    }
    let command = command(reader, statement)?;
    if let Some(group) = reader.raw.groups.last_mut() {
        group.notify.extend(command.map(|command| (slot, command)));
    }
    Ok(())
}
