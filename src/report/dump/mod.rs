//! The effective configuration as text, section by section and line by line in the format of keepalived's data dump, and
//! as JSON ([`json`]).
//!
//! Prints what the configuration determines, with defaults filled in, and with it, of a running process, how things stand
//! (states, timers, sockets, interfaces: [`Running`]; servers and checkers: [`RunningCheck`]; BFD sessions:
//! [`RunningBfd`]). Where there is no such thing, what only a running daemon knows
//! is left out; where such a word stands inside a line, it is the one of a daemon that has not begun. Beside it, in words
//! of their own, the counters ([`stats`]) and the state for programs ([`state`]).
//! Every object has a function of its own, whose lines are in keepalived's order. Never shows a secret, and neither
//! decides nor writes: `core` and the drivers do with the lines what they want.

use std::fmt::Display;

use crate::model::frame::Shared;
use crate::model::running::Running;
use crate::model::running_bfd::RunningBfd;
use crate::model::running_check::RunningCheck;
use crate::model::{CheckConfig, Config, VrrpConfig};
use crate::report::link_names;

mod bfd;
mod check;
mod checker;
mod global;
mod instance;
mod interface;
pub mod json;
mod number;
pub mod place;
mod route;
pub mod state;
pub mod stats;
mod timer;
mod tracker;
mod vrrp;

/// What each address of each instance is on, excluded ones last: `eth0`, or `vrrp.51@eth0`.
pub fn address_interfaces(shared: &Shared, config: &VrrpConfig) -> Vec<Vec<String>> {
    let names = link_names::names(shared, config);
    let each = config.instances.iter().zip(&names);
    each.map(|(one, names)| one.addresses().map(|address| names.of(address)).collect()).collect()
}

/// The dump of the `vrrp` process, line by line.
pub fn vrrp(shared: &Shared, config: &VrrpConfig) -> Vec<String> {
    let mut page = Page::default();
    global::dump(&mut page, shared, Some(config));
    vrrp::dump(&mut page, shared, config, None);
    page.lines
}

/// The dump of the running `vrrp` process.
pub fn running(shared: &Shared, config: &VrrpConfig, running: &Running) -> String {
    let mut page = Page::default();
    global::dump(&mut page, shared, Some(config));
    vrrp::dump(&mut page, shared, config, Some(running));
    page.text()
}

/// The dump of the parent.
pub fn parent(shared: &Shared) -> String {
    let mut page = Page::default();
    global::dump(&mut page, shared, None);
    page.text()
}

/// The dump of the `check` process, line by line.
pub fn check(shared: &Shared, config: &CheckConfig) -> Vec<String> {
    let mut page = Page::default();
    global::dump(&mut page, shared, None);
    check::dump(&mut page, shared, config, None);
    page.lines
}

/// The dump of the running `check` process.
pub fn checking(shared: &Shared, config: &CheckConfig, running: &RunningCheck) -> String {
    let mut page = Page::default();
    global::dump(&mut page, shared, None);
    check::dump(&mut page, shared, config, Some(running));
    page.text()
}

/// The dump of the `bfd` process, line by line.
pub fn bfd(shared: &Shared) -> Vec<String> {
    let mut page = Page::default();
    global::dump(&mut page, shared, None);
    bfd::dump(&mut page, &shared.bfd, None);
    page.lines
}

/// The dump of the running `bfd` process.
pub fn talking(shared: &Shared, running: &RunningBfd) -> String {
    let mut page = Page::default();
    global::dump(&mut page, shared, None);
    bfd::dump(&mut page, &shared.bfd, Some(running));
    page.text()
}

/// The dumps of all processes that have something to do as one text; the part that they share comes once.
pub fn whole(shared: &Shared, config: &Config) -> String {
    let mut page = Page::default();
    let vrrp = Some(&config.vrrp).filter(|vrrp| !vrrp.is_empty());
    global::dump(&mut page, shared, vrrp);
    if let Some(vrrp) = vrrp {
        vrrp::dump(&mut page, shared, vrrp, None);
    }
    if !config.check.is_empty() {
        check::dump(&mut page, shared, &config.check, None);
    }
    bfd::dump(&mut page, &config.bfd, None);
    page.text()
}

/// Lines as they come.
#[derive(Default)]
struct Page {
    lines: Vec<String>,
}

impl Page {
    /// All lines as one text.
    fn text(self) -> String {
        let mut text = String::with_capacity(self.lines.iter().map(|line| line.len() + 1).sum());
        for line in self.lines {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    /// The heading of a section.
    fn heading(&mut self, title: &str) {
        self.at(0).say(format_args!("------< {title} >------"));
    }

    /// A place to write at, so many blanks from the margin.
    fn at(&mut self, indent: usize) -> Column<'_> {
        Column { page: self, indent }
    }

    /// A heading and what is under it, unless there is nothing.
    fn section<T>(&mut self, title: &str, items: &[T], mut dump: impl FnMut(&mut Self, &T)) {
        if !items.is_empty() {
            self.heading(title);
        }
        items.iter().for_each(|item| dump(self, item));
    }
}

/// A page with an indentation.
struct Column<'a> {
    page: &'a mut Page,
    indent: usize,
}

impl Column<'_> {
    /// A line.
    fn say(&mut self, text: impl Display) {
        self.page.lines.push(format!("{:indent$}{text}", "", indent = self.indent));
    }

    /// A line `key = value`.
    fn pair(&mut self, key: impl Display, value: impl Display) {
        self.say(format_args!("{key} = {value}"));
    }

    /// A line `key = value`, if there is a value.
    fn maybe(&mut self, key: impl Display, value: Option<impl Display>) {
        if let Some(value) = value {
            self.pair(key, value);
        }
    }

    /// A line, if so.
    fn mention(&mut self, is_so: bool, text: impl Display) {
        if is_so {
            self.say(text);
        }
    }

    /// A line, and one under it for each item; nothing without items.
    fn list<T>(&mut self, title: impl Display, items: &[T], line: impl Fn(&T) -> String) {
        self.mention(!items.is_empty(), title);
        items.iter().for_each(|item| self.page.at(self.indent + 2).say(line(item)));
    }
}

/// One of two words.
fn either(is_so: bool, yes: &'static str, no: &'static str) -> &'static str {
    if is_so { yes } else { no }
}

/// `true` or `false`.
fn truth(is_so: bool) -> &'static str {
    either(is_so, "true", "false")
}

/// `yes` or `no`.
fn answer(is_so: bool) -> &'static str {
    either(is_so, "yes", "no")
}

/// `enabled` or `disabled`.
fn ability(is_so: bool) -> &'static str {
    either(is_so, "enabled", "disabled")
}
