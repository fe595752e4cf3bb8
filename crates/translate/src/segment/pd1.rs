//! PD1 to Patient and back. Guide: "Segment PD1 to Patient".

use fhir::{Extension, Organization, Patient, Practitioner, Reference, Text};

use crate::back::Back;
use crate::datatype::{concept, organization, person};
use crate::row::SegmentMap;

type Row = crate::row::Row<Patient>;

const DISABILITY: &str = "http://hl7.org/fhir/StructureDefinition/patient-disability";
const CONGREGATION: &str = "http://hl7.org/fhir/StructureDefinition/patient-congregation";

/// PD1 to Patient.
pub(crate) static PD1: SegmentMap<Patient> = SegmentMap {
    segment: "PD1",
    resource: "Patient",
    rows: &[
        Row::new(
            3,
            "generalPractitioner",
            |field, patient, cx| {
                for xon in field.repetitions() {
                    cx.at(patient.general_practitioner.len());
                    patient
                        .general_practitioner
                        .extend(organization::read_xon(xon, cx));
                }
            },
            |patient, field, back| {
                for practice in patient
                    .general_practitioner
                    .iter()
                    .filter(|one| is_practice(one, back))
                {
                    organization::write_xon(practice, field.repetition(), back);
                }
            },
        )
        .note("the practice"),
        Row::new(
            4,
            "generalPractitioner",
            |field, patient, cx| {
                cx.at(patient.general_practitioner.len());
                patient.general_practitioner.extend(person::read_all(field, cx));
            },
            |patient, field, back| {
                for doctor in patient
                    .general_practitioner
                    .iter()
                    .filter(|one| is_doctor(one, back) && !super::rol::is_marked(one))
                {
                    person::write_all(doctor, field, back);
                }
            },
        )
        .note("the doctor"),
        Row::new(
            6,
            "extension(disability)",
            |field, patient, cx| {
                if let Some(disability) = concept::first(field, None, cx) {
                    patient.extension.push(Extension {
                        url: Some(Text::const_new(DISABILITY)),
                        value_codeable_concept: Some(Box::new(disability)),
                        ..Extension::default()
                    });
                }
            },
            |patient, field, back| {
                let found = patient
                    .extension
                    .iter()
                    .find(|e| e.url.as_deref() == Some(DISABILITY));
                concept::put(
                    found.and_then(|e| e.value_codeable_concept.as_deref()),
                    None,
                    field,
                    back,
                );
            },
        ),
        Row::new(
            14,
            "extension(congregation)",
            |field, patient, cx| {
                if let Some(name) = cx.take(field, "") {
                    patient.extension.push(Extension {
                        url: Some(Text::const_new(CONGREGATION)),
                        value_string: Some(name),
                        ..Extension::default()
                    });
                }
            },
            |patient, field, _| {
                let found = patient
                    .extension
                    .iter()
                    .find(|e| e.url.as_deref() == Some(CONGREGATION));
                field
                    .repetition()
                    .optional(1, found.and_then(|e| e.value_string.as_ref()));
            },
        ),
        Row::kept(1),
        Row::kept(2),
        Row::kept(5),
        Row::kept(7),
        Row::kept(8),
        Row::kept(9),
        Row::kept(10),
        Row::kept(11),
        Row::kept(12),
        Row::kept(13),
        Row::kept(15),
        Row::kept(16),
        Row::kept(17),
        Row::kept(18),
        Row::kept(19),
        Row::kept(20),
        Row::kept(21),
    ],
};

fn is_practice(one: &Reference, back: &Back<'_>) -> bool {
    let named = one
        .type_
        .as_deref()
        .or_else(|| one.reference.as_deref()?.split('/').next());
    back.resolve::<Organization>(Some(one)).is_some() || named == Some("Organization")
}

fn is_doctor(one: &Reference, back: &Back<'_>) -> bool {
    back.resolve::<Practitioner>(Some(one)).is_some()
        || back.resolve::<fhir::PractitionerRole>(Some(one)).is_some()
        || (!is_practice(one, back) && (one.display.is_some() || one.identifier.is_some()))
}

#[cfg(test)]
mod tests {
    use fhir::{Organization, Practitioner};

    use crate::testing::{PID, first, round_trip};

    #[test]
    fn practice_and_doctor_are_general_practitioners() {
        let pd1 =
            "PD1|||SYNTHETIC SURGERY^^^^^^^^^Y00001|G9999981^PRACTICE^GRACE^^^DR^^^GMP||DIS1|||||||||CHURCH";
        let bundle = round_trip("A28", &[PID], pd1);
        assert_eq!(
            first::<Organization>(&bundle).name.as_deref(),
            Some("Imperial College Healthcare NHS Trust")
        );
        let doctor: &Practitioner = first(&bundle);
        assert_eq!(
            doctor.identifier[0].system.as_deref(),
            Some("https://fhir.hl7.org.uk/Id/gmp-number")
        );
    }
}
