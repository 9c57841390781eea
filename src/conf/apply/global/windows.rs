//! What others see of the daemon: SNMP and D-Bus.

use std::net::SocketAddr;

use crate::conf::diagnostic::Code;
use crate::conf::reader::{Outcome, Reader, Statement};
use crate::conf::value::Decimal;
use crate::model::Micros;

/// Most bytes of the path of a socket (`PATH_MAX` less one).
const PATH: usize = 4095;
/// 1 ms to 30 s.
const INTERVAL: Decimal = Decimal::seconds(1000, 30_000_000);

words_of! {
    switch
    enable_traps => snmp.traps;
    enable_snmp_vrrp => snmp.vrrp;
    enable_snmp_rfcv2 => snmp.rfc_v2;
    enable_snmp_rfcv3 => snmp.rfc_v3;
    enable_snmp_checker => snmp.checker;
    enable_dbus => dbus.enabled;
}

/// `enable_snmp_rfc`: both.
pub fn enable_snmp_rfc(reader: &mut Reader, statement: &Statement) -> Outcome {
    enable_snmp_rfcv2(reader, statement)?;
    enable_snmp_rfcv3(reader, statement)
}

/// `snmp_socket`; the first one stays.
pub fn snmp_socket(reader: &mut Reader, statement: &Statement) -> Outcome {
    let known = reader.raw.settings.snmp.socket.clone();
    let word = statement.get(1).map(|word| word.into_owned());
    let (code, text) = match (word, known) {
        (Some(_), _) if statement.len() > 2 => {
            (Code::UnknownOption, "Too many parameters specified for snmp_socket - ignoring".to_string())
        }
        (None, _) => (Code::MissingWord, "SNMP error : snmp socket name missing".to_string()),
        (Some(word), _) if word.len() > PATH => {
            (Code::Name, "SNMP error : snmp socket name too long - ignored".to_string())
        }
        (Some(_), Some(known)) => (Code::Repeated, format!("SNMP socket already set to {known} - ignoring")),
        (Some(word), None) => {
            reader.raw.settings.snmp.socket = Some(word);
            return Ok(());
        }
    };
    reader.refuse(statement, 0, code, text);
    Ok(())
}

/// `metrics_listen`; the last one counts, even if it cannot be used.
pub fn metrics_listen(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(1)?;
    let address = word.parse::<SocketAddr>().ok().filter(|address| address.port() != 0);
    if address.is_none() {
        let text = format!(
            "Invalid metrics_listen {word}: an address and a port are wanted, as in 127.0.0.1:9165 or [::1]:9165"
        );
        reader.refuse(statement, 1, Code::Address, text);
    }
    reader.raw.settings.metrics_listen = address;
    Ok(())
}

/// `snmp_vs_stats_update_interval`
pub fn snmp_vs_stats_update_interval(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.time(statement, 1, INTERVAL)?.map(Micros);
    let snmp = &mut reader.raw.settings.snmp;
    snmp.vs_stats_interval = read.or(snmp.vs_stats_interval);
    Ok(())
}

/// `snmp_rs_stats_update_interval`
pub fn snmp_rs_stats_update_interval(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.time(statement, 1, INTERVAL)?.map(Micros);
    let snmp = &mut reader.raw.settings.snmp;
    snmp.rs_stats_interval = read.or(snmp.rs_stats_interval);
    Ok(())
}

/// `dbus_service_name` and `dbus_no_interface_name`
pub fn dbus_name(reader: &mut Reader, statement: &Statement) -> Outcome {
    let keyword = statement.keyword();
    let read = reader.word_said(statement, &format!("{keyword} missing - ignoring"));
    let dbus = &mut reader.raw.settings.dbus;
    let slot = match &*keyword {
        "dbus_service_name" => &mut dbus.service_name,
        _ => &mut dbus.no_interface_name,
    };
    *slot = read.or(slot.take());
    Ok(())
}
