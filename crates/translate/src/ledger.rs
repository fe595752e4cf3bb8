//! The ledger: what became of every populated leaf of a message.
//!
//! The rows that translate also account: taking a value through [`Context`](crate::Context) records it, and
//! whatever no row took is *lost*. There is no second description that could drift from the first. A ledger
//! holds places and rule names, never values.
//!
//! When a dialect normalised the message, its trace leads each place back to the message as received.

use hl7v2::edit::{Added, Change, Fate, Trace};
use hl7v2::{Location, Message};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::note::{Note, Severity};

/// What became of a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Stands in a resource as it was sent.
    Mapped,
    /// Stands in a resource with another code or format.
    Transformed,
    /// Could not be used; a named default took its place.
    Defaulted,
    /// Has no element of its own; an extension carries it as it was sent.
    Kept,
    /// Left out on purpose, for the reason in the note.
    IgnoredByRule,
    /// Stands in no resource.
    Lost,
}

impl Outcome {
    /// Every outcome, in the order reports show them.
    pub const ALL: [Self; 6] = [
        Self::Mapped,
        Self::Transformed,
        Self::Defaulted,
        Self::Kept,
        Self::IgnoredByRule,
        Self::Lost,
    ];

    /// The word reports use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Mapped => "mapped",
            Self::Transformed => "transformed",
            Self::Defaulted => "defaulted",
            Self::Kept => "kept",
            Self::IgnoredByRule => "ignored by rule",
            Self::Lost => "lost",
        }
    }
}

/// The row that did it: `PID-8 > Patient.gender`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    pub(crate) segment: &'static str,
    pub(crate) field: u16,
    pub(crate) resource: &'static str,
    pub(crate) element: &'static str,
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.segment.is_empty() {
            return Ok(());
        }
        write!(f, "{}-{} > {}", self.segment, self.field, self.resource)?;
        if self.element.is_empty() {
            Ok(())
        } else {
            write!(f, ".{}", self.element)
        }
    }
}

/// One leaf and its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where the leaf stands in the message as received.
    pub location: Location,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, or what to know; empty when nothing.
    pub note: &'static str,
    /// The dialect's rule that moved or changed it before the row saw it; empty when none did.
    pub dialect_rule: &'static str,
    rule: Rule,
    index: Option<u16>,
    member: &'static str,
    /// The place it went to, when that is in another message.
    place: Option<Location>,
}

impl Line {
    pub(crate) fn new(location: Location, outcome: Outcome, rule: Rule) -> Self {
        Self {
            location,
            outcome,
            note: "",
            dialect_rule: "",
            rule,
            index: None,
            member: "",
            place: None,
        }
    }

    /// The path it went to: `Patient.identifier[0].value`; empty when it went nowhere.
    #[must_use]
    pub fn target(&self) -> String {
        if matches!(self.outcome, Outcome::Lost | Outcome::IgnoredByRule) {
            return String::new();
        }
        if let Some(place) = self.place {
            return place.to_string();
        }
        if self.member.starts_with(|first: char| first.is_ascii_uppercase()) {
            return self.member.to_owned();
        }
        let mut path = String::from(self.rule.resource);
        if !self.rule.element.is_empty() {
            path.push('.');
            path.push_str(self.rule.element);
        }
        if let Some(index) = self.index {
            path.push_str(&format!("[{index}]"));
        }
        path.push_str(self.member);
        path
    }

    /// The rule that did it: the dialect's, the row's, or both in their order; empty when none did.
    #[must_use]
    pub fn rule(&self) -> String {
        let row = self.rule.to_string();
        match (self.dialect_rule.is_empty(), row.is_empty()) {
            (true, _) => row,
            (false, true) => self.dialect_rule.to_owned(),
            (false, false) => format!("{}, {row}", self.dialect_rule),
        }
    }
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_struct("Line", 5)?;
        line.serialize_field("location", &self.location.to_string())?;
        line.serialize_field("outcome", &self.outcome)?;
        line.serialize_field("target", &self.target())?;
        line.serialize_field("rule", &self.rule())?;
        line.serialize_field("note", self.note)?;
        line.end()
    }
}

/// How many leaves had which outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Totals {
    /// As sent.
    pub mapped: usize,
    /// Code or format changed.
    pub transformed: usize,
    /// A named default took the place.
    pub defaulted: usize,
    /// In an extension.
    pub kept: usize,
    /// Left out for a reason.
    pub ignored_by_rule: usize,
    /// In no resource.
    pub lost: usize,
}

impl Totals {
    /// Counts one more.
    pub(crate) fn add(&mut self, outcome: Outcome) {
        let place = match outcome {
            Outcome::Mapped => &mut self.mapped,
            Outcome::Transformed => &mut self.transformed,
            Outcome::Defaulted => &mut self.defaulted,
            Outcome::Kept => &mut self.kept,
            Outcome::IgnoredByRule => &mut self.ignored_by_rule,
            Outcome::Lost => &mut self.lost,
        };
        *place += 1;
    }

    /// The sum of all outcomes.
    #[must_use]
    pub fn sum(&self) -> usize {
        self.mapped + self.transformed + self.defaulted + self.kept + self.ignored_by_rule + self.lost
    }
}

/// The account of one translation.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Ledger {
    /// One line for every populated leaf, in the order of the message.
    pub lines: Vec<Line>,
    /// What the translation remarks on.
    pub notes: Vec<Note>,
    leaves_in: usize,
}

impl Ledger {
    /// An empty ledger.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many leaves the message held.
    #[must_use]
    pub fn leaves_in(&self) -> usize {
        self.leaves_in
    }

    /// How many leaves had which outcome; their sum is [`Ledger::leaves_in`].
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for line in &self.lines {
            totals.add(line.outcome);
        }
        totals
    }

    /// The lines with this outcome.
    pub fn with_outcome(&self, outcome: Outcome) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.outcome == outcome)
    }

    /// The account of a translation between dialects, which its trace is already.
    pub(crate) fn of_trace(trace: &Trace) -> Self {
        let line = |traced: &hl7v2::edit::TraceLine| {
            let (outcome, place, note) = match traced.fate {
                Fate::Kept(at) => (Outcome::Mapped, Some(at), traced.note),
                Fate::Transformed(at) => (Outcome::Transformed, Some(at), traced.note),
                Fate::Dropped(reason) => (Outcome::IgnoredByRule, None, reason),
            };
            let mut line = Line::new(traced.from, outcome, Rule::default());
            line.place = place;
            line.note = note;
            line.dialect_rule = traced.rule;
            line
        };
        let lines: Vec<Line> = trace.lines.iter().map(line).collect();
        Self {
            leaves_in: lines.len(),
            lines,
            notes: Vec::new(),
        }
    }

    /// Leads every line through a dialect's trace back to the message as received.
    pub(crate) fn trace_back(&mut self, trace: &Trace) {
        let by_place = Places::new(self.lines.iter().map(|line| line.location));
        let canonical = |at: &Location| by_place.find(at).and_then(|index| self.lines.get(index));
        let with_origin = trace.added.iter().filter(|added| added.of.is_some());
        let added: Vec<&Added> = with_origin.collect();
        let copies = Places::new(added.iter().filter_map(|added| added.of));
        let lines = trace.lines.iter().map(|traced| {
            let copy = copies.find(&traced.from).and_then(|index| added.get(index));
            let mut line = match traced.fate {
                Fate::Kept(at) | Fate::Transformed(at) => canonical(&at).copied(),
                // A value that was copied elsewhere before it was dropped is where the copy is.
                Fate::Dropped(_) => copy.and_then(|added| canonical(&added.at)).copied(),
            }
            .unwrap_or_else(|| Line::new(traced.from, Outcome::Lost, Rule::default()));
            if let (Fate::Dropped(reason), None) = (traced.fate, copy) {
                line = Line::new(traced.from, Outcome::IgnoredByRule, Rule::default());
                line.note = reason;
            }
            let changed = matches!(traced.fate, Fate::Transformed(_))
                || copy.is_some_and(|added| added.change == Change::Transformed);
            if changed && line.outcome == Outcome::Mapped {
                line.outcome = Outcome::Transformed;
            }
            line.location = traced.from;
            line.dialect_rule = traced.rule;
            if line.note.is_empty() {
                line.note = traced.note;
            }
            line
        });
        self.lines = lines.collect();
        self.leaves_in = self.lines.len();
        // What a dialect set needs no remark; what went wrong does, though no place can be named.
        self.notes.retain_mut(|note| {
            let Some(place) = note.location else { return true };
            note.location = origin(place, trace);
            note.location.is_some() || note.severity == Severity::Warning
        });
    }
}

/// Where a value of the canonical message stood in the message as received; nowhere when a dialect set it.
pub(crate) fn origin(place: Location, trace: &Trace) -> Option<Location> {
    let at = place.to_leaf();
    let moved = trace.lines.iter().find_map(|line| match line.fate {
        Fate::Kept(to) | Fate::Transformed(to) => (to.to_leaf() == at).then_some(line.from),
        Fate::Dropped(_) => None,
    });
    if moved.is_some() {
        return moved;
    }
    match trace.added.iter().find(|added| added.at.to_leaf() == at) {
        Some(added) => added.of,
        // A place that is no leaf, such as a segment.
        None => Some(place),
    }
}

/// What the rows record while they work; becomes a [`Ledger`] when all have run.
#[derive(Debug, Default)]
pub(crate) struct Account {
    records: Vec<Line>,
}

impl Account {
    pub(crate) fn for_bytes(length: usize) -> Self {
        Self {
            records: Vec::with_capacity(length / 6),
        }
    }

    #[inline]
    pub(crate) fn record(
        &mut self,
        location: Location,
        outcome: Outcome,
        rule: Rule,
        index: Option<u16>,
        member: &'static str,
        note: &'static str,
    ) {
        self.records.push(Line {
            location,
            outcome,
            note,
            dialect_rule: "",
            rule,
            index,
            member,
            place: None,
        });
    }

    /// One line for every leaf of the message: the strongest record, or *lost*.
    pub(crate) fn close(self, message: &Message<'_>, notes: Vec<Note>) -> Ledger {
        let mut lines = Vec::with_capacity(self.records.len() + 8);
        let records = Places::strongest(&self.records);
        for leaf in message.leaves() {
            let found = records.find(&leaf.location);
            let record = found.and_then(|index| self.records.get(index));
            lines.push(match record {
                Some(line) => *line,
                None => Line::new(leaf.location, Outcome::Lost, Rule::default()),
            });
        }
        Ledger {
            leaves_in: lines.len(),
            lines,
            notes,
        }
    }
}

/// Finds the index of a line by its place.
struct Places(Vec<(u128, u32)>);

impl Places {
    fn new(locations: impl Iterator<Item = Location>) -> Self {
        Self::sorted(locations.map(|location| key(&location)))
    }

    /// Of several records of one place, the one with the strongest outcome; of equal ones the first.
    fn strongest(records: &[Line]) -> Self {
        let rank = |line: &Line| key(&line.location) | line.outcome as u128;
        Self::sorted(records.iter().map(rank))
    }

    fn sorted(keys: impl Iterator<Item = u128>) -> Self {
        let mut places: Vec<(u128, u32)> = keys.zip(0..).collect();
        // Rows run nearly in the order of fields, which this sort makes use of.
        places.sort();
        Self(places)
    }

    fn find(&self, location: &Location) -> Option<usize> {
        let wanted = key(location);
        let at = self.0.partition_point(|(key, _)| *key < wanted);
        let (found, index) = self.0.get(at)?;
        (found >> OUTCOME_BITS == wanted >> OUTCOME_BITS).then_some(*index as usize)
    }
}

/// Room for an outcome below a place.
const OUTCOME_BITS: u32 = 8;

/// A place as a number that sorts as places do.
fn key(location: &Location) -> u128 {
    let leaf = location.to_leaf();
    let [a, b, c] = *leaf.segment.as_bytes();
    let levels = [
        leaf.occurrence,
        leaf.field,
        leaf.repetition,
        leaf.component,
        leaf.subcomponent,
    ];
    let segment = u128::from(u32::from_be_bytes([0, a, b, c]));
    let place = levels
        .iter()
        .fold(segment, |place, level| place << 16 | u128::from(*level));
    place << OUTCOME_BITS
}
