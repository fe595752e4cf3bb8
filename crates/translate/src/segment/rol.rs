//! ROL to Encounter.participant and back. Guide: "Segment ROL to Encounter" (the person, without a PractitionerRole).
//!
//! A primary care provider (`PP`) is the patient's general practitioner instead.

use fhir::{Coding, EncounterParticipant, Extension, Text};

use crate::datatype::{concept, identifier, person, time};
use crate::keep;
use crate::row::SegmentMap;

type Row = crate::row::Row<EncounterParticipant>;

/// Marks a participant that stood in ROL.
const ROLE: &str = "ROL";

/// ROL to Encounter.participant.
pub(crate) static ROL: SegmentMap<EncounterParticipant> = SegmentMap {
    segment: "ROL",
    resource: "Encounter.participant",
    rows: &[
        Row::new(
            1,
            "extension(identifier)",
            |field, participant, cx| {
                if let Some(id) = identifier::read_ei(field.repetition(1), cx) {
                    let value = Extension {
                        value_identifier: Some(Box::new(id)),
                        ..Extension::default()
                    };
                    participant
                        .extension
                        .push(keep::carry(Text::const_new("ROL-1"), value));
                }
            },
            |participant, field, back| {
                let found = keep::carried(&participant.extension, "ROL-1");
                if let Some(id) = found.and_then(|e| e.value_identifier.as_ref()) {
                    identifier::write_ei(id, field.repetition(), back);
                }
            },
        ),
        Row::new(
            3,
            "type",
            |field, participant, cx| {
                concept::all(
                    field,
                    Some(&cx.vocabulary.provider_role),
                    &mut participant.type_,
                    cx,
                )
            },
            |participant, field, back| {
                concept::put(
                    participant.type_.first(),
                    Some(&back.vocabulary.provider_role),
                    field,
                    back,
                );
            },
        )
        .note("table 0443"),
        Row::new(
            4,
            "individual",
            |field, participant, cx| participant.individual = person::read(field.repetition(1), cx),
            |participant, field, back| {
                if let Some(individual) = &participant.individual {
                    person::write(individual, field.repetition(), back);
                }
            },
        ),
        Row::new(
            5,
            "period.start",
            |field, participant, cx| {
                if let Some(start) = time::date_time(field, cx, "") {
                    participant.period.get_or_insert_default().start = Some(start);
                }
            },
            |participant, field, back| {
                time::put(
                    participant.period.as_ref().and_then(|p| p.start.as_deref()),
                    field,
                    back,
                );
            },
        ),
        Row::new(
            6,
            "period.end",
            |field, participant, cx| {
                if let Some(end) = time::date_time(field, cx, "") {
                    participant.period.get_or_insert_default().end = Some(end);
                }
            },
            |participant, field, back| {
                time::put(
                    participant.period.as_ref().and_then(|p| p.end.as_deref()),
                    field,
                    back,
                );
            },
        ),
        Row::kept(2),
        Row::kept(7),
        Row::kept(8),
        Row::kept(9),
        Row::kept(10),
        Row::kept(11),
        Row::kept(12),
        Row::kept(13),
        Row::kept(14),
    ],
};

/// Marks a participant as one of ROL.
pub(crate) fn mark(participant: &mut EncounterParticipant) {
    participant.extension.push(keep::mark(Text::const_new(ROLE)));
}

/// Marks a reference to someone whom ROL names.
pub(crate) fn mark_reference(one: &mut fhir::Reference) {
    one.extension.push(keep::mark(Text::const_new(ROLE)));
}

/// True for a reference to someone whom ROL names.
pub(crate) fn is_marked(one: &fhir::Reference) -> bool {
    keep::is_marked(&one.extension, ROLE)
}

/// True for a participant that stood in ROL.
pub(crate) fn is_role(participant: &EncounterParticipant) -> bool {
    keep::is_marked(&participant.extension, ROLE)
}

/// True when ROL-3 says primary care provider.
pub(crate) fn is_primary_care(participant: &EncounterParticipant) -> bool {
    let coded =
        |coding: &Coding| coding.code.as_deref() == Some("PP") || coding.code.as_deref() == Some("446050000");
    participant.type_.iter().any(|kind| kind.coding.iter().any(coded))
}

#[cfg(test)]
mod tests {
    use fhir::{Encounter, Patient};

    use crate::testing::{PID, first, message, read, round_trip};

    #[test]
    fn a_role_is_a_participant_of_the_visit() {
        let rol = "ROL|R1^RYJ|AD|AT|C1^Consult^Clara|20260302091000|20260303";
        let bundle = round_trip("A01", &[PID, "PV1|1|I"], rol);
        let participant = &first::<Encounter>(&bundle).participant[0];
        assert_eq!(participant.type_[0].coding[0].code.as_deref(), Some("ATND"));
    }

    #[test]
    fn a_primary_care_provider_before_the_visit_is_the_general_practitioner() {
        let rol = "ROL|1|UP|PP|G1^Practice^Grace||||||||1 High St^^London|020 7946 0000^PRN^PH";
        let (bundle, ledger) = read(&message("A28", &[PID, rol]));
        assert_eq!(first::<Patient>(&bundle).general_practitioner.len(), 1);
        assert_eq!(ledger.totals().lost, 0);
        let back = crate::testing::back(&bundle);
        assert!(back.contains(&rol.to_owned()), "{back:?}");
        assert!(!back.iter().any(|line| line.starts_with("PD1")), "{back:?}");
    }
}
