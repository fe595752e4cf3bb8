//! The visit.

use hl7v2::SegmentId;
use hl7v2::edit::{Change, Edit, Spot};
use translate::dialect::{
    CLINICIAN_FIELDS, CodeTable, Confidence, DialectRule, Fields, drop_repeated_class, drop_repeated_visit,
    each_repetition, exchange_discharge, map_from, map_to, national_code_first, registers_by_shape,
    repeat_class, repeat_visit, stay_number_canonical, stay_number_rendered, visit_number_canonical,
    visit_number_rendered,
};

use super::{EMAP, OURS, TRUST};

static SPECIALTIES: CodeTable = CodeTable::new(include_str!("../specialties.csv"));

pub(super) const CSN: DialectRule = DialectRule {
    name: "PV1-19 CSN > <ODS>^VN; PID-18, PV1-50 = PV1-19",
    places: &["PV1-19", "PID-18", "PV1-50"],
    source: EMAP,
    confidence: Confidence::Documented,
    why: "The contact serial number stands in three places, without an authority.",
    normalise: |edit, context| {
        drop_repeated_visit(edit, ("PID", 18));
        drop_repeated_visit(edit, ("PV1", 50));
        visit_number_canonical(edit, &[("", "")], context.setting(&TRUST).to_owned());
        stay_number_canonical(edit, context.setting(&TRUST).to_owned());
    },
    render: |edit, _| {
        stay_number_rendered(edit);
        visit_number_rendered(edit, ("", ""));
        repeat_visit(edit, ("PID", 18));
        repeat_visit(edit, ("PV1", 50));
    },
};

pub(super) const CLASS_AGAIN: DialectRule = DialectRule {
    name: "PV1-18 repeats PV1-2",
    places: &["PV1-18", "PV1-2"],
    source: OURS,
    confidence: Confidence::Assumed,
    why: "The patient class is shown in both.",
    normalise: |edit, _| drop_repeated_class(edit),
    render: |edit, _| repeat_class(edit),
};

pub(super) const PLACE: DialectRule = DialectRule {
    name: "PV1-3.4 U, .5 R, .11 department id > PV1-3.10",
    places: &["PV1-3", "PV1-6", "PV1-42"],
    source: EMAP,
    confidence: Confidence::Inferred,
    why: "Two letters of unknown meaning stand where facility and status belong; the department's id has PL.10.",
    normalise: |edit, _| {
        each_place(edit, |edit, at| {
            if edit.text(at.component(4)) == "U" && edit.text(at.component(5)) == "R" {
                for component in [4, 5] {
                    edit.drop(
                        at.component(component),
                        "a letter that is always the same; its meaning is not known",
                    );
                }
            }
            if !edit.is_present(at.component(10)) {
                edit.move_to(at.component(11), at.component(10));
            }
        });
    },
    render: |edit, _| {
        each_place(edit, |edit, at| {
            if !edit.is_present(at.component(4)) && !edit.is_present(at.component(5)) {
                edit.set(at.component(4), "U", Change::Defaulted);
                edit.set(at.component(5), "R", Change::Defaulted);
            }
            if !edit.is_present(at.component(11)) {
                edit.move_to(at.component(10), at.component(11));
            }
        });
    },
};

fn each_place(edit: &mut Edit<'_>, visit: impl Fn(&mut Edit<'_>, Spot)) {
    let Some(pv1) = edit.first("PV1") else { return };
    for number in [3, 6, 42] {
        let at = pv1.field(number).repetition(1);
        if edit.is_valued(at.component(1)) {
            visit(edit, at);
        }
    }
}

pub(super) const SPECIALTY: DialectRule = DialectRule {
    name: "PV1-10 text > treatment function",
    places: &["PV1-10"],
    source: "our own table of specialties, shapes from EMAP",
    confidence: Confidence::Assumed,
    why: "Specialties come as text.",
    normalise: |edit, _| {
        if let Some(pv1) = edit.first("PV1") {
            map_from(edit, pv1.field(10).component(1), &SPECIALTIES);
        }
    },
    render: |edit, _| {
        if let Some(pv1) = edit.first("PV1") {
            map_to(edit, pv1.field(10).component(1), &SPECIALTIES);
        }
    },
};

/// Fields that name general practitioners.
const GP_FIELDS: Fields<'static> = &[(SegmentId::of("PD1"), &[4]), (SegmentId::of("PV2"), &[13])];

pub(super) const CLINICIANS: DialectRule = DialectRule {
    name: "XCN.9 CDS > GMC",
    places: &["PV1-7", "PV1-8", "PV1-9", "PV1-17", "PV2-13", "OBR-16"],
    source: EMAP,
    confidence: Confidence::Documented,
    why: "One clinician under several id types; CDS is the General Medical Council's number, which comes first.",
    normalise: |edit, _| {
        each_repetition(edit, CLINICIAN_FIELDS, |edit, at| {
            if edit.text(at.component(9)) == "CDS" {
                edit.set(at.component(9), "GMC", Change::Transformed);
                if edit.text(at.component(13)) == "CDS" {
                    edit.drop(at.component(13), "follows from the register");
                }
            }
        });
        registers_by_shape(edit);
        national_code_first(edit);
    },
    render: |edit, _| {
        each_repetition(edit, GP_FIELDS, |edit, at| {
            if edit.text(at.component(9)) == "GMP" {
                edit.drop(at.component(9), "the code's shape says it in this dialect");
            }
        });
        each_repetition(edit, CLINICIAN_FIELDS, |edit, at| {
            if edit.text(at.component(9)) == "GMC" {
                edit.set(at.component(9), "CDS", Change::Transformed);
                if !edit.is_present(at.component(13)) {
                    edit.set(at.component(13), "CDS", Change::Defaulted);
                }
            }
        });
    },
};

pub(super) const DISCHARGE: DialectRule = DialectRule {
    name: "PV1-36 method, PV1-37 destination > exchanged",
    places: &["PV1-36", "PV1-37"],
    source: OURS,
    confidence: Confidence::Assumed,
    why: "NHS senders have the destination in PV1-36 and the method in PV1-37; here they stand the other way round.",
    normalise: |edit, _| exchange_discharge(edit, (1, 2)),
    render: |edit, _| exchange_discharge(edit, (2, 1)),
};
