//! Local code tables as CSV beside the dialect that needs them.
//!
//! Four columns: `local,canonical,render,display`. An empty `canonical` is a gap that we know of: the code passes
//! through with a note. `render` is empty for a row that works both ways, `no` for one that only normalises, `text` for
//! one that says more than its canonical code (it stays beside the code, in component 2, and comes back from there), else
//! the further canonical codes, separated by spaces, that this local code must stand for. Sorted by the first column.

use std::sync::OnceLock;

use hl7v2::edit::{Change, Edit, Spot};
use hl7v2::{Location, SegmentId};

use super::REPETITIONS_MAX;

/// A table of local codes, read from its CSV on first use.
pub struct CodeTable {
    csv: &'static str,
    parsed: OnceLock<Parsed>,
}

#[derive(Default)]
struct Parsed {
    /// Every row, by local code.
    by_local: Vec<Row>,
    /// Rows that render, by canonical code.
    by_canonical: Vec<Row>,
}

/// One line of a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Row {
    local: &'static str,
    canonical: &'static str,
    display: &'static str,
    /// Says more than its canonical code.
    beside: bool,
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
        self.parsed().canonical(local)
    }

    /// The local code for a canonical one.
    pub fn local(&self, canonical: &str) -> Lookup {
        self.parsed().local(canonical)
    }

    /// What the table calls a canonical code.
    pub fn display(&self, canonical: &str) -> Option<&'static str> {
        find(&self.parsed().by_canonical, canonical, |row| row.canonical).map(|row| row.display)
    }

    /// Every row: local code, canonical code (empty for a gap), display.
    pub fn rows(&self) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> + '_ {
        self.parsed()
            .by_local
            .iter()
            .map(|row| (row.local, row.canonical, row.display))
    }

    fn parsed(&self) -> &Parsed {
        self.parsed.get_or_init(|| parse(self.csv.lines().skip(1)))
    }
}

impl Parsed {
    fn canonical(&self, local: &str) -> Lookup {
        match find(&self.by_local, local, |row| row.local) {
            Some(row) if row.canonical.is_empty() => Lookup::Gap,
            Some(row) => Lookup::Code(row.canonical),
            None => Lookup::Unknown,
        }
    }

    /// The row of a local text that must stay beside its canonical code.
    fn beside(&self, local: &str) -> Option<&Row> {
        find(&self.by_local, local, |row| row.local).filter(|row| row.beside)
    }

    fn local(&self, canonical: &str) -> Lookup {
        match find(&self.by_canonical, canonical, |row| row.canonical) {
            Some(row) => Lookup::Code(row.local),
            None => Lookup::Unknown,
        }
    }
}

fn parse(lines: impl IntoIterator<Item = &'static str>) -> Parsed {
    let mut parsed = Parsed::default();
    for line in lines.into_iter().filter(|line| !line.trim().is_empty()) {
        // A local text may hold commas, and is quoted then; the display stands last and needs no quotes.
        let quoted = line
            .split_once("\",")
            .map(|(local, rest)| (local.trim_start_matches('"'), rest));
        let (local, rest) = quoted.or_else(|| line.split_once(',')).unwrap_or((line, ""));
        let mut cells = std::iter::once(local).chain(rest.splitn(3, ',')).map(str::trim);
        let mut cell = || cells.next().unwrap_or_default();
        let (local, canonical, render, display) = (cell(), cell(), cell(), cell());
        let row = Row {
            local,
            canonical,
            display,
            beside: render == "text",
        };
        parsed.by_local.push(row);
        if !matches!(render, "no" | "text") {
            let rendered = std::iter::once(canonical).chain(render.split_whitespace());
            let row = |canonical| Row { canonical, ..row };
            parsed
                .by_canonical
                .extend(rendered.filter(|code| !code.is_empty()).map(row));
        }
    }
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

/// Tables for many fields in one CSV, `place local,canonical,render,display`: a place is a field or a component.
pub struct FieldTables {
    csv: &'static str,
    parsed: OnceLock<Vec<(SegmentId, Vec<FieldTable>)>>,
}

struct FieldTable {
    place: Location,
    parsed: Parsed,
}

impl FieldTables {
    /// Tables from the text of their CSV; the rows of a place stand together.
    pub const fn new(csv: &'static str) -> Self {
        Self {
            csv,
            parsed: OnceLock::new(),
        }
    }

    /// Puts canonical codes in place of local ones everywhere.
    pub fn normalise(&self, edit: &mut Edit<'_>) {
        self.each(edit, |edit, at, words, table| {
            let found = table.canonical(&edit.text(at));
            if table.beside(&edit.text(at)).is_some() && !edit.is_present(words) {
                edit.copy_to(at, words);
            }
            put(edit, at, found);
        });
    }

    /// Puts local codes in place of canonical ones everywhere.
    pub fn render(&self, edit: &mut Edit<'_>) {
        self.each(edit, |edit, at, words, table| {
            let own = table.beside(&edit.text(words)).copied();
            if let Some(own) = own.filter(|own| edit.says(at, own.canonical)) {
                edit.drop(at, "the text beside the code says it in this dialect");
                edit.move_to(words, at);
                if !edit.says(at, own.local) {
                    edit.set(at, own.local, Change::Transformed);
                }
                return;
            }
            let found = table.local(&edit.text(at));
            put(edit, at, found);
        });
    }

    /// The places that have a table.
    pub fn places(&self) -> impl Iterator<Item = Location> + '_ {
        self.tables()
            .iter()
            .flat_map(|(_, tables)| tables)
            .map(|table| table.place)
    }

    /// Visits every place that has a table and holds something, with the place for words beside it.
    fn each(&self, edit: &mut Edit<'_>, visit: impl Fn(&mut Edit<'_>, Spot, Spot, &Parsed)) {
        for ordinal in 0..edit.segment_count() {
            let Some(segment) = edit.segment_at(ordinal) else {
                break;
            };
            let id = edit.id(segment);
            let Some((_, tables)) = self.tables().iter().find(|(name, _)| *name == id) else {
                continue;
            };
            for table in tables {
                let field = segment.field(table.place.field);
                for repetition in 1..=edit.repetitions(field).min(REPETITIONS_MAX) {
                    let repetition = field.repetition(repetition);
                    let at = repetition.component(table.place.component.max(1));
                    if edit.is_valued(at) {
                        visit(edit, at, repetition.component(2), &table.parsed);
                    }
                }
            }
        }
    }

    fn tables(&self) -> &[(SegmentId, Vec<FieldTable>)] {
        self.parsed.get_or_init(|| {
            let mut rows: Vec<(Location, Vec<&'static str>)> = Vec::new();
            for line in self.csv.lines().skip(1) {
                // Only the local text may hold a comma: quotes stand around place and text together.
                let Some((place, row)) = line.trim_start_matches('"').split_once(' ') else {
                    continue;
                };
                let Ok(place) = place.parse::<Location>() else {
                    continue;
                };
                match rows.iter_mut().find(|(known, _)| *known == place) {
                    Some((_, rows)) => rows.push(row),
                    None => rows.push((place, vec![row])),
                }
            }
            let mut tables: Vec<(SegmentId, Vec<FieldTable>)> = Vec::new();
            for (place, rows) in rows {
                let table = FieldTable {
                    place,
                    parsed: parse(rows),
                };
                match tables.iter_mut().find(|(id, _)| *id == place.segment) {
                    Some((_, tables)) => tables.push(table),
                    None => tables.push((place.segment, vec![table])),
                }
            }
            tables
        })
    }
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

/// As [`map_from`] for a coded field; the local code stays as the alternate coding, labelled `system`.
pub fn map_from_beside(edit: &mut Edit<'_>, field: Spot, table: &CodeTable, system: &'static str) {
    let code = field.component(1);
    if !edit.is_valued(code) {
        return;
    }
    let found = table.canonical(&edit.text(code));
    let free = (4..=6).all(|component| !edit.is_present(field.component(component)));
    if matches!(found, Lookup::Code(_)) && free {
        edit.copy_to(code, field.component(4));
        edit.set(field.component(6), system, Change::Defaulted);
    }
    put(edit, code, found);
}

/// The way back of [`map_from_beside`]: the sender's own local code when it still fits, else the table's.
pub fn map_to_beside(edit: &mut Edit<'_>, field: Spot, table: &CodeTable, system: &str) {
    let (code, own) = (field.component(1), field.component(4));
    if !edit.says(field.component(6), system) {
        return map_to(edit, code, table);
    }
    let fits =
        matches!(table.canonical(&edit.text(own)), Lookup::Code(canonical) if edit.says(code, canonical));
    if fits {
        edit.drop(code, "follows from the local code in this dialect");
        edit.move_to(own, code);
    } else {
        edit.drop(own, "another code stands in its place now");
        map_to(edit, code, table);
    }
    edit.drop(field.component(6), "this dialect's own codes need no label");
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
        "local,canonical,render,display\n\"e, f\",,5,Gap in, code out\nB,2,3 4,Two, or so\na,1,,One\nc,1,no,Other one\nd,,,Gap\n",
    );

    #[test]
    fn rows_work_in_their_direction_and_gaps_are_known() {
        assert_eq!(TABLE.canonical("A"), Lookup::Code("1"));
        assert_eq!(TABLE.canonical("c"), Lookup::Code("1"));
        assert_eq!(TABLE.canonical("D"), Lookup::Gap);
        assert_eq!(TABLE.canonical("x"), Lookup::Unknown);
        assert_eq!(TABLE.canonical("e, f"), Lookup::Gap);
        assert_eq!(TABLE.local("5"), Lookup::Code("e, f"));
        assert_eq!(TABLE.local("1"), Lookup::Code("a"));
        assert_eq!(TABLE.local("3"), Lookup::Code("B"));
        assert_eq!(TABLE.local("9"), Lookup::Unknown);
        assert_eq!(TABLE.display("2"), Some("Two, or so"));
    }
}
