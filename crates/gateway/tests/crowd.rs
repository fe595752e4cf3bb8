//! Many connections: idle ones, ones that stop inside a frame, ones that trickle. Others are served meanwhile.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use std::time::{Duration, Instant};

use hl7v2::ack::AckCode;
use store::MessageState;
use support::{Bed, Receiver, admission, config, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Bytes this process holds in memory.
fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}

async fn crowd(bed: &Bed, size: usize) -> Vec<TcpStream> {
    let address = bed.running().address("in").unwrap();
    let mut crowd = Vec::with_capacity(size);
    for _ in 0..size {
        crowd.push(TcpStream::connect(address).await.unwrap());
    }
    crowd
}

/// A good message is answered, and not late.
async fn assert_served(bed: &Bed, control_id: &str) -> Duration {
    let began = Instant::now();
    assert_eq!(bed.send(&admission(control_id, "7")).await.code(), AckCode::AA);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_idle_connections_cost_little_and_hold_up_nobody() {
    let receiver = Receiver::willing().await;
    let bed = Bed::start(&config(receiver.address, [""; 4])).await;
    assert_served(&bed, "M0").await;
    let before = resident_bytes();
    let idle = crowd(&bed, 1_000).await;
    let took = assert_served(&bed, "M1").await;
    let more = resident_bytes().saturating_sub(before);
    println!(
        "1,000 idle connections: {} KB more, both ends; a message took {took:?}",
        more >> 10
    );
    assert!(more <= 64 << 20, "{more} bytes");
    drop(idle);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_stop_half_way_are_refused_recorded_and_cut() {
    let receiver = Receiver::willing().await;
    let limits = "partial-frame-timeout-ms = 300";
    let bed = Bed::start(&config(receiver.address, [limits, "", "", ""])).await;
    let before = resident_bytes();
    let mut slow = crowd(&bed, 200).await;
    let whole = admission("SLOW", "8");
    let (begun, _) = whole.split_at(90);
    let begun = format!("\x0b{begun}");
    for stream in &mut slow {
        stream.write_all(begun.as_bytes()).await.unwrap();
    }
    assert_served(&bed, "M1").await;
    for stream in &mut slow {
        let mut said = String::new();
        // An answer that says so, then the end.
        stream.read_to_string(&mut said).await.unwrap();
        assert!(said.contains("MSA|AE|SLOW"), "{said}");
    }
    until(
        || async { bed.messages_in(MessageState::Rejected).await == 200 },
        || "200 recorded".into(),
    )
    .await;
    assert!(resident_bytes().saturating_sub(before) <= 64 << 20);
    assert_served(&bed, "M2").await;
}

/// A sender that never reads its answers is held back; others are served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_reads_no_answers_is_held_back() {
    let receiver = Receiver::willing().await;
    let bed = Bed::start(&config(receiver.address, [""; 4])).await;
    let mut deaf = TcpStream::connect(bed.running().address("in").unwrap())
        .await
        .unwrap();
    let mut frame = bytes::BytesMut::new();
    mllp::encode(b"no message", &mut frame).unwrap();
    let many = frame.repeat(2_000);
    let before = resident_bytes();
    // Writes until the gateway takes no more, or all is written: both are allowed, memory without bound is not.
    for _ in 0..20 {
        let writing = deaf.write_all(&many);
        if tokio::time::timeout(Duration::from_millis(300), writing)
            .await
            .is_err()
        {
            break;
        }
    }
    assert_served(&bed, "M1").await;
    assert!(resident_bytes().saturating_sub(before) <= 64 << 20);
}
