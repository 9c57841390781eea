//! Suggestions: which of the words that a keyword takes, or which name, was probably meant, and what cannot be seen.

use crate::conf::diagnostic::{Code, Diagnostic, Severity};
use crate::conf::hash::Map;
use crate::conf::outline::{Branch, Outline};
use crate::conf::place::Site;
use crate::conf::table::{Keyword, distance};

/// Words for yes and no of other programs, and ours.
const SWITCHES: [(&str, &[&str]); 2] =
    [("on", &["1", "y", "enable", "enabled"]), ("off", &["0", "n", "disable", "disabled", "none"])];
/// What is yes or no.
const BOOLS: [&str; 6] = ["true", "false", "yes", "no", "on", "off"];

/// Most complaints that get a suggestion.
const COMPLAINTS: usize = 200;
/// Most names that are compared with one that is not defined.
const NAMES: usize = 1000;

/// Puts suggestions into complaints about words that are none of those possible.
pub(super) fn suggest(complaints: &mut [Diagnostic], outline: &Outline) {
    // What we say ourselves has none of these: they are from the file.
    complaints.iter_mut().for_each(reveal);
    complaints.iter_mut().filter(|it| it.severity > Severity::Note).for_each(undefined);
    let about_words = |it: &&mut Diagnostic| matches!(it.code, Code::Choice | Code::Bool | Code::Reference);
    let mut open: Map<Site, &mut Diagnostic> =
        complaints.iter_mut().filter(about_words).take(COMPLAINTS).filter_map(|it| Some((it.place?.at, it))).collect();
    if open.is_empty() {
        return;
    }
    let takes_name = |block: &Branch| block.keyword().is_some_and(Keyword::takes_name);
    let names: Vec<_> = outline.roots().filter(takes_name).filter_map(|block| block.word(1)).take(NAMES).collect();
    let names: Vec<&str> = names.iter().map(|name| &**name).collect();
    for branch in outline.all() {
        let Some(keyword) = branch.keyword() else {
            if let Some(complaint) = open.remove(&branch.place(0).at) {
                name(complaint, &names, &branch.word(0).unwrap_or_default());
            }
            continue;
        };
        for (index, word) in branch.words().iter().enumerate().skip(1) {
            if let Some(complaint) = open.remove(&branch.place(index).at) {
                improve(complaint, keyword, &branch, word);
            }
        }
    }
}

/// Characters that nobody sees, and what they are.
const UNSEEN: [(char, &str); 5] = [
    ('\u{feff}', "a byte order mark: save the file as UTF-8 without one"),
    ('\u{a0}', "a no-break space, not a blank: it was pasted from a web page or a document"),
    ('\u{3000}', "a wide blank: use a plain one"),
    ('\u{200b}', "a blank of no width: remove it"),
    ('\u{200d}', "a joiner: remove it"),
];

/// Says what cannot be seen in a word that is not understood.
fn reveal(complaint: &mut Diagnostic) {
    if let Some((_, what)) = UNSEEN.iter().find(|(unseen, _)| complaint.text.contains(*unseen)) {
        complaint.help = Some(format!("in this word stands {what}"));
    }
}

/// Says of a word that is refused that it is the name of a definition that is not there.
fn undefined(complaint: &mut Diagnostic) {
    let begins = |(at, _): &(usize, &str)| {
        complaint.text.get(..*at).is_some_and(|before| before.ends_with([' ', '\'', '`', '"']))
    };
    let Some((at, _)) = complaint.text.match_indices('$').find(begins) else {
        return;
    };
    let rest = complaint.text.get(at + 1..).unwrap_or_default();
    let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    // Names with an underscore in front are keepalived's own.
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        complaint.help = Some(format!("`${name}` is not defined above; a definition is a line `${name}=...`"));
    }
}

/// Suggests a name that is defined for one that is not.
fn name(complaint: &mut Diagnostic, names: &[&str], word: &str) {
    if complaint.code == Code::Reference
        && let Some(near) = nearest(word, names).filter(|near| letters(near) != letters(word))
    {
        complaint.expected.get_or_insert(format!("did you mean `{near}`?"));
    }
}

/// A name without its digits: names that differ in these only are no slips of each other.
fn letters(name: &str) -> String {
    name.chars().filter(|c| !c.is_ascii_digit()).collect()
}

fn improve(complaint: &mut Diagnostic, keyword: &Keyword, branch: &Branch, word: &str) {
    let choices = match complaint.code {
        Code::Bool => BOOLS.to_vec(),
        _ => [keyword.arguments, keyword.range].into_iter().flat_map(alternatives).collect(),
    };
    let switch =
        SWITCHES.iter().find(|(_, others)| complaint.code == Code::Bool && others.contains(&&*word.to_lowercase()));
    let Some(near) = switch.map(|(ours, _)| *ours).or_else(|| nearest(word, &choices)) else {
        return;
    };
    // A password in the place of its kind is not to be guessed at.
    if branch.name() == "auth_type" && word.len() > 4 {
        return;
    }
    let before = complaint.expected.replace(format!("did you mean `{near}`?"));
    if complaint.help.is_none() {
        complaint.help = before.map(|before| format!("possible: {before}"));
    }
}

/// The words of `MASTER|BACKUP` and the like in a description.
fn alternatives(text: &'static str) -> Vec<&'static str> {
    let lists = text.split([' ', '[', ']', ';', ',', '(', ')']).filter(|list| list.contains('|'));
    lists.flat_map(|list| list.split('|')).filter(|word| !word.is_empty()).collect()
}

/// The choice that is the word in another case, or nearly the word.
fn nearest<'a>(word: &str, choices: &[&'a str]) -> Option<&'a str> {
    if word.chars().count() > 20 {
        return None;
    }
    let lower = word.to_lowercase();
    choices
        .iter()
        .map(|choice| (distance(&lower, &choice.to_lowercase()), *choice))
        .filter(|(distance, choice)| *distance <= choice.len().div_ceil(4))
        .min()
        .map(|(_, choice)| choice)
}
