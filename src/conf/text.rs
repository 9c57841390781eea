//! Text that remembers where its bytes came from while it is cut, stripped and substituted.
//!
//! A line of a file is one piece of that file's bytes, and cutting it copies nothing; each substituted value adds a
//! piece. Used by `source` (which changes text) and by everything that points a message at a word. It never looks at what
//! the bytes mean.

use std::ops::Range;
use std::rc::Rc;

use super::place::{FileId, Place, Site};

/// Bytes from `at` up to the next piece come from one stretch of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    at: usize,
    /// Column (from 1) of the first byte where the text takes effect
    column: u32,
    /// Where the first byte was written, if that is elsewhere. All bytes of such a piece take effect at `column`.
    written: Option<Site>,
}

/// A line, or what is left of one. Small, and cheap to clone.
#[derive(Clone, Debug)]
pub struct Text {
    /// The file, or what substitution made
    buffer: Rc<Vec<u8>>,
    /// The part of the buffer that counts
    start: u32,
    end: u32,
    file: FileId,
    line: u32,
    /// Column of the first byte
    column: u32,
    /// `None`: the bytes come from one stretch of the file
    pieces: Option<Rc<Vec<Piece>>>,
}

impl Text {
    /// A stretch of the bytes of a file, which begins at `site`.
    pub fn of_file(file: &Rc<Vec<u8>>, range: Range<u32>, site: Site) -> Self {
        Text {
            buffer: Rc::clone(file),
            start: range.start,
            end: range.end.max(range.start),
            file: site.file,
            line: site.line,
            column: site.column,
            pieces: None,
        }
    }

    /// A line of a definition's value that was `written` elsewhere and takes effect at `used`.
    pub fn of_value(bytes: Vec<u8>, used: Site, written: Site) -> Self {
        let pieces = vec![Piece { at: 0, column: used.column, written: Some(written) }];
        Text {
            start: 0,
            end: bytes.len() as u32,
            buffer: Rc::new(bytes),
            file: used.file,
            line: used.line,
            column: used.column,
            pieces: Some(Rc::new(pieces)),
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Whether this byte is all there is.
    pub fn is(&self, byte: u8) -> bool {
        self.len() == 1 && self.bytes() == [byte]
    }

    fn pieces(&self) -> &[Piece] {
        self.pieces.as_ref().map_or(&[], |pieces| pieces)
    }

    fn piece_at(&self, offset: usize) -> Piece {
        let pieces = self.pieces();
        let after = pieces.partition_point(|piece| piece.at <= offset);
        let whole = Piece { at: 0, column: self.column, written: None };
        after.checked_sub(1).and_then(|index| pieces.get(index)).copied().unwrap_or(whole)
    }

    /// Where the byte at `offset` takes effect.
    pub fn site(&self, offset: usize) -> Site {
        let piece = self.piece_at(offset);
        let into = match piece.written {
            Some(_) => 0,
            None => offset.saturating_sub(piece.at) as u32,
        };
        Site { file: self.file, line: self.line, column: piece.column + into }
    }

    fn written(&self, offset: usize) -> Option<Site> {
        let piece = self.piece_at(offset);
        let mut site = piece.written?;
        site.column += offset.saturating_sub(piece.at) as u32;
        Some(site)
    }

    /// The place of `length` bytes from `offset` on.
    pub fn place(&self, offset: usize, length: usize) -> Place {
        let at = self.site(offset);
        let end = self.site((offset + length).saturating_sub(1));
        Place { at, length: end.column.saturating_sub(at.column) + 1, written: self.written(offset) }
    }

    /// Where the text was written: where it takes effect unless a definition brought it.
    pub fn origin(&self, offset: usize) -> Site {
        self.written(offset).unwrap_or_else(|| self.site(offset))
    }

    /// Keeps the first `length` bytes.
    pub fn truncate(&mut self, length: usize) {
        self.end = self.end.min(self.start.saturating_add(length as u32));
    }

    /// Cuts the text in two; the part from `offset` on is returned.
    pub fn split_off(&mut self, offset: usize) -> Text {
        let mut rest = self.clone();
        rest.drop_front(offset);
        self.truncate(offset);
        rest
    }

    /// Drops the first `count` bytes.
    pub fn drop_front(&mut self, count: usize) {
        if self.pieces.is_some() && count > 0 {
            self.replace(0..count, &[], None);
        } else {
            let count = count.min(self.len()) as u32;
            self.start += count;
            self.column += count;
        }
    }

    /// Replaces the bytes of `range` by the value of a definition that was `written` at the given place (`None` when
    /// nothing is inserted, or the value has no place).
    pub fn replace(&mut self, range: Range<usize>, value: &[u8], written: Option<Site>) {
        let start = range.start.min(self.len());
        let end = range.end.clamp(start, self.len());
        let used = self.site(start);
        let first = [self.piece_at(0)];
        let before = if self.pieces().is_empty() { &first[..] } else { self.pieces() };
        let mut pieces: Vec<Piece> = Vec::with_capacity(before.len() + 2);
        pieces.extend(before.iter().filter(|piece| piece.at < start));
        if !value.is_empty() {
            pieces.push(Piece { at: start, column: used.column, written: written.or(Some(used)) });
        }
        let resumed = self.piece_at(end);
        let into = (end - resumed.at.min(end)) as u32;
        pieces.push(Piece {
            at: start + value.len(),
            column: match resumed.written {
                Some(_) => resumed.column,
                None => resumed.column + into,
            },
            written: resumed.written.map(|site| Site { column: site.column + into, ..site }),
        });
        let later = before.iter().filter(|piece| piece.at > end);
        pieces.extend(later.map(|piece| Piece { at: piece.at - (end - start) + value.len(), ..*piece }));
        let (kept, rest) = self.bytes().split_at_checked(start).unwrap_or_default();
        let bytes = [kept, value, rest.get(end - start..).unwrap_or_default()].concat();
        (self.start, self.end) = (0, bytes.len() as u32);
        self.buffer = Rc::new(bytes);
        self.pieces = Some(Rc::new(pieces));
    }
}

#[cfg(test)]
mod tests;
