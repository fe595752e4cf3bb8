//! A migration up to its cut-over: the source counted, codes mapped, records matched, stable parts loaded. What follows
//! is [`super::cutover`], and [`super::comparison`] at the end.

use std::collections::BTreeMap;

use super::Runner;
use super::defect::{Victims, spoil};
use super::source::{Source, Telling};
use crate::RunError;
use crate::reconcile::matching::{decide, propose};
use crate::report::Table;
use crate::story::Step;
use crate::world::{Dirt, SPECIALTIES, World};

/// Public anchors for rates.
const ANCHOR_S12: &str = "ASSUMED: 150,000 S12 in 2 hours is 21 a second";
const ANCHOR_A28: &str = "ASSUMED: 1.5 million A28 in 12 hours is 35 a second";
pub(super) const ANCHOR_PEAK: &str = "ASSUMED: a large trust's peak hour is 7 a second";

/// What can be loaded.
const LOADS: &str = "people, merges, visits, results, waiting, allergies, appointments, orders, problems, letters, delta, in-patients";

impl Runner<'_> {
    fn world(&mut self) -> Result<World, RunError> {
        let settings = self.story.world.clone();
        let settings = settings.ok_or_else(|| RunError::Story("the story has no [world]".to_owned()))?;
        Ok(World::new(settings))
    }

    /// Counts what is wrong with the source before anything is moved.
    pub(super) fn profile(&mut self) -> Result<(), RunError> {
        let world = self.world()?;
        let source = Source::new(&world);
        let mut dirt: BTreeMap<Dirt, usize> = BTreeMap::new();
        let (mut duplicates, mut unclosed, mut wards, mut clocks) = (0, 0, 0, 0);
        for person in &source.people {
            duplicates += person.held.iter().filter(|held| held.duplicate).count();
            for of in person.held.iter().flat_map(|held| &held.dirt) {
                *dirt.entry(*of).or_default() += 1;
            }
            unclosed += person.life.stays.iter().filter(|stay| stay.unclosed).count();
            wards += person.life.stays.iter().filter(|stay| stay.unknown_ward).count();
            clocks += person
                .life
                .waiting
                .iter()
                .filter(|waiting| waiting.clock_start.is_none())
                .count();
        }
        let mut rows: Vec<Vec<String>> = dirt
            .iter()
            .map(|(dirt, count)| vec![dirt.word().to_owned(), count.to_string()])
            .collect();
        for (what, count) in [
            ("second records of a person", duplicates),
            ("stays that ended and were never closed", unclosed),
            ("stays on a ward nobody has in a table", wards),
            ("waiting-list entries without a clock start", clocks),
        ] {
            rows.push(vec![what.to_owned(), count.to_string()]);
        }
        self.note(format!(
            "{} people, {duplicates} second records",
            source.people.len()
        ));
        self.report.tables.push(Table {
            title: "The source as it is".to_owned(),
            note: "Counted before anything moves; to be mended in the source first.".to_owned(),
            head: vec!["what".to_owned(), "records".to_owned()],
            rows,
        });
        self.source = Some(source);
        Ok(())
    }

    /// Codes in use without a counterpart: reported, never dropped.
    pub(super) fn map(&mut self) -> Result<(), RunError> {
        let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
        for person in &self.source()?.people {
            for stay in &person.life.stays {
                *uses.entry(stay.specialty.local).or_default() += 1;
            }
            for waiting in &person.life.waiting {
                *uses.entry(waiting.specialty.local).or_default() += 1;
            }
        }
        let mut rows = Vec::new();
        let mut unmapped = 0;
        for specialty in SPECIALTIES {
            let count = uses.get(specialty.local).copied().unwrap_or(0);
            let target = if specialty.function.is_empty() {
                unmapped += count;
                "none: passed on as it is, and listed here"
            } else {
                specialty.function
            };
            rows.push(vec![
                specialty.local.to_owned(),
                specialty.words.to_owned(),
                target.to_owned(),
                count.to_string(),
            ]);
        }
        self.note(format!(
            "{unmapped} uses of specialties without a national code, listed"
        ));
        self.report.tables.push(Table {
            title: "Specialty codes".to_owned(),
            note: "The old house's five digits and the NHS treatment function. A gap is reported and never guessed.".to_owned(),
            head: ["local", "words", "treatment function", "uses"].map(str::to_owned).to_vec(),
            rows,
        });
        Ok(())
    }

    /// Proposes who is who; in a rehearsal the truth table plays the human who decides.
    pub(super) fn match_records(&mut self, step: &Step) -> Result<(), RunError> {
        let approve = step.text("approve").unwrap_or("truth").to_owned();
        let Some(source) = self.source.as_mut() else {
            return Err(RunError::Story("`match` comes after `profile`".to_owned()));
        };
        let entries = source.entries();
        let proposals = propose(&entries);
        let matching = decide(&entries, &proposals, |left, right| {
            approve == "truth" && left.truth == right.truth
        });
        let wrong = matching.wrong;
        let recall = matching.recall();
        let words = format!(
            "{} pairs certain, {} laid before a human ({} approved, {} rejected)",
            matching.certain, matching.queued, matching.approved, matching.rejected
        );
        source.matching = matching.clone();
        self.report.matching = Some(matching);
        self.note(words);
        self.expect(
            "no pair is found certain that is two people",
            wrong == 0,
            wrong.to_string(),
        );
        self.expect(
            "98 in a hundred true pairs are found",
            recall >= 98.0,
            format!("{recall:.1} %"),
        );
        Ok(())
    }

    /// Sends stable parts of the source to the target.
    pub(super) async fn load(&mut self, step: &Step) -> Result<(), RunError> {
        let feed = step.text("feed").unwrap_or_default().to_owned();
        let defect = step.text("defect").unwrap_or("none").to_owned();
        let victims = self.victims()?;
        for what in step.list("what") {
            let (tellings, anchor) = self.tellings(what, step.line)?;
            let mut messages = self.write(&feed, spoil(tellings, &defect, &victims))?;
            if defect == "lost-message" && what == "people" {
                // Written, numbered, and never sent: a gap that the account must show.
                messages.remove(messages.len() / 2);
            }
            self.send(&feed, what, messages, anchor).await?;
        }
        Ok(())
    }

    /// Who and what a planted defect concerns.
    pub(super) fn victims(&self) -> Result<Victims, RunError> {
        let source = self.source()?;
        Ok(Victims {
            person: source.quiet(),
            booking: source.settled_booking(),
        })
    }

    pub(super) fn tellings(
        &mut self,
        what: &str,
        line: usize,
    ) -> Result<(Vec<Telling>, &'static str), RunError> {
        let extracted = self
            .story
            .world
            .as_ref()
            .map(|world| world.ends.saturating_sub(jiff::Span::new().days(14)))
            .unwrap_or_default();
        let source = self.source()?;
        let (tellings, anchor) = match what {
            "people" => (source.registrations(extracted), ANCHOR_A28),
            "merges" => (source.merges(extracted), ANCHOR_PEAK),
            "visits" => (source.visits(), ANCHOR_PEAK),
            "results" => (source.results(), ANCHOR_PEAK),
            "waiting" => (source.waiting(), ANCHOR_PEAK),
            "allergies" => (source.allergies(), ANCHOR_PEAK),
            "appointments" => (source.appointments(), ANCHOR_S12),
            "orders" => (source.open_orders(), ANCHOR_PEAK),
            "problems" => (source.problems(), ANCHOR_PEAK),
            "letters" => (source.letters(), ANCHOR_PEAK),
            "delta" => (source.delta(), ANCHOR_PEAK),
            "in-patients" => (source.snapshot(), ANCHOR_PEAK),
            other => {
                return Err(RunError::Story(format!(
                    "line {line}: nothing called `{other}` can be loaded; there are {LOADS}"
                )));
            }
        };
        let told = &mut self.told;
        match what {
            "people" => told.people = true,
            "visits" => told.visits = true,
            "results" => told.results = true,
            "waiting" => told.waiting = true,
            "allergies" => told.allergies = true,
            "appointments" => told.appointments = true,
            "orders" => told.orders = true,
            "delta" => told.delta = true,
            "in-patients" => told.inpatients = true,
            _ => {}
        }
        if what == "delta"
            && let Some(source) = self.source.as_mut()
        {
            source.moved = true;
        }
        Ok((tellings, anchor))
    }
}
