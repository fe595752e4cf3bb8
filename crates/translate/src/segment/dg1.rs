//! DG1 to Condition and Encounter.diagnosis, and back. Guide: "Segment DG1 to Condition", "… to Encounter".

use fhir::{Condition, EncounterDiagnosis, Identifier, Text};

use crate::datatype::{concept, identifier, person, quantity, time};
use crate::keep;
use crate::row::{Row, SegmentMap};
use crate::vocabulary::system;

const VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/condition-ver-status";

/// DG1 to Condition.
pub(crate) static DG1: SegmentMap<Condition> = SegmentMap {
    segment: "DG1",
    resource: "Condition",
    rows: &[
        Row::ignored(1, "a set id; the order of entries says it"),
        Row::<Condition>::new(
            3,
            "code",
            |field, condition, cx| {
                condition.code = concept::first(field, None, cx);
                // Before v2.4 the coding method stood in DG1-2.
                let method = cx
                    .sibling(2)
                    .and_then(|method| cx.peek(method))
                    .map(|method| system::to_uri(&cx.vocabulary.coding_system, &method));
                let coding = condition.code.as_mut().and_then(|code| code.coding.first_mut());
                if let Some(coding) = coding.filter(|coding| coding.system.is_none() && coding.code.is_some())
                {
                    coding.system = method;
                }
            },
            |condition, field, back| {
                let mut code = condition.code.clone().unwrap_or_default();
                // A text of its own field goes back there.
                if keep::is_marked(&code.extension, "DG1-4") {
                    code.text = None;
                }
                concept::put(Some(&code), None, field, back);
            },
        ),
        Row::<Condition>::new(
            2,
            "code.coding.system",
            |field, condition, cx| {
                let name = cx
                    .peek(field)
                    .map(|name| system::to_uri(&cx.vocabulary.coding_system, &name));
                let used = condition
                    .code
                    .as_ref()
                    .and_then(|code| code.coding.first()?.system.clone());
                if name.is_some() && name == used {
                    cx.take_as(field, "", crate::ledger::Outcome::Transformed);
                } else {
                    keep::read_field(field, condition, cx);
                }
            },
            keep::write_field,
        )
        .note("when DG1-3.3 does not say it; writes back to DG1-3.3"),
        Row::<Condition>::new(
            4,
            "code.text",
            |field, condition, cx| {
                let Some(text) = cx.take(field, "") else { return };
                let code = condition.code.get_or_insert_default();
                if code.text.is_none() || code.text.as_ref() == Some(&text) {
                    code.text = Some(text);
                    code.extension.push(keep::mark("DG1-4"));
                } else {
                    keep::read_field(field, condition, cx);
                }
            },
            |condition, field, back| {
                keep::write_field(condition, field, back);
                let code = condition
                    .code
                    .as_ref()
                    .filter(|code| keep::is_marked(&code.extension, "DG1-4"));
                if let Some(text) = code.and_then(|code| code.text.as_ref()) {
                    field.set(text.clone());
                }
            },
        ),
        Row::<Condition>::new(
            5,
            "onsetDateTime",
            |field, condition, cx| condition.onset_date_time = time::date_time(field, cx, ""),
            |condition, field, back| time::put(condition.onset_date_time.as_deref(), field, back),
        ),
        Row::<Condition>::new(
            16,
            "asserter",
            |field, condition, cx| condition.asserter = person::read(field.repetition(1), cx),
            |condition, field, back| {
                if let Some(asserter) = &condition.asserter {
                    person::write(asserter, field.repetition(), back);
                }
            },
        ),
        Row::<Condition>::new(
            19,
            "recordedDate",
            |field, condition, cx| condition.recorded_date = time::date_time(field, cx, ""),
            |condition, field, back| time::put(condition.recorded_date.as_deref(), field, back),
        ),
        Row::<Condition>::new(
            20,
            "identifier",
            |field, condition, cx| {
                condition
                    .identifier
                    .extend(identifier::read_ei(field.repetition(1), cx))
            },
            |condition, field, back| {
                if let Some(one) = condition.identifier.first() {
                    identifier::write_ei(one, field.repetition(), back);
                }
            },
        ),
        Row::<Condition>::new(
            21,
            "verificationStatus",
            |field, condition, cx| {
                if cx.peek(field).is_some_and(|action| action == "D") {
                    cx.take_as(field, "", crate::ledger::Outcome::Transformed);
                    let wrong = concept::of_code(VERIFICATION, "entered-in-error", "Entered in Error");
                    condition.verification_status = Some(wrong);
                } else {
                    keep::read_field(field, condition, cx);
                }
            },
            |condition, field, back| {
                keep::write_field(condition, field, back);
                let status = condition.verification_status.as_ref();
                if status.is_some_and(|status| concept::says(status, VERIFICATION, "entered-in-error")) {
                    field.set(Text::const_new("D"));
                }
            },
        )
        .note("table 0206: D"),
        Row::kept(7),
        Row::kept(8),
        Row::kept(9),
        Row::kept(10),
        Row::kept(11),
        Row::kept(12),
        Row::kept(13),
        Row::kept(14),
        Row::kept(17),
        Row::kept(18),
        Row::kept(22),
        Row::kept(23),
        Row::kept(24),
        Row::kept(25),
        Row::kept(26),
    ],
};

/// DG1 to Encounter.diagnosis.
pub(crate) static DIAGNOSIS: SegmentMap<EncounterDiagnosis> = SegmentMap {
    segment: "DG1",
    resource: "Encounter.diagnosis",
    rows: &[
        Row::<EncounterDiagnosis>::new(
            6,
            "use",
            |field, diagnosis, cx| {
                diagnosis.use_ = concept::first(field, Some(&cx.vocabulary.diagnosis_type), cx);
            },
            |diagnosis, field, back| {
                concept::put(
                    diagnosis.use_.as_ref(),
                    Some(&back.vocabulary.diagnosis_type),
                    field,
                    back,
                );
            },
        )
        .note("table 0052"),
        Row::<EncounterDiagnosis>::new(
            15,
            "rank",
            |field, diagnosis, cx| diagnosis.rank = quantity::positive(field, cx, ""),
            |diagnosis, field, _| {
                if let Some(rank) = diagnosis.rank {
                    field.set(rank.to_string());
                }
            },
        ),
    ],
};

/// DG1 where there is no Encounter to hang the diagnosis on.
pub(crate) static ALONE: SegmentMap<Condition> = SegmentMap {
    segment: "DG1",
    resource: "Condition",
    rows: &[Row::kept(6), Row::kept(15)],
};

/// What tells one diagnosis from another: its own identifier, else code and text.
pub(crate) fn key(condition: &Condition) -> Vec<String> {
    let id = condition
        .identifier
        .first()
        .and_then(|id: &Identifier| id.value.as_ref());
    if let Some(id) = id {
        return vec![id.to_string()];
    }
    concept_key(condition.code.as_ref())
}

/// System, code and text of a concept's first coding.
pub(crate) fn concept_key(concept: Option<&fhir::CodeableConcept>) -> Vec<String> {
    let Some(concept) = concept else { return Vec::new() };
    let text = |text: &Option<Text>| text.as_deref().unwrap_or_default().to_owned();
    match concept.coding.first() {
        Some(coding) => vec![text(&coding.system), text(&coding.code), text(&coding.display)],
        None => vec![text(&concept.text)],
    }
}

#[cfg(test)]
mod tests {
    use fhir::{Condition, Encounter};

    use crate::testing::{PID, first, round_trip};

    #[test]
    fn a_diagnosis_hangs_on_the_visit() {
        let dg1 = "DG1|1||I21.9^Acute infarction^I10|Heart attack|20260302|A|||||||||1|C1^Consult^Clara|||20260303|D1^RYJ|D";
        let bundle = round_trip("A01", &[PID, "PV1|1|I"], dg1);
        let condition: &Condition = first(&bundle);
        assert_eq!(
            condition.code.as_ref().unwrap().text.as_deref(),
            Some("Heart attack")
        );
        assert!(condition.verification_status.is_some());
        let diagnosis = &first::<Encounter>(&bundle).diagnosis[0];
        assert_eq!(diagnosis.rank, Some(1));
        assert_eq!(
            diagnosis.use_.as_ref().unwrap().coding[0].code.as_deref(),
            Some("AD")
        );
    }

    #[test]
    fn without_a_visit_its_type_is_kept() {
        round_trip("A28", &[PID], "DG1|1||I21.9^Acute infarction^I10|||W");
    }

    #[test]
    fn the_older_coding_method_names_the_system() {
        let bundle = round_trip("A28", &[PID], "DG1|1|ZZ9|I21.9^Acute infarction^I10");
        let system = first::<Condition>(&bundle).code.as_ref().unwrap().coding[0]
            .system
            .clone();
        assert_eq!(system.as_deref(), Some("http://hl7.org/fhir/sid/icd-10"));
    }
}
