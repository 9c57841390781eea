//! Keywords of the configuration, for `--help keyword`.

use std::fmt::Write as _;

use crate::conf::table::forms::{self, FORMS, Form};
use crate::conf::table::{self, Block, Keyword};

/// Columns of a terminal that text is folded to.
const COLUMNS: usize = 100;
/// Columns before a value.
const LABEL: usize = 12;

/// All keywords, block by block.
pub(super) fn list() -> String {
    let forms: Vec<&str> = FORMS.iter().map(|form| form.name).collect();
    let mut out = format!("before any keyword:\n{}\n", fold(&forms.join(" "), 4));
    for block in Block::ALL {
        let _ = writeln!(out, "{}:", title(block));
        let names: Vec<&str> = block.keywords().map(|keyword| keyword.name).collect();
        out.push_str(&fold(&names.join(" "), 4));
        out.push('\n');
    }
    out
}

/// What is known of a keyword, in every block that has it. `name` may have its block in front, with slashes.
pub(super) fn describe(name: &str) -> Result<String, String> {
    let (path, word) = name.rsplit_once('/').unwrap_or(("", name));
    let within = |block: &Block| {
        let ends = block.path().strip_suffix(path).is_some_and(|before| before.is_empty() || before.ends_with('/'));
        path.is_empty() || ends
    };
    let found: Vec<(Block, &Keyword)> =
        Block::ALL.into_iter().filter(within).filter_map(|it| Some((it, table::find(it, word.as_bytes())?))).collect();
    if !found.is_empty() {
        return Ok(together(&found));
    }
    if let Some(form) = forms::find(name) {
        return Ok(of_form(form));
    }
    let mut fault = match path {
        "" => format!("There is no keyword `{word}`"),
        path => format!("There is no keyword `{word}` in {path}"),
    };
    let elsewhere: Vec<&str> = table::blocks_with(word.as_bytes()).map(title).collect();
    if !elsewhere.is_empty() {
        let _ = write!(fault, "; it stands in {}", elsewhere.join(", "));
    } else if let Some(near) = Block::ALL.into_iter().filter(within).find_map(|it| table::suggestion(it, word)) {
        let _ = write!(fault, "; did you mean `{near}`?");
    }
    Err(fault + "\n")
}

/// Describes what stands before any keyword.
fn of_form(form: &Form) -> String {
    format!("{} {}\n{}", form.name, form.arguments, fold(&sentence(form.effect), 4))
}

/// Describes keywords; blocks that say the same of theirs are named together.
fn together(found: &[(Block, &Keyword)]) -> String {
    let mut groups: Vec<(Vec<&str>, &Keyword)> = Vec::new();
    for (block, keyword) in found {
        match groups.iter_mut().find(|(_, other)| other.same_words(keyword)) {
            Some((blocks, _)) => blocks.push(title(*block)),
            None => groups.push((vec![title(*block)], keyword)),
        }
    }
    let texts: Vec<String> = groups.iter().map(|(blocks, keyword)| one(blocks, keyword)).collect();
    texts.join("\n")
}

fn one(blocks: &[&str], keyword: &Keyword) -> String {
    let mut out = format!("{} {}", keyword.name, keyword.arguments);
    out.truncate(out.trim_end().len());
    out.push('\n');
    out.push_str(&fold(&sentence(keyword.effect), 4));
    let rows = [
        ("stands in", Some(blocks.join(", "))),
        ("values", Some(keyword.range.to_string())),
        ("default", Some(keyword.default.to_string())),
        ("since", keyword.since.map(|release| format!("keepalived {release}"))),
        ("not in", keyword.ours.then(|| "keepalived: an extension of keepalived-rs".to_string())),
        ("old", keyword.deprecated.map(str::to_string)),
    ];
    for (label, value) in rows {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let folded = fold(&value, 4 + LABEL);
            let value = folded.trim_start();
            let _ = write!(out, "    {label:<LABEL$}{value}");
        }
    }
    out
}

/// A block as a person names it.
pub(super) fn title(block: Block) -> &'static str {
    match block {
        Block::Root => "outside blocks",
        block => block.path(),
    }
}

/// With a full stop.
pub(super) fn sentence(text: &str) -> String {
    if text.ends_with('.') { text.to_string() } else { format!("{text}.") }
}

/// Lines of words with blanks before them.
fn fold(text: &str, indent: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && indent + column + 1 + length > COLUMNS {
            out.push('\n');
            column = 0;
        }
        if column == 0 {
            out.push_str(&" ".repeat(indent));
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
    out
}
