//! Sequence numbers in MSH-13, taken and given, through gaps, questions, repetitions and restarts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use std::sync::{Arc, Mutex};

use gateway::config::load;
use hl7v2::Message;
use hl7v2::ack::AckCode;
use store::{DeliveryState, MessageState};
use support::{Act, Answer, Bed, Receiver, admission, config};

fn numbered(control_id: &str, number: &str) -> String {
    admission(control_id, "7").replace("|T|2.4\r", &format!("|T|2.4|{number}\r"))
}

fn at(answer: &Answer, place: &str) -> String {
    let message = Message::parse(&answer.0).unwrap();
    message.value(&place.parse().unwrap()).text().into_owned()
}

/// Code and MSA-4 of the answer.
async fn says(bed: &Bed, message: &str) -> (AckCode, String) {
    let answer = bed.send(message).await;
    (answer.code(), at(&answer, "MSA-4"))
}

fn ok(code: AckCode, expected: &str) -> (AckCode, String) {
    (code, expected.to_owned())
}

#[tokio::test]
async fn a_counting_listener_takes_only_the_number_that_is_next() {
    let mut receiver = Receiver::willing().await;
    let text = config(receiver.address, ["", "sequence-numbers = true", "", ""]);
    let bed = Bed::start(&text).await;
    let question = "MSH|^~\\&|PAS|RYJ|EPR|RYJ|20260302103412||NMD^N02|Q1|T|2.4|-1\r";
    assert_eq!(
        says(&bed, question).await,
        ok(AckCode::AA, "1"),
        "nothing is known yet"
    );
    assert_eq!(says(&bed, &numbered("M1", "41")).await, ok(AckCode::AA, "42"));
    assert_eq!(
        says(&bed, &numbered("M3", "43")).await,
        ok(AckCode::AE, "42"),
        "a gap"
    );
    assert_eq!(says(&bed, &numbered("M2", "42")).await, ok(AckCode::AA, "43"));
    assert_eq!(
        says(&bed, &numbered("M2", "42")).await,
        ok(AckCode::AA, "43"),
        "repeated"
    );
    assert_eq!(
        says(&bed, &numbered("MX", "42")).await,
        ok(AckCode::AE, "43"),
        "another with its number"
    );
    assert_eq!(
        says(&bed, &question.replace("Q1", "Q2")).await,
        ok(AckCode::AA, "43")
    );
    let missing = bed.send(&admission("M4", "7")).await;
    assert_eq!(
        (missing.code(), missing.condition().as_str()),
        (AckCode::AE, "101")
    );
    assert!(missing.text().contains("MSH-13"), "{}", missing.text());
    // What is refused for its content leaves its number to the next.
    let bad = numbered("M5", "43").replace("PID|1||7^^^RYJ^MR", "PID|1||");
    assert_eq!(bed.send(&bad).await.code(), AckCode::AE);
    // Each sender has numbers of its own.
    let other = numbered("L1", "5").replace("|PAS|RYJ|", "|PAS|RXX|");
    assert_eq!(says(&bed, &other).await, ok(AckCode::AA, "6"));
    // The numbers survive a crash.
    let dir = bed.crash().await;
    let bed = Bed::start_in(dir, &text).await;
    assert_eq!(says(&bed, &numbered("M7", "44")).await, ok(AckCode::AE, "43"));
    assert_eq!(
        says(&bed, &numbered("M3", "43")).await,
        ok(AckCode::AA, "44"),
        "refused before, welcome now"
    );
    // A new beginning; a message that comes with it is not swallowed.
    assert_eq!(says(&bed, &numbered("M8", "0")).await, ok(AckCode::AE, "1"));
    assert_eq!(says(&bed, &numbered("M8", "1")).await, ok(AckCode::AA, "2"));
    receiver.until(5).await;
    bed.until(DeliveryState::Delivered, 5).await;
    assert_eq!(bed.messages_in(MessageState::Routed).await, 5);
}

/// A receiver that counts, and what numbers it took.
async fn counting(from: i64, taken: Arc<Mutex<Vec<i64>>>) -> Receiver {
    taken.lock().unwrap().push(from - 1);
    Receiver::start_reading(move |frame, _| {
        let message = Message::parse(frame).unwrap();
        let number: i64 = message.field("MSH", 13).text().parse().unwrap();
        let mut taken = taken.lock().unwrap();
        let expected = taken.last().unwrap() + 1;
        if number == expected {
            taken.push(number);
            return Act::Ack(AckCode::AA);
        }
        Act::Expect(expected)
    })
    .await
}

#[tokio::test]
async fn a_counting_endpoint_numbers_what_it_sends_and_goes_on_after_a_crash() {
    let taken: Arc<Mutex<Vec<i64>>> = Arc::default();
    let mut receiver = counting(7, taken.clone()).await;
    let text = config(
        receiver.address,
        ["", "", "sequence-numbers = true\nconnections = 1", ""],
    )
    // A busy machine is no lost answer: this receiver counts, and knows no repetition.
    .replace("ack-timeout-ms = 1000", "ack-timeout-ms = 20000");
    let bed = Bed::start(&text).await;
    for number in 0..10 {
        bed.send(&admission(&format!("A{number}"), &number.to_string()))
            .await;
    }
    receiver.until(10).await;
    bed.until(DeliveryState::Delivered, 10).await;
    let dir = bed.crash().await;
    let bed = Bed::start_in(dir, &text).await;
    let before = receiver.heard().len();
    for number in 0..10 {
        bed.send(&admission(&format!("B{number}"), &number.to_string()))
            .await;
    }
    receiver.until(20).await;
    bed.until(DeliveryState::Delivered, 20).await;
    assert_eq!(*taken.lock().unwrap(), (6..27).collect::<Vec<i64>>());
    // Told once which number is next, the gateway knows; a crash may cost one more question.
    assert!(
        before <= 11 && receiver.heard().len() <= 22,
        "{:?}",
        receiver.heard()
    );
}

#[tokio::test]
async fn numbers_need_one_connection_and_hl7() {
    let receiver = Receiver::willing().await;
    for (text, says) in [
        (
            config(receiver.address, ["", "", "sequence-numbers = true", ""]),
            "connections = 1",
        ),
        (
            config(receiver.address, ["", "", "sequence-numbers = true", ""]).replace(
                &format!("send = \"mllp://{}\"", receiver.address),
                "fhir = \"http://127.0.0.1:9/r4\"",
            ),
            "MSH-13",
        ),
    ] {
        let found = load(&text, "test", &[&translate::dialect::STANDARD]).unwrap_err();
        assert_eq!(found[0].key, "endpoint[1].sequence-numbers");
        assert!(found[0].to_string().contains(says), "{}", found[0]);
    }
}
