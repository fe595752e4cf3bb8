//! Delivery by MLLP: one connection, one message in flight, and no answer believed that is not its own.
//!
//! The control id of the message sent is the source's, so MSA-2 must name it. After any doubt (no answer,
//! a foreign one, bytes nobody asked for) the connection is dropped, so that a late answer cannot arrive,
//! and the message is sent again on a new one.

use std::sync::Arc;

use bytes::Bytes;
use hl7v2::Message;
use hl7v2::ack::{self, AckCode};
use mllp::{Assurance, SendError, Sender, SenderLimits};

use super::Outcome;
use crate::config::DeliveryLimits;
use crate::verdict::{Answer, of_ack};

/// Longest answer read from a destination.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Longest text of a destination kept as the cause of a held message, in characters.
const CAUSE_CHARACTERS_MAX: usize = 200;

/// One connection of a pool, opened when it is needed.
#[derive(Debug)]
pub(crate) struct Connection {
    limits: SenderLimits,
    sender: Option<Sender>,
    /// Where the sender is connected to: the endpoint may be moved while running.
    address: Arc<str>,
    /// The last answer that was believed, until it is taken.
    answered: Option<Bytes>,
}

impl Connection {
    pub(crate) fn new(limits: &DeliveryLimits) -> Self {
        let ms = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let limits = SenderLimits {
            frame_bytes_max: ANSWER_BYTES_MAX,
            connect_timeout_ms: ms(limits.connect_timeout),
            answer_timeout_ms: ms(limits.ack_timeout),
            ..SenderLimits::default()
        };
        Self {
            limits,
            sender: None,
            address: "".into(),
            answered: None,
        }
    }

    /// The answer to the message sent last, if it was one to go by.
    pub(crate) fn take_answer(&mut self) -> Option<Bytes> {
        self.answered.take()
    }

    /// Sends one message and says what became of it.
    pub(crate) async fn exchange(
        &mut self,
        address: &Arc<str>,
        assurance: impl Fn(&str) -> Option<Result<Assurance, String>>,
        payload: &[u8],
    ) -> Outcome {
        self.answered = None;
        if self.address != *address {
            self.sender = None;
            self.address = address.clone();
        }
        // An idle connection may have been closed by the other side: that costs a new one, not an attempt.
        if let Some(sender) = self.sender.as_mut().filter(|sender| sender.is_usable()) {
            match sender.send(payload).await {
                Ok(answer) => return self.read(payload, &answer),
                Err(SendError::Lost(_) | SendError::Unsolicited | SendError::Spent) => {}
                Err(error) => return self.doubt(error),
            }
        }
        self.sender = None;
        let connected = match assurance(address) {
            None => Sender::connect(&**address, self.limits.clone()).await,
            Some(Ok(assurance)) => Sender::connect_assured(&**address, self.limits.clone(), assurance).await,
            Some(Err(why)) => return Outcome::Unreachable(why),
        };
        let mut sender = match connected {
            Ok(sender) => sender,
            Err(error) => return Outcome::Unreachable(error.to_string()),
        };
        match sender.send(payload).await {
            Ok(answer) => {
                self.sender = Some(sender);
                self.read(payload, &answer)
            }
            Err(error) => self.doubt(error),
        }
    }

    fn doubt(&mut self, error: SendError) -> Outcome {
        if let SendError::Unframable(error) = error {
            return Outcome::Unsendable(error.to_string());
        }
        self.sender = None;
        Outcome::Doubt(error.to_string())
    }

    fn read(&mut self, payload: &[u8], answer: &Bytes) -> Outcome {
        let read = read_answer(payload, answer);
        match read {
            Outcome::Doubt(_) => self.sender = None,
            _ => self.answered = Some(answer.clone()),
        }
        read
    }
}

/// Reads the answer to a message; a doubt when it is no answer to this message.
fn read_answer(payload: &[u8], answer: &[u8]) -> Outcome {
    let Ok(sent) = Message::parse(payload) else {
        return Outcome::Unsendable("what was to be sent has no MSH".into());
    };
    let answer = match Message::parse(answer) {
        Ok(answer) => answer,
        Err(error) => return Outcome::Doubt(format!("the answer is not readable: {error}")),
    };
    let read = match ack::read(&answer) {
        Ok(read) => read,
        Err(error) => return Outcome::Doubt(format!("the answer is no acknowledgement: {error}")),
    };
    if read.control_id != sent.header().control_id() {
        return Outcome::Doubt("MSA-2 of the answer is not MSH-10 of the message".into());
    }
    match of_ack(read.code) {
        Answer::Taken => Outcome::Taken,
        answer => Outcome::Refused {
            answer,
            cause: cause(read.code, &read.condition, &read.text),
        },
    }
}

fn cause(code: AckCode, condition: &str, text: &str) -> String {
    let mut cause = code.to_string();
    for part in [condition, text].into_iter().filter(|part| !part.is_empty()) {
        cause.push(' ');
        cause.extend(part.chars().take(CAUSE_CHARACTERS_MAX));
    }
    cause
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &[u8] = b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|42|T|2.4\r";

    fn outcome(answer: &[u8]) -> Outcome {
        read_answer(SENT, answer)
    }

    #[test]
    fn only_an_answer_to_this_message_is_believed() {
        assert_eq!(
            outcome(b"MSH|^~\\&|||||||ACK|1|T|2.4\rMSA|AA|42\r"),
            Outcome::Taken
        );
        assert_eq!(
            outcome(b"MSH|^~\\&|||||||ACK|1|T|2.4\rMSA|CA|42\r"),
            Outcome::Taken
        );
        for foreign in [
            &b"MSH|^~\\&|||||||ACK|1|T|2.4\rMSA|AA|41\r"[..],
            b"MSH|^~\\&|||||||ACK|1|T|2.4\rMSA|AA|\r",
            b"MSH|^~\\&|||||||ACK|1|T|2.4\rMSA|OK|42\r",
            b"MSH|^~\\&|||||||ACK|1|T|2.4\r",
            b"yes",
            b"",
        ] {
            assert!(matches!(outcome(foreign), Outcome::Doubt(_)), "{foreign:?}");
        }
    }

    #[test]
    fn a_refusal_keeps_code_condition_and_text() {
        let refused =
            outcome(b"MSH|^~\\&|||||||ACK|1|T|2.5\rMSA|AR|42\rERR||PID^1^3|204^x|E||||no such patient\r");
        assert_eq!(
            refused,
            Outcome::Refused {
                answer: Answer::Never,
                cause: "AR 204 no such patient".into()
            }
        );
        let later = outcome(b"MSH|^~\\&|||||||ACK|1|T|2.3\rMSA|AE|42|locked\r");
        assert_eq!(
            later,
            Outcome::Refused {
                answer: Answer::Later,
                cause: "AE locked".into()
            }
        );
    }
}
