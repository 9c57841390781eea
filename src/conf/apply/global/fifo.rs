//! Named pipes for events, and the scripts that read them.

use crate::conf::apply::notify;
use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::raw::settings::RawFifo;
use crate::conf::reader::{Outcome, Reader, Statement};

/// The pipe that a keyword is about, and what keepalived puts before its words.
fn slot<'a>(reader: &'a mut Reader, keyword: &str) -> (&'static str, &'a mut RawFifo) {
    let fifos = &mut reader.raw.settings.fifos;
    match () {
        () if keyword.starts_with("vrrp_") => ("vrrp_", &mut fifos.vrrp),
        () if keyword.starts_with("lvs_") => ("lvs_", &mut fifos.lvs),
        () => ("", &mut fifos.all),
    }
}

/// `notify_fifo`, `vrrp_notify_fifo`, `lvs_notify_fifo`; the first one stays.
pub fn notify_fifo(reader: &mut Reader, statement: &Statement) -> Outcome {
    let keyword = statement.keyword();
    let (kind, fifo) = slot(reader, &keyword);
    let there = fifo.pipe.is_some();
    let Some(path) = statement.get(1).map(|word| word.into_owned()) else {
        reader.refuse(statement, 0, Code::MissingWord, format!("No {kind}notify_fifo name specified"));
        return Ok(());
    };
    if there {
        let text = format!("{kind}notify_fifo already specified - ignoring {path}");
        reader.refuse(statement, 1, Code::Repeated, text);
        return Ok(());
    }
    let owner = match statement.get(2) {
        Some(user) => reader.identity(&user, statement.get(3).as_deref()),
        None => reader.default_script_user(statement.place(0)).ok_or("no user".into()),
    };
    match owner {
        Ok(owner) => slot(reader, &keyword).1.pipe = Some((path, owner, statement.place(1))),
        Err(reason) => {
            let text = format!("Invalid user/group for {kind} fifo {path} - ignoring");
            let diagnostic = Diagnostic::note(Code::User, text).title(reason).at(statement.place(2));
            reader.complain(diagnostic.effect("there is no such pipe"));
        }
    }
    Ok(())
}

/// `notify_fifo_script` and its relatives; the first one stays.
pub fn notify_fifo_script(reader: &mut Reader, statement: &Statement) -> Outcome {
    let keyword = statement.keyword();
    let (kind, fifo) = slot(reader, &keyword);
    let there = fifo.script.is_some();
    let Some(script) = statement.get(1).map(|word| word.into_owned()) else {
        reader.refuse(statement, 0, Code::MissingWord, format!("No {kind}notify_fifo_script specified"));
        return Ok(());
    };
    if there {
        let text = format!("{kind}notify_fifo_script already specified - ignoring {script}");
        reader.refuse(statement, 1, Code::Repeated, text);
        return Ok(());
    }
    let command = notify::command(reader, statement)?;
    slot(reader, &keyword).1.script = command;
    Ok(())
}

words_of! { switch fifo_write_vrrp_states_on_reload => fifos.states_on_reload; }
