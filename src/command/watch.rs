//! `keepalived-rs watch`: the status, redrawn about once a second, with keys that choose what is shown. Without a terminal
//! it prints a line for whatever has changed.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::screen::{Look, Tone, clean, cut};
use super::status;
use crate::model::status::{Instance, Level, State, Status};
use crate::os::terminal::{self, Input, Terminal};

/// How often it looks.
const PERIOD: Duration = Duration::from_secs(1);

const HELP: [&str; 12] = [
    "keys",
    "",
    "  q, Ctrl-C      leave",
    "  m  b  f        only instances that are MASTER, BACKUP, FAULT; again: all",
    "  /              only what bears a text: type it, Enter keeps it, Esc drops it",
    "  Esc            all again",
    "  up, down       scroll by a line (also k, j)",
    "  PgUp, PgDn     scroll by a screen (also space)",
    "  Home, End      first and last lines (also g, G)",
    "  ?              this page",
    "",
    "any key goes back",
];

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Text(char),
    Enter,
    Escape,
    Erase,
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    Quit,
}

/// What is shown of the status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Choice {
    /// Only instances of this state
    state: Option<State>,
    /// Only what bears this text
    text: String,
    /// It is being typed
    types: bool,
    /// First line
    from: usize,
    /// The page of keys
    helps: bool,
}

/// Watches until the user has seen enough, the program is stopped, or nobody is left to see it. `ask` gets a status, or says why
/// there is none.
///
/// # Errors
/// If the terminal cannot be used.
pub(super) fn run(ask: &mut dyn FnMut() -> Result<Status, String>, colour: bool) -> io::Result<()> {
    let draws = terminal::is_interactive();
    let mut terminal = Terminal::open(draws)?;
    let watched = if draws { screen(ask, &mut terminal, colour) } else { lines(ask, &mut terminal) };
    match watched {
        // A reader that has seen enough and closed the pipe is no fault.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        watched => watched,
    }
}

fn screen(ask: &mut dyn FnMut() -> Result<Status, String>, terminal: &mut Terminal, colour: bool) -> io::Result<()> {
    let mut choice = Choice::default();
    let mut last: Result<Status, String> = ask();
    let mut next = Instant::now() + PERIOD;
    loop {
        let (columns, rows) = terminal::size().unwrap_or((80, 24));
        terminal.draw(&page(&last, &mut choice, Look { columns, colour }, rows))?;
        match terminal.wait(next.saturating_duration_since(Instant::now()))? {
            Input::Stop => return Ok(()),
            Input::Keys(bytes) => {
                if keys(&bytes).into_iter().any(|key| choice.press(key, rows) == Some(Key::Quit)) {
                    return Ok(());
                }
            }
            Input::Resized | Input::Nothing => {}
        }
        if Instant::now() >= next {
            last = ask();
            next = Instant::now() + PERIOD;
        }
    }
}

/// The keys that these bytes are: UTF-8, and xterm's sequences for the others.
fn keys(bytes: &[u8]) -> Vec<Key> {
    let text = String::from_utf8_lossy(bytes);
    let mut rest = text.as_ref();
    let mut found = Vec::new();
    const SEQUENCES: [(&str, Key); 12] = [
        ("\x1b[A", Key::Up),
        ("\x1bOA", Key::Up),
        ("\x1b[B", Key::Down),
        ("\x1bOB", Key::Down),
        ("\x1b[5~", Key::PageUp),
        ("\x1b[6~", Key::PageDown),
        ("\x1b[H", Key::Home),
        ("\x1b[1~", Key::Home),
        ("\x1bOH", Key::Home),
        ("\x1b[F", Key::End),
        ("\x1b[4~", Key::End),
        ("\x1bOF", Key::End),
    ];
    'next: while let Some(first) = rest.chars().next() {
        for (sequence, key) in SEQUENCES {
            if let Some(behind) = rest.strip_prefix(sequence) {
                found.push(key);
                rest = behind;
                continue 'next;
            }
        }
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
        match first {
            '\x1b' if rest.starts_with(['[', 'O']) => {
                // A sequence that means nothing here, to its last letter.
                let end = rest.char_indices().skip(1).find(|(_, it)| matches!(it, '@'..='~'));
                rest = end.and_then(|(at, it)| rest.get(at + it.len_utf8()..)).unwrap_or_default();
            }
            '\x1b' => found.push(Key::Escape),
            '\r' | '\n' => found.push(Key::Enter),
            '\x7f' | '\x08' => found.push(Key::Erase),
            '\x03' | '\x04' => found.push(Key::Quit),
            other if other.is_control() => {}
            other => found.push(Key::Text(other)),
        }
    }
    found
}

impl Choice {
    /// What a key does; it is given back where it ends all.
    fn press(&mut self, key: Key, rows: usize) -> Option<Key> {
        let page = rows.saturating_sub(2).max(1);
        if key == Key::Quit {
            return Some(key);
        }
        if std::mem::take(&mut self.helps) {
            return None;
        }
        if self.types {
            match key {
                Key::Text(character) => self.text.push(character),
                Key::Erase => drop(self.text.pop()),
                Key::Enter => self.types = false,
                Key::Escape => (self.types, self.text) = (false, String::new()),
                _ => {}
            }
            self.from = 0;
            return None;
        }
        let mut only = |state| {
            self.state = if self.state == Some(state) { None } else { Some(state) };
            self.from = 0;
        };
        match key {
            Key::Text('q') => return Some(Key::Quit),
            Key::Text('m') => only(State::Master),
            Key::Text('b') => only(State::Backup),
            Key::Text('f') => only(State::Fault),
            Key::Text('/') => self.types = true,
            Key::Text('?') => self.helps = true,
            Key::Escape => *self = Choice::default(),
            Key::Up | Key::Text('k') => self.from = self.from.saturating_sub(1),
            Key::Down | Key::Text('j') => self.from += 1,
            Key::PageUp => self.from = self.from.saturating_sub(page),
            Key::PageDown | Key::Text(' ') => self.from += page,
            Key::Home | Key::Text('g') => self.from = 0,
            // The page knows how many lines there are.
            Key::End | Key::Text('G') => self.from = usize::MAX / 2,
            Key::Text(_) | Key::Enter | Key::Erase | Key::Quit => {}
        }
        None
    }

    /// What of the status is chosen.
    fn apply(&self, mut status: Status) -> Status {
        let has = |name: &str| name.contains(&self.text);
        let state = |it: &Instance| self.state.is_none_or(|state| it.state == state);
        let shown = |it: &Instance| {
            state(it) && (has(&it.name) || it.addresses.iter().any(|at| has(&at.address) || has(&at.interface)))
        };
        status.instances.retain(shown);
        status.groups.retain(|it| self.state.is_none_or(|state| it.state == state) && has(&it.name));
        // A state is one of instances: the rest would be in the way.
        let keeps = |name: &str| self.state.is_none() && has(name);
        status.scripts.retain(|it| keeps(&it.name));
        status.files.retain(|it| keeps(&it.name));
        status.processes.retain(|it| keeps(&it.name));
        status.virtual_servers.retain(|it| keeps(&it.name));
        status.bfd.retain(|it| keeps(&it.name));
        status
    }
}

/// The lines of a screen.
fn page(last: &Result<Status, String>, choice: &mut Choice, look: Look, rows: usize) -> Vec<String> {
    let height = rows.saturating_sub(1).max(1);
    let all: Vec<String> = match last {
        _ if choice.helps => HELP.iter().map(|line| cut(line, look.columns)).collect(),
        Ok(status) => status::text(&choice.apply(status.clone()), look).lines().map(str::to_owned).collect(),
        Err(fault) => clean(fault).lines().map(|line| look.paint(Tone::Bad, &cut(line, look.columns))).collect(),
    };
    choice.from = choice.from.min(all.len().saturating_sub(height));
    let mut lines: Vec<String> = all.iter().skip(choice.from).take(height).cloned().collect();
    lines.resize(height, String::new());
    lines.push(look.paint(Tone::Heading, &cut(&foot(last, choice, all.len(), height), look.columns)));
    lines
}

fn foot(last: &Result<Status, String>, choice: &Choice, all: usize, height: usize) -> String {
    if choice.types {
        return format!("/{}_", clean(&choice.text));
    }
    let mut parts = Vec::new();
    if let Ok(status) = last {
        parts.push(status.at.to_string().get(11..19).unwrap_or_default().to_owned() + " UTC");
    }
    if let Some(state) = choice.state {
        parts.push(format!("only {}", state.word()));
    }
    if !choice.text.is_empty() {
        parts.push(format!("only \"{}\"", clean(&choice.text)));
    }
    if all > height {
        parts.push(format!("lines {}-{} of {all}", choice.from + 1, (choice.from + height).min(all)));
    }
    parts.push("q leaves, m b f states, / text, ? keys".into());
    parts.join("  |  ")
}

fn lines(ask: &mut dyn FnMut() -> Result<Status, String>, terminal: &mut Terminal) -> io::Result<()> {
    let mut before: Vec<(String, String)> = Vec::new();
    let mut fault = None;
    loop {
        match ask() {
            Ok(status) => {
                let now = facts(&status);
                let at = status.at.to_string();
                let is_news = |fact: &&(String, String)| !before.contains(fact);
                for (name, text) in now.iter().filter(is_news) {
                    say(&format!("{at}  {name}  {text}"))?;
                }
                let is_gone = |(name, _): &&(String, String)| !now.iter().any(|(other, _)| other == name);
                for (name, _) in before.iter().filter(is_gone) {
                    say(&format!("{at}  {name}  is there no more"))?;
                }
                (before, fault) = (now, None);
            }
            Err(reason) => {
                if fault.as_ref() != Some(&reason) {
                    say(&clean(&reason))?;
                    fault = Some(reason);
                }
            }
        }
        if terminal.wait(PERIOD)? == Input::Stop {
            return Ok(());
        }
    }
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// What is worth a line when it changes.
fn facts(status: &Status) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut fact = |name: &str, text: String| facts.push((clean(name), clean(&text)));
    let of = |child: &str, text: String| if status.is_silent(child) { "unknown".to_owned() } else { text };
    let level = status.health.level;
    fact("daemon", if level == Level::Well { "well".into() } else { level.word().into() });
    for it in &status.instances {
        let contested = if it.contested.is_some() { ", CONTESTED" } else { "" };
        let cause = if it.cause.is_empty() { String::new() } else { format!(": {}", it.cause) };
        let stands = format!("{} priority {}{contested}{cause}", it.state.word(), it.priority.effective);
        fact(&it.name, of("vrrp", stands));
    }
    for service in &status.virtual_servers {
        let up = service.real_servers.iter().filter(|server| server.up).count();
        let quorum = if service.quorum_up { "quorum up" } else { "quorum lost" };
        let stands = format!("{up}/{} real servers up, {quorum}", service.real_servers.len());
        fact(&service.name, of("check", stands));
    }
    for session in &status.bfd {
        fact(&session.name, of("bfd", format!("BFD {}", session.state)));
    }
    facts
}

#[cfg(test)]
mod tests;
