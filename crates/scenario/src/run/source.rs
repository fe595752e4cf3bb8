//! The source of a migration: the world told as messages, phase by phase, and what the target should hold after each.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::feed::words::Words;
use crate::read::Wanted;
use crate::reconcile::Exclusions;
use crate::reconcile::matching::{Entry, Matching};
use crate::reconcile::record::{Class, Record, Side};
use crate::world::life::{After, Class as VisitClass, Order, Stay};
use crate::world::{Person, World, folded};

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
    /// When it is told; a feed is written in this order.
    pub(super) at: DateTime,
}

/// How far the story has come: what the target should know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) people: bool,
    pub(super) visits: bool,
    pub(super) results: bool,
    pub(super) waiting: bool,
    pub(super) allergies: bool,
    pub(super) delta: bool,
    pub(super) inpatients: bool,
    pub(super) backlog: bool,
    pub(super) late: bool,
}

/// Why something is left out on purpose.
const UNCLOSED: &str = "left and never closed: to be closed in the source first";
/// How many hours late what is late comes.
const LATE_HOURS: i64 = 60;

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

    /// Everybody's records: second records first, so that the first record has the last word.
    pub(super) fn registrations(&self, when: DateTime) -> Vec<Telling> {
        let mut all = Vec::with_capacity(self.entries.len());
        for (at, person) in self.people.iter().enumerate() {
            for record in (0..person.held.len()).rev() {
                all.push(self.telling("register", at, self.as_loaded(at, record, when), when));
            }
        }
        all
    }

    /// A merge for each approved pair: the later record goes into the one that stands for the group.
    pub(super) fn merges(&self, when: DateTime) -> Vec<Telling> {
        let mut all = Vec::new();
        for (left, right) in &self.matching.to_merge {
            for entry in [*left, *right] {
                let survivor = self.matching.survivor[entry];
                if survivor == entry {
                    continue;
                }
                let (person, record) = self.entries[survivor];
                let mut words = self.told(person, record, when);
                words.set("loser", self.mrn(entry));
                let mut telling = self.telling("merge", person, words, when);
                // A merge of two people's records must not overtake either registration.
                telling.person = self.people[self.person_of(survivor)].index;
                all.push(telling);
            }
        }
        all
    }

    fn telling(&self, kind: &'static str, at: usize, words: Words, when: DateTime) -> Telling {
        Telling {
            kind,
            person: self.people[at].index,
            words,
            at: when,
        }
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

    /// Visits that are over.
    pub(super) fn visits(&self) -> Vec<Telling> {
        let mut all = Vec::new();
        for (at, stay) in self.stays() {
            let Some(left) = stay.discharged else { continue };
            let kind = if stay.class == VisitClass::Inpatient {
                "admit"
            } else {
                "attend"
            };
            let words = |when| self.told(at, stay.record, when).stay(stay, &stay.place());
            all.push(self.telling(kind, at, words(stay.admitted()), stay.admitted()));
            all.push(self.telling("leave", at, words(left).left(left), left));
        }
        all
    }

    /// Everybody in a bed: where they came in, then each move up to where they lie.
    pub(super) fn snapshot(&self) -> Vec<Telling> {
        let mut all = Vec::new();
        for (at, stay) in self.in_beds() {
            for (number, (when, place)) in stay.moves.iter().enumerate() {
                let kind = if number == 0 { "admit" } else { "move" };
                let words = self.told(at, stay.record, *when).stay(stay, place);
                all.push(self.telling(kind, at, words, *when));
            }
        }
        all
    }

    pub(super) fn in_beds(&self) -> impl Iterator<Item = (usize, &Stay)> {
        self.stays().filter(|(_, stay)| {
            stay.class == VisitClass::Inpatient && stay.discharged.is_none() && !stay.unclosed
        })
    }

    /// Addresses that changed between extract and freeze.
    pub(super) fn delta(&self) -> Vec<Telling> {
        let mut all = Vec::new();
        for (at, person) in self.people.iter().enumerate() {
            for removal in &person.life.removals {
                let mut words = self.told(at, removal.record, removal.at);
                words.set("line", &removal.line);
                words.set("postcode", &removal.postcode);
                all.push(self.telling("update", at, words, removal.at));
            }
        }
        all
    }

    fn result(&self, at: usize, order: &Order, when: DateTime, value: &str) -> Telling {
        let words = self
            .told(at, order.record, when)
            .order(order, Some((when, value)));
        self.telling("result", at, words, when)
    }

    /// Results up to the freeze.
    pub(super) fn results(&self) -> Vec<Telling> {
        let mut all = Vec::new();
        for (at, person) in self.people.iter().enumerate() {
            for order in &person.life.orders {
                if let Some((when, value)) = &order.result {
                    all.push(self.result(at, order, *when, value));
                }
            }
        }
        all
    }

    /// The waiting list, as planned admissions.
    pub(super) fn waiting(&self) -> Vec<Telling> {
        let mut all = Vec::new();
        for (at, person) in self.people.iter().enumerate() {
            for waiting in &person.life.waiting {
                let words = self.told(at, waiting.record, waiting.listed).waiting(waiting);
                all.push(self.telling("list", at, words, waiting.listed));
            }
        }
        all
    }

    /// Allergies.
    pub(super) fn allergies(&self) -> Vec<Telling> {
        let mut all = Vec::new();
        for (at, person) in self.people.iter().enumerate() {
            for allergy in &person.life.allergies {
                let when = allergy.since.at(9, 0, 0, 0);
                let words = self.told(at, allergy.record, when).allergy(allergy);
                all.push(self.telling("allergy", at, words, when));
            }
        }
        all
    }

    /// What happened while the source was frozen, in order of time.
    pub(super) fn backlog(&self) -> Vec<Telling> {
        let mut all = Vec::new();
        for (at, person) in self.people.iter().enumerate() {
            let life = &person.life;
            for after in &life.after {
                let when = after.at();
                all.push(match after {
                    After::Move { stay, place, .. } => {
                        let stay = &life.stays[*stay];
                        let words = self.told(at, stay.record, when).stay(stay, place);
                        self.telling("move", at, words, when)
                    }
                    After::Discharge { stay, .. } => {
                        let place = self.place_after(at, *stay);
                        let stay = &life.stays[*stay];
                        let words = self.told(at, stay.record, when).stay(stay, &place).left(when);
                        self.telling("leave", at, words, when)
                    }
                    After::Result { order, value, .. } => self.result(at, &life.orders[*order], when, value),
                    After::Attend { stay } => {
                        let words = self.told(at, stay.record, when).stay(stay, &stay.place());
                        self.telling("attend", at, words, when)
                    }
                });
            }
        }
        all.sort_by_key(|telling| telling.at);
        all
    }

    fn place_after(&self, at: usize, of: usize) -> crate::world::life::Place {
        let life = &self.people[at].life;
        let moved = life.after.iter().rev().find_map(|after| match after {
            After::Move { stay, place, .. } if *stay == of => Some(place.clone()),
            _ => None,
        });
        moved.unwrap_or_else(|| life.stays[of].place())
    }

    /// What comes days later: results under the number of a record that was merged away, and cancellations of
    /// attendances that never were. At most a few hundred of each.
    pub(super) fn late(&self) -> Vec<Telling> {
        let hours = jiff::Span::new().hours(LATE_HOURS);
        let mut all = Vec::new();
        for (at, record, order) in self.late_results() {
            let when = order.ordered.saturating_add(hours);
            let mut words = self
                .told(at, record, when)
                .order(&order, Some((when, LATE_VALUE)));
            // The laboratory still has the number of the record that went.
            words.set("mrn", &self.people[at].held[record].mrn);
            all.push(self.telling("result", at, words, when));
        }
        for (at, stay) in self.late_cancellations() {
            let when = stay.admitted().saturating_add(hours);
            let words = self.told(at, stay.record, when).stay(stay, &stay.place());
            all.push(self.telling("cancel-admit", at, words, when));
        }
        all
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

    fn late_cancellations(&self) -> impl Iterator<Item = (usize, &Stay)> {
        self.people
            .iter()
            .enumerate()
            .flat_map(|(at, person)| person.life.after.iter().map(move |after| (at, after)))
            .filter_map(|(at, after)| match after {
                After::Attend { stay } if never_was(&self.people[at]) => Some((at, stay)),
                _ => None,
            })
    }

    /// Somebody of whom nothing is told but that they are there: the last such person, with one record, an NHS number,
    /// and a birth date whose day and month can be changed over.
    pub(super) fn quiet(&self) -> Option<u64> {
        let quiet = self.people.iter().rev().find(|person| {
            let life = &person.life;
            person.held.len() == 1
                && person.held[0].dirt.is_empty()
                && life.stays.is_empty()
                && life.orders.is_empty()
                && life.waiting.is_empty()
                && life.allergies.is_empty()
                && life.removals.is_empty()
                && life.after.is_empty()
                && super::defect::turned(person.identity.birth).is_some()
        });
        quiet.map(|person| person.index)
    }

    /// An update about a few people, to see what downstream systems get.
    pub(super) fn probes(&self) -> Vec<Telling> {
        let whole = |at: &usize| self.people[*at].held.len() == 1;
        (0..self.people.len())
            .filter(whole)
            .take(PROBES)
            .map(|at| {
                let when = self.people[at]
                    .life
                    .stays
                    .first()
                    .map_or_else(DateTime::default, Stay::admitted);
                let when = when.max(jiff::civil::date(2026, 3, 1).at(18, 0, 0, 0));
                self.telling("update", at, self.told(at, 0, when), when)
            })
            .collect()
    }

    /// Whom to look for in the target.
    pub(super) fn wanted(&self) -> Vec<Wanted> {
        let mut groups: BTreeMap<usize, Wanted> = BTreeMap::new();
        for (entry, (person, record)) in self.entries.iter().enumerate() {
            let survivor = self.matching.survivor[entry];
            let wanted = groups.entry(survivor).or_default();
            wanted.mrn = self.mrn(survivor).to_owned();
            wanted
                .numbers
                .push(self.people[*person].held[*record].mrn.clone());
            wanted.results |=
                !self.people[*person].life.orders.is_empty() || self.people[*person].held.len() > 1;
        }
        groups.into_values().collect()
    }

    /// A local time as the instant it is in London.
    fn instant(&self, time: DateTime) -> String {
        self.zone
            .to_timestamp(time)
            .map_or_else(|_| time.to_string(), |instant| instant.to_string())
    }

    /// What the source holds, and what is left out on purpose.
    pub(super) fn side(&self, told: Told) -> (Side, Exclusions) {
        let mut side = Side::default();
        let mut exclusions = Exclusions::new();
        for (entry, (person, record)) in self.entries.iter().enumerate() {
            let held = &self.people[*person].held[*record];
            let survivor = self.matching.survivor[entry];
            side.add(Record::new(Class::Alias, &held.mrn).with("patient", self.mrn(survivor)));
            if survivor == entry {
                side.add(self.patient(*person, *record, told));
            }
        }
        self.visit_records(told, &mut side, &mut exclusions);
        self.fact_records(told, &mut side);
        (side, exclusions)
    }

    fn patient(&self, at: usize, record: usize, told: Told) -> Record {
        let identity = &self.people[at].held[record].identity;
        let removal = self.removal_of_group(at, record).filter(|_| told.delta);
        let (line, postcode) = match removal {
            Some(removal) => (&removal.line, &removal.postcode),
            None => (&identity.line, &identity.postcode),
        };
        let nhs = self.nhs_of_group(at, record);
        Record::new(Class::Patient, self.number_of(at, record))
            .with("nhs-number", nhs.unwrap_or_default())
            .with("family", folded(&identity.family))
            .with("given", folded(&identity.given))
            .with("birth-date", identity.birth.to_string())
            .with("sex", identity.sex.word())
            .with("postcode", postcode)
            .with("address", folded(line))
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

    fn visit_records(&self, told: Told, side: &mut Side, exclusions: &mut Exclusions) {
        for (at, person) in self.people.iter().enumerate() {
            for (number, stay) in person.life.stays.iter().enumerate() {
                let mut place = stay.place();
                let mut left = stay.discharged;
                if told.backlog {
                    place = self.place_after(at, number);
                    left = left.or_else(|| discharge_after(&person.life.after, number));
                }
                let record = self.visit(at, stay, left, &place);
                if stay.unclosed {
                    exclusions.insert((record.class, record.key.clone()), UNCLOSED.to_owned());
                }
                side.add(record);
            }
            if !told.backlog {
                continue;
            }
            for after in &person.life.after {
                let After::Attend { stay } = after else { continue };
                let cancelled = told.late && never_was(person);
                if !cancelled {
                    side.add(self.visit(at, stay, None, &stay.place()));
                }
            }
        }
    }

    fn visit(
        &self,
        at: usize,
        stay: &Stay,
        left: Option<DateTime>,
        place: &crate::world::life::Place,
    ) -> Record {
        let whose = self.number_of(at, stay.record);
        let open = left.is_none() && stay.class == VisitClass::Inpatient && !stay.unclosed;
        let class = if open { Class::Inpatient } else { Class::Visit };
        let record = Record::new(class, &stay.visit)
            .with("patient", whose)
            .with("admitted", self.instant(stay.admitted()));
        if open {
            let bed = format!("{} {} {}", place.ward, place.room, place.bed);
            return record.with("bed", bed.trim());
        }
        record.with("class", stay.class.word()).with(
            "discharged",
            left.map(|left| self.instant(left)).unwrap_or_default(),
        )
    }

    fn fact_records(&self, told: Told, side: &mut Side) {
        for (at, person) in self.people.iter().enumerate() {
            let life = &person.life;
            for booked in &life.appointments {
                let record = Record::new(Class::Appointment, &booked.number)
                    .with("patient", self.number_of(at, booked.record))
                    .with("clinic", &booked.clinic)
                    .with("at", self.instant(booked.at));
                side.add(record);
            }
            for waiting in &life.waiting {
                let whose = self.number_of(at, waiting.record);
                side.add(Record::new(Class::Waiting, &waiting.number).with("patient", whose));
            }
            for allergy in &life.allergies {
                let key = format!("{} {}", self.number_of(at, allergy.record), allergy.code);
                side.add(Record::new(Class::Allergy, key));
            }
            for (number, order) in life.orders.iter().enumerate() {
                let after = life.after.iter().find_map(|after| match after {
                    After::Result { order, at, value } if *order == number && told.backlog => {
                        Some((*at, value.clone()))
                    }
                    _ => None,
                });
                let whose = self.number_of(at, order.record);
                match order.result.clone().or(after) {
                    Some((when, value)) => side.add(self.answer(whose, order, when, &value)),
                    None => side.add(Record::new(Class::OpenOrder, &order.placer).with("patient", whose)),
                }
            }
        }
        if told.late {
            let hours = jiff::Span::new().hours(LATE_HOURS);
            for (at, record, order) in self.late_results() {
                let when = order.ordered.saturating_add(hours);
                side.add(self.answer(self.number_of(at, record), &order, when, LATE_VALUE));
            }
        }
    }

    fn answer(&self, mrn: &str, order: &Order, when: DateTime, value: &str) -> Record {
        Record::new(Class::Result, format!("{mrn} {}", order.code))
            .with("value", value)
            .with("units", order.units)
            .with("observed", self.instant(when))
    }
}

/// People asked after when routes are switched.
const PROBES: usize = 25;
const LATE_VALUE: &str = "7.0";

fn discharge_after(after: &[After], of: usize) -> Option<DateTime> {
    after.iter().find_map(|after| match after {
        After::Discharge { stay, at } if *stay == of => Some(*at),
        _ => None,
    })
}

/// Whether somebody's attendance in the frozen hours turns out, days later, never to have been.
fn never_was(person: &Person) -> bool {
    person.index.is_multiple_of(3)
}
