//! What was left out: every element that stood in a resource and does not in its counterpart, counted by reason.

use std::collections::{BTreeMap, BTreeSet};

use fhir::Resource;
use serde_json::Value;

use crate::RunError;

/// Counts by resource type and element.
#[derive(Clone, Debug, Default)]
pub struct Removed(BTreeMap<(String, String), (usize, &'static str)>);

/// Reasons, by the first part of a path that names one.
const REASONS: &[(&[&str], &str)] = &[
    (
        &[
            "identifier",
            "name",
            "telecom",
            "address",
            "photo",
            "contact",
            "mrn",
            "id",
        ],
        "says who somebody is",
    ),
    (
        &["text", "note", "div", "valueString", "comment", "display"],
        "free text, or words that may hold some",
    ),
    (
        &[
            "participant",
            "location",
            "requester",
            "recorder",
            "performer",
            "author",
            "serviceProvider",
            "generalPractitioner",
            "managingOrganization",
        ],
        "says where somebody was, or who saw them",
    ),
    (&["birthDate", "deceasedDateTime", "issued"], "too exact a date"),
];

impl Removed {
    /// Counts what of a resource is not in what was kept of it.
    pub(super) fn count(&mut self, before: &Resource, after: Option<&Resource>) {
        let of = before.resource_type();
        let kept: BTreeSet<String> = after
            .map(|after| paths(&json(after)).collect())
            .unwrap_or_default();
        for path in paths(&json(before)).filter(|path| !kept.contains(path)) {
            let reason = if after.is_none() {
                "the whole resource is left out"
            } else {
                reason(&path)
            };
            let entry = self.0.entry((of.to_owned(), path)).or_insert((0, reason));
            entry.0 += 1;
        }
    }

    /// How many elements were left out.
    #[must_use]
    pub fn total(&self) -> usize {
        self.0.values().map(|(count, _)| count).sum()
    }

    /// Rows of resource type, element, how often, and why.
    pub fn rows(&self) -> impl Iterator<Item = [String; 4]> {
        self.0.iter().map(|((of, path), (count, reason))| {
            [of.clone(), path.clone(), count.to_string(), (*reason).to_owned()]
        })
    }

    /// `removed.csv`.
    ///
    /// # Errors
    /// Never in memory.
    pub fn table(&self) -> Result<Vec<u8>, RunError> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let failed = |error: csv::Error| RunError::Report(error.into());
        writer
            .write_record(["resource", "element", "times", "because"])
            .map_err(failed)?;
        for row in self.rows() {
            writer.write_record(row).map_err(failed)?;
        }
        writer
            .into_inner()
            .map_err(|error| RunError::Report(error.into_error()))
    }
}

fn json(resource: &Resource) -> Value {
    serde_json::from_slice(&fhir::to_vec(resource)).unwrap_or_default()
}

fn reason(path: &str) -> &'static str {
    let named = |words: &&[&str]| path.split('.').any(|part| words.contains(&part));
    REASONS
        .iter()
        .find(|(words, _)| named(words))
        .map_or("not among what a project may have", |(_, reason)| reason)
}

/// The path of every leaf once, places in lists left out.
fn paths(value: &Value) -> impl Iterator<Item = String> {
    let mut all = BTreeSet::new();
    leaves(value, &mut |path, _| {
        all.insert(path.to_owned());
    });
    all.into_iter()
}

/// Every leaf: its path, places in lists left out, and its text; numbers and flags have none.
pub(crate) fn leaves(value: &Value, visit: &mut impl FnMut(&str, &str)) {
    walk(value, &mut String::new(), visit);
}

fn walk(value: &Value, path: &mut String, visit: &mut impl FnMut(&str, &str)) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let length = path.len();
                if length > 0 {
                    path.push('.');
                }
                path.push_str(name);
                walk(member, path, visit);
                path.truncate(length);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, path, visit)),
        leaf => visit(path, leaf.as_str().unwrap_or_default()),
    }
}
