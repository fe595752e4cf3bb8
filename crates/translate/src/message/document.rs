//! A document: TXA opens it, the OBX behind it hold its content.

use fhir::{DocumentReference, DocumentReferenceContext, Reference};
use hl7v2::Segment;

use super::scene::{Open, Scene, on_other};
use crate::context::Context;
use crate::segment::txa;

/// The document that is open.
#[derive(Default)]
pub(crate) struct Document {
    open: Option<Open<DocumentReference>>,
    /// The orders of the message so far.
    orders: Vec<Reference>,
}

impl Document {
    /// True between TXA and the end of the message.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// An order that the document may report on.
    pub(crate) fn ordered(&mut self, order: Reference) {
        self.orders.push(order);
    }

    pub(crate) fn on_txa<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
        if scene.document.is_open() {
            // A message is about one document.
            return on_other(segment, scene, cx);
        }
        scene.close_order(cx);
        let mut document = Box::<DocumentReference>::default();
        txa::TXA.read(segment, &mut document, cx);
        document.subject = scene.subject();
        let related = std::mem::take(&mut scene.document.orders);
        let encounter: Vec<Reference> = scene.visit().into_iter().collect();
        if !related.is_empty() || !encounter.is_empty() {
            document.context = Some(DocumentReferenceContext {
                encounter,
                related,
                ..DocumentReferenceContext::default()
            });
        }
        let number = document.master_identifier.as_ref();
        let text = |text: Option<&fhir::Text>| text.cloned().unwrap_or_default();
        let value = text(number.and_then(|one| one.value.as_ref()));
        let system = text(number.and_then(|one| one.system.as_ref()));
        let value = if value.is_empty() {
            scene.control_id.clone()
        } else {
            value.to_string()
        };
        let id = cx.entries.unique_id(
            "DocumentReference",
            &["document", &scene.patient_key(), &system, &value],
        );
        let open = Open::new(id, document, cx);
        scene.focus.push(open.reference());
        scene.document.open = Some(open);
    }

    /// True when the OBX was a part of the document.
    pub(crate) fn on_obx<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) -> bool {
        let Some(open) = scene.document.open.as_mut().filter(|_| txa::is_content(segment)) else {
            return false;
        };
        let mut content = fhir::DocumentReferenceContent::default();
        txa::CONTENT.read(segment, &mut content, cx);
        let contents = &mut open.resource.content;
        let joined = contents
            .last_mut()
            .is_some_and(|last| txa::join_line(last, &content));
        if !joined {
            txa::settle(&mut content);
            contents.push(content);
        }
        true
    }

    /// A finding that stands beside the content.
    pub(crate) fn relate(&mut self, finding: Reference) {
        if let Some(open) = &mut self.open {
            let context = open.resource.context.get_or_insert_default();
            context.related.push(finding);
        }
    }

    /// Puts the document into the Bundle.
    pub(crate) fn close(self, cx: &mut Context<'_>) {
        if let Some(mut open) = self.open {
            txa::complete(&mut open.resource, cx);
            open.close(cx);
        }
    }
}
