//! ID and IS: a code that FHIR binds to its own list.
//!
//! Where the list has no place for the code, or several v2 codes share one of FHIR's, the code as sent stands in
//! the `alternate-codes` extension of the element, so that nothing is guessed and the way back is exact.

use fhir::{CodeableConcept, Coding, Element, Extension, Text};

use crate::context::{Coded, Context, Leaf};
use crate::ledger::Outcome;
use crate::vocabulary::{Vocabulary, system};

/// The extension that holds the code as sent.
pub(crate) const ALTERNATE: &str = "http://hl7.org/fhir/StructureDefinition/alternate-codes";

/// What `_gender` and its kin are.
pub(crate) type Sibling = Option<Box<Element>>;

/// Reads a code and, where FHIR's list cannot say it exactly, the code as sent.
pub(crate) fn read<'m>(
    leaf: impl Leaf<'m>,
    table: &Vocabulary,
    cx: &mut Context<'_>,
    member: &'static str,
) -> (Option<Text>, Sibling) {
    match cx.look_up(leaf, table, member) {
        Coded::None => (None, None),
        Coded::Known(code) => {
            let sibling = code
                .alias
                .then(|| alternate(table.table, Text::const_new(code.hl7)));
            (Some(Text::const_new(code.fhir)), sibling)
        }
        Coded::Unknown(code) => {
            cx.record(
                leaf,
                Outcome::Kept,
                member,
                "not in its table: the code stands in an extension",
            );
            (None, Some(alternate(table.table, code)))
        }
    }
}

/// The v2 code of an element: the one as sent, else the table's.
pub(crate) fn write(code: Option<&Text>, sibling: &Sibling, table: &Vocabulary) -> Option<Text> {
    if let Some(sent) = sent(sibling) {
        return Some(sent.clone());
    }
    table.to_hl7("", code?).map(|code| Text::const_new(code.hl7))
}

/// The code as sent, when the extension has one.
pub(crate) fn sent(sibling: &Sibling) -> Option<&Text> {
    let extension = sibling
        .as_ref()?
        .extension
        .iter()
        .find(|e| e.url.as_deref() == Some(ALTERNATE))?;
    extension
        .value_codeable_concept
        .as_ref()?
        .coding
        .first()?
        .code
        .as_ref()
}

/// The code as sent, when it is of this table.
pub(crate) fn sent_from<'s>(sibling: &'s Sibling, table: &str) -> Option<&'s Text> {
    let extension = sibling
        .as_ref()?
        .extension
        .iter()
        .find(|e| e.url.as_deref() == Some(ALTERNATE))?;
    let coding = extension.value_codeable_concept.as_ref()?.coding.first()?;
    let of_table = coding.system.as_deref()?.strip_prefix(system::TABLE) == Some(table);
    coding.code.as_ref().filter(|_| of_table)
}

/// The extension that holds a code as sent.
pub(crate) fn alternate(table: &str, code: Text) -> Box<Element> {
    let coding = Coding {
        system: Some(system::concat(system::TABLE, table)),
        code: Some(code),
        ..Coding::default()
    };
    let concept = CodeableConcept {
        coding: vec![coding],
        ..CodeableConcept::default()
    };
    let extension = Extension {
        url: Some(Text::const_new(ALTERNATE)),
        value_codeable_concept: Some(Box::new(concept)),
        ..Extension::default()
    };
    Box::new(Element {
        extension: vec![extension],
        ..Element::default()
    })
}
