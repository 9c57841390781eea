//! The command line of genhash: `keepalived -T ...`, or the program under the name genhash.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::net::IpAddr;

use clap::{Arg, ArgAction, Command};

use super::getopt::{Item, Walk};

/// The name under which the program is genhash, and the name of its process.
pub const NAME: &str = "genhash";

/// A page to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genhash {
    /// `-s`
    pub server: IpAddr,
    /// `-p`
    pub port: u16,
    /// `-u`
    pub path: String,
    /// `-V`
    pub virtualhost: Option<String>,
    /// `-S`
    pub tls: bool,
    /// `-I`
    pub server_name: bool,
    /// `-P`
    pub protocol: Protocol,
    /// `-m`; 0 is none
    pub fwmark: u32,
    /// `-t`, in seconds
    pub timeout: Option<u32>,
    /// `-v`
    pub verbose: bool,
}

/// Versions of HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// `1.0`
    #[default]
    V10,
    /// `1.0c`: with `Connection: close`
    V10Close,
    /// `1.1`
    V11,
}

/// Reads what follows `-T`, or the name. What is wrong goes to `err`, with the usage.
pub(super) fn parse<'w>(words: impl Iterator<Item = &'w OsString>, err: &mut dyn Write) -> Option<Genhash> {
    let command = command();
    let mut reading = Reading::default();
    for item in Walk::new(&command, words) {
        match item {
            Item::Option(name, value) => {
                if let Err(line) = reading.apply(name, &value.unwrap_or_default()) {
                    let _ = writeln!(err, "{line}");
                    return None;
                }
            }
            Item::Unknown(option) => {
                let _ = writeln!(err, "Unknown option {}", option.display());
                reading.failed = true;
            }
            Item::Missing(option) => {
                let _ = writeln!(err, "Missing parameter for option {option}");
                reading.failed = true;
            }
            Item::Word(word) => reading.strangers.push(word),
        }
    }
    reading.finish(err)
}

fn command() -> Command {
    let switch = |name: &'static str, short| Arg::new(name).long(name).short(short).action(ArgAction::SetTrue);
    let value = |name: &'static str, short| Arg::new(name).long(name).short(short).action(ArgAction::Set);
    Command::new(NAME)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(switch("help", 'h'))
        .arg(switch("verbose", 'v'))
        .arg(switch("use-ssl", 'S'))
        .arg(switch("use-sni", 'I'))
        .arg(value("server", 's'))
        .arg(value("use-virtualhost", 'V'))
        .arg(value("port", 'p'))
        .arg(value("url", 'u'))
        .arg(value("fwmark", 'm'))
        .arg(value("protocol", 'P'))
        .arg(value("timeout", 't'))
}

/// The state of reading.
#[derive(Default)]
struct Reading {
    server: Option<IpAddr>,
    port: Option<u16>,
    path: Option<String>,
    virtualhost: Option<String>,
    tls: bool,
    server_name: bool,
    protocol: Protocol,
    fwmark: u32,
    timeout: Option<u32>,
    verbose: bool,
    strangers: Vec<OsString>,
    failed: bool,
}

impl Reading {
    /// Takes an option.
    ///
    /// # Errors
    /// What is wrong with its value.
    fn apply(&mut self, name: &str, value: &OsStr) -> Result<(), String> {
        let text = value.to_string_lossy();
        let is = |what: &str| format!("invalid {what} '{text}'");
        match name {
            "help" => self.failed = true,
            "verbose" => self.verbose = true,
            "use-ssl" => self.tls = true,
            "use-sni" => self.server_name = true,
            "server" => {
                // A range or a mask behind it is let pass.
                let end = text.find(['-', '/']).unwrap_or(text.len());
                let address = text.get(..end).and_then(|address| address.parse().ok());
                self.server = Some(address.ok_or_else(|| format!("server should be an IP, not {text}"))?);
            }
            "use-virtualhost" => self.virtualhost = Some(text.into_owned()),
            "port" => {
                let port = text.trim_start().parse().ok().filter(|port| *port != 0);
                self.port = Some(port.ok_or_else(|| is("port number"))?);
            }
            "url" => self.path = Some(text.into_owned()),
            "fwmark" => self.fwmark = number(&text).ok_or_else(|| is("fwmark"))?,
            "protocol" => {
                self.protocol = match &*text {
                    "1.0" => Protocol::V10,
                    "1.0c" | "1.0C" => Protocol::V10Close,
                    "1.1" => Protocol::V11,
                    _ => return Err(is("HTTP protocol version")),
                };
            }
            "timeout" => {
                let seconds = if text.trim_start().is_empty() { None } else { number(&text) };
                self.timeout = Some(seconds.ok_or_else(|| is("timeout"))?);
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(self, err: &mut dyn Write) -> Option<Genhash> {
        if self.failed {
            return None;
        }
        if !self.strangers.is_empty() {
            let words: Vec<_> = self.strangers.iter().map(|word| word.display().to_string()).collect();
            let _ = writeln!(err, "Unexpected argument(s): {}", words.join(" "));
            return None;
        }
        Some(Genhash {
            server: self.server?,
            port: self.port?,
            path: self.path?,
            virtualhost: self.virtualhost,
            tls: self.tls,
            server_name: self.server_name,
            protocol: self.protocol,
            fwmark: self.fwmark,
            timeout: self.timeout,
            verbose: self.verbose,
        })
    }
}

/// As strtoul(3) reads it; nothing is 0.
fn number(text: &str) -> Option<u32> {
    let digits = text.trim_start_matches([' ', '\t']);
    if digits.is_empty() { Some(0) } else { digits.parse().ok() }
}

/// The usage, in keepalived's words.
pub(super) fn usage(program: &OsStr, is_option: bool) -> String {
    let option = if is_option { " --genhash" } else { "" };
    format!(
        "Usage: {}{option} COMMAND [OPTIONS]\n\
         Commands:\n   \
         -s server-address -p port -u url\n   \
         -S -s server-address -p port -u url\n   \
         -h\n\
         \n\
         Options:\n\
         Either long or short options are allowed.\n   \
         --use-ssl         -S       Use SSL connection to remote server.\n   \
         --use-sni         -I       Use SNI during SSL handshake (uses virtualhost setting; see -V).\n   \
         --server          -s       Use the specified remote server address.\n   \
         --port            -p       Use the specified remote server port.\n   \
         --url             -u       Use the specified remote server url.\n   \
         --use-virtualhost -V       Use the specified virtualhost in GET query.\n   \
         --verbose         -v       Use verbose mode output.\n   \
         --help            -h       Display this short inlined help screen.\n   \
         --fwmark          -m       Use the specified FW mark.\n   \
         --protocol        -P       Use the specified HTTP protocol - '1.0', 1.0c', '1.1'.\n                                \
         1.0c means 1.0 with 'Connection: close'\n   \
         --timeout         -t       Timeout in seconds\n",
        program.display()
    )
}

#[cfg(test)]
mod tests;
