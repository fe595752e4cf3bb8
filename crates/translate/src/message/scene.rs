//! The resources that are open while a message is read, and the pass that opens and closes them.

use fhir::{Bundle, Encounter, MessageHeader, Patient, Reference};
use hl7v2::{Message, Segment};
use uuid::Uuid;

use crate::context::Context;
use crate::entries::{Boxed, Ticket, reference};
use crate::keep;
use crate::note::Note;
use crate::segment::{msh, pid};

/// A resource whose segments still come.
pub(crate) struct Open<R> {
    ticket: Ticket,
    id: Uuid,
    pub(crate) resource: Box<R>,
}

impl<R: Boxed> Open<R> {
    pub(crate) fn new(id: Uuid, resource: Box<R>, cx: &mut Context<'_>) -> Self {
        Self {
            ticket: cx.entries.reserve(id),
            id,
            resource,
        }
    }

    pub(crate) fn reference(&self) -> Reference {
        reference(self.id)
    }

    pub(crate) fn close(self, cx: &mut Context<'_>) {
        cx.entries.fill(self.ticket, self.resource.into_resource());
    }
}

/// What is open.
#[derive(Default)]
pub(crate) struct Scene {
    pub(crate) header: Box<MessageHeader>,
    pub(crate) bundle: Bundle,
    pub(crate) patient: Option<Open<Patient>>,
    pub(crate) encounter: Option<Open<Encounter>>,
}

type Handler = for<'a> fn(Segment<'a>, &mut Scene, &mut Context<'a>);

/// The segments that have a map.
fn handler(id: &[u8; 3]) -> Option<Handler> {
    Some(match id {
        b"MSH" => on_msh,
        b"PID" => on_pid,
        _ => return None,
    })
}

/// Reads every segment of a message.
pub(crate) fn read<'a>(message: &'a Message<'a>, cx: &mut Context<'a>) -> Scene {
    let mut scene = Scene::default();
    for segment in message.segments() {
        match handler(segment.id().as_bytes()) {
            Some(read) => read(segment, &mut scene, cx),
            None => on_other(segment, &mut scene, cx),
        }
    }
    scene.close_patient(cx);
    scene
}

impl Scene {
    fn close_patient(&mut self, cx: &mut Context<'_>) {
        if let Some(open) = self.encounter.take() {
            open.close(cx);
        }
        if let Some(open) = self.patient.take() {
            open.close(cx);
        }
    }
}

fn on_msh<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    msh::HEADER.read(segment, &mut scene.header, cx);
    msh::BUNDLE.read(segment, &mut scene.bundle, cx);
}

fn on_pid<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    scene.close_patient(cx);
    let mut patient = Box::<Patient>::default();
    pid::PID.read(segment, &mut patient, cx);
    let id = match pid::id(&patient, cx) {
        Some(id) => id,
        None => {
            cx.note(Note::warning(
                Some(segment.location()),
                "no-identifier",
                "the patient has no identifier",
            ));
            let control = scene
                .bundle
                .identifier
                .as_ref()
                .and_then(|id| id.value.clone())
                .unwrap_or_default();
            cx.entries.unique_id("Patient", &["control-id", &control])
        }
    };
    scene.patient = Some(Open::new(id, patient, cx));
}

/// A segment without a map travels on the MessageHeader.
fn on_other<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    cx.enter(crate::ledger::Rule::default(), "");
    scene.header.extension.extend(keep::read_segment(segment, cx));
}
