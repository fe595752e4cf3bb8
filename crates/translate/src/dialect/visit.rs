//! Visits: numbers, places and the values that dialects keep elsewhere.

use std::borrow::Cow;

use hl7v2::edit::{Change, Edit, Spot};

use super::identifier::{DG1, OBR, ORC, PD1, PR1, PV1, PV2};
use super::{Fields, REPETITIONS_MAX, each_repetition, put_authority};

/// Moves a value to where the canonical shape has it, when nothing stands there yet.
///
/// An equal value that stands there already makes this one a repetition; another one leaves both where they are.
pub fn move_when_free(edit: &mut Edit<'_>, from: Spot, to: Spot) {
    if !edit.is_present(from) {
        return;
    }
    if !edit.is_present(to) {
        edit.move_to(from, to);
    } else if edit.text(from) == edit.text(to) {
        edit.drop(from, "says again what stands in its canonical place");
    } else {
        edit.note(
            from,
            "its canonical place holds another value; left where it stands",
        );
    }
}

/// Types the visit number: `^^^<authority>^VN`.
pub fn visit_number_canonical<'m>(
    edit: &mut Edit<'m>,
    local: &[(&str, &str)],
    authority: impl Into<Cow<'m, str>>,
) {
    let Some(pv1) = edit.first("PV1") else { return };
    let field = pv1.field(19).repetition(1);
    if !edit.is_valued(field.component(1)) {
        return;
    }
    let said = (edit.text(field.component(4)), edit.text(field.component(5)));
    if local
        .iter()
        .any(|(pool, kind)| said.0 == *pool && said.1 == *kind)
    {
        put_authority(edit, field, (authority, "VN"));
    }
}

/// Writes the visit number's authority and type as the dialect does; empty ones are left out.
pub fn visit_number_rendered(edit: &mut Edit<'_>, local: (&'static str, &'static str)) {
    let Some(pv1) = edit.first("PV1") else { return };
    let field = pv1.field(19).repetition(1);
    if edit.text(field.component(5)) == "VN" {
        put_authority(edit, field, local);
    }
}

/// Types the bare number in PID-18 as the visit's, where no PV1-19 says it: `^^^<authority>^VN`.
pub fn stay_number_canonical<'m>(edit: &mut Edit<'m>, authority: impl Into<Cow<'m, str>>) {
    let Some(pid) = edit.first("PID") else { return };
    let field = pid.field(18).repetition(1);
    let elsewhere = edit.first("PV1").is_some_and(|pv1| edit.is_valued(pv1.field(19)));
    let bare = !edit.is_present(field.component(4)) && !edit.is_present(field.component(5));
    if edit.is_valued(field.component(1)) && bare && !elsewhere {
        put_authority(edit, field, (authority, "VN"));
    }
}

/// The way back of [`stay_number_canonical`].
pub fn stay_number_rendered(edit: &mut Edit<'_>) {
    let Some(pid) = edit.first("PID") else { return };
    let field = pid.field(18).repetition(1);
    if edit.says(field.component(5), "VN") {
        put_authority(edit, field, ("", ""));
    }
}

/// Fields that name clinicians (XCN).
pub const CLINICIAN_FIELDS: Fields<'static> = &[
    (PV1, &[7, 8, 9, 17]),
    (PV2, &[13]),
    (PD1, &[4]),
    (ORC, &[12]),
    (OBR, &[16, 28]),
    (PR1, &[8, 11]),
    (DG1, &[16]),
];

/// Names the register of clinicians' codes that show it by their shape: `C` and seven digits is the General Medical
/// Council's, `G` and seven digits a general practitioner's national code.
pub fn registers_by_shape(edit: &mut Edit<'_>) {
    each_repetition(edit, CLINICIAN_FIELDS, |edit, at| {
        let code = edit.text(at.component(1));
        let digits = code
            .get(1..)
            .is_some_and(|rest| rest.len() == 7 && rest.bytes().all(|b| b.is_ascii_digit()));
        let register = match code.bytes().next() {
            Some(b'C') if digits => "GMC",
            Some(b'G') if digits => "GMP",
            _ => return,
        };
        if !edit.is_present(at.component(9)) {
            edit.set(at.component(9), register, Change::Defaulted);
        }
    });
}

/// Leaves out the register where the code's shape shows it; PD1-4 is its dialect's own business.
pub fn registers_unsaid(edit: &mut Edit<'_>) {
    each_repetition(edit, CLINICIAN_FIELDS, |edit, at| {
        if edit.id(at.segment()) == "PD1" {
            return;
        }
        let code = edit.text(at.component(1));
        let by_shape = match &*edit.text(at.component(9)) {
            "GMC" => code.starts_with('C'),
            "GMP" => code.starts_with('G'),
            _ => false,
        };
        if by_shape && code.len() == 8 {
            edit.drop(at.component(9), "the code's shape says it in this dialect");
        }
    });
}

/// Puts the clinician's code of the national register before the local ones.
pub fn national_code_first(edit: &mut Edit<'_>) {
    for ordinal in 0..edit.segment_count() {
        let Some(segment) = edit.segment_at(ordinal) else {
            break;
        };
        let id = edit.id(segment);
        let Some((_, numbers)) = CLINICIAN_FIELDS.iter().find(|(name, _)| *name == id) else {
            continue;
        };
        for &number in *numbers {
            let field = segment.field(number);
            if (2..=REPETITIONS_MAX).contains(&edit.repetitions(field)) {
                edit.sort_repetitions(field, |edit, at| !edit.says(at.component(9), "GMC"));
            }
        }
    }
}

/// Drops PV1-18 when it only says the patient class again.
pub fn drop_repeated_class(edit: &mut Edit<'_>) {
    if let Some(pv1) = edit.first("PV1")
        && edit.is_valued(pv1.field(18))
        && edit.text(pv1.field(18)) == edit.text(pv1.field(2))
    {
        edit.drop(pv1.field(18), "says the patient class of PV1-2 again");
    }
}

/// Says the patient class again in PV1-18, where that holds nothing.
pub fn repeat_class(edit: &mut Edit<'_>) {
    if let Some(pv1) = edit.first("PV1")
        && !edit.is_present(pv1.field(18))
        && edit.is_valued(pv1.field(2))
    {
        edit.copy_to(pv1.field(2).component(1), pv1.field(18).component(1));
    }
}

/// Exchanges discharge method (NHS codes of one digit) and destination (two digits) between PV1-36 and PV1-37, when
/// they stand as these widths say; the canonical shape has the destination in PV1-36.
pub fn exchange_discharge(edit: &mut Edit<'_>, widths: (usize, usize)) {
    let Some(pv1) = edit.first("PV1") else { return };
    let (first, second) = (pv1.field(36), pv1.field(37));
    let lengths = (edit.text(first).len(), edit.text(second).len());
    let digits = |at: Spot| edit.text(at).bytes().all(|byte| byte.is_ascii_digit());
    let fits = (lengths.0 == widths.0 || lengths.0 == 0) && (lengths.1 == widths.1 || lengths.1 == 0);
    if fits && lengths != (0, 0) && digits(first) && digits(second) {
        let spare = pv1.field(SPARE_FIELD);
        edit.move_to(first, spare);
        edit.move_to(second, first);
        edit.move_to(spare, second);
    }
}

/// Beyond the last field of PV1; holds a value only while two change places.
const SPARE_FIELD: u16 = 90;
