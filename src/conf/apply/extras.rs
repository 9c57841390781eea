//! Settings of `vrrp_instance` that few files have.

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::environment::Interface;
use crate::conf::reader::{Outcome, Reader, Statement};
use crate::conf::value::Decimal;
use crate::model::settings::GarpExtra;
use crate::model::{IfName, Micros};

/// Highest priority that somebody who owns no address can have.
const HIGHEST: u64 = 254;
/// Longest period of `garp_extra_if`: a day.
const DAY: u64 = 86_400;

/// `vrf`
pub fn vrf(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(1)?.into_owned();
    let name = reader.instance_name();
    let Some(instance) = reader.raw.instances.last() else {
        return Ok(());
    };
    let text = if word.len() > IfName::MAX_LEN {
        format!("({name}) VRF interface name '{word}' too long - ignoring")
    } else if instance.interface.is_some() {
        format!("({name}) Cannot specify VRF interface and interface - ignoring")
    } else if let Some(other) = &instance.extras.vrf {
        format!("({name}) VRF interface already specified as '{other}' - ignoring")
    } else {
        match reader.interface(&word) {
            None => {
                let text = format!("({name}) WARNING - VRF interface {word} doesn't exist");
                reader.missing_interface(statement, 1, text);
                return Ok(());
            }
            Some((_, Some(Interface { loopback: true, .. }))) => {
                format!("({name}) cannot use a loopback interface ({word}) for VRF - ignoring")
            }
            Some((found, _)) => {
                let place = statement.place(1);
                return reader.with_instance(|it| (it.extras.vrf, it.vrf_place) = (Some(found), Some(place)));
            }
        }
    };
    reader.refuse(statement, 1, Code::Conflict, text);
    Ok(())
}

/// `accept`
pub fn accept(reader: &mut Reader, statement: &Statement) -> Outcome {
    let place = statement.place(0);
    reader.with_instance(|it| (it.extras.accept, it.accept_place) = (Some(true), Some(place)))
}

/// `no_accept`
pub fn no_accept(reader: &mut Reader, _: &Statement) -> Outcome {
    reader.with_instance(|it| it.extras.accept = Some(false))
}

/// `promote_secondaries`
pub fn promote_secondaries(reader: &mut Reader, statement: &Statement) -> Outcome {
    let place = statement.place(0);
    reader.with_instance(|it| (it.extras.promote_secondaries, it.promote_place) = (true, Some(place)))
}

/// `track_src_ip`
pub fn track_src_ip(reader: &mut Reader, _: &Statement) -> Outcome {
    reader.with_instance(|it| it.track_source = true)
}

/// `old_unicast_checksum`
pub fn old_unicast_checksum(reader: &mut Reader, statement: &Statement) -> Outcome {
    super::instance::mark_unicast(reader, statement)?;
    let mode = match statement.get(1) {
        None => true,
        Some(word) if word == "never" => false,
        Some(word) => {
            let text = format!("({}) Unknown old_unicast_chksum mode {word} - ignoring", reader.instance_name());
            reader.refuse(statement, 1, Code::Choice, text);
            return Ok(());
        }
    };
    reader.with_instance(|it| it.extras.old_unicast_checksum = Some(mode))
}

/// `linkbeat_use_polling`
pub fn linkbeat_use_polling(reader: &mut Reader, statement: &Statement) -> Outcome {
    let text = format!(
        "({}) 'linkbeat_use_polling' in vrrp instance deprecated - use linkbeat_interfaces block",
        reader.instance_name()
    );
    reader.complain(Diagnostic::warning(Code::Deprecated, text).at(statement.place(0)));
    reader.with_instance(|it| it.extras.linkbeat_use_polling = true)
}

/// `smtp_alert`
pub fn smtp_alert(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.truth(statement, |word| format!("Invalid vrrp_instance smtp_alert parameter {word}"));
    reader.with_instance(|it| it.extras.smtp_alert = read.or(it.extras.smtp_alert))
}

/// `notify_priority_changes`
pub fn notify_priority_changes(reader: &mut Reader, statement: &Statement) -> Outcome {
    let name = reader.instance_name();
    let text = |word: &str| format!("({name}) Invalid value '{word}' for notify_priority_changes specified");
    let read = reader.truth(statement, text);
    reader.with_instance(|it| it.extras.notify_priority_changes = read.or(it.extras.notify_priority_changes))
}

/// `lvs_sync_daemon_interface`; the first one in all instances counts.
pub fn lvs_sync_daemon_interface(reader: &mut Reader, statement: &Statement) -> Outcome {
    let name = reader.instance_name();
    let text = format!("({name}) Specifying lvs_sync_daemon_interface against a vrrp is deprecated.");
    let diagnostic = Diagnostic::warning(Code::Deprecated, text).at(statement.place(0));
    reader.complain(diagnostic.help("use `lvs_sync_daemon` in global_defs"));
    let global = reader.raw.settings.lvs.sync_daemon.as_ref().map(|it| it.interface.to_string());
    if let Some(other) = global.as_ref().or(reader.raw.sync_daemon_interface.as_ref()) {
        let text = format!("({name}) lvs_sync_daemon_interface has already been specified as {other} - ignoring");
        reader.refuse(statement, 0, Code::Repeated, text);
        return Ok(());
    }
    let word = statement.text(1)?.into_owned();
    let interface = IfName::new(word.clone());
    reader.raw.sync_daemon_interface = Some(word);
    reader.with_instance(|it| it.extras.lvs_sync_daemon_interface = interface)
}

/// `split_brain_probe`
pub fn split_brain_probe(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.time(statement, 1, Decimal::seconds(100_000, 3_600_000_000))?;
    reader.with_instance(|it| it.extras.split_brain_probe = read.map(Micros).or(it.extras.split_brain_probe))
}

/// `timer_expired_backup`
pub fn timer_expired_backup(reader: &mut Reader, statement: &Statement) -> Outcome {
    let priority = match statement.len() {
        1 => Some(HIGHEST),
        _ => reader.number(statement, 1, 1, HIGHEST)?,
    };
    let place = statement.place(0);
    match priority {
        Some(priority) => reader.with_instance(|it| {
            (it.extras.timer_expired_backup, it.expired_place) = (Some(priority as u8), Some(place));
        }),
        None => Ok(()),
    }
}

/// `thread_timer_expired`
pub fn thread_timer_expired(reader: &mut Reader, statement: &Statement) -> Outcome {
    let text = format!(
        "({}) thread_timer_expired - please replace with keyword 'timer_expired_backup'",
        reader.instance_name()
    );
    reader.complain(Diagnostic::warning(Code::Deprecated, text).at(statement.place(0)));
    timer_expired_backup(reader, statement)
}

/// `garp_extra_if`
pub fn garp_extra_if(reader: &mut Reader, statement: &Statement) -> Outcome {
    let keyword = statement.keyword().into_owned();
    let mut period = None;
    for index in 1..statement.len() {
        if statement.text(index)? == "all" {
            reader.with_instance(|it| it.garp_extra_all = true)?;
            continue;
        }
        match reader.number(statement, index, 0, DAY)? {
            Some(seconds) => period = Some(Micros::from_secs(seconds)),
            None => return Ok(()),
        }
    }
    let Some(period) = period else {
        let text = format!("({}): {keyword} specified without time - ignoring", reader.instance_name());
        reader.refuse(statement, 0, Code::MissingWord, text);
        return Ok(());
    };
    reader.with_instance(|it| it.extras.garp_extra = Some(GarpExtra { all: it.garp_extra_all, period }))
}

/// `vmac_garp_intvl`
pub fn vmac_garp_intvl(reader: &mut Reader, statement: &Statement) -> Outcome {
    let text = "Keyword \"vmac_garp_intvl\" is deprecated - please use \"garp_extra_if\"";
    reader.complain(Diagnostic::warning(Code::Deprecated, text).at(statement.place(0)));
    garp_extra_if(reader, statement)
}

/// `kernel_rx_buf_size`
pub fn kernel_rx_buf_size(reader: &mut Reader, statement: &Statement) -> Outcome {
    if statement.len() != 2 {
        let text = format!("({}) invalid kernel_rx_buf_size specified", reader.instance_name());
        reader.refuse(statement, 0, Code::Number, text);
        return Ok(());
    }
    match reader.number(statement, 1, 0, u64::from(u32::MAX))? {
        Some(bytes) => reader.with_instance(|it| it.extras.kernel_rx_buf_size = Some(bytes as u32)),
        None => Ok(()),
    }
}

/// `debug`
pub fn debug(reader: &mut Reader, statement: &Statement) -> Outcome {
    match reader.number(statement, 1, 0, 4)? {
        Some(level) => reader.with_instance(|it| it.extras.debug = level as u8),
        None => Ok(()),
    }
}
