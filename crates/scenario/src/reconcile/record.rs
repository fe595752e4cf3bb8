//! Records as both sides are reduced to before they are compared: a class, a key, and canonical fields.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sha2::{Digest, Sha256};

/// A sort of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Class {
    /// People.
    Patient,
    /// Numbers people are known by.
    Alias,
    /// Visits that are over.
    Visit,
    /// People in a bed.
    Inpatient,
    /// Future appointments.
    Appointment,
    /// Waiting-list entries.
    Waiting,
    /// Allergies.
    Allergy,
    /// Orders without an answer.
    OpenOrder,
    /// Results.
    Result,
}

impl Class {
    /// Every class, in the order reports show them.
    pub const ALL: [Self; 9] = [
        Self::Patient,
        Self::Alias,
        Self::Visit,
        Self::Inpatient,
        Self::Appointment,
        Self::Waiting,
        Self::Allergy,
        Self::OpenOrder,
        Self::Result,
    ];

    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Patient => "patients",
            Self::Alias => "patient numbers",
            Self::Visit => "past visits",
            Self::Inpatient => "in-patients by bed",
            Self::Appointment => "future appointments",
            Self::Waiting => "waiting-list entries",
            Self::Allergy => "allergies",
            Self::OpenOrder => "open orders",
            Self::Result => "results",
        }
    }
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// What sort.
    pub class: Class,
    /// What it is found by on both sides.
    pub key: String,
    /// What is compared; free text is not.
    pub fields: BTreeMap<&'static str, String>,
}

impl Record {
    /// A record without fields.
    #[must_use]
    pub fn new(class: Class, key: impl Into<String>) -> Self {
        Self {
            class,
            key: key.into(),
            fields: BTreeMap::new(),
        }
    }

    /// The same with a field; one that holds nothing is left out.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.fields.insert(name, value);
        }
        self
    }

    /// SHA-256 over class, key and fields.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.class.words().as_bytes());
        hash.update([0]);
        hash.update(self.key.as_bytes());
        for (name, value) in &self.fields {
            hash.update([0]);
            hash.update(name.as_bytes());
            hash.update([1]);
            hash.update(value.as_bytes());
        }
        hash.finalize().into()
    }
}

/// One side of a comparison.
#[derive(Clone, Debug, Default)]
pub struct Side {
    /// Records by class and key. A key that came twice is kept, and counted.
    pub records: BTreeMap<(Class, String), Record>,
    /// Keys that came more than once, and how often.
    pub twice: BTreeMap<(Class, String), usize>,
}

impl Side {
    /// Adds a record.
    pub fn add(&mut self, record: Record) {
        let key = (record.class, record.key.clone());
        match self.records.entry(key) {
            Entry::Occupied(known) => *self.twice.entry(known.key().clone()).or_insert(1) += 1,
            Entry::Vacant(free) => {
                free.insert(record);
            }
        }
    }

    /// How many records of a class, repetitions included.
    #[must_use]
    pub fn count(&self, class: Class) -> usize {
        let once = self.records.keys().filter(|(of, _)| *of == class).count();
        let more: usize = self
            .twice
            .iter()
            .filter(|((of, _), _)| *of == class)
            .map(|(_, times)| times - 1)
            .sum();
        once + more
    }

    /// Records that are not the same in both, by class and key.
    #[must_use]
    pub fn changes(&self, other: &Self) -> Vec<String> {
        let keys: BTreeSet<_> = self
            .records
            .keys()
            .chain(other.records.keys())
            .chain(self.twice.keys())
            .chain(other.twice.keys())
            .collect();
        keys.into_iter()
            .filter(|key| {
                self.records.get(key) != other.records.get(key) || self.twice.get(key) != other.twice.get(key)
            })
            .map(|(class, key)| format!("{} {key}", class.words()))
            .collect()
    }

    /// One hash over all records of a class, in order of their keys.
    #[must_use]
    pub fn hash(&self, class: Class) -> String {
        let mut hash = Sha256::new();
        for ((of, _), record) in &self.records {
            if *of == class {
                hash.update(record.hash());
            }
        }
        for ((of, key), times) in &self.twice {
            if *of == class {
                hash.update(key.as_bytes());
                hash.update(times.to_le_bytes());
            }
        }
        crate::world::extract::hex(&hash.finalize())
    }
}
