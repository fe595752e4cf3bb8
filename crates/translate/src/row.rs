//! Maps and rows: one line says which field goes to which element, how it is read and how it is written.
//!
//! Everything that shows a mapping — translation both ways, ledger, `explain`, site overrides — walks these
//! tables. A row's name is its place: `PID-8 > Patient.gender`.

#[macro_use]
pub(crate) mod cells;

use fhir::Extension;
use hl7v2::{Field, Segment};

use crate::back::{Back, FieldWriter};
use crate::context::Context;
use crate::ledger::{Outcome, Rule};

pub(crate) type Read<R> = fn(Field<'_>, &mut R, &mut Context<'_>);
pub(crate) type Write<R> = fn(&R, &mut FieldWriter<'_>, &Back<'_>);

/// What a row does with its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It has an element.
    Mapped,
    /// It travels in an extension.
    Kept,
    /// It is left out, for the reason in the row's note.
    Ignored,
}

/// One row of a map.
pub(crate) struct Row<R> {
    pub(crate) field: u16,
    pub(crate) element: &'static str,
    pub(crate) kind: Kind,
    pub(crate) read: Read<R>,
    pub(crate) write: Write<R>,
    /// The HL7 table, a condition, a reason: what `explain` adds.
    pub(crate) note: &'static str,
}

impl<R> Row<R> {
    /// A field with an element: the reader and the writer side by side.
    pub(crate) const fn new(field: u16, element: &'static str, read: Read<R>, write: Write<R>) -> Self {
        Self {
            field,
            element,
            kind: Kind::Mapped,
            read,
            write,
            note: "",
        }
    }

    /// The same row with a remark for `explain`.
    pub(crate) const fn note(mut self, note: &'static str) -> Self {
        self.note = note;
        self
    }

    /// A field that is left out on purpose.
    pub(crate) const fn ignored(field: u16, reason: &'static str) -> Self {
        Self {
            field,
            element: "",
            kind: Kind::Ignored,
            read: read_nothing,
            write: write_nothing,
            note: reason,
        }
    }
}

impl<R: Extensible> Row<R> {
    /// A field without an element of its own: it travels in an extension, as it was sent.
    pub(crate) const fn kept(field: u16) -> Self {
        Self {
            field,
            element: "extension",
            kind: Kind::Kept,
            read: crate::keep::read_field,
            write: crate::keep::write_field,
            note: "no element of its own in R4",
        }
    }
}

/// The rows that read one segment into one kind of resource.
pub(crate) struct SegmentMap<R: 'static> {
    pub(crate) segment: &'static str,
    pub(crate) resource: &'static str,
    pub(crate) rows: &'static [Row<R>],
}

impl<R> SegmentMap<R> {
    /// Runs every row whose field holds something.
    pub(crate) fn read<'a>(&'static self, segment: Segment<'a>, target: &mut R, cx: &mut Context<'a>) {
        cx.segment = Some(segment);
        for row in self.rows {
            let sent = segment.has_field(usize::from(row.field));
            if !sent && cx.constants.is_empty() {
                continue;
            }
            let field = segment.field(usize::from(row.field));
            let rule = Rule {
                segment: self.segment,
                field: row.field,
                resource: self.resource,
                element: row.element,
            };
            cx.enter(rule, row.note);
            if let Some(set) = cx.constant(&rule) {
                cx.record_field(field, Outcome::Defaulted, "", "the site sets this field");
                // What is read now was not sent: it is no leaf of the message.
                let account = cx.account.take();
                (row.read)(set, target, cx);
                cx.account = account;
                continue;
            }
            if !sent {
                continue;
            }
            if cx.is_dropped(&rule) {
                cx.record_field(field, Outcome::IgnoredByRule, "", "the site leaves this row out");
                continue;
            }
            if field.is_null() {
                cx.account_nothing(field);
            } else if row.kind == Kind::Ignored {
                cx.record_field(field, Outcome::IgnoredByRule, "", row.note);
            } else {
                (row.read)(field, target, cx);
            }
        }
    }

    /// Runs every row's writer.
    pub(crate) fn write(
        &'static self,
        source: &R,
        segment: &mut crate::back::SegmentWriter,
        back: &Back<'_>,
    ) {
        for row in self.rows {
            (row.write)(source, &mut segment.field(row.field), back);
        }
    }
}

/// A resource that can hold extensions.
pub(crate) trait Extensible {
    fn extensions(&self) -> &[Extension];
    fn extensions_mut(&mut self) -> &mut Vec<Extension>;
}

macro_rules! extensible {
    ($($name:ident)*) => {$(
        impl Extensible for fhir::$name {
            fn extensions(&self) -> &[Extension] {
                &self.extension
            }
            fn extensions_mut(&mut self) -> &mut Vec<Extension> {
                &mut self.extension
            }
        }
    )*};
}

extensible!(Account Address AllergyIntolerance Annotation Appointment AppointmentParticipant CareTeamParticipant
    ChargeItem Condition ContactPoint Coverage DiagnosticReport DocumentReference DocumentReferenceContent Dosage
    Encounter EncounterParticipant HumanName Identifier Immunization MedicationAdministration
    MedicationAdministrationDosage MedicationDispense MedicationIngredient MedicationRequest MessageHeader Observation
    OperationOutcomeIssue Organization ParametersParameter Patient PractitionerRole Procedure Provenance RelatedPerson
    ServiceRequest Specimen Device Goal);

/// For a row that only writes.
pub(crate) fn read_nothing<R>(_: Field<'_>, _: &mut R, _: &mut Context<'_>) {}

/// For a row that only reads.
pub(crate) fn write_nothing<R>(_: &R, _: &mut FieldWriter<'_>, _: &Back<'_>) {}

/// A row as `explain` and overrides see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct RowInfo {
    /// `PID`.
    pub segment: &'static str,
    /// 8.
    pub field: u16,
    /// `Patient`.
    pub resource: &'static str,
    /// `gender`.
    pub element: &'static str,
    /// A table, a condition or a reason; empty when nothing.
    pub note: &'static str,
    /// `mapped`, `kept` or `ignored by rule`.
    pub kind: &'static str,
}

impl RowInfo {
    /// The row's name: `PID-8 > Patient.gender`.
    #[must_use]
    pub fn name(&self) -> String {
        Rule {
            segment: self.segment,
            field: self.field,
            resource: self.resource,
            element: self.element,
        }
        .to_string()
    }
}

/// A map whatever its resource.
pub(crate) trait Table: Sync {
    fn rows(&self) -> Vec<RowInfo>;
}

impl<R> Table for SegmentMap<R> {
    fn rows(&self) -> Vec<RowInfo> {
        let info = |row: &Row<R>| RowInfo {
            segment: self.segment,
            field: row.field,
            resource: self.resource,
            element: row.element,
            note: row.note,
            kind: match row.kind {
                Kind::Mapped => "mapped",
                Kind::Kept => "kept",
                Kind::Ignored => "ignored by rule",
            },
        };
        self.rows.iter().map(info).collect()
    }
}
