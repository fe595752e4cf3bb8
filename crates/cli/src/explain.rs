//! `eprgw explain`: what a field means and which rows and dialect rules touch it; what the mock EPRs assume.

use std::fmt::Write as _;

use adapters::{Standing, Table, VENDORS};

use crate::exit::Failure;
use crate::{names, output};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// A field or component (PID-3, PV1-3.2), a row or an element; `coverage` for every row of HL7's guide and what
    /// answers for it; `conditions`, or the name of one, for the guide's choices; `dialects` and what a site may choose
    /// in them; `assumptions` of the mock EPRs
    place: String,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    match options.place.as_str() {
        "assumptions" => return output::text(assumptions()),
        "mocks" => return output::text(mocks()),
        "tables" => return output::text(tables()),
        "dialects" => return output::text(dialects()),
        "coverage" => return output::text(translate::coverage()),
        "conditions" => return output::text(translate::conditions_table()),
        name => {
            if let Some(table) = table(name) {
                return output::text(table.csv);
            }
            if let Some(condition) = translate::conditions().iter().find(|one| one.name == name) {
                return output::text(condition);
            }
        }
    }
    let explanation = translate::explain(&options.place, &names::dialects());
    if explanation.is_empty() {
        let words = "nothing is known under {}: say a field (PID-3), a segment, a row, an element, coverage, conditions or dialects";
        return Err(Failure::Usage.because(words.replace("{}", &options.place)));
    }
    output::text(explanation)
}

/// The page that says item by item what the mocks do; a test of `adapters` keeps it true.
const MOCKS: &str = include_str!("../../../docs/mocks.md");

/// The checklist of that page, with how many items are done.
fn mocks() -> String {
    let rows: Vec<&str> = MOCKS.lines().filter(|line| line.starts_with('|')).collect();
    let mut text: String = rows.iter().flat_map(|row| [*row, "\n"]).collect();
    text.push('\n');
    for state in ["done", "part", "open"] {
        let cell = format!("| {state} |");
        let count = rows.iter().filter(|row| row.contains(&cell)).count();
        // Writing to a String cannot fail.
        writeln!(text, "{count:>4} {state}").expect("a String takes any text");
    }
    text
}

/// Every code table of the mock EPRs, and where it comes from.
fn tables() -> String {
    let mut text = String::new();
    for (vendor, table) in VENDORS
        .iter()
        .flat_map(|vendor| vendor.tables.iter().map(move |table| (vendor, table)))
    {
        writeln!(text, "{}/{}", vendor.name, table.name).expect("a String takes any text");
        writeln!(text, "  {}", table.source).expect("a String takes any text");
    }
    text
}

fn table(name: &str) -> Option<&'static Table> {
    let (vendor, name) = name.split_once('/')?;
    adapters::vendor(vendor)?
        .tables
        .iter()
        .find(|table| table.name == name)
}

/// Everything about the mock EPRs that no public source settles: name, value, choices, and what it stands on.
fn assumptions() -> String {
    let mut text = String::new();
    for vendor in VENDORS {
        // Writing to a String cannot fail.
        writeln!(text, "{} ({})", vendor.name, vendor.title).expect("a String takes any text");
        for known in vendor.assumptions {
            let standing = match known.standing {
                Standing::Assumed => "assumed",
                Standing::Unknown => "unknown",
            };
            writeln!(text, "  {:<20} {standing}  {}", known.name, known.default)
                .expect("a String takes any text");
            if !known.choices.is_empty() {
                let choices = known.choices.join(", ");
                writeln!(text, "  {:<20} one of {choices}; set under assume", "")
                    .expect("a String takes any text");
            }
            writeln!(text, "  {:<20} {}", "", known.source).expect("a String takes any text");
        }
    }
    text
}

/// Every dialect, and the choices a site has in it: what may stand under `[interface.override.dialect]`.
fn dialects() -> String {
    let mut text = String::new();
    for dialect in names::dialects() {
        writeln!(text, "{} ({})", dialect.name, dialect.title).expect("a String takes any text");
        if dialect.settings.is_empty() {
            writeln!(text, "  nothing to choose").expect("a String takes any text");
        }
        for known in dialect.settings {
            writeln!(text, "  {:<20} {}", known.name, known.default).expect("a String takes any text");
            let choices = match known.values {
                [] => "any text".to_owned(),
                values => format!("one of {}", values.join(", ")),
            };
            writeln!(text, "  {:<20} {choices}; set under override.dialect", "")
                .expect("a String takes any text");
            writeln!(text, "  {:<20} {}", "", known.why).expect("a String takes any text");
        }
    }
    text
}
