//! Sequence numbers: MSH-13 and MSA-4, on links that are configured to count their messages.
//!
//! Receiving, the journal is the judge: a number moves its link on in the same commit as its message. One that is not
//! next is refused with AE and the expected number in MSA-4; 0 begins again with 1, -1 asks, and neither is a message
//! unless it is sent again with its number. Sending, each message is written with the next number, and a receiver that
//! names another in MSA-4 is believed: after a crash on either side both are in step again with the first exchange.

use bytes::Bytes;
use hl7v2::edit::{Change, Edit};
use hl7v2::{Location, Message, SegmentId};
use store::Step;

use crate::gateway::Shared as Gateway;
use crate::identify::Identity;
use crate::receive::Door;
use crate::verdict::Failure;

/// MSH-13.
pub(crate) const NUMBER: Location = Location::new(SegmentId::MSH).with_field(13);

/// The step of a message, where its door counts; MSH-13 must hold a number then.
pub(crate) fn step(
    gateway: &Gateway,
    door: Door,
    message: &Message<'_>,
    identity: &Identity<'_>,
) -> Result<Option<Step>, Failure> {
    let counted = door
        .endpoint()
        .map(|at| &gateway.settings.endpoints[at])
        .filter(|endpoint| endpoint.sequence_numbers);
    let Some(endpoint) = counted else {
        return Ok(None);
    };
    let number = message.field("MSH", 13).text();
    let number = number.trim().parse().ok().filter(|number| *number >= -1);
    Ok(Some(Step {
        link: format!(
            "{} from {}^{}",
            endpoint.name, identity.sending_application, identity.sending_facility
        ),
        number: number.ok_or(Failure::Missing(NUMBER))?,
    }))
}

/// Whether a message says nothing but its number, so that nothing is lost when it goes nowhere.
pub(crate) fn is_only_a_number(message: &Message<'_>) -> bool {
    message.header().message_code() == "NMD" || message.segments().count() == 1
}

/// Whether a message carries a number of its own.
pub(crate) fn is_positive(message: &Message<'_>) -> bool {
    message
        .field("MSH", 13)
        .text()
        .trim()
        .parse()
        .is_ok_and(|number: i64| number > 0)
}

/// The link of an endpoint that numbers what it sends.
pub(crate) fn link_to(endpoint: &str) -> String {
    format!("to {endpoint}")
}

/// A message with this number in MSH-13.
pub(crate) fn numbered(bytes: &Bytes, number: i64) -> Bytes {
    changed(bytes, NUMBER, number)
}

/// An ACK that says in MSA-4 which number is expected next.
pub(crate) fn expecting(ack: &Bytes, expected: i64) -> Bytes {
    let segment = SegmentId::new("MSA").map(Location::new);
    segment.map_or_else(|| ack.clone(), |msa| changed(ack, msa.with_field(4), expected))
}

/// The number that an ACK expects next.
pub(crate) fn expected_by(ack: &[u8]) -> Option<i64> {
    let message = Message::parse(ack).ok()?;
    let expected = message.field("MSA", 4).text().trim().parse().ok()?;
    (1..i64::MAX).contains(&expected).then_some(expected)
}

fn changed(bytes: &Bytes, place: Location, number: i64) -> Bytes {
    let Ok(message) = Message::parse(bytes) else {
        return bytes.clone();
    };
    let mut edit = Edit::new(&message);
    edit.set(place, number.to_string(), Change::Defaulted);
    let mut out = Vec::with_capacity(bytes.len() + 8);
    edit.finish(&mut out);
    out.into()
}
