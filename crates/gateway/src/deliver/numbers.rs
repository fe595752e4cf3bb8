//! Numbers of an endpoint that counts what it sends: the next one, in the journal behind each delivery.
//!
//! Written after the delivery it belongs to, so that a crash between the two sends a number too low, which the receiver
//! puts right, and never the same message under a second number.

use std::sync::Arc;

use bytes::Bytes;
use mllp::Assurance;
use store::Journal;
use tracing::{debug, warn};

use super::Outcome;
use super::by_mllp::Connection;
use super::worker::Tried;
use crate::gateway::Shared as Gateway;
use crate::sequence;

/// The number that the next message gets.
#[derive(Debug)]
pub(super) struct Numbers {
    link: String,
    next: Option<i64>,
    kept: Option<i64>,
}

impl Numbers {
    pub(super) fn of(endpoint: &str) -> Self {
        Self {
            link: sequence::link_to(endpoint),
            next: None,
            kept: None,
        }
    }

    /// Sends one message with its number, and once more when the receiver expects another.
    pub(super) async fn exchange(
        &mut self,
        gateway: &Gateway,
        connection: &mut Connection,
        address: &Arc<str>,
        assurance: impl Fn(&str) -> Option<Result<Assurance, String>>,
        bytes: &Bytes,
    ) -> Tried {
        let mut number = match self.next {
            Some(number) => number,
            None => match gateway.journal.link(self.link.clone()).await {
                Ok(known) => {
                    self.kept = known;
                    known.unwrap_or(1)
                }
                Err(error) => return Outcome::Unreachable(error.to_string()).into(),
            },
        };
        let mut again = true;
        loop {
            let numbered = sequence::numbered(bytes, number);
            let outcome = connection.exchange(address, &assurance, &numbered).await;
            let answered = connection.take_answer();
            let expected = answered.as_deref().and_then(sequence::expected_by);
            if again
                && matches!(outcome, Outcome::Refused { .. })
                && expected.is_some_and(|other| other != number)
            {
                debug!(link = %self.link, stage = "deliver", "the receiver expects another sequence number");
                number = expected.unwrap_or(number);
                again = false;
                continue;
            }
            self.next = Some(match (&outcome, expected) {
                (_, Some(expected)) => expected,
                (Outcome::Taken, None) => number.saturating_add(1),
                _ => number,
            });
            return Tried {
                outcome,
                sent: Some(numbered),
                answered,
            };
        }
    }

    /// Keeps the next number, if it has changed. Not waited for: what is lost is put right by the receiver.
    pub(super) async fn keep(&mut self, gateway: &Gateway) {
        let Some(next) = self.next.filter(|_| self.next != self.kept) else {
            return;
        };
        self.kept = self.next;
        if let Err(error) = gateway.journal.keep_link(self.link.clone(), next).await {
            warn!(%error, stage = "deliver", "the journal did not keep a sequence number");
        }
    }
}
