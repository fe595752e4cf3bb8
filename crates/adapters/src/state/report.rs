//! One report: an order's numbers, and its observations with everything they said before.
//!
//! A correction replaces and the former value stays in the history; a preliminary result that arrives after the
//! final one goes straight to the history.

use serde::{Deserialize, Serialize};

use super::Text;
use super::person::{Clinician, Coded};

/// OBR with its OBX lines.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    pub key: u32,
    /// The person it was filed under; follow merges from there.
    pub person: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encounter: Option<u32>,
    /// OBR-2 / ORC-2.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub placer: Text,
    /// OBR-3 / ORC-3.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub filler: Text,
    /// OBR-4.
    pub service: Coded,
    /// OBR-7.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<Text>,
    /// OBR-22.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<Text>,
    /// OBR-24.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub section: Text,
    /// OBR-25.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub status: Text,
    /// OBR-16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered_by: Option<Clinician>,
    pub observations: Vec<Observation>,
    /// Whose it is when it belongs to no visit.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub owner: Text,
    pub version: u32,
    pub updated_ms: i64,
}

/// One OBX: its place in the report is part of its id and never changes.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Observation {
    /// OBX-3.
    pub code: Coded,
    /// OBX-4.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub sub_id: Text,
    pub said: Said,
    /// What it said before, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Said>,
    /// NTE lines that followed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Text>,
}

/// What an observation says at one time.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Said {
    /// OBX-2.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub value_type: Text,
    /// OBX-5: repetitions, each its components.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub value: Vec<Vec<Text>>,
    /// OBX-6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<Coded>,
    /// OBX-7.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub range: Text,
    /// OBX-8.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub flag: Text,
    /// OBX-11.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub status: Text,
    /// OBX-14.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<Text>,
}

impl Said {
    /// How settled a result is: preliminary below final below corrected.
    fn rank(&self) -> u8 {
        match self.status.as_str() {
            "I" | "O" | "R" | "S" | "P" => 1,
            "C" | "W" | "D" | "X" => 3,
            _ => 2,
        }
    }

    /// The first component of the first repetition.
    pub(crate) fn first(&self) -> &str {
        self.value
            .first()
            .and_then(|components| components.first())
            .map_or("", Text::as_str)
    }
}

impl Observation {
    /// Takes what a message says now; false when that changes nothing.
    fn hear(&mut self, incoming: &Self) -> bool {
        if self.said == incoming.said {
            let same = self.notes == incoming.notes || incoming.notes.is_empty();
            if !same {
                self.notes.clone_from(&incoming.notes);
            }
            return !same;
        }
        if incoming.said.rank() < self.said.rank() {
            let news = !self.history.contains(&incoming.said);
            if news {
                self.history.push(incoming.said.clone());
            }
            return news;
        }
        self.history
            .push(std::mem::replace(&mut self.said, incoming.said.clone()));
        if !incoming.notes.is_empty() {
            self.notes.clone_from(&incoming.notes);
        }
        true
    }
}

impl Report {
    /// Whether `other` reports on the same order.
    pub(crate) fn is_same_order(&self, other: &Self) -> bool {
        if !self.filler.is_empty() && !other.filler.is_empty() {
            return self.filler == other.filler;
        }
        if !self.placer.is_empty() && !other.placer.is_empty() {
            return self.placer == other.placer && self.service.code == other.service.code;
        }
        self.person == other.person
            && self.service.code == other.service.code
            && self.observed == other.observed
            && self.filler == other.filler
            && self.placer == other.placer
            && self.owner == other.owner
    }

    /// Takes in a later message about the same order; false when nothing changed.
    pub(crate) fn hear(&mut self, incoming: Self) -> bool {
        let mut changed = false;
        for observation in incoming.observations {
            let known = self
                .observations
                .iter_mut()
                .find(|known| known.code.code == observation.code.code && known.sub_id == observation.sub_id);
            match known {
                Some(known) => changed |= known.hear(&observation),
                None => {
                    self.observations.push(observation);
                    changed = true;
                }
            }
        }
        let fill = |known: &mut Text, new: Text| {
            let better = !new.is_empty() && *known != new;
            if better {
                *known = new;
            }
            better
        };
        let settled = self.status == "C" || (self.status == "F" && incoming.status != "C");
        if !settled {
            changed |= fill(&mut self.status, incoming.status);
        }
        changed |= fill(&mut self.placer, incoming.placer);
        changed |= fill(&mut self.filler, incoming.filler);
        if incoming.issued.is_some() && incoming.issued != self.issued && changed {
            self.issued = incoming.issued;
        }
        if self.observed.is_none() && incoming.observed.is_some() {
            self.observed = incoming.observed;
            changed = true;
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sodium(value: &str, status: &str) -> Report {
        Report {
            filler: "F1".into(),
            status: status.into(),
            observations: vec![Observation {
                code: Coded {
                    code: "NA".into(),
                    ..Coded::default()
                },
                said: Said {
                    value_type: "NM".into(),
                    value: vec![vec![value.into()]],
                    status: status.into(),
                    ..Said::default()
                },
                ..Observation::default()
            }],
            ..Report::default()
        }
    }

    #[test]
    fn a_result_corrected_twice_keeps_both_former_values() {
        let mut report = sodium("139", "F");
        assert!(report.hear(sodium("149", "C")));
        assert!(report.hear(sodium("141", "C")));
        let observation = &report.observations[0];
        assert_eq!(observation.said.first(), "141");
        let before: Vec<&str> = observation.history.iter().map(Said::first).collect();
        assert_eq!(before, ["139", "149"]);
        assert_eq!(report.status, "C");
    }

    #[test]
    fn a_late_preliminary_goes_to_the_history() {
        let mut report = sodium("139", "F");
        assert!(report.hear(sodium("150", "P")));
        assert_eq!(report.observations[0].said.first(), "139");
        assert_eq!(report.status, "F");
    }

    #[test]
    fn the_same_again_changes_nothing() {
        let mut report = sodium("139", "F");
        report.hear(sodium("149", "C"));
        assert!(!report.hear(sodium("149", "C")));
        assert!(!report.hear(sodium("139", "F")));
    }
}
