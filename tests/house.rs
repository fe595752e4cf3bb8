//! The rules of the house that reviewers forget: arrows between rooms, names out of place, files without
//! partners, vocabularies out of order, numbers that could belong to somebody.
//!
//! Reads the workspace as text. What the compiler or clippy can see is left to them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Longest Rust file a reader is asked to hold in mind.
const FILE_LINES_MAX: usize = 700;

/// Which room may know which; arrows point down only.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "cli",
        &[
            "adapters",
            "console",
            "fhir",
            "gateway",
            "hl7v2",
            "mllp",
            "rest",
            "scenario",
            "store",
            "translate",
        ],
    ),
    // It asks the API, which `cli` hands it, and reads what it was told.
    ("console", &["hl7v2"]),
    (
        "gateway",
        &["fhir", "hl7v2", "mllp", "rest", "store", "translate"],
    ),
    // store for the group-commit writer only, translate for `Dialect` only.
    (
        "adapters",
        &["fhir", "hl7v2", "mllp", "rest", "store", "translate"],
    ),
    // It drives systems over the wire, as a hospital would.
    ("scenario", &["fhir", "hl7v2", "mllp", "rest"]),
    ("translate", &["fhir", "hl7v2"]),
    ("rest", &["fhir"]),
    ("fhir", &[]),
    ("hl7v2", &[]),
    ("mllp", &[]),
    ("store", &[]),
];

/// Product names, spelled in halves so that this file passes its own rule.
const PRODUCTS: &[&str] = &[
    concat!("last", "word"),
    concat!("care", "cast"),
    concat!("millen", "nium"),
    concat!("cer", "ner"),
    concat!("ep", "ic"),
];

/// The only numbers outside the test range in fixtures, and where they may stand; fixtures/bad/README.md says why.
const LIVE_LOOKING: &[&str] = &["4000000004", "4000000012"];
const LIVE_LOOKING_FILES: &str = "fixtures/bad/content/live-looking-nhs-number-";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder`, as paths from the root with forward slashes, sorted; build output and dot folders left out.
fn files_below(folder: &str) -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries {
            let path = entry.expect("a readable folder entry").path();
            let name = path
                .file_name()
                .expect("an entry has a name")
                .to_string_lossy()
                .into_owned();
            if name.starts_with('.') && path.is_dir() || name == "target" {
                continue;
            }
            if path.is_dir() {
                walk(&path, found)
            } else {
                found.push(path)
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    let mut found: Vec<String> = found
        .iter()
        .map(|path| {
            path.strip_prefix(root())
                .expect("walked from the root")
                .to_string_lossy()
                .replace('\\', "/")
        })
        .collect();
    found.sort();
    found
}

fn text(path: &str) -> String {
    String::from_utf8_lossy(&fs::read(root().join(path)).expect("a listed file can be read")).into_owned()
}

fn rust_files() -> Vec<String> {
    ["crates", "tests", "benches"]
        .iter()
        .flat_map(|folder| files_below(folder))
        .filter(|path| path.ends_with(".rs"))
        .collect()
}

/// Fails with every offence, one a line: a rule is mended in one go.
fn assert_none(rule: &str, offences: &[String]) {
    assert!(offences.is_empty(), "{rule}\n  {}", offences.join("\n  "));
}

/// The part of a source file before its tests.
fn before_tests(source: &str) -> &str {
    source.split("#[cfg(test)]").next().unwrap_or(source)
}

/// Words of an identifier or sentence, lower case: `WardId`, `ward_id` and `a Ward` all hold the same one.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in line.chars() {
        if !c.is_alphanumeric() || c.is_uppercase() && before.is_lowercase() {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            words.last_mut().expect("never empty").extend(c.to_lowercase());
        }
        before = c;
    }
    words
}

fn names_product(line: &str, product: &str) -> bool {
    // A short name hides in honest words, so it must stand alone; a long one is found anywhere.
    if product.len() > 4 {
        line.to_lowercase().contains(product)
    } else {
        words(line).iter().any(|word| word == product)
    }
}

// ---- rooms and arrows

#[test]
fn arrows_between_rooms_point_down_only() {
    let rooms: BTreeSet<&str> = ARROWS.iter().map(|(room, _)| *room).collect();
    let mut offences = Vec::new();
    for path in files_below("crates")
        .iter()
        .filter(|path| path.ends_with("/Cargo.toml"))
    {
        let manifest: toml::Table = text(path).parse().expect("a manifest is TOML");
        let room = manifest["package"]["name"].as_str().expect("a room has a name");
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room) else {
            offences.push(format!(
                "{path}: a new room `{room}` needs its arrows in tests/house.rs"
            ));
            continue;
        };
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(needs) = manifest.get(table).and_then(toml::Value::as_table) else {
                continue;
            };
            for other in needs
                .keys()
                .filter(|name| rooms.contains(name.as_str()) && !allowed.contains(&name.as_str()))
            {
                offences.push(format!("{path}: {room} → {other} under [{table}]"));
            }
        }
    }
    assert_none("an arrow points where it must not", &offences);
}

#[test]
fn every_room_of_the_list_exists_and_says_what_it_is_for() {
    let mut offences = Vec::new();
    for (room, _) in ARROWS {
        let entry = if *room == "cli" { "main.rs" } else { "lib.rs" };
        let path = format!("crates/{room}/src/{entry}");
        if !root().join(&path).exists() || !text(&path).starts_with("//!") {
            offences.push(format!(
                "{path}: absent, or without a first line that says what the room is for"
            ));
        }
    }
    assert_none("a room is empty or unexplained", &offences);
}

#[test]
fn every_source_file_opens_with_its_purpose() {
    let offences: Vec<String> = rust_files()
        .into_iter()
        .filter(|path| path.contains("/src/"))
        .filter(|path| !text(path).trim_start().starts_with("//!"))
        .map(|path| format!("{path}: no module documentation"))
        .collect();
    assert_none("a file does not say what it is for", &offences);
}

#[test]
fn no_room_is_a_drawer_for_leftovers() {
    let offences: Vec<String> = rust_files()
        .into_iter()
        .filter(|path| {
            path.split('/').any(|part| {
                matches!(
                    part.trim_end_matches(".rs"),
                    "utils" | "util" | "common" | "helpers" | "misc"
                )
            })
        })
        .collect();
    assert_none("find the room that owns it", &offences);
}

#[test]
fn pure_rooms_touch_no_socket_file_clock_or_chance() {
    const WORLD: &[&str] = &[
        "std::net",
        "std::fs",
        "std::env",
        "std::process",
        "std::thread",
        "Instant::now",
        "SystemTime",
        "tokio::",
        "rand::",
        "Uuid::now",
        "::now()",
    ];
    let mut offences = Vec::new();
    for path in rust_files() {
        let pure = ["crates/hl7v2/src/", "crates/fhir/src/", "crates/translate/src/"]
            .iter()
            .any(|room| path.starts_with(room));
        if !pure || path.ends_with("/tests.rs") || path.contains("/tests/") {
            continue;
        }
        for (number, line) in before_tests(&text(&path)).lines().enumerate() {
            let code = line.split("//").next().unwrap_or(line);
            if let Some(word) = WORLD.iter().find(|word| code.contains(**word)) {
                offences.push(format!("{path}:{}: {word}", number + 1));
            }
        }
    }
    assert_none(
        "a pure room reaches into the world; take it as an argument",
        &offences,
    );
}

// ---- names out of place

#[test]
fn product_names_stay_in_adapters() {
    let mut offences = Vec::new();
    // The end-to-end stories go from one named door to another, as a hospital's do.
    let exempt = |path: &str| path.starts_with("crates/adapters/") || path.starts_with("tests/e2e/");
    for path in rust_files().iter().filter(|path| !exempt(path)) {
        for (number, line) in text(path).lines().enumerate() {
            if let Some(product) = PRODUCTS.iter().find(|product| names_product(line, product)) {
                offences.push(format!("{path}:{}: {product}", number + 1));
            }
        }
    }
    assert_none("a product is named in Rust outside crates/adapters", &offences);
}

#[test]
fn one_vendor_folder_never_names_another() {
    let folders: BTreeSet<String> = files_below("crates/adapters/src")
        .iter()
        .filter_map(|path| {
            path.strip_prefix("crates/adapters/src/")?
                .strip_suffix("/dialect.rs")
                .map(str::to_owned)
        })
        .collect();
    let mut offences = Vec::new();
    for folder in &folders {
        for path in files_below(&format!("crates/adapters/src/{folder}"))
            .iter()
            .filter(|path| path.ends_with(".rs"))
        {
            for (number, line) in text(path).lines().enumerate() {
                let code = line.split("//").next().unwrap_or(line);
                for other in folders.iter().filter(|other| *other != folder) {
                    if code.contains(&format!("{other}::")) || code.contains(&format!("mod {other}")) {
                        offences.push(format!("{path}:{}: leans on {other}", number + 1));
                    }
                }
            }
        }
    }
    assert_none("one vendor leans on another", &offences);
}

#[test]
fn words_are_found_in_identifiers_and_left_alone_in_longer_ones() {
    let short = PRODUCTS[4];
    let hump = format!("{}Id", short.replacen('e', "E", 1));
    assert!(names_product(&hump, short) && names_product(&format!("to_{short}_site"), short));
    assert!(!names_product(
        &format!("the {short}entre of a quake, an {short}al"),
        short
    ));
}

// ---- size and shape of the code

#[test]
fn files_stay_short_enough_to_read() {
    let offences: Vec<String> = rust_files()
        .into_iter()
        .map(|path| (text(&path).lines().count(), path))
        .filter(|(lines, _)| *lines > FILE_LINES_MAX)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    assert_none("a file asks to be divided", &offences);
}

#[test]
fn no_unwrap_and_no_todo_outside_tests() {
    let mut offences = Vec::new();
    for path in rust_files()
        .iter()
        .filter(|path| path.contains("/src/") && !path.ends_with("tests.rs") && !path.contains("/tests/"))
    {
        for (number, line) in before_tests(&text(path)).lines().enumerate() {
            let code = line.split("//").next().unwrap_or(line);
            if let Some(word) = [".unwrap()", "todo!", "unimplemented!"]
                .iter()
                .find(|word| code.contains(**word))
            {
                offences.push(format!("{path}:{}: {word}", number + 1));
            }
        }
    }
    assert_none(
        "say with `expect` why it cannot fail, or return the error",
        &offences,
    );
}

#[test]
fn no_test_sleeps() {
    let mut offences = Vec::new();
    for path in rust_files().iter().filter(|path| *path != "tests/house.rs") {
        let source = text(path);
        let whole_file = path.starts_with("tests/") || path.contains("/tests");
        let tests = if whole_file {
            Some(source.as_str())
        } else {
            source.split_once("#[cfg(test)]").map(|(_, tests)| tests)
        };
        if tests.is_some_and(|tests| tests.contains("thread::sleep") || tests.contains("time::sleep(")) {
            offences.push(path.clone());
        }
    }
    assert_none("a test sleeps; wait on what it waits for", &offences);
}

// ---- translation tables

#[test]
fn vocabularies_are_sorted_and_say_each_code_once() {
    let tables: Vec<String> = files_below("crates")
        .into_iter()
        // The rows of the guide stand in the guide's own order.
        .filter(|path| path.ends_with(".csv") && !path.contains("/coverage/"))
        .collect();
    assert!(!tables.is_empty(), "no vocabulary found: has the folder moved?");
    let mut offences = Vec::new();
    for path in tables {
        let table = text(&path);
        let mut before: Option<&str> = None;
        // Comments above, then the header line, then the codes.
        let rows = table
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .skip(1);
        for (number, line) in rows {
            // A code that holds a comma stands in quotes.
            let code = match line.strip_prefix('"') {
                Some(quoted) => quoted.split('"').next().unwrap_or_default(),
                None => line.split(',').next().unwrap_or_default(),
            };
            match before {
                Some(last) if last == code => offences.push(format!("{path}:{}: `{code}` twice", number + 1)),
                Some(last) if last > code => {
                    offences.push(format!("{path}:{}: `{code}` after `{last}`", number + 1))
                }
                _ => {}
            }
            before = Some(code);
        }
    }
    assert_none("a vocabulary is out of order", &offences);
}

#[test]
fn every_segment_map_has_tests() {
    let files: Vec<String> = files_below("crates/translate/src")
        .into_iter()
        .filter(|path| path.ends_with(".rs"))
        .collect();
    let maps: Vec<&String> = files
        .iter()
        .filter(|path| before_tests(&text(path)).contains(": SegmentMap<"))
        .collect();
    assert!(!maps.is_empty(), "no segment map found: has the folder moved?");
    let offences: Vec<String> = maps
        .into_iter()
        .filter(|path| {
            let sibling = format!("{}/tests.rs", path.trim_end_matches(".rs"));
            !text(path).contains("#[test]") && !files.contains(&sibling)
        })
        .map(|path| format!("{path}: a segment map without tests beside it"))
        .collect();
    assert_none("rows without tests", &offences);
}

// ---- fixtures

/// `.hl7` files that are input, not an expected way back.
fn inputs(folder: &str) -> Vec<String> {
    files_below(folder)
        .into_iter()
        .filter(|path| path.ends_with(".hl7") && !path.ends_with(".back.hl7"))
        .collect()
}

#[test]
fn every_message_has_its_expectations_and_every_expectation_its_message() {
    let good = inputs("fixtures/messages");
    let bad = inputs("fixtures/bad");
    let mut partners: BTreeMap<String, String> = BTreeMap::new();
    for (inputs, endings) in [
        (&good, &[".fhir.json", ".ledger.txt", ".back.hl7"][..]),
        (&bad, &[".refusal.txt"][..]),
    ] {
        for input in inputs {
            let case = input.trim_end_matches(".hl7");
            partners.extend(
                endings
                    .iter()
                    .map(|ending| (format!("{case}{ending}"), input.clone())),
            );
        }
    }
    let mut offences: Vec<String> = partners
        .iter()
        .filter(|(partner, _)| !root().join(partner).exists())
        .map(|(partner, _)| format!("{partner}: not there"))
        .collect();
    for path in files_below("fixtures/messages")
        .into_iter()
        .chain(files_below("fixtures/bad"))
    {
        let expectation = path.matches('/').count() > 2 && !good.contains(&path) && !bad.contains(&path);
        if expectation && !partners.contains_key(&path) {
            offences.push(format!("{path}: belongs to no message"));
        }
    }
    assert_none(
        "a golden file lost its partner; UPDATE_GOLDEN=1 writes what is missing",
        &offences,
    );
}

#[test]
fn the_corpus_is_as_large_and_as_bad_as_promised() {
    let (good, bad) = (inputs("fixtures/messages").len(), inputs("fixtures/bad").len());
    assert!(good >= 80, "{good} good messages");
    assert!(
        bad >= 40 && bad * 2 >= good,
        "{bad} bad messages beside {good} good ones: at least a third is bad input"
    );
}

#[test]
fn good_messages_end_segments_in_carriage_returns_and_stand_in_the_folder_of_their_event() {
    let mut offences = Vec::new();
    for path in inputs("fixtures/messages") {
        let bytes = fs::read(root().join(&path)).expect("a listed file can be read");
        if bytes.contains(&b'\n') || bytes.last() != Some(&b'\r') {
            offences.push(format!("{path}: segments must end in CR, and no LF"));
        }
        let message = String::from_utf8_lossy(&bytes);
        let separators: Vec<char> = message.chars().skip(3).take(2).collect();
        let event = message
            .split(separators[0])
            .nth(8)
            .unwrap_or_default()
            .split(separators[1])
            .take(2)
            .collect::<Vec<_>>()
            .join("_");
        if path.split('/').nth(3) != Some(event.as_str()) {
            offences.push(format!("{path}: says {event}"));
        }
    }
    assert_none("a message stands in the wrong place", &offences);
}

#[test]
fn control_ids_are_never_reused_among_good_messages() {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut offences = Vec::new();
    for path in inputs("fixtures/messages") {
        let message = text(&path);
        let separator = message.chars().nth(3).expect("a header");
        let id = message.split(separator).nth(9).expect("MSH-10").to_owned();
        if let Some(other) = seen.insert(id, path.clone()) {
            offences.push(format!("{path} and {other}"));
        }
    }
    assert_none("two messages share a control id", &offences);
}

/// Ten digits, together or 3-3-4, that stand alone.
fn ten_digit_tokens(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut start = 0;
    while start < bytes.len() {
        let alone = start == 0 || !bytes[start - 1].is_ascii_alphanumeric();
        if !bytes[start].is_ascii_digit() || !alone {
            start += 1;
            continue;
        }
        let mut digits = String::new();
        let mut end = start;
        while end < bytes.len() && digits.len() < 10 {
            match bytes[end] {
                digit @ b'0'..=b'9' => digits.push(char::from(digit)),
                b' ' | b'-' if matches!(digits.len(), 3 | 6) && bytes[end - 1].is_ascii_digit() => {}
                _ => break,
            }
            end += 1;
        }
        if digits.len() == 10 && !bytes.get(end).is_some_and(u8::is_ascii_alphanumeric) {
            found.push(digits);
        }
        start += 1;
    }
    found
}

/// Modulus 11, written here a second time on purpose: the guard must not share a mistake with what it guards.
fn check_digit_is_right(number: &str) -> bool {
    let digits: Vec<u32> = number.chars().filter_map(|digit| digit.to_digit(10)).collect();
    let sum: u32 = digits
        .iter()
        .take(9)
        .zip((2..=10).rev())
        .map(|(digit, weight)| digit * weight)
        .sum();
    (11 - sum % 11) % 11 == digits[9]
}

#[test]
fn no_fixture_holds_a_number_that_could_be_somebodys() {
    let mut offences = Vec::new();
    for path in files_below("fixtures") {
        for number in ten_digit_tokens(&text(&path)) {
            let right = check_digit_is_right(&number);
            let listed = path.starts_with(LIVE_LOOKING_FILES) && LIVE_LOOKING.contains(&number.as_str());
            if right && !number.starts_with("999") && !listed {
                offences.push(format!(
                    "{path}: {number} is outside 999 000 0000 to 999 999 9999"
                ));
            }
            if !right
                && number.starts_with("999")
                && path.starts_with("fixtures/messages/")
                && !path.ends_with(".md")
            {
                offences.push(format!("{path}: {number} has the wrong check digit"));
            }
        }
    }
    assert_none("an NHS number out of place", &offences);
}

#[test]
fn the_guard_of_numbers_sees_what_it_must() {
    assert!(check_digit_is_right("9434765919") && !check_digit_is_right("9434765918"));
    let found = ten_digit_tokens("|4000000004^^^NHS~400 000 0012|PLW4000000020|02079460142|1234567|");
    assert_eq!(found, ["4000000004", "4000000012"]);
}

#[test]
fn every_configuration_in_fixtures_loads() {
    use translate::dialect::{Dialect, ITK, STANDARD};
    let of_vendors = adapters::VENDORS
        .iter()
        .flat_map(|vendor| vendor.profiles.iter().map(|profile| profile.dialect));
    let dialects: Vec<&'static Dialect> = of_vendors.chain([&ITK, &STANDARD]).collect();
    let files: Vec<String> = files_below("fixtures/config")
        .into_iter()
        .filter(|path| path.ends_with(".toml"))
        .collect();
    assert!(!files.is_empty(), "no configuration found: has the folder moved?");
    let offences: Vec<String> = files
        .into_iter()
        .filter_map(|path| gateway::config::load(&text(&path), &path, &dialects).err())
        .flatten()
        .map(|problem| problem.to_string())
        .collect();
    assert_none("a configuration that we ship does not load", &offences);
}

// ---- documents

#[test]
fn the_readme_names_every_command_and_every_configuration() {
    let readme = text("README.md");
    let mut offences: Vec<String> = ["serve", "replay", "translate", "explain", "run", "ready", "bench"]
        .iter()
        .filter(|verb| !readme.contains(&format!("eprgw {verb}")))
        .map(|verb| format!("README.md: no `eprgw {verb}`"))
        .collect();
    for path in files_below("fixtures/config")
        .iter()
        .filter(|path| path.ends_with(".toml"))
    {
        if !readme.contains(path.as_str()) {
            offences.push(format!("README.md: no {path}"));
        }
    }
    assert_none("the README leaves something out", &offences);
}

#[test]
fn the_promises_name_tests_that_exist() {
    let sources: String = rust_files().iter().map(|path| text(path)).collect();
    let promises = text("docs/promises.md");
    let named: BTreeSet<&str> = promises
        .split('`')
        .filter(|word| {
            word.matches('_').count() >= 3
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        })
        .collect();
    assert!(named.len() > 50, "only {} tests are named", named.len());
    let missing: Vec<String> = named
        .into_iter()
        .filter(|name| !sources.contains(&format!("fn {name}(")))
        .map(str::to_owned)
        .collect();
    assert_none("docs/promises.md names tests that are not there", &missing);
}

#[test]
fn the_architecture_names_every_room_and_the_stages_in_order() {
    let architecture = text("ARCHITECTURE.md");
    let mut offences: Vec<String> = ARROWS
        .iter()
        .filter(|(room, _)| {
            !architecture.contains(&format!("`{room}")) && !architecture.contains(&format!("crates/{room}"))
        })
        .map(|(room, _)| format!("ARCHITECTURE.md: no `{room}`"))
        .collect();
    const STAGES: [&str; 8] = [
        "receive",
        "record",
        "parse",
        "identify",
        "route",
        "translate",
        "deliver",
        "acknowledge",
    ];
    let mut rest = architecture.as_str();
    for stage in STAGES {
        match rest.split_once(stage) {
            Some((_, after)) => rest = after,
            None => offences.push(format!("ARCHITECTURE.md: stage `{stage}` absent or out of order")),
        }
    }
    assert_none("ARCHITECTURE.md is behind the code", &offences);
}
