//! The document of a Bundle as TXA, its content as OBX.

use fhir::{DocumentReference, Observation, Patient};

use super::Out;
use crate::back::{Back, SegmentWriter};
use crate::provenance;
use crate::segment::txa;

/// The first document that is not the original message.
pub(super) fn first<'b>(back: &Back<'b>) -> Option<&'b DocumentReference> {
    back.all::<DocumentReference>()
        .find(|one| !provenance::is_original(one))
}

/// The event of a document message that names none.
pub(super) fn event(document: &DocumentReference) -> &'static str {
    let relation = document.relates_to.first().and_then(|one| one.code.as_deref());
    let held = document.content.iter().any(|content| {
        let attachment = content.attachment.as_deref();
        attachment.is_some_and(|one| one.data.is_some() || one.url.is_some())
    });
    match (document.status.as_deref(), relation, held) {
        (Some("entered-in-error"), _, _) => "T11",
        (_, Some("appends"), true) => "T06",
        (_, Some("appends"), false) => "T05",
        (_, Some("replaces"), true) => "T10",
        (_, Some("replaces"), false) => "T09",
        (_, _, true) => "T02",
        (_, _, false) => "T01",
    }
}

impl<'b> Out<'_, 'b> {
    pub(super) fn is_document(&self) -> bool {
        crate::message::code_and_structure(&self.event).0 == "MDM"
    }

    /// Findings that a document names beside its content.
    pub(super) fn findings(&self) -> Vec<&'b Observation> {
        if !self.is_document() {
            return Vec::new();
        }
        let documents = self.back.all::<DocumentReference>();
        let related = documents.flat_map(|one| one.context.iter().flat_map(|context| &context.related));
        related.filter_map(|one| self.back.resolve(Some(one))).collect()
    }

    /// TXA, the content and the findings of the patient's documents.
    pub(super) fn documents(&mut self, patient: Option<&'b Patient>) {
        if !self.is_document() {
            return;
        }
        let documents = self.of(patient, |one: &DocumentReference| one.subject.as_ref());
        // A message is about one document.
        let Some(document) = documents.into_iter().find(|one| !provenance::is_original(one)) else {
            return;
        };
        let mut segment = SegmentWriter::new("TXA");
        txa::TXA.write(document, &mut segment, self.back);
        segment.set(1, "1");
        self.segments.push(segment);
        let mut number = 0;
        for content in document.content.iter().flat_map(txa::split_lines) {
            let mut segment = SegmentWriter::new("OBX");
            txa::CONTENT.write(&content, &mut segment, self.back);
            if !segment.is_empty() {
                number += 1;
            }
            self.push_numbered(segment, number);
        }
        let related = document.context.iter().flat_map(|context| &context.related);
        let findings: Vec<&'b Observation> = related.filter_map(|one| self.back.resolve(Some(one))).collect();
        self.observations_from(number + 1, &findings);
    }
}
