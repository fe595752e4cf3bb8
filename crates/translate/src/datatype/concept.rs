//! CWE, CE, CNE, CF, IS and ID: coded values to CodeableConcept and Coding.
//!
//! A field bound to an HL7 table takes its first code through that table; when FHIR says it with another code,
//! the code as sent follows as a second coding, so that the way back is exact. A code without a table entry
//! stands as it is. A value of nothing but CWE.2 is text: a coding without a code says nothing.

use std::borrow::Cow;

use fhir::{CodeableConcept, Coding, Text};

use crate::back::{Back, OriginalText, RepetitionWriter};
use crate::context::{Composite, Context, Leaf};
use crate::keep;
use crate::ledger::Outcome;
use crate::note::Note;
use crate::vocabulary::{Code, Vocabulary, system};

/// What the components of one coding gave: code, display, system name, version.
#[derive(Default)]
struct Triplet {
    code: Option<Text>,
    display: Option<Text>,
    system: Option<Text>,
    version: Option<Text>,
}

impl Triplet {
    fn is_empty(&self) -> bool {
        self.code.is_none() && self.display.is_none()
    }

    fn into_coding(self) -> Coding {
        Coding {
            system: self.system,
            version: self.version,
            code: self.code,
            display: self.display,
            ..Coding::default()
        }
    }
}

/// CWE to CodeableConcept; `table` is the HL7 table the field is bound to.
pub(crate) fn read<'m, C: Composite<'m>>(
    source: C,
    table: Option<&Vocabulary>,
    cx: &mut Context<'_>,
) -> Option<CodeableConcept> {
    let mut codings = [Triplet::default(), Triplet::default(), Triplet::default()];
    let mut text = None;
    let mut first = None;
    let mut rest = Vec::new();
    for (n, part) in source.parts() {
        let [one, two, three] = &mut codings;
        match n {
            1 => {
                first = Some(part);
                one.code = take_code(part, cx, ".coding.code");
            }
            2 => one.display = cx.take(part, ".coding.display"),
            3 => one.system = take_system(part, cx),
            4 => two.code = take_code(part, cx, ".coding[1].code"),
            5 => two.display = cx.take(part, ".coding[1].display"),
            6 => two.system = take_system(part, cx),
            7 => one.version = cx.take(part, ".coding.version"),
            8 => two.version = cx.take(part, ".coding[1].version"),
            9 => text = cx.take(part, ".text"),
            10 => three.code = take_code(part, cx, ".coding[2].code"),
            11 => three.display = cx.take(part, ".coding[2].display"),
            12 => three.system = take_system(part, cx),
            13 => three.version = cx.take(part, ".coding[2].version"),
            _ => rest.push((n, part)),
        }
    }
    let [mut one, two, three] = codings;
    let mut concept = CodeableConcept::default();
    if is_bound(&one, table)
        && let Some(name) = cx.peek(source.part(3))
    {
        // The table follows from the field; a sender that names it all the same gets its name back.
        let name = Text::from(name.as_ref());
        concept.extension.push(keep::carry_text("CWE.3", name));
    }
    if one.code.is_none() && one.system.is_none() && two.code.is_none() && text.is_none() {
        text = one.display.take();
    }
    let mut beside = [(2, own_words(&mut one, table)), (5, None), (11, None)];
    if !one.is_empty() {
        match table {
            Some(table) => push_through(one, table, first, cx, &mut concept.coding),
            None => concept.coding.push(one.into_coding()),
        }
    }
    for (mut other, slot) in [two, three].into_iter().zip(beside.iter_mut().skip(1)) {
        slot.1 = own_words(&mut other, None);
        if !other.is_empty() {
            concept.coding.push(other.into_coding());
        }
    }
    for (n, words) in beside {
        let Some(words) = words else { continue };
        if text.is_none() && n == 2 {
            text = Some(words);
        } else {
            concept
                .extension
                .push(keep::carry_text(format!("CWE.{n}"), words));
        }
    }
    for (n, part) in rest {
        keep::read_part::<C>("CWE", n, part, &mut concept.extension, cx);
    }
    concept.text = text;
    (!concept.coding.is_empty() || concept.text.is_some()).then_some(concept)
}

/// True when the system that was sent is the table that the field is bound to.
fn is_bound(coding: &Triplet, table: Option<&Vocabulary>) -> bool {
    let uri = coding.system.as_deref();
    table.is_some_and(|table| uri.and_then(|uri| uri.strip_prefix(system::TABLE)) == Some(table.table))
}

/// True for a code that FHIR says with another one: both stand in the concept.
fn is_transformed(code: &Code, table: &Vocabulary) -> bool {
    code.fhir != code.hl7 || code.system.strip_prefix(system::TABLE) != Some(table.table)
}

/// HL7's own code systems allow no display but theirs: what the sender calls the code stands beside it.
fn own_words(coding: &mut Triplet, table: Option<&Vocabulary>) -> Option<Text> {
    coding.code.as_ref()?;
    let of_hl7 = coding.system.as_deref().is_some_and(|uri| uri.starts_with(HL7));
    let bound = table.filter(|table| {
        let uri = coding.system.as_deref();
        uri.is_none_or(|uri| uri.strip_prefix(system::TABLE) == Some(table.table))
    });
    let known = bound.and_then(|table| table.to_fhir(coding.code.as_deref()?));
    if known.is_none() && !of_hl7 {
        return None;
    }
    let words = coding.display.take()?;
    match known {
        Some(code) if code.display == words.as_str() => {
            // Beside FHIR's code the one as sent keeps its words.
            coding.display = bound
                .is_some_and(|table| is_transformed(code, table))
                .then_some(words);
            None
        }
        _ => Some(words),
    }
}

/// Start of the code systems that HL7 keeps.
const HL7: &str = "http://terminology.hl7.org/";

/// CWE to Coding: the first code only; the rest is left to whoever counts what is lost.
pub(crate) fn coding<'m>(
    source: impl Composite<'m>,
    table: Option<&Vocabulary>,
    cx: &mut Context<'_>,
) -> Option<Coding> {
    let mut one = Triplet::default();
    let mut first = None;
    for (n, part) in source.parts() {
        match n {
            1 => {
                first = Some(part);
                one.code = take_code(part, cx, ".code");
            }
            2 => one.display = cx.take(part, ".display"),
            3 => one.system = take_system(part, cx),
            7 => one.version = cx.take(part, ".version"),
            _ => {}
        }
    }
    if one.is_empty() {
        return None;
    }
    let Some(table) = table else {
        return Some(one.into_coding());
    };
    let mut codings = Vec::with_capacity(2);
    push_through(one, table, first, cx, &mut codings);
    codings.into_iter().next()
}

/// Takes the first coding through its table.
fn push_through<'m, L: Leaf<'m>>(
    mut one: Triplet,
    table: &Vocabulary,
    first: Option<L>,
    cx: &mut Context<'_>,
    out: &mut Vec<Coding>,
) {
    let own_system = one.system.as_deref();
    let of_table = own_system.is_none_or(|uri| uri.strip_prefix(system::TABLE) == Some(table.table));
    let known = one
        .code
        .as_deref()
        .filter(|_| of_table)
        .and_then(|code| table.to_fhir(code))
        .copied();
    let Some(code) = known else {
        if let Some(first) = first.filter(|_| of_table) {
            cx.note(Note::unknown_code(first.location(), table.table));
        }
        out.push(one.into_coding());
        return;
    };
    let set = |text: &'static str| (!text.is_empty()).then(|| Text::const_new(text));
    if !is_transformed(&code, table) {
        one.system = set(code.system);
        one.display = set(code.display);
        out.push(one.into_coding());
        return;
    }
    if let Some(first) = first {
        cx.record(first, Outcome::Transformed, ".coding.code", "");
    }
    out.push(Coding {
        system: set(code.system),
        code: set(code.fhir),
        display: set(code.display),
        ..Coding::default()
    });
    one.system = Some(system::concat(system::TABLE, table.table));
    out.push(one.into_coding());
}

/// A code: FHIR allows no white space around it and none but single spaces within.
fn take_code<'m>(leaf: impl Leaf<'m>, cx: &mut Context<'_>, member: &'static str) -> Option<Text> {
    cx.take(leaf, member).map(|code| match squeeze(&code) {
        Cow::Borrowed(_) => code,
        Cow::Owned(code) => Text::from(code),
    })
}

pub(crate) fn squeeze(code: &str) -> Cow<'_, str> {
    let odd = code.bytes().any(|byte| matches!(byte, b'\t' | b'\r' | b'\n')) || code.contains("  ");
    if !odd {
        return Cow::Borrowed(code);
    }
    Cow::Owned(code.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn take_system<'m>(leaf: impl Leaf<'m>, cx: &mut Context<'_>) -> Option<Text> {
    let name = cx.take_as(leaf, ".coding.system", Outcome::Transformed)?;
    Some(system::to_uri(&cx.vocabulary.coding_system, &name))
}

/// CodeableConcept to CWE.
pub(crate) fn write(
    concept: &CodeableConcept,
    table: Option<&Vocabulary>,
    mut to: RepetitionWriter<'_>,
    back: &Back<'_>,
) {
    if back.foreign {
        return write_foreign(concept, table, to, back);
    }
    let mut codings: Vec<&Coding> = concept.coding.iter().collect();
    let of_hl7 = codings
        .first()
        .and_then(|one| one.system.as_deref())
        .is_some_and(|uri| uri.starts_with(HL7));
    if let Some(table) = table {
        through_back(&mut codings, table, &mut to);
    }
    for (coding, places) in codings.iter().zip([[1, 2, 3, 7], [4, 5, 6, 8], [10, 11, 12, 13]]) {
        let [code, display, name, version] = places;
        to.optional(code, coding.code.as_ref());
        to.optional(display, coding.display.as_ref());
        to.optional(version, coding.version.as_ref());
        if let Some(uri) = coding.system.as_deref().filter(|uri| !is_table(uri, table)) {
            to.component(name, &system::to_name(&back.vocabulary.coding_system, uri));
        }
    }
    for (n, place) in [(2, "CWE.2"), (5, "CWE.5"), (11, "CWE.11")] {
        to.optional(n, keep::carried_text(&concept.extension, place));
    }
    keep::write_parts(&concept.extension, "CWE", &mut to);
    if let Some(text) = &concept.text {
        let words = concept.coding.is_empty() || (of_hl7 && !to.has(2));
        to.component(if words { 2 } else { 9 }, text);
    }
}

/// A concept of others: words and system stand beside every code, as receivers expect them.
fn write_foreign(
    concept: &CodeableConcept,
    table: Option<&Vocabulary>,
    mut to: RepetitionWriter<'_>,
    back: &Back<'_>,
) {
    for (coding, places) in concept
        .coding
        .iter()
        .zip([[1, 2, 3, 7], [4, 5, 6, 8], [10, 11, 12, 13]])
    {
        let [code, display, name, version] = places;
        let system = coding.system.as_deref().unwrap_or_default();
        let own = table.filter(|table| is_table(system, Some(table)) || system.is_empty());
        let said = table.filter(|_| own.is_none()).and_then(|table| {
            let found = table.to_hl7(system, coding.code.as_deref()?)?;
            Some((table, found))
        });
        if let Some((table, found)) = said {
            to.component(code, found.hl7);
            to.component(name, &format!("HL7{}", table.table));
        } else {
            to.optional(code, coding.code.as_ref());
            to.optional(name, crate::back::foreign::system_name(coding, back).as_ref());
        }
        to.optional(display, coding.display.as_ref());
        to.optional(version, coding.version.as_ref());
    }
    let shown = to.has(2);
    let coded = to.has(1);
    if let Some(text) = &concept.text {
        let original = to.original_text();
        if !shown && (!coded || original != OriginalText::Declared) {
            to.component(2, text);
        }
        if !concept.coding.is_empty() && (shown || original != OriginalText::Unknown) {
            to.component(9, text);
        }
    } else if let Some(coding) = concept.coding.first()
        && !coded
        && !crate::back::foreign::is_of_cwe(coding)
    {
        // Words without a code are what somebody wrote.
        to.optional(9, coding.display.as_ref());
    }
}

/// CodeableConcept to CWE in one component, code, words and system alone.
pub(crate) fn write_within(
    concept: &CodeableConcept,
    component: u16,
    to: &mut RepetitionWriter<'_>,
    back: &Back<'_>,
) {
    let coding = concept.coding.first();
    let code = coding.and_then(|coding| coding.code.as_ref());
    let words = coding
        .and_then(|coding| coding.display.as_ref())
        .or(concept.text.as_ref());
    let system = coding.and_then(|coding| coding.system.as_deref());
    let name = system.map(|uri| system::to_name(&back.vocabulary.coding_system, uri));
    let parts = [
        (1, code.map(Text::as_str)),
        (2, words.map(Text::as_str)),
        (3, name.as_deref()),
    ];
    for (n, text) in parts {
        if let Some(text) = text {
            to.subcomponent(component, n, text);
        }
    }
}

/// Coding to CWE.
pub(crate) fn write_coding(
    coding: &Coding,
    table: Option<&Vocabulary>,
    to: RepetitionWriter<'_>,
    back: &Back<'_>,
) {
    let concept = CodeableConcept {
        extension: coding.extension.clone(),
        coding: vec![coding.clone()],
        ..CodeableConcept::default()
    };
    write(&concept, table, to, back);
}

fn is_table(uri: &str, table: Option<&Vocabulary>) -> bool {
    table.is_some_and(|table| uri.strip_prefix(system::TABLE) == Some(table.table))
}

/// Writes the code of the bound table and takes the codings that said it off the list.
fn through_back(codings: &mut Vec<&Coding>, table: &Vocabulary, to: &mut RepetitionWriter<'_>) {
    let own = codings
        .iter()
        .position(|coding| is_table(coding.system.as_deref().unwrap_or_default(), Some(table)));
    let said = |coding: &&Coding| -> Option<&'static str> {
        let code = table.to_hl7(
            coding.system.as_deref().unwrap_or_default(),
            coding.code.as_deref()?,
        )?;
        Some(code.hl7)
    };
    if let Some(own) = own {
        let coding = codings.remove(own);
        to.optional(1, coding.code.as_ref());
        let shown = coding.display.as_ref().filter(|display| {
            let known = coding.code.as_deref().and_then(|code| table.to_fhir(code));
            known.is_none_or(|known| known.display != display.as_str() || is_transformed(known, table))
        });
        to.optional(2, shown);
        to.optional(7, coding.version.as_ref());
        // What FHIR says for the same code was derived from it.
        codings.retain(|other| said(other).is_none());
        shift(codings);
    } else if let Some(at) = codings.iter().position(|coding| said(coding).is_some()) {
        let coding = codings.remove(at);
        if let Some(code) = said(&coding) {
            to.component(1, code);
        }
        shift(codings);
    }
}

/// The first three components are taken: an empty coding holds their place.
fn shift(codings: &mut Vec<&Coding>) {
    static EMPTY: std::sync::OnceLock<Coding> = std::sync::OnceLock::new();
    if !codings.is_empty() {
        codings.insert(0, EMPTY.get_or_init(Coding::default));
    }
}

/// A concept of nothing but text.
pub(crate) fn of_text(text: Text) -> CodeableConcept {
    CodeableConcept {
        text: Some(text),
        ..CodeableConcept::default()
    }
}

/// A concept of one code that this crate sets itself.
pub(crate) fn of_code(system: &'static str, code: &'static str, display: &'static str) -> CodeableConcept {
    CodeableConcept {
        coding: vec![constant(system, code, display)],
        ..CodeableConcept::default()
    }
}

/// A coding that this crate sets itself.
pub(crate) fn constant(system: &'static str, code: &'static str, display: &'static str) -> Coding {
    Coding {
        system: Some(Text::const_new(system)),
        code: Some(Text::const_new(code)),
        display: (!display.is_empty()).then(|| Text::const_new(display)),
        ..Coding::default()
    }
}

/// True when one of the codings has this system and code.
pub(crate) fn says(concept: &CodeableConcept, system: &str, code: &str) -> bool {
    concept
        .coding
        .iter()
        .any(|coding| coding.code.as_deref() == Some(code) && coding.system.as_deref() == Some(system))
}

/// The first repetition of a coded field.
pub(crate) fn first(
    field: hl7v2::Field<'_>,
    table: Option<&Vocabulary>,
    cx: &mut Context<'_>,
) -> Option<CodeableConcept> {
    read(field.repetition(1), table, cx)
}

/// Every repetition of a coded field, added to a list.
pub(crate) fn all(
    field: hl7v2::Field<'_>,
    table: Option<&Vocabulary>,
    to: &mut Vec<CodeableConcept>,
    cx: &mut Context<'_>,
) {
    for repetition in field.repetitions() {
        cx.at(to.len());
        to.extend(read(repetition, table, cx));
    }
}

/// A concept that may be absent.
pub(crate) fn put(
    concept: Option<&CodeableConcept>,
    table: Option<&Vocabulary>,
    field: &mut crate::back::FieldWriter<'_>,
    back: &Back<'_>,
) {
    if let Some(concept) = concept {
        write(concept, table, field.repetition(), back);
    }
}

/// A list of concepts, one repetition each.
pub(crate) fn put_all(
    concepts: &[CodeableConcept],
    table: Option<&Vocabulary>,
    field: &mut crate::back::FieldWriter<'_>,
    back: &Back<'_>,
) {
    for concept in concepts {
        write(concept, table, field.repetition(), back);
    }
}
