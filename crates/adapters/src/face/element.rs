//! What a search parameter looks at: elements of a resource as it is shown, so that a search finds what a read shows.
//!
//! The definitions are FHIR's own (R4), the same for every vendor. People are searched through the record's
//! indexes instead, and so are not here.

use fhir::{CodeableConcept, Coding, DateTime, Identifier, Instant, Period, Reference, Resource};

/// One value of an element.
pub(crate) enum Element<'r> {
    Token(Option<&'r str>, Option<&'r str>),
    Text(&'r str),
    /// A date or time as FHIR writes it.
    Time(&'r str),
    Span(Option<&'r str>, Option<&'r str>),
    Reference(&'r str),
}

type Values<'r> = Vec<Element<'r>>;

/// The values of that parameter in a resource; `None` when this type has no such parameter here.
pub(crate) fn values<'r>(resource: &'r Resource, name: &str) -> Option<Values<'r>> {
    if name == "_lastUpdated" {
        let updated = resource.meta().and_then(|meta| meta.last_updated.as_ref());
        return Some(updated.map(instant).into_iter().collect());
    }
    if name == "_id" {
        return Some(
            resource
                .id()
                .map(|id| Element::Token(None, Some(id)))
                .into_iter()
                .collect(),
        );
    }
    match resource {
        Resource::Encounter(held) => encounter(held, name),
        Resource::Observation(held) => observation(held, name),
        Resource::DiagnosticReport(held) => report(held, name),
        Resource::AllergyIntolerance(held) => allergy(held, name),
        Resource::Condition(held) => condition(held, name),
        Resource::ServiceRequest(held) => request(held, name),
        Resource::Appointment(held) => appointment(held, name),
        Resource::DocumentReference(held) => document(held, name),
        Resource::ChargeItem(held) => charge(held, name),
        Resource::Location(held) => location(held, name),
        Resource::Organization(held) => organization(held, name),
        _ => None,
    }
}

fn encounter<'r>(held: &'r fhir::Encounter, name: &str) -> Option<Values<'r>> {
    Some(match name {
        "patient" | "subject" => reference(held.subject.as_ref()),
        "identifier" => identifiers(&held.identifier),
        "account" => Vec::new(),
        "status" => code(held.status.as_deref()),
        "class" => held.class.as_ref().map(token).into_iter().collect(),
        "type" => concepts(&held.type_),
        "date" => period(held.period.as_ref()),
        "location" => held
            .location
            .iter()
            .flat_map(|at| reference(at.location.as_ref()))
            .collect(),
        _ => return None,
    })
}

fn observation<'r>(held: &'r fhir::Observation, name: &str) -> Option<Values<'r>> {
    Some(match name {
        "patient" | "subject" => reference(held.subject.as_ref()),
        "encounter" => reference(held.encounter.as_ref()),
        "category" => concepts(&held.category),
        "code" => concept(held.code.as_ref()),
        "status" => code(held.status.as_deref()),
        "date" => time(held.effective_date_time.as_ref()),
        "issued" => held.issued.as_ref().map(instant).into_iter().collect(),
        "based-on" => held.based_on.iter().flat_map(|to| reference(Some(to))).collect(),
        "focus" => held.focus.iter().flat_map(|to| reference(Some(to))).collect(),
        _ => return None,
    })
}

fn report<'r>(held: &'r fhir::DiagnosticReport, name: &str) -> Option<Values<'r>> {
    Some(match name {
        "patient" | "subject" => reference(held.subject.as_ref()),
        "encounter" => reference(held.encounter.as_ref()),
        "identifier" => identifiers(&held.identifier),
        "category" => concepts(&held.category),
        "code" => concept(held.code.as_ref()),
        "status" => code(held.status.as_deref()),
        "date" => time(held.effective_date_time.as_ref()),
        "issued" => held.issued.as_ref().map(instant).into_iter().collect(),
        _ => return None,
    })
}

fn allergy<'r>(held: &'r fhir::AllergyIntolerance, name: &str) -> Option<Values<'r>> {
    Some(match name {
        "patient" => reference(held.patient.as_ref()),
        "clinical-status" => concept(held.clinical_status.as_ref()),
        "verification-status" => concept(held.verification_status.as_ref()),
        "criticality" => code(held.criticality.as_deref()),
        "code" => concept(held.code.as_ref()),
        "category" => held.category.iter().flat_map(|one| code(Some(one))).collect(),
        "date" => time(held.recorded_date.as_ref()),
        _ => return None,
    })
}

fn condition<'r>(held: &'r fhir::Condition, name: &str) -> Option<Values<'r>> {
    Some(match name {
        "patient" | "subject" => reference(held.subject.as_ref()),
        "encounter" => reference(held.encounter.as_ref()),
        "clinical-status" => concept(held.clinical_status.as_ref()),
        "category" => concepts(&held.category),
        "code" => concept(held.code.as_ref()),
        "onset-date" => time(held.onset_date_time.as_ref()),
        "recorded-date" => time(held.recorded_date.as_ref()),
        _ => return None,
    })
}

fn request<'r>(held: &'r fhir::ServiceRequest, name: &str) -> Option<Values<'r>> {
    Some(match name {
        "patient" | "subject" => reference(held.subject.as_ref()),
        "encounter" => reference(held.encounter.as_ref()),
        "identifier" => identifiers(&held.identifier),
        "authored" => time(held.authored_on.as_ref()),
        "occurrence" => time(held.occurrence_date_time.as_ref()),
        "category" => concepts(&held.category),
        "code" => concept(held.code.as_ref()),
        "status" => code(held.status.as_deref()),
        "intent" => code(held.intent.as_deref()),
        "requester" => reference(held.requester.as_ref()),
        _ => return None,
    })
}

fn appointment<'r>(held: &'r fhir::Appointment, name: &str) -> Option<Values<'r>> {
    let actors = |kind: &str| -> Values<'r> {
        held.participant
            .iter()
            .filter_map(|one| one.actor.as_ref()?.reference.as_deref())
            .filter(|actor| actor.split('/').next() == Some(kind))
            .map(Element::Reference)
            .collect()
    };
    Some(match name {
        "patient" => actors("Patient"),
        "practitioner" => actors("Practitioner"),
        "location" => actors("Location"),
        "identifier" => identifiers(&held.identifier),
        "status" => code(held.status.as_deref()),
        "service-category" => concepts(&held.service_category),
        "service-type" => concepts(&held.service_type),
        "date" => held.start.as_ref().map(instant).into_iter().collect(),
        // Booked ones by their start, asked-for ones by the time asked for.
        "-date-or-req-period" => match &held.start {
            Some(start) => vec![instant(start)],
            None => held
                .requested_period
                .iter()
                .flat_map(|asked| period(Some(asked)))
                .collect(),
        },
        _ => return None,
    })
}

fn document<'r>(held: &'r fhir::DocumentReference, name: &str) -> Option<Values<'r>> {
    let context = held.context.as_ref();
    Some(match name {
        "patient" | "subject" => reference(held.subject.as_ref()),
        "encounter" => context
            .into_iter()
            .flat_map(|context| &context.encounter)
            .flat_map(|to| reference(Some(to)))
            .collect(),
        "identifier" => identifiers(&held.identifier),
        "type" => concept(held.type_.as_ref()),
        "category" => concepts(&held.category),
        "status" => code(held.status.as_deref()),
        "docstatus" | "doc-status" => code(held.doc_status.as_deref()),
        "date" => held.date.as_ref().map(instant).into_iter().collect(),
        "period" => period(context.and_then(|context| context.period.as_ref())),
        "author" => held.author.iter().flat_map(|to| reference(Some(to))).collect(),
        _ => return None,
    })
}

fn charge<'r>(held: &'r fhir::ChargeItem, name: &str) -> Option<Values<'r>> {
    Some(match name {
        "patient" | "subject" => reference(held.subject.as_ref()),
        "context" => reference(held.context.as_ref()),
        "code" => concept(held.code.as_ref()),
        "entered-date" => time(held.entered_date.as_ref()),
        "occurrence" => time(held.occurrence_date_time.as_ref()),
        _ => return None,
    })
}

fn location<'r>(held: &'r fhir::Location, name: &str) -> Option<Values<'r>> {
    Some(match name {
        "name" => held.name.as_deref().map(Element::Text).into_iter().collect(),
        "type" => concepts(&held.type_),
        "-physicalType" => concept(held.physical_type.as_ref()),
        "organization" => reference(held.managing_organization.as_ref()),
        "partof" => reference(held.part_of.as_ref()),
        "identifier" => identifiers(&held.identifier),
        _ => return None,
    })
}

fn organization<'r>(held: &'r fhir::Organization, name: &str) -> Option<Values<'r>> {
    Some(match name {
        "name" => held.name.as_deref().map(Element::Text).into_iter().collect(),
        "type" => concepts(&held.type_),
        "identifier" => identifiers(&held.identifier),
        _ => return None,
    })
}

fn token(coding: &Coding) -> Element<'_> {
    Element::Token(coding.system.as_deref(), coding.code.as_deref())
}

fn code(code: Option<&str>) -> Values<'_> {
    code.map(|code| Element::Token(None, Some(code)))
        .into_iter()
        .collect()
}

fn concept(held: Option<&CodeableConcept>) -> Values<'_> {
    held.into_iter()
        .flat_map(|held| &held.coding)
        .map(token)
        .collect()
}

fn concepts(held: &[CodeableConcept]) -> Values<'_> {
    held.iter().flat_map(|held| &held.coding).map(token).collect()
}

fn identifiers(held: &[Identifier]) -> Values<'_> {
    held.iter()
        .map(|held| Element::Token(held.system.as_deref(), held.value.as_deref()))
        .collect()
}

fn reference(held: Option<&Reference>) -> Values<'_> {
    held.and_then(|held| held.reference.as_deref())
        .map(Element::Reference)
        .into_iter()
        .collect()
}

fn instant(held: &Instant) -> Element<'_> {
    Element::Time(held.as_str())
}

fn time(held: Option<&DateTime>) -> Values<'_> {
    held.map(|held| Element::Time(held.as_str()))
        .into_iter()
        .collect()
}

fn period(held: Option<&Period>) -> Values<'_> {
    held.map(|held| {
        Element::Span(
            held.start.as_ref().map(DateTime::as_str),
            held.end.as_ref().map(DateTime::as_str),
        )
    })
    .into_iter()
    .collect()
}
