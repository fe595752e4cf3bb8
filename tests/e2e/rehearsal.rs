//! Stories played by `eprgw run`: a clean migration is clean, each planted defect is found, bad stories are refused.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::eprgw;

pub(crate) fn report(folder: &Path) -> Value {
    let text = fs::read(folder.join("report.json")).expect("a report");
    serde_json::from_slice(&text).expect("JSON")
}

/// Plays a story; its exit code, report and talk.
pub(crate) fn play(arguments: &[&str]) -> (Option<i32>, Value, String) {
    let out = tempfile::tempdir().unwrap();
    let place = out.path().to_str().unwrap();
    let played = eprgw(&[&["run"], arguments, &["--out", place]].concat());
    let talk = String::from_utf8_lossy(&played.stderr).into_owned();
    for name in ["report.html", "report.md", "junit.xml", "manifest.sha256"] {
        assert!(out.path().join(name).exists(), "{name}: {talk}");
    }
    (played.status.code(), report(out.path()), talk)
}

pub(crate) fn gate<'r>(report: &'r Value, measure: &str) -> &'r str {
    let gates = report["gates"].as_array().unwrap();
    let gate = gates.iter().find(|gate| gate["measure"] == measure);
    gate.expect("a gate of that name")["standing"].as_str().unwrap()
}

/// What did not hold, in one text.
pub(crate) fn failures(report: &Value) -> String {
    let expectations = report["expectations"].as_array().unwrap();
    let failed = expectations.iter().filter(|one| one["outcome"] == "failed");
    failed
        .map(|one| format!("{} {}\n", one["words"], one["found"]))
        .collect()
}

#[test]
fn a_story_in_clinical_words_is_seen_in_two_other_systems() {
    let (code, report, talk) = play(&["hello"]);
    assert_eq!(code, Some(0), "{talk}");
    assert_eq!(report["expectations"].as_array().unwrap().len(), 5);
}

#[test]
fn scenarios_3_4_5_6_7_8_9_10_12_19_20_21_22_24_25_26_a_migration_to_epic_closes_its_totals() {
    let (code, report, talk) = play(&["migration", "-p", "people=250"]);
    assert_eq!(code, Some(0), "{talk}\n{}", failures(&report));
    for measure in [
        "messages lost",
        "effects repeated by a second replay",
        "in-patients reconciled",
        "future appointments",
        "waiting-list entries with clock start",
        "allergies",
        "open orders",
        "restart in mid-load",
        "people",
        "results",
        "true pairs found, certain or queued",
        "new duplicates per 10,000 people",
    ] {
        assert_eq!(gate(&report, measure), "passed", "{measure}");
    }
    assert!(
        report["gates"]
            .as_array()
            .unwrap()
            .iter()
            .all(|gate| gate["assumed"] == true),
        "every threshold says that it is ours"
    );
    let booked = ["SIU^S12", "SIU^S13", "SIU^S14", "SIU^S15"];
    let told = |event: &str| {
        let accounts = report["accounts"].as_array().unwrap().iter();
        accounts
            .filter_map(|account| account["events"][event].as_u64())
            .sum::<u64>()
    };
    for event in booked {
        assert!(told(event) > 0, "{event} is told");
    }
    let words = report["expectations"].to_string();
    for wanted in [
        "fallback is refused",
        "after a fallback",
        "downstream contract",
        "recognised",
        "sent again under fresh control ids changes nothing that can be read",
        "a merge that is taken back leaves two records",
        "every injected fault has struck",
        "is taken, before the power cut or after it",
        "labels printed from the target say what the source's said",
        "every label can be printed and scanned",
        "merged again, both numbers lead to one record",
        "has the control ids of its messages behind it",
    ] {
        assert!(words.contains(wanted), "{wanted}");
    }
    assert!(!report["not-tested"].as_array().unwrap().is_empty());
    let clock = report["clock"]["gates"].as_array().unwrap();
    let passed = |measure: &str| {
        let mut gates = clock.iter();
        gates.any(|gate| gate["measure"] == measure && gate["standing"] == "passed")
    };
    assert!(
        passed("end-to-end delay, 99 of 100 messages") && passed("catch-up ratio"),
        "{clock:?}"
    );
    let states = report["clock"]["states"].as_array().unwrap();
    let named: Vec<&str> = states.iter().filter_map(|one| one["state"].as_str()).collect();
    let in_order = [
        "frozen",
        "drained",
        "switched",
        "fallen back",
        "switched",
        "backlog begun",
        "backlog replayed",
        "late arrivals",
        "reconciliation",
    ];
    assert_eq!(named, in_order);
    let told = |one: &Value| {
        let id = one["last-control-id"].as_str().unwrap();
        one["at"].as_str().unwrap().ends_with('Z') && !id.is_empty()
    };
    assert!(states.iter().all(told), "{states:?}");
}

#[test]
fn scenarios_3_4_5_10_19_a_migration_to_millennium_closes_its_totals() {
    let (code, report, talk) = play(&["migration", "-p", "to=millennium", "-p", "people=250"]);
    assert_eq!(code, Some(0), "{talk}\n{}", failures(&report));
    let counts = &report["reconciliation"]["counts"];
    assert_eq!(counts["patient"]["agree"], 250);
    for class in ["appointment", "waiting", "allergy", "open-order"] {
        assert_eq!(
            counts[class]["source-hash"], counts[class]["target-hash"],
            "{class}"
        );
        assert!(counts[class]["agree"].as_u64().unwrap() > 0, "{class}");
    }
    assert_eq!(
        counts["inpatient"]["source-hash"],
        counts["inpatient"]["target-hash"]
    );
}

#[test]
fn scenarios_1_the_same_seed_gives_the_same_report_but_for_the_clock() {
    let stable = || {
        let (_, mut report, _) = play(&["migration", "-p", "people=60", "--seed", "11"]);
        report["clock"].take();
        report.to_string()
    };
    assert_eq!(stable(), stable());
}

#[test]
fn scenarios_11_each_planted_defect_is_found_by_name() {
    for (defect, words) in [
        ("lost-message", "control id"),
        ("lost-mrn", "patient numbers : not in the target"),
        ("swapped-birth-date", "birth-date: day and month changed over"),
        ("duplicate-person", "whom the source does not know"),
        ("wrong-zone", "admitted: off by whole hours: a time zone"),
        ("wrong-bed", "in-patients by bed bed: another value"),
        ("missing-appointment", "future appointments : not in the target"),
        ("wrong-clinic", "future appointments clinic: another value"),
        ("lost-allergy", "allergies : not in the target"),
        (
            "changed-clock-start",
            "waiting-list entries clock-start: another value",
        ),
    ] {
        let defect = format!("defect={defect}");
        let (code, report, talk) = play(&["migration", "-p", "people=120", "-p", &defect]);
        assert_eq!(code, Some(1), "{defect}: {talk}");
        let failed = failures(&report);
        assert!(failed.contains(words), "{defect}: {failed}");
    }
}

#[test]
fn scenarios_24_every_compared_record_names_the_control_ids_behind_it() {
    let out = tempfile::tempdir().unwrap();
    let place = out.path().to_str().unwrap();
    let given = ["-p", "people=120", "-p", "defect=wrong-clinic"];
    let played = eprgw(&[&["run", "migration"], &given[..], &["--out", place]].concat());
    assert_eq!(played.status.code(), Some(1));
    let audit = fs::read_to_string(out.path().join("audit.csv")).unwrap();
    let rows: Vec<Vec<&str>> = audit
        .lines()
        .skip(1)
        .map(|row| row.split(',').collect())
        .collect();
    assert!(rows.len() > 200, "{}", rows.len());
    let told = |row: &&Vec<&str>| row[3].split(' ').all(|id| id.len() >= 8);
    assert_eq!(
        rows.iter().filter(told).count(),
        rows.len(),
        "every row has its control ids"
    );
    let wrong: Vec<_> = rows.iter().filter(|row| row[2] == "differs").collect();
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    let exceptions = report(out.path())["reconciliation"]["groups"][0]["examples"].take();
    assert_eq!(
        exceptions[0]["told-by"][0],
        wrong[0][3].split(' ').next().unwrap()
    );
    let manifest = fs::read_to_string(out.path().join("manifest.sha256")).unwrap();
    assert!(manifest.contains("  audit.csv\n"));
}

#[test]
fn an_expectation_that_does_not_hold_is_exit_1_and_names_the_messages_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    let story = folder.path().join("wrong.toml");
    let text = fs::read_to_string(crate::harness::repository("fixtures/scenarios/hello.toml")).unwrap();
    let text = text.replace(
        "ward = \"T02\", bed = \"T02-03\" }\n[[step]]\ndischarge",
        "ward = \"T09\", within-ms = 50 }\n[[step]]\ndischarge",
    );
    assert!(text.contains("T09"), "the story has changed");
    fs::write(&story, text).unwrap();
    let (code, report, talk) = play(&[story.to_str().unwrap()]);
    assert_eq!(code, Some(1), "{talk}");
    let failed = failures(&report);
    assert!(
        failed.contains("messages behind it: ") && failed.contains("ADT^A02"),
        "{failed}"
    );
}

#[test]
fn a_wrong_story_is_exit_2_with_line_and_nearest_word_and_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let story = folder.path().join("wrong.toml");
    fs::write(&story, "story = \"x\"\n[[step]]\nadmitt = {}\n").unwrap();
    let played = eprgw(&["run", story.to_str().unwrap()]);
    let talk = String::from_utf8_lossy(&played.stderr);
    assert_eq!(played.status.code(), Some(2), "{talk}");
    assert!(
        talk.contains(":3: no step is called `admitt`; did you mean `admit`?"),
        "{talk}"
    );
    let played = eprgw(&["run", "migratio"]);
    assert_eq!(played.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&played.stderr).contains("did you mean `migration`?"));
    let played = eprgw(&["run", "migration", "-p", "to=epik"]);
    assert_eq!(played.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&played.stderr).contains("did you mean `epic`?"));
}

#[test]
fn systems_that_cannot_be_reached_are_exit_4_and_named() {
    let played = eprgw(&["run", "hello", "--at", "http://127.0.0.1:9"]);
    let talk = String::from_utf8_lossy(&played.stderr);
    assert_eq!(played.status.code(), Some(4), "{talk}");
    assert!(talk.contains("http://127.0.0.1:9 cannot be reached"), "{talk}");
}

#[test]
fn scenarios_2_the_world_is_written_with_its_truth_table() {
    let out = tempfile::tempdir().unwrap();
    let place = out.path().to_str().unwrap();
    let played = eprgw(&["run", "world", "-p", "people=2000", "--out", place]);
    assert_eq!(played.status.code(), Some(0));
    let truth = fs::read_to_string(out.path().join("truth.csv")).unwrap();
    assert!(
        truth.lines().filter(|line| line.contains(",yes,")).count() > 30,
        "second records"
    );
    assert_eq!(
        fs::read_to_string(out.path().join("people.csv"))
            .unwrap()
            .lines()
            .count(),
        truth.lines().count()
    );
}

#[test]
fn scenarios_7_8_every_order_doubled_and_late_leaves_the_patient_in_one_state() {
    for to in ["to=epic", "to=millennium"] {
        let all = ["-p", "duplicates=true", "-p", "late=true"];
        let told = [&["out-of-order", "-p", to][..], &all[..]].concat();
        let (code, report, talk) = play(&told);
        assert_eq!(code, Some(0), "{talk}\n{}", failures(&report));
    }
}

/// A system that takes a person's details from whatever arrives last is found out.
#[test]
fn scenarios_7_an_order_that_fails_is_named_by_its_smallest_part() {
    let (code, report, talk) = play(&["out-of-order", "-p", "details=arrival"]);
    let failed = failures(&report);
    assert!(
        code == Some(1) && failed.contains("the smallest: update, register"),
        "{talk}\n{failed}"
    );
    let visits = ["-p", "details=arrival", "-p", "judge=visits", "-p", "shuffle=40"];
    let (code, report, talk) = play(&[&["out-of-order"][..], &visits[..]].concat());
    assert_eq!(code, Some(0), "{talk}\n{}", failures(&report));
}

#[test]
fn the_flags_of_the_ordering_lab_are_its_settings() {
    let (code, report, talk) = play(&["out-of-order", "--shuffle", "3", "--duplicates", "--late"]);
    assert_eq!(code, Some(0), "{talk}");
    let settings = &report["parameters"];
    assert_eq!(settings["shuffle"], "3");
    assert_eq!(
        (&settings["duplicates"], &settings["late"]),
        (&"true".into(), &"true".into())
    );
    let played = eprgw(&["run", "hello", "--shuffle", "3"]);
    assert_eq!(played.status.code(), Some(2), "hello has no orders to shuffle");
}

#[test]
fn scenarios_22_a_bench_of_a_story_prints_its_rates() {
    let played = eprgw(&[
        "bench",
        "--scenario",
        "migration",
        "-p",
        "people=40",
        "--format",
        "json",
    ]);
    let talk = String::from_utf8_lossy(&played.stderr);
    assert_eq!(played.status.code(), Some(0), "{talk}");
    let clock: Value = serde_json::from_slice(&played.stdout).expect("JSON");
    let rates = clock["rates"].as_array().unwrap();
    let people = rates
        .iter()
        .find(|rate| rate["what"] == "people")
        .expect("the back-load");
    assert!(people["messages"].as_u64().unwrap() >= 40 && people["seconds"].as_f64().unwrap() > 0.0);
}
