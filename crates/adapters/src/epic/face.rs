//! The FHIR R4 face: opaque ids, XML unless JSON is asked for, error codes of its own, an outcome in every empty search.
//!
//! Which searches are refused and how is here; what a resource looks like is in [`shape`] and [`items`], what may
//! be written in [`write`], and how people are matched in [`matching`].

mod access;
mod export;
mod glass;
mod items;
mod matching;
mod outcome;
mod served;
mod shape;
mod write;

use std::sync::Arc;

use fhir::Resource;
use rest::searchset::{SearchSet, search_url};
use rest::{Format, Interaction, Parameter, Reply, Request, Service, Wanted};

use self::outcome::Code;
use self::served::{SERVED, capabilities};
use super::id::{self, Kind};
use crate::epr::Shared;
use crate::face::{Fit, Page, Span, Turn, date_criterion, page_of, people_criterion, reference_id};
use crate::state::person::Person;
use crate::state::{People, Seen, State, Text, Visits};

const BASE: &str = "/epic/api/FHIR/R4";
const PAGE: &str = "sessionID";
const PATIENTS_MAX: usize = 100;
/// The most a search says it has found.
const TOTAL_MAX: usize = 1_000;

pub(super) use self::access::admits;

pub(super) fn router(shared: Arc<Shared>) -> axum::Router {
    rest::router(Arc::new(Face(shared.clone())), BASE)
        .merge(access::token_endpoint(shared.clone()))
        .merge(export::desk(shared))
}

struct Face(Arc<Shared>);

impl Service for Face {
    async fn respond(&self, request: Request) -> Reply {
        let known = |name: &str| SERVED.iter().any(|served| served.resource_type == name);
        if request
            .interaction
            .resource_type()
            .is_some_and(|name| !known(name))
        {
            return html_not_found();
        }
        match &request.interaction {
            Interaction::Capabilities => Reply::resource(200, self.capabilities(&request.base)),
            Interaction::SmartConfiguration => access::smart_configuration(&self.0, &request.base),
            Interaction::Read { resource_type, id } => self.read(&request.base, resource_type, id),
            Interaction::Search {
                resource_type,
                parameters,
            } if !resource_type.is_empty() => self
                .search(&request, resource_type, parameters)
                .unwrap_or_else(|refusal| *refusal),
            Interaction::Create { resource_type, .. } => {
                write::create(&self.0, &request, resource_type).await
            }
            Interaction::Update {
                resource_type, id, ..
            } if !id.is_empty() => write::update(&self.0, &request, resource_type, id).await,
            Interaction::Operation {
                resource_type: Some(kind),
                id: None,
                name,
                ..
            } if kind == "Patient" && name == "match" => matching::people(&self.0, &request),
            Interaction::Operation {
                resource_type: Some(kind),
                id: Some(id),
                name,
                ..
            } if kind == "Group" && name == "export" => export::kick_off(&self.0, &request, id),
            Interaction::Search { .. } | Interaction::Operation { .. } | Interaction::Transaction { .. } => {
                html_not_found()
            }
            _ => outcome::refused(405, &[outcome::issue(Code::NotSupported, "")]),
        }
    }

    fn turn_away(&self, method: &http::Method, path: &str, headers: &http::HeaderMap) -> Option<Reply> {
        access::turn_away(&self.0, method, path, headers)
    }

    fn forbid(&self, interaction: &Interaction, headers: &http::HeaderMap) -> Option<Reply> {
        access::forbid(&self.0, interaction, headers)
    }

    fn negotiate(&self, wanted: Wanted) -> Result<Format, Box<Reply>> {
        Ok(match wanted {
            Wanted::Format(format) => format,
            Wanted::Anything | Wanted::Unknown if self.0.choices.get("default-format") == "json" => {
                Format::Json
            }
            Wanted::Anything | Wanted::Unknown => Format::Xml,
        })
    }

    fn unknown_path(&self, _method: &http::Method, _path: &str) -> Reply {
        html_not_found()
    }
}

/// What answers when a path falls out of the FHIR layer.
fn html_not_found() -> Reply {
    let page = "<!DOCTYPE html><html><head><title>404 - File or directory not found.</title></head>\
                <body><h1>Server Error</h1><h2>404 - File or directory not found.</h2></body></html>";
    Reply::raw(404, "text/html", page)
}

type Found = Result<Reply, Box<Reply>>;

impl Face {
    fn capabilities(&self, base: &str) -> fhir::CapabilityStatement {
        let mut statement = capabilities(base, self.0.access.is_some());
        let seed = self.0.lock().state.seed();
        for resource in statement.rest.iter_mut().flat_map(|rest| &mut rest.resource) {
            if resource.type_.as_deref() == Some("Group") {
                resource.documentation = Some(export::told(seed).into());
            }
        }
        statement
    }

    fn read(&self, base: &str, resource_type: &str, id: &str) -> Reply {
        let inner = self.0.lock();
        let state = &inner.state;
        if let Err(refusal) = glass::opens(&self.0, owner(state, resource_type, id)) {
            return *refusal;
        }
        let resource = match resource_type {
            "Patient" => match key(state, Kind::Patient, id).and_then(|key| state.person(key)) {
                Some(person) if person.merged_into.is_some() => {
                    let survivor = shape::patient_id(state.seed(), state.survivor(person.key));
                    return outcome::merged(&format!("{base}/Patient/{survivor}"));
                }
                found => found.map(|person| Resource::from(shape::patient(state.seed(), person))),
            },
            "Encounter" => key(state, Kind::Encounter, id)
                .and_then(|key| state.encounter(key))
                .map(|(person, encounter)| shape::encounter(state.seed(), person, encounter).into()),
            "Observation" => {
                observation(state, id).map(|seen| shape::observation(state.seed(), &seen).into())
            }
            other => items::read(state, other, id),
        };
        drop(inner);
        match resource {
            Some(resource) => Reply::resource(200, resource),
            None => outcome::bad_id(),
        }
    }

    fn search(&self, request: &Request, resource_type: &str, parameters: &[(String, String)]) -> Found {
        let asked: Vec<Parameter> = request.parameters();
        let query = Query {
            shared: &self.0,
            base: &request.base,
            resource_type,
            parameters,
            asked: &asked,
        };
        let inner = self.0.lock();
        match resource_type {
            "Patient" => patients(&inner.state, &query),
            "Encounter" => encounters(&inner.state, &query),
            "Observation" => observations(&inner.state, &query),
            _ => items::search(&inner.state, &query),
        }
    }
}

/// Whose chart a resource is in.
fn owner<'s>(state: &'s State, resource_type: &str, id: &str) -> Option<&'s Person> {
    match resource_type {
        "Patient" => state.person(key(state, Kind::Patient, id)?),
        "Encounter" => Some(state.encounter(key(state, Kind::Encounter, id)?)?.0),
        "Observation" => Some(observation(state, id)?.person),
        other => Some(items::find(state, other, id)?.person()),
    }
}

/// One search as it was asked.
struct Query<'q> {
    shared: &'q Shared,
    base: &'q str,
    resource_type: &'q str,
    parameters: &'q [(String, String)],
    asked: &'q [Parameter],
}

impl Query<'_> {
    fn named<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Parameter> {
        self.asked.iter().filter(move |parameter| parameter.name == name)
    }

    fn values<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s String> {
        self.named(name)
            .flat_map(|parameter| &parameter.values)
            .filter(|value| !value.is_empty())
    }

    fn value<'s>(&'s self, name: &'s str) -> Option<&'s str> {
        self.values(name).next().map(String::as_str)
    }

    fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    fn spans(&self, name: &str) -> Result<Vec<Span>, Box<Reply>> {
        self.values(name)
            .map(|value| date_criterion(value).ok_or_else(|| bad_value(name)))
            .collect()
    }

    /// The person in `patient` or `subject`, which are one parameter that may be given once.
    fn subject(&self, state: &State) -> Result<Option<Vec<u32>>, Box<Reply>> {
        if self.has("patient") && self.has("subject") {
            let text = "patient and subject are the same and may not be used together";
            return Err(Box::new(outcome::refused(
                400,
                &[outcome::issue(Code::BadCombination, text)],
            )));
        }
        let Some(value) = self.value("patient").or_else(|| self.value("subject")) else {
            return Ok(None);
        };
        let found = reference_id("Patient", value).and_then(|id| key(state, Kind::Patient, id));
        let Some(found) = found else {
            return Err(Box::new(outcome::refused(
                400,
                &[outcome::issue(Code::BadId, "patient")],
            )));
        };
        glass::opens(self.shared, state.person(found))?;
        Ok(Some(vec![found]))
    }

    /// One page as a Bundle. Its total is the page's size once a count is given.
    fn bundle<T>(&self, all: Vec<T>, shape: impl Fn(T) -> Resource) -> Found {
        let self_url = search_url(self.base, self.resource_type, self.parameters);
        let found = all.len();
        if self.value("_summary") == Some("count") {
            return Ok(Reply::resource(
                200,
                SearchSet::new(&self_url).total(small(found)).finish(),
            ));
        }
        let asked = match self.value("_count") {
            Some(count) => Some(count.parse::<usize>().map_err(|_| bad_value("_count"))?),
            None => None,
        };
        let plain: Vec<(String, String)> = self
            .parameters
            .iter()
            .filter(|(name, _)| name != PAGE)
            .cloned()
            .collect();
        let turn = Turn {
            token: self.value(PAGE),
            search: &plain,
            now_ms: self.shared.local.now_ms(),
            // Seconds, or a word for "for ever".
            life_ms: self
                .shared
                .choices
                .get("page-life")
                .parse()
                .ok()
                .map(|seconds: i64| seconds * 1_000),
            again: false,
        };
        let page = page_of(all, asked.unwrap_or(TOTAL_MAX).clamp(1, TOTAL_MAX), &turn);
        let Some(Page { items, next, .. }) = page else {
            return Err(Box::new(outcome::refused(
                400,
                &[outcome::issue(Code::PageExpired, "")],
            )));
        };
        if items.is_empty() {
            let urn = outcome::urn(&self_url);
            let set = SearchSet::new(&self_url)
                .total(0)
                .outcome(&urn, outcome::of(&[outcome::issue(Code::NoResults, "")]));
            return Ok(Reply::resource(200, set.finish()));
        }
        let total = if asked.is_some() {
            items.len()
        } else {
            found.min(TOTAL_MAX)
        };
        let mut set = SearchSet::new(&self_url).total(small(total));
        if let Some(token) = next {
            let mut further = plain;
            further.push((PAGE.to_owned(), token));
            set = set.link("next", &search_url(self.base, self.resource_type, &further));
        }
        for item in items {
            set = set.found(self.base, shape(item));
        }
        Ok(Reply::resource(200, set.finish()))
    }
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn patients(state: &State, query: &Query<'_>) -> Found {
    let shape = |person| shape::patient(state.seed(), person).into();
    let mut wanted = People {
        system_of: Some(shape::alias_system),
        ..People::default()
    };
    if query.has("_id") {
        wanted.keys = Some(
            query
                .values("_id")
                .filter_map(|id| key(state, Kind::Patient, id))
                .collect(),
        );
        return query.bundle(state.find_people(&wanted), shape);
    }
    let demographics = query.has("family") && query.has("given") && query.has("birthdate");
    for parameter in query.named("birthdate") {
        let plain = parameter
            .value()
            .starts_with(|letter: char| letter.is_ascii_digit());
        if !plain || parameter.values.len() > 1 || date_criterion(parameter.value()).is_none() {
            let text = "birthdate: a single valid date";
            return Err(Box::new(outcome::refused(
                400,
                &[outcome::issue(Code::BadDemographics, text)],
            )));
        }
    }
    if !query.has("identifier") && !demographics {
        let only_birth = query.has("birthdate")
            && query
                .asked
                .iter()
                .all(|parameter| matches!(parameter.name.as_str(), "birthdate" | "_count"));
        if only_birth {
            return query.bundle(Vec::new(), shape);
        }
        let mut issues: Vec<_> = unknown(query)
            .map(|name| outcome::issue(Code::UnknownParameter, name))
            .collect();
        let text = "demographics or _id are needed";
        issues.push(outcome::issue(Code::BadDemographics, text));
        return Err(Box::new(outcome::refused(400, &issues)));
    }
    for parameter in query.asked {
        if parameter.name == "identifier"
            && let Some(found) = shape::key_of_identifier(parameter.value())
        {
            wanted.keys = Some(vec![found]);
        } else if people_criterion(parameter, &mut wanted, shape::sexes) == Fit::Bad {
            return Err(bad_value(&parameter.name));
        }
    }
    let found = state.find_people(&wanted);
    if found.len() > PATIENTS_MAX {
        return Err(Box::new(outcome::refused(
            400,
            &[outcome::issue(Code::TooMany, "")],
        )));
    }
    query.bundle(found, shape)
}

/// Parameters that this type does not have.
fn unknown<'q>(query: &'q Query<'_>) -> impl Iterator<Item = &'q str> {
    let served = SERVED
        .iter()
        .find(|served| served.resource_type == query.resource_type);
    let names = served.map_or(&[][..], |served| served.search);
    query
        .asked
        .iter()
        .map(|parameter| parameter.name.as_str())
        .filter(|name| !matches!(*name, "_count" | "_summary" | "_format" | PAGE))
        .filter(|name| names.iter().all(|known| known.name != *name))
}

fn encounters(state: &State, query: &Query<'_>) -> Found {
    let shape = |(person, encounter)| shape::encounter(state.seed(), person, encounter).into();
    let people = query.subject(state)?;
    let ids = query.has("_id");
    if people.is_none() && !ids && !query.has("identifier") {
        let text = "patient, subject, identifier or _id is needed";
        return Err(Box::new(outcome::refused(
            400,
            &[outcome::issue(Code::RequiredMissing, text)],
        )));
    }
    let spans = query.spans("date")?;
    let numbers = query.values("identifier");
    let wanted = Visits {
        people,
        keys: ids.then(|| {
            query
                .values("_id")
                .filter_map(|id| key(state, Kind::Encounter, id))
                .collect()
        }),
        numbers: numbers
            .map(|value| Text::from(value.rsplit('|').next().unwrap_or_default()))
            .collect(),
    };
    let mut found = state.find_visits(&wanted);
    found.retain(|(_, encounter)| {
        let start = encounter.admitted.as_deref().unwrap_or_default();
        let end = encounter.discharged.as_deref().unwrap_or("9");
        let class = shape::class(&encounter.class);
        (wanted.keys.is_some() || encounter.merged_into.is_none())
            && spans.iter().all(|span| span.meets(start, end))
            && query.named("class").all(|asked| {
                let code = |value: &String| value.rsplit('|').next() == class.code.as_deref();
                asked.values.iter().any(code)
            })
    });
    glass::opens(query.shared, found.iter().map(|(person, _)| *person))?;
    query.bundle(found, shape)
}

fn observations(state: &State, query: &Query<'_>) -> Found {
    let shape = |seen: Seen<'_>| shape::observation(state.seed(), &seen).into();
    if query.has("_id") {
        let found: Vec<Seen<'_>> = query
            .values("_id")
            .filter_map(|id| observation(state, id))
            .collect();
        glass::opens(query.shared, found.iter().map(|seen| seen.person))?;
        return query.bundle(found, shape);
    }
    let people = query.subject(state)?;
    let Some(people) = people.filter(|_| query.has("category") || query.has("code")) else {
        let mut issues: Vec<_> = unknown(query)
            .map(|name| outcome::issue(Code::UnknownParameter, name))
            .collect();
        issues.push(outcome::issue(
            Code::ContentMissing,
            "patient and one of category and code are needed",
        ));
        return Err(Box::new(outcome::refused(400, &issues)));
    };
    let spans = query.spans("date")?;
    let mut found: Vec<Seen<'_>> = people
        .into_iter()
        .flat_map(|person| state.observations_of(person))
        .collect();
    found.retain(|seen| {
        let observed = seen.observed().map_or("", Text::as_str);
        spans.iter().all(|span| span.holds(observed))
            && query.named("category").all(|asked| {
                asked
                    .values
                    .iter()
                    .any(|value| shape::is_in_category(seen, value))
            })
            && query
                .named("code")
                .all(|asked| asked.values.iter().any(|value| shape::has_code(seen, value)))
    });
    query.bundle(found, shape)
}

fn key(state: &State, kind: Kind, id: &str) -> Option<u32> {
    u32::try_from(id::key(state.seed(), kind, id)?).ok()
}

fn observation<'s>(state: &'s State, id: &str) -> Option<Seen<'s>> {
    let (report, place) = shape::observation_place(id::key(state.seed(), Kind::Observation, id)?)?;
    state.observation(report, place)
}

fn bad_value(name: &str) -> Box<Reply> {
    Box::new(outcome::refused(400, &[outcome::issue(Code::BadValue, name)]))
}
