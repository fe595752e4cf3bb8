//! Verdicts: the one page that says what each failure is called on every wire, and whose fault it is.
//!
//! HL7 v2 senders hear an ACK code and a code of table 0357, FHIR senders an issue type and an HTTP
//! status. Texts name places and limits, never values. Only a destination's fault is retried here; for
//! our own fault the sender is told to try again.
//!
//! AE against AR: AE asks the sender to come again or to mend the content, AR says "not this one".
//! Overload is therefore AE: the same message is welcome later.

use std::fmt;

use hl7v2::ack::AckCode;
use hl7v2::{Location, ParseError, SegmentId};
use mllp::FrameError;

use crate::relay::Said;

/// Who has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The sender: the same bytes will fail again.
    Sender,
    /// This gateway: the same bytes may pass later.
    Ours,
    /// The destination: delivery retries or holds.
    Destination,
}

/// One failure in every tongue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Table 0008, original mode; `acknowledge` turns it into CE or CR where enhanced mode asks.
    pub(crate) ack: AckCode,
    /// Table 0357.
    pub(crate) condition: &'static str,
    /// FHIR issue type.
    pub(crate) issue: &'static str,
    /// HTTP status.
    pub(crate) status: u16,
    /// Who has to act.
    pub(crate) fault: Fault,
}

/// Everything that can keep a message from being accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum Failure {
    /// The frame is no HL7 v2 message.
    Unreadable(ParseError),
    /// The frame broke a limit or has no end.
    Frame(FrameError),
    /// A second message begins inside the frame, in this field.
    TwoInOne(Option<Location>),
    /// The body is no FHIR message Bundle; the text says where.
    NotFhir(String),
    /// The Bundle cannot be told in HL7 v2; the text says which element.
    NotTranslatable(String),
    /// A field that must be valued is not.
    Missing(Location),
    /// A segment the event cannot do without is not there.
    MissingSegment(&'static str),
    /// A segment that can only stand once stands twice.
    SecondSegment(&'static str),
    /// The identity to be merged away is the one that is to stay.
    MergeIntoItself(Location),
    /// MSH-12 names no version 2.
    UnknownVersion,
    /// A valid NHS number outside the permitted ranges, at this place.
    LiveNumber(Option<Location>),
    /// No interface takes this event from this sender.
    Unrouted,
    /// It carries this gateway's own origin tag: it has been here, and is answered as taken.
    Returned,
    /// HL7 has no such event, and no interface names it as one of its own.
    UnknownEvent,
    /// MSH-13 is not the number that is next on its link; this one is.
    OutOfSequence(i64),
    /// The journal did not take the record.
    NotRecorded,
    /// The gateway is stopping.
    Stopping,
    /// The deliveries go on, and the sender has waited long enough.
    NotDeliveredInTime,
    /// A destination said no, or never answered, and the sender waits for delivery.
    NotDelivered {
        /// The interface.
        interface: String,
        /// Whether the destination rejected it for good.
        rejected: bool,
        /// What it said, where it said something.
        said: Option<Said>,
    },
}

impl Failure {
    /// The row of this failure.
    pub(crate) fn verdict(&self) -> Verdict {
        use AckCode::{AE, AR};
        use Fault::{Destination, Ours, Sender};
        let (ack, condition, issue, status, fault) = match self {
            Self::Unreadable(_) => (AR, "100", "structure", 400, Sender),
            Self::Frame(error) if error.is_transient() => (AE, "207", "throttled", 503, Ours),
            Self::Frame(_) => (AR, "104", "too-long", 413, Sender),
            Self::TwoInOne(_) => (AR, "100", "structure", 400, Sender),
            Self::NotFhir(_) => (AR, "100", "structure", 400, Sender),
            Self::NotTranslatable(_) => (AE, "102", "invalid", 422, Sender),
            Self::Missing(_) => (AE, "101", "required", 422, Sender),
            Self::MissingSegment(_) => (AE, "100", "required", 422, Sender),
            Self::SecondSegment(_) => (AE, "100", "structure", 422, Sender),
            Self::MergeIntoItself(_) => (AE, "205", "business-rule", 422, Sender),
            Self::UnknownVersion => (AR, "203", "not-supported", 422, Sender),
            Self::LiveNumber(_) => (AE, "204", "business-rule", 422, Sender),
            Self::Unrouted => (AR, "200", "not-supported", 422, Sender),
            Self::Returned => (AckCode::AA, "0", "informational", 200, Sender),
            Self::UnknownEvent => (AR, "201", "not-supported", 422, Sender),
            Self::OutOfSequence(_) => (AE, "103", "conflict", 409, Sender),
            Self::NotRecorded => (AE, "207", "exception", 503, Ours),
            Self::Stopping => (AE, "207", "transient", 503, Ours),
            Self::NotDeliveredInTime => (AE, "207", "timeout", 504, Destination),
            Self::NotDelivered { said: Some(said), .. } if said.code == AR => {
                (AR, said.condition, "processing", 502, Destination)
            }
            Self::NotDelivered { said: Some(said), .. } => {
                (AE, said.condition, "transient", 504, Destination)
            }
            Self::NotDelivered { rejected: true, .. } => (AR, "207", "processing", 502, Destination),
            Self::NotDelivered { rejected: false, .. } => (AE, "207", "transient", 504, Destination),
        };
        Verdict {
            ack,
            condition,
            issue,
            status,
            fault,
        }
    }

    /// Where in the message, if one place is at fault.
    pub(crate) fn location(&self) -> Option<Location> {
        match self {
            Self::Missing(location) | Self::MergeIntoItself(location) => Some(*location),
            Self::UnknownEvent => Some(Location {
                component: 2,
                ..Location::new(SegmentId::MSH).with_field(9)
            }),
            Self::OutOfSequence(_) => Some(crate::sequence::NUMBER),
            Self::LiveNumber(location) | Self::TwoInOne(location) => *location,
            _ => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "not readable as HL7 v2: {error}"),
            Self::Frame(error) => write!(f, "{error}"),
            Self::TwoInOne(Some(location)) => {
                write!(
                    f,
                    "a second message begins in {location}; send one message per frame"
                )
            }
            Self::TwoInOne(None) => {
                f.write_str("a second message begins inside the frame; send one message per frame")
            }
            Self::NotFhir(place) => write!(f, "not readable as a FHIR Bundle: {place}"),
            Self::NotTranslatable(place) => write!(f, "cannot be told in HL7 v2: {place}"),
            Self::Missing(location) => write!(f, "{location} is required and has no value"),
            Self::MissingSegment(segment) => write!(f, "this event needs a {segment} segment"),
            Self::SecondSegment(segment) => {
                write!(f, "this event has one {segment} segment, and here are more")
            }
            Self::MergeIntoItself(location) => {
                write!(f, "{location} names the identity that is to stay, PID-3")
            }
            Self::UnknownVersion => f.write_str("MSH-12 is no version 2 of HL7"),
            Self::LiveNumber(Some(location)) => {
                write!(
                    f,
                    "{location} holds an NHS number outside the ranges for synthetic people"
                )
            }
            Self::LiveNumber(None) => {
                f.write_str("holds an NHS number outside the ranges for synthetic people")
            }
            Self::Unrouted => f.write_str("no interface takes this event from this sender"),
            Self::Returned => {
                f.write_str("carries this gateway's own origin tag: it has been here and goes nowhere")
            }
            Self::UnknownEvent => f.write_str("MSH-9.2 is no event of this message code that HL7 knows"),
            Self::OutOfSequence(expected) => {
                write!(
                    f,
                    "MSH-13 is not the sequence number expected, which is {expected}"
                )
            }
            Self::NotRecorded => f.write_str("the journal is not available, please send again"),
            Self::Stopping => f.write_str("the gateway is stopping, please send again"),
            Self::NotDeliveredInTime => f.write_str("recorded, and not delivered in time: please send again"),
            Self::NotDelivered {
                interface,
                said: Some(said),
                ..
            } if !said.text.expose().is_empty() => write!(f, "{interface}: {}", said.text.expose()),
            Self::NotDelivered {
                interface,
                rejected: true,
                ..
            } => write!(f, "{interface}: the destination rejected it"),
            Self::NotDelivered {
                interface,
                rejected: false,
                ..
            } => write!(f, "{interface}: not delivered yet"),
        }
    }
}

/// What a destination's answer means for a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It has the message.
    Taken,
    /// Not now: the same message again, later.
    Later,
    /// Never: hold it.
    Never,
}

/// Reads an ACK code as a destination's answer.
pub(crate) fn of_ack(code: AckCode) -> Answer {
    match code {
        AckCode::AA | AckCode::CA => Answer::Taken,
        AckCode::AE | AckCode::CE => Answer::Later,
        AckCode::AR | AckCode::CR => Answer::Never,
    }
}

/// Reads an HTTP status as a destination's answer. 408, 425 and 429 are the 4xx that mean "not now".
pub(crate) fn of_status(status: u16) -> Answer {
    match status {
        200..=299 => Answer::Taken,
        408 | 425 | 429 | 500..=599 => Answer::Later,
        _ => Answer::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_failure() -> Vec<Failure> {
        let place: Location = "PID-3[2].1".parse().unwrap();
        vec![
            Failure::Unreadable(ParseError::NoHeader { line: 1 }),
            Failure::Frame(FrameError::TooLarge { frame_bytes_max: 1 }),
            Failure::Frame(FrameError::Unterminated),
            Failure::TwoInOne(Some(place)),
            Failure::TwoInOne(None),
            Failure::NotFhir("line 1".into()),
            Failure::NotTranslatable("Bundle.entry[0]".into()),
            Failure::Missing(place),
            Failure::MissingSegment("PID"),
            Failure::SecondSegment("PID"),
            Failure::MergeIntoItself(place),
            Failure::UnknownVersion,
            Failure::LiveNumber(Some(place)),
            Failure::LiveNumber(None),
            Failure::Unrouted,
            Failure::UnknownEvent,
            Failure::OutOfSequence(7),
            Failure::NotRecorded,
            Failure::Stopping,
            Failure::NotDeliveredInTime,
            Failure::NotDelivered {
                interface: "a-to-b".into(),
                rejected: true,
                said: None,
            },
            Failure::NotDelivered {
                interface: "a-to-b".into(),
                rejected: false,
                said: Said::read(b"MSH|^~\\&|||||||ACK|1|T|2.4\rMSA|AE|42|locked\r"),
            },
        ]
    }

    #[test]
    fn whose_fault_it_is_shows_in_the_http_status() {
        for failure in every_failure() {
            let verdict = failure.verdict();
            let class = match verdict.fault {
                Fault::Sender => 400..=499,
                Fault::Ours => 503..=503,
                Fault::Destination => 502..=504,
            };
            assert!(class.contains(&verdict.status), "{failure}: {verdict:?}");
        }
    }

    #[test]
    fn our_own_fault_is_never_a_rejection() {
        for failure in every_failure() {
            let verdict = failure.verdict();
            assert!(
                verdict.fault != Fault::Ours || verdict.ack == AckCode::AE,
                "{failure}: {verdict:?}"
            );
        }
    }

    #[test]
    fn a_failure_at_a_place_names_the_place() {
        for failure in every_failure() {
            if let Some(location) = failure.location() {
                assert!(failure.to_string().contains(&location.to_string()), "{failure}");
            }
        }
    }

    #[test]
    fn answers_by_ack_code_and_by_status() {
        assert_eq!(of_ack(AckCode::CA), Answer::Taken);
        assert_eq!(of_ack(AckCode::CE), Answer::Later);
        assert_eq!(of_ack(AckCode::CR), Answer::Never);
        for (status, answer) in [
            (201, Answer::Taken),
            (429, Answer::Later),
            (503, Answer::Later),
            (422, Answer::Never),
            (301, Answer::Never),
        ] {
            assert_eq!(of_status(status), answer, "{status}");
        }
    }
}
