//! One segment: its id, its place, its fields.

use std::fmt;
use std::ops::Range;

use crate::index::Entry;
use crate::{Encoding, Field, Location, SegmentId};

/// One segment of a message.
#[derive(Clone, Copy)]
pub struct Segment<'a> {
    bytes: &'a [u8],
    encoding: Encoding,
    ordinal: usize,
    entry: &'a Entry,
    separators: &'a [u32],
}

impl<'a> Segment<'a> {
    #[inline]
    pub(crate) fn new(
        bytes: &'a [u8],
        encoding: Encoding,
        ordinal: usize,
        entry: &'a Entry,
        separators: &'a [u32],
    ) -> Self {
        Self {
            bytes,
            encoding,
            ordinal,
            entry,
            separators,
        }
    }

    /// The three characters that name it.
    #[inline]
    pub fn id(&self) -> SegmentId {
        self.entry.id
    }

    /// Its place among all segments, counting from 0: MSH is 0.
    pub fn ordinal(&self) -> usize {
        self.ordinal
    }

    /// Its place among the segments of the same id, counting from 1.
    pub fn occurrence(&self) -> u16 {
        self.entry.occurrence
    }

    /// The field at a 1-based position; absent past the last one.
    #[inline]
    pub fn field(&self, n: usize) -> Field<'a> {
        Field::new(
            self.entry.field(self.bytes, self.separators, n),
            self.encoding,
            self.location(),
            n,
        )
    }

    /// Where a field stands in the message; none when it is absent.
    #[inline]
    pub(crate) fn field_range(&self, n: usize) -> Option<Range<usize>> {
        self.entry.field_range(self.separators, n)
    }

    /// Whether any byte stands in a field.
    #[inline]
    pub fn has_field(&self, n: usize) -> bool {
        self.field_range(n).is_some_and(|range| !range.is_empty())
    }

    /// How many fields stand in it, empty ones included; MSH-1 counts.
    pub fn field_count(&self) -> usize {
        self.entry.field_count()
    }

    /// Every field in order, empty ones included.
    pub fn fields(&self) -> Fields<'a> {
        Fields {
            segment: *self,
            next: 1,
        }
    }

    /// The bytes as they stand, without the terminator.
    pub fn raw(&self) -> &'a [u8] {
        self.entry.line(self.bytes)
    }

    /// Where it stands.
    pub fn location(&self) -> Location {
        Location::new(self.entry.id).with_occurrence(self.entry.occurrence)
    }

    /// Offset of its first byte in the message.
    pub fn start(&self) -> usize {
        self.entry.start as usize
    }

    /// Offset past its last byte, where the terminator stands.
    pub fn end(&self) -> usize {
        self.entry.end as usize
    }

    /// How its bytes become text.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }
}

impl fmt::Debug for Segment<'_> {
    /// The place only: a segment names its patient.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Segment({})", self.location())
    }
}

/// The fields of a segment, in order.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    segment: Segment<'a>,
    next: usize,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let n = self.next;
        if n > self.segment.field_count() {
            return None;
        }
        self.next += 1;
        Some(self.segment.field(n))
    }
}
