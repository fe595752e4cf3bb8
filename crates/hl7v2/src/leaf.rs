//! Every populated leaf of a message, in order: what a ledger must account for.

use std::borrow::Cow;
use std::fmt;

use crate::{Encoding, Location, Message, Segment, Undecodable, escape};

/// A populated leaf: a value with no delimiter inside it, null included.
#[derive(Clone, Copy)]
pub struct Leaf<'a> {
    /// Where it stands, all five levels given.
    pub location: Location,
    /// Its bytes as they stand, never none.
    pub raw: &'a [u8],
    encoding: Encoding,
}

impl<'a> Leaf<'a> {
    /// Whether it is HL7's null, `""`.
    pub fn is_null(&self) -> bool {
        self.raw == b"\"\""
    }

    /// Its text, decoded and unescaped; empty for null.
    pub fn text(&self) -> Cow<'a, str> {
        self.decode().0
    }

    /// As `text`, but refusing bytes the message's character set does not have.
    ///
    /// # Errors
    ///
    /// When such bytes are there; `text` shows U+FFFD for them.
    pub fn checked_text(&self) -> Result<Cow<'a, str>, Undecodable> {
        match self.decode() {
            (text, true) => Ok(text),
            (_, false) => Err(Undecodable { location: self.location }),
        }
    }

    fn decode(&self) -> (Cow<'a, str>, bool) {
        if self.is_null() {
            return (Cow::Borrowed(""), true);
        }
        if is_literal(&self.location) {
            return self.encoding.charset.decode(self.raw);
        }
        escape::unescape_checked(self.raw, &self.encoding)
    }
}

impl fmt::Debug for Leaf<'_> {
    /// The place only: values name patients.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Leaf({})", self.location)
    }
}

fn is_literal(location: &Location) -> bool {
    location.field <= 2 && location.segment.declares_delimiters()
}

/// The populated leaves of a message, in order.
#[derive(Clone)]
pub struct Leaves<'m> {
    message: &'m Message<'m>,
    encoding: Encoding,
    ordinal: usize,
    segment: Option<Segment<'m>>,
    /// What is left of the field, and where its next leaf stands.
    rest: Option<&'m [u8]>,
    at: Location,
}

impl<'m> Leaves<'m> {
    pub(crate) fn new(message: &'m Message<'m>) -> Self {
        let segment = message.segment_at(0);
        Self {
            message,
            encoding: message.encoding(),
            ordinal: 0,
            segment,
            rest: None,
            at: Location::new(crate::SegmentId::MSH),
        }
    }

    /// Moves to the next field that has something in it; false at the end of the message.
    fn next_field(&mut self) -> bool {
        while let Some(segment) = self.segment {
            let n = usize::from(self.at.field) + 1;
            if n > segment.field_count() {
                self.ordinal += 1;
                self.segment = self.message.segment_at(self.ordinal);
                if let Some(segment) = self.segment {
                    self.at = segment.location();
                }
                continue;
            }
            let field = segment.field(n);
            self.at = field.location();
            if !field.raw().is_empty() {
                self.rest = Some(field.raw());
                self.at = Location { repetition: 1, component: 1, subcomponent: 1, ..self.at };
                return true;
            }
        }
        false
    }

    /// Cuts the next piece off the field and steps past the delimiter behind it.
    #[inline]
    fn next_piece(&mut self, rest: &'m [u8]) -> (Location, &'m [u8]) {
        let here = self.at;
        let delimiters = &self.encoding.delimiters;
        let end = if is_literal(&here) { None } else { rest.iter().position(|&b| delimiters.divides(b)) };
        let Some(end) = end else {
            self.rest = None;
            return (here, rest);
        };
        let (piece, from) = rest.split_at(end);
        self.rest = from.get(1..);
        self.at = match from.first() {
            Some(&b) if b == delimiters.repetition => {
                Location { repetition: here.repetition + 1, component: 1, subcomponent: 1, ..here }
            }
            Some(&b) if b == delimiters.component => {
                Location { component: here.component + 1, subcomponent: 1, ..here }
            }
            _ => Location { subcomponent: here.subcomponent + 1, ..here },
        };
        (here, piece)
    }
}

impl<'m> Iterator for Leaves<'m> {
    type Item = Leaf<'m>;

    fn next(&mut self) -> Option<Leaf<'m>> {
        loop {
            let Some(rest) = self.rest else {
                if self.next_field() {
                    continue;
                }
                return None;
            };
            let (location, raw) = self.next_piece(rest);
            if !raw.is_empty() {
                return Some(Leaf { location, raw, encoding: self.encoding });
            }
        }
    }
}

impl fmt::Debug for Leaves<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Leaves({})", self.at)
    }
}
