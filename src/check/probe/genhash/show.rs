//! What genhash shows of an answer with `-v`: titles, dumps, the head as text.

use std::io::{self, Write};

use super::PIECE;
use crate::wire::http::{HeadReader, Progress};

/// Bytes in a line of a dump.
const WIDTH: usize = 16;

/// Offsets have four digits, and begin again after this one.
const LAST_OFFSET: usize = 0xffff;

/// Shows an answer as it comes.
pub(super) struct Show<W> {
    out: W,
    reader: HeadReader,
    /// What has come of the head so far
    head: Vec<u8>,
    is_in_body: bool,
    /// How much of the body is to come, where the head tells that
    left: Option<u64>,
}

impl<W: Write> Show<W> {
    pub(super) fn new(out: W) -> Self {
        Show { out, reader: HeadReader::new(), head: Vec::new(), is_in_body: false, left: None }
    }

    /// How much is to be read next: the head is read into one piece as far as it fits.
    pub(super) fn room(&self) -> usize {
        PIECE.checked_sub(self.head.len()).filter(|room| *room > 0).unwrap_or(PIECE)
    }

    /// Shows the next piece; an empty one is the end.
    pub(super) fn take(&mut self, piece: &[u8]) -> io::Result<()> {
        if piece.is_empty() {
            return Ok(());
        }
        if self.is_in_body {
            return self.body(piece);
        }
        title(&mut self.out, "[    HTTP Header Buffer    ]")?;
        let Progress::Done(head, end) = self.reader.feed(piece) else {
            self.head.extend_from_slice(piece);
            return Ok(());
        };
        let (last, rest) = piece.split_at_checked(end).unwrap_or((piece, &[]));
        let mut text = std::mem::take(&mut self.head);
        text.extend_from_slice(last);
        dump(&mut self.out, &text)?;
        title(&mut self.out, "[ HTTP Header Ascii Buffer ]")?;
        self.out.write_all(&text)?;
        self.out.write_all(b"\n")?;
        (self.is_in_body, self.left) = (true, head.length);
        if !rest.is_empty() && head.length != Some(0) {
            title(&mut self.out, "[        HTML Buffer        ]")?;
        }
        self.body(rest)
    }

    /// What belongs to the page of a piece, which is what the digest is of.
    fn body(&mut self, piece: &[u8]) -> io::Result<()> {
        let mut page = piece;
        if let Some(left) = &mut self.left {
            let length = usize::try_from(*left).unwrap_or(usize::MAX).min(piece.len());
            page = piece.get(..length).unwrap_or(piece);
            *left -= length as u64;
        }
        dump(&mut self.out, page)
    }
}

/// A digest as it is shown before it is told.
pub(super) fn digest(digest: &[u8; 16], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    title(out, "[    HTML hash resulting    ]")?;
    dump(out, digest)?;
    title(out, "[ HTML hash final resulting ]")
}

/// As hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn title<W: Write + ?Sized>(out: &mut W, text: &str) -> io::Result<()> {
    const DASHES: &str = "-----------------------";
    writeln!(out, "{DASHES}{text}{DASHES}")
}

/// Lines of an offset, sixteen bytes, and what of them can be printed.
fn dump<W: Write + ?Sized>(out: &mut W, bytes: &[u8]) -> io::Result<()> {
    for (number, line) in bytes.chunks(WIDTH).enumerate() {
        write!(out, "{:04} ", (number * WIDTH) & LAST_OFFSET)?;
        for at in 0..WIDTH {
            match line.get(at) {
                Some(byte) => write!(out, " {byte:02x}")?,
                None => write!(out, "   ")?,
            }
            if at + 1 == WIDTH / 2 {
                write!(out, " -")?;
            }
        }
        let text: String = line.iter().map(|byte| shown(*byte)).collect();
        writeln!(out, "   {text:WIDTH$}")?;
    }
    Ok(())
}

fn shown(byte: u8) -> char {
    if (0x20..=0x7e).contains(&byte) { char::from(byte) } else { '.' }
}

#[cfg(test)]
mod tests;
