//! The section of the manual that describes all keywords.

use roff::{Inline, Roff, bold, italic, roman};

use super::keyword::{sentence, title};
use crate::conf::table::forms::FORMS;
use crate::conf::table::{Block, Keyword};

/// The section as roff source (man macros), from `.SH` on.
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
    if !keyword.active {
        text.push_str(" Understood, but not active yet.");
    }
    let words: [Inline; 1] = [roman(text)];
    page.text(words);
}
