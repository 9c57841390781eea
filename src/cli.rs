//! The command line: keepalived's options, its messages and its way of reading them (getopt_long's).
//!
//! Pure but for the two streams it is handed: `core` acts on the answer. The list of options is in `cli/options.rs`,
//! the words of `--version` in `cli/version.rs`.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::os::signals;

pub mod ask;
pub mod genhash;
mod getopt;
mod options;
#[cfg(test)]
mod tests;
mod version;

use genhash::Genhash;
use getopt::{Item, Walk};

pub use options::command;
pub use version::RELEASE;

/// What the user wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Be the daemon
    Run(Options),
    /// Check the configuration; complaints go to this file, or to standard error
    Test(Options, Option<PathBuf>),
    /// Remove what a daemon that has gone may have left behind
    Clean(Options),
    /// Say what is known about something
    Tell(Topic),
    /// Ask a web server for a page, and tell its digest
    Genhash(Box<Genhash>),
    /// Ask a running daemon
    Ask(ask::Ask),
    /// Everything has been said already: end with this status
    Exit(u8),
}

/// What a user can ask the program to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topic {
    /// What a keyword is for, by `NAME` or `BLOCK/NAME`; all of them without a name
    Keyword(Option<String>),
    /// What a code of a complaint means; all of them without a code
    Code(Option<String>),
    /// A completion script
    Completion(Shell),
    /// A section of the manual
    Manual(Section),
}

/// Sections of the manual that are made from lists of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The options, for keepalived-rs(8)
    Options,
    /// The keywords, for keepalived.conf(5)
    Keywords,
}

/// Shells that can complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names say it.
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// How a configuration test is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestOptions {
    /// `--strict`
    pub strict: bool,
    /// `--diagnostics=json`
    pub json: bool,
    /// `--target`: major, minor and patch number
    pub target: Option<[u16; 3]>,
    /// `--would-start`: the only question is whether a daemon runs with it
    pub would_start: bool,
}

/// The options of the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `-f`
    pub config_file: Option<PathBuf>,
    /// Which children may run
    pub subsystems: Subsystems,
    /// `-n`
    pub foreground: bool,
    /// `-l`: counts with `-n` only
    pub log_console: bool,
    /// `-D`
    pub log_detail: bool,
    /// `-S`: syslog facility number
    pub log_facility: u8,
    /// No `-G`
    pub syslog: bool,
    /// `-g`: as it was written; [`DEFAULT_LOG_FILE`] without a name
    pub log_file: Option<PathBuf>,
    /// `--log-format json`
    pub log_json: bool,
    /// `-u`
    pub umask: Option<u32>,
    /// `-X`
    pub release_vips: bool,
    /// `-V`
    pub dont_release_vrrp: bool,
    /// `-I`
    pub dont_release_ipvs: bool,
    /// `-R`
    pub dont_respawn: bool,
    /// `-d`
    pub dump: Option<Dump>,
    /// `-a`
    pub address_monitoring: bool,
    /// `-p`
    pub pid_file: Option<PathBuf>,
    /// `-r`
    pub vrrp_pid_file: Option<PathBuf>,
    /// `-c`
    pub checkers_pid_file: Option<PathBuf>,
    /// `-b`
    pub bfd_pid_file: Option<PathBuf>,
    /// `-s`
    pub namespace: Option<String>,
    /// `-x`: all of SNMP but notifications
    pub snmp: bool,
    /// `-A`: where the master agent of SNMP is
    pub snmp_socket: Option<String>,
    /// `-m`
    pub core_dump: bool,
    /// `-M`: what core dumps on this host are called
    pub core_pattern: Option<String>,
    /// `-e`
    pub all_config: bool,
    /// `-i`
    pub config_id: Option<String>,
    /// `--ignore-sigint`
    pub ignore_sigint: bool,
    /// How `-t` tests
    pub test: TestOptions,
    /// The whole command line, for the log
    pub command_line: Vec<OsString>,
}

/// How the effective configuration is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dump {
    /// As keepalived shows it: in the log of a daemon, with `-t` on standard output
    Text,
    /// As one JSON document on standard output; no daemon is started
    Json,
}

/// Which children may run, when there is configuration for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subsystems {
    /// Health checks: no `-P`
    pub check: bool,
    /// VRRP: no `-C`
    pub vrrp: bool,
    /// BFD: no `-B`
    pub bfd: bool,
    /// Run them without configuration too: `--all`
    pub all: bool,
}

/// The log file of `-g` without a name.
const DEFAULT_LOG_FILE: &str = "keepalived.log";

/// Facility `daemon` of syslog (RFC 3164 table 1).
const FACILITY_DAEMON: u8 = 3;

/// What `-M` alone calls core dumps.
const CORE_PATTERN: &str = "core";

impl Default for Options {
    fn default() -> Self {
        Options {
            config_file: None,
            subsystems: Subsystems { check: true, vrrp: true, bfd: true, all: false },
            foreground: false,
            log_console: false,
            log_detail: false,
            log_facility: FACILITY_DAEMON,
            syslog: true,
            log_file: None,
            log_json: false,
            umask: None,
            release_vips: false,
            dont_release_vrrp: false,
            dont_release_ipvs: false,
            dont_respawn: false,
            dump: None,
            address_monitoring: false,
            pid_file: None,
            vrrp_pid_file: None,
            checkers_pid_file: None,
            bfd_pid_file: None,
            namespace: None,
            snmp: false,
            snmp_socket: None,
            core_dump: false,
            core_pattern: None,
            all_config: false,
            config_id: None,
            ignore_sigint: false,
            test: TestOptions::default(),
            command_line: Vec::new(),
        }
    }
}

/// Reads a command line, the program's name first. What is to be said goes to `out` and `err`.
pub fn parse(command_line: Vec<OsString>, out: &mut dyn Write, err: &mut dyn Write) -> Request {
    if let Some(asked) = ask::parse(command_line.get(1..).unwrap_or_default(), out, err) {
        return asked.map_or_else(Request::Exit, Request::Ask);
    }
    let options = Options { command_line, ..Options::default() };
    let mut reading = Reading { options, test: None, clean: false, told: None, failed: false };
    // A closed stream must not keep the daemon from starting: the results of writing do not count here.
    match reading.read(out, err) {
        Some(status) => reading.told.unwrap_or(Request::Exit(status)),
        None if reading.failed => Request::Exit(1),
        None if reading.clean => Request::Clean(reading.options),
        None => match reading.test {
            // Who wants to know what is wrong does not want a daemon.
            None if reading.options.test != TestOptions::default() && reading.options.dump != Some(Dump::Json) => {
                let _ = writeln!(err, "--strict, --diagnostics and --target go with -t");
                Request::Exit(1)
            }
            None => Request::Run(reading.options),
            Some(log) => Request::Test(reading.options, log),
        },
    }
}

/// The state of reading.
struct Reading {
    options: Options,
    test: Option<Option<PathBuf>>,
    clean: bool,
    /// What is to be done instead of anything else
    told: Option<Request>,
    failed: bool,
}

impl Reading {
    /// Reads all words; a status where an option ends the program on the spot.
    fn read(&mut self, out: &mut dyn Write, err: &mut dyn Write) -> Option<u8> {
        let command = options::command();
        let words = self.options.command_line.clone();
        let program = words.first().map(OsString::as_os_str).unwrap_or_default();
        if Path::new(program).file_name() == Some(OsStr::new(genhash::NAME)) {
            let request = self.genhash(words.iter().skip(1), false, err);
            self.told = Some(request);
            return Some(0);
        }
        let mut strangers = Vec::new();
        let mut is_first = true;
        let mut walk = Walk::new(&command, words.iter().skip(1));
        while let Some(item) = walk.next() {
            match item {
                Item::Option(name @ "genhash", _) => {
                    let rest = walk.rest();
                    let at = words.len() - rest.len();
                    if !is_first {
                        let is_long = words.get(at - 1).is_some_and(|word| word.as_bytes().starts_with(b"--"));
                        let word = if is_long { name } else { "-T" };
                        let _ = writeln!(err, "Warning -- `{word}` not used as first option, previous options ignored");
                    }
                    let request = self.genhash(rest.iter(), true, err);
                    self.told = Some(request);
                    return Some(0);
                }
                Item::Option(name, value) => {
                    let value = match name {
                        "explain" | "help" => value.or_else(|| walk.take_word()),
                        _ => value,
                    };
                    if name == "help" && value.as_deref() == Some(OsStr::new("keyword")) {
                        let name = walk.take_word().map(|word| word.to_string_lossy().into_owned());
                        return Some(self.tell(Topic::Keyword(name)));
                    }
                    if let Some(status) = self.apply(name, value, out, err) {
                        return Some(status);
                    }
                }
                Item::Unknown(option) => {
                    let _ = writeln!(err, "Unknown option {}", option.display());
                    self.failed = true;
                }
                Item::Missing(option) => {
                    let _ = writeln!(err, "Missing parameter for option {option}");
                    self.failed = true;
                }
                Item::Word(word) => strangers.push(word),
            }
            is_first = false;
        }
        if !strangers.is_empty() && !self.failed {
            let _ = write!(out, "Unexpected argument(s): ");
            for word in strangers {
                let _ = write!(out, "{} ", word.display());
            }
            let _ = writeln!(out);
        }
        None
    }

    /// What follows is genhash's.
    fn genhash<'w>(&self, words: impl Iterator<Item = &'w OsString>, is_option: bool, err: &mut dyn Write) -> Request {
        match genhash::parse(words, err) {
            Some(page) => Request::Genhash(Box::new(page)),
            None => {
                let program = self.options.command_line.first().cloned().unwrap_or_default();
                let _ = err.write_all(genhash::usage(&program, is_option).as_bytes());
                Request::Exit(1)
            }
        }
    }

    /// Ends reading: this is told.
    fn tell(&mut self, topic: Topic) -> u8 {
        self.told = Some(Request::Tell(topic));
        0
    }

    fn apply(&mut self, name: &str, value: Option<OsString>, out: &mut dyn Write, err: &mut dyn Write) -> Option<u8> {
        let options = &mut self.options;
        let path = |value: Option<OsString>| value.map(PathBuf::from);
        let text = |value: Option<OsString>| value.map(|value| value.to_string_lossy().into_owned());
        match name {
            "use-file" => options.config_file = path(value),
            "vrrp" => options.subsystems.check = false,
            "check" => options.subsystems.vrrp = false,
            "no_bfd" => options.subsystems.bfd = false,
            "all" => options.subsystems = Subsystems { check: true, vrrp: true, bfd: true, all: true },
            "log-console" => options.log_console = true,
            "log-detail" => options.log_detail = true,
            "log-facility" => match value.as_deref().and_then(facility) {
                Some(number) => options.log_facility = number,
                None => {
                    let value = value.unwrap_or_default();
                    let _ = writeln!(err, "Invalid log facility '{}'", value.display());
                }
            },
            "log-file" => {
                let name = value.filter(|name| !name.is_empty());
                options.log_file = Some(path(name).unwrap_or_else(|| DEFAULT_LOG_FILE.into()));
            }
            "log-format" => match value.as_deref().map(OsStr::as_bytes) {
                Some(b"json") => options.log_json = true,
                Some(b"text") => options.log_json = false,
                _ => {
                    let value = value.unwrap_or_default();
                    let _ = writeln!(err, "Invalid --log-format option {}: text or json", value.display());
                    return Some(1);
                }
            },
            "no-syslog" => options.syslog = false,
            "umask" => {
                options.umask = value.as_deref().and_then(mask);
                if options.umask.is_none() {
                    let value = value.unwrap_or_default();
                    let _ = writeln!(err, "Invalid --umask option {}", value.display());
                }
            }
            "release-vips" => options.release_vips = true,
            "dont-release-vrrp" => options.dont_release_vrrp = true,
            "dont-release-ipvs" => options.dont_release_ipvs = true,
            "dont-respawn" => options.dont_respawn = true,
            "dont-fork" => options.foreground = true,
            "dump" => options.dump = Some(Dump::Text),
            "dump-conf" => match value.as_deref().map(OsStr::as_bytes) {
                None => options.dump = Some(Dump::Text),
                Some(b"json") => options.dump = Some(Dump::Json),
                Some(_) => {
                    let value = value.unwrap_or_default();
                    let _ = writeln!(err, "Invalid --dump-conf option {}: json or nothing", value.display());
                    return Some(1);
                }
            },
            "pid" => options.pid_file = path(value),
            "vrrp_pid" => options.vrrp_pid_file = path(value),
            "checkers_pid" => options.checkers_pid_file = path(value),
            "bfd_pid" => options.bfd_pid_file = path(value),
            "address-monitoring" => options.address_monitoring = true,
            "namespace" => options.namespace = text(value),
            "snmp" => options.snmp = true,
            "snmp-agent-socket" => options.snmp_socket = text(value),
            "core-dump" => options.core_dump = true,
            "core-dump-pattern" => {
                options.core_dump = true;
                let given = text(value).filter(|pattern| !pattern.is_empty());
                // A pattern that was given before stays.
                let pattern = given.or_else(|| options.core_pattern.take());
                options.core_pattern = Some(pattern.unwrap_or_else(|| CORE_PATTERN.to_owned()));
            }
            "all-config" => options.all_config = true,
            "config-id" => options.config_id = text(value),
            "ignore-sigint" => options.ignore_sigint = true,
            "cleanup" => self.clean = true,
            "config-test" => self.test = Some(path(value)),
            "would-start" => {
                options.test.would_start = true;
                self.test.get_or_insert_default();
            }
            "strict" => options.test.strict = true,
            "diagnostics" => match value.as_deref().map(OsStr::as_bytes) {
                Some(b"json") => options.test.json = true,
                Some(b"text") => options.test.json = false,
                _ => {
                    let value = value.unwrap_or_default();
                    let _ = writeln!(err, "Invalid --diagnostics option {}: text or json", value.display());
                    return Some(1);
                }
            },
            "target" => {
                options.test.target = value.as_deref().and_then(release);
                if options.test.target.is_none() {
                    let value = value.unwrap_or_default();
                    let _ = writeln!(err, "Invalid --target option {}: a release such as 2.2.7", value.display());
                    return Some(1);
                }
            }
            "explain" => return Some(self.tell(Topic::Code(text(value)))),
            "completion" => match value.as_deref().and_then(shell) {
                Some(shell) => return Some(self.tell(Topic::Completion(shell))),
                None => {
                    let value = value.unwrap_or_default();
                    let _ = writeln!(err, "Invalid --completion option {}: bash, zsh or fish", value.display());
                    return Some(1);
                }
            },
            "manual-options" => return Some(self.tell(Topic::Manual(Section::Options))),
            "manual-keywords" => return Some(self.tell(Topic::Manual(Section::Keywords))),
            "signum" => return Some(signum(value.as_deref(), out, err)),
            "version" => {
                let _ = err.write_all(version::text().as_bytes());
                return Some(0);
            }
            "help" => {
                let program = options.command_line.first().cloned().unwrap_or_default();
                let _ = err.write_all(options::help(&program).as_bytes());
                return Some(0);
            }
            // Each line of a log file is written at once, with `flush-log-file` and without.
            _ => {}
        }
        None
    }
}

/// `--signum`: the numbers by which clients ask for files.
fn signum(name: Option<&OsStr>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let name = name.unwrap_or_default();
    let number = match name.as_bytes() {
        b"STOP" => 15,
        b"RELOAD" => 1,
        b"DATA" => 10,
        b"STATS" => 12,
        b"STATS_CLEAR" => signals::STATS_CLEAR,
        b"JSON" => signals::JSON,
        _ => {
            let _ = writeln!(err, "Unknown sigfunc {}", name.display());
            return 1;
        }
    };
    let _ = writeln!(out, "{number}");
    0
}

/// A release of keepalived: up to three numbers with points between them.
fn release(word: &OsStr) -> Option<[u16; 3]> {
    let mut numbers = [0; 3];
    let parts: Vec<&str> = word.to_str()?.trim_start_matches('v').split('.').collect();
    if parts.len() > numbers.len() {
        return None;
    }
    for (number, part) in numbers.iter_mut().zip(parts) {
        *number = part.parse().ok()?;
    }
    Some(numbers)
}

fn shell(word: &OsStr) -> Option<Shell> {
    match word.as_bytes() {
        b"bash" => Some(Shell::Bash),
        b"zsh" => Some(Shell::Zsh),
        b"fish" => Some(Shell::Fish),
        _ => None,
    }
}

/// The number of a syslog facility: `0` to `7` and `local0` to `local7` are the local ones.
fn facility(word: &OsStr) -> Option<u8> {
    const LOCAL0: u8 = 16;
    const USER: u8 = 1;
    match word.to_str()? {
        "daemon" => Some(FACILITY_DAEMON),
        "user" => Some(USER),
        word => match word.strip_prefix("local").unwrap_or(word).as_bytes() {
            &[digit @ b'0'..=b'7'] => Some(LOCAL0 + (digit - b'0')),
            _ => None,
        },
    }
}

/// A umask as strtol(3) with base 0 reads it: octal after `0`, hexadecimal after `0x`, else decimal; up to 0777.
fn mask(word: &OsStr) -> Option<u32> {
    let word = word.to_str()?;
    let lower = word.to_ascii_lowercase();
    let number = if let Some(digits) = lower.strip_prefix("0x") {
        u32::from_str_radix(digits, 16).ok()?
    } else if lower.len() > 1 && lower.starts_with('0') {
        u32::from_str_radix(&lower, 8).ok()?
    } else {
        lower.parse().ok()?
    };
    (number <= 0o777).then_some(number)
}

/// Bytes as a word of the command line.
fn word(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}
