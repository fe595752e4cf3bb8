//! PRB to Condition and back: an entry of the problem list. The guide has no map for PRB.

use fhir::{Condition, Text};

use crate::datatype::concept;
use crate::keep;
use crate::ledger::Outcome;
use crate::row::SegmentMap;

type Row = crate::row::Row<Condition>;

/// Marks a condition that stood in PRB.
pub(crate) const PROBLEM: &str = "PRB";
const VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
const CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/condition-clinical";
const CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/condition-category";
/// FHIR's words for the life of a problem; v2 leaves them to the site.
const STATES: &[&str] = &[
    "active",
    "inactive",
    "recurrence",
    "relapse",
    "remission",
    "resolved",
];

/// PRB to Condition.
pub(crate) static PRB: SegmentMap<Condition> = SegmentMap {
    segment: "PRB",
    resource: "Condition",
    rows: &[
        Row::new(
            1,
            "verificationStatus",
            |field, problem, cx| {
                if cx.peek(field).is_some_and(|action| action == "DE") {
                    cx.take_as(field, "", Outcome::Transformed);
                    let wrong = concept::of_code(VERIFICATION, "entered-in-error", "Entered in Error");
                    problem.verification_status = Some(wrong);
                } else {
                    keep::read_field(field, problem, cx);
                }
            },
            |problem, field, back| {
                keep::write_field(problem, field, back);
                let status = problem.verification_status.as_ref();
                if status.is_some_and(|status| concept::says(status, VERIFICATION, "entered-in-error")) {
                    field.set("DE");
                }
            },
        )
        .note("table 0287: DE"),
        concept!(3, "code", code),
        number!(4, "identifier", identifier, ""),
        moment!(7, "recordedDate", recorded_date),
        moment!(9, "abatementDateTime", abatement_date_time),
        Row::new(
            14,
            "clinicalStatus",
            |field, problem, cx| {
                let words = cx.peek(field).map(|text| text.to_ascii_lowercase());
                match words.and_then(|words| STATES.iter().find(|state| **state == words)) {
                    Some(state) => {
                        let sent = concept::first(field, None, cx);
                        let mut status = concept::of_code(CLINICAL, state, "");
                        status
                            .coding
                            .extend(sent.into_iter().flat_map(|sent| sent.coding));
                        problem.clinical_status = Some(status);
                    }
                    None => keep::read_field(field, problem, cx),
                }
            },
            |problem, field, back| {
                keep::write_field(problem, field, back);
                let Some(mut status) = problem.clinical_status.clone().filter(|_| field.is_empty()) else {
                    return;
                };
                status
                    .coding
                    .retain(|coding| coding.system.as_deref() != Some(CLINICAL));
                concept::write(&status, None, field.nth(1), back);
            },
        )
        .note("when the site uses FHIR's words"),
        moment!(16, "onsetDateTime", onset_date_time),
        Row::new(
            17,
            "onsetString",
            |field, problem, cx| {
                if cx.sibling_valued(16) {
                    keep::read_field(field, problem, cx);
                } else {
                    problem.onset_string = cx.take(field, "");
                }
            },
            |problem, field, back| {
                keep::write_field(problem, field, back);
                field.nth(1).optional(1, problem.onset_string.as_ref());
            },
        )
        .note("when PRB-16 is not valued"),
        concept!(26, "severity", severity),
        Row::kept(2),
        Row::kept(5),
        Row::kept(6),
        Row::kept(8),
        Row::kept(10),
        Row::kept(11),
        Row::kept(12),
        Row::kept(13),
        Row::kept(15),
        Row::kept(18),
        Row::kept(19),
        Row::kept(20),
        Row::kept(21),
        Row::kept(22),
        Row::kept(23),
        Row::kept(24),
        Row::kept(25),
        Row::kept(27),
        Row::kept(28),
    ],
};

/// Fills what FHIR requires of an entry of the problem list.
pub(crate) fn complete(problem: &mut Condition) {
    problem.extension.push(keep::mark(PROBLEM));
    let list = concept::of_code(CATEGORY, "problem-list-item", "Problem List Item");
    problem.category.push(list);
    let wrong = problem.verification_status.is_some();
    if problem.clinical_status.is_none() && !wrong {
        let ended = problem.abatement_date_time.is_some();
        let state = if ended { "resolved" } else { "active" };
        problem.clinical_status = Some(concept::of_code(CLINICAL, state, ""));
    }
    if wrong {
        // R4 allows an end and a clinical status only of what was.
        problem.clinical_status = None;
    }
}

/// True for a Condition that is an entry of the problem list.
pub(crate) fn is_problem(condition: &Condition) -> bool {
    keep::is_marked(&condition.extension, PROBLEM)
}

/// What tells one problem from another.
pub(crate) fn key(problem: &Condition) -> Text {
    let number = problem.identifier.first().and_then(|one| one.value.clone());
    number.unwrap_or_else(|| Text::from(crate::segment::dg1::concept_key(problem.code.as_ref()).join("|")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PID, comes_back, first};

    #[test]
    fn a_problem_comes_back() {
        let prb = "PRB|AD|20260302|44054006^Diabetes^SCT|PR7^RYJ|||20200101||20260101|CH^Chronic^L||||resolved^Resolved^L||20191201|In winter|||||||||MO^Moderate^L";
        let bundle = comes_back("PC1", &[PID, prb, "NTE|1||Diet"], &["PRB", "NTE", "DG1"]);
        let problem: &Condition = first(&bundle);
        assert_eq!(
            problem.category[0].coding[0].code.as_deref(),
            Some("problem-list-item")
        );
        let status = problem.clinical_status.as_ref().unwrap();
        assert_eq!(status.coding[0].code.as_deref(), Some("resolved"));
        assert_eq!(problem.note.len(), 1);
    }

    #[test]
    fn a_problem_taken_back_was_an_error() {
        let bundle = comes_back(
            "PC3",
            &[
                PID,
                "PRB|DE|20260302|44054006^Diabetes^SCT|PR7^RYJ||||||||||odd|||Long ago",
            ],
            &["PRB"],
        );
        let problem: &Condition = first(&bundle);
        assert!(problem.clinical_status.is_none());
        assert_eq!(problem.onset_string.as_deref(), Some("Long ago"));
    }
}
