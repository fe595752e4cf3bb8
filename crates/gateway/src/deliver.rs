//! Deliver: each message to each endpoint, in order per patient, until taken, held or filtered.
//!
//! A delivery enters an [`Outbox`] once the journal has committed it, waits for its turn in its
//! [`lanes`], is translated and sent by a worker, and leaves its lanes once the journal has committed
//! what became of it: a restart may repeat the last message of a lane, never one before it.
//! What an answer means is not decided here: see `verdict`.

mod application_ack;
mod backlog;
mod breaker;
mod by_facade;
mod by_fhir;
mod by_mllp;
pub(crate) mod held;
pub(crate) mod lanes;
mod numbers;
mod outbox;
pub(crate) mod resend;
mod retry;
mod watch;
mod worker;

use std::sync::Arc;

use bytes::Bytes;
use store::{Cursor, DeliveryId};
use translate::dialect::Dialect;

pub(crate) use self::backlog::{park_held, run as run_backlog};
use self::lanes::{LaneKeys, Ticket};
pub(crate) use self::outbox::Outbox;
pub(crate) use self::watch::Watch;
pub(crate) use self::worker::{Line, run as run_worker, run_ledger};
use crate::acknowledge;
use crate::gateway::Shared as Gateway;
use crate::identify;
use crate::phi::Phi;
use crate::pipeline::{Decision, Planned};
use crate::receive::Received;
use crate::verdict::Answer;

/// One message for one endpoint, by one interface.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) id: DeliveryId,
    /// Position of the interface in the settings.
    pub(crate) interface: usize,
    /// How its sender speaks.
    pub(crate) from: &'static Dialect,
    /// MSH-10, for the log.
    pub(crate) control_id: Arc<str>,
    /// HL7 v2 as received, or canonical when it came as FHIR.
    pub(crate) frame: Phi<Bytes>,
    /// When its message was received, Unix milliseconds.
    pub(crate) received_at_ms: i64,
    pub(crate) keys: LaneKeys,
    /// Attempts that counted so far.
    pub(crate) attempts: u32,
    /// Whether somebody wants to know what the destination answers, a yes included.
    pub(crate) relayed: bool,
}

impl Delivery {
    /// The same number for the same delivery, different ones for different ones.
    pub(crate) fn seed(&self) -> u64 {
        let id = self.id.message.0.as_u128();
        let low = u64::try_from(id & u128::from(u64::MAX)).unwrap_or_default();
        low ^ u64::from(self.id.ordinal).rotate_left(32)
    }
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

impl Outcome {
    /// In a word, for whoever counts.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Refused {
                answer: Answer::Never,
                ..
            } => "rejected",
            Self::Refused { .. } => "refused",
            Self::Doubt(_) => "doubt",
            Self::Unreachable(_) => "unreachable",
            Self::Unsendable(_) => "unsendable",
        }
    }
}

/// Puts a committed message into the outboxes, in its order.
///
/// `first` is where its first delivery stands in the journal. Gives a watch on its deliveries where the sender
/// waits for them.
pub(crate) fn enqueue(
    gateway: &Gateway,
    received: &Received,
    decision: &Decision,
    first: Option<Cursor>,
) -> Option<Arc<Watch>> {
    let first = first?;
    let carried = |planned: &&Planned| !gateway.settings.interfaces[planned.interface].acknowledges;
    let watch = acknowledge::waits(gateway, received.door)
        .then(|| gateway.start_watch(received.id, decision.deliveries.iter().filter(carried).count()));
    for (ordinal, planned) in (1..).zip(&decision.deliveries) {
        let delivery = begin(gateway, received, decision, ordinal, planned);
        let place = first.plus(ordinal - 1);
        gateway.line_of(planned.interface).outbox.offer(delivery, place);
    }
    watch
}

/// A delivery as it begins.
fn begin(
    gateway: &Gateway,
    received: &Received,
    decision: &Decision,
    ordinal: u16,
    planned: &Planned,
) -> Delivery {
    Delivery {
        id: DeliveryId {
            message: received.id,
            ordinal,
        },
        interface: planned.interface,
        from: received.door.dialect(gateway, decision.source),
        control_id: decision.identity.control_id.as_str().into(),
        frame: received.frame.clone(),
        received_at_ms: received.at_ms,
        keys: planned.keys.clone(),
        attempts: 0,
        relayed: decision.acknowledges(gateway) || acknowledge::waits(gateway, received.door),
    }
}

/// Takes up a delivery that is only in the journal.
///
/// None when its message cannot be told in HL7 v2 any more, or its interface is gone.
pub(crate) fn reopen(
    gateway: &Gateway,
    kept: &store::Delivery,
    message: &store::Message,
) -> Option<Delivery> {
    let interface = gateway
        .settings
        .interfaces
        .iter()
        .position(|known| known.name == kept.interface)?;
    let (door, frame) = crate::receive::reopen(gateway, message).ok()?;
    let (from, control_id, keys, relayed) = {
        let parsed = hl7v2::Message::parse(&frame).ok()?;
        let identity = identify::identify(&gateway.settings, &parsed);
        let from = door.dialect(gateway, identity.source);
        (
            from,
            identity.control_id.as_ref().into(),
            identify::lanes(interface, &identity.identifiers),
            acknowledge::deferred(gateway, door, identity.source, &parsed).is_some()
                || acknowledge::waits(gateway, door),
        )
    };
    Some(Delivery {
        id: kept.id,
        interface,
        from,
        control_id,
        frame: Phi::new(frame),
        received_at_ms: message.summary.received_at_ms,
        keys,
        attempts: kept.attempts,
        relayed,
    })
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
