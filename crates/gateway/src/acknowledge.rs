//! Acknowledge: a verdict becomes one answer, in the mode the sender asked for.
//!
//! Original mode answers AA, AE or AR. Enhanced mode (MSH-15 or MSH-16 says something) answers CA, CE or CR
//! where MSH-15 wants it; where only MSH-16 wants one, the one answer on the connection is the application's.
//! Where the sender wants none it gets none.

use bytes::Bytes;
use hl7v2::Message;
use hl7v2::ack::{self, Ack, AckCode, AckError, Wanted};

use crate::verdict::Failure;

/// The answer to a message that could be read; none when the sender wants none.
pub(crate) fn answer(
    message: &Message<'_>,
    verdict: Result<(), &Failure>,
    control_id: &str,
    now: &str,
) -> Option<(AckCode, Bytes)> {
    let header = message.header();
    let code = code_of(verdict);
    let code = wanted_code(ack::wanted(&header, code.is_positive()), code)?;
    Some((
        code,
        write(verdict, code, |ack| {
            ack::acknowledge(Some(message), ack, control_id, now)
        }),
    ))
}

/// The answer to a frame that could not be read: always one, from what is left of its header.
pub(crate) fn answer_unreadable(
    frame: &[u8],
    failure: &Failure,
    control_id: &str,
    now: &str,
) -> (AckCode, Bytes) {
    let code = code_of(Err(failure));
    (
        code,
        write(Err(failure), code, |ack| {
            ack::acknowledge_unreadable(frame, ack, control_id, now)
        }),
    )
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

fn write(verdict: Result<(), &Failure>, code: AckCode, build: impl FnOnce(&Ack<'_>) -> Vec<u8>) -> Bytes {
    let text = verdict.err().map(ToString::to_string).unwrap_or_default();
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

    fn code(accept: &str, application: &str, verdict: Result<(), &Failure>) -> Option<AckCode> {
        let bytes = format!("MSH|^~\\&|A|B|||||ADT^A01|1|T|2.4|||{accept}|{application}\r");
        let message = Message::parse(bytes.as_bytes()).unwrap();
        answer(&message, verdict, "G1", "20260101000000").map(|(code, _)| code)
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
    fn an_unreadable_frame_is_answered_too() {
        let failure = Failure::Unreadable(hl7v2::ParseError::Empty);
        let (code, bytes) = answer_unreadable(b"", &failure, "G1", "20260101000000");
        assert_eq!(code, AckCode::AR);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.value(&"MSA-1".parse().unwrap()).text(), "AR");
    }
}
