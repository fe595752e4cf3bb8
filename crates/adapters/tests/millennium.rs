//! Millennium: the numbered list at the end of the vendor's facts, as far as it is built.

#![allow(clippy::unwrap_used)] // also in what the tests call

mod harness;

use adapters::{ActReport, Action};
use harness::{Answer, System, action, code, field, settings, vendor};
use serde_json::{Value, json};

const TENANT: &str = "7f3e2a54-0c1b-4d6e-9a8f-5b21c0de9990";
const NHS: &str = "https://fhir.nhs.uk/Id/nhs-number";

fn path(rest: &str) -> String {
    format!("/millennium/r4/{TENANT}/{rest}")
}

async fn get(system: &System, rest: &str) -> Answer {
    system.get(&path(rest)).await
}

async fn profile(name: &str) -> System {
    let vendor = vendor("millennium");
    System::with(vendor, settings(vendor, name)).await
}

/// A domain with so many people on its index.
async fn peopled(people: usize) -> System {
    let vendor = vendor("millennium");
    let mut settings = settings(vendor, "millennium");
    settings.people = people;
    settings.seed = 7;
    System::with(vendor, settings).await
}

fn register() -> Value {
    json!({"register": {"mrn": "1200455", "nhs-number": "9990000018", "family": "Plum", "given": "Ivy",
        "birth-date": "1970-02-28", "sex": "female", "address": "1 Acorn Street", "postcode": "ZZ1 1AA",
        "phone": "020 7946 0001", "ethnicity": "A", "marital-status": "M"}})
}

/// Somebody in a bed with a sodium result.
async fn in_patient(system: &System) -> ActReport {
    let report = system.act(register()).await;
    system
        .act(
            json!({"admit": {"patient": "1200455", "ward": "Albert Ward", "room": "Bay 3", "bed": "Bed 15",
            "consultant": "ALDJ01", "specialty": "General Medicine", "at": "2026-05-30T08:00"}}),
        )
        .await;
    system
        .act(json!({"result": {"patient": "1200455", "filler": "F1", "service": ["UE", "Urea and electrolytes"],
            "tests": [{"code": "NA", "name": "Sodium", "value": "139.0", "units": "mmol/L", "range": "133-146", "flag": "N"}]}}))
        .await;
    report
}

async fn told(system: &System, json: Value) -> String {
    let act: Action = action(json);
    match system.epr.act(act).await {
        Ok(report) => String::from_utf8(report.message.to_vec()).unwrap(),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn millennium_01_an_unknown_tenant_is_not_valid_or_accessible() {
    let system = profile("millennium").await;
    assert_eq!(get(&system, "metadata").await.status, 200);
    let answer = system
        .get("/millennium/r4/ec2458f2-1e24-41c8-b71b-0e701af7583d/Patient/1")
        .await;
    assert_eq!(
        (answer.status, &answer.body[..]),
        (403, &b"Tenant not valid or accessible"[..])
    );
}

#[tokio::test]
async fn millennium_02_anything_but_json_is_406_with_nothing_in_it() {
    let system = profile("millennium").await;
    for accept in ["application/fhir+xml", "text/html", "text/turtle"] {
        let answer = system.get_as(&path("metadata"), Some(accept)).await;
        assert_eq!((answer.status, answer.body.len()), (406, 0), "{accept}");
    }
    for accept in [
        None,
        Some("application/json"),
        Some("application/json+fhir"),
        Some("*/*"),
    ] {
        let answer = system.get_as(&path("metadata"), accept).await;
        assert_eq!(answer.status, 200, "{accept:?}");
        assert!(answer.header("content-type").starts_with("application/fhir+json"));
    }
}

#[tokio::test]
async fn millennium_03_every_answer_has_a_request_id_of_its_own() {
    let system = profile("millennium").await;
    let first = get(&system, "metadata").await.header("x-request-id").to_owned();
    let second = get(&system, "Patient/1").await.header("x-request-id").to_owned();
    assert!(!first.is_empty() && !second.is_empty());
    assert_ne!(first, second);
}

#[tokio::test]
async fn millennium_04_unknown_id_and_unknown_type_are_told_alike() {
    let system = profile("millennium").await;
    for rest in [
        "Patient/1",
        "Patient/abc",
        "Encounter/1",
        "Observation/L-1",
        "Observation/L-ää",
        "Shoe/1",
        "Shoe?size=9",
    ] {
        let answer = get(&system, &rest.replace('ä', "%C3%A4")).await;
        let outcome = answer.json();
        assert_eq!(answer.status, 404, "{rest}");
        assert_eq!(outcome["issue"][0]["code"], "not-found", "{rest}: {outcome}");
        assert_eq!(
            outcome["issue"][0]["details"]["text"], "Not Found",
            "{rest}: {outcome}"
        );
    }
}

#[tokio::test]
async fn millennium_05_a_patient_search_needs_one_of_nine_parameters() {
    let system = profile("millennium").await;
    in_patient(&system).await;
    for rest in [
        "Patient",
        "Patient?gender=female",
        "Patient?shoe-size=9",
        "Patient?_count=5",
    ] {
        let answer = get(&system, rest).await;
        let outcome = answer.json();
        assert_eq!(
            (answer.status, &outcome["issue"][0]["code"]),
            (400, &json!("invalid")),
            "{rest}"
        );
        assert!(
            outcome["issue"][0]["diagnostics"]
                .as_str()
                .unwrap()
                .contains("address-postalcode"),
            "{outcome}"
        );
    }
    for rest in [
        "Patient?identifier=9990000018",
        "Patient?identifier=999%20000%200018",
        &format!("Patient?identifier={NHS}%7C9990000018"),
        "Patient?identifier=1200455",
        "Patient?name=pl",
        "Patient?family=PLU&gender=female",
        "Patient?family:exact=plum",
        "Patient?given=ivy",
        "Patient?birthdate=1970-02-28",
        "Patient?birthdate=ge1970-02&birthdate=lt1970-03",
        "Patient?phone=02079460001",
        "Patient?address-postalcode=zz11aa",
    ] {
        assert_eq!(get(&system, rest).await.resources().len(), 1, "{rest}");
    }
    for rest in [
        "Patient?identifier=9990000026",
        "Patient?identifier=urn:oid:2.25.1%7C1200455",
        "Patient?name=lum",
        "Patient?family=plum&gender=male",
        "Patient?family:exact=plu",
        "Patient?birthdate=gt1970-02-28",
        "Patient?birthdate=1971",
    ] {
        assert_eq!(get(&system, rest).await.resources().len(), 0, "{rest}");
    }
    for rest in [
        "Patient?birthdate=yesterday",
        "Patient?birthdate=1970-02-28T10:00",
        "Patient?name=a&_count=x",
        "Patient?identifier=abc%7C",
    ] {
        assert_eq!(get(&system, rest).await.status, 400, "{rest}");
    }
}

#[tokio::test]
async fn millennium_06_more_than_a_thousand_patients_are_too_many() {
    let system = peopled(1_050).await;
    let answer = get(&system, "Patient?birthdate=ge1900").await;
    assert_eq!(answer.status, 422, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(get(&system, "Patient?family=plum").await.status, 200);
}

#[tokio::test]
async fn millennium_07_pages_by_an_opaque_context_and_counts_nothing() {
    let system = peopled(90).await;
    let mut seen = std::collections::BTreeSet::new();
    let mut next = Some("Patient?birthdate=ge1900&_count=20".to_owned());
    let mut pages = 0;
    while let Some(rest) = next.take() {
        let answer = get(&system, &rest).await;
        assert!(answer.json().get("total").is_none());
        assert!(answer.link("self").is_some());
        for patient in answer.resources() {
            assert!(
                seen.insert(patient["id"].as_str().unwrap().to_owned()),
                "seen twice"
            );
        }
        next = answer
            .link("next")
            .map(|url| url.split_once(&format!("{TENANT}/")).unwrap().1.to_owned());
        pages += 1;
        if let Some(next) = &next {
            assert!(
                next.contains("-pageContext=") && next.contains("_count=20"),
                "{next}"
            );
        }
    }
    assert_eq!((pages, seen.len()), (5, 90));
    assert_eq!(
        get(&system, "Patient?birthdate=ge1901&-pageContext=nonsense")
            .await
            .status,
        400
    );
    // Twenty without a count.
    assert_eq!(
        get(&system, "Patient?birthdate=ge1900").await.resources().len(),
        20
    );
}

#[tokio::test]
async fn millennium_07_a_page_may_repeat_what_the_one_before_ended_with() {
    let system = peopled(30).await;
    let fault: adapters::Fault = serde_json::from_str(r#"{"fault": "page-repeat", "count": 1}"#).unwrap();
    system.epr.set_faults(vec![fault]).unwrap();
    let mut next = Some("Patient?birthdate=ge1900&_count=10".to_owned());
    let (mut ids, mut sizes) = (Vec::new(), Vec::new());
    while let Some(rest) = next.take() {
        let answer = get(&system, &rest).await;
        let found = answer.resources();
        sizes.push(found.len());
        ids.extend(
            found
                .iter()
                .map(|patient| patient["id"].as_str().unwrap().to_owned()),
        );
        next = answer
            .link("next")
            .map(|url| url.split_once(&format!("{TENANT}/")).unwrap().1.to_owned());
    }
    // The second page repeats one; nobody is missing.
    assert_eq!(sizes, [10, 11, 10]);
    assert_eq!(ids[9], ids[10]);
    ids.dedup();
    assert_eq!(ids.len(), 30);
}

#[tokio::test]
async fn millennium_08_each_type_has_its_required_parameters() {
    let system = profile("millennium").await;
    let id = in_patient(&system).await.fhir_id.unwrap();
    for rest in [
        "Encounter",
        "Encounter?date=2026",
        "Encounter?status=finished",
        "Observation",
        "Observation?category=laboratory",
        &format!("Observation?patient={id}&date=2026&_lastUpdated=2026"),
        &format!("Observation?patient={id}&date=x"),
        "Encounter?identifier=1&status=finished",
    ] {
        assert_eq!(get(&system, rest).await.status, 400, "{rest}");
    }
    for rest in [
        format!("Encounter?patient={id}"),
        format!("Encounter?subject=Patient/{id}&status=in-progress&date=2026-06-01"),
        format!("Encounter?patient={id}&date=ge2026-05-30&date=le2026-05-30"),
        format!("Observation?patient={id}"),
        format!("Observation?subject=Patient/{id}&category=laboratory&date=ge2026-06-01T09:00:00Z"),
        format!("Observation?patient={id}&code=NA&_lastUpdated=2026-06-01"),
    ] {
        assert_eq!(get(&system, &rest).await.resources().len(), 1, "{rest}");
    }
    for rest in [
        format!("Encounter?patient={id}&date=2026-05-29"),
        format!("Encounter?patient={id}&status=finished"),
        "Encounter?patient=10000001".to_owned(),
        format!("Observation?patient={id}&category=vital-signs"),
        format!("Observation?patient={id}&code=K"),
        format!("Observation?patient={id}&date=2026-05-31"),
    ] {
        assert_eq!(get(&system, &rest).await.resources().len(), 0, "{rest}");
    }
}

#[tokio::test]
async fn millennium_12_a_service_request_cannot_be_posted() {
    let system = profile("millennium").await;
    let request = http::Request::post(path("ServiceRequest"))
        .header("content-type", "application/fhir+json")
        .body(axum::body::Body::from(r#"{"resourceType":"ServiceRequest"}"#))
        .unwrap();
    assert_eq!(system.ask(request).await.status, 405);
}

#[tokio::test]
async fn millennium_14_numbers_and_codes_are_doubled_and_user_selected() {
    let system = profile("millennium").await;
    let id = in_patient(&system).await.fhir_id.unwrap();
    let patient = get(&system, &format!("Patient/{id}")).await.json();
    let identifiers = patient["identifier"].as_array().unwrap();
    let mrn = identifiers
        .iter()
        .find(|identifier| identifier["value"] == "1200455")
        .unwrap();
    assert_eq!(
        mrn["type"]["coding"][0],
        json!({
        "system": format!("https://fhir.cerner.com/{TENANT}/codeSet/4"), "code": "10", "display": "MRN", "userSelected": true})
    );
    assert_eq!(mrn["type"]["coding"][1]["code"], "MR");
    assert!(mrn["system"].as_str().unwrap().starts_with("urn:oid:") && mrn["period"].is_object());
    let nhs = identifiers
        .iter()
        .find(|identifier| identifier["system"] == NHS)
        .unwrap();
    assert_eq!(nhs["value"], "9990000018");
    assert_eq!(patient["gender"], "female");
    assert_eq!(patient["birthDate"], "1970-02-28");
    assert_eq!(patient["maritalStatus"]["coding"][0]["code"], "305");
    assert_eq!(patient["text"]["status"], "generated");
    let encounter = get(&system, &format!("Encounter?patient={id}"))
        .await
        .resources()
        .remove(0);
    let fin = &encounter["identifier"][0]["type"]["coding"];
    assert_eq!((&fin[0]["code"], &fin[1]["code"]), (&json!("1077"), &json!("AN")));
    assert_eq!(encounter["type"][0]["coding"][0]["code"], "391");
    assert_eq!(encounter["class"]["code"], "IMP");
    assert_eq!(encounter["period"]["start"], "2026-05-30T07:00:00Z");
}

#[tokio::test]
async fn millennium_15_ids_have_the_shape_of_their_type() {
    let system = profile("millennium").await;
    let id = in_patient(&system).await.fhir_id.unwrap();
    assert!(id.parse::<u64>().is_ok());
    let encounter = get(&system, &format!("Encounter?patient={id}"))
        .await
        .resources()
        .remove(0);
    assert!(encounter["id"].as_str().unwrap().parse::<u64>().is_ok());
    let observation = get(&system, &format!("Observation?patient={id}"))
        .await
        .resources()
        .remove(0);
    let lab = observation["id"].as_str().unwrap();
    assert!(lab.starts_with("L-"), "{lab}");
    assert_eq!(
        observation["encounter"]["reference"],
        format!("Encounter/{}", encounter["id"].as_str().unwrap())
    );
    let read = get(&system, &format!("Observation/{lab}")).await.json();
    assert_eq!(read["id"], lab);
    assert_eq!(
        get(&system, &format!("Observation/{}", lab.replace("L-", "VS-")))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn millennium_16_a_combined_patient_is_read_by_id_only() {
    let system = profile("millennium").await;
    let survivor = in_patient(&system).await.fhir_id.unwrap();
    let loser = system
        .act(json!({"register": {"mrn": "1200999", "family": "Plumm", "given": "Ivy"}}))
        .await
        .fhir_id
        .unwrap();
    system
        .act(json!({"attend": {"patient": "1200999", "class": "emergency", "visit": "77"}}))
        .await;
    system
        .act(json!({"merge": {"survivor": "1200455", "loser": "1200999"}}))
        .await;
    let answer = get(&system, &format!("Patient/{loser}")).await;
    let combined = answer.json();
    assert_eq!((answer.status, &combined["active"]), (200, &json!(false)));
    assert_eq!(combined["link"][0]["type"], "replaced-by");
    assert_eq!(
        combined["link"][0]["other"]["reference"],
        format!("Patient/{survivor}")
    );
    let absent = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
    assert_eq!(combined["name"][0]["extension"][0]["url"], absent);
    assert_eq!(combined["_gender"]["extension"][0]["valueCode"], "unknown");
    assert!(!combined.to_string().contains("Plumm"), "{combined}");
    assert!(get(&system, "Patient?family=plumm").await.resources().is_empty());
    assert!(
        get(&system, "Patient?identifier=1200999")
            .await
            .resources()
            .iter()
            .all(|patient| patient["id"] == survivor.as_str())
    );
    // Its visit went along.
    assert_eq!(
        get(&system, &format!("Encounter?patient={survivor}"))
            .await
            .resources()
            .len(),
        2
    );
    assert!(
        get(&system, &format!("Encounter?patient={loser}"))
            .await
            .resources()
            .is_empty()
    );
}

#[tokio::test]
async fn millennium_20_hl7_has_its_control_ids_pools_and_words() {
    let system = profile("millennium").await;
    system.act(register()).await;
    let message = told(
        &system,
        json!({"admit": {"patient": "1200455", "ward": "Albert Ward", "visit": "4401877"}}),
    )
    .await;
    assert_eq!(field(&message, "MSH", 12), "2.3");
    let id = field(&message, "MSH", 10);
    assert!(id.len() == 22 && id.starts_with('Q') && id.contains('T'), "{id}");
    assert!(
        field(&message, "PID", 3).starts_with("1200455^^^ICHT MRN^MRN^CD:5294405"),
        "{message}"
    );
    assert_eq!(field(&message, "PID", 18), "4401877^^^ICHT Encounter Num^FINNBR");
    assert_eq!(field(&message, "PV1", 2), "Inpatient");
    assert_eq!(field(&message, "PID", 7), "19700228000000");
    let tidied = vendor("millennium").profile("millennium").unwrap();
    assert_eq!(tidied.dialect.name, "millennium");
}

#[tokio::test]
async fn millennium_21_a_code_without_alias_prints_its_value_and_fhir_shows_the_same_number() {
    let system = profile("millennium").await;
    system.act(register()).await;
    let leaked = told(
        &system,
        json!({"update": {"patient": "1200455", "ethnicity": "S"}}),
    )
    .await;
    assert_eq!(field(&leaked, "PID", 22), "CD:312507");
    let raw = profile("millennium-raw").await;
    raw.act(register()).await;
    let message = told(
        &raw,
        json!({"admit": {"patient": "1200455", "ward": "Albert Ward"}}),
    )
    .await;
    assert_eq!(
        (field(&message, "MSH", 3), field(&message, "MSH", 4)),
        (String::new(), "HNA".into())
    );
    assert_eq!(
        (field(&message, "MSH", 11), field(&message, "MSH", 18)),
        ("D".into(), "8859/1".into())
    );
    assert!(field(&message, "PID", 3).contains("^CD:10^"), "{message}");
    assert!(field(&message, "PID", 18).contains("^CD:1077"), "{message}");
    assert_eq!(field(&message, "PV1", 2), "CD:391");
    let id = raw
        .act(json!({"update": {"patient": "1200455", "title": "Dr"}}))
        .await
        .fhir_id
        .unwrap();
    let patient = get(&raw, &format!("Patient/{id}")).await.json();
    let codes: Vec<&str> = patient["identifier"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["type"]["coding"][0]["code"].as_str().unwrap())
        .collect();
    assert!(codes.contains(&"10"), "{codes:?}");
}

#[tokio::test]
async fn millennium_22_and_23_pools_come_in_any_order_one_per_trust_nhs_last() {
    let mut system = profile("millennium").await;
    system
        .told(&[
            "MSH|^~\\&|CERNER|RYJ|||20260316101522||ADT^A28|Q1T1|P|2.3",
            "EVN|A28|20260316101522",
            "PID|1||9990000018^^^NHSNBR^NHSNMBR~1300977^^^ICHT MRN^MRN~2126675^^^CWFT MRN^MRN||Plum^Ivy||19700228000000|F",
        ])
        .await;
    let mut orders = std::collections::BTreeSet::new();
    for title in ["Ms", "Mrs"] {
        let message = told(&system, json!({"update": {"patient": "2126675", "title": title}})).await;
        let pid3 = field(&message, "PID", 3);
        let repeats: Vec<&str> = pid3.split('~').collect();
        assert_eq!(repeats.len(), 3, "{pid3}");
        assert_eq!(repeats[2], "9990000018^^^NHSNBR^NHSNMBR");
        orders.insert(repeats[0].to_owned());
    }
    assert_eq!(orders.len(), 2, "the two pools swap: {orders:?}");
    // The same person is found by either trust's number, whatever the order in the message.
    system
        .told(&[
            "MSH|^~\\&|CERNER|RQM|||20260316101522||ADT^A31|Q2T2|P|2.3",
            "EVN|A31|20260316101522",
            "PID|1||2126675^^^CWFT MRN^MRN||Plum^Ivy^Rose||19700228000000|F",
        ])
        .await;
    assert_eq!(system.epr.people(), 1);
}

#[tokio::test]
async fn millennium_24_a_feed_without_contributor_is_an_error() {
    let mut system = profile("millennium").await;
    let pid = "PID|1||1300977^^^ICHT MRN^MRN||Plum^Ivy";
    let answer = system
        .send(&[
            "MSH|^~\\&|||||20260316101522||ADT^A28|Q1T1|P|2.3",
            "EVN|A28|2026",
            pid,
        ])
        .await;
    assert_eq!(code(&answer), "AE");
    assert!(field(&answer, "MSA", 3).contains("contributor"), "{answer}");
    let answer = system
        .send(&[
            "MSH|^~\\&||HNA|||20260316101522||ADT^A28|Q1T1|P|2.3",
            "EVN|A28|2026",
            pid,
        ])
        .await;
    assert_eq!(code(&answer), "AA");
}

#[tokio::test]
async fn millennium_25_a_person_combine_is_a34_or_a40_and_both_are_understood() {
    for (choice, event) in [("A34", "A34"), ("A40", "A40")] {
        let vendor = vendor("millennium");
        let mut settings = settings(vendor, "millennium");
        settings.choices.insert("merge-event".into(), choice.into());
        let mut system = System::with(vendor, settings).await;
        system
            .act(json!({"register": {"mrn": "1", "family": "Plum"}}))
            .await;
        system
            .act(json!({"register": {"mrn": "2", "family": "Plumm"}}))
            .await;
        let message = told(&system, json!({"merge": {"survivor": "1", "loser": "2"}})).await;
        assert_eq!(field(&message, "MSH", 9), format!("ADT^{event}"));
        assert_eq!(
            field(&message, "MRG", 1),
            "2^^^ICHT MRN^MRN^CD:5294405",
            "the losing alias with its pool"
        );
        for (control, event, loser) in [("Q1T1", "A34", "3"), ("Q2T2", "A40", "4")] {
            system
                .told(&[
                    &format!("MSH|^~\\&|CERNER|RYJ|||20260316101522||ADT^{event}|{control}|P|2.3"),
                    &format!("EVN|{event}|20260316101522"),
                    "PID|1||1^^^ICHT MRN^MRN||Plum^Ivy",
                    &format!("MRG|{loser}^^^ICHT MRN^MRN"),
                ])
                .await;
            assert_eq!(
                system
                    .act(json!({"update": {"patient": loser, "title": "Ms"}}))
                    .await
                    .mrn,
                "1"
            );
        }
        let answer = system
            .send(&[
                "MSH|^~\\&|CERNER|RYJ|||20260316||ADT^A40|Q3T3|P|2.3",
                "EVN|A40|2026",
                "PID|1||1^^^ICHT MRN^MRN||Plum",
            ])
            .await;
        assert_eq!(code(&answer), "AE");
        assert!(field(&answer, "MSA", 3).contains("MRG"), "{answer}");
    }
}

#[tokio::test]
async fn millennium_26_results_carry_order_and_event_ids() {
    let system = profile("millennium").await;
    system.act(register()).await;
    let message = told(&system, json!({"result": {"patient": "1200455", "filler": "F1", "service": ["UE", "Urea"], "tests": [{"code": "NA", "value": "139"}]}})).await;
    assert!(field(&message, "OBR", 2).ends_with("^HNAM_ORDERID"), "{message}");
    let filler = field(&message, "OBR", 3);
    assert!(
        filler.starts_with("F1^HNAM_CEREF~") && filler.ends_with("^HNAM_EVENTID"),
        "{filler}"
    );
}

#[tokio::test]
async fn millennium_27_what_is_assumed_is_a_named_setting() {
    let assumptions = vendor("millennium").assumptions;
    for name in ["merge-event", "tenant", "acknowledgement", "contributor", "total"] {
        assert!(
            assumptions
                .iter()
                .any(|known| known.name == name && known.source.contains("millennium.md")),
            "{name}"
        );
    }
}

#[tokio::test]
async fn millennium_observations_follow_a_correction() {
    let system = profile("millennium").await;
    let id = in_patient(&system).await.fhir_id.unwrap();
    let before = get(&system, &format!("Observation?patient={id}"))
        .await
        .resources()
        .remove(0);
    assert_eq!(
        (&before["status"], &before["valueQuantity"]["unit"]),
        (&json!("final"), &json!("mmol/L"))
    );
    system.act(json!({"correct-result": {"patient": "1200455", "filler": "F1", "tests": [{"code": "NA", "name": "Sodium", "value": "149.0"}]}})).await;
    let answer = get(&system, &format!("Observation?patient={id}")).await;
    let after = answer.resources().remove(0);
    assert_eq!(after["id"], before["id"]);
    assert_eq!(after["status"], "corrected");
    assert!(
        String::from_utf8_lossy(&answer.body).contains("\"value\":149.0"),
        "digits stay as written"
    );
}

#[tokio::test]
async fn millennium_says_what_it_serves_and_serves_what_it_says() {
    let system = peopled(30).await;
    let statement = get(&system, "metadata").await.json();
    assert_eq!(
        (&statement["fhirVersion"], &statement["format"]),
        (&json!("4.0.1"), &json!(["json"]))
    );
    assert!(statement.get("software").is_none());
    for resource in statement["rest"][0]["resource"].as_array().unwrap() {
        let kind = resource["type"].as_str().unwrap();
        for parameter in resource["searchParam"].as_array().into_iter().flatten() {
            let (name, value) = (
                parameter["name"].as_str().unwrap(),
                match parameter["type"].as_str().unwrap() {
                    "date" => "2026-01-01",
                    _ => "1",
                },
            );
            let with = if kind == "Patient" {
                "name=a"
            } else {
                "patient=10000001&date=ge2026"
            };
            // A code must name the order catalogue; an update excludes a date.
            let with = match (kind, name) {
                (_, "_lastUpdated" | "date") => "patient=10000001",
                _ => with,
            };
            let value = match (kind, name) {
                ("ServiceRequest", "code") => "https://fhir.cerner.com/t/codeSet/200|1",
                _ => value,
            };
            let rest = format!("{kind}?{with}&{name}={value}");
            assert_eq!(get(&system, &rest).await.status, 200, "{rest}");
        }
    }
}
