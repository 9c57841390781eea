//! The commands that ask a running daemon: `status`, `watch`, `explain`, `events`. They stand first on the command line; what follows
//! is read by clap, as nothing of it is keepalived's.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command};

/// What is asked, and whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// `--socket`; [`DEFAULT_SOCKET`] without it
    pub socket: PathBuf,
    /// What is asked
    pub what: What,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// How all stands, or what bears a name
    Status {
        /// The name
        name: Option<String>,
        /// As JSON
        json: bool,
        /// One line and an exit status
        check: bool,
    },
    /// The same, again and again
    Watch,
    /// Why something stands as it does
    Explain {
        /// An instance or a sync group
        name: String,
        /// As JSON
        json: bool,
    },
    /// What has happened
    Events {
        /// Only from then on, as it was written
        since: Option<String>,
        /// And what happens
        follow: bool,
        /// As JSON, an object a line
        json: bool,
    },
}

/// The control socket of a daemon that was told of no other: its pid file's path with another end.
pub const DEFAULT_SOCKET: &str = "/run/keepalived.sock";

/// The commands with their help, for the command line, the manual and completion.
pub fn commands() -> [Command; 4] {
    let name = Arg::new("name").value_name("NAME");
    let json = || Arg::new("json").long("json").action(ArgAction::SetTrue).help("The answer as one JSON document");
    let check = Arg::new("check").long("check").action(ArgAction::SetTrue).conflicts_with_all(["json", "name"]);
    [
        command("status", "Show how a running daemon stands")
            .arg(name.clone().help(
                "Only what bears this name: an instance, a sync group, a virtual server, a tracker, a BFD session",
            ))
            .arg(json())
            .arg(check.help(
                "One line for monitoring; exit status 0: well, 1: degraded, 2: fault or contested, 3: cannot ask",
            )),
        command(
            "watch",
            "Show the same live, with keys to filter (? lists them); without a terminal one line for each change",
        ),
        command("explain", "Explain why an instance or a sync group is in its state, and what would change that")
            .arg(name.required(true).help("An instance or a sync group"))
            .arg(json()),
        command("events", "List what has happened, with its causes; also from before a restart")
            .arg(
                Arg::new("since")
                    .long("since")
                    .value_name("SPAN|TIME")
                    .help("Only from then on: 30s, 10m, 2h or 1d ago, or a moment such as 2026-11-01T19:16:00Z"),
            )
            .arg(Arg::new("follow").long("follow").action(ArgAction::SetTrue).help("Go on with what happens"))
            .arg(json().help("One JSON object a line")),
    ]
}

fn command(name: &'static str, about: &'static str) -> Command {
    let socket = Arg::new("socket").long("socket").value_name("PATH").default_value(DEFAULT_SOCKET);
    let pid = Arg::new("pid").short('p').long("pid").value_name("FILE").conflicts_with("socket");
    Command::new(name)
        .about(about)
        .arg(
            socket.value_parser(clap::value_parser!(PathBuf)).help("The control socket of the daemon (control_socket)"),
        )
        .arg(
            pid.value_parser(clap::value_parser!(PathBuf))
                .help("The pid file of the daemon, as it was told by -p: the socket is beside it"),
        )
}

/// Reads the words after the program's name; `None`: these are no such command. An error is the exit status, after help or
/// a complaint has been written.
pub fn parse(words: &[OsString], out: &mut dyn Write, err: &mut dyn Write) -> Option<Result<Ask, u8>> {
    let first = words.first()?;
    let command = commands().into_iter().find(|command| OsStr::new(command.get_name()) == first)?;
    let name = format!("keepalived-rs {}", command.get_name());
    let command = command.bin_name(name);
    Some(command.try_get_matches_from(words).map(|found| read(first, &found)).map_err(|error| {
        // Whoever closed the stream does not want to read it.
        let _ = if error.use_stderr() { write!(err, "{error}") } else { write!(out, "{error}") };
        if error.use_stderr() { FAULTY } else { 0 }
    }))
}

/// The exit status of a command that cannot be understood: for `status --check` one more way of not being able to ask.
const FAULTY: u8 = 3;

fn read(command: &OsStr, found: &ArgMatches) -> Ask {
    let flag = |name| found.try_get_one::<bool>(name).ok().flatten().copied().unwrap_or_default();
    let name = found.try_get_one::<String>("name").ok().flatten().cloned();
    let what = match command.to_str() {
        Some("status") => What::Status { name, json: flag("json"), check: flag("check") },
        Some("explain") => What::Explain { name: name.unwrap_or_default(), json: flag("json") },
        Some("events") => {
            let since = found.try_get_one::<String>("since").ok().flatten().cloned();
            What::Events { since, follow: flag("follow"), json: flag("json") }
        }
        _ => What::Watch,
    };
    let beside = found.get_one::<PathBuf>("pid").map(|pid| beside(pid));
    Ask { socket: beside.or_else(|| found.get_one("socket").cloned()).unwrap_or_default(), what }
}

/// The control socket of a daemon with this pid file: its path with `.sock` in the place of `.pid`.
pub fn beside(pid_file: &Path) -> PathBuf {
    let is_usual = pid_file.extension().is_some_and(|extension| extension == "pid");
    let mut path = if is_usual { pid_file.with_extension("") } else { pid_file.to_owned() }.into_os_string();
    path.push(".sock");
    path.into()
}

#[cfg(test)]
mod tests;
