//! Records and their cells.

use std::iter::Peekable;
use std::str::Chars;

/// How CSV is written, in pandas's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    /// Between two cells.
    pub separator: char,
    /// Around cells with separators or line ends in them.
    pub quote: char,
    /// Whether a doubled quote is one quote.
    pub doubled: bool,
    /// Takes the character behind it as it is.
    pub escape: Option<char>,
    /// Ends a line; the usual ends, if it is not said.
    pub end: Option<char>,
    /// Whether spaces behind a separator are left out.
    pub skip_initial_space: bool,
    /// Whether lines with nothing but space in them are no records.
    pub skip_blank_lines: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            separator: ',',
            quote: '"',
            doubled: true,
            escape: None,
            end: None,
            skip_initial_space: false,
            skip_blank_lines: true,
        }
    }
}

/// The records of a text, one after the other.
#[derive(Clone)]
pub struct Records<'t> {
    rest: Peekable<Chars<'t>>,
    dialect: Dialect,
    line: usize,
}

impl<'t> Records<'t> {
    /// The records of a text.
    pub fn new(text: &'t str, dialect: Dialect) -> Self {
        Self { rest: text.chars().peekable(), dialect, line: 0 }
    }

    /// The bytes that were not read yet.
    pub(super) fn left(&self) -> usize {
        self.rest.clone().map(char::len_utf8).sum()
    }

    /// The line that the last record ended in, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The cells of the next record; an error if a quote is never closed.
    pub fn next_record(&mut self) -> Result<Option<Vec<String>>, String> {
        while self.rest.peek().is_some() {
            let (cells, is_blank) = self.record()?;
            if !(is_blank && self.dialect.skip_blank_lines) {
                return Ok(Some(cells));
            }
        }
        Ok(None)
    }

    /// The cells up to the end of the line, and whether there is nothing but space in it.
    fn record(&mut self) -> Result<(Vec<String>, bool), String> {
        let (mut cells, mut cell) = (Vec::new(), String::new());
        let (mut quoted, mut was_quoted) = (false, false);
        let Dialect { separator, quote, doubled, escape, skip_initial_space, .. } = self.dialect;
        self.line += 1;
        let begins = self.line;
        loop {
            let Some(c) = self.rest.next() else {
                if quoted {
                    return Err(format!("the quote that begins in line {begins} is never closed"));
                }
                break;
            };
            if Some(c) == escape && c != quote {
                cell.extend(self.rest.next());
            } else if quoted {
                self.line += usize::from(c == '\n');
                if c != quote || (doubled && self.rest.next_if_eq(&quote).is_some()) {
                    cell.push(c);
                } else {
                    quoted = false;
                }
            } else if c == quote && cell.is_empty() && !was_quoted {
                (quoted, was_quoted) = (true, true);
            } else if c == separator {
                cells.push(std::mem::take(&mut cell));
                was_quoted = false;
            } else if self.is_end(c) {
                break;
            } else if !(c == ' ' && skip_initial_space && cell.is_empty() && !was_quoted) {
                cell.push(c);
            }
        }
        let is_blank = cells.is_empty() && cell.trim().is_empty() && !was_quoted;
        cells.push(cell);
        Ok((cells, is_blank))
    }

    /// Whether a character ends a line; takes what belongs to it.
    fn is_end(&mut self, c: char) -> bool {
        match self.dialect.end {
            Some('\n') if c == '\r' => self.rest.next_if_eq(&'\n').is_some(),
            Some(end) => c == end,
            None if c == '\r' => {
                self.rest.next_if_eq(&'\n');
                true
            }
            None => c == '\n',
        }
    }
}
