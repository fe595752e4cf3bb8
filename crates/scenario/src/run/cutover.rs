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
use crate::reconcile::account::Journal;
use crate::report::Table;
use crate::story::Step;

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

const ANCHOR_BURST: &str = "ASSUMED: a burst after an outage is 50 a second";

impl Runner<'_> {
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
            let tellings = spoil(self.source()?.backlog(), &defect, &Victims::default());
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
}
