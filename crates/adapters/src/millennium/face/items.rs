//! Allergies, conditions, reports, documents, orders and appointments of this product: ids, searches, shapes.

use fhir::{Binary, CodeableConcept, DiagnosticReport, Identifier, Resource};
use rest::Reply;

use super::shape::{meta, narrative, observation_id, proprietary, standard};
use super::{Found, Query, bad, codes, key, refused};
use crate::access::View;
use crate::face::{
    Dress, Hit, Picked, Unfit, coding, concept, date_time, instant, item_kind, pick, relative, resource,
    text, uri, v2_code,
};
use crate::state::Seen;
use crate::state::item::{Item, ItemKind};
use crate::state::person::{Coded, Person};
use crate::state::report::Report;

/// What a search of a type needs, how many it gives, and whether it has pages.
struct Rule {
    resource_type: &'static str,
    needs: &'static [&'static str],
    count: (usize, usize),
    paged: bool,
}

const RULES: &[Rule] = &[
    rule("AllergyIntolerance", &["_id", "patient"], (ALL, ALL), false),
    rule("Condition", &["_id", "patient", "subject"], (ALL, ALL), false),
    rule(
        "DiagnosticReport",
        &["_id", "patient", "subject", "encounter"],
        (10, 100),
        true,
    ),
    rule(
        "DocumentReference",
        &["_id", "patient", "subject", "encounter"],
        (10, 100),
        true,
    ),
    rule("ServiceRequest", &["_id", "patient", "subject"], (50, 100), true),
    rule("Appointment", &["_id", "patient"], (50, 100), true),
    rule("ChargeItem", &["_id", "patient", "subject"], (50, 100), true),
];

/// Where there are no pages everything comes at once.
const ALL: usize = usize::MAX;

const fn rule(
    resource_type: &'static str,
    needs: &'static [&'static str],
    count: (usize, usize),
    paged: bool,
) -> Rule {
    Rule {
        resource_type,
        needs,
        count,
        paged,
    }
}

pub(super) fn is_served(resource_type: &str) -> bool {
    RULES.iter().any(|rule| rule.resource_type == resource_type)
}

/// Parameters that say where to look, or how to show it, rather than what to find.
const BESIDES: &[&str] = &[
    "_id",
    "patient",
    "subject",
    "_count",
    "_revinclude",
    "-pageContext",
    "-pageDirection",
];

pub(super) fn search(state: View<'_>, query: &Query<'_>) -> Found {
    let Some(rule) = RULES
        .iter()
        .find(|rule| rule.resource_type == query.resource_type)
    else {
        return Err(Box::new(super::not_found()));
    };
    query.needs_one_of(rule.needs)?;
    let kind = rule.resource_type;
    if kind == "Appointment"
        && query.value("_id").is_none()
        && query.value("date").is_none()
        && query.value("-date-or-req-period").is_none()
    {
        let text = "date or -date-or-req-period is needed";
        return Err(Box::new(refused(400, "invalid", "Bad Request", text)));
    }
    let catalogue = format!("codeSet/{}", codes::CATALOGUE);
    if kind == "ServiceRequest" && query.values("code").any(|code| !code.contains(&catalogue)) {
        let text = "code: only with the system of the order catalogue";
        return Err(Box::new(refused(400, "invalid", "Bad Request", text)));
    }
    let count = if rule.paged {
        query.count(rule.count.0, rule.count.1)?
    } else {
        ALL
    };
    let mut hits: Vec<Hit<'_>> = if query.value("_id").is_some() {
        query
            .values("_id")
            .filter_map(|id| find(state, kind, id))
            .collect()
    } else if let Some(people) = query.subject() {
        people
            .into_iter()
            .flat_map(|person| state.hits_of(kind, person))
            .collect()
    } else {
        let encounters = query
            .values("encounter")
            .filter_map(|id| state.encounter(key(id.rsplit('/').next().unwrap_or_default())?));
        encounters
            .flat_map(|(person, _)| state.hits_of(kind, person.key))
            .collect()
    };
    let mut criteria: Vec<_> = query
        .asked
        .iter()
        .filter(|parameter| !BESIDES.contains(&parameter.name.as_str()))
        .filter(|parameter| parameter.values.iter().any(|value| !value.is_empty()))
        // What this type does not have says nothing.
        .filter(|parameter| super::served::is_parameter(kind, &parameter.name))
        .collect();
    if kind == "Condition"
        && let Some(encounter) = query.value("encounter")
    {
        // That encounter's diagnoses, and the person's problems whatever they came in for.
        let encounter = key(encounter.rsplit('/').next().unwrap_or_default());
        hits.retain(|hit| match hit {
            Hit::Item(_, item) => item.category != "diagnosis" || item.encounter == encounter,
            _ => false,
        });
        criteria.retain(|parameter| parameter.name != "encounter");
    }
    let shape = |hit| shape(hit, state);
    let picked = pick(hits, &criteria, query.base, shape).map_err(|(unfit, name)| match unfit {
        Unfit::Bad | Unfit::Unknown => bad(&name),
    })?;
    query.bundle(picked, count, |picked| match picked {
        Picked::Plain(hit) => shape(hit),
        Picked::Shaped(resource) => *resource,
    })
}

/// What has that id and is of that type.
pub(super) fn find<'s>(state: View<'s>, resource_type: &str, id: &str) -> Option<Hit<'s>> {
    match resource_type {
        "DiagnosticReport" => {
            let report = state.report(key(id)?).filter(|report| report.is_diagnostic())?;
            Some(Hit::Report(state.person(state.survivor(report.person))?, report))
        }
        _ => {
            let number = match resource_type {
                "Condition" => id.strip_prefix(['p', 'd'])?,
                "Binary" => id.strip_prefix("XR-")?,
                _ => id,
            };
            let (person, item) = state.item(key(number)?)?;
            let wanted = match resource_type {
                "Binary" => ItemKind::Document,
                other => item_kind(other)?,
            };
            (item.kind == wanted && (resource_type == "Binary" || item_id(item) == id))
                .then_some(Hit::Item(person, item))
        }
    }
}

/// The id in the shape of its type.
pub(super) fn item_id(item: &Item) -> String {
    match (item.kind, item.category.as_str()) {
        (ItemKind::Problem, "diagnosis") => format!("d{}", item.key),
        (ItemKind::Problem, _) => format!("p{}", item.key),
        _ => item.key.to_string(),
    }
}

/// The version a tag shows; an allergy's is a large number.
fn version(hit: Hit<'_>) -> u64 {
    match hit {
        Hit::Item(_, item) => item_version(item),
        Hit::Report(_, report) => u64::from(report.version),
        Hit::Visit(_, visit) => u64::from(visit.version),
        Hit::Seen(seen) => u64::from(seen.report.version),
        Hit::Person(person) => u64::from(person.version),
    }
}

pub(super) fn item_version(item: &Item) -> u64 {
    if item.kind == ItemKind::Allergy {
        u64::from(item.key) * 100 + u64::from(item.version)
    } else {
        u64::from(item.version)
    }
}

pub(super) fn shape(hit: Hit<'_>, state: View<'_>) -> Resource {
    match hit {
        Hit::Item(person, item) => of_item(person, item, state),
        Hit::Report(person, report) => of_report(person, report, state).into(),
        Hit::Seen(seen) => super::shape::observation(&seen).into(),
        Hit::Visit(person, visit) => super::shape::encounter(person, visit).into(),
        Hit::Person(person) => super::shape::patient(person).into(),
    }
}

/// A document's bytes.
fn binary(item: &Item) -> Resource {
    let content = item.content.as_deref();
    Binary {
        id: text(&format!("XR-{}", item.key)),
        content_type: content.map(|held| held.media_type.clone()),
        data: content.map(|held| held.data.as_str().into()),
        ..Binary::default()
    }
    .into()
}

fn name_of(person: &Person) -> String {
    person
        .name()
        .map(|name| format!("{}, {}", name.family, name.given))
        .unwrap_or_default()
}

fn of_item(person: &Person, item: &Item, state: View<'_>) -> Resource {
    let set = match item.kind {
        ItemKind::Order => codes::CATALOGUE,
        ItemKind::Booking => codes::APPOINTMENT_TYPE,
        _ => codes::EVENT,
    };
    let resource_type = match item.kind {
        ItemKind::Allergy => "AllergyIntolerance",
        ItemKind::Problem => "Condition",
        ItemKind::Order => "ServiceRequest",
        ItemKind::Booking => "Appointment",
        ItemKind::Document => "DocumentReference",
        ItemKind::Charge => "ChargeItem",
    };
    resource(
        item,
        Dress {
            id: item_id(item),
            meta: meta(item.version, item.updated_ms),
            narrative: narrative(resource_type, person),
            patient: relative("Patient", &person.key.to_string(), &name_of(person)),
            encounter: visit(item.encounter, state),
            place: text(&item.place).map(display),
            by: item.by.as_ref().map(|by| {
                display(if by.family.is_empty() {
                    by.id.clone()
                } else {
                    by.family.clone()
                })
            }),
            content_url: format!("Binary/XR-{}", item.key),
            code: &|own| code(set, own),
            category: &category,
            number: &|item| numbers(item),
        },
    )
}

/// The visit something belongs to, when that is seen too.
fn visit(key: Option<u32>, state: View<'_>) -> Option<fhir::Reference> {
    let (_, visit) = state.encounter(key?)?;
    Some(relative("Encounter", &visit.key.to_string(), ""))
}

fn display(words: crate::state::Text) -> fhir::Reference {
    fhir::Reference {
        display: Some(words),
        ..fhir::Reference::default()
    }
}

/// A code of a system the world knows, and the product's own number for it.
fn code(set: u16, own: &Coded) -> CodeableConcept {
    let words = if own.text.is_empty() { &own.code } else { &own.text };
    let name = if own.code.is_empty() { &own.text } else { &own.code };
    let mut codings = vec![proprietary(set, codes::number_for(set, name), words)];
    if let Some(system) = uri(&own.system) {
        codings.push(standard(coding(system, &own.code, &own.text)));
    }
    concept(codings, words)
}

fn category(resource_type: &str, word: &str) -> CodeableConcept {
    let system = match (resource_type, word) {
        ("Condition", _) => "http://terminology.hl7.org/CodeSystem/condition-category",
        ("DocumentReference", _) => {
            "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
        }
        ("ServiceRequest", "imaging") => {
            return concept(
                vec![coding("http://snomed.info/sct", "363679005", "Imaging")],
                "Imaging",
            );
        }
        ("ServiceRequest", _) => {
            let laboratory = coding("http://snomed.info/sct", "108252007", "Laboratory procedure");
            return concept(vec![laboratory], "Laboratory procedure");
        }
        _ => "http://terminology.hl7.org/CodeSystem/service-category",
    };
    concept(vec![coding(system, word, "")], word)
}

fn numbers(item: &Item) -> Vec<Identifier> {
    let one = |value: &str, code: &str, words: &str| {
        text(value).map(|value| Identifier {
            type_: Some(concept(vec![standard(v2_code("0203", code, words))], words)),
            value: Some(value),
            ..Identifier::default()
        })
    };
    one(&item.placer, "PLAC", "Placer Identifier")
        .into_iter()
        .chain(one(&item.filler, "FILL", "Filler Identifier"))
        .collect()
}

fn of_report(person: &Person, report: &Report, state: View<'_>) -> DiagnosticReport {
    let seen = report
        .observations
        .iter()
        .enumerate()
        .map(|(place, observation)| Seen {
            person,
            report,
            place,
            observation,
        });
    let section = if report.section == "RAD" { "RAD" } else { "LAB" };
    DiagnosticReport {
        id: text(&report.key.to_string()),
        meta: meta(report.version, report.updated_ms),
        text: narrative("DiagnosticReport", person),
        identifier: text(&report.filler)
            .map(|value| Identifier {
                type_: Some(concept(
                    vec![standard(v2_code("0203", "FILL", "Filler Identifier"))],
                    "",
                )),
                value: Some(value),
                ..Identifier::default()
            })
            .into_iter()
            .collect(),
        status: text(match report.status.as_str() {
            "C" => "corrected",
            "P" | "I" | "R" => "preliminary",
            "X" => "cancelled",
            "D" | "W" => "entered-in-error",
            _ => "final",
        }),
        category: vec![concept(vec![standard(v2_code("0074", section, ""))], section)],
        code: Some(code(codes::EVENT, &report.service)),
        subject: Some(relative("Patient", &person.key.to_string(), &name_of(person))),
        encounter: visit(report.encounter, state),
        effective_date_time: report.observed.as_deref().and_then(date_time),
        issued: report.issued.as_deref().and_then(instant),
        result: seen
            .filter(|seen| seen.observation.said.value_type != "ED")
            .map(|seen| relative("Observation", &observation_id(&seen), ""))
            .collect(),
        ..DiagnosticReport::default()
    }
}

/// A read of bytes: the document itself is what was found.
pub(super) fn as_read(resource_type: &str, hit: Hit<'_>, state: View<'_>) -> Reply {
    let found = match hit {
        Hit::Item(_, item) if resource_type == "Binary" => binary(item),
        hit => shape(hit, state),
    };
    Reply::resource(200, found).etag(&version(hit).to_string())
}
