//! Virtual servers: as much as is needed to name them, and to say what is wrong with their form.

use std::net::IpAddr;

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::place::Place;
use crate::conf::raw::{RawCommand, RawScript, RawService, ServiceTarget};
use crate::conf::reader::{MissingWord, Outcome, Reader, Statement};
use crate::conf::table::Takes;
use crate::conf::table::{METHODS, SCHEDULERS};
use crate::conf::value::{self, Fault};

use super::notify;

/// Reads a port; all zeros are none.
fn port(word: &str) -> Result<u16, Fault> {
    match word.bytes().all(|byte| byte == b'0') {
        true => Ok(0),
        false => value::unsigned(word, 1, 65535).map(|port| port as u16),
    }
}

/// Reads `ADDR [PORT]` from the words at `index` on.
fn endpoint(statement: &Statement, index: usize) -> Result<Result<(IpAddr, u16), Option<Fault>>, MissingWord> {
    let address = value::plain_address(&statement.text(index)?);
    let port = match statement.get(index + 1) {
        Some(word) => port(&word),
        None => Ok(0),
    };
    Ok(match (address, port) {
        (Some(address), Ok(port)) => Ok((address, port)),
        (_, port) => Err(port.err()),
    })
}

/// Complains of an address and port that cannot be read, whose block is skipped.
fn skip(reader: &mut Reader, statement: &Statement, index: usize, text: String, fault: Option<Fault>) {
    let mut diagnostic =
        Diagnostic::error(Code::Address, text).at(statement.place(index)).effect("the block is skipped");
    if let Some(fault) = fault {
        diagnostic = diagnostic.help(fault.0);
    }
    reader.complain(diagnostic);
    reader.skip_block();
}

/// A new virtual server. With a head that cannot be read the block is skipped.
pub fn open(reader: &mut Reader, statement: &Statement) -> Outcome {
    let first = statement.text(1)?.into_owned();
    let target = match &*first {
        "group" => ServiceTarget::Group(statement.text(2)?.into_owned()),
        "fwmark" => {
            let word = statement.text(2)?.into_owned();
            match value::unsigned(&word, 0, u64::from(u32::MAX)) {
                Ok(mark) => ServiceTarget::Mark(mark as u32),
                Err(fault) => {
                    let max = u32::MAX;
                    let text = format!("virtual server fwmark '{word}' must be in [0, {max}] - ignoring");
                    skip(reader, statement, 2, text, Some(fault));
                    return Ok(());
                }
            }
        }
        _ => match endpoint(statement, 1)? {
            Ok((address, port)) => ServiceTarget::Address(address, port),
            Err(fault) => {
                let text = match statement.get(2) {
                    Some(port) => format!("Invalid virtual server IP address/port {first}/{port} - skipping"),
                    None => format!("Invalid virtual server IP address {first} - skipping"),
                };
                skip(reader, statement, 1, text, fault);
                return Ok(());
            }
        },
    };
    reader.raw.services.push(RawService {
        target,
        protocol: None,
        scheduler: false,
        method: false,
        servers: 0,
        place: statement.place(1),
    });
    Ok(())
}

/// The end of a virtual server; one without real servers is dropped.
pub fn close(reader: &mut Reader, _: Place) {
    let Some(service) = reader.raw.services.pop_if(|service| service.servers == 0) else {
        return;
    };
    let text = format!("Virtual server {} has no real servers - ignoring", service.name());
    reader
        .complain(Diagnostic::error(Code::Service, text).at(service.place).effect("the virtual server is not set up"));
}

/// A new real server. With a head that cannot be read the block is skipped.
pub fn open_server(reader: &mut Reader, statement: &Statement) -> Outcome {
    match endpoint(statement, 1)? {
        Ok(_) => {
            if let Some(service) = reader.raw.services.last_mut() {
                service.servers += 1;
            }
        }
        Err(fault) => {
            let port = statement.get(2).unwrap_or_default();
            let text = format!("Invalid real server ip address/port {}/{port} - skipping", statement.text(1)?);
            skip(reader, statement, 1, text, fault);
        }
    }
    Ok(())
}

/// `protocol`
pub fn protocol(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(1)?;
    let known = ["tcp", "udp", "sctp"];
    let found = known.into_iter().find(|name| word.eq_ignore_ascii_case(name));
    if found.is_none() {
        let text = format!("Unknown protocol {word} - ignoring");
        reader.complain(
            Diagnostic::error(Code::Choice, text)
                .title(format!("protocol `{word}` is not TCP, UDP or SCTP"))
                .at(statement.place(1))
                .effect("the line is ignored"),
        );
    }
    if let Some(service) = reader.raw.services.last_mut() {
        service.protocol = found.or(service.protocol);
    }
    Ok(())
}

/// `lvs_sched`
pub fn scheduler(reader: &mut Reader, statement: &Statement) -> Outcome {
    Takes::OneOf(SCHEDULERS).check(reader, statement)?;
    if let Some(service) = reader.raw.services.last_mut() {
        service.scheduler = true;
    }
    Ok(())
}

/// `lvs_method` of a virtual server
pub fn method(reader: &mut Reader, statement: &Statement) -> Outcome {
    Takes::OneOf(METHODS).check(reader, statement)?;
    if let Some(service) = reader.raw.services.last_mut() {
        service.method = true;
    }
    Ok(())
}

/// A notify script of a virtual or real server.
pub fn script(reader: &mut Reader, statement: &Statement) -> Outcome {
    let command = notify::command(reader, statement)?;
    reader.raw.check_scripts.extend(command);
    Ok(())
}

/// A `MISC_CHECK`.
pub fn open_misc(reader: &mut Reader, _: &Statement) -> Outcome {
    reader.raw.misc = Some(RawScript { name: String::new(), command: None, user: None });
    Ok(())
}

/// The end of a `MISC_CHECK`: without command or user it is dropped.
pub fn close_misc(reader: &mut Reader, place: Place) {
    let Some(check) = reader.raw.misc.take() else {
        return;
    };
    let refuse = |reader: &mut Reader, code: Code, text: String| {
        let diagnostic = Diagnostic::error(code, text).at(place);
        reader.complain(diagnostic.effect("the check is dropped"));
    };
    let Some((argv, script_place)) = check.command else {
        let text = "No script path has been specified for MISC_CHECKER - skipping";
        return refuse(reader, Code::Script, text.into());
    };
    let identity = match check.user {
        Some(Ok(identity)) => identity,
        Some(Err(_)) => return,
        None => match reader.default_script_user(place) {
            Some(identity) => identity,
            None => {
                let words: Vec<String> = argv.iter().map(|word| format!("'{}'", word.to_string_lossy())).collect();
                let text = format!("Unable to set default user for misc script {} - removing", words.join(" "));
                return refuse(reader, Code::User, text);
            }
        },
    };
    reader.raw.check_scripts.push(RawCommand { argv, identity, place: script_place });
}

/// `misc_path`
pub fn misc_path(reader: &mut Reader, statement: &Statement) -> Outcome {
    let Some(words) = notify::script_words(reader, statement) else {
        return Ok(());
    };
    let line = words.get(1).ok_or_else(|| statement.missing(1))?;
    let command = notify::arguments(reader, statement, line).map(|argv| (argv, statement.place(1)));
    if let Some(check) = &mut reader.raw.misc {
        check.command = command;
    }
    Ok(())
}

/// `user` of a `MISC_CHECK`
pub fn misc_user(reader: &mut Reader, statement: &Statement) -> Outcome {
    let user = statement.text(1)?.into_owned();
    let group = statement.get(2).map(|word| word.into_owned());
    let found = reader.identity(&user, group.as_deref()).map_err(|reason| {
        let text = "Failed to set uid/gid for misc checker script - removing";
        let diagnostic = Diagnostic::error(Code::User, text).title(reason);
        reader.complain(diagnostic.at(statement.place(1)).effect("the check is dropped"));
        statement.place(1)
    });
    if let Some(check) = &mut reader.raw.misc {
        check.user = Some(found);
    }
    Ok(())
}

impl RawService {
    /// The service as keepalived prints it: `[ADDR]:tcp:PORT`, `[GROUP]:PORT` or `FWM MARK`.
    pub fn name(&self) -> String {
        match &self.target {
            ServiceTarget::Address(ip, port) => {
                format!("[{ip}]:{}:{port}", self.protocol.unwrap_or("none"))
            }
            ServiceTarget::Mark(mark) => format!("FWM {mark}"),
            ServiceTarget::Group(name) => format!("[{name}]:0"),
        }
    }
}
