//! The gates of a migration, filled in from what was compared and counted.

use super::Runner;
use crate::reconcile::Reconciliation;
use crate::reconcile::account::{Account, Journal};
use crate::reconcile::gates::Gate;
use crate::reconcile::record::Class;
use crate::world::life::AFTER_HOURS;

impl Runner<'_> {
    /// The account of each feed that said anything.
    pub(super) fn accounts(&self) -> Vec<Account> {
        self.feeds
            .iter()
            .filter(|(_, state)| state.written > 0)
            .map(|(name, state)| Account::of(name, state.written, &state.sent))
            .collect()
    }

    /// Gates that say nothing about time.
    pub(super) fn gates(&self, reconciliation: &Reconciliation, journal: &Journal) -> Vec<Gate> {
        let lost: u64 = self.accounts().iter().map(Account::lost).sum();
        let held = journal.in_state("held");
        let mut gates = vec![
            Gate::judged(
                "messages lost",
                "0",
                format!("{lost} lost, {held} held"),
                lost == 0 && held == 0,
            ),
            self.repeated(),
            by_class(
                reconciliation,
                Class::Inpatient,
                "in-patients reconciled",
                "100 % by bed",
            ),
            by_class(
                reconciliation,
                Class::Appointment,
                "future appointments",
                "100 % of counts and dates",
            ),
            by_class(
                reconciliation,
                Class::Waiting,
                "waiting-list entries with clock start",
                "100 %",
            ),
            by_class(reconciliation, Class::Allergy, "allergies", "100 %, none dropped"),
            by_class(
                reconciliation,
                Class::Patient,
                "people",
                "every field compared, nothing open",
            ),
            by_class(reconciliation, Class::Result, "results", "nothing open"),
            by_class(
                reconciliation,
                Class::OpenOrder,
                "open orders",
                "100 %, under their own numbers",
            ),
        ];
        gates.push(self.restarted(reconciliation, lost));
        gates.extend(self.matching_gates(reconciliation));
        gates
    }

    /// What a power cut in mid-load left behind: nothing lost is in the account, nothing repeated in the comparison.
    fn restarted(&self, reconciliation: &Reconciliation, lost: u64) -> Gate {
        let (measure, threshold) = ("restart in mid-load", "no loss, no repeat effect");
        if self.cut.restarted == 0 {
            return Gate::not_measured(measure, threshold, "the power was not cut");
        }
        let clean = reconciliation.is_clean();
        let open = if clean { "no exception" } else { "exceptions open" };
        let cuts = self.cut.restarted;
        let measured = format!("{cuts} power cut, {lost} lost, {open}");
        Gate::judged(measure, threshold, measured, clean && lost == 0)
    }

    fn repeated(&self) -> Gate {
        let (measure, threshold) = ("effects repeated by a second replay", "0");
        let again = self
            .report
            .expectations
            .iter()
            .filter(|expectation| expectation.words.starts_with("a backlog sent again"));
        let again: Vec<_> = again.collect();
        if again.is_empty() {
            return Gate::not_measured(measure, threshold, "the backlog was sent once");
        }
        let bad = again
            .iter()
            .filter(|expectation| expectation.outcome == crate::report::Outcome::Failed);
        let bad = bad.count();
        Gate::judged(measure, threshold, bad.to_string(), bad == 0)
    }

    fn matching_gates(&self, reconciliation: &Reconciliation) -> Vec<Gate> {
        let Some(matching) = &self.report.matching else {
            return Vec::new();
        };
        let people = reconciliation
            .counts
            .get(&Class::Patient)
            .cloned()
            .unwrap_or_default();
        let new = people.extra * 10_000 / people.source.max(1);
        vec![
            Gate::judged(
                "automatic matches right",
                "at least 99.99 %, none wrong",
                format!("{:.2} %, {} wrong", matching.precision(), matching.wrong),
                matching.wrong == 0,
            ),
            Gate::judged(
                "true pairs found, certain or queued",
                "at least 98 %",
                format!("{:.1} %", matching.recall()),
                matching.recall() >= 98.0,
            ),
            Gate::judged(
                "new duplicates per 10,000 people",
                "at most 1",
                new.to_string(),
                new <= 1,
            ),
        ]
    }

    /// Gates that speak of time: outside the part that is the same for the same seed.
    pub(super) fn clock_gates(&self) -> Vec<Gate> {
        let backlog = self.report.clock.rates.iter().find(|rate| rate.what == "backlog");
        let drained = match backlog {
            Some(rate) => Gate::judged(
                "backlog of four hours drained",
                "at most 30 minutes",
                format!("{:.1} s for {} messages", rate.seconds, rate.messages),
                rate.seconds <= 1_800.0,
            ),
            None => Gate::not_measured(
                "backlog of four hours drained",
                "at most 30 minutes",
                "no backlog",
            ),
        };
        let load = self.report.clock.rates.iter().find(|rate| rate.what == "people");
        let loaded = load.map(|rate| {
            let speed = rate.messages as f64 / rate.seconds.max(1e-9);
            Gate::judged(
                "load of people",
                "at least 35 a second",
                format!("{speed:.0} a second"),
                speed >= 35.0,
            )
        });
        let ratio = backlog.map(|rate| {
            let hours = f64::from(AFTER_HOURS);
            let ratio = hours * 3_600.0 / rate.seconds.max(1e-9);
            Gate::judged(
                "catch-up ratio",
                "at least 8 hours of hospital an hour",
                format!("{ratio:.0} hours an hour, four hours of backlog"),
                ratio >= 8.0,
            )
        });
        std::iter::once(drained).chain(ratio).chain(loaded).collect()
    }
}

fn by_class(
    reconciliation: &Reconciliation,
    class: Class,
    measure: &'static str,
    threshold: &'static str,
) -> Gate {
    match reconciliation.counts.get(&class) {
        Some(count) if count.measured => {
            let open = reconciliation.open(class);
            let due = count.source - count.excluded.values().sum::<usize>();
            let words = format!("{} of {due} agree, {open} exceptions open", count.agree);
            Gate::judged(measure, threshold, words, open == 0 && count.closes())
        }
        _ => Gate::not_measured(
            measure,
            threshold,
            "not sent by this story, or not served by the target over FHIR",
        ),
    }
}
