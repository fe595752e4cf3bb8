//! What the target should hold after each phase, as records to be compared.

use std::collections::BTreeMap;

use jiff::civil::DateTime;

use super::{LATE_HOURS, LATE_VALUE, Source, Told, UNCLOSED, never_was};
use crate::read::Wanted;
use crate::reconcile::Exclusions;
use crate::reconcile::record::{Class, Record, Side};
use crate::world::life::{After, Class as VisitClass, Order, Stay};
use crate::world::{Person, folded};

impl Source {
    /// Whom to look for in the target.
    pub(in crate::run) fn wanted(&self) -> Vec<Wanted> {
        self.wanted_where(|_| true)
    }

    /// Whom to look for of those a question is about.
    pub(in crate::run) fn wanted_where(&self, asked: impl Fn(&Person) -> bool) -> Vec<Wanted> {
        let mut groups: BTreeMap<usize, Wanted> = BTreeMap::new();
        for (entry, (person, record)) in self.entries.iter().enumerate() {
            if !asked(&self.people[*person]) {
                continue;
            }
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
    pub(in crate::run) fn side(&self, told: Told) -> (Side, Exclusions) {
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
            for (which, booked) in life.appointments.iter().enumerate() {
                let booked = if told.backlog {
                    life.booking_after(which)
                } else {
                    Some(booked.clone())
                };
                let Some(booked) = booked else { continue };
                let record = Record::new(Class::Appointment, &booked.number)
                    .with("patient", self.number_of(at, booked.record))
                    .with("clinic", &booked.clinic)
                    .with("at", self.instant(booked.at));
                side.add(record);
            }
            for waiting in &life.waiting {
                let start = waiting.clock_start.map(|date| date.to_string());
                let record = Record::new(Class::Waiting, &waiting.number)
                    .with("patient", self.number_of(at, waiting.record))
                    .with("planned", "yes")
                    .with("clock-start", start.unwrap_or_default());
                side.add(record);
            }
            for allergy in &life.allergies {
                let key = format!("{} {}", self.number_of(at, allergy.record), allergy.words);
                side.add(Record::new(Class::Allergy, key).with("since", allergy.since.to_string()));
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
                    None => side.add(
                        Record::new(Class::OpenOrder, &order.placer)
                            .with("patient", whose)
                            .with("test", order.words),
                    ),
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

fn discharge_after(after: &[After], of: usize) -> Option<DateTime> {
    after.iter().find_map(|after| match after {
        After::Discharge { stay, at } if *stay == of => Some(*at),
        _ => None,
    })
}
