//! MRG to the Patient that is merged away, and back. The guide has no map for merges: two Patients, linked.
//!
//! The loser is inactive, its identifiers are `use=old`; the survivor `replaces` it.

use fhir::{Patient, PatientLink, Reference, Text};
use hl7v2::Field;

use crate::context::Context;
use crate::datatype::{identifier, name};
use crate::row::SegmentMap;
use crate::segment::pid;

type Row = crate::row::Row<Patient>;

/// MRG to Patient.
pub(crate) static MRG: SegmentMap<Patient> = SegmentMap {
    segment: "MRG",
    resource: "Patient",
    rows: &[
        Row::new(1, "identifier", read_numbers, |patient, field, back| {
            for one in patient
                .identifier
                .iter()
                .filter(|one| !identifier::is_typed(one, "AN"))
            {
                identifier::write_cx(one, field.repetition(), back);
            }
        }),
        Row::new(
            2,
            "identifier",
            read_numbers,
            |_, _, _| {}, // Withdrawn: MRG-1 carries every identifier back.
        )
        .note("withdrawn; writes back to MRG-1"),
        Row::new(
            4,
            "identifier",
            read_numbers,
            |_, _, _| {}, // Withdrawn: MRG-1 carries every identifier back.
        )
        .note("withdrawn; writes back to MRG-1"),
        Row::new(
            3,
            "identifier",
            |field, patient, cx| {
                cx.at(patient.identifier.len());
                if let Some(mut account) = identifier::read_cx(field.repetition(1), cx) {
                    pid::type_as(&mut account, "AN");
                    patient.identifier.push(account);
                }
            },
            |patient, field, back| {
                if let Some(account) = patient
                    .identifier
                    .iter()
                    .find(|one| identifier::is_typed(one, "AN"))
                {
                    identifier::write_cx(account, field.repetition(), back);
                }
            },
        )
        .note("table 0203: AN"),
        Row::new(
            7,
            "name",
            |field, patient, cx| {
                name::read_all(field, &mut patient.name, cx);
            },
            |patient, field, back| name::write_all(&patient.name, field, back),
        ),
        Row::kept(5),
        Row::kept(6),
    ],
};

/// MRG-1, and MRG-2 and MRG-4 of older versions: numbers of the one who goes.
fn read_numbers(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    for one in field.repetitions() {
        cx.at(patient.identifier.len());
        patient.identifier.extend(identifier::read_cx(one, cx));
    }
}

/// Makes a patient the loser of a merge.
pub(crate) fn retire(patient: &mut Patient, survivor: Reference) {
    patient.active = Some(false);
    for identifier in &mut patient.identifier {
        pid::make_old(identifier);
    }
    patient.link.push(link(survivor, "replaced-by"));
}

/// Makes a patient the survivor of a merge.
pub(crate) fn survive(patient: &mut Patient, loser: Reference) {
    patient.link.push(link(loser, "replaces"));
}

/// Points from a patient to the one something was moved from.
pub(crate) fn see_also(patient: &mut Patient, other: Reference) {
    patient.link.push(link(other, "seealso"));
}

fn link(other: Reference, kind: &'static str) -> PatientLink {
    PatientLink {
        other_: Some(other),
        type_: Some(Text::const_new(kind)),
        ..PatientLink::default()
    }
}

/// True for a patient that another one replaces.
pub(crate) fn is_retired(patient: &Patient) -> bool {
    patient
        .link
        .iter()
        .any(|link| link.type_.as_deref() == Some("replaced-by"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PID, all, message, read, round_trip};

    #[test]
    fn a_merge_is_two_patients_that_know_each_other() {
        for event in ["A40", "A18", "A34"] {
            let (bundle, ledger) = read(&message(
                event,
                &[
                    PID,
                    "MRG|70000999^^^RYJ^MR|||||||Former^Ada"
                        .replace("|||||||", "||||||")
                        .as_str(),
                ],
            ));
            let [survivor, loser]: [&Patient; 2] = all::<Patient>(&bundle).try_into().unwrap();
            assert_eq!(loser.active, Some(false), "{event}");
            assert_eq!(loser.identifier[0].use_.as_deref(), Some("old"));
            assert_eq!(survivor.link[0].type_.as_deref(), Some("replaces"));
            assert_eq!(loser.link[0].type_.as_deref(), Some("replaced-by"));
            let url = loser.link[0]
                .other_
                .as_ref()
                .unwrap()
                .reference
                .as_deref()
                .unwrap();
            assert!(url.ends_with(survivor.id.as_deref().unwrap()));
            assert_eq!(ledger.totals().lost, 0);
        }
    }

    #[test]
    fn mrg_comes_back() {
        round_trip(
            "A40",
            &[PID],
            "MRG|70000999^^^RYJ^MR~9990000018^^^NHS^NH||ACC1^^^RYJ^AN||||Former^Ada",
        );
    }

    #[test]
    fn both_sides_with_one_identifier_are_still_two() {
        let (bundle, ledger) = read(&message("A40", &[PID, "MRG|70000123^^^RYJ^MR"]));
        assert_eq!(all::<Patient>(&bundle).len(), 2);
        assert!(ledger.notes.iter().any(|note| note.code == "merge-with-itself"));
    }
}
