//! What may be written here and what is refused: bare created resources, versions by If-Match, 422 for what is not known.

use fhir::Resource;
use http::header::HeaderName;
use rest::{Reply, Request};
use serde_json::Value;

use super::items::{find, item_id, item_version};
use super::{access, key, not_found, refused};
use crate::access::{Asker, Lens, View};
use crate::act::{Plan, Planner, transact};
use crate::action::ActError;
use crate::epr::Shared;
use crate::face::{
    Hit, Reading, Stop, allergy, condition, document, mixes, observation, reference_id, subject,
};
use crate::state::Change;
use crate::state::item::Item;

/// The members that a body of each type may have beside `resourceType`; any other is refused.
const WRITABLE: &[(&str, &[&str])] = &[
    (
        "AllergyIntolerance",
        &[
            "id",
            "meta",
            "text",
            "clinicalStatus",
            "verificationStatus",
            "type",
            "category",
            "criticality",
            "code",
            "patient",
            "encounter",
            "onsetDateTime",
            "recordedDate",
            "recorder",
            "asserter",
            "note",
            "reaction",
        ],
    ),
    (
        "Condition",
        &[
            "id",
            "meta",
            "text",
            "clinicalStatus",
            "verificationStatus",
            "category",
            "code",
            "subject",
            "encounter",
            "onsetDateTime",
            "abatementDateTime",
            "recordedDate",
            "asserter",
            "note",
        ],
    ),
    (
        "Observation",
        &[
            "text",
            "status",
            "category",
            "code",
            "subject",
            "encounter",
            "effectiveDateTime",
            "issued",
            "performer",
            "valueQuantity",
            "valueCodeableConcept",
            "valueString",
            "interpretation",
            "note",
            "referenceRange",
        ],
    ),
    (
        "DocumentReference",
        &[
            "text",
            "identifier",
            "status",
            "docStatus",
            "type",
            "category",
            "subject",
            "date",
            "author",
            "content",
            "context",
            "description",
        ],
    ),
];

const OWN_SYSTEMS: &str = "https://fhir.cerner.com/";

pub(super) async fn create(shared: &Shared, asker: &Asker, request: &Request, resource_type: &str) -> Reply {
    let Some(writable) = writable(resource_type) else {
        return read_only();
    };
    let body = match body(request, writable) {
        Ok(body) => body,
        Err(refusal) => return *refusal,
    };
    let lens = access::lens(shared, asker, "write");
    let told = transact::<Stop>(shared, |planner| plan(&planner, &lens, &body, None)).await;
    let told = match told {
        Ok(told) => told,
        Err(stop) => return stopped(stop),
    };
    let inner = shared.lock();
    let made = match told.applied.items.first().and_then(|key| inner.state.item(*key)) {
        Some((_, item)) => Some((item_id(item), item_version(item))),
        None => told
            .applied
            .reports
            .first()
            .and_then(|key| inner.state.observation(*key, 0))
            .map(|seen| (super::shape::observation_id(&seen), 1)),
    };
    drop(inner);
    let Some((id, version)) = made else {
        return not_found();
    };
    let version = if resource_type == "AllergyIntolerance" {
        version
    } else {
        1
    };
    bare(201, version, request).location(&format!("{}/{resource_type}/{id}", request.base))
}

pub(super) async fn update(
    shared: &Shared,
    asker: &Asker,
    request: &Request,
    resource_type: &str,
    id: &str,
) -> Reply {
    if !matches!(resource_type, "AllergyIntolerance" | "Condition") {
        return read_only();
    }
    let Some(writable) = writable(resource_type) else {
        return read_only();
    };
    let body = match body(request, writable) {
        Ok(body) => body,
        Err(refusal) => return *refusal,
    };
    let lens = access::lens(shared, asker, "write");
    let told = transact::<Stop>(shared, |planner| {
        let held = match find(View::new(planner.state(), &lens), resource_type, id) {
            Some(Hit::Item(_, item)) => item.clone(),
            _ => return Err(Box::new(not_found()).into()),
        };
        let Some(expected) = request.if_match() else {
            let text = "If-Match is needed to update";
            return Err(Box::new(refused(412, "conflict", "Precondition Failed", text)).into());
        };
        if expected != item_version(&held).to_string() {
            let text = "the resource has changed since; read it again";
            return Err(Box::new(refused(409, "conflict", "Conflict", text)).into());
        }
        plan(&planner, &lens, &body, Some(&held))
    })
    .await;
    match told {
        Ok(told) => {
            let inner = shared.lock();
            let item = told.applied.items.first().and_then(|key| inner.state.item(*key));
            let version = item.map_or(1, |(_, item)| item_version(item));
            drop(inner);
            bare(200, version, request)
        }
        Err(stop) => stopped(stop),
    }
}

fn writable(resource_type: &str) -> Option<&'static [&'static str]> {
    let (_, members) = WRITABLE.iter().find(|(known, _)| *known == resource_type)?;
    Some(members)
}

fn read_only() -> Reply {
    refused(
        405,
        "not-supported",
        "Method Not Allowed",
        "this resource is read only here",
    )
}

/// Written things come back without a body.
fn bare(status: u16, version: u64, request: &Request) -> Reply {
    Reply::empty(status)
        .etag(&version.to_string())
        .header(HeaderName::from_static("opc-request-id"), &request.request_id)
}

fn unprocessable(code: &str, text: &str) -> Box<Reply> {
    Box::new(refused(422, code, "Unprocessable Entity", text))
}

/// The body, once the product's own rules have been put to it.
fn body(request: &Request, writable: &[&str]) -> Result<Resource, Box<Reply>> {
    let resource = request.resource()?;
    let json: Value = request
        .interaction
        .body()
        .and_then(|body| serde_json::from_slice(body).ok())
        .unwrap_or_default();
    let Some(members) = json.as_object() else {
        return Err(unprocessable("structure", "the body is no resource"));
    };
    if members.contains_key("implicitRules") {
        return Err(unprocessable("not-supported", "implicitRules"));
    }
    if members.contains_key("modifierExtension") {
        return Err(unprocessable("extension", "modifierExtension"));
    }
    let foreign = members
        .keys()
        .find(|name| *name != "resourceType" && !writable.contains(&name.as_str()));
    if let Some(name) = foreign {
        return Err(unprocessable(
            "business-rule",
            &format!("{name}: this element cannot be written here"),
        ));
    }
    if mixes(&json, OWN_SYSTEMS) {
        let text = "coding: proprietary and standard codes in one list";
        return Err(unprocessable("business-rule", text));
    }
    Ok(resource)
}

fn plan(planner: &Planner<'_>, lens: &Lens, body: &Resource, held: Option<&Item>) -> Result<Plan, Stop> {
    let state = View::new(planner.state(), lens);
    let person = subject(body)
        .and_then(|reference| reference_id("Patient", reference))
        .and_then(key)
        .and_then(|key| state.person(key))
        .filter(|person| person.merged_into.is_none())
        .ok_or_else(|| unprocessable("business-rule", "no such patient"))?;
    let own = |system: &str, code: &str| {
        system
            .starts_with(OWN_SYSTEMS)
            .then(|| (format!("CD:{code}"), String::new()))
    };
    let encounter = |reference: &str| {
        let id = reference_id("Encounter", reference).and_then(key)?;
        state
            .encounter(id)
            .filter(|(owner, _)| owner.key == person.key)
            .map(|_| id)
    };
    let reading = Reading {
        own: &own,
        encounter: &encounter,
    };
    let fault = |(place, problem): (&'static str, &'static str)| {
        Stop::from(unprocessable("business-rule", &format!("{place}: {problem}")))
    };
    let item = match body {
        Resource::AllergyIntolerance(body) => {
            let verification = body
                .verification_status
                .as_ref()
                .and_then(|held| held.coding.first());
            let verification = verification.and_then(|coding| coding.code.as_deref());
            if held.is_none() && matches!(verification, Some("refuted" | "entered-in-error")) {
                let text = "verificationStatus: refuted and entered-in-error cannot be created";
                return Err(unprocessable("business-rule", text).into());
            }
            allergy(body, &reading).map_err(fault)?
        }
        Resource::Condition(body) => condition(body, &reading).map_err(fault)?,
        Resource::DocumentReference(body) => {
            if body.status.as_deref() != Some("current") || body.doc_status.as_deref() != Some("final") {
                let text = "status and docStatus: only current and final";
                return Err(unprocessable("business-rule", text).into());
            }
            let mut item = document(body, &reading).map_err(fault)?;
            item.placer = planner.next_number(person, item.kind);
            item
        }
        Resource::Observation(body) => {
            let category = body
                .category
                .iter()
                .flat_map(|one| &one.coding)
                .find_map(|coding| coding.code.as_deref());
            let vital = match category {
                Some("vital-signs") => true,
                Some("laboratory") => false,
                _ => {
                    let text = "category: only vital-signs and laboratory can be written";
                    return Err(unprocessable("business-rule", text).into());
                }
            };
            if !matches!(body.status.as_deref(), Some("final" | "amended" | "corrected")) {
                return Err(unprocessable("business-rule", "status: final, amended or corrected").into());
            }
            if vital && body.performer.is_empty() {
                return Err(unprocessable("required", "performer: vital signs need one").into());
            }
            let report = observation(body, vital, &planner.now, &reading).map_err(fault)?;
            let change = planner.change(person, None)?;
            return Ok(Plan {
                told_by: ("ORU", "R01"),
                change: Change {
                    reports: vec![report],
                    owner: lens.owner(),
                    ..change
                },
                ..Plan::default()
            });
        }
        _ => return Err(Box::new(read_only()).into()),
    };
    let item = match held {
        Some(held) => Item {
            key: held.key,
            placer: held.placer.clone(),
            ..item
        },
        None => item,
    };
    let mut plan = planner.noting(person, item, None)?;
    plan.change.owner = lens.owner();
    Ok(plan)
}

fn stopped(stop: Stop) -> Reply {
    match stop {
        Stop::Reply(reply) => *reply,
        Stop::Act(ActError::Frozen | ActError::NotRecorded | ActError::Closed) => refused(
            503,
            "transient",
            "Service Unavailable",
            "the record takes no changes now",
        ),
        Stop::Act(error) => refused(422, "business-rule", "Unprocessable Entity", &error.to_string()),
    }
}
