//! The way back: what a writing row works with.
//!
//! [`Back`] gives rows the tables and finds what a reference points at; [`writer`] holds the HL7 v2 in the
//! making; [`adopt`] brings a Bundle of others to the shape the rows know and [`foreign`] knows where their converters
//! put things; [`account`] says what of such a Bundle the message holds; [`merge`] lays edited values over the original
//! that travelled with a Bundle.

pub(crate) mod account;
pub(crate) mod adopt;
pub(crate) mod foreign;
pub(crate) mod merge;
mod tree;
pub(crate) mod writer;

use std::collections::HashMap;

use fhir::{Bundle, Reference, Resource, ResourceType};

pub(crate) use self::writer::{FieldWriter, OriginalText, RepetitionWriter, SegmentWriter};
use crate::settings::Settings;
use crate::vocabulary::Vocabularies;

/// The state of one translation to HL7 v2.
pub(crate) struct Back<'a> {
    pub(crate) vocabulary: &'a Vocabularies,
    pub(crate) settings: &'a Settings,
    pub(crate) bundle: &'a Bundle,
    /// True for a Bundle that others made.
    pub(crate) foreign: bool,
    /// Resources by fullUrl, by `Type/id` and by `urn:uuid:id`.
    by_url: HashMap<String, &'a Resource>,
}

impl<'a> Back<'a> {
    pub(crate) fn new(vocabulary: &'a Vocabularies, settings: &'a Settings, bundle: &'a Bundle) -> Self {
        let mut by_url = HashMap::with_capacity(bundle.entry.len() * 2);
        for entry in &bundle.entry {
            let Some(resource) = &entry.resource else { continue };
            if let Some(id) = resource.id() {
                by_url
                    .entry(format!("{}/{id}", resource.resource_type()))
                    .or_insert(resource);
                by_url.entry(format!("urn:uuid:{id}")).or_insert(resource);
            }
            if let Some(url) = &entry.full_url {
                by_url.insert(url.to_string(), resource);
            }
        }
        Self {
            vocabulary,
            settings,
            bundle,
            foreign: !crate::provenance::is_own(bundle),
            by_url,
        }
    }

    /// The resource of this type that a reference points at, when it is in the Bundle.
    pub(crate) fn resolve<T: ResourceType>(&self, reference: Option<&Reference>) -> Option<&'a T> {
        let url = reference?.reference.as_deref()?;
        let found = self.by_url.get(url).or_else(|| {
            // An absolute URL or a version may stand around `Type/id`.
            let bare = url.split("/_history/").next().unwrap_or(url);
            let from = bare.rmatch_indices('/').nth(1).map_or(0, |(at, _)| at + 1);
            self.by_url.get(bare.get(from..)?)
        });
        found.and_then(|resource| resource.as_type::<T>())
    }

    /// Every resource of a type, in the Bundle's order.
    pub(crate) fn all<T: ResourceType + 'a>(&self) -> impl Iterator<Item = &'a T> + use<'a, T> {
        self.bundle
            .entry
            .iter()
            .filter_map(|entry| entry.resource.as_ref()?.as_type::<T>())
    }

    /// The first resource of a type.
    pub(crate) fn first<T: ResourceType + 'a>(&self) -> Option<&'a T> {
        self.all::<T>().next()
    }
}
