//! Millennium: orders, bookings, documents, allergies and problems on both faces, and what FHIR may write.

#![allow(clippy::unwrap_used)] // also in what the tests call

mod harness;

use axum::body::Body;
use harness::{Answer, System, code, field, settings, vendor};
use serde_json::{Value, json};

const BASE: &str = "/millennium/r4/7f3e2a54-0c1b-4d6e-9a8f-5b21c0de9990";

async fn get(system: &System, rest: &str) -> Answer {
    system.get(&format!("{BASE}/{rest}")).await
}

async fn send(system: &System, method: &str, rest: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
    let mut request = http::Request::builder()
        .method(method)
        .uri(format!("{BASE}/{rest}"))
        .header("host", "epr.test")
        .header("accept", "application/fhir+json")
        .header("content-type", "application/fhir+json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    system
        .ask(request.body(Body::from(body.to_string())).unwrap())
        .await
}

/// Somebody known, and the id they have here.
async fn somebody(system: &System) -> String {
    let told = system
        .act(json!({"register": {"mrn": "1200455", "family": "Plum", "given": "Ivy", "birth-date": "1970-02-28"}}))
        .await;
    told.fhir_id.unwrap()
}

fn allergy(patient: &str) -> Value {
    json!({"resourceType": "AllergyIntolerance",
        "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]},
        "verificationStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification", "code": "confirmed"}]},
        "category": ["medication"], "criticality": "high",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "91936005", "display": "Allergy to penicillin"}]},
        "patient": {"reference": format!("Patient/{patient}")}})
}

/// The path after the base in a `Location`.
fn made(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    let location = answer.header("location");
    location.rsplit_once("9990/").unwrap().1.to_owned()
}

fn issue(answer: &Answer) -> (u16, String) {
    let code = answer.json()["issue"][0]["code"].as_str().unwrap().to_owned();
    (answer.status, code)
}

#[tokio::test]
async fn millennium_03_a_write_has_a_second_request_id() {
    let system = System::start("millennium").await;
    let patient = somebody(&system).await;
    let answer = send(&system, "POST", "AllergyIntolerance", &allergy(&patient), &[]).await;
    assert!(!answer.header("opc-request-id").is_empty());
    assert_eq!(answer.header("opc-request-id"), answer.header("x-request-id"));
}

#[tokio::test]
async fn millennium_08_clinical_types_have_their_required_parameters_too() {
    let system = System::start("millennium").await;
    let patient = somebody(&system).await;
    for kind in [
        "AllergyIntolerance",
        "Condition",
        "DiagnosticReport",
        "DocumentReference",
        "ServiceRequest",
    ] {
        assert_eq!(
            issue(&get(&system, kind).await),
            (400, "invalid".into()),
            "{kind}"
        );
        let found = get(&system, &format!("{kind}?patient={patient}")).await;
        assert!(
            found.resources().is_empty() && found.json().get("total").is_none(),
            "{kind}"
        );
    }
    let appointments = format!("Appointment?patient={patient}");
    assert_eq!(issue(&get(&system, &appointments).await), (400, "invalid".into()));
    assert_eq!(
        get(&system, &format!("{appointments}&date=ge2026-01-01"))
            .await
            .status,
        200
    );
    let by_code = format!("ServiceRequest?patient={patient}&code=http://loinc.org|1");
    assert_eq!(
        get(&system, &by_code).await.status,
        400,
        "code: only of the order catalogue"
    );
}

#[tokio::test]
async fn millennium_09_a_create_is_bare_and_says_where_and_which_version() {
    let system = System::start("millennium").await;
    let patient = somebody(&system).await;
    let answer = send(&system, "POST", "AllergyIntolerance", &allergy(&patient), &[]).await;
    let place = made(&answer);
    assert!(
        answer.body.is_empty() && answer.header("etag").len() > "W/\"99\"".len(),
        "a large number"
    );
    let read = get(&system, &place).await;
    assert_eq!(read.header("etag"), answer.header("etag"));
    assert_eq!(read.json()["criticality"], "high");
    let vital = json!({"resourceType": "Observation", "status": "final",
        "category": [{"coding": [{"code": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"}]},
        "subject": {"reference": format!("Patient/{patient}")}, "performer": [{"reference": "Practitioner/1"}],
        "effectiveDateTime": "2026-05-30T09:00:00Z", "valueQuantity": {"value": 72.0, "unit": "/min"}});
    let answer = send(&system, "POST", "Observation", &vital, &[]).await;
    let place = made(&answer);
    assert!(place.starts_with("Observation/VS-"), "{place}");
    assert_eq!(answer.header("etag"), "W/\"1\"");
    let found = get(
        &system,
        &format!("Observation?patient={patient}&code=http://loinc.org|8867-4"),
    )
    .await;
    assert!(String::from_utf8_lossy(&found.body).contains("\"value\":72.0"));
}

#[tokio::test]
async fn millennium_10_an_update_names_the_version_it_saw() {
    let system = System::start("millennium").await;
    let patient = somebody(&system).await;
    let created = send(&system, "POST", "AllergyIntolerance", &allergy(&patient), &[]).await;
    let place = made(&created);
    let mut changed = allergy(&patient);
    changed["criticality"] = json!("low");
    assert_eq!(send(&system, "PUT", &place, &changed, &[]).await.status, 412);
    let stale = [("if-match", "W/\"1\"")];
    assert_eq!(send(&system, "PUT", &place, &changed, &stale).await.status, 409);
    assert_eq!(
        get(&system, &place).await.json()["criticality"],
        "high",
        "nothing happened"
    );
    let tag = created.header("etag").to_owned();
    let updated = send(&system, "PUT", &place, &changed, &[("if-match", &tag)]).await;
    assert!(updated.status == 200 && updated.body.is_empty() && updated.header("etag") != tag);
    assert_eq!(get(&system, &place).await.json()["criticality"], "low");
}

#[tokio::test]
async fn millennium_12_an_order_comes_by_hl7_and_is_read_by_fhir() {
    let mut system = System::start("millennium").await;
    let patient = somebody(&system).await;
    let refused = send(
        &system,
        "POST",
        "ServiceRequest",
        &json!({"resourceType": "ServiceRequest"}),
        &[],
    )
    .await;
    assert_eq!(refused.status, 405);
    system
        .told(&[
            "MSH|^~\\&|PAS|RYJ|||20260601090000||ORM^O01|O1|P|2.3",
            "PID|1||1200455^^^ICHT MRN^MRN||PLUM^IVY",
            "ORC|NW|4711^PAS|||||||20260601085500",
            "OBR|1|4711^PAS||FBC^Full blood count|||20260601100000|||||||||||||||||LAB",
        ])
        .await;
    let found = get(&system, &format!("ServiceRequest?patient={patient}"))
        .await
        .resources();
    assert_eq!(
        (found.len(), &found[0]["status"], &found[0]["intent"]),
        (1, &json!("active"), &json!("order"))
    );
    assert_eq!(
        found[0]["code"]["coding"][0]["system"]
            .as_str()
            .unwrap()
            .rsplit('/')
            .next(),
        Some("200")
    );
    system
        .told(&[
            "MSH|^~\\&|PAS|RYJ|||20260601091000||ORM^O01|O2|P|2.3",
            "PID|1||1200455^^^ICHT MRN^MRN",
            "ORC|CA|4711^PAS",
            "OBR|1|4711^PAS||FBC^Full blood count",
        ])
        .await;
    let found = get(&system, &format!("ServiceRequest?patient={patient}"))
        .await
        .resources();
    assert_eq!((found.len(), &found[0]["status"]), (1, &json!("revoked")));
}

#[tokio::test]
async fn millennium_13_what_cannot_be_written_is_422_and_nothing_happens() {
    let system = System::start("millennium").await;
    let patient = somebody(&system).await;
    let with = |member: &str, value: Value| {
        let mut body = allergy(&patient);
        body[member] = value;
        body
    };
    let own = "https://fhir.cerner.com/7f3e2a54-0c1b-4d6e-9a8f-5b21c0de9990/codeSet/72";
    let mixed =
        json!({"coding": [{"system": own, "code": "1"}, {"system": "http://snomed.info/sct", "code": "1"}]});
    for (body, wanted) in [
        (with("code", mixed), "business-rule"),
        (with("modifierExtension", json!([{"url": "urn:x"}])), "extension"),
        (with("implicitRules", json!("urn:x")), "not-supported"),
        (with("contained", json!([])), "business-rule"),
        (
            with("patient", json!({"reference": "Patient/1"})),
            "business-rule",
        ),
    ] {
        let answer = send(&system, "POST", "AllergyIntolerance", &body, &[]).await;
        assert_eq!(issue(&answer), (422, wanted.into()), "{body}");
    }
    let found = get(&system, &format!("AllergyIntolerance?patient={patient}")).await;
    assert!(found.resources().is_empty());
}

#[tokio::test]
async fn millennium_16_an_uncombine_restores_and_a_combined_encounter_is_part_of_the_other() {
    let mut system = System::start("millennium").await;
    let one = somebody(&system).await;
    let two = system
        .act(json!({"register": {"mrn": "1200999", "family": "Plum"}}))
        .await
        .fhir_id
        .unwrap();
    system
        .act(json!({"merge": {"survivor": "1200455", "loser": "1200999"}}))
        .await;
    assert_eq!(
        get(&system, &format!("Patient/{two}")).await.json()["active"],
        false
    );
    system
        .told(&[
            "MSH|^~\\&|PAS|RYJ|||20260601090000||ADT^A37|U1|P|2.3",
            "EVN|A37|20260601090000",
            "PID|1||1200455^^^ICHT MRN^MRN",
            "PID|2||1200999^^^ICHT MRN^MRN",
        ])
        .await;
    let restored = get(&system, &format!("Patient/{two}")).await.json();
    assert_eq!(
        (&restored["active"], &restored["name"][0]["family"]),
        (&json!(true), &json!("Plum"))
    );
    for (visit, ward) in [("F100", "Albert Ward"), ("F200", "Witherow Ward")] {
        system
            .act(json!({"admit": {"patient": "1200455", "visit": visit, "ward": ward}}))
            .await;
    }
    let told = system
        .act(json!({"merge-visit": {"patient": "1200455", "survivor": "F100", "loser": "F200"}}))
        .await;
    let message = String::from_utf8(told.message.to_vec()).unwrap();
    assert_eq!(
        (told.event.as_str(), field(&message, "MRG", 3).split('^').next()),
        ("ADT^A35", Some("F200"))
    );
    let left = get(&system, &format!("Encounter?patient={one}"))
        .await
        .resources();
    assert_eq!(left.len(), 1);
    let gone = get(&system, "Encounter?identifier=F200").await.resources();
    assert!(gone.is_empty(), "a combined encounter is found by id only");
}

#[tokio::test]
async fn millennium_24_an_alias_failure_is_accepted_and_waits_in_the_error_queue() {
    let vendor = vendor("millennium");
    let mut settings = settings(vendor, "millennium");
    settings.choices.insert("alias-failure".into(), "queue".into());
    let mut system = System::with(vendor, settings).await;
    let segments = |ethnicity: &str| {
        vec![
            "MSH|^~\\&|PAS|RYJ|||20260601090000||ADT^A28|Q1|P|2.3".to_owned(),
            "EVN|A28|20260601090000".to_owned(),
            format!("PID|1||1200455^^^ICHT MRN^MRN||PLUM^IVY|||||||||||||||||{ethnicity}"),
        ]
    };
    let strange = segments("QQ");
    let lines: Vec<&str> = strange.iter().map(String::as_str).collect();
    assert_eq!(code(&system.send(&lines).await), "AA");
    let troubles = system.epr.troubles();
    assert_eq!((troubles.len(), troubles[0].control_id.as_str()), (1, "Q1"));
    assert!(troubles[0].reason.starts_with("PID-22") && !troubles[0].reason.contains("QQ"));
    assert_eq!(system.epr.people(), 0, "nothing was filed");
    let again = system
        .epr
        .act(harness::action(json!({"retrigger": {"control-id": "Q1"}})))
        .await;
    assert!(again.is_err(), "it still has no alias");
}

#[tokio::test]
async fn millennium_26_orders_carry_their_order_id() {
    let system = System::start("millennium").await;
    somebody(&system).await;
    let told = system
        .act(json!({"order": {"patient": "1200455", "number": "88", "service": ["FBC", "Full blood count"]}}))
        .await;
    let message = String::from_utf8(told.message.to_vec()).unwrap();
    assert_eq!(told.event, "ORM^O01");
    assert_eq!(
        (
            field(&message, "ORC", 2).as_str(),
            field(&message, "ORC", 5).as_str()
        ),
        ("88^HNAM_ORDERID", "Ordered")
    );
}

#[tokio::test]
async fn millennium_bookings_and_documents_of_hl7_are_read_by_fhir() {
    let mut system = System::start("millennium").await;
    let patient = somebody(&system).await;
    let header = |code: &str, id: &str| format!("MSH|^~\\&|PAS|RYJ|||20260601090000||{code}|{id}|P|2.3");
    let pid = "PID|1||1200455^^^ICHT MRN^MRN";
    system
        .told(&[
            &header("SIU^S12", "S1"),
            "SCH|B1^PAS|||||||30|MIN|^^^20260602093000^20260602100000",
            pid,
            "AIS|1|A|CARD^Cardiology|20260602093000",
            "AIL|1|A|CARD1",
        ])
        .await;
    let find = format!("Appointment?patient={patient}&date=2026-06-02");
    let booked = get(&system, &find).await.resources();
    assert_eq!(
        (&booked[0]["status"], &booked[0]["start"]),
        (&json!("booked"), &json!("2026-06-02T08:30:00.000Z"))
    );
    system.told(&[&header("SIU^S15", "S2"), "SCH|B1^PAS", pid]).await;
    assert_eq!(get(&system, &find).await.resources()[0]["status"], "cancelled");
    system
        .told(&[
            &header("MDM^T02", "M1"),
            "EVN|T02|20260601090000",
            pid,
            "TXA|1|DS^Discharge summary|TX|20260601090000||20260601090000||||||D1^PAS|||||AU",
            "OBX|1|TX|||Went home well.",
        ])
        .await;
    let documents = get(&system, &format!("DocumentReference?patient={patient}"))
        .await
        .resources();
    let url = documents[0]["content"][0]["attachment"]["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let binary = get(&system, &url).await.json();
    assert_eq!(
        (&binary["contentType"], &binary["data"]),
        (&json!("text/plain"), &json!("V2VudCBob21lIHdlbGwu"))
    );
}

#[tokio::test]
async fn a_charge_is_filed_with_its_visit_and_a_credit_counts_against_it() {
    let mut system = System::start("millennium").await;
    let file = harness::fixture("millennium/DFT_P03/ione-4-charges-of-a-visit.hl7");
    let answer = system.send_bytes(&file).await;
    assert_eq!(code(&answer), "AA", "{answer}");
    let patient = &system
        .get(&format!("{BASE}/Patient?identifier=1500977"))
        .await
        .resources()[0];
    let patient = patient["id"].as_str().unwrap();
    let charges = system
        .get(&format!("{BASE}/ChargeItem?patient={patient}"))
        .await
        .resources();
    assert_eq!(charges.len(), 2, "{charges:?}");
    let credit = charges
        .iter()
        .find(|charge| charge["factorOverride"] == -1)
        .unwrap();
    assert_eq!(credit["identifier"][0]["value"], "T772", "{credit}");
    assert!(
        charges
            .iter()
            .all(|charge| charge["status"] == "billable" && charge["quantity"]["value"] == 1)
    );
    // A bill without a line is refused, and nobody is registered by it.
    let people = system.epr.people();
    let bare = "PID|1||40000017^^^ICHT MRN^MRN||PLUM^IVY";
    let header = "MSH|^~\\&|CERNER|RYJ|||20260301120000||DFT^P03|C1|P|2.3";
    let answer = system.send(&[header, bare]).await;
    assert_eq!(code(&answer), "AE", "{answer}");
    assert_eq!(system.epr.people(), people);
}
