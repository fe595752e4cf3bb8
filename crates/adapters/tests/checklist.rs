//! The checklist in docs/mocks.md says what stands and what does not: each test it names exists, each numbered test
//! is named, each number has its line, and nothing that is open claims a test.

#![allow(clippy::unwrap_used)] // also in what the tests call

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const ITEMS: &[(&str, u32)] = &[("millennium", 27), ("epic", 32), ("lastword", 24)];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every test function in this crate's tests and sources.
fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root().join("tests"), root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(path).unwrap();
            let mut lines = text.lines().map(str::trim);
            while let Some(line) = lines.next() {
                if !matches!(line, "#[test]" | "#[tokio::test]") {
                    continue;
                }
                let name = lines.next().unwrap_or_default();
                let name = name.trim_start_matches("async ").trim_start_matches("fn ");
                found.extend(name.split('(').next().map(str::to_owned));
            }
        }
    }
    found
}

/// Vendor and number to state and named tests.
fn table() -> BTreeMap<(String, u32), (String, Vec<String>)> {
    let text = std::fs::read_to_string(root().join("../../docs/mocks.md")).unwrap();
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [item, _, state, tests, ..] = cells.as_slice() else {
            return None;
        };
        let (vendor, number) = item.rsplit_once(' ')?;
        let tests = tests
            .split('`')
            .filter(|part| part.contains('_'))
            .map(str::to_owned)
            .collect();
        Some((
            (vendor.to_owned(), number.parse().ok()?),
            ((*state).to_owned(), tests),
        ))
    });
    rows.collect()
}

#[test]
fn the_checklist_is_true() {
    let (tests, table) = (tests(), table());
    for (vendor, count) in ITEMS {
        for number in 1..=*count {
            let row = table.get(&((*vendor).to_owned(), number));
            assert!(row.is_some(), "{vendor} {number} has no line");
        }
    }
    for ((vendor, number), (state, named)) in &table {
        for test in named {
            assert!(
                tests.contains(test),
                "{vendor} {number} names {test}, which is no test"
            );
        }
        match state.as_str() {
            "done" | "part" => assert!(!named.is_empty(), "{vendor} {number} is {state} without a test"),
            "open" => assert!(named.is_empty(), "{vendor} {number} is open and names a test"),
            other => panic!("{vendor} {number}: done, part or open, not {other}"),
        }
    }
    for test in &tests {
        let mut parts = test.split('_');
        let Some((vendor, _)) = parts
            .next()
            .and_then(|name| ITEMS.iter().find(|(known, _)| *known == name))
        else {
            continue;
        };
        let Some(number) = parts.next().and_then(|number| number.parse().ok()) else {
            continue;
        };
        let row = &table[&((*vendor).to_owned(), number)];
        assert!(
            row.1.contains(test),
            "{test} is not in the line of {vendor} {number}"
        );
    }
}
