//! The parent: command line, configuration, pid files, signals, supervision, reload, systemd.
//!
//! It starts the same binary again for each child and never runs a protocol itself. The only room that calls `conf`.

use std::ffi::OsString;
use std::io::{self, Write};

use crate::cli::{self, Dump, Request};
use crate::command;
use crate::model::frame::Role;
use crate::os::{process, signals};

mod child;
mod children;
mod cleanup;
mod config_test;
mod configuration;
mod environment;
mod exits;
mod frames;
mod genhash;
mod looks;
mod parent;
mod paths;
mod reload;
mod reload_time;
mod respawn;
mod roles;
mod saved;
mod script;
mod sessions;
mod shared;
mod standing;
mod start;
mod systemd;
mod timetable;
mod track_files;
mod watchdog;

/// What the hidden option `--role` makes of a process.
enum Part {
    /// A child that stays
    Child(Role),
    /// A short-lived one that reads the configuration
    Reader,
}

/// The whole program; the answer is its exit status.
pub fn run(command_line: Vec<OsString>) -> u8 {
    // From here on no signal that keepalived survives ends us. Failing would mean that the kernel knows no signal masks.
    let _ = signals::hold();
    let _ = process::set_name(process::NAME);
    match part(&command_line) {
        Some(Part::Child(role)) => child::run(role, &command_line),
        Some(Part::Reader) => reload::run_reader(),
        None => main(command_line),
    }
}

fn main(command_line: Vec<OsString>) -> u8 {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let request = match cli::parse(command_line, &mut out, &mut err) {
        // JSON is not for the log.
        Request::Run(options) if options.dump == Some(Dump::Json) => Request::Test(options, None),
        request => request,
    };
    if let Request::Run(options) = &request
        && !process::shows_name(&options.command_line)
    {
        // Nothing has been said so far. If this fails, the daemon is harder to find, and that is all.
        let _ = process::restart_named(&options.command_line);
    }
    // Nobody may be listening: that keeps no daemon from starting.
    let _ = io::stderr().write_all(&err);
    let _ = io::stdout().write_all(&out);
    match request {
        Request::Run(options) => start::daemon(options),
        Request::Clean(options) => cleanup::run(options),
        Request::Test(options, log) => config_test::run(&options, log.as_deref()),
        Request::Genhash(page) => genhash::run(&page),
        Request::Tell(topic) => print(command::tell(&topic)),
        Request::Exit(status) => status,
    }
}

/// Prints what was asked for, or why it is not there.
fn print(answer: Result<String, String>) -> u8 {
    let written = match &answer {
        Ok(text) => io::stdout().write_all(text.as_bytes()),
        Err(text) => io::stderr().write_all(text.as_bytes()),
    };
    // A reader that has seen enough and closed the pipe is no fault.
    let failed = written.is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe);
    u8::from(answer.is_err() || failed)
}

/// Whether the parent started us, and as what.
fn part(command_line: &[OsString]) -> Option<Part> {
    let [_, option, role, ..] = command_line else {
        return None;
    };
    if option != roles::OPTION {
        return None;
    }
    if role == reload::ROLE {
        return Some(Part::Reader);
    }
    let is_named = |candidate: &Role| role == roles::words(*candidate).argument;
    roles::ALL.into_iter().find(is_named).map(Part::Child)
}
