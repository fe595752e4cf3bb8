//! Why bytes are no message. Places and limits only: a value could name a patient.

use crate::{DelimiterError, Location};

/// Why bytes could not be read as one HL7 v2 message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Nothing but white space.
    #[error("the message is empty")]
    Empty,
    /// The first line is not a message header.
    #[error("line {line} does not begin with MSH; an HL7 v2 message starts with its MSH segment")]
    NoHeader {
        /// 1-based, counting CR, LF and CRLF each as one line end.
        line: u32,
    },
    /// The bytes are two or four per character, so no delimiter stands where it is looked for.
    #[error("the message is encoded in UTF-16 or UTF-32; send UTF-8 or a single-byte character set")]
    WideCharacters,
    /// A batch or file header stands where MSH should.
    #[error("line {line} begins with {header}: this is a batch; take its messages apart first")]
    IsBatch {
        /// 1-based line of the header.
        line: u32,
        /// `FHS` or `BHS`.
        header: &'static str,
    },
    /// MSH-1 or MSH-2 does not say which characters divide the message.
    #[error(transparent)]
    Delimiters(#[from] DelimiterError),
    /// A second MSH: two messages in one frame would otherwise become one patient.
    #[error("line {line} is a second MSH; send one message per frame")]
    SecondHeader {
        /// 1-based.
        line: u32,
    },
    /// Segments divided by the two characters `\` and `r` instead of a carriage return.
    #[error("segments are divided by the two characters \\ and r; send a carriage return (0x0D) instead")]
    LiteralTerminators,
    /// More bytes than one message may have.
    #[error("the message is longer than {limit} bytes")]
    TooManyBytes {
        /// [`crate::MESSAGE_BYTES_MAX`].
        limit: usize,
    },
    /// More segments than one message may have.
    #[error("line {line}: more than {limit} segments")]
    TooManySegments {
        /// 1-based.
        line: u32,
        /// [`crate::SEGMENTS_MAX`].
        limit: usize,
    },
    /// More fields than one segment, or the whole message, may have.
    #[error("line {line}: more than {limit} fields")]
    TooManyFields {
        /// 1-based.
        line: u32,
        /// [`crate::FIELDS_MAX`] or [`crate::MESSAGE_FIELDS_MAX`].
        limit: usize,
    },
    /// More repetitions, components or subcomponents than one field may have.
    #[error("{location}: more than {limit} repetitions, components or subcomponents")]
    TooManyInsideField {
        /// The field.
        location: Location,
        /// [`crate::INSIDE_FIELD_MAX`].
        limit: usize,
    },
    /// More lines that are no segment than are worth listing.
    #[error("line {line}: more than {limit} lines are no segment")]
    TooManyJunkLines {
        /// 1-based.
        line: u32,
        /// [`crate::JUNK_LINES_MAX`].
        limit: usize,
    },
}
