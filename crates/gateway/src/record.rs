//! Record: the journal holds what came, then what was decided, before anyone is told "yes".
//!
//! Both are handed to the journal's group writer one right after the other and share its insert and its
//! fsync; the pipeline goes on in between. Waiting is the caller's, and there is no positive answer
//! without it.

use store::{Journal, Pending, Settled, Settlement};

use crate::gateway::Shared as Gateway;
use crate::pipeline::Decision;
use crate::receive::Received;
use crate::verdict::Failure;

/// Hands a frame to the journal, readable or not.
///
/// # Errors
/// When the journal takes nothing any more.
pub(crate) async fn record(gateway: &Gateway, received: &Received) -> Result<Pending<()>, Failure> {
    let entry = store::Received {
        id: received.id,
        received_at_ms: received.at_ms,
        endpoint: received.door.name(gateway).to_owned(),
        peer: received.peer.clone(),
        parent: received.parent,
        raw: received.raw.expose().clone(),
    };
    gateway
        .journal
        .record(entry)
        .await
        .map_err(|error| not_recorded(&error))
}

/// Hands the decision to the journal, which also recognises a replay.
///
/// # Errors
/// When the journal takes nothing any more.
pub(crate) async fn settle(
    gateway: &Gateway,
    received: &Received,
    decision: &Decision,
) -> Result<Pending<Settled>, Failure> {
    let settlement = Settlement {
        id: received.id,
        state: decision.state,
        identity: decision.identity.clone(),
        cause: decision
            .failure
            .as_ref()
            .map(ToString::to_string)
            .or_else(|| decision.flag.clone()),
        ack: decision.ack.clone(),
        deliveries: decision
            .deliveries
            .iter()
            .map(|planned| planned.entry(gateway))
            .collect(),
        // By hand there are no numbers.
        step: decision.step.clone().filter(|_| received.parent.is_none()),
        // What is sent again by hand is meant to be.
        duplicate_window_ms: Some(gateway.settings.limits.duplicate_window_ms)
            .filter(|window| *window > 0 && received.parent.is_none()),
    };
    gateway
        .journal
        .settle(settlement)
        .await
        .map_err(|error| not_recorded(&error))
}

/// Waits until both are on disk.
///
/// # Errors
/// When either is not: the sender must hear no "yes".
pub(crate) async fn committed(
    recorded: Pending<()>,
    settled: Result<Pending<Settled>, Failure>,
) -> Result<Settled, Failure> {
    recorded.await.map_err(|error| not_recorded(&error))?;
    settled?.await.map_err(|error| not_recorded(&error))
}

fn not_recorded(error: &store::JournalError) -> Failure {
    tracing::error!(%error, "the journal did not take a message");
    Failure::NotRecorded
}
