//! Façade: FHIR for a system that never spoke it, from what its messages have told the gateway.
//!
//! Serves reads and searches of what `deliver::by_facade` has kept, each resource tagged `facade` and with
//! the message it came from in `meta.source`. Refuses writes: the system behind it would never hear of them.

pub(crate) mod fold;
pub(crate) mod terms;

use std::sync::Arc;

use fhir::Resource;
use rest::capability::{Server, statement};
use rest::outcome::outcome;
use rest::{Interaction, Reply, Request, SearchSet, Service};
use store::{Journal, ResourceKey, ResourceQuery};

use crate::gateway::Shared as Gateway;

/// Resources on a page of a search, unless `_count` asks for fewer.
const PAGE_MAX: usize = 100;

/// The parameter that carries where the page before ended.
const PAGE: &str = "_page";

/// One façade.
pub(crate) struct Facade {
    pub(crate) gateway: Arc<Gateway>,
    /// Position of its endpoint in the settings.
    pub(crate) endpoint: usize,
}

impl Service for Facade {
    async fn respond(&self, request: Request) -> Reply {
        match &request.interaction {
            Interaction::Capabilities => self.capabilities(&request),
            Interaction::Read { resource_type, id } => self.read(resource_type, id).await,
            Interaction::Search { resource_type, .. } => self.search(resource_type, &request).await,
            Interaction::Create { .. }
            | Interaction::Update { .. }
            | Interaction::Patch { .. }
            | Interaction::Delete { .. }
            | Interaction::Transaction { .. } => {
                let text = format!(
                    "this is a façade of {}: it is read-only; send HL7 v2 to the system itself",
                    self.system()
                );
                Reply::outcome(405, outcome("error", "not-supported", &text))
            }
            other => Reply::not_supported(other.code()),
        }
    }
}

impl Facade {
    fn system(&self) -> &str {
        &self.gateway.settings.endpoints[self.endpoint].system
    }

    fn store_name(&self) -> &str {
        &self.gateway.settings.endpoints[self.endpoint].name
    }

    fn capabilities(&self, request: &Request) -> Reply {
        let title = format!(
            "Façade of {}, served by the gateway from HL7 v2 messages; read-only",
            self.system()
        );
        let server = Server {
            title: &title,
            software: ("EPR Gateway", env!("CARGO_PKG_VERSION")),
            date: "2026-01-01",
            base: &request.base,
            formats: &["json"],
            interactions: &[],
            served: terms::SERVED,
        };
        Reply::resource(200, statement(&server))
    }

    async fn read(&self, resource_type: &str, id: &str) -> Reply {
        if !terms::is_served(resource_type) {
            return not_served(resource_type);
        }
        let key = ResourceKey {
            system: self.store_name().to_owned(),
            resource_type: resource_type.to_owned(),
            id: id.to_owned(),
        };
        match self.gateway.journal.resource(key).await {
            Ok(Some(found)) => Reply::json(200, found.json).etag(&found.version.to_string()),
            Ok(None) => Reply::not_found(resource_type),
            Err(_) => unavailable(),
        }
    }

    async fn search(&self, resource_type: &str, request: &Request) -> Reply {
        let served = terms::SERVED
            .iter()
            .find(|served| served.resource_type == resource_type && !served.search.is_empty());
        let Some(served) = served else {
            return not_served(resource_type);
        };
        let parameters = request.parameters();
        let conditions = match terms::conditions(served, &parameters) {
            Ok(conditions) => conditions,
            Err(text) => return Reply::outcome(400, outcome("error", "not-supported", &text)),
        };
        let value_of = |name: &str| {
            parameters
                .iter()
                .find(|parameter| parameter.name == name)
                .map(|p| p.value())
        };
        let count = value_of("_count")
            .and_then(|count| count.parse().ok())
            .unwrap_or(PAGE_MAX);
        let Ok(after) = value_of(PAGE).map(str::parse).transpose() else {
            return Reply::outcome(
                400,
                outcome("error", "invalid", "_page is none that this server gave out"),
            );
        };
        let query = ResourceQuery {
            system: self.store_name().to_owned(),
            resource_type: resource_type.to_owned(),
            terms: conditions,
            after,
            limit: count.clamp(1, PAGE_MAX),
        };
        match self.gateway.journal.find_resources(query).await {
            Ok(page) => bundle(request, resource_type, &page),
            Err(_) => unavailable(),
        }
    }
}

fn bundle(request: &Request, resource_type: &str, page: &store::Page<store::Resource>) -> Reply {
    let asked = request.interaction.parameters();
    let mut set = SearchSet::new(&rest::searchset::search_url(&request.base, resource_type, asked));
    match page.next {
        Some(next) => {
            let mut following: Vec<_> = asked.iter().filter(|(name, _)| name != PAGE).cloned().collect();
            following.push((PAGE.to_owned(), next.to_string()));
            set = set.link(
                "next",
                &rest::searchset::search_url(&request.base, resource_type, &following),
            );
        }
        // With no page before and none after, what is here is all there is.
        None if !asked.iter().any(|(name, _)| name == PAGE) => {
            set = set.total(u32::try_from(page.items.len()).unwrap_or(u32::MAX));
        }
        None => {}
    }
    for found in &page.items {
        match Resource::from_slice(&found.json) {
            Ok(resource) => set = set.found(&request.base, resource),
            Err(_) => return unavailable(),
        }
    }
    Reply::resource(200, set.finish())
}

fn not_served(resource_type: &str) -> Reply {
    let text = format!("{resource_type} is not served here; /metadata lists what is");
    Reply::outcome(404, outcome("error", "not-supported", &text))
}

fn unavailable() -> Reply {
    Reply::outcome(
        503,
        outcome("error", "exception", "the store cannot be read at the moment"),
    )
}
