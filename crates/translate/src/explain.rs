//! `explain`: what the tables say about a place, an element or a segment. It reads the rows that translate.

use std::fmt;

use hl7v2::Location;

use crate::dialect::{Confidence, Dialect};
use crate::row::RowInfo;
use crate::segment::TABLES;

/// Every row of every map, in the order of the maps.
#[must_use]
pub fn rows() -> Vec<RowInfo> {
    TABLES.iter().flat_map(|table| table.rows()).collect()
}

/// A dialect's rule that touches a place.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DialectNote {
    /// The dialect.
    pub dialect: &'static str,
    /// The rule's name.
    pub rule: &'static str,
    /// Where the knowledge comes from.
    pub source: &'static str,
    /// How sure it is.
    pub confidence: Confidence,
    /// Why the rule is there.
    pub why: &'static str,
}

/// What the tables say.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Explanation {
    /// What was asked.
    pub place: String,
    /// The rows it goes through, in the order they run.
    pub rows: Vec<RowInfo>,
    /// The dialects that bend it.
    pub dialects: Vec<DialectNote>,
}

impl Explanation {
    /// True when no table knows the place.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.dialects.is_empty()
    }
}

/// Explains `PID-3`, `PID-3.4`, `PID`, a row's name (`PID-8 > Patient.gender`) or an element (`Patient.gender`).
#[must_use]
pub fn explain(place: &str, dialects: &[&Dialect]) -> Explanation {
    let asked = place.trim();
    let location: Option<Location> = asked
        .split(" > ")
        .next()
        .and_then(|left| left.trim().parse().ok());
    let mut found: Vec<RowInfo> = rows();
    found.retain(|row| match &location {
        Some(at) => at.segment == row.segment && (at.field == 0 || at.field == row.field),
        None => {
            let path = format!("{}.{}", row.resource, row.element);
            path == asked
                || path
                    .strip_prefix(asked)
                    .is_some_and(|rest| rest.starts_with(['.', '(']))
        }
    });
    if asked.contains(" > ") {
        found.retain(|row| row.name() == asked);
    }
    let mut notes = Vec::new();
    for dialect in dialects {
        for rule in dialect.rules {
            let touches = location.is_some_and(|at| rule.places.iter().any(|place| meets(place, &at)));
            if touches {
                notes.push(DialectNote {
                    dialect: dialect.name,
                    rule: rule.name,
                    source: rule.source,
                    confidence: rule.confidence,
                    why: rule.why,
                });
            }
        }
    }
    Explanation {
        place: asked.to_owned(),
        rows: found,
        dialects: notes,
    }
}

/// True when a rule's place and the asked one lie within each other.
fn meets(place: &str, asked: &Location) -> bool {
    let Ok(place) = place.parse::<Location>() else {
        return false;
    };
    let same = |one: u16, other: u16| one == 0 || other == 0 || one == other;
    place.segment == asked.segment
        && same(place.field, asked.field)
        && same(place.component, asked.component)
        && same(place.subcomponent, asked.subcomponent)
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.place)?;
        if self.rows.is_empty() {
            writeln!(
                f,
                "  no row: the ledger counts it as lost, and its segment travels only if no map reads it"
            )?;
        }
        for row in &self.rows {
            match row.kind {
                "mapped" => write!(f, "  {}", row.name())?,
                "kept" => write!(
                    f,
                    "  {}-{} kept on {} in an extension",
                    row.segment, row.field, row.resource
                )?,
                kind => write!(f, "  {}-{} {kind}", row.segment, row.field)?,
            }
            if row.note.is_empty() {
                writeln!(f)?
            } else {
                writeln!(f, "  ({})", row.note)?
            }
        }
        for note in &self.dialects {
            writeln!(
                f,
                "  {}: {}  [{:?}] {}",
                note.dialect, note.rule, note.confidence, note.why
            )?;
            writeln!(f, "    source: {}", note.source)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_an_element_and_a_row_find_the_same_row() {
        for asked in ["PID-8", "PID-8.1", "Patient.gender", "PID-8 > Patient.gender"] {
            let explanation = explain(asked, &[]);
            assert_eq!(explanation.rows.len(), 1, "{asked}");
            assert_eq!(explanation.rows.first().unwrap().name(), "PID-8 > Patient.gender");
        }
        assert!(explain("QQQ-1", &[]).is_empty());
    }

    #[test]
    fn row_names_are_unique() {
        let mut names: Vec<String> = rows()
            .iter()
            .filter(|row| row.kind == "mapped")
            .map(RowInfo::name)
            .collect();
        names.sort();
        let before = names.len();
        names.dedup();
        assert_eq!(before, names.len());
    }
}
