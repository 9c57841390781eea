//! `global_defs`, and the settings outside any block: identity, scripts and defaults of instances. The other families
//! are in files of their own.

/// Functions of keywords that take a yes or no, or that are one by being there: keyword, and what it sets.
macro_rules! words_of {
    (switch $($name:ident => $($path:ident).+;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        pub fn $name(
            reader: &mut crate::conf::reader::Reader,
            _: &crate::conf::reader::Statement,
        ) -> crate::conf::reader::Outcome {
            reader.raw.settings.$($path).+ = true;
            Ok(())
        }
    )*};
    (yes_no $($name:ident => $($path:ident).+;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        pub fn $name(
            reader: &mut crate::conf::reader::Reader,
            statement: &crate::conf::reader::Statement,
        ) -> crate::conf::reader::Outcome {
            if let Some(value) = $crate::conf::apply::global::yes_no(reader, statement) {
                reader.raw.settings.$($path).+ = value;
            }
            Ok(())
        }
    )*};
}

pub mod fifo;
pub mod files;
pub mod firewall;
pub mod lvs;
pub mod mail;
pub mod process;
pub mod vrrp;
pub mod windows;

use std::net::IpAddr;

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::raw::{RawGlobal, ScriptUser};
use crate::conf::reader::{MissingWord, Outcome, Reader, Statement};
use crate::conf::value::{self, Decimal};
use crate::model::{IfName, Micros, Version};

use super::notify;

/// Most bytes of a process name (`TASK_COMM_LEN` less its NUL, linux/sched.h).
const PROCESS_NAME: usize = 15;

/// What keepalived says of a word that is neither yes nor no.
fn neither(keyword: &str, word: &str) -> String {
    let shown = match keyword {
        "vrrp_lower_prio_no_advert" | "vrrp_higher_prio_send_advert" | "vrrp_min_garp" | "checker_log_all_failures" => {
            return format!("Invalid value for {keyword} specified");
        }
        "set_supplementary_groups" => return format!("Invalid {keyword} parameter {word}"),
        "vrrp_owner_ignore_adverts" => return format!("Invalid value '{keyword}' for global {word} specified"),
        "use_symlink_paths" => "use_symlink_path",
        "vrrp_skip_check_adv_addr" => "vrrp_check_adv_addr",
        "data_use_instance" => "date_use_instance",
        keyword => keyword,
    };
    format!("Invalid value '{word}' for global {shown} specified")
}

/// Reads yes or no; nothing is yes. `None` after a complaint.
pub(super) fn yes_no(reader: &mut Reader, statement: &Statement) -> Option<bool> {
    reader.truth(statement, |word| neither(&statement.keyword(), word))
}

fn flag(reader: &mut Reader, statement: &Statement, change: fn(&mut RawGlobal, bool)) {
    if let Some(value) = yes_no(reader, statement) {
        change(&mut reader.raw.global, value);
    }
}

/// `net_namespace`; the first one stays.
pub fn net_namespace(reader: &mut Reader, statement: &Statement) -> Outcome {
    let Some(name) = reader.word_said(statement, "net_namespace name missing - ignoring") else {
        return Ok(());
    };
    if reader.raw.global.net_namespace.is_some() {
        let text = format!("Duplicate net_namespace definition {name} - ignoring");
        reader.refuse(statement, 1, Code::Repeated, text);
        return Ok(());
    }
    reader.raw.global.use_pid_dir = true;
    reader.raw.global.net_namespace = Some(name);
    Ok(())
}

/// `use_pid_dir`
pub fn use_pid_dir(reader: &mut Reader, _: &Statement) -> Outcome {
    reader.raw.global.use_pid_dir = true;
    Ok(())
}

/// `instance`; the first one stays.
pub fn instance(reader: &mut Reader, statement: &Statement) -> Outcome {
    let Some(name) = reader.word_said(statement, "instance name missing - ignoring") else {
        return Ok(());
    };
    if reader.raw.global.instance.is_some() {
        let text = format!("Duplicate instance definition {name} - ignoring");
        reader.refuse(statement, 1, Code::Repeated, text);
        return Ok(());
    }
    reader.raw.global.use_pid_dir = true;
    reader.raw.global.instance = Some(name);
    Ok(())
}

/// `child_wait_time`
pub fn child_wait_time(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.number(statement, 1, 0, u64::from(u32::MAX))?;
    let global = &mut reader.raw.global;
    global.child_wait_time = read.map(Micros::from_secs).or(global.child_wait_time);
    Ok(())
}

/// `process_names`
pub fn process_names(reader: &mut Reader, _: &Statement) -> Outcome {
    let names = &mut reader.raw.global.process_names;
    names.vrrp = Some("keepalived_vrrp".into());
    names.check = Some("keepalived_lvs".into());
    names.bfd = Some("keepalived_bfd".into());
    Ok(())
}

/// `process_name` and its relatives.
pub fn name_of_process(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(1)?.into_owned();
    if statement.keyword() == "lvs_process_name" {
        let text = "'lvs_process_name' is deprecated - please use 'checker_process_name'";
        reader.complain(Diagnostic::note(Code::Deprecated, text).at(statement.place(0)));
    }
    let mut end = word.len().min(PROCESS_NAME);
    while !word.is_char_boundary(end) {
        end -= 1;
    }
    if end < word.len() {
        let text = format!("Process name {word} more than {PROCESS_NAME} characters, truncating");
        reader.complain(Diagnostic::warning(Code::Name, text).at(statement.place(1)));
    }
    let name = Some(word.get(..end).unwrap_or_default().to_string());
    let names = &mut reader.raw.global.process_names;
    match &*statement.keyword() {
        "process_name" => names.parent = name,
        "vrrp_process_name" => names.vrrp = name,
        "bfd_process_name" => names.bfd = name,
        _ => names.check = name,
    }
    Ok(())
}

/// `router_id`
pub fn router_id(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.word_said(statement, "routerid name missing - ignoring");
    reader.raw.global.router_id = read.or(reader.raw.global.router_id.take());
    Ok(())
}

/// `startup_script`; the first one stays.
pub fn startup_script(reader: &mut Reader, statement: &Statement) -> Outcome {
    let there = reader.raw.global.startup_script.is_some();
    if let Some(command) = own_script(reader, statement, there, "startup")? {
        reader.raw.global.startup_script = Some(command);
    }
    Ok(())
}

/// `shutdown_script`; the first one stays.
pub fn shutdown_script(reader: &mut Reader, statement: &Statement) -> Outcome {
    let there = reader.raw.global.shutdown_script.is_some();
    if let Some(command) = own_script(reader, statement, there, "shutdown")? {
        reader.raw.global.shutdown_script = Some(command);
    }
    Ok(())
}

fn own_script(
    reader: &mut Reader,
    statement: &Statement,
    there: bool,
    kind: &str,
) -> Result<Option<crate::conf::raw::RawCommand>, MissingWord> {
    if there {
        reader.refuse(statement, 0, Code::Repeated, format!("{kind} script already specified"));
        return Ok(None);
    }
    if statement.len() < 2 {
        reader.refuse(statement, 0, Code::MissingWord, format!("{kind} script missing"));
        return Ok(None);
    }
    let command = notify::command(reader, statement)?;
    if command.is_none() {
        reader.refuse(statement, 1, Code::Script, format!("Invalid {kind} script"));
    }
    Ok(command)
}

fn own_timeout(reader: &mut Reader, statement: &Statement) -> Result<Option<Micros>, MissingWord> {
    if reader.word_said(statement, &format!("{} requires value", statement.keyword())).is_none() {
        return Ok(None);
    }
    Ok(reader.number(statement, 1, 1, 1000)?.map(Micros::from_secs))
}

/// `startup_script_timeout`
pub fn startup_script_timeout(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = own_timeout(reader, statement)?;
    reader.raw.global.startup_timeout = read.or(reader.raw.global.startup_timeout);
    Ok(())
}

/// `shutdown_script_timeout`
pub fn shutdown_script_timeout(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = own_timeout(reader, statement)?;
    reader.raw.global.shutdown_timeout = read.or(reader.raw.global.shutdown_timeout);
    Ok(())
}

/// `dynamic_interfaces`
pub fn dynamic_interfaces(reader: &mut Reader, statement: &Statement) -> Outcome {
    reader.raw.global.dynamic_interfaces = true;
    reader.raw.settings.vrrp.allow_if_changes |= statement.get(1).as_deref() == Some("allow_if_changes");
    if let Some(word) = statement.get(1).filter(|word| word != "allow_if_changes") {
        let text = format!("Unknown dynamic_interfaces option '{word}'");
        reader.refuse(statement, 1, Code::UnknownOption, text);
    }
    Ok(())
}

/// `default_interface`
pub fn default_interface(reader: &mut Reader, statement: &Statement) -> Outcome {
    if let Some(word) = reader.word_said(statement, "default_interface requires interface name") {
        reader.raw.global.default_interface = IfName::new(word);
    }
    Ok(())
}

/// Reads a multicast group; `None` after a complaint.
fn multicast_group(reader: &mut Reader, statement: &Statement, ipv6: bool) -> Result<Option<IpAddr>, MissingWord> {
    let word = statement.text(1)?.into_owned();
    let (keyword, version) = (statement.keyword().into_owned(), if ipv6 { 6 } else { 4 });
    let reason = match value::plain_address(&word) {
        None => format!("Can't parse {keyword} [{word}]. Skipping"),
        Some(ip) if ip.is_ipv6() != ipv6 => format!("{keyword} [{word}] is not IPv{version}. Skipping"),
        Some(ip) if !ip.is_multicast() => format!("{keyword} [{word}] is not multicast. Skipping"),
        Some(ip) => {
            let link_local = matches!(ip, IpAddr::V6(ip) if ip.segments()[0] & 0xff0f == 0xff02);
            if ipv6 && !link_local {
                let text = format!("{keyword} [{word}] should be link-local multicast.");
                reader.complain(Diagnostic::warning(Code::Address, text).at(statement.place(1)));
            }
            return Ok(Some(ip));
        }
    };
    reader.refuse(statement, 1, Code::Address, reason);
    Ok(None)
}

/// `vrrp_mcast_group4`
pub fn vrrp_mcast_group4(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = multicast_group(reader, statement, false)?;
    reader.raw.global.group4 = read.or(reader.raw.global.group4);
    Ok(())
}

/// `vrrp_mcast_group6`
pub fn vrrp_mcast_group6(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = multicast_group(reader, statement, true)?;
    reader.raw.global.group6 = read.or(reader.raw.global.group6);
    Ok(())
}

/// `vrrp_version`
pub fn vrrp_version(reader: &mut Reader, statement: &Statement) -> Outcome {
    if let Some(version) = reader.signed(statement, 1, 2, 3)? {
        let version = if version == 2 { Version::V2 } else { Version::V3 };
        reader.raw.global.version = Some(version);
    }
    Ok(())
}

/// `vrrp_lower_prio_no_advert`
pub fn vrrp_lower_prio_no_advert(reader: &mut Reader, statement: &Statement) -> Outcome {
    flag(reader, statement, |global, value| global.lower_prio_no_advert = value);
    Ok(())
}

/// `vrrp_higher_prio_send_advert`
pub fn vrrp_higher_prio_send_advert(reader: &mut Reader, statement: &Statement) -> Outcome {
    flag(reader, statement, |global, value| global.higher_prio_send_advert = value);
    Ok(())
}

/// `vrrp_check_unicast_src`
pub fn vrrp_check_unicast_src(reader: &mut Reader, _: &Statement) -> Outcome {
    reader.raw.global.check_unicast_src = true;
    Ok(())
}

/// `vrrp_skip_check_adv_addr`
pub fn vrrp_skip_check_adv_addr(reader: &mut Reader, statement: &Statement) -> Outcome {
    flag(reader, statement, |global, value| global.skip_check_adv_addr = value);
    Ok(())
}

/// `vrrp_strict`
pub fn vrrp_strict(reader: &mut Reader, statement: &Statement) -> Outcome {
    flag(reader, statement, |global, value| global.strict = value);
    Ok(())
}

/// `vrrp_owner_ignore_adverts`
pub fn vrrp_owner_ignore_adverts(reader: &mut Reader, statement: &Statement) -> Outcome {
    flag(reader, statement, |global, value| global.owner_ignore_adverts = value);
    Ok(())
}

/// `v3_checksum_as_v2`; an argument is ignored.
pub fn v3_checksum_as_v2(reader: &mut Reader, _: &Statement) -> Outcome {
    reader.raw.global.v3_checksum_as_v2 = true;
    Ok(())
}

/// `vrrp_down_timer_adverts`
pub fn vrrp_down_timer_adverts(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.number(statement, 1, 1, 100)?.map(|count| count as u8);
    let global = &mut reader.raw.global;
    global.down_timer_adverts = read.or(global.down_timer_adverts);
    Ok(())
}

/// 0.001 s up to what 32 bits of microseconds hold.
const STARTUP: Decimal = Decimal::seconds(1000, u32::MAX as u64);

/// `vrrp_startup_delay`; the longest one counts.
pub fn vrrp_startup_delay(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = Micros(reader.time(statement, 1, STARTUP)?.unwrap_or(0));
    let global = &mut reader.raw.global;
    global.startup_delay = global.startup_delay.max(read);
    Ok(())
}

/// `vrrp_delay_after_boot`; the longest one counts.
pub fn vrrp_delay_after_boot(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = Micros(reader.time(statement, 1, STARTUP)?.unwrap_or(0));
    let global = &mut reader.raw.global;
    global.delay_after_boot = global.delay_after_boot.max(read);
    Ok(())
}

/// `log_unknown_vrids`
pub fn log_unknown_vrids(reader: &mut Reader, _: &Statement) -> Outcome {
    reader.raw.global.log_unknown_vrids = true;
    Ok(())
}

/// `script_user`
pub fn script_user(reader: &mut Reader, statement: &Statement) -> Outcome {
    let Some(user) = reader.word_said(statement, "No script username specified") else {
        return Ok(());
    };
    let group = statement.get(2).map(|word| word.into_owned());
    reader.raw.script_user = match reader.identity(&user, group.as_deref()) {
        Ok(identity) => ScriptUser::Known(identity),
        Err(reason) => {
            reader.complain(
                Diagnostic::error(Code::User, "Error setting global script uid/gid")
                    .title(reason)
                    .at(statement.place(1))
                    .effect("scripts that name no user of their own are not run"),
            );
            ScriptUser::Missing
        }
    };
    Ok(())
}

/// `enable_script_security`
pub fn enable_script_security(reader: &mut Reader, _: &Statement) -> Outcome {
    reader.raw.global.script_security = true;
    Ok(())
}

words_of! { yes_no use_symlink_paths => keep_symlinks; set_supplementary_groups => supplementary_groups; }

/// A keyword that only other builds or versions of keepalived know.
fn unknown_here(reader: &mut Reader, statement: &Statement, title: &str, help: &str) {
    let text = format!("Unknown keyword '{}'", statement.keyword());
    let diagnostic = Diagnostic::error(Code::UnknownKeyword, text).title(title).at(statement.place(0));
    reader.complain(diagnostic.effect("the line is ignored").help(help));
}

words_of! { switch namespace_with_ipsets => namespace_with_ipsets; }
