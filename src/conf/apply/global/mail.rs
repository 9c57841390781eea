//! Mails: who sends them, over which server, and to whom.

use std::net::SocketAddr;

use super::yes_no;
use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::reader::{Outcome, Reader, Statement};
use crate::conf::value;
use crate::model::Micros;

/// Port of mail servers.
const PORT: &str = "25";

/// Characters that a name before `<address>` must not have outside quotes (RFC 5322 section 3.2.3).
const SPECIAL: &[char] = &['(', ')', '<', '>', '[', ']', ':', ';', '@', '\\', ',', '.'];

/// An address as it goes into a mail: a name before `<...>` is put into quotes if it has to be.
fn address(reader: &mut Reader, statement: &Statement, index: usize) -> String {
    let word = statement.get(index).unwrap_or_default().into_owned();
    if !word.ends_with('>') {
        return word;
    }
    let Some((name, angle)) = word.rfind('<').and_then(|at| word.split_at_checked(at)) else {
        let text = format!("email address '{word}' invalid");
        reader.complain(Diagnostic::note(Code::Address, text).at(statement.place(index)).effect("it is used as it is"));
        return word;
    };
    let plain = name.trim_end_matches([' ', '\t']);
    if !plain.contains(SPECIAL) {
        return word;
    }
    let escaped = plain.replace('\\', "\\\\").replace('"', "\\\"");
    let gap = name.get(plain.len()..).unwrap_or_default();
    format!("\"{escaped}\"{gap}{angle}")
}

/// `notification_email_from`
pub fn notification_email_from(reader: &mut Reader, statement: &Statement) -> Outcome {
    if reader.word_said(statement, "emailfrom missing - ignoring").is_none() {
        return Ok(());
    }
    if let Some(extra) = statement.get(2) {
        let text = format!("emailfrom - ignoring extra entries '{extra}' ...");
        let diagnostic = Diagnostic::error(Code::UnknownOption, text).at(statement.place(2));
        reader.complain(diagnostic.effect("the first word is used").help("put a name with blanks into double quotes"));
    }
    reader.raw.settings.mail.from = Some(address(reader, statement, 1));
    Ok(())
}

/// A line of `notification_email`: each word is an address.
pub fn notification_email(reader: &mut Reader, statement: &Statement) -> Outcome {
    for index in 0..statement.len() {
        let address = address(reader, statement, index);
        reader.raw.settings.mail.to.push(address);
    }
    Ok(())
}

/// `smtp_server`: an address, or a name that is resolved now. The last one counts, even if it cannot be used.
pub fn smtp_server(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(1)?.into_owned();
    let port = statement.get(2).unwrap_or(PORT.into()).into_owned();
    let number = value::unsigned(&port, 1, 65535);
    let numeric = value::address(&word);
    let reason = match (&number, numeric.is_some()) {
        (Err(fault), _) => format!("port: {}", fault.0),
        (Ok(_), false) => format!("the mail server `{word}` cannot be resolved"),
        _ => String::new(),
    };
    let ip = number.is_ok().then(|| numeric.or_else(|| reader.env.resolve(&word))).flatten();
    let server = ip.zip(number.ok()).map(|(ip, port)| SocketAddr::new(ip, port as u16));
    if server.is_none() {
        let index = if statement.len() > 2 && numeric.is_some() { 2 } else { 1 };
        reader.complain(
            Diagnostic::error(Code::Host, format!("Invalid smtp server {word} {port}"))
                .title(reason)
                .at(statement.place(index))
                .effect("no mail is sent"),
        );
    }
    reader.raw.settings.mail.server = server;
    Ok(())
}

/// `smtp_helo_name`; without a name it does nothing.
pub fn smtp_helo_name(reader: &mut Reader, statement: &Statement) -> Outcome {
    let mail = &mut reader.raw.settings.mail;
    mail.helo = statement.get(1).map(|word| word.into_owned()).or(mail.helo.take());
    Ok(())
}

/// `smtp_connect_timeout`
pub fn smtp_connect_timeout(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.number(statement, 1, 0, 4294)?;
    if read == Some(0) {
        let text = "smtp_conect_timeout must be greater than 0, setting to 1";
        let diagnostic = Diagnostic::warning(Code::Number, text).at(statement.place(1));
        reader.complain(diagnostic.effect("1 second is used"));
    }
    let mail = &mut reader.raw.settings.mail;
    mail.timeout = read.map(|seconds| Micros::from_secs(seconds.max(1))).or(mail.timeout);
    Ok(())
}

/// `smtp_alert` and its relatives.
pub fn alert(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = yes_no(reader, statement);
    let keyword = statement.keyword();
    let mail = &mut reader.raw.settings.mail;
    let slot = match &*keyword {
        "smtp_alert_vrrp" => &mut mail.alert_vrrp,
        "smtp_alert_checker" => &mut mail.alert_checker,
        _ => &mut mail.alert,
    };
    *slot = read.or(*slot);
    Ok(())
}

words_of! { switch no_email_faults => mail.no_faults; }
words_of! { yes_no no_checker_emails => mail.no_checker_emails; }
