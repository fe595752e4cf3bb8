//! What a destination gets: everything, once, in order per patient, whatever it does meanwhile.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use std::collections::HashMap;

use hl7v2::ack::AckCode;
use store::DeliveryState;
use support::{Act, Bed, Receiver, admission, config, event, merge, until};

/// Sends on one connection, each after the answer to the one before.
async fn send_all(bed: &Bed, messages: &[String]) {
    let mut sender = bed.sender().await;
    for message in messages {
        let answer = support::Answer(sender.send(message.as_bytes()).await.unwrap());
        assert_eq!(answer.code(), AckCode::AA);
    }
}

/// `P3-07` is the seventh message of patient 3: within a patient they must come in this order.
fn in_order(taken: &[String]) {
    let mut last: HashMap<&str, &str> = HashMap::new();
    for control_id in taken {
        let (patient, number) = control_id.split_once('-').unwrap();
        let before = last.insert(patient, number);
        assert!(
            before.is_none_or(|before| before < number),
            "{control_id} came after {before:?}: {taken:?}"
        );
    }
}

fn interleaved(patients: usize, messages: usize) -> Vec<String> {
    let numbered = |at: usize| (at % patients, at / patients);
    (0..patients * messages)
        .map(|at| {
            let (patient, number) = numbered(at);
            event("A08", &format!("P{patient}-{number:02}"), &format!("70{patient}"))
        })
        .collect()
}

#[tokio::test]
async fn order_within_a_patient_survives_a_receiver_that_flaps() {
    // Every third frame meets a closed connection, every fifth a refusal for now, every seventh a foreign answer.
    let mut receiver = Receiver::start(|_, number| match number {
        n if n % 3 == 2 => Act::Hang,
        n if n % 5 == 4 => Act::Ack(AckCode::AE),
        n if n % 7 == 6 => Act::Foreign,
        _ => Act::Ack(AckCode::AA),
    })
    .await;
    let bed = Bed::start(&config(
        receiver.address,
        ["", "", "attempts-max = 1000\nbreaker-refusals = 1000", ""],
    ))
    .await;
    let messages = interleaved(6, 15);
    send_all(&bed, &messages).await;
    receiver.until(messages.len()).await;
    bed.until(DeliveryState::Delivered, messages.len() as u64).await;
    in_order(&receiver.taken());
    assert_eq!(receiver.taken().len(), messages.len());
}

#[tokio::test]
async fn an_answer_to_another_message_is_not_believed() {
    let mut receiver = Receiver::start(|_, number| {
        if number == 0 {
            Act::Foreign
        } else {
            Act::Ack(AckCode::AA)
        }
    })
    .await;
    let bed = Bed::start(&config(receiver.address, [""; 4])).await;
    assert_eq!(bed.send(&admission("M1", "7")).await.code(), AckCode::AA);
    receiver.until(1).await;
    bed.until(DeliveryState::Delivered, 1).await;
    assert_eq!(receiver.heard(), ["M1", "M1"]);
}

#[tokio::test]
async fn no_answer_is_no_delivery() {
    let mut receiver = Receiver::start(|_, number| {
        if number < 2 {
            Act::Silence
        } else {
            Act::Ack(AckCode::AA)
        }
    })
    .await;
    let bed = Bed::start(
        &config(receiver.address, ["", "", "", ""]).replace("ack-timeout-ms = 1000", "ack-timeout-ms = 50"),
    )
    .await;
    assert_eq!(bed.send(&admission("M1", "7")).await.code(), AckCode::AA);
    receiver.until(1).await;
    bed.until(DeliveryState::Delivered, 1).await;
    assert_eq!(receiver.heard().len(), 3);
}

#[tokio::test]
async fn a_rejected_message_is_held_at_once_with_its_cause_and_others_pass() {
    let mut receiver = Receiver::start(|control_id, _| match control_id {
        "P1-00" => Act::Ack(AckCode::AR),
        _ => Act::Ack(AckCode::AA),
    })
    .await;
    let bed = Bed::start(&config(receiver.address, [""; 4])).await;
    send_all(&bed, &interleaved(3, 3)).await;
    receiver.until(8).await;
    bed.until(DeliveryState::Held, 1).await;
    bed.until(DeliveryState::Delivered, 8).await;
    let held = bed
        .deliveries()
        .await
        .into_iter()
        .find(|delivery| delivery.state == DeliveryState::Held)
        .unwrap();
    assert_eq!((held.attempts, held.cause.as_deref()), (1, Some("AR")));
    assert!(
        held.sent.is_some(),
        "what was sent is kept for the one who has to look"
    );
    assert_eq!(
        receiver.heard().iter().filter(|heard| *heard == "P1-00").count(),
        1
    );
}

#[tokio::test]
async fn with_on_held_wait_only_the_lane_of_the_held_message_waits() {
    let mut receiver = Receiver::start(|control_id, _| match control_id {
        "P1-00" => Act::Ack(AckCode::AR),
        _ => Act::Ack(AckCode::AA),
    })
    .await;
    let bed = Bed::start(&config(receiver.address, ["", "", "", "on-held = \"wait\""])).await;
    send_all(&bed, &interleaved(3, 3)).await;
    receiver.until(6).await;
    bed.until(DeliveryState::Held, 1).await;
    bed.until(DeliveryState::Delivered, 6).await;
    assert!(receiver.taken().iter().all(|taken| !taken.starts_with("P1-")));
    assert_eq!(bed.journal_queued().await, 2, "the patient's later messages wait");
}

#[tokio::test]
async fn a_message_refused_for_now_is_tried_again_and_held_in_the_end() {
    let mut receiver = Receiver::start(|control_id, number| match (control_id, number) {
        ("M1", 0..3) => Act::Ack(AckCode::AE),
        ("M2", _) => Act::Ack(AckCode::AE),
        _ => Act::Ack(AckCode::AA),
    })
    .await;
    let bed = Bed::start(&config(receiver.address, ["", "", "attempts-max = 4", ""])).await;
    bed.send(&admission("M1", "7")).await;
    receiver.until(1).await;
    assert_eq!(receiver.heard().len(), 4);
    bed.send(&admission("M2", "8")).await;
    bed.until(DeliveryState::Held, 1).await;
    assert_eq!(receiver.heard().iter().filter(|heard| *heard == "M2").count(), 4);
}

#[tokio::test]
async fn an_endpoint_that_is_away_costs_no_attempt_and_no_message() {
    let receiver = Receiver::willing().await;
    let address = receiver.stop().await;
    let bed = Bed::start(&config(address, ["", "", "attempts-max = 1", ""])).await;
    let messages = interleaved(4, 5);
    send_all(&bed, &messages).await;
    let mut receiver = Receiver::start_at(address, |_, _| Act::Ack(AckCode::AA)).await;
    receiver.until(messages.len()).await;
    bed.until(DeliveryState::Delivered, messages.len() as u64).await;
    in_order(&receiver.taken());
}

#[tokio::test]
async fn when_everything_is_rejected_the_endpoint_is_paused_and_the_rest_is_not_held() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    let well = Arc::new(AtomicBool::new(false));
    let state = well.clone();
    let mut receiver = Receiver::start(move |_, _| {
        Act::Ack(if state.load(Ordering::SeqCst) {
            AckCode::AA
        } else {
            AckCode::AR
        })
    })
    .await;
    let bed = Bed::start(&config(
        receiver.address,
        ["", "", "breaker-refusals = 3\nconnections = 1", ""],
    ))
    .await;
    send_all(&bed, &interleaved(20, 1)).await;
    until(|| async { receiver.heard().len() >= 8 }, || "probes".into()).await;
    bed.until(DeliveryState::Held, 2).await;
    well.store(true, Ordering::SeqCst);
    receiver.until(18).await;
    bed.until(DeliveryState::Delivered, 18).await;
    assert_eq!(bed.journal_state(DeliveryState::Held).await, 2);
}

#[tokio::test]
async fn a_merge_is_a_barrier_over_both_patients() {
    // The survivor's message is refused a while: merge and loser's later message must wait for it.
    let mut receiver = Receiver::start(|control_id, number| match control_id {
        "S1" if number < 6 => Act::Ack(AckCode::AE),
        _ => Act::Ack(AckCode::AA),
    })
    .await;
    let bed = Bed::start(&config(receiver.address, [""; 4])).await;
    let messages = [
        event("A08", "S1", "700"),
        event("A08", "L1", "701"),
        merge("MERGE", "700", "701"),
        event("A08", "L2", "701"),
        event("A08", "S2", "700"),
    ];
    send_all(&bed, &messages).await;
    receiver.until(5).await;
    let taken = receiver.taken();
    let at = |control_id: &str| taken.iter().position(|taken| taken == control_id).unwrap();
    assert!(at("S1") < at("MERGE") && at("L1") < at("MERGE"), "{taken:?}");
    assert!(at("MERGE") < at("L2") && at("MERGE") < at("S2"), "{taken:?}");
}

#[tokio::test]
async fn a_queue_beyond_memory_is_read_back_from_disk_in_order() {
    let receiver = Receiver::willing().await;
    let address = receiver.stop().await;
    let limits = "queue-deliveries-max = 7\npage-deliveries = 3";
    let bed = Bed::start(&config(address, [limits, "", "", ""])).await;
    let messages = interleaved(5, 12);
    send_all(&bed, &messages).await;
    let mut receiver = Receiver::start_at(address, |_, _| Act::Ack(AckCode::AA)).await;
    receiver.until(messages.len()).await;
    bed.until(DeliveryState::Delivered, messages.len() as u64).await;
    in_order(&receiver.taken());
    assert_eq!(receiver.heard().len(), messages.len(), "nothing twice");
}

#[tokio::test]
async fn what_was_queued_is_delivered_after_a_restart_in_order() {
    let receiver = Receiver::willing().await;
    let address = receiver.stop().await;
    let config = config(address, ["", "", "", ""]);
    let bed = Bed::start(&config).await;
    let messages = interleaved(3, 6);
    send_all(&bed, &messages).await;
    let dir = bed.crash().await;
    let bed = Bed::start_in(dir, &config).await;
    bed.send(&event("A08", "P0-99", "700")).await;
    let mut receiver = Receiver::start_at(address, |_, _| Act::Ack(AckCode::AA)).await;
    receiver.until(messages.len() + 1).await;
    bed.until(DeliveryState::Delivered, messages.len() as u64 + 1)
        .await;
    in_order(&receiver.taken());
    // A replay after the restart is still known.
    assert_eq!(bed.send(&messages[0]).await.code(), AckCode::AA);
    assert_eq!(receiver.heard().len(), messages.len() + 1);
}

#[tokio::test]
async fn a_held_message_still_holds_its_lane_after_a_restart_until_someone_decides() {
    let mut receiver = Receiver::start(|control_id, number| match control_id {
        "P1-00" if number < 9 => Act::Ack(AckCode::AR),
        _ => Act::Ack(AckCode::AA),
    })
    .await;
    let config = config(receiver.address, ["", "", "", "on-held = \"wait\""]);
    let bed = Bed::start(&config).await;
    send_all(&bed, &interleaved(3, 3)).await;
    receiver.until(6).await;
    bed.until(DeliveryState::Held, 1).await;
    bed.until(DeliveryState::Delivered, 6).await;
    let held = bed
        .deliveries()
        .await
        .into_iter()
        .find(|delivery| delivery.state == DeliveryState::Held)
        .unwrap();
    let bed = Bed::start_in(bed.crash().await, &config).await;
    bed.send(&event("A08", "P2-50", "702")).await;
    receiver.until(7).await;
    assert!(receiver.taken().iter().all(|taken| !taken.starts_with("P1-")));
    bed.send(&event("A08", "P2-51", "702")).await;
    receiver.until(8).await;

    let path = format!("/api/v1/messages/{}/resend", held.id.message);
    let (status, _) = support::http::post(bed.running().router(), &path, "application/json", b"{}").await;
    assert_eq!(status, 200);
    receiver.until(11).await;
    bed.until(DeliveryState::Delivered, 11).await;
    in_order(&receiver.taken());
}

#[tokio::test]
async fn a_graceful_stop_answers_what_is_in_flight_and_repeats_nothing() {
    let mut receiver = Receiver::willing().await;
    let config = config(receiver.address, [""; 4]);
    let mut bed = Bed::start(&config).await;
    let messages = interleaved(4, 5);
    send_all(&bed, &messages).await;
    bed.running.take().unwrap().drain().await;
    let bed = Bed::start_in(bed.crash().await, &config).await;
    receiver.until(messages.len()).await;
    bed.until(DeliveryState::Delivered, messages.len() as u64).await;
    assert_eq!(receiver.heard().len(), messages.len());
    in_order(&receiver.taken());
}

#[tokio::test]
async fn an_endpoint_can_be_moved_while_running() {
    let (mut first, mut second) = (Receiver::willing().await, Receiver::willing().await);
    let bed = Bed::start(&config(first.address, ["", "", "connections = 1", ""])).await;
    bed.send(&admission("M1", "7")).await;
    first.until(1).await;
    assert!(bed.running().redirect("epr", &second.address.to_string()));
    assert!(!bed.running().redirect("nobody", "127.0.0.1:1"));
    bed.send(&admission("M2", "7")).await;
    second.until(1).await;
    assert_eq!(
        (first.taken(), second.taken()),
        (vec!["M1".to_owned()], vec!["M2".to_owned()])
    );
}
