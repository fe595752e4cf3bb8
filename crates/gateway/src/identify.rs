//! Identify: whose message this is, which event, about whom, and whether it has been here before.
//!
//! Names the source by MSH-3 and MSH-4, the event by MSH-9, the message by MSH-10, the lanes by every
//! identifier of the patient. Trusts no label on an identifier: feeds leave them out, and a number that
//! stands for two people costs a little waiting, where two labels for one person would cost the order.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hasher};

use hl7v2::{Field, Message};
use smallvec::SmallVec;

use crate::config::{Settings, Source};
use crate::deliver::lanes::{KEYS_MAX, LaneKey, LaneKeys};
use crate::route::Origin;

/// Identifiers of a patient, as lanes know them.
pub(crate) type Identifiers = SmallVec<[u64; 4]>;

/// What a message says about itself.
pub(crate) struct Identity<'m> {
    /// Position of the source in the settings.
    pub(crate) source: Option<usize>,
    pub(crate) sending_application: Cow<'m, str>,
    pub(crate) sending_facility: Cow<'m, str>,
    pub(crate) message_code: Cow<'m, str>,
    pub(crate) trigger_event: Cow<'m, str>,
    pub(crate) control_id: Cow<'m, str>,
    /// PV1-3.4 and PV1-39.
    pub(crate) visit_facilities: [Cow<'m, str>; 2],
    /// Hashes of every identifier of every patient named.
    pub(crate) identifiers: Identifiers,
    /// Those identifiers as [`spelled`].
    pub(crate) patients: Vec<String>,
}

impl Identity<'_> {
    /// What the routing table looks at.
    pub(crate) fn origin(&self, endpoint: Option<usize>) -> Origin<'_> {
        Origin {
            source: self.source,
            endpoint,
            message_code: &self.message_code,
            trigger_event: &self.trigger_event,
            facilities: [
                &self.sending_facility,
                &self.visit_facilities[0],
                &self.visit_facilities[1],
            ],
        }
    }

    /// As the journal keeps it.
    pub(crate) fn entry(&self, settings: &Settings) -> store::Identity {
        store::Identity {
            system: self
                .source
                .map(|source| settings.sources[source].system.clone())
                .unwrap_or_default(),
            message_code: self.message_code.to_string(),
            trigger_event: self.trigger_event.to_string(),
            control_id: self.control_id.to_string(),
            sending_application: self.sending_application.to_string(),
            sending_facility: self.sending_facility.to_string(),
            patients: self.patients.clone(),
        }
    }
}

/// Reads what a message says about itself.
pub(crate) fn identify<'m>(settings: &Settings, message: &'m Message<'_>) -> Identity<'m> {
    let header = message.header();
    let (identifiers, patients) = identifiers(message);
    Identity {
        source: source(settings, message),
        sending_application: header.sending_application(),
        sending_facility: header.sending_facility(),
        message_code: header.message_code(),
        trigger_event: header.trigger_event(),
        control_id: header.control_id(),
        visit_facilities: [
            message.field("PV1", 3).component(4).text(),
            message.field("PV1", 39).text(),
        ],
        identifiers,
        patients,
    }
}

/// Which source sent a message: position in the settings.
pub(crate) fn source(settings: &Settings, message: &Message<'_>) -> Option<usize> {
    source_of(
        &settings.sources,
        &message.field("MSH", 3),
        &message.field("MSH", 4),
    )
}

/// The first source that takes this MSH-3 and MSH-4.
fn source_of(sources: &[Source], application: &Field<'_>, facility: &Field<'_>) -> Option<usize> {
    let takes = |wanted: &[String], field: &Field<'_>| {
        let (first, whole) = (field.text(), field.full_text());
        wanted.is_empty() || wanted.iter().any(|value| *value == first || *value == whole)
    };
    sources.iter().position(|source| {
        takes(&source.sending_application, application) && takes(&source.sending_facility, facility)
    })
}

/// The identifiers in PID-2, PID-3 and PID-4 of every patient, and in MRG-1 to MRG-4: hashed, and spelled.
fn identifiers(message: &Message<'_>) -> (Identifiers, Vec<String>) {
    let (mut hashes, mut found) = (Identifiers::new(), Vec::new());
    for segment in message.segments() {
        let id = segment.id();
        let fields: &[usize] = match id.as_str() {
            "PID" => &[3, 2, 4],
            "MRG" => &[1, 2, 3, 4],
            _ => continue,
        };
        for field in fields {
            for repetition in segment.field(*field).repetitions() {
                let spelled = spelled(&repetition.component(1).text());
                let hash = hash_bytes(spelled.as_bytes());
                if !spelled.is_empty() && hashes.len() < KEYS_MAX && !hashes.contains(&hash) {
                    hashes.push(hash);
                    found.push(spelled);
                }
            }
        }
    }
    (hashes, found)
}

/// An identifier as lanes and searches compare it: letters in either case, spaces and hyphens do not make
/// another person.
pub(crate) fn spelled(value: &str) -> String {
    value
        .chars()
        .filter(|character| character.is_alphanumeric())
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// The lanes of a message at one interface. Messages about nobody share one: they keep their order too.
pub(crate) fn lanes(interface: usize, identifiers: &[u64]) -> LaneKeys {
    let mix = |identifier: u64| {
        let turned = identifier.rotate_left(29) ^ (interface as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        LaneKey(turned.wrapping_mul(0xff51_afd7_ed55_8ccd))
    };
    match identifiers {
        [] => LaneKeys::from_slice(&[mix(0)]),
        some => some.iter().map(|identifier| mix(*identifier)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Identifiers {
        let bytes = text.replace('\n', "\r");
        identifiers(&Message::parse(bytes.as_bytes()).unwrap()).0
    }

    #[test]
    fn one_person_is_one_lane_however_the_number_is_written() {
        let spelled = read("MSH|^~\\&|\nPID|||999 000 0018^^^NHS^NH");
        let bare = read("MSH|^~\\&|\nPID||9990000018|");
        assert_eq!(spelled, bare);
        assert_eq!(
            read("MSH|^~\\&|\nPID|||ab-12"),
            read("MSH|^~\\&|\nPID|||AB12^^^X")
        );
        assert_ne!(read("MSH|^~\\&|\nPID|||1"), read("MSH|^~\\&|\nPID|||2"));
    }

    #[test]
    fn a_merge_stands_in_the_lanes_of_both() {
        let both = read("MSH|^~\\&|\nPID|||7^^^A~9990000018\nMRG|8^^^A");
        assert_eq!(both.len(), 3);
        assert!(both.contains(&read("MSH|^~\\&|\nPID|||8")[0]));
    }

    #[test]
    fn the_same_patient_at_two_interfaces_has_two_lanes() {
        let one = read("MSH|^~\\&|\nPID|||7");
        assert_ne!(lanes(0, &one), lanes(1, &one));
        assert_eq!(lanes(3, &[]).len(), 1);
    }
}
