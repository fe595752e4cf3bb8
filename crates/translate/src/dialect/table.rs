//! Local code tables as CSV beside the dialect that needs them.
//!
//! Four columns: `local,canonical,way,display`. An empty `canonical` is a gap that we know of: the code passes through
//! with a note. `way` is `=` for both directions, `>` for a row that only normalises, `<` for one that only renders.

use std::sync::OnceLock;

use hl7v2::edit::{Change, Edit, Spot};

/// A table of local codes, read from its CSV on first use.
pub struct CodeTable {
    csv: &'static str,
    parsed: OnceLock<Parsed>,
}

#[derive(Default)]
struct Parsed {
    /// Rows that normalise, by local code.
    by_local: Vec<Row>,
    /// Rows that render, by canonical code.
    by_canonical: Vec<Row>,
}

/// One line of a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Row {
    pub(crate) local: &'static str,
    pub(crate) canonical: &'static str,
    pub(crate) display: &'static str,
}

/// What a table says about a code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lookup {
    /// Its counterpart.
    Code(&'static str),
    /// A row without a counterpart.
    Gap,
    /// No row.
    Unknown,
}

impl CodeTable {
    /// A table from the text of its CSV.
    pub const fn new(csv: &'static str) -> Self {
        Self {
            csv,
            parsed: OnceLock::new(),
        }
    }

    /// The canonical code for a local one; upper and lower case are one.
    pub fn canonical(&self, local: &str) -> Lookup {
        match find(&self.parsed().by_local, local, |row| row.local) {
            Some(row) if row.canonical.is_empty() => Lookup::Gap,
            Some(row) => Lookup::Code(row.canonical),
            None => Lookup::Unknown,
        }
    }

    /// The local code for a canonical one: the first row of the file that bears it.
    pub fn local(&self, canonical: &str) -> Lookup {
        match find(&self.parsed().by_canonical, canonical, |row| row.canonical) {
            Some(row) => Lookup::Code(row.local),
            None => Lookup::Unknown,
        }
    }

    /// What the table calls a canonical code.
    pub fn display(&self, canonical: &str) -> Option<&'static str> {
        find(&self.parsed().by_canonical, canonical, |row| row.canonical).map(|row| row.display)
    }

    /// Every row that normalises: local code, canonical code (empty for a gap), display.
    pub fn rows(&self) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> + '_ {
        self.parsed()
            .by_local
            .iter()
            .map(|row| (row.local, row.canonical, row.display))
    }

    fn parsed(&self) -> &Parsed {
        self.parsed.get_or_init(|| parse(self.csv))
    }
}

fn parse(csv: &'static str) -> Parsed {
    let mut parsed = Parsed::default();
    for line in csv.lines().skip(1).filter(|line| !line.trim().is_empty()) {
        // The display stands last and may hold commas.
        let mut cells = line.splitn(4, ',').map(str::trim);
        let mut cell = || cells.next().unwrap_or_default();
        let (local, canonical, way, display) = (cell(), cell(), cell(), cell());
        let row = Row {
            local,
            canonical,
            display,
        };
        if way != "<" {
            parsed.by_local.push(row);
        }
        if way != ">" && !canonical.is_empty() {
            parsed.by_canonical.push(row);
        }
    }
    // Stable: of two rows with one code the first in the file is found.
    parsed
        .by_local
        .sort_by(|left, right| compare(left.local, right.local));
    parsed
        .by_local
        .dedup_by(|later, earlier| compare(later.local, earlier.local).is_eq());
    parsed
        .by_canonical
        .sort_by(|left, right| compare(left.canonical, right.canonical));
    parsed
        .by_canonical
        .dedup_by(|later, earlier| compare(later.canonical, earlier.canonical).is_eq());
    parsed
}

fn find<'r>(rows: &'r [Row], code: &str, key: impl Fn(&Row) -> &'static str) -> Option<&'r Row> {
    let place = rows.binary_search_by(|row| compare(key(row), code.trim())).ok()?;
    rows.get(place)
}

fn compare(left: &str, right: &str) -> std::cmp::Ordering {
    let left = left.bytes().map(|byte| byte.to_ascii_lowercase());
    left.cmp(right.bytes().map(|byte| byte.to_ascii_lowercase()))
}

/// Puts the canonical code in place of a local one; a code without a row passes through with a note.
pub fn map_from(edit: &mut Edit<'_>, at: Spot, table: &CodeTable) {
    if edit.is_valued(at) {
        let found = table.canonical(&edit.text(at));
        put(edit, at, found);
    }
}

/// Puts the local code in place of a canonical one; a code without a row passes through with a note.
pub fn map_to(edit: &mut Edit<'_>, at: Spot, table: &CodeTable) {
    if edit.is_valued(at) {
        let found = table.local(&edit.text(at));
        put(edit, at, found);
    }
}

fn put(edit: &mut Edit<'_>, at: Spot, found: Lookup) {
    match found {
        Lookup::Code(code) => {
            edit.set(at, code, Change::Transformed);
        }
        Lookup::Gap => edit.note(at, "a local code that has no counterpart; passed through"),
        Lookup::Unknown => edit.note(at, "a code without a row in the dialect's table; passed through"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static TABLE: CodeTable = CodeTable::new(
        "local,canonical,way,display\nB,2,=,Two, or so\na,1,=,One\nc,1,>,Other one\nd,,=,Gap\nE,3,<,Only out\n",
    );

    #[test]
    fn rows_work_in_their_direction_and_gaps_are_known() {
        assert_eq!(TABLE.canonical("A"), Lookup::Code("1"));
        assert_eq!(TABLE.canonical("c"), Lookup::Code("1"));
        assert_eq!(TABLE.canonical("D"), Lookup::Gap);
        assert_eq!(TABLE.canonical("e"), Lookup::Unknown);
        assert_eq!(TABLE.local("1"), Lookup::Code("a"));
        assert_eq!(TABLE.local("3"), Lookup::Code("E"));
        assert_eq!(TABLE.local("9"), Lookup::Unknown);
        assert_eq!(TABLE.display("2"), Some("Two, or so"));
    }
}
