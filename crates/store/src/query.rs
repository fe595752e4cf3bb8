//! Questions to the journal, and pages of answers.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use serde::Serialize;

use crate::{ContentHash, DeliveryState, JournalError, MessageId, MessageState};

/// Where a page ended; opaque outside this crate, safe to hand to a browser and take back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub struct Cursor {
    pub(crate) time: i64,
    pub(crate) sequence: i64,
}

impl Cursor {
    /// The place so many after this one, in the order of commit.
    #[must_use]
    pub fn plus(self, places: u16) -> Self {
        Self {
            sequence: self.sequence.saturating_add(places.into()),
            ..self
        }
    }

    /// The place before this one, in the order of commit.
    #[must_use]
    pub fn before(self) -> Self {
        Self {
            sequence: self.sequence.saturating_sub(1),
            ..self
        }
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.to_string()
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{:x}", self.time, self.sequence)
    }
}

impl FromStr for Cursor {
    type Err = JournalError;

    fn from_str(text: &str) -> Result<Self, JournalError> {
        let number = |text: &str| u64::from_str_radix(text, 16).map(u64::cast_signed);
        let (time, sequence) = text.split_once('.').ok_or(JournalError::Cursor)?;
        match (number(time), number(sequence)) {
            (Ok(time), Ok(sequence)) => Ok(Self { time, sequence }),
            _ => Err(JournalError::Cursor),
        }
    }
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// At most as many as asked for.
    pub items: Vec<T>,
    /// Where to go on; `None` when the list has ended.
    pub next: Option<Cursor>,
}

/// A search for messages, newest first; every condition given must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// A key of [`Identity::patients`](crate::Identity::patients).
    pub patient: Option<String>,
    /// MSH-9.1.
    pub message_code: Option<String>,
    /// MSH-9.2.
    pub trigger_event: Option<String>,
    /// Source system.
    pub system: Option<String>,
    /// How far it has come.
    pub state: Option<MessageState>,
    /// MSH-10, whole.
    pub control_id: Option<String>,
    /// Only those whose control id their sender had used for other content before.
    pub conflict: bool,
    /// Received at or after, Unix milliseconds.
    pub from_ms: Option<i64>,
    /// Received before, Unix milliseconds.
    pub to_ms: Option<i64>,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// Most messages in the page; at least 1, at most 1000.
    pub limit: usize,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            patient: None,
            message_code: None,
            trigger_event: None,
            system: None,
            state: None,
            control_id: None,
            conflict: false,
            from_ms: None,
            to_ms: None,
            after: None,
            limit: 50,
        }
    }
}

/// Asks for an earlier, routed message of the same sender and control id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// MSH-3.
    pub sending_application: String,
    /// MSH-4.
    pub sending_facility: String,
    /// MSH-10.
    pub control_id: String,
    /// Received at or after, Unix milliseconds.
    pub since_ms: i64,
}

/// An earlier message of the same sender and control id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Its name.
    pub id: MessageId,
    /// Hash of its bytes: the same content is a replay, another is a conflict.
    pub content_hash: ContentHash,
    /// The ACK it got.
    pub ack: Option<Bytes>,
    /// Unix milliseconds.
    pub received_at_ms: i64,
}

/// A search for deliveries, in order of commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryQuery {
    /// Of this message.
    pub message: Option<MessageId>,
    /// In this state.
    pub state: Option<DeliveryState>,
    /// Of this interface.
    pub interface: Option<String>,
    /// Of this lane.
    pub lane: Option<String>,
    /// Held, left out or failed last for this reason.
    pub cause: Option<String>,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// Most deliveries in the page; at least 1, at most 1000.
    pub limit: usize,
}

impl Default for DeliveryQuery {
    fn default() -> Self {
        Self {
            message: None,
            state: None,
            interface: None,
            lane: None,
            cause: None,
            after: None,
            limit: 50,
        }
    }
}

/// Deliveries that are held for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldCause {
    /// The interface.
    pub interface: String,
    /// The reason.
    pub cause: String,
    /// How many.
    pub count: u64,
    /// When the first of them was queued, Unix milliseconds.
    pub since_ms: i64,
}

/// How many there are of what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Messages by state; only states that occur.
    pub messages: Vec<(MessageState, u64)>,
    /// Deliveries by interface and state; only those that occur.
    pub deliveries: Vec<(String, DeliveryState, u64)>,
}

impl Counts {
    /// Messages in this state.
    pub fn messages_in(&self, state: MessageState) -> u64 {
        self.messages
            .iter()
            .filter(|(each, _)| *each == state)
            .map(|(_, count)| count)
            .sum()
    }

    /// Deliveries in this state, over all interfaces.
    pub fn deliveries_in(&self, state: DeliveryState) -> u64 {
        self.deliveries
            .iter()
            .filter(|(_, each, _)| *each == state)
            .map(|(_, _, count)| count)
            .sum()
    }
}
