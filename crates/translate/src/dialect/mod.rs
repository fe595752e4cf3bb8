//! Dialects: how each system bends HL7 v2, as rules that straighten it and rules that bend it back.
//!
//! ```text
//! vendor bytes ──normalise──▶ canonical HL7 v2 ──render──▶ another vendor's bytes
//! ```
//!
//! Canonical is an ordinary message: 2.5.1 positions, HL7 tables, typed authorities (`^^^NHS^NH`, `^^^RRV^MR`),
//! ethnicity in PID-22, marital status in PID-16, source of admission in PV1-14, treatment function in PV1-10, merges
//! as A40, times as precise as they came, UTF-8 between standard delimiters. Z segments travel untouched.
//!
//! A rule is data and two small hooks side by side. What a target cannot say is dropped with a reason or passed
//! through with a note, and the trace of the edit accounts for it; no code is ever guessed.
//!
//! Refused here: vendors. Only [`STANDARD`] and [`ITK`] live in this room; products bring their own from above.

mod header;
mod identifier;
mod itk;
mod person;
mod standard;
mod table;
mod text;
mod time;
mod visit;

use hl7v2::Message;
use hl7v2::edit::{Edit, Trace};
use jiff::tz::TimeZone;

pub use self::header::{
    A18, A34, A40, Header, canonical_header, render_header, render_merge, structure_of, to_canonical_merge,
};
pub use self::identifier::{
    Fields, IdentifierKind, PATIENT_CX_FIELDS, REPETITIONS_MAX, canonical_nhs_numbers, each_repetition,
    identifier_kind, nhs_candidates, nhs_number_elsewhere, patient_identifiers, put_authority,
    rename_authority, render_nhs_numbers, sort_identifiers,
};
pub use self::itk::{ITK, drop_repeated_visit, repeat_visit, widen_date};
pub use self::person::{
    MARITAL_NHS, SEX_NHS, default_type, practice_canonical, practice_rendered, telecoms_by_order,
    telecoms_to_order, undefault_type,
};
pub use self::standard::{ENCODING, STANDARD};
pub use self::table::{CodeTable, FieldTables, Lookup, map_from, map_from_beside, map_to, map_to_beside};
pub use self::text::{fold_ascii, limit_width, upper_case};
pub use self::time::{Width, birth_date, fit_times};
pub use self::visit::{
    CLINICIAN_FIELDS, drop_repeated_class, exchange_discharge, move_when_free, national_code_first,
    registers_by_shape, registers_unsaid, repeat_class, stay_number_canonical, stay_number_rendered,
    visit_number_canonical, visit_number_rendered,
};

/// How sure a rule is of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A public source says so.
    Documented,
    /// Follows from public samples.
    Inferred,
    /// A reasoned choice of ours.
    Assumed,
}

/// What a rule does to a message.
pub type Hook = fn(&mut Edit<'_>, &DialectContext<'_>);

/// One way in which a dialect differs from the canonical shape, and its reverse.
#[derive(Clone, Copy)]
pub struct DialectRule {
    /// What goes where, as `explain` and the ledger print it: `ZLC-15 > PID-16`.
    pub name: &'static str,
    /// The places it may touch, in either shape.
    pub places: &'static [&'static str],
    /// Where the knowledge comes from.
    pub source: &'static str,
    /// How sure it is.
    pub confidence: Confidence,
    /// Why the rule is there, in a sentence.
    pub why: &'static str,
    /// Towards canonical.
    pub normalise: Hook,
    /// Away from canonical.
    pub render: Hook,
}

/// A rule that does nothing in this direction.
pub fn unchanged(_: &mut Edit<'_>, _: &DialectContext<'_>) {}

/// A choice that a site makes for a dialect without code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DialectSetting {
    /// Its key: `ethnicity`.
    pub name: &'static str,
    /// The values it may take; empty for free text.
    pub values: &'static [&'static str],
    /// What holds when nothing is said.
    pub default: &'static str,
    /// What it decides.
    pub why: &'static str,
}

/// What a caller knows and a message does not.
#[derive(Clone, Copy, Default)]
pub struct DialectContext<'c> {
    /// MSH-10 of the rendered message; the received one stays when none is given.
    pub control_id: Option<&'c str>,
    /// MSH-7 of the rendered message as HL7 time; the received one stays when none is given.
    pub now: Option<&'c str>,
    /// MSH-3 of the rendered message.
    pub sending_application: Option<&'c str>,
    /// MSH-4 of the rendered message.
    pub sending_facility: Option<&'c str>,
    /// MSH-5 of the rendered message.
    pub receiving_application: Option<&'c str>,
    /// MSH-6 of the rendered message.
    pub receiving_facility: Option<&'c str>,
    /// The zone that times without an offset are in; Europe/London when none is given.
    pub zone: Option<&'c TimeZone>,
    /// The site's choices, by name; see [`Dialect::settings`].
    pub settings: &'c [(&'c str, &'c str)],
}

impl<'c> DialectContext<'c> {
    /// The site's choice, or the default.
    pub fn setting(&self, setting: &DialectSetting) -> &'c str {
        let chosen = self.settings.iter().find(|(name, _)| *name == setting.name);
        chosen.map_or(setting.default, |(_, value)| value)
    }

    /// Whether the site's choice (or the default) is this one.
    pub fn is(&self, setting: &DialectSetting, value: &str) -> bool {
        self.setting(setting) == value
    }
}

/// How one kind of system speaks HL7 v2.
pub struct Dialect {
    /// What configuration and the command line call it.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// Where the knowledge as a whole comes from.
    pub source_note: &'static str,
    /// How much a message looks like it, 0 to 100.
    pub recognise: fn(&Message<'_>) -> u8,
    /// The choices a site has.
    pub settings: &'static [DialectSetting],
    /// The rules, in the order in which they normalise; rendering runs them backwards.
    pub rules: &'static [DialectRule],
}

impl std::fmt::Debug for Dialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialect")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Dialect {
    /// Writes the canonical form of a message of this dialect.
    pub fn normalise(&self, message: &Message<'_>, out: &mut Vec<u8>, trace: Option<&mut Trace>) {
        self.normalise_with(message, &DialectContext::default(), out, trace);
    }

    /// [`Dialect::normalise`] with a site's settings.
    pub fn normalise_with(
        &self,
        message: &Message<'_>,
        context: &DialectContext<'_>,
        out: &mut Vec<u8>,
        trace: Option<&mut Trace>,
    ) {
        write(message, out, trace, |edit| self.normalise_edit(edit, context));
    }

    /// Writes a canonical message in this dialect.
    pub fn render(&self, message: &Message<'_>, out: &mut Vec<u8>, trace: Option<&mut Trace>) {
        self.render_with(message, &DialectContext::default(), out, trace);
    }

    /// [`Dialect::render`] with a site's settings and a header of the caller's.
    pub fn render_with(
        &self,
        message: &Message<'_>,
        context: &DialectContext<'_>,
        out: &mut Vec<u8>,
        trace: Option<&mut Trace>,
    ) {
        write(message, out, trace, |edit| self.render_edit(edit, context));
    }

    /// Runs the rules towards canonical on an overlay.
    pub fn normalise_edit(&self, edit: &mut Edit<'_>, context: &DialectContext<'_>) {
        for rule in self.rules {
            edit.rule(rule.name);
            (rule.normalise)(edit, context);
        }
        edit.rule("");
    }

    /// Runs the rules away from canonical on an overlay, last rule first.
    pub fn render_edit(&self, edit: &mut Edit<'_>, context: &DialectContext<'_>) {
        for rule in self.rules.iter().rev() {
            edit.rule(rule.name);
            (rule.render)(edit, context);
        }
        edit.rule("");
    }

    /// Whether a setting exists and may take this value.
    pub fn allows(&self, name: &str, value: &str) -> bool {
        let known = self.settings.iter().find(|setting| setting.name == name);
        known.is_some_and(|setting| setting.values.is_empty() || setting.values.contains(&value))
    }
}

/// One message from one dialect to another: one overlay, one pass of writing, never through FHIR.
///
/// The trace accounts for every leaf of the message as received.
pub fn convert(
    message: &Message<'_>,
    from: (&Dialect, &DialectContext<'_>),
    to: (&Dialect, &DialectContext<'_>),
    out: &mut Vec<u8>,
    trace: Option<&mut Trace>,
) {
    write(message, out, trace, |edit| {
        from.0.normalise_edit(edit, from.1);
        to.0.render_edit(edit, to.1);
    });
}

/// The dialect a message looks most like; [`STANDARD`] when none of these stands out.
pub fn recognise<'d>(message: &Message<'_>, dialects: impl IntoIterator<Item = &'d Dialect>) -> &'d Dialect {
    let scored = dialects
        .into_iter()
        .map(|dialect| ((dialect.recognise)(message), dialect));
    match scored.max_by_key(|(score, _)| *score) {
        Some((score, dialect)) if score >= RECOGNISED_FROM => dialect,
        _ => &STANDARD,
    }
}

/// Below this score a message is taken for plain HL7: one weak sign is not enough.
const RECOGNISED_FROM: u8 = 40;

fn write(
    message: &Message<'_>,
    out: &mut Vec<u8>,
    trace: Option<&mut Trace>,
    rules: impl FnOnce(&mut Edit<'_>),
) {
    let mut edit = if trace.is_some() {
        Edit::traced(message)
    } else {
        Edit::new(message)
    };
    rules(&mut edit);
    edit.finish(out);
    if let Some(trace) = trace {
        *trace = edit.trace();
    }
}

#[cfg(test)]
mod tests;
