//! The acknowledgement a frame gets, and what stays of a frame that was answered before.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use hl7v2::Message;
use hl7v2::ack::{Ack, AckCode, AckError, acknowledge, acknowledge_unreadable};

use super::Refusal;

/// The positive answer.
pub(crate) fn accepted(message: &Message<'_>, control_id: &str, now: &str) -> Bytes {
    acknowledge(Some(message), &Ack::of(AckCode::AA), control_id, now).into()
}

/// The negative answer, with ERR in the shape of the message's version.
pub(crate) fn refused(message: &Message<'_>, refusal: &Refusal, control_id: &str, now: &str) -> Bytes {
    acknowledge(Some(message), &ack_of(refusal), control_id, now).into()
}

/// The answer to a frame that is no HL7.
pub(crate) fn unreadable(frame: &[u8], refusal: &Refusal, control_id: &str, now: &str) -> Bytes {
    acknowledge_unreadable(frame, &ack_of(refusal), control_id, now).into()
}

fn ack_of(refusal: &Refusal) -> Ack<'_> {
    Ack {
        code: refusal.code,
        error: Some(AckError {
            location: refusal.place,
            condition: refusal.condition,
            text: &refusal.text,
        }),
        text: &refusal.text,
    }
}

/// What a sender was told about one of its messages.
#[derive(Clone)]
pub(crate) struct Receipt {
    /// Hash of sender and control id.
    pub key: u64,
    /// Hash of the bytes.
    pub content: u64,
    pub answer: Bytes,
}

/// The last receipts: the same message again gets the same answer and changes nothing.
#[derive(Default)]
pub(crate) struct Receipts {
    by_key: HashMap<u64, (u64, Bytes)>,
    order: VecDeque<u64>,
}

/// Receipts kept, in memory and on disk. A sender that repeats itself after so many other messages is heard anew,
/// which changes nothing either: events are idempotent by content.
pub(crate) const RECEIPTS_MAX: usize = 16_384;

impl Receipts {
    /// The answer given to the same sender, control id and content.
    pub(crate) fn answer(&self, key: u64, content: u64) -> Option<Bytes> {
        self.by_key
            .get(&key)
            .filter(|(held, _)| *held == content)
            .map(|(_, answer)| answer.clone())
    }

    pub(crate) fn keep(&mut self, receipt: &Receipt) {
        let value = (receipt.content, receipt.answer.clone());
        if self.by_key.insert(receipt.key, value).is_none() {
            self.order.push_back(receipt.key);
            if self.order.len() > RECEIPTS_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.by_key.remove(&oldest);
            }
        }
    }

    /// Forgets an answer that must not be given again, because its change was never recorded.
    pub(crate) fn forget(&mut self, key: u64) {
        self.by_key.remove(&key);
        self.order.retain(|held| *held != key);
    }
}
