//! `Patient/$match`: who on the index this could be, with a score and a grade.

use fhir::{BundleEntrySearch, Decimal, Extension, Patient, Resource};
use rest::searchset::SearchSet;
use rest::{Reply, Request};

use super::outcome::{self, Code};
use super::shape;
use crate::epr::Shared;
use crate::face::hl7_of;
use crate::intake::read::nhs_digits;
use crate::state::person::{Person, Role};
use crate::state::{People, State, Wanted};

const GRADE: &str = "http://hl7.org/fhir/StructureDefinition/match-grade";

pub(super) fn people(shared: &Shared, request: &Request) -> Reply {
    let bytes = request.interaction.body().map_or(&[][..], |body| body);
    let Ok(Resource::Parameters(asked)) = Resource::from_slice(bytes) else {
        return outcome::refused(
            400,
            &[outcome::issue(Code::BadBody, "a Parameters resource is needed")],
        );
    };
    let of = |name: &str| {
        let mut all = asked.parameter.iter();
        all.find(|parameter| parameter.name.as_deref() == Some(name))
            .cloned()
    };
    let Some(Resource::Patient(wanted)) = of("resource").and_then(|parameter| parameter.resource) else {
        return outcome::refused(400, &[outcome::issue(Code::ContentMissing, "resource")]);
    };
    let certain = of("onlyCertainMatches").and_then(|parameter| parameter.value_boolean);
    let any = shared.choices.get("uncertain-matches") == "on";
    if certain != Some(true) && !any {
        let text = "onlyCertainMatches: true is needed here";
        return outcome::refused(400, &[outcome::issue(Code::BadDemographics, text)]);
    }
    let inner = shared.lock();
    let state = &inner.state;
    let mut found = candidates(state, &wanted);
    found.retain(|(_, score)| *score >= CERTAIN || certain != Some(true));
    let url = format!("{}/Patient/$match", request.base);
    if found.is_empty() {
        let set = SearchSet::new(&url).total(0).outcome(
            &outcome::urn(&url),
            outcome::of(&[outcome::issue(Code::NoResults, "")]),
        );
        return Reply::resource(200, set.finish());
    }
    let mut set = SearchSet::new(&url).total(super::small(found.len()));
    for (person, _) in &found {
        set = set.found(&request.base, shape::patient(state.seed(), person));
    }
    let mut bundle = set.finish();
    for (entry, (_, score)) in bundle.entry.iter_mut().zip(&found) {
        entry.search = Some(BundleEntrySearch {
            mode: Some("match".into()),
            score: Decimal::new(&format!("{}.{:02}", score / 100, score % 100)).ok(),
            extension: vec![Extension {
                url: Some(GRADE.into()),
                value_code: Some(if *score >= CERTAIN { "certain" } else { "probable" }.into()),
                ..Extension::default()
            }],
            ..BundleEntrySearch::default()
        });
    }
    Reply::resource(200, bundle)
}

/// A score in hundredths from which a match is certain.
const CERTAIN: u32 = 90;

/// Everybody who shares the NHS number, the hospital's number, or the day of birth; the likeliest first.
fn candidates<'s>(state: &'s State, wanted: &Patient) -> Vec<(&'s Person, u32)> {
    let birth = wanted.birth_date.as_ref().and_then(|date| hl7_of(date.as_str()));
    let mut keys: Vec<u32> = Vec::new();
    for identifier in &wanted.identifier {
        let value = identifier.value.as_deref().unwrap_or_default();
        keys.extend(state.named(value).map(|person| person.key));
    }
    if let Some(birth) = birth.as_ref().filter(|birth| birth.len() == 8) {
        let born = People {
            births: vec![(birth.clone(), birth.clone())],
            ..People::default()
        };
        keys.extend(state.find_people(&born).iter().map(|person| person.key));
    }
    keys.sort_unstable();
    keys.dedup();
    let mut found: Vec<(&Person, u32)> = keys
        .into_iter()
        .filter_map(|key| state.person(key))
        .map(|person| (person, score(person, wanted, birth.as_deref())))
        .filter(|(_, score)| *score >= 50)
        .collect();
    found.sort_by_key(|(person, score)| (std::cmp::Reverse(*score), person.key));
    found.truncate(10);
    found
}

/// How much speaks for it, in hundredths: a number half, each of name, given name, birth and sex its share.
fn score(person: &Person, wanted: &Patient, birth: Option<&str>) -> u32 {
    let numbered = wanted.identifier.iter().any(|identifier| {
        let value = identifier.value.as_deref().unwrap_or_default();
        let nhs = nhs_digits(value);
        person.aliases.iter().any(|alias| {
            alias.role != Role::Retired
                && (alias.value == value || nhs.as_deref() == Some(alias.value.as_str()))
        })
    });
    let folded = |text: Option<&str>| text.map(|text| Wanted::new(text, true).folded);
    let held = person.name();
    let asked = wanted.name.first();
    let family = folded(asked.and_then(|name| name.family.as_deref()))
        .is_some_and(|family| Some(family) == folded(held.map(|name| name.family.as_str())));
    let given = folded(
        asked
            .and_then(|name| name.given.first())
            .map(|given| given.as_str()),
    )
    .is_some_and(|given| Some(given) == folded(held.map(|name| name.given.as_str())));
    let born = birth.is_some_and(|birth| {
        person
            .birth
            .as_deref()
            .is_some_and(|held| held.get(..8) == birth.get(..8))
    });
    let sex = wanted.gender.as_deref().is_some_and(|gender| {
        person
            .sex
            .as_ref()
            .is_some_and(|held| shape::sexes(gender).contains(held))
    });
    let points = [(numbered, 50), (family, 30), (given, 25), (born, 30), (sex, 5)];
    points
        .iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, points)| points)
        .sum::<u32>()
        .min(100)
}
