//! The keywords that were read, block within block, each with its words and place: what the lint notes look at.
//!
//! The reader fills it in a configuration test only. It holds no values: those are in the finished configuration.

use std::borrow::Cow;

use super::lex;
use super::place::Place;
use super::table::{Block, Keyword, Owners};
use super::text::Text;

/// A keyword, or an entry of a block of entries.
struct Node {
    /// Number of blocks around it
    depth: usize,
    block: Block,
    keyword: Option<&'static Keyword>,
    unit: Text,
}

/// All keywords in the order of the text.
#[derive(Default)]
pub struct Outline {
    /// Whether somebody wants it
    wanted: bool,
    /// Whether the block outside which nothing stands is read by this process first
    first: bool,
    nodes: Vec<Node>,
}

impl Outline {
    /// An outline that keeps what it is given.
    pub fn wanted() -> Self {
        Outline { wanted: true, ..Outline::default() }
    }

    /// Whether somebody wants it: the configuration is only tested.
    pub fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// Adds a keyword that `reader` reads. A block that several processes read is kept for the first of them.
    pub fn keyword(&mut self, depth: usize, block: Block, keyword: &'static Keyword, reader: Owners, unit: &Text) {
        if depth == 0 {
            self.first = keyword.owners.first() == reader;
        }
        self.push(depth, block, Some(keyword), unit);
    }

    /// Adds an entry of a block of entries.
    pub fn entry(&mut self, depth: usize, block: Block, unit: &Text) {
        self.push(depth, block, None, unit);
    }

    fn push(&mut self, depth: usize, block: Block, keyword: Option<&'static Keyword>, unit: &Text) {
        if self.wanted && self.first {
            self.nodes.push(Node { depth, block, keyword, unit: unit.clone() });
        }
    }

    /// What stands outside blocks, with all that is in it.
    pub fn roots(&self) -> impl Iterator<Item = Branch<'_>> {
        branches(&self.nodes, 0)
    }

    /// Every keyword and entry, each with all that is in it.
    pub fn all(&self) -> impl Iterator<Item = Branch<'_>> {
        let from = |at| Branch::cut(self.nodes.get(at..)?);
        (0..self.nodes.len()).filter_map(from)
    }

    /// Every keyword of which `wanted` is true, each with all that is in it.
    pub fn keywords(&self, wanted: impl Fn(&'static Keyword) -> bool) -> impl Iterator<Item = Branch<'_>> {
        let is_wanted = move |node: &Node| node.keyword.is_some_and(&wanted);
        let found = self.nodes.iter().enumerate().filter(move |(_, node)| is_wanted(node));
        found.filter_map(|(at, _)| Branch::cut(self.nodes.get(at..)?))
    }

    /// The blocks outside of all others that this keyword opens.
    pub fn blocks(&self, name: &str) -> impl Iterator<Item = Branch<'_>> {
        let is_head = move |node: &Node| node.depth == 0 && node.keyword.is_some_and(|keyword| keyword.name == name);
        let found = self.nodes.iter().enumerate().filter(move |(_, node)| is_head(node));
        found.filter_map(|(at, _)| Branch::cut(self.nodes.get(at..)?))
    }
}

fn branches(nodes: &[Node], depth: usize) -> impl Iterator<Item = Branch<'_>> {
    let is_head = move |at: &usize| nodes.get(*at).is_some_and(|node| node.depth == depth);
    (0..nodes.len()).filter(is_head).filter_map(|at| Branch::cut(nodes.get(at..)?))
}

/// A keyword or an entry, and all that is in it.
#[derive(Clone, Copy)]
pub struct Branch<'a> {
    head: &'a Node,
    within: &'a [Node],
}

impl<'a> Branch<'a> {
    /// The first of `nodes` with those that belong to it.
    fn cut(nodes: &'a [Node]) -> Option<Self> {
        let (head, rest) = nodes.split_first()?;
        let length = rest.iter().take_while(|node| node.depth > head.depth).count();
        Some(Branch { head, within: rest.get(..length)? })
    }

    /// The block that it stands in.
    pub fn block(&self) -> Block {
        self.head.block
    }

    /// What the table says of it; `None` for an entry.
    pub fn keyword(&self) -> Option<&'static Keyword> {
        self.head.keyword
    }

    /// The keyword; empty for an entry.
    pub fn name(&self) -> &'static str {
        self.head.keyword.map_or("", |keyword| keyword.name)
    }

    /// The whole of it as it stands, with quotes.
    pub fn bytes(&self) -> &'a [u8] {
        self.head.unit.bytes()
    }

    /// Its words; that of a keyword is the first.
    pub fn words(&self) -> Vec<Cow<'a, str>> {
        let bytes = self.bytes();
        lex::words(bytes).words.into_iter().filter_map(|range| bytes.get(range)).map(String::from_utf8_lossy).collect()
    }

    /// A word, if there are so many.
    pub fn word(&self, index: usize) -> Option<Cow<'a, str>> {
        self.words().into_iter().nth(index)
    }

    /// Where a word is; the whole if there is none.
    pub fn place(&self, index: usize) -> Place {
        match lex::words(self.bytes()).words.get(index) {
            Some(range) => self.head.unit.place(range.start, range.len()),
            None => self.head.unit.place(0, self.head.unit.len()),
        }
    }

    /// What stands in it, each with all that is in that.
    pub fn children(&self) -> impl Iterator<Item = Branch<'a>> + use<'a> {
        branches(self.within, self.head.depth + 1)
    }

    /// The first keyword of this name in it.
    pub fn child(&self, name: &str) -> Option<Branch<'a>> {
        self.children().find(|branch| branch.name() == name)
    }

    /// All entries of the blocks of this name in it.
    pub fn entries(&self, name: &str) -> Vec<Branch<'a>> {
        self.children().filter(|branch| branch.name() == name).flat_map(|branch| branch.children()).collect()
    }
}
