//! Real servers, and the sorry server.

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::place::Place;
use crate::conf::raw::service::{RawServer, RawSorry};
use crate::conf::reader::{Outcome, Reader, Statement};
use crate::model::Family;

use super::{forwarding, service};

/// Changes the real server that is open.
fn with(reader: &mut Reader, change: impl FnOnce(&mut RawServer)) -> Outcome {
    if let Some(server) = &mut reader.raw.check.server {
        change(server);
    }
    Ok(())
}

/// A new real server. With a head that cannot be read the block is skipped.
pub fn open(reader: &mut Reader, statement: &Statement) -> Outcome {
    reader.raw.check.server = None;
    match service::endpoint(statement, 1)? {
        Ok(endpoint) => {
            let forwarding = reader.raw.check.service.as_ref().map(|it| it.forwarding).unwrap_or_default();
            reader.raw.check.server = Some(RawServer::new(endpoint, forwarding, statement.place(1)));
            Ok(())
        }
        Err(fault) => {
            let port = statement.get(2).unwrap_or("(null)".into());
            let text = format!("Invalid real server ip address/port {}/{port} - skipping", statement.text(1)?);
            let diagnostic = service::bad_endpoint(statement, 1, text, fault);
            service::skip(reader, diagnostic)
        }
    }
}

/// The end of a real server. The first one settles the family of a mark or group; one of the other family can only be
/// reached through a tunnel.
pub fn close(reader: &mut Reader, _: Place) {
    let (Some(server), Some(service)) = (reader.raw.check.server.take(), &mut reader.raw.check.service) else {
        return;
    };
    let family = Family::of(&server.ip);
    if server.forwarding.is_tunnel() || *service.family.get_or_insert(family) == family {
        return service.servers.push(server);
    }
    let text =
        format!("Address family of virtual server and real server {} don't match - skipping real server.", server.ip);
    reader.complain(
        Diagnostic::error(Code::Service, text)
            .at(server.place)
            .effect("the real server is not set up")
            .help("only lvs_method TUN reaches a server of the other family"),
    );
}

/// `weight`
pub fn weight(reader: &mut Reader, statement: &Statement) -> Outcome {
    let max = i32::MAX;
    let read = reader.number_said(statement, 1, (0, max as u64), |word| {
        format!("Real server weight {word} is outside range 0-{max}")
    })?;
    with(reader, |it| it.weight = read.map(|weight| weight as u32).or(it.weight))
}

/// `lvs_method`
pub fn method(reader: &mut Reader, statement: &Statement) -> Outcome {
    let before = reader.raw.check.server.as_ref().map(|it| it.forwarding).unwrap_or_default();
    let read = forwarding::read(reader, statement, before, "real")?;
    with(reader, |it| it.forwarding = read)
}

/// `uthreshold`
pub fn upper_threshold(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.number_said(statement, 1, (0, u64::from(u32::MAX)), |word| {
        format!("Invalid real_server uthreshold '{word}' - ignoring")
    })?;
    with(reader, |it| it.upper_threshold = read.map_or(it.upper_threshold, |limit| limit as u32))
}

/// `lthreshold`
pub fn lower_threshold(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.number_said(statement, 1, (0, u64::from(u32::MAX)), |word| {
        format!("Invalid real_server lthreshold '{word}' - ignoring")
    })?;
    with(reader, |it| it.lower_threshold = read.map_or(it.lower_threshold, |limit| limit as u32))
}

/// `inhibit_on_failure`
pub fn inhibit(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.switch_said(statement, "Invalid inhibit_on_failure parameter");
    with(reader, |it| it.inhibit = read.or(it.inhibit))
}

/// `notify_up`
pub fn notify_up(reader: &mut Reader, statement: &Statement) -> Outcome {
    service::script(reader, statement, |check| check.server.as_mut().map(|it| &mut it.notify_up))
}

/// `notify_down`
pub fn notify_down(reader: &mut Reader, statement: &Statement) -> Outcome {
    service::script(reader, statement, |check| check.server.as_mut().map(|it| &mut it.notify_down))
}

/// `smtp_alert`
pub fn smtp_alert(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.switch_said(statement, "Invalid real_server smtp_alert parameter");
    with(reader, |it| it.smtp_alert = read.or(it.smtp_alert))
}

/// `virtualhost`
pub fn virtualhost(reader: &mut Reader, statement: &Statement) -> Outcome {
    reader.text_said(statement, "real server virtualhost missing", "rs virtualhost", |check| {
        check.server.as_mut().map(|it| &mut it.virtualhost)
    })
}

/// `snmp_name`
pub fn snmp_name(reader: &mut Reader, statement: &Statement) -> Outcome {
    const BAD: &str = "real server snmp_name missing or extra parameters";
    if statement.len() != 2 {
        reader.refuse(statement, 0, Code::MissingWord, BAD);
        return Ok(());
    }
    reader.text_said(statement, BAD, "rs snmp_name", |check| check.server.as_mut().map(|it| &mut it.snmp_name))
}

/// `sorry_server`; a later one replaces it.
pub fn sorry(reader: &mut Reader, statement: &Statement) -> Outcome {
    let place = statement.place(1);
    match service::endpoint(statement, 1)? {
        Ok((ip, port)) => {
            if let Some(service) = &mut reader.raw.check.service {
                let forwarding = service.forwarding;
                service.sorry = Some(RawSorry { ip, port, place, forwarding, inhibit: false });
            }
        }
        Err(fault) => {
            let text = format!("Invalid sorry server IP address {} - skipping", statement.text(1)?);
            let diagnostic = service::bad_endpoint(statement, 1, text, fault);
            reader.complain(diagnostic.effect("the line is ignored"));
        }
    }
    Ok(())
}

/// Changes the sorry server; complains with `text` if there is none yet.
fn with_sorry(reader: &mut Reader, statement: &Statement, text: &str, change: impl FnOnce(&mut RawSorry)) -> Outcome {
    match reader.raw.check.service.as_mut().and_then(|it| it.sorry.as_mut()) {
        Some(sorry) => change(sorry),
        None => {
            let diagnostic = Diagnostic::error(Code::Incomplete, text).at(statement.place(0));
            reader.complain(diagnostic.effect("the line is ignored").help("it has to stand below `sorry_server`"));
        }
    }
    Ok(())
}

/// `sorry_server_inhibit`
pub fn sorry_inhibit(reader: &mut Reader, statement: &Statement) -> Outcome {
    let text = "Ignoring sorry_server inhibit used before or without sorry_server";
    with_sorry(reader, statement, text, |it| it.inhibit = true)
}

/// `sorry_server_lvs_method`
pub fn sorry_method(reader: &mut Reader, statement: &Statement) -> Outcome {
    let sorry = reader.raw.check.service.as_ref().and_then(|it| it.sorry.as_ref());
    let read = match sorry.map(|it| it.forwarding) {
        Some(before) => forwarding::read(reader, statement, before, "sorry")?,
        None => Default::default(),
    };
    with_sorry(reader, statement, "sorry_server forwarding used without sorry_server", |it| it.forwarding = read)
}
