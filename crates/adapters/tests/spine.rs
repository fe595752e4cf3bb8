//! Two witnesses: what the dialects write for a vendor, that vendor's mock reads with its own few lines, and the same
//! people come out of it.

#![allow(clippy::unwrap_used)] // also in what the tests call

mod harness;

use harness::{System, code, fixtures, unread, vendor};
use hl7v2::Message;
use serde_json::json;
use translate::dialect::{Dialect, DialectContext, ITK, convert, recognise};

/// A fixture as the gateway would hand it to a system of that dialect.
fn rendered(bytes: &[u8], to: &Dialect) -> Vec<u8> {
    let message = Message::parse(bytes).unwrap();
    let known = adapters::VENDORS
        .iter()
        .flat_map(|vendor| vendor.profiles)
        .map(|profile| profile.dialect);
    let from = recognise(&message, known.chain([&ITK]));
    let mut out = Vec::new();
    let context = DialectContext::default();
    convert(&message, (from, &context), (to, &context), &mut out, None);
    out
}

#[tokio::test]
async fn every_fixture_in_every_dialect_is_taken_by_its_vendors_mock() {
    let mut wrong = Vec::new();
    for target in adapters::VENDORS {
        for source in ["lastword", "millennium", "epic", "itk"] {
            let mut system = System::start(target.name).await;
            for (path, bytes) in fixtures(source) {
                let answer = system
                    .send_bytes(&rendered(&bytes, target.default_profile().dialect))
                    .await;
                wrong.extend(unread::objection(target.name, &path, &answer));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn one_admission_of_one_site_is_the_same_patient_at_the_others() {
    let stories = [
        (
            "lastword/ADT_A01/margaret-1-admission.hl7",
            "40712331",
            "1947-08-19",
        ),
        ("epic/ADT_A01/margaret-1-admission.hl7", "40712331", "1947-08-19"),
        (
            "millennium/ADT_A01/margaret-1-admission.hl7",
            "843124",
            "1947-08-19",
        ),
    ];
    for (path, mrn, birth) in stories {
        for (target, base) in [
            (
                "millennium",
                "/millennium/r4/7f3e2a54-0c1b-4d6e-9a8f-5b21c0de9990",
            ),
            ("epic", "/epic/api/FHIR/R4"),
        ] {
            let mut system = System::start(target).await;
            let dialect = vendor(target).default_profile().dialect;
            let answer = system
                .send_bytes(&rendered(&harness::fixture(path), dialect))
                .await;
            assert_eq!(code(&answer), "AA", "{path} -> {target}: {answer}");
            for number in ["9994100378", mrn] {
                let found = system
                    .get(&format!("{base}/Patient?identifier={number}"))
                    .await
                    .resources();
                assert_eq!(found.len(), 1, "{path} -> {target} by {number}");
                let patient = &found[0];
                assert_eq!(patient["birthDate"], birth, "{path} -> {target}");
                assert_eq!(patient["gender"], "female", "{path} -> {target}");
                let family = patient["name"][0]["family"].as_str().unwrap();
                assert!(
                    family.eq_ignore_ascii_case("Okonkwo"),
                    "{path} -> {target}: {family}"
                );
                assert!(
                    patient["address"][0]["postalCode"] == "ZZ99 1AB",
                    "{path} -> {target}: {patient}"
                );
                let id = patient["id"].as_str().unwrap();
                let visits = system
                    .get(&format!("{base}/Encounter?patient={id}"))
                    .await
                    .resources();
                assert_eq!(visits.len(), 1, "{path} -> {target}");
                assert_eq!(visits[0]["status"], json!("in-progress"));
                assert_eq!(
                    visits[0]["class"]["code"], "IMP",
                    "{path} -> {target}: {}",
                    visits[0]
                );
                assert_eq!(
                    visits[0]["period"]["start"], "2026-03-02T10:15:00Z",
                    "{path} -> {target}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_result_corrected_twice_arrives_with_its_last_value() {
    let steps = [
        "5-result-preliminary",
        "6-result-corrected",
        "7-result-corrected-again",
    ];
    for (target, base) in [
        (
            "millennium",
            "/millennium/r4/7f3e2a54-0c1b-4d6e-9a8f-5b21c0de9990",
        ),
        ("epic", "/epic/api/FHIR/R4"),
    ] {
        let mut system = System::start(target).await;
        let dialect = vendor(target).default_profile().dialect;
        for step in steps {
            let bytes = harness::fixture(&format!("lastword/ORU_R01/desmond-{step}.hl7"));
            let answer = system.send_bytes(&rendered(&bytes, dialect)).await;
            assert_eq!(code(&answer), "AA", "{step} -> {target}: {answer}");
        }
        let patient = system
            .get(&format!("{base}/Patient?identifier=9994100742"))
            .await
            .resources()
            .remove(0);
        let id = patient["id"].as_str().unwrap();
        let found = system
            .get(&format!("{base}/Observation?patient={id}&category=laboratory"))
            .await
            .resources();
        assert_eq!(found.len(), 1, "{target}: {found:?}");
        assert_eq!(found[0]["status"], "corrected", "{target}");
        assert_eq!(
            found[0]["valueQuantity"]["value"],
            json!(670),
            "{target}: {}",
            found[0]
        );
        assert_eq!(found[0]["valueQuantity"]["unit"], "ng/L", "{target}");
    }
}
