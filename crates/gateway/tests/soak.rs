//! A long day: messages without end, a destination that flaps, and nothing that grows.
//!
//! `EPRGW_SOAK_MESSAGES=300000` makes the day longer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hl7v2::ack::AckCode;
use store::DeliveryState;
use support::{Act, Answer, Bed, Receiver, config, event};

const CONNECTIONS: usize = 16;
const PATIENTS: usize = 400;

/// Bytes this process holds in memory.
fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}

/// File descriptors this process holds.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// One connection's part of the day, for patients of its own; gives how long each ACK took.
async fn send(bed: Arc<Bed>, connection: usize, from: usize, to: usize) -> Vec<Duration> {
    let mut sender = bed.sender().await;
    let mut waits = Vec::new();
    for at in (from..to).filter(|at| at % PATIENTS % CONNECTIONS == connection) {
        let patient = at % PATIENTS;
        let message = event("A08", &format!("{patient:03}-{at:08}"), &format!("7{patient:03}"));
        let began = Instant::now();
        let answer = Answer(sender.send(message.as_bytes()).await.unwrap());
        waits.push(began.elapsed());
        assert_eq!(answer.code(), AckCode::AA);
    }
    waits
}

/// The part of the day from one message to another, delivered to its end; gives p99 of the ACK.
async fn part(bed: &Arc<Bed>, receiver: &mut Receiver, from: usize, to: usize) -> Duration {
    let sending = (0..CONNECTIONS).map(|connection| tokio::spawn(send(bed.clone(), connection, from, to)));
    let mut waits = Vec::new();
    for each in sending.collect::<Vec<_>>() {
        waits.extend(each.await.unwrap());
    }
    receiver.until_patiently(to).await;
    waits.sort();
    waits[waits.len() * 99 / 100]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_grows_and_nothing_is_lost_over_a_long_day() {
    let messages: usize = std::env::var("EPRGW_SOAK_MESSAGES").map_or(4_000, |text| text.parse().unwrap());
    let mut receiver = Receiver::start_quietly(|_, number| match number {
        n if n % 997 == 996 => Act::Hang,
        n if n % 499 == 498 => Act::Ack(AckCode::AE),
        n if n % 1_499 == 1_498 => Act::Foreign,
        _ => Act::Ack(AckCode::AA),
    })
    .await;
    let bed = Arc::new(Bed::start(&config(receiver.address, ["", "", "connections = 32", ""])).await);
    // The first tenth warms caches and pools; what is held after it is what is held for good.
    let warm = messages / 10;
    part(&bed, &mut receiver, 0, warm).await;
    let (memory, open) = (resident_bytes(), descriptors());
    let first = part(&bed, &mut receiver, warm, messages / 2).await;
    let second = part(&bed, &mut receiver, messages / 2, messages).await;
    bed.until(DeliveryState::Delivered, messages as u64).await;
    let grown = resident_bytes().saturating_sub(memory);
    // The receiver's own lists of what it heard and took: some sixty bytes for each.
    let own = (messages as u64) * 160;
    println!(
        "{messages} messages: p99 of the ACK {first:?}, then {second:?}; {} KB more in memory; descriptors {open}, then {}",
        grown >> 10,
        descriptors()
    );
    assert!(grown <= (32 << 20) + own, "{grown} bytes more");
    assert!(descriptors() <= open + 8, "{} descriptors", descriptors());
    let mut last: HashMap<String, String> = HashMap::new();
    for control_id in receiver.taken() {
        let (patient, number) = control_id.split_once('-').unwrap();
        let earlier = last.insert(patient.to_owned(), number.to_owned());
        assert!(
            earlier.is_none_or(|earlier| *earlier < *number),
            "{control_id} out of order"
        );
    }
    assert_eq!(receiver.taken().len(), messages, "each once");
}
