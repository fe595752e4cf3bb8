//! What clients of one trust see of a record that two share: nothing of the other's visits, by no path.
#![allow(clippy::unwrap_used)] // also in what the tests call

mod harness;

use axum::body::Body;
use harness::System;
use harness::clients::{ALL, Hand, NINE, client, get, path, start, token};
use http::Request;
use serde_json::{Value, json};

/// Two trusts, and somebody who sees both.
struct Case {
    system: System,
    ours: String,
    theirs: String,
    all: String,
    patient: String,
}

const PID: &str = "PID|1||5550001^^^ICHT MRN^MRN~2660001^^^CWFT MRN^MRN~9990000018^^^NHSNBR^NHSNMBR||ALDER^ANNE||19700101|F";

fn header(code: &str, id: &str, facility: &str) -> String {
    format!("MSH|^~\\&|PAS|{facility}|||20260601080000||{code}|{id}|P|2.3")
}

impl Case {
    async fn start(assume: &[(&str, &str)]) -> Self {
        let clients = vec![
            client("ours", ALL, &["RYJ"]),
            client("theirs", ALL, &["RQM"]),
            client("all", ALL, &[]),
        ];
        let mut system = start(clients, &Hand::at(NINE), assume).await;
        for (facility, pool, n) in [("RYJ", "ICHT", 1), ("RQM", "CWFT", 2)] {
            fill(&mut system, facility, pool, n).await;
        }
        let ours = token(&system, "ours", ALL).await;
        let theirs = token(&system, "theirs", ALL).await;
        let all = token(&system, "all", ALL).await;
        let found = get(&system, &all, "/Patient?identifier=5550001")
            .await
            .resources();
        let patient = found[0]["id"].as_str().unwrap().to_owned();
        Self {
            system,
            ours,
            theirs,
            all,
            patient,
        }
    }

    async fn found(&self, token: &str, rest: &str) -> Vec<Value> {
        get(&self.system, token, rest).await.resources()
    }

    /// Every search about the patient.
    fn searches(&self) -> [(&'static str, String, usize); 8] {
        let patient = &self.patient;
        let by_patient = |kind: &str| format!("/{kind}?patient={patient}&_count=100");
        // What all of both trusts have together.
        [
            ("Encounter", by_patient("Encounter"), 2),
            ("Observation", by_patient("Observation"), 4),
            ("DiagnosticReport", by_patient("DiagnosticReport"), 4),
            ("DocumentReference", by_patient("DocumentReference"), 2),
            ("ServiceRequest", by_patient("ServiceRequest"), 2),
            (
                "Appointment",
                format!("{}&date=2026-06-02", by_patient("Appointment")),
                2,
            ),
            ("Condition", by_patient("Condition"), 4),
            ("AllergyIntolerance", by_patient("AllergyIntolerance"), 2),
        ]
    }
}

/// One of everything at a trust: a visit with a result, a document and a diagnosis, and, without the visit, a result, an
/// order and an appointment that the trust's feed told of; an allergy and a problem, which all may see.
async fn fill(system: &mut System, facility: &str, pool: &str, n: u32) {
    let header = |code: &str, id: &str| header(code, &format!("{id}{n}"), facility);
    let visit = format!("{PID}||||||||||{n}70001^^^{pool} Encounter Num^FINNBR");
    let pv1 = format!("PV1|1|Inpatient|Ward {n}^Bay^Bed^{facility}01");
    let diagnosis = format!("DG1|1||D{n}^Diagnosis {n}^SNM3||20260601|F");
    let allergy = format!("AL1|1|DA|A{n}^Substance {n}|SV|Rash");
    let said = [
        header("ADT^A01", "A"),
        "EVN|A01|20260601080000".to_owned(),
        visit.clone(),
        pv1,
        allergy,
        diagnosis,
    ];
    told(system, &said).await;
    for (id, pid) in [("R", visit.as_str()), ("S", PID)] {
        let service =
            format!("OBR|1||{id}{n}^LAB|NA^Sodium {n}|||20260601083000|||||||||||||||20260601084500||LAB|F");
        let result = format!("OBX|1|NM|NA{id}{n}^Sodium {n}||13{n}|mmol/L|||||F");
        told(system, &[header("ORU^R01", id), pid.to_owned(), service, result]).await;
    }
    let document = format!("TXA|1|DS^Summary {n}|TX|20260601090000||20260601090000||||||D{n}^PAS|||||AU");
    told(
        system,
        &[
            header("MDM^T02", "D"),
            "EVN|T02|20260601090000".to_owned(),
            visit.clone(),
            document,
            format!("OBX|1|TX|||Words of trust {n}."),
        ],
    )
    .await;
    let order = format!("OBR|1|O{n}^PAS||FBC^Full blood count {n}|||20260601100000|||||||||||||||||LAB");
    let common = format!("ORC|NW|O{n}^PAS|||||||20260601085500");
    told(system, &[header("ORM^O01", "O"), PID.to_owned(), common, order]).await;
    let booking = format!("SCH|B{n}^PAS||||||||30|MIN|^^^2026060209{n}000^2026060210{n}000");
    told(system, &[header("SIU^S12", "B"), booking, PID.to_owned()]).await;
    let problem = [
        header("PPR^PC1", "P"),
        PID.to_owned(),
        format!("PRB|AD|20260601|P{n}^Problem {n}^SNM3|PR{n}^PAS"),
    ];
    told(system, &problem).await;
}

async fn told(system: &mut System, segments: &[String]) {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    system.told(&segments).await;
}

fn ids(found: &[Value]) -> Vec<String> {
    let mut ids: Vec<String> = found
        .iter()
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn millennium_17_a_client_of_one_trust_finds_nothing_of_the_others_and_no_error() {
    let case = Case::start(&[]).await;
    for (kind, search, together) in case.searches() {
        let all = ids(&case.found(&case.all, &search).await);
        let ours = ids(&case.found(&case.ours, &search).await);
        let theirs = ids(&case.found(&case.theirs, &search).await);
        assert_eq!(all.len(), together, "{kind}: everything");
        // Allergies and problems are nobody's alone: who treats must know.
        let shared = match kind {
            "AllergyIntolerance" => 2,
            "Condition" => 2,
            _ => 0,
        };
        let alone = (together - shared) / 2 + shared;
        assert_eq!((ours.len(), theirs.len()), (alone, alone), "{kind}");
        let mut both = [ours.clone(), theirs.clone()].concat();
        both.sort();
        both.dedup();
        assert_eq!(both, all, "{kind}: each is seen by somebody");
        // By id, alone and among others, a hidden one is as one that never was.
        for id in theirs.iter().filter(|id| !ours.contains(id)) {
            let read = get(&case.system, &case.ours, &format!("/{kind}/{id}")).await;
            let never = get(&case.system, &case.ours, &format!("/{kind}/1")).await;
            assert_eq!((read.status, &read.body), (404, &never.body), "{kind}");
            assert_eq!(
                get(&case.system, &case.theirs, &format!("/{kind}/{id}"))
                    .await
                    .status,
                200,
                "{kind}"
            );
            assert!(
                case.found(&case.ours, &format!("/{kind}?_id={id}"))
                    .await
                    .is_empty(),
                "{kind}"
            );
        }
    }
}

#[tokio::test]
async fn millennium_17_nothing_that_is_seen_names_what_is_not() {
    let case = Case::start(&[]).await;
    let visits = case
        .found(&case.all, &format!("/Encounter?patient={}", case.patient))
        .await;
    for (token, other) in [(&case.ours, "RQM01"), (&case.theirs, "RYJ01")] {
        let hidden = visits
            .iter()
            .find(|visit| visit["serviceProvider"]["display"] == other)
            .unwrap();
        let reference = format!("Encounter/{}", hidden["id"].as_str().unwrap());
        let number = hidden["identifier"][0]["value"].as_str().unwrap();
        for (kind, search, _) in case.searches() {
            let answer = get(&case.system, token, &search).await;
            let text = String::from_utf8(answer.body.to_vec()).unwrap();
            for trace in [reference.as_str(), number, other] {
                assert!(!text.contains(trace), "{kind}: {trace} in {text}");
            }
        }
        for search in [
            format!("/Encounter?identifier={number}"),
            format!("/DiagnosticReport?encounter={reference}"),
            format!("/DocumentReference?encounter={reference}"),
        ] {
            assert!(case.found(token, &search).await.is_empty(), "{search}");
        }
    }
}

#[tokio::test]
async fn millennium_17_pages_are_cut_from_what_is_seen_and_belong_to_one_client() {
    let case = Case::start(&[]).await;
    let search = format!("/DiagnosticReport?patient={}&_count=1", case.patient);
    for (token, reports) in [(&case.ours, 2), (&case.all, 4)] {
        let mut next = Some(search.clone());
        let mut seen = 0;
        while let Some(page) = next {
            let answer = get(&case.system, token, &page).await;
            assert_eq!(
                answer.resources().len(),
                1,
                "no page shows by its size what is left out"
            );
            seen += 1;
            let link = answer.link("next");
            next = link.map(|url| format!("/{}", url.split_once(&path("/")).unwrap().1));
            if let (Some(page), true) = (&next, token == &case.ours) {
                assert_eq!(
                    get(&case.system, &case.theirs, page).await.status,
                    400,
                    "another's page"
                );
            }
        }
        assert_eq!(seen, reports);
    }
}

#[tokio::test]
async fn millennium_17_what_is_not_seen_cannot_be_written_to() {
    let case = Case::start(&[]).await;
    let mine = format!("/Encounter?patient={}", case.patient);
    let visit = case.found(&case.theirs, &mine).await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let observation = |encounter: Option<&str>| {
        let mut body = json!({
            "resourceType": "Observation",
            "status": "final",
            "category": [{"coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"
            }]}],
            "code": {"coding": [{"system": "http://loinc.org", "code": "2951-2"}], "text": "Sodium"},
            "subject": {"reference": format!("Patient/{}", case.patient)},
            "effectiveDateTime": "2026-06-01T08:00:00Z",
            "valueQuantity": {"value": 140, "unit": "mmol/L"},
        });
        if let Some(id) = encounter {
            body["encounter"] = json!({"reference": format!("Encounter/{id}")});
        }
        body
    };
    let post = async |token: &str, body: Value| {
        let request = Request::post(path("/Observation"))
            .header("content-type", "application/fhir+json")
            .header("authorization", format!("Bearer {token}"));
        case.system
            .ask(request.body(Body::from(body.to_string())).unwrap())
            .await
    };
    let count = async |token: &str| {
        let search = format!("/Observation?patient={}&_count=100", case.patient);
        case.found(token, &search).await.len()
    };
    assert_eq!(post(&case.ours, observation(Some(&visit))).await.status, 422);
    assert_eq!((count(&case.ours).await, count(&case.theirs).await), (2, 2));
    let own = post(&case.theirs, observation(Some(&visit))).await;
    assert_eq!(own.status, 201, "{}", String::from_utf8_lossy(&own.body));
    // What a client writes without a visit is its own.
    assert_eq!(post(&case.ours, observation(None)).await.status, 201);
    assert_eq!(
        (
            count(&case.ours).await,
            count(&case.theirs).await,
            count(&case.all).await
        ),
        (3, 3, 6)
    );
}

#[tokio::test]
async fn millennium_17_results_may_cross_where_the_site_says_so_but_not_those_of_a_restricted_visit() {
    let mut case = Case::start(&[("other-organisations", "results")]).await;
    let restricted = format!("{PID}||||||||||370001^^^CWFT Encounter Num^FINNBR");
    told(
        &mut case.system,
        &[
            header("ADT^A01", "A3", "RQM"),
            "EVN|A01|20260601080000".to_owned(),
            restricted.clone(),
            "PV1|1|Outpatient|Clinic^^^RQM02".to_owned(),
            format!("PV2{}Y", "|".repeat(22)),
        ],
    )
    .await;
    told(
        &mut case.system,
        &[
            header("ORU^R01", "R3", "RQM"),
            restricted,
            "OBR|1||R3^LAB|CT^Chlamydia|||20260601083000|||||||||||||||20260601084500||LAB|F".to_owned(),
            "OBX|1|ST|CT^Chlamydia||not found||||||F".to_owned(),
        ],
    )
    .await;
    for (kind, search, together) in case.searches() {
        let ours = case.found(&case.ours, &search).await.len();
        let theirs = case.found(&case.theirs, &search).await.len();
        let (of_ours, of_theirs) = match kind {
            "Encounter" => (1, 2),
            "Appointment" => (1, 1),
            "Condition" => (3, 3),
            "Observation" | "DiagnosticReport" => (together, together + 1),
            _ => (together, together),
        };
        assert_eq!((ours, theirs), (of_ours, of_theirs), "{kind}");
    }
    let text = get(
        &case.system,
        &case.ours,
        &format!("/DiagnosticReport?patient={}", case.patient),
    )
    .await
    .body;
    assert!(!String::from_utf8_lossy(&text).contains("Chlamydia"));
}
