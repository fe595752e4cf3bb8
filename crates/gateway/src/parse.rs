//! Parse: is this a message that can be identified, routed and filed under a patient?
//!
//! Reads no more than that. What a code means, or whether a date exists, is for `translate` to note and for
//! the destination to judge: one bad field never keeps a message back.

use hl7v2::{Location, Message, SegmentId};

use crate::verdict::Failure;

/// Events that move one identity into another and name the loser in MRG.
const MERGES: &[&str] = &[
    "A18", "A30", "A34", "A35", "A36", "A39", "A40", "A41", "A42", "A43", "A44", "A45", "A46", "A47", "A48",
    "A49", "A50", "A51",
];

/// Those of them that merge or renumber accounts or visits, of one person or of two.
const ABOUT_VISITS: &[&str] = &["A35", "A41", "A42", "A44", "A45", "A49", "A50", "A51"];

/// ADT events about two patients, or about a bed and no patient.
const NOT_ONE_PATIENT: &[&str] = &["A17", "A20", "A24", "A37"];

/// ADT events about a stay, which are nothing without PV1.
const STAYS: &[&str] = &["A01", "A02", "A03", "A11", "A12", "A13"];

/// Message codes about one patient.
const OF_A_PATIENT: &[&str] = &["ADT", "ORU", "MDM"];

/// Whether an ADT event is a merge.
pub(crate) fn is_merge(trigger_event: &str) -> bool {
    MERGES.contains(&trigger_event)
}

/// Checks what identification, routing and lanes rest on.
///
/// # Errors
/// What is missing, and where: the sender's fault.
pub(crate) fn check(message: &Message<'_>) -> Result<(), Failure> {
    let header = message.header();
    let (code, event) = (header.message_code(), header.trigger_event());
    if code.trim().is_empty() {
        return Err(Failure::Missing(at(9, 1)));
    }
    if event.trim().is_empty() {
        return Err(Failure::Missing(at(9, 2)));
    }
    if header.control_id().trim().is_empty() {
        return Err(Failure::Missing(at(10, 0)));
    }
    let version = header.version();
    if !version.trim().is_empty() && !version.trim().starts_with("2.") {
        return Err(Failure::UnknownVersion);
    }
    if OF_A_PATIENT.contains(&code.as_ref()) && !(code == "ADT" && NOT_ONE_PATIENT.contains(&event.as_ref()))
    {
        check_patient(message, &code)?;
    }
    if code == "ADT" && STAYS.contains(&event.as_ref()) && message.segment("PV1").is_none() {
        return Err(Failure::MissingSegment("PV1"));
    }
    if code == "ADT" && is_merge(&event) {
        check_merge(message)?;
    }
    Ok(())
}

/// The first place whose bytes the message's character set does not have. It is flagged, and the bytes stay.
pub(crate) fn undecodable(message: &Message<'_>) -> Option<String> {
    if message.bytes().is_ascii() {
        return None;
    }
    let place = message.undecodable().next()?;
    Some(format!(
        "flagged: {place} holds bytes that the character set of MSH-18 does not have"
    ))
}

fn check_patient(message: &Message<'_>, code: &str) -> Result<(), Failure> {
    let mut patients = message.segments_named("PID");
    let Some(patient) = patients.next() else {
        return Err(Failure::MissingSegment("PID"));
    };
    // Older feeds have the number in PID-2 or PID-4 and leave PID-3 empty.
    if ![3, 2, 4]
        .iter()
        .any(|field| has_identifier(&patient.field(*field)))
    {
        return Err(Failure::Missing(Location::new(patient.id()).with_field(3)));
    }
    let repeats = message.segments_named("PID").count() > 1;
    // A results message may hold several patients, and a merge one group per pair.
    if code == "ADT" && repeats && !is_merge(&message.header().trigger_event()) {
        return Err(Failure::SecondSegment("PID"));
    }
    Ok(())
}

fn check_merge(message: &Message<'_>) -> Result<(), Failure> {
    let Some(merge) = message.segment("MRG") else {
        return Err(Failure::MissingSegment("MRG"));
    };
    if ABOUT_VISITS.contains(&message.header().trigger_event().as_ref()) {
        // The number that goes is an account's or a visit's; MRG-1 may be absent, or the same person's.
        let named = (1..=6).any(|field| has_identifier(&merge.field(field)));
        let missing = Failure::Missing(Location::new(merge.id()));
        return if named { Ok(()) } else { Err(missing) };
    }
    let loser = merge.field(1);
    if !has_identifier(&loser) {
        return Err(Failure::Missing(Location::new(merge.id()).with_field(1)));
    }
    let survivor = message.field("PID", 3);
    let same = |one: &hl7v2::Repetition<'_>| {
        survivor.repetitions().any(|other| {
            (one.component(1).text(), one.component(4).text())
                == (other.component(1).text(), other.component(4).text())
        })
    };
    let valued = |one: &hl7v2::Repetition<'_>| !one.component(1).text().trim().is_empty();
    if loser.repetitions().filter(valued).all(|one| same(&one)) {
        return Err(Failure::MergeIntoItself(Location::new(merge.id()).with_field(1)));
    }
    Ok(())
}

fn has_identifier(field: &hl7v2::Field<'_>) -> bool {
    field
        .repetitions()
        .any(|repetition| !repetition.component(1).text().trim().is_empty())
}

fn at(field: u16, component: u16) -> Location {
    let location = Location::new(SegmentId::MSH).with_field(field);
    Location {
        component,
        ..location
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(segments: &str) -> Result<(), String> {
        let bytes = segments.replace('\n', "\r");
        check(&Message::parse(bytes.as_bytes()).unwrap()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn what_must_be_there_is_named_by_its_place() {
        const A01: &str = "MSH|^~\\&|A|B|||||ADT^A01|1|T|2.4";
        const A50: &str = "MSH|^~\\&|A|B|||||ADT^A50|1|T|2.4";
        const A40: &str = "MSH|^~\\&|A|B|||||ADT^A40|1|T|2.4";
        for (message, expected) in [
            ("MSH|^~\\&|A|B||||||1|T|2.4".to_owned(), Some("MSH-9.1")),
            ("MSH|^~\\&|A|B|||||ADT|1|T|2.4".to_owned(), Some("MSH-9.2")),
            ("MSH|^~\\&|A|B|||||ADT^A01||T|2.4".to_owned(), Some("MSH-10")),
            ("MSH|^~\\&|A|B|||||ADT^A01|\"\"|T|2.4".to_owned(), Some("MSH-10")),
            (
                "MSH|^~\\&|A|B|||||ADT^A01|1|T|3.0\nPID|||7\nPV1|1".to_owned(),
                Some("MSH-12"),
            ),
            (A01.to_owned(), Some("PID")),
            (format!("{A01}\nPID|1||\nPV1|1"), Some("PID-3")),
            (format!("{A01}\nPID|1||\"\"\nPV1|1"), Some("PID-3")),
            (format!("{A01}\nPID|1||7"), Some("PV1")),
            (format!("{A01}\nPID|1||7\nPID|2||8\nPV1|1"), Some("PID")),
            (format!("{A01}\nPID|1|7\nPV1|1"), None),
            (format!("{A40}\nPID|1||7"), Some("MRG")),
            (format!("{A40}\nPID|1||7\nMRG|"), Some("MRG-1")),
            (format!("{A40}\nPID|1||7^^^B\nMRG|7^^^B"), Some("MRG-1")),
            (format!("{A40}\nPID|1||7^^^B\nMRG|7^^^C"), None),
            (format!("{A50}\nPID|1||7\nMRG|7"), None),
            (format!("{A50}\nPID|1||7\nMRG|||||V8"), None),
            (format!("{A50}\nPID|1||7\nMRG|"), Some("MRG")),
            (
                format!("{A40}\nPID|1||7~9990000018^^^NHS\nMRG|8~9990000018^^^NHS"),
                None,
            ),
        ] {
            match (verdict(&message), expected) {
                (Ok(()), None) => {}
                (Err(text), Some(place)) => assert!(text.contains(place), "{message:?}: {text}"),
                (found, _) => panic!("{message:?}: {found:?}, wanted {expected:?}"),
            }
        }
    }
}
