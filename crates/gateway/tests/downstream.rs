//! Whatever a destination does, its senders hear AA in time, nothing is lost, and no wrong answer is believed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hl7v2::ack::AckCode;
use store::DeliveryState;
use support::{Act, Bed, Receiver, config, event};

/// No sender waits longer for its ACK, whatever happens behind the gateway.
const LONGEST: Duration = Duration::from_secs(3);
const MESSAGES: usize = 60;

/// What it is called, and what is done.
type Misdeed = (&'static str, fn() -> Act);

/// Everything a destination was ever seen to do instead of answering.
const MISDEEDS: &[Misdeed] = &[
    ("never answers", || Act::Silence),
    ("closes", || Act::Hang),
    ("takes it and closes", || Act::LoseAck),
    ("answers for another", || Act::Foreign),
    ("sends garbage", || Act::Garbage),
    ("refuses for now", || Act::Ack(AckCode::AE)),
    ("refuses to commit for now", || Act::Ack(AckCode::CE)),
    ("empties MSA-2", || Act::Twist(|answer| field(answer, 2, ""))),
    ("lengthens MSA-2", || {
        Act::Twist(|answer| answer.replace("|P", "|XP"))
    }),
    ("answers with an unknown code", || {
        Act::Twist(|answer| field(answer, 1, "OK"))
    }),
    ("answers without MSA", || {
        Act::Twist(|answer| answer.replace("MSA|", "ZZZ|"))
    }),
    ("answers in small letters", || {
        Act::Twist(|answer| field(answer, 1, "aa"))
    }),
    ("answers with half an answer", || {
        Act::Twist(|answer| answer.chars().take(20).collect())
    }),
];

/// An answer with another value in a field of its MSA.
fn field(answer: &str, number: usize, value: &str) -> String {
    let line = |line: &str| match line.starts_with("MSA|") {
        false => line.to_owned(),
        true => {
            let mut fields: Vec<&str> = line.split('|').collect();
            fields[number] = value;
            fields.join("|")
        }
    };
    answer.split('\r').map(line).collect::<Vec<_>>().join("\r")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_misdeed_of_a_destination_reaches_its_senders_or_is_believed() {
    for (what, misdeed) in MISDEEDS {
        let well = Arc::new(AtomicBool::new(false));
        let state = well.clone();
        let mut receiver = Receiver::start(move |_, _| match state.load(Ordering::SeqCst) {
            true => Act::Ack(AckCode::AA),
            false => misdeed(),
        })
        .await;
        let limits = "attempts-max = 100000\nbreaker-refusals = 4\nconnections = 4";
        let config = config(receiver.address, ["", "", limits, ""])
            .replace("ack-timeout-ms = 1000", "ack-timeout-ms = 40");
        let bed = Bed::start(&config).await;
        let mut sender = bed.sender().await;
        let mut waits = Vec::new();
        for at in 0..MESSAGES {
            let message = event("A08", &format!("P{}-{at:03}", at % 6), &format!("70{}", at % 6));
            let began = Instant::now();
            let answer = support::Answer(sender.send(message.as_bytes()).await.unwrap());
            waits.push(began.elapsed());
            assert_eq!(answer.code(), AckCode::AA, "{what}");
        }
        waits.sort();
        assert!(waits[MESSAGES - 1] < LONGEST, "{what}: {:?}", waits[MESSAGES - 1]);
        let believed = bed.journal_state(DeliveryState::Delivered).await;
        assert_eq!(believed, 0, "{what}: believed");
        well.store(true, Ordering::SeqCst);
        receiver.until(MESSAGES).await;
        bed.until(DeliveryState::Delivered, MESSAGES as u64).await;
        println!("{what}: p99 of the ACK {:?}", waits[MESSAGES * 99 / 100]);
    }
}

/// Half-open: the connection stands, what is written goes nowhere, nobody reads.
#[tokio::test]
async fn a_destination_that_is_not_there_any_more_loses_nothing() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = config(silent.local_addr().unwrap(), ["", "", "", ""])
        .replace("ack-timeout-ms = 1000", "ack-timeout-ms = 40");
    let bed = Bed::start(&config).await;
    for at in 0..5 {
        let answer = bed.send(&event("A08", &format!("P0-{at}"), "700")).await;
        assert_eq!(answer.code(), AckCode::AA);
    }
    let address = silent.local_addr().unwrap();
    drop(silent);
    let mut receiver = Receiver::start_at(address, |_, _| Act::Ack(AckCode::AA)).await;
    receiver.until(5).await;
    bed.until(DeliveryState::Delivered, 5).await;
    assert_eq!(receiver.taken(), ["P0-0", "P0-1", "P0-2", "P0-3", "P0-4"]);
}
