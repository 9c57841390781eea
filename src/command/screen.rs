//! Text for a terminal: what may stand there, its colours, and tables that fit.
//!
//! Names, causes and outputs come from files, from scripts and from the network: whatever they hold, a terminal is never
//! given a control character by them.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The widest that a table gets where no terminal says otherwise.
pub(super) const COLUMNS: usize = 100;

/// How text is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// Most columns of a line
    pub(super) columns: usize,
    /// With colours
    pub(super) colour: bool,
}

/// What a cell is about: its colour, which nobody needs to understand it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tone {
    #[default]
    Plain,
    Heading,
    Good,
    Warning,
    Bad,
}

/// One cell: lines below each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    lines: Vec<String>,
    tone: Tone,
}

/// A row of cells.
type Row = Vec<Cell>;

/// Rows of as many cells as there are headings. The last column takes the rest of the line, and is folded into it.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    rows: Vec<Row>,
}

/// The text with every character that is no printable one made harmless: blanks for those of a line's end, `?` for others.
pub(super) fn clean(text: &str) -> String {
    let harmless = |character: char| match character {
        '\n' | '\r' | '\t' => ' ',
        // Marks that change the direction of what follows have no width, as control characters.
        character if character.is_control() || character.width().unwrap_or(0) == 0 => '?',
        character => character,
    };
    text.chars().map(harmless).collect()
}

impl Look {
    /// The text in the colour of a tone.
    pub(super) fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Heading => "1",
            Tone::Good => "32",
            Tone::Warning => "33",
            Tone::Bad => "1;31",
        };
        if self.colour && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

impl Cell {
    /// One line.
    pub(super) fn new(text: impl AsRef<str>) -> Self {
        Cell { lines: vec![clean(text.as_ref())], tone: Tone::Plain }
    }

    /// Lines below each other.
    pub(super) fn lines<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> Self {
        Cell { lines: lines.into_iter().map(|line| clean(line.as_ref())).collect(), tone: Tone::Plain }
    }

    /// In a tone.
    pub(super) fn tone(self, tone: Tone) -> Self {
        Cell { tone, ..self }
    }

    fn width(&self) -> usize {
        self.lines.iter().map(|line| line.width()).max().unwrap_or(0)
    }
}

impl Table {
    /// With headings.
    pub(super) fn new(headings: &[&str]) -> Self {
        Table { rows: vec![headings.iter().map(|text| Cell::new(text).tone(Tone::Heading)).collect()] }
    }

    /// One more row.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Whether there are headings only.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.len() <= 1
    }

    /// The text, each line with its end.
    pub(super) fn text(&self, look: Look) -> String {
        let count = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let last = count.saturating_sub(1);
        let width = |at: usize| self.rows.iter().filter_map(|row| row.get(at)).map(Cell::width).max().unwrap_or(0);
        let mut widths: Vec<usize> = (0..last).map(width).collect();
        // The last column needs room for a word or two; the widest give way.
        let room = width(last).min(look.columns / 4);
        while widths.iter().map(|width| width + 2).sum::<usize>() + room > look.columns {
            match widths.iter_mut().max() {
                Some(widest) if *widest > 8 => *widest -= 1,
                _ => break,
            }
        }
        let rest = look.columns.saturating_sub(widths.iter().map(|width| width + 2).sum()).max(10);
        widths.push(rest);
        self.rows.iter().map(|row| lines(row, &widths, look)).collect()
    }
}

/// A row, as high as its highest cell.
fn lines(row: &Row, widths: &[usize], look: Look) -> String {
    let last = widths.len().saturating_sub(1);
    let folded: Vec<(Vec<String>, Tone)> = row
        .iter()
        .zip(widths)
        .enumerate()
        .map(|(at, (cell, width))| {
            let made = cell
                .lines
                .iter()
                .flat_map(|line| if at == last { fold(line, *width) } else { vec![cut(line, *width)] });
            (made.collect(), cell.tone)
        })
        .collect();
    let height = folded.iter().map(|(lines, _)| lines.len()).max().unwrap_or(0);
    let mut text = String::new();
    for number in 0..height {
        let mut line = String::new();
        let mut blanks = 0;
        for ((cell, tone), width) in folded.iter().zip(widths) {
            let part = cell.get(number).map_or("", String::as_str);
            if !part.is_empty() {
                line.push_str(&" ".repeat(blanks));
                line.push_str(&look.paint(*tone, part));
                blanks = 0;
            }
            blanks += width.saturating_sub(part.width()) + 2;
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// At most so wide; what is cut off leaves its mark.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut made = String::new();
    for character in text.chars() {
        if made.width() + character.width().unwrap_or(0) + 1 > width {
            break;
        }
        made.push(character);
    }
    made.push('…');
    made
}

/// Lines of words, each at most so wide; a word that is wider is cut.
pub(super) fn fold(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let word = cut(word, width);
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            *line = word;
        } else if line.width() + 1 + word.width() <= width {
            line.push(' ');
            line.push_str(&word);
        } else {
            lines.push(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests;
