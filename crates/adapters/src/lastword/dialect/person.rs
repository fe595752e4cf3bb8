//! Who the patient is, in both profiles.

use hl7v2::SegmentId;
use hl7v2::edit::{Change, Edit, Spot};
use translate::dialect::{
    CodeTable, Confidence, DialectRule, Fields, IdentifierKind, MARITAL_NHS, PATIENT_CX_FIELDS,
    REPETITIONS_MAX, birth_date, canonical_nhs_numbers, default_type, each_repetition, identifier_kind,
    map_to, move_when_free, nhs_candidates, nhs_number_elsewhere, patient_identifiers, practice_canonical,
    practice_rendered, put_authority, rename_authority, render_nhs_numbers, sort_identifiers,
    telecoms_by_order, telecoms_to_order, unchanged, undefault_type,
};

use super::{
    ETHNICITY, MARITAL, NHS_NUMBER, OURS, TRUST_CW, TRUST_UCLH, WITNESS, remove_if_empty, segment_at_end,
};

static SEXES: CodeTable = CodeTable::new(include_str!("../sexes.csv"));

const CARECAST: (&str, &str) = ("MRENTR", "MEDREC");
const LASTWORD: (&str, &str) = ("CWMRN", "HN");

pub(super) const CARECAST_NUMBERS: DialectRule = DialectRule {
    name: "PID-3 MRENTR^MEDREC~<NHS> > <ODS>^MR, NHS^NH",
    places: &["PID-3", "PID-2", "PID-21", "MRG-1"],
    source: WITNESS,
    confidence: Confidence::Documented,
    why: "The hospital's number first, then the NHS number, often bare: bare means candidate, not verified.",
    normalise: |edit, context| {
        nhs_candidates(edit);
        canonical_nhs_numbers(edit);
        rename_authority(
            edit,
            PATIENT_CX_FIELDS,
            CARECAST,
            (context.setting(&TRUST_UCLH).to_owned(), "MR"),
        );
        nhs_number_elsewhere(
            edit,
            2,
            "unlabelled in PID-2: a candidate NHS number, not a verified one",
        );
        sort_identifiers(edit);
    },
    render: |edit, context| {
        sort_identifiers(edit);
        if context.is(&NHS_NUMBER, "bare") {
            second_and_bare(edit);
        }
        rename_authority(
            edit,
            PATIENT_CX_FIELDS,
            (context.setting(&TRUST_UCLH), "MR"),
            CARECAST,
        );
    },
};

/// A bare NHS number may not stand first: there it would pass for a hospital's.
fn second_and_bare(edit: &mut Edit<'_>) {
    let Some(pid) = edit.first("PID") else { return };
    let field = pid.field(3);
    if identifier_kind(edit, field.repetition(1)) == IdentifierKind::Nhs && edit.repetitions(field) == 1 {
        edit.move_to(field.repetition(1), field.repetition(2));
    }
    render_nhs_numbers(edit, "", "");
}

pub(super) const LASTWORD_NUMBERS: DialectRule = DialectRule {
    name: "PID-3 CWMRN^HN, PID-4 <NHS> > PID-3 <ODS>^MR, NHS^NH",
    places: &["PID-3", "PID-4", "PID-21", "MRG-1"],
    source: OURS,
    confidence: Confidence::Assumed,
    why: "One number in PID-3, as in HL7 2.2; the NHS number in PID-4 or not at all.",
    normalise: |edit, context| {
        canonical_nhs_numbers(edit);
        rename_authority(
            edit,
            PATIENT_CX_FIELDS,
            LASTWORD,
            (context.setting(&TRUST_CW).to_owned(), "MR"),
        );
        nhs_number_elsewhere(edit, 4, "PID-4 holds the NHS number in this dialect");
        sort_identifiers(edit);
    },
    render: |edit, context| {
        let own = context.setting(&TRUST_CW);
        nhs_to_pid_4(edit);
        drop_foreign(edit, own);
        rename_authority(edit, PATIENT_CX_FIELDS, (own, "MR"), LASTWORD);
    },
};

fn nhs_to_pid_4(edit: &mut Edit<'_>) {
    let Some(pid) = edit.first("PID") else { return };
    let mut numbers = patient_identifiers(edit, pid);
    let Some(nhs) = numbers.find(|&at| identifier_kind(edit, at) == IdentifierKind::Nhs) else {
        return;
    };
    if !edit.is_present(pid.field(4)) {
        put_authority(edit, nhs, ("", ""));
        edit.move_to(nhs, pid.field(4).repetition(1));
        edit.close_gaps(pid.field(3));
    }
}

/// PID-3 and MRG-1 hold one number of this hospital.
fn drop_foreign(edit: &mut Edit<'_>, own: &str) {
    const FOREIGN: &str = "one patient index, one number: this dialect has no place for another authority's";
    let is_own = |edit: &Edit<'_>, at: Spot| {
        identifier_kind(edit, at) == IdentifierKind::Hospital && edit.text(at.component(4)) == own
    };
    for (segment, number) in [("PID", 3), ("MRG", 1)] {
        let Some(segment) = edit.first(segment) else {
            continue;
        };
        let field = segment.field(number);
        let count = edit.repetitions(field).min(REPETITIONS_MAX);
        if !(1..=count).any(|number| is_own(edit, field.repetition(number))) {
            // Nobody's number but others': better one of theirs, typed, than a patient without any.
            continue;
        }
        for number in 1..=count {
            let at = field.repetition(number);
            if !is_own(edit, at) {
                edit.drop(at, FOREIGN);
            }
        }
        edit.close_gaps(field);
    }
}

pub(super) const BIRTH_DATE: DialectRule = DialectRule {
    name: "PID-7 twelve digits > date",
    places: &["PID-7"],
    source: WITNESS,
    confidence: Confidence::Documented,
    why: "Eight digits by the specification, twelve with zeros in data: the same day.",
    normalise: |edit, _| birth_date(edit),
    render: unchanged,
};

pub(super) const SEX: DialectRule = DialectRule {
    name: "PID-8 M, F, U",
    places: &["PID-8"],
    source: OURS,
    confidence: Confidence::Assumed,
    why: "Three codes only; what is neither is said as not known.",
    normalise: unchanged,
    render: |edit, _| {
        if let Some(pid) = edit.first("PID") {
            map_to(edit, pid.field(8).component(1), &SEXES);
        }
    },
};

pub(super) const ETHNICITY_EITHER: DialectRule = DialectRule {
    name: "PID-10 > PID-22",
    places: &["PID-10", "PID-22"],
    source: WITNESS,
    confidence: Confidence::Documented,
    why: "Ethnic category in PID-10 by the specification, in PID-22 in the fixture.",
    normalise: |edit, _| ethnicity_canonical(edit),
    render: |edit, context| {
        if context.is(&ETHNICITY, "PID-10") {
            ethnicity_rendered(edit);
        }
    },
};

pub(super) const ETHNICITY_PID_10: DialectRule = DialectRule {
    name: "PID-10 > PID-22",
    places: &["PID-10", "PID-22"],
    source: OURS,
    confidence: Confidence::Assumed,
    why: "HL7 2.2 has no PID-22 for ethnic category.",
    normalise: |edit, _| ethnicity_canonical(edit),
    render: |edit, _| ethnicity_rendered(edit),
};

fn ethnicity_canonical(edit: &mut Edit<'_>) {
    if let Some(pid) = edit.first("PID") {
        move_when_free(edit, pid.field(10), pid.field(22));
    }
}

fn ethnicity_rendered(edit: &mut Edit<'_>) {
    if let Some(pid) = edit.first("PID") {
        move_when_free(edit, pid.field(22), pid.field(10));
    }
}

pub(super) const MARITAL_LOCAL: DialectRule = DialectRule {
    name: "ZLC-15 > PID-16",
    places: &["ZLC-15", "PID-16"],
    source: WITNESS,
    confidence: Confidence::Documented,
    why: "PID-16 is empty by the specification; the local segment has the status, in the NHS's codes.",
    normalise: |edit, context| {
        if let (Some(pid), Some(zlc)) = (edit.first("PID"), edit.first("ZLC")) {
            move_when_free(edit, zlc.field(15), pid.field(16));
            remove_if_empty(edit, "ZLC");
        }
        (MARITAL_NHS.normalise)(edit, context);
    },
    render: |edit, context| {
        (MARITAL_NHS.render)(edit, context);
        let Some(pid) = edit.first("PID") else { return };
        if edit.is_present(pid.field(16)) && context.is(&MARITAL, "ZLC-15") {
            let zlc = segment_at_end(edit, "ZLC");
            move_when_free(edit, pid.field(16), zlc.field(15));
        }
    },
};

pub(super) const MARITAL_STATUS: DialectRule = DialectRule {
    source: OURS,
    confidence: Confidence::Assumed,
    ..MARITAL_NHS
};

pub(super) const NAME_TYPE: DialectRule = DialectRule {
    name: "PID-5 untyped > legal name",
    places: &["PID-5", "PID-11"],
    source: WITNESS,
    confidence: Confidence::Inferred,
    why: "The feed's one name is the patient's name; HL7 2.5.1 wants its type.",
    normalise: |edit, _| {
        if let Some(pid) = edit.first("PID") {
            default_type(edit, pid.field(5).repetition(1), 7, "L");
        }
    },
    render: |edit, _| {
        if let Some(pid) = edit.first("PID") {
            undefault_type(edit, pid.field(5).repetition(1), 7, "L");
        }
    },
};

const ADDRESSES: Fields<'static> = &[(SegmentId::of("PID"), &[11]), (SegmentId::of("NK1"), &[4])];

pub(super) const COUNTY: DialectRule = DialectRule {
    name: "XAD.9 county > XAD.4",
    places: &["PID-11", "NK1-4"],
    source: WITNESS,
    confidence: Confidence::Documented,
    why: "The county stands in component 9 here and in component 4 with every other sender, so it is Address.state \
          from all of them.",
    normalise: |edit, _| {
        each_repetition(edit, ADDRESSES, |edit, at| {
            move_when_free(edit, at.component(9), at.component(4));
        });
    },
    render: |edit, _| {
        each_repetition(edit, ADDRESSES, |edit, at| {
            move_when_free(edit, at.component(4), at.component(9));
        });
    },
};

pub(super) const TELECOMS: DialectRule = DialectRule {
    name: "PID-13 home~mobile~e-mail > typed",
    places: &["PID-13"],
    source: WITNESS,
    confidence: Confidence::Documented,
    why: "The order of the repetitions says what each one is.",
    normalise: |edit, _| {
        if let Some(pid) = edit.first("PID") {
            telecoms_by_order(edit, pid.field(13));
        }
    },
    render: |edit, _| {
        if let Some(pid) = edit.first("PID") {
            telecoms_to_order(edit, pid.field(13));
        }
    },
};

pub(super) const LANGUAGE: DialectRule = DialectRule {
    name: "PID-15.4 language > PID-15.1",
    places: &["PID-15"],
    source: WITNESS,
    confidence: Confidence::Documented,
    why: "Component 1 says whether an interpreter is needed, component 4 the language.",
    normalise: |edit, _| {
        let Some(pid) = edit.first("PID") else { return };
        let field = pid.field(15);
        let flag = matches!(&*edit.text(field.component(1)), "Y" | "N");
        if flag || (edit.is_valued(field.component(4)) && !edit.is_present(field.component(1))) {
            swap_language(edit, field);
            if edit.is_valued(field.component(4)) {
                edit.set(field.component(6), INTERPRETER, Change::Defaulted);
            }
        }
    },
    render: |edit, _| {
        let Some(pid) = edit.first("PID") else { return };
        let field = pid.field(15);
        let interpreter = edit.text(field.component(6)) == INTERPRETER;
        let language = edit.is_valued(field.component(1)) && !edit.is_present(field.component(4));
        if interpreter || language {
            edit.drop(field.component(6), "component 1 says it in this dialect");
            swap_language(edit, field);
        }
    },
};

/// HL7 2.5.1 has no place for the need of an interpreter: it stays beside the language, labelled.
const INTERPRETER: &str = "INTERPRETER";

fn swap_language(edit: &mut Edit<'_>, field: Spot) {
    edit.swap(field.component(1), field.component(4));
}

pub(super) const DISABILITY: DialectRule = DialectRule {
    name: "PD1-3 disability > PD1-6",
    places: &["PD1-3", "PD1-6"],
    source: WITNESS,
    confidence: Confidence::Documented,
    why: "PD1-3 is a practice by the standard; disability belongs in PD1-6.",
    normalise: |edit, _| {
        if let Some(pd1) = edit.first("PD1")
            && !edit.is_present(pd1.field(3).component(3))
        {
            move_when_free(edit, pd1.field(3), pd1.field(6));
        }
    },
    render: |edit, _| {
        if let Some(pd1) = edit.first("PD1") {
            move_when_free(edit, pd1.field(6), pd1.field(3));
        }
    },
};

pub(super) const PRACTICES: DialectRule = DialectRule {
    name: "PD1-4 GP~practice~dentist~surgery > PD1-4, PD1-3",
    places: &["PD1-3", "PD1-4"],
    source: WITNESS,
    confidence: Confidence::Documented,
    why: "Four kinds by order: people stay in PD1-4, practices go to PD1-3, national codes come first.",
    normalise: |edit, _| {
        practice_canonical(edit, 2, 1);
        practice_canonical(edit, 4, 2);
        let Some(pd1) = edit.first("PD1") else { return };
        let field = pd1.field(4);
        national_code(edit, field.repetition(1), "GMP");
        national_code(edit, field.repetition(3), "GDP");
        if !edit.is_present(field.repetition(2)) {
            edit.move_to(field.repetition(3), field.repetition(2));
        }
    },
    render: |edit, _| {
        let Some(pd1) = edit.first("PD1") else { return };
        let field = pd1.field(4);
        if edit.text(field.repetition(2).component(9)) == "GDP" {
            edit.move_to(field.repetition(2), field.repetition(3));
        }
        local_code(edit, field.repetition(1), "GMP");
        local_code(edit, field.repetition(3), "GDP");
        practice_rendered(edit, 1, 2);
        practice_rendered(edit, 2, 4);
    },
};

/// Component 14 holds the national code, component 1 the local one: exchanged, with the register named.
fn national_code(edit: &mut Edit<'_>, at: Spot, register: &'static str) {
    if edit.is_valued(at.component(14)) && !edit.is_present(at.component(9)) {
        edit.swap(at.component(1), at.component(14));
        edit.set(at.component(9), register, Change::Defaulted);
    }
}

fn local_code(edit: &mut Edit<'_>, at: Spot, register: &str) {
    if edit.text(at.component(9)) == register {
        edit.drop(at.component(9), "the place of the code says it in this dialect");
        edit.swap(at.component(1), at.component(14));
    }
}

/// PD1, put after PID when there is none.
pub(super) fn pd1(edit: &mut Edit<'_>) -> Option<hl7v2::edit::SegmentRef> {
    let pid = edit.first("PID")?;
    Some(match edit.first("PD1") {
        Some(pd1) => pd1,
        None => edit.insert_segment(SegmentId::of("PD1"), Some(pid)),
    })
}
