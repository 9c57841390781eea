//! `HTTP_GET` and `SSL_GET`, and the urls they ask for.

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::lex::{self, ScriptFault};
use crate::conf::place::Place;
use crate::conf::raw::RawCheck;
use crate::conf::raw::checker::{RawHttp, RawKind, RawUrl};
use crate::conf::reader::{Outcome, Reader, Statement};
use crate::model::checker::HttpProtocol;

use super::{checker, notify};

/// Status codes that may be named.
const STATUS: std::ops::RangeInclusive<u16> = 100..=599;

/// `regex_options` that there are.
const REGEX_OPTIONS: [&str; 24] = [
    "allow_empty_class",
    "alt_bsux",
    "auto_callout",
    "caseless",
    "dollar_endonly",
    "dotall",
    "dupnames",
    "extended",
    "firstline",
    "match_unset_backref",
    "multiline",
    "never_ucp",
    "never_utf",
    "no_auto_capture",
    "no_auto_possess",
    "no_dotstar_anchor",
    "no_start_optimize",
    "ucp",
    "ungreedy",
    "utf",
    "never_backslash_c",
    "alt_circumflex",
    "alt_verbnames",
    "use_offset_limit",
];

/// `HTTP_GET`
pub fn open(reader: &mut Reader, _: &Statement) -> Outcome {
    checker::begin(reader, RawKind::Http(RawHttp::default()))
}

/// `SSL_GET`
pub fn open_tls(reader: &mut Reader, _: &Statement) -> Outcome {
    checker::begin(reader, RawKind::Http(RawHttp { tls: true, ..RawHttp::default() }))
}

/// The end of a check: without url it is dropped.
pub fn close(reader: &mut Reader, place: Place) {
    if http(&mut reader.raw.check).is_some_and(|http| http.urls.is_empty()) {
        reader.raw.check.checker = None;
        let text = "HTTP/SSL_GET checker has no urls specified - ignoring";
        return checker::dropped(reader, place, Code::Incomplete, text);
    }
    checker::close(reader, place);
}

fn http(check: &mut RawCheck) -> Option<&mut RawHttp> {
    match check.checker.as_mut().map(|it| &mut it.kind) {
        Some(RawKind::Http(http)) => Some(http),
        _ => None,
    }
}

/// Changes the check that is open.
fn with(reader: &mut Reader, change: impl FnOnce(&mut RawHttp)) -> Outcome {
    if let Some(http) = http(&mut reader.raw.check) {
        change(http);
    }
    Ok(())
}

/// `nb_get_retry`
pub fn nb_get_retry(reader: &mut Reader, statement: &Statement) -> Outcome {
    let text = "nb_get_retry is deprecated - please use 'retry'";
    reader.complain(Diagnostic::warning(Code::Deprecated, text).at(statement.place(0)));
    let text = |word: &str| format!("Invalid nb_get_retry value '{word}'");
    let read = reader.number_said(statement, 1, (0, u64::from(u32::MAX)), text)?;
    if let Some(checker) = &mut reader.raw.check.checker {
        checker.schedule.retry = read.map(|count| count as u32).or(checker.schedule.retry);
    }
    Ok(())
}

/// `virtualhost`
pub fn virtualhost(reader: &mut Reader, statement: &Statement) -> Outcome {
    reader.text_said(statement, "HTTP_GET virtualhost name missing", "virtualhost", |check| {
        http(check).map(|it| &mut it.virtualhost)
    })
}

/// `http_protocol`
pub fn protocol(reader: &mut Reader, statement: &Statement) -> Outcome {
    let Some(word) = reader.word_said(statement, "Missing http_protocol version") else {
        return Ok(());
    };
    let version = match &*word {
        "1.0" => HttpProtocol::V10,
        "1.1" => HttpProtocol::V11,
        "1.0C" | "1.0c" => HttpProtocol::V10Close,
        _ => {
            let diagnostic = Diagnostic::error(Code::Choice, format!("Invalid http_protocol version {word}"));
            let diagnostic = diagnostic.at(statement.place(1)).expected("1.0, 1.0C or 1.1");
            reader.complain(diagnostic.effect(statement.ignored()));
            return Ok(());
        }
    };
    with(reader, |it| it.protocol = version)
}

/// `enable_sni`
pub fn enable_sni(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.switch_said(statement, "Invalid enable_sni parameter");
    with(reader, |it| it.enable_sni = read.unwrap_or(it.enable_sni))
}

/// `sni_name`, which asks for SNI as well
pub fn sni_name(reader: &mut Reader, statement: &Statement) -> Outcome {
    let name = statement.get(1).map(|word| word.into_owned());
    with(reader, |it| {
        it.enable_sni = true;
        it.sni_name = name.or(it.sni_name.take());
    })
}

/// `fast_recovery`
pub fn fast_recovery(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.switch_said(statement, "Invalid fast_recovery parameter");
    with(reader, |it| it.fast_recovery = read.unwrap_or(it.fast_recovery))
}

/// `tls_compliant` of a check or, within one, of a url
pub fn tls_compliant(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.switch_said(statement, "Invalid tls_compliant option");
    if let Some(url) = &mut reader.raw.check.url {
        url.tls_compliant = read.or(url.tls_compliant);
        return Ok(());
    }
    with(reader, |it| it.tls_compliant = read.unwrap_or(it.tls_compliant))
}

/// `url`
pub fn open_url(reader: &mut Reader, _: &Statement) -> Outcome {
    reader.raw.check.url = Some(RawUrl::default());
    Ok(())
}

/// The end of a url: without path it is dropped.
pub fn close_url(reader: &mut Reader, place: Place) {
    let Some(mut url) = reader.raw.check.url.take() else {
        return;
    };
    if url.path.is_none() {
        let text = "HTTP/SSL_GET checker url has no path - ignoring";
        let diagnostic = Diagnostic::error(Code::Incomplete, text).at(place);
        return reader.complain(diagnostic.effect("the url is dropped"));
    }
    let min = url.regex.min_offset;
    if let Some(place) = url.regex_place.filter(|_| !url.has_regex) {
        let text = "regex parameters specified without regex";
        reader.complain(Diagnostic::note(Code::Incomplete, text).at(place).effect("they are ignored"));
    } else if let Some(max) = url.regex.max_offset.filter(|max| min > *max) {
        (url.regex.min_offset, url.regex.max_offset) = (0, None);
        let text = format!("regex min offset {min} > regex_max_offset {max} - ignoring");
        let diagnostic = Diagnostic::note(Code::Conflict, text).at(url.regex_place.unwrap_or(place));
        reader.complain(diagnostic.effect("both are ignored"));
    }
    let _ = with(reader, |it| {
        checker::first_alone(&mut it.urls);
        it.urls.push(url);
    });
}

/// Changes the url that is open.
fn with_url(reader: &mut Reader, change: impl FnOnce(&mut RawUrl)) -> Outcome {
    if let Some(url) = &mut reader.raw.check.url {
        change(url);
    }
    Ok(())
}

/// `path`
pub fn path(reader: &mut Reader, statement: &Statement) -> Outcome {
    statement.text(1)?;
    reader.text_said(statement, "", "path", |check| check.url.as_mut().map(|it| &mut it.path))
}

/// `digest`; the first one stays.
pub fn digest(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(1)?.into_owned();
    if reader.raw.check.url.as_ref().is_some_and(|url| url.digest.is_some()) {
        let diagnostic = Diagnostic::error(Code::Repeated, format!("Digest '{word}' is a duplicate"));
        reader.complain(diagnostic.at(statement.place(0)).effect("the first one stays"));
        return Ok(());
    }
    match md5(&word) {
        Ok(digest) => with_url(reader, |it| it.digest = Some(digest)),
        Err(text) => {
            let diagnostic = Diagnostic::error(Code::Number, text).at(statement.place(1));
            reader.complain(diagnostic.expected("32 hexadecimal digits").effect("the page is not compared"));
            Ok(())
        }
    }
}

/// Reads 32 hexadecimal digits.
fn md5(word: &str) -> Result<[u8; 16], String> {
    if word.len() != 32 {
        return Err(format!("digest '{word}' character length should be 32 rather than {}", word.len()));
    }
    let mut digest = [0; 16];
    // The last fault is the one that is named.
    for (index, octet) in digest.iter_mut().enumerate().rev() {
        let digits = word.get(2 * index..2 * index + 2).filter(|it| it.bytes().all(|byte| byte.is_ascii_hexdigit()));
        *octet = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).ok_or_else(|| {
            let (first, last) = (2 * index, 2 * index + 1);
            let shown = String::from_utf8_lossy(word.as_bytes().get(..=last).unwrap_or_default());
            format!("Unable to interpret hex digit in '{shown}' at offset {first}/{last}")
        })?;
    }
    Ok(digest)
}

/// Reads a status code or a range of them.
fn status(word: &str) -> Option<(u16, u16)> {
    let code = |word: &str| {
        let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        word.parse::<u16>().ok().filter(|code| digits && STATUS.contains(code))
    };
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let (first, last) = (code(first)?, code(last)?);
    (first <= last).then_some((first, last))
}

/// `status_code`; further lines add to it.
pub fn status_code(reader: &mut Reader, statement: &Statement) -> Outcome {
    for index in 1..statement.len() {
        let word = statement.text(index)?.into_owned();
        match status(&word) {
            Some(range) => with_url(reader, |it| it.status.push(range))?,
            None => {
                let text = format!("Invalid HTTP_GET status code '{word}'");
                let diagnostic = Diagnostic::error(Code::Number, text).at(statement.place(index));
                let expected = "a status code of 100 to 599, or two with a minus between";
                reader.complain(diagnostic.expected(expected).effect("the word is ignored"));
            }
        }
    }
    Ok(())
}

/// `virtualhost` of a url
pub fn url_virtualhost(reader: &mut Reader, statement: &Statement) -> Outcome {
    reader.text_said(statement, "Missing HTTP_GET virtualhost name", "url virtualhost", |check| {
        check.url.as_mut().map(|it| &mut it.virtualhost)
    })
}

/// `regex`, with the quotes and escapes of command lines; a later one replaces it.
pub fn regex(reader: &mut Reader, statement: &Statement) -> Outcome {
    let words = lex::command_line(statement.bytes()).unwrap_or_else(|fault: ScriptFault| {
        notify::quote_fault(reader, statement.whole(), statement.bytes(), fault, "there is no pattern");
        Vec::new()
    });
    let [_, pattern] = &words[..] else {
        reader.refuse(statement, 0, Code::MissingWord, "regex missing or too many fields");
        return Ok(());
    };
    let Some(url) = &mut reader.raw.check.url else {
        return Ok(());
    };
    let before = std::mem::replace(&mut url.regex.pattern, pattern.clone());
    if std::mem::replace(&mut url.has_regex, true) {
        let shown = String::from_utf8_lossy(&before);
        let text = format!("Duplicate regex specified - replacing {shown} with {}", statement.text(1)?);
        let diagnostic = Diagnostic::error(Code::Repeated, text).at(statement.place(0));
        reader.complain(diagnostic.effect("this one counts"));
    }
    Ok(())
}

/// `regex_no_match`
pub fn regex_no_match(reader: &mut Reader, statement: &Statement) -> Outcome {
    let place = statement.place(0);
    with_url(reader, |it| {
        it.regex_place = Some(place);
        it.regex.no_match = true;
    })
}

/// `regex_options`; words that are no option do nothing.
pub fn regex_options(reader: &mut Reader, statement: &Statement) -> Outcome {
    let place = statement.place(0);
    for index in 1..statement.len() {
        let word = statement.text(index)?.into_owned();
        if !REGEX_OPTIONS.contains(&&*word) {
            let text = format!("unknown regex option {word}");
            let diagnostic = Diagnostic::note(Code::UnknownOption, text).at(statement.place(index));
            reader.complain(diagnostic.effect("the word is ignored"));
            continue;
        }
        with_url(reader, |it| {
            it.regex_place = Some(place);
            if !it.regex.options.contains(&word) {
                it.regex.options.push(word);
            }
        })?;
    }
    Ok(())
}

/// Reads the only word as a number; `None` after a note that it cannot be.
fn offset(reader: &mut Reader, statement: &Statement, which: &str) -> Option<usize> {
    let word = statement.get(1).unwrap_or_default();
    let text = match (statement.len(), word.parse()) {
        (2, Ok(offset)) => return Some(offset),
        (2, Err(_)) => format!("Invalid regex_{which}_offset {word} specified"),
        _ => format!("Missing or too may options for regex_{which}_offset"),
    };
    reader.complain(Diagnostic::note(Code::Number, text).at(statement.whole()).effect("the line is ignored"));
    None
}

/// `regex_min_offset`
pub fn regex_min_offset(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = offset(reader, statement, "min");
    let place = statement.place(0);
    with_url(reader, |it| {
        it.regex_place = read.map(|_| place).or(it.regex_place);
        it.regex.min_offset = read.unwrap_or(it.regex.min_offset);
    })
}

/// `regex_max_offset`
pub fn regex_max_offset(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = offset(reader, statement, "max");
    let place = statement.place(0);
    with_url(reader, |it| {
        it.regex_place = read.map(|_| place).or(it.regex_place);
        it.regex.max_offset = read.or(it.regex.max_offset);
    })
}

/// `regex_stack`
pub fn regex_stack(reader: &mut Reader, statement: &Statement) -> Outcome {
    let size = |index: usize| statement.get(index).and_then(|word| word.parse::<usize>().ok());
    let text = match (statement.len(), size(1), size(2)) {
        (3, Some(start), Some(max)) if start <= max => {
            let place = statement.place(0);
            return with_url(reader, |it| {
                it.regex_place = Some(place);
                it.regex.stack = Some((start, max));
            });
        }
        (3, Some(_), Some(_)) => "regex stack start cannot exceed max value",
        (3, None, _) => "regex_stack invalid start value",
        (3, _, None) => "regex_stack invalid max value",
        _ => "regex_stack requires start and max values",
    };
    reader.complain(Diagnostic::note(Code::Number, text).at(statement.whole()).effect("the line is ignored"));
    Ok(())
}
