//! Deliver: each message to each endpoint, in order per patient, until taken, held or filtered.
//!
//! A delivery enters an [`outbox`](Outbox) once the journal has committed it, waits for its turn in its
//! [`lanes`], is translated and sent by a worker, and leaves its lanes once the journal has committed
//! what became of it. Nothing is decided here about what an answer means: see `verdict`.

mod breaker;
mod by_fhir;
mod by_mllp;
pub(crate) mod lanes;
mod outbox;
mod retry;

use bytes::Bytes;
use store::{DeliveryId, MessageId};

use self::lanes::{LaneKeys, Ticket};
use crate::verdict::Answer;

/// One message for one endpoint, by one interface.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) id: DeliveryId,
    pub(crate) message: MessageId,
    pub(crate) interface: usize,
    /// HL7 v2 as received, or canonical when it came as FHIR.
    pub(crate) frame: Bytes,
    pub(crate) keys: LaneKeys,
    /// Attempts that counted so far.
    pub(crate) attempts: u32,
}

/// A delivery on its way, with its place in the lanes.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) ticket: Ticket,
    pub(crate) delivery: Delivery,
}

/// What became of one attempt.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The endpoint has it.
    Taken,
    /// The endpoint said no.
    Refused { answer: Answer, cause: String },
    /// No answer to go by: it may have it or not.
    Doubt(String),
    /// The endpoint cannot be reached; it has nothing.
    Unreachable(String),
    /// What would have to be sent cannot be.
    Unsendable(String),
}

/// Limits with small numbers, for tests.
#[cfg(test)]
pub(crate) fn test_limits() -> crate::config::DeliveryLimits {
    use std::time::Duration;
    crate::config::DeliveryLimits {
        connections: 4,
        connect_timeout: Duration::from_millis(500),
        ack_timeout: Duration::from_millis(500),
        attempts_max: 3,
        retry_first: Duration::from_millis(10),
        retry_longest: Duration::from_millis(80),
        breaker_refusals: 3,
    }
}
