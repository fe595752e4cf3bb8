//! Which part of a record that several organisations share somebody sees.
//!
//! People are everybody's: demographics, numbers, allergies and problems. What belongs to a visit belongs to the
//! organisation the visit is at, and is not there at all for a client of another: not read, not found, not counted,
//! not on a page. A face that filters has a [`View`] in place of the record, so that no path leads around it.

use crate::face::{Hit, hits_of};
use crate::state::encounter::Encounter;
use crate::state::item::{Item, ItemKind};
use crate::state::person::Person;
use crate::state::report::Report;
use crate::state::{People, Seen, State, Text, Visits};

/// Whose records are seen; everybody's at first.
#[derive(Clone, Default)]
pub(crate) struct Lens {
    organisations: Vec<Text>,
    /// Whose a record is that says of nobody's.
    home: &'static str,
    /// How the product tells whose a visit is.
    of_visit: Option<fn(&Encounter) -> &str>,
    /// Whether results, documents and orders of others are seen, and only their visits are not.
    results_cross: bool,
}

impl Lens {
    pub(crate) fn of(organisations: &[String]) -> Self {
        Self {
            organisations: organisations
                .iter()
                .map(|code| Text::from(code.as_str()))
                .collect(),
            ..Self::default()
        }
    }

    #[must_use]
    pub(crate) fn at(
        mut self,
        home: &'static str,
        of_visit: fn(&Encounter) -> &str,
        results_cross: bool,
    ) -> Self {
        (self.home, self.results_cross) = (home, results_cross);
        self.of_visit = Some(of_visit);
        self
    }

    /// The organisation whose new records are.
    pub(crate) fn owner(&self) -> Text {
        self.organisations.first().cloned().unwrap_or_default()
    }

    /// Whether records of that organisation are seen; a trust's code (three letters) stands for all its sites.
    fn sees(&self, owner: &str) -> bool {
        let owner = if owner.is_empty() { self.home } else { owner };
        let is =
            |code: &Text| owner == code.as_str() || (code.len() == 3 && owner.starts_with(code.as_str()));
        self.organisations.is_empty() || self.organisations.iter().any(is)
    }
}

/// A record through somebody's eyes.
#[derive(Clone, Copy)]
pub(crate) struct View<'s> {
    state: &'s State,
    lens: &'s Lens,
}

impl<'s> View<'s> {
    pub(crate) fn new(state: &'s State, lens: &'s Lens) -> Self {
        Self { state, lens }
    }

    pub(crate) fn person(&self, key: u32) -> Option<&'s Person> {
        self.state.person(key)
    }

    pub(crate) fn survivor(&self, key: u32) -> u32 {
        self.state.survivor(key)
    }

    pub(crate) fn find_people(&self, wanted: &People) -> Vec<&'s Person> {
        self.state.find_people(wanted)
    }

    pub(crate) fn encounter(&self, key: u32) -> Option<(&'s Person, &'s Encounter)> {
        self.state
            .encounter(key)
            .filter(|(_, visit)| self.sees_visit(visit))
    }

    pub(crate) fn find_visits(&self, wanted: &Visits) -> Vec<(&'s Person, &'s Encounter)> {
        let mut found = self.state.find_visits(wanted);
        found.retain(|(_, visit)| self.sees_visit(visit));
        found
    }

    pub(crate) fn report(&self, key: u32) -> Option<&'s Report> {
        self.state.report(key).filter(|report| self.sees_report(report))
    }

    pub(crate) fn observation(&self, report: u32, place: usize) -> Option<Seen<'s>> {
        let found = self.state.observation(report, place);
        found.filter(|seen| self.sees_report(seen.report))
    }

    pub(crate) fn observations_of(&self, person: u32) -> Vec<Seen<'s>> {
        let mut found = self.state.observations_of(person);
        found.retain(|seen| self.sees_report(seen.report));
        found
    }

    pub(crate) fn item(&self, key: u32) -> Option<(&'s Person, &'s Item)> {
        self.state.item(key).filter(|(_, item)| self.sees_item(item))
    }

    /// Everything of that type that a person has.
    pub(crate) fn hits_of(&self, resource_type: &str, person: u32) -> Vec<Hit<'s>> {
        let mut found = hits_of(self.state, resource_type, person);
        found.retain(|hit| match hit {
            Hit::Person(_) => true,
            Hit::Visit(_, visit) => self.sees_visit(visit),
            Hit::Seen(seen) => self.sees_report(seen.report),
            Hit::Report(_, report) => self.sees_report(report),
            Hit::Item(_, item) => self.sees_item(item),
        });
        found
    }

    fn sees_visit(&self, visit: &Encounter) -> bool {
        self.lens
            .sees(self.lens.of_visit.map_or("", |owner| owner(visit)))
    }

    /// Whether it belongs to a visit that nobody but its owner may see anything of.
    fn is_restricted(&self, visit: Option<u32>) -> bool {
        visit
            .and_then(|key| self.state.encounter(key))
            .is_some_and(|(_, visit)| visit.restricted)
    }

    /// By its visit, when it has one, else by who sent it.
    fn sees_filed(&self, visit: Option<u32>, owner: &str) -> bool {
        match visit.and_then(|key| self.state.encounter(key)) {
            Some((_, visit)) => self.sees_visit(visit),
            None => self.lens.sees(owner),
        }
    }

    fn sees_report(&self, report: &Report) -> bool {
        (self.lens.results_cross && !self.is_restricted(report.encounter))
            || self.sees_filed(report.encounter, &report.owner)
    }

    fn sees_item(&self, item: &Item) -> bool {
        let crosses = match item.kind {
            // What must be known wherever somebody is treated.
            ItemKind::Allergy => return true,
            ItemKind::Problem => item.category != "diagnosis",
            ItemKind::Document | ItemKind::Order => self.lens.results_cross,
            ItemKind::Booking | ItemKind::Charge => false,
        };
        let crosses = crosses && !self.is_restricted(item.encounter);
        crosses || self.sees_filed(item.encounter, &item.owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trust_sees_all_its_sites_and_a_site_only_itself() {
        let sees = |codes: &[&str], owner: &str| {
            let codes: Vec<String> = codes.iter().map(|code| (*code).to_owned()).collect();
            Lens::of(&codes).at("RYJ01", |_| "", false).sees(owner)
        };
        assert!(sees(&[], "RQM01"));
        assert!(sees(&["RYJ"], "RYJ02") && sees(&["RYJ"], "RYJ") && sees(&["RYJ"], ""));
        assert!(!sees(&["RYJ"], "RQM01") && !sees(&["RQM"], ""));
        assert!(sees(&["RYJ01"], "RYJ01") && !sees(&["RYJ01"], "RYJ02") && !sees(&["RYJ01"], "RYJ"));
        assert!(sees(&["RYJ", "RQM"], "RQM01"));
    }
}
