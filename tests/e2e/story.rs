//! A LastWord feed, read back in three EPRs, each in its own shape.

use std::path::PathBuf;

use crate::harness::{Serving, eprgw, repository};

fn tenant(serving: &Serving) -> String {
    let systems = serving.get_json("/api/v1/systems");
    let millennium = systems
        .as_array()
        .unwrap()
        .iter()
        .find(|system| system["name"] == "millennium")
        .unwrap();
    millennium["fhir"].as_str().unwrap().to_owned()
}

#[test]
fn every_good_message_of_a_folder_is_accepted_and_the_patient_stands_in_three_eprs() {
    let serving = Serving::start(&[]);
    let to = format!("mllp://{}", serving.mllp("gateway"));
    let folder = repository("fixtures/messages/lastword");
    let replayed = eprgw(&["replay", folder.to_str().unwrap(), "--to", &to, "--expect", "AA"]);
    let said = String::from_utf8_lossy(&replayed.stdout);
    assert!(
        replayed.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&replayed.stderr)
    );
    assert!(said.lines().count() >= 20, "a folder worth replaying");

    assert!(
        serving
            .send("gateway", &crate::harness::admission(1, "PLW00000000000000001"))
            .contains("MSA|AA")
    );
    let nhs_of_story = crate::harness::nhs_number(1);

    let millennium = format!("{}/Patient?identifier={nhs_of_story}", tenant(&serving));
    let patient = serving.wait_for("the patient in Millennium", |s| s.search(&millennium).pop());
    let systems: Vec<&str> = patient["identifier"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|i| i["type"]["coding"][0]["system"].as_str())
        .collect();
    assert!(
        systems.iter().any(|system| system.contains("codeSet/4")),
        "proprietary codings: {systems:?}"
    );

    let epic = format!("/epic/api/FHIR/R4/Patient?identifier={nhs_of_story}");
    let patient = serving.wait_for("the patient in Epic", |s| s.search(&epic).pop());
    let id = patient["id"].as_str().unwrap();
    assert!(id.starts_with('e') && id.ends_with('3'), "an opaque id");

    let facade = format!("/lastword/fhir/r4/Patient?identifier={nhs_of_story}");
    let patient = serving.wait_for("the patient behind the façade", |s| s.search(&facade).pop());
    let tags = patient["meta"]["tag"].as_array().unwrap();
    assert!(
        tags.iter().any(|tag| tag["code"] == "facade"),
        "the façade says that it is one"
    );
}

#[test]
fn an_epr_acted_on_tells_the_others() {
    let serving = Serving::start(&[]);
    let body = br#"{"nhs-number": "9991000001", "family": "RELAY", "given": "RUTH", "birth-date": "1950-05-05", "sex": "female"}"#;
    let number = crate::harness::nhs_number(77);
    let body = String::from_utf8_lossy(body).replace("9991000001", &number);
    let (status, answer) = serving.post("/api/v1/systems/lastword/actions/register", body.as_bytes());
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
    let epic = format!("/epic/api/FHIR/R4/Patient?identifier={number}");
    let patient = serving.wait_for("the person in Epic", |s| s.search(&epic).pop());
    assert!(
        patient["name"][0]["family"]
            .as_str()
            .unwrap()
            .eq_ignore_ascii_case("relay")
    );
}

#[test]
fn stops_on_sigterm_with_code_0() {
    assert_eq!(Serving::start(&[]).terminate(), Some(0));
}

#[test]
fn state_lasts_where_data_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let data: PathBuf = folder.path().join("data");
    let data = data.to_str().unwrap();
    let epic = format!(
        "/epic/api/FHIR/R4/Patient?identifier={}",
        crate::harness::nhs_number(5)
    );
    let first = Serving::start(&["--data", data]);
    assert!(
        first
            .send("gateway", &crate::harness::admission(5, "PLW00000000000000005"))
            .contains("MSA|AA")
    );
    first.wait_for("the patient in Epic", |s| s.search(&epic).pop());
    assert_eq!(first.terminate(), Some(0));
    let second = Serving::start(&["--data", data]);
    assert_eq!(second.search(&epic).len(), 1);
}
