//! The index of a message: where its fields begin and which segments it has. Everything inside a field is split
//! on demand, because a field is short and most are never read.
//!
//! One pass over the bytes notes field separators and segment ends: [`simd`] where the processor has AVX2, its
//! twin [`scalar`] elsewhere. The buffers are kept between messages, so a warm [`Index`] allocates nothing.

mod lines;
mod marks;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod simd;

use std::ops::Range;

use self::lines::Lines;
use self::marks::Marks;
use crate::{Charset, Delimiters, Encoding, Message, ParseError, SegmentId};

/// The most bytes one message may have; offsets are kept in 32 bits.
pub const MESSAGE_BYTES_MAX: usize = 1 << 30;
/// The most segments one message may have; an occurrence is kept in 16 bits.
pub const SEGMENTS_MAX: usize = u16::MAX as usize - 1;
/// The most fields one segment may have; a position is kept in 16 bits.
pub const FIELDS_MAX: usize = u16::MAX as usize - 1;
/// The most fields one message may have, all segments together.
pub const MESSAGE_FIELDS_MAX: usize = 1 << 22;
/// The most repetitions, components or subcomponents one field may have, taken together.
pub const INSIDE_FIELD_MAX: usize = u16::MAX as usize;
/// The most lines that are no segment before a message is refused.
pub const JUNK_LINES_MAX: usize = 1_000;

/// A reusable index: parse message after message with it and nothing is allocated.
///
/// # Example
///
/// ```
/// let mut index = hl7v2::Index::new();
/// for control_id in ["1", "2"] {
///     let bytes = format!("MSH|^~\\&|||||||ADT^A01|{control_id}|T|2.4\r");
///     let message = index.parse(bytes.as_bytes())?;
///     assert_eq!(message.header().control_id(), control_id);
/// }
/// # Ok::<(), hl7v2::ParseError>(())
/// ```
#[derive(Clone, Default)]
pub struct Index {
    marks: Marks,
    entries: Vec<Entry>,
    junk: Vec<Junk>,
}

/// One segment: its line, and its share of the separators.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) id: SegmentId,
    pub(crate) occurrence: u16,
    /// Ordinal of the segment before this one in the same bucket of [`lines::Occurrences`].
    previous: u16,
    separator_count: u16,
    separator_first: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// A stretch of bytes that belongs to no segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Junk {
    /// 1-based line, counting CR, LF and CRLF each as one line end.
    pub line: u32,
    /// Offset of its first byte in the message.
    pub start: u32,
    /// Offset past its last byte.
    pub end: u32,
    /// Whether anything could be lost with it.
    pub kind: JunkKind,
}

/// Whether a stretch of junk may hold content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JunkKind {
    /// Byte order mark, blank lines, MLLP frame bytes, NULs, and a header that ends in the two characters `\` and
    /// `r` (reported once, taken off every line): nothing is lost.
    Padding,
    /// A line that names no segment: content the sender meant and nobody will read.
    Line,
}

impl Index {
    /// An empty index.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one message, reusing this index's buffers.
    ///
    /// # Errors
    ///
    /// As [`Message::parse`].
    pub fn parse<'a>(&'a mut self, bytes: &'a [u8]) -> Result<Message<'a>, ParseError> {
        let encoding = self.read(bytes)?;
        Ok(Message::borrowing(bytes, encoding, self))
    }

    /// Indexes the bytes and reads the header's encoding.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Result<Encoding, ParseError> {
        self.clear();
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(ParseError::TooManyBytes {
                limit: MESSAGE_BYTES_MAX,
            });
        }
        let start = find_header(bytes)?;
        let delimiters = Delimiters::read(bytes.get(start..).unwrap_or_default())?;
        if start > 0 {
            self.junk.push(Junk {
                line: 1,
                start: 0,
                end: to_u32(start),
                kind: JunkKind::Padding,
            });
        }
        scan(bytes, start, delimiters.field, &mut self.marks);
        Lines::new(bytes, start, delimiters, self).read()?;
        self.check_literal_terminators(bytes, &delimiters)?;
        let charset = Charset::named(self.charset_name(bytes, &delimiters));
        Ok(Encoding { delimiters, charset })
    }

    fn clear(&mut self) {
        self.marks.clear();
        self.entries.clear();
        self.junk.clear();
        if self.entries.capacity() > marks::LINES_KEPT_MAX {
            self.entries = Vec::new();
        }
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn junk(&self) -> &[Junk] {
        &self.junk
    }

    /// The separators of one segment.
    pub(crate) fn separators(&self, entry: &Entry) -> &[u32] {
        let first = entry.separator_first as usize;
        self.marks
            .separators()
            .get(first..first + usize::from(entry.separator_count))
            .unwrap_or_default()
    }

    fn charset_name<'b>(&self, bytes: &'b [u8], delimiters: &Delimiters) -> &'b [u8] {
        let Some(header) = self.entries.first() else {
            return &[];
        };
        let Some(raw) = header.field(bytes, self.separators(header), 18) else {
            return &[];
        };
        // Repetition 1 is the message's default; the others announce escapes this crate keeps as text.
        let end = raw
            .iter()
            .position(|&b| delimiters.divides(b))
            .unwrap_or(raw.len());
        raw.get(..end).unwrap_or_default()
    }

    /// A message copied from a program's source has `\r` as two characters and looks like one long MSH.
    fn check_literal_terminators(&self, bytes: &[u8], delimiters: &Delimiters) -> Result<(), ParseError> {
        let [header] = self.entries.as_slice() else {
            return Ok(());
        };
        let line = header.line(bytes);
        let follows = |at: usize| match line.get(at + 2..at + 6) {
            Some(&[a, b, c, field]) => {
                field == delimiters.field && SegmentId::from_bytes([a, b, c]).is_some()
            }
            _ => false,
        };
        match memchr::memmem::find_iter(line, b"\\r").any(follows) {
            true => Err(ParseError::LiteralTerminators),
            false => Ok(()),
        }
    }
}

impl Entry {
    /// The whole line, without its terminator.
    #[inline]
    pub(crate) fn line<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        bytes
            .get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }

    /// The raw field at a 1-based position; none past the last.
    #[inline]
    pub(crate) fn field<'b>(&self, bytes: &'b [u8], separators: &[u32], n: usize) -> Option<&'b [u8]> {
        bytes.get(self.field_range(separators, n)?)
    }

    /// Where the field stands. MSH-1 is the separator itself, so the header's fields stand one separator further
    /// to the left.
    #[inline]
    pub(crate) fn field_range(&self, separators: &[u32], n: usize) -> Option<Range<usize>> {
        let mut slot = n.checked_sub(1)?;
        if self.id.declares_delimiters() {
            let Some(shifted) = slot.checked_sub(1) else {
                let at = *separators.first()? as usize;
                return Some(at..at + 1);
            };
            slot = shifted;
        }
        let start = *separators.get(slot)? as usize + 1;
        let end = separators.get(slot + 1).map_or(self.end, |&next| next) as usize;
        Some(start..end)
    }

    /// How many fields the segment has, empty ones at its end included.
    #[inline]
    pub(crate) fn field_count(&self) -> usize {
        let separators = usize::from(self.separator_count);
        if self.id.declares_delimiters() && separators > 0 {
            separators + 1
        } else {
            separators
        }
    }
}

fn scan(bytes: &[u8], start: usize, field: u8, marks: &mut Marks) {
    #[cfg(target_arch = "x86_64")]
    if simd::scan(bytes, start, field, marks) {
        return;
    }
    scalar::scan(bytes, start, field, marks);
}

/// Bytes per step of a vector scan: one bit each in a mask.
pub(crate) const BLOCK: usize = 64;

/// One bit for each byte of a block that is any of three.
pub(crate) fn find_any(block: &[u8; BLOCK], any: [u8; 3]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if let Some(mask) = simd::find_any(block, any) {
        return mask;
    }
    scalar::find_any(block, any)
}

/// The offset of MSH, past a byte order mark, blank lines, frame bytes and spaces.
fn find_header(bytes: &[u8]) -> Result<usize, ParseError> {
    if is_wide(bytes) {
        return Err(ParseError::WideCharacters);
    }
    let mut start = 0;
    loop {
        match bytes.get(start..).unwrap_or_default() {
            [] => return Err(ParseError::Empty),
            [0xEF, 0xBB, 0xBF, ..] => start += 3,
            [byte, ..] if is_padding(*byte) => start += 1,
            [b'M', b'S', b'H', ..] => return Ok(start),
            rest => {
                let line = 1 + count_line_ends(bytes.get(..start).unwrap_or_default());
                return Err(match rest {
                    [b'F', b'H', b'S', ..] => ParseError::IsBatch { line, header: "FHS" },
                    [b'B', b'H', b'S', ..] => ParseError::IsBatch { line, header: "BHS" },
                    _ => ParseError::NoHeader { line },
                });
            }
        }
    }
}

/// UTF-16 and UTF-32, with or without a byte order mark.
fn is_wide(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [0xFF, 0xFE, ..]
            | [0xFE, 0xFF, ..]
            | [b'M', 0, ..]
            | [0, b'M', ..]
            | [0, 0, 0xFE, 0xFF, ..]
            | [0, 0, 0, b'M', ..]
    )
}

/// Bytes between and around segments that carry nothing: white space, NUL, VT, FS, Ctrl-Z.
pub(crate) fn is_padding(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x00 | 0x0B | 0x1C | 0x1A)
}

/// How many line ends: CR, LF and CRLF are one each.
pub(crate) fn count_line_ends(bytes: &[u8]) -> u32 {
    let ends = memchr::memchr2_iter(b'\r', b'\n', bytes);
    let count = ends
        .filter(|&at| !bytes.get(at..).unwrap_or_default().starts_with(b"\r\n"))
        .count();
    to_u32(count)
}

/// Offsets fit because no message is longer than [`MESSAGE_BYTES_MAX`].
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "bounded by MESSAGE_BYTES_MAX before any offset exists"
)]
fn to_u32(offset: usize) -> u32 {
    debug_assert!(u32::try_from(offset).is_ok());
    offset as u32
}

/// Whether the vector scan leaves the same marks as its scalar twin: for the fuzzer.
#[cfg(feature = "fuzzing")]
pub fn scans_agree(bytes: &[u8], field: u8) -> bool {
    let (mut either, mut scalar) = (Marks::default(), Marks::default());
    scan(bytes, 0, field, &mut either);
    scalar::scan(bytes, 0, field, &mut scalar);
    let blocks = bytes.as_chunks::<BLOCK>().0.iter();
    let searches = blocks.map(|block| (block, [field, b'\r', b'&']));
    (either.separators(), &either.lines) == (scalar.separators(), &scalar.lines)
        && searches
            .into_iter()
            .all(|(block, any)| find_any(block, any) == scalar::find_any(block, any))
}

#[cfg(test)]
mod tests;
