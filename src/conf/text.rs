//! Text that remembers where its bytes came from while it is cut, stripped and substituted.
//!
//! A line of a file is one piece; each substituted value adds one. Used by `source` (which changes text) and by
//! everything that points a message at a word. It never looks at what the bytes mean.

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

/// A line, or what is left of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    bytes: Vec<u8>,
    pieces: Vec<Piece>,
    file: FileId,
    line: u32,
}

impl Text {
    /// A stretch of a physical line that begins at `site`.
    pub fn of_line(bytes: Vec<u8>, site: Site) -> Self {
        Text {
            bytes,
            pieces: vec![Piece { at: 0, column: site.column, written: None }],
            file: site.file,
            line: site.line,
        }
    }

    /// A line of a definition's value that was `written` elsewhere and takes effect at `used`.
    pub fn of_value(bytes: Vec<u8>, used: Site, written: Site) -> Self {
        Text {
            bytes,
            pieces: vec![Piece { at: 0, column: used.column, written: Some(written) }],
            file: used.file,
            line: used.line,
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn piece_at(&self, offset: usize) -> Piece {
        let after = self.pieces.partition_point(|piece| piece.at <= offset);
        after.checked_sub(1).and_then(|index| self.pieces.get(index)).copied().unwrap_or(Piece {
            at: 0,
            column: 1,
            written: None,
        })
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
        self.bytes.truncate(length);
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
        if count > 0 {
            self.replace(0..count, &[], None);
        }
    }

    /// Replaces the bytes of `range` by the value of a definition that was `written` at the given place (`None` when
    /// nothing is inserted, or the value has no place).
    pub fn replace(&mut self, range: std::ops::Range<usize>, value: &[u8], written: Option<Site>) {
        let start = range.start.min(self.bytes.len());
        let end = range.end.clamp(start, self.bytes.len());
        let used = self.site(start);
        let mut pieces: Vec<Piece> = Vec::with_capacity(self.pieces.len() + 2);
        pieces.extend(self.pieces.iter().filter(|piece| piece.at < start));
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
        let later = self.pieces.iter().filter(|piece| piece.at > end);
        pieces.extend(later.map(|piece| Piece { at: piece.at - (end - start) + value.len(), ..*piece }));
        self.pieces = pieces;
        self.bytes.splice(start..end, value.iter().copied());
    }
}

#[cfg(test)]
mod tests;
