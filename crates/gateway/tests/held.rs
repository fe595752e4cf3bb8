//! What a person does about held messages: look, send again, mend, leave out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use hl7v2::ack::AckCode;
use serde_json::{Value, json};
use store::DeliveryState;
use support::{Act, Bed, Receiver, config, event, http};

/// A receiver that rejects every message about a person called so, and one that lets it be mended.
async fn picky() -> Receiver {
    Receiver::start_reading(
        |frame, _| match String::from_utf8_lossy(frame).contains("WRONG") {
            true => Act::Ack(AckCode::AR),
            false => Act::Ack(AckCode::AA),
        },
    )
    .await
}

fn wrong(control_id: &str, patient: &str) -> String {
    event("A08", control_id, patient).replace("SYNTHETIC", "WRONG")
}

async fn post(bed: &Bed, path: &str, body: &Value) -> (u16, Value) {
    let body = body.to_string();
    let (status, text) = http::post(bed.running().router(), path, "application/json", body.as_bytes()).await;
    (status, serde_json::from_str(&text).unwrap_or_default())
}

async fn get(bed: &Bed, path: &str) -> Value {
    let (status, text) = http::get(bed.running().router(), path).await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

async fn held_id(bed: &Bed) -> String {
    let deliveries = bed.deliveries().await;
    let held = deliveries
        .iter()
        .find(|delivery| delivery.state == DeliveryState::Held);
    held.unwrap().id.message.to_string()
}

#[tokio::test]
async fn a_mended_message_goes_in_the_place_of_the_held_one_and_names_it() {
    let mut receiver = picky().await;
    let config = config(receiver.address, ["", "", "", "on-held = \"wait\""]);
    let bed = Bed::start(&config).await;
    bed.send(&wrong("P1-00", "7")).await;
    bed.until(DeliveryState::Held, 1).await;
    bed.send(&event("A08", "P1-01", "7")).await;
    bed.send(&event("A08", "P2-00", "8")).await;
    receiver.until(1).await;
    let held = held_id(&bed).await;
    let mended = event("A08", "P1-00", "7").replace('\r', "\n");
    let path = format!("/api/v1/messages/{held}/resend");
    let (status, body) = post(&bed, &path, &json!({ "message": mended })).await;
    assert_eq!((status, &body["parent"]), (200, &json!(held)), "{body}");
    receiver.until(3).await;
    bed.until(DeliveryState::Delivered, 3).await;
    assert_eq!(
        receiver.taken(),
        ["P2-00", "P1-00", "P1-01"],
        "before those who waited for it"
    );
    let shown = get(
        &bed,
        &format!("/api/v1/messages/{}", body["id"].as_str().unwrap()),
    )
    .await;
    assert_eq!(shown["message"]["parent"], json!(held));
    assert_eq!(
        shown["message"]["conflict"],
        Value::Null,
        "its control id is no coincidence"
    );
    let old = get(&bed, &format!("/api/v1/messages/{held}")).await;
    assert_eq!(old["hops"][0]["state"], "filtered");
    let cause = old["hops"][0]["cause"].as_str().unwrap();
    assert!(cause.contains(body["id"].as_str().unwrap()), "{cause}");
    // Decided once is decided.
    assert_eq!(post(&bed, &path, &json!({})).await.0, 409);
}

#[tokio::test]
async fn a_mended_message_keeps_its_place_over_a_restart() {
    let receiver = picky().await;
    let config = config(receiver.address, ["", "", "", "on-held = \"wait\""]);
    let bed = Bed::start(&config).await;
    bed.send(&wrong("P1-00", "7")).await;
    bed.until(DeliveryState::Held, 1).await;
    bed.send(&event("A08", "P1-01", "7")).await;
    let address = receiver.stop().await;
    let held = held_id(&bed).await;
    let path = format!("/api/v1/messages/{held}/resend");
    let mended = json!({ "message": event("A08", "P1-00", "7") });
    assert_eq!(post(&bed, &path, &mended).await.0, 200);
    let bed = Bed::start_in(bed.crash().await, &config).await;
    let mut receiver = Receiver::start_at(address, |_, _| Act::Ack(AckCode::AA)).await;
    receiver.until(2).await;
    bed.until(DeliveryState::Delivered, 2).await;
    assert_eq!(receiver.taken(), ["P1-00", "P1-01"]);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_at_its_place_and_changes_nothing() {
    let receiver = picky().await;
    let bed = Bed::start(&config(receiver.address, [""; 4])).await;
    bed.send(&wrong("M1", "7")).await;
    bed.until(DeliveryState::Held, 1).await;
    let path = format!("/api/v1/messages/{}/resend", held_id(&bed).await);
    let good = event("A08", "M1", "7");
    for (message, says) in [
        ("rubbish".to_owned(), "MSH"),
        (good.replace("7^^^RYJ^MR", ""), "PID-3"),
        (good.replace("|PAS|", "|STRANGER|"), "no interface"),
        (good.replace("7^^^RYJ^MR", "4000000004^^^NHS^NH"), "PID-3"),
    ] {
        let (status, body) = post(&bed, &path, &json!({ "message": message })).await;
        assert_eq!(status, 422, "{message}: {body}");
        assert!(
            body["error"].as_str().unwrap().contains(says),
            "{message}: {body}"
        );
        assert!(!body.to_string().contains("4000000004"));
    }
    assert_eq!(post(&bed, &path, &json!({ "mesage": "typo" })).await.0, 422);
    assert_eq!(bed.journal_state(DeliveryState::Held).await, 1);
    assert_eq!(
        bed.messages_in(store::MessageState::Routed).await,
        1,
        "nothing was recorded"
    );
}

#[tokio::test]
async fn held_messages_are_grouped_by_cause_and_decided_together() {
    let mut receiver =
        Receiver::start(
            |control_id, number| match (control_id.split_once('-').unwrap().0, number) {
                ("A", 0..8) => Act::Ack(AckCode::AR),
                ("B", _) => Act::Ack(AckCode::CR),
                _ => Act::Ack(AckCode::AA),
            },
        )
        .await;
    let bed = Bed::start(&config(receiver.address, ["", "", "breaker-refusals = 1000", ""])).await;
    for at in 0..5 {
        bed.send(&event("A08", &format!("A-{at}"), &format!("70{at}")))
            .await;
    }
    for at in 0..3 {
        bed.send(&event("A08", &format!("B-{at}"), &format!("80{at}")))
            .await;
    }
    bed.until(DeliveryState::Held, 8).await;
    let held = get(&bed, "/api/v1/held").await;
    let counts: Vec<_> = held["held"]
        .as_array()
        .unwrap()
        .iter()
        .map(|h| (&h["cause"], &h["count"]))
        .collect();
    assert_eq!(counts, [(&json!("AR"), &json!(5)), (&json!("CR"), &json!(3))]);
    assert_eq!(
        post(&bed, "/api/v1/held/resend", &json!({})).await.0,
        422,
        "everything must be meant"
    );
    let (status, body) = post(&bed, "/api/v1/held/resend", &json!({ "cause": "AR" })).await;
    assert_eq!((status, &body["decided"]), (200, &json!(5)));
    receiver.until(5).await;
    bed.until(DeliveryState::Delivered, 5).await;
    let (_, body) = post(
        &bed,
        "/api/v1/held/discard",
        &json!({ "interface": "pas-to-epr" }),
    )
    .await;
    assert_eq!(body["decided"], 3);
    assert_eq!(bed.journal_state(DeliveryState::Filtered).await, 3);
}

#[tokio::test]
async fn a_delivered_message_goes_once_more_only_when_that_is_said() {
    let mut receiver = Receiver::willing().await;
    let bed = Bed::start(&config(receiver.address, [""; 4])).await;
    bed.send(&event("A08", "M1", "7")).await;
    receiver.until(1).await;
    bed.until(DeliveryState::Delivered, 1).await;
    let id = bed.newest().await.summary.id;
    let path = format!("/api/v1/messages/{id}/resend");
    assert_eq!(post(&bed, &path, &json!({})).await.0, 409);
    let (status, body) = post(&bed, &path, &json!({ "again": true })).await;
    assert_eq!((status, &body["parent"]), (200, &json!(id.to_string())));
    receiver.until(2).await;
    assert_eq!(receiver.taken(), ["M1", "M1"]);
}
