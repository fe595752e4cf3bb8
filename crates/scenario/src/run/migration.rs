//! The phases of a migration, each with its state, its refusals and what it leaves in the report.
//!
//! Loading → frozen → switched → replayed. Going back is allowed until the backlog has been replayed: from then on the
//! target knows what the old source does not.

use std::collections::BTreeMap;

use serde::Serialize;

use super::defect::spoil;
use super::source::{Source, Telling, Told};
use super::{Runner, contract};
use crate::RunError;
use crate::read::{self, ReadBack, Served};
use crate::reconcile::account::Journal;
use crate::reconcile::compare;
use crate::reconcile::matching::{decide, propose};
use crate::reconcile::record::Class;
use crate::report::Table;
use crate::story::Step;
use crate::world::{Dirt, SPECIALTIES, World};

/// How far a cut-over has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Stage {
    /// The source is in use, the target is being filled.
    #[default]
    Loading,
    /// The source is read-only and drained.
    Frozen,
    /// Downstream systems hear from the target.
    Switched,
    /// The backlog has been replayed: there is no way back.
    Replayed,
}

/// The cut-over as it stands.
#[derive(Debug, Default)]
pub(super) struct CutOver {
    stage: Stage,
    /// What downstream systems got from the old source, by patient number.
    contract: BTreeMap<String, Vec<u8>>,
}

/// Public anchors for rates.
const ANCHOR_A28: &str = "ASSUMED: 1.5 million A28 in 12 hours is 35 a second";
const ANCHOR_PEAK: &str = "ASSUMED: a large trust's peak hour is 7 a second";
const ANCHOR_BURST: &str = "ASSUMED: a burst after an outage is 50 a second";

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
        let victim = self.source()?.quiet();
        for what in step.list("what") {
            let (tellings, anchor) = self.tellings(what, step.line)?;
            let mut messages = self.write(&feed, spoil(tellings, &defect, victim))?;
            if defect == "lost-message" && what == "people" {
                // Written, numbered, and never sent: a gap that the account must show.
                messages.remove(messages.len() / 2);
            }
            self.send(&feed, what, messages, anchor).await?;
        }
        Ok(())
    }

    fn tellings(&mut self, what: &str, line: usize) -> Result<(Vec<Telling>, &'static str), RunError> {
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
            "delta" => (source.delta(), ANCHOR_PEAK),
            "in-patients" => (source.snapshot(), ANCHOR_PEAK),
            other => {
                let known = "people, merges, visits, results, waiting, allergies, delta, in-patients";
                return Err(RunError::Story(format!(
                    "line {line}: nothing called `{other}` can be loaded; there are {known}"
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

    /// Stops the source: nothing new, every queue drained, last control ids noted.
    pub(super) async fn freeze(&mut self, step: &Step) -> Result<(), RunError> {
        let alias = step.text("feed").unwrap_or_default().to_owned();
        self.cut.contract = self.probe(&alias).await?;
        let journal = self.settle().await?;
        let state = self.feed(&alias)?;
        state.frozen = true;
        let last = state
            .sent
            .last()
            .map(|sent| sent.control.clone())
            .unwrap_or_default();
        let held = journal.in_state("held");
        self.cut.stage = Stage::Frozen;
        self.note(format!("frozen; last control id {last}; queues are empty"));
        self.expect(
            "nothing is held when the source is frozen",
            held == 0,
            format!("{held} deliveries are held"),
        );
        Ok(())
    }

    /// Leads downstream systems to the new source, and compares what they get with what they got.
    pub(super) async fn switch(&mut self, step: &Step) -> Result<(), RunError> {
        let configuration = step.text("configuration").unwrap_or_default().to_owned();
        let feed = step.text("feed").unwrap_or_default().to_owned();
        if self.cut.stage < Stage::Frozen {
            return Err(RunError::Story(format!(
                "line {}: the source must be frozen before the routes are switched",
                step.line
            )));
        }
        if !self.host.is_own() {
            return Err(RunError::Story(
                "routes are switched by starting the systems again, and these are not ours to start"
                    .to_owned(),
            ));
        }
        let before = std::mem::take(&mut self.cut.contract);
        self.open_with(&configuration).await?;
        let after = self.probe(&feed).await?;
        self.cut.stage = Stage::Switched;
        self.note("routes are switched: downstream systems hear from the new source");
        self.contract(&before, &after);
        self.cut.contract = before;
        Ok(())
    }

    /// Has a feed tell of a few people, and gives what a downstream system got, by patient number.
    async fn probe(&mut self, alias: &str) -> Result<BTreeMap<String, Vec<u8>>, RunError> {
        let start = self.downstream.count();
        let tellings = self.source()?.probes();
        let messages = self.write(alias, tellings)?;
        self.send(alias, &format!("probe through {alias}"), messages, ANCHOR_PEAK)
            .await?;
        let mut got = BTreeMap::new();
        for received in self.downstream.since(start) {
            if let Ok(message) = hl7v2::Message::parse(&received.bytes) {
                let number = message.field("PID", 3).component(1).text().into_owned();
                got.insert(number, received.bytes.to_vec());
            }
        }
        Ok(got)
    }

    /// The contract, field by field and byte by byte.
    fn contract(&mut self, before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>) {
        let rows = contract::compare(before, after);
        let broken = rows.iter().filter(|row| row[3].starts_with('!')).count();
        let (had, have) = (before.len(), after.len());
        let title = "The downstream contract";
        self.report.tables.retain(|table| table.title != title);
        self.report.tables.push(Table {
            title: title.to_owned(),
            note: format!(
                "What a downstream system got for {had} people before the switch and for the same after it, byte by byte \
                 within each field. What is not in the list is free to change."
            ),
            head: ["field", "before", "after", "same"].map(str::to_owned).to_vec(),
            rows,
        });
        self.expect(
            "every probe reaches the downstream system before and after the switch",
            had > 0 && had == have,
            format!("{had} before, {have} after"),
        );
        self.expect(
            "the fields of the downstream contract are the same byte for byte",
            broken == 0,
            format!("{broken} fields differ; the table shows which"),
        );
    }

    /// Goes back to the old source, or refuses to.
    pub(super) async fn fallback(&mut self, step: &Step) -> Result<(), RunError> {
        let wanted = step.text("expect").unwrap_or("done").to_owned();
        if self.cut.stage == Stage::Replayed {
            self.note(
                "fallback refused: the target has taken the backlog and knows what the old source does not",
            );
            self.expect(
                "fallback is refused after the backlog was replayed",
                wanted == "refused",
                "refused",
            );
            return Ok(());
        }
        let (configuration, feed) = (
            step.text("configuration").unwrap_or_default().to_owned(),
            step.text("feed").unwrap_or_default().to_owned(),
        );
        self.open_with(&configuration).await?;
        self.feed(&feed)?.frozen = false;
        let got = self.probe(&feed).await?.len();
        self.feed(&feed)?.frozen = true;
        let probes = self.source()?.probes().len();
        self.cut.stage = Stage::Frozen;
        self.note("fallen back: downstream systems hear from the old source again");
        self.expect(
            "after a fallback the old source reaches the downstream system",
            wanted == "done" && got == probes,
            format!("{got} of {probes} probes arrived"),
        );
        Ok(())
    }

    /// Sends the backlog, in order for each patient; a second time it must change nothing.
    pub(super) async fn replay(&mut self, step: &Step) -> Result<(), RunError> {
        let feed = step.text("feed").unwrap_or_default().to_owned();
        if self.cut.stage < Stage::Switched {
            return Err(RunError::Story(format!(
                "line {}: the backlog is replayed after the switch",
                step.line
            )));
        }
        let defect = step.text("defect").unwrap_or("none").to_owned();
        let messages = {
            let tellings = spoil(self.source()?.backlog(), &defect, None);
            self.write(&feed, tellings)?
        };
        let again = messages.clone();
        self.send(&feed, "backlog", messages, ANCHOR_BURST).await?;
        self.told.backlog = true;
        self.cut.stage = Stage::Replayed;
        for time in 2..=step.number("times").unwrap_or(1) {
            let before = self.settle().await?;
            self.send(
                &feed,
                &format!("backlog, time {time}"),
                again.clone(),
                ANCHOR_BURST,
            )
            .await?;
            let after = self.settle().await?;
            let delivered = |journal: &Journal| journal.in_state("delivered");
            self.expect(
                "a backlog sent again is recognised, answered, and delivered to nobody",
                delivered(&before) == delivered(&after),
                format!("{} deliveries more", delivered(&after) - delivered(&before)),
            );
        }
        Ok(())
    }

    /// What arrives days later, under numbers that are no longer in use.
    pub(super) async fn late(&mut self, step: &Step) -> Result<(), RunError> {
        let feed = step.text("feed").unwrap_or_default().to_owned();
        let messages = {
            let tellings = self.source()?.late();
            self.write(&feed, tellings)?
        };
        self.send(&feed, "late arrivals", messages, ANCHOR_PEAK).await?;
        self.told.late = true;
        Ok(())
    }

    /// Reads the target back and closes the totals.
    pub(super) async fn reconcile(&mut self, step: &Step) -> Result<(), RunError> {
        let system = step.text("at").unwrap_or_default().to_owned();
        let tolerance = self.tolerance(step)?;
        let journal = self.settle().await?;
        let client = self.host.fhir(&system)?;
        let served = read::served(&client).await?;
        let source = self.source()?;
        let read = read::everybody(&client, &served, &source.wanted()).await?;
        let (side, exclusions) = source.side(self.told);
        let measured = measured(&served, self.told);
        let reconciliation = compare(&side, &read.side, &exclusions, &measured, &tolerance);
        self.note(format!(
            "read back {} people of {system} in {} requests",
            read.people.len(),
            read.requests
        ));
        for class in Class::ALL.iter().filter(|class| !measured.contains(class)) {
            let words = format!(
                "{}: not sent by this story, or not served by {system} over FHIR, and so not compared",
                class.words()
            );
            if !self.report.not_tested.contains(&words) {
                self.report.not_tested.push(words);
            }
        }
        for group in reconciliation.groups.iter().filter(|group| !group.accepted) {
            let examples: Vec<&str> = group
                .examples
                .iter()
                .map(|example| example.key.as_str())
                .collect();
            let words = format!("{} {}: {}", group.class.words(), group.field, group.cause.words());
            self.expect(
                format!("no exception: {words}"),
                false,
                format!("{} of them: {}", group.count, examples.join(", ")),
            );
        }
        for account in self.accounts() {
            self.expect(
                format!(
                    "{}: no control id is missing between first and last",
                    account.feed
                ),
                account.gap_count == 0,
                format!(
                    "{} were written and never sent: {:?}",
                    account.gap_count, account.gaps
                ),
            );
        }
        let closes = reconciliation
            .counts
            .values()
            .all(crate::reconcile::Count::closes);
        self.expect(
            "the totals close for every class",
            closes,
            "the table of both sides shows where",
        );
        self.index_size(&system, &read).await?;
        self.report.gates = self.gates(&reconciliation, &journal);
        self.report.clock.gates = self.clock_gates();
        self.report.reconciliation = Some(reconciliation);
        self.report.journal = Some(journal);
        Ok(())
    }

    /// Nobody is on the target's index whom the source does not know.
    async fn index_size(&mut self, system: &str, read: &ReadBack) -> Result<(), RunError> {
        let systems = self.host.get("/api/v1/systems").await?;
        let index = read::list(&systems)
            .iter()
            .find(|one| read::text(&one["name"]) == system)
            .and_then(|one| one["people"].as_u64())
            .unwrap_or(0);
        let merged = self.source()?.matching.approved as u64;
        let found = read.people.len() as u64;
        self.expect(
            "nobody is on the target's index whom the source does not know",
            index >= found && index - found <= merged,
            format!("{index} on the index, {found} found, {merged} merged away"),
        );
        Ok(())
    }
}

/// Which classes can be compared: what the target serves, and what has been told.
fn measured(served: &Served, told: Told) -> Vec<Class> {
    let mut classes = Vec::new();
    let serves = |name: &str| served.types.contains(name);
    if serves("Patient") && told.people {
        classes.extend([Class::Patient, Class::Alias]);
    }
    if serves("Encounter") && told.visits {
        classes.push(Class::Visit);
    }
    if serves("Encounter") && told.inpatients {
        classes.push(Class::Inpatient);
    }
    if serves("Encounter") && told.waiting {
        classes.push(Class::Waiting);
    }
    if serves("Observation") && told.results {
        classes.push(Class::Result);
    }
    if serves("AllergyIntolerance") && told.allergies {
        classes.push(Class::Allergy);
    }
    classes
}
