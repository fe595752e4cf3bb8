//! Golden tests: every message under fixtures/messages beside the Bundle, the ledger and the way back it must give.
//!
//! Dropping a `.hl7` file in adds a case. `UPDATE_GOLDEN=1 cargo test --test golden` writes the expectations; the
//! diff is the review. Beside the files, properties hold for every case: the ledger adds up, nothing in a Bundle is
//! empty, every reference resolves, twice gives the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use hl7v2::Message;
use serde_json::Value;
use translate::dialect::{Dialect, ITK, STANDARD, recognise};
use translate::{Ledger, Settings, Translator};

mod golden_files;
use golden_files::{Golden, fixtures, inputs_below};

/// One message and what is known of it before it is translated.
struct Case {
    path: PathBuf,
    name: String,
    bytes: Vec<u8>,
    dialect: &'static Dialect,
}

/// Everything a case gives.
struct Made {
    /// The Bundle as `translate --to fhir` prints it, the original message travelling inside.
    bundle: Vec<u8>,
    ledger: Ledger,
    /// The way back with the original at hand.
    back: Vec<u8>,
    /// The way back from the resources alone: what FHIR can say.
    resources_back: Result<Vec<u8>, String>,
}

/// Translators of the two kinds.
struct Translators {
    carrying: Translator,
    bare: Translator,
}

impl Translators {
    fn new() -> Self {
        let with = |carry_original| {
            Translator::new(Settings {
                carry_original,
                ..Settings::default()
            })
            .expect("own vocabularies are right")
        };
        Self {
            carrying: with(true),
            bare: with(false),
        }
    }
}

fn dialects() -> Vec<&'static Dialect> {
    let of_vendors = adapters::VENDORS
        .iter()
        .flat_map(|vendor| vendor.profiles.iter().map(|profile| profile.dialect));
    of_vendors.chain([&ITK, &STANDARD]).collect()
}

/// The dialect that fixtures/messages/dialects.toml promises for a file.
fn promised_dialect(path: &Path, table: &toml::Table) -> &'static Dialect {
    let file = path.file_name().expect("a file").to_string_lossy();
    let folder = path
        .ancestors()
        .nth(2)
        .and_then(Path::file_name)
        .expect("vendor/event/file")
        .to_string_lossy();
    let stories = table["story"].as_array().expect("[[story]]");
    let word = |story: &toml::Value, key: &str| {
        story
            .get(key)
            .and_then(toml::Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let fits = |story: &toml::Value| {
        word(story, "folder") == folder
            && file.starts_with(&word(story, "begins"))
            && file.contains(&word(story, "holds"))
    };
    let story = stories
        .iter()
        .find(|story| fits(story))
        .unwrap_or_else(|| panic!("{}: no line in dialects.toml", path.display()));
    let name = word(story, "dialect");
    dialects()
        .into_iter()
        .find(|dialect| dialect.name == name)
        .unwrap_or_else(|| panic!("no dialect is called {name}"))
}

fn cases() -> Vec<Case> {
    let folder = fixtures().join("messages");
    let table: toml::Table = fs::read_to_string(folder.join("dialects.toml"))
        .expect("dialects.toml")
        .parse()
        .expect("dialects.toml is TOML");
    inputs_below(&folder)
        .into_iter()
        .map(|path| {
            let name = path
                .strip_prefix(&folder)
                .expect("found there")
                .display()
                .to_string();
            let dialect = promised_dialect(&path, &table);
            Case {
                bytes: fs::read(&path).expect("a listed file can be read"),
                path,
                name,
                dialect,
            }
        })
        .collect()
}

fn make(translators: &Translators, case: &Case) -> Made {
    let message = Message::parse(&case.bytes).unwrap_or_else(|why| panic!("{}: {why}", case.name));
    let back = |translator: &Translator, bundle: &[u8]| -> Result<Vec<u8>, String> {
        let read: fhir::Bundle =
            fhir::from_slice(bundle).map_err(|why| format!("{}: own Bundle: {why}", case.name))?;
        translator
            .to_hl7(&read, case.dialect, None)
            .map_err(|why| format!("{}: way back: {why}", case.name))
    };
    let mut ledger = Ledger::new();
    let bundle = fhir::to_vec(
        &translators
            .carrying
            .to_fhir(&message, case.dialect, Some(&mut ledger)),
    );
    let resources = fhir::to_vec(&translators.bare.to_fhir(&message, case.dialect, None));
    Made {
        back: back(&translators.carrying, &bundle).unwrap_or_else(|why| panic!("{why}")),
        resources_back: back(&translators.bare, &resources),
        bundle,
        ledger,
    }
}

fn make_all() -> Vec<(Case, Made)> {
    let translators = Translators::new();
    cases()
        .into_iter()
        .map(|case| {
            let made = make(&translators, &case);
            (case, made)
        })
        .collect()
}

/// Every case, translated once for all tests.
fn made() -> &'static [(Case, Made)] {
    static MADE: OnceLock<Vec<(Case, Made)>> = OnceLock::new();
    MADE.get_or_init(make_all)
}

/// The ledger as a reviewer reads it: totals, a line for every leaf, then the notes.
fn ledger_text(ledger: &Ledger) -> String {
    let totals = ledger.totals();
    let mut text = format!(
        "{} leaves = {} mapped + {} transformed + {} defaulted + {} kept + {} ignored by rule + {} lost\n\n",
        ledger.leaves_in(),
        totals.mapped,
        totals.transformed,
        totals.defaulted,
        totals.kept,
        totals.ignored_by_rule,
        totals.lost
    );
    for line in &ledger.lines {
        let cells = [
            line.location.to_string(),
            line.outcome.word().to_owned(),
            line.target(),
            line.rule(),
            line.note.to_owned(),
        ];
        let row = cells.join(" | ");
        writeln!(text, "{}", row.trim_end_matches([' ', '|'])).expect("writing to a String");
    }
    text.push_str("\nnotes\n");
    for note in &ledger.notes {
        let place = note
            .location
            .map(|location| location.to_string())
            .unwrap_or_default();
        writeln!(text, "{place} | {} | {note}", note.code).expect("writing to a String");
    }
    text
}

/// Indents JSON without reading its values, so that 6.70 stays 6.70.
fn pretty(json: &[u8]) -> String {
    let (mut out, mut depth, mut in_string, mut escaped) =
        (Vec::with_capacity(json.len() * 2), 0usize, false, false);
    let newline = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.resize(out.len() + depth * 2, b' ');
    };
    for &byte in json {
        if in_string {
            out.push(byte);
            in_string = escaped || byte != b'"';
            escaped = byte == b'\\' && !escaped;
            continue;
        }
        match byte {
            b'{' | b'[' => {
                depth += 1;
                out.push(byte);
                newline(&mut out, depth);
            }
            b'}' | b']' => {
                depth -= 1;
                newline(&mut out, depth);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                newline(&mut out, depth);
            }
            b':' => out.extend(b": "),
            byte if byte.is_ascii_whitespace() => {}
            byte => {
                in_string = byte == b'"';
                out.push(byte);
            }
        }
    }
    out.push(b'\n');
    String::from_utf8(out).expect("JSON is UTF-8")
}

#[test]
fn messages_become_the_expected_bundles_ledgers_and_ways_back() {
    let mut golden = Golden::new();
    for (case, made) in made() {
        golden.check(
            &case.path.with_extension("fhir.json"),
            pretty(&made.bundle).as_bytes(),
        );
        golden.check(
            &case.path.with_extension("ledger.txt"),
            ledger_text(&made.ledger).as_bytes(),
        );
        match &made.resources_back {
            Ok(back) => golden.check(&case.path.with_extension("back.hl7"), back),
            Err(why) => golden.fault(why),
        }
    }
    golden.finish();
}

#[test]
fn each_message_is_recognised_as_what_its_folder_says() {
    let all = dialects();
    let mut wrong = Vec::new();
    for case in cases() {
        let message = Message::parse(&case.bytes).expect("a good message parses");
        let seen = recognise(&message, all.iter().copied());
        if seen.name != case.dialect.name {
            wrong.push(format!("{}: {}, not {}", case.name, seen.name, case.dialect.name));
        }
    }
    assert!(
        wrong.is_empty(),
        "recognised as something else\n  {}",
        wrong.join("\n  ")
    );
}

#[test]
fn printing_what_was_parsed_is_the_identity() {
    let mut wrong = Vec::new();
    for case in cases() {
        let message = Message::parse(&case.bytes).expect("a good message parses");
        if !message.junk().is_empty() {
            wrong.push(format!("{}: junk in a good message", case.name));
        }
        let printed: Vec<u8> = message
            .segments()
            .flat_map(|segment| [segment.raw(), b"\r"].concat())
            .collect();
        if printed != case.bytes {
            wrong.push(format!("{}: printed otherwise than read", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_ledger_adds_up_and_holds_no_values() {
    let mut wrong = Vec::new();
    for (case, made) in made() {
        let message = Message::parse(&case.bytes).expect("a good message parses");
        let leaves = message.leaves().count();
        let (noted, sum) = (made.ledger.leaves_in(), made.ledger.totals().sum());
        if leaves != noted || noted != sum || sum != made.ledger.lines.len() {
            wrong.push(format!(
                "{}: {leaves} leaves, {noted} in the ledger, outcomes sum to {sum}",
                case.name
            ));
        }
        let text = ledger_text(&made.ledger).to_lowercase();
        let private = [
            message.field("PID", 5),
            message.field("PID", 11),
            message.field("PID", 13),
        ];
        for value in private
            .iter()
            .map(|field| field.text().to_lowercase())
            .filter(|value| value.len() > 3)
        {
            if text.contains(&value) {
                wrong.push(format!("{}: the ledger repeats a value", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn translating_twice_gives_the_same_bytes() {
    for ((case, one), (_, two)) in made().iter().zip(make_all()) {
        assert_eq!(one.bundle, two.bundle, "{}", case.name);
        assert_eq!(one.back, two.back, "{}", case.name);
    }
}

/// What is wrong with a JSON value by FHIR's rule that nothing may be empty.
fn empties(at: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.is_empty() => found.push(format!("{at}: empty string")),
        Value::Array(items) if items.is_empty() => found.push(format!("{at}: empty array")),
        Value::Object(members) if members.is_empty() => found.push(format!("{at}: empty object")),
        Value::Null => found.push(format!("{at}: null")),
        Value::Array(items) => {
            // A null holds the place in a list of primitives whose sibling has the rest.
            for (index, item) in items.iter().enumerate().filter(|(_, item)| !item.is_null()) {
                empties(&format!("{at}[{index}]"), item, found);
            }
        }
        Value::Object(members) => members
            .iter()
            .for_each(|(name, item)| empties(&format!("{at}.{name}"), item, found)),
        _ => {}
    }
}

/// Every `reference` in a value.
fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(members) => {
            found.extend(members.get("reference").and_then(Value::as_str));
            members.values().for_each(|item| references(item, found));
        }
        _ => {}
    }
}

#[test]
fn every_bundle_is_a_message_without_empty_parts_whose_references_resolve() {
    let mut wrong = Vec::new();
    for (case, made) in made() {
        let bundle: Value = serde_json::from_slice(&made.bundle).expect("a Bundle is JSON");
        let mut found = Vec::new();
        empties("Bundle", &bundle, &mut found);
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        if bundle["type"] != "message"
            || entries.first().map(|entry| &entry["resource"]["resourceType"])
                != Some(&"MessageHeader".into())
        {
            found.push("not a message Bundle that opens with its MessageHeader".to_owned());
        }
        let mut known = BTreeSet::new();
        for (index, entry) in entries.iter().enumerate() {
            let resource = &entry["resource"];
            if !known.insert(entry["fullUrl"].as_str().unwrap_or_default().to_owned()) {
                found.push(format!("entry[{index}].fullUrl is absent or used twice"));
            }
            if let (Some(kind), Some(id)) = (resource["resourceType"].as_str(), resource["id"].as_str()) {
                known.insert(format!("{kind}/{id}"));
            }
            for part in resource["contained"].as_array().into_iter().flatten() {
                known.insert(format!("#{}", part["id"].as_str().unwrap_or_default()));
            }
        }
        let mut wanted = Vec::new();
        references(&bundle, &mut wanted);
        found.extend(
            wanted
                .iter()
                .filter(|reference| !known.contains(**reference))
                .map(|reference| format!("{reference} leads nowhere")),
        );
        wrong.extend(found.into_iter().map(|what| format!("{}: {what}", case.name)));
    }
    assert!(
        wrong.is_empty(),
        "{} faults\n  {}",
        wrong.len(),
        wrong.join("\n  ")
    );
}

#[test]
fn with_the_original_at_hand_the_way_back_restores_every_leaf() {
    let mut wrong = Vec::new();
    for (case, made) in made() {
        let sent = Message::parse(&case.bytes).expect("a good message parses");
        let back = match Message::parse(&made.back) {
            Ok(back) => back,
            Err(why) => {
                wrong.push(format!("{}: {why}", case.name));
                continue;
            }
        };
        // The header is the gateway's own on the way out; the body is the sender's.
        let body = |message: &Message<'_>| -> BTreeMap<String, String> {
            message
                .leaves()
                .filter(|leaf| leaf.location.segment != *"MSH")
                .map(|leaf| {
                    (
                        leaf.location.to_string(),
                        message.value(&leaf.location).text().into_owned(),
                    )
                })
                .collect()
        };
        let (sent, back) = (body(&sent), body(&back));
        for place in sent.keys().chain(back.keys()).collect::<BTreeSet<_>>() {
            let fault = match (sent.get(place), back.get(place)) {
                (Some(a), Some(b)) if a == b => continue,
                (Some(_), Some(_)) => "changed",
                (Some(_), None) => "gone",
                (None, _) => "new",
            };
            wrong.push(format!("{}: {place} {fault}", case.name));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} leaves\n  {}",
        wrong.len(),
        wrong.join("\n  ")
    );
}

#[test]
fn a_merge_keeps_its_two_people_apart_and_names_both_on_the_way_back() {
    let mut wrong = Vec::new();
    for (case, made) in made() {
        let sent = Message::parse(&case.bytes).expect("a good message parses");
        let loser = sent.field("MRG", 1).text();
        // A47 gives one person another number: the former one stays theirs. A42 and A50 are about visits.
        let event = sent.header().trigger_event();
        if loser.is_empty() || matches!(event.as_ref(), "A42" | "A47" | "A50") {
            continue;
        }
        let bundle: Value = serde_json::from_slice(&made.bundle).expect("a Bundle is JSON");
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        let patient = entries
            .iter()
            .map(|entry| &entry["resource"])
            .find(|resource| resource["resourceType"] == "Patient");
        let numbers = patient
            .and_then(|patient| patient["identifier"].as_array())
            .cloned()
            .unwrap_or_default();
        if numbers.iter().any(|number| number["value"] == *loser) {
            wrong.push(format!(
                "{}: the first Patient bears the other's number",
                case.name
            ));
        }
        let back = made
            .resources_back
            .as_deref()
            .ok()
            .and_then(|back| Message::parse(back).ok());
        if back.is_none_or(|back| back.field("MRG", 1).text() != loser) {
            wrong.push(format!("{}: the way back from resources loses MRG-1", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn one_person_told_in_every_dialect_is_one_patient() {
    let mut told: BTreeMap<&str, BTreeMap<&str, String>> = BTreeMap::new();
    for (case, made) in made()
        .iter()
        .filter(|(case, _)| case.name.contains("margaret-1-"))
    {
        let bundle: Value = serde_json::from_slice(&made.bundle).expect("a Bundle is JSON");
        let entries = bundle["entry"].as_array().expect("entries");
        let patient = entries
            .iter()
            .map(|entry| &entry["resource"])
            .find(|r| r["resourceType"] == "Patient")
            .expect("a Patient");
        let text = |value: &Value| value.as_str().unwrap_or("absent").to_lowercase();
        let nhs = patient["identifier"].as_array().and_then(|all| {
            all.iter()
                .find(|one| one["system"] == "https://fhir.nhs.uk/Id/nhs-number")
        });
        let phones = patient["telecom"]
            .as_array()
            .map(|all| all.iter().map(|one| text(&one["value"])).collect::<BTreeSet<_>>())
            .unwrap_or_default();
        told.insert(
            case.dialect.name,
            BTreeMap::from([
                ("family", text(&patient["name"][0]["family"])),
                ("given", text(&patient["name"][0]["given"][0])),
                ("middle", text(&patient["name"][0]["given"][1])),
                ("birthDate", text(&patient["birthDate"])),
                ("gender", text(&patient["gender"])),
                (
                    "NHS number",
                    nhs.map_or("absent".into(), |one| text(&one["value"])),
                ),
                ("line", text(&patient["address"][0]["line"][0])),
                ("postalCode", text(&patient["address"][0]["postalCode"])),
                (
                    "telephone",
                    if phones.contains("02079460142") {
                        "there".into()
                    } else {
                        format!("{phones:?}")
                    },
                ),
            ]),
        );
    }
    assert_eq!(told.len(), 5, "told in {:?}", told.keys());
    let first = told.values().next().expect("five of them").clone();
    for (dialect, patient) in &told {
        assert_eq!(patient, &first, "{dialect}");
    }
    assert!(!first.values().any(|value| value == "absent"), "{first:?}");
}

#[test]
fn indenting_keeps_digits_and_strings() {
    assert_eq!(
        pretty(br#"{"a":[6.70,"x:{,\"y\\"]}"#),
        "{\n  \"a\": [\n    6.70,\n    \"x:{,\\\"y\\\\\"\n  ]\n}\n"
    );
}
