//! Epic: orders, bookings, documents, allergies and problems on both faces, what FHIR may write, and matching.

#![allow(clippy::unwrap_used)] // also in what the tests call

mod harness;

use axum::body::Body;
use harness::{Answer, System, code, field, settings, vendor};
use serde_json::{Value, json};

const BASE: &str = "/epic/api/FHIR/R4";

async fn get(system: &System, rest: &str) -> Answer {
    system.get(&format!("{BASE}/{rest}")).await
}

async fn send(system: &System, method: &str, rest: &str, body: &Value) -> Answer {
    let request = http::Request::builder()
        .method(method)
        .uri(format!("{BASE}/{rest}"))
        .header("host", "epr.test")
        .header("accept", "application/fhir+json")
        .header("content-type", "application/fhir+json")
        .body(Body::from(body.to_string()))
        .unwrap();
    system.ask(request).await
}

async fn somebody(system: &System) -> String {
    let told = system
        .act(json!({"register": {"mrn": "40712331", "nhs-number": "9990000018", "family": "Plum", "given": "Ivy",
            "birth-date": "1970-02-28", "sex": "female"}}))
        .await;
    told.fhir_id.unwrap()
}

fn issue(answer: &Answer) -> (u16, String) {
    let outcome = answer.json();
    let code = outcome["issue"][0]["details"]["coding"][0]["code"]
        .as_str()
        .unwrap();
    (answer.status, code.to_owned())
}

fn made(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    answer.header("location").rsplit_once("R4/").unwrap().1.to_owned()
}

fn allergy(patient: &str) -> Value {
    json!({"resourceType": "AllergyIntolerance", "category": ["medication"],
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "91936005"}], "text": "Penicillin"},
        "patient": {"reference": format!("Patient/{patient}")}})
}

#[tokio::test]
async fn epic_14_match_gives_score_and_grade_and_only_certain_ones() {
    let system = System::start("epic").await;
    let patient = somebody(&system).await;
    let ask = |given: &str, certain: bool| {
        json!({"resourceType": "Parameters", "parameter": [
            {"name": "resource", "resource": {"resourceType": "Patient", "birthDate": "1970-02-28", "gender": "female",
                "name": [{"family": "plum", "given": [given]}]}},
            {"name": "onlyCertainMatches", "valueBoolean": certain}]})
    };
    let found = send(&system, "POST", "Patient/$match", &ask("Ivy", true))
        .await
        .json();
    let entry = &found["entry"][0];
    assert_eq!(entry["resource"]["id"], patient.as_str());
    assert!(entry["search"]["score"].as_f64().unwrap() >= 0.9);
    assert_eq!(entry["search"]["extension"][0]["valueCode"], "certain");
    let nobody = send(&system, "POST", "Patient/$match", &ask("Rose", true)).await;
    assert_eq!(issue_of_entry(&nobody), "4101");
    assert_eq!(
        issue(&send(&system, "POST", "Patient/$match", &ask("Rose", false)).await),
        (400, "59159".into())
    );
    let vendor = vendor("epic");
    let mut settings = settings(vendor, "epic-uclh");
    settings.choices.insert("uncertain-matches".into(), "on".into());
    let lenient = System::with(vendor, settings).await;
    somebody(&lenient).await;
    let likely = send(&lenient, "POST", "Patient/$match", &ask("Rose", false))
        .await
        .json();
    assert_eq!(
        likely["entry"][0]["search"]["extension"][0]["valueCode"],
        "probable"
    );
}

fn issue_of_entry(answer: &Answer) -> String {
    let bundle = answer.json();
    let outcome = &bundle["entry"][0]["resource"];
    outcome["issue"][0]["details"]["coding"][0]["code"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn epic_17_a_second_allergy_is_a_duplicate_and_an_unknown_reference_is_told() {
    let system = System::start("epic").await;
    let patient = somebody(&system).await;
    let place = made(&send(&system, "POST", "AllergyIntolerance", &allergy(&patient)).await);
    let read = get(&system, &place).await;
    assert_eq!(
        read.json()["code"]["coding"][0]["system"],
        "http://snomed.info/sct"
    );
    assert!(read.header("etag").is_empty());
    assert_eq!(
        issue(&send(&system, "POST", "AllergyIntolerance", &allergy(&patient)).await),
        (400, "59141".into())
    );
    assert_eq!(
        issue(&send(&system, "POST", "AllergyIntolerance", &allergy("eNobody3")).await),
        (400, "59144".into())
    );
    let broken = send(&system, "POST", "AllergyIntolerance", &json!("no resource")).await;
    assert_eq!(issue(&broken), (400, "59105".into()));
    let found = get(
        &system,
        &format!("AllergyIntolerance?patient={patient}&clinical-status=active"),
    )
    .await;
    assert_eq!(found.resources().len(), 1);
}

#[tokio::test]
async fn epic_19_a_result_that_meets_no_order_is_accepted_and_waits_until_it_does() {
    let vendor = vendor("epic");
    let mut settings = settings(vendor, "epic-uclh");
    settings.choices.insert("strict-results".into(), "on".into());
    let mut system = System::with(vendor, settings).await;
    let patient = somebody(&system).await;
    let header = |id: &str| format!("MSH|^~\\&|WinPath|UCH|Epic|UCH|20260601090000||ORU^R01|{id}|P|2.3");
    let pid = "PID|1||40712331^^^MRENTR^MEDREC";
    let obr = |n: u8, placer: &str| {
        format!("OBR|{n}|{placer}^EPC|L{n}|UE^Urea|||20260601080000||||||||||||||||||F")
    };
    let obx = "OBX|1|NM|NA^Sodium^Winpath||139.0|mmol/L|||||F";
    let two = [
        header("1"),
        pid.into(),
        obr(1, "P1"),
        obx.into(),
        obr(2, "P1"),
        obx.into(),
    ];
    let lines: Vec<&str> = two.iter().map(String::as_str).collect();
    assert_eq!(code(&system.send(&lines).await), "AA");
    let unmet = [header("2"), pid.into(), obr(1, "P1"), obx.into()];
    let lines: Vec<&str> = unmet.iter().map(String::as_str).collect();
    assert_eq!(code(&system.send(&lines).await), "AA");
    let reasons: Vec<String> = system
        .epr
        .troubles()
        .into_iter()
        .map(|trouble| trouble.reason)
        .collect();
    assert!(
        reasons[0].starts_with("OBR[2]") && reasons[1].starts_with("OBR-2"),
        "{reasons:?}"
    );
    let find = format!("Observation?patient={patient}&category=laboratory");
    assert_eq!(issue_of_entry(&get(&system, &find).await), "4101");
    system
        .act(json!({"order": {"patient": "40712331", "number": "P1", "service": ["UE", "Urea"]}}))
        .await;
    system.act(json!({"retrigger": {"control-id": "2"}})).await;
    assert_eq!(get(&system, &find).await.resources().len(), 1);
    assert_eq!(system.epr.troubles().len(), 1);
}

#[tokio::test]
async fn epic_23_and_24_each_feed_has_its_own_name_and_version() {
    let system = System::start("epic").await;
    let patient = somebody(&system).await;
    let header = |report: &adapters::ActReport| {
        let message = String::from_utf8(report.message.to_vec()).unwrap();
        [3, 4, 6, 12].map(|n| field(&message, "MSH", n))
    };
    let problem = system
        .act(json!({"problem": {"patient": "40712331", "problem": ["J45", "Asthma"]}}))
        .await;
    assert_eq!(
        (problem.event.as_str(), header(&problem)),
        ("PPR^PC1", ["EPIC", "Problem List", "", "2.5.1"].map(String::from))
    );
    let order = system
        .act(json!({"order": {"patient": "40712331", "service": ["FBC", "Full blood count"]}}))
        .await;
    assert_eq!(header(&order), ["", "", "LAB", "2.3"].map(String::from));
    let vital = json!({"resourceType": "Observation", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "category": [{"coding": [{"code": "vital-signs"}]}],
        "subject": {"reference": format!("Patient/{patient}")},
        "effectiveDateTime": "2026-05-30T09:00:00Z", "valueQuantity": {"value": 72, "unit": "/min"}});
    let place = made(&send(&system, "POST", "Observation", &vital).await);
    assert_eq!(
        get(&system, &place).await.json()["category"][0]["coding"][0]["code"],
        "vital-signs"
    );
    let mut unmapped = vital;
    unmapped["code"]["coding"][0]["code"] = json!("1-1");
    assert_eq!(
        issue(&send(&system, "POST", "Observation", &unmapped).await),
        (400, "59111".into())
    );
}

#[tokio::test]
async fn epic_27_the_merge_trio_is_told_too() {
    let system = System::start("epic").await;
    somebody(&system).await;
    system
        .act(json!({"register": {"mrn": "40799999", "family": "Plum"}}))
        .await;
    system
        .act(json!({"admit": {"patient": "40799999", "visit": "1000000077", "ward": "T06"}}))
        .await;
    let moved = system
        .act(json!({"move-visit": {"patient": "40799999", "visit": "1000000077", "to": "40712331"}}))
        .await;
    let message = String::from_utf8(moved.message.to_vec()).unwrap();
    assert_eq!(moved.event, "ADT^A45");
    assert_eq!(
        (
            field(&message, "MRG", 1).as_str(),
            field(&message, "MRG", 5).as_str()
        ),
        ("40799999^^^MRENTR^MEDREC", "1000000077")
    );
    let renumbered = system
        .act(json!({"renumber": {"patient": "40712331", "number": "40712332"}}))
        .await;
    let message = String::from_utf8(renumbered.message.to_vec()).unwrap();
    assert_eq!(
        (renumbered.event.as_str(), field(&message, "EVN", 4).as_str()),
        ("ADT^A47", "PATIENT_CHANGE_ID")
    );
    assert!(
        field(&message, "MRG", 1).starts_with("40712331")
            && field(&message, "PID", 3).starts_with("40712332")
    );
}

#[tokio::test]
async fn epic_28_a_made_visit_and_a_pending_move_say_why() {
    let system = System::start("epic").await;
    somebody(&system).await;
    let why = |report: adapters::ActReport| {
        let message = String::from_utf8(report.message.to_vec()).unwrap();
        (
            report.event,
            field(&message, "EVN", 4),
            field(&message, "PV1", 42),
        )
    };
    let made = system
        .act(json!({"create-encounter": {"patient": "40712331"}}))
        .await;
    assert_eq!(why(made), ("ADT^A04".into(), "ENC_CREATE".into(), String::new()));
    system
        .act(json!({"admit": {"patient": "40712331", "ward": "T06"}}))
        .await;
    let pending = system
        .act(json!({"plan-transfer": {"patient": "40712331", "ward": "T07"}}))
        .await;
    let (event, reason, place) = why(pending);
    assert_eq!((event.as_str(), reason.as_str()), ("ADT^A15", "PNDTRANSFER"));
    assert!(place.starts_with("T07^"));
    let taken_back = system
        .act(json!({"cancel-plan-transfer": {"patient": "40712331"}}))
        .await;
    assert_eq!(
        why(taken_back),
        ("ADT^A26".into(), "PNDTRANSFERDELETE".into(), String::new())
    );
}

#[tokio::test]
async fn epic_29_messages_leave_doubled_swapped_and_hours_late() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};
    let hours = Arc::new(AtomicI64::new(0));
    let clock: adapters::Clock = {
        let hours = hours.clone();
        Arc::new(move || {
            let start: jiff::Timestamp = "2026-06-01T09:00:00Z".parse().unwrap();
            start + jiff::SignedDuration::from_hours(hours.load(Ordering::Relaxed))
        })
    };
    let vendor = vendor("epic");
    let receiver = harness::Receiver::start().await;
    let mut settings = adapters::EprSettings::new("epic", vendor.default_profile(), clock);
    settings.send_to = Some(receiver.address());
    let system = System::with(vendor, settings).await;
    let late = json!([{"fault": "delay", "count": 1, "delay-ms": 4 * 3_600_000}, {"fault": "duplicate", "count": 1}]);
    system
        .epr
        .set_faults(serde_json::from_value(late).unwrap())
        .unwrap();
    system.act(json!({"register": {"family": "Late"}})).await;
    system.act(json!({"register": {"family": "Prompt"}})).await;
    hours.store(5, Ordering::Relaxed);
    system.epr.outbox_empty().await;
    let got = receiver.messages();
    let late = got.iter().filter(|message| message.contains("LATE")).count();
    let prompt = got.iter().filter(|message| message.contains("PROMPT")).count();
    assert_eq!(got.len(), 3, "one of the two twice");
    assert!(late >= 1 && prompt >= 1);
}

#[tokio::test]
async fn epic_a_person_is_created_once_and_an_order_is_created_changed_and_told() {
    let system = System::start("epic").await;
    let person = json!({"resourceType": "Patient", "birthDate": "1980-05-17", "gender": "male",
        "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000026"}],
        "name": [{"family": "Rowan", "given": ["Tom"]}]});
    let place = made(&send(&system, "POST", "Patient", &person).await);
    let read = get(&system, &place).await.json();
    assert_eq!(
        (&read["name"][0]["family"], &read["gender"]),
        (&json!("Rowan"), &json!("male"))
    );
    assert_eq!(
        issue(&send(&system, "POST", "Patient", &person).await),
        (400, "59141".into())
    );
    let order = |status: &str| {
        json!({"resourceType": "ServiceRequest", "status": status, "intent": "order",
            "code": {"coding": [{"system": "urn:oid:1.2.3", "code": "FBC"}], "text": "Full blood count"},
            "subject": {"reference": place}})
    };
    let request = made(&send(&system, "POST", "ServiceRequest", &order("active")).await);
    assert_eq!(
        send(&system, "PUT", &request, &order("revoked")).await.status,
        200
    );
    let id = place.trim_start_matches("Patient/");
    let found = get(&system, &format!("ServiceRequest?patient={id}"))
        .await
        .resources();
    assert_eq!((found.len(), &found[0]["status"]), (1, &json!("revoked")));
    assert_eq!(
        send(&system, "PUT", "ServiceRequest/eNone3", &order("active"))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn epic_serves_every_parameter_that_it_says_it_has() {
    let system = System::start("epic").await;
    let patient = somebody(&system).await;
    let statement = get(&system, "metadata").await.json();
    for resource in statement["rest"][0]["resource"].as_array().unwrap() {
        let kind = resource["type"].as_str().unwrap();
        for parameter in resource["searchParam"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let value = match (name, parameter["type"].as_str().unwrap()) {
                ("patient" | "subject" | "encounter", _) => continue,
                (_, "date") => "2026-01-01",
                _ => "1",
            };
            let with = match kind {
                "Patient" => "family=Plum&given=Ivy&birthdate=1970-02-28".to_owned(),
                "Observation" => format!("patient={patient}&category=laboratory"),
                _ => format!("patient={patient}"),
            };
            if kind == "Patient" && name == "birthdate" {
                continue;
            }
            let rest = format!("{kind}?{with}&{name}={value}");
            assert_eq!(get(&system, &rest).await.status, 200, "{rest}");
        }
    }
}

#[tokio::test]
async fn epic_faults_stand_in_for_the_face_and_are_over() {
    let system = System::start("epic").await;
    let patient = somebody(&system).await;
    let read = format!("Patient/{patient}");
    for (fault, status) in [("fhir-401", 401), ("fhir-429", 429), ("fhir-503", 503)] {
        let faults = json!([{"fault": fault, "count": 1}]);
        system
            .epr
            .set_faults(serde_json::from_value(faults).unwrap())
            .unwrap();
        let answer = get(&system, &read).await;
        assert_eq!(
            (answer.status, answer.json()["resourceType"].as_str()),
            (status, Some("OperationOutcome"))
        );
        assert_eq!(get(&system, &read).await.status, 200, "{fault} is over");
    }
}
