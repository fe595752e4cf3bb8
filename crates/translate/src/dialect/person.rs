//! What several dialects say of a person in the NHS's codes rather than HL7's.

use hl7v2::edit::{Change, Edit, Spot};

use super::table::{CodeTable, map_from, map_to};
use super::{Confidence, DialectRule, REPETITIONS_MAX};

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
            let at = pid.field(16).component(1);
            let undisclosed = edit.says(at, "N");
            map_from(edit, at, &MARITAL);
            if undisclosed {
                let note = "not disclosed; HL7 can only say unknown";
                edit.remark(at, Change::Transformed, note);
            }
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

/// Telephones and addresses that a dialect tells apart by their order: home, mobile, e-mail.
pub fn telecoms_by_order(edit: &mut Edit<'_>, field: Spot) {
    for (number, (used_as, equipment)) in (1..).zip([("PRN", "PH"), ("PRS", "CP"), ("NET", "Internet")]) {
        let at = field.repetition(number);
        if !edit.is_valued(at.component(1)) || edit.components(at) > 1 {
            continue;
        }
        let is_address = edit.text(at).contains('@');
        let (used_as, equipment) = if is_address {
            ("NET", "Internet")
        } else {
            (used_as, equipment)
        };
        if is_address {
            edit.move_to(at.component(1), at.component(4));
        } else if number == 3 {
            continue;
        }
        edit.set(at.component(2), used_as, Change::Defaulted);
        edit.set(at.component(3), equipment, Change::Defaulted);
    }
    edit.close_gaps(field);
}

/// Orders telephones and addresses as home, mobile, e-mail, and leaves out what the order says.
///
/// A second one of a kind stays typed, behind the three.
pub fn telecoms_to_order(edit: &mut Edit<'_>, field: Spot) {
    const BY_ORDER: &str = "the order says it in this dialect";
    let mut places: [Option<u16>; 3] = [None; 3];
    let count = edit.repetitions(field);
    if count > REPETITIONS_MAX {
        return;
    }
    for number in 1..=count {
        let at = field.repetition(number);
        let kind = match (&*edit.text(at.component(2)), &*edit.text(at.component(3))) {
            ("PRN", "PH" | "") => 0,
            ("PRS" | "ORN" | "PRN", "CP") => 1,
            ("NET", _) => 2,
            _ => continue,
        };
        places[kind].get_or_insert(number);
    }
    if places == [None; 3] {
        return;
    }
    for (kind, place) in places.iter().enumerate() {
        let Some(number) = place else { continue };
        let at = field.repetition(*number);
        if kind == 2 && !edit.is_valued(at.component(1)) {
            edit.move_to(at.component(4), at.component(1));
        }
        edit.drop(at.component(2), BY_ORDER);
        edit.drop(at.component(3), BY_ORDER);
    }
    // Behind the third place first, then each to its own: nothing is moved onto another.
    let spare = count + 4;
    for number in 1..=count {
        let kind = places.iter().position(|place| *place == Some(number));
        let to = kind.map_or(spare + 3 + number, |kind| spare + kind as u16);
        edit.move_to(field.repetition(number), field.repetition(to));
    }
    for kind in 0..3 {
        edit.move_to(field.repetition(spare + kind), field.repetition(kind + 1));
    }
    let mut next = 4;
    for number in 1..=count {
        if edit.move_to(field.repetition(spare + 3 + number), field.repetition(next)) {
            next += 1;
        }
    }
}

/// Takes a practice that a dialect lists among the clinicians of PD1-4 (name in component 2, code in component 14)
/// to PD1-3 (name, code in component 3).
pub fn practice_canonical(edit: &mut Edit<'_>, repetition: u16, place: u16) {
    let Some(pd1) = edit.first("PD1") else { return };
    let (from, to) = (
        pd1.field(4).repetition(repetition),
        pd1.field(3).repetition(place),
    );
    let is_practice = !edit.is_present(from.component(1)) && edit.is_valued(from.component(14));
    if is_practice && !edit.is_present(to) {
        edit.move_to(from.component(2), to.component(1));
        edit.move_to(from.component(14), to.component(3));
    }
}

/// The way back of [`practice_canonical`].
pub fn practice_rendered(edit: &mut Edit<'_>, place: u16, repetition: u16) {
    let Some(pd1) = edit.first("PD1") else { return };
    let (from, to) = (
        pd1.field(3).repetition(place),
        pd1.field(4).repetition(repetition),
    );
    if edit.is_valued(from.component(3)) && !edit.is_present(to) {
        edit.move_to(from.component(1), to.component(2));
        edit.move_to(from.component(3), to.component(14));
    }
}
