//! A feed for research: what a project may have of what a system holds, under pseudonyms of that project alone.
//!
//! Nothing is copied and then cleaned: `keep` builds each resource anew from the elements a project may have, and what
//! was not built is counted in [`Removed`], element by element, with the reason. Pseudonyms are keyed hashes
//! ([`pseudonym`]), so two projects cannot be put side by side; dates follow the project's [`Dates`]. The shape is that of
//! FHIR bulk data: one NDJSON file for each type and a manifest. [`omop`] writes the same rows as OMOP tables.
//!
//! Refused: people who opted out, people whose NHS number is not known (nobody can ask the opt-out list about them), and
//! free text of every sort.

mod dates;
mod keep;
pub mod omop;
pub mod pseudonym;
mod removed;

use std::collections::{BTreeMap, BTreeSet};

use fhir::{Patient, PatientLink, Reference, Resource};
use serde::Serialize;

pub use self::dates::Dates;
use self::pseudonym::Pseudonyms;
pub use self::removed::Removed;
pub(crate) use self::removed::leaves;

/// Resource types a project may have, in the order of the files.
pub const TYPES: &[&str] = &[
    "AllergyIntolerance",
    "Condition",
    "Encounter",
    "Observation",
    "Patient",
    "ServiceRequest",
];

/// What is asked of the system beside those: read, counted, and left out whole.
pub const LEFT_OUT: &[&str] = &["Appointment", "DocumentReference"];

/// How a project's feed is made.
pub struct Project {
    /// Its name.
    pub name: String,
    /// Its pseudonyms.
    pub pseudonyms: Pseudonyms,
    /// What becomes of its dates.
    pub dates: Dates,
    /// Years of birth before this one are told as this one: the very old are few.
    pub oldest_year: i16,
    /// One thing done wrong on purpose, so that the checks can be seen to fail.
    pub defect: Option<Defect>,
}

/// What can be done wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// People who opted out are in the feed.
    OptOutIgnored,
    /// A name is left in.
    NameKept,
    /// A record that was merged away keeps its pseudonym to itself.
    MergeForgotten,
}

/// One person as the system shows them.
#[derive(Default)]
pub struct Subject {
    /// The number that stands for them.
    pub mrn: String,
    /// Every number that leads to the same record, that one included.
    pub numbers: Vec<String>,
    /// Ten digits, where the record has them.
    pub nhs: Option<String>,
    /// The record and all that hangs on it.
    pub resources: Vec<Resource>,
}

/// What one project gets.
#[derive(Default)]
pub struct Feed {
    /// Resources by type, in the order of their ids.
    pub resources: BTreeMap<String, BTreeMap<String, Resource>>,
    /// What was left out of those that are in.
    pub removed: Removed,
    /// People fed.
    pub people: usize,
    /// People left out because they opted out.
    pub opted_out: usize,
    /// People left out because nobody can say whether they did.
    pub unknown: usize,
    /// Pseudonyms of merged records, each with the one it now stands under.
    pub merged: BTreeMap<String, String>,
}

impl Feed {
    /// Feeds one person, or leaves them out.
    pub fn add(&mut self, project: &Project, subject: &Subject, opted_out: &BTreeSet<String>) {
        match &subject.nhs {
            None => {
                self.unknown += 1;
                return;
            }
            Some(nhs) if opted_out.contains(nhs) && project.defect != Some(Defect::OptOutIgnored) => {
                self.opted_out += 1;
                return;
            }
            Some(_) => self.people += 1,
        }
        let person = project.pseudonyms.person(&subject.mrn);
        for resource in &subject.resources {
            let kept = keep::resource(project, subject, resource);
            self.removed.count(resource, kept.as_ref());
            if let Some(kept) = kept {
                self.put(kept);
            }
        }
        if project.defect == Some(Defect::MergeForgotten) {
            return;
        }
        for number in subject.numbers.iter().filter(|number| **number != subject.mrn) {
            let gone = project.pseudonyms.person(number);
            self.merged.insert(gone.clone(), person.clone());
            self.put(Resource::from(Patient {
                id: Some(gone.as_str().into()),
                active: Some(false),
                link: vec![PatientLink {
                    other_: Some(Reference {
                        reference: Some(format!("Patient/{person}").into()),
                        ..Reference::default()
                    }),
                    type_: Some("replaced-by".into()),
                    ..PatientLink::default()
                }],
                ..Patient::default()
            }));
        }
    }

    fn put(&mut self, resource: Resource) {
        let of = resource.resource_type().to_owned();
        let id = resource.id().unwrap_or_default().to_owned();
        self.resources.entry(of).or_default().insert(id, resource);
    }

    /// The NDJSON file of a type.
    #[must_use]
    pub fn ndjson(&self, resource_type: &str) -> Vec<u8> {
        let mut lines = Vec::new();
        for resource in self
            .resources
            .get(resource_type)
            .into_iter()
            .flat_map(BTreeMap::values)
        {
            fhir::to_bytes(resource, &mut lines);
            lines.push(b'\n');
        }
        lines
    }

    /// Every id in the feed.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.resources
            .values()
            .flat_map(BTreeMap::keys)
            .map(String::as_str)
    }

    /// Pseudonyms of people whose record stands for itself.
    pub fn standing(&self) -> impl Iterator<Item = &str> {
        let people = self.resources.get("Patient").into_iter().flatten();
        people
            .filter(|(id, _)| !self.merged.contains_key(*id))
            .map(|(id, _)| id.as_str())
    }

    /// What a bulk export would answer, with what was done to the data beside it.
    #[must_use]
    pub fn manifest(&self, project: &Project, as_of: &str) -> Vec<u8> {
        let output = TYPES
            .iter()
            .filter_map(|of| {
                let count = self.resources.get(*of)?.len();
                Some(Output {
                    of,
                    url: format!("{of}.ndjson"),
                    count,
                })
            })
            .collect();
        let manifest = Manifest {
            transaction_time: as_of,
            request: "Group/everybody/$export",
            requires_access_token: false,
            output,
            deleted: Vec::new(),
            error: Vec::new(),
            extension: Extension {
                project: &project.name,
                salt_id: project.pseudonyms.salt_id(),
                dates: project.dates.word(),
                people: self.people,
                opted_out: self.opted_out,
                opt_out_unknown: self.unknown,
                merged: self.merged.len(),
                removed: "removed.csv",
                omop: "omop/",
            },
        };
        let mut json = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
        json.push(b'\n');
        json
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'m> {
    transaction_time: &'m str,
    request: &'m str,
    requires_access_token: bool,
    output: Vec<Output<'m>>,
    deleted: Vec<Output<'m>>,
    error: Vec<Output<'m>>,
    extension: Extension<'m>,
}

#[derive(Serialize)]
struct Output<'m> {
    #[serde(rename = "type")]
    of: &'m str,
    url: String,
    count: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extension<'m> {
    project: &'m str,
    salt_id: String,
    dates: &'m str,
    people: usize,
    opted_out: usize,
    opt_out_unknown: usize,
    merged: usize,
    removed: &'m str,
    omop: &'m str,
}
