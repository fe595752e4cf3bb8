//! LastWord: the nightly batch, the freeze before a cut-over, and sending again.

#![allow(clippy::unwrap_used)] // also in what the tests call

mod harness;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use adapters::EprSettings;
use harness::{Receiver, System, action, field, vendor};
use serde_json::json;

/// A system that sends to `receiver`, and minutes to move its clock by; it starts at ten to two in the morning.
async fn system(receiver: &Receiver, batch: &str) -> (System, Arc<AtomicI64>) {
    let minutes = Arc::new(AtomicI64::new(0));
    let clock: adapters::Clock = {
        let minutes = minutes.clone();
        Arc::new(move || {
            let start: jiff::Timestamp = "2026-01-15T01:50:00Z".parse().unwrap();
            start + jiff::SignedDuration::from_mins(minutes.load(Ordering::Relaxed))
        })
    };
    let vendor = vendor("lastword");
    let mut settings = EprSettings::new("lastword", vendor.default_profile(), clock);
    settings.send_to = Some(receiver.address());
    settings.choices.insert("batch-window".into(), batch.into());
    (System::with(vendor, settings).await, minutes)
}

#[tokio::test]
async fn lastword_21_nothing_leaves_during_the_batch_and_all_of_it_after() {
    let receiver = Receiver::start().await;
    let (system, minutes) = system(&receiver, "02:00-02:20").await;
    system.act(json!({"register": {"family": "Before"}})).await;
    system.epr.outbox_empty().await;
    assert_eq!(receiver.messages().len(), 1);
    minutes.store(12, Ordering::Relaxed);
    for family in ["One", "Two", "Three"] {
        system.act(json!({"register": {"family": family}})).await;
    }
    assert_eq!((system.epr.outbox().queued, receiver.messages().len()), (3, 1));
    minutes.store(31, Ordering::Relaxed);
    system.epr.outbox_empty().await;
    let got = receiver.messages();
    let order: Vec<bool> = ["ONE", "TWO", "THREE"]
        .iter()
        .zip(&got[1..])
        .map(|(name, message)| message.contains(name))
        .collect();
    assert_eq!(order, [true; 3]);
}

#[tokio::test]
async fn lastword_22_a_freeze_lets_the_queue_drain_and_gives_no_new_control_id() {
    let receiver = Receiver::start().await;
    let (system, _) = system(&receiver, "off").await;
    let hold = json!([{"fault": "hold"}]);
    system
        .epr
        .set_faults(serde_json::from_value(hold).unwrap())
        .unwrap();
    let queued = system.act(json!({"register": {"family": "Larch"}})).await;
    system.act(json!({"freeze": null})).await;
    let refused = system
        .epr
        .act(action(json!({"register": {"family": "Elm"}})))
        .await
        .err()
        .unwrap();
    assert!(refused.to_string().contains("frozen"));
    system.epr.set_faults(Vec::new()).unwrap();
    system.epr.outbox_empty().await;
    assert_eq!(field(&receiver.messages()[0], "MSH", 10), queued.control_id);
    system.act(json!({"thaw": null})).await;
    let next = system.act(json!({"register": {"family": "Elm"}})).await;
    let number = |id: &str| id.trim_start_matches("PLW").parse::<u64>().unwrap();
    assert_eq!(
        number(&next.control_id),
        number(&queued.control_id) + 1,
        "none was given between"
    );
}

#[tokio::test]
async fn lastword_23_messages_are_sent_again_by_control_id_and_by_time() {
    let receiver = Receiver::start().await;
    let (system, minutes) = system(&receiver, "off").await;
    let first = system.act(json!({"register": {"family": "Larch"}})).await;
    minutes.store(60, Ordering::Relaxed);
    system.act(json!({"register": {"family": "Elm"}})).await;
    system.epr.outbox_empty().await;
    system
        .act(json!({"resend": {"control-id": first.control_id}}))
        .await;
    system.epr.outbox_empty().await;
    assert_eq!(receiver.messages()[2], receiver.messages()[0], "byte for byte");
    system
        .act(json!({"resend": {"from": "2026-01-15T02:30", "to": "2026-01-15T03:00"}}))
        .await;
    system.epr.outbox_empty().await;
    let got = receiver.messages();
    assert!(got.len() == 4 && got[3] == got[1]);
    let nothing = system
        .epr
        .act(action(json!({"resend": {"control-id": "PLW0"}})))
        .await;
    assert!(nothing.is_err());
}
