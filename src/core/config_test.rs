//! `-t`: what is wrong with the configuration, and with `-d` what it means; `--would-start`: whether a daemon runs with it.
//! No pid file, no log, no child.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::libc;

use super::configuration::{Reading, Source};
use super::{shared, start};
use crate::cli::{Dump, Options};
use crate::model::Config;
use crate::os::namespace;
use crate::report::dump;

/// Checks, reports to `log` or standard error; the answer is the exit status.
pub(super) fn run(options: &Options, log: Option<&Path>) -> u8 {
    start::apply_umask(options, None);
    if options.test.would_start {
        return would_start(options);
    }
    let mut to: Box<dyn Write> = match log {
        None => Box::new(io::stderr()),
        Some(path) => match open(path, false) {
            Ok(file) => Box::new(file),
            Err(error) => {
                start::complain(&format!("Unable to open config-test log file {} {error}", path.display()));
                return 1;
            }
        },
    };
    if let Some(name) = &options.namespace
        && let Err(error) = namespace::enter(name)
    {
        // The verdict is about the namespace that was asked for, or there is none.
        let _ = writeln!(to, "{error}");
        return 1;
    }
    let terminal = log.is_none() && io::stderr().is_terminal();
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
    let (text, status, config) = Source::new(options).test(&options.test, colour);
    if let Err(error) = to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        start::complain(&format!("The complaints could not be written: {error}"));
        return 1;
    }
    let shown = show(options, &config);
    // The end of the process frees a long configuration faster than we could.
    std::mem::forget(config);
    match shown {
        Ok(()) => status,
        Err(error) => {
            start::complain(&format!("The configuration could not be written: {error}"));
            1
        }
    }
}

/// Says on standard error why a daemon would refuse to run with the configuration, or to take it over at a reload; the answer
/// is its exit status, or 0.
fn would_start(options: &Options) -> u8 {
    if let Some(name) = &options.namespace
        && let Err(error) = namespace::enter(name)
    {
        start::complain(&error.to_string());
        return 1;
    }
    let Reading { complaints, refusal, .. } = Source::new(options).read();
    let Some(refusal) = refusal else {
        return 0;
    };
    complaints.iter().for_each(|line| start::complain(line));
    start::complain(&refusal.text);
    refusal.status
}

/// `-d`: what the configuration means, on standard output.
fn show(options: &Options, config: &Config) -> io::Result<()> {
    let text = match options.dump {
        None => return Ok(()),
        Some(Dump::Text) => dump::whole(&shared::of(options, options.namespace.as_deref(), config), config),
        Some(Dump::Json) => dump::json::document(config)?,
    };
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Writes what a test before a reload has said instead of what was there (`reload_check_config`).
pub(super) fn note(path: &Path, text: &str) -> io::Result<()> {
    open(path, true)?.write_all(text.as_bytes())
}

/// Appends, to nothing if `anew`, and follows no symbolic link. A pipe that nobody reads is an error: to wait for a reader
/// would be to wait for whoever has put it there.
fn open(path: &Path, anew: bool) -> io::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o644);
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = options.open(path)?;
    // A device has no length.
    if anew && file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(file)
}
