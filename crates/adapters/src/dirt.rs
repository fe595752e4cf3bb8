//! Dirt in a seeded record, at a known rate, and the truth about each piece of it: what a rehearsal must find.
//!
//! Which people are dirty follows from the seed alone, so the truth can be told again at any time. Whoever is somebody's
//! duplicate has a hospital number of their own and no NHS number: with one, the record would know them.

use serde::Serialize;

use crate::epr::{Choices, Shared};
use crate::seed::{Citizen, Population, hash};
use crate::state::change::Given;
use crate::state::person::Role;
use crate::state::{Change, Text};

/// What is wrong with somebody's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Dirt {
    /// A second record of somebody.
    Duplicate,
    /// The NHS number was never entered.
    MissingNhsNumber,
    /// Day and month of birth the wrong way round.
    TransposedBirthDate,
    /// A ward that is in no table.
    UnknownWard,
    /// The NHS number is told without saying that it is one.
    BareNhsNumber,
}

/// One piece of dirt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Planted {
    /// What is wrong.
    pub dirt: Dirt,
    /// The hospital number of the record it is wrong in.
    pub mrn: String,
    /// What is right: the number of the record this one duplicates, the NHS number, the date of birth, the ward.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right: Option<String>,
}

/// How a product's seeds get dirty.
pub(crate) struct Dirty {
    /// A ward that none of its tables has.
    pub unknown_ward: &'static str,
    /// Whether that person's NHS number is told bare.
    pub bare: fn(u32, &Choices) -> bool,
}

/// A citizen's events with what is wrong with them, at that rate in per cent.
pub(crate) fn soil(
    seed: u64,
    citizen: &Citizen,
    mut events: Vec<Change>,
    rate: u64,
    dirty: &Dirty,
) -> (Vec<Change>, Vec<Planted>) {
    let falls = |kind: Dirt| hash(seed, &[b"dirt", &[kind as u8], &citizen.index.to_le_bytes()]) % 100 < rate;
    let mut planted = Vec::new();
    let Some(mrn) = events.first().and_then(mrn_of) else {
        return (events, planted);
    };
    let mut plant = |dirt, mrn: &Text, right: &str| {
        planted.push(Planted {
            dirt,
            mrn: mrn.to_string(),
            right: Some(right.to_owned()),
        });
    };
    if falls(Dirt::Duplicate)
        && let Some(number) = mrn.parse::<u64>().ok()
    {
        let mut twin = events[0].clone();
        twin.aliases.retain(|alias| alias.role != Role::Nhs);
        if let Some(alias) = twin.aliases.first_mut() {
            // Numbers of the seed stand further apart than this.
            alias.value = compact_str::format_compact!("{}", number + 3);
            plant(Dirt::Duplicate, &alias.value, &mrn);
        }
        events.push(twin);
    }
    let first = &mut events[0];
    if falls(Dirt::MissingNhsNumber) {
        first.aliases.retain(|alias| alias.role != Role::Nhs);
        plant(Dirt::MissingNhsNumber, &mrn, &citizen.nhs);
    }
    let turned = citizen
        .birth
        .split_at_checked(4)
        .and_then(|(year, rest)| Some((year, rest.split_at_checked(2)?)))
        .filter(|(_, (month, day))| *day <= "12" && month != day)
        .map(|(year, (month, day))| compact_str::format_compact!("{year}{day}{month}"));
    if let Some(turned) = turned.filter(|_| falls(Dirt::TransposedBirthDate)) {
        first.demographics.birth = Given::Is(turned);
        plant(Dirt::TransposedBirthDate, &mrn, &citizen.birth);
    }
    let visit = events.iter_mut().find_map(|event| event.visit.as_mut());
    if let Some(place) = visit.and_then(|(_, visit)| visit.place.as_mut())
        && falls(Dirt::UnknownWard)
    {
        plant(Dirt::UnknownWard, &mrn, &place.ward);
        place.ward = Text::const_new(dirty.unknown_ward);
    }
    (events, planted)
}

fn mrn_of(change: &Change) -> Option<Text> {
    let alias = change.aliases.iter().find(|alias| alias.role == Role::Mrn)?;
    Some(alias.value.clone())
}

impl Shared {
    /// The events that put one citizen on the index, dirty when the site chose so.
    pub(crate) fn seeded(&self, seed: u64, citizen: &Citizen) -> (Vec<Change>, Vec<Planted>) {
        let events = (self.vendor.seed)(citizen, self.profile);
        match (&self.vendor.dirty, self.choices.get("dirt").parse()) {
            (Some(dirty), Ok(rate)) if rate > 0 => soil(seed, citizen, events, rate, dirty),
            _ => (events, Vec::new()),
        }
    }

    /// Everything that was planted in the first people.
    pub(crate) fn truth(&self, people: usize) -> Vec<Planted> {
        let inner = self.lock();
        let seed = inner.state.seed();
        let citizens = Population::new(seed, self.vendor.seed_block)
            .people()
            .take(people);
        let mut truth = Vec::new();
        for citizen in citizens {
            let (events, planted) = self.seeded(seed, &citizen);
            let without = planted.iter().any(|one| one.dirt == Dirt::MissingNhsNumber);
            truth.extend(planted);
            let mrn = events.first().and_then(mrn_of);
            if let (Some(dirty), Some(mrn), false) = (&self.vendor.dirty, mrn, without)
                && let Some(person) = inner.state.named(&mrn)
                && (dirty.bare)(person.key, &self.choices)
            {
                truth.push(Planted {
                    dirt: Dirt::BareNhsNumber,
                    mrn: mrn.to_string(),
                    right: Some(citizen.nhs.clone()),
                });
            }
        }
        truth
    }
}
