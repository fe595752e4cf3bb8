//! What an EPR knows: people with their encounters, reports, and the indexes that find them.
//!
//! In memory, one lock, no I/O: [`crate::record`] makes each changed document durable before anything is
//! acknowledged. Keys are eight-digit numbers derived from the seed and the number somebody is known by, so the
//! same stories give the same ids; a collision takes the next free key.

pub(crate) mod change;
pub(crate) mod encounter;
mod events;
mod find;
mod heard;
mod index;
pub(crate) mod item;
mod merge;
pub(crate) mod person;
pub(crate) mod report;

use std::collections::HashMap;

use self::encounter::Encounter;
use self::index::Index;
use self::item::Item;
use self::person::{Alias, Person, Role};
use self::report::Report;
use crate::record::Documents;

pub(crate) use self::change::{Applied, Change};
pub(crate) use self::events::{Seen, Visits};
pub(crate) use self::find::{People, Wanted, plain};

/// Short strings live inside the struct that holds them.
pub(crate) type Text = compact_str::CompactString;

/// The whole record of one EPR.
pub(crate) struct State {
    seed: u64,
    /// Boxed: a map of large values would keep nearly twice their room.
    people: HashMap<u32, Box<Person>>,
    reports: HashMap<u32, Box<Report>>,
    index: Index,
}

impl State {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            people: HashMap::new(),
            reports: HashMap::new(),
            index: Index::default(),
        }
    }

    /// Rebuilds the record from its documents, as they were read at start.
    pub(crate) fn load(seed: u64, people: Vec<Person>, reports: Vec<Report>) -> Self {
        let mut state = Self::new(seed);
        state.people.reserve(people.len());
        for person in people {
            state.index.add(&person);
            state.people.insert(person.key, Box::new(person));
        }
        state.reports = reports
            .into_iter()
            .map(|report| (report.key, Box::new(report)))
            .collect();
        state
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn person(&self, key: u32) -> Option<&Person> {
        self.people.get(&key).map(Box::as_ref)
    }

    pub(crate) fn report(&self, key: u32) -> Option<&Report> {
        self.reports.get(&key).map(Box::as_ref)
    }

    /// Every living record, by key.
    pub(crate) fn everybody(&self) -> Vec<&Person> {
        let living = self.people.values().filter(|person| person.merged_into.is_none());
        let mut people: Vec<&Person> = living.map(Box::as_ref).collect();
        people.sort_unstable_by_key(|person| person.key);
        people
    }

    pub(crate) fn people_count(&self) -> usize {
        self.people.len()
    }

    /// The person and encounter with that encounter key.
    pub(crate) fn encounter(&self, key: u32) -> Option<(&Person, &Encounter)> {
        let person = self.people.get(&self.index.encounter_owner(key)?)?;
        Some((person, person.encounter(key)?))
    }

    /// The person and item with that item key.
    pub(crate) fn item(&self, key: u32) -> Option<(&Person, &Item)> {
        let person = self.people.get(&self.index.item_owner(key)?)?;
        Some((person, person.items.iter().find(|item| item.key == key)?))
    }

    /// The booking that stands in a clinic's calendar at that time.
    pub(crate) fn booked(&self, place: &str, start: &str) -> Option<u32> {
        self.index.booked(place, start)
    }

    /// Follows merges to the record that stands for `key` today.
    pub(crate) fn survivor(&self, key: u32) -> u32 {
        let mut at = key;
        // A merge never closes a circle (see `merge`); the bound is for a damaged file.
        for _ in 0..64 {
            match self.people.get(&at).and_then(|person| person.merged_into) {
                Some(next) => at = next,
                None => break,
            }
        }
        at
    }

    /// The living record that holds that number.
    fn holder(&self, alias: &Alias) -> Option<u32> {
        let mut keys = self.index.by_alias(&alias.value).iter().copied();
        let holds = |key: &u32| {
            self.person(*key)
                .is_some_and(|person| person.aliases.iter().any(|held| held.names_the_same(alias)))
        };
        keys.find(holds).map(|key| self.survivor(key))
    }

    /// The living record of whoever has one of these numbers, NHS numbers aside.
    fn known_by_number(&self, aliases: &[Alias]) -> Option<u32> {
        let own = aliases.iter().filter(|alias| alias.role != Role::Nhs);
        own.filter_map(|alias| self.holder(alias)).next()
    }

    /// Whether somebody has that number, pool included.
    pub(crate) fn is_held(&self, alias: &Alias) -> bool {
        self.holder(alias).is_some()
    }

    /// Whether these numbers, NHS numbers aside, are those of more than one person.
    pub(crate) fn are_several(&self, aliases: &[Alias]) -> bool {
        let own = aliases.iter().filter(|alias| alias.role != Role::Nhs);
        let mut holders = own.filter_map(|alias| self.holder(alias));
        holders
            .next()
            .is_some_and(|first| holders.any(|other| other != first))
    }

    /// The visit with that number, whoever's it is.
    pub(crate) fn visit_numbered(&self, number: &str) -> Option<&Encounter> {
        let key = self.index.by_visit(number).first()?;
        self.encounter(*key).map(|(_, encounter)| encounter)
    }

    /// The living record of whoever is known by one of these numbers: hospital number first, then NHS number, and
    /// that only when the dates of birth do not contradict each other.
    pub(crate) fn known_by(&self, aliases: &[Alias], birth: Option<&str>) -> Option<u32> {
        self.known_by_number(aliases).or_else(|| {
            aliases
                .iter()
                .filter(|alias| alias.role == Role::Nhs)
                .find_map(|alias| self.holder(alias))
                .filter(|key| {
                    match (
                        birth,
                        self.people.get(key).and_then(|person| person.birth.as_deref()),
                    ) {
                        (Some(incoming), Some(known)) => same_day(incoming, known),
                        _ => true,
                    }
                })
        })
    }

    /// Whoever is known by that number today: a hospital number before any other.
    pub(crate) fn named(&self, number: &str) -> Option<&Person> {
        let digits = crate::intake::read::nhs_digits(number);
        let held = |value: &str, nhs: bool| {
            self.index.by_alias(value).iter().copied().find(|key| {
                self.people.get(key).is_some_and(|person| {
                    person
                        .aliases
                        .iter()
                        .any(|alias| alias.value == value && (alias.role == Role::Nhs) == nhs)
                })
            })
        };
        let key = held(number, false).or_else(|| held(digits.as_deref()?, true))?;
        self.people.get(&self.survivor(key)).map(Box::as_ref)
    }

    /// The record under that number that was merged into this one.
    pub(crate) fn merged_under(&self, survivor: u32, number: &str) -> Option<&Person> {
        let digits = crate::intake::read::nhs_digits(number);
        let numbers = [Some(number), digits.as_deref()];
        numbers.into_iter().flatten().find_map(|number| {
            let mut holders = self.index.by_alias(number).iter();
            holders.find_map(|key| {
                self.person(*key)
                    .filter(|person| person.merged_into == Some(survivor))
            })
        })
    }

    /// Whether nobody ever had that number.
    pub(crate) fn is_free(&self, number: &str) -> bool {
        self.index.by_alias(number).is_empty()
    }

    /// A hospital number nobody has.
    pub(crate) fn next_mrn(&self, digits: usize) -> Text {
        let first = 10_u64.pow(u32::try_from(digits).unwrap_or(7).saturating_sub(1)) * 8;
        let mut number = first + self.people.len() as u64;
        while !self.index.by_alias(&number.to_string()).is_empty() {
            number += 1;
        }
        compact_str::format_compact!("{number}")
    }

    /// A fresh person under the first of these numbers.
    fn create_person(&mut self, aliases: &[Alias]) -> u32 {
        let name = aliases
            .iter()
            .find(|alias| alias.role != Role::Nhs)
            .or_else(|| aliases.first())
            .map_or_else(String::new, |alias| {
                format!("{}|{}", alias.authority, alias.value)
            });
        let key = free_key(self.seed, "person", &name, |key| self.people.contains_key(&key));
        self.people.insert(
            key,
            Box::new(Person {
                key,
                ..Person::default()
            }),
        );
        key
    }

    /// A fresh encounter key for that visit number.
    fn create_encounter(&mut self, person: u32, number: &str) -> u32 {
        let key = free_key(self.seed, "encounter", number, |key| {
            self.index.encounter_owner(key).is_some()
        });
        self.index.own_encounter(key, person, number);
        key
    }

    /// The encounter with that number among this person's, or anybody's.
    fn encounter_numbered(&self, person: u32, number: &str) -> Option<(u32, u32)> {
        let mut elsewhere = None;
        for key in self.index.by_visit(number) {
            let owner = self.index.encounter_owner(*key)?;
            if owner == person {
                return Some((owner, *key));
            }
            elsewhere = Some((owner, *key));
        }
        elsewhere
    }

    /// Changes a person and keeps the indexes true.
    fn edit<R>(&mut self, key: u32, now_ms: i64, change: impl FnOnce(&mut Person) -> R) -> Option<R> {
        let person = self.people.get_mut(&key)?;
        let before = index::Keys::of(person);
        let done = change(person);
        person.version = person.version.wrapping_add(1);
        person.updated_ms = now_ms;
        self.index.replace(key, &before, &index::Keys::of(person));
        Some(done)
    }

    /// Adds the documents that stand for what changed.
    pub(crate) fn document(&self, applied: &Applied, documents: &mut Documents) {
        for key in &applied.people {
            if let Some(person) = self.people.get(key) {
                documents.person(person);
            }
        }
        for key in &applied.reports {
            if let Some(report) = self.reports.get(key) {
                documents.report(report);
            }
        }
    }
}

/// Whether two HL7 dates or times of birth name the same day, as far as both are precise.
pub(crate) fn same_day(left: &str, right: &str) -> bool {
    let shared = left.len().min(right.len()).min(8);
    left.as_bytes().get(..shared) == right.as_bytes().get(..shared)
}

/// An eight-digit key from (seed, kind, name); the next free one when taken.
fn free_key(seed: u64, kind: &str, name: &str, taken: impl Fn(u32) -> bool) -> u32 {
    let mut key = key_of(seed, kind, name);
    while taken(key) {
        key = if key >= KEY_LAST { KEY_FIRST } else { key + 1 };
    }
    key
}

const KEY_FIRST: u32 = 10_000_000;
const KEY_LAST: u32 = 99_999_999;

fn key_of(seed: u64, kind: &str, name: &str) -> u32 {
    let hash = crate::seed::hash(seed, &[kind.as_bytes(), name.as_bytes()]);
    KEY_FIRST + u32::try_from(hash % u64::from(KEY_LAST - KEY_FIRST + 1)).unwrap_or(0)
}
