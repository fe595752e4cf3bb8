//! From marks to segments: what each line is, which occurrence of its id, and what is junk.

use super::{
    Entry, FIELDS_MAX, INSIDE_FIELD_MAX, Index, JUNK_LINES_MAX, Junk, JunkKind, MESSAGE_FIELDS_MAX,
    SEGMENTS_MAX, count_line_ends, is_padding, to_u32,
};
use crate::{Delimiters, Location, ParseError, SegmentId};

/// Reads the lines of a message one by one, from the header on.
pub(super) struct Lines<'i> {
    bytes: &'i [u8],
    delimiters: Delimiters,
    index: &'i mut Index,
    occurrences: Occurrences,
    start: usize,
    /// Separators before the line.
    first: usize,
    /// Until the header has shown that it does not end in the two characters `\` and `r`.
    may_end_literally: bool,
    /// Line ends before `counted_to`; only advanced when a line number is needed.
    lines_counted: u32,
    counted_to: usize,
}

impl<'i> Lines<'i> {
    pub(super) fn new(bytes: &'i [u8], start: usize, delimiters: Delimiters, index: &'i mut Index) -> Self {
        Self {
            bytes,
            delimiters,
            index,
            occurrences: Occurrences::new(),
            start,
            first: 0,
            may_end_literally: true,
            lines_counted: 0,
            counted_to: 0,
        }
    }

    /// Turns every marked line into a segment or junk.
    pub(super) fn read(mut self) -> Result<(), ParseError> {
        for line in 0..self.index.marks.lines.len() {
            let Some(&mark) = self.index.marks.lines.get(line) else {
                break;
            };
            self.line(mark.end as usize, mark.separators as usize)?;
        }
        // What follows the last terminator is a line as well.
        self.line(self.bytes.len(), self.index.marks.used)
    }

    /// Reads the line up to `at`; `separators` is how many there were by then, all lines together.
    #[inline]
    fn line(&mut self, at: usize, separators: usize) -> Result<(), ParseError> {
        // Past the terminators of the line before, of whatever kind and number.
        let mut start = self.start;
        while let Some(b'\r' | b'\n') = self.bytes.get(start) {
            start += 1;
        }
        if start >= at {
            return Ok(());
        }
        let first = self.first;
        if separators > MESSAGE_FIELDS_MAX || separators - first > FIELDS_MAX {
            return Err(self.too_many_fields(start, separators));
        }
        self.first = separators;
        self.start = at;
        let end = if self.may_end_literally {
            self.without_literal_end(start, at)
        } else {
            at
        };
        let line = self.bytes.get(start..end).unwrap_or_default();
        let Some(id) = self.segment_id(line) else {
            return self.junk(start, end);
        };
        let ordinal = self.index.entries.len();
        if ordinal == SEGMENTS_MAX || (id == SegmentId::MSH && ordinal > 0) {
            return Err(self.segment_too_many(start, ordinal));
        }
        let (occurrence, previous) = self.occurrences.next(id, &self.index.entries);
        self.index.entries.push(Entry {
            start: to_u32(start),
            end: to_u32(end),
            separator_first: to_u32(first),
            separator_count: (separators - first) as u16,
            occurrence,
            previous,
            id,
        });
        if line.len() > INSIDE_FIELD_MAX {
            self.check_inside_fields()
        } else {
            Ok(())
        }
    }

    /// The id a line begins with, when a field separator or nothing follows it.
    #[inline]
    fn segment_id(&self, line: &[u8]) -> Option<SegmentId> {
        match line.first_chunk::<4>() {
            Some(&[a, b, c, field]) if field == self.delimiters.field => SegmentId::from_bytes([a, b, c]),
            Some(_) => None,
            None => line.try_into().ok().and_then(SegmentId::from_bytes),
        }
    }

    /// Where the line ends: files made from a program's source may carry `\r` as text before every line end.
    /// The header decides; only where it ends so is the same taken off the other lines.
    #[cold]
    fn without_literal_end(&mut self, start: usize, at: usize) -> usize {
        let header = self.index.entries.is_empty();
        let mut line = self.bytes.get(start..at).unwrap_or_default();
        while let Some(shorter) = line.strip_suffix(b"\\r") {
            line = shorter;
        }
        let end = start + line.len();
        if header {
            self.may_end_literally = end < at;
            if end < at {
                let line = self.line_number(start);
                self.index.junk.push(Junk {
                    line,
                    start: to_u32(end),
                    end: to_u32(at),
                    kind: JunkKind::Padding,
                });
            }
        }
        end
    }

    #[cold]
    fn junk(&mut self, start: usize, end: usize) -> Result<(), ParseError> {
        let line = self.line_number(start);
        let bytes = self.bytes.get(start..end).unwrap_or_default();
        let kind = if bytes.iter().all(|&b| is_padding(b)) {
            JunkKind::Padding
        } else {
            JunkKind::Line
        };
        if self.index.junk.len() == JUNK_LINES_MAX {
            return Err(ParseError::TooManyJunkLines {
                line,
                limit: JUNK_LINES_MAX,
            });
        }
        self.index.junk.push(Junk {
            line,
            start: to_u32(start),
            end: to_u32(end),
            kind,
        });
        Ok(())
    }

    /// The number of the line that begins at an offset; offsets only grow, so each byte is counted once.
    #[cold]
    fn line_number(&mut self, start: usize) -> u32 {
        self.lines_counted += count_line_ends(self.bytes.get(self.counted_to..start).unwrap_or_default());
        self.counted_to = start;
        self.lines_counted + 1
    }

    #[cold]
    fn too_many_fields(&mut self, start: usize, separators: usize) -> ParseError {
        let limit = if separators > MESSAGE_FIELDS_MAX {
            MESSAGE_FIELDS_MAX
        } else {
            FIELDS_MAX
        };
        ParseError::TooManyFields {
            line: self.line_number(start),
            limit,
        }
    }

    #[cold]
    fn segment_too_many(&mut self, start: usize, ordinal: usize) -> ParseError {
        let line = self.line_number(start);
        match ordinal {
            SEGMENTS_MAX => ParseError::TooManySegments {
                line,
                limit: SEGMENTS_MAX,
            },
            _ => ParseError::SecondHeader { line },
        }
    }

    /// The last segment is longer than the limit, so it may break it.
    #[cold]
    fn check_inside_fields(&self) -> Result<(), ParseError> {
        let Some(entry) = self.index.entries.last() else {
            return Ok(());
        };
        let separators = self.index.separators(entry);
        for n in 1..=entry.field_count() {
            let raw = entry.field(self.bytes, separators, n).unwrap_or_default();
            let divides = |byte: &&u8| self.delimiters.divides(**byte);
            if raw.len() >= INSIDE_FIELD_MAX && raw.iter().filter(divides).count() >= INSIDE_FIELD_MAX {
                let location = Location::new(entry.id)
                    .with_occurrence(entry.occurrence)
                    .with_field(n as u16);
                return Err(ParseError::TooManyInsideField {
                    location,
                    limit: INSIDE_FIELD_MAX,
                });
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
        Self {
            last: [Self::NONE; Self::BUCKETS],
        }
    }

    /// The occurrence of the segment about to be pushed, and its predecessor in the bucket.
    #[inline]
    fn next(&mut self, id: SegmentId, entries: &[Entry]) -> (u16, u16) {
        let [a, b, c] = *id.as_bytes();
        let bucket = a ^ b.rotate_left(3) ^ c.rotate_left(6);
        let Some(last) = self.last.get_mut(usize::from(bucket)) else {
            return (1, Self::NONE);
        };
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
