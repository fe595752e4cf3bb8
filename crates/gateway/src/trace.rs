//! Traces: each stage of a message told once, as an event that a collector turns into a span.
//!
//! A message's id is its trace id, so everything about one message is one trace: before and after a restart, in this
//! process and, by `traceparent`, in the FHIR server it is delivered to. Span ids follow from it too. Nothing is
//! computed while nobody listens to [`TARGET`], and nothing but ids, names and times is told.

use std::fmt::Display;
use std::time::Duration;

use http::HeaderName;
use store::{DeliveryId, MessageId};

/// Where the events go: a subscriber that makes spans of them listens to this target, at level TRACE.
pub const TARGET: &str = "eprgw::trace";

/// The header that carries a trace from one process to the next.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A span of a message that lies in another.
#[derive(Clone, Copy)]
pub(crate) enum Stage {
    /// From the first byte to the answer; all others lie in it.
    Message,
    /// Until it is on disk.
    Record,
    /// Retold for one interface.
    Translate(DeliveryId, u32),
    /// One attempt to deliver.
    Deliver(DeliveryId, u32),
}

/// Whether anybody collects traces.
pub(crate) fn is_on() -> bool {
    tracing::enabled!(target: TARGET, tracing::Level::TRACE)
}

/// Tells that a stage has just ended.
pub(crate) fn ended(message: MessageId, stage: Stage, took: Duration, place: &str, outcome: &dyn Display) {
    if !is_on() {
        return;
    }
    let root = span_id(message, 0, 0, 0);
    let (name, span, parent) = match stage {
        Stage::Message => ("message", root, 0),
        Stage::Record => ("record", span_id(message, 1, 0, 0), root),
        Stage::Translate(id, attempt) => ("translate", span_id(message, 2, id.ordinal, attempt), root),
        Stage::Deliver(id, attempt) => ("deliver", span_id(message, 3, id.ordinal, attempt), root),
    };
    let took_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
    tracing::event!(
        target: TARGET,
        tracing::Level::TRACE,
        trace = message.0.as_u128(),
        span,
        parent,
        took_ns,
        stage = name,
        place,
        outcome = %outcome,
    );
}

/// What the receiver of an attempt is told about the trace it belongs to.
pub(crate) fn parent_of(id: DeliveryId, attempt: u32) -> String {
    let span = span_id(id.message, 3, id.ordinal, attempt);
    let sampled = u8::from(is_on());
    format!("00-{:032x}-{span:016x}-{sampled:02x}", id.message.0.as_u128())
}

/// The trace that a caller was in, if its header is one.
pub(crate) fn caller(traceparent: &str) -> Option<&str> {
    let mut parts = traceparent.trim().split('-');
    let hex = |part: Option<&str>, length: usize| {
        part.is_some_and(|part| part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let sound =
        hex(parts.next(), 2) && hex(parts.next(), 32) && hex(parts.next(), 16) && hex(parts.next(), 2);
    (sound && parts.next().is_none()).then_some(traceparent.trim())
}

/// A number for a span: the same one each time, and never 0, which means none.
fn span_id(message: MessageId, stage: u64, ordinal: u16, attempt: u32) -> u64 {
    let id = message.0.as_u128();
    let low = u64::try_from(id & u128::from(u64::MAX)).unwrap_or_default();
    let high = u64::try_from(id >> 64).unwrap_or_default();
    let which = stage << 56 | u64::from(ordinal) << 32 | u64::from(attempt);
    let mixed = (low ^ high.rotate_left(23) ^ which.wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_mul(0xff51_afd7_ed55_8ccd);
    (mixed ^ mixed >> 32).max(1)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_trace_is_known_by_its_message() {
        let message = MessageId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0007));
        let id = DeliveryId { message, ordinal: 2 };
        let header = parent_of(id, 0);
        assert!(
            header.starts_with("00-01900000000070008000000000000007-"),
            "{header}"
        );
        assert_eq!(caller(&header), Some(header.as_str()));
        assert_ne!(parent_of(id, 1), header, "another attempt is another span");
        assert_eq!(parent_of(id, 0), header);
    }

    #[test]
    fn what_is_no_traceparent_is_not_passed_on() {
        for wrong in [
            "",
            "00-1-2-3",
            "00-01900000000070008000000000000007-0000000000000001",
            "x\r\ny",
        ] {
            assert_eq!(caller(wrong), None, "{wrong}");
        }
    }
}
