//! The index of a message: where its fields begin and which segments it has. Everything inside a field is split
//! on demand, because a field is short and most are never read.
//!
//! One pass over the bytes notes field separators and segment ends: [`simd`] where the processor has AVX2, its
//! twin [`scalar`] elsewhere. The buffers are kept between messages, so a warm [`Index`] allocates nothing.

mod scalar;
#[cfg(target_arch = "x86_64")]
mod simd;

use crate::{Charset, Delimiters, Encoding, Location, Message, ParseError, SegmentId};

/// The most bytes one message may have; offsets are kept in 32 bits.
pub const MESSAGE_BYTES_MAX: usize = 1 << 30;
/// The most segments one message may have; an occurrence is kept in 16 bits.
pub const SEGMENTS_MAX: usize = u16::MAX as usize - 1;
/// The most fields one segment may have; a position is kept in 16 bits.
pub const FIELDS_MAX: usize = u16::MAX as usize - 1;
/// The most repetitions, components or subcomponents one field may have, taken together.
pub const INSIDE_FIELD_MAX: usize = u16::MAX as usize;
/// The most lines that are no segment before a message is refused.
pub const JUNK_LINES_MAX: usize = 1_000;

/// Separators kept allocated between messages (1 MiB); a larger buffer is given back.
const SEPARATORS_KEPT_MAX: usize = 1 << 18;
/// Segments kept allocated between messages.
const SEGMENTS_KEPT_MAX: usize = 1 << 14;

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
    /// Offsets of field separators; only what an [`Entry`] points at is meaningful.
    separators: Vec<u32>,
    entries: Vec<Entry>,
    junk: Vec<Junk>,
}

/// One segment: its line, and its share of the separators.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) id: SegmentId,
    pub(crate) occurrence: u16,
    /// Ordinal of the segment before this one in the same [`Occurrences`] bucket.
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
            return Err(ParseError::TooManyBytes { limit: MESSAGE_BYTES_MAX });
        }
        let start = find_header(bytes)?;
        let delimiters = Delimiters::read(bytes.get(start..).unwrap_or_default())?;
        if start > 0 {
            self.junk.push(Junk { line: 1, start: 0, end: to_u32(start), kind: JunkKind::Padding });
        }
        let mut lines = Lines::new(bytes, start, delimiters, self);
        scan(bytes, start, delimiters.field, &mut lines)?;
        lines.end(bytes.len())?;
        self.check_literal_terminators(bytes, &delimiters)?;
        let charset = Charset::named(self.charset_name(bytes, &delimiters));
        Ok(Encoding { delimiters, charset })
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.junk.clear();
        if self.separators.len() > SEPARATORS_KEPT_MAX {
            self.separators = Vec::new();
        }
        if self.entries.capacity() > SEGMENTS_KEPT_MAX {
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
        self.separators.get(first..first + usize::from(entry.separator_count)).unwrap_or_default()
    }

    fn charset_name<'b>(&self, bytes: &'b [u8], delimiters: &Delimiters) -> &'b [u8] {
        let Some(header) = self.entries.first() else { return &[] };
        let Some(raw) = header.field(bytes, self.separators(header), 18) else { return &[] };
        // Repetition 1 is the message's default; the others announce escapes this crate keeps as text.
        raw.split(|&b| b == delimiters.repetition || b == delimiters.component).next().unwrap_or_default()
    }

    /// A message copied from a program's source has `\r` as two characters and looks like one long MSH.
    fn check_literal_terminators(&self, bytes: &[u8], delimiters: &Delimiters) -> Result<(), ParseError> {
        let [header] = self.entries.as_slice() else { return Ok(()) };
        let line = header.line(bytes);
        let follows = |at: usize| match line.get(at + 2..at + 6) {
            Some(&[a, b, c, field]) => field == delimiters.field && SegmentId::from_bytes([a, b, c]).is_some(),
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
        bytes.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// The raw field at a 1-based position; none past the last. MSH-1 is the separator itself, so the header's
    /// fields stand one separator further to the left.
    #[inline]
    pub(crate) fn field<'b>(&self, bytes: &'b [u8], separators: &[u32], n: usize) -> Option<&'b [u8]> {
        let mut slot = n.checked_sub(1)?;
        if self.id.declares_delimiters() {
            let Some(shifted) = slot.checked_sub(1) else {
                let at = *separators.first()? as usize;
                return bytes.get(at..=at);
            };
            slot = shifted;
        }
        let start = *separators.get(slot)? as usize + 1;
        let end = separators.get(slot + 1).map_or(self.end, |&next| next) as usize;
        bytes.get(start..end)
    }

    /// How many fields the segment has, empty ones at its end included.
    #[inline]
    pub(crate) fn field_count(&self) -> usize {
        let separators = usize::from(self.separator_count);
        if self.id.declares_delimiters() && separators > 0 { separators + 1 } else { separators }
    }
}

fn scan(bytes: &[u8], start: usize, field: u8, lines: &mut Lines<'_>) -> Result<(), ParseError> {
    #[cfg(target_arch = "x86_64")]
    if let Some(done) = simd::scan(bytes, start, field, lines) {
        return done;
    }
    scalar::scan(bytes, start, field, lines)
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
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [b'M', 0, ..] | [0, b'M', ..] | [0, 0, 0xFE, 0xFF, ..] | [0, 0, 0, b'M', ..]
    )
}

/// Bytes between and around segments that carry nothing: white space, NUL, VT, FS, Ctrl-Z.
pub(crate) fn is_padding(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x00 | 0x0B | 0x1C | 0x1A)
}

/// How many line ends: CR, LF and CRLF are one each.
pub(crate) fn count_line_ends(bytes: &[u8]) -> u32 {
    let ends = memchr::memchr2_iter(b'\r', b'\n', bytes);
    let count = ends.filter(|&at| !bytes.get(at..).unwrap_or_default().starts_with(b"\r\n")).count();
    to_u32(count)
}

/// Offsets fit because no message is longer than [`MESSAGE_BYTES_MAX`].
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "bounded by MESSAGE_BYTES_MAX before any offset exists")]
fn to_u32(offset: usize) -> u32 {
    debug_assert!(u32::try_from(offset).is_ok());
    offset as u32
}

/// What a scan feeds: separators as they come, then the end of their line.
struct Lines<'i> {
    bytes: &'i [u8],
    delimiters: Delimiters,
    index: &'i mut Index,
    occurrences: Occurrences,
    /// Separators noted so far; the buffer is longer.
    used: usize,
    line_start: usize,
    /// `used` when the line began.
    line_first: usize,
    /// The header ends in the two characters `\` and `r` before its real terminator; so may every line.
    literal_ends: bool,
    /// Lines before `counted_to`; only advanced when a line number is needed.
    lines_counted: u32,
    counted_to: usize,
}

impl<'i> Lines<'i> {
    fn new(bytes: &'i [u8], start: usize, delimiters: Delimiters, index: &'i mut Index) -> Self {
        Self {
            bytes,
            delimiters,
            index,
            occurrences: Occurrences::new(),
            used: 0,
            line_start: start,
            line_first: 0,
            literal_ends: false,
            lines_counted: 0,
            counted_to: 0,
        }
    }

    /// Notes one field separator.
    #[inline]
    fn separator(&mut self, at: usize) {
        if self.used == self.index.separators.len() {
            self.grow(1);
        }
        if let Some(slot) = self.index.separators.get_mut(self.used) {
            *slot = to_u32(at);
            self.used += 1;
        }
    }

    /// Notes the separators and line ends of up to 64 bytes, one bit each.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn block(&mut self, base: usize, mut separators: u64, mut ends: u64) -> Result<(), ParseError> {
        while ends != 0 {
            let offset = ends.trailing_zeros();
            let before = separators & ((1 << offset) - 1);
            self.separators(base, before);
            self.end(base + offset as usize)?;
            separators ^= before;
            ends &= ends - 1;
        }
        self.separators(base, separators);
        Ok(())
    }

    /// Notes one separator per bit, eight at a time and then some too many: the count says which are real.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn separators(&mut self, base: usize, mut mask: u64) {
        const STEP: usize = 8;
        let count = mask.count_ones() as usize;
        if self.index.separators.len() - self.used < simd::BLOCK {
            self.grow(simd::BLOCK);
        }
        let free = self.index.separators.get_mut(self.used..).unwrap_or_default();
        let (steps, _) = free.as_chunks_mut::<STEP>();
        for step in steps.iter_mut().take(count.div_ceil(STEP)) {
            for slot in step {
                *slot = to_u32(base).wrapping_add(mask.trailing_zeros());
                mask &= mask.wrapping_sub(1);
            }
        }
        self.used += count;
    }

    #[cold]
    fn grow(&mut self, more: usize) {
        let length = (self.used + more).max(self.index.separators.len() * 2).max(256);
        self.index.separators.resize(length, 0);
    }

    /// Ends the line at a terminator, or at the end of the message.
    #[inline]
    fn end(&mut self, at: usize) -> Result<(), ParseError> {
        let start = self.line_start;
        let first = self.line_first;
        self.line_start = at + 1;
        if start >= at {
            // A doubled terminator, or the LF of a CRLF.
            return Ok(());
        }
        let (line, at) = self.without_literal_end(start, at);
        let id = match *line {
            [a, b, c] => SegmentId::from_bytes([a, b, c]),
            [a, b, c, field, ..] if field == self.delimiters.field => SegmentId::from_bytes([a, b, c]),
            _ => None,
        };
        let Some(id) = id else { return self.junk(start, at) };
        self.line_first = self.used;
        let count = self.used - first;
        if count > FIELDS_MAX {
            return Err(ParseError::TooManyFields { line: self.line_number(start), limit: FIELDS_MAX });
        }
        let ordinal = self.index.entries.len();
        if ordinal == SEGMENTS_MAX {
            return Err(ParseError::TooManySegments { line: self.line_number(start), limit: SEGMENTS_MAX });
        }
        if id == SegmentId::MSH && ordinal > 0 {
            return Err(ParseError::SecondHeader { line: self.line_number(start) });
        }
        let (occurrence, previous) = self.occurrences.next(id, &self.index.entries);
        let entry = Entry {
            id,
            occurrence,
            previous,
            separator_count: count as u16,
            separator_first: to_u32(first),
            start: to_u32(start),
            end: to_u32(at),
        };
        self.index.entries.push(entry);
        if line.len() > INSIDE_FIELD_MAX {
            self.check_inside_fields(&entry)?;
        }
        Ok(())
    }

    /// The line, and where it ends: files made from a program's source may carry `\r` as text at every line end.
    #[inline]
    fn without_literal_end(&mut self, start: usize, at: usize) -> (&'i [u8], usize) {
        let line = self.bytes.get(start..at).unwrap_or_default();
        if !self.literal_ends && !self.index.entries.is_empty() {
            return (line, at);
        }
        match line.strip_suffix(b"\\r") {
            Some(line) => {
                if self.index.entries.is_empty() {
                    self.literal_ends = true;
                    let (start, end) = (to_u32(at - 2), to_u32(at));
                    let line = self.line_number(start as usize);
                    self.index.junk.push(Junk { line, start, end, kind: JunkKind::Padding });
                }
                (line, at - 2)
            }
            None => (line, at),
        }
    }

    #[cold]
    fn junk(&mut self, start: usize, end: usize) -> Result<(), ParseError> {
        // The separators of a line that is no segment are forgotten.
        self.used = self.line_first;
        let line = self.line_number(start);
        let bytes = self.bytes.get(start..end).unwrap_or_default();
        let kind = if bytes.iter().all(|&b| is_padding(b)) { JunkKind::Padding } else { JunkKind::Line };
        if self.index.junk.len() == JUNK_LINES_MAX {
            return Err(ParseError::TooManyJunkLines { line, limit: JUNK_LINES_MAX });
        }
        self.index.junk.push(Junk { line, start: to_u32(start), end: to_u32(end), kind });
        Ok(())
    }

    /// The line that begins at an offset; offsets only grow, so each byte is counted once.
    fn line_number(&mut self, start: usize) -> u32 {
        self.lines_counted += count_line_ends(self.bytes.get(self.counted_to..start).unwrap_or_default());
        self.counted_to = start;
        self.lines_counted + 1
    }

    /// Only a segment longer than the limit can break it.
    #[cold]
    fn check_inside_fields(&self, entry: &Entry) -> Result<(), ParseError> {
        let separators = self.index.separators(entry);
        for n in 1..=entry.field_count() {
            let raw = entry.field(self.bytes, separators, n).unwrap_or_default();
            if raw.len() >= INSIDE_FIELD_MAX && raw.iter().filter(|&&b| self.delimiters.divides(b)).count() >= INSIDE_FIELD_MAX
            {
                let location = Location::new(entry.id).with_occurrence(entry.occurrence).with_field(n as u16);
                return Err(ParseError::TooManyInsideField { location, limit: INSIDE_FIELD_MAX });
            }
        }
        Ok(())
    }
}

/// Numbers the segments of each id without comparing every segment with every other.
struct Occurrences {
    /// The last segment in each bucket.
    last: [u16; Self::BUCKETS],
}

impl Occurrences {
    /// At most 182 of the 46,656 possible ids share one, which bounds the walk.
    const BUCKETS: usize = 256;
    const NONE: u16 = u16::MAX;

    fn new() -> Self {
        Self { last: [Self::NONE; Self::BUCKETS] }
    }

    /// The occurrence of the segment about to be pushed, and its predecessor in the bucket.
    #[inline]
    fn next(&mut self, id: SegmentId, entries: &[Entry]) -> (u16, u16) {
        let [a, b, c] = *id.as_bytes();
        let bucket = a ^ b.rotate_left(3) ^ c.rotate_left(6);
        let Some(last) = self.last.get_mut(usize::from(bucket)) else { return (1, Self::NONE) };
        let previous = *last;
        *last = entries.len() as u16;
        let mut ordinal = previous;
        while let Some(entry) = entries.get(usize::from(ordinal)) {
            if entry.id == id {
                return (entry.occurrence + 1, previous);
            }
            ordinal = entry.previous;
        }
        (1, previous)
    }
}

#[cfg(test)]
mod tests;
