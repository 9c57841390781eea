//! Where a piece of configuration text stands, and the files it was read from.
//!
//! Holds positions only; it never reads a file. Every other part of the room points at text through a [`Place`].

use std::ops::Range;
use std::rc::Rc;

/// Number of a file in [`Files`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// One position in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site {
    /// The file
    pub file: FileId,
    /// Physical line, from 1
    pub line: u32,
    /// Byte of the line, from 1
    pub column: u32,
}

/// A stretch of configuration text: where it takes effect and, for the value of a definition, where it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Where it takes effect
    pub at: Site,
    /// Length in bytes, at least 1
    pub length: u32,
    /// Where the text itself stands, if a definition brought it here
    pub written: Option<Site>,
}

impl Place {
    /// A place of one byte.
    pub fn point(at: Site) -> Self {
        Place { at, length: 1, written: None }
    }
}

/// A file as it was read.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The name that messages show: as given, or as the include pattern matched it
    pub name: String,
    /// Where it can be opened, seen from the current folder; the name, unless an include named it from another folder
    path: Option<String>,
    text: Rc<Vec<u8>>,
    /// Where each line begins
    starts: Rc<Vec<u32>>,
    /// The line that included it
    pub included_at: Option<Site>,
}

impl SourceFile {
    /// Wraps the bytes of a file, which are fewer than 4 GiB.
    pub fn new(name: String, text: Vec<u8>, included_at: Option<Site>) -> Self {
        let newlines = memchr::memchr_iter(b'\n', &text);
        let starts = Rc::new(std::iter::once(0).chain(newlines.map(|at| at as u32 + 1)).collect());
        SourceFile { name, path: None, text: Rc::new(text), starts, included_at }
    }

    /// The same file, included once more.
    pub fn again(&self, name: String, included_at: Option<Site>) -> Self {
        SourceFile { name, included_at, path: None, ..self.clone() }
    }

    /// Sets where it can be opened.
    pub fn opened_at(self, path: String) -> Self {
        SourceFile { path: Some(path), ..self }
    }

    /// Number of its lines, the one after the last line end included.
    pub fn lines(&self) -> usize {
        self.starts.len()
    }

    /// All its bytes.
    pub fn text(&self) -> &Rc<Vec<u8>> {
        &self.text
    }

    /// Where the physical line `number` (from 1) stands in [`text`](Self::text), without its line end; `None` past the
    /// end of the file.
    pub fn range(&self, number: u32) -> Option<Range<u32>> {
        let index = (number as usize).checked_sub(1)?;
        let start = *self.starts.get(index)?;
        let end = match self.starts.get(index + 1) {
            Some(next) => next - 1,
            None if start as usize == self.text.len() => return None,
            None => self.text.len() as u32,
        };
        Some(start..end)
    }

    /// The physical line `number` (from 1) without its line end; `None` past the end of the file.
    pub fn line(&self, number: u32) -> Option<&[u8]> {
        let range = self.range(number)?;
        self.text.get(range.start as usize..range.end as usize)
    }
}

/// All files of one configuration, in the order they were opened.
#[derive(Clone, Debug, Default)]
pub struct Files(Vec<SourceFile>);

impl Files {
    /// Adds a file.
    pub fn add(&mut self, file: SourceFile) -> FileId {
        self.0.push(file);
        FileId(self.0.len() as u32 - 1)
    }

    /// The file with this number.
    pub fn get(&self, id: FileId) -> Option<&SourceFile> {
        self.0.get(id.0 as usize)
    }

    /// Where they can be opened, in the order they were.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|file| file.path.as_deref().unwrap_or(&file.name))
    }

    /// Where a file can be opened, or a question mark.
    pub fn path(&self, id: FileId) -> &str {
        self.get(id).map_or("?", |file| file.path.as_deref().unwrap_or(&file.name))
    }

    /// Its name as keepalived says it, or a question mark.
    pub fn name(&self, id: FileId) -> &str {
        self.get(id).map_or("?", |file| file.name.as_str())
    }
}
