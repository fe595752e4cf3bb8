//! Backlog: the part of a queue that is only on disk, read in page by page.
//!
//! After a start all of it is; while an endpoint is away the rest of a long queue is. Pages come in the
//! order of commit, so the order within a lane is the order of arrival whichever way a message took.

use std::sync::Arc;

use store::{DeliveryQuery, DeliveryState, Journal, JournalError, Progress};
use tokio::time::{Duration, sleep};
use tracing::warn;

use super::outbox::Wanted;
use super::{Delivery, application_ack, reopen};
use crate::config::OnHeld;
use crate::gateway::Shared as Gateway;

/// Pause after the journal could not be read.
const READ_RETRY: Duration = Duration::from_millis(500);

/// Fills the outbox of one endpoint from disk whenever it has room, until it stops.
pub(crate) async fn run(gateway: Arc<Gateway>, endpoint: usize) {
    let Some(line) = gateway.lines[endpoint].as_ref() else {
        return;
    };
    while !line.outbox.is_stopped() {
        let Some(wanted) = line.outbox.wants() else {
            line.outbox.room().await;
            continue;
        };
        if let Err(error) = fill(&gateway, endpoint, wanted).await {
            warn!(%error, stage = "deliver", "the queue could not be read; trying again");
            sleep(READ_RETRY).await;
        }
    }
}

async fn fill(gateway: &Gateway, endpoint: usize, wanted: Wanted) -> Result<(), JournalError> {
    let Some(line) = gateway.lines[endpoint].as_ref() else {
        return Ok(());
    };
    let interface = gateway.settings.interfaces[wanted.interface].name.clone();
    let limit = gateway.settings.limits.page_deliveries;
    let page = gateway
        .journal
        .queued(interface, wanted.after, limit, wanted.bytes_max)
        .await?;
    let mut deliveries = Vec::with_capacity(page.items.len());
    for store::Queued {
        delivery, message, ..
    } in &page.items
    {
        if !line.outbox.holds(delivery.id) {
            deliveries.extend(take_up(gateway, delivery, message).await?);
        }
    }
    let through = page.items.last().map(|queued| queued.place);
    line.outbox.page(wanted, deliveries, through, page.next);
    Ok(())
}

async fn load(gateway: &Gateway, kept: &store::Delivery) -> Result<Option<Delivery>, JournalError> {
    match gateway.journal.message(kept.id.message).await? {
        Some(message) => take_up(gateway, kept, &message).await,
        None => Ok(None),
    }
}

/// Takes a delivery up again; what cannot be read any more is held, where somebody sees it.
async fn take_up(
    gateway: &Gateway,
    kept: &store::Delivery,
    message: &store::Message,
) -> Result<Option<Delivery>, JournalError> {
    let delivery = reopen(gateway, kept, message);
    if delivery.is_none() {
        warn!(message = %kept.id, stage = "deliver", "a queued delivery cannot be taken up again: held");
        let progress = Progress {
            id: kept.id,
            state: DeliveryState::Held,
            attempts: kept.attempts,
            at_ms: gateway.clock.now_ms(),
            cause: Some("this message cannot be read with the present configuration".into()),
            sent: None,
            answered: None,
        };
        gateway.journal.progress(progress).await?.await?;
        application_ack::wake(gateway, kept.id.message);
    }
    Ok(delivery)
}

/// Puts back, before anything is sent, the held messages that others wait for.
pub(crate) async fn park_held(gateway: &Gateway, interface: usize) -> Result<(), JournalError> {
    let settings = &gateway.settings.interfaces[interface];
    if settings.on_held == OnHeld::Pass {
        return Ok(());
    }
    let line = gateway.line_of(interface);
    let mut after = None;
    loop {
        let query = DeliveryQuery {
            state: Some(DeliveryState::Held),
            interface: Some(settings.name.clone()),
            after,
            limit: gateway.settings.limits.page_deliveries,
            ..DeliveryQuery::default()
        };
        let page = gateway.journal.deliveries(query).await?;
        for kept in &page.items {
            if let Some(delivery) = load(gateway, kept).await? {
                line.outbox.admit_held(delivery);
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}
