//! Scheduling, memory and limits of the child processes; umask.

use std::collections::BTreeSet;

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::reader::{Outcome, Reader, Statement};
use crate::conf::value;
use crate::model::Micros;
use crate::model::settings::ProcessOptions;

/// Real-time priorities of `SCHED_RR` (sched(7)).
const REAL_TIME: std::ops::RangeInclusive<i64> = 1..=99;

/// The process that a keyword is about: its first part.
fn process(statement: &Statement) -> &'static str {
    let keyword = statement.keyword();
    ["vrrp", "checker", "bfd"].into_iter().find(|name| keyword.starts_with(name)).unwrap_or("vrrp")
}

fn options<'a>(reader: &'a mut Reader, process: &str) -> &'a mut ProcessOptions {
    let processes = &mut reader.raw.settings.processes;
    match process {
        "checker" => &mut processes.check,
        "bfd" => &mut processes.bfd,
        _ => &mut processes.vrrp,
    }
}

/// `vrrp_priority` and its relatives; what cannot be read is 0.
pub fn priority(reader: &mut Reader, statement: &Statement) -> Outcome {
    let process = process(statement);
    let missing = format!("No {process} process priority specified");
    let read = match reader.word_said(statement, &missing) {
        Some(_) => reader.signed(statement, 1, -20, 19)?,
        None => None,
    };
    options(reader, process).priority = read.unwrap_or(0) as i8;
    Ok(())
}

/// `vrrp_no_swap` and its relatives.
pub fn no_swap(reader: &mut Reader, statement: &Statement) -> Outcome {
    options(reader, process(statement)).no_swap = true;
    Ok(())
}

/// `vrrp_rt_priority` and its relatives; what is out of range becomes the nearest that is in it.
pub fn rt_priority(reader: &mut Reader, statement: &Statement) -> Outcome {
    let process = process(statement);
    if reader.word_said(statement, &format!("No {process} process real-time priority specified")).is_none() {
        return Ok(());
    }
    let Some(read) = reader.signed(statement, 1, i32::MIN as i64, i32::MAX as i64)? else {
        return Ok(());
    };
    let (least, most) = (*REAL_TIME.start(), *REAL_TIME.end());
    let text = match read {
        low if low < least => format!("less than minimum {least} - setting to minimum"),
        high if high > most => format!("greater than maximum {most} - setting to maximum"),
        _ => String::new(),
    };
    let used = read.clamp(least, most);
    if !text.is_empty() {
        let text = format!("{process} process real-time priority {read} {text}");
        let diagnostic = Diagnostic::warning(Code::Number, text).at(statement.place(1));
        reader.complain(diagnostic.effect(format!("{used} is used")));
    }
    options(reader, process).rt_priority = Some(used as u8);
    Ok(())
}

/// `vrrp_cpu_affinity` and its relatives; one bad number empties the set.
pub fn cpu_affinity(reader: &mut Reader, statement: &Statement) -> Outcome {
    let process = process(statement);
    if reader.word_said(statement, &format!("No {process} cpu_id set specified")).is_none() {
        return Ok(());
    }
    let last = i64::from(reader.env.processors().saturating_sub(1));
    let mut set = BTreeSet::new();
    for index in 1..statement.len() {
        match reader.signed(statement, index, 0, last)? {
            Some(number) => drop(set.insert(number as u32)),
            None => {
                set.clear();
                break;
            }
        }
    }
    options(reader, process).cpu_affinity = set;
    Ok(())
}

/// `vrrp_rlimit_rttime` and its relatives, with their old spelling.
pub fn rlimit_rttime(reader: &mut Reader, statement: &Statement) -> Outcome {
    let keyword = statement.keyword();
    if let Some(stem) = keyword.strip_suffix("_rtime") {
        let text = format!("Keyword '{keyword}' is deprecated - please use '{stem}_rttime'");
        reader.complain(Diagnostic::note(Code::Deprecated, text).at(statement.place(0)));
    }
    let read = reader.number(statement, 1, 1, u64::from(u32::MAX))?;
    // The soft limit is half of it and must not be 0.
    options(reader, process(statement)).rlimit_rttime = read.map(|micros| Micros(micros.max(2)));
    Ok(())
}

/// `max_auto_priority`; without a number the highest one.
pub fn max_auto_priority(reader: &mut Reader, statement: &Statement) -> Outcome {
    let most = *REAL_TIME.end();
    let read = match statement.len() {
        1 => Some(most),
        _ => reader.signed(statement, 1, -1, most)?,
    };
    let processes = &mut reader.raw.settings.processes;
    processes.max_auto_priority = read.map_or(processes.max_auto_priority, |read| read as i8);
    Ok(())
}

/// `min_auto_priority_delay`
pub fn min_auto_priority_delay(reader: &mut Reader, statement: &Statement) -> Outcome {
    if reader.word_said(statement, "min_auto_priority_delay requires delay time").is_none() {
        return Ok(());
    }
    let read = reader.number(statement, 1, 1, 10_000_000)?;
    let processes = &mut reader.raw.settings.processes;
    processes.min_auto_priority_delay = read.map(Micros).or(processes.min_auto_priority_delay);
    Ok(())
}

/// Reads the words of `umask`: a number, or names of bits with bars between.
fn umask_bits(statement: &Statement) -> Result<u32, String> {
    let first = statement.get(1).unwrap_or_default();
    if first.starts_with(|c: char| c.is_ascii_digit()) {
        if statement.len() != 2 {
            return Err("Extra parameter(s) to umask option".into());
        }
        let (value, rest) = value::leading_integer(first.as_bytes());
        let fits = rest.is_empty() && (0..=0o777).contains(&value);
        return fits.then_some(value as u32).ok_or(format!("invalid umask value {first}"));
    }
    let mut bits = 0;
    let mut complete = false;
    for index in 1..statement.len() {
        let word = statement.get(index).unwrap_or_default();
        let mut rest = &*word;
        while !rest.is_empty() {
            if complete {
                rest = rest.strip_prefix('|').ok_or(format!("Invalid umask syntax {word}"))?;
                complete = false;
                continue;
            }
            const NAMES: [(&str, u32); 12] = [
                ("IRUSR", 0o400),
                ("IWUSR", 0o200),
                ("IXUSR", 0o100),
                ("IRWXU", 0o700),
                ("IRGRP", 0o040),
                ("IWGRP", 0o020),
                ("IXGRP", 0o010),
                ("IRWXG", 0o070),
                ("IROTH", 0o004),
                ("IWOTH", 0o002),
                ("IXOTH", 0o001),
                ("IRWXO", 0o007),
            ];
            let named = NAMES.iter().find_map(|(name, bit)| Some((rest.strip_prefix(name)?, bit)));
            let (after, bit) = named.ok_or(format!("Unknown umask bit {rest}"))?;
            bits |= bit;
            rest = after;
            complete = true;
        }
    }
    complete.then_some(bits).ok_or("umask missing bit value".into())
}

/// `umask`
pub fn umask(reader: &mut Reader, statement: &Statement) -> Outcome {
    statement.text(1)?;
    match umask_bits(statement) {
        Ok(bits) => reader.raw.global.umask = Some(bits),
        Err(text) => reader.refuse(statement, 1, Code::Number, text),
    }
    Ok(())
}
