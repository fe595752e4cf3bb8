//! What may be created or updated here, and the product's codes for what may not.

use fhir::Resource;
use rest::{Reply, Request};

use super::items::{find, item_id};
use super::outcome::{self, Code};
use super::{glass, key, shape};
use crate::act::{Plan, Planner, transact};
use crate::action::ActError;
use crate::epic::id::{self, Kind, opaque};
use crate::epr::Shared;
use crate::face::{
    Hit, Reading, Stop, allergy, condition, document, observation, patient, reference_id, request as order,
    subject,
};
use crate::intake::read::nhs_digits;
use crate::state::Change;
use crate::state::item::{Item, ItemKind};
use crate::state::person::{Alias, Role};
use crate::vendor::Codes;

/// The types that take a create, and those that take an update.
const CREATES: &[&str] = &[
    "AllergyIntolerance",
    "Condition",
    "DocumentReference",
    "Observation",
    "Patient",
    "ServiceRequest",
];
const UPDATES: &[&str] = &["ServiceRequest"];

/// Vital signs that are mapped to a flowsheet row, by LOINC code.
const VITALS: &[&str] = &[
    "85354-9", "8867-4", "9279-1", "8310-5", "59408-5", "2708-6", "29463-7", "8302-2",
];

pub(super) async fn create(shared: &Shared, request: &Request, resource_type: &str) -> Reply {
    if !CREATES.contains(&resource_type) {
        return not_here();
    }
    let body = match body(request) {
        Ok(body) => body,
        Err(refusal) => return *refusal,
    };
    let told = transact::<Stop>(shared, |planner| match &body {
        Resource::Patient(held) => register(&planner, held),
        body => plan(&planner, body, None),
    })
    .await;
    let told = match told {
        Ok(told) => told,
        Err(stop) => return stopped(stop),
    };
    let inner = shared.lock();
    let seed = inner.state.seed();
    let applied = &told.applied;
    let item = applied.items.first().and_then(|key| inner.state.item(*key));
    let seen = applied
        .reports
        .first()
        .and_then(|key| inner.state.observation(*key, 0));
    let id = match (item, seen) {
        (Some((_, item)), _) => item_id(seed, item),
        (None, Some(seen)) => opaque(seed, Kind::Observation, shape::observation_key(&seen)),
        (None, None) => shape::patient_id(seed, applied.person),
    };
    drop(inner);
    Reply::empty(201).location(&format!("{}/{resource_type}/{id}", request.base))
}

/// No versions here: the last writer wins.
pub(super) async fn update(shared: &Shared, request: &Request, resource_type: &str, id: &str) -> Reply {
    if !UPDATES.contains(&resource_type) {
        return not_here();
    }
    let body = match body(request) {
        Ok(body) => body,
        Err(refusal) => return *refusal,
    };
    let told = transact::<Stop>(shared, |planner| match find(planner.state(), resource_type, id) {
        Some(Hit::Item(_, item)) => {
            let held = item.clone();
            plan(&planner, &body, Some(&held))
        }
        _ => Err(Box::new(outcome::bad_id()).into()),
    })
    .await;
    match told {
        Ok(_) => Reply::empty(200),
        Err(stop) => stopped(stop),
    }
}

fn not_here() -> Reply {
    outcome::refused(405, &[outcome::issue(Code::NotSupported, "")])
}

fn refusal(code: Code, more: &str) -> Box<Reply> {
    Box::new(outcome::refused(400, &[outcome::issue(code, more)]))
}

fn body(request: &Request) -> Result<Resource, Box<Reply>> {
    let bytes = request.interaction.body().map_or(&[][..], |body| body);
    let resource = Resource::from_slice(bytes).map_err(|error| {
        let (line, column) = error.line_and_column(bytes);
        refusal(
            Code::BadBody,
            &format!("{} at line {line}, column {column}", error.fault()),
        )
    })?;
    if request.interaction.resource_type() != Some(resource.resource_type()) {
        return Err(refusal(
            Code::BadBody,
            "resourceType: not the type in the address",
        ));
    }
    Ok(resource)
}

fn plan(planner: &Planner<'_>, body: &Resource, held: Option<&Item>) -> Result<Plan, Stop> {
    let state = planner.state();
    let Some(reference) = subject(body) else {
        return Err(refusal(Code::ContentMissing, "the patient").into());
    };
    let person = reference_id("Patient", reference)
        .and_then(|id| key(state, Kind::Patient, id))
        .and_then(|key| state.person(key))
        .filter(|person| person.merged_into.is_none())
        .ok_or_else(|| refusal(Code::UnknownReference, "patient"))?;
    glass::opens(planner.shared, [person])?;
    let encounter = |reference: &str| {
        let id = reference_id("Encounter", reference)?;
        let key = u32::try_from(id::key(state.seed(), Kind::Encounter, id)?).ok()?;
        state
            .encounter(key)
            .filter(|(owner, _)| owner.key == person.key)
            .map(|_| key)
    };
    let reading = Reading {
        own: &|_, _| None,
        encounter: &encounter,
    };
    let item = match body {
        Resource::AllergyIntolerance(body) => {
            let item = allergy(body, &reading).map_err(fault)?;
            let known = person
                .items(ItemKind::Allergy)
                .any(|known| known.status != "error" && known.means(&item.code));
            if known {
                return Err(refusal(Code::Duplicate, "code").into());
            }
            item
        }
        Resource::Condition(body) => condition(body, &reading).map_err(fault)?,
        Resource::ServiceRequest(body) => {
            let mut item = order(body, &reading).map_err(fault)?;
            if held.is_none() {
                item.placer = planner.next_number(person, ItemKind::Order);
            }
            item
        }
        Resource::DocumentReference(body) => {
            let mut item = document(body, &reading).map_err(fault)?;
            item.placer = planner.next_number(person, ItemKind::Document);
            item
        }
        Resource::Observation(body) => {
            let codes = body.code.iter().flat_map(|code| &code.coding);
            let mapped = codes
                .filter_map(|coding| coding.code.as_deref())
                .any(|code| VITALS.contains(&code));
            if !mapped {
                return Err(refusal(Code::ElementInvalid, "code: no flowsheet row is mapped to it").into());
            }
            let report = observation(body, true, &planner.now, &reading).map_err(fault)?;
            let change = planner.change(person, None)?;
            return Ok(Plan {
                told_by: ("ORU", "R01"),
                change: Change {
                    reports: vec![report],
                    ..change
                },
                ..Plan::default()
            });
        }
        _ => return Err(Box::new(not_here()).into()),
    };
    let item = match held {
        Some(held) => Item {
            key: held.key,
            placer: held.placer.clone(),
            ..item
        },
        None => item,
    };
    Ok(planner.noting(person, item, None)?)
}

/// A new person, unless the index knows one like it.
fn register(planner: &Planner<'_>, held: &fhir::Patient) -> Result<Plan, Stop> {
    let state = planner.state();
    let codes = &planner.shared.profile.codes;
    let sex = |gender: &str| Codes::own(codes.sex, gender);
    let demographics = patient(held, &sex).map_err(fault)?;
    if demographics.names.value().is_none() {
        return Err(refusal(Code::ContentMissing, "name").into());
    }
    let birth = demographics.birth.value().cloned();
    if birth.is_none() {
        return Err(refusal(Code::ContentMissing, "birthDate").into());
    }
    let nhs = held.identifier.iter().find_map(|one| {
        let nhs = one
            .system
            .as_deref()
            .is_some_and(|system| system.ends_with("nhs-number"));
        nhs_digits(one.value.as_deref().filter(|_| nhs)?)
    });
    let mut aliases: Vec<Alias> = Vec::new();
    if let Some(digits) = nhs {
        let live = hl7v2::nhs::NhsNumber::parse(&digits)
            .is_some_and(|number| !planner.shared.ranges.contain(number));
        if live {
            return Err(refusal(
                Code::ElementInvalid,
                "identifier: outside the NHS numbers kept for tests",
            )
            .into());
        }
        aliases.push(Alias::nhs(&digits, codes.nhs.0, codes.nhs.1));
    }
    if state.known_by(&aliases, birth.as_deref()).is_some() {
        return Err(refusal(Code::Duplicate, "identifier").into());
    }
    aliases.insert(
        0,
        Alias {
            value: state.next_mrn(codes.mrn_digits),
            authority: codes.mrn.0.into(),
            kind: codes.mrn.1.into(),
            role: Role::Mrn,
        },
    );
    let now = crate::state::Text::from(planner.now.as_str());
    Ok(Plan::adt(
        "A28",
        planner.stored(Change {
            at: now.clone(),
            recorded: now,
            aliases,
            demographics,
            ..Change::default()
        }),
    ))
}

fn fault((place, problem): (&'static str, &'static str)) -> Stop {
    let code = match (place, problem) {
        ("encounter", _) => Code::UnknownReference,
        (_, "is required") => Code::ContentMissing,
        _ => Code::ElementInvalid,
    };
    refusal(code, &format!("{place}: {problem}")).into()
}

fn stopped(stop: Stop) -> Reply {
    match stop {
        Stop::Reply(reply) => *reply,
        Stop::Act(ActError::Frozen | ActError::NotRecorded | ActError::Closed) => outcome::refused(
            503,
            &[outcome::issue(Code::NotFiled, "the record takes no changes now")],
        ),
        Stop::Act(error) => *refusal(Code::BadDemographics, &error.to_string()),
    }
}
