//! Held: what a person decides about a message that could not be delivered.
//!
//! Resent, it takes up its place in its lanes again if others waited for it, else it goes behind what has
//! come since. Discarded, it is left out for good, and those who waited go on.

use store::{DeliveryQuery, DeliveryState, Journal, JournalError, MessageId, Progress};

use super::{Job, reopen};
use crate::gateway::Shared as Gateway;

/// Held deliveries decided at a time.
const PAGE: usize = 500;

/// What is to become of a held message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Sent again, with all its attempts.
    Resend,
    /// Left out.
    Discard,
}

/// Decides the held deliveries of a message; of one interface, or of all. Says how many there were.
///
/// # Errors
/// When the journal cannot be read or does not take the change; those decided before stay decided.
pub(crate) async fn decide(
    gateway: &Gateway,
    message: MessageId,
    interface: Option<&str>,
    fate: Fate,
) -> Result<usize, JournalError> {
    let query = DeliveryQuery {
        message: Some(message),
        state: Some(DeliveryState::Held),
        interface: interface.map(str::to_owned),
        limit: 1_000,
        ..DeliveryQuery::default()
    };
    let held = gateway.journal.deliveries(query).await?.items;
    decide_each(gateway, &held, fate).await?;
    Ok(held.len())
}

/// Which held deliveries a decision is about; every condition given must hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) interface: Option<String>,
    pub(crate) cause: Option<String>,
}

/// Decides every held delivery that fits. Says how many there were.
///
/// # Errors
/// As [`decide`].
pub(crate) async fn decide_all(
    gateway: &Gateway,
    filter: &Filter,
    fate: Fate,
) -> Result<usize, JournalError> {
    let (mut decided, mut after) = (0, None);
    loop {
        let query = DeliveryQuery {
            state: Some(DeliveryState::Held),
            interface: filter.interface.clone(),
            cause: filter.cause.clone(),
            after,
            limit: PAGE,
            ..DeliveryQuery::default()
        };
        // The next page begins behind this one: what comes back held at once is not decided twice.
        let page = gateway.journal.deliveries(query).await?;
        decide_each(gateway, &page.items, fate).await?;
        decided += page.items.len();
        after = page.next;
        if after.is_none() {
            return Ok(decided);
        }
    }
}

async fn decide_each(gateway: &Gateway, held: &[store::Delivery], fate: Fate) -> Result<(), JournalError> {
    // Handed over together, they share their fsyncs; each goes on when its own change is durable.
    let mut kept = Vec::with_capacity(held.len());
    for delivery in held {
        kept.push(
            gateway
                .journal
                .progress(progress(gateway, delivery, fate))
                .await?,
        );
    }
    for (delivery, kept) in held.iter().zip(kept) {
        kept.await?;
        go_on(gateway, delivery, fate).await?;
    }
    Ok(())
}

fn progress(gateway: &Gateway, held: &store::Delivery, fate: Fate) -> Progress {
    let (state, attempts) = match fate {
        Fate::Resend => (DeliveryState::Queued, 0),
        Fate::Discard => (DeliveryState::Filtered, held.attempts),
    };
    Progress {
        id: held.id,
        state,
        attempts,
        at_ms: gateway.clock.now_ms(),
        cause: held.cause.clone(),
        sent: None,
        answered: None,
    }
}

async fn go_on(gateway: &Gateway, held: &store::Delivery, fate: Fate) -> Result<(), JournalError> {
    let interface = gateway
        .settings
        .interfaces
        .iter()
        .position(|known| known.name == held.interface);
    let Some(line) = interface.map(|interface| gateway.line_of(interface)) else {
        return Ok(());
    };
    match (line.outbox.unpark(held.id), fate) {
        (Some(Job { ticket, mut delivery }), Fate::Resend) => {
            delivery.attempts = 0;
            line.outbox.again(Job { ticket, delivery });
        }
        (Some(job), Fate::Discard) => line.outbox.leave(&job),
        (None, Fate::Resend) => {
            let message = gateway.journal.message(held.id.message).await?;
            let delivery = message.and_then(|message| reopen(gateway, held, &message));
            if let Some(mut delivery) = delivery {
                delivery.attempts = 0;
                line.outbox.offer_again(delivery);
            }
        }
        (None, Fate::Discard) => {}
    }
    Ok(())
}
