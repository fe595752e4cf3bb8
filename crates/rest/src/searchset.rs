//! The Bundle that answers a search.

use fhir::{Bundle, BundleEntry, BundleEntrySearch, BundleLink, Resource};

/// A searchset Bundle in the making.
#[derive(Clone, Debug)]
pub struct SearchSet {
    bundle: Bundle,
}

impl SearchSet {
    /// An empty one; `self_url` is the search as it was understood.
    pub fn new(self_url: &str) -> Self {
        let bundle = Bundle {
            type_: Some("searchset".into()),
            ..Bundle::default()
        };
        Self { bundle }.link("self", self_url)
    }

    /// How many match in all, on this page or not.
    #[must_use]
    pub fn total(mut self, total: u32) -> Self {
        self.bundle.total = Some(total);
        self
    }

    /// A link: `next`, `previous`, `first`, `last`.
    #[must_use]
    pub fn link(mut self, relation: &str, url: &str) -> Self {
        self.bundle.link.push(BundleLink {
            relation: Some(relation.into()),
            url: Some(url.into()),
            ..BundleLink::default()
        });
        self
    }

    /// A resource that matches.
    #[must_use]
    pub fn found(self, base: &str, resource: impl Into<Resource>) -> Self {
        self.entry(base, resource.into(), "match")
    }

    /// A resource that came along with a match.
    #[must_use]
    pub fn included(self, base: &str, resource: impl Into<Resource>) -> Self {
        self.entry(base, resource.into(), "include")
    }

    /// What there is to say about the search itself, under a URL of its own.
    #[must_use]
    pub fn outcome(mut self, full_url: &str, outcome: fhir::OperationOutcome) -> Self {
        self.push(full_url.into(), outcome.into(), "outcome");
        self
    }

    fn entry(mut self, base: &str, resource: Resource, mode: &str) -> Self {
        let full_url = format!(
            "{base}/{}/{}",
            resource.resource_type(),
            resource.id().unwrap_or_default()
        );
        self.push(full_url.into(), resource, mode);
        self
    }

    fn push(&mut self, full_url: fhir::Text, resource: Resource, mode: &str) {
        self.bundle.entry.push(BundleEntry {
            full_url: Some(full_url),
            resource: Some(resource),
            search: Some(BundleEntrySearch {
                mode: Some(mode.into()),
                ..BundleEntrySearch::default()
            }),
            ..BundleEntry::default()
        });
    }

    /// The Bundle.
    pub fn finish(self) -> Bundle {
        self.bundle
    }
}

/// The URL of a search: `base/Type?name=value&…`, encoded.
pub fn search_url(base: &str, resource_type: &str, parameters: &[(String, String)]) -> String {
    let mut url = base.to_owned();
    if !resource_type.is_empty() {
        url.push('/');
        url.push_str(resource_type);
    }
    if !parameters.is_empty() {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .finish();
        url.push('?');
        url.push_str(&query);
    }
    url
}
