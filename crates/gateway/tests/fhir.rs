//! FHIR at the gateway's doors: a façade that remembers, Bundles in, Bundles out, and the journal's API.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use serde_json::Value;
use store::{DeliveryState, MessageState};
use support::{Bed, Receiver, admission, config, event, http, merge};

/// A gateway whose one interface ends at a façade.
fn facade_config() -> String {
    r#"
[gateway]
http = "127.0.0.1:0"
[[source]]
name = "pas"
sending-application = ["PAS"]
[[endpoint]]
name = "in"
listen = "mllp://127.0.0.1:0"
[[endpoint]]
name = "shelf"
system = "pas"
facade = "/pas/fhir/r4"
[[interface]]
name = "pas-to-shelf"
from = "pas"
to = "shelf"
"#
    .to_owned()
}

async fn get(bed: &Bed, path: &str) -> (u16, Value) {
    let (status, body) = http::get(bed.running().router(), path).await;
    (
        status,
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body}")),
    )
}

async fn found(bed: &Bed, search: &str) -> Vec<Value> {
    let (status, bundle) = get(bed, &format!("/pas/fhir/r4/{search}")).await;
    assert_eq!(status, 200, "{search}: {bundle}");
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    entries
        .into_iter()
        .map(|entry| entry["resource"].clone())
        .collect()
}

#[tokio::test]
async fn a_facade_serves_what_the_messages_told() {
    let bed = Bed::start(&facade_config()).await;
    bed.send(&admission("M1", "7")).await;
    bed.until(DeliveryState::Delivered, 1).await;
    let patients = found(&bed, "Patient?identifier=7").await;
    assert_eq!(patients.len(), 1);
    let patient = &patients[0];
    assert_eq!(patient["name"][0]["family"], "SYNTHETIC");
    assert_eq!(patient["meta"]["tag"][0]["code"], "facade");
    let message = bed.newest().await.summary.id;
    assert_eq!(patient["meta"]["source"], format!("urn:uuid:{message}"));

    let id = patient["id"].as_str().unwrap();
    let (status, read) = get(&bed, &format!("/pas/fhir/r4/Patient/{id}")).await;
    assert_eq!((status, &read["id"]), (200, &patient["id"]));
    for search in [
        "Patient?family=synth",
        "Patient?birthdate=1970",
        "Patient?gender=female",
        "Patient?name=person",
    ] {
        assert_eq!(found(&bed, search).await.len(), 1, "{search}");
    }
    assert!(found(&bed, "Patient?family=nobody").await.is_empty());
    let encounters = found(&bed, &format!("Encounter?patient={id}")).await;
    assert_eq!(encounters.len(), 1);
    assert_eq!(encounters[0]["subject"]["reference"], format!("Patient/{id}"));
    assert_eq!(encounters[0]["status"], "in-progress");
}

#[tokio::test]
async fn a_facade_remembers_what_later_messages_leave_out() {
    let bed = Bed::start(&facade_config()).await;
    let visit =
        |message: String, more: &str| message.replace("PV1|1|I|7A^1^1", &format!("PV1|1|I|7A^1^1{more}"));
    let blank = |count: usize| "|".repeat(count);
    let admitted = format!("{}V1^^^RYJ{}20260302103400", blank(16), blank(25));
    let discharged = format!("{}V1^^^RYJ{}20260306150000", blank(16), blank(26));
    bed.send(&visit(event("A01", "M1", "7"), &admitted)).await;
    bed.send(&visit(event("A03", "M2", "7"), &discharged).replace("|19700101|F", "||"))
        .await;
    bed.until(DeliveryState::Delivered, 2).await;
    let encounters = found(&bed, "Encounter?identifier=V1").await;
    assert_eq!(encounters.len(), 1, "{encounters:#?}");
    assert_eq!(encounters[0]["status"], "finished");
    let period = &encounters[0]["period"];
    assert!(
        period["start"].as_str().unwrap().starts_with("2026-03-02"),
        "{period}"
    );
    assert!(
        period["end"].as_str().unwrap().starts_with("2026-03-06"),
        "{period}"
    );
    assert_eq!(
        found(&bed, "Patient?identifier=7").await[0]["birthDate"],
        "1970-01-01"
    );
}

#[tokio::test]
async fn a_merge_moves_everything_to_the_survivor() {
    let bed = Bed::start(&facade_config()).await;
    bed.send(&admission("M1", "700")).await;
    bed.send(&admission("M2", "701")).await;
    bed.send(&merge("M3", "700", "701")).await;
    bed.until(DeliveryState::Delivered, 3).await;
    let survivor = found(&bed, "Patient?identifier=700&active=true").await;
    assert_eq!(survivor.len(), 1, "{survivor:#?}");
    let loser = found(&bed, "Patient?identifier=701&active=false").await;
    assert_eq!(loser.len(), 1, "the loser is inactive");
    let stays = found(
        &bed,
        &format!("Encounter?patient={}", survivor[0]["id"].as_str().unwrap()),
    )
    .await;
    assert_eq!(stays.len(), 2, "both stays are the survivor's");
    assert!(
        found(
            &bed,
            &format!("Encounter?patient={}", loser[0]["id"].as_str().unwrap())
        )
        .await
        .is_empty()
    );
}

#[tokio::test]
async fn a_facade_says_what_it_is_and_takes_no_writes() {
    let bed = Bed::start(&facade_config()).await;
    let (status, statement) = get(&bed, "/pas/fhir/r4/metadata").await;
    assert_eq!(status, 200);
    assert!(statement["title"].as_str().unwrap().contains("Façade"));
    let body = br#"{"resourceType":"Patient"}"#;
    let (status, outcome) = http::post(
        bed.running().router(),
        "/pas/fhir/r4/Patient",
        "application/fhir+json",
        body,
    )
    .await;
    assert_eq!(status, 405);
    assert!(outcome.contains("OperationOutcome"), "{outcome}");
    for (path, expected) in [
        ("/pas/fhir/r4/Patient/nobody", 404),
        ("/pas/fhir/r4/Patient?favourite-colour=blue", 400),
        ("/pas/fhir/r4/Spaceship?_id=1", 404),
        ("/pas/fhir/r4/Patient?_page=nonsense", 400),
    ] {
        let (status, outcome) = get(&bed, path).await;
        assert_eq!(
            (status, &outcome["resourceType"]),
            (expected, &"OperationOutcome".into()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn searches_come_in_pages() {
    let bed = Bed::start(&facade_config()).await;
    for number in 0..5 {
        bed.send(&admission(&format!("M{number}"), &format!("70{number}")))
            .await;
    }
    bed.until(DeliveryState::Delivered, 5).await;
    let mut path = "/pas/fhir/r4/Patient?family=synthetic&_count=2".to_owned();
    let mut seen = 0;
    loop {
        let (_, bundle) = get(&bed, &path).await;
        seen += bundle["entry"].as_array().map_or(0, Vec::len);
        let links = bundle["link"].as_array().unwrap();
        let Some(next) = links.iter().find(|link| link["relation"] == "next") else {
            break;
        };
        let url = next["url"].as_str().unwrap();
        path = url.strip_prefix("http://127.0.0.1:8575").unwrap().to_owned();
    }
    assert_eq!(seen, 5);
}

/// The Bundle that a translation of this message makes.
fn bundle_of(message: &str) -> Vec<u8> {
    let translator = translate::Translator::new(translate::Settings::default()).unwrap();
    let message = hl7v2::Message::parse(message.as_bytes()).unwrap();
    fhir::to_vec(&translator.to_fhir(&message, &translate::dialect::STANDARD, None))
}

#[tokio::test]
async fn a_bundle_is_recorded_routed_and_delivered_like_any_message() {
    let mut receiver = Receiver::willing().await;
    let bed = Bed::start(&config(receiver.address, [""; 4])).await;
    let bundle = bundle_of(&admission("M1", "7"));
    let post = |body: Vec<u8>| {
        let router = bed.running().router();
        async move { http::post(router, "/fhir/r4", "application/fhir+json", &body).await }
    };
    let (status, outcome) = post(bundle.clone()).await;
    assert_eq!(status, 200, "{outcome}");
    receiver.until(1).await;
    bed.until(DeliveryState::Delivered, 1).await;
    assert_eq!(receiver.taken(), ["M1"]);
    let kept = bed.newest().await;
    assert_eq!(
        (&kept.raw[..], kept.summary.endpoint.as_str()),
        (&bundle[..], "/fhir/r4")
    );

    assert_eq!(post(bundle).await.0, 200, "a replay hears the same");
    assert_eq!(bed.messages_in(MessageState::Duplicate).await, 1);

    let stranger = bundle_of(&admission("M2", "7").replace("|PAS|", "|STRANGER|"));
    assert_eq!(post(stranger).await.0, 422);
    assert_eq!(bed.messages_in(MessageState::Unrouted).await, 1);
    for broken in [
        &b"{"[..],
        b"",
        b"{\"resourceType\":\"Patient\"}",
        b"{\"resourceType\":\"Bundle\",\"type\":\"message\"}",
    ] {
        let (status, outcome) = post(broken.to_vec()).await;
        assert!((400..500).contains(&status), "{status} {outcome}");
        assert!(outcome.contains("OperationOutcome"), "{outcome}");
    }
    assert_eq!(receiver.heard().len(), 1);
}

#[tokio::test]
async fn a_live_number_in_a_bundle_is_refused_and_masked() {
    let receiver = Receiver::willing().await;
    let config = config(receiver.address, [""; 4]) + "[nhs-number]\nranges = [\"9991000000-9999999999\"]\n";
    let bed = Bed::start(&config).await;
    let bundle = bundle_of(&admission("M1", "9990000018"));
    let (status, outcome) = http::post(
        bed.running().router(),
        "/fhir/r4",
        "application/fhir+json",
        &bundle,
    )
    .await;
    assert_eq!(status, 422, "{outcome}");
    assert!(!outcome.contains("9990000018"));
    let kept = bed.newest().await;
    assert!(!kept.raw.windows(10).any(|window| window == b"9990000018"));
    assert!(kept.patients.iter().all(|patient| patient != "9990000018"));
}

#[tokio::test]
async fn messages_go_out_as_bundles() {
    use std::sync::{Arc, Mutex};
    let taken: Arc<Mutex<Vec<Value>>> = Arc::default();
    let (seen, tries) = (taken.clone(), Arc::new(Mutex::new(0)));
    // Busy once, then well; one message it will never take.
    let handler = move |body: String| {
        let (seen, tries) = (seen.clone(), tries.clone());
        async move {
            let mut tries = tries.lock().unwrap();
            *tries += 1;
            if *tries == 1 {
                return axum::http::StatusCode::TOO_MANY_REQUESTS;
            }
            if body.contains("POISON") {
                return axum::http::StatusCode::UNPROCESSABLE_ENTITY;
            }
            seen.lock().unwrap().push(serde_json::from_str(&body).unwrap());
            axum::http::StatusCode::OK
        }
    };
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let app = axum::Router::new().route("/r4", axum::routing::post(handler));
    let server = tokio::spawn(async move { axum::serve(socket, app).await.unwrap() });
    let config = config(address, [""; 4]).replace(
        &format!("send = \"mllp://{address}\""),
        &format!("fhir = \"http://{address}/r4\""),
    );
    let bed = Bed::start(&config).await;
    bed.send(&admission("M1", "7")).await;
    bed.send(&admission("M2", "8").replace("SYNTHETIC", "POISON"))
        .await;
    bed.send(&admission("M3", "9")).await;
    bed.until(DeliveryState::Delivered, 2).await;
    bed.until(DeliveryState::Held, 1).await;
    let bundles = taken.lock().unwrap().clone();
    assert!(
        bundles
            .iter()
            .all(|bundle| bundle["resourceType"] == "Bundle" && bundle["type"] == "message")
    );
    server.abort();
}

#[tokio::test]
async fn the_journal_can_be_read_over_http() {
    let mut receiver = Receiver::willing().await;
    let bed = Bed::start(&config(receiver.address, [""; 4])).await;
    bed.send(&admission("M1", "9990000018")).await;
    bed.send(&event("A08", "M2", "8")).await;
    bed.send("rubbish").await;
    receiver.until(2).await;
    bed.until(DeliveryState::Delivered, 2).await;

    let (status, all) = get(&bed, "/api/v1/messages").await;
    assert_eq!((status, all["messages"].as_array().unwrap().len()), (200, 3));
    let (_, mine) = get(&bed, "/api/v1/messages?patient=999%20000%200018&type=ADT%5EA01").await;
    let line = &mine["messages"][0];
    assert_eq!(
        [
            &line["in"],
            &line["out"],
            &line["type"],
            &line["control"],
            &line["ack"],
            &line["state"]
        ],
        ["pas", "epr", "ADT^A01", "M1", "AA", "delivered"]
    );
    assert_eq!(line["patient"]["nhs"], "9990000018");
    let (_, rejected) = get(&bed, "/api/v1/messages?state=rejected").await;
    assert!(rejected["messages"][0]["cause"].as_str().unwrap().contains("MSH"));

    let id = line["id"].as_str().unwrap();
    let (_, shown) = get(&bed, &format!("/api/v1/messages/{id}")).await;
    assert!(shown["hops"][0]["fields"].is_object(), "{shown}");
    let (_, raw) = http::get(bed.running().router(), &format!("/api/v1/messages/{id}/raw")).await;
    assert_eq!(raw, admission("M1", "9990000018"));
    let (_, ledger) = get(&bed, &format!("/api/v1/messages/{id}/ledger")).await;
    assert_eq!(ledger["ledgers"][0]["interface"], "pas-to-epr");
    let (_, status) = get(&bed, "/api/v1/status").await;
    assert_eq!(status["messages"]["routed"], 2);
    assert_eq!(status["endpoints"][0]["name"], "epr");

    for path in [
        "/api/v1/messages/nonsense",
        "/api/v1/messages/00000000-0000-0000-0000-000000000000",
    ] {
        assert_eq!(get(&bed, path).await.0, 404, "{path}");
    }
    for path in [
        "/api/v1/messages?colour=blue",
        "/api/v1/messages?state=gone",
        "/api/v1/messages?after=x",
    ] {
        let (status, refusal) = get(&bed, path).await;
        assert_eq!(status, 400, "{path}");
        assert!(refusal["next"].is_string());
    }
}
