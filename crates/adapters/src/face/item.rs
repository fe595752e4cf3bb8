//! Items as resources: what is the same for every vendor. A [`Dress`] says how this one names and codes things.

use fhir::{
    AllergyIntolerance, AllergyIntoleranceReaction, Annotation, Appointment, AppointmentParticipant,
    Attachment, ChargeItem, ChargeItemPerformer, CodeableConcept, Condition, Decimal, DocumentReference,
    DocumentReferenceContent, DocumentReferenceContext, Identifier, Meta, Narrative, Period, Quantity,
    Reference, Resource, ServiceRequest,
};

use super::{coding, concept, date_time, instant, text};
use crate::state::Text;
use crate::state::item::{Item, ItemKind};
use crate::state::person::Coded;

/// How a vendor names and codes one item.
pub(crate) struct Dress<'d> {
    pub id: String,
    pub meta: Option<Meta>,
    pub narrative: Option<Box<Narrative>>,
    pub patient: Reference,
    pub encounter: Option<Reference>,
    /// The clinic, the bed.
    pub place: Option<Reference>,
    /// Who asked, wrote, or sees the patient.
    pub by: Option<Reference>,
    /// Where the bytes of a document are read.
    pub content_url: String,
    pub code: &'d dyn Fn(&Coded) -> CodeableConcept,
    /// The vendor's own category beside HL7's: resource type and word.
    pub category: &'d dyn Fn(&str, &str) -> CodeableConcept,
    pub number: &'d dyn Fn(&Item) -> Vec<Identifier>,
}

pub(crate) fn resource(item: &Item, dress: Dress<'_>) -> Resource {
    match item.kind {
        ItemKind::Allergy => allergy(item, dress).into(),
        ItemKind::Problem => condition(item, dress).into(),
        ItemKind::Order => request(item, dress).into(),
        ItemKind::Booking => appointment(item, dress).into(),
        ItemKind::Document => document(item, dress).into(),
        ItemKind::Charge => charge(item, dress).into(),
    }
}

const CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
const VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";
const CONDITION_CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/condition-clinical";
const CONDITION_VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/condition-ver-status";

fn one(system: &str, code: &str, display: &str) -> CodeableConcept {
    concept(vec![coding(system, code, display)], display)
}

/// `active` and `Active`.
fn titled(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// An entry made in error has no clinical status: FHIR forbids both.
fn clinical(system: &str, item: &Item) -> Option<CodeableConcept> {
    (item.status != "error").then(|| one(system, &item.status, &titled(&item.status)))
}

fn verification(system: &str, item: &Item) -> Option<CodeableConcept> {
    Some(if item.status == "error" {
        one(system, "entered-in-error", "Entered in Error")
    } else {
        one(system, "confirmed", "Confirmed")
    })
}

fn notes(item: &Item) -> Vec<Annotation> {
    text(&item.note)
        .map(|words| Annotation {
            text: Some(words),
            ..Annotation::default()
        })
        .into_iter()
        .collect()
}

fn allergy(item: &Item, dress: Dress<'_>) -> AllergyIntolerance {
    let reaction = AllergyIntoleranceReaction {
        manifestation: item.reactions.iter().map(|own| (dress.code)(own)).collect(),
        ..AllergyIntoleranceReaction::default()
    };
    AllergyIntolerance {
        id: text(&dress.id),
        meta: dress.meta,
        text: dress.narrative,
        clinical_status: clinical(CLINICAL, item),
        verification_status: verification(VERIFICATION, item),
        type_: text("allergy"),
        category: text(match item.category.as_str() {
            "drug" => "medication",
            other => other,
        })
        .into_iter()
        .collect(),
        criticality: text(&item.severity),
        code: Some((dress.code)(&item.code)),
        patient: Some(dress.patient),
        encounter: dress.encounter,
        onset_date_time: item.start.as_deref().and_then(date_time),
        recorded_date: item.recorded.as_deref().and_then(date_time),
        recorder: dress.by,
        note: notes(item),
        reaction: if item.reactions.is_empty() {
            Vec::new()
        } else {
            vec![reaction]
        },
        ..AllergyIntolerance::default()
    }
}

fn condition(item: &Item, dress: Dress<'_>) -> Condition {
    let category = if item.category == "diagnosis" {
        "encounter-diagnosis"
    } else {
        "problem-list-item"
    };
    Condition {
        id: text(&dress.id),
        meta: dress.meta,
        text: dress.narrative,
        clinical_status: clinical(CONDITION_CLINICAL, item),
        verification_status: verification(CONDITION_VERIFICATION, item),
        category: vec![(dress.category)("Condition", category)],
        code: Some((dress.code)(&item.code)),
        subject: Some(dress.patient),
        encounter: dress.encounter,
        onset_date_time: item.start.as_deref().and_then(date_time),
        abatement_date_time: item.end.as_deref().and_then(date_time),
        recorded_date: item.recorded.as_deref().and_then(date_time),
        recorder: dress.by,
        note: notes(item),
        ..Condition::default()
    }
}

fn request(item: &Item, dress: Dress<'_>) -> ServiceRequest {
    let category = if item.category.is_empty() {
        "laboratory"
    } else {
        &item.category
    };
    ServiceRequest {
        id: text(&dress.id),
        meta: dress.meta,
        text: dress.narrative,
        identifier: (dress.number)(item),
        status: text(match item.status.as_str() {
            "completed" => "completed",
            "cancelled" => "revoked",
            "on-hold" => "on-hold",
            "error" => "entered-in-error",
            _ => "active",
        }),
        intent: text("order"),
        category: vec![(dress.category)("ServiceRequest", category)],
        priority: text(match item.severity.as_str() {
            "S" | "STAT" | "stat" => "stat",
            "A" | "asap" => "asap",
            "U" | "urgent" => "urgent",
            _ => "routine",
        }),
        code: Some((dress.code)(&item.code)),
        subject: Some(dress.patient),
        encounter: dress.encounter,
        occurrence_date_time: item.start.as_deref().and_then(date_time),
        authored_on: item.recorded.as_deref().and_then(date_time),
        requester: dress.by,
        note: notes(item),
        ..ServiceRequest::default()
    }
}

fn appointment(item: &Item, dress: Dress<'_>) -> Appointment {
    let status = match item.status.as_str() {
        "arrived" => "arrived",
        "completed" => "fulfilled",
        "cancelled" => "cancelled",
        "noshow" => "noshow",
        "proposed" => "proposed",
        "error" => "entered-in-error",
        _ => "booked",
    };
    let accepts = match item.status.as_str() {
        "cancelled" => "declined",
        "proposed" => "needs-action",
        _ => "accepted",
    };
    let actor = |who: Reference| AppointmentParticipant {
        actor: Some(who),
        required: text("required"),
        status: text(accepts),
        ..AppointmentParticipant::default()
    };
    Appointment {
        id: text(&dress.id),
        meta: dress.meta,
        text: dress.narrative,
        identifier: (dress.number)(item),
        status: text(status),
        cancelation_reason: (status == "cancelled")
            .then(|| text(&item.note))
            .flatten()
            .map(|words| concept(Vec::new(), &words)),
        service_category: vec![(dress.category)("Appointment", "appointment")],
        service_type: vec![(dress.code)(&item.code)],
        reason_code: text(&item.note)
            .filter(|_| status != "cancelled")
            .map(|words| concept(Vec::new(), &words))
            .into_iter()
            .collect(),
        start: item.start.as_deref().and_then(instant),
        end: item.end.as_deref().and_then(instant),
        minutes_duration: minutes(item),
        created: item.recorded.as_deref().and_then(date_time),
        participant: std::iter::once(dress.patient)
            .chain(dress.by)
            .chain(dress.place)
            .map(actor)
            .collect(),
        ..Appointment::default()
    }
}

fn minutes(item: &Item) -> Option<u32> {
    let point =
        |time: &Option<Text>| -> Option<jiff::Timestamp> { instant(time.as_deref()?)?.as_str().parse().ok() };
    let seconds = point(&item.end)?.duration_since(point(&item.start)?).as_secs();
    u32::try_from(seconds / 60).ok()
}

fn document(item: &Item, dress: Dress<'_>) -> DocumentReference {
    let content = item.content.as_deref();
    let size = content.and_then(|held| u32::try_from(bytes(&held.data)).ok());
    DocumentReference {
        id: text(&dress.id),
        meta: dress.meta,
        text: dress.narrative,
        identifier: (dress.number)(item),
        status: text(if item.status == "error" {
            "entered-in-error"
        } else {
            "current"
        }),
        doc_status: text(match item.status.as_str() {
            "error" => "entered-in-error",
            "preliminary" => "preliminary",
            _ => "final",
        }),
        type_: Some((dress.code)(&item.code)),
        category: vec![(dress.category)("DocumentReference", "clinical-note")],
        subject: Some(dress.patient),
        date: item.recorded.as_deref().and_then(instant),
        author: dress.by.into_iter().collect(),
        content: vec![DocumentReferenceContent {
            attachment: Some(Box::new(Attachment {
                content_type: content.and_then(|held| text(&held.media_type)),
                url: text(&dress.content_url),
                size,
                title: content.and_then(|held| text(&held.title)),
                creation: item.start.as_deref().and_then(date_time),
                ..Attachment::default()
            })),
            ..DocumentReferenceContent::default()
        }],
        context: Some(DocumentReferenceContext {
            encounter: dress.encounter.into_iter().collect(),
            period: item.start.as_deref().and_then(date_time).map(|start| Period {
                start: Some(start.clone()),
                end: Some(start),
                ..Period::default()
            }),
            ..DocumentReferenceContext::default()
        }),
        ..DocumentReference::default()
    }
}

/// A credit counts against the charges.
fn charge(item: &Item, dress: Dress<'_>) -> ChargeItem {
    let number = |digits: &str| Decimal::new(digits).ok();
    ChargeItem {
        id: text(&dress.id),
        meta: dress.meta,
        text: dress.narrative,
        identifier: (dress.number)(item),
        status: text(if item.status == "error" {
            "entered-in-error"
        } else {
            &item.status
        }),
        code: Some((dress.code)(&item.code)),
        subject: Some(dress.patient),
        context: dress.encounter,
        occurrence_date_time: item.start.as_deref().and_then(date_time),
        performer: dress
            .by
            .map(|actor| ChargeItemPerformer {
                actor: Some(actor),
                ..ChargeItemPerformer::default()
            })
            .into_iter()
            .collect(),
        quantity: number(&item.severity).map(|value| Quantity {
            value: Some(value),
            ..Quantity::default()
        }),
        factor_override: (item.category == "credit").then(|| number("-1")).flatten(),
        entered_date: item.recorded.as_deref().and_then(date_time),
        ..ChargeItem::default()
    }
}

/// How many bytes base64 stands for.
fn bytes(data: &str) -> usize {
    let padding = data.bytes().rev().take_while(|byte| *byte == b'=').count();
    (data.len() / 4 * 3).saturating_sub(padding)
}
