//! Mails: who sends them, over which server, and to whom.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;

use super::yes_no;
use crate::conf::diagnostic::{Code, Diagnostic, Weight};
use crate::conf::reader::{Outcome, Reader, Statement};
use crate::conf::value;
use crate::model::settings::{MailLogin, MailTls};
use crate::model::{Micros, Secret};

/// Most bytes of a file with an account.
const LOGIN_FILE: usize = 1024;

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
    let mail = &mut reader.raw.settings.mail;
    mail.server_name = server.filter(|_| numeric.is_none()).map(|_| word);
    mail.server = server;
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

/// `smtp_tls`
pub fn smtp_tls(reader: &mut Reader, statement: &Statement) -> Outcome {
    let tls = match &*statement.text(1)? {
        "none" => MailTls::None,
        "starttls" => MailTls::StartTls,
        "tls" => MailTls::Tls,
        word => {
            let diagnostic = Diagnostic::error(Code::Choice, format!("Unknown smtp_tls '{word}'"));
            reader.complain(
                diagnostic.at(statement.place(1)).expected("none, starttls or tls").effect(statement.ignored()),
            );
            return Ok(());
        }
    };
    reader.raw.settings.mail.tls = tls;
    Ok(())
}

/// `smtp_login`
pub fn smtp_login(reader: &mut Reader, statement: &Statement) -> Outcome {
    let user = statement.text(1)?.into_owned();
    let Some(password) = statement.word(2) else {
        reader.refuse(statement, 0, Code::MissingWord, "smtp_login needs a user and a password");
        return Ok(());
    };
    let password = Secret::new(password);
    reader.raw.settings.mail.login = Some(MailLogin { user, password });
    Ok(())
}

/// `smtp_login_file`: what is no login is said without a word of it.
pub fn smtp_login_file(reader: &mut Reader, statement: &Statement) -> Outcome {
    let name = statement.text(1)?.into_owned();
    let credentials = reader.env.variable(OsStr::new("CREDENTIALS_DIRECTORY")).unwrap_or_default();
    let path = Path::new(&credentials).join(&name);
    let place = statement.place(1);
    let fault = match reader.env.key_file(&path, LOGIN_FILE + 1) {
        Err(error) => format!("cannot be read: {error}"),
        Ok(file) if file.content.len() > LOGIN_FILE => "is too large".into(),
        Ok(file) => {
            if file.open_to_others {
                let text = format!("smtp_login_file '{name}' is readable by group or others");
                let warning = Diagnostic::warning(Code::Authentication, text).at(place).weighing(Weight::Security);
                reader.complain(
                    warning
                        .effect("the password is used, but it is no secret")
                        .help(format!("chmod 600 {}", path.display())),
                );
            }
            match login(&file.content) {
                Some(login) => {
                    reader.raw.settings.mail.login = Some(login);
                    return Ok(());
                }
                None => "has no line with a user, a blank and a password".into(),
            }
        }
    };
    let text = format!("smtp_login_file '{name}' {fault}");
    reader.complain(Diagnostic::error(Code::Authentication, text).at(place).effect(statement.ignored()));
    Ok(())
}

/// User, blanks, password: the rest of the line.
fn login(content: &[u8]) -> Option<MailLogin> {
    let line = content.split(|byte| b"\r\n".contains(byte)).next()?;
    let at = line.iter().position(|byte| b" \t".contains(byte))?;
    let (user, rest) = line.split_at_checked(at)?;
    let password = rest.trim_ascii_start();
    let user = str::from_utf8(user).ok().filter(|user| !user.is_empty())?.to_owned();
    (!password.is_empty()).then(|| MailLogin { user, password: Secret::new(password) })
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
