//! GOL to Goal and back. The guide has no map for GOL.

use fhir::{Goal, GoalTarget, Text};

use crate::datatype::time;
use crate::keep;
use crate::ledger::Outcome;
use crate::row::SegmentMap;

type Row = crate::row::Row<Goal>;

/// FHIR's words for the life of a goal; v2 leaves them to the site.
const STATES: &[&str] = &[
    "accepted",
    "active",
    "cancelled",
    "completed",
    "entered-in-error",
    "on-hold",
    "planned",
    "proposed",
    "rejected",
];
/// Marks a state that is the default.
const UNSAID: &str = "GOL-18 not valued";

/// GOL to Goal.
pub(crate) static GOL: SegmentMap<Goal> = SegmentMap {
    segment: "GOL",
    resource: "Goal",
    rows: &[
        Row::new(
            1,
            "lifecycleStatus",
            |field, goal, cx| {
                if cx.peek(field).is_some_and(|action| action == "DE") {
                    cx.take_as(field, "", Outcome::Transformed);
                    goal.lifecycle_status = Some(Text::const_new("entered-in-error"));
                } else {
                    keep::read_field(field, goal, cx);
                }
            },
            |goal, field, back| {
                keep::write_field(goal, field, back);
                if goal.lifecycle_status.as_deref() == Some("entered-in-error") {
                    field.set("DE");
                }
            },
        )
        .note("table 0287: DE"),
        concept!(3, "description", description),
        number!(4, "identifier", identifier, ""),
        Row::new(
            7,
            "startDate",
            |field, goal, cx| goal.start_date = time::date(field, cx, ""),
            |goal, field, back| time::put(goal.start_date.as_deref(), field, back),
        ),
        Row::new(
            8,
            "target.dueDate",
            |field, goal, cx| {
                if let Some(due) = time::date(field, cx, "") {
                    goal.target.push(GoalTarget {
                        due_date: Some(due),
                        ..GoalTarget::default()
                    });
                }
            },
            |goal, field, back| {
                let due = goal.target.first().and_then(|target| target.due_date.as_deref());
                time::put(due, field, back);
            },
        ),
        concepts!(9, "category", category),
        concept!(16, "achievementStatus", achievement_status),
        Row::new(
            18,
            "lifecycleStatus",
            |field, goal, cx| {
                let words = cx.peek(field).map(|text| text.to_ascii_lowercase());
                let state = words.and_then(|words| STATES.iter().find(|state| **state == words));
                match state.filter(|_| goal.lifecycle_status.is_none()) {
                    Some(state) => {
                        cx.take(field, "");
                        goal.lifecycle_status = Some(Text::const_new(state));
                        let more = field.repetition(1).components().count() > 1;
                        if more || cx.peek(field).is_some_and(|sent| sent != *state) {
                            keep::read_field(field, goal, cx);
                        }
                    }
                    None => keep::read_field(field, goal, cx),
                }
            },
            |goal, field, back| {
                keep::write_field(goal, field, back);
                let said = !keep::is_marked(&goal.extension, UNSAID);
                let state = goal
                    .lifecycle_status
                    .as_ref()
                    .filter(|state| *state != "entered-in-error");
                if let Some(state) = state.filter(|_| said) {
                    field.set(state.clone());
                }
            },
        )
        .note("when the site uses FHIR's words"),
        Row::new(
            19,
            "statusDate",
            |field, goal, cx| goal.status_date = time::date(field, cx, ""),
            |goal, field, back| time::put(goal.status_date.as_deref(), field, back),
        ),
        Row::kept(2),
        Row::kept(5),
        Row::kept(6),
        Row::kept(10),
        Row::kept(11),
        Row::kept(12),
        Row::kept(13),
        Row::kept(14),
        Row::kept(15),
        Row::kept(17),
        Row::kept(20),
        Row::kept(21),
        Row::kept(22),
    ],
};

/// Fills what FHIR requires.
pub(crate) fn complete(goal: &mut Goal) {
    if goal.lifecycle_status.is_none() {
        goal.lifecycle_status = Some(Text::const_new("active"));
        goal.extension.push(keep::mark(UNSAID));
    }
    if goal.description.is_none() {
        goal.description = Some(crate::segment::al1::absent());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PID, comes_back, first};

    #[test]
    fn a_goal_aims_at_its_problem() {
        let prb = "PRB|AD|20260302|44054006^Diabetes^SCT|PR7^RYJ";
        let gol = "GOL|AD|20260302|G1^Lower glucose^L|GO7^RYJ|||20260302|20260901|PH^Physical^L|||||||IM^Improving^L||on-hold|20260401";
        let bundle = comes_back("PC1", &[PID, prb, gol, "NTE|1||Weekly"], &["PRB", "GOL", "NTE"]);
        let goal: &Goal = first(&bundle);
        assert_eq!(goal.lifecycle_status.as_deref(), Some("on-hold"));
        assert_eq!(goal.addresses.len(), 1);
        assert_eq!(goal.target[0].due_date.as_deref(), Some("2026-09-01"));
    }

    #[test]
    fn a_state_that_nobody_sent_is_not_written() {
        comes_back(
            "PC6",
            &[PID, "GOL|DE|20260302|G1^Lower glucose^L|GO7^RYJ||||||||||||||odd"],
            &["GOL"],
        );
        comes_back("PC6", &[PID, "GOL|UP|20260302||GO7^RYJ"], &["GOL"]);
    }
}
