//! The dialects of every product, in both directions: stories, rules one by one, and what must always hold.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails like the test")]

mod always;
mod rules;
mod story;

use std::path::{Path, PathBuf};

use hl7v2::Message;
use hl7v2::edit::Trace;
use translate::dialect::{Dialect, DialectContext, ITK, STANDARD, convert};

/// Every dialect but plain HL7.
const NAMES: [&str; 6] = [
    "carecast-uclh",
    "lastword-cw",
    "millennium",
    "millennium-raw",
    "epic-uclh",
    "itk",
];

fn dialect(name: &str) -> &'static Dialect {
    match name {
        "itk" => &ITK,
        "standard" => &STANDARD,
        _ => adapters::dialect(name).unwrap_or_else(|| panic!("no dialect {name}")),
    }
}

/// The site's choices of a test.
type Settings<'s> = &'s [(&'s str, &'s str)];

fn context<'c>(settings: Settings<'c>) -> DialectContext<'c> {
    DialectContext {
        settings,
        ..DialectContext::default()
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap().replace('\r', "\n")
}

fn bytes(message: &str) -> Vec<u8> {
    message.replace('\n', "\r").into_bytes()
}

fn normalised(name: &str, message: &str, settings: Settings<'_>) -> String {
    let bytes = bytes(message);
    let mut out = Vec::new();
    dialect(name).normalise_with(
        &Message::parse(&bytes).unwrap(),
        &context(settings),
        &mut out,
        None,
    );
    text(out)
}

fn rendered(name: &str, message: &str, settings: Settings<'_>) -> String {
    let bytes = bytes(message);
    let mut out = Vec::new();
    dialect(name).render_with(
        &Message::parse(&bytes).unwrap(),
        &context(settings),
        &mut out,
        None,
    );
    text(out)
}

fn converted(from: &str, to: &str, message: &str) -> (String, Trace) {
    let bytes = bytes(message);
    let message = Message::parse(&bytes).unwrap();
    let (mut out, mut trace) = (Vec::new(), Trace::default());
    let none = DialectContext::default();
    convert(
        &message,
        (dialect(from), &none),
        (dialect(to), &none),
        &mut out,
        Some(&mut trace),
    );
    (text(out), trace)
}

/// The line of a message that begins with this segment id.
fn segment<'m>(message: &'m str, id: &str) -> &'m str {
    message.lines().find(|line| line.starts_with(id)).unwrap_or("")
}

/// One value by its place, as text.
fn value(message: &str, place: &str) -> String {
    let bytes = bytes(message);
    let message = Message::parse(&bytes).unwrap();
    message.value(&place.parse().unwrap()).text().into_owned()
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// Every message below a folder of the fixtures, with its path.
fn messages(folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![fixtures().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".hl7") && !name.ends_with(".back.hl7") {
                let bytes = std::fs::read(&path).unwrap();
                found.push((path, bytes));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no messages below {folder}");
    found
}

/// The dialect a fixture is told in, by its place.
fn told_in(path: &Path) -> &'static str {
    let parts: Vec<String> = path
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    let name = parts.last().unwrap();
    if parts.iter().any(|part| part == "lastword") {
        if name.starts_with("cw-") {
            "lastword-cw"
        } else {
            "carecast-uclh"
        }
    } else if parts.iter().any(|part| part == "millennium") {
        if name.contains("raw") {
            "millennium-raw"
        } else {
            "millennium"
        }
    } else if parts.iter().any(|part| part == "epic") {
        "epic-uclh"
    } else {
        "itk"
    }
}
