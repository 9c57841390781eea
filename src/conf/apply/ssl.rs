//! `SSL`: what SSL_GET shows of itself.

use std::path::PathBuf;

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::reader::{Outcome, Reader, Statement};
use crate::model::Secret;
use crate::model::check::Ssl;

/// A new block; it replaces an earlier one.
pub fn open(reader: &mut Reader, statement: &Statement) -> Outcome {
    if reader.raw.check.ssl.replace(Ssl::default()).is_some() {
        let text = "SSL context already specified - replacing";
        let diagnostic = Diagnostic::error(Code::Repeated, text).at(statement.place(0));
        reader.complain(diagnostic.effect("this block counts"));
    }
    Ok(())
}

/// `password`. What it was and is stays out of messages.
pub fn password(reader: &mut Reader, statement: &Statement) -> Outcome {
    let Some(word) = reader.word_said(statement, "SSL password missing") else {
        return Ok(());
    };
    let slot = reader.raw.check.ssl.as_mut().map(|ssl| &mut ssl.password);
    if slot.and_then(|slot| slot.replace(Secret::new(word.into_bytes()))).is_some() {
        let diagnostic = Diagnostic::error(Code::Repeated, "Duplicate SSL - overwriting password");
        reader.complain(diagnostic.at(statement.place(0)).effect("this one counts"));
    }
    Ok(())
}

fn file(
    reader: &mut Reader,
    statement: &Statement,
    missing: &str,
    slot: fn(&mut Ssl) -> &mut Option<PathBuf>,
) -> Outcome {
    let Some(word) = reader.word_said(statement, missing) else {
        return Ok(());
    };
    let slot = reader.raw.check.ssl.as_mut().map(slot);
    if let Some(before) = slot.and_then(|slot| slot.replace(PathBuf::from(&word))) {
        let text = format!("Duplicate SSL - overwriting {} with {word}", before.display());
        let diagnostic = Diagnostic::error(Code::Repeated, text).at(statement.place(1));
        reader.complain(diagnostic.effect("this one counts"));
    }
    Ok(())
}

/// `ca`
pub fn ca(reader: &mut Reader, statement: &Statement) -> Outcome {
    file(reader, statement, "SSL cafile missing", |ssl| &mut ssl.ca)
}

/// `certificate`
pub fn certificate(reader: &mut Reader, statement: &Statement) -> Outcome {
    file(reader, statement, "SSL certfile missing", |ssl| &mut ssl.certificate)
}

/// `key`
pub fn key(reader: &mut Reader, statement: &Statement) -> Outcome {
    file(reader, statement, "SSL keyfile missing", |ssl| &mut ssl.key)
}
