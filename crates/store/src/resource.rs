//! FHIR resources kept for a façade: JSON, and the terms it is found by.
//!
//! The JSON is opaque here; whoever puts a resource says what it can be found by.

use bytes::Bytes;

use crate::Cursor;

/// A resource's place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceKey {
    /// The system whose façade shows it.
    pub system: String,
    /// `Patient`, `Encounter`, …
    pub resource_type: String,
    /// Its logical id.
    pub id: String,
}

/// One thing a resource can be found by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term {
    /// Search parameter: `identifier`, `patient`, `family`, `birthdate`, …
    pub parameter: String,
    /// The identifier's or code's system; empty where there is none.
    pub namespace: String,
    /// The value as it is compared, byte for byte: `Patient/123` for a reference.
    pub value: String,
}

impl Term {
    /// A term without a namespace.
    pub fn new(parameter: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            parameter: parameter.into(),
            namespace: String::new(),
            value: value.into(),
        }
    }

    /// An identifier or code with its system.
    pub fn token(
        parameter: impl Into<String>,
        namespace: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        Self {
            parameter: parameter.into(),
            namespace: namespace.into(),
            value: value.into(),
        }
    }
}

/// A resource to keep; replaces the one at its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewResource {
    /// Where.
    pub key: ResourceKey,
    /// Unix milliseconds.
    pub updated_at_ms: i64,
    /// Its JSON.
    pub json: Bytes,
    /// What it can be found by; replaces all terms it had.
    pub terms: Vec<Term>,
    /// Only when this is its version now (`If-Match`); 0 means: only when there is none.
    pub if_version: Option<u64>,
}

/// What became of a put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// Kept, as this version.
    Kept {
        /// From 1.
        version: u64,
    },
    /// Not kept: [`NewResource::if_version`] did not hold.
    Conflict {
        /// Its version now; 0 when there is none.
        version: u64,
    },
}

/// A resource as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Where.
    pub key: ResourceKey,
    /// From 1.
    pub version: u64,
    /// Unix milliseconds.
    pub updated_at_ms: i64,
    /// Its JSON.
    pub json: Bytes,
}

/// How a term's value must match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matching {
    /// The same bytes.
    Exact(String),
    /// Begins with these bytes.
    Prefix(String),
    /// At or after `from` and before `to`, byte for byte: dates as text sort like dates.
    Between {
        /// Inclusive.
        from: Option<String>,
        /// Exclusive.
        to: Option<String>,
    },
}

/// One condition: any of its alternatives holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermQuery {
    /// Search parameter.
    pub parameter: String,
    /// Namespace (`None`: any) and value of each alternative.
    pub any_of: Vec<(Option<String>, Matching)>,
}

impl TermQuery {
    /// One exact value in any namespace.
    pub fn exact(parameter: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            parameter: parameter.into(),
            any_of: vec![(None, Matching::Exact(value.into()))],
        }
    }

    /// One exact value in one namespace.
    pub fn token(
        parameter: impl Into<String>,
        namespace: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        let alternative = (Some(namespace.into()), Matching::Exact(value.into()));
        Self {
            parameter: parameter.into(),
            any_of: vec![alternative],
        }
    }
}

/// A search for resources, oldest first; every condition must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceQuery {
    /// The system whose façade shows them.
    pub system: String,
    /// `Patient`, `Encounter`, …
    pub resource_type: String,
    /// The conditions.
    pub terms: Vec<TermQuery>,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// Most resources in the page; at least 1, at most 1000.
    pub limit: usize,
}
