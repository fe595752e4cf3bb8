//! The audit record: what happened to each message and delivery, chained so that tampering shows.
//!
//! No patient data: ids, states, times and the hash of the bytes received.

use serde::Serialize;

use crate::{ContentHash, DeliveryState, MessageId, MessageState};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Unix milliseconds.
    pub at_ms: i64,
    /// Whose.
    pub message: MessageId,
    /// What.
    pub what: Happened,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// A message was recorded, with these bytes.
    Recorded {
        /// How far it came in the same breath.
        state: MessageState,
        /// Hash of the bytes as received.
        content: ContentHash,
    },
    /// A recorded message was decided about.
    Settled(MessageState),
    /// A delivery changed.
    Delivery {
        /// Which of the message's, from 1.
        ordinal: u16,
        /// To what.
        state: DeliveryState,
    },
}

/// Whether the audit record and the journal agree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditVerdict {
    /// Commits looked at.
    pub commits: u64,
    /// Entries in them.
    pub entries: u64,
    /// Messages recorded before there was an audit record.
    pub older_messages: u64,
    /// What does not hold; empty when all is as it was written.
    pub faults: Vec<String>,
}

const RECORDED: u8 = 1;
const SETTLED: u8 = 2;
const DELIVERY: u8 = 3;

impl AuditEntry {
    /// Appends it in the form that is hashed.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let kind = match self.what {
            Happened::Recorded { .. } => RECORDED,
            Happened::Settled(_) => SETTLED,
            Happened::Delivery { .. } => DELIVERY,
        };
        out.push(kind);
        out.extend_from_slice(&self.at_ms.to_be_bytes());
        out.extend_from_slice(self.message.0.as_bytes());
        match self.what {
            Happened::Recorded { state, content } => {
                out.push(place(MessageState::ALL, state));
                out.extend_from_slice(&content.0);
            }
            Happened::Settled(state) => out.push(place(MessageState::ALL, state)),
            Happened::Delivery { ordinal, state } => {
                out.push(place(DeliveryState::ALL, state));
                out.extend_from_slice(&ordinal.to_be_bytes());
            }
        }
    }

    /// Takes one off the front; none at the end, or where the bytes are no entry.
    pub(crate) fn read(bytes: &mut &[u8]) -> Option<Self> {
        let [kind] = take::<1>(bytes)?;
        let at_ms = i64::from_be_bytes(take(bytes)?);
        let message = MessageId(uuid::Uuid::from_bytes(take(bytes)?));
        let [state] = take::<1>(bytes)?;
        let of_message = || MessageState::ALL.get(usize::from(state)).copied();
        let what = match kind {
            RECORDED => Happened::Recorded {
                state: of_message()?,
                content: ContentHash(take(bytes)?),
            },
            SETTLED => Happened::Settled(of_message()?),
            DELIVERY => Happened::Delivery {
                state: DeliveryState::ALL.get(usize::from(state)).copied()?,
                ordinal: u16::from_be_bytes(take(bytes)?),
            },
            _ => return None,
        };
        Some(Self { at_ms, message, what })
    }
}

fn place<T: PartialEq>(all: &[T], one: T) -> u8 {
    let found = all.iter().position(|each| *each == one).unwrap_or_default();
    u8::try_from(found).unwrap_or_default()
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_rubbish_is_none() {
        let message = MessageId(uuid::Uuid::from_u128(7));
        let entries = [
            Happened::Recorded {
                state: MessageState::Routed,
                content: ContentHash([9; 32]),
            },
            Happened::Settled(MessageState::Duplicate),
            Happened::Delivery {
                ordinal: 2,
                state: DeliveryState::Held,
            },
        ]
        .map(|what| AuditEntry {
            at_ms: -5,
            message,
            what,
        });
        let mut bytes = Vec::new();
        entries.iter().for_each(|entry| entry.write(&mut bytes));
        let mut rest = &bytes[..];
        let read: Vec<AuditEntry> = std::iter::from_fn(|| AuditEntry::read(&mut rest)).collect();
        assert_eq!((read.as_slice(), rest.len()), (&entries[..], 0));
        assert_eq!(AuditEntry::read(&mut &bytes[..20]), None);
        assert_eq!(AuditEntry::read(&mut &[77; 60][..]), None);
    }
}
