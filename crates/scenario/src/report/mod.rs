//! What a run leaves behind: one set of files, the same for the same seed but for what the clock says.
//!
//! Plain words first; exceptions by cause; what was not tested; which thresholds are ours. The page opens from disk,
//! without a network, and prints on A4.

mod html;
mod junit;
mod markdown;

pub(crate) use self::junit::escaped;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::RunError;
use crate::reconcile::Reconciliation;
use crate::reconcile::account::{Account, Journal};
use crate::reconcile::gates::{Gate, Standing};
use crate::reconcile::matching::Matching;

/// How an expectation came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As expected.
    Held,
    /// Not as expected: the run fails.
    Failed,
}

/// One thing that was expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Expectation {
    /// In which phase.
    pub phase: String,
    /// What was expected, in words.
    pub words: String,
    /// How it came out.
    pub outcome: Outcome,
    /// What was found instead; where to look.
    pub found: String,
}

/// One phase.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Phase {
    /// Its name.
    pub name: String,
    /// What happened, in sentences.
    pub notes: Vec<String>,
}

/// A table of the report: who may see what, codes without a counterpart, identifiers on a label.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Table {
    /// Above it.
    pub title: String,
    /// What it is for.
    pub note: String,
    /// Column heads.
    pub head: Vec<String>,
    /// Rows; a cell that begins with `!` is wrong, one with `=` is right.
    pub rows: Vec<Vec<String>>,
}

/// What the clock said: the only part that may differ between two runs of one seed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ClockPart {
    /// When the run began.
    pub began: String,
    /// Seconds of the whole run.
    pub seconds: f64,
    /// Seconds by phase.
    pub phases: Vec<(String, f64)>,
    /// States of a cut-over, when each began, and the last control id issued before it.
    pub states: Vec<State>,
    /// Rates, in words: what, how many a second, the anchor.
    pub rates: Vec<Rate>,
    /// Messages recognised as sent before.
    pub recognised: u64,
    /// Gates that speak of time.
    pub gates: Vec<Gate>,
}

/// One state of a cut-over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct State {
    /// Its name.
    pub state: &'static str,
    /// When it began.
    pub at: String,
    /// The last control id issued before it.
    pub last_control_id: String,
}

/// One measured rate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rate {
    /// What was sent.
    pub what: String,
    /// How many.
    pub messages: u64,
    /// In how many seconds.
    pub seconds: f64,
    /// What a real one would need, and where that number is from.
    pub anchor: String,
}

/// The whole report.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Report {
    /// Name of the story.
    pub name: String,
    /// What it tells.
    pub story: String,
    /// Version of the program.
    pub version: String,
    /// The seed.
    pub seed: u64,
    /// Settings of the run.
    pub parameters: BTreeMap<String, String>,
    /// Phases, in order.
    pub phases: Vec<Phase>,
    /// What was expected, and how it came out.
    pub expectations: Vec<Expectation>,
    /// The gates.
    pub gates: Vec<Gate>,
    /// Who is who.
    pub matching: Option<Matching>,
    /// The comparison of both sides at the end.
    pub reconciliation: Option<Reconciliation>,
    /// Messages, by feed.
    pub accounts: Vec<Account>,
    /// What the gateway's journal says.
    pub journal: Option<Journal>,
    /// Further tables.
    pub tables: Vec<Table>,
    /// What this run did not test.
    pub not_tested: Vec<String>,
    /// What the clock said.
    pub clock: ClockPart,
    /// Further files of the report, by name.
    #[serde(skip)]
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Report {
    /// Whether everything that was measured held.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failures() == 0
    }

    /// Expectations and gates that did not hold.
    #[must_use]
    pub fn failures(&self) -> usize {
        let expectations = self
            .expectations
            .iter()
            .filter(|expectation| expectation.outcome == Outcome::Failed);
        let gates = self.gates.iter().chain(&self.clock.gates);
        expectations.count() + gates.filter(|gate| gate.standing == Standing::Failed).count()
    }

    /// The part that must be the same for the same seed, as JSON.
    #[must_use]
    pub fn stable_json(&self) -> String {
        let mut stable = self.clone();
        stable.clock = ClockPart::default();
        serde_json::to_string_pretty(&stable).unwrap_or_default()
    }

    /// Writes `report.html`, `report.md`, `report.json`, `junit.xml` and `manifest.sha256` into a folder.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), RunError> {
        std::fs::create_dir_all(folder).map_err(RunError::Report)?;
        let json = serde_json::to_string_pretty(self).unwrap_or_default();
        let own = [
            ("junit.xml", junit::suite(self)),
            ("report.html", html::page(self)),
            ("report.json", json),
            ("report.md", markdown::page(self)),
        ];
        let own: Vec<(&str, &[u8])> = own.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
        let further = self
            .files
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        let mut manifest = String::new();
        for (name, bytes) in own.into_iter().chain(further) {
            let place = folder.join(name);
            if let Some(parent) = place.parent() {
                std::fs::create_dir_all(parent).map_err(RunError::Report)?;
            }
            std::fs::write(place, bytes).map_err(RunError::Report)?;
            let hash = crate::world::extract::hex(&Sha256::digest(bytes));
            manifest.push_str(&format!("{hash}  {name}\n"));
        }
        std::fs::write(folder.join("manifest.sha256"), manifest).map_err(RunError::Report)
    }

    /// One sentence for whoever reads nothing else.
    #[must_use]
    pub fn verdict(&self) -> String {
        let measured = self
            .gates
            .iter()
            .chain(&self.clock.gates)
            .filter(|gate| gate.standing != Standing::NotMeasured)
            .count();
        let unmeasured = self.gates.len() + self.clock.gates.len() - measured;
        let checks = self.expectations.len() + measured;
        let left = if unmeasured == 0 {
            String::new()
        } else {
            format!(" {unmeasured} of the gates could not be measured and count neither way.")
        };
        match self.failures() {
            0 => format!("Everything that was checked held: {checks} of {checks}.{left}"),
            1 => format!("One of {checks} checks did not hold.{left}"),
            failed => format!("{failed} of {checks} checks did not hold.{left}"),
        }
    }
}
