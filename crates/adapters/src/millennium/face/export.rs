//! Group exports: one job of a client at a time, files for thirty days.

use std::sync::Arc;

use http::header::{CONTENT_LOCATION, RETRY_AFTER};
use rest::scope::Right;
use rest::{Reply, Request};

use super::items::shape;
use super::{SERVED, TENANT, access, not_found, refused};
use crate::access::{Asker, View};
use crate::bulk::{Asked, Export, Fault, Group, Jobs, Kickoff, Manner, Throttled, routes};
use crate::epr::Shared;

const GROUPS: &[(&str, Group)] = &[
    ("5f0c6a52-0f8e-4a43-9c0e-2b7a4d8e9901", Group::Everyone),
    ("5f0c6a52-0f8e-4a43-9c0e-2b7a4d8e9902", Group::Inpatients),
];
/// The largest group that is exported.
const PEOPLE_MAX: usize = 20_000;
const KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

static MANNER: Manner = Manner {
    job_path: "/millennium/r4/{tenant}/bulk-export/jobs/{job}",
    file_path: "/millennium/r4/{tenant}/bulk-export/files/{job}/{file}",
    file_url: |job, place| format!("{}/{place}", job.replacen("/jobs/", "/files/", 1)),
    asker: access::asker,
    is_here: |names| names.get("tenant").is_some_and(|tenant| tenant == TENANT),
    not_found,
    failed: || {
        refused(
            500,
            "too-costly",
            "Internal Server Error",
            "the export is larger than one may be",
        )
    },
};

pub(super) fn desk(shared: Arc<Shared>) -> axum::Router {
    routes(shared, &MANNER)
}

pub(super) fn kick_off(shared: &Arc<Shared>, asker: &Asker, request: &Request, id: &str) -> Reply {
    match start(shared, asker, request, id) {
        Ok(reply) => reply,
        Err(refusal) => *refusal,
    }
}

fn start(shared: &Arc<Shared>, asker: &Asker, request: &Request, id: &str) -> Result<Reply, Box<Reply>> {
    let bad = |Fault(place, rule): Fault| {
        Box::new(refused(
            400,
            "invalid",
            "Bad Request",
            &format!("{place}: {rule}"),
        ))
    };
    let (_, group) = GROUPS
        .iter()
        .find(|(known, _)| *known == id)
        .ok_or_else(|| Box::new(not_found()))?;
    let asked = Asked::read(request).map_err(bad)?;
    let exported = || {
        SERVED
            .iter()
            .map(|served| served.resource_type)
            .filter(|name| !matches!(*name, "Group" | "Binary"))
    };
    let allowed = |name: &str| asker.may(name, Right::Read) && asker.may(name, Right::Search);
    let types = match asked.types {
        // Everything, as far as the scopes go.
        None => exported()
            .filter(|name| allowed(name))
            .map(str::to_owned)
            .collect(),
        Some(types) => {
            if let Some(name) = types
                .iter()
                .find(|name| exported().all(|known| known != name.as_str()))
            {
                let known: Vec<&str> = exported().collect();
                // A type's name is a word of the standard, or a slip; it tells of nobody.
                let text = format!("_type: {name} is not exported; there are {}", known.join(", "));
                return Err(Box::new(refused(400, "invalid", "Bad Request", &text)));
            }
            if !types.iter().all(|name| allowed(name)) {
                let text = "the scopes of this client do not hold all of _type";
                return Err(Box::new(refused(403, "forbidden", "Forbidden", text)));
            }
            types
        }
    };
    let is_filter = |(kind, parameters): &(String, Vec<rest::Parameter>)| {
        types.contains(kind)
            && parameters
                .iter()
                .all(|one| super::served::is_parameter(kind, &one.name))
    };
    if !asked.filters.iter().all(is_filter) {
        return Err(bad(Fault(
            "_typeFilter",
            "a search parameter of an exported type",
        )));
    }
    let lens = access::lens(shared, asker, "bulk");
    let people = group.people(&shared.lock().state, &lens);
    if people.len() > PEOPLE_MAX {
        let text = format!("a group of more than {PEOPLE_MAX} cannot be exported");
        return Err(Box::new(refused(
            422,
            "too-costly",
            "Unprocessable Entity",
            &text,
        )));
    }
    let export = Export {
        types,
        filters: asked.filters,
        since_ms: asked.since_ms,
        people,
        lines: |state, lens, kind, person| View::new(state, lens).hits_of(kind, person),
        shape: |state, lens, hit| shape(hit, View::new(state, lens)),
        lens,
    };
    let kickoff = Kickoff {
        asker: asker.name().to_owned(),
        request: format!("{}/Group/{id}/$export{}", request.base, query(request)),
        takes_ms: takes_ms(shared),
        kept_ms: KEPT_MS,
        one_at_a_time: true,
    };
    match Jobs::start(shared, kickoff, export) {
        Ok(job) => {
            let url = format!("{}/bulk-export/jobs/{}", request.base, job.id);
            Ok(Reply::empty(202).header(CONTENT_LOCATION, &url))
        }
        Err(Throttled) => {
            let text = "this client has an export under way";
            Err(Box::new(
                refused(429, "throttled", "Too Many Requests", text).header(RETRY_AFTER, "60"),
            ))
        }
    }
}

/// The query as it was sent, in its own order.
fn query(request: &Request) -> String {
    let parameters = request.interaction.parameters();
    let mut written = form_urlencoded::Serializer::new(String::new());
    written.extend_pairs(parameters);
    match written.finish() {
        empty if empty.is_empty() => empty,
        query => format!("?{query}"),
    }
}

fn takes_ms(shared: &Shared) -> i64 {
    let chosen = shared.choices.get("export-takes");
    let seconds = chosen
        .split(' ')
        .next()
        .and_then(|number| number.parse::<i64>().ok());
    seconds.unwrap_or(2) * 1_000
}
