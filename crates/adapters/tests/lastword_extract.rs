//! LastWord: what it gives to a migration. Tables as data, an extract that is the same twice, dirt with its truth.

#![allow(clippy::unwrap_used)] // also in what the tests call

mod harness;

use std::collections::{BTreeMap, BTreeSet};

use adapters::{Dirt, ExtractPart, Planted};
use harness::{System, code, field, settings, vendor};
use hl7v2::Message;
use serde_json::json;

#[tokio::test]
async fn lastword_12_a_table_of_specialties_is_published_with_gaps_and_names_all_that_is_sent() {
    let vendor = vendor("lastword");
    let table = vendor
        .tables
        .iter()
        .find(|table| table.name == "specialties")
        .unwrap();
    assert!(table.source.contains("lastword-carecast.md"));
    let rows: BTreeMap<&str, &str> = table
        .csv
        .lines()
        .skip(1)
        .map(|line| {
            let mut cells = line.split(',');
            (cells.next().unwrap(), cells.next().unwrap())
        })
        .collect();
    let gaps = rows.values().filter(|function| function.is_empty()).count();
    assert!(gaps > 0 && gaps < rows.len() / 2, "{gaps} of {}", rows.len());
    assert!(
        rows.iter()
            .all(|(local, function)| { local.len() == 5 && (function.is_empty() || function.len() == 3) })
    );
    let mut settings = settings(vendor, "carecast-uclh");
    settings.people = 200;
    let system = System::with(vendor, settings).await;
    let sent: BTreeSet<String> = part(&system, "in-patients")
        .messages
        .iter()
        .map(|message| field(&String::from_utf8_lossy(message), "PV1", 10))
        .collect();
    assert!(sent.len() > 2);
    for specialty in sent {
        assert!(rows.contains_key(specialty.as_str()), "{specialty}");
    }
}

fn part(system: &System, name: &str) -> ExtractPart {
    system
        .epr
        .extract()
        .into_iter()
        .find(|part| part.name == name)
        .unwrap()
}

#[tokio::test]
async fn lastword_19_an_extract_is_the_same_as_tables_and_as_messages() {
    for profile in ["carecast-uclh", "lastword-cw"] {
        let vendor = vendor("lastword");
        let mut settings = settings(vendor, profile);
        settings.people = 60;
        settings.choices.insert("birth-time-share".into(), "0".into());
        let system = System::with(vendor, settings).await;
        let someone = system
            .act(json!({"register": {"family": "Plum, the \"elder\"", "given": "Ivy"}}))
            .await;
        let mrn = &someone.mrn;
        for at in ["2026-05-30T10:00", "2026-06-03T10:00", "2026-06-04T10:00"] {
            system
                .act(json!({"book": {"patient": mrn, "clinic": "CARD1", "start": at}}))
                .await;
        }
        let report = system
            .act(json!({"book": {"patient": mrn, "clinic": "CARD1", "start": "2026-06-05T10:00"}}))
            .await;
        system
            .act(json!({"cancel-booking": {"patient": mrn, "number": report.number}}))
            .await;
        system
            .act(json!({"allergy": {"patient": mrn, "category": "drug", "substance": ["91936005", "Penicillin"]}}))
            .await;
        system
            .act(json!({"pre-admit": {"patient": mrn, "ward": "T07", "at": "2026-07-01T08:00"}}))
            .await;
        system.act(json!("freeze")).await;

        let parts = system.epr.extract();
        let counts: Vec<_> = parts.iter().map(|part| (part.name, part.rows)).collect();
        assert_eq!(counts[0], ("patients", 61));
        assert!(counts[1].1 > 1, "{counts:?}");
        assert_eq!(
            counts[2..],
            [("waiting-list", 1), ("appointments", 2), ("allergies", 1)]
        );
        let mut control_ids = BTreeSet::new();
        for part in &parts {
            assert_eq!(part.messages.len(), part.rows, "{}", part.name);
            // A quoted cell holds no line break here, so lines are rows.
            assert_eq!(part.csv.lines().count(), part.rows + 1, "{}", part.name);
            for message in &part.messages {
                let message = Message::parse(message).unwrap();
                assert!(control_ids.insert(message.header().control_id().into_owned()));
            }
        }
        assert!(
            parts[0].csv.contains(r#""#)
                && parts[0]
                    .csv
                    .to_uppercase()
                    .contains("\"PLUM, THE \"\"ELDER\"\"\"")
        );
        // The same moment, the same extract; and nothing of it was issued or sent.
        assert!(system.epr.extract() == parts);

        // Told to another record, the messages make the same tables.
        let mut other = System::start("lastword").await;
        if profile == "carecast-uclh" {
            for message in parts[..3]
                .iter()
                .chain(&parts[4..])
                .flat_map(|part| &part.messages)
            {
                let answer = other.send_bytes(message).await;
                assert_eq!(code(&answer), "AA", "{answer}");
            }
            for (told, held) in other.epr.extract().iter().zip(&parts) {
                // Bookings are told and not taken by this product.
                if told.name == "appointments" {
                    continue;
                }
                let rows = |part: &ExtractPart| -> BTreeSet<String> {
                    part.csv.lines().map(|line| line.to_uppercase()).collect()
                };
                let (told_rows, held_rows) = (rows(told), rows(held));
                let missing: Vec<_> = held_rows.difference(&told_rows).take(3).collect();
                assert!(missing.is_empty(), "{}: {missing:?} of {told_rows:?}", held.name);
            }
        }
    }
}

async fn dirty(rate: &str, seed: u64) -> System {
    let vendor = vendor("lastword");
    let mut settings = settings(vendor, "carecast-uclh");
    settings.people = 1_000;
    settings.seed = seed;
    settings.choices.insert("dirt".into(), rate.into());
    settings.choices.insert("bare-nhs-share".into(), "10".into());
    System::with(vendor, settings).await
}

#[tokio::test]
async fn lastword_20_dirt_is_seeded_at_a_known_rate_and_its_truth_is_told() {
    let system = dirty("5", 1).await;
    let truth = system.epr.truth();
    let of = |dirt: Dirt| -> Vec<&Planted> { truth.iter().filter(|one| one.dirt == dirt).collect() };
    let about = |count: usize, of: usize| (of / 2..of * 2).contains(&count);
    for (dirt, expected) in [
        (Dirt::Duplicate, 50),
        (Dirt::MissingNhsNumber, 50),
        // Two in five days of birth can be turned round.
        (Dirt::TransposedBirthDate, 20),
        // One in ten is in hospital.
        (Dirt::UnknownWard, 5),
        (Dirt::BareNhsNumber, 95),
    ] {
        let count = of(dirt).len();
        assert!(about(count, expected), "{dirt:?}: {count}, about {expected}");
    }
    // What is told is what is there.
    let patients = part(&system, "patients");
    assert_eq!(patients.rows, 1_000 + of(Dirt::Duplicate).len());
    let rows: BTreeMap<&str, Vec<&str>> = patients
        .csv
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            (cells[0], cells)
        })
        .collect();
    for one in of(Dirt::Duplicate) {
        let (twin, right) = (&rows[one.mrn.as_str()], &rows[one.right.as_deref().unwrap()]);
        assert_eq!(twin[2..4], right[2..4]);
        assert_eq!(twin[1], "");
    }
    let without: BTreeSet<&str> = of(Dirt::MissingNhsNumber)
        .iter()
        .map(|one| one.mrn.as_str())
        .collect();
    let twins: BTreeSet<&str> = of(Dirt::Duplicate).iter().map(|one| one.mrn.as_str()).collect();
    for (mrn, cells) in &rows {
        assert_eq!(
            cells[1].is_empty(),
            without.contains(mrn) || twins.contains(mrn),
            "{mrn}"
        );
    }
    for one in of(Dirt::TransposedBirthDate) {
        let (held, right) = (
            rows[one.mrn.as_str()][4].as_bytes(),
            one.right.as_deref().unwrap().as_bytes(),
        );
        assert_eq!(held[..8], [&right[..4], &right[6..8], &right[4..6]].concat());
    }
    let wards: Vec<&str> = vendor("lastword").tables[1]
        .csv
        .lines()
        .map(|line| line.split(',').next().unwrap())
        .collect();
    let in_patients = part(&system, "in-patients");
    for line in in_patients.csv.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let unknown = of(Dirt::UnknownWard).iter().any(|one| one.mrn == cells[1]);
        assert_eq!(wards.contains(&cells[2]), !unknown, "{line}");
    }
    let bare: BTreeSet<&str> = of(Dirt::BareNhsNumber)
        .iter()
        .map(|one| one.mrn.as_str())
        .collect();
    for message in &patients.messages {
        let told = field(&String::from_utf8_lossy(message), "PID", 3);
        let (own, nhs) = told.split_once('~').unwrap_or((&told, "none^"));
        let mrn = own.split('^').next().unwrap();
        assert_eq!(!nhs.contains('^'), bare.contains(mrn), "{told}");
    }
    // The same seed, the same dirt; another seed, other dirt; and none unless asked for.
    assert_eq!(dirty("5", 1).await.epr.truth(), truth);
    assert_ne!(dirty("5", 2).await.epr.truth(), truth);
    let clean = dirty("0", 1).await.epr.truth();
    assert!(clean.iter().all(|one| one.dirt == Dirt::BareNhsNumber));
}
