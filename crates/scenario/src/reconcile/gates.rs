//! The gates a rehearsal is judged by: a measure, a threshold, what was measured. Thresholds are ASSUMED, and say so.

use serde::Serialize;

/// How a gate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Held.
    Passed,
    /// Not held: the run fails.
    Failed,
    /// Not measured in this run; never counted as held.
    NotMeasured,
}

/// One gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Gate {
    /// What is measured.
    pub measure: &'static str,
    /// The threshold.
    pub threshold: &'static str,
    /// What was measured, or why it was not.
    pub measured: String,
    /// How it stands.
    pub standing: Standing,
    /// Whether the threshold is ours rather than anybody's rule.
    pub assumed: bool,
}

impl Gate {
    /// A gate that was measured.
    #[must_use]
    pub fn judged(measure: &'static str, threshold: &'static str, measured: String, holds: bool) -> Self {
        Self {
            measure,
            threshold,
            measured,
            standing: if holds { Standing::Passed } else { Standing::Failed },
            assumed: true,
        }
    }

    /// A gate that this run says nothing about.
    #[must_use]
    pub fn not_measured(measure: &'static str, threshold: &'static str, why: &str) -> Self {
        Self {
            measure,
            threshold,
            measured: why.to_owned(),
            standing: Standing::NotMeasured,
            assumed: true,
        }
    }
}
