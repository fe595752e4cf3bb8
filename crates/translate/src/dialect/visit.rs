//! Visits: numbers, places and the values that dialects keep elsewhere.

use hl7v2::edit::{Change, Edit, Spot};

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
pub fn visit_number_canonical(edit: &mut Edit<'_>, local: &[(&str, &str)], authority: &str) {
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
        let change = |edit: &Edit<'_>, at: Spot| {
            if edit.is_valued(at) {
                Change::Transformed
            } else {
                Change::Defaulted
            }
        };
        let (at, kind) = (field.component(4), field.component(5));
        let (of_authority, of_kind) = (change(edit, at), change(edit, kind));
        edit.set(at, authority.to_owned(), of_authority);
        edit.set(kind, "VN", of_kind);
    }
}

/// Writes the visit number's authority and type as the dialect does; empty ones are left out.
pub fn visit_number_rendered(edit: &mut Edit<'_>, local: (&'static str, &'static str)) {
    let Some(pv1) = edit.first("PV1") else { return };
    let field = pv1.field(19).repetition(1);
    if edit.text(field.component(5)) == "VN" {
        super::identifier::put(edit, field, local);
    }
}
