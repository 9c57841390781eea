//! Notes about scripts: how their lines are read, and when they run.

use super::{Case, note};
use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::hash::Set;
use crate::conf::lex;
use crate::conf::outline::Branch;
use crate::conf::table::Keyword;

/// Words that mean something to a shell only.
const SHELL_WORDS: [&str; 12] = ["|", "||", "&", "&&", ";", ">", ">>", "<", "<<", "2>", "2>&1", "1>&2"];

/// Programs that are given a command line of their own.
const SHELLS: [&str; 9] = ["sh", "bash", "dash", "ash", "zsh", "ksh", "busybox", "ssh", "env"];

/// Keywords whose command is their first word and nothing else.
const FIRST_WORD_ONLY: [&str; 2] = ["script", "misc_path"];

/// The command of a script keyword, split as it will be.
fn command(branch: &Branch) -> Option<Vec<String>> {
    branch.keyword().filter(|keyword| keyword.takes_script())?;
    let words = lex::script_statement(branch.bytes()).ok()?;
    let arguments = lex::command_line(words.get(1)?).ok()?;
    Some(arguments.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect())
}

/// Whether a program is a shell, by its name.
fn is_shell(program: &str) -> bool {
    SHELLS.contains(&program.rsplit('/').next().unwrap_or_default())
}

/// Whether a word of a command was meant for a shell.
fn is_shell_word(word: &str) -> bool {
    let redirects =
        ["2>", ">", "1>"].iter().any(|sign| word.strip_prefix(sign).is_some_and(|to| to.starts_with(['/', '&', '>'])));
    SHELL_WORDS.contains(&word) || redirects || word.contains("$(") || word.contains('`') || word.ends_with(';')
}

/// A command line for a shell that there is not.
pub(super) fn shell_syntax(case: &Case) -> Vec<Diagnostic> {
    let mut notes = Vec::new();
    for branch in case.outline.keywords(Keyword::takes_script) {
        let Some(words) = command(&branch) else {
            continue;
        };
        let (Some(program), arguments) = (words.first(), words.get(1..).unwrap_or_default()) else {
            continue;
        };
        // Without quotes the shell's words are not even part of the command.
        let behind = branch.words().into_iter().skip(2).map(|word| word.into_owned());
        let lost = FIRST_WORD_ONLY.contains(&branch.name()) && !branch.bytes().contains(&b'"');
        let mut candidates: Vec<String> = arguments.to_vec();
        candidates.extend(behind.filter(|_| lost));
        if let Some(word) = candidates.into_iter().find(|word| is_shell_word(word)).filter(|_| !is_shell(program)) {
            notes.push(
                note(Code::ShellSyntax, branch.place(1), format!("`{word}` is for a shell, and no shell runs this"))
                    .effect(format!("{program} gets it as an argument"))
                    .help("put the line into a script file, or run `/bin/sh -c '...'`"),
            );
        }
    }
    notes
}

/// Words behind an unquoted command.
pub(super) fn lost_words(case: &Case) -> Vec<Diagnostic> {
    let mut notes = Vec::new();
    for branch in case.outline.keywords(|keyword| FIRST_WORD_ONLY.contains(&keyword.name)) {
        let words = lex::script_statement(branch.bytes()).unwrap_or_default();
        let is_file_test = words.get(1).is_some_and(|word| word.as_slice() == b"<");
        if let (Some(first), Some(lost)) = (words.get(1), words.get(2).filter(|_| !is_file_test)) {
            let (first, lost) = (String::from_utf8_lossy(first), String::from_utf8_lossy(lost));
            notes.push(
                note(Code::LostWords, branch.place(2), format!("`{lost}` is no part of the command"))
                    .effect(format!("`{first}` is run, without what follows"))
                    .help("put the whole command in double quotes"),
            );
        }
    }
    notes
}

/// The seconds that a keyword of a block says.
fn seconds(block: &Branch, name: &str) -> Option<f64> {
    block.children().filter(|it| it.name() == name).last()?.word(1)?.parse().ok()
}

/// A time limit that is not below the interval.
pub(super) fn timeout(case: &Case) -> Vec<Diagnostic> {
    let mut notes = Vec::new();
    for block in case.outline.blocks("vrrp_script") {
        let interval = seconds(&block, "interval").unwrap_or(1.0);
        let (Some(timeout), Some(line)) = (seconds(&block, "timeout"), block.child("timeout")) else {
            continue;
        };
        if timeout >= interval && !case.complained_at(line.place(1)) {
            let name = block.word(1).unwrap_or_default();
            let text = format!("timeout {timeout} s of script {name} is not below its interval of {interval} s");
            let effect = "while a run hangs the next ones are left out";
            notes.push(note(Code::ScriptTimeout, line.place(1), text).effect(effect));
        }
    }
    notes
}

/// Scripts that nobody follows.
pub(super) fn unused(case: &Case) -> Vec<Diagnostic> {
    let followers = ["vrrp_instance", "vrrp_sync_group"];
    let lists = followers.iter().flat_map(|name| case.outline.blocks(name)).flat_map(|it| it.entries("track_script"));
    let followed: Set<String> = lists.filter_map(|entry| entry.word(0)).map(|name| name.into_owned()).collect();
    if case.config.vrrp.instances.is_empty() {
        return Vec::new();
    }
    let mut notes = Vec::new();
    for block in case.outline.blocks("vrrp_script") {
        let Some(name) = block.word(1).filter(|name| !followed.contains(&**name)) else {
            continue;
        };
        if !case.complained_at(block.place(1)) {
            let found = note(Code::ScriptUnused, block.place(1), format!("script {name} is not used"));
            notes.push(found.effect("it is never run").help(format!("add `track_script {{ {name} }}` to an instance")));
        }
    }
    notes
}

/// Scripts without enable_script_security, of which none exists on this machine.
pub(super) fn open(case: &Case) -> Vec<Diagnostic> {
    let secure = case.outline.blocks("global_defs").any(|it| it.child("enable_script_security").is_some());
    if secure || case.codes.contains(&Code::ScriptSecurity) {
        return Vec::new();
    }
    let runs =
        |branch: &Branch| command(branch).is_some_and(|words| words.first().is_some_and(|it| !it.starts_with('<')));
    let found = case.outline.keywords(Keyword::takes_script).find(runs).map(|branch| {
        note(Code::ScriptsOpen, branch.place(1), "scripts are configured, but enable_script_security is not set")
            .effect("nobody checks whether others than root could change them")
            .help("set `enable_script_security` and `script_user` in global_defs")
    });
    found.into_iter().collect()
}
