//! Every populated leaf of a message, in order: what a ledger must account for.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use crate::index::{BLOCK, find_any};
use crate::{Delimiters, Encoding, Location, Message, Segment, SegmentId, Undecodable, escape};

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
            (_, false) => Err(Undecodable {
                location: self.location,
            }),
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
    dividers: Dividers<'m>,
    ordinal: usize,
    segment: Option<Segment<'m>>,
    field: u16,
    field_count: u16,
    /// What is left of the field as offsets, and where its next leaf stands.
    rest: Option<Range<usize>>,
    at: Location,
}

impl<'m> Leaves<'m> {
    pub(crate) fn new(message: &'m Message<'m>) -> Self {
        let encoding = message.encoding();
        Self {
            message,
            encoding,
            dividers: Dividers::new(message.bytes(), &encoding.delimiters),
            ordinal: 0,
            segment: None,
            field: 0,
            field_count: 0,
            rest: None,
            at: Location::new(SegmentId::MSH),
        }
    }

    /// Moves to the next field that has something in it; none at the end of the message.
    fn next_field(&mut self) -> Option<Range<usize>> {
        loop {
            while self.field < self.field_count {
                self.field += 1;
                let range = self.segment?.field_range(usize::from(self.field))?;
                if !range.is_empty() {
                    self.at = Location {
                        field: self.field,
                        repetition: 1,
                        component: 1,
                        subcomponent: 1,
                        ..self.at
                    };
                    return Some(range);
                }
            }
            let segment = self.message.segment_at(self.ordinal)?;
            self.ordinal += 1;
            self.segment = Some(segment);
            self.field = 0;
            self.field_count = u16::try_from(segment.field_count()).unwrap_or(u16::MAX);
            self.at = segment.location();
        }
    }

    /// Cuts the next piece off the field and steps past the delimiter behind it.
    #[inline]
    fn next_piece(&mut self, rest: Range<usize>) -> (Location, Range<usize>) {
        let here = self.at;
        let end = if is_literal(&here) {
            None
        } else {
            self.dividers.first_in(&rest)
        };
        let Some(end) = end else {
            self.rest = None;
            return (here, rest);
        };
        self.rest = Some(end + 1..rest.end);
        let delimiters = &self.encoding.delimiters;
        match self.message.bytes().get(end) {
            Some(&b) if b == delimiters.component => {
                self.at.component += 1;
                self.at.subcomponent = 1;
            }
            Some(&b) if b == delimiters.repetition => {
                self.at.repetition += 1;
                self.at.component = 1;
                self.at.subcomponent = 1;
            }
            _ => self.at.subcomponent += 1,
        }
        (here, rest.start..end)
    }
}

impl<'m> Iterator for Leaves<'m> {
    type Item = Leaf<'m>;

    #[inline]
    fn next(&mut self) -> Option<Leaf<'m>> {
        loop {
            let rest = match self.rest.take() {
                Some(rest) => rest,
                None => self.next_field()?,
            };
            let (location, piece) = self.next_piece(rest);
            if !piece.is_empty() {
                let raw = self.message.bytes().get(piece)?;
                return Some(Leaf {
                    location,
                    raw,
                    encoding: self.encoding,
                });
            }
        }
    }
}

/// Where fields are divided, found a block at a time: a leaf is too short for a loop over its bytes to pay.
#[derive(Clone)]
struct Dividers<'m> {
    bytes: &'m [u8],
    dividing: [u8; 3],
    /// The block that `mask` describes begins here.
    base: usize,
    mask: u64,
}

impl<'m> Dividers<'m> {
    fn new(bytes: &'m [u8], delimiters: &Delimiters) -> Self {
        let subcomponent = delimiters.subcomponent.unwrap_or(delimiters.component);
        let dividing = [delimiters.component, delimiters.repetition, subcomponent];
        let mut dividers = Self {
            bytes,
            dividing,
            base: 0,
            mask: 0,
        };
        dividers.load(0);
        dividers
    }

    /// The first divider in a range; ranges are asked for in the order of the message.
    #[inline]
    fn first_in(&mut self, range: &Range<usize>) -> Option<usize> {
        if range.start >= self.base + BLOCK {
            self.load(range.start / BLOCK * BLOCK);
        }
        let mut mask = self.mask & (u64::MAX << (range.start - self.base));
        while mask == 0 {
            let next = self.base + BLOCK;
            if next >= range.end {
                return None;
            }
            self.load(next);
            mask = self.mask;
        }
        let at = self.base + mask.trailing_zeros() as usize;
        (at < range.end).then_some(at)
    }

    fn load(&mut self, base: usize) {
        self.base = base;
        let rest = self.bytes.get(base..).unwrap_or_default();
        self.mask = match rest.first_chunk() {
            Some(block) => find_any(block, self.dividing),
            None => {
                // NUL divides nothing, so padding adds nothing.
                let mut block = [0; BLOCK];
                if let Some(filled) = block.get_mut(..rest.len()) {
                    filled.copy_from_slice(rest);
                }
                find_any(&block, self.dividing)
            }
        };
    }
}

impl fmt::Debug for Leaves<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Leaves({})", self.at)
    }
}
