//! The life of a message, in order: receive, record, parse, identify, route, translate, deliver, acknowledge.
//!
//! This page is the table of contents: [`carry`] and [`decide`] hold every branch, each stage is a file.
//! Translate and deliver run on after the answer, in the workers of `deliver`.

use bytes::Bytes;
use hl7v2::Message;
use mllp::Turn;
use store::{DeliveryState, MessageState, NewDelivery, Settled};
use tracing::{debug, warn};

use crate::config::Unrouted;
use crate::deliver;
use crate::deliver::lanes::LaneKeys;
use crate::gateway::Shared as Gateway;
use crate::receive::Received;
use crate::trace::{self, Stage};
use crate::verdict::Failure;
use crate::{acknowledge, identify, origin, parse, record, route, sequence};

/// Carries one message from the wire to its destinations.
///
/// Always answers, unless the sender wants no answer: a sender without an ACK will send again. Messages of
/// one connection enter the journal in the order of arrival, because neither hand-over to it waits, and their
/// queues in the same order, because each does so in its turn.
pub(crate) async fn carry(gateway: &Gateway, received: Received, turn: Turn) -> acknowledge::Answer {
    let (began, id, door) = (received.began, received.id, received.door);
    let caller = received.caller.clone().unwrap_or_default();
    let answer = through(gateway, received, turn).await;
    gateway.metrics.answered(began);
    trace::ended(id, Stage::Message, began.elapsed(), door.name(gateway), &caller);
    answer
}

async fn through(gateway: &Gateway, received: Received, mut turn: Turn) -> acknowledge::Answer {
    let recorded = match record::record(gateway, &received).await {
        Ok(recorded) => recorded,
        Err(failure) => return acknowledge::refuse(gateway, &received, failure),
    };
    let decision = decide(gateway, &received);
    let settled = record::settle(gateway, &received, &decision).await;
    // No positive answer before this line: both are on disk, or the sender hears that they are not.
    let settled = record::committed(recorded, settled).await;
    let place = received.door.name(gateway);
    trace::ended(
        received.id,
        Stage::Record,
        received.began.elapsed(),
        place,
        &decision.state,
    );
    match settled {
        Err(failure) => acknowledge::refuse(gateway, &received, failure),
        Ok(Settled::Duplicate { of, ack }) => {
            // Waiting for how the first one ends is no reason for those behind to wait.
            drop(turn);
            gateway.metrics.recorded(&decision, true, received.began);
            let control_id = &decision.identity.control_id;
            debug!(message = %received.id, %control_id, stage = "identify", "repeated message");
            acknowledge::again(gateway, &received, of, ack).await
        }
        Ok(Settled::OutOfStep { expected }) => {
            gateway.metrics.recorded(&decision, false, received.began);
            acknowledge::out_of_step(gateway, &received, expected)
        }
        Ok(Settled::Fresh { conflict, first }) => {
            gateway.metrics.recorded(&decision, false, received.began);
            if let Some(other) = conflict {
                let control_id = &decision.identity.control_id;
                warn!(message = %received.id, %control_id, %other, stage = "identify", "control id used for two messages");
            }
            turn.come().await;
            let watch = deliver::enqueue(gateway, &received, &decision, first);
            drop(turn);
            acknowledge::acknowledge(gateway, &received, decision, watch).await
        }
    }
}

/// What was decided about a recorded message.
pub(crate) struct Decision {
    pub(crate) state: MessageState,
    pub(crate) identity: store::Identity,
    /// Why it was rejected, or that no interface takes it.
    pub(crate) failure: Option<Failure>,
    /// What is worth a flag although it was accepted.
    pub(crate) flag: Option<String>,
    /// The answer, when it is known before delivery.
    pub(crate) ack: Option<Bytes>,
    pub(crate) deliveries: Vec<Planned>,
    /// How its sender speaks.
    pub(crate) source: Option<usize>,
    /// Its number, on a link that counts.
    pub(crate) step: Option<store::Step>,
}

/// One delivery to come.
pub(crate) struct Planned {
    pub(crate) interface: usize,
    pub(crate) keys: LaneKeys,
    /// The held delivery whose place it takes.
    pub(crate) replaces: Option<store::DeliveryId>,
}

/// Parse, identify, route: no waiting, no failing, only an outcome.
pub(crate) fn decide(gateway: &Gateway, received: &Received) -> Decision {
    let mut decision = Decision::rejected();
    match (&received.refused, Message::parse(received.frame.expose())) {
        (Some(failure), Err(_)) => decision.failure = Some(failure.clone()),
        (None, Err(error)) => decision.failure = Some(Failure::Unreadable(error)),
        (refused, Ok(message)) => {
            let identity = identify::identify(&gateway.settings, &message);
            decision.source = identity.source;
            decision.identity = identity.entry(&gateway.settings);
            let checked = match refused {
                Some(failure) => Err(failure.clone()),
                None => check(gateway, received, &message, &identity),
            };
            match checked {
                Err(failure) => decision.failure = Some(failure),
                // A number alone is no message; the journal answers it.
                Ok(Some(step)) if step.number < 1 => {
                    decision.state = MessageState::Unrouted;
                    decision.step = Some(step);
                    return decision;
                }
                Ok(step) => {
                    decision.step = step;
                    decision.flag = parse::undecodable(&message);
                    let own = gateway.settings.origin.as_deref();
                    let returned = own.is_some_and(|own| origin::carries(&message, own));
                    plan(gateway, received, &identity, returned, &mut decision);
                    plan_acknowledgement(gateway, received, &message, &identity, &mut decision);
                }
            }
        }
    }
    decision.ack = acknowledge::before_delivery(gateway, received, &decision);
    decision
}

/// What is wrong with a message that can be read; else its number, where its link counts.
fn check(
    gateway: &Gateway,
    received: &Received,
    message: &Message<'_>,
    identity: &identify::Identity<'_>,
) -> Result<Option<store::Step>, Failure> {
    let step = sequence::step(gateway, received.door, message, identity)?;
    if step.as_ref().is_none_or(|step| step.number > 0) {
        parse::check(message)?;
    }
    Ok(step)
}

fn plan(
    gateway: &Gateway,
    received: &Received,
    identity: &identify::Identity<'_>,
    returned: bool,
    decision: &mut Decision,
) {
    let interfaces = &gateway.settings.interfaces;
    if returned {
        decision.state = MessageState::Unrouted;
        decision.failure = Some(Failure::Returned);
        return;
    }
    let origin = identity.origin(received.door.endpoint());
    let routes = route::route(interfaces, &origin);
    if routes.is_empty() {
        decision.state = MessageState::Unrouted;
        decision.failure = Some(match route::is_event(origin.message_code, origin.trigger_event) {
            true => Failure::Unrouted,
            false => Failure::UnknownEvent,
        });
        return;
    }
    decision.state = MessageState::Routed;
    let planned = |interface| Planned {
        interface,
        keys: identify::lanes(interface, &identity.identifiers),
        replaces: None,
    };
    decision.deliveries = routes.into_iter().map(planned).collect();
}

/// The application acknowledgement to come is a delivery of the message itself, in the journal with the others: a
/// crash between CA and AA forgets nothing. It is the first of them, so that its number is known.
fn plan_acknowledgement(
    gateway: &Gateway,
    received: &Received,
    message: &Message<'_>,
    identity: &identify::Identity<'_>,
    decision: &mut Decision,
) {
    if decision.verdict(gateway).is_err() {
        return;
    }
    if let Some(interface) = acknowledge::deferred(gateway, received.door, identity.source, message) {
        let planned = Planned {
            interface,
            keys: identify::lanes(interface, &identity.identifiers),
            replaces: None,
        };
        decision.deliveries.insert(0, planned);
    }
}

impl Decision {
    /// Whether an application acknowledgement follows.
    pub(crate) fn acknowledges(&self, gateway: &Gateway) -> bool {
        let first = self.deliveries.first();
        first.is_some_and(|planned| gateway.settings.interfaces[planned.interface].acknowledges)
    }

    fn rejected() -> Self {
        Self {
            state: MessageState::Rejected,
            identity: store::Identity::default(),
            failure: None,
            flag: None,
            ack: None,
            deliveries: Vec::new(),
            source: None,
            step: None,
        }
    }

    /// What the sender is told: an unrouted message is accepted where the site says so.
    pub(crate) fn verdict(&self, gateway: &Gateway) -> Result<(), &Failure> {
        match &self.failure {
            None | Some(Failure::Returned) => Ok(()),
            Some(Failure::Unrouted | Failure::UnknownEvent) if gateway.settings.unrouted == Unrouted::Aa => {
                Ok(())
            }
            Some(failure) => Err(failure),
        }
    }
}

impl Planned {
    /// As the journal keeps it. The lane's name is that of its first key: a mark, not a secret.
    pub(crate) fn entry(&self, gateway: &Gateway) -> NewDelivery {
        let interface = gateway.settings.interfaces[self.interface].name.clone();
        let key = self.keys.first().map_or(0, |key| key.0);
        NewDelivery {
            lane: format!("{interface}:{key:016x}"),
            interface,
            state: DeliveryState::Queued,
            cause: None,
            replaces: self.replaces,
        }
    }
}
