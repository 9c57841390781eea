//! Units into statements: looks keywords up block by block and lets them write their raw values.
//!
//! Each process of keepalived reads the whole text for itself and skips the blocks of the others; how a misplaced brace
//! is understood depends on that. So the text is read once and then passed over once for every process, with the same
//! consequences; what is found twice is reported once.

mod values;

use std::borrow::Cow;

use super::apply;
use super::consolidated;
use super::diagnostic::{Code, Diagnostic, Report, Weight, conceal};
use super::environment::Environment;
use super::lex::{self, Words};
use super::outline::Outline;
use super::place::{Files, Place};
use super::raw::Raw;
use super::source::{Checks, Source};
use super::table::{self, Action, Block, Keyword, Owners};
use super::text::Text;
use crate::conf::hash::Map;

/// A keyword lacks a word that it cannot do without: reading stops.
#[derive(Debug)]
pub struct MissingWord(Box<Diagnostic>);

/// How applying a keyword ends.
pub type Outcome = Result<(), MissingWord>;
/// What a keyword, or an entry of a block, does.
pub type Apply = fn(&mut Reader, &Statement) -> Outcome;
/// What the end of a block does. The place is that of the keyword that opened it.
pub type Close = fn(&mut Reader, Place);

/// Most unknown words for which a suggestion is worked out.
const SUGGESTIONS: usize = 200;

/// A unit with its words.
pub struct Statement {
    unit: Text,
    words: Words,
    /// What the table says of its first word; `None` for an entry of a block
    known: Option<&'static Keyword>,
}

impl Statement {
    fn new(unit: Text) -> Self {
        let words = lex::words(unit.bytes());
        Statement { unit, words, known: None }
    }

    /// Number of words, with the keyword.
    pub fn len(&self) -> usize {
        self.words.words.len()
    }

    /// The unit as it stands, with quotes.
    pub fn bytes(&self) -> &[u8] {
        self.unit.bytes()
    }

    /// A word, if there are so many; the keyword is 0.
    pub fn word(&self, index: usize) -> Option<&[u8]> {
        let range = self.words.words.get(index)?;
        self.unit.bytes().get(range.clone())
    }

    /// A word as text, if there are so many.
    pub fn get(&self, index: usize) -> Option<Cow<'_, str>> {
        self.word(index).map(String::from_utf8_lossy)
    }

    /// A word as text that has to be there.
    pub fn text(&self, index: usize) -> Result<Cow<'_, str>, MissingWord> {
        self.get(index).ok_or_else(|| self.missing(index))
    }

    /// The first word.
    pub fn keyword(&self) -> Cow<'_, str> {
        self.get(0).unwrap_or_default()
    }

    /// Where a word is; the end of the unit if there is none.
    pub fn place(&self, index: usize) -> Place {
        match self.words.words.get(index) {
            Some(range) => self.unit.place(range.start, range.len()),
            None => self.unit.place(self.unit.len(), 1),
        }
    }

    /// What comes of a line that is ignored.
    pub fn ignored(&self) -> String {
        let plain = |default: &&str| default.starts_with(|c: char| c.is_ascii_digit());
        match self.known.map(|keyword| keyword.default).filter(plain) {
            Some(default) => format!("the line is ignored (default: {default})"),
            None => "the line is ignored".to_string(),
        }
    }

    /// Where the unit is.
    pub fn whole(&self) -> Place {
        self.unit.place(0, self.unit.len())
    }

    /// The fault that the word at `index` is not there.
    pub fn missing(&self, index: usize) -> MissingWord {
        let line = self.keyword();
        let text = match index.checked_sub(1).and_then(|before| self.get(before)) {
            Some(before) => format!(
                "*** Configuration line starting `{line}` is missing a parameter after keyword `{before}` at word \
                 position {}",
                index + 1
            ),
            None => format!(
                "*** Configuration line starting `{line}` is missing a parameter at word position {}",
                index + 1
            ),
        };
        MissingWord(Box::new(
            Diagnostic::error(Code::MissingWord, text)
                .title(format!("`{line}` needs a value"))
                .at(self.place(0))
                .effect("reading stops here: the daemon does not start with this configuration")
                .help("give the value, or remove the line")
                .weighing(Weight::Stop),
        ))
    }
}

/// Where units come from.
enum Feed<'a> {
    /// From the files; they are kept for the further passes
    Files(Box<Source<'a>>),
    /// From what was read already
    Kept(usize),
}

/// Where the blocks of the kept units end, so that no process has to look at blocks that it does not read.
#[derive(Default)]
struct Braces {
    /// Each `{` with its `}`; `None`: not closed yet
    pairs: Vec<(usize, Option<usize>)>,
    /// Which of them are open
    open: Vec<usize>,
}

impl Braces {
    /// Takes down a unit that is kept at `index`, which is higher than those before.
    fn note(&mut self, unit: &Text, index: usize) {
        if unit.is(b'{') {
            self.open.push(self.pairs.len());
            self.pairs.push((index, None));
        } else if unit.is(b'}')
            && let Some(pair) = self.open.pop().and_then(|at| self.pairs.get_mut(at))
        {
            pair.1 = Some(index);
        }
    }

    /// Where the block ends that the `{` at `open` begins.
    fn end(&self, open: usize) -> Option<usize> {
        let at = self.pairs.binary_search_by_key(&open, |(open, _)| *open).ok()?;
        self.pairs.get(at)?.1
    }
}

/// One reading of a configuration.
pub struct Reader<'a> {
    /// The machine
    pub env: &'a dyn Environment,
    /// What the keywords wrote
    pub raw: Raw,
    /// Keeps what a configuration test wants to look at
    pub outline: Outline,
    feed: Feed<'a>,
    files: Files,
    units: Vec<Text>,
    braces: Braces,
    report: Report,
    owner: Owners,
    /// A block is to be skipped from its `{` on
    skip_next: bool,
    /// What is left of the block is to be skipped
    skip_rest: bool,
    /// While the end of a block is dealt with: its `}`
    end: Option<Place>,
    /// The blocks around the current statement, with what opened them
    open: Vec<(Block, Place)>,
    suggestions: Map<(Block, Vec<u8>), Option<&'static str>>,
    failed_include: bool,
}

impl<'a> Reader<'a> {
    /// A reader of what the source gives.
    pub fn new(env: &'a dyn Environment, source: Source<'a>, report: Report) -> Self {
        Reader {
            env,
            raw: Raw::default(),
            outline: Outline::default(),
            feed: Feed::Files(Box::new(source)),
            files: Files::default(),
            units: Vec::new(),
            braces: Braces::default(),
            skip_rest: false,
            end: None,
            report,
            owner: Owners::CORE,
            skip_next: false,
            open: Vec::new(),
            suggestions: Map::default(),
            failed_include: false,
        }
    }

    /// What was complained of and read. `last`: the process ends soon, and its end frees the rest faster than we could.
    pub fn finish(mut self, last: bool) -> (Report, Files) {
        let parts = (std::mem::take(&mut self.report), std::mem::take(&mut self.files));
        if last {
            std::mem::forget(self);
        }
        parts
    }

    /// Whether an include failed in a way that stops the daemon.
    pub fn failed_include(&self) -> bool {
        self.failed_include
    }

    /// Passes over the whole text for one process.
    pub fn pass(&mut self, owner: Owners) -> Outcome {
        self.owner = owner;
        self.raw.begin_pass();
        self.skip_next = false;
        let outcome = self.block(Block::Root, 0, false);
        if let Feed::Files(source) = &mut self.feed {
            // Where reading stopped, the rest may well close what is open.
            if outcome.is_ok() {
                source.finish(&mut self.report);
            }
            self.failed_include = source.failed_include();
            if let Feed::Files(source) = std::mem::replace(&mut self.feed, Feed::Kept(0)) {
                self.files = source.into_files();
            }
        }
        self.feed = Feed::Kept(0);
        if let Err(MissingWord(diagnostic)) = outcome {
            let copy = MissingWord(diagnostic.clone());
            self.report.push(*diagnostic);
            return Err(copy);
        }
        Ok(())
    }

    /// All that was read, as one text.
    pub fn consolidated(&self) -> String {
        consolidated::text(&self.units, &self.files)
    }

    fn next(&mut self) -> Option<Text> {
        match &mut self.feed {
            Feed::Files(source) => {
                let unit = source.next_unit(&mut self.report)?;
                self.braces.note(&unit, self.units.len());
                self.units.push(unit.clone());
                Some(unit)
            }
            Feed::Kept(next) => {
                let unit = self.units.get(*next)?;
                *next += 1;
                Some(unit.clone())
            }
        }
    }

    /// Goes behind the `}` of a block whose `{` was just read; nothing in between is looked at. Whether there is one.
    fn skip(&mut self) -> bool {
        let mut open = 1_u32;
        let mut ends = |unit: &Text| {
            open += u32::from(unit.is(b'{'));
            open -= u32::from(unit.is(b'}'));
            open == 0
        };
        match &mut self.feed {
            Feed::Files(source) => {
                while let Some(unit) = source.next_unit(&mut self.report) {
                    let end = ends(&unit);
                    self.braces.note(&unit, self.units.len());
                    self.units.push(unit);
                    if end {
                        return true;
                    }
                }
                false
            }
            Feed::Kept(next) => {
                // Usually the `{` was read last.
                if let Some(end) = next.checked_sub(1).and_then(|open| self.braces.end(open)) {
                    *next = end + 1;
                    return true;
                }
                let rest = self.units.get(*next..).unwrap_or_default();
                let end = rest.iter().position(ends);
                *next += end.map_or(rest.len(), |end| end + 1);
                end.is_some()
            }
        }
    }

    /// The process that reads.
    pub fn owner(&self) -> Owners {
        self.owner
    }

    /// Where reading has come to: at the end of a block its `}`.
    fn here(&self) -> Option<Place> {
        let unit = match self.feed {
            Feed::Files(_) => self.units.last(),
            Feed::Kept(next) => self.units.get(next.checked_sub(1)?),
        };
        unit.map(|unit| unit.place(0, unit.len()))
    }

    /// Splits a unit; complains of a quote that is not closed unless that was said already.
    fn statement(&mut self, unit: Text, block: Block) -> Statement {
        let statement = Statement::new(unit);
        if let Some(offset) = statement.words.unmatched {
            let again = statement.len() > 1
                && statement.word(0).and_then(|word| table::find(block, word)).is_some_and(Keyword::takes_script);
            let place = statement.unit.place(offset, 1);
            if !again && !self.report.has_on_line(Code::Quote, place.at) {
                let shown = String::from_utf8_lossy(statement.bytes()).into_owned();
                self.complain(
                    Diagnostic::error(Code::Quote, format!("Unmatched quote: '{shown}'"))
                        .title("this quote is never closed")
                        .at(place)
                        .effect("everything from the quote on is lost")
                        .help("a backslash does not protect a double quote here"),
                );
            }
        }
        statement
    }

    /// Reads the statements of a block up to its end. Whether it was skipped.
    fn block(&mut self, block: Block, depth: usize, mut need_brace: bool) -> Result<bool, MissingWord> {
        while let Some(unit) = self.next() {
            let (opens, closes) = (unit.is(b'{'), unit.is(b'}'));
            if std::mem::take(&mut self.skip_next) && opens {
                need_brace = false;
                if self.skip() && depth > 0 {
                    return Ok(true);
                }
                continue;
            }
            if std::mem::take(&mut need_brace) {
                if opens && depth > 0 {
                    continue;
                }
                self.complain(
                    Diagnostic::error(Code::MissingBrace, "Missing '{' at beginning of configuration block")
                        .title(format!("a `{{` is missing before this: {} is a block", block.name()))
                        .at(unit.place(0, unit.len())),
                );
            } else if opens {
                self.unexpected_brace(&unit);
                continue;
            }
            if closes && depth > 0 {
                return Ok(false);
            }
            self.keyword(unit, block, depth)?;
            if std::mem::take(&mut self.skip_rest) && self.skip() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn unexpected_brace(&mut self, unit: &Text) {
        self.complain(
            Diagnostic::error(Code::ExtraBrace, "Unexpected '{' - ignoring")
                .title("no block begins here")
                .at(unit.place(0, 1))
                .effect("the brace is ignored; the `}` that belongs to it closes the block around it"),
        );
    }

    /// Looks a keyword up and does what it says.
    fn keyword(&mut self, unit: Text, block: Block, depth: usize) -> Outcome {
        let mut statement = self.statement(unit, block);
        let Some(name) = statement.word(0) else {
            return Ok(());
        };
        let Some(keyword) = table::find(block, name) else {
            self.unknown(&statement, block);
            return Ok(());
        };
        statement.known = Some(keyword);
        if block == Block::Root && !keyword.owners.meets(self.owner) {
            // A block whose `{` is missing is not skipped: its statements are looked up out here.
            self.skip_next = true;
            return Ok(());
        }
        self.outline.keyword(depth, block, keyword, self.owner, &statement.unit);
        match keyword.action {
            Action::Set(apply) => apply(self, &statement)?,
            Action::Lines(open, entry) => {
                open(self, &statement)?;
                // One that is to be skipped ends the block around it, and takes that block's end with it.
                if !self.skip_next {
                    self.lines(&statement, block, keyword, entry)?;
                }
            }
            Action::Block { of, open, close } => {
                open(self, &statement)?;
                self.open.push((of, statement.place(0)));
                let skipped = self.block(of, depth + 1, true);
                self.open.pop();
                if !skipped? {
                    self.end = self.here();
                    close(self, statement.place(0));
                    self.end = None;
                }
            }
        }
        Ok(())
    }

    /// Reads the entries of a block up to its end.
    fn lines(&mut self, statement: &Statement, block: Block, keyword: &Keyword, entry: Apply) -> Outcome {
        if let Some(word) = statement.get(1).filter(|_| !keyword.takes_name()) {
            let text = format!("Block {} has extra parameters {word} ...", statement.keyword());
            self.complain(
                Diagnostic::error(Code::BlockWords, text)
                    .at(statement.place(1))
                    .effect("what follows, up to the next `}`, is read as entries of this block")
                    .help(format!("write `{} {{`, then one entry a line", statement.keyword())),
            );
        }
        let mut first = true;
        let mut empty = true;
        while let Some(unit) = self.next() {
            if std::mem::take(&mut first) {
                if unit.is(b'{') {
                    continue;
                }
                let text = format!("'{{' missing from beginning of block {}", statement.keyword());
                self.complain(Diagnostic::note(Code::MissingBrace, text).at(unit.place(0, unit.len())));
            }
            if unit.is(b'}') {
                break;
            }
            let line = self.statement(unit, block);
            if line.len() > 0 {
                empty = false;
                self.outline.entry(self.open.len() + 1, block, &line.unit);
                entry(self, &line)?;
            }
        }
        let text = apply::when_empty(self, block, keyword.name).filter(|_| empty);
        if let Some(text) = text {
            self.end = self.here();
            self.complain(Diagnostic::error(Code::EmptyBlock, text).at(statement.place(0)));
            self.end = None;
        }
        Ok(())
    }

    /// Complains of a keyword that is not known here.
    fn unknown(&mut self, statement: &Statement, block: Block) {
        let word = statement.keyword();
        let place = statement.place(0);
        if word == "}" {
            if !self.report.has_on_line(Code::ExtraBrace, place.at) {
                self.complain(
                    Diagnostic::error(Code::ExtraBrace, "Unknown keyword '}'")
                        .title("this `}` closes nothing: the block that it belongs to was closed before")
                        .at(place),
                );
            }
            return;
        }
        let within = match block {
            Block::Root => "outside any block".to_string(),
            block => format!("in {}", block.name()),
        };
        let shown = conceal(word.as_bytes());
        let mut diagnostic = Diagnostic::error(Code::UnknownKeyword, format!("Unknown keyword '{shown}'"))
            .title(format!("unknown keyword `{shown}` {within}"))
            .at(place)
            .confidential(matches!(block, Block::Authentication | Block::AuthHmac))
            .effect("the line is ignored");
        let key = (block, statement.word(0).unwrap_or_default().to_vec());
        let few = self.suggestions.len() < SUGGESTIONS;
        let suggestion = match self.suggestions.get(&key) {
            Some(known) => *known,
            None if few => {
                let found = table::suggestion(block, &word);
                self.suggestions.insert(key, found);
                found
            }
            None => None,
        };
        if let Some(name) = suggestion {
            diagnostic = diagnostic.expected(format!("did you mean `{name}`?"));
        } else if let Some(help) = self.where_it_belongs(&word) {
            diagnostic = diagnostic.help(help);
        }
        self.complain(diagnostic);
    }

    /// What is probably wrong with a word that is known in another block.
    fn where_it_belongs(&self, word: &str) -> Option<String> {
        let around = self.open.iter().rev().skip(1).map(|(block, _)| *block);
        let fits = |block: &Block| table::find(*block, word.as_bytes()).is_some();
        let outer = (!self.open.is_empty()).then_some(Block::Root);
        let Some(block) = around.chain(outer).find(fits) else {
            let other = table::blocks_with(word.as_bytes()).next()?;
            return Some(match other {
                Block::Root => format!("`{word}` stands outside blocks"),
                other => format!("`{word}` belongs into {}", other.name()),
            });
        };
        let (open, place) = self.open.last()?;
        let place = format!("{} of line {} is still open", open.name(), place.at.line);
        Some(match block {
            Block::Root => format!("`{word}` stands outside blocks: a `}}` seems to be missing above, {place}"),
            block => format!("`{word}` belongs into {}: a `}}` seems to be missing above, {place}", block.name()),
        })
    }

    /// Adds a complaint.
    pub fn complain(&mut self, mut diagnostic: Diagnostic) {
        diagnostic.noticed = self.end.map(|end| end.at);
        self.report.push(diagnostic);
    }

    /// Complains of the word at `index`, whose line is ignored.
    pub fn refuse(&mut self, statement: &Statement, index: usize, code: Code, text: impl Into<String>) {
        let diagnostic = Diagnostic::error(code, text).at(statement.place(index));
        self.complain(diagnostic.effect(statement.ignored()));
    }

    /// Skips the block that begins here, up to its end.
    pub fn skip_block(&mut self) {
        self.skip_next = true;
    }

    /// Skips what is left of the block around the current statement; its end means nothing.
    pub fn skip_rest(&mut self) {
        self.skip_rest = true;
    }

    /// Changes what counts as a fault of includes; only the first pass reads files.
    pub fn change_checks(&mut self, change: impl FnOnce(&mut Checks)) {
        if let Feed::Files(source) = &mut self.feed {
            source.set_checks(change);
        }
    }
}
