//! Acknowledge: a verdict becomes one answer, in the mode and at the moment the sender's door asks for.
//!
//! Original mode answers AA, AE or AR. Enhanced mode (MSH-15 or MSH-16 says something) answers CA, CE or CR
//! where MSH-15 wants it; where only MSH-16 wants one, the one answer on the connection is the application's.
//! Where the sender wants none it gets none. After a CA an application ACK follows, by itself, for a source that says
//! where to: `deliver::application_ack` sends it once the destinations have spoken. A source set to `ack-mode = "original"` fills MSH-15 and means nothing by it. A FHIR sender gets an
//! OperationOutcome, always.

use std::sync::Arc;

use bytes::Bytes;
use hl7v2::ack::{self, Ack, AckCode, AckError, Wanted};
use hl7v2::edit::{Change, Edit};
use hl7v2::{Location, Message, SegmentId};
use store::{DeliveryState, Journal, JournalError, MessageId, MessageState};

use crate::clock::control_id;
use crate::config::{AckMode, Acknowledge};
use crate::deliver::Watch;
use crate::gateway::Shared as Gateway;
use crate::identify;
use crate::pipeline::Decision;
use crate::receive::{Door, Received};
use crate::relay::Said;
use crate::sequence;
use crate::verdict::Failure;

/// What goes back to a sender.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The ACK, or the OperationOutcome; none when the sender wants none.
    pub(crate) bytes: Option<Bytes>,
    /// The HTTP status, for a door that has one.
    pub(crate) status: u16,
}

impl Answer {
    fn new(bytes: Option<Bytes>, verdict: Result<(), &Failure>) -> Self {
        Self {
            bytes,
            status: verdict.err().map_or(200, |failure| failure.verdict().status),
        }
    }
}

/// The answer that can be built before anything is delivered, to be kept with the decision.
pub(crate) fn before_delivery(gateway: &Gateway, received: &Received, decision: &Decision) -> Option<Bytes> {
    if decision.state == MessageState::Routed && waits(gateway, received.door) {
        return None;
    }
    let verdict = decision.verdict(gateway);
    let ack = build(gateway, received, verdict)?;
    Some(match &decision.step {
        Some(step) if verdict.is_ok() => sequence::expecting(&ack, step.number.saturating_add(1)),
        _ => ack,
    })
}

/// Whether senders at this door wait for delivery.
pub(crate) fn waits(gateway: &Gateway, door: Door) -> bool {
    door.endpoint()
        .is_some_and(|at| gateway.settings.endpoints[at].acknowledge == Acknowledge::OnDelivery)
}

/// Refuses a message that could not be kept.
pub(crate) fn refuse(gateway: &Gateway, received: &Received, failure: Failure) -> Answer {
    Answer::new(build(gateway, received, Err(&failure)), Err(&failure))
}

/// Answers a number that is not next on its link. One that came without a message was only a question.
pub(crate) fn out_of_step(gateway: &Gateway, received: &Received, expected: i64) -> Answer {
    let failure = Failure::OutOfSequence(expected);
    let asked = Message::parse(received.frame.expose())
        .is_ok_and(|message| sequence::is_only_a_number(&message) && !sequence::is_positive(&message));
    let verdict = if asked { Ok(()) } else { Err(&failure) };
    let bytes = build(gateway, received, verdict);
    Answer::new(bytes.map(|ack| sequence::expecting(&ack, expected)), verdict)
}

/// Answers a message that is kept: now, or when it has been delivered.
pub(crate) async fn acknowledge(
    gateway: &Gateway,
    received: &Received,
    decision: Decision,
    watch: Option<Arc<Watch>>,
) -> Answer {
    let Some(watch) = watch else {
        let verdict = decision.verdict(gateway);
        return Answer::new(decision.ack.clone(), verdict);
    };
    let ended = gateway.watched(&watch, received.door).await;
    let verdict = ended.as_ref().map(drop);
    let next = decision.step.map(|step| step.number.saturating_add(1));
    // Accepted is accepted: however its deliveries end, the next message has the next number.
    let bytes = build_said(gateway, received, &ended).map(|ack| match next {
        Some(next) => sequence::expecting(&ack, next),
        None => ack,
    });
    let is_final = !matches!(ended, Err(Failure::NotDeliveredInTime | Failure::Stopping));
    if let Some(bytes) = bytes.as_ref().filter(|_| is_final) {
        // For a replay only: the sender need not wait for this one.
        drop(gateway.journal.acknowledge(received.id, bytes.clone()).await);
    }
    Answer::new(bytes, verdict)
}

/// Answers a message that was here before with what was answered then.
pub(crate) async fn again(
    gateway: &Gateway,
    received: &Received,
    of: MessageId,
    ack: Option<Bytes>,
) -> Answer {
    if ack.is_some() || !waits(gateway, received.door) {
        return Answer::new(ack.or_else(|| build(gateway, received, Ok(()))), Ok(()));
    }
    let ended = match gateway.watch(of) {
        Some(watch) => gateway.watched(&watch, received.door).await,
        None => match standing(gateway, of).await {
            Ok(Standing::Ended(ended)) => ended,
            Ok(Standing::Open(interface)) => Err(Failure::NotDelivered {
                interface,
                rejected: false,
                said: None,
            }),
            Err(_) => Err(Failure::NotRecorded),
        },
    };
    Answer::new(build_said(gateway, received, &ended), ended.as_ref().map(drop))
}

/// How the deliveries of a message stand.
#[derive(Debug)]
pub(crate) enum Standing {
    /// One is still to be made, by this interface.
    Open(String),
    /// All have ended: with what a single destination said, or with the first failure.
    Ended(Result<Option<Said>, Failure>),
}

/// How the deliveries of a message stand, by the journal; its own acknowledgement is none of them.
pub(crate) async fn standing(gateway: &Gateway, message: MessageId) -> Result<Standing, JournalError> {
    let query = store::DeliveryQuery {
        message: Some(message),
        limit: 1_000,
        ..store::DeliveryQuery::default()
    };
    let mut deliveries = gateway.journal.deliveries(query).await?.items;
    let interfaces = &gateway.settings.interfaces;
    let acknowledges = |name: &str| interfaces.iter().any(|one| one.acknowledges && one.name == name);
    deliveries.retain(|delivery| !acknowledges(&delivery.interface));
    let in_state = |state| deliveries.iter().find(move |delivery| delivery.state == state);
    if let Some(open) = in_state(DeliveryState::Queued) {
        return Ok(Standing::Open(open.interface.clone()));
    }
    let said = |delivery: &store::Delivery| delivery.answered.as_deref().and_then(Said::read);
    Ok(Standing::Ended(match in_state(DeliveryState::Held) {
        Some(held) => Err(Failure::NotDelivered {
            interface: held.interface.clone(),
            rejected: true,
            said: said(held).filter(|said| !said.code.is_positive()),
        }),
        None => Ok(match deliveries.as_slice() {
            [alone] => said(alone),
            _ => None,
        }),
    }))
}

/// The interface that carries the application acknowledgement of a message after its CA, where its header asks for
/// one and its source says where to.
pub(crate) fn deferred(
    gateway: &Gateway,
    door: Door,
    source: Option<usize>,
    message: &Message<'_>,
) -> Option<usize> {
    let source = &gateway.settings.sources[source?];
    let header = message.header();
    let asks = |code: &str| !matches!(code.trim(), "" | "NE");
    let deferred = door != Door::Fhir && asks(&header.accept_ack()) && asks(&header.application_ack());
    source.acknowledgements.filter(|_| deferred)
}

/// An application acknowledgement of its own for a message that had its CA; none where the outcome is one that the
/// sender does not want to hear of. It asks for a CA itself: that is how it is known to have arrived.
pub(crate) fn application(
    gateway: &Gateway,
    id: MessageId,
    message: &Message<'_>,
    ended: &Result<Option<Said>, Failure>,
) -> Option<Bytes> {
    let code = code_of(ended.as_ref().map(drop));
    if !ack::wanted(&message.header(), code.is_positive()).application {
        return None;
    }
    // Another one than that of the CA, and the same each time it is sent.
    let control_id = format!("A{}", control_id(id.0).trim_start_matches('G'));
    let now = gateway.clock.hl7(&gateway.settings.zone);
    let plain = write(ended.as_ref().map(drop), text_of(ended), code, |ack| {
        ack::acknowledge(Some(message), ack, &control_id, &now)
    });
    let parsed = Message::parse(&plain).ok()?;
    let mut edit = Edit::new(&parsed);
    for (field, value) in [(15, "AL"), (16, "NE")] {
        let place = Location::new(SegmentId::MSH).with_field(field);
        edit.set(place, value, Change::Defaulted);
    }
    let mut bytes = Vec::with_capacity(plain.len() + 8);
    edit.finish(&mut bytes);
    Some(bytes.into())
}

/// The words of a single destination's yes.
fn text_of(ended: &Result<Option<Said>, Failure>) -> &str {
    match ended {
        Ok(Some(said)) => said.text.expose(),
        _ => "",
    }
}

fn build_said(
    gateway: &Gateway,
    received: &Received,
    ended: &Result<Option<Said>, Failure>,
) -> Option<Bytes> {
    build_with(gateway, received, ended.as_ref().map(drop), text_of(ended))
}

fn build(gateway: &Gateway, received: &Received, verdict: Result<(), &Failure>) -> Option<Bytes> {
    build_with(gateway, received, verdict, "")
}

fn build_with(
    gateway: &Gateway,
    received: &Received,
    verdict: Result<(), &Failure>,
    text: &str,
) -> Option<Bytes> {
    if received.door == Door::Fhir {
        return Some(outcome(verdict));
    }
    let control_id = control_id(received.id.0);
    let now = gateway.clock.hl7(&gateway.settings.zone);
    match Message::parse(received.frame.expose()) {
        Ok(message) => {
            let mode = mode_of(gateway, &message);
            answer(&message, mode, (verdict, text), &control_id, &now)
        }
        Err(_) => Some(answer_unreadable(
            received.frame.expose(),
            verdict,
            &control_id,
            &now,
        )),
    }
}

fn mode_of(gateway: &Gateway, message: &Message<'_>) -> AckMode {
    let source = identify::source(&gateway.settings, message);
    source.map_or(AckMode::ByHeader, |source| {
        gateway.settings.sources[source].ack_mode
    })
}

fn outcome(verdict: Result<(), &Failure>) -> Bytes {
    let outcome = match verdict {
        Ok(()) => rest::outcome::outcome("information", "informational", "recorded and routed"),
        Err(failure) => rest::outcome::outcome("error", failure.verdict().issue, &failure.to_string()),
    };
    fhir::to_vec(&outcome).into()
}

/// The answer to a message that could be read; none when the sender wants none.
fn answer(
    message: &Message<'_>,
    mode: AckMode,
    (verdict, text): (Result<(), &Failure>, &str),
    control_id: &str,
    now: &str,
) -> Option<Bytes> {
    let code = code_of(verdict);
    let code = match mode {
        AckMode::Original => code,
        AckMode::ByHeader => wanted_code(ack::wanted(&message.header(), code.is_positive()), code)?,
    };
    Some(write(verdict, text, code, |ack| {
        ack::acknowledge(Some(message), ack, control_id, now)
    }))
}

/// The answer to a frame that could not be read: always one, from what is left of its header.
fn answer_unreadable(frame: &[u8], verdict: Result<(), &Failure>, control_id: &str, now: &str) -> Bytes {
    let code = code_of(verdict);
    write(verdict, "", code, |ack| {
        ack::acknowledge_unreadable(frame, ack, control_id, now)
    })
}

fn code_of(verdict: Result<(), &Failure>) -> AckCode {
    verdict.err().map_or(AckCode::AA, |failure| failure.verdict().ack)
}

fn wanted_code(wanted: Wanted, code: AckCode) -> Option<AckCode> {
    if wanted.enhanced && wanted.accept {
        return Some(code.to_commit());
    }
    (!wanted.enhanced || wanted.application).then_some(code)
}

/// `said` is what goes with a yes; a no says why itself.
fn write(
    verdict: Result<(), &Failure>,
    said: &str,
    code: AckCode,
    build: impl FnOnce(&Ack<'_>) -> Vec<u8>,
) -> Bytes {
    let text = verdict.err().map_or_else(|| said.to_owned(), ToString::to_string);
    let error = verdict.err().map(|failure| AckError {
        location: failure.location(),
        condition: failure.verdict().condition,
        text: &text,
    });
    build(&Ack {
        code,
        error,
        text: &text,
    })
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_in(answer: &[u8]) -> AckCode {
        ack::read(&Message::parse(answer).unwrap()).unwrap().code
    }

    fn code(accept: &str, application: &str, verdict: Result<(), &Failure>) -> Option<AckCode> {
        code_in_mode(AckMode::ByHeader, accept, application, verdict)
    }

    fn code_in_mode(
        mode: AckMode,
        accept: &str,
        application: &str,
        verdict: Result<(), &Failure>,
    ) -> Option<AckCode> {
        let bytes = format!("MSH|^~\\&|A|B|||||ADT^A01|1|T|2.4|||{accept}|{application}\r");
        let message = Message::parse(bytes.as_bytes()).unwrap();
        answer(&message, mode, (verdict, ""), "G1", "20260101000000").map(|answer| code_in(&answer))
    }

    #[test]
    fn the_mode_is_the_senders_choice() {
        let bad = Failure::MissingSegment("PID");
        for (accept, application, good, refused) in [
            ("", "", Some(AckCode::AA), Some(AckCode::AE)),
            ("AL", "NE", Some(AckCode::CA), Some(AckCode::CE)),
            ("AL", "AL", Some(AckCode::CA), Some(AckCode::CE)),
            ("NE", "AL", Some(AckCode::AA), Some(AckCode::AE)),
            ("ER", "NE", None, Some(AckCode::CE)),
            ("SU", "NE", Some(AckCode::CA), None),
            ("NE", "NE", None, None),
        ] {
            assert_eq!(code(accept, application, Ok(())), good, "{accept}/{application}");
            assert_eq!(
                code(accept, application, Err(&bad)),
                refused,
                "{accept}/{application}"
            );
        }
    }

    #[test]
    fn a_source_may_fill_msh_15_and_mean_nothing_by_it() {
        let bad = Failure::MissingSegment("PID");
        for (accept, application) in [("AL", "NE"), ("NE", "NE"), ("", "")] {
            assert_eq!(
                code_in_mode(AckMode::Original, accept, application, Ok(())),
                Some(AckCode::AA)
            );
            assert_eq!(
                code_in_mode(AckMode::Original, accept, application, Err(&bad)),
                Some(AckCode::AE)
            );
        }
    }

    #[test]
    fn an_unreadable_frame_is_answered_too() {
        let failure = Failure::Unreadable(hl7v2::ParseError::Empty);
        assert_eq!(
            code_in(&answer_unreadable(b"", Err(&failure), "G1", "20260101000000")),
            AckCode::AR
        );
    }
}
