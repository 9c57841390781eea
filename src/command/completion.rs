//! Completion scripts: options, files where an option takes one, keywords after `--help keyword`, codes after
//! `--explain`.

use std::collections::BTreeMap;

use clap::{Arg, Command};

use crate::cli::{self, Shell};
use crate::conf::diagnostic::Code;
use crate::conf::table::Block;

/// The program that is completed.
const PROGRAM: &str = env!("CARGO_PKG_NAME");

/// What can follow an option.
enum Follows {
    Nothing,
    File,
    Words(Vec<String>),
    Anything,
}

/// An option as the scripts need it.
struct Flag {
    short: Option<char>,
    long: String,
    help: String,
    follows: Follows,
    /// The value must be attached with `=`
    attached: bool,
}

/// The script for a shell.
pub(super) fn script(shell: Shell) -> String {
    let flags: Vec<Flag> = visible(&cli::command());
    match shell {
        Shell::Bash => bash(&flags),
        Shell::Zsh => zsh(&flags),
        Shell::Fish => fish(&flags),
    }
}

fn visible(command: &Command) -> Vec<Flag> {
    command.get_arguments().filter(|arg| !arg.is_hide_set()).filter_map(flag).collect()
}

fn flag(arg: &Arg) -> Option<Flag> {
    let long = arg.get_long()?.to_string();
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let choices: Vec<String> = arg.get_possible_values().iter().map(|it| it.get_name().to_string()).collect();
    let takes = arg.get_action().takes_values();
    let value = arg.get_value_names().and_then(|names| names.first()).map(|name| name.as_str()).unwrap_or_default();
    let follows = match value {
        _ if !takes => Follows::Nothing,
        _ if !choices.is_empty() => Follows::Words(choices),
        "CODE" => Follows::Words(Code::ALL.iter().map(ToString::to_string).collect()),
        value if value.ends_with("FILE") => Follows::File,
        _ => Follows::Anything,
    };
    // `--explain` alone takes its value as the next word too.
    let attached = arg.is_require_equals_set() && long != "explain";
    Some(Flag { short: arg.get_short(), long, help, follows, attached })
}

/// Every keyword once, with what it is for in the first block that has it.
fn keywords() -> BTreeMap<&'static str, &'static str> {
    let mut found = BTreeMap::new();
    for keyword in Block::ALL.into_iter().flat_map(Block::keywords) {
        found.entry(keyword.name).or_insert(keyword.effect);
    }
    found
}

/// The commands that ask a running daemon.
fn commands() -> String {
    cli::ask::commands().map(|command| command.get_name().to_owned()).join(" ")
}

fn names() -> String {
    keywords().into_keys().collect::<Vec<_>>().join(" ")
}

/// As a file of the name `keepalived`, a link of the package keepalived-rs-as-keepalived, it is for that command too.
fn bash(flags: &[Flag]) -> String {
    let mut cases = String::new();
    for flag in flags.iter().filter(|flag| !flag.attached) {
        let short = flag.short.map(|letter| format!("-{letter}|")).unwrap_or_default();
        let answer = match &flag.follows {
            Follows::Nothing => continue,
            Follows::File => "compgen -f -- \"$word\"".to_string(),
            Follows::Words(words) => format!("compgen -W '{}' -- \"$word\"", words.join(" ")),
            Follows::Anything => "true".to_string(),
        };
        cases.push_str(&format!("        {short}--{}) mapfile -t COMPREPLY < <({answer}); return ;;\n", flag.long));
    }
    let mut options = Vec::new();
    for flag in flags {
        options.extend(flag.short.map(|letter| format!("-{letter}")));
        options.push(format!("--{}", flag.long));
    }
    format!(
        "# bash completion for {PROGRAM}\n\
         _keepalived_rs() {{\n\
         \x20   local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}\n\
         \x20   case $before in\n\
         \x20       keyword) mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$word\"); return ;;\n\
         \x20       -h|--help) mapfile -t COMPREPLY < <(compgen -W 'keyword' -- \"$word\"); return ;;\n\
         {cases}\
         \x20   esac\n\
         \x20   if [[ $COMP_CWORD = 1 && $word != -* ]]; then mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$word\"); return; fi\n\
         \x20   mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$word\")\n\
         }}\n\
         complete -o filenames -F _keepalived_rs {PROGRAM}\n\
         if [[ ${{BASH_SOURCE[0]##*/}} = keepalived ]]; then complete -o filenames -F _keepalived_rs keepalived; fi\n",
        names(),
        commands(),
        options.join(" "),
    )
}

/// In single quotes. The shells have no common way to put one inside, so another character stands for it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "\u{2019}").replace('\\', ""))
}

fn zsh(flags: &[Flag]) -> String {
    let mut specs = String::new();
    for flag in flags.iter().filter(|flag| flag.long != "help") {
        let help = flag.help.replace(['[', ']'], "").replace(':', " -");
        let sign = |long| match (&flag.follows, flag.attached, long) {
            (Follows::Nothing, ..) => "",
            (_, true, true) => "=-",
            (_, true, false) => "-",
            (_, false, true) => "=",
            (_, false, false) => "+",
        };
        let optional = if flag.attached || flag.long == "explain" { ":" } else { "" };
        let value = match &flag.follows {
            Follows::Nothing => String::new(),
            Follows::File => format!("{optional}:file:_files"),
            Follows::Words(words) => format!("{optional}:value:({})", words.join(" ")),
            Follows::Anything => format!("{optional}:value: "),
        };
        let names = [flag.short.map(|letter| (format!("-{letter}"), false)), Some((format!("--{}", flag.long), true))];
        for (name, long) in names.into_iter().flatten() {
            specs.push_str(&format!("    {} \\\n", quoted(&format!("{name}{}[{help}]{value}", sign(long)))));
        }
    }
    let keywords: Vec<String> = keywords()
        .into_iter()
        .map(|(name, effect)| format!("        {}", quoted(&format!("{name}:{}", effect.replace(':', " -")))))
        .collect();
    format!(
        "#compdef {PROGRAM}\n\
         _keepalived_rs_topic() {{\n\
         \x20   local -a keywords=(\n{}\n    )\n\
         \x20   if [[ $words[CURRENT-1] == keyword ]]; then _describe keyword keywords; else compadd keyword; fi\n\
         }}\n\
         if [[ $words[CURRENT-1] == (keyword|-h|--help) ]]; then\n\
         \x20   _keepalived_rs_topic\n\
         \x20   return\n\
         fi\n\
         _arguments -s \\\n{specs}\
         \x20   '-h[Display the help message]' \\\n\
         \x20   '--help[Display the help message, or describe a keyword]' \\\n\
         \x20   '1:command:({})'\n",
        keywords.join("\n"),
        commands(),
    )
}

fn fish(flags: &[Flag]) -> String {
    let mut out = format!("# fish completion for {PROGRAM}\ncomplete -c {PROGRAM} -f\n");
    out.push_str(&format!("complete -c {PROGRAM} -n __fish_use_subcommand -a {}\n", quoted(&commands())));
    for flag in flags {
        let short = flag.short.map(|letter| format!(" -s {letter}")).unwrap_or_default();
        let value = match &flag.follows {
            Follows::Nothing => String::new(),
            Follows::File => " -r -F".to_string(),
            Follows::Words(words) => format!(" -x -a {}", quoted(&words.join(" "))),
            Follows::Anything => " -x".to_string(),
        };
        // fish offers optional values after `=` only.
        let value = if flag.attached { String::new() } else { value };
        out.push_str(&format!("complete -c {PROGRAM}{short} -l {}{value} -d {}\n", flag.long, quoted(&flag.help)));
    }
    let previous = "test (commandline -opc)[-1] =";
    for option in ["-h", "--help"] {
        out.push_str(&format!("complete -c {PROGRAM} -n '{previous} {option}' -a keyword\n"));
    }
    for (name, effect) in keywords() {
        out.push_str(&format!("complete -c {PROGRAM} -n '{previous} keyword' -a {name} -d {}\n", quoted(effect)));
    }
    out
}
