//! What is told: every fact of the source as a message of a feed, phase by phase.

use jiff::civil::DateTime;

use super::{Key, LATE_HOURS, LATE_VALUE, Source, Telling, never_was};
use crate::feed::words::Words;
use crate::reconcile::record::Class;
use crate::run::defect::turned;
use crate::world::life::{After, Class as VisitClass, Order, Stay};

/// People asked after when routes are switched.
const PROBES: usize = 25;

impl Source {
    /// Everybody's records: second records first, so that the first record has the last word.
    pub(in crate::run) fn registrations(&self, when: DateTime) -> Vec<Telling> {
        let mut all = Vec::with_capacity(self.entries.len());
        for (at, person) in self.people.iter().enumerate() {
            for record in (0..person.held.len()).rev() {
                all.push(self.telling("register", at, self.as_loaded(at, record, when), when));
            }
        }
        all
    }

    /// A merge for each approved pair: the later record goes into the one that stands for the group.
    pub(in crate::run) fn merges(&self, when: DateTime) -> Vec<Telling> {
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

    /// One approved merge taken back, the same merge once more, and the numbers concerned.
    pub(in crate::run) fn reversal(&self) -> Option<(Telling, Telling, Vec<String>)> {
        let when = self
            .people
            .first()
            .map(|_| jiff::civil::date(2026, 2, 27).at(10, 0, 0, 0))?;
        let together = self.merges(when).into_iter().next()?;
        let words = together.words.clone();
        let numbers = ["mrn", "loser"].map(|name| words.text(name).to_owned()).to_vec();
        let apart = Telling {
            kind: "unmerge",
            person: together.person,
            about: together.about.clone(),
            words,
            at: when,
        };
        Some((apart, together, numbers))
    }

    fn telling(&self, kind: &'static str, at: usize, words: Words, when: DateTime) -> Telling {
        Telling {
            kind,
            person: self.people[at].index,
            about: concerned(kind, &words),
            words,
            at: when,
        }
    }

    /// Visits that are over.
    pub(in crate::run) fn visits(&self) -> Vec<Telling> {
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
    pub(in crate::run) fn snapshot(&self) -> Vec<Telling> {
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

    /// Addresses that changed between extract and freeze.
    pub(in crate::run) fn delta(&self) -> Vec<Telling> {
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
    pub(in crate::run) fn results(&self) -> Vec<Telling> {
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

    /// The waiting list: each entry as a planned admission, and as the order it stands for, with the clock start.
    pub(in crate::run) fn waiting(&self) -> Vec<Telling> {
        let mut all = Vec::new();
        for (at, person) in self.people.iter().enumerate() {
            for waiting in &person.life.waiting {
                let words = self.told(at, waiting.record, waiting.listed).waiting(waiting);
                all.push(self.telling("list", at, words.clone(), waiting.listed));
                all.push(self.telling("pathway", at, words, waiting.listed));
            }
        }
        all
    }

    /// Allergies.
    pub(in crate::run) fn allergies(&self) -> Vec<Telling> {
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

    /// Problems.
    pub(in crate::run) fn problems(&self) -> Vec<Telling> {
        let mut all = Vec::new();
        for (at, person) in self.people.iter().enumerate() {
            for problem in &person.life.problems {
                let when = problem.since.at(9, 0, 0, 0);
                let words = self.told(at, problem.record, when).problem(problem);
                all.push(self.telling("problem", at, words, when));
            }
        }
        all
    }

    /// A letter after each attendance in a clinic: free text about somebody, by name.
    pub(in crate::run) fn letters(&self) -> Vec<Telling> {
        let mut all = Vec::new();
        for (at, stay) in self
            .stays()
            .filter(|(_, stay)| stay.class == VisitClass::Outpatient)
        {
            let when = stay.admitted().saturating_add(jiff::Span::new().hours(30));
            let mut words = self.told(at, stay.record, when);
            words.set("number", &format!("D{}", stay.visit));
            all.push(self.telling("letter", at, words, when));
        }
        all
    }

    /// Future appointments, as they were booked.
    pub(in crate::run) fn appointments(&self) -> Vec<Telling> {
        let mut all = Vec::new();
        for (at, person) in self.people.iter().enumerate() {
            for booked in &person.life.appointments {
                let words = self.told(at, booked.record, booked.booked).appointment(booked);
                all.push(self.telling("book", at, words, booked.booked));
            }
        }
        all
    }

    /// Orders that wait for an answer, under their own numbers.
    pub(in crate::run) fn open_orders(&self) -> Vec<Telling> {
        let mut all = Vec::new();
        for (at, person) in self.people.iter().enumerate() {
            for order in person.life.orders.iter().filter(|order| order.result.is_none()) {
                let words = self.told(at, order.record, order.ordered).order(order, None);
                all.push(self.telling("order", at, words, order.ordered));
            }
        }
        all
    }

    /// What happened while the source was frozen, in order of time.
    pub(in crate::run) fn backlog(&self) -> Vec<Telling> {
        let mut all = Vec::new();
        for (at, person) in self.people.iter().enumerate() {
            for after in &person.life.after {
                self.tell_after(at, after, &mut all);
            }
        }
        all.sort_by_key(|telling| telling.at);
        all
    }

    fn tell_after(&self, at: usize, after: &After, all: &mut Vec<Telling>) {
        let life = &self.people[at].life;
        let when = after.at();
        let booking = |which: usize, changed: bool| {
            let booked = &life.appointments[which];
            let now = life.booking_after(which).filter(|_| changed);
            let words = self.told(at, booked.record, when);
            words.appointment(now.as_ref().unwrap_or(booked))
        };
        let telling = match after {
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
            After::Result { order, value, .. } => {
                let order = &life.orders[*order];
                all.push(self.result(at, order, when, value));
                let words = self.told(at, order.record, when).order(order, None);
                self.telling("answered", at, words, when)
            }
            After::Attend { stay } => {
                let words = self.told(at, stay.record, when).stay(stay, &stay.place());
                self.telling("attend", at, words, when)
            }
            After::Rebook { booking: which, .. } => self.telling("rebook", at, booking(*which, true), when),
            After::Reassign { booking: which, .. } => {
                self.telling("reassign", at, booking(*which, true), when)
            }
            After::Cancel { booking: which, .. } => {
                self.telling("cancel-booking", at, booking(*which, false), when)
            }
        };
        all.push(telling);
    }

    /// What comes days later: results under the number of a record that was merged away, and cancellations of
    /// attendances that never were. At most a few hundred of each.
    pub(in crate::run) fn late(&self) -> Vec<Telling> {
        let hours = jiff::Span::new().hours(LATE_HOURS);
        let mut all = Vec::new();
        for (at, record, order) in self.late_results() {
            let when = order.ordered.saturating_add(hours);
            let words = self
                .told(at, record, when)
                .order(&order, Some((when, LATE_VALUE)));
            let mut telling = self.telling("result", at, words, when);
            // The laboratory still has the number of the record that went.
            telling.words.set("mrn", &self.people[at].held[record].mrn);
            all.push(telling);
        }
        for (at, stay) in self.late_cancellations() {
            let when = stay.admitted().saturating_add(hours);
            let words = self.told(at, stay.record, when).stay(stay, &stay.place());
            all.push(self.telling("cancel-admit", at, words, when));
        }
        all
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
    pub(in crate::run) fn quiet(&self) -> Option<u64> {
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
                && turned(person.identity.birth).is_some()
        });
        quiet.map(|person| person.index)
    }

    /// A booking that nothing happens to while the system is frozen: what is wrong about it stays wrong.
    pub(in crate::run) fn settled_booking(&self) -> Option<String> {
        let lives = self.people.iter().map(|person| &person.life);
        let undisturbed = lives.filter(|life| {
            let touches = |after: &After| {
                matches!(
                    after,
                    After::Rebook { .. } | After::Reassign { .. } | After::Cancel { .. }
                )
            };
            !life.after.iter().any(touches)
        });
        let mut bookings = undisturbed.flat_map(|life| &life.appointments);
        bookings.next().map(|booking| booking.number.clone())
    }

    /// An update about a few people, to see what downstream systems get.
    pub(in crate::run) fn probes(&self) -> Vec<Telling> {
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
}

/// Which records of the comparison a telling speaks of.
pub(in crate::run) fn concerned(kind: &str, words: &Words) -> Vec<Key> {
    let key = |class: Class, name: &str| (class, words.text(name).to_owned());
    let under_mrn = |class: Class, name: &str| {
        let key = format!("{} {}", words.text("mrn"), words.text(name));
        (class, key)
    };
    let mut about = match kind {
        "register" | "update" => vec![key(Class::Patient, "mrn"), key(Class::Alias, "mrn")],
        "merge" | "unmerge" => vec![key(Class::Patient, "mrn"), key(Class::Alias, "loser")],
        "admit" | "attend" | "move" | "leave" | "cancel-admit" | "cancel-leave" => {
            vec![key(Class::Visit, "visit"), key(Class::Inpatient, "visit")]
        }
        "list" | "pathway" => vec![key(Class::Waiting, "number")],
        "book" | "rebook" | "reassign" | "cancel-booking" => vec![key(Class::Appointment, "number")],
        "allergy" => vec![under_mrn(Class::Allergy, "words")],
        "order" | "answered" => vec![key(Class::OpenOrder, "placer")],
        "result" => vec![under_mrn(Class::Result, "code"), key(Class::OpenOrder, "placer")],
        _ => Vec::new(),
    };
    about.retain(|(_, key)| !key.is_empty());
    about
}
