//! Epic: the numbered list at the end of the vendor's facts, as far as it is built.

#![allow(clippy::unwrap_used)] // also in what the tests call

mod harness;

use adapters::ActReport;
use harness::{Answer, System, code, field, settings, vendor};
use serde_json::{Value, json};

const BASE: &str = "/epic/api/FHIR/R4";
const NHS: &str = "https://fhir.nhs.uk/Id/nhs-number";

async fn get(system: &System, rest: &str) -> Answer {
    system.get(&format!("{BASE}/{rest}")).await
}

async fn start() -> System {
    System::start("epic").await
}

async fn peopled(people: usize) -> System {
    let vendor = vendor("epic");
    let mut settings = settings(vendor, "epic-uclh");
    settings.people = people;
    settings.seed = 7;
    System::with(vendor, settings).await
}

async fn in_patient(system: &System) -> ActReport {
    let report = system
        .act(json!({"register": {"mrn": "40712331", "nhs-number": "9990000018", "family": "Plum", "given": "Ivy",
            "birth-date": "1970-02-28", "sex": "female", "address": "1 Acorn Street", "postcode": "ZZ1 1AA",
            "phone": "020 7946 0001", "ethnicity": "A", "marital-status": "M"}}))
        .await;
    system
        .act(
            json!({"admit": {"patient": "40712331", "ward": "T06", "room": "T06 BY01", "bed": "BY01-01",
            "specialty": "Trauma & Orthopaedics", "consultant": "ALDJ01", "at": "2026-05-30T08:00"}}),
        )
        .await;
    system
        .act(json!({"result": {"patient": "40712331", "filler": "F1", "service": ["UE", "Urea and electrolytes"],
            "tests": [{"code": "NA", "name": "Sodium", "value": "139.0", "units": "mmol/L", "flag": "N"}]}}))
        .await;
    report
}

async fn told(system: &System, json: Value) -> String {
    String::from_utf8(system.act(json).await.message.to_vec()).unwrap()
}

/// The Epic codes in an outcome.
fn codes(outcome: &Value) -> Vec<String> {
    let issues = outcome["issue"].as_array().unwrap();
    issues
        .iter()
        .map(|issue| issue["details"]["coding"][0]["code"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn epic_01_xml_unless_json_is_asked_for() {
    let system = start().await;
    for accept in [None, Some("*/*"), Some("text/html"), Some("application/fhir+xml")] {
        let answer = system.get_as(&format!("{BASE}/metadata"), accept).await;
        assert_eq!(answer.status, 200);
        assert!(
            answer.header("content-type").starts_with("application/fhir+xml"),
            "{accept:?}"
        );
        assert!(answer.body.starts_with(b"<"), "{accept:?}");
    }
    for accept in ["application/json", "application/fhir+json"] {
        let answer = system.get_as(&format!("{BASE}/metadata"), Some(accept)).await;
        assert!(
            answer.header("content-type").starts_with("application/fhir+json"),
            "{accept}"
        );
        assert_eq!(answer.json()["resourceType"], "CapabilityStatement");
    }
}

#[tokio::test]
async fn epic_02_an_unknown_type_falls_out_of_fhir() {
    let system = start().await;
    for rest in ["Shoe/1", "Shoe?size=9", "$export", "Patient/1/2/3"] {
        let answer = get(&system, rest).await;
        assert_eq!(answer.status, 404, "{rest}");
        assert!(answer.header("content-type").starts_with("text/html"), "{rest}");
        assert!(answer.body.starts_with(b"<!DOCTYPE html>"), "{rest}");
    }
}

#[tokio::test]
async fn epic_03_a_bad_id_is_59008() {
    let system = start().await;
    for rest in [
        "Patient/abc",
        "Encounter/eAAAAAAAAAAAAAAAAAAAAAA3",
        "Observation/1",
    ] {
        let answer = get(&system, rest).await;
        let outcome = answer.json();
        assert_eq!(answer.status, 404, "{rest}");
        assert_eq!(codes(&outcome), ["59008"]);
        let issue = &outcome["issue"][0];
        assert!(
            issue["details"]["coding"][0]["system"]
                .as_str()
                .unwrap()
                .ends_with(".7.2.657369")
        );
        assert_eq!(
            (&issue["diagnostics"], &issue["location"][0]),
            (&json!("Invalid FHIR ID provided"), &json!("/f:id"))
        );
        assert_eq!(
            (&issue["severity"], &issue["code"]),
            (&json!("fatal"), &json!("not-found"))
        );
    }
}

#[tokio::test]
async fn epic_04_an_empty_search_has_one_entry_that_says_so() {
    let system = start().await;
    let bundle = get(&system, "Patient?identifier=9990000026").await.json();
    assert_eq!(bundle["total"], 0);
    let entries = bundle["entry"].as_array().unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["search"]["mode"], "outcome");
    assert!(entries[0]["fullUrl"].as_str().unwrap().starts_with("urn:uuid:"));
    assert_eq!(codes(&entries[0]["resource"]), ["4101"]);
    assert_eq!(entries[0]["resource"]["issue"][0]["severity"], "warning");
}

#[tokio::test]
async fn epic_05_a_patient_search_needs_demographics() {
    let system = start().await;
    in_patient(&system).await;
    let refused = |rest: &'static str| {
        let system = &system;
        async move {
            let answer = get(system, rest).await;
            assert_eq!(answer.status, 400, "{rest}");
            codes(&answer.json())
        }
    };
    assert_eq!(refused("Patient").await, ["59159"]);
    assert_eq!(refused("Patient?family=plum").await, ["59159"]);
    assert_eq!(refused("Patient?family=plum&given=ivy").await, ["59159"]);
    assert_eq!(
        refused("Patient?family=plum&shoe-size=9").await,
        ["59100", "59159"]
    );
    for rest in [
        "Patient?family=plum&given=ivy&birthdate=1970-02-28",
        "Patient?family=PLUM&given=Ivy&birthdate=1970-02-28&gender=female&shoe-size=9",
        "Patient?identifier=40712331",
        "Patient?identifier=999%20000%200018",
        &format!("Patient?identifier={NHS}%7C9990000018"),
    ] {
        assert_eq!(
            get(&system, rest).await.json()["entry"][0]["search"]["mode"],
            "match",
            "{rest}"
        );
    }
    let none = get(
        &system,
        "Patient?family=plum&given=ivy&birthdate=1970-02-28&gender=male",
    )
    .await
    .json();
    assert_eq!(none["total"], 0);
}

#[tokio::test]
async fn epic_06_a_birthdate_alone_finds_nobody_and_a_range_is_refused() {
    let system = start().await;
    in_patient(&system).await;
    assert_eq!(
        get(&system, "Patient?birthdate=1970-02-28").await.json()["total"],
        0
    );
    for rest in [
        "Patient?birthdate=ge1970-01-01",
        "Patient?birthdate=nonsense",
        "Patient?family=plum&given=ivy&birthdate=lt1980-01-01",
    ] {
        let answer = get(&system, rest).await;
        assert_eq!(answer.status, 400, "{rest}");
        assert!(
            answer.json()["issue"][0]["diagnostics"]
                .as_str()
                .unwrap()
                .contains("single valid date")
        );
    }
}

#[tokio::test]
async fn epic_07_an_unknown_parameter_elsewhere_is_ignored_and_echoed() {
    let system = start().await;
    let id = in_patient(&system).await.fhir_id.unwrap();
    let answer = get(&system, &format!("Encounter?patient={id}&shoe-size=9")).await;
    assert_eq!(answer.resources().len(), 1);
    assert!(answer.link("self").unwrap().contains("shoe-size=9"));
}

#[tokio::test]
async fn epic_08_the_total_is_the_pages_size_once_a_count_is_given() {
    let system = start().await;
    let id = in_patient(&system).await.fhir_id.unwrap();
    for visit in ["A1", "A2", "A3"] {
        system
            .act(json!({"attend": {"patient": "40712331", "visit": visit}}))
            .await;
    }
    let all = get(&system, &format!("Encounter?patient={id}")).await.json();
    assert_eq!(all["total"], 4);
    let page = get(&system, &format!("Encounter?patient={id}&_count=3")).await;
    assert_eq!(page.json()["total"], 3);
    let next = page.link("next").unwrap();
    assert!(next.contains("sessionID="), "{next}");
    let rest = next.split_once("/R4/").unwrap().1.to_owned();
    assert_eq!(get(&system, &rest).await.json()["total"], 1);
    let counted = get(
        &system,
        &format!("Encounter?patient={id}&_count=3&_summary=count"),
    )
    .await
    .json();
    assert_eq!((&counted["total"], counted.get("entry")), (&json!(4), None));
}

#[tokio::test]
async fn epic_09_a_page_of_nowhere_is_4113() {
    let system = start().await;
    let id = in_patient(&system).await.fhir_id.unwrap();
    let answer = get(&system, &format!("Encounter?patient={id}&sessionID=nonsense")).await;
    assert_eq!(
        (answer.status, codes(&answer.json())),
        (400, vec!["4113".to_owned()])
    );
}

#[tokio::test]
async fn epic_09_a_page_token_expires_by_the_clock() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};
    for (life, last_good) in [(None, 600), (Some("60"), 60), (Some("never"), 1_000_000)] {
        let vendor = vendor("epic");
        let mut settings = settings(vendor, "epic-uclh");
        let start = harness::clock()();
        let elapsed = Arc::new(AtomicI64::new(0));
        let hand = elapsed.clone();
        settings.clock =
            Arc::new(move || start + jiff::SignedDuration::from_secs(hand.load(Ordering::Relaxed)));
        settings
            .choices
            .extend(life.map(|life| ("page-life".to_owned(), life.to_owned())));
        let system = System::with(vendor, settings).await;
        let id = in_patient(&system).await.fhir_id.unwrap();
        system
            .act(json!({"attend": {"patient": "40712331", "ward": "CLINIC"}}))
            .await;
        let first = get(&system, &format!("Encounter?patient={id}&_count=1")).await;
        let next = first.link("next").unwrap();
        let next = next.split_once("R4/").unwrap().1;
        elapsed.store(last_good, Ordering::Relaxed);
        assert_eq!(get(&system, next).await.resources().len(), 1, "{life:?}");
        elapsed.store(last_good + 1, Ordering::Relaxed);
        let answer = get(&system, next).await;
        match life {
            Some("never") => assert_eq!(answer.status, 200),
            _ => assert_eq!(
                (answer.status, codes(&answer.json())),
                (400, vec!["4113".to_owned()])
            ),
        }
    }
}

#[tokio::test]
async fn epic_10_ids_are_opaque_and_another_seed_gives_others() {
    let system = start().await;
    let first = in_patient(&system).await.fhir_id.unwrap();
    assert!(
        first.starts_with('e') && first.ends_with('3') && !first.contains("40712331"),
        "{first}"
    );
    let again = start().await;
    assert_eq!(
        in_patient(&again).await.fhir_id.unwrap(),
        first,
        "the same seed and number, the same id"
    );
    let vendor = vendor("epic");
    let mut settings = settings(vendor, "epic-uclh");
    settings.seed = 2;
    let other = System::with(vendor, settings).await;
    assert_ne!(in_patient(&other).await.fhir_id.unwrap(), first);
    assert_eq!(get(&other, &format!("Patient/{first}")).await.status, 404);
}

#[tokio::test]
async fn epic_11_the_list_of_identifiers_is_complete() {
    let system = start().await;
    let id = in_patient(&system).await.fhir_id.unwrap();
    let patient = get(&system, &format!("Patient/{id}")).await.json();
    let identifiers = patient["identifier"].as_array().unwrap();
    let of = |kind: &str| {
        let found = identifiers
            .iter()
            .find(|identifier| identifier["type"]["text"] == kind);
        found.unwrap_or_else(|| panic!("{kind} in {patient}"))["value"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(of("MRN"), "40712331");
    assert!(of("INTERNAL").starts_with("     Z"), "padded");
    assert_eq!(of("INTERNAL").trim(), of("EXTERNAL"));
    assert!(of("FHIR").starts_with('T') && of("FHIR").ends_with('B'));
    assert!(of("FHIR STU3").starts_with('e') && of("EPI").starts_with('E'));
    assert!(
        identifiers
            .iter()
            .any(|identifier| identifier["system"] == NHS && identifier["value"] == "9990000018")
    );
    for kind in ["EPI", "EXTERNAL"] {
        let found = get(&system, &format!("Patient?identifier={}", of(kind)))
            .await
            .resources();
        assert_eq!(found[0]["id"], id.as_str(), "{kind}");
    }
}

#[tokio::test]
async fn epic_12_references_are_relative_and_codes_doubled() {
    let system = start().await;
    let id = in_patient(&system).await.fhir_id.unwrap();
    let observation = get(&system, &format!("Observation?patient={id}&category=laboratory"))
        .await
        .resources()
        .remove(0);
    assert_eq!(observation["subject"]["reference"], format!("Patient/{id}"));
    assert!(
        observation["encounter"]["reference"]
            .as_str()
            .unwrap()
            .starts_with("Encounter/e")
    );
    for codings in [
        &observation["category"][0]["coding"],
        &observation["code"]["coding"],
    ] {
        assert_eq!(codings.as_array().unwrap().len(), 2, "{codings}");
        assert!(
            codings[1]["system"]
                .as_str()
                .unwrap()
                .starts_with("urn:oid:1.2.840.114350.1.13.")
        );
    }
    assert!(!observation.to_string().contains("loinc"));
}

#[tokio::test]
async fn epic_13_there_is_no_patch_and_no_etag() {
    let system = start().await;
    let id = in_patient(&system).await.fhir_id.unwrap();
    let request = http::Request::patch(format!("{BASE}/Patient/{id}"))
        .header("content-type", "application/json-patch+json")
        .header("accept", "application/fhir+json")
        .body(axum::body::Body::from("[]"))
        .unwrap();
    assert_eq!(system.ask(request).await.status, 405);
    assert_eq!(get(&system, &format!("Patient/{id}")).await.header("etag"), "");
}

#[tokio::test]
async fn epic_15_the_id_of_a_merged_patient_leads_to_the_survivor() {
    let system = start().await;
    let survivor = in_patient(&system).await.fhir_id.unwrap();
    let loser = system
        .act(json!({"register": {"mrn": "41799910", "family": "Plumm"}}))
        .await
        .fhir_id
        .unwrap();
    system
        .act(json!({"merge": {"survivor": "40712331", "loser": "41799910"}}))
        .await;
    let answer = get(&system, &format!("Patient/{loser}")).await;
    assert_eq!(answer.status, 301);
    assert!(
        answer
            .header("location")
            .ends_with(&format!("{BASE}/Patient/{survivor}")),
        "{}",
        answer.header("location")
    );
    assert_eq!(codes(&answer.json()), ["4107"]);
}

#[tokio::test]
async fn epic_16_observations_need_category_or_code() {
    let system = start().await;
    let id = in_patient(&system).await.fhir_id.unwrap();
    let answer = get(&system, &format!("Observation?patient={id}")).await;
    assert_eq!(
        (answer.status, codes(&answer.json())),
        (400, vec!["59108".to_owned()])
    );
    let answer = get(&system, &format!("Observation?patient={id}&shoe-size=9")).await;
    assert_eq!(codes(&answer.json()), ["59100", "59108"]);
    for rest in [
        format!("Observation?patient={id}&code=NA"),
        format!("Observation?subject={id}&category=laboratory&date=2026-06-01"),
    ] {
        assert_eq!(get(&system, &rest).await.json()["total"], 1, "{rest}");
    }
    for rest in [
        format!("Observation?patient={id}&category=vital-signs"),
        format!("Observation?patient={id}&code=K"),
    ] {
        assert_eq!(get(&system, &rest).await.json()["total"], 0, "{rest}");
    }
    let both = get(&system, &format!("Observation?patient={id}&subject={id}&code=NA")).await;
    assert_eq!((both.status, codes(&both.json())), (400, vec!["4112".to_owned()]));
}

#[tokio::test]
async fn epic_22_the_header_has_its_user_and_its_integer() {
    let system = start().await;
    in_patient(&system).await;
    let message = told(
        &system,
        json!({"transfer": {"patient": "40712331", "ward": "T07", "room": "T07 BY02", "bed": "BY02-12"}}),
    )
    .await;
    let field = |n| field(&message, "MSH", n);
    assert_eq!(
        (field(3), field(4), field(5), field(6)),
        ("EPIC".into(), "UCLH".into(), String::new(), String::new())
    );
    assert_eq!((field(7).len(), field(8)), (14, "MARLOWEP".into()));
    assert!(field(10).parse::<u64>().is_ok());
    assert_eq!(
        (field(11), field(12), field(15), field(16)),
        ("T".into(), "2.4".into(), "AL".into(), "NE".into())
    );
}

#[tokio::test]
async fn epic_24_results_are_of_another_version_than_movements() {
    let system = start().await;
    in_patient(&system).await;
    let result = told(&system, json!({"correct-result": {"patient": "40712331", "filler": "F1", "tests": [{"code": "NA", "value": "149.0"}]}})).await;
    assert_eq!(
        (field(&result, "MSH", 9), field(&result, "MSH", 12)),
        ("ORU^R01".into(), "2.3".into())
    );
    assert_eq!(field(&result, "MSH", 4), "Results", "the feed, not the hospital");
}

#[tokio::test]
async fn epic_25_numbers_keep_the_names_of_the_system_before_and_nhs_is_hn_or_nh() {
    for (choice, wanted) in [
        ("HN", "40712331^^^MRENTR^MEDREC~9990000018^^^NHS^HN"),
        ("NH", "40712331^^^MRENTR^MEDREC~9990000018^^^NHS^NH"),
    ] {
        let vendor = vendor("epic");
        let mut settings = settings(vendor, "epic-uclh");
        settings.choices.insert("nhs-type".into(), choice.into());
        let system = System::with(vendor, settings).await;
        in_patient(&system).await;
        let message = told(&system, json!({"update": {"patient": "40712331", "title": "Ms"}})).await;
        assert_eq!(field(&message, "PID", 3), wanted);
    }
}

#[tokio::test]
async fn epic_26_the_csn_is_in_pv1_19_and_pid_18() {
    let system = start().await;
    in_patient(&system).await;
    let message = told(
        &system,
        json!({"transfer": {"patient": "40712331", "ward": "T07"}}),
    )
    .await;
    let csn = field(&message, "PV1", 19);
    assert!(
        (10..=12).contains(&csn.len()) && csn.parse::<u64>().is_ok(),
        "{csn}"
    );
    assert_eq!(
        (field(&message, "PID", 18), field(&message, "PV1", 50)),
        (csn.clone(), csn)
    );
}

#[tokio::test]
async fn epic_27_the_merge_trio_is_understood_and_a40_is_told() {
    let mut system = start().await;
    let id = in_patient(&system).await.fhir_id.unwrap();
    system
        .act(json!({"register": {"mrn": "41799910", "family": "Plumm"}}))
        .await;
    system
        .act(json!({"attend": {"patient": "41799910", "visit": "1000284401"}}))
        .await;
    let event = |event: &str, control: &str, mrn: &str, mrg: &str| {
        [
            format!("MSH|^~\\&|EPIC|UCLH|||20260422110012|HIMMERGE|ADT^{event}|{control}|T|2.4|||AL|NE"),
            format!("EVN|{event}|20260422110012||EPT_MERGE"),
            format!("PID|1||{mrn}^^^MRENTR^MEDREC||PLUM^IVY^^^^^D||19700228|F"),
            format!("MRG|{mrg}"),
        ]
    };
    // A45: the visit moves, its person stays.
    let moved = event("A45", "1", "40712331", "41799910^^^MRENTR^MEDREC||||1000284401");
    system.told(&moved.each_ref().map(String::as_str)).await;
    let visits = get(&system, &format!("Encounter?patient={id}")).await.resources();
    assert!(
        visits
            .iter()
            .any(|visit| visit["identifier"][0]["value"] == "1000284401"),
        "{visits:?}"
    );
    // A47: the same person under another number.
    let renumbered = event("A47", "2", "40712399", "40712331^^^MRENTR^MEDREC");
    system.told(&renumbered.each_ref().map(String::as_str)).await;
    let report = system
        .act(json!({"update": {"patient": "40712331", "title": "Ms"}}))
        .await;
    assert_eq!(
        (report.mrn.as_str(), report.fhir_id.as_deref()),
        ("40712399", Some(id.as_str()))
    );
    // A40: two records become one.
    let merged = event("A40", "3", "40712399", "41799910^^^MRENTR^MEDREC");
    system.told(&merged.each_ref().map(String::as_str)).await;
    assert_eq!(
        system
            .act(json!({"update": {"patient": "41799910", "title": "Ms"}}))
            .await
            .mrn,
        "40712399"
    );
    system
        .act(json!({"register": {"mrn": "41799999", "family": "Plumm"}}))
        .await;
    let message = told(
        &system,
        json!({"merge": {"survivor": "40712399", "loser": "41799999"}}),
    )
    .await;
    assert_eq!(
        (field(&message, "MSH", 9), field(&message, "EVN", 4)),
        ("ADT^A40".into(), "EPT_MERGE".into())
    );
    assert_eq!(field(&message, "MRG", 1), "41799999^^^MRENTR^MEDREC");
}

#[tokio::test]
async fn epic_28_cancels_are_told() {
    let system = start().await;
    in_patient(&system).await;
    system
        .act(json!({"transfer": {"patient": "40712331", "ward": "T07"}}))
        .await;
    let mut events = Vec::new();
    for step in ["cancel-transfer", "discharge", "cancel-discharge", "cancel-admit"] {
        let message = told(&system, json!({step: {"patient": "40712331"}})).await;
        events.push(field(&message, "EVN", 1));
    }
    assert_eq!(events, ["A12", "A03", "A13", "A11"]);
}

#[tokio::test]
async fn epic_30_text_is_escaped_and_times_have_no_zone_and_births_keep_their_day() {
    let mut system = start().await;
    in_patient(&system).await;
    let message = told(
        &system,
        json!({"transfer": {"patient": "40712331", "ward": "T07"}}),
    )
    .await;
    assert_eq!(field(&message, "PV1", 10), "Trauma \\T\\ Orthopaedics");
    assert_eq!(field(&message, "EVN", 2), "20260601100000");
    system
        .told(&[
            "MSH|^~\\&|EPIC|UCLH|||20260601003000|USER|ADT^A28|77|T|2.4|||AL|NE",
            "EVN|A28|20260601003000",
            "PID|1||41700101^^^MRENTR^MEDREC||PLUM^BABY||20260601001200|M",
        ])
        .await;
    let baby = get(&system, "Patient?identifier=41700101")
        .await
        .resources()
        .remove(0);
    assert_eq!(baby["birthDate"], "2026-06-01");
}

#[tokio::test]
async fn epic_31_death_flag_and_death_time_are_independent() {
    let mut system = start().await;
    for (control, mrn, died) in [("1", "1", "20260501120000|N"), ("2", "2", "|Y"), ("3", "3", "|N")] {
        system
            .told(&[
                &format!("MSH|^~\\&|EPIC|UCLH|||20260601003000|USER|ADT^A31|{control}|T|2.4|||AL|NE"),
                "EVN|A31|20260601003000",
                &format!("PID|1||{mrn}^^^MRENTR^MEDREC||PLUM^IVY||19700228|F|||||||||||||||||||||{died}"),
            ])
            .await;
    }
    let patient = |mrn: &'static str| {
        let system = &system;
        async move {
            get(system, &format!("Patient?identifier={mrn}"))
                .await
                .resources()
                .remove(0)
        }
    };
    assert_eq!(patient("1").await["deceasedDateTime"], "2026-05-01T11:00:00Z");
    assert_eq!(patient("2").await["deceasedBoolean"], true);
    assert_eq!(patient("3").await["deceasedBoolean"], false);
    let message = told(&system, json!({"update": {"patient": "1", "title": "Ms"}})).await;
    assert_eq!(
        (field(&message, "PID", 29), field(&message, "PID", 30)),
        ("20260501120000".into(), "N".into())
    );
}

#[tokio::test]
async fn epic_32_what_is_assumed_is_a_named_setting() {
    let assumptions = vendor("epic").assumptions;
    for name in [
        "default-format",
        "processing-id",
        "ack-mode",
        "merged-read",
        "patch-status",
    ] {
        assert!(
            assumptions
                .iter()
                .any(|known| known.name == name && known.source.contains("epic.md")),
            "{name}"
        );
    }
}

#[tokio::test]
async fn epic_a_message_for_another_environment_is_rejected() {
    let mut system = start().await;
    let answer = system
        .send(&[
            "MSH|^~\\&|EPIC|UCLH|||2026|U|ADT^A28|1|X|2.4",
            "EVN|A28|2026",
            "PID|1||1^^^MRENTR^MEDREC||PLUM",
        ])
        .await;
    assert_eq!(code(&answer), "AR");
    assert!(answer.contains("202&Unsupported processing id"), "{answer}");
    assert_eq!(system.epr.people(), 0);
}

#[tokio::test]
async fn epic_more_than_a_hundred_patients_are_too_many() {
    let system = peopled(30).await;
    let first = get(&system, "Patient?identifier=60000000")
        .await
        .resources()
        .remove(0);
    let family = first["name"][0]["family"].as_str().unwrap().to_owned();
    let given = first["name"][0]["given"][0].as_str().unwrap().to_owned();
    for number in 0..101 {
        system
            .act(json!({"register": {"mrn": format!("7{number:07}"), "family": family, "given": given, "birth-date": "1950-01-01"}}))
            .await;
    }
    let answer = get(
        &system,
        &format!("Patient?family={family}&given={given}&birthdate=1950-01-01").replace('\'', "%27"),
    )
    .await;
    assert_eq!(
        (answer.status, codes(&answer.json())),
        (400, vec!["4127".to_owned()])
    );
}
