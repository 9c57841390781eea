//! The sections of the manual that describe all options and all keywords, as roff source (man macros) from `.SH` on.

use clap::Arg;
use roff::{Inline, Roff, bold, italic, roman};

use super::keyword::{sentence, title};
use crate::cli;
use crate::conf::table::forms::FORMS;
use crate::conf::table::{Block, Keyword};

/// Every option, in the order of `--help`.
pub(super) fn options() -> String {
    let mut page = Roff::new();
    page.control("SH", ["OPTIONS"]);
    for option in cli::command().get_arguments().filter(|option| !option.is_hide_set()) {
        page.control("TP", []);
        page.text(synopsis(option));
        page.text([roman(sentence(&option.get_help().map(ToString::to_string).unwrap_or_default()))]);
    }
    page.to_roff()
}

/// `-f, --use-file FILE`; a value that must be attached is shown so: `--log-file[=FILE]`.
fn synopsis(option: &Arg) -> Vec<Inline> {
    let short = option.get_short().map(|letter| format!("-{letter}"));
    let long = option.get_long().map(|name| format!("--{name}"));
    let mut words = Vec::new();
    for name in short.into_iter().chain(long) {
        if !words.is_empty() {
            words.push(roman(", "));
        }
        words.push(bold(name));
    }
    if option.get_action().takes_values() {
        let value =
            option.get_value_names().and_then(|names| names.first()).map(ToString::to_string).unwrap_or_default();
        let attached = option.is_require_equals_set();
        words.extend([roman(if attached { "[=" } else { " " }), italic(value), roman(if attached { "]" } else { "" })]);
    }
    words
}

/// Every keyword, block by block.
pub(super) fn keywords() -> String {
    let mut page = Roff::new();
    page.control("SH", ["KEYWORDS"]);
    page.text([roman(
        "Each keyword stands on a line of its own, in the block under whose name it is listed. Words in capitals stand for \
         values; square brackets enclose what may be left out.",
    )]);
    page.control("SS", ["Before any keyword"]);
    for form in &FORMS {
        page.control("TP", []);
        page.text([bold(form.name), roman(" "), italic(form.arguments)]);
        page.text([roman(sentence(form.effect))]);
    }
    for block in Block::ALL {
        let heading = match block {
            Block::Root => "Outside blocks",
            block => title(block),
        };
        page.control("SS", [heading]);
        for keyword in block.keywords() {
            describe(&mut page, keyword);
        }
    }
    page.to_roff()
}

fn describe(page: &mut Roff, keyword: &Keyword) {
    let mut head = vec![bold(keyword.name)];
    if !keyword.arguments.is_empty() {
        head.extend([roman(" "), italic(keyword.arguments)]);
    }
    page.control("TP", []);
    page.text(head);
    let mut text = sentence(keyword.effect);
    let facts = [("Values", Some(keyword.range)), ("Default", Some(keyword.default)), ("Since", keyword.since)];
    for (label, value) in facts.into_iter().chain([("Old", keyword.deprecated)]) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            text.push_str(&format!(" {label}: {}", sentence(value)));
        }
    }
    if keyword.ours {
        text.push_str(" Keepalived does not know it.");
    }
    let words: [Inline; 1] = [roman(text)];
    page.text(words);
}
