//! When checks run: keywords that virtual servers, real servers and checks have in common. Each is for the innermost block
//! that is open.

use crate::conf::raw::{RawCheck, RawSchedule};
use crate::conf::reader::{Outcome, Reader, Statement};
use crate::conf::value::Decimal;
use crate::model::Micros;

/// Any time from nothing on.
const TIME: Decimal = Decimal::seconds(0, u64::MAX - 1);
/// Any time but none.
const PERIOD: Decimal = Decimal::seconds(1, u64::MAX - 1);
/// How long connecting may take.
const CONNECT: Decimal = Decimal::seconds(1, u32::MAX as u64);

/// Whose settings are being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Service,
    Server,
    Check,
}

impl RawCheck {
    fn level(&self) -> Level {
        if self.checker.is_some() {
            Level::Check
        } else if self.server.is_some() {
            Level::Server
        } else {
            Level::Service
        }
    }

    fn schedule(&mut self) -> Option<&mut RawSchedule> {
        let check = self.host.as_mut().or(self.checker.as_mut());
        match (check, &mut self.server, &mut self.service) {
            (Some(check), _, _) => Some(&mut check.schedule),
            (None, Some(server), _) => Some(&mut server.schedule),
            (None, None, Some(service)) => Some(&mut service.schedule),
            (None, None, None) => None,
        }
    }

    fn connect_timeout(&mut self) -> Option<&mut Option<Micros>> {
        let check = self.host.as_mut().or(self.checker.as_mut());
        match (check, &mut self.server, &mut self.service) {
            (Some(check), _, _) => Some(&mut check.connect.timeout),
            (None, Some(server), _) => Some(&mut server.connect_timeout),
            (None, None, Some(service)) => Some(&mut service.connect_timeout),
            (None, None, None) => None,
        }
    }
}

fn set(reader: &mut Reader, set: impl FnOnce(&mut RawSchedule)) -> Outcome {
    if let Some(schedule) = reader.raw.check.schedule() {
        set(schedule);
    }
    Ok(())
}

/// `retry`
pub fn retry(reader: &mut Reader, statement: &Statement) -> Outcome {
    let level = reader.raw.check.level();
    let min = u64::from(level != Level::Check);
    let read = reader.number_said(statement, 1, (min, u32::MAX as u64), |word| match level {
        Level::Check => format!("Invalid retry connection value '{word}'"),
        _ => format!("retry value invalid - {word}"),
    })?;
    set(reader, |it| it.retry = read.map(|count| count as u32).or(it.retry))
}

/// `delay_before_retry`
pub fn delay_before_retry(reader: &mut Reader, statement: &Statement) -> Outcome {
    let level = reader.raw.check.level();
    let read = reader.time_said(statement, TIME, |word| match level {
        Level::Service => format!("virtual server delay before retry '{word}' invalid - ignoring"),
        Level::Server => format!("real server delay_before_retry '{word}' invalid - ignoring"),
        Level::Check => format!("Invalid delay_before_retry connection value '{word}'"),
    })?;
    set(reader, |it| it.delay_before_retry = read.or(it.delay_before_retry))
}

/// `warmup`
pub fn warmup(reader: &mut Reader, statement: &Statement) -> Outcome {
    let level = reader.raw.check.level();
    let read = reader.time_said(statement, TIME, |word| match level {
        Level::Service => format!("virtual server warmup '{word}' invalid - ignoring"),
        Level::Server => format!("real server warmup '{word}' invalid - ignoring"),
        Level::Check => format!("Invalid warmup connection value '{word}'"),
    })?;
    set(reader, |it| it.warmup = read.or(it.warmup))
}

/// `delay_loop`
pub fn delay_loop(reader: &mut Reader, statement: &Statement) -> Outcome {
    let level = reader.raw.check.level();
    let read = reader.time_said(statement, PERIOD, |word| match level {
        Level::Service => format!("virtual server delay loop '{word}' invalid - ignoring"),
        Level::Server => format!("real server delay_loop '{word}' invalid - ignoring"),
        Level::Check => format!("delay_loop '{word}' is invalid - ignoring"),
    })?;
    set(reader, |it| it.delay_loop = read.or(it.delay_loop))
}

/// `connect_timeout`
pub fn connect_timeout(reader: &mut Reader, statement: &Statement) -> Outcome {
    let level = reader.raw.check.level();
    let read = reader.time_said(statement, CONNECT, |word| match level {
        Level::Service => format!("virtual server connect_timeout {word} invalid - ignoring"),
        Level::Server => format!("real server connect_timeout {word} invalid - ignoring"),
        Level::Check => format!("connect_timeout {word} invalid - ignoring"),
    })?;
    if let Some(slot) = reader.raw.check.connect_timeout() {
        *slot = read.or(*slot);
    }
    Ok(())
}

/// `alpha` of a real server or a check
pub fn alpha(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.switch_said(statement, "Invalid alpha parameter");
    set(reader, |it| it.alpha = read.or(it.alpha))
}

/// `log_all_failures`
pub fn log_all_failures(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.switch_said(statement, "Invalid log_all_failures parameter");
    set(reader, |it| it.log_all_failures = read.or(it.log_all_failures))
}
