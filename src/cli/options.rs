//! The list of options. Its order is that of `--help`.

use std::ffi::OsStr;
use std::path::Path;

use clap::{Arg, ArgAction, Command};

/// A switch.
fn switch(name: &'static str, short: Option<char>, help: &'static str) -> Arg {
    option(name, short, help).action(ArgAction::SetTrue)
}

/// An option with a value.
fn value(name: &'static str, short: Option<char>, value: &'static str, help: &'static str) -> Arg {
    option(name, short, help).action(ArgAction::Set).value_name(value)
}

/// An option whose value may be attached.
fn optional(name: &'static str, short: Option<char>, kind: &'static str, help: &'static str) -> Arg {
    value(name, short, kind, help).num_args(0..=1).require_equals(true)
}

fn option(name: &'static str, short: Option<char>, help: &'static str) -> Arg {
    let arg = Arg::new(name).long(name).help(help);
    match short {
        Some(letter) => arg.short(letter),
        None => arg,
    }
}

/// All options. clap holds the list and words the help; `getopt` does the reading.
pub fn command() -> Command {
    Command::new("keepalived")
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(value("use-file", Some('f'), "FILE", "Use the specified configuration file [default: /etc/keepalived/keepalived.conf]"))
        .arg(switch("vrrp", Some('P'), "Only run with VRRP subsystem"))
        .arg(switch("check", Some('C'), "Only run with Health-checker subsystem"))
        .arg(switch("no_bfd", Some('B'), "Don't run BFD subsystem"))
        .arg(switch("all", None, "Force all child processes to run, even if they have no configuration"))
        .arg(switch("log-console", Some('l'), "Log messages to local console (with -n)"))
        .arg(switch("log-detail", Some('D'), "Detailed log messages"))
        .arg(value("log-facility", Some('S'), "FACILITY", "Set syslog facility to local0 to local7, user or daemon (default)"))
        .arg(optional("log-file", Some('g'), "FILE", "Also log to FILE (default keepalived.log); children to FILE_vrrp, FILE_check, FILE_bfd"))
        .arg(switch("flush-log-file", None, "Flush log file on write (always so)"))
        .arg(switch("no-syslog", Some('G'), "Don't log via syslog"))
        .arg(value("log-format", None, "FORMAT", "Log lines as text, or as one JSON object a line").value_parser(["text", "json"]))
        .arg(value("umask", Some('u'), "MASK", "umask for file creation (in numeric form)"))
        .arg(switch("release-vips", Some('X'), "Drop VIPs on transition from signal"))
        .arg(switch("dont-release-vrrp", Some('V'), "Don't remove VIPs on daemon stop"))
        .arg(switch("dont-release-ipvs", Some('I'), "Don't remove IPVS topology on daemon stop"))
        .arg(switch("dont-respawn", Some('R'), "Don't respawn child processes"))
        .arg(switch("dont-fork", Some('n'), "Stay in the foreground"))
        .arg(Arg::new("dump").short('d').action(ArgAction::SetTrue).help("Log the effective configuration; with -t print it"))
        .arg(optional("dump-conf", None, "json", "As -d; with =json print it as JSON and end with the exit code of -t"))
        .arg(value("pid", Some('p'), "FILE", "Use specified pid file for parent process"))
        .arg(value("vrrp_pid", Some('r'), "FILE", "Use specified pid file for VRRP child process"))
        .arg(switch("genhash", Some('T'), "Enter into genhash utility mode (this should be the first option used)"))
        .arg(value("checkers_pid", Some('c'), "FILE", "Use specified pid file for checkers child process"))
        .arg(switch("address-monitoring", Some('a'), "Report all address additions/deletions notified via netlink"))
        .arg(value("bfd_pid", Some('b'), "FILE", "Use specified pid file for BFD child process"))
        .arg(switch("snmp", Some('x'), "Enable SNMP subsystem"))
        .arg(value("snmp-agent-socket", Some('A'), "FILE", "Use the specified socket for master agent"))
        .arg(value("namespace", Some('s'), "NAME", "Run in network namespace NAME (overrides config)"))
        .arg(switch("core-dump", Some('m'), "Produce core dump if terminated abnormally"))
        .arg(optional("core-dump-pattern", Some('M'), "PATTERN", "As -m, and set /proc/sys/kernel/core_pattern to PATTERN [default: core]"))
        .arg(switch("all-config", Some('e'), "Error if any configuration file is missing (same as include_check)"))
        .arg(value("config-id", Some('i'), "ID", "Skip configuration lines beginning '@' that don't match ID, and those beginning '@^' that do [default: the node name]"))
        .arg(switch("ignore-sigint", None, "Ignore SIGINT (default: terminate)"))
        .arg(value("signum", None, "SIGFUNC", "Print the signal number for STOP, RELOAD, DATA, STATS, STATS_CLEAR, JSON"))
        .arg(optional("config-test", Some('t'), "LOG_FILE", "Check the configuration, complaints to LOG_FILE or standard error"))
        .arg(switch("would-start", None, "End with 0 and in silence if a daemon would run with the configuration, otherwise say why not. For ExecReload="))
        .arg(switch("strict", None, "With -t: missing files, warnings and notes are errors too (exit code 5 instead of 0)"))
        .arg(value("diagnostics", None, "FORMAT", "With -t: complaints as text for people, or as one JSON document").value_parser(["text", "json"]))
        .arg(value("target", None, "RELEASE", "With -t: note keywords that this release of keepalived does not know (2.2.7 for instance)"))
        .arg(switch("cleanup", None, "Remove from the network and from IPVS what the configuration owns, print it, and end; refused while a daemon runs"))
        .arg(optional("explain", None, "CODE", "Explain a complaint by its code (KA0031); without CODE list all codes"))
        .arg(value("completion", None, "SHELL", "Print a script that completes options and keywords").value_parser(["bash", "zsh", "fish"]))
        .arg(switch("manual-options", None, "Print the section of the manual that describes all options, as roff source"))
        .arg(switch("manual-keywords", None, "Print the section of the manual that describes all keywords, as roff source"))
        .arg(switch("version", Some('v'), "Display the version number"))
        .arg(switch("help", Some('h'), "Display this help message; `--help keyword NAME` describes a keyword of the configuration"))
}

/// The help text.
pub(super) fn help(program: &OsStr) -> String {
    let name = Path::new(program).display().to_string();
    command()
        .term_width(0)
        .override_usage(format!("{name} [OPTION...]"))
        .help_template("Usage: {usage}\n{options}\n")
        .render_help()
        .to_string()
}
