//! Identifiers: who assigned them, what kind they are, and the many ways of writing an NHS number.

use std::borrow::Cow;

use hl7v2::SegmentId;
use hl7v2::edit::{Change, Edit, SegmentRef, Spot};
use hl7v2::nhs::NhsNumber;

/// Fields by segment: where a rule looks.
pub type Fields<'f> = &'f [(SegmentId, &'f [u16])];

pub(crate) const PID: SegmentId = SegmentId::of("PID");
pub(crate) const PD1: SegmentId = SegmentId::of("PD1");
pub(crate) const MRG: SegmentId = SegmentId::of("MRG");
pub(crate) const NK1: SegmentId = SegmentId::of("NK1");
pub(crate) const PV1: SegmentId = SegmentId::of("PV1");
pub(crate) const PV2: SegmentId = SegmentId::of("PV2");
pub(crate) const ORC: SegmentId = SegmentId::of("ORC");
pub(crate) const OBR: SegmentId = SegmentId::of("OBR");
pub(crate) const PR1: SegmentId = SegmentId::of("PR1");
pub(crate) const DG1: SegmentId = SegmentId::of("DG1");

/// Fields of type CX that identify a person.
pub const PATIENT_CX_FIELDS: Fields<'static> = &[(PID, &[2, 3, 4, 21]), (MRG, &[1, 2, 4]), (NK1, &[33])];

/// What an identifier identifies, by its canonical type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum IdentifierKind {
    /// A hospital's own number, type MR.
    Hospital,
    /// Anything else.
    Other,
    /// The NHS number, type NH.
    Nhs,
}

/// The kind of the identifier in a repetition that is in canonical shape.
pub fn identifier_kind(edit: &Edit<'_>, repetition: Spot) -> IdentifierKind {
    let kind = repetition.component(5);
    if edit.says(kind, "NH") {
        IdentifierKind::Nhs
    } else if edit.says(kind, "MR") {
        IdentifierKind::Hospital
    } else {
        IdentifierKind::Other
    }
}

/// The repetitions of PID-3 that hold an identifier.
pub fn patient_identifiers(edit: &Edit<'_>, pid: SegmentRef) -> impl Iterator<Item = Spot> + use<> {
    let field = pid.field(3);
    let valued: Vec<bool> = (1..=edit.repetitions(field))
        .map(|n| edit.is_valued(field.repetition(n).component(1)))
        .collect();
    (1..)
        .zip(valued)
        .filter(|(_, valued)| *valued)
        .map(move |(number, _)| field.repetition(number))
}

/// Calls for every repetition of these fields, in every segment of that name.
///
/// Looks at [`REPETITIONS_MAX`] of a field; the rest pass through, with a note where they begin.
pub fn each_repetition<'m>(
    edit: &mut Edit<'m>,
    fields: Fields<'_>,
    mut visit: impl FnMut(&mut Edit<'m>, Spot),
) {
    for ordinal in 0..edit.segment_count() {
        let Some(segment) = edit.segment_at(ordinal) else {
            break;
        };
        let id = edit.id(segment);
        let Some((_, numbers)) = fields.iter().find(|(name, _)| *name == id) else {
            continue;
        };
        for &number in *numbers {
            let field = segment.field(number);
            let count = edit.repetitions(field);
            if count > 1 {
                edit.take_apart(field);
            }
            for repetition in 1..=count.min(REPETITIONS_MAX) {
                visit(edit, field.repetition(repetition));
            }
            if count > REPETITIONS_MAX {
                edit.note(
                    field.repetition(REPETITIONS_MAX + 1),
                    "more repetitions than rules look at; passed through",
                );
            }
        }
    }
}

/// How many repetitions of a field rules look at: no patient has more identifiers, no clinician more codes.
pub const REPETITIONS_MAX: u16 = 256;

/// Gives the identifiers of one authority and type (CX-4.1 and CX-5) another; an empty one is left out.
pub fn rename_authority<'m>(
    edit: &mut Edit<'m>,
    fields: Fields<'_>,
    from: (&str, &str),
    to: (impl Into<Cow<'m, str>>, &'static str),
) {
    let authority = to.0.into();
    each_repetition(edit, fields, |edit, at| {
        if edit.says(at.component(5), from.1) && edit.text(at.component(4)).eq_ignore_ascii_case(from.0) {
            put_authority(edit, at, (authority.clone(), to.1));
        }
    });
}

/// Writes CX-4.1 and CX-5; an empty one is left out, with that reason.
pub fn put_authority<'m>(
    edit: &mut Edit<'m>,
    at: Spot,
    (authority, kind): (impl Into<Cow<'m, str>>, &'static str),
) {
    const UNSAID: &str = "this dialect leaves it unsaid";
    for (component, text) in [(4, authority.into()), (5, Cow::Borrowed(kind))] {
        let spot = at.component(component);
        if text.is_empty() {
            edit.drop(spot, UNSAID);
        } else if !edit.says(spot, &text) {
            let known = edit.is_valued(spot);
            let change = if known {
                Change::Transformed
            } else {
                Change::Defaulted
            };
            edit.set(spot, text, change);
        }
    }
}

/// Types every spelling of an NHS number that says what it is as `^^^NHS^NH`, digits only.
pub fn canonical_nhs_numbers(edit: &mut Edit<'_>) {
    each_repetition(edit, PATIENT_CX_FIELDS, |edit, at| {
        if says_nhs(edit, at) {
            put_authority(edit, at, ("NHS", "NH"));
            without_spaces(edit, at.component(1));
        }
    });
}

/// Writes NHS numbers as the dialect does; an empty authority or type is left out.
pub fn render_nhs_numbers(edit: &mut Edit<'_>, authority: &'static str, kind: &'static str) {
    each_repetition(edit, PATIENT_CX_FIELDS, |edit, at| {
        if identifier_kind(edit, at) == IdentifierKind::Nhs {
            put_authority(edit, at, (authority, kind));
        }
    });
}

/// The spellings seen: `NHS^NH`, `NHS^HN`, `NHS` alone, `NHSNBR^NHSNMBR`, and `NH` under any authority.
fn says_nhs(edit: &Edit<'_>, at: Spot) -> bool {
    let authority = edit.text(at.component(4));
    let kind = edit.text(at.component(5));
    matches!(
        &*authority,
        "NHS" | "NHSNBR" | "NHSNMBR" | "NHS NUMBER" | "NHS NBR"
    ) || matches!(&*kind, "NH" | "NHSNBR" | "NHSNMBR")
}

/// Beside another identifier, unlabelled ten digits with a right check digit are a candidate, and say so.
pub fn nhs_candidates(edit: &mut Edit<'_>) {
    let Some(pid) = edit.first("PID") else { return };
    let field = pid.field(3);
    let count = edit.repetitions(field).min(REPETITIONS_MAX);
    for number in 1..=count {
        let at = field.repetition(number);
        // Alone it would be the hospital's own number.
        if count > 1 && is_bare_nhs_number(edit, at) {
            put_authority(edit, at, ("NHS", "NH"));
            edit.remark(at.component(1), Change::Transformed, CANDIDATE);
        }
    }
}

const CANDIDATE: &str =
    "unlabelled, ten digits, check digit right: a candidate NHS number, not a verified one";

fn is_bare_nhs_number(edit: &Edit<'_>, at: Spot) -> bool {
    edit.components(at) == 1 && NhsNumber::parse(&edit.text(at.component(1))).is_some()
}

/// Brings an NHS number from another field of PID into PID-3, when PID-3 has none.
///
/// One that PID-3 repeats is dropped with that reason; anything that is not an NHS number stays where it is.
pub fn nhs_number_elsewhere(edit: &mut Edit<'_>, field: u16, note: &'static str) {
    let Some(pid) = edit.first("PID") else { return };
    let from = pid.field(field).repetition(1);
    let typed = identifier_kind(edit, from) == IdentifierKind::Nhs;
    if !edit.is_valued(from) || !(typed || is_bare_nhs_number(edit, from)) {
        return;
    }
    let known = patient_identifiers(edit, pid).find(|&at| identifier_kind(edit, at) == IdentifierKind::Nhs);
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let here = digits(&edit.text(from));
    match known {
        Some(known) if digits(&edit.text(known)) == here => {
            edit.drop(from, "repeats the NHS number of PID-3");
        }
        Some(_) => edit.note(
            from,
            "a second NHS number, not that of PID-3; left where it stands",
        ),
        None => {
            let to = pid.field(3).repetition(edit.repetitions(pid.field(3)) + 1);
            edit.move_to(from, to);
            put_authority(edit, to, ("NHS", "NH"));
            without_spaces(edit, to.component(1));
            edit.remark(to.component(1), Change::Transformed, note);
        }
    }
}

fn without_spaces(edit: &mut Edit<'_>, at: Spot) {
    let text = edit.text(at);
    if text.contains([' ', '-']) {
        let digits = text.replace([' ', '-'], "");
        edit.set(at, digits, Change::Transformed);
    }
}

/// Puts the identifiers of PID-3 in one order whatever order they came in: hospitals' numbers by authority, others,
/// the NHS number last.
pub fn sort_identifiers<'m>(edit: &mut Edit<'m>) {
    let Some(pid) = edit.first("PID") else { return };
    let rank = |edit: &Edit<'m>, at: Spot| {
        let kind = identifier_kind(edit, at);
        (!edit.is_valued(at.component(1)), kind, edit.text(at.component(4)))
    };
    if edit.repetitions(pid.field(3)) <= REPETITIONS_MAX {
        edit.sort_repetitions(pid.field(3), rank);
    }
}
