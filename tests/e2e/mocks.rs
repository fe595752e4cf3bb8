//! The mock EPRs as the program hands them out: what they are said to do, their tables, extract and truth, faults by
//! configuration.

use std::fs;

use crate::harness::{Serving, eprgw, repository};

fn told(arguments: &[&str]) -> String {
    let output = eprgw(arguments);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn explain_prints_the_checklist_of_the_page_and_counts_it() {
    let printed = told(&["explain", "mocks"]);
    let page = fs::read_to_string(repository("docs/mocks.md")).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
    assert!(printed.starts_with(&rows.join("\n")), "{printed}");
    let done = rows.iter().filter(|row| row.contains("| done |")).count();
    assert!(
        done > 60 && printed.contains(&format!("{done} done")),
        "{printed}"
    );
}

#[test]
fn explain_prints_a_table_of_codes_and_where_it_comes_from() {
    assert!(
        told(&["explain", "tables"])
            .contains("lastword/specialties\n  local specialty to treatment function")
    );
    let table = told(&["explain", "lastword/specialties"]);
    assert!(
        table.starts_with("local,canonical,") && table.contains("41008,320,"),
        "{table}"
    );
    assert_eq!(eprgw(&["explain", "lastword/nothing"]).status.code(), Some(2));
}

/// The configuration that comes with the program, with something said of one system.
fn configured(folder: &tempfile::TempDir, system: &str, said: &str) -> String {
    let plain = fs::read_to_string(repository("fixtures/config/default.toml")).unwrap();
    let line = format!("vendor   = \"{system}\"\n");
    assert!(plain.contains(&line));
    let path = folder.path().join("eprgw.toml");
    fs::write(&path, plain.replace(&line, &format!("{line}{said}\n"))).unwrap();
    path.display().to_string()
}

#[test]
fn an_extract_and_the_truth_about_its_dirt_are_read_over_http() {
    let folder = tempfile::tempdir().unwrap();
    let path = configured(&folder, "lastword", "assume = { dirt = \"20\" }");
    let serving = Serving::start(&["--config", &path]);
    let parts = serving.get_json("/api/v1/systems/lastword/extract");
    let names: Vec<&str> = parts
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["part"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "patients",
            "in-patients",
            "waiting-list",
            "appointments",
            "allergies"
        ]
    );
    for part in parts.as_array().unwrap() {
        let rows = usize::try_from(part["rows"].as_u64().unwrap()).unwrap();
        let (status, csv) = serving.get(part["csv"].as_str().unwrap());
        assert_eq!(
            (status, String::from_utf8(csv).unwrap().lines().count()),
            (200, rows + 1)
        );
        let (status, hl7) = serving.get(part["hl7"].as_str().unwrap());
        assert_eq!(
            (status, String::from_utf8_lossy(&hl7).matches("MSH|").count()),
            (200, rows)
        );
    }
    let truth = serving.get_json("/api/v1/systems/lastword/truth");
    let duplicates = truth
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["dirt"] == "duplicate")
        .count();
    assert!(duplicates > 2, "{truth}");
    let (status, words) = serving.get("/api/v1/systems/lastword/extract/patients.xls");
    assert_eq!(status, 404);
    assert!(String::from_utf8_lossy(&words).contains("in-patients"));
}

#[test]
fn faults_of_the_configuration_stand_from_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let said = "faults = [{ fault = \"nak\", count = 1, code = \"AR\" }, { fault = \"fhir-503\", probability = 1.0 }]";
    let serving = Serving::start(&["--empty", "--config", &configured(&folder, "epic", said)]);
    let standing = serving.get_json("/api/v1/systems/epic/faults");
    assert_eq!(standing.as_array().unwrap().len(), 2, "{standing}");
    assert_eq!(serving.get("/epic/api/FHIR/R4/Patient?identifier=1").0, 503);
    let hello = b"MSH|^~\\&|A|B|||20260301||ADT^A28|1|P|2.4\rPID|1||1^^^MRENTR^MEDREC||A^B";
    assert!(serving.send("epic", hello).contains("MSA|AR|1"));
    assert!(serving.send("epic", hello).contains("MSA|AA|1"));
    assert_eq!(
        serving
            .get_json("/api/v1/systems/millennium/faults")
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[test]
fn a_system_that_cannot_be_is_refused_with_key_line_and_nearest_spelling_before_a_port_opens() {
    let folder = tempfile::tempdir().unwrap();
    for (said, words) in [
        (
            "faults = [{ fault = \"nack\" }]",
            "system[2].faults[0]: `nack` is none of",
        ),
        ("faults = [{ fault = \"nack\" }]", "did you mean `nak`?"),
        (
            "faults = [{ fault = \"nak\", cuont = 3 }]",
            "system[2].faults[0].cuont: there is no such key; did you mean `count`?",
        ),
        (
            "faults = [{ fault = \"hold\" }, { fault = \"nak\", code = \"CE\" }]",
            "system[2].faults[1].code: code: AE or AR",
        ),
        (
            "faults = [{ count = 3 }]",
            "system[2].faults[0]: the key `fault` is missing",
        ),
        (
            "assume = { nhs-tpye = \"NH\" }",
            "system[2].assume.nhs-tpye: `nhs-tpye` is none of",
        ),
        ("assume = { nhs-type = \"NN\" }", "did you mean `HN`?"),
        (
            "profile = \"epic-uchl\"",
            "system[2].profile: `epic-uchl` is none of epic-uclh; did you mean `epic-uclh`?",
        ),
    ] {
        let path = configured(&folder, "epic", said);
        let output = eprgw(&["serve", "--http", "0", "--mllp", "0", "--config", &path]);
        let talk = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{talk}");
        assert!(talk.contains(words), "{said}\n{talk}");
        let line = fs::read_to_string(&path)
            .unwrap()
            .lines()
            .position(|line| line == said)
            .unwrap()
            + 1;
        assert!(talk.contains(&format!("eprgw.toml:{line}: ")), "{line}\n{talk}");
    }
}
