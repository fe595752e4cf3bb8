//! What a sender hears: recorded before any "yes", an answer to every frame, no live number kept.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use hl7v2::ack::AckCode;
use store::{DeliveryState, MessageState};
use support::{Act, Answer, Bed, Receiver, admission, config, event};

#[tokio::test]
async fn a_message_is_accepted_recorded_and_delivered() {
    let mut receiver = Receiver::willing().await;
    let bed = Bed::start(&config(receiver.address, [""; 4])).await;
    let answer = bed.send(&admission("M1", "7")).await;
    assert_eq!((answer.code(), answer.control_id().as_str()), (AckCode::AA, "M1"));
    // The "yes" has been heard, so it is on disk now.
    assert_eq!(bed.messages_in(MessageState::Routed).await, 1);
    receiver.until(1).await;
    bed.until(DeliveryState::Delivered, 1).await;
    assert_eq!(receiver.taken(), ["M1"]);
    assert_eq!(bed.newest().await.ack.as_deref(), Some(&answer.0[..]));
}

#[tokio::test]
async fn no_yes_without_the_journal() {
    let receiver = Receiver::willing().await;
    let bed = Bed::start(&config(receiver.address, [""; 4])).await;
    let database = rusqlite::Connection::open(bed.dir.path().join("journal.sqlite")).unwrap();
    database
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON message BEGIN SELECT RAISE(ABORT, 'disk full'); END",
        )
        .unwrap();
    let answer = bed.send(&admission("M1", "7")).await;
    assert_eq!((answer.code(), answer.condition().as_str()), (AckCode::AE, "207"));
    database.execute_batch("DROP TRIGGER full").unwrap();
    let answer = bed.send(&admission("M1", "7")).await;
    assert_eq!(
        answer.code(),
        AckCode::AA,
        "the same message is welcome once there is room"
    );
    assert_eq!(bed.messages_in(MessageState::Routed).await, 1);
}

#[tokio::test]
async fn a_decision_that_is_not_kept_is_no_yes_either() {
    let receiver = Receiver::willing().await;
    let bed = Bed::start(&config(receiver.address, [""; 4])).await;
    let database = rusqlite::Connection::open(bed.dir.path().join("journal.sqlite")).unwrap();
    database
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON delivery BEGIN SELECT RAISE(ABORT, 'disk full'); END",
        )
        .unwrap();
    assert_eq!(bed.send(&admission("M1", "7")).await.code(), AckCode::AE);
    assert!(receiver.heard().is_empty());
}

#[tokio::test]
async fn every_frame_gets_an_answer_however_broken() {
    let receiver = Receiver::willing().await;
    let bed = Bed::start(&config(receiver.address, [""; 4])).await;
    let two = format!("{}{}", admission("M1", "7"), admission("M2", "7"));
    for (sent, code, condition, place) in [
        ("", AckCode::AR, "100", "empty"),
        ("GET / HTTP/1.1", AckCode::AR, "100", "MSH"),
        ("EVN|A01\rMSH|^~\\&|PAS", AckCode::AR, "100", "line 1"),
        (&two, AckCode::AR, "100", "second MSH"),
        (
            "MSH|^~\\&|PAS|RYJ|||||ADT^A01||T|2.4\r",
            AckCode::AE,
            "101",
            "MSH-10",
        ),
        (
            "MSH|^~\\&|PAS|RYJ|||||ADT^A01|M3|T|2.4\r",
            AckCode::AE,
            "100",
            "PID",
        ),
        (
            "MSH|^~\\&|PAS|RYJ|||||ADT^A01|M4|T|2.4\rPID|1\rPV1|1\r",
            AckCode::AE,
            "101",
            "PID-3",
        ),
    ] {
        let answer = bed.send(sent).await;
        assert_eq!(
            (answer.code(), answer.condition().as_str()),
            (code, condition),
            "{sent:?}"
        );
        assert!(answer.text().contains(place), "{sent:?}: {}", answer.text());
        let kept = bed.newest().await;
        assert_eq!(
            (&kept.raw[..], kept.summary.state),
            (sent.as_bytes(), MessageState::Rejected)
        );
        assert!(kept.summary.cause.unwrap().contains(place));
    }
    assert_eq!(
        bed.send(&admission("M9", "7")).await.code(),
        AckCode::AA,
        "a good one right after"
    );
}

#[tokio::test]
async fn a_frame_beyond_its_limit_is_recorded_in_part_and_refused() {
    let receiver = Receiver::willing().await;
    let bed = Bed::start(&config(receiver.address, ["frame-bytes-max = 2048", "", "", ""])).await;
    let long = admission("M1", "7") + &"NTE|1||x\r".repeat(400);
    let answer = bed.send(&long).await;
    assert_eq!((answer.code(), answer.control_id().as_str()), (AckCode::AR, "M1"));
    assert!(
        answer.text().contains("frame_bytes_max = 2048"),
        "{}",
        answer.text()
    );
    assert_eq!(bed.newest().await.summary.state, MessageState::Rejected);
}

#[tokio::test]
async fn a_message_nobody_wants_is_an_outcome() {
    for (unrouted, code) in [("AR", AckCode::AR), ("AA", AckCode::AA)] {
        let receiver = Receiver::willing().await;
        let line = format!("unrouted = \"{unrouted}\"");
        let bed = Bed::start(&config(receiver.address, [&line, "", "", ""])).await;
        let stranger = admission("M1", "7").replace("|PAS|", "|STRANGER|");
        assert_eq!(bed.send(&stranger).await.code(), code);
        let unwanted = admission("M2", "7").replace("ADT^A01", "SIU^S12");
        assert_eq!(bed.send(&unwanted).await.code(), code);
        assert_eq!(bed.messages_in(MessageState::Unrouted).await, 2);
        assert!(receiver.heard().is_empty());
    }
}

#[tokio::test]
async fn a_live_looking_number_is_refused_and_never_reaches_the_disk() {
    let receiver = Receiver::willing().await;
    // A narrow range makes a synthetic number look live.
    let config = config(receiver.address, [""; 4]) + "[nhs-number]\nranges = [\"9991000000-9999999999\"]\n";
    let bed = Bed::start(&config).await;
    for message in [
        admission("M1", "9990000018"),
        admission("M1", "7").replace("PV1|1", "NTE|1||NHS 999 000 0018\rPV1|1"),
        "no header, but a number: 9990000018".to_owned(),
    ] {
        let answer = bed.send(&message).await;
        assert!(!answer.code().is_positive());
        assert!(!answer.text().contains("9990000018") && !answer.text().contains("999 000 0018"));
        assert_eq!(bed.newest().await.raw.len(), message.len());
    }
    assert_eq!(bed.messages_in(MessageState::Rejected).await, 3);
    let dir = bed.crash().await;
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for number in [&b"9990000018"[..], b"999 000 0018"] {
            assert!(
                !bytes.windows(number.len()).any(|window| window == number),
                "a live number is on disk"
            );
        }
    }
}

#[tokio::test]
async fn a_repeated_message_gets_the_same_answer_and_no_second_delivery() {
    let mut receiver = Receiver::willing().await;
    let bed = Bed::start(&config(receiver.address, [""; 4])).await;
    let first = bed.send(&admission("M1", "7")).await;
    let second = bed.send(&admission("M1", "7")).await;
    assert_eq!(first.0, second.0, "the stored answer, to the byte");
    assert_eq!(bed.messages_in(MessageState::Duplicate).await, 1);
    // The same control id from another sender, and with other content, is another message.
    assert_eq!(bed.send(&admission("M1", "8")).await.code(), AckCode::AA);
    receiver.until(2).await;
    bed.until(DeliveryState::Delivered, 2).await;
    assert_eq!(receiver.heard(), ["M1", "M1"]);
}

#[tokio::test]
async fn enhanced_mode_is_answered_as_asked() {
    let mut receiver = Receiver::willing().await;
    let bed = Bed::start(&config(receiver.address, [""; 4])).await;
    let enhanced = |control: &str, modes: &str| {
        admission(control, "7").replace("|T|2.4\r", &format!("|T|2.4|||{modes}\r"))
    };
    assert_eq!(bed.send(&enhanced("M1", "AL|NE")).await.code(), AckCode::CA);
    assert_eq!(bed.send(&enhanced("M2", "NE|AL")).await.code(), AckCode::AA);
    let mut sender = bed.sender().await;
    // No answer is wanted: the message arrives at the receiver and nothing comes back.
    let unanswered = enhanced("M3", "NE|NE");
    let answer = tokio::select! {
        answer = sender.send(unanswered.as_bytes()) => Some(answer),
        () = receiver.until(3) => None,
    };
    assert!(answer.is_none(), "an answer nobody wanted");
}

#[tokio::test]
async fn on_delivery_the_answer_is_the_destinations() {
    let receiver = Receiver::start(|control_id, _| match control_id {
        "BAD" => Act::Ack(AckCode::AR),
        _ => Act::Ack(AckCode::AA),
    })
    .await;
    let bed = Bed::start(&config(
        receiver.address,
        ["", "acknowledge = \"on-delivery\"", "", ""],
    ))
    .await;
    let answer = bed.send(&admission("GOOD", "7")).await;
    assert_eq!(answer.code(), AckCode::AA);
    assert_eq!(receiver.taken(), ["GOOD"], "delivered before the answer");
    let answer = bed.send(&admission("BAD", "8")).await;
    assert_eq!(answer.code(), AckCode::AR);
    assert!(answer.text().contains("pas-to-epr"));
    assert_eq!(
        bed.send(&admission("GOOD", "7")).await.code(),
        AckCode::AA,
        "the replay hears the same"
    );
    assert_eq!(receiver.heard().len(), 2);
}

#[tokio::test]
async fn on_delivery_no_sender_waits_for_ever_and_its_repetition_hears_how_it_ended() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    let well = Arc::new(AtomicBool::new(false));
    let state = well.clone();
    let mut receiver = Receiver::start(move |_, _| match state.load(Ordering::SeqCst) {
        true => Act::Ack(AckCode::AA),
        false => Act::Hang,
    })
    .await;
    let listener = "acknowledge = \"on-delivery\"\nacknowledge-timeout-ms = 60";
    let bed = Bed::start(&config(
        receiver.address,
        ["", listener, "attempts-max = 1000", ""],
    ))
    .await;
    let answer = bed.send(&admission("M1", "7")).await;
    assert_eq!(
        answer.code(),
        AckCode::AE,
        "not an AA for what is not delivered, and not a silence"
    );
    well.store(true, Ordering::SeqCst);
    receiver.until(1).await;
    bed.until(DeliveryState::Delivered, 1).await;
    assert_eq!(bed.send(&admission("M1", "7")).await.code(), AckCode::AA);
    assert_eq!(receiver.taken(), ["M1"], "repeated by its sender, delivered once");
}

/// A sender that breaks off inside a line and begins again on the same connection.
#[tokio::test]
async fn a_frame_with_a_second_header_inside_is_refused_at_its_place() {
    let mut receiver = Receiver::willing().await;
    let bed = Bed::start(&config(receiver.address, [""; 4])).await;
    let second = admission("M2", "8");
    for (number, between) in ["\x0b", "\x0b ", "\x0b\u{feff}"].iter().enumerate() {
        let first = admission(&format!("M1-{number}"), "7");
        let (begun, _) = first.split_once("^PERSON").unwrap();
        let answer = bed.send(&format!("{begun}{between}{second}")).await;
        assert_eq!(
            (answer.code(), answer.condition().as_str()),
            (AckCode::AR, "100"),
            "{between:?}"
        );
        assert!(answer.text().contains("PID-5"), "{between:?}: {}", answer.text());
        let kept = bed.newest().await;
        assert_eq!(kept.summary.state, MessageState::Rejected);
        assert!(
            kept.raw.ends_with(second.as_bytes()),
            "both are kept as they came"
        );
    }
    // Without a header behind it the byte is a line break that somebody pasted.
    let pasted = admission("M3", "7").replace("SYNTHETIC", "SYN\x0bTHETIC");
    assert_eq!(bed.send(&pasted).await.code(), AckCode::AA);
    let mentioned = admission("M4", "7").replace("SYNTHETIC", "SYN\x0bMSHAKA");
    assert_eq!(bed.send(&mentioned).await.code(), AckCode::AA);
    receiver.until(2).await;
}

#[tokio::test]
async fn a_control_id_used_for_two_messages_is_flagged_for_good() {
    let mut receiver = Receiver::willing().await;
    let bed = Bed::start(&config(receiver.address, [""; 4])).await;
    bed.send(&admission("M1", "7")).await;
    let first = bed.newest().await.summary.id;
    assert_eq!(bed.send(&admission("M1", "8")).await.code(), AckCode::AA);
    receiver.until(2).await;
    bed.until(DeliveryState::Delivered, 2).await;
    let list = |path: &'static str| {
        let router = bed.running().router();
        async move {
            let (status, body) = support::http::get(router, path).await;
            assert_eq!(status, 200, "{body}");
            let body: serde_json::Value = serde_json::from_str(&body).unwrap();
            body["messages"].as_array().unwrap().clone()
        }
    };
    let flagged = list("/api/v1/messages?flagged=control-id").await;
    assert_eq!(flagged.len(), 1);
    assert_eq!(flagged[0]["conflict"], first.to_string());
    let all = list("/api/v1/messages").await;
    assert_eq!(all.iter().filter(|line| line["conflict"].is_string()).count(), 1);
}

#[tokio::test]
async fn an_event_that_hl7_does_not_have_is_refused_unless_it_is_named() {
    let mut receiver = Receiver::willing().await;
    let bed = Bed::start(&config(receiver.address, [""; 4])).await;
    let answer = bed.send(&event("A99", "M1", "7")).await;
    assert_eq!((answer.code(), answer.condition().as_str()), (AckCode::AR, "201"));
    assert!(answer.text().contains("MSH-9.2"));
    assert_eq!(bed.newest().await.summary.state, MessageState::Unrouted);
    let named = config(receiver.address, [""; 4]).replace("\"ADT^*\"", "\"ADT^A99\"");
    let bed = Bed::start(&named).await;
    assert_eq!(bed.send(&event("A99", "M2", "7")).await.code(), AckCode::AA);
    receiver.until(1).await;
    assert_eq!(receiver.heard(), ["M2"]);
}

#[tokio::test]
async fn an_event_outside_the_interface_is_not_sent() {
    let mut receiver = Receiver::willing().await;
    let only = config(receiver.address, [""; 4]).replace("\"ADT^*\", \"ORU^*\"", "\"ADT^A03\"");
    let bed = Bed::start(&only).await;
    assert_eq!(bed.send(&event("A01", "M1", "7")).await.code(), AckCode::AR);
    assert_eq!(bed.send(&event("A03", "M2", "7")).await.code(), AckCode::AA);
    receiver.until(1).await;
    assert_eq!(receiver.heard(), ["M2"]);
}

#[tokio::test]
async fn bytes_outside_the_character_set_are_flagged_and_kept() {
    let mut receiver = Receiver::willing().await;
    let bed = Bed::start(&config(receiver.address, [""; 4])).await;
    let mut message = admission("M1", "7")
        .replace("|T|2.4\r", "|T|2.4||||||UNICODE UTF-8\r")
        .into_bytes();
    let at = message
        .windows(9)
        .position(|window| window == b"SYNTHETIC")
        .unwrap();
    message[at] = 0xE9;
    let answer = Answer(bed.sender().await.send(&message).await.unwrap());
    assert_eq!(answer.code(), AckCode::AA);
    let kept = bed.newest().await;
    assert_eq!(&kept.raw[..], &message[..]);
    let cause = kept.summary.cause.unwrap();
    assert!(cause.contains("PID-5"), "{cause}");
    receiver.until(1).await;
}
