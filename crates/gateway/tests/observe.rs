//! What can be seen from outside: metrics that count what happened, an audit record that holds together.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use hl7v2::ack::AckCode;
use serde_json::Value;
use store::DeliveryState;
use support::{Act, Bed, Receiver, admission, config, event, http};

async fn bed() -> (Bed, Receiver) {
    let receiver = Receiver::start(|control_id, number| match (control_id, number) {
        ("BAD", _) => Act::Ack(AckCode::AR),
        ("SLOW", 0..3) => Act::Ack(AckCode::AE),
        _ => Act::Ack(AckCode::AA),
    })
    .await;
    let bed = Bed::start(&config(receiver.address, [""; 4])).await;
    bed.send(&admission("BAD", "7")).await;
    bed.until(DeliveryState::Held, 1).await;
    bed.send(&admission("SLOW", "8")).await;
    bed.send(&event("A99", "NEVER", "9")).await;
    bed.send("rubbish").await;
    bed.until(DeliveryState::Delivered, 1).await;
    bed.send(&admission("SLOW", "8")).await;
    (bed, receiver)
}

#[tokio::test]
async fn metrics_count_what_happened_by_stage_interface_and_outcome() {
    let (bed, _receiver) = bed().await;
    let (status, text) = http::get(bed.running().router(), "/metrics").await;
    assert_eq!(status, 200);
    for line in [
        r#"eprgw_messages_total{system="pas",type="ADT^A01",outcome="routed"} 2"#,
        r#"eprgw_messages_total{system="pas",type="ADT^A01",outcome="duplicate"} 1"#,
        r#"eprgw_messages_total{system="pas",type="other",outcome="unrouted"} 1"#,
        r#"eprgw_messages_total{system="",type="other",outcome="rejected"} 1"#,
        r#"eprgw_stage_seconds_count{stage="record",interface="",outcome="committed"} 5"#,
        r#"eprgw_stage_seconds_count{stage="acknowledge",interface="",outcome="answered"} 5"#,
        r#"eprgw_stage_seconds_count{stage="deliver",interface="pas-to-epr",outcome="taken"} 1"#,
        r#"eprgw_stage_seconds_count{stage="deliver",interface="pas-to-epr",outcome="rejected"} 1"#,
        r#"eprgw_delivery_seconds_count{interface="pas-to-epr",state="delivered"} 1"#,
        r#"eprgw_deliveries{interface="pas-to-epr",state="held"} 1"#,
        r#"eprgw_paused{endpoint="epr"} 0"#,
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line}\nis not in\n{text}"
        );
    }
    assert!(text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn the_dashboard_asks_for_series_that_there_are() {
    let (bed, _receiver) = bed().await;
    let (_, text) = http::get(bed.running().router(), "/metrics").await;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/grafana.json");
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.len() >= 6);
    for panel in panels {
        for target in panel["targets"].as_array().unwrap() {
            let asked = target["expr"].as_str().unwrap();
            let at = asked.find("eprgw_").unwrap_or_else(|| panic!("{asked}"));
            let name: String = asked
                .chars()
                .skip(at)
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            assert!(
                text.contains(&name),
                "{asked} asks for {name}, which is not there"
            );
        }
    }
}

#[tokio::test]
async fn the_audit_record_is_exported_as_audit_events_and_holds_together() {
    let (bed, _receiver) = bed().await;
    let (status, text) = http::get(bed.running().router(), "/api/v1/audit?limit=3").await;
    assert_eq!(status, 200);
    assert!(!text.contains("SYNTHETIC") && !text.contains("PERSON"));
    let first: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(first["entry"][0]["resource"]["resourceType"], "AuditEvent");
    let (mut path, mut states) = ("/api/v1/audit?limit=3".to_owned(), Vec::new());
    loop {
        let (_, text) = http::get(bed.running().router(), &path).await;
        let page: Value = serde_json::from_str(&text).unwrap();
        let bundle: fhir::Bundle = fhir::from_slice(text.as_bytes()).unwrap();
        assert_eq!(bundle.entry.len(), page["entry"].as_array().unwrap().len());
        for entry in page["entry"].as_array().unwrap() {
            let detail = &entry["resource"]["entity"][0]["detail"][0];
            states.push(detail["valueString"].as_str().unwrap().to_owned());
        }
        match page["link"][0]["url"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    // A message may be recorded and decided about in one commit or in two; attempts that change nothing are no events.
    states.retain(|state| state != "received");
    states.sort();
    assert_eq!(
        states,
        [
            "delivered",
            "duplicate",
            "held",
            "rejected",
            "routed",
            "routed",
            "unrouted"
        ]
    );
    let verified = http::post(
        bed.running().router(),
        "/api/v1/audit/verify",
        "application/json",
        b"{}",
    )
    .await;
    assert!(verified.1.contains("\"whole\":true"), "{}", verified.1);
}
