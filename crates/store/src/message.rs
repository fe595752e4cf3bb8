//! What the journal keeps of a message and of each of its deliveries.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Cursor;

/// A message's name for good; never its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId(pub Uuid);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A delivery's name for good: its message, and its place (from 1) among that message's deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeliveryId {
    /// The message delivered.
    pub message: MessageId,
    /// 1-based, in the order of [`Settlement::deliveries`].
    pub ordinal: u16,
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.message, self.ordinal)
    }
}

/// SHA-256 of the bytes as received.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in &self.0[..8] {
            write!(f, "{byte:02x}")?;
        }
        write!(f, "…")
    }
}

macro_rules! states {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every state, in the order of a message's life.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word used in the store, the API and the console.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The state of that word.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|state| state.as_str() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

states! {
    /// How far a message has come.
    MessageState {
        /// Recorded; nothing is decided. After a restart it is processed again.
        Received = "received",
        /// Refused with a negative ACK.
        Rejected = "rejected",
        /// Its deliveries are recorded.
        Routed = "routed",
        /// No interface wanted it.
        Unrouted = "unrouted",
        /// A replay of an earlier message, which is its parent.
        Duplicate = "duplicate",
    }
}

states! {
    /// How far a delivery has come.
    DeliveryState {
        /// To be delivered, or tried again.
        Queued = "queued",
        /// Its destination has taken responsibility.
        Delivered = "delivered",
        /// Set aside with a cause, for a person to decide.
        Held = "held",
        /// Left out on purpose, by the interface's filter.
        Filtered = "filtered",
    }
}

/// A frame as it came: stage 2, before anything is known about it.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    /// Given by the caller.
    pub id: MessageId,
    /// Unix milliseconds, given by the caller.
    pub received_at_ms: i64,
    /// Name of the endpoint it came in by.
    pub endpoint: String,
    /// Who sent it: an address.
    pub peer: String,
    /// The message this one repeats or stems from.
    pub parent: Option<MessageId>,
    /// The bytes as received.
    pub raw: Bytes,
}

/// What stage 4 found out; empty where it found nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Source system, by configuration.
    pub system: String,
    /// MSH-9.1.
    pub message_code: String,
    /// MSH-9.2.
    pub trigger_event: String,
    /// MSH-10.
    pub control_id: String,
    /// MSH-3.
    pub sending_application: String,
    /// MSH-4.
    pub sending_facility: String,
    /// Keys under which the message is found by patient, in the caller's spelling.
    pub patients: Vec<String>,
}

/// What stages 3 to 5 decided about a recorded message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Which message.
    pub id: MessageId,
    /// Where it stands now.
    pub state: MessageState,
    /// What is known about it.
    pub identity: Identity,
    /// Why it was rejected or unrouted: place and reason, never a value.
    pub cause: Option<String>,
    /// The ACK that will be sent once this is durable; kept for a replay.
    pub ack: Option<Bytes>,
    /// One per interface, in routing order; ordinals follow.
    pub deliveries: Vec<NewDelivery>,
    /// Look this far back for an earlier routed message of the same sender and control id. With the
    /// same content this one becomes its [`MessageState::Duplicate`] and gets no deliveries.
    pub duplicate_window_ms: Option<u64>,
    /// The number it came with, on a link that counts its messages. One that is not next is
    /// [`Settled::OutOfStep`]: rejected, without ACK and deliveries.
    pub step: Option<Step>,
}

/// A numbered message of a link, or a question about its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The link's name.
    pub link: String,
    /// From 1; the first one on an unknown link is taken as it comes. 0 begins again with 1, less asks what is
    /// expected, and neither is a message.
    pub number: i64,
}

impl Settlement {
    /// A settlement with nothing but its outcome.
    pub fn new(id: MessageId, state: MessageState) -> Self {
        Self {
            id,
            state,
            identity: Identity::default(),
            cause: None,
            ack: None,
            deliveries: Vec::new(),
            duplicate_window_ms: None,
            step: None,
        }
    }
}

/// One delivery to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// The interface that carries it.
    pub interface: String,
    /// Deliveries of one lane keep their order.
    pub lane: String,
    /// [`Queued`](DeliveryState::Queued), or decided at once.
    pub state: DeliveryState,
    /// Why it is held or filtered.
    pub cause: Option<String>,
    /// A held delivery whose place in the queue it takes; that one is left out from then on. The settlement is
    /// refused when it is held no more.
    pub replaces: Option<DeliveryId>,
}

/// How a settlement turned out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Kept as asked.
    Fresh {
        /// An earlier message of the same sender and control id but other content: worth a flag.
        conflict: Option<MessageId>,
        /// Where its first delivery stands in the journal, if it has one; the others follow.
        first: Option<Cursor>,
    },
    /// A replay: no delivery was recorded; answer what was answered then.
    Duplicate {
        /// The original.
        of: MessageId,
        /// Its stored ACK, if it has been answered.
        ack: Option<Bytes>,
    },
    /// Not the number that is next on its link: kept, rejected, with no delivery.
    OutOfStep {
        /// The number that is.
        expected: i64,
    },
}

/// A change to one delivery.
#[derive(Clone, PartialEq, Eq)]
pub struct Progress {
    /// Which delivery.
    pub id: DeliveryId,
    /// Where it stands now.
    pub state: DeliveryState,
    /// Tries so far.
    pub attempts: u32,
    /// Unix milliseconds.
    pub at_ms: i64,
    /// Why it is held, or why the last try failed.
    pub cause: Option<String>,
    /// What was sent, when it is to be kept; `None` leaves what is there.
    pub sent: Option<Bytes>,
    /// What was answered, when it is to be kept; `None` leaves what is there.
    pub answered: Option<Bytes>,
}

/// A message in a list: all but its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Its name.
    pub id: MessageId,
    /// Unix milliseconds.
    pub received_at_ms: i64,
    /// How far it has come.
    pub state: MessageState,
    /// Endpoint it came in by.
    pub endpoint: String,
    /// Who sent it.
    pub peer: String,
    /// Source system.
    pub system: String,
    /// MSH-9.1.
    pub message_code: String,
    /// MSH-9.2.
    pub trigger_event: String,
    /// MSH-10.
    pub control_id: String,
    /// MSH-3.
    pub sending_application: String,
    /// MSH-4.
    pub sending_facility: String,
    /// The message it repeats or stems from.
    pub parent: Option<MessageId>,
    /// An earlier message of the same sender and control id but other content.
    pub conflict: Option<MessageId>,
    /// Why it was rejected or unrouted.
    pub cause: Option<String>,
    /// Length of the bytes as received.
    pub raw_bytes: u64,
}

/// A whole message.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// All but its bytes.
    pub summary: Summary,
    /// The bytes as received.
    pub raw: Bytes,
    /// Their hash.
    pub content_hash: ContentHash,
    /// The ACK sent for it.
    pub ack: Option<Bytes>,
    /// Keys under which it is found by patient.
    pub patients: Vec<String>,
}

impl fmt::Debug for Message {
    /// Without bytes and keys: they name a patient.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("summary", &self.summary)
            .finish_non_exhaustive()
    }
}

/// One delivery as it stands.
#[derive(Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its name.
    pub id: DeliveryId,
    /// The interface that carries it.
    pub interface: String,
    /// Its lane.
    pub lane: String,
    /// How far it has come.
    pub state: DeliveryState,
    /// Tries so far.
    pub attempts: u32,
    /// Why it is held or filtered, or why the last try failed.
    pub cause: Option<String>,
    /// Unix milliseconds.
    pub queued_at_ms: i64,
    /// Unix milliseconds of the last change.
    pub changed_at_ms: i64,
    /// What was sent, if kept.
    pub sent: Option<Bytes>,
    /// What was answered, if kept.
    pub answered: Option<Bytes>,
}

/// A delivery to take up again, with its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Where it stands in the journal.
    pub place: Cursor,
    /// The delivery.
    pub delivery: Delivery,
    /// What it delivers.
    pub message: Message,
}

/// Without bytes: they name a patient.
impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("id", &self.id)
            .field("endpoint", &self.endpoint)
            .field("raw_bytes", &self.raw.len())
            .finish_non_exhaustive()
    }
}

/// Without bytes: they name a patient.
impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("id", &self.id)
            .field("state", &self.state)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// Without bytes, and without the cause, which may be a destination's own words.
impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("id", &self.id)
            .field("interface", &self.interface)
            .field("state", &self.state)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}
