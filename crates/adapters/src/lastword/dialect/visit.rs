//! The visit, in both profiles.

use hl7v2::SegmentId;
use hl7v2::edit::{Edit, Spot};
use translate::dialect::{
    CodeTable, Confidence, DialectRule, Lookup, REPETITIONS_MAX, drop_repeated_visit, map_from,
    map_from_beside, map_to, map_to_beside, move_when_free, national_code_first, registers_by_shape,
    registers_unsaid, repeat_visit, stay_number_canonical, stay_number_rendered, visit_number_canonical,
    visit_number_rendered,
};

use super::person::pd1;
use super::{OURS, SOURCE, TRUST_CW, TRUST_UCLH, WITNESS, remove_if_empty, segment_at_end};

static WARDS: CodeTable = CodeTable::new(include_str!("../wards.csv"));
static SPECIALTIES: CodeTable = CodeTable::new(include_str!("../specialties.csv"));
static SOURCES_TABLE: CodeTable = CodeTable::new(include_str!("../sources.csv"));

pub(super) const VISIT_NUMBER_UCLH: DialectRule = DialectRule {
    name: "PV1-19 bare > <ODS>^VN; PID-18 = PV1-19",
    places: &["PV1-19", "PID-18"],
    source: WITNESS,
    confidence: Confidence::Inferred,
    why: "The visit number comes without its authority, and PID-18 says it again.",
    normalise: |edit, context| visit_canonical(edit, context.setting(&TRUST_UCLH)),
    render: |edit, _| visit_rendered(edit),
};

pub(super) const VISIT_NUMBER_CW: DialectRule = DialectRule {
    source: OURS,
    confidence: Confidence::Assumed,
    normalise: |edit, context| visit_canonical(edit, context.setting(&TRUST_CW)),
    ..VISIT_NUMBER_UCLH
};

fn visit_canonical(edit: &mut Edit<'_>, trust: &str) {
    drop_repeated_visit(edit, ("PID", 18));
    visit_number_canonical(edit, &[("", "")], trust.to_owned());
    stay_number_canonical(edit, trust.to_owned());
}

fn visit_rendered(edit: &mut Edit<'_>) {
    stay_number_rendered(edit);
    visit_number_rendered(edit, ("", ""));
    repeat_visit(edit, ("PID", 18));
}

pub(super) const ADMISSION: DialectRule = DialectRule {
    name: "PV1-4 priority~method > PV2-25, PV1-4",
    places: &["PV1-4", "PV2-25"],
    source: WITNESS,
    confidence: Confidence::Documented,
    why: "Two meanings by order; the standard has PV2-25 for the priority.",
    normalise: |edit, _| {
        let Some(pv1) = edit.first("PV1") else { return };
        let field = pv1.field(4);
        if edit.repetitions(field) != 2 {
            return;
        }
        if edit.is_present(field.repetition(1)) {
            let pv2 = pv2_after(edit, pv1);
            if edit.is_present(pv2.field(25)) {
                return;
            }
            edit.move_to(field.repetition(1), pv2.field(25).repetition(1));
        }
        edit.move_to(field.repetition(2), field.repetition(1));
    },
    render: |edit, _| {
        let (Some(pv1), Some(pv2)) = (edit.first("PV1"), edit.first("PV2")) else {
            return;
        };
        let field = pv1.field(4);
        if edit.is_valued(pv2.field(25)) && edit.repetitions(field) <= 1 {
            edit.move_to(field.repetition(1), field.repetition(2));
            edit.move_to(pv2.field(25).repetition(1), field.repetition(1));
            remove_if_empty(edit, "PV2");
        }
    },
};

fn pv2_after(edit: &mut Edit<'_>, pv1: hl7v2::edit::SegmentRef) -> hl7v2::edit::SegmentRef {
    match edit.first("PV2") {
        Some(pv2) => pv2,
        None => edit.insert_segment(SegmentId::of("PV2"), Some(pv1)),
    }
}

pub(super) const PLACE: DialectRule = DialectRule {
    name: "PV1-3 ward^room^bed > with its site",
    places: &["PV1-3", "PV1-6", "PV1-42"],
    source: "our own table of wards",
    confidence: Confidence::Assumed,
    why: "A ward's code means nothing elsewhere without the hospital it stands in.",
    normalise: |edit, _| {
        each_place(edit, |edit, at| {
            if edit.is_present(at.component(4)) {
                return;
            }
            match WARDS.canonical(&edit.text(at.component(1))) {
                Lookup::Code(site) => _ = edit.set(at.component(4), site, hl7v2::edit::Change::Defaulted),
                Lookup::Gap | Lookup::Unknown => {
                    edit.note(
                        at.component(1),
                        "a ward without a row in the table: its site is not known",
                    );
                }
            }
        });
    },
    render: |edit, _| {
        each_place(edit, |edit, at| {
            let known = WARDS.canonical(&edit.text(at.component(1)));
            if matches!(known, Lookup::Code(site) if edit.text(at.component(4)) == site) {
                edit.drop(at.component(4), "follows from the ward in this dialect");
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

pub(super) const CLINICIANS: DialectRule = DialectRule {
    name: "XCN.1 by shape > XCN.9",
    places: &["PV1-7", "PV1-8", "PV1-9", "PV1-17", "PD1-4", "OBR-16"],
    source: WITNESS,
    confidence: Confidence::Inferred,
    why: "Codes come without their register; national ones show it by their shape. One code each.",
    normalise: |edit, _| registers_by_shape(edit),
    render: |edit, _| {
        one_code(edit);
        registers_unsaid(edit);
    },
};

/// Local and national codes of one clinician: this feed sends one.
fn one_code(edit: &mut Edit<'_>) {
    let Some(pv1) = edit.first("PV1") else { return };
    for number in [7, 9, 17] {
        let field = pv1.field(number);
        if edit.repetitions(field) > REPETITIONS_MAX {
            continue;
        }
        edit.sort_repetitions(field, |edit, at| edit.text(at.component(9)) != "GMC");
        let surname = edit.text(field.component(2)).into_owned();
        for repetition in 2..=edit.repetitions(field) {
            if edit.text(field.repetition(repetition).component(2)) == surname {
                edit.drop(
                    field.repetition(repetition),
                    "another code of the same clinician; this dialect sends one",
                );
            }
        }
        edit.close_gaps(field);
    }
}

pub(super) const PRACTITIONER: DialectRule = DialectRule {
    name: "PV1-8 GP~referrer > PD1-4, PV1-8",
    places: &["PV1-8", "PD1-4"],
    source: WITNESS,
    confidence: Confidence::Documented,
    why: "Two meanings by order: the registered practitioner, then whoever referred.",
    normalise: |edit, _| {
        let Some(pv1) = edit.first("PV1") else { return };
        let field = pv1.field(8);
        let gp = field.repetition(1);
        if edit.is_present(gp) {
            let Some(pd1) = pd1(edit) else { return };
            let known = pd1.field(4).repetition(1);
            if !edit.is_present(known) {
                edit.move_to(gp, known);
            } else if edit.text(known) == edit.text(gp) {
                edit.drop(gp, "the registered practitioner of PD1-4 again");
            } else {
                edit.note(gp, "another practitioner than PD1-4 has; left where it stands");
                return;
            }
        }
        edit.close_gaps(field);
    },
    render: |edit, _| {
        let Some(pv1) = edit.first("PV1") else { return };
        let field = pv1.field(8);
        // The clinician's national code goes first and stands for all of them.
        national_code_first(edit);
        for repetition in (2..=edit.repetitions(field).min(REPETITIONS_MAX)).rev() {
            edit.drop(
                field.repetition(repetition),
                "one referrer, one code in this dialect",
            );
        }
        edit.move_to(field.repetition(1), field.repetition(2));
        if let Some(pd1) = edit.first("PD1") {
            let gp = pd1.field(4).repetition(1);
            if edit.is_valued(gp.component(1)) {
                for component in [1, 2, 3, 4, 5, 6, 9] {
                    edit.copy_to(gp.component(component), field.repetition(1).component(component));
                }
            }
        }
    },
};

pub(super) const NO_PD1: DialectRule = DialectRule {
    name: "no PD1",
    places: &["PD1"],
    source: OURS,
    confidence: Confidence::Assumed,
    why: "HL7 2.2 has no PD1; the practitioner stands in PV1-8.",
    normalise: translate::dialect::unchanged,
    render: |edit, _| {
        let Some(pd1) = edit.first("PD1") else { return };
        let gp = pd1.field(4).repetition(1);
        if let Some(pv1) = edit.first("PV1") {
            // PV1-8 shows the practitioner already; here the value itself moves, so that nothing is said twice.
            for component in [1, 2, 3, 4, 5, 6, 9] {
                let to = pv1.field(8).repetition(1).component(component);
                edit.move_to(gp.component(component), to);
            }
        }
        edit.remove_segment(pd1, "HL7 2.2 has no PD1, and this dialect no other place for it");
    },
};

pub(super) const SPECIALTY: DialectRule = DialectRule {
    name: "PV1-10 five digits > treatment function",
    places: &["PV1-10"],
    source: "our own table of specialties, with gaps",
    confidence: Confidence::Assumed,
    why: "Local five-digit specialties stand where the treatment function belongs; the local code stays beside it.",
    normalise: |edit, _| {
        if let Some(pv1) = edit.first("PV1") {
            map_from_beside(edit, pv1.field(10), &SPECIALTIES, LOCAL_CODES);
        }
    },
    render: |edit, _| {
        if let Some(pv1) = edit.first("PV1") {
            map_to_beside(edit, pv1.field(10), &SPECIALTIES, LOCAL_CODES);
        }
    },
};

/// What the feed calls its own codes.
const LOCAL_CODES: &str = "PLW-HL7";

pub(super) const SOURCE_LOCAL: DialectRule = DialectRule {
    name: "ZLC-8 > PV1-14",
    places: &["ZLC-8", "PV1-14"],
    source: WITNESS,
    confidence: Confidence::Documented,
    why: "Source of admission in the local segment by the specification, in PV1-14 in the fixture.",
    normalise: |edit, _| {
        let Some(pv1) = edit.first("PV1") else { return };
        if let Some(zlc) = edit.first("ZLC") {
            move_when_free(edit, zlc.field(8), pv1.field(14));
            remove_if_empty(edit, "ZLC");
        }
        map_from(edit, pv1.field(14).component(1), &SOURCES_TABLE);
    },
    render: |edit, context| {
        let Some(pv1) = edit.first("PV1") else { return };
        map_to(edit, pv1.field(14).component(1), &SOURCES_TABLE);
        if edit.is_present(pv1.field(14)) && context.is(&SOURCE, "ZLC-8") {
            let zlc = segment_at_end(edit, "ZLC");
            move_when_free(edit, pv1.field(14), zlc.field(8));
        }
    },
};

pub(super) const SOURCES: DialectRule = DialectRule {
    name: "PV1-14 local source > NHS code",
    places: &["PV1-14"],
    source: OURS,
    confidence: Confidence::Assumed,
    why: "The site's table of sources has rows of its own.",
    normalise: |edit, _| {
        if let Some(pv1) = edit.first("PV1") {
            map_from(edit, pv1.field(14).component(1), &SOURCES_TABLE);
        }
    },
    render: |edit, _| {
        if let Some(pv1) = edit.first("PV1") {
            map_to(edit, pv1.field(14).component(1), &SOURCES_TABLE);
        }
    },
};
