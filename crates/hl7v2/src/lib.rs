//! HL7 v2 in its ER7 form: bytes as a queryable message, and back.
//!
//! [`Message::parse`] lays an [`Index`] over borrowed bytes; the five levels — [`Segment`], [`Field`],
//! [`Repetition`], [`Component`], [`Subcomponent`] — are views that split on demand and decode only what is
//! read. [`Builder`] and [`ack`] write messages, [`read_batch`] takes files of many apart, [`nhs`] finds and
//! masks NHS numbers.
//!
//! Pure: no sockets, files, clock or randomness. Refused here: meaning. Which value a code stands for is
//! `translate`'s business; when an ACK is due is `gateway`'s.
//!
//! # Example
//!
//! ```
//! use hl7v2::{Message, Presence};
//!
//! let message = Message::parse(b"MSH|^~\\&|LAB|RYJ|||||ORU^R01|42|T|2.4\rPID|1||9990000018^^^NHS^NH||\"\"|\r")?;
//! assert_eq!(message.header().trigger_event(), "R01");
//! assert_eq!(message.field("PID", 3).component(5).text(), "NH");
//! assert_eq!(message.field("PID", 5).presence(), Presence::Null);
//! assert_eq!(message.field("PID", 30).presence(), Presence::Absent);
//! # Ok::<(), hl7v2::ParseError>(())
//! ```

pub mod ack;
mod batch;
mod builder;
mod charset;
mod delimiters;
pub mod edit;
mod error;
pub mod escape;
mod header;
mod index;
mod leaf;
mod level;
mod location;
mod message;
pub mod nhs;
mod segment;
mod time;
mod writer;

pub use batch::{Batch, BatchProblem, Part, PartKind, read_batch};
pub use builder::{Builder, SegmentBuilder};
pub use charset::{Charset, Undecodable};
pub use delimiters::{DelimiterError, Delimiters, Encoding};
pub use error::ParseError;
pub use header::Header;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use index::scans_agree;
pub use index::{
    FIELDS_MAX, INSIDE_FIELD_MAX, Index, JUNK_LINES_MAX, Junk, JunkKind, MESSAGE_BYTES_MAX,
    MESSAGE_FIELDS_MAX, SEGMENTS_MAX,
};
pub use leaf::{Leaf, Leaves};
pub use level::{
    Component, Components, Field, Presence, Repetition, Repetitions, Subcomponent, Subcomponents, Value,
};
pub use location::{Location, LocationError, SegmentId};
pub use message::Message;
pub use segment::{Fields, Segment};
pub use time::{Fraction, Offset, Precision, Time, TimeError, TimePart};
