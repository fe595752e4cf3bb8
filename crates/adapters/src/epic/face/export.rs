//! Group exports: full each time, nothing of them listed before all is there.

use std::sync::Arc;

use http::header::{CONTENT_LOCATION, RETRY_AFTER};
use rest::scope::Right;
use rest::{Reply, Request};

use super::outcome::{self, Code};
use super::{BASE, SERVED, access, items};
use crate::access::Lens;
use crate::bulk::{Asked, Export, Fault, Group, Jobs, Kickoff, Manner, Throttled, routes};
use crate::epic::id::{self, Kind};
use crate::epr::Shared;
use crate::face::hits_of;

const GROUPS: &[Group] = &[Group::Everyone, Group::Inpatients];
const KEPT_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

static MANNER: Manner = Manner {
    job_path: "/epic/api/FHIR/BulkRequest/{job}",
    file_path: "/epic/api/FHIR/BulkRequest/{job}/{file}",
    file_url: |job, place| format!("{job}/{place}"),
    asker: access::asked_by,
    is_here: |_| true,
    not_found: outcome::bad_id,
    failed: || {
        outcome::refused(
            500,
            &[outcome::issue(
                Code::NotFiled,
                "the export is larger than one may be",
            )],
        )
    },
};

pub(super) fn desk(shared: Arc<Shared>) -> axum::Router {
    routes(shared, &MANNER)
}

/// The groups and their ids, for people to find them.
pub(super) fn told(seed: u64) -> String {
    let id = |place: u64| id::opaque(seed, Kind::Group, place);
    format!(
        "Groups to export: {} everyone, {} whoever is in a bed.",
        id(1),
        id(2)
    )
}

pub(super) fn kick_off(shared: &Arc<Shared>, request: &Request, id: &str) -> Reply {
    match start(shared, request, id) {
        Ok(reply) => reply,
        Err(refusal) => *refusal,
    }
}

fn start(shared: &Arc<Shared>, request: &Request, id: &str) -> Result<Reply, Box<Reply>> {
    let bad = |code: Code, text: &str| Box::new(outcome::refused(400, &[outcome::issue(code, text)]));
    let asker = access::asked_by(shared, &request.headers)?;
    let people = {
        let inner = shared.lock();
        let place =
            id::key(inner.state.seed(), Kind::Group, id).and_then(|place| usize::try_from(place).ok());
        let group = place.and_then(|place| GROUPS.get(place.checked_sub(1)?));
        group.map(|group| group.people(&inner.state, &Lens::default()))
    };
    let Some(people) = people else {
        return Err(Box::new(outcome::bad_id()));
    };
    let asked = Asked::read(request).map_err(|Fault(place, rule)| match place {
        "Prefer" => bad(Code::RequiredMissing, "Prefer: respond-async"),
        _ => bad(Code::BadValue, &format!("{place}: {rule}")),
    })?;
    let exported = || {
        SERVED
            .iter()
            .map(|served| served.resource_type)
            .filter(|name| !matches!(*name, "Group" | "Binary"))
    };
    let allowed = |name: &str| asker.may(name, Right::Read) && asker.may(name, Right::Search);
    let types: Vec<String> = match asked.types {
        None => exported()
            .filter(|name| allowed(name))
            .map(str::to_owned)
            .collect(),
        Some(types) if !types.iter().all(|name| exported().any(|known| known == name)) => {
            return Err(bad(Code::BadValue, "_type: a type that is not exported"));
        }
        Some(types) if !types.iter().all(|name| allowed(name)) => {
            return Err(Box::new(outcome::refused(
                403,
                &[outcome::issue(Code::NotAuthorised, "_type")],
            )));
        }
        Some(types) => types,
    };
    let is_filter = |(kind, parameters): &(String, Vec<rest::Parameter>)| {
        let known = |name: &str| {
            let rows = SERVED.iter().filter(|served| served.resource_type == kind);
            rows.flat_map(|served| served.search)
                .any(|parameter| parameter.name == name)
        };
        types.contains(kind) && parameters.iter().all(|one| known(&one.name))
    };
    if !asked.filters.iter().all(is_filter) {
        return Err(bad(
            Code::BadValue,
            "_typeFilter: a search parameter of an exported type",
        ));
    }
    let export = Export {
        types,
        filters: asked.filters,
        // Each export is full.
        since_ms: None,
        people,
        lines: |state, _, kind, person| {
            let mut hits = hits_of(state, kind, person);
            hits.retain(|hit| !hit.person().protected);
            hits
        },
        shape: |state, _, hit| items::shape(state, hit),
        lens: Lens::default(),
    };
    let chosen = shared.choices.get("export-takes");
    let seconds = chosen
        .split(' ')
        .next()
        .and_then(|number| number.parse::<i64>().ok());
    let kickoff = Kickoff {
        asker: asker.name().to_owned(),
        request: format!("{}/Group/{id}/$export", request.base),
        takes_ms: seconds.unwrap_or(2) * 1_000,
        kept_ms: KEPT_MS,
        one_at_a_time: false,
    };
    match Jobs::start(shared, kickoff, export) {
        Ok(job) => {
            let root = request.base.strip_suffix(BASE).unwrap_or_default();
            let url = format!("{root}/epic/api/FHIR/BulkRequest/{}", job.id);
            Ok(Reply::empty(202).header(CONTENT_LOCATION, &url))
        }
        Err(Throttled) => {
            let issue = outcome::issue(Code::NotFiled, "too many exports are kept; delete some");
            Err(Box::new(
                outcome::refused(429, &[issue]).header(RETRY_AFTER, "60"),
            ))
        }
    }
}
