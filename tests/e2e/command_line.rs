//! Exit codes and words of the command line.

use std::process::Output;

use crate::harness::{eprgw, repository};

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn help_opens_with_three_examples() {
    let help = String::from_utf8(eprgw(&["--help"]).stdout).unwrap();
    let examples = help
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  eprgw "))
        .count();
    assert!(help.starts_with("Examples:"), "{help}");
    assert_eq!(examples, 3);
}

#[test]
fn a_wrong_configuration_is_2_with_key_line_and_nearest_spelling() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong.toml");
    std::fs::write(
        &path,
        "[gateway]\nhttp = \"127.0.0.1:0\"\n\n[[endpoint]]\nname = \"in\"\nlisen = \"mllp://127.0.0.1:0\"\n",
    )
    .unwrap();
    let refused = eprgw(&["serve", "--config", path.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(2));
    let words = words(&refused);
    assert!(
        words.contains("wrong.toml:6") && words.contains("lisen") && words.contains("`listen`"),
        "{words}"
    );
    assert!(refused.stdout.is_empty(), "nothing was started");
}

#[test]
fn an_open_address_is_refused_unless_it_is_meant() {
    let refused = eprgw(&["serve", "--bind", "0.0.0.0", "--http", "0", "--mllp", "0"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(words(&refused).contains("--allow-open-bind"));
}

#[test]
fn unreadable_input_is_3_and_names_file_and_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nonsense.hl7");
    std::fs::write(&path, "this is no message").unwrap();
    for arguments in [
        ["translate", path.to_str().unwrap(), "--to", "fhir"],
        ["translate", "no-such.hl7", "--to", "fhir"],
    ] {
        let refused = eprgw(&arguments);
        assert_eq!(refused.status.code(), Some(3), "{}", words(&refused));
        assert!(words(&refused).contains(arguments[1]));
    }
}

#[test]
fn nobody_there_is_4() {
    let message = repository("fixtures/bench/adt_a01.hl7");
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let refused = eprgw(&[
        "replay",
        message.to_str().unwrap(),
        "--to",
        &format!("mllp://{free}"),
    ]);
    assert_eq!(refused.status.code(), Some(4));
    assert!(words(&refused).contains(&free.to_string()));
    let unready = eprgw(&["ready", "--http", &free.port().to_string()]);
    assert_eq!(unready.status.code(), Some(4));
}

#[test]
fn an_unknown_name_is_2_and_lists_what_there_is() {
    let message = repository("fixtures/bench/adt_a01.hl7");
    let refused = eprgw(&["translate", message.to_str().unwrap(), "--to", "epik"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(words(&refused).contains("epic-uclh"), "{}", words(&refused));
}

#[test]
fn the_ledger_accounts_for_every_leaf() {
    let message = repository("fixtures/bench/adt_a01.hl7");
    let told = eprgw(&[
        "translate",
        message.to_str().unwrap(),
        "--to",
        "fhir",
        "--ledger",
        "--format",
        "json",
    ]);
    assert!(told.status.success(), "{}", words(&told));
    let bundle: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(bundle["resourceType"], "Bundle");
    let ledger: serde_json::Value = serde_json::from_slice(&told.stderr).unwrap();
    let bytes = std::fs::read(&message).unwrap();
    let leaves = hl7v2::Message::parse(&bytes).unwrap().leaves().count();
    assert_eq!(ledger["lines"].as_array().unwrap().len(), leaves);
}

#[test]
fn print_config_says_where_each_value_came_from() {
    let shown = String::from_utf8(eprgw(&["serve", "--print-config", "--http", "9999"]).stdout).unwrap();
    assert!(
        shown.contains("127.0.0.1:9999") && shown.contains("--http"),
        "{shown}"
    );
    assert!(shown.contains("default.toml"), "{shown}");
}

/// Two good messages and a broken one between them, in an envelope that counts them.
fn batch(folder: &std::path::Path) -> std::path::PathBuf {
    let good = |control_id: &str| {
        format!(
            "MSH|^~\\&|PAS|RYJ|||20260302091500||ADT^A28^ADT_A05|{control_id}|P|2.5.1\rPID|1||{control_id}^^^RYJ^MR\r"
        )
    };
    let text = format!("BHS|^~\\&|PAS|RYJ\r{}MSH|^\r{}BTS|3\r", good("1"), good("2"));
    let path = folder.join("batch.hl7");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_batch_is_one_document_and_becomes_its_messages_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = batch(folder.path());
    let told = eprgw(&["translate", path.to_str().unwrap(), "--to", "fhir"]);
    assert_eq!(told.status.code(), Some(3), "one message cannot be read");
    assert!(words(&told).contains("batch.hl7#2"), "{}", words(&told));
    let whole: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(whole["type"], "collection");
    let kinds: Vec<&str> = whole["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["resource"]["resourceType"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["Bundle", "OperationOutcome", "Bundle"]);
    assert_eq!(whole["entry"][2]["resource"]["identifier"]["value"], "2");

    let bundle = folder.path().join("batch.json");
    std::fs::write(&bundle, &told.stdout).unwrap();
    let back = eprgw(&["translate", bundle.to_str().unwrap(), "--to", "hl7v2"]);
    assert!(back.status.success(), "{}", words(&back));
    let back = String::from_utf8(back.stdout).unwrap();
    assert_eq!(back.matches("MSH|").count(), 2, "{back}");
}

#[test]
fn lines_are_wanted_by_name() {
    let path = repository("fixtures/bench/stay.hl7");
    let told = eprgw(&["translate", path.to_str().unwrap(), "--to", "fhir", "--lines"]);
    assert!(told.status.success(), "{}", words(&told));
    let text = String::from_utf8(told.stdout).unwrap();
    let bundles: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(bundles.len() > 1);
    assert!(bundles.iter().all(|bundle| bundle["type"] == "message"));
}

#[test]
fn an_empty_batch_is_3() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.hl7");
    std::fs::write(&path, "BHS|^~\\&|PAS\rBTS|0\r").unwrap();
    let refused = eprgw(&["translate", path.to_str().unwrap(), "--to", "fhir"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(words(&refused).contains("without messages") && refused.stdout.is_empty());
}

#[test]
fn explain_dialects_lists_what_a_site_may_choose() {
    let listed = String::from_utf8(eprgw(&["explain", "dialects"]).stdout).unwrap();
    for words in ["merge-event", "one of A34, A40", "override.dialect"] {
        assert!(listed.contains(words), "{listed}");
    }
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site.toml");
    std::fs::write(&site, "[dialect]\nmerge-event = \"A41\"\n").unwrap();
    let message = repository("fixtures/bench/adt_a01.hl7");
    let arguments = ["translate", message.to_str().unwrap(), "--to", "fhir", "--site"];
    let refused = eprgw(&[&arguments[..], &[site.to_str().unwrap()]].concat());
    assert_eq!(refused.status.code(), Some(2));
    assert!(words(&refused).contains("A34, A40"), "{}", words(&refused));
}
