//! What can be said in a message: the names a feed's lines may use, and the facts of the world under them.

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime};

use crate::world::life::{Allergy, Appointment, Order, Place, Problem, Stay, Waiting};
use crate::world::{Held, Person};

/// Every name, sorted.
pub const NAMES: &[&str] = &[
    "admitted",
    "at",
    "bed",
    "birth",
    "class",
    "clinic",
    "clock-start",
    "code",
    "consultant",
    "consultant-family",
    "consultant-given",
    "control",
    "discharged",
    "doctor",
    "doctor-family",
    "ethnicity",
    "facility",
    "family",
    "filler",
    "function",
    "given",
    "line",
    "live",
    "live-pool",
    "loser",
    "marital",
    "message",
    "mobile",
    "mrn",
    "nhs",
    "number",
    "observed",
    "ordered",
    "phone",
    "placer",
    "pool",
    "postcode",
    "practice",
    "practice-name",
    "range",
    "reaction",
    "restricted",
    "room",
    "sent",
    "sex",
    "since",
    "site",
    "specialty",
    "specialty-words",
    "status",
    "title",
    "town",
    "trigger",
    "trust",
    "units",
    "value",
    "visit",
    "visit-pool",
    "ward",
    "words",
];

/// The facts of one message.
#[derive(Clone, Debug, Default)]
pub struct Words {
    texts: BTreeMap<&'static str, String>,
    times: BTreeMap<&'static str, DateTime>,
}

impl Words {
    /// Nothing but when it is sent and when it happened.
    #[must_use]
    pub fn at(at: DateTime) -> Self {
        let mut words = Self::default();
        words.set_time("sent", at);
        words.set_time("at", at);
        words
    }

    /// Says something.
    ///
    /// # Panics
    /// In tests and debug builds, for a name that no feed could use.
    pub fn set(&mut self, name: &'static str, text: &str) {
        debug_assert!(NAMES.contains(&name), "a name that no feed could use");
        self.texts.insert(name, text.to_owned());
    }

    /// Says when.
    pub fn set_time(&mut self, name: &'static str, time: DateTime) {
        debug_assert!(NAMES.contains(&name), "a name that no feed could use");
        self.times.insert(name, time);
    }

    /// Says on which day.
    pub fn set_day(&mut self, name: &'static str, day: Date) {
        self.set_time(name, day.at(0, 0, 0, 0));
    }

    /// What was said; empty when nothing was.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }

    /// When something was said to be.
    #[must_use]
    pub fn time(&self, name: &str) -> Option<DateTime> {
        self.times.get(name).copied()
    }

    /// Who it is about, as the record holds them.
    #[must_use]
    pub fn person(mut self, person: &Person, held: &Held) -> Self {
        let identity = &held.identity;
        for (name, text) in [
            ("mrn", held.mrn.as_str()),
            ("nhs", identity.nhs.as_deref().unwrap_or_default()),
            ("family", &identity.family),
            ("given", &identity.given),
            ("title", identity.title),
            ("sex", identity.sex.word()),
            ("line", &identity.line),
            ("town", identity.town),
            ("postcode", &identity.postcode),
            ("phone", &identity.phone),
            ("mobile", &identity.mobile),
            ("ethnicity", person.ethnicity),
            ("marital", person.marital),
            ("practice", person.practice.code),
            ("practice-name", person.practice.name),
            ("doctor", person.practice.doctor),
            ("doctor-family", person.practice.family),
        ] {
            self.set(name, text);
        }
        self.set_day("birth", identity.birth);
        self
    }

    /// The visit, in that place.
    #[must_use]
    pub fn stay(mut self, stay: &Stay, place: &Place) -> Self {
        let (consultant, family, given) = stay.consultant;
        for (name, text) in [
            ("visit", stay.visit.as_str()),
            ("class", stay.class.word()),
            ("ward", &place.ward),
            ("room", &place.room),
            ("bed", &place.bed),
            ("specialty", stay.specialty.local),
            ("specialty-words", stay.specialty.words),
            ("function", stay.specialty.function),
            ("consultant", consultant),
            ("consultant-family", family),
            ("consultant-given", given),
        ] {
            self.set(name, text);
        }
        self.set_time("admitted", stay.admitted());
        self
    }

    /// The end of the visit.
    #[must_use]
    pub fn left(mut self, at: DateTime) -> Self {
        self.set_time("discharged", at);
        self
    }

    /// A booking.
    #[must_use]
    pub fn appointment(mut self, appointment: &Appointment) -> Self {
        self.set("number", &appointment.number);
        self.set("clinic", &appointment.clinic);
        self.set("specialty", appointment.specialty.local);
        self.set("specialty-words", appointment.specialty.words);
        self.set_time("at", appointment.at);
        self
    }

    /// A place on a list.
    #[must_use]
    pub fn waiting(mut self, waiting: &Waiting) -> Self {
        self.set("number", &waiting.number);
        self.set("visit", &waiting.number);
        self.set("class", "inpatient");
        self.set("specialty", waiting.specialty.local);
        self.set("specialty-words", waiting.specialty.words);
        if let Some(start) = waiting.clock_start {
            self.set_day("clock-start", start);
        }
        self
    }

    /// An allergy.
    #[must_use]
    pub fn allergy(mut self, allergy: &Allergy) -> Self {
        self.set("code", allergy.code);
        self.set("words", allergy.words);
        self.set("reaction", allergy.reaction);
        self.set_day("since", allergy.since);
        self
    }

    /// A problem.
    #[must_use]
    pub fn problem(mut self, problem: &Problem) -> Self {
        self.set("code", problem.code);
        self.set("words", problem.words);
        self.set_day("since", problem.since);
        self
    }

    /// An order, with its answer where there is one.
    #[must_use]
    pub fn order(mut self, order: &Order, answer: Option<(DateTime, &str)>) -> Self {
        for (name, text) in [
            ("placer", order.placer.as_str()),
            ("filler", &order.filler),
            ("code", order.code),
            ("words", order.words),
            ("units", order.units),
            ("range", order.range),
        ] {
            self.set(name, text);
        }
        self.set_time("ordered", order.ordered);
        if let Some((at, value)) = answer {
            self.set_time("observed", at);
            self.set("value", value);
        }
        self
    }
}
