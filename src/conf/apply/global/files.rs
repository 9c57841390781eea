//! Files and folders, reloading, includes.

use std::path::PathBuf;

use crate::conf::diagnostic::Code;
use crate::conf::reader::{Outcome, Reader, Statement};
use crate::conf::source::Checks;

words_of! { switch reload_repeat => reload.repeat; }
words_of! { yes_no data_use_instance => files.data_use_instance; }

fn path(statement: &Statement) -> Option<PathBuf> {
    statement.get(1).map(|word| PathBuf::from(&*word))
}

/// `reload_check_config`; the word alone sends complaints nowhere.
pub fn reload_check_config(reader: &mut Reader, statement: &Statement) -> Outcome {
    reader.raw.settings.reload.check = Some(path(statement).unwrap_or_else(|| "/dev/null".into()));
    Ok(())
}

/// `reload_time_file`
pub fn reload_time_file(reader: &mut Reader, statement: &Statement) -> Outcome {
    match statement.len() {
        2 => reader.raw.settings.reload.time_file = path(statement),
        _ => reader.refuse(statement, 0, Code::MissingWord, "reload_time_file invalid"),
    }
    Ok(())
}

/// `reload_file`; the word alone is the usual path.
pub fn reload_file(reader: &mut Reader, statement: &Statement) -> Outcome {
    reader.raw.settings.reload.marker = Some(path(statement));
    Ok(())
}

/// `config_save_dir`, which is made if it is not there.
pub fn config_save_dir(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(1)?.into_owned();
    // Nothing can be made that has no name.
    let nameless = word.is_empty().then(|| "Unable to create config_save_dir  (No such file or directory)".to_string());
    match nameless.or_else(|| reader.env.save_dir_fault(word.as_ref())) {
        Some(text) => reader.refuse(statement, 1, Code::File, text),
        None => {
            let folder = word.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(&word);
            reader.raw.settings.files.config_save_dir = Some(folder.into());
        }
    }
    Ok(())
}

/// `tmp_config_directory`; the first one stays.
pub fn tmp_config_directory(reader: &mut Reader, statement: &Statement) -> Outcome {
    if reader.raw.settings.files.tmp_config_directory.is_some() {
        let text = "tmp_config_directory already specified - ignoring";
        reader.refuse(statement, 0, Code::Repeated, text);
    } else {
        reader.word_said(statement, "tmp_config_directory missing directory name");
        reader.raw.settings.files.tmp_config_directory = path(statement);
    }
    Ok(())
}

/// `json_version`
pub fn json_version(reader: &mut Reader, statement: &Statement) -> Outcome {
    if reader.word_said(statement, "json_version requires version").is_none() {
        return Ok(());
    }
    if let Some(version) = reader.number(statement, 1, 1, 2)? {
        reader.raw.settings.files.json_v2 = version == 2;
    }
    Ok(())
}

/// `iproute_usr_dir` and `iproute_etc_dir`; both count for the whole configuration.
pub fn iproute_dir(reader: &mut Reader, statement: &Statement) -> Outcome {
    let keyword = statement.keyword();
    if statement.len() != 2 {
        reader.refuse(statement, 0, Code::MissingWord, format!("{keyword} requires path"));
        return Ok(());
    }
    let files = &mut reader.raw.settings.files;
    let slot = match &*keyword {
        "iproute_usr_dir" => &mut files.iproute_usr_dir,
        _ => &mut files.iproute_etc_dir,
    };
    *slot = path(statement);
    Ok(())
}

/// `state_dump_file`, `stats_dump_file`, `json_dump_file`
pub fn dump_file(reader: &mut Reader, statement: &Statement) -> Outcome {
    let keyword = statement.keyword();
    let named = path(statement).filter(|path| statement.len() == 2 && !path.as_os_str().is_empty());
    let files = &mut reader.raw.settings.files;
    let slot = match &*keyword {
        "state_dump_file" => &mut files.state_dump_file,
        "stats_dump_file" => &mut files.stats_dump_file,
        _ => &mut files.json_dump_file,
    };
    match named {
        Some(path) => *slot = Some(path),
        None => reader.refuse(statement, 0, Code::MissingWord, format!("{keyword} requires a non-empty path")),
    }
    Ok(())
}

/// `random_seed`: read and without effect, as in keepalived.
pub fn random_seed(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.number(statement, 1, 0, u64::from(u32::MAX))?.map(|seed| seed as u32);
    let settings = &mut reader.raw.settings;
    settings.random_seed = read.or(settings.random_seed);
    Ok(())
}

/// `include_check`: which failures of includes count from here on.
pub fn include_check(reader: &mut Reader, statement: &Statement) -> Outcome {
    if statement.len() == 1 {
        reader.change_checks(|checks| *checks = Checks::ALL);
        return Ok(());
    }
    for index in 1..statement.len() {
        let word = statement.get(index).unwrap_or_default().into_owned();
        let (sign, name) = match word.strip_prefix(['+', '-']) {
            Some(name) => (word.chars().next(), name),
            None => (None, &*word),
        };
        if sign.is_none() && index > 1 {
            let text = format!("Duplicate include_check '{name}' specified - ignoring");
            reader.refuse(statement, index, Code::Repeated, text);
            continue;
        }
        if sign.is_none() {
            reader.change_checks(|checks| *checks = Checks::default());
        }
        let slot: fn(&mut Checks) -> &mut bool = match name {
            "read" => |checks| &mut checks.read,
            "match" => |checks| &mut checks.exact,
            "wildcard_match" => |checks| &mut checks.wildcard,
            "brace_match" => |checks| &mut checks.brace,
            _ => {
                let text = format!("Unknown include_check type '{name}' - ignoring");
                reader.refuse(statement, index, Code::UnknownOption, text);
                continue;
            }
        };
        reader.change_checks(|checks| {
            checks.read |= sign.is_none();
            *slot(checks) = sign != Some('-');
        });
    }
    Ok(())
}
