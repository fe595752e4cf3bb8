//! Search over encounters and observations, by whom they are about or by their own keys.

use super::encounter::{Encounter, time_order};
use super::person::Person;
use super::report::{Observation, Report};
use super::{State, Text};

/// What a search asks of an encounter; people, keys or numbers say where to look.
#[derive(Clone, Default)]
pub(crate) struct Visits {
    pub people: Option<Vec<u32>>,
    pub keys: Option<Vec<u32>>,
    pub numbers: Vec<Text>,
}

/// One observation where it was found.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'s> {
    pub person: &'s Person,
    pub report: &'s Report,
    /// Its place in the report, from 0: part of its id.
    pub place: usize,
    pub observation: &'s Observation,
}

impl Seen<'_> {
    /// When it was observed: its own time, else the report's.
    pub(crate) fn observed(&self) -> Option<&Text> {
        self.observation
            .said
            .observed
            .as_ref()
            .or(self.report.observed.as_ref())
    }

    /// Whether it is a vital sign rather than a laboratory result.
    pub(crate) fn is_vital(&self) -> bool {
        self.report.service.code.eq_ignore_ascii_case("FLOWSHEET")
            || self.observation.code.system == "FDCEMAP"
    }
}

impl State {
    /// The encounters that satisfy `wanted`, oldest first.
    pub(crate) fn find_visits(&self, wanted: &Visits) -> Vec<(&Person, &Encounter)> {
        let mut found: Vec<(&Person, &Encounter)> = match (&wanted.keys, &wanted.people) {
            (Some(keys), _) => keys.iter().filter_map(|key| self.encounter(*key)).collect(),
            (None, Some(people)) => people
                .iter()
                .filter_map(|key| self.person(*key))
                .flat_map(|person| person.encounters.iter().map(move |encounter| (person, encounter)))
                .collect(),
            (None, None) => wanted
                .numbers
                .iter()
                .flat_map(|number| self.index.by_visit(number).iter())
                .filter_map(|key| self.encounter(*key))
                .collect(),
        };
        found.retain(|(person, encounter)| {
            (wanted.numbers.is_empty() || wanted.numbers.contains(&encounter.number))
                && wanted
                    .people
                    .as_ref()
                    .is_none_or(|people| people.contains(&person.key))
        });
        found.sort_by(|(_, left), (_, right)| {
            let start = |encounter: &Encounter| encounter.admitted.clone().unwrap_or_default();
            time_order(&start(left), &start(right)).then(left.key.cmp(&right.key))
        });
        found
    }

    /// All observations of one person, newest first. Documents are none.
    pub(crate) fn observations_of(&self, person: u32) -> Vec<Seen<'_>> {
        let Some(person) = self.person(person) else {
            return Vec::new();
        };
        let mut found: Vec<Seen<'_>> = person
            .reports
            .iter()
            .filter_map(|key| self.report(*key))
            .flat_map(|report| {
                let numbered = report.observations.iter().enumerate();
                numbered.map(move |(place, observation)| Seen {
                    person,
                    report,
                    place,
                    observation,
                })
            })
            .filter(|seen| seen.observation.said.value_type != "ED")
            .collect();
        found.sort_by(|left, right| {
            let at = |seen: &Seen<'_>| seen.observed().cloned().unwrap_or_default();
            time_order(&at(right), &at(left))
        });
        found
    }

    /// One observation by the key of its report and its place there.
    pub(crate) fn observation(&self, report: u32, place: usize) -> Option<Seen<'_>> {
        let report = self.report(report)?;
        let person = self.person(self.survivor(report.person))?;
        let observation = report.observations.get(place)?;
        (observation.said.value_type != "ED").then_some(Seen {
            person,
            report,
            place,
            observation,
        })
    }
}
