//! Order within a patient, where it is easiest to lose: many frames in flight at once, long queues, repairs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use std::collections::HashMap;

use hl7v2::ack::AckCode;
use store::DeliveryState;
use support::{Act, Bed, Pipe, Receiver, config, event, http, until};

/// Sends every message at once on one connection; gives MSA-2 of the answers in order.
async fn pipelined(bed: &Bed, messages: &[String]) -> Vec<String> {
    let mut pipe = Pipe::connect(bed.running().address("in").unwrap()).await.unwrap();
    let answers = pipe.send_all(messages).await;
    assert!(answers.iter().all(|answer| answer.code() == AckCode::AA));
    answers.iter().map(support::Answer::control_id).collect()
}

fn numbered(count: usize, patients: usize) -> Vec<String> {
    (0..count)
        .map(|at| {
            event(
                "A08",
                &format!("P{}-{at:06}", at % patients),
                &format!("70{}", at % patients),
            )
        })
        .collect()
}

fn control_ids(messages: &[String]) -> Vec<String> {
    messages
        .iter()
        .map(|message| message.split('|').nth(9).unwrap().to_owned())
        .collect()
}

fn assert_in_order(taken: &[String]) {
    let mut last: HashMap<&str, &str> = HashMap::new();
    for control_id in taken {
        let (patient, number) = control_id.split_once('-').unwrap();
        let before = last.insert(patient, number);
        assert!(
            before.is_none_or(|before| before < number),
            "{control_id} after {before:?}"
        );
    }
}

/// The runtime gives a task only so many steps at a time. A connection with many frames in flight uses them up
/// in the middle of one, and must not let a later frame into the journal before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_in_flight_on_one_connection_enter_the_journal_in_their_order() {
    let mut receiver = Receiver::willing().await;
    let bed = Bed::start(&config(receiver.address, ["window = 256", "", "", ""])).await;
    let messages = numbered(700, 1);
    assert_eq!(pipelined(&bed, &messages).await, control_ids(&messages));
    receiver.until(messages.len()).await;
    assert_eq!(receiver.taken(), control_ids(&messages));
}

/// Once a queue has been on disk, it must come back into memory while messages keep coming.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_comes_back_from_disk_while_messages_keep_coming() {
    let receiver = Receiver::willing().await;
    let address = receiver.stop().await;
    let limits = "queue-deliveries-max = 60\npage-deliveries = 20";
    let bed = Bed::start(&config(address, [limits, "", "", ""])).await;
    let messages = numbered(1_200, 7);
    let (first, rest) = messages.split_at(400);
    pipelined(&bed, first).await;
    let mut receiver = Receiver::start_at(address, |_, _| Act::Ack(AckCode::AA)).await;
    for chunk in rest.chunks(25) {
        pipelined(&bed, chunk).await;
    }
    receiver.until(messages.len()).await;
    bed.until(DeliveryState::Delivered, messages.len() as u64).await;
    assert_in_order(&receiver.taken());
    assert_eq!(receiver.heard().len(), messages.len(), "nothing twice");
}

/// A held message that is sent again stands further up in the journal than the queue has been read.
#[tokio::test]
async fn a_held_message_is_sent_again_although_the_queue_has_been_read_past_it() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    // 0: all but the poison is taken; 1: nobody answers well; 2: all is taken.
    let phase = Arc::new(AtomicUsize::new(0));
    let now = phase.clone();
    let mut receiver = Receiver::start(
        move |control_id, _| match (now.load(Ordering::SeqCst), control_id) {
            (0, "P0-000000") => Act::Ack(AckCode::AR),
            (1, _) => Act::Hang,
            _ => Act::Ack(AckCode::AA),
        },
    )
    .await;
    let limits = "queue-deliveries-max = 10\npage-deliveries = 4";
    let config = config(
        receiver.address,
        [limits, "", "attempts-max = 1000\nbreaker-refusals = 2", ""],
    );
    let bed = Bed::start(&config).await;
    let messages = numbered(60, 5);
    bed.send(&messages[0]).await;
    bed.until(DeliveryState::Held, 1).await;
    phase.store(1, Ordering::SeqCst);
    for message in &messages[1..] {
        bed.send(message).await;
    }
    // A new life reads the queue from disk: some pages of it, as far as there is room.
    let dir = bed.crash().await;
    let before = receiver.heard().len();
    let bed = Bed::start_in(dir, &config).await;
    until(|| async { receiver.heard().len() > before }, || "a page".into()).await;
    let held = bed.deliveries().await.remove(0);
    assert_eq!(held.state, DeliveryState::Held);
    let path = format!("/api/v1/messages/{}/resend", held.id.message);
    let (status, _) = http::post(bed.running().router(), &path, "application/json", b"{}").await;
    assert_eq!(status, 200);
    phase.store(2, Ordering::SeqCst);
    receiver.until(60).await;
    bed.until(DeliveryState::Delivered, 60).await;
    assert!(receiver.taken().contains(&"P0-000000".to_owned()));
}
