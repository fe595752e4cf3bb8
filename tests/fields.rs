//! docs/fields.md, "What happens to my field", is made of the tables that translate: `UPDATE_GOLDEN=1` rewrites it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use hl7v2::Message;
use translate::dialect::{Dialect, ITK, STANDARD};
use translate::{Settings, Translator};

mod golden_files;
use golden_files::{Golden, fixtures, inputs_below};

const HEAD: &str = "\
# What happens to my field

Made from the tables that translate (`tests/fields.rs`), so it cannot say anything else than they do. `eprgw explain PID-3` prints one field with the
rules of every dialect; `eprgw translate FILE --ledger` accounts for every field of one message.

- *mapped*: the field has an element of its own in FHIR R4, and comes back from it.
- *kept*: R4 has none; the value travels in an extension as it was sent, and comes back from it.
- *ignored by rule*: left out for the reason given.
- A field of a segment below that has no row is *lost* in the ledger, by name; a segment that is not below travels whole, in an extension of the
  MessageHeader.
";

const TRICKY: &str = "
# Four messages through every dialect

The same canonical message, written as each system would send it (`eprgw translate FILE --to DIALECT`). A segment that a dialect writes as it stands is
not repeated.
";

fn dialects() -> Vec<&'static Dialect> {
    let of_vendors = adapters::VENDORS
        .iter()
        .flat_map(|vendor| vendor.profiles.iter().map(|profile| profile.dialect));
    of_vendors.chain([&ITK]).collect()
}

fn table(page: &mut String) {
    let mut segment = "";
    for row in translate::rows() {
        if row.segment != segment {
            segment = row.segment;
            write!(
                page,
                "\n## {segment}\n\n| field | FHIR element | | remark |\n|---|---|---|---|\n"
            )
            .unwrap();
        }
        let element = match (row.resource, row.element) {
            (_, "") => String::new(),
            (resource, element) => format!("`{resource}.{element}`"),
        };
        let note = row.note.replace('|', "\\|");
        writeln!(
            page,
            "| {segment}-{} | {element} | {} | {note} |",
            row.field, row.kind
        )
        .unwrap();
    }
}

/// The lines of a message; a long value is cut, since a document is nothing to read here.
fn lines(bytes: &[u8]) -> Vec<String> {
    const WIDTH: usize = 220;
    let text = String::from_utf8_lossy(bytes);
    let cut = |line: &str| match line.chars().count() {
        ..=WIDTH => line.to_owned(),
        _ => line.chars().take(WIDTH).chain(['…']).collect(),
    };
    text.split_terminator('\r').map(cut).collect()
}

fn tricky(page: &mut String, path: &Path, translator: &Translator) {
    let bytes = fs::read(path).unwrap();
    let message = Message::parse(&bytes).unwrap();
    let name = path.file_stem().unwrap().to_string_lossy();
    let words = name.split_once('-').unwrap().1.replace('-', " ");
    let canonical = lines(&bytes);
    write!(page, "\n## {words}\n\n```text\n{}\n```\n", canonical.join("\n")).unwrap();
    for dialect in dialects() {
        let mut out = Vec::new();
        translator.convert(&message, &STANDARD, dialect, &mut out, None);
        let mut changed = lines(&out);
        changed.retain(|line| !canonical.contains(line));
        write!(
            page,
            "\n`{}`\n\n```text\n{}\n```\n",
            dialect.name,
            changed.join("\n")
        )
        .unwrap();
    }
}

#[test]
fn the_page_of_fields_says_what_the_tables_do() {
    let translator = Translator::new(Settings::default()).unwrap();
    let mut page = String::from(HEAD);
    table(&mut page);
    page.push_str(TRICKY);
    for path in inputs_below(&fixtures().join("tricky")) {
        tricky(&mut page, &path, &translator);
    }
    let mut golden = Golden::new();
    golden.check(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/fields.md"),
        page.as_bytes(),
    );
    golden.finish();
}
