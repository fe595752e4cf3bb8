//! Group exports at both products: kick-off, status, files, throttling, expiry, deletion, and who may.
#![allow(clippy::unwrap_used)] // also in what the tests call

mod harness;

use axum::body::Body;
use harness::clients::{ALL, Hand, NINE, TENANT, client, path, start, token};
use harness::{Answer, System, settings, vendor};
use http::{Method, Request};
use serde_json::Value;

const EVERYONE: &str = "5f0c6a52-0f8e-4a43-9c0e-2b7a4d8e9901";
const INPATIENTS: &str = "5f0c6a52-0f8e-4a43-9c0e-2b7a4d8e9902";
const PREFER: Option<&str> = Some("respond-async");

async fn ask(system: &System, method: Method, url: &str, token: &str, prefer: Option<&str>) -> Answer {
    let path = url.strip_prefix("http://epr.test").unwrap_or(url);
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "epr.test")
        .header("accept", "application/fhir+json");
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    if let Some(prefer) = prefer {
        request = request.header("prefer", prefer);
    }
    system.ask(request.body(Body::empty()).unwrap()).await
}

fn export(query: &str) -> String {
    path(&format!("/Group/{EVERYONE}/$export{query}"))
}

/// Starts an export that must start; where its status stands.
async fn kick_off(system: &System, url: &str, token: &str) -> String {
    let answer = ask(system, Method::GET, url, token, PREFER).await;
    assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
    assert!(answer.body.is_empty());
    answer.header("content-location").to_owned()
}

async fn manifest(system: &System, job: &str, token: &str) -> Value {
    let answer = ask(system, Method::GET, job, token, None).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

/// The resources of one type in an export.
async fn lines(system: &System, manifest: &Value, kind: &str, token: &str) -> Vec<Value> {
    let output = manifest["output"].as_array().unwrap();
    let Some(file) = output.iter().find(|file| file["type"] == kind) else {
        return Vec::new();
    };
    let answer = ask(system, Method::GET, file["url"].as_str().unwrap(), token, None).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "application/fhir+ndjson")
    );
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(text.ends_with('\n'));
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(file["count"], lines.len());
    lines
}

/// A domain of a few people, some in bed; nobody is asked for a token.
async fn open(hand: &Hand) -> System {
    let vendor = vendor("millennium");
    let mut settings = settings(vendor, "millennium");
    settings.people = 40;
    settings.clock = hand.clock();
    System::with(vendor, settings).await
}

#[tokio::test]
async fn millennium_19_a_job_goes_from_202_to_200_and_its_files_are_one_resource_a_line() {
    let hand = Hand::at(NINE);
    let system = open(&hand).await;
    let job = kick_off(&system, &export(""), "").await;
    assert!(
        job.starts_with(&format!(
            "http://epr.test/millennium/r4/{TENANT}/bulk-export/jobs/"
        )),
        "{job}"
    );
    let early = ask(&system, Method::GET, &job, "", None).await;
    assert_eq!((early.status, early.header("retry-after")), (202, "2"));
    assert_eq!(early.header("x-progress"), "in progress, 0% complete");
    hand.forward(1);
    let half = ask(&system, Method::GET, &job, "", None).await;
    assert_eq!((half.status, half.header("retry-after")), (202, "1"));
    hand.forward(1);
    let told = manifest(&system, &job, "").await;
    assert_eq!(told["transactionTime"], "2026-06-01T09:00:00.000Z");
    assert_eq!(told["request"], format!("http://epr.test{}", export("")));
    assert_eq!(
        (&told["requiresAccessToken"], &told["error"]),
        (&false.into(), &Value::Array(Vec::new()))
    );
    let people = lines(&system, &told, "Patient", "").await;
    assert_eq!(people.len(), 40);
    let visits = lines(&system, &told, "Encounter", "").await;
    assert!(!visits.is_empty() && visits.len() < 40);
    // A line is what a read shows.
    let read = system
        .get(&path(&format!(
            "/Encounter/{}",
            visits[0]["id"].as_str().unwrap()
        )))
        .await;
    assert_eq!(read.json(), visits[0]);
    let inpatients = path(&format!("/Group/{INPATIENTS}/$export?_type=Patient"));
    let job = kick_off(&system, &inpatients, "").await;
    hand.forward(2);
    let told = manifest(&system, &job, "").await;
    let open = visits
        .iter()
        .filter(|visit| visit["status"] == "in-progress")
        .count();
    assert_eq!(lines(&system, &told, "Patient", "").await.len(), open);
    assert_eq!(
        told["output"].as_array().unwrap().len(),
        1,
        "only the types asked for"
    );
}

#[tokio::test]
async fn millennium_19_a_second_job_of_a_client_is_throttled_and_a_deleted_one_is_gone() {
    let hand = Hand::at(NINE);
    let clients = vec![
        client("one", &[ALL, &["system/Group.r"]].concat(), &[]),
        client("two", &[ALL, &["system/Group.r"]].concat(), &[]),
    ];
    let system = start(clients, &hand, &[]).await;
    let scopes = [ALL, &["system/Group.r"]].concat();
    let (one, two) = (
        token(&system, "one", &scopes).await,
        token(&system, "two", &scopes).await,
    );
    let job = kick_off(&system, &export(""), &one).await;
    let second = ask(&system, Method::GET, &export(""), &one, PREFER).await;
    assert_eq!((second.status, second.header("retry-after")), (429, "60"));
    assert_eq!(second.json()["issue"][0]["code"], "throttled");
    let other = kick_off(&system, &export(""), &two).await;
    // Another's job is not there.
    for (method, url) in [(Method::GET, &job), (Method::DELETE, &job)] {
        assert_eq!(ask(&system, method, url, &two, None).await.status, 404);
    }
    assert_eq!(ask(&system, Method::GET, &job, "", None).await.status, 401);
    assert_eq!(ask(&system, Method::DELETE, &job, &one, None).await.status, 202);
    for url in [
        &job,
        &job.replace("/jobs/", "/files/"),
        &format!("{}/1", job.replace("/jobs/", "/files/")),
    ] {
        assert_eq!(
            ask(&system, Method::GET, url, &one, None).await.status,
            404,
            "{url}"
        );
    }
    assert_eq!(ask(&system, Method::DELETE, &job, &one, None).await.status, 404);
    // Free again, and a job that is done holds up no other.
    let again = kick_off(&system, &export(""), &one).await;
    hand.forward(2);
    manifest(&system, &again, &one).await;
    kick_off(&system, &export(""), &one).await;
    assert_eq!(manifest(&system, &other, &two).await["requiresAccessToken"], true);
}

#[tokio::test]
async fn millennium_19_files_are_kept_thirty_days() {
    let hand = Hand::at(NINE);
    let system = open(&hand).await;
    let job = kick_off(&system, &export("?_type=Patient"), "").await;
    hand.forward(2);
    let told = ask(&system, Method::GET, &job, "", None).await;
    assert_eq!(told.header("expires"), "Wed, 01 Jul 2026 09:00:02 GMT");
    let file = told.json()["output"][0]["url"].as_str().unwrap().to_owned();
    hand.forward(30 * 24 * 60 * 60 - 1);
    assert_eq!(ask(&system, Method::GET, &file, "", None).await.status, 200);
    hand.forward(1);
    assert_eq!(ask(&system, Method::GET, &file, "", None).await.status, 404);
    assert_eq!(ask(&system, Method::GET, &job, "", None).await.status, 404);
}

#[tokio::test]
async fn millennium_19_what_a_kick_off_may_not_ask_is_refused_and_lenient_passes_it_over() {
    let hand = Hand::at(NINE);
    let system = open(&hand).await;
    for (url, prefer, status) in [
        (export(""), None, 400),
        (export(""), Some("return=minimal"), 400),
        (export("?_outputFormat=text/csv"), PREFER, 400),
        (export("?_since=yesterday"), PREFER, 400),
        (export("?_since=2026-01-01"), PREFER, 400),
        (export("?_type=Nonsense"), PREFER, 400),
        (
            export("?_type=Patient&_typeFilter=Observation%3Fcategory%3Dlaboratory"),
            PREFER,
            400,
        ),
        (export("?_typeFilter=Observation%3Fcolour%3Dred"), PREFER, 400),
        (export("?_typeFilter=Observation"), PREFER, 400),
        (export("?_elements=id"), PREFER, 400),
        (
            path("/Group/5f0c6a52-0f8e-4a43-9c0e-2b7a4d8e9900/$export"),
            PREFER,
            404,
        ),
        (path("/Group/1/$export"), PREFER, 404),
        (path("/$export"), PREFER, 405),
        (path("/Patient/$export"), PREFER, 405),
        (path(&format!("/Group/{EVERYONE}")), None, 404),
        (
            export("?_elements=id"),
            Some("respond-async, handling=lenient"),
            202,
        ),
    ] {
        let answer = ask(&system, Method::GET, &url, "", prefer).await;
        assert_eq!(
            answer.status,
            status,
            "{url} {}",
            String::from_utf8_lossy(&answer.body)
        );
    }
}

#[tokio::test]
async fn millennium_19_since_and_filters_narrow_it() {
    let hand = Hand::at(NINE);
    let system = open(&hand).await;
    hand.forward(3_600);
    let mrn = "PID|1||5550001^^^ICHT MRN^MRN||ALDER^ANNE||19700101|F";
    let header = "MSH|^~\\&|PAS|RYJ|||20260601090000||ADT^A28|N1|P|2.3";
    let mut system = system;
    system.told(&[header, "EVN|A28|20260601090000", mrn]).await;
    let job = kick_off(&system, &export("?_since=2026-06-01T09:30:00Z"), "").await;
    hand.forward(2);
    let told = manifest(&system, &job, "").await;
    let people = lines(&system, &told, "Patient", "").await;
    assert_eq!(
        (people.len(), &people[0]["name"][0]["family"]),
        (1, &"ALDER".into())
    );
    assert!(lines(&system, &told, "Encounter", "").await.is_empty());
    let visit = "PV1|1|Inpatient|Ward^Bay^Bed^RYJ01||||||||||||||||771^^^Attendance Num^VISITID";
    for (event, n) in [("A01", 2), ("A03", 3)] {
        let header = format!("MSH|^~\\&|PAS|RYJ|||20260601090000||ADT^{event}|N{n}|P|2.3");
        system
            .told(&[&header, &format!("EVN|{event}|2026060109000{n}"), mrn, visit])
            .await;
    }
    let filter = "?_type=Encounter&_typeFilter=Encounter%3Fstatus%3Dfinished";
    let job = kick_off(&system, &export(filter), "").await;
    hand.forward(2);
    let told = manifest(&system, &job, "").await;
    let finished = lines(&system, &told, "Encounter", "").await;
    assert_eq!(finished.len(), 1);
    assert!(finished.iter().all(|visit| visit["status"] == "finished"));
    let job = kick_off(&system, &export("?_type=Encounter"), "").await;
    hand.forward(2);
    let told = manifest(&system, &job, "").await;
    assert!(lines(&system, &told, "Encounter", "").await.len() > finished.len());
}

#[tokio::test]
async fn millennium_19_scopes_and_organisations_hold_for_exports_too() {
    let hand = Hand::at(NINE);
    let narrow = ["system/Group.r", "system/Patient.rs", "system/Encounter.rs"];
    let clients = vec![
        client("ours", &narrow, &["RYJ"]),
        client("theirs", &narrow, &["RQM"]),
        client("none", ALL, &[]),
    ];
    let mut system = start(clients, &hand, &[]).await;
    for (n, facility) in [(1, "RYJ01"), (2, "RQM01"), (3, "RQM01")] {
        let header = format!("MSH|^~\\&|PAS|{facility}|||20260601080000||ADT^A01|V{n}|P|2.3");
        let pid =
            format!("PID|1||555000{n}^^^ICHT MRN^MRN||ALDER^ANNE||19700101|F||||||||||77{n}^^^Num^FINNBR");
        let pv1 = format!("PV1|1|Inpatient|Ward^^^{facility}");
        system
            .told(&[&header, "EVN|A01|20260601080000", &pid, &pv1])
            .await;
    }
    for (name, visits) in [("ours", 1), ("theirs", 2)] {
        let shown = token(&system, name, &narrow).await;
        let wider = ask(
            &system,
            Method::GET,
            &export("?_type=Patient,Observation"),
            &shown,
            PREFER,
        )
        .await;
        assert_eq!(wider.status, 403);
        let job = kick_off(&system, &export(""), &shown).await;
        hand.forward(2);
        let told = manifest(&system, &job, &shown).await;
        assert_eq!(
            told["output"].as_array().unwrap().len(),
            2,
            "what the scopes hold"
        );
        assert_eq!(
            lines(&system, &told, "Encounter", &shown).await.len(),
            visits,
            "{name}"
        );
    }
    let without = token(&system, "none", ALL).await;
    assert_eq!(
        ask(&system, Method::GET, &export(""), &without, PREFER)
            .await
            .status,
        403,
        "no scope for groups"
    );
}

const EPIC: &str = "/epic/api/FHIR/R4";

async fn epic(hand: &Hand) -> (System, String) {
    let vendor = vendor("epic");
    let mut settings = settings(vendor, "epic-uclh");
    settings.people = 40;
    settings.clock = hand.clock();
    let system = System::with(vendor, settings).await;
    let statement = system.get(&format!("{EPIC}/metadata")).await.json();
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    let group = resources.iter().find(|one| one["type"] == "Group").unwrap();
    assert_eq!(group["operation"][0]["name"], "export");
    let words = group["documentation"].as_str().unwrap().to_owned();
    let everyone = words
        .split(' ')
        .find(|word| word.starts_with('e') && word.ends_with('3'))
        .unwrap();
    let url = format!("{EPIC}/Group/{everyone}/$export");
    (system, url)
}

#[tokio::test]
async fn epic_21_nothing_is_listed_before_all_is_there() {
    let hand = Hand::at(NINE);
    let (system, url) = epic(&hand).await;
    let job = kick_off(&system, &url, "").await;
    assert!(
        job.starts_with("http://epr.test/epic/api/FHIR/BulkRequest/"),
        "{job}"
    );
    let early = ask(&system, Method::GET, &job, "", None).await;
    assert_eq!((early.status, early.body.len()), (202, 0));
    assert!(!early.header("x-progress").is_empty() && !early.header("retry-after").is_empty());
    assert_eq!(
        ask(&system, Method::GET, &format!("{job}/1"), "", None)
            .await
            .status,
        404,
        "no file either"
    );
    hand.forward(2);
    let told = manifest(&system, &job, "").await;
    let people = lines(&system, &told, "Patient", "").await;
    assert_eq!(people.len(), 40);
    let read = system
        .get(&format!("{EPIC}/Patient/{}", people[0]["id"].as_str().unwrap()))
        .await;
    assert_eq!(read.json(), people[0]);
    assert_eq!(ask(&system, Method::DELETE, &job, "", None).await.status, 202);
    let gone = ask(&system, Method::GET, &job, "", None).await;
    assert_eq!(
        (
            gone.status,
            &gone.json()["issue"][0]["details"]["coding"][0]["code"]
        ),
        (404, &"59008".into())
    );
}

#[tokio::test]
async fn epic_21_each_export_is_full_whatever_is_said_of_since() {
    let hand = Hand::at(NINE);
    let (system, url) = epic(&hand).await;
    let job = kick_off(
        &system,
        &format!("{url}?_since=2030-01-01T00:00:00Z&_type=Patient"),
        "",
    )
    .await;
    hand.forward(2);
    let told = manifest(&system, &job, "").await;
    assert_eq!(lines(&system, &told, "Patient", "").await.len(), 40);
}

#[tokio::test]
async fn epic_21_kick_offs_are_refused_in_the_products_codes() {
    let hand = Hand::at(NINE);
    let (system, url) = epic(&hand).await;
    for (url, prefer, status, code) in [
        (url.clone(), None, 400, "4111"),
        (format!("{url}?_type=Nonsense"), PREFER, 400, "4115"),
        (format!("{url}?_outputFormat=csv"), PREFER, 400, "4115"),
        (format!("{EPIC}/Group/eNobody3/$export"), PREFER, 404, "59008"),
    ] {
        let answer = ask(&system, Method::GET, &url, "", prefer).await;
        assert_eq!(answer.status, status, "{url}");
        assert_eq!(
            answer.json()["issue"][0]["details"]["coding"][0]["code"],
            code,
            "{url}"
        );
    }
    let system_level = ask(&system, Method::GET, &format!("{EPIC}/$export"), "", PREFER).await;
    assert_eq!(
        (system_level.status, system_level.header("content-type")),
        (404, "text/html")
    );
    // Exports that are kept have a bound; one deleted makes room.
    let mut last = String::new();
    for _ in 0..16 {
        last = kick_off(&system, &url, "").await;
    }
    let full = ask(&system, Method::GET, &url, "", PREFER).await;
    assert_eq!((full.status, full.header("retry-after")), (429, "60"));
    assert_eq!(ask(&system, Method::DELETE, &last, "", None).await.status, 202);
    kick_off(&system, &url, "").await;
}

#[tokio::test]
async fn millennium_19_whoever_lies_in_anothers_bed_is_not_among_those_in_bed() {
    let hand = Hand::at(NINE);
    let scopes = [ALL, &["system/Group.r"]].concat();
    let clients = vec![
        client("ours", &scopes, &["RYJ"]),
        client("theirs", &scopes, &["RQM"]),
    ];
    let mut system = start(clients, &hand, &[("export-takes", "0 seconds")]).await;
    system
        .told(&[
            "MSH|^~\\&|PAS|RQM|||20260601080000||ADT^A01|A1|P|2.3",
            "EVN|A01|20260601080000",
            "PID|1||2660001^^^CWFT MRN^MRN||ALDER^ANNE||19700101|F||||||||||70001^^^CWFT Encounter Num^FINNBR",
            "PV1|1|Inpatient|Ward^Bay^Bed^RQM01",
        ])
        .await;
    for (name, expected) in [("ours", 0), ("theirs", 1)] {
        let token = token(&system, name, &scopes).await;
        let url = path(&format!("/Group/{INPATIENTS}/$export?_type=Patient"));
        let job = kick_off(&system, &url, &token).await;
        let told = manifest(&system, &job, &token).await;
        assert_eq!(
            lines(&system, &told, "Patient", &token).await.len(),
            expected,
            "{name}"
        );
    }
}
