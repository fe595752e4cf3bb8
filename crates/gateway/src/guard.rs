//! Guard: the tripwire for live NHS numbers. Acts before anything is kept.
//!
//! A number that could belong to a living person is refused, and the bytes go into the journal with its
//! digits masked. A frame that cannot be read has no places to look at, so every number in it is masked.

use std::borrow::Cow;

use bytes::Bytes;
use hl7v2::nhs::{self, Ranges};
use hl7v2::{Message, ParseError};

use crate::verdict::Failure;

/// A frame that may be kept, and what has already been found about it.
pub(crate) struct Guarded {
    /// The bytes to record: as received, or masked.
    pub(crate) bytes: Bytes,
    /// Why it must be refused, if it must.
    pub(crate) refused: Option<Failure>,
}

/// Looks at an HL7 v2 frame.
pub(crate) fn guard_frame(frame: &Bytes, ranges: &Ranges) -> Guarded {
    match Message::parse(frame) {
        Ok(message) => guard_message(frame, &message, ranges),
        Err(error) => guard_unreadable(frame, error),
    }
}

fn guard_message(frame: &Bytes, message: &Message<'_>, ranges: &Ranges) -> Guarded {
    let live = nhs::live_numbers(message, ranges);
    match live.first() {
        None => Guarded {
            bytes: frame.clone(),
            refused: None,
        },
        Some(first) => Guarded {
            bytes: nhs::mask(message, &live).into(),
            refused: Some(Failure::LiveNumber(Some(*first))),
        },
    }
}

fn guard_unreadable(frame: &Bytes, error: ParseError) -> Guarded {
    let bytes = mask_whole(frame);
    let bytes = match bytes {
        Cow::Borrowed(_) => frame.clone(),
        Cow::Owned(bytes) => bytes.into(),
    };
    Guarded {
        bytes,
        refused: Some(Failure::Unreadable(error)),
    }
}

/// Looks at a FHIR body and the HL7 v2 that was made of it.
pub(crate) fn guard_body(body: &Bytes, canonical: Option<&Message<'_>>, ranges: &Ranges) -> Guarded {
    let live = canonical.and_then(|message| nhs::live_numbers(message, ranges).first().copied());
    if canonical.is_some() && live.is_none() {
        return Guarded {
            bytes: body.clone(),
            refused: None,
        };
    }
    Guarded {
        bytes: nhs::mask_all(body).into(),
        refused: live.map(|location| Failure::LiveNumber(Some(location))),
    }
}

fn mask_whole(frame: &[u8]) -> Cow<'_, [u8]> {
    let masked = nhs::mask_all(frame);
    if masked == frame {
        Cow::Borrowed(frame)
    } else {
        Cow::Owned(masked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ranges in which none of the synthetic numbers lies, so that one of them looks live.
    fn narrow() -> Ranges {
        Ranges::new(vec![9_991_000_000..=9_999_999_999])
    }

    fn frame(text: &str) -> Bytes {
        Bytes::copy_from_slice(text.as_bytes())
    }

    #[test]
    fn a_live_number_is_refused_at_its_place_and_masked() {
        let received = frame("MSH|^~\\&|A|B|||||ADT^A01|1|T|2.4\rPID|||7^^^B^MR~9990000018^^^NHS^NH\r");
        let guarded = guard_frame(&received, &narrow());
        assert_eq!(
            guarded.refused,
            Some(Failure::LiveNumber(Some("PID-3[2].1".parse().unwrap())))
        );
        assert!(!guarded.bytes.windows(10).any(|window| window == b"9990000018"));
        assert_eq!(guarded.bytes.len(), received.len());
    }

    #[test]
    fn a_synthetic_number_passes_untouched() {
        let received = frame("MSH|^~\\&|A|B|||||ADT^A01|1|T|2.4\rPID|||9990000018^^^NHS^NH\r");
        let guarded = guard_frame(&received, &Ranges::default());
        assert!(guarded.refused.is_none());
        assert_eq!(guarded.bytes, received);
    }

    #[test]
    fn every_number_of_an_unreadable_frame_is_masked() {
        let guarded = guard_frame(&frame("PID|||9990000018 and 12"), &Ranges::default());
        assert!(matches!(guarded.refused, Some(Failure::Unreadable(_))));
        assert_eq!(&guarded.bytes[..], b"PID|||xxxxxxxxxx and 12");
    }
}
