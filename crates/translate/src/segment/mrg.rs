//! MRG to the Patient that is merged away, and back. The guide has no map for merges: two Patients, linked.
//!
//! The loser is inactive, its identifiers are `use=old`; the survivor `replaces` it. Where an event changes a number
//! or merges accounts or visits, MRG holds what the same patient or visit had before: it becomes old and keeps a mark.

use fhir::{Encounter, Identifier, Patient, PatientLink, Reference, Text};
use hl7v2::Field;

use crate::back::{Back, FieldWriter};
use crate::context::Context;
use crate::datatype::{identifier, name};
use crate::keep;
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
    ],
};

/// MRG-5 and MRG-6 on the Patient, where the event is not about a visit.
pub(crate) static KEPT: SegmentMap<Patient> = SegmentMap {
    segment: "MRG",
    resource: "Patient",
    rows: &[Row::kept(5), Row::kept(6)],
};

/// MRG to the Encounter whose number changed, or which was moved or merged into another.
pub(crate) static VISIT: SegmentMap<Encounter> = SegmentMap {
    segment: "MRG",
    resource: "Encounter",
    rows: &[
        crate::row::Row::<Encounter>::new(5, "identifier", read_visit, write_visit).note("old"),
        crate::row::Row::<Encounter>::new(6, "identifier", read_visit, write_visit).note("old"),
    ],
};

/// The place a number of MRG stood, as its mark gives it.
fn place_of(field: u16) -> &'static str {
    match field {
        3 => "MRG-3",
        5 => "MRG-5",
        6 => "MRG-6",
        _ => "MRG-1",
    }
}

fn read_visit(field: Field<'_>, encounter: &mut Encounter, cx: &mut Context<'_>) {
    let place = place_of(cx.rule.field);
    for one in field.repetitions() {
        cx.at(encounter.identifier.len());
        if let Some(mut number) = identifier::read_cx(one, cx) {
            number.extension.push(keep::mark(place));
            encounter.identifier.push(number);
        }
    }
}

fn write_visit(encounter: &Encounter, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let place = field.place();
    let here = encounter.identifier.iter();
    for one in here.filter(|one| keep::is_marked(&one.extension, &place)) {
        identifier::write_cx(&plain(one), field.repetition(), back);
    }
}

/// The number as MRG held it: a visit number's type follows from PV1-19.
fn plain(one: &Identifier) -> Identifier {
    let mut one = one.clone();
    if keep::is_marked(&one.extension, CURRENT) && identifier::is_typed(&one, "VN") {
        one.type_ = None;
    }
    if keep::is_marked(&one.extension, BARE) {
        one.system = None;
        one.assigner = None;
    }
    one
}

/// Marks a number that MRG gave without its authority.
const BARE: &str = "MRG-5.1";

/// Marks a number of MRG that the visit also has now.
const CURRENT: &str = "PV1-19";

/// True for a number that stood in MRG and only there.
pub(crate) fn is_former(one: &Identifier) -> bool {
    let marked = |place: &str| keep::is_marked(&one.extension, place);
    !marked(CURRENT) && (marked("MRG-5") || marked("MRG-6"))
}

/// True for an event that is about a visit: MRG-5 and MRG-6 are numbers of the PV1 that follows.
pub(crate) fn is_visit(event: &str) -> bool {
    matches!(event, "A42" | "A45" | "A50" | "A51")
}

/// Gives a visit the numbers that MRG said it had.
pub(crate) fn take_numbers(encounter: &mut Encounter, former: Encounter) {
    for mut number in former.identifier {
        let nameless = |one: &Identifier| one.system.is_none() && one.assigner.is_none();
        let same = |known: &&mut Identifier| {
            let alike = known.system == number.system && known.assigner == number.assigner;
            known.value == number.value && (alike || nameless(known) || nameless(&number))
        };
        if let Some(known) = encounter.identifier.iter_mut().find(same) {
            known.extension.push(keep::mark(CURRENT));
            if nameless(&number) && !nameless(known) {
                known.extension.push(keep::mark(BARE));
            }
            known.extension.append(&mut number.extension);
        } else {
            number.use_ = Some(Text::const_new("old"));
            encounter.identifier.push(number);
        }
    }
}

/// Gives a patient the numbers and names that MRG said they had.
pub(crate) fn take_former(patient: &mut Patient, former: Patient) {
    for mut one in former.identifier {
        let place = if identifier::is_typed(&one, "AN") {
            "MRG-3"
        } else {
            "MRG-1"
        };
        match patient.identifier.iter_mut().find(|known| {
            known.value == one.value
                && known.system == one.system
                && known.assigner == one.assigner
                && known.type_ == one.type_
        }) {
            Some(known) => known.extension.extend([keep::mark("PID-3"), keep::mark(place)]),
            None => {
                pid::make_old(&mut one);
                one.extension.push(keep::mark(place));
                patient.identifier.push(one);
            }
        }
    }
    for mut name in former.name {
        name.extension.push(keep::mark("MRG-7"));
        patient.name.push(name);
    }
    patient.extension.extend(former.extension);
}

/// What MRG held, from the patient who took it over.
pub(crate) fn former(patient: &Patient) -> Patient {
    let mut held = Patient::default();
    for one in &patient.identifier {
        let marked = |place: &str| keep::is_marked(&one.extension, place);
        if marked("MRG-1") || marked("MRG-3") {
            held.identifier.push(one.clone());
        }
    }
    let names = patient.name.iter();
    held.name = names
        .filter(|name| keep::is_marked(&name.extension, "MRG-7"))
        .cloned()
        .collect();
    let places = ["MRG-5", "MRG-6"];
    let carried = patient.extension.iter().filter(|one| {
        let place = one
            .extension
            .iter()
            .find(|part| part.url.as_deref() == Some("place"));
        place
            .and_then(|part| part.value_string.as_deref())
            .is_some_and(|place| places.contains(&place))
    });
    held.extension = carried.cloned().collect();
    held
}

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
    fn a_changed_number_is_old_and_comes_back() {
        for event in ["A46", "A47", "A48", "A49", "A35", "A41"] {
            let bundle = round_trip(
                event,
                &[PID],
                "MRG|70000999^^^RYJ^MR||ACC1^^^RYJ^AN||||Former^Ada",
            );
            let [patient]: [&Patient; 1] = all::<Patient>(&bundle).try_into().unwrap();
            assert!(patient.link.is_empty(), "{event}");
            assert_eq!(patient.identifier[1].use_.as_deref(), Some("old"));
            assert_ne!(patient.active, Some(false));
        }
        // An account merge names the same patient on both sides.
        let bundle = round_trip("A41", &[PID], "MRG|70000123^^^RYJ^MR||ACC1^^^RYJ^AN");
        assert_eq!(all::<Patient>(&bundle)[0].identifier.len(), 2);
    }

    #[test]
    fn a_visit_keeps_the_number_it_had() {
        for (event, mrg) in [
            ("A50", "MRG|70000123^^^RYJ^MR||||V1^^^RYJ^VN"),
            ("A51", "MRG|70000123^^^RYJ^MR|||||ALT1^^^RYJ"),
            ("A42", "MRG|70000123^^^RYJ^MR||||V1^^^RYJ"),
            ("A45", "MRG|70000999^^^RYJ^MR||||V2^^^RYJ"),
        ] {
            let pv1 = "PV1|1|I|||||||||||||||||V2^^^RYJ";
            let (bundle, ledger) = read(&message(event, &[PID, mrg, pv1]));
            assert_eq!(ledger.totals().lost, 0);
            let written = crate::testing::back(&bundle);
            assert!(written.contains(&mrg.to_owned()), "{event}: {written:?}");
            assert!(written.contains(&pv1.to_owned()), "{event}: {written:?}");
            assert_eq!(
                written.iter().filter(|line| line.starts_with("PID")).count(),
                1,
                "{event}"
            );
        }
    }

    #[test]
    fn a_visit_that_only_mrg_names_is_still_a_visit() {
        let (bundle, _) = read(&message("A42", &[PID, "MRG|70000123^^^RYJ^MR||||V1^^^RYJ"]));
        let visit: &Encounter = crate::testing::first(&bundle);
        assert_eq!(visit.identifier[0].use_.as_deref(), Some("old"));
    }

    #[test]
    fn linked_people_see_each_other_and_stay_who_they_are() {
        let other = "PID|2||70000999^^^RYJ^MR||Other^Ann";
        let (bundle, _) = read(&message("A24", &[PID, "PV1|1|N", other, "PV1|1|N"]));
        let patients = all::<Patient>(&bundle);
        assert_eq!(patients.len(), 2);
        for patient in &patients {
            assert_eq!(patient.link[0].type_.as_deref(), Some("seealso"));
            assert_ne!(patient.active, Some(false));
        }
        let written = crate::testing::back(&bundle);
        assert_eq!(written.iter().filter(|line| line.starts_with("PID")).count(), 2);
        let (bundle, _) = read(&message("A37", &[PID, other]));
        assert!(
            all::<Patient>(&bundle)
                .iter()
                .all(|patient| patient.link.is_empty())
        );
    }

    #[test]
    fn both_sides_with_one_identifier_are_still_two() {
        let (bundle, ledger) = read(&message("A40", &[PID, "MRG|70000123^^^RYJ^MR"]));
        assert_eq!(all::<Patient>(&bundle).len(), 2);
        assert!(ledger.notes.iter().any(|note| note.code == "merge-with-itself"));
    }
}
