//! Resend: a message that somebody mended, or wants to go out once more, with its lineage.
//!
//! It becomes a message of its own whose parent is the one it stems from, through the same stages as any other.
//! Where that one is held, the new one takes its place in the queue and the held one is left out; elsewhere it
//! is a further delivery, asked for by a person.

use bytes::Bytes;
use store::{DeliveryQuery, DeliveryState, Journal, JournalError, MessageId};

use super::begin;
use crate::gateway::Shared as Gateway;
use crate::pipeline::{self, Decision};
use crate::verdict::Failure;
use crate::{receive, record};

/// Why a message was not sent again.
#[derive(Debug)]
pub(crate) enum Refused {
    /// What was made of it would not be accepted from its sender either.
    Message(Failure),
    /// It would not go where the one it stems from is held.
    Elsewhere(String),
    /// No delivery of the message goes that way.
    NoSuchWay,
    /// The journal did not take it; somebody else may have decided meanwhile.
    Journal(JournalError),
}

impl From<JournalError> for Refused {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

/// Sends `bytes` in place of a message, over one interface or over all that carried it.
///
/// # Errors
/// [`Refused`]; nothing is kept then.
pub(crate) async fn send(
    gateway: &Gateway,
    of: &store::Message,
    interface: Option<&str>,
    bytes: Bytes,
) -> Result<MessageId, Refused> {
    let query = DeliveryQuery {
        message: Some(of.summary.id),
        interface: interface.map(str::to_owned),
        limit: 1_000,
        ..DeliveryQuery::default()
    };
    let mut ways = gateway.journal.deliveries(query).await?.items;
    if ways.iter().any(|way| way.state == DeliveryState::Held) {
        ways.retain(|way| way.state == DeliveryState::Held);
    }
    if ways.is_empty() {
        return Err(Refused::NoSuchWay);
    }
    let received = receive::mended(gateway, of, bytes);
    let mut decision = pipeline::decide(gateway, &received);
    if let Some(failure) = decision.failure {
        return Err(Refused::Message(failure));
    }
    keep_ways(gateway, &mut decision, &ways)?;
    let recorded = record::record(gateway, &received)
        .await
        .map_err(Refused::Message)?;
    let settled = record::settle(gateway, &received, &decision).await;
    recorded.await?;
    settled.map_err(Refused::Message)?.await?;
    for (ordinal, planned) in (1..).zip(&decision.deliveries) {
        let delivery = begin(gateway, &received, &decision, ordinal, planned);
        let outbox = &gateway.line_of(planned.interface).outbox;
        let in_place = planned
            .replaces
            .is_some_and(|held| outbox.replace(held, delivery.clone()));
        if !in_place {
            // Its place in the journal may lie before what has been read from there.
            outbox.offer_again(delivery);
        }
    }
    Ok(received.id)
}

/// Leaves of a decision what goes the ways of the message it stems from.
fn keep_ways(gateway: &Gateway, decision: &mut Decision, ways: &[store::Delivery]) -> Result<(), Refused> {
    let name = |interface: usize| gateway.settings.interfaces[interface].name.as_str();
    for way in ways {
        if !decision
            .deliveries
            .iter()
            .any(|planned| name(planned.interface) == way.interface)
        {
            return Err(Refused::Elsewhere(way.interface.clone()));
        }
    }
    decision.deliveries.retain_mut(|planned| {
        let way = ways.iter().find(|way| way.interface == name(planned.interface));
        planned.replaces = way
            .filter(|way| way.state == DeliveryState::Held)
            .map(|way| way.id);
        way.is_some()
    });
    Ok(())
}
