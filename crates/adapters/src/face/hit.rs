//! What a face finds in the record before it has a shape, and the selection among it.

use fhir::Resource;
use rest::Parameter;

use super::criteria::{Unfit, holds};
use crate::state::encounter::{Encounter, time_order};
use crate::state::item::{Item, ItemKind};
use crate::state::person::Person;
use crate::state::report::Report;
use crate::state::{Seen, State, Visits};

/// One thing in the record.
#[derive(Clone, Copy)]
pub(crate) enum Hit<'s> {
    Person(&'s Person),
    Visit(&'s Person, &'s Encounter),
    Seen(Seen<'s>),
    Report(&'s Person, &'s Report),
    Item(&'s Person, &'s Item),
}

impl<'s> Hit<'s> {
    /// Whose it is.
    pub(crate) fn person(&self) -> &'s Person {
        match self {
            Self::Person(person) | Self::Visit(person, _) => person,
            Self::Report(person, _) | Self::Item(person, _) => person,
            Self::Seen(seen) => seen.person,
        }
    }

    /// When it last changed, in milliseconds since 1970.
    pub(crate) fn updated_ms(&self) -> i64 {
        match self {
            Self::Person(person) | Self::Visit(person, _) => person.updated_ms,
            Self::Seen(seen) => seen.report.updated_ms,
            Self::Report(_, report) => report.updated_ms,
            Self::Item(_, item) => item.updated_ms,
        }
    }
}

/// The kind of item a resource type shows.
pub(crate) fn item_kind(resource_type: &str) -> Option<ItemKind> {
    Some(match resource_type {
        "AllergyIntolerance" => ItemKind::Allergy,
        "Condition" => ItemKind::Problem,
        "ServiceRequest" => ItemKind::Order,
        "Appointment" => ItemKind::Booking,
        "DocumentReference" => ItemKind::Document,
        "ChargeItem" => ItemKind::Charge,
        _ => return None,
    })
}

/// Everything of that type that a person has: visits oldest first, all else newest first.
pub(crate) fn hits_of<'s>(state: &'s State, resource_type: &str, key: u32) -> Vec<Hit<'s>> {
    let Some(person) = state.person(key) else {
        return Vec::new();
    };
    match resource_type {
        "Patient" => vec![Hit::Person(person)],
        "Encounter" => {
            let wanted = Visits {
                people: Some(vec![key]),
                ..Visits::default()
            };
            let found = state.find_visits(&wanted).into_iter();
            found
                .filter(|(_, visit)| visit.merged_into.is_none())
                .map(|(person, visit)| Hit::Visit(person, visit))
                .collect()
        }
        "Observation" => state.observations_of(key).into_iter().map(Hit::Seen).collect(),
        "DiagnosticReport" => {
            let mut found: Vec<&Report> = person
                .reports
                .iter()
                .filter_map(|key| state.report(*key))
                .collect();
            found.retain(|report| report.is_diagnostic());
            found.sort_by(|left, right| {
                let at = |report: &Report| report.observed.clone().unwrap_or_default();
                time_order(&at(right), &at(left))
            });
            found
                .into_iter()
                .map(|report| Hit::Report(person, report))
                .collect()
        }
        _ => match item_kind(resource_type) {
            Some(kind) => person
                .items(kind)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .map(|item| Hit::Item(person, item))
                .collect(),
            None => Vec::new(),
        },
    }
}

/// A hit, with its shape when that was needed to decide about it.
pub(crate) enum Picked<'s> {
    Plain(Hit<'s>),
    Shaped(Box<Resource>),
}

/// Keeps what satisfies every parameter. `unknown` says what becomes of one that this type does not have.
pub(crate) fn pick<'s>(
    hits: Vec<Hit<'s>>,
    parameters: &[&Parameter],
    base: &str,
    shape: impl Fn(Hit<'s>) -> Resource,
) -> Result<Vec<Picked<'s>>, (Unfit, String)> {
    if parameters.is_empty() {
        return Ok(hits.into_iter().map(Picked::Plain).collect());
    }
    let mut picked = Vec::new();
    for hit in hits {
        let resource = shape(hit);
        let mut fits = true;
        for parameter in parameters {
            fits &= holds(&resource, parameter, base).map_err(|unfit| (unfit, parameter.name.clone()))?;
        }
        if fits {
            picked.push(Picked::Shaped(Box::new(resource)));
        }
    }
    Ok(picked)
}

impl Report {
    /// Whether it shows as a report: vital signs do not.
    pub(crate) fn is_diagnostic(&self) -> bool {
        !self.service.code.eq_ignore_ascii_case("FLOWSHEET")
    }
}
