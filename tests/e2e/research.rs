//! The research feed: nobody can be found in it, two projects cannot be put together, and each mistake is found out.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::eprgw;
use crate::rehearsal::{failures, play, report};

/// Every leaf of every line that holds one of these words.
fn lines_with(folder: &Path, words: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "ndjson") {
            continue;
        }
        for line in fs::read_to_string(&path).unwrap().lines() {
            serde_json::from_str::<Value>(line).expect("one resource on each line");
            found.extend(words.iter().filter(|word| line.contains(*word)).cloned());
        }
    }
    found
}

#[test]
fn scenarios_13_23_a_research_feed_has_nobody_in_it_and_two_projects_share_nothing() {
    let out = tempfile::tempdir().unwrap();
    let place = out.path().to_str().unwrap();
    let played = eprgw(&["run", "research-feed", "-p", "people=500", "--out", place]);
    let report = report(out.path());
    assert_eq!(played.status.code(), Some(0), "{}", failures(&report));
    let merged = report["expectations"].to_string();
    assert!(
        merged.contains("leads to the one that stands for it"),
        "a merge reached the pseudonyms"
    );
    let world = tempfile::tempdir().unwrap();
    let written = world.path().to_str().unwrap();
    assert!(
        eprgw(&["run", "world", "-p", "people=500", "--out", written])
            .status
            .success()
    );
    let people = fs::read_to_string(world.path().join("people.csv")).unwrap();
    let identifying: Vec<String> = people
        .lines()
        .skip(1)
        .flat_map(|row| {
            let cells: Vec<&str> = row.split(',').collect();
            [cells[1], cells[2], cells[11], cells[12], cells[13]].map(str::to_owned)
        })
        .filter(|cell| cell.len() > 5)
        .collect();
    assert!(identifying.len() > 900);
    let ids = |project: &str| -> Vec<String> {
        let text = fs::read_to_string(out.path().join(format!("feed/{project}/Patient.ndjson"))).unwrap();
        let id = |line: &str| {
            let patient: Value = serde_json::from_str(line).unwrap();
            assert!(
                patient.get("name").is_none() && patient["birthDate"].as_str().is_none_or(|b| b.len() == 4)
            );
            patient["id"].as_str().unwrap().to_owned()
        };
        text.lines().map(id).collect()
    };
    let (sepsis, falls) = (ids("sepsis"), ids("falls"));
    assert!(sepsis.len() > 200 && sepsis.iter().all(|id| !falls.contains(id)));
    for project in ["sepsis", "falls"] {
        let folder = out.path().join("feed").join(project);
        assert_eq!(lines_with(&folder, &identifying), Vec::<String>::new());
        let persons = fs::read_to_string(folder.join("omop/PERSON.csv")).unwrap();
        assert!(persons.starts_with("person_id,gender_concept_id,year_of_birth,"));
        let measured = fs::read_to_string(folder.join("omop/MEASUREMENT.csv")).unwrap();
        assert!(measured.lines().count() > 20);
        let removed = fs::read_to_string(folder.join("removed.csv")).unwrap();
        for wanted in [
            "Patient,name.family,",
            "DocumentReference,",
            "AllergyIntolerance,code.text,",
        ] {
            assert!(removed.contains(wanted), "{wanted}");
        }
        assert!(!removed.contains("not among what a project may have\nPatient,identifier"));
    }
}

#[test]
fn scenarios_23_a_feed_that_gives_somebody_away_is_found_out() {
    for (defect, people, words) in [
        ("opt-out-ignored", 60, "nobody who opted out is in the feed"),
        ("name-kept", 60, "Patient.name.family"),
        ("one-salt", 60, "share no pseudonym"),
        ("merge-forgotten", 500, "leads to the one that stands for it"),
    ] {
        let (defect, people) = (format!("defect={defect}"), format!("people={people}"));
        let (code, report, talk) = play(&["research-feed", "-p", &people, "-p", &defect]);
        assert_eq!(code, Some(1), "{defect}: {talk}");
        let failed = failures(&report);
        assert!(failed.contains(words), "{defect}: {failed}");
    }
}

#[test]
fn the_same_seed_gives_the_same_feed_and_a_salt_of_ones_own_another() {
    let feed = |salt: Option<&str>| {
        let out = tempfile::tempdir().unwrap();
        let mut run = std::process::Command::new(crate::harness::program());
        run.args([
            "run",
            "research-feed",
            "-p",
            "people=60",
            "-p",
            "to=millennium",
            "--out",
        ]);
        run.arg(out.path());
        if let Some(salt) = salt {
            run.env("EPRGW_RESEARCH_SALT", salt);
        }
        let played = run.output().unwrap();
        let talk = String::from_utf8_lossy(&played.stderr).into_owned();
        assert_eq!(played.status.code(), Some(0), "{talk}");
        let whole = fs::read_dir(out.path())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let texts = whole
            .filter(|path| path.is_file())
            .map(|path| fs::read_to_string(path).unwrap());
        assert!(salt.is_none_or(|salt| texts.into_iter().all(|text| !text.contains(salt))));
        fs::read(out.path().join("feed/falls/Observation.ndjson")).unwrap()
    };
    let first = feed(None);
    assert!(!first.is_empty());
    assert_eq!(first, feed(None));
    assert_ne!(first, feed(Some("a salt nobody knows")));
}
