//! QPD, RCP and QAK to Parameters and back: what was asked, how the answer should come, how it came.
//!
//! The guide has no map for queries. Each segment is one parameter, its fields are the parts.

use fhir::{Decimal, ParametersParameter, Text};
use hl7v2::Field;

use crate::back::{Back, FieldWriter};
use crate::context::Context;
use crate::datatype::{concept, quantity};
use crate::keep;
use crate::row::{SegmentMap, cells};

type Row = crate::row::Row<ParametersParameter>;

/// The parameter of QPD.
pub(crate) const QUERY: &str = "query";
/// The parameter of RCP.
pub(crate) const WANTED: &str = "response";
/// The parameter of QAK.
pub(crate) const ANSWER: &str = "answer";

/// A part of text.
macro_rules! part {
    ($field:literal, $element:literal, $name:literal) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| {
                if let Some(text) = cx.take(field, "") {
                    one.part.push(ParametersParameter {
                        name: Some(Text::const_new($name)),
                        value_string: Some(text),
                        ..ParametersParameter::default()
                    });
                }
                cells::keep_more(field, one, cx);
            },
            |one, field, back| {
                keep::write_field(one, field, back);
                let found = part(one, $name).and_then(|part| part.value_string.as_ref());
                field.nth(1).optional(1, found);
            },
        )
    };
}

/// A coded part.
macro_rules! coded_part {
    ($field:literal, $element:literal, $name:literal) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| {
                if let Some(found) = concept::first(field, None, cx) {
                    one.part.push(ParametersParameter {
                        name: Some(Text::const_new($name)),
                        value_codeable_concept: Some(Box::new(found)),
                        ..ParametersParameter::default()
                    });
                }
                cells::keep_rest(field, one, cx);
            },
            |one, field, back| {
                let found = part(one, $name).and_then(|part| part.value_codeable_concept.as_deref());
                cells::put_concept(found, None, one, field, back);
            },
        )
    };
}

/// QPD to Parameters.
pub(crate) static QPD: SegmentMap<ParametersParameter> = SegmentMap {
    segment: "QPD",
    resource: "Parameters",
    rows: &[
        coded_part!(1, "parameter(query).part(name)", "name"),
        part!(2, "parameter(query).part(tag)", "tag"),
        Row::new(3, "parameter(query).part", read_asked, write_asked)
            .note("`@PID.5.1^value` gives the part PID.5.1; anything else is kept"),
        Row::kept(4),
        Row::kept(5),
        Row::kept(6),
        Row::kept(7),
        Row::kept(8),
        Row::kept(9),
        Row::kept(10),
        Row::kept(11),
        Row::kept(12),
    ],
};

/// RCP to Parameters.
pub(crate) static RCP: SegmentMap<ParametersParameter> = SegmentMap {
    segment: "RCP",
    resource: "Parameters",
    rows: &[
        part!(1, "parameter(response).part(priority)", "priority"),
        Row::new(
            2,
            "parameter(response).part(limit)",
            |field, one, cx| match quantity::read_cq(field.repetition(1), cx) {
                Some(found) => one.part.push(ParametersParameter {
                    name: Some(Text::const_new("limit")),
                    value_quantity: Some(Box::new(found)),
                    ..ParametersParameter::default()
                }),
                None => keep::read_field(field, one, cx),
            },
            |one, field, back| {
                keep::write_field(one, field, back);
                let found = part(one, "limit").and_then(|part| part.value_quantity.as_deref());
                if let Some(found) = found {
                    quantity::write_cq(found, field.nth(1), back);
                }
            },
        ),
        coded_part!(3, "parameter(response).part(modality)", "modality"),
        Row::kept(4),
        Row::kept(5),
        Row::kept(6),
        Row::kept(7),
    ],
};

/// QAK to Parameters.
pub(crate) static QAK: SegmentMap<ParametersParameter> = SegmentMap {
    segment: "QAK",
    resource: "Parameters",
    rows: &[
        part!(1, "parameter(answer).part(tag)", "tag"),
        part!(2, "parameter(answer).part(status)", "status").note("table 0208"),
        coded_part!(3, "parameter(answer).part(name)", "name"),
        Row::new(4, "parameter(answer).part(found)", read_count, write_count),
        Row::new(5, "parameter(answer).part(sent)", read_count, write_count),
        Row::new(6, "parameter(answer).part(left)", read_count, write_count),
    ],
};

fn part<'p>(one: &'p ParametersParameter, name: &str) -> Option<&'p ParametersParameter> {
    one.part.iter().find(|part| part.name.as_deref() == Some(name))
}

/// QIP: a place and the value that is looked for there.
fn read_asked(field: Field<'_>, one: &mut ParametersParameter, cx: &mut Context<'_>) {
    let mut asked = Vec::new();
    for qip in field.repetitions() {
        let place = cx
            .peek(qip.component(1))
            .and_then(|text| text.strip_prefix('@').map(Text::from));
        let (Some(place), 2) = (place, qip.components().count()) else {
            keep::read_field(field, one, cx);
            return;
        };
        asked.push((place, qip));
    }
    for (place, qip) in asked {
        cx.take_as(qip.component(1), ".name", crate::ledger::Outcome::Transformed);
        if let Some(value) = cx.take(qip.component(2), ".valueString") {
            one.part.push(ParametersParameter {
                extension: vec![keep::mark("QPD-3")],
                name: Some(place),
                value_string: Some(value),
                ..ParametersParameter::default()
            });
        }
    }
}

fn write_asked(one: &ParametersParameter, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(one, field, back);
    for part in one
        .part
        .iter()
        .filter(|part| keep::is_marked(&part.extension, "QPD-3"))
    {
        let mut to = field.repetition();
        if let (Some(place), Some(value)) = (&part.name, &part.value_string) {
            to.component(1, &format!("@{place}"));
            to.component(2, value);
        }
    }
}

/// What QAK-4, QAK-5 and QAK-6 count.
fn counted(place: &str) -> &'static str {
    match place {
        "QAK-4" => "found",
        "QAK-5" => "sent",
        _ => "left",
    }
}

fn read_count(field: Field<'_>, one: &mut ParametersParameter, cx: &mut Context<'_>) {
    let name = counted(&format!("QAK-{}", cx.rule.field));
    let Some(count) = quantity::decimal(field, cx, "") else {
        keep::read_field(field, one, cx);
        return;
    };
    one.part.push(ParametersParameter {
        name: Some(Text::const_new(name)),
        value_decimal: Some(count),
        ..ParametersParameter::default()
    });
}

fn write_count(one: &ParametersParameter, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(one, field, back);
    let found = part(one, counted(&field.place())).and_then(|part| part.value_decimal.as_ref());
    if let Some(count) = found.map(Decimal::as_str) {
        field.set(count);
    }
}

#[cfg(test)]
mod tests {
    use fhir::Parameters;

    use crate::testing::{comes_back, first};

    #[test]
    fn a_question_and_its_answer_come_back() {
        let qpd = "QPD|Q22^Find Candidates^HL70471|TAG1|@PID.5.1^EXAMPLE~@PID.7^19700102|odd&1";
        let rcp = "RCP|I|20^RD|R^Real time^HL70394";
        let bundle = comes_back("Q22", &[qpd, rcp], &["QPD", "RCP"]);
        let asked = &first::<Parameters>(&bundle).parameter[0];
        assert_eq!(asked.part[2].name.as_deref(), Some("PID.5.1"));
        let qak = "QAK|TAG1|OK|Q22^Find Candidates^HL70471|3|1|many";
        let bundle = comes_back("K22", &["MSA|AA|1", qak, qpd], &["QAK", "QPD", "MSA"]);
        assert_eq!(first::<Parameters>(&bundle).parameter.len(), 2);
    }

    #[test]
    fn a_question_by_number_is_kept() {
        comes_back(
            "Q23",
            &["QPD|Q23^Get^HL70471|TAG1|70000123^^^RYJ^MR|^^^NHS"],
            &["QPD"],
        );
    }
}
