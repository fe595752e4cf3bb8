//! PR1 to Procedure and back. Guide: "Segment PR1 to Procedure".

use fhir::{Procedure, ProcedurePerformer, Text};

use crate::back::{Back, FieldWriter};
use crate::context::Context;
use crate::datatype::{concept, identifier, location, person, time};
use crate::keep;
use crate::row::SegmentMap;
use crate::vocabulary::system;

type Row = crate::row::Row<Procedure>;

const SNOMED: &str = "http://snomed.info/sct";
const ANAESTHETIST: (&str, &str) = ("88189002", "Anaesthetist");
const SURGEON: (&str, &str) = ("304292004", "Surgeon");

/// PR1 to Procedure.
pub(crate) static PR1: SegmentMap<Procedure> = SegmentMap {
    segment: "PR1",
    resource: "Procedure",
    rows: &[
        Row::ignored(1, "a set id; the order of entries says it"),
        Row::new(
            3,
            "code",
            |field, procedure, cx| {
                procedure.code = concept::first(field, None, cx);
                // Before v2.4 the coding method stood in PR1-2.
                let method = cx
                    .sibling(2)
                    .and_then(|method| cx.peek(method))
                    .map(|method| system::to_uri(&cx.vocabulary.coding_system, &method));
                let coding = procedure.code.as_mut().and_then(|code| code.coding.first_mut());
                if let Some(coding) = coding.filter(|coding| coding.system.is_none() && coding.code.is_some())
                {
                    coding.system = method;
                }
            },
            |procedure, field, back| {
                let mut code = procedure.code.clone().unwrap_or_default();
                // A text of its own field goes back there.
                if keep::is_marked(&code.extension, "PR1-4") {
                    code.text = None;
                }
                concept::put(Some(&code), None, field, back);
            },
        ),
        Row::new(
            2,
            "code.coding.system",
            |field, procedure, cx| {
                let name = cx
                    .peek(field)
                    .map(|name| system::to_uri(&cx.vocabulary.coding_system, &name));
                let used = procedure
                    .code
                    .as_ref()
                    .and_then(|code| code.coding.first()?.system.clone());
                if name.is_some() && name == used {
                    cx.take_as(field, "", crate::ledger::Outcome::Transformed);
                } else {
                    keep::read_field(field, procedure, cx);
                }
            },
            keep::write_field,
        )
        .note("when PR1-3.3 does not say it; writes back to PR1-3.3"),
        Row::new(
            4,
            "code.text",
            |field, procedure, cx| {
                let Some(text) = cx.take(field, "") else { return };
                let code = procedure.code.get_or_insert_default();
                if code.text.is_none() || code.text.as_ref() == Some(&text) {
                    code.text = Some(text);
                    code.extension.push(keep::mark("PR1-4"));
                } else {
                    keep::read_field(field, procedure, cx);
                }
            },
            |procedure, field, back| {
                keep::write_field(procedure, field, back);
                let code = procedure
                    .code
                    .as_ref()
                    .filter(|code| keep::is_marked(&code.extension, "PR1-4"));
                if let Some(text) = code.and_then(|code| code.text.as_ref()) {
                    field.set(text.clone());
                }
            },
        ),
        Row::new(
            5,
            "performedDateTime",
            |field, procedure, cx| procedure.performed_date_time = time::date_time(field, cx, ""),
            |procedure, field, back| {
                let start = procedure
                    .performed_period
                    .as_ref()
                    .and_then(|period| period.start.as_deref());
                time::put(procedure.performed_date_time.as_deref().or(start), field, back);
            },
        ),
        Row::new(
            6,
            "category",
            |field, procedure, cx| procedure.category = concept::first(field, None, cx),
            |procedure, field, back| concept::put(procedure.category.as_ref(), None, field, back),
        ),
        Row::new(
            8,
            "performer",
            |field, procedure, cx| read_performers(field, Some(ANAESTHETIST), procedure, cx),
            |procedure, field, back| write_performers(procedure, Some(ANAESTHETIST.0), field, back),
        )
        .note("anaesthetist"),
        Row::new(
            11,
            "performer",
            |field, procedure, cx| read_performers(field, Some(SURGEON), procedure, cx),
            |procedure, field, back| write_performers(procedure, Some(SURGEON.0), field, back),
        )
        .note("surgeon"),
        Row::new(
            12,
            "performer",
            |field, procedure, cx| read_performers(field, None, procedure, cx),
            |procedure, field, back| write_performers(procedure, None, field, back),
        ),
        Row::new(
            15,
            "reasonCode",
            |field, procedure, cx| concept::all(field, None, &mut procedure.reason_code, cx),
            |procedure, field, back| concept::put(procedure.reason_code.first(), None, field, back),
        ),
        Row::new(
            19,
            "identifier",
            |field, procedure, cx| {
                procedure
                    .identifier
                    .extend(identifier::read_ei(field.repetition(1), cx))
            },
            |procedure, field, back| {
                if let Some(one) = procedure.identifier.first() {
                    identifier::write_ei(one, field.repetition(), back);
                }
            },
        ),
        Row::new(
            23,
            "location",
            |field, procedure, cx| procedure.location = location::read(field.repetition(1), cx),
            |procedure, field, back| {
                if let Some(place) = &procedure.location {
                    location::write(place, field.repetition(), back);
                }
            },
        ),
        Row::kept(7),
        Row::kept(9),
        Row::kept(10),
        Row::kept(13),
        Row::kept(14),
        Row::kept(16),
        Row::kept(17),
        Row::kept(18),
        Row::kept(20),
        Row::kept(21),
        Row::kept(22),
        Row::kept(24),
        Row::kept(25),
    ],
};

fn read_performers(
    field: hl7v2::Field<'_>,
    function: Option<(&'static str, &'static str)>,
    procedure: &mut Procedure,
    cx: &mut Context<'_>,
) {
    cx.at(procedure.performer.len());
    for actor in person::read_all(field, cx) {
        procedure.performer.push(ProcedurePerformer {
            function: function.map(|(code, display)| concept::of_code(SNOMED, code, display)),
            actor: Some(actor),
            ..ProcedurePerformer::default()
        });
    }
}

fn write_performers(procedure: &Procedure, code: Option<&str>, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    for performer in &procedure.performer {
        let function = performer.function.as_ref();
        let says = |code: &str| function.is_some_and(|function| concept::says(function, SNOMED, code));
        let wanted = match code {
            Some(code) => says(code),
            None => !says(ANAESTHETIST.0) && !says(SURGEON.0),
        };
        if let Some(actor) = performer.actor.as_ref().filter(|_| wanted) {
            person::write_all(actor, field, back);
        }
    }
}

/// Fills what FHIR requires: a message does not say how far a procedure is.
pub(crate) fn complete(procedure: &mut Procedure) {
    if procedure.status.is_none() {
        procedure.status = Some(Text::const_new("unknown"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PID, first, round_trip};

    #[test]
    fn a_procedure_and_its_people_come_back() {
        let pr1 = "PR1|1||W37.1^Hip replacement^OPCS4|Left hip|20260302101500|D||A1^Sleep^Sam|||S1^Cut^Sue|P1^Other^Olga|||M16^Arthrosis^I10||||X1^RYJ";
        let bundle = round_trip("A01", &[PID, "PV1|1|I"], pr1);
        let procedure: &Procedure = first(&bundle);
        assert_eq!(
            procedure.status.as_deref(),
            Some("unknown"),
            "a message does not say how far it is"
        );
        assert_eq!(procedure.performer.len(), 3);
        assert!(procedure.encounter.is_some());
    }
}
