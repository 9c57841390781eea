//! IPVS as a whole: time-outs, the sync daemon, the namespace.

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::reader::{Outcome, Reader, Statement};
use crate::conf::value;
use crate::model::IfName;
use crate::model::settings::{FlushOnStop, SyncDaemon};

/// Longest time-out that the kernel takes: 31 days.
const LONGEST: u64 = 31 * 86400;
/// Largest datagram less the headers of IPv4 and UDP.
const LARGEST: u64 = 65535 - 20 - 8;

words_of! { switch lvs_flush => lvs.flush; }
words_of! { yes_no rs_init_notifies => lvs.init_notifies; }
words_of! { yes_no checker_log_all_failures => lvs.log_all_failures; }

/// `lvs_timeouts`
pub fn lvs_timeouts(reader: &mut Reader, statement: &Statement) -> Outcome {
    if statement.len() < 3 {
        let text = "lvs_timeouts requires at least one option";
        reader.refuse(statement, 0, Code::MissingWord, text);
        return Ok(());
    }
    let mut index = 1;
    while let Some(word) = statement.get(index).map(|word| word.into_owned()) {
        if !["tcp", "tcpfin", "udp"].contains(&&*word) {
            let text = format!("Unknown option {word} specified for lvs_timeouts");
            reader.refuse(statement, index, Code::UnknownOption, text);
        } else if statement.len() == index + 1 {
            let text = format!("No value specified for lvs_timeout {word} - ignoring");
            reader.refuse(statement, index, Code::MissingWord, text);
        } else {
            index += 1;
            let read = reader.number(statement, index, 0, LONGEST)?.map(|seconds| seconds as u32);
            let lvs = &mut reader.raw.settings.lvs;
            let slot = match &*word {
                "tcp" => &mut lvs.tcp_timeout,
                "tcpfin" => &mut lvs.tcp_fin_timeout,
                _ => &mut lvs.udp_timeout,
            };
            *slot = read.or(*slot);
        }
        index += 1;
    }
    Ok(())
}

/// `lvs_flush_on_stop`, with its old spelling.
pub fn lvs_flush_on_stop(reader: &mut Reader, statement: &Statement) -> Outcome {
    let wanted = match statement.get(1).as_deref() {
        None => FlushOnStop::All,
        Some("VS") => FlushOnStop::Services,
        Some(word) => {
            reader.refuse(statement, 1, Code::Choice, format!("Unknown lvs_flush_on_stop type {word}"));
            return Ok(());
        }
    };
    reader.raw.settings.lvs.flush_on_stop = wanted;
    Ok(())
}

/// `net_namespace_ipvs`; the first one stays, no name is the default namespace.
pub fn net_namespace_ipvs(reader: &mut Reader, statement: &Statement) -> Outcome {
    if reader.raw.settings.lvs.namespace.is_some() {
        let text = format!("Duplicate net_namespace_ipvs definition {} - ignoring", statement.text(1)?);
        reader.refuse(statement, 1, Code::Repeated, text);
        return Ok(());
    }
    reader.raw.settings.lvs.namespace =
        Some(statement.get(1).map(|word| word.into_owned()).filter(|name| !name.is_empty()));
    Ok(())
}

/// `lvs_sync_daemon`; the first one stays.
pub fn lvs_sync_daemon(reader: &mut Reader, statement: &Statement) -> Outcome {
    if let Some(daemon) = &reader.raw.settings.lvs.sync_daemon {
        let (interface, instance) = (&daemon.interface, daemon.instance.as_deref().unwrap_or_default());
        let text = format!("lvs_sync_daemon has already been specified as {interface} {instance} - ignoring");
        reader.refuse(statement, 0, Code::Repeated, text);
        return Ok(());
    }
    let Some(word) = reader.word_said(statement, "lvs_sync_daemon requires interface") else {
        return Ok(());
    };
    if word.len() > IfName::MAX_LEN {
        let text = format!("lvs_sync_daemon interface name '{word}' too long - ignoring");
        reader.refuse(statement, 1, Code::Name, text);
        return Ok(());
    }
    let Some(interface) = IfName::new(&word) else {
        // keepalived takes any name here, and fails when it starts the daemon.
        let text = format!("no interface can be named '{word}'");
        let diagnostic = Diagnostic::note(Code::Name, text).at(statement.place(1));
        reader.complain(diagnostic.effect(statement.ignored()));
        return Ok(());
    };
    let mut daemon =
        SyncDaemon { interface, instance: None, id: None, max_len: None, port: None, ttl: None, group: None };
    let mut index = 2;
    while index < statement.len() {
        index += sync_option(reader, statement, index, &mut daemon)?;
    }
    reader.raw.settings.lvs.sync_daemon = Some(daemon);
    Ok(())
}

type Words = Result<usize, crate::conf::reader::MissingWord>;

fn ignore(reader: &mut Reader, statement: &Statement, index: usize, code: Code, text: String) {
    let diagnostic = Diagnostic::error(code, text).at(statement.place(index));
    reader.complain(diagnostic.effect("this word is ignored"));
}

/// Reads the option at `index`; how many words it has.
fn sync_option(reader: &mut Reader, statement: &Statement, index: usize, daemon: &mut SyncDaemon) -> Words {
    let option = statement.text(index)?.into_owned();
    let most = match &*option {
        "inst" => {
            let name = statement.text(index + 1)?.into_owned();
            if let Some(known) = &daemon.instance {
                let text = format!("lvs_sync_daemon vrrp instance has already been specified as {known} - ignoring");
                ignore(reader, statement, index + 1, Code::Repeated, text);
            } else {
                daemon.instance = Some(name);
            }
            return Ok(2);
        }
        "id" => 255,
        "maxlen" => LARGEST,
        "port" => 65535,
        "ttl" => 255,
        "group" => 0,
        _ => return old_option(reader, statement, index, daemon, option),
    };
    let Some(value) = statement.get(index + 1) else {
        let outcome = if option == "id" { ", defaulting to vrid" } else { " - ignoring" };
        let text = format!("No value specified for lvs_sync_daemon {option}{outcome}");
        ignore(reader, statement, index, Code::MissingWord, text);
        return Ok(1);
    };
    if option == "group" {
        sync_group(reader, statement, index + 1, daemon);
        return Ok(2);
    }
    match value::unsigned(&value, u64::from(option != "id"), most) {
        Ok(number) => match &*option {
            "id" => daemon.id = Some(number as u8),
            "maxlen" => daemon.max_len = Some(number as u16),
            "port" => daemon.port = Some(number as u16),
            _ => daemon.ttl = Some(number as u8),
        },
        Err(_) if option == "id" => {
            let text = format!("Invalid syncid ({value}) - defaulting to vrid");
            ignore(reader, statement, index + 1, Code::Number, text);
        }
        Err(_) => {
            let text = format!("Invalid lvs_sync_daemon {option} ({value}) - ignoring");
            ignore(reader, statement, index + 1, Code::Number, text);
        }
    }
    Ok(2)
}

fn sync_group(reader: &mut Reader, statement: &Statement, index: usize, daemon: &mut SyncDaemon) {
    let word = statement.get(index).unwrap_or_default();
    match value::plain_address(&word) {
        Some(ip) if ip.is_multicast() => daemon.group = Some(ip),
        Some(_) => {
            let text = format!("lvs_sync_daemon group address {word} is not multicast - ignoring");
            ignore(reader, statement, index, Code::Address, text);
            daemon.group = None;
        }
        None => {
            let text = format!("Invalid lvs_sync_daemon group ({word}) - ignoring");
            ignore(reader, statement, index, Code::Address, text);
            daemon.group = None;
        }
    }
}

/// `lvs_sync_daemon IFACE INSTANCE [ID]`, without names of options.
fn old_option(
    reader: &mut Reader,
    statement: &Statement,
    index: usize,
    daemon: &mut SyncDaemon,
    word: String,
) -> Words {
    match (index, value::unsigned(&word, 0, 255)) {
        (2, _) => daemon.instance = Some(word),
        (3, Ok(id)) => {
            let text = "Please use keyword \"id\" before lvs_sync_daemon SYNCID";
            let diagnostic = Diagnostic::warning(Code::Deprecated, text).at(statement.place(index));
            reader.complain(diagnostic.effect("it is read as the id"));
            daemon.id = Some(id as u8);
        }
        (3, Err(_)) => {
            let text = format!("Invalid syncid ({word}) - defaulting to vrid");
            ignore(reader, statement, index, Code::Number, text);
        }
        _ => {
            let text = format!("Unknown option {word} specified for lvs_sync_daemon");
            ignore(reader, statement, index, Code::UnknownOption, text);
        }
    }
    Ok(1)
}
