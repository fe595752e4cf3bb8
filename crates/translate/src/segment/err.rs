//! ERR to an issue of an OperationOutcome, to which the MessageHeader's response points, and back.
//! The guide has no map for ERR.

use fhir::{OperationOutcomeIssue, Text};
use hl7v2::{Field, Location};

use crate::back::{Back, FieldWriter};
use crate::context::{Coded, Context};
use crate::datatype::{code, concept};
use crate::keep;
use crate::ledger::Outcome;
use crate::row::{SegmentMap, cells};

type Row = crate::row::Row<OperationOutcomeIssue>;

/// Marks an issue that stood in ERR.
pub(crate) const ISSUE: &str = "ERR";
/// Marks what is a default.
const UNSAID: &str = "ERR-4 not valued";
const UNCODED: &str = "ERR-3 not valued";

/// ERR to OperationOutcome.issue.
pub(crate) static ERR: SegmentMap<OperationOutcomeIssue> = SegmentMap {
    segment: "ERR",
    resource: "OperationOutcome.issue",
    rows: &[
        Row::new(2, "location", read_places, write_places),
        Row::new(3, "details", read_condition, write_condition).note("table 0357; also code"),
        code!(4, "severity", issue_severity, severity, severity_element).note("table 0516"),
        text!(7, "diagnostics", diagnostics),
        Row::new(
            8,
            "details.text",
            |field, issue, cx| {
                let free = issue
                    .details
                    .as_ref()
                    .is_none_or(|details| details.text.is_none());
                if !free {
                    keep::read_field(field, issue, cx);
                    return;
                }
                if let Some(text) = cx.take(field, "") {
                    let details = issue.details.get_or_insert_default();
                    details.text = Some(text);
                    details.extension.push(keep::mark("ERR-8"));
                }
                cells::keep_more(field, issue, cx);
            },
            |issue, field, back| {
                keep::write_field(issue, field, back);
                let details = issue.details.as_ref();
                let own =
                    details.filter(|one| keep::is_marked(&one.extension, "ERR-8") || one.coding.is_empty());
                field.nth(1).optional(1, own.and_then(|one| one.text.as_ref()));
            },
        ),
        Row::kept(1),
        Row::kept(5),
        Row::kept(6),
        Row::kept(9),
        Row::kept(10),
        Row::kept(11),
        Row::kept(12),
    ],
};

/// ERL names a place by its numbers; FHIR wants it in one string.
fn read_places(field: Field<'_>, issue: &mut OperationOutcomeIssue, cx: &mut Context<'_>) {
    for erl in field.repetitions() {
        let part = |n: usize| cx.peek(erl.component(n)).map(|text| Text::from(text.as_ref()));
        let number = |n: usize| part(n).map_or(Some(0), |text| text.parse::<u16>().ok());
        let id = part(1).and_then(|id| hl7v2::SegmentId::new(&id));
        let numbers = [2, 3, 4, 5, 6].map(number);
        let (
            Some(segment),
            [
                Some(occurrence),
                Some(at),
                Some(repetition),
                Some(component),
                Some(sub),
            ],
        ) = (id, numbers)
        else {
            keep::read_field(field, issue, cx);
            issue.location.clear();
            return;
        };
        let place = Location {
            segment,
            occurrence,
            field: at,
            repetition,
            component,
            subcomponent: sub,
        };
        cx.record_repetition(erl, Outcome::Transformed, "", "");
        issue.location.push(Text::from(place.to_string()));
    }
    // What the string does not say is kept beside it.
    let again = issue.location.iter().all(|text| text.parse::<Location>().is_ok());
    let exact = field.repetitions().count() == 1
        && field.repetition(1).components().count() <= 3
        && cx
            .peek(field.repetition(1).component(2))
            .is_some_and(|n| n.as_ref() == "1");
    if !again || !exact {
        keep::read_field(field, issue, cx);
    }
}

fn write_places(issue: &OperationOutcomeIssue, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(issue, field, back);
    if !field.is_empty() {
        return;
    }
    for text in &issue.location {
        let Ok(place) = text.parse::<Location>() else {
            continue;
        };
        let numbers = [
            (2, place.occurrence),
            (3, place.field),
            (4, place.repetition),
            (5, place.component),
            (6, place.subcomponent),
        ];
        let mut to = field.repetition();
        to.component(1, place.segment.as_str());
        for (n, number) in numbers.into_iter().filter(|(_, number)| *number > 0) {
            to.component(n, &number.to_string());
        }
    }
}

fn read_condition(field: Field<'_>, issue: &mut OperationOutcomeIssue, cx: &mut Context<'_>) {
    let table = &cx.vocabulary.issue_type;
    if let Coded::Known(found) = cx.look_up(field.repetition(1).component(1), table, "") {
        issue.code = Some(Text::const_new(found.fhir));
    }
    issue.details = concept::first(field, None, cx);
    cells::keep_rest(field, issue, cx);
}

fn write_condition(issue: &OperationOutcomeIssue, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let Some(mut details) = issue.details.clone() else {
        // An issue of others: the nearest of HL7's conditions.
        let code = code::write(issue.code.as_ref(), &None, &back.vocabulary.issue_type);
        field.repetition().optional(1, code.as_ref());
        return;
    };
    if keep::is_marked(&details.extension, "ERR-8") {
        details.text = None;
        details
            .extension
            .retain(|e| e.url.as_deref() != Some(keep::PLACE));
    }
    concept::write(&details, None, field.nth(1), back);
    cells::write_rest(issue, field);
}

/// Fills what FHIR requires.
pub(crate) fn complete(issue: &mut OperationOutcomeIssue) {
    issue.extension.push(keep::mark(ISSUE));
    if issue.severity.is_none() {
        issue.severity = Some(Text::const_new("error"));
        issue.extension.push(keep::mark(UNSAID));
    }
    if issue.code.is_none() {
        issue.code = Some(Text::const_new("processing"));
        issue.extension.push(keep::mark(UNCODED));
    }
}

/// The issue as it was sent: without what was filled in.
pub(crate) fn as_sent(issue: &OperationOutcomeIssue) -> OperationOutcomeIssue {
    let mut own = issue.clone();
    if keep::is_marked(&own.extension, UNSAID) && own.severity_element.is_none() {
        own.severity = None;
    }
    if keep::is_marked(&own.extension, UNCODED) {
        own.code = None;
    }
    own
}

#[cfg(test)]
mod tests {
    use fhir::{MessageHeader, OperationOutcome};

    use crate::testing::{comes_back, first};

    #[test]
    fn an_error_is_an_issue_of_the_answer() {
        let msa = "MSA|AE|MSG1";
        let err = "ERR||PID^1^3^2^4|101^Required field missing^HL70357|E|||Ward unknown|Please mend";
        let bundle = comes_back("A01", &[msa, err, "ERR||PV1^^3|999^Odd^L|X"], &["MSA", "ERR"]);
        let outcome: &OperationOutcome = first(&bundle);
        assert_eq!(outcome.issue[0].code.as_deref(), Some("required"));
        assert_eq!(outcome.issue[0].location[0], "PID-3[2].4");
        assert_eq!(outcome.issue[1].code.as_deref(), Some("processing"));
        let header: &MessageHeader = first(&bundle);
        assert!(header.response.as_ref().unwrap().details.is_some());
    }

    #[test]
    fn an_older_error_is_kept() {
        comes_back(
            "A01",
            &["MSA|AR|MSG1", "ERR|PID^1^3^101&Required&HL70357"],
            &["MSA", "ERR"],
        );
    }
}
