//! A cut-over: frozen, switched, replayed, and the way back as long as there is one.
//!
//! Loading → frozen → switched → replayed. Going back is allowed until the backlog has been replayed: from then on the
//! target knows what the old source does not.

use std::collections::BTreeMap;

use serde::Serialize;

use super::defect::{Victims, spoil};
use super::migration::ANCHOR_PEAK;
use super::{Runner, contract};
use crate::RunError;
use crate::read::{self, ReadBack};
use crate::report::{State, Table};
use crate::story::{Step, Value};

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
    /// How often the power was cut in mid-load.
    pub(super) restarted: usize,
    /// What downstream systems got from the old source, by patient number.
    contract: BTreeMap<String, Vec<u8>>,
}

/// People up to whom everything is read again after a replay.
const READ_ALL_MAX: usize = 20_000;
const ANCHOR_BURST: &str = "ASSUMED: a burst after an outage is 50 a second";

impl Runner<'_> {
    /// Stops the source: nothing new, every queue drained, last control ids noted.
    pub(super) async fn freeze(&mut self, step: &Step) -> Result<(), RunError> {
        let alias = step.text("feed").unwrap_or_default().to_owned();
        self.cut.contract = self.probe(&alias).await?;
        self.feed(&alias)?.frozen = true;
        self.enter("frozen");
        let journal = self.settle().await?;
        let last = self.last_control.clone();
        let held = journal.in_state("held");
        self.cut.stage = Stage::Frozen;
        self.enter("drained");
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
        self.enter("switched");
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
        self.enter("fallen back");
        self.note("fallen back: downstream systems hear from the old source again");
        self.expect(
            "after a fallback the old source reaches the downstream system",
            wanted == "done" && got == probes,
            format!("{got} of {probes} probes arrived"),
        );
        Ok(())
    }

    /// Sends the backlog, in order for each patient. Sent again, under the same control ids or under fresh ones, it must
    /// change nothing that anybody can read.
    pub(super) async fn replay(&mut self, step: &Step) -> Result<(), RunError> {
        let feed = step.text("feed").unwrap_or_default().to_owned();
        let system = step.text("at").unwrap_or_default().to_owned();
        if self.cut.stage < Stage::Switched {
            return Err(RunError::Story(format!(
                "line {}: the backlog is replayed after the switch",
                step.line
            )));
        }
        let defect = step.text("defect").unwrap_or("none").to_owned();
        let tellings = || -> Result<_, RunError> {
            let backlog = self.source()?.backlog();
            Ok(spoil(backlog, &defect, &Victims::default()))
        };
        let (first, fresh) = (tellings()?, tellings()?);
        let messages = self.write(&feed, first)?;
        let again = messages.clone();
        self.enter("backlog begun");
        self.send(&feed, "backlog", messages, ANCHOR_BURST).await?;
        self.told.backlog = true;
        self.cut.stage = Stage::Replayed;
        self.enter("backlog replayed");
        let times = step.number("times").unwrap_or(1);
        let fresh_ids = matches!(step.members.get("fresh"), Some(Value::Flag(true)));
        if times < 2 && !fresh_ids {
            return Ok(());
        }
        let before = self.read_again(&system).await?;
        for time in 2..=times {
            let delivered = self.settle().await?.in_state("delivered");
            let what = format!("backlog, time {time}");
            self.send(&feed, &what, again.clone(), ANCHOR_BURST).await?;
            let more = self.settle().await?.in_state("delivered") - delivered;
            self.expect(
                "a backlog sent again is recognised, answered, and delivered to nobody",
                more == 0,
                format!("{more} deliveries more"),
            );
            self.unchanged("a backlog sent again", &before, &system).await?;
        }
        if fresh_ids {
            let messages = self.write(&feed, fresh)?;
            self.send(&feed, "backlog under fresh control ids", messages, ANCHOR_BURST)
                .await?;
            self.unchanged("a backlog sent again under fresh control ids", &before, &system)
                .await?;
        }
        Ok(())
    }

    /// Reads the target once more and says what is not as it was.
    async fn unchanged(&mut self, what: &str, before: &ReadBack, system: &str) -> Result<(), RunError> {
        let after = self.read_again(system).await?;
        let changed = before.side.changes(&after.side);
        self.expect(
            format!("{what} changes nothing that can be read"),
            changed.is_empty() && before.people == after.people,
            format!(
                "{} records changed: {}",
                changed.len(),
                changed.iter().take(5).cloned().collect::<Vec<_>>().join(", ")
            ),
        );
        Ok(())
    }

    /// Everybody as the target shows them now; of a great many people those the backlog speaks of and one in twenty.
    async fn read_again(&mut self, system: &str) -> Result<ReadBack, RunError> {
        let client = self.host.fhir(system)?;
        let served = read::served(&client).await?;
        let source = self.source()?;
        let all = source.people.len() <= READ_ALL_MAX;
        let wanted =
            source.wanted_where(|person| all || !person.life.after.is_empty() || person.index % 20 == 0);
        let read = read::everybody(&client, &served, &wanted).await?;
        let whom = if all {
            "everybody"
        } else {
            "those it speaks of, and one in twenty"
        };
        self.note(format!("read back {whom}: {} records", read.side.records.len()));
        Ok(read)
    }

    /// Takes an approved merge back, and merges again: a decision must be reversible.
    pub(super) async fn take_back(&mut self, step: &Step) -> Result<(), RunError> {
        let feed = step.text("feed").unwrap_or_default().to_owned();
        let system = step.text("at").unwrap_or_default().to_owned();
        let Some((apart, together, numbers)) = self.source()?.reversal() else {
            let words = "Reversing a merge: nobody was merged.".to_owned();
            self.note(&words);
            self.report.not_tested.push(words);
            return Ok(());
        };
        let client = self.host.fhir(&system)?;
        for (telling, wanted, words) in [
            (
                apart,
                2,
                "a merge that is taken back leaves two records, each under its own number",
            ),
            (together, 1, "merged again, both numbers lead to one record"),
        ] {
            let kind = telling.kind;
            let messages = self.write(&feed, vec![telling])?;
            self.send(&feed, kind, messages, ANCHOR_PEAK).await?;
            let found = read::people_of(&client, &numbers).await?.len();
            self.expect(
                words,
                found == wanted,
                format!("{found} records answer to the two numbers"),
            );
        }
        Ok(())
    }

    /// Notes that a state of the cut-over begins.
    pub(super) fn enter(&mut self, state: &'static str) {
        let since = self.begun.elapsed();
        let at = self.began.and_then(|began| began.checked_add(since).ok());
        self.report.clock.states.push(State {
            state,
            at: at.map(|at| at.to_string()).unwrap_or_default(),
            last_control_id: self.last_control.clone(),
        });
    }

    /// What arrives days later, under numbers that are no longer in use.
    pub(super) async fn late(&mut self, step: &Step) -> Result<(), RunError> {
        let feed = step.text("feed").unwrap_or_default().to_owned();
        let messages = {
            let tellings = self.source()?.late();
            self.write(&feed, tellings)?
        };
        self.enter("late arrivals");
        self.send(&feed, "late arrivals", messages, ANCHOR_PEAK).await?;
        self.told.late = true;
        Ok(())
    }
}
