//! Relay: what a destination answered, as the sender of the message is told.
//!
//! Code, condition and text travel; the place does not, because the destination names a place in the message it got,
//! which is not always the one that was sent.

use hl7v2::Message;
use hl7v2::ack::{self, AckCode};

use crate::phi::Phi;

/// Conditions of table 0357 that are passed on; any other becomes 207.
const CONDITIONS: &[&str] = &[
    "0", "100", "101", "102", "103", "104", "200", "201", "202", "203", "204", "205", "206", "207",
];

/// Longest text passed on, in characters.
const TEXT_CHARACTERS_MAX: usize = 200;

/// What one destination said about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// As an application says it: a CE becomes AE.
    pub(crate) code: AckCode,
    /// Table 0357.
    pub(crate) condition: &'static str,
    /// In its own words, which may name a patient.
    pub(crate) text: Phi<String>,
}

impl Said {
    /// Reads a destination's answer; none when it is no acknowledgement.
    pub(crate) fn read(answer: &[u8]) -> Option<Self> {
        let message = Message::parse(answer).ok()?;
        let read = ack::read(&message).ok()?;
        let known = CONDITIONS.iter().find(|known| **known == read.condition);
        Some(Self {
            code: match read.code {
                AckCode::AA | AckCode::CA => AckCode::AA,
                AckCode::AE | AckCode::CE => AckCode::AE,
                AckCode::AR | AckCode::CR => AckCode::AR,
            },
            condition: known.copied().unwrap_or("207"),
            text: Phi::new(read.text.chars().take(TEXT_CHARACTERS_MAX).collect()),
        })
    }
}
