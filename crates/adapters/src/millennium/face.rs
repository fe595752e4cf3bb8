//! The FHIR R4 face of the domain: one tenant in the path, numeric ids, code sets, JSON only.
//!
//! Which parameters a type needs and how refusals read is here; what a resource looks like is in [`shape`] and
//! [`items`], what may be written in [`write`].

mod access;
mod export;
mod items;
mod leak;
mod served;
mod shape;
mod write;

use std::sync::Arc;

use fhir::{CodeableConcept, OperationOutcome, OperationOutcomeIssue, Resource};
use http::HeaderMap;
use rest::searchset::{SearchSet, search_url};
use rest::{Format, Interaction, Parameter, Reply, Request, Service, Wanted};

use self::served::{SERVED, capabilities, known};
use super::codes;
use crate::access::{Asker, Lens, View};
use crate::epr::Shared;
use crate::face::{Fit, Page, Span, Turn, date_criterion, page_of, people_criterion, reference_id, text};
use crate::fault::FaultKind;
use crate::state::{People, Seen, Text, Visits};

/// The tenant of this domain: ours, made up, and the same in every installation.
pub(super) const TENANT: &str = "7f3e2a54-0c1b-4d6e-9a8f-5b21c0de9990";

const NOT_A_TENANT: &str = "Tenant not valid or accessible";
const PAGE_CONTEXT: &str = "-pageContext";
const PAGE_DIRECTION: &str = "-pageDirection";
const PATIENTS_MAX: usize = 1_000;

pub(super) use self::access::admits;

pub(super) fn router(shared: Arc<Shared>) -> axum::Router {
    rest::router(Arc::new(Face(shared.clone())), "/millennium/r4/{tenant}")
        .merge(access::token_endpoint(shared.clone()))
        .merge(export::desk(shared))
}

struct Face(Arc<Shared>);

impl Service for Face {
    async fn respond(&self, request: Request) -> Reply {
        if request.base_parameter("tenant") != Some(TENANT) {
            return Reply::raw(403, "text/plain", NOT_A_TENANT);
        }
        match &request.interaction {
            Interaction::Capabilities => {
                return Reply::resource(200, capabilities(&request.base, self.0.access.is_some()));
            }
            Interaction::SmartConfiguration => return access::smart_configuration(&self.0, &request.base),
            _ => {}
        }
        let asker = match access::asker(&self.0, &request.headers) {
            Ok(asker) => asker,
            // The token ended between the two times it was looked at.
            Err(refusal) => return *refusal,
        };
        match &request.interaction {
            Interaction::Read { resource_type, id } => self.read(&asker, resource_type, id),
            Interaction::Create { resource_type, .. } if known(resource_type) => {
                write::create(&self.0, &asker, &request, resource_type).await
            }
            Interaction::Update {
                resource_type, id, ..
            } if known(resource_type) => write::update(&self.0, &asker, &request, resource_type, id).await,
            Interaction::Create { resource_type, .. } | Interaction::Update { resource_type, .. }
                if !known(resource_type) =>
            {
                not_found()
            }
            Interaction::Search {
                resource_type,
                parameters,
            } => self
                .search(&asker, &request, resource_type, parameters)
                .unwrap_or_else(|refusal| *refusal),
            Interaction::Operation {
                resource_type: Some(kind),
                id: Some(id),
                name,
                ..
            } if kind == "Group" && name == "export" => export::kick_off(&self.0, &asker, &request, id),
            _ => refused(
                405,
                "not-supported",
                "Method Not Allowed",
                "this interaction is not served here",
            ),
        }
    }

    fn turn_away(&self, method: &http::Method, path: &str, headers: &HeaderMap) -> Option<Reply> {
        access::turn_away(&self.0, method, path, headers)
    }

    fn forbid(&self, interaction: &Interaction, headers: &HeaderMap) -> Option<Reply> {
        access::forbid(&self.0, interaction, headers)
    }

    fn negotiate(&self, wanted: Wanted) -> Result<Format, Box<Reply>> {
        match wanted {
            Wanted::Format(Format::Json) | Wanted::Anything => Ok(Format::Json),
            Wanted::Format(Format::Xml) | Wanted::Unknown => Err(Box::new(Reply::empty(406))),
        }
    }

    fn unknown_path(&self, _method: &http::Method, _path: &str) -> Reply {
        not_found()
    }

    fn tunnels_methods(&self) -> bool {
        true
    }
}

type Found = Result<Reply, Box<Reply>>;

impl Face {
    fn read(&self, asker: &Asker, resource_type: &str, id: &str) -> Reply {
        let inner = self.0.lock();
        let lens = access::lens(&self.0, asker, "read");
        let state = View::new(&inner.state, &lens);
        let spilt = leak::spilt(&self.0, &inner.state, state, id);
        let resource = match resource_type {
            "Patient" => key(id)
                .and_then(|key| state.person(key))
                .map(|person| tagged(shape::patient(person).into(), person.version)),
            "Encounter" => key(id)
                .and_then(|key| state.encounter(key))
                .map(|(person, encounter)| {
                    tagged(shape::encounter(person, encounter).into(), encounter.version)
                }),
            "Observation" => observation(state, id)
                .map(|seen| tagged(shape::observation(&seen).into(), seen.report.version)),
            other => items::find(state, other, id).map(|hit| items::as_read(other, hit, state)),
        };
        drop(inner);
        match resource {
            Some(reply) => reply.header(http::header::CACHE_CONTROL, "no-cache"),
            None if spilt.is_some() => spilt.unwrap_or_else(not_found),
            None => not_found(),
        }
    }

    fn search(
        &self,
        asker: &Asker,
        request: &Request,
        resource_type: &str,
        parameters: &[(String, String)],
    ) -> Found {
        let asked: Vec<Parameter> = request.parameters();
        let query = Query {
            shared: &self.0,
            base: &request.base,
            resource_type,
            parameters,
            asked: &asked,
            asker,
        };
        let inner = self.0.lock();
        let wall = if query.value(PAGE_CONTEXT).is_some() {
            "paging"
        } else {
            "search"
        };
        let lens = access::lens(&self.0, asker, wall);
        let found = search(View::new(&inner.state, &lens), &query)?;
        Ok(leak::counted(&self.0, found, || {
            search(View::new(&inner.state, &Lens::default()), &query)
        }))
    }
}

fn search(state: View<'_>, query: &Query<'_>) -> Found {
    match query.resource_type {
        "Patient" => patients(state, query),
        "Encounter" => encounters(state, query),
        "Observation" => observations(state, query),
        other if items::is_served(other) => items::search(state, query),
        _ => Err(Box::new(not_found())),
    }
}

/// One search as it was asked.
struct Query<'q> {
    shared: &'q Shared,
    base: &'q str,
    resource_type: &'q str,
    parameters: &'q [(String, String)],
    asked: &'q [Parameter],
    asker: &'q Asker,
}

impl Query<'_> {
    /// Every value of the parameters of that name.
    fn values<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s String> {
        self.named(name)
            .flat_map(|parameter| &parameter.values)
            .filter(|value| !value.is_empty())
    }

    fn named<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Parameter> {
        self.asked.iter().filter(move |parameter| parameter.name == name)
    }

    fn value<'s>(&'s self, name: &'s str) -> Option<&'s str> {
        self.named(name)
            .map(Parameter::value)
            .find(|value| !value.is_empty())
    }

    /// At least one of these must be there, or the search is refused with the permitted set.
    fn needs_one_of(&self, names: &[&str]) -> Result<(), Box<Reply>> {
        if names.iter().any(|name| self.value(name).is_some()) {
            return Ok(());
        }
        let text = format!(
            "no supported search parameters provided; one of [{}] is needed",
            names.join(", ")
        );
        Err(Box::new(refused(400, "invalid", "Bad Request", &text)))
    }

    fn count(&self, default: usize, max: usize) -> Result<usize, Box<Reply>> {
        match self.value("_count") {
            None => Ok(default),
            Some(count) => match count.parse::<usize>() {
                Ok(count) if count > 0 => Ok(count.min(max)),
                _ => Err(bad("_count")),
            },
        }
    }

    fn spans(&self, name: &str) -> Result<Vec<Span>, Box<Reply>> {
        self.values(name)
            .map(|value| date_criterion(value).ok_or_else(|| bad(name)))
            .collect()
    }

    /// The person in `patient` or `subject`; somebody unknown matches nothing.
    fn subject(&self) -> Option<Vec<u32>> {
        let value = self.value("patient").or_else(|| self.value("subject"))?;
        Some(reference_id("Patient", value).and_then(key).into_iter().collect())
    }

    /// One page as a Bundle: no total, and the next page under an opaque context.
    fn bundle<T>(&self, all: Vec<T>, count: usize, shape: impl Fn(T) -> Resource) -> Found {
        let of_search = |(name, _): &&(String, String)| name != PAGE_CONTEXT && name != PAGE_DIRECTION;
        let plain: Vec<(String, String)> = self.parameters.iter().filter(of_search).cloned().collect();
        // A page of one client's search is none of another's.
        let mut search = plain.clone();
        search.push((String::new(), self.asker.name().to_owned()));
        let token = self.value(PAGE_CONTEXT);
        let turn = Turn {
            token,
            search: &search,
            now_ms: self.shared.local.now_ms(),
            life_ms: None,
            again: token.is_some() && self.shared.faults.strikes(FaultKind::PageRepeat).is_some(),
        };
        let page = page_of(all, count, &turn);
        let Some(Page { items, next, .. }) = page else {
            return Err(bad(PAGE_CONTEXT));
        };
        let mut set = SearchSet::new(&search_url(self.base, self.resource_type, self.parameters));
        if let Some(token) = next {
            let mut further = plain;
            further.push((PAGE_CONTEXT.to_owned(), token));
            further.push((PAGE_DIRECTION.to_owned(), "NEXT".to_owned()));
            set = set.link("next", &search_url(self.base, self.resource_type, &further));
        }
        for item in items {
            set = set.found(self.base, shape(item));
        }
        Ok(Reply::resource(200, set.finish()))
    }
}

const PATIENT_NEEDS: &[&str] = &[
    "_id",
    "identifier",
    "name",
    "family",
    "given",
    "birthdate",
    "phone",
    "email",
    "address-postalcode",
];

fn patients(state: View<'_>, query: &Query<'_>) -> Found {
    query.needs_one_of(PATIENT_NEEDS)?;
    let count = query.count(20, 100)?;
    let mut wanted = People {
        system_of: Some(shape::alias_system),
        ..People::default()
    };
    for parameter in query.asked {
        if parameter.name == "_id" {
            wanted.keys = Some(parameter.values.iter().filter_map(|id| key(id)).collect());
        } else if parameter.name == "birthdate" && parameter.values.iter().any(|value| value.contains('T')) {
            return Err(bad("birthdate"));
        } else if people_criterion(parameter, &mut wanted, shape::sexes) == Fit::Bad {
            return Err(bad(&parameter.name));
        }
    }
    let found = state.find_people(&wanted);
    if found.len() > PATIENTS_MAX {
        let text = format!("more than {PATIENTS_MAX} patients match; narrow the search");
        return Err(Box::new(refused(
            422,
            "too-costly",
            "Unprocessable Entity",
            &text,
        )));
    }
    query.bundle(found, count, |person| shape::patient(person).into())
}

fn encounters(state: View<'_>, query: &Query<'_>) -> Found {
    query.needs_one_of(&["_id", "patient", "subject", "account", "identifier"])?;
    let people = query.subject();
    if people.is_none() && query.value("status").is_some() {
        return Err(Box::new(refused(
            400,
            "invalid",
            "Bad Request",
            "status: only together with patient",
        )));
    }
    let count = query.count(50, 100)?;
    let spans = query.spans("date")?;
    let numbers = query.values("identifier");
    let wanted = Visits {
        people,
        keys: query
            .value("_id")
            .map(|_| query.values("_id").filter_map(|id| key(id)).collect()),
        numbers: numbers
            .map(|value| Text::from(value.rsplit('|').next().unwrap_or_default()))
            .collect(),
    };
    let mut found = state.find_visits(&wanted);
    found.retain(|(_, encounter)| {
        let start = encounter.admitted.as_deref().unwrap_or_default();
        let end = encounter.discharged.as_deref().unwrap_or("9");
        (wanted.keys.is_some() || encounter.merged_into.is_none())
            && spans.iter().all(|span| span.meets(start, end))
            && query
                .named("status")
                .all(|asked| asked.values.iter().any(|value| value == shape::status(encounter)))
    });
    query.bundle(found, count, |(person, encounter)| {
        shape::encounter(person, encounter).into()
    })
}

fn observations(state: View<'_>, query: &Query<'_>) -> Found {
    query.needs_one_of(&["_id", "patient", "subject"])?;
    let count = query.count(50, 200)?;
    if query.value("date").is_some() && query.value("_lastUpdated").is_some() {
        return Err(Box::new(refused(
            400,
            "invalid",
            "Bad Request",
            "date and _lastUpdated exclude each other",
        )));
    }
    let (dates, updates) = (query.spans("date")?, query.spans("_lastUpdated")?);
    let mut found: Vec<Seen<'_>> = if query.value("_id").is_some() {
        query
            .values("_id")
            .filter_map(|id| observation(state, id))
            .collect()
    } else {
        let people = query.subject().unwrap_or_default();
        people
            .into_iter()
            .flat_map(|person| state.observations_of(person))
            .collect()
    };
    found.retain(|seen| {
        let observed = seen.observed().map_or("", Text::as_str);
        let updated = shape::updated_digits(seen.report.updated_ms);
        dates.iter().all(|span| span.holds(observed))
            && updates.iter().all(|span| span.holds(&updated))
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
    query.bundle(found, count, |seen| shape::observation(&seen).into())
}

/// Keys are the ids of people and encounters.
fn key(id: &str) -> Option<u32> {
    id.parse().ok()
}

/// The observation with that id: `L-` or `VS-`, eight digits of the report, the place in it.
fn observation<'s>(state: View<'s>, id: &str) -> Option<Seen<'s>> {
    let digits = id.strip_prefix("L-").or_else(|| id.strip_prefix("VS-"))?;
    let (report, place) = digits.split_at_checked(8)?;
    let seen = state.observation(report.parse().ok()?, place.parse().ok()?)?;
    (shape::observation_id(&seen) == id).then_some(seen)
}

fn tagged(resource: Resource, version: u32) -> Reply {
    Reply::resource(200, resource).etag(&version.to_string())
}

fn not_found() -> Reply {
    refused(404, "not-found", "Not Found", "")
}

fn bad(name: &str) -> Box<Reply> {
    Box::new(refused(
        400,
        "invalid",
        "Bad Request",
        &format!("{name}: the value cannot be used"),
    ))
}

fn refused(status: u16, code: &str, words: &str, diagnostics: &str) -> Reply {
    let issue = OperationOutcomeIssue {
        severity: text("error"),
        code: text(code),
        details: Some(CodeableConcept {
            text: text(words),
            ..CodeableConcept::default()
        }),
        diagnostics: text(diagnostics),
        ..OperationOutcomeIssue::default()
    };
    Reply::outcome(
        status,
        OperationOutcome {
            issue: vec![issue],
            ..OperationOutcome::default()
        },
    )
}
