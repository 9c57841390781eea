//! The head of an HTTP answer (RFC 9112), read piece by piece as it comes, in memory that does not grow.
//!
//! As strict as keepalived: the head ends with CR LF CR LF, and the status is three digits between two spaces. Called by
//! HTTP_GET and SSL_GET.

/// Longest head in bytes.
pub const MAX_HEAD: usize = 64 << 10;

/// So much of a line is kept: what we look for stands at its beginning.
const MAX_KEPT: usize = 256;

const END: &[u8; 4] = b"\r\n\r\n";

/// What is wanted of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Status code; `None` if the first line has none
    pub status: Option<u16>,
    /// `Content-Length`, the first that is a number
    pub length: Option<u64>,
}

/// How far a head has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It goes on
    More,
    /// It is complete; the body begins here in the last piece
    Done(Head, usize),
}

/// Reads one head.
#[derive(Clone, Debug)]
pub struct HeadReader {
    head: Head,
    is_first_line: bool,
    /// The beginning of the line that is being read
    line: Vec<u8>,
    /// How many bytes of [`END`] have just been read
    matched: usize,
    length: usize,
}

impl Default for HeadReader {
    fn default() -> Self {
        Self::new()
    }
}

impl HeadReader {
    /// Before the first byte.
    pub fn new() -> Self {
        let head = Head { status: None, length: None };
        HeadReader { head, is_first_line: true, line: Vec::new(), matched: 0, length: 0 }
    }

    /// Reads the next piece. After [`Progress::Done`] there is nothing more to read.
    pub fn feed(&mut self, piece: &[u8]) -> Progress {
        for (at, byte) in piece.iter().enumerate() {
            self.length = self.length.saturating_add(1);
            self.matched = match self.matched {
                matched if END.get(matched) == Some(byte) => matched + 1,
                _ => usize::from(*byte == b'\r'),
            };
            if *byte == b'\n' {
                self.end_line();
            } else if self.line.len() < MAX_KEPT {
                self.line.push(*byte);
            }
            if self.matched == END.len() {
                return Progress::Done(self.head, at + 1);
            }
        }
        Progress::More
    }

    /// Whether more than [`MAX_HEAD`] bytes have come, so that it is of no use to go on.
    pub fn is_too_long(&self) -> bool {
        self.length > MAX_HEAD
    }

    fn end_line(&mut self) {
        if self.is_first_line {
            self.head.status = status(&self.line);
            self.is_first_line = false;
        } else if self.head.length.is_none() {
            self.head.length = content_length(&self.line);
        }
        self.line.clear();
    }
}

/// Of `HTTP/1.0 200 OK`; the space after the code is needed, the words behind it are not.
fn status(line: &[u8]) -> Option<u16> {
    let start = line.iter().position(|byte| *byte == b' ')? + 1;
    let (code, rest) = line.get(start..)?.split_at_checked(3)?;
    (rest.first() == Some(&b' ')).then(|| number(code))?.and_then(|code| u16::try_from(code).ok())
}

fn content_length(line: &[u8]) -> Option<u64> {
    let (name, value) = line.split_at_checked("Content-Length:".len())?;
    name.eq_ignore_ascii_case(b"Content-Length:").then(|| number(value.trim_ascii()))?
}

fn number(digits: &[u8]) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| str::from_utf8(digits).ok()?.parse().ok())?
}

#[cfg(test)]
mod tests;
