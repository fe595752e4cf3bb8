//! Small readers of HL7 datatypes into what the state holds.

use hl7v2::{Field, Presence, Repetition};

use crate::state::Text;
use crate::state::change::Given;
use crate::state::person::{Clinician, Coded};

/// The first leaf of a field, with its three states kept apart.
pub(crate) fn text(field: Field<'_>) -> Given<Text> {
    match field.presence() {
        Presence::Absent | Presence::Empty => Given::Kept,
        Presence::Null => Given::Deleted,
        Presence::Valued => match Text::from(field.text().trim()) {
            text if text.is_empty() => Given::Kept,
            text if text == "\"\"" => Given::Deleted,
            text => Given::Is(text),
        },
    }
}

/// What was given, when something was.
pub(crate) fn given<T>(given: Given<T>) -> Option<T> {
    match given {
        Given::Is(value) => Some(value),
        Given::Kept | Given::Deleted => None,
    }
}

/// One component of a repetition; HL7 null reads as nothing.
pub(crate) fn part(repetition: Repetition<'_>, component: usize) -> Text {
    let text = repetition.component(component).text();
    let text = text.trim();
    if text == "\"\"" {
        Text::default()
    } else {
        text.into()
    }
}

/// All repetitions of a field through one reader; those it makes nothing of are left out.
pub(crate) fn list<T>(field: Field<'_>, read: impl Fn(Repetition<'_>) -> Option<T>) -> Given<Vec<T>> {
    match field.presence() {
        Presence::Absent | Presence::Empty => Given::Kept,
        Presence::Null => Given::Deleted,
        Presence::Valued => {
            let items: Vec<T> = field.repetitions().filter_map(read).collect();
            if items.is_empty() {
                Given::Kept
            } else {
                Given::Is(items)
            }
        }
    }
}

/// The first repetition through one reader.
pub(crate) fn first<T>(field: Field<'_>, read: impl Fn(Repetition<'_>) -> Option<T>) -> Given<T> {
    match field.presence() {
        Presence::Absent | Presence::Empty => Given::Kept,
        Presence::Null => Given::Deleted,
        Presence::Valued => read(field.repetition(1)).into(),
    }
}

/// XCN.
pub(crate) fn clinician(repetition: Repetition<'_>) -> Option<Clinician> {
    let clinician = Clinician {
        id: part(repetition, 1),
        family: part(repetition, 2),
        given: part(repetition, 3),
        prefix: part(repetition, 6),
        authority: part(repetition, 9),
    };
    (!clinician.id.is_empty() || !clinician.family.is_empty()).then_some(clinician)
}

/// CE.
pub(crate) fn coded(repetition: Repetition<'_>) -> Option<Coded> {
    let coded = Coded {
        code: part(repetition, 1),
        text: part(repetition, 2),
        system: part(repetition, 3),
    };
    if !coded.code.is_empty() || !coded.text.is_empty() {
        return Some(coded);
    }
    // Some senders code in components 4 to 6 only.
    let alternate = Coded {
        code: part(repetition, 4),
        text: part(repetition, 5),
        system: part(repetition, 6),
    };
    (!alternate.code.is_empty() || !alternate.text.is_empty()).then_some(alternate)
}

/// Ten digits out of a spelling of an NHS number, when that is what the text is.
pub(crate) fn nhs_digits(text: &str) -> Option<Text> {
    hl7v2::nhs::NhsNumber::parse(text).map(|number| compact_str::format_compact!("{number}"))
}

/// CX: a number and who issued it.
pub(crate) struct Cx {
    pub value: Text,
    pub authority: Text,
    pub kind: Text,
}

impl Cx {
    /// Whether authority or type is one of the spellings by which NHS numbers travel.
    pub(crate) fn is_called_nhs(&self) -> bool {
        let authority = self.authority.to_ascii_uppercase();
        let kind = self.kind.to_ascii_uppercase();
        matches!(authority.as_str(), "NHS" | "NHSNBR" | "NHSNMBR" | "NHS NUMBER")
            || matches!(kind.as_str(), "NH" | "NHSNMBR" | "NHSNBR" | "NHS")
    }
}

/// Every number in a CX field.
pub(crate) fn numbers<'m>(field: Field<'m>) -> impl Iterator<Item = Cx> + 'm {
    let valued = field.is_valued();
    field
        .repetitions()
        .filter(move |_| valued)
        .filter_map(|repetition| {
            let cx = Cx {
                value: part(repetition, 1),
                authority: part(repetition, 4),
                kind: part(repetition, 5),
            };
            (!cx.value.is_empty()).then_some(cx)
        })
}

/// A number that stands alone in a field.
pub(crate) fn lone(field: Field<'_>) -> Option<Cx> {
    numbers(field).next()
}
