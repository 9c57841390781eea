//! `authentication` and `auth_hmac`.

use std::path::Path;

use crate::conf::diagnostic::{Code, Diagnostic, Weight};
use crate::conf::place::Place;
use crate::conf::raw::AuthKind;
use crate::conf::raw::own_link::RawHmac;
use crate::conf::reader::{Outcome, Reader, Statement};
use crate::model::hmac::{AntiReplay, HmacMode};
use crate::model::{Micros, Secret};

/// Most bytes of a password that go into a packet (RFC 2338 section 5.3.10).
const PASSWORD: usize = 8;
/// How long a key of `auth_hmac` may be, in bytes.
const KEY: std::ops::RangeInclusive<usize> = 32..=64;
/// Most bytes of a key file: the prefix, two digits for each byte of a key, and a little more.
const KEY_FILE: usize = 4 + 2 * 64 + 6;

/// `auth_type`
pub fn auth_type(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(1)?;
    let kind = match &*word {
        "PASS" => AuthKind::Pass,
        "AH" => AuthKind::Ah,
        _ => {
            let text = format!("({}) unknown authentication type '{word}'", reader.instance_name());
            reader.complain(
                Diagnostic::error(Code::Choice, text)
                    .at(statement.place(1))
                    .expected("PASS or AH")
                    .effect("the line is ignored"),
            );
            return Ok(());
        }
    };
    let place = statement.place(1);
    reader.with_instance(|it| it.auth_kind = Some((kind, place)))
}

/// `auth_pass`
pub fn auth_pass(reader: &mut Reader, statement: &Statement) -> Outcome {
    statement.text(1)?;
    let word = statement.word(1).unwrap_or_default();
    if word.len() > PASSWORD {
        reader.complain(
            Diagnostic::warning(Code::Authentication, format!("Truncating auth_pass to {PASSWORD} characters"))
                .title(format!("auth_pass is longer than {PASSWORD} bytes"))
                .at(statement.place(0))
                .effect(format!("only its first {PASSWORD} bytes are used, as everywhere")),
        );
    }
    let kept = word.get(..PASSWORD).unwrap_or(word);
    let secret = Secret::new(kept);
    reader.with_instance(|it| it.auth_pass = Some(secret))
}

/// The block `auth_hmac`; further ones add to the first.
pub fn open_hmac(reader: &mut Reader, statement: &Statement) -> Outcome {
    let place = statement.place(0);
    reader.with_instance(|it| {
        it.hmac.get_or_insert_with(|| RawHmac {
            place,
            keys: Vec::new(),
            active: 0,
            time_window: None,
            anti_replay: AntiReplay::default(),
            mode: HmacMode::default(),
            mode_place: None,
        });
    })
}

fn with_hmac(reader: &mut Reader, change: impl FnOnce(&mut RawHmac)) {
    if let Some(hmac) = reader.raw.instances.last_mut().and_then(|it| it.hmac.as_mut()) {
        change(hmac);
    }
}

/// The bytes of a key: after `hex:` pairs of digits, else the text itself. `None` if the digits cannot be read.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let Some(digits) = text.strip_prefix(b"hex:") else {
        return Some(text.to_vec());
    };
    let value = |byte: &u8| (*byte as char).to_digit(16).map(|digit| digit as u8);
    let mut key = Vec::new();
    // A lone digit before a blank or the end is an octet of its own.
    for word in digits.split(|byte| b" \t".contains(byte)) {
        for pair in word.chunks(2) {
            let digits = pair.iter().map(value).collect::<Option<Vec<u8>>>()?;
            key.push(digits.iter().fold(0, |octet, digit| octet << 4 | digit));
        }
    }
    (!key.is_empty()).then_some(key)
}

/// The content of a key file; `None` after a complaint.
fn read_key_file(reader: &mut Reader, statement: &Statement, path: &str) -> Option<Vec<u8>> {
    let name = reader.instance_name();
    let place = statement.place(2);
    let file = reader.env.key_file(Path::new(path), KEY_FILE + 1);
    let Ok(file) = file else {
        let text = format!("({name}) auth_hmac key file '{path}' cannot be opened");
        reader.complain(Diagnostic::error(Code::Authentication, text).at(place).effect("the key is not used"));
        return None;
    };
    if file.open_to_others {
        let text = format!("({name}) auth_hmac key file '{path}' is readable by group or others");
        reader.complain(
            Diagnostic::warning(Code::Authentication, text)
                .at(place)
                .effect("the key is used, but it is no secret")
                .help(format!("chmod 600 {path}"))
                .weighing(Weight::Security),
        );
    }
    let mut content = file.content;
    if content.len() > KEY_FILE {
        let text = format!("({name}) auth_hmac key file '{path}' is too large");
        reader.complain(Diagnostic::error(Code::Authentication, text).at(place).effect("the key is not used"));
        return None;
    }
    while content.pop_if(|byte| b"\r\n".contains(byte)).is_some() {}
    // What follows a NUL is not seen.
    content.truncate(content.iter().position(|byte| *byte == 0).unwrap_or(content.len()));
    decode(&content)
}

/// `key`
pub fn key(reader: &mut Reader, statement: &Statement) -> Outcome {
    let name = reader.instance_name();
    let Some(word) = statement.word(2) else {
        let text = format!("({name}) auth_hmac key needs an id and a value");
        reader.refuse(statement, 0, Code::MissingWord, text);
        return Ok(());
    };
    let Some(id) = reader.number(statement, 1, 1, 255)? else {
        return Ok(());
    };
    let key = match word.strip_prefix(b"file:") {
        Some(path) => read_key_file(reader, statement, &String::from_utf8_lossy(path)),
        None => decode(word),
    };
    let key = key.unwrap_or_default();
    let known = |it: &RawHmac| it.keys.iter().any(|(other, _)| u64::from(*other) == id);
    let text = if !KEY.contains(&key.len()) {
        let (min, max) = (KEY.start(), KEY.end());
        format!("({name}) auth_hmac key {id} length {} not in range [{min}, {max}]", key.len())
    } else if reader.raw.instances.last().and_then(|it| it.hmac.as_ref()).is_some_and(known) {
        format!("({name}) duplicate auth_hmac key id {id}")
    } else {
        with_hmac(reader, |it| it.keys.push((id as u8, Secret::new(key))));
        return Ok(());
    };
    reader.complain(
        Diagnostic::error(Code::Authentication, text)
            .at(statement.place(0))
            .expected("32 to 64 bytes: as text, as `hex:` with two digits each, or in a `file:`")
            .effect("the key is not used"),
    );
    Ok(())
}

/// `active_key`
pub fn active_key(reader: &mut Reader, statement: &Statement) -> Outcome {
    if let Some(id) = reader.number(statement, 1, 1, 255)? {
        with_hmac(reader, |it| it.active = id as u8);
    }
    Ok(())
}

/// `time_window`
pub fn time_window(reader: &mut Reader, statement: &Statement) -> Outcome {
    if let Some(seconds) = reader.number(statement, 1, 1, 300)? {
        with_hmac(reader, |it| it.time_window = Some(Micros::from_secs(seconds)));
    }
    Ok(())
}

fn refuse_choice(reader: &mut Reader, statement: &Statement, what: &str) -> Outcome {
    let (keyword, word) = (statement.keyword().into_owned(), statement.text(1)?.into_owned());
    let text = format!("({}) auth_hmac {keyword} '{word}' must be {what}", reader.instance_name());
    reader.complain(
        Diagnostic::error(Code::Choice, text)
            .at(statement.place(1))
            .expected(what.to_string())
            .effect("the line is ignored"),
    );
    Ok(())
}

/// `anti_replay`
pub fn anti_replay(reader: &mut Reader, statement: &Statement) -> Outcome {
    let chosen = match &*statement.text(1)? {
        "time" => AntiReplay::Time,
        "monotonic" => AntiReplay::Monotonic,
        _ => return refuse_choice(reader, statement, "time or monotonic"),
    };
    with_hmac(reader, |it| it.anti_replay = chosen);
    Ok(())
}

/// `mode`
pub fn mode(reader: &mut Reader, statement: &Statement) -> Outcome {
    let chosen = match &*statement.text(1)? {
        "enforce" => HmacMode::Enforce,
        "permissive" => HmacMode::Permissive,
        "receive-only" => HmacMode::ReceiveOnly,
        _ => return refuse_choice(reader, statement, "enforce, permissive or receive-only"),
    };
    let place: Place = statement.place(1);
    with_hmac(reader, |it| (it.mode, it.mode_place) = (chosen, Some(place)));
    Ok(())
}
