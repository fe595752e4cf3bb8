//! Two sides reduced to records, compared until the totals close.
//!
//! For each class: source = agreeing + listed exclusions + listed failures, and target = agreeing + listed extras.
//! There is no "unexplained": a difference has a cause, and a cause is accepted by the tolerance file or counts.

pub mod account;
pub mod gates;
pub mod joining;
pub mod matching;
pub mod record;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::record::{Class, Record, Side};

/// Examples kept for each cause.
const EXAMPLES_MAX: usize = 5;

/// Why two values differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Cause {
    /// The target has no such record.
    MissingInTarget,
    /// The target has one the source knows nothing of.
    OnlyInTarget,
    /// The target has it more than once.
    Twice,
    /// The field is there in the source only.
    FieldLost,
    /// The field is there in the target only.
    FieldAdded,
    /// Upper and lower case, accents or spaces.
    CaseOrSpace,
    /// Day and month of a date changed over.
    DayMonthTurned,
    /// Off by whole hours: a zone.
    WholeHours,
    /// Another value.
    OtherValue,
}

impl Cause {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::MissingInTarget => "not in the target",
            Self::OnlyInTarget => "only in the target",
            Self::Twice => "more than once in the target",
            Self::FieldLost => "empty in the target",
            Self::FieldAdded => "only the target has a value",
            Self::CaseOrSpace => "case, accents or spaces",
            Self::DayMonthTurned => "day and month changed over",
            Self::WholeHours => "off by whole hours: a time zone",
            Self::OtherValue => "another value",
        }
    }
}

/// One exception: a record that does not agree, and in what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Exception {
    /// The key on both sides. All data is synthetic.
    pub key: String,
    /// What the source says.
    pub source: String,
    /// What the target says.
    pub target: String,
    /// Control ids of the messages that spoke of it, where somebody kept them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub told_by: Vec<String>,
}

/// All exceptions of one class, field and cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Group {
    /// What sort of record.
    pub class: Class,
    /// Which field; empty where the whole record is meant.
    pub field: String,
    /// Why.
    pub cause: Cause,
    /// How many.
    pub count: usize,
    /// Whether the tolerance file accepts it.
    pub accepted: bool,
    /// The first few.
    pub examples: Vec<Exception>,
}

/// What the counts of one class come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Count {
    /// In the source.
    pub source: usize,
    /// In the target.
    pub target: usize,
    /// In both, and alike in every field that is not accepted to differ.
    pub agree: usize,
    /// In both, and not alike.
    pub differ: usize,
    /// In the source and left out on purpose, by reason.
    pub excluded: BTreeMap<String, usize>,
    /// In the source, meant to be in the target, and not there.
    pub missing: usize,
    /// In the target only.
    pub extra: usize,
    /// Hash over the source's records.
    pub source_hash: String,
    /// Hash over the target's.
    pub target_hash: String,
    /// Whether this class was compared at all.
    pub measured: bool,
}

impl Count {
    /// Whether the sums close.
    #[must_use]
    pub fn closes(&self) -> bool {
        let excluded: usize = self.excluded.values().sum();
        !self.measured
            || self.source == self.agree + self.differ + self.missing + excluded
                && self.target == self.agree + self.differ + self.extra
    }
}

/// A comparison.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Reconciliation {
    /// By class.
    pub counts: BTreeMap<Class, Count>,
    /// Exceptions by cause.
    pub groups: Vec<Group>,
}

impl Reconciliation {
    /// Whether nothing is open: totals close and every difference is accepted.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.counts.values().all(Count::closes) && self.groups.iter().all(|group| group.accepted)
    }

    /// Open exceptions of a class.
    #[must_use]
    pub fn open(&self, class: Class) -> usize {
        self.groups
            .iter()
            .filter(|group| group.class == class && !group.accepted)
            .map(|group| group.count)
            .sum()
    }
}

/// Which differences somebody has agreed to live with.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tolerance {
    /// Each by class, field and cause.
    #[serde(default)]
    pub accept: Vec<Accepted>,
}

/// One agreed difference.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Accepted {
    /// The class, as reports write it.
    pub class: String,
    /// The field.
    #[serde(default)]
    pub field: String,
    /// The cause.
    pub cause: Cause,
    /// Who agreed, and why.
    pub because: String,
}

impl Tolerance {
    /// Reads a tolerance file.
    ///
    /// # Errors
    /// The words of what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    fn accepts(&self, class: Class, field: &str, cause: Cause) -> bool {
        self.accept.iter().any(|accepted| {
            accepted.class == class.words() && accepted.field == field && accepted.cause == cause
        })
    }
}

/// Records left out on purpose: class, key, reason.
pub type Exclusions = BTreeMap<(Class, String), String>;

/// Compares two sides; classes not in `measured` are counted on the source's side only.
#[must_use]
pub fn compare(
    source: &Side,
    target: &Side,
    exclusions: &Exclusions,
    measured: &[Class],
    tolerance: &Tolerance,
) -> Reconciliation {
    let mut found = Found {
        tolerance,
        groups: BTreeMap::new(),
    };
    let mut counts: BTreeMap<Class, Count> = BTreeMap::new();
    for class in Class::ALL {
        let count = counts.entry(class).or_default();
        count.measured = measured.contains(&class);
        count.source = source.count(class);
        count.source_hash = source.hash(class);
        if count.measured {
            count.target = target.count(class);
            count.target_hash = target.hash(class);
        }
    }
    for ((class, key), record) in &source.records {
        let Some(count) = counts.get_mut(class).filter(|count| count.measured) else {
            continue;
        };
        let place = (*class, key.clone());
        if let Some(reason) = exclusions.get(&place) {
            *count.excluded.entry(reason.clone()).or_default() += 1;
            continue;
        }
        match target.records.get(&place) {
            None => {
                count.missing += 1;
                found.note(*class, "", Cause::MissingInTarget, key, "", "");
            }
            Some(other) if found.alike(record, other) => count.agree += 1,
            Some(_) => count.differ += 1,
        }
        if let Some(times) = target.twice.get(&place) {
            count.extra += times - 1;
            found.note(*class, "", Cause::Twice, key, "1", &times.to_string());
        }
    }
    for (class, key) in target.records.keys() {
        let place = (*class, key.clone());
        let known = source.records.contains_key(&place) && !exclusions.contains_key(&place);
        if let Some(count) = counts.get_mut(class).filter(|count| count.measured && !known) {
            count.extra += 1;
            found.note(*class, "", Cause::OnlyInTarget, key, "", "");
        }
    }
    Reconciliation {
        counts,
        groups: found.groups.into_values().collect(),
    }
}

/// Gathers exceptions by class, field and cause.
struct Found<'t> {
    tolerance: &'t Tolerance,
    groups: BTreeMap<(Class, String, Cause), Group>,
}

impl Found<'_> {
    /// Compares field by field; true when nothing differs that is not accepted.
    fn alike(&mut self, source: &Record, target: &Record) -> bool {
        let mut alike = true;
        let names = source.fields.keys().chain(target.fields.keys());
        let names: std::collections::BTreeSet<_> = names.collect();
        for name in names {
            let of = |record: &Record| record.fields.get(name).cloned().unwrap_or_default();
            let (left, right) = (of(source), of(target));
            if left == right {
                continue;
            }
            let cause = cause(&left, &right);
            alike &= self.note(source.class, name, cause, &source.key, &left, &right);
        }
        alike
    }

    /// Notes an exception; true when it is accepted.
    fn note(
        &mut self,
        class: Class,
        field: &str,
        cause: Cause,
        key: &str,
        source: &str,
        target: &str,
    ) -> bool {
        let group = self
            .groups
            .entry((class, field.to_owned(), cause))
            .or_insert_with(|| Group {
                class,
                field: field.to_owned(),
                cause,
                count: 0,
                accepted: self.tolerance.accepts(class, field, cause),
                examples: Vec::new(),
            });
        group.count += 1;
        if group.examples.len() < EXAMPLES_MAX {
            group.examples.push(Exception {
                key: key.to_owned(),
                source: source.to_owned(),
                target: target.to_owned(),
                told_by: Vec::new(),
            });
        }
        group.accepted
    }
}

/// Why two values of a field differ.
#[must_use]
pub fn cause(source: &str, target: &str) -> Cause {
    if target.is_empty() {
        return Cause::FieldLost;
    }
    if source.is_empty() {
        return Cause::FieldAdded;
    }
    let squeezed = |text: &str| crate::world::folded(text).replace([' ', '-', '\''], "");
    if squeezed(source) == squeezed(target) {
        return Cause::CaseOrSpace;
    }
    if let (Ok(left), Ok(right)) = (
        source.parse::<jiff::civil::Date>(),
        target.parse::<jiff::civil::Date>(),
    ) && left.year() == right.year()
        && left.day() == right.month()
        && left.month() == right.day()
    {
        return Cause::DayMonthTurned;
    }
    if let (Ok(left), Ok(right)) = (
        source.parse::<jiff::Timestamp>(),
        target.parse::<jiff::Timestamp>(),
    ) {
        let seconds = (left.as_second() - right.as_second()).abs();
        if seconds > 0 && seconds % 3_600 == 0 && seconds <= 14 * 3_600 {
            return Cause::WholeHours;
        }
    }
    Cause::OtherValue
}
