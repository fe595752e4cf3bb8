//! How much of HL7's v2-to-FHIR guide is mapped: each of its rows, by id and target, with the row that does it or
//! the reason why none does.
//!
//! The ids and targets lie in `crates/translate/coverage/`; they are facts about the guide, its tables are not
//! here. Verdicts come from the rows that translate ([`crate::rows`]): a mapping that is taken out turns its line
//! into one without a verdict, and a test fails. What no row can answer for — data types, whole messages,
//! constants — and what is left out on purpose stands in `reasons.csv`.

use std::fmt;

use crate::row::RowInfo;

/// What became of a row of the guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A row maps the field to that element.
    Mapped,
    /// A row maps the field, to another element than the guide's.
    Elsewhere,
    /// The field travels in an extension, as it was sent.
    Kept,
    /// Left out, for a reason that is listed.
    Listed,
    /// Nobody answers for it.
    Open,
}

impl Verdict {
    /// The word that reports use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Mapped => "mapped",
            Self::Elsewhere => "mapped elsewhere",
            Self::Kept => "kept",
            Self::Listed => "listed",
            Self::Open => "open",
        }
    }
}

/// One row of the guide and what answers for it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Covered {
    /// `segments`, `datatypes` or `messages`.
    pub kind: &'static str,
    /// The guide's map: `PID[Patient]`.
    pub map: &'static str,
    /// The guide's row: `PID-8`.
    pub id: &'static str,
    /// What it is to become: `gender`.
    pub target: &'static str,
    /// Whether it does.
    pub verdict: Verdict,
    /// The row that does it, or the reason.
    pub by: String,
}

/// Every row of the guide with its verdict.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Coverage {
    /// The rows, in the guide's order.
    pub rows: Vec<Covered>,
}

const TABLES: &[(&str, &str)] = &[
    ("messages", include_str!("../coverage/messages.csv")),
    ("segments", include_str!("../coverage/segments.csv")),
    ("datatypes", include_str!("../coverage/datatypes.csv")),
];
const REASONS: &str = include_str!("../coverage/reasons.csv");

/// A line of `reasons.csv`: which rows it answers for, how, and why.
struct Reason {
    kind: &'static str,
    map: &'static str,
    id: &'static str,
    target: &'static str,
    mapped: bool,
    why: &'static str,
}

impl Reason {
    fn answers(&self, kind: &str, map: &str, id: &str, target: &str) -> bool {
        let fits = |pattern: &str, text: &str| match pattern.strip_suffix('*') {
            Some(start) => text.starts_with(start),
            None => pattern == text,
        };
        self.kind == kind && fits(self.map, map) && fits(self.id, id) && fits(self.target, target)
    }
}

/// Compares the guide's rows with those that translate.
#[must_use]
pub fn coverage() -> Coverage {
    let rows = crate::rows();
    let reasons: Vec<Reason> = REASONS.lines().skip(1).filter_map(reason).collect();
    let mut all = Vec::with_capacity(2000);
    for (kind, text) in TABLES {
        for line in text.lines().skip(1) {
            let cells = cells(line);
            let [map, id, target] = cells.as_slice() else {
                continue;
            };
            let listed = reasons.iter().find(|one| one.answers(kind, map, id, target));
            let (verdict, by) = judge(kind, (map, id, target), &rows, listed);
            all.push(Covered {
                kind,
                map,
                id,
                target,
                verdict,
                by,
            });
        }
    }
    Coverage { rows: all }
}

fn judge(
    kind: &str,
    (map, id, target): (&str, &str, &str),
    rows: &[RowInfo],
    listed: Option<&Reason>,
) -> (Verdict, String) {
    let of_field = |row: &&RowInfo| kind == "segments" && format!("{}-{}", row.segment, row.field) == id;
    let found: Vec<&RowInfo> = rows.iter().filter(of_field).collect();
    let mapped = || found.iter().filter(|row| row.kind == "mapped");
    let resource = map
        .split_once('[')
        .map_or("", |(_, rest)| rest.trim_end_matches(']'));
    let resource = resource.split('-').next().unwrap_or(resource);
    let same = |row: &&&RowInfo| {
        let element = root(row.element);
        let within = row.resource.split('.').next() == Some(resource);
        element == root(target) || (!within && row.resource.contains(&root(target)))
    };
    if let Some(row) = mapped().find(same) {
        return (Verdict::Mapped, row.name());
    }
    if kind == "messages" {
        // A segment of a message is mapped when its rows build the resource.
        let segment = id.rsplit('.').next().unwrap_or_default();
        let builds = |row: &&RowInfo| row.segment == segment && row.resource == root(target);
        if rows.iter().any(|row| builds(&row)) {
            return (Verdict::Mapped, format!("{segment} > {}", root(target)));
        }
    }
    if let Some(reason) = listed {
        let verdict = if reason.mapped {
            Verdict::Mapped
        } else {
            Verdict::Listed
        };
        return (verdict, reason.why.to_owned());
    }
    if let Some(row) = mapped().next() {
        return (Verdict::Elsewhere, row.name());
    }
    match found.first() {
        Some(row) if row.kind == "kept" => (
            Verdict::Kept,
            format!("travels with {} as it was sent", row.resource),
        ),
        Some(row) => (Verdict::Listed, row.note.to_owned()),
        None => (Verdict::Open, String::new()),
    }
}

/// The first element of a path, without the guide's numbers and the type it leads to.
fn root(path: &str) -> String {
    let first: String = path.chars().take_while(|c| c.is_alphanumeric()).collect();
    // The guide writes out what FHIR's choice of type is; `value[x]` has no type here.
    let choices = [
        "value",
        "medication",
        "performed",
        "occurrence",
        "effective",
        "onset",
        "deceased",
        "multipleBirth",
    ];
    let choice = choices.iter().find(|choice| first.starts_with(*choice));
    choice.map_or(first.clone(), |choice| (*choice).to_owned())
}

fn reason(line: &'static str) -> Option<Reason> {
    match cells(line).as_slice() {
        [kind, map, id, target, verdict, why] => Some(Reason {
            kind,
            map,
            id,
            target,
            mapped: *verdict == "mapped",
            why,
        }),
        _ => None,
    }
}

/// The cells of one CSV line; a quoted cell may hold commas.
fn cells(line: &'static str) -> Vec<&'static str> {
    let mut cells = Vec::with_capacity(6);
    let mut rest = line;
    loop {
        let quoted = rest.strip_prefix('"').and_then(|inner| inner.split_once('"'));
        let (cell, after) = match quoted {
            Some((cell, after)) => (cell, after.strip_prefix(',')),
            None => match rest.split_once(',') {
                Some((cell, after)) => (cell, Some(after)),
                None => (rest, None),
            },
        };
        cells.push(cell);
        match after {
            Some(more) => rest = more,
            None => return cells,
        }
    }
}

impl Coverage {
    /// How many rows of a kind have a verdict.
    #[must_use]
    pub fn count(&self, kind: &str, verdict: Verdict) -> usize {
        self.rows
            .iter()
            .filter(|row| row.kind == kind && row.verdict == verdict)
            .count()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdicts = [
            Verdict::Mapped,
            Verdict::Elsewhere,
            Verdict::Kept,
            Verdict::Listed,
            Verdict::Open,
        ];
        writeln!(f, "HL7 Version 2 to FHIR, 1.0.0")?;
        for (kind, _) in TABLES {
            write!(f, "  {kind:10}")?;
            for verdict in verdicts {
                write!(f, "  {} {}", self.count(kind, verdict), verdict.word())?;
            }
            writeln!(f)?;
        }
        let mut map = "";
        for row in &self.rows {
            if row.map != map {
                map = row.map;
                writeln!(f, "\n{map}")?;
            }
            let id = if row.id.is_empty() { "(the map)" } else { row.id };
            writeln!(
                f,
                "  {id:14} {:44} {:16} {}",
                row.target,
                row.verdict.word(),
                row.by
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_guide_has_an_answer() {
        let open: Vec<String> = coverage()
            .rows
            .into_iter()
            .filter(|row| row.verdict == Verdict::Open || row.by.is_empty())
            .map(|row| format!("{} {} > {}", row.map, row.id, row.target))
            .collect();
        assert!(open.is_empty(), "{} rows:\n{}", open.len(), open.join("\n"));
    }

    #[test]
    fn a_reason_that_answers_for_nothing_is_not_kept() {
        let all = coverage().rows;
        let used = |reason: &Reason| {
            all.iter()
                .any(|row| reason.why == row.by && reason.answers(row.kind, row.map, row.id, row.target))
        };
        let idle: Vec<&str> = REASONS
            .lines()
            .skip(1)
            .filter(|line| !reason(line).is_some_and(|reason| used(&reason)))
            .collect();
        assert!(idle.is_empty(), "{}", idle.join("\n"));
    }

    #[test]
    fn a_mapping_is_recognised_by_field_and_element() {
        let all = coverage();
        let gender = all
            .rows
            .iter()
            .find(|row| row.map == "PID[Patient]" && row.id == "PID-8");
        assert_eq!(gender.unwrap().verdict, Verdict::Mapped);
        assert!(all.count("segments", Verdict::Mapped) > 500);
    }
}
