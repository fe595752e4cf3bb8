//! One message: borrowed bytes under an index.

use std::fmt;

use crate::index::{Entry, Index};
use crate::{
    Charset, Encoding, Field, Header, Junk, Leaves, Location, ParseError, Segment, SegmentId, Value,
};

/// One HL7 v2 message, read in place.
///
/// # Example
///
/// ```
/// use hl7v2::Message;
///
/// let message = Message::parse(b"MSH|^~\\&|||||||ADT^A01|42|T|2.4\rPID|||A~B^^^RYJ^MR\rPV1||I\r")?;
/// let identifiers = message.field("PID", 3);
/// assert_eq!(identifiers.repetition(2).component(4).text(), "RYJ");
/// assert_eq!(message.value(&"PV1-2".parse()?).text(), "I");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Message<'a> {
    bytes: &'a [u8],
    encoding: Encoding,
    index: Held<'a>,
}

#[derive(Clone)]
enum Held<'a> {
    Owned(Index),
    Borrowed(&'a Index),
}

impl<'a> Message<'a> {
    /// Reads one message, with an index of its own; [`Index::parse`] reuses one.
    ///
    /// Lines that are no segment do not fail the message; they are listed in [`Message::junk`].
    ///
    /// # Errors
    ///
    /// When the bytes do not begin with a usable MSH (blank lines, a byte order mark and frame bytes aside),
    /// hold a second one, or break a limit.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut index = Index::new();
        let encoding = index.read(bytes)?;
        Ok(Self {
            bytes,
            encoding,
            index: Held::Owned(index),
        })
    }

    pub(crate) fn borrowing(bytes: &'a [u8], encoding: Encoding, index: &'a Index) -> Self {
        Self {
            bytes,
            encoding,
            index: Held::Borrowed(index),
        }
    }

    #[inline]
    pub(crate) fn index(&self) -> &Index {
        match &self.index {
            Held::Owned(index) => index,
            Held::Borrowed(index) => index,
        }
    }

    /// The bytes as they were received.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Delimiters and character set.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The same message read in another character set: an interface may know better than MSH-18.
    #[must_use]
    pub fn with_charset(mut self, charset: Charset) -> Self {
        self.encoding.charset = charset;
        self
    }

    /// The segments in order, the header first.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = Segment<'_>> + Clone {
        self.index()
            .entries()
            .iter()
            .enumerate()
            .map(|(ordinal, entry)| self.view(ordinal, entry))
    }

    /// The first segment of this id.
    pub fn segment(&self, id: &str) -> Option<Segment<'_>> {
        self.segments_named(id).next()
    }

    /// The segments of this id, in order.
    pub fn segments_named(&self, id: &str) -> impl Iterator<Item = Segment<'_>> + Clone {
        let id = SegmentId::new(id);
        let entries = self.index().entries().iter().enumerate();
        entries
            .filter(move |(_, entry)| Some(entry.id) == id)
            .map(|(ordinal, entry)| self.view(ordinal, entry))
    }

    /// The segment at an ordinal, the one position in this crate that counts from 0.
    pub fn segment_at(&self, ordinal: usize) -> Option<Segment<'_>> {
        self.index()
            .entries()
            .get(ordinal)
            .map(|entry| self.view(ordinal, entry))
    }

    /// How many segments there are.
    pub fn segment_count(&self) -> usize {
        self.index().entries().len()
    }

    /// How many segments of this id there are.
    pub fn occurrences(&self, id: &str) -> usize {
        let id = SegmentId::new(id);
        self.index()
            .entries()
            .iter()
            .filter(|entry| Some(entry.id) == id)
            .count()
    }

    /// A field of the first segment of this id; absent when there is no such segment.
    pub fn field(&self, id: &str, n: usize) -> Field<'a> {
        match SegmentId::new(id) {
            Some(id) => self.field_at(id, 1, n),
            None => Field::absent(self.encoding, Location::new(SegmentId::MSH)),
        }
    }

    fn field_at(&self, id: SegmentId, occurrence: u16, n: usize) -> Field<'a> {
        let location = Location::new(id).with_occurrence(occurrence);
        match self.entry(id, occurrence) {
            Some(entry) => {
                let raw = entry.field(self.bytes, self.index().separators(entry), n);
                Field::new(raw, self.encoding, location, n)
            }
            None => Field::new(None, self.encoding, location, n),
        }
    }

    fn entry(&self, id: SegmentId, occurrence: u16) -> Option<&Entry> {
        self.index()
            .entries()
            .iter()
            .find(|entry| entry.id == id && entry.occurrence == occurrence.max(1))
    }

    /// What stands at a place, whatever its level.
    pub fn value(&self, location: &Location) -> Value<'a> {
        if location.field == 0 {
            let line = self
                .entry(location.segment, location.occurrence)
                .map(|entry| entry.line(self.bytes));
            return Value::whole_segment(line, self.encoding, *location);
        }
        let field = self.field_at(location.segment, location.occurrence, usize::from(location.field));
        Value::inside(field, location)
    }

    /// MSH by the names of its fields.
    pub fn header(&self) -> Header<'_> {
        Header::new(self)
    }

    /// What belongs to no segment: stray lines, and padding before, between and after.
    pub fn junk(&self) -> &[Junk] {
        self.index().junk()
    }

    /// Every populated leaf in order, MSH-1 and MSH-2 included.
    pub fn leaves(&self) -> Leaves<'_> {
        Leaves::new(self)
    }

    /// The leaves whose bytes are none in the message's character set: where [`Field::text`] shows U+FFFD.
    pub fn undecodable(&self) -> impl Iterator<Item = Location> {
        // Pure ASCII, as nearly every message is, can still name such bytes in `\X..\`.
        let escapes = |escape| memchr::memmem::find(self.bytes, &[escape, b'X']).is_some();
        let suspect = !self.bytes.is_ascii() || self.encoding.delimiters.escape.is_some_and(escapes);
        let leaves = suspect.then(|| self.leaves()).into_iter().flatten();
        leaves
            .filter(|leaf| leaf.checked_text().is_err())
            .map(|leaf| leaf.location)
    }

    #[inline]
    fn view<'m>(&'m self, ordinal: usize, entry: &'m Entry) -> Segment<'m> {
        Segment::new(
            self.bytes,
            self.encoding,
            ordinal,
            entry,
            self.index().separators(entry),
        )
    }
}

impl fmt::Debug for Message<'_> {
    /// Shape only: a message names its patient.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("bytes", &self.bytes.len())
            .field("segments", &self.segment_count())
            .field("junk", &self.junk().len())
            .finish_non_exhaustive()
    }
}
