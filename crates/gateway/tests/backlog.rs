//! A long queue: ready at once, bounded in memory, drained in order while more comes.
//!
//! `EPRGW_BACKLOG=600000` measures what is promised for an outage of ten minutes at 1,000 messages a second.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use std::collections::HashMap;
use std::time::Instant;

use bytes::Bytes;
use hl7v2::ack::AckCode;
use store::{
    DeliveryState, Identity, Journal, MessageId, MessageState, NewDelivery, Received, Settlement,
    SqliteJournal,
};
use support::{Act, Bed, Receiver, config, event};
use uuid::Uuid;

const PATIENTS: usize = 500;

/// Bytes this process holds in memory.
fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}

fn message(number: usize) -> (String, String) {
    let patient = number % PATIENTS;
    let control_id = format!("{patient:03}-{number:07}");
    let text = event("A08", &control_id, &format!("7{patient:03}"));
    (control_id, text)
}

/// Puts a queue into a journal, as an outage leaves one.
async fn fill(journal: &SqliteJournal, count: usize) {
    let mut last = None;
    for number in 0..count {
        let (control_id, text) = message(number);
        let id = MessageId(Uuid::from_u128(number as u128 + 1));
        let received = Received {
            id,
            received_at_ms: 1_700_000_000_000 + i64::try_from(number).unwrap(),
            endpoint: "in".into(),
            peer: "127.0.0.1:1".into(),
            parent: None,
            raw: Bytes::from(text),
        };
        let settlement = Settlement {
            identity: Identity {
                system: "pas".into(),
                message_code: "ADT".into(),
                trigger_event: "A08".into(),
                control_id,
                ..Identity::default()
            },
            // A second interface with a queue of its own must not slow down the first.
            deliveries: ["pas-to-nowhere", "pas-to-epr"]
                .map(|interface| NewDelivery {
                    interface: interface.into(),
                    lane: format!("{interface}:{}", number % PATIENTS),
                    state: DeliveryState::Queued,
                    cause: None,
                    replaces: None,
                })
                .into(),
            ..Settlement::new(id, MessageState::Routed)
        };
        drop(journal.record(received).await.unwrap());
        let settled = journal.settle(settlement).await.unwrap();
        if number.is_multiple_of(10_000) {
            settled.await.unwrap();
        } else {
            last = Some(settled);
        }
    }
    last.unwrap().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_queue_is_taken_up_at_once_and_drained_in_order_and_in_bounded_memory() {
    let count: usize = std::env::var("EPRGW_BACKLOG").map_or(6_000, |text| text.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let journal = SqliteJournal::open(dir.path(), store::Settings::default()).unwrap();
    fill(&journal, count).await;
    journal.close().await;
    drop(journal);
    let mut receiver = Receiver::start_quietly(|_, _| Act::Ack(AckCode::AA)).await;
    let before = resident_bytes();
    let began = Instant::now();
    let config = config(receiver.address, ["", "", "connections = 64", ""]);
    let bed = Bed::start_in(dir, &config).await;
    let ready = began.elapsed();
    // While it drains, more comes for the same patients, and must stay behind.
    let newer = (count..count + 200).map(message).collect::<Vec<_>>();
    for (_, text) in &newer {
        assert_eq!(bed.send(text).await.code(), AckCode::AA);
    }
    let mut most = 0;
    let total = count + newer.len();
    for part in 1..=20 {
        receiver.until_patiently(total * part / 20).await;
        most = most.max(resident_bytes().saturating_sub(before));
    }
    let drained = began.elapsed();
    let mut last: HashMap<String, String> = HashMap::new();
    for control_id in receiver.taken() {
        let (patient, number) = control_id.split_once('-').unwrap();
        let earlier = last.insert(patient.to_owned(), number.to_owned());
        assert!(
            earlier.is_none_or(|earlier| *earlier < *number),
            "{control_id} out of order"
        );
    }
    let rate = total as f64 / drained.as_secs_f64();
    println!(
        "{count} queued: ready in {ready:?}, drained at {rate:.0}/s, {} MB more in memory",
        most >> 20
    );
    // The receiver's own list of what it took is part of it: some sixty bytes for each.
    let own = total as u64 * 100;
    assert!(most < (200 << 20) + own, "{most} bytes");
}
