//! Receive: bytes from a wire become something that may be kept and can be read.
//!
//! Two doors: MLLP frames, and FHIR message Bundles, which are told in canonical HL7 v2 here so that
//! everything after this line knows one shape. The guard stands at both: what it masks is masked before
//! the journal sees it.

use std::time::Instant;

use bytes::Bytes;
use hl7v2::{Location, Message, SegmentId};
use mllp::{Frame, Refusal};
use store::MessageId;
use translate::dialect::Dialect;
use translate::dialect::STANDARD;

use crate::gateway::Shared as Gateway;
use crate::guard;
use crate::phi::Phi;
use crate::verdict::Failure;

/// The media type of what came in, as the API shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// A listening endpoint, by position in the settings.
    Mllp(usize),
    /// The gateway's own FHIR path.
    Fhir,
}

/// What came in, fit to be recorded.
pub(crate) struct Received {
    pub(crate) id: MessageId,
    pub(crate) at_ms: i64,
    pub(crate) door: Door,
    pub(crate) peer: String,
    /// The message it was made from, if it was sent again by hand.
    pub(crate) parent: Option<MessageId>,
    /// The trace its sender was in, if it said so.
    pub(crate) caller: Option<String>,
    /// When work on it began, for the metrics.
    pub(crate) began: Instant,
    /// The bytes to keep: as received, or masked.
    pub(crate) raw: Phi<Bytes>,
    /// The HL7 v2 to work on: the same bytes, or what a Bundle became.
    pub(crate) frame: Phi<Bytes>,
    /// Why it goes no further, when that is known already.
    pub(crate) refused: Option<Failure>,
}

/// Takes a frame in.
pub(crate) fn frame(gateway: &Gateway, endpoint: usize, peer: String, frame: Frame) -> Received {
    let began = Instant::now();
    let second = (frame.inner_starts() > 0)
        .then(|| second_header(&frame))
        .flatten();
    let guarded = guard::guard_frame(frame.bytes(), &gateway.settings.nhs_ranges);
    let refused = second.map(|at| Failure::TwoInOne(place_of(&frame, at)));
    let refused = guarded.refused.or(refused);
    Received {
        id: MessageId(gateway.ids.next()),
        at_ms: gateway.clock.now_ms(),
        door: Door::Mllp(endpoint),
        peer,
        parent: None,
        caller: None,
        began,
        frame: Phi::new(guarded.bytes.clone()),
        raw: Phi::new(guarded.bytes),
        refused,
    }
}

/// Where a start byte stands inside a line with a header behind it: the sender broke off and began again.
///
/// A start byte without a header is a soft line break that somebody pasted, and stays payload.
fn second_header(frame: &[u8]) -> Option<usize> {
    let starts = frame.iter().enumerate().filter(|(_, byte)| **byte == 0x0B);
    starts.map(|(at, _)| at).find(|at| {
        let behind = frame[at + 1..].trim_ascii_start();
        let behind = behind.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(behind);
        let header = [b"MSH", b"FHS", b"BHS"].iter().any(|id| behind.starts_with(*id));
        header && behind.get(3).is_some_and(|byte| !byte.is_ascii_alphanumeric())
    })
}

/// The field that holds this byte of a frame, if the frame can be read.
fn place_of(frame: &[u8], at: usize) -> Option<Location> {
    let message = Message::parse(frame).ok()?;
    let segment = message
        .segments()
        .find(|segment| (segment.start()..segment.end()).contains(&at))?;
    let before = &frame[segment.start()..at];
    let separator = message.encoding().delimiters.field;
    let fields = before.iter().filter(|byte| **byte == separator).count();
    // MSH-1 is the first separator itself.
    let field = fields + usize::from(segment.id() == SegmentId::MSH);
    let location = segment.location();
    Some(u16::try_from(field).map_or(location, |field| location.with_field(field)))
}

/// Takes in what is left of a frame that broke a limit.
pub(crate) fn refused_frame(gateway: &Gateway, endpoint: usize, peer: String, refusal: &Refusal) -> Received {
    let head: Bytes = hl7v2::nhs::mask_all(&refusal.head).into();
    Received {
        id: MessageId(gateway.ids.next()),
        at_ms: gateway.clock.now_ms(),
        door: Door::Mllp(endpoint),
        peer,
        parent: None,
        caller: None,
        began: Instant::now(),
        frame: Phi::new(head.clone()),
        raw: Phi::new(head),
        refused: Some(Failure::Frame(refusal.error)),
    }
}

/// Takes in a message that somebody mended by hand, as if it had come through the door of the one it stems from.
pub(crate) fn mended(gateway: &Gateway, of: &store::Message, bytes: Bytes) -> Received {
    let parent = of.summary.id;
    let listener = gateway
        .settings
        .endpoints
        .iter()
        .position(|endpoint| endpoint.name == of.summary.endpoint);
    let peer = "sent again by hand".to_owned();
    let received = match listener {
        Some(endpoint) => frame(gateway, endpoint, peer, Frame::new(bytes)),
        None => bundle(gateway, peer, bytes),
    };
    Received {
        parent: Some(parent),
        ..received
    }
}

/// Takes a FHIR body in.
pub(crate) fn bundle(gateway: &Gateway, peer: String, body: Bytes) -> Received {
    let began = Instant::now();
    let canonical = to_canonical(gateway, &body);
    let (frame, failure) = match canonical {
        Ok(frame) => (Bytes::from(frame), None),
        Err(failure) => (Bytes::new(), Some(failure)),
    };
    let message = Message::parse(&frame).ok();
    let guarded = guard::guard_body(&body, message.as_ref(), &gateway.settings.nhs_ranges);
    // What was masked in the body must not survive in its HL7 v2.
    let refused = failure.or(guarded.refused);
    let frame = match (&message, &refused) {
        (Some(_), None) => frame.clone(),
        (Some(message), Some(_)) => {
            let live = hl7v2::nhs::live_numbers(message, &gateway.settings.nhs_ranges);
            hl7v2::nhs::mask(message, &live).into()
        }
        (None, _) => Bytes::new(),
    };
    Received {
        id: MessageId(gateway.ids.next()),
        at_ms: gateway.clock.now_ms(),
        door: Door::Fhir,
        peer,
        parent: None,
        caller: None,
        began,
        raw: Phi::new(guarded.bytes),
        frame: Phi::new(frame),
        refused,
    }
}

/// What a FHIR body says, in canonical HL7 v2.
pub(crate) fn to_canonical(gateway: &Gateway, body: &[u8]) -> Result<Vec<u8>, Failure> {
    let bundle = fhir::from_slice::<fhir::Bundle>(body).map_err(|error| {
        let (line, column) = error.line_and_column(body);
        Failure::NotFhir(format!("{} at line {line}, column {column}", error.fault()))
    })?;
    gateway
        .translator
        .to_hl7(&bundle, &STANDARD, None)
        .map_err(|error| Failure::NotTranslatable(error.to_string()))
}

/// Takes a recorded message up again: its HL7 v2, and how its sender speaks.
pub(crate) fn reopen(gateway: &Gateway, message: &store::Message) -> Result<(Door, Bytes), Failure> {
    let settings = &gateway.settings;
    let listener = settings
        .endpoints
        .iter()
        .position(|endpoint| endpoint.name == message.summary.endpoint);
    match listener {
        Some(endpoint) => Ok((Door::Mllp(endpoint), message.raw.clone())),
        None if message.summary.endpoint == settings.fhir_path => {
            to_canonical(gateway, &message.raw).map(|frame| (Door::Fhir, frame.into()))
        }
        // The endpoint has left the configuration; its messages have not left the journal.
        None => Ok((Door::Fhir, message.raw.clone())),
    }
}

impl Door {
    /// The name the journal knows it by.
    pub(crate) fn name(self, gateway: &Gateway) -> &str {
        match self {
            Self::Mllp(endpoint) => &gateway.settings.endpoints[endpoint].name,
            Self::Fhir => &gateway.settings.fhir_path,
        }
    }

    /// The listening endpoint, if it is one.
    pub(crate) fn endpoint(self) -> Option<usize> {
        match self {
            Self::Mllp(endpoint) => Some(endpoint),
            Self::Fhir => None,
        }
    }

    /// How a sender at this door speaks: as its source does, else as the door expects.
    pub(crate) fn dialect(self, gateway: &Gateway, source: Option<usize>) -> &'static Dialect {
        match (self, source) {
            // What came as FHIR has been told in the canonical shape, whoever sent it.
            (Self::Fhir, _) => &STANDARD,
            (Self::Mllp(_), Some(source)) => gateway.settings.sources[source].dialect,
            (Self::Mllp(endpoint), None) => gateway.settings.endpoints[endpoint].dialect,
        }
    }
}
