//! IAM to AllergyIntolerance and back. Guide: "Segment IAM to AllergyIntolerance".

use fhir::{AllergyIntolerance, CodeableConcept, Patient, Practitioner, RelatedPerson};
use hl7v2::Field;

use crate::back::{Back, FieldWriter};
use crate::context::Context;
use crate::datatype::{concept, name};
use crate::keep;
use crate::row::SegmentMap;
use crate::row::cells;
use crate::segment::al1;

type Row = crate::row::Row<AllergyIntolerance>;

/// Marks an allergy that stood in IAM.
pub(crate) const IAM_PLACE: &str = "IAM";
const CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
const VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";
/// HL7 table 0438: what FHIR says with two elements, code by code.
const STATES: &[(&str, &str, &str)] = &[
    ("C", "verification", "confirmed"),
    ("D", "verification", "unconfirmed"),
    ("E", "verification", "entered-in-error"),
    ("I", "clinical", "inactive"),
    ("P", "verification", "unconfirmed"),
    ("S", "verification", "unconfirmed"),
    ("U", "verification", "unconfirmed"),
];

/// IAM to AllergyIntolerance.
pub(crate) static IAM: SegmentMap<AllergyIntolerance> = SegmentMap {
    segment: "IAM",
    resource: "AllergyIntolerance",
    rows: &[
        Row::ignored(1, cells::SET_ID),
        Row::new(2, "category", al1::read_category, al1::write_category).note("table 0127; also type"),
        concept!(3, "code", code),
        Row::new(4, "reaction.severity", al1::read_severity, al1::write_severity)
            .note("table 0128; or criticality, by setting"),
        Row::new(
            5,
            "reaction.manifestation",
            al1::read_manifestations,
            al1::write_manifestations,
        ),
        number!(7, "identifier", identifier, ""),
        moment!(11, "onsetDateTime", onset_date_time),
        Row::new(
            12,
            "onsetString",
            |field, allergy, cx| {
                if cx.sibling_valued(11) {
                    keep::read_field(field, allergy, cx);
                } else {
                    allergy.onset_string = cx.take(field, "");
                }
            },
            |allergy, field, back| {
                keep::write_field(allergy, field, back);
                field.nth(1).optional(1, allergy.onset_string.as_ref());
            },
        )
        .note("when IAM-11 is not valued"),
        moment!(13, "recordedDate", recorded_date),
        Row::new(14, "recorder", read_reporter, write_reporter).note(
            "a Practitioner when IAM-15 is not valued, the patient when it says so, else a RelatedPerson",
        ),
        Row::new(15, "recorder(RelatedPerson.relationship)", read_kin, write_kin).note("table 0063"),
        Row::new(17, "verificationStatus", read_status, write_status).note("table 0438; also clinicalStatus"),
        Row::kept(6),
        Row::kept(8),
        Row::kept(9),
        Row::kept(10),
        Row::kept(16),
        Row::kept(18),
        Row::kept(19),
        Row::kept(20),
        Row::kept(21),
        Row::kept(22),
        Row::kept(23),
        Row::kept(24),
        Row::kept(25),
        Row::kept(26),
        Row::kept(27),
        Row::kept(28),
        Row::kept(29),
        Row::kept(30),
    ],
};

fn reporter_is_patient(cx: &Context<'_>) -> bool {
    let said = cx.sibling(15).and_then(|field| cx.peek(field));
    said.is_some_and(|code| matches!(code.as_ref(), "SEL" | "SLF"))
}

fn read_reporter(field: Field<'_>, allergy: &mut AllergyIntolerance, cx: &mut Context<'_>) {
    if reporter_is_patient(cx) {
        // The patient's own name is that of PID.
        keep::read_field(field, allergy, cx);
        return;
    }
    let kin = cx.sibling_valued(15);
    let Some(person) = name::read(field.repetition(1), cx) else {
        return;
    };
    let text = format!(
        "{}|{}",
        person.family.as_deref().unwrap_or_default(),
        person.given.join(" ")
    );
    let reference = if kin {
        let whose = allergy
            .patient
            .as_ref()
            .and_then(|one| one.reference.clone())
            .unwrap_or_default();
        let id = cx
            .entries
            .unique_id("RelatedPerson", &["reporter", &whose, &text]);
        let related = RelatedPerson {
            extension: vec![keep::mark(IAM_PLACE)],
            patient: allergy.patient.clone(),
            name: vec![person],
            ..RelatedPerson::default()
        };
        cx.entries.push(id, related)
    } else {
        let id = cx.entries.id("Practitioner", &["name", &text]);
        if cx.entries.shared(id).is_none() {
            let practitioner = Practitioner {
                name: vec![person],
                ..Practitioner::default()
            };
            cx.entries.share(id, practitioner);
        }
        crate::entries::reference(id)
    };
    allergy.recorder = Some(reference);
    cells::keep_rest(field, allergy, cx);
}

fn write_reporter(allergy: &AllergyIntolerance, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(allergy, field, back);
    let recorder = allergy.recorder.as_ref();
    let of_kin = back.resolve::<RelatedPerson>(recorder).map(|person| &person.name);
    let names = of_kin.or_else(|| back.resolve::<Practitioner>(recorder).map(|person| &person.name));
    if let Some(person) = names.and_then(|names| names.first()) {
        name::write(person, name::XPN, &mut field.nth(1), back);
    }
}

/// The relation is kept beside the recorder, whose own resource it would have to be told to.
fn read_kin(field: Field<'_>, allergy: &mut AllergyIntolerance, cx: &mut Context<'_>) {
    if reporter_is_patient(cx) {
        allergy.recorder.clone_from(&allergy.patient);
        cx.take_as(
            field,
            "AllergyIntolerance.recorder",
            crate::ledger::Outcome::Transformed,
        );
    }
    keep::read_field(field, allergy, cx);
}

fn write_kin(allergy: &AllergyIntolerance, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(allergy, field, back);
    let own = back.resolve::<Patient>(allergy.recorder.as_ref()).is_some();
    if own && field.is_empty() {
        field.set("SEL");
    }
}

fn read_status(field: Field<'_>, allergy: &mut AllergyIntolerance, cx: &mut Context<'_>) {
    let Some(mut sent) = concept::first(field, None, cx) else {
        return;
    };
    let code = sent
        .coding
        .first()
        .and_then(|coding| coding.code.clone())
        .unwrap_or_default();
    let Some((_, element, state)) = STATES.iter().find(|(known, ..)| *known == code) else {
        keep::read_field(field, allergy, cx);
        return;
    };
    let system = if *element == "clinical" {
        CLINICAL
    } else {
        VERIFICATION
    };
    sent.coding.insert(0, concept::constant(system, state, ""));
    match *element {
        "clinical" => allergy.clinical_status = Some(sent),
        _ => allergy.verification_status = Some(sent),
    }
}

fn write_status(allergy: &AllergyIntolerance, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(allergy, field, back);
    if !field.is_empty() {
        return;
    }
    let both = [&allergy.verification_status, &allergy.clinical_status];
    for status in both.into_iter().flatten() {
        if let Some(own) = as_sent(status) {
            concept::write(&own, None, field.nth(1), back);
            return;
        }
    }
}

/// The concept without FHIR's own coding in front, when something was sent behind it.
fn as_sent(status: &CodeableConcept) -> Option<CodeableConcept> {
    let mut own = status.clone();
    own.coding
        .retain(|coding| !matches!(coding.system.as_deref(), Some(CLINICAL | VERIFICATION)));
    (!own.coding.is_empty()).then_some(own)
}

/// Fills what FHIR requires, and forbids.
pub(crate) fn complete(allergy: &mut AllergyIntolerance) {
    allergy.extension.push(keep::mark(IAM_PLACE));
    let clinical = allergy.clinical_status.take();
    al1::complete(allergy);
    if clinical.is_some() {
        allergy.clinical_status = clinical;
    }
    let wrong = |status: &CodeableConcept| concept::says(status, VERIFICATION, "entered-in-error");
    if allergy.verification_status.as_ref().is_some_and(wrong) {
        // R4 wants no clinical status of what never was.
        allergy.clinical_status = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PID, all, comes_back, first};

    #[test]
    fn an_allergy_comes_back_as_it_was_reported() {
        let iam = "IAM|1|DA|91936005^Penicillin^SCT|SV|Rash~Hives|A|A77^RYJ||AL^Allergy^L|||As a child|20260302|Example^Una|SPO||C^Confirmed";
        let bundle = comes_back("A60", &[PID, iam], &["IAM", "AL1", "NK1"]);
        let allergy: &AllergyIntolerance = first(&bundle);
        assert_eq!(allergy.onset_string.as_deref(), Some("As a child"));
        assert_eq!(all::<RelatedPerson>(&bundle).len(), 1);
        let status = allergy.verification_status.as_ref().unwrap();
        assert_eq!(status.coding[0].code.as_deref(), Some("confirmed"));
    }

    #[test]
    fn the_patient_and_a_stranger_may_report_it() {
        let own = "IAM|1|DA|91936005^Penicillin^SCT|||A|A77^RYJ||||20100101||20260302|Example^Ada|SEL||I";
        let bundle = comes_back("A60", &[PID, own], &["IAM"]);
        let allergy: &AllergyIntolerance = first(&bundle);
        assert_eq!(allergy.recorder, allergy.patient);
        let status = allergy.clinical_status.as_ref().unwrap();
        assert_eq!(status.coding[0].code.as_deref(), Some("inactive"));
        let other = "IAM|1|DA|^Nuts||||A78^RYJ|||||||Nurse^Nora|||E";
        let bundle = comes_back("A60", &[PID, other], &["IAM"]);
        assert!(first::<AllergyIntolerance>(&bundle).clinical_status.is_none());
        assert_eq!(all::<Practitioner>(&bundle).len(), 1);
    }
}
