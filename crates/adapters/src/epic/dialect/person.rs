//! Who the patient is.

use translate::dialect::{
    Confidence, DialectRule, PATIENT_CX_FIELDS, canonical_nhs_numbers, nhs_number_elsewhere,
    practice_canonical, practice_rendered, rename_authority, render_nhs_numbers, sort_identifiers,
};

use super::{EMAP, NHS_TYPE, TRUST};

/// The authority and type of the system before this one: downstream systems kept their contract.
const HOSPITAL: (&str, &str) = ("MRENTR", "MEDREC");

pub(super) const NUMBERS: DialectRule = DialectRule {
    name: "PID-3 MRENTR^MEDREC, NHS^HN > <ODS>^MR, NHS^NH",
    places: &["PID-2", "PID-3", "PID-19", "PID-21", "MRG-1"],
    source: EMAP,
    confidence: Confidence::Documented,
    why: "The hospital number as its predecessor typed it; the NHS number as HN, or in PID-2 and PID-19 with spaces.",
    normalise: |edit, context| {
        canonical_nhs_numbers(edit);
        rename_authority(
            edit,
            PATIENT_CX_FIELDS,
            HOSPITAL,
            (context.setting(&TRUST).to_owned(), "MR"),
        );
        for field in [2, 19] {
            nhs_number_elsewhere(
                edit,
                field,
                "unlabelled: a candidate NHS number, not a verified one",
            );
        }
        sort_identifiers(edit);
    },
    render: |edit, context| {
        sort_identifiers(edit);
        let kind = if context.is(&NHS_TYPE, "NH") { "NH" } else { "HN" };
        render_nhs_numbers(edit, "NHS", kind);
        rename_authority(edit, PATIENT_CX_FIELDS, (context.setting(&TRUST), "MR"), HOSPITAL);
    },
};

pub(super) const PRACTICE: DialectRule = DialectRule {
    name: "PD1-4 GP~practice > PD1-4, PD1-3",
    places: &["PD1-3", "PD1-4"],
    source: EMAP,
    confidence: Confidence::Inferred,
    why: "The practice comes as a second practitioner, its ODS code far to the right.",
    normalise: |edit, _| practice_canonical(edit, 2, 1),
    render: |edit, _| practice_rendered(edit, 1, 2),
};
