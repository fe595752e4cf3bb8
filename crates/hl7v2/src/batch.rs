//! Files of many messages: FHS/BHS envelopes, or messages simply one after the other.
//!
//! Lazy and linear: nothing is copied or parsed, each message comes out as a byte range. Counts in BTS-1 and
//! FTS-1 are checked against what was there.

use std::fmt;
use std::ops::Range;

use crate::index::{count_line_ends, is_padding};
use crate::{Delimiters, Encoding, Field, Location, SegmentId};

/// What a part of a batch file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartKind {
    /// FHS.
    FileHeader,
    /// BHS.
    BatchHeader,
    /// One message, from its MSH to the line before the next part.
    Message,
    /// BTS.
    BatchTrailer,
    /// FTS.
    FileTrailer,
    /// A line that belongs to no message and no envelope.
    Junk,
    /// The end of the file, given only when an envelope is still open there.
    End,
}

/// One part of a batch file.
#[derive(Clone)]
pub struct Part<'a> {
    /// What it is.
    pub kind: PartKind,
    /// Where it stands in the file.
    pub range: Range<usize>,
    /// 1-based line it begins on.
    pub line: u32,
    /// What is wrong with it, if anything.
    pub problem: Option<BatchProblem>,
    bytes: &'a [u8],
    delimiters: Delimiters,
}

impl<'a> Part<'a> {
    /// Its bytes, terminator included.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes.get(self.range.clone()).unwrap_or_default()
    }

    /// A field of an envelope line: `BHS-11` is the batch's control id. Absent for a message; parse that.
    pub fn field(&self, n: usize) -> Field<'a> {
        let line = self.bytes().trim_ascii_end();
        let id = line.first_chunk::<3>().and_then(|&id| SegmentId::from_bytes(id));
        let encoding = Encoding {
            delimiters: self.delimiters,
            ..Encoding::STANDARD
        };
        let envelope = !matches!(self.kind, PartKind::Message | PartKind::Junk | PartKind::End);
        let Some(id) = id.filter(|_| envelope) else {
            return Field::absent(encoding, Location::new(SegmentId::MSH));
        };
        let separator = self.delimiters.field;
        let mut fields = line.split(|&b| b == separator).skip(1);
        let raw = match (id.declares_delimiters(), n) {
            (_, 0) => None,
            (true, 1) => line.get(3..4),
            (true, n) => fields.nth(n - 2),
            (false, n) => fields.nth(n - 1),
        };
        Field::new(raw, encoding, Location::new(id), n)
    }
}

impl fmt::Debug for Part<'_> {
    /// Place only: a part may hold patients.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            range,
            line,
            problem,
            ..
        } = self;
        write!(f, "{kind:?} at line {line}, bytes {range:?}")?;
        problem.map_or(Ok(()), |problem| write!(f, ": {problem}"))
    }
}

/// What is wrong with an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchProblem {
    /// BTS-1 states another number of messages, or FTS-1 of batches, than there are.
    #[error("the trailer counts {stated}, but {counted} came")]
    CountDiffers {
        /// As the trailer has it.
        stated: u32,
        /// As they came.
        counted: u32,
    },
    /// BTS-1 or FTS-1 is no number.
    #[error("the trailer's count is not a number")]
    CountUnreadable,
    /// A trailer closes an envelope that was not opened.
    #[error("a trailer without its header")]
    HeaderMissing,
    /// An envelope is not closed where the next begins, or at the end of the file: the file may be cut short.
    #[error("an envelope is not closed by its trailer")]
    TrailerMissing,
}

/// Takes a file of messages apart.
///
/// # Example
///
/// ```
/// let file = b"BHS|^~\\&\rMSH|^~\\&|A\rPID|1\rMSH|^~\\&|B\rBTS|3\r";
/// let mut batch = hl7v2::read_batch(file);
/// assert_eq!(batch.clone().messages().count(), 2);
/// let problem = batch.find_map(|part| part.problem).unwrap();
/// assert_eq!(problem.to_string(), "the trailer counts 3, but 2 came");
/// ```
pub fn read_batch(bytes: &[u8]) -> Batch<'_> {
    Batch {
        bytes,
        at: 0,
        delimiters: Delimiters::STANDARD,
        batch: None,
        file: None,
        lines_counted: 0,
        counted_to: 0,
    }
}

/// The parts of a file, in order.
#[derive(Clone)]
pub struct Batch<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Of the last header seen; trailers use them.
    delimiters: Delimiters,
    /// Messages so far in the open batch.
    batch: Option<u32>,
    /// Batches so far in the open file envelope.
    file: Option<u32>,
    lines_counted: u32,
    counted_to: usize,
}

impl<'a> Batch<'a> {
    /// The messages alone.
    pub fn messages(self) -> impl Iterator<Item = &'a [u8]> {
        self.filter(|part| part.kind == PartKind::Message)
            .map(|part| part.bytes())
    }

    /// Past padding: blank lines, byte order marks, MLLP frame bytes.
    fn skip_padding(&mut self) {
        loop {
            match self.rest() {
                [0xEF, 0xBB, 0xBF, ..] => self.at += 3,
                [byte, ..] if is_padding(*byte) => self.at += 1,
                _ => return,
            }
        }
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Past the line and its terminator.
    fn skip_line(&mut self) {
        let rest = self.rest();
        self.at += match memchr::memchr2(b'\r', b'\n', rest) {
            Some(end) if rest.get(end..).is_some_and(|t| t.starts_with(b"\r\n")) => end + 2,
            Some(end) => end + 1,
            None => rest.len(),
        };
    }

    /// The kind of the line that begins here; none when it is a line inside a message.
    fn envelope_kind(&self) -> Option<PartKind> {
        let (id, rest) = self.rest().split_first_chunk::<3>()?;
        let next = rest.first().copied().unwrap_or(b'\r');
        let bare = is_padding(next);
        let header = next.is_ascii_punctuation() || bare;
        let trailer = next == self.delimiters.field || bare;
        match id {
            b"FHS" if header => Some(PartKind::FileHeader),
            b"BHS" if header => Some(PartKind::BatchHeader),
            b"MSH" if header => Some(PartKind::Message),
            b"BTS" if trailer => Some(PartKind::BatchTrailer),
            b"FTS" if trailer => Some(PartKind::FileTrailer),
            _ => None,
        }
    }

    /// To the line that is the next part, past all lines of this message.
    fn skip_message(&mut self) {
        loop {
            self.skip_line();
            let line = self.at;
            self.skip_padding();
            if self.rest().is_empty() || self.envelope_kind().is_some() {
                return;
            }
            self.at = line.max(self.at);
        }
    }

    fn part(&mut self, kind: PartKind, start: usize, problem: Option<BatchProblem>) -> Part<'a> {
        self.lines_counted += count_line_ends(self.bytes.get(self.counted_to..start).unwrap_or_default());
        self.counted_to = start;
        let end = self.without_padding(start, self.at);
        Part {
            kind,
            range: start..end,
            line: self.lines_counted + 1,
            problem,
            bytes: self.bytes,
            delimiters: self.delimiters,
        }
    }

    /// Takes padding off the end, but for the one terminator of the last line.
    fn without_padding(&self, start: usize, end: usize) -> usize {
        let part = self.bytes.get(start..end).unwrap_or_default();
        let content = part
            .iter()
            .rposition(|&b| !is_padding(b))
            .map_or(0, |last| last + 1);
        let terminator = match part.get(content..).unwrap_or_default() {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => 0,
        };
        start + content + terminator
    }

    fn open(&mut self, kind: PartKind) -> Option<BatchProblem> {
        if let Ok(delimiters) = Delimiters::read(self.rest()) {
            self.delimiters = delimiters;
        }
        match kind {
            PartKind::FileHeader => {
                let open = self.batch.take().is_some() | self.file.replace(0).is_some();
                open.then_some(BatchProblem::TrailerMissing)
            }
            PartKind::BatchHeader => {
                self.file = self.file.map(|batches| batches.saturating_add(1));
                self.batch.replace(0).map(|_| BatchProblem::TrailerMissing)
            }
            _ => {
                self.batch = self.batch.map(|messages| messages.saturating_add(1));
                None
            }
        }
    }

    fn close(&mut self, part: &Part<'_>) -> Option<BatchProblem> {
        let mut unclosed = None;
        let counted = if part.kind == PartKind::FileTrailer {
            unclosed = self.batch.take().map(|_| BatchProblem::TrailerMissing);
            self.file.take()
        } else {
            self.batch.take()
        };
        let Some(counted) = counted else {
            return Some(BatchProblem::HeaderMissing);
        };
        let count = part.field(1);
        let text = count.text();
        match text.trim().parse::<u32>() {
            _ if !count.is_valued() => unclosed,
            Ok(stated) if stated == counted => unclosed,
            Ok(stated) => Some(BatchProblem::CountDiffers { stated, counted }),
            Err(_) => Some(BatchProblem::CountUnreadable),
        }
    }
}

impl<'a> Iterator for Batch<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        self.skip_padding();
        let start = self.at;
        if self.rest().is_empty() {
            let open = self.batch.take().is_some() | self.file.take().is_some();
            return open.then(|| self.part(PartKind::End, start, Some(BatchProblem::TrailerMissing)));
        }
        match self.envelope_kind() {
            None => {
                self.skip_line();
                Some(self.part(PartKind::Junk, start, None))
            }
            Some(kind @ (PartKind::BatchTrailer | PartKind::FileTrailer)) => {
                self.skip_line();
                let mut part = self.part(kind, start, None);
                part.problem = self.close(&part);
                Some(part)
            }
            Some(kind) => {
                let problem = self.open(kind);
                if kind == PartKind::Message {
                    self.skip_message()
                } else {
                    self.skip_line()
                }
                Some(self.part(kind, start, problem))
            }
        }
    }
}

impl fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batch(byte {} of {})", self.at, self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(file: &[u8]) -> Vec<String> {
        read_batch(file)
            .map(|part| {
                let problem = part.problem.map(|p| format!(": {p}")).unwrap_or_default();
                format!("{} {:?}{problem}", part.line, part.kind)
            })
            .collect()
    }

    #[test]
    fn an_envelope_with_right_counts_has_no_problem() {
        let file = b"FHS|^~\\&\rBHS|^~\\&|||||||||B7\rMSH|^~\\&|A\rPID|1\rBTS|1\rBHS|^~\\&\rMSH|^~\\&|B\rBTS|1\rFTS|2\r";
        assert!(read_batch(file).all(|part| part.problem.is_none()));
        let messages: Vec<_> = read_batch(file).messages().collect();
        assert_eq!(messages, [&b"MSH|^~\\&|A\rPID|1\r"[..], b"MSH|^~\\&|B\r"]);
        let batch = read_batch(file).nth(1).unwrap();
        assert_eq!(
            (batch.kind, batch.field(11).text().as_ref()),
            (PartKind::BatchHeader, "B7")
        );
        assert_eq!(batch.field(2).raw(), b"^~\\&");
    }

    #[test]
    fn messages_without_an_envelope_and_with_frame_bytes_come_apart() {
        let file = b"\xEF\xBB\xBF\x0bMSH|^~\\&|A\r\nPID|1\r\n\x1c\r\n\n\x0bMSH|^~\\&|B\r\n\nPV1|1\n\x1c\r";
        let messages: Vec<_> = read_batch(file).messages().collect();
        assert_eq!(
            messages,
            [&b"MSH|^~\\&|A\r\nPID|1\r\n"[..], b"MSH|^~\\&|B\r\n\nPV1|1\n"]
        );
    }

    #[test]
    fn every_broken_envelope_is_reported_at_its_line() {
        assert_eq!(
            shape(b"hello\nBHS|^~\\&\nMSH|^~\\&\nBHS|^~\\&\nBTS|1\nBTS|0\nFTS|x\n"),
            [
                "1 Junk",
                "2 BatchHeader",
                "3 Message",
                "4 BatchHeader: an envelope is not closed by its trailer",
                "5 BatchTrailer: the trailer counts 1, but 0 came",
                "6 BatchTrailer: a trailer without its header",
                "7 FileTrailer: a trailer without its header",
            ]
        );
        assert_eq!(
            shape(b"FHS|^~\\&\rBHS|^~\\&\rMSH|^~\\&\r"),
            [
                "1 FileHeader",
                "2 BatchHeader",
                "3 Message",
                "4 End: an envelope is not closed by its trailer"
            ]
        );
        assert_eq!(
            shape(b"FHS|^~\\&\rFTS|x\r")[1],
            "2 FileTrailer: the trailer's count is not a number"
        );
        assert_eq!(
            shape(b"BHS|^~\\&\rBTS\r"),
            ["1 BatchHeader", "2 BatchTrailer"],
            "the count is optional"
        );
    }

    #[test]
    fn a_header_cut_short_is_a_message_of_its_own() {
        let messages: Vec<_> = read_batch(b"MSH|^~\\&|A\rPID|1\rMSH").messages().collect();
        assert_eq!(messages, [&b"MSH|^~\\&|A\rPID|1\r"[..], b"MSH"]);
    }

    #[test]
    fn nothing_in_nothing_out() {
        assert_eq!(read_batch(b"").count(), 0);
        assert_eq!(read_batch(b"\r\n\x1c\r").count(), 0);
    }
}
