//! Finding one's way in a Bundle: by type, by full URL, by reference.

use crate::{Bundle, BundleEntry, MessageHeader, Reference, Resource, ResourceType, Text};

impl Bundle {
    /// An empty Bundle of a type: `message`, `transaction`, `searchset`, …
    pub fn of_type(bundle_type: &str) -> Self {
        Self {
            type_: Some(bundle_type.into()),
            ..Self::default()
        }
    }

    /// Adds a resource under a full URL.
    pub fn add(&mut self, full_url: impl Into<Text>, resource: impl Into<Resource>) -> &mut BundleEntry {
        let entry = BundleEntry {
            full_url: Some(full_url.into()),
            resource: Some(resource.into()),
            ..BundleEntry::default()
        };
        self.entry.push(entry);
        let last = self.entry.len() - 1;
        &mut self.entry[last]
    }

    /// The resources of the entries, in order.
    pub fn resources(&self) -> impl Iterator<Item = &Resource> {
        self.entry.iter().filter_map(|entry| entry.resource.as_ref())
    }

    /// The resources that are a `T`, in order.
    pub fn all<T: ResourceType>(&self) -> impl Iterator<Item = &T> {
        self.resources().filter_map(T::of)
    }

    /// The first resource that is a `T`.
    pub fn first<T: ResourceType>(&self) -> Option<&T> {
        self.all().next()
    }

    /// The resources that are a `T`, with the full URLs of their entries.
    pub fn entries<T: ResourceType>(&self) -> impl Iterator<Item = (&str, &T)> {
        self.entry.iter().filter_map(|entry| {
            let resource = entry.resource.as_ref().and_then(T::of)?;
            Some((entry.full_url.as_deref().unwrap_or_default(), resource))
        })
    }

    /// The header of a message Bundle, which must come first.
    pub fn message_header(&self) -> Option<&MessageHeader> {
        self.entry.first()?.resource.as_ref().and_then(MessageHeader::of)
    }

    /// The entry under a full URL.
    pub fn find(&self, full_url: &str) -> Option<&BundleEntry> {
        self.entry
            .iter()
            .find(|entry| entry.full_url.as_deref() == Some(full_url))
    }

    /// The resource that a reference means, as FHIR resolves references in a Bundle.
    ///
    /// A full URL is compared whole. A relative reference (`Patient/1`) means the entry whose full URL ends with it or,
    /// where full URLs do not say, the resource with that type and id. A version at the end is passed over.
    pub fn resolve(&self, reference: &str) -> Option<&Resource> {
        let reference = reference
            .split_once("/_history/")
            .map_or(reference, |(before, _)| before);
        if let Some(entry) = self.find(reference) {
            return entry.resource.as_ref();
        }
        let (resource_type, id) = relative(reference)?;
        let ends = |entry: &&BundleEntry| {
            let url = entry.full_url.as_deref().unwrap_or_default();
            url.strip_suffix(reference)
                .is_some_and(|before| before.ends_with('/'))
        };
        let named =
            |resource: &&Resource| resource.resource_type() == resource_type && resource.id() == Some(id);
        let by_url = self
            .entry
            .iter()
            .find(ends)
            .and_then(|entry| entry.resource.as_ref());
        by_url.or_else(|| self.resources().find(named))
    }

    /// The `T` that a reference means.
    pub fn resolve_as<T: ResourceType>(&self, reference: &Reference) -> Option<&T> {
        self.resolve(reference.reference.as_deref()?).and_then(T::of)
    }

    /// The URL of the link with this relation: `self`, `next`, …
    pub fn link_url(&self, relation: &str) -> Option<&str> {
        self.link
            .iter()
            .find(|link| link.relation.as_deref() == Some(relation))?
            .url
            .as_deref()
    }
}

/// Type and id of a relative reference.
fn relative(reference: &str) -> Option<(&str, &str)> {
    let (resource_type, id) = reference.split_once('/')?;
    (!resource_type.is_empty() && !id.is_empty() && !id.contains('/')).then_some((resource_type, id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Encounter, Patient};

    fn bundle() -> Bundle {
        let mut bundle = Bundle::of_type("collection");
        let patient = |id: &str| Patient {
            id: Some(id.into()),
            ..Patient::default()
        };
        bundle.add("urn:uuid:0f5b7c1e-6a54-4a0e-8c0c-0a1b2c3d4e5f", patient("1"));
        bundle.add("http://one.example/r4/Patient/2", patient("2"));
        bundle.add(
            "http://one.example/r4/Encounter/2",
            Encounter {
                id: Some("2".into()),
                ..Encounter::default()
            },
        );
        bundle
    }

    #[test]
    fn a_reference_is_resolved_by_url_then_by_type_and_id() {
        let bundle = bundle();
        let id = |reference| {
            bundle
                .resolve(reference)
                .map(|found| (found.resource_type(), found.id().unwrap()))
        };
        assert_eq!(
            id("urn:uuid:0f5b7c1e-6a54-4a0e-8c0c-0a1b2c3d4e5f"),
            Some(("Patient", "1"))
        );
        assert_eq!(id("Patient/2"), Some(("Patient", "2")));
        assert_eq!(id("Encounter/2/_history/7"), Some(("Encounter", "2")));
        assert_eq!(id("http://one.example/r4/Patient/2"), Some(("Patient", "2")));
        assert_eq!(id("Patient/1"), Some(("Patient", "1")));
        for nobody in [
            "Patient/3",
            "atient/2",
            "#2",
            "",
            "Patient/",
            "http://two.example/r4/Patient/2",
        ] {
            assert_eq!(id(nobody), None, "{nobody}");
        }
    }

    #[test]
    fn types_are_sorted_out() {
        let bundle = bundle();
        assert_eq!(bundle.all::<Patient>().count(), 2);
        assert_eq!(
            bundle.first::<Encounter>().and_then(|found| found.id.as_deref()),
            Some("2")
        );
        assert_eq!(
            bundle.entries::<Encounter>().next().unwrap().0,
            "http://one.example/r4/Encounter/2"
        );
        assert!(bundle.message_header().is_none());
    }
}
