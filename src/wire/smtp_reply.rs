//! Replies of a mail server (RFC 5321 section 4.2), line by line as they come.
//!
//! Used by SMTP_CHECK. Text after the code does not count, its length and the number of lines are bounded.

/// Longest line in bytes, its end included (RFC 5321 section 4.5.3.1.5).
pub const LONGEST_LINE: usize = 512;
/// The most lines of one reply.
const MOST_LINES: usize = 128;

/// What has come of a reply.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// The line that has not ended
    line: Vec<u8>,
    lines: usize,
    /// Of the lines before
    code: Option<u16>,
}

/// A reply that cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no reply of SMTP")]
pub struct Malformed;

impl Reply {
    /// Takes what has come. Gives the code of the reply as soon as its last line has ended; what is behind that line is
    /// dropped.
    ///
    /// # Errors
    /// If a line has no code, or another one than the line before, or there is too much.
    pub fn take(&mut self, mut bytes: &[u8]) -> Result<Option<u16>, Malformed> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (head, rest) = bytes.split_at_checked(end + 1).unwrap_or((bytes, &[]));
            self.add(head)?;
            bytes = rest;
            let line = std::mem::take(&mut self.line);
            let (code, is_last) = parse(&line).ok_or(Malformed)?;
            self.lines += 1;
            if self.code.replace(code).is_some_and(|before| before != code) || self.lines > MOST_LINES {
                return Err(Malformed);
            }
            if is_last {
                return Ok(Some(code));
            }
        }
        self.add(bytes)?;
        Ok(None)
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        if self.line.len() + bytes.len() > LONGEST_LINE {
            return Err(Malformed);
        }
        self.line.extend(bytes);
        Ok(())
    }
}

/// The code of a line, and whether it is the last of its reply. Behind the code comes a blank, a hyphen if more lines follow,
/// or the end of the line.
fn parse(line: &[u8]) -> Option<(u16, bool)> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (digits, text) = line.split_at_checked(3)?;
    let code =
        digits.iter().try_fold(0, |code, byte| byte.is_ascii_digit().then(|| code * 10 + u16::from(byte - b'0')))?;
    match text.first() {
        None | Some(b' ') => Some((code, true)),
        Some(b'-') => Some((code, false)),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests;
