//! Application acknowledgements after a CA: told to the sender once every destination has spoken.
//!
//! Each is a delivery of the message itself, the first, by an interface of its own: in the journal since before the
//! CA, tried again, held and seen like any other. Until the other deliveries have ended it is parked, and whoever
//! ends one of them wakes it; a restart finds it in its queue and asks the journal again.

use bytes::Bytes;
use hl7v2::Message;
use store::{DeliveryId, MessageId};
use tracing::debug;

use super::{Delivery, Job};
use crate::acknowledge::{self, Standing};
use crate::gateway::Shared as Gateway;

/// What there is to tell a sender about its message.
pub(super) enum Told {
    /// This.
    Ack(Bytes),
    /// Nothing yet: destinations are still to speak.
    NotYet,
    /// Nothing: it does not want to hear of this outcome.
    Unwanted,
    /// The journal could not be read.
    Unknown,
}

/// Asks the journal how a message fared.
pub(super) async fn told(gateway: &Gateway, delivery: &Delivery) -> Told {
    let message = delivery.id.message;
    let ended = match acknowledge::standing(gateway, message).await {
        Ok(Standing::Ended(ended)) => ended,
        Ok(Standing::Open(_)) => return Told::NotYet,
        Err(error) => {
            debug!(%message, %error, stage = "acknowledge", "the journal could not be read");
            return Told::Unknown;
        }
    };
    let Ok(parsed) = Message::parse(delivery.frame.expose()) else {
        return Told::Unwanted;
    };
    match acknowledge::application(gateway, message, &parsed, &ended) {
        Some(bytes) => Told::Ack(bytes),
        None => Told::Unwanted,
    }
}

/// Parks one that has nothing to tell yet. What ended meanwhile has found nobody to wake, so it is asked for again.
pub(super) async fn park(gateway: &Gateway, job: Job) {
    let (id, interface) = (job.delivery.id, job.delivery.interface);
    let outbox = &gateway.line_of(interface).outbox;
    outbox.unsendable();
    outbox.park(job);
    if !matches!(
        acknowledge::standing(gateway, id.message).await,
        Ok(Standing::Open(_))
    ) {
        outbox.resume(id, interface);
    }
}

/// A delivery of this message has ended: its acknowledgement may have something to tell.
pub(super) fn wake(gateway: &Gateway, message: MessageId) {
    let interfaces = gateway.settings.interfaces.iter().enumerate();
    for (interface, _) in interfaces.filter(|(_, interface)| interface.acknowledges) {
        let id = DeliveryId { message, ordinal: 1 };
        gateway.line_of(interface).outbox.resume(id, interface);
    }
}
