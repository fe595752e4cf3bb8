//! A strict JSON reader over UTF-8 text that gives values on demand.
//!
//! Written for one purpose: fill typed members straight from the text, skip nothing unseen, and say where a fault is.
//! It allocates only for strings that hold escapes. Numbers stay text; unknown values are handed on as spans.

use std::borrow::Cow;

use super::scan::plain_end;
use crate::error::{Fault, ReadError};
use crate::limits::Limits;

pub(crate) type Result<T> = std::result::Result<T, ReadError>;

/// A place in a JSON text, moving forward.
#[derive(Debug)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    items: usize,
    limits: Limits,
}

/// A place to come back to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    at: usize,
    depth: usize,
    items: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], limits: Limits) -> Result<Self> {
        // Windows tools write a byte order mark; it says nothing.
        let start = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        if bytes.len() > limits.bytes_max {
            return Err(ReadError::new(
                limits.bytes_max,
                Fault::TooLong {
                    limit: limits.bytes_max,
                },
            ));
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| ReadError::new(error.valid_up_to(), Fault::Encoding))?;
        Ok(Self {
            text,
            at: start,
            depth: 0,
            items: 0,
            limits,
        })
    }

    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    /// Everything [`Self::reset`] needs to come back here.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            at: self.at,
            depth: self.depth,
            items: self.items,
        }
    }

    pub(crate) fn reset(&mut self, mark: Mark) {
        Mark {
            at: self.at,
            depth: self.depth,
            items: self.items,
        } = mark;
    }

    /// For the offset of a fault that was noticed later.
    pub(crate) fn back_to(&mut self, offset: usize) {
        self.at = offset;
    }

    pub(crate) fn fail<T>(&self, fault: Fault) -> Result<T> {
        Err(ReadError::new(self.at, fault))
    }

    fn syntax<T>(&self, what: &'static str) -> Result<T> {
        self.fail(Fault::Syntax(what))
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// The next byte that is no white space, not consumed.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        let bytes = self.bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    #[inline]
    fn take_if(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Refuses anything but white space up to the end.
    pub(crate) fn end(&mut self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => self.fail(Fault::Trailing),
        }
    }

    /// One more object or list item.
    #[inline]
    pub(crate) fn count(&mut self) -> Result<()> {
        self.items += 1;
        if self.items > self.limits.items_max {
            return self.fail(Fault::TooMany {
                limit: self.limits.items_max,
            });
        }
        Ok(())
    }

    fn descend(&mut self) -> Result<()> {
        if self.depth >= self.limits.depth_max {
            return self.fail(Fault::TooDeep {
                limit: self.limits.depth_max,
            });
        }
        self.depth += 1;
        Ok(())
    }

    /// Enters an object.
    pub(crate) fn open_object(&mut self) -> Result<()> {
        if self.peek() != Some(b'{') {
            return self.wrong_type("an object");
        }
        self.descend()?;
        self.at += 1;
        self.count()
    }

    /// The next member's name with the reader at its value, or `None` past the closing brace.
    #[inline]
    pub(crate) fn next_member(&mut self, first: bool) -> Result<Option<Cow<'a, str>>> {
        if self.take_if(b'}') {
            self.depth -= 1;
            return Ok(None);
        }
        if !first && !self.take_if(b',') {
            return self.syntax("a comma or a closing brace is missing");
        }
        if self.peek() != Some(b'"') {
            return self.syntax("a member name in quotes is missing");
        }
        let name = self.string_at_quote()?;
        if !self.take_if(b':') {
            return self.syntax("a colon after the member name is missing");
        }
        Ok(Some(name))
    }

    /// Enters an array.
    pub(crate) fn open_array(&mut self, expected: &'static str) -> Result<()> {
        if self.peek() != Some(b'[') {
            return self.wrong_type(expected);
        }
        self.descend()?;
        self.at += 1;
        Ok(())
    }

    /// Whether another item follows; past the closing bracket when not.
    pub(crate) fn next_item(&mut self, first: bool) -> Result<bool> {
        if self.take_if(b']') {
            self.depth -= 1;
            return Ok(false);
        }
        if !first && !self.take_if(b',') {
            return self.syntax("a comma or a closing bracket is missing");
        }
        self.count()?;
        Ok(true)
    }

    /// Takes a `null` when one is next.
    #[inline]
    pub(crate) fn take_null(&mut self) -> Result<bool> {
        if self.peek() != Some(b'n') {
            return Ok(false);
        }
        self.word("null")?;
        Ok(true)
    }

    pub(crate) fn boolean(&mut self) -> Result<bool> {
        match self.peek() {
            Some(b't') => self.word("true").map(|()| true),
            Some(b'f') => self.word("false").map(|()| false),
            _ => self.wrong_type("true or false"),
        }
    }

    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>> {
        match self.peek() {
            Some(b'"') => self.string_at_quote(),
            _ => self.wrong_type("a string"),
        }
    }

    /// A number, as its digits stand.
    pub(crate) fn number(&mut self) -> Result<&'a str> {
        match self.peek() {
            Some(b'-' | b'0'..=b'9') => self.number_here(),
            _ => self.wrong_type("a number"),
        }
    }

    /// Skips one whole value, checking it, and gives the text it spans.
    pub(crate) fn raw(&mut self) -> Result<&'a str> {
        let Some(_) = self.peek() else {
            return self.syntax("a value is missing");
        };
        let start = self.at;
        self.skip()?;
        Ok(self.span(start, self.at))
    }

    fn skip(&mut self) -> Result<()> {
        match self.peek() {
            Some(b'{') => {
                self.open_object()?;
                let mut first = true;
                while self.next_member(first)?.is_some() {
                    first = false;
                    self.skip()?;
                }
                Ok(())
            }
            Some(b'[') => {
                self.open_array("a list")?;
                let mut first = true;
                while self.next_item(first)? {
                    first = false;
                    self.skip()?;
                }
                Ok(())
            }
            Some(b'"') => self.string_at_quote().map(|_| ()),
            Some(b'-' | b'0'..=b'9') => self.number_here().map(|_| ()),
            Some(b't' | b'f') => self.boolean().map(|_| ()),
            Some(b'n') => self.word("null"),
            Some(_) => self.syntax("no JSON value starts with this character"),
            None => self.syntax("a value is missing"),
        }
    }

    /// Refuses what stands here because the element is `expected`.
    pub(crate) fn wrong_type<T>(&mut self, expected: &'static str) -> Result<T> {
        let found = match self.peek() {
            None => return self.syntax("the text ends too early"),
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "true or false",
            Some(b'n') => "null",
            Some(b'-' | b'0'..=b'9') => "a number",
            Some(_) => return self.syntax("no JSON value starts with this character"),
        };
        self.fail(Fault::WrongType { expected, found })
    }

    fn span(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    fn word(&mut self, word: &'static str) -> Result<()> {
        let end = self.at + word.len();
        if self.bytes().get(self.at..end) != Some(word.as_bytes()) {
            return self.syntax("no JSON word; only true, false and null are");
        }
        self.at = end;
        Ok(())
    }

    fn number_here(&mut self) -> Result<&'a str> {
        let bytes = self.bytes();
        let start = self.at;
        let mut at = start + usize::from(bytes.get(start) == Some(&b'-'));
        let digits = |from: usize| {
            bytes
                .get(from..)
                .unwrap_or_default()
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count()
        };
        let whole = digits(at);
        if whole == 0 || (whole > 1 && bytes.get(at) == Some(&b'0')) {
            return self.syntax("this is no JSON number");
        }
        at += whole;
        if bytes.get(at) == Some(&b'.') {
            let fraction = digits(at + 1);
            if fraction == 0 {
                return self.syntax("this is no JSON number");
            }
            at += 1 + fraction;
        }
        if matches!(bytes.get(at), Some(b'e' | b'E')) {
            at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
            let exponent = digits(at);
            if exponent == 0 {
                return self.syntax("this is no JSON number");
            }
            at += exponent;
        }
        self.at = at;
        Ok(self.span(start, at))
    }

    fn string_at_quote(&mut self) -> Result<Cow<'a, str>> {
        let start = self.at + 1;
        let end = plain_end(self.bytes(), start);
        match self.bytes().get(end) {
            Some(b'"') => {
                self.at = end + 1;
                Ok(Cow::Borrowed(self.span(start, end)))
            }
            Some(b'\\') => self.escaped_string(start, end),
            Some(_) => {
                self.at = end;
                self.syntax("a control character in a string must be escaped")
            }
            None => self.syntax("a string has no end"),
        }
    }

    /// The rest of a string whose first escape is at `at`.
    fn escaped_string(&mut self, start: usize, at: usize) -> Result<Cow<'a, str>> {
        let bytes = self.bytes();
        let mut text = String::from(self.span(start, at));
        self.at = at;
        loop {
            let run = self.at;
            self.at = plain_end(bytes, run);
            text.push_str(self.span(run, self.at));
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(text));
                }
                Some(b'\\') => {
                    let character = self.escape()?;
                    text.push(character);
                }
                Some(_) => return self.syntax("a control character in a string must be escaped"),
                None => return self.syntax("a string has no end"),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        let character = match self.bytes().get(self.at + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return self.syntax("an unknown escape in a string"),
        };
        self.at += 2;
        Ok(character)
    }

    fn unicode_escape(&mut self) -> Result<char> {
        let first = self.four_digits(self.at)?;
        if let Some(character) = char::from_u32(first) {
            self.at += 6;
            return Ok(character);
        }
        // Outside the basic plane a character is a high and a low surrogate.
        let second = self.four_digits(self.at + 6)?;
        if !(0xD800..0xDC00).contains(&first) || !(0xDC00..0xE000).contains(&second) {
            return self.syntax("half of a surrogate pair in a string");
        }
        let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        let Some(character) = char::from_u32(code) else {
            return self.syntax("half of a surrogate pair in a string");
        };
        self.at += 12;
        Ok(character)
    }

    /// The four hexadecimal digits of a `\u` escape that starts at `at`.
    fn four_digits(&self, at: usize) -> Result<u32> {
        let Some([b'\\', b'u', digits @ ..]) = self.bytes().get(at..at + 6) else {
            return self.syntax("a unicode escape is cut short");
        };
        let mut code = 0;
        for &digit in digits {
            let Some(value) = char::from(digit).to_digit(16) else {
                return self.syntax("a unicode escape needs four hexadecimal digits");
            };
            code = code * 16 + value;
        }
        Ok(code)
    }
}
