//! The source of a migration: everybody, and the decisions about who is who. What is told of them is [`telling`], what
//! the target should hold after each phase is [`expected`].

mod expected;
mod telling;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::feed::words::Words;
use crate::reconcile::matching::{Entry, Matching};
use crate::reconcile::record::Class;
use crate::world::life::{After, Class as VisitClass, Order, Stay};
use crate::world::{Person, World};

/// Everybody, with the decisions about who is who.
pub(super) struct Source {
    pub(super) people: Vec<Person>,
    /// (person, record) of each entry, in the order matching knows them.
    entries: Vec<(usize, usize)>,
    /// The first entry of each person.
    first: Vec<usize>,
    pub(super) matching: Matching,
    /// Whether the changes of address since the extract have been told.
    pub(super) moved: bool,
    zone: TimeZone,
}

/// One thing to tell: what, about whom, with which facts.
pub(super) struct Telling {
    pub(super) kind: &'static str,
    pub(super) person: u64,
    pub(super) words: Words,
    /// Which records it speaks of.
    pub(super) about: Vec<Key>,
    /// When it is told; a feed is written in this order.
    pub(super) at: DateTime,
}

/// A record of the comparison: its class and what it is found by.
pub(super) type Key = (Class, String);

/// How far the story has come: what the target should know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) people: bool,
    pub(super) visits: bool,
    pub(super) results: bool,
    pub(super) waiting: bool,
    pub(super) allergies: bool,
    pub(super) appointments: bool,
    pub(super) orders: bool,
    pub(super) delta: bool,
    pub(super) inpatients: bool,
    pub(super) backlog: bool,
    pub(super) late: bool,
}

/// Why something is left out on purpose.
const UNCLOSED: &str = "left and never closed: to be closed in the source first";
/// How many hours late what is late comes.
const LATE_HOURS: i64 = 60;
const LATE_VALUE: &str = "7.0";

impl Source {
    pub(super) fn new(world: &World) -> Self {
        let people: Vec<Person> = world.people().collect();
        let mut entries = Vec::new();
        let mut first = Vec::with_capacity(people.len());
        for (at, person) in people.iter().enumerate() {
            first.push(entries.len());
            entries.extend((0..person.held.len()).map(|record| (at, record)));
        }
        let matching = Matching {
            survivor: (0..entries.len()).collect(),
            ..Matching::default()
        };
        Self {
            people,
            entries,
            first,
            matching,
            moved: false,
            zone: TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC),
        }
    }

    pub(super) fn entries(&self) -> Vec<Entry<'_>> {
        let of = |(person, record): &(usize, usize)| {
            let held = &self.people[*person].held[*record];
            Entry {
                mrn: &held.mrn,
                trust: held.trust,
                identity: &held.identity,
                truth: self.people[*person].index,
            }
        };
        self.entries.iter().map(of).collect()
    }

    /// The entry that stands for a person's record.
    fn survivor_of(&self, person: usize, record: usize) -> usize {
        self.matching.survivor[self.first[person] + record]
    }

    pub(super) fn mrn(&self, entry: usize) -> &str {
        let (person, record) = self.entries[entry];
        &self.people[person].held[record].mrn
    }

    /// The number that stands for a person's record after every merge.
    fn number_of(&self, person: usize, record: usize) -> &str {
        self.mrn(self.survivor_of(person, record))
    }

    /// Numbers of records that stand under another, each with the number that stands for it.
    pub(super) fn merged(&self) -> Vec<(String, String)> {
        let entries = self.matching.survivor.iter().enumerate();
        entries
            .filter(|(entry, survivor)| entry != *survivor)
            .map(|(entry, survivor)| (self.mrn(entry).to_owned(), self.mrn(*survivor).to_owned()))
            .collect()
    }

    pub(super) fn person_of(&self, entry: usize) -> usize {
        self.entries[entry].0
    }

    /// A record as it was loaded.
    fn as_loaded(&self, at: usize, record: usize, when: DateTime) -> Words {
        let person = &self.people[at];
        Words::at(when).person(person, &person.held[record])
    }

    /// A record as the cleaned source has it after the load: what is said of any record of a group is said of the one
    /// that stands for it, with the NHS number any of them had.
    fn told(&self, at: usize, record: usize, when: DateTime) -> Words {
        let (person, survivor) = self.entries[self.survivor_of(at, record)];
        let mut held = self.people[person].held[survivor].clone();
        held.identity.nhs = self.nhs_of_group(at, record);
        if self.moved
            && let Some(removal) = self.removal_of_group(at, record)
        {
            held.identity.line.clone_from(&removal.line);
            held.identity.postcode.clone_from(&removal.postcode);
        }
        Words::at(when).person(&self.people[person], &held)
    }

    fn removal_of_group(&self, at: usize, record: usize) -> Option<&crate::world::life::Removal> {
        let group = self.survivor_of(at, record);
        let removals = &self.people[at].life.removals;
        removals
            .iter()
            .rfind(|removal| self.survivor_of(at, removal.record) == group)
    }

    /// A record without an NHS number has that of another record of the same group.
    fn nhs_of_group(&self, at: usize, record: usize) -> Option<String> {
        let (_, survivor) = self.entries[self.survivor_of(at, record)];
        let person = &self.people[at];
        if let Some(own) = &person.held[survivor].identity.nhs {
            return Some(own.clone());
        }
        let group = self.survivor_of(at, record);
        (0..person.held.len())
            .filter(|other| self.survivor_of(at, *other) == group)
            .find_map(|other| person.held[other].identity.nhs.clone())
    }

    fn stays(&self) -> impl Iterator<Item = (usize, &Stay)> {
        let of = |(at, person): (usize, &'_ Person)| (at, person.life.stays.len());
        self.people
            .iter()
            .enumerate()
            .map(of)
            .flat_map(|(at, count)| (0..count).map(move |stay| (at, stay)))
            .map(|(at, stay)| (at, &self.people[at].life.stays[stay]))
    }

    pub(super) fn in_beds(&self) -> impl Iterator<Item = (usize, &Stay)> {
        self.stays().filter(|(_, stay)| {
            stay.class == VisitClass::Inpatient && stay.discharged.is_none() && !stay.unclosed
        })
    }

    fn place_after(&self, at: usize, of: usize) -> crate::world::life::Place {
        let life = &self.people[at].life;
        let moved = life.after.iter().rev().find_map(|after| match after {
            After::Move { stay, place, .. } if *stay == of => Some(place.clone()),
            _ => None,
        });
        moved.unwrap_or_else(|| life.stays[of].place())
    }

    /// A result for each record that was merged into another, under the number it used to have.
    fn late_results(&self) -> impl Iterator<Item = (usize, usize, Order)> {
        self.entries
            .iter()
            .enumerate()
            .filter(|(entry, _)| self.matching.survivor[*entry] != *entry)
            .take(200)
            .map(|(_, (person, record))| {
                let index = self.people[*person].index;
                let order = Order {
                    record: *record,
                    placer: format!("P{index:08}L"),
                    filler: format!("F{index:08}L{record}"),
                    code: "LATE",
                    words: "HISTOLOGY SCORE",
                    units: "1",
                    range: "0-9",
                    ordered: jiff::civil::date(2026, 2, 27).at(11, 0, 0, 0),
                    result: None,
                };
                (*person, *record, order)
            })
    }
}

/// Whether somebody's attendance in the frozen hours turns out, days later, never to have been.
fn never_was(person: &Person) -> bool {
    person.index.is_multiple_of(3)
}
