//! Allergies, conditions, reports, documents, orders and appointments of this product: ids, searches, shapes.

use fhir::{Binary, CodeableConcept, DiagnosticReport, Identifier, Reference, Resource};

use super::outcome::{self, Code};
use super::shape::{CATEGORIES, named_oid, observation_key, oid, patient_id};
use super::{Found, Query, bad_value, glass, id, key};
use crate::epic::id::{Kind, opaque};
use crate::face::{
    Dress, Hit, Picked, Unfit, coding, concept, date_time, hits_of, instant, item_kind, pick, reference_id,
    relative, resource, text, uri,
};
use crate::state::item::{Item, ItemKind};
use crate::state::person::{Coded, Person};
use crate::state::report::Report;
use crate::state::{Seen, State};

/// Parameters that say where to look, or how to show it, rather than what to find.
const BESIDES: &[&str] = &[
    "_id",
    "patient",
    "subject",
    "_count",
    "_summary",
    "_include",
    "_revinclude",
    super::PAGE,
];

/// What an id of a type names.
pub(super) fn id_kind(resource_type: &str) -> Option<Kind> {
    Some(match resource_type {
        "AllergyIntolerance" => Kind::Allergy,
        "Condition" => Kind::Condition,
        "ServiceRequest" => Kind::Request,
        "Appointment" => Kind::Appointment,
        "DocumentReference" => Kind::Document,
        "Binary" => Kind::Binary,
        "DiagnosticReport" => Kind::Report,
        _ => return None,
    })
}

pub(super) fn find<'s>(state: &'s State, resource_type: &str, id: &str) -> Option<Hit<'s>> {
    let key = key(state, id_kind(resource_type)?, id)?;
    if resource_type == "DiagnosticReport" {
        let report = state.report(key).filter(|report| report.is_diagnostic())?;
        return Some(Hit::Report(state.person(state.survivor(report.person))?, report));
    }
    let (person, item) = state.item(key)?;
    let wanted = match resource_type {
        "Binary" => ItemKind::Document,
        other => item_kind(other)?,
    };
    (item.kind == wanted).then_some(Hit::Item(person, item))
}

pub(super) fn read(state: &State, resource_type: &str, id: &str) -> Option<Resource> {
    let hit = find(state, resource_type, id)?;
    Some(match hit {
        Hit::Item(_, item) if resource_type == "Binary" => binary(item, id),
        hit => shape(state, hit),
    })
}

fn binary(item: &Item, id: &str) -> Resource {
    let content = item.content.as_deref();
    Binary {
        id: text(id),
        content_type: content.map(|held| held.media_type.clone()),
        data: content.map(|held| held.data.as_str().into()),
        ..Binary::default()
    }
    .into()
}

pub(super) fn search(state: &State, query: &Query<'_>) -> Found {
    let kind = query.resource_type;
    let seed = state.seed();
    let hits: Vec<Hit<'_>> = if query.has("_id") {
        // With _id nothing else counts.
        query
            .values("_id")
            .filter_map(|id| find(state, kind, id))
            .collect()
    } else {
        let Some(people) = query.subject(state)? else {
            let issue = outcome::issue(Code::RequiredMissing, "patient or _id is needed");
            return Err(Box::new(outcome::refused(400, &[issue])));
        };
        people
            .into_iter()
            .flat_map(|person| hits_of(state, kind, person))
            .collect()
    };
    glass::opens(query.shared, hits.iter().map(|hit| hit.person()))?;
    let encounters: Vec<_> = query
        .values("encounter")
        .filter_map(|value| id::key(seed, Kind::Encounter, reference_id("Encounter", value)?))
        .collect();
    let criteria: Vec<_> = query
        .asked
        .iter()
        .filter(|parameter| !query.has("_id") && !BESIDES.contains(&parameter.name.as_str()))
        .filter(|parameter| parameter.values.iter().any(|value| !value.is_empty()))
        .filter(|parameter| super::unknown(query).all(|name| name != parameter.name))
        .collect();
    if query.has("encounter") && encounters.is_empty() && !query.has("_id") {
        return Err(bad_value("encounter"));
    }
    let picked =
        pick(hits, &criteria, query.base, |hit| shape(state, hit)).map_err(|(unfit, name)| match unfit {
            Unfit::Bad | Unfit::Unknown => bad_value(&name),
        })?;
    query.bundle(picked, |picked| match picked {
        Picked::Plain(hit) => shape(state, hit),
        Picked::Shaped(resource) => *resource,
    })
}

pub(super) fn shape(state: &State, hit: Hit<'_>) -> Resource {
    let seed = state.seed();
    match hit {
        Hit::Item(person, item) => of_item(seed, person, item),
        Hit::Report(person, report) => of_report(seed, person, report).into(),
        Hit::Seen(seen) => super::shape::observation(seed, &seen).into(),
        Hit::Visit(person, visit) => super::shape::encounter(seed, person, visit).into(),
        Hit::Person(person) => super::shape::patient(seed, person).into(),
    }
}

pub(super) fn item_id(seed: u64, item: &Item) -> String {
    let kind = match item.kind {
        ItemKind::Allergy => Kind::Allergy,
        ItemKind::Problem => Kind::Condition,
        ItemKind::Order => Kind::Request,
        ItemKind::Booking => Kind::Appointment,
        ItemKind::Document => Kind::Document,
        ItemKind::Charge => Kind::Charge,
    };
    opaque(seed, kind, u64::from(item.key))
}

fn of_item(seed: u64, person: &Person, item: &Item) -> Resource {
    resource(
        item,
        Dress {
            id: item_id(seed, item),
            meta: None,
            narrative: None,
            patient: patient_of(seed, person),
            encounter: item
                .encounter
                .map(|key| relative("Encounter", &opaque(seed, Kind::Encounter, u64::from(key)), "")),
            place: text(&item.place).map(|words| named("Location", words)),
            by: item.by.as_ref().map(|by| {
                named(
                    "Practitioner",
                    if by.family.is_empty() {
                        by.id.clone()
                    } else {
                        by.family.clone()
                    },
                )
            }),
            content_url: format!("Binary/{}", opaque(seed, Kind::Binary, u64::from(item.key))),
            code: &code,
            category: &category,
            number: &|item| numbers(item),
        },
    )
}

fn patient_of(seed: u64, person: &Person) -> Reference {
    let name = person
        .name()
        .map(|name| format!("{}, {}", name.family, name.given))
        .unwrap_or_default();
    relative("Patient", &patient_id(seed, person.key), &name)
}

fn named(kind: &str, words: crate::state::Text) -> Reference {
    Reference {
        type_: text(kind),
        display: Some(words),
        ..Reference::default()
    }
}

/// The code of a system the world knows, where there is one, and the installation's own.
fn code(own: &Coded) -> CodeableConcept {
    let words = if own.text.is_empty() { &own.code } else { &own.text };
    let dictionary = if own.system.is_empty() {
        "LOCAL"
    } else {
        &own.system
    };
    let name = if own.code.is_empty() { &own.text } else { &own.code };
    let record = 1_000_000 + crate::seed::hash(0, &[name.as_bytes()]) % 1_000_000;
    let known = uri(&own.system).map(|system| coding(system, &own.code, words));
    let local = known
        .is_none()
        .then(|| coding(&named_oid(dictionary), name, words));
    let codings =
        known
            .into_iter()
            .chain(local)
            .chain([coding(&oid("2.7.2.696580"), &record.to_string(), words)]);
    concept(codings.collect(), words)
}

fn category(resource_type: &str, word: &str) -> CodeableConcept {
    let (system, code, display, number) = match (resource_type, word) {
        ("Condition", "encounter-diagnosis") => (CONDITIONS, word, "Encounter Diagnosis", "3"),
        ("Condition", _) => (CONDITIONS, word, "Problem List Item", "1"),
        ("ServiceRequest", "imaging") => (SNOMED, "363679005", "Imaging", "2"),
        ("ServiceRequest", _) => (SNOMED, "108252007", "Laboratory procedure", "1"),
        ("DocumentReference", _) => (NOTES, word, "Clinical Note", "1"),
        _ => (SERVICES, word, "appointment", "1"),
    };
    let own = coding(&oid("7.10.798268.30370"), number, display);
    concept(vec![coding(system, code, display), own], display)
}

const CONDITIONS: &str = "http://terminology.hl7.org/CodeSystem/condition-category";
const SNOMED: &str = "http://snomed.info/sct";
const NOTES: &str = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category";
const SERVICES: &str = "http://open.epic.com/FHIR/StructureDefinition/appointment-service-category";

fn numbers(item: &Item) -> Vec<Identifier> {
    let one = |value: &str, list: &str| {
        text(value).map(|value| Identifier {
            use_: text("usual"),
            system: text(&oid(list)),
            value: Some(value),
            ..Identifier::default()
        })
    };
    let list = match item.kind {
        ItemKind::Booking => "2.7.3.698084.8",
        _ => "2.7.2.798268",
    };
    one(&item.placer, list)
        .into_iter()
        .chain(one(&item.filler, "2.7.3.798268.800"))
        .collect()
}

fn of_report(seed: u64, person: &Person, report: &Report) -> DiagnosticReport {
    let observations = report
        .observations
        .iter()
        .enumerate()
        .filter(|(_, held)| held.said.value_type != "ED");
    let result = observations.map(|(place, observation)| {
        let seen = Seen {
            person,
            report,
            place,
            observation,
        };
        relative(
            "Observation",
            &opaque(seed, Kind::Observation, observation_key(&seen)),
            "",
        )
    });
    let order = person
        .items(ItemKind::Order)
        .find(|order| !order.placer.is_empty() && order.placer == report.placer);
    DiagnosticReport {
        id: text(&opaque(seed, Kind::Report, u64::from(report.key))),
        identifier: text(&report.filler)
            .map(|value| Identifier {
                use_: text("official"),
                system: text(&oid("2.7.2.798268")),
                value: Some(value),
                ..Identifier::default()
            })
            .into_iter()
            .collect(),
        based_on: order
            .map(|order| relative("ServiceRequest", &item_id(seed, order), ""))
            .into_iter()
            .collect(),
        status: text(match report.status.as_str() {
            "C" => "corrected",
            "P" | "I" | "R" => "preliminary",
            "X" => "cancelled",
            "D" | "W" => "entered-in-error",
            _ => "final",
        }),
        category: vec![concept(
            vec![
                coding(CATEGORIES, "laboratory", "Laboratory"),
                coding(&oid("7.10.798268.30370"), "1", "Lab"),
            ],
            "Lab",
        )],
        code: Some(code(&report.service)),
        subject: Some(patient_of(seed, person)),
        encounter: report
            .encounter
            .map(|key| relative("Encounter", &opaque(seed, Kind::Encounter, u64::from(key)), "")),
        effective_date_time: report.observed.as_deref().and_then(date_time),
        issued: report.issued.as_deref().and_then(instant),
        result: result.collect(),
        ..DiagnosticReport::default()
    }
}
