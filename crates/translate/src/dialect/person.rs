//! What several dialects say of a person in the NHS's codes rather than HL7's.

use hl7v2::edit::{Change, Edit, Spot};

use super::table::{CodeTable, map_from, map_to};
use super::{Confidence, DialectRule};

static SEX: CodeTable = CodeTable::new(include_str!("nhs_sex.csv"));
static MARITAL: CodeTable = CodeTable::new(include_str!("nhs_marital.csv"));

/// PID-8 by the NHS data dictionary (1, 2, 9, X, 0) to table 0001 and back.
pub const SEX_NHS: DialectRule = DialectRule {
    name: "PID-8 NHS code > table 0001",
    places: &["PID-8"],
    source: "NHS data dictionary, person stated gender",
    confidence: Confidence::Documented,
    why: "1, 2, 9 and X say the same as M, F, O and U.",
    normalise: |edit, _| {
        if let Some(pid) = edit.first("PID")
            && !matches!(&*edit.text(pid.field(8)), "M" | "F" | "U" | "O" | "A" | "N")
        {
            map_from(edit, pid.field(8).component(1), &SEX);
        }
    },
    render: |edit, _| {
        if let Some(pid) = edit.first("PID") {
            map_to(edit, pid.field(8).component(1), &SEX);
        }
    },
};

/// PID-16 by the NHS data dictionary to table 0002 and back.
pub const MARITAL_NHS: DialectRule = DialectRule {
    name: "PID-16 NHS code > table 0002",
    places: &["PID-16"],
    source: "NHS data dictionary, person marital status",
    confidence: Confidence::Documented,
    why: "P is separated and N not disclosed to the NHS; HL7 says A and U.",
    normalise: |edit, _| {
        if let Some(pid) = edit.first("PID") {
            map_from(edit, pid.field(16).component(1), &MARITAL);
        }
    },
    render: |edit, _| {
        if let Some(pid) = edit.first("PID") {
            map_to(edit, pid.field(16).component(1), &MARITAL);
        }
    },
};

/// States a type that a dialect takes for granted, when there is a value and no type.
pub fn default_type(edit: &mut Edit<'_>, repetition: Spot, component: u16, kind: &'static str) {
    let holds = (1..=edit.components(repetition)).any(|number| edit.is_valued(repetition.component(number)));
    if holds && !edit.is_present(repetition.component(component)) {
        edit.set(repetition.component(component), kind, Change::Defaulted);
    }
}

/// Leaves out a type that a dialect takes for granted.
pub fn undefault_type(edit: &mut Edit<'_>, repetition: Spot, component: u16, kind: &str) {
    if edit.text(repetition.component(component)) == kind {
        edit.drop(
            repetition.component(component),
            "this dialect takes the type for granted",
        );
    }
}
