//! Identify: whose message this is, which event, about whom, and whether it has been here before.
//!
//! Names the source by MSH-3 and MSH-4, the event by MSH-9, the message by MSH-10, the lanes by every
//! identifier of the patient. Trusts no label on an identifier: feeds leave them out, and a number that
//! stands for two people costs a little waiting, where two labels for one person would cost the order.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hasher};

use hl7v2::nhs::NhsNumber;
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
    /// The patient's NHS number, ten digits.
    pub(crate) nhs_number: Option<String>,
    /// The first identifier that is no NHS number.
    pub(crate) record_number: Option<String>,
    /// PID-5, `FAMILY, Given`, for people who search.
    pub(crate) name: Option<String>,
    /// Hashes of every identifier of every patient named.
    pub(crate) identifiers: Identifiers,
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
}

/// Reads what a message says about itself.
pub(crate) fn identify<'m>(settings: &Settings, message: &'m Message<'_>) -> Identity<'m> {
    let header = message.header();
    let (nhs_number, record_number) = patient_numbers(message);
    Identity {
        source: source_of(
            &settings.sources,
            &message.field("MSH", 3),
            &message.field("MSH", 4),
        ),
        sending_application: header.sending_application(),
        sending_facility: header.sending_facility(),
        message_code: header.message_code(),
        trigger_event: header.trigger_event(),
        control_id: header.control_id(),
        visit_facilities: [
            message.field("PV1", 3).component(4).text(),
            message.field("PV1", 39).text(),
        ],
        nhs_number,
        record_number,
        name: name_of(&message.field("PID", 5)),
        identifiers: identifiers(message),
    }
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

fn patient_numbers(message: &Message<'_>) -> (Option<String>, Option<String>) {
    let (mut nhs_number, mut record_number) = (None, None);
    for field in [3, 2, 4] {
        for repetition in message.field("PID", field).repetitions() {
            let value = repetition.component(1).text();
            let value = value.trim();
            match NhsNumber::parse(value) {
                Some(number) => {
                    nhs_number.get_or_insert_with(|| number.to_string());
                }
                None if !value.is_empty() => {
                    record_number.get_or_insert_with(|| value.to_owned());
                }
                None => {}
            }
        }
    }
    (nhs_number, record_number)
}

fn name_of(name: &Field<'_>) -> Option<String> {
    let (family, given) = (name.component(1).text(), name.component(2).text());
    match (family.trim(), given.trim()) {
        ("", "") => None,
        (family, "") => Some(family.to_owned()),
        (family, given) => Some(format!("{family}, {given}")),
    }
}

/// Hashes of the identifiers in PID-2, PID-3 and PID-4 of every patient, and in MRG-1 to MRG-4.
pub(crate) fn identifiers(message: &Message<'_>) -> Identifiers {
    let mut found = Identifiers::new();
    for segment in message.segments() {
        let id = segment.id();
        let fields: &[usize] = match id.as_str() {
            "PID" => &[3, 2, 4],
            "MRG" => &[1, 2, 3, 4],
            _ => continue,
        };
        for field in fields {
            for repetition in segment.field(*field).repetitions() {
                let hash = hash_identifier(&repetition.component(1).text());
                if let Some(hash) = hash.filter(|hash| found.len() < KEYS_MAX && !found.contains(hash)) {
                    found.push(hash);
                }
            }
        }
    }
    found
}

/// Letters in either case, spaces and hyphens do not make another person.
fn hash_identifier(value: &str) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    let mut empty = true;
    for character in value.chars().filter(|character| character.is_alphanumeric()) {
        hasher.write_u32(u32::from(character.to_ascii_uppercase()));
        empty = false;
    }
    (!empty).then(|| hasher.finish())
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

/// What a sender must not use twice: its own name and the control id.
pub(crate) fn key(identity: &Identity<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for part in [
        &identity.sending_application,
        &identity.sending_facility,
        &identity.control_id,
    ] {
        hasher.write(part.as_bytes());
        hasher.write_u8(0xff);
    }
    hasher.finish()
}

/// A hash of a whole message, to tell a repeated one from another under the same control id.
pub(crate) fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Identifiers {
        let bytes = text.replace('\n', "\r");
        identifiers(&Message::parse(bytes.as_bytes()).unwrap())
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
