//! Application acknowledgements: after a CA, when the destinations have spoken, once, whatever happens in between.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use gateway::config::load;
use hl7v2::Message;
use hl7v2::ack::AckCode;
use store::DeliveryState;
use support::{Act, Bed, Receiver, admission, config};

/// Where the application acknowledgements go, beside the usual source and receiver.
fn with_return(receiver: &Receiver, back: &Receiver, more: [&str; 4]) -> String {
    let returned = format!(
        "[[endpoint]]\nname = \"back\"\nsend = \"mllp://{}\"\nretry-first-ms = 5\nretry-longest-ms = 40\n[[interface]]\nname = \"pas-to-epr\"",
        back.address
    );
    config(receiver.address, more)
        .replace(
            "name = \"pas\"\n",
            "name = \"pas\"\napplication-ack-to = \"back\"\n",
        )
        .replace("[[interface]]\nname = \"pas-to-epr\"", &returned)
}

fn enhanced(control_id: &str, modes: &str) -> String {
    admission(control_id, "7").replace("|T|2.4\r", &format!("|T|2.4|||{modes}\r"))
}

/// One that takes application acknowledgements, with a CA as they ask.
async fn returning() -> Receiver {
    Receiver::start(|_, _| Act::Ack(AckCode::CA)).await
}

/// What each acknowledgement says: MSA-1, MSA-2, MSA-3, MSH-15, MSH-16.
fn told(back: &Receiver) -> Vec<[String; 5]> {
    let frames = back.frames.lock().unwrap();
    let places = ["MSA-1", "MSA-2", "MSA-3", "MSH-15", "MSH-16"];
    let read = |frame: &Vec<u8>| {
        let message = Message::parse(frame).unwrap();
        places.map(|place| message.value(&place.parse().unwrap()).text().into_owned())
    };
    frames.iter().map(read).collect()
}

#[tokio::test]
async fn the_application_acknowledgement_follows_the_ca_when_the_destination_has_spoken() {
    let mut receiver = Receiver::start(|_, number| match number {
        // Not at the first attempt: nobody may be told before the second.
        0 => Act::Ack(AckCode::AE),
        _ => Act::Ack(AckCode::AA),
    })
    .await;
    let mut back = returning().await;
    let bed = Bed::start(&with_return(&receiver, &back, [""; 4])).await;
    let commit = bed.send(&enhanced("M1", "AL|AL")).await;
    assert_eq!(commit.code(), AckCode::CA);
    back.until(1).await;
    assert_eq!(receiver.taken(), ["M1"], "the destination has it by then");
    bed.until(DeliveryState::Delivered, 2).await;
    assert_eq!(told(&back), [["AA", "M1", "", "AL", "NE"].map(str::to_owned)]);
    // Repeated, the message gets its CA again, and no second application acknowledgement.
    assert_eq!(bed.send(&enhanced("M1", "AL|AL")).await.0, commit.0);
    // In original mode, or where MSH-16 asks for none, nothing follows.
    assert_eq!(bed.send(&admission("M2", "7")).await.code(), AckCode::AA);
    assert_eq!(bed.send(&enhanced("M3", "AL|NE")).await.code(), AckCode::CA);
    assert_eq!(bed.send(&enhanced("M4", "AL|SU")).await.code(), AckCode::CA);
    receiver.until(4).await;
    back.until(2).await;
    assert_eq!(told(&back)[1][1], "M4");
    assert_eq!(back.heard().len(), 2);
}

#[tokio::test]
async fn a_refusal_is_told_in_the_words_of_the_destination() {
    let receiver = Receiver::start(|_, _| {
        Act::Twist(|answer| answer.replace("MSA|AA|M1", "MSA|AR|M1|no such ward|||204"))
    })
    .await;
    let mut back = returning().await;
    let bed = Bed::start(&with_return(&receiver, &back, [""; 4])).await;
    assert_eq!(bed.send(&enhanced("M1", "AL|ER")).await.code(), AckCode::CA);
    back.until(1).await;
    let said = told(&back);
    assert_eq!(said[0][..2], ["AR", "M1"].map(str::to_owned));
    assert!(said[0][2].ends_with("no such ward"), "{said:?}");
    let frame = String::from_utf8(back.frames.lock().unwrap()[0].clone()).unwrap();
    assert!(frame.contains("204&"), "{frame}");
}

#[tokio::test]
async fn who_wants_to_hear_of_errors_only_hears_nothing_of_a_success() {
    let mut receiver = Receiver::willing().await;
    let back = returning().await;
    let bed = Bed::start(&with_return(&receiver, &back, [""; 4])).await;
    assert_eq!(bed.send(&enhanced("M1", "AL|ER")).await.code(), AckCode::CA);
    receiver.until(1).await;
    bed.until(DeliveryState::Filtered, 1).await;
    assert!(back.heard().is_empty());
}

#[tokio::test]
async fn a_crash_between_ca_and_aa_loses_neither_and_says_nothing_twice() {
    let receiver = Receiver::start(|_, _| Act::Silence).await;
    let back = returning().await;
    let text =
        with_return(&receiver, &back, [""; 4]).replace("ack-timeout-ms = 1000", "ack-timeout-ms = 60000");
    let bed = Bed::start(&text).await;
    for number in 0..20 {
        let message = enhanced(&format!("M{number}"), "AL|AL").replace("|7^", &format!("|{number}^"));
        assert_eq!(bed.send(&message).await.code(), AckCode::CA);
    }
    let dir = bed.crash().await;
    assert!(
        back.heard().is_empty(),
        "nothing is told before a destination has spoken"
    );
    let (mut receiver, mut back) = (Receiver::willing().await, returning().await);
    let bed = Bed::start_in(dir, &with_return(&receiver, &back, [""; 4])).await;
    receiver.until(20).await;
    back.until(20).await;
    bed.until(DeliveryState::Delivered, 40).await;
    let mut about: Vec<String> = told(&back).into_iter().map(|[_, about, ..]| about).collect();
    about.sort();
    about.dedup();
    assert_eq!((about.len(), back.heard().len()), (20, 20));
}

#[tokio::test]
async fn a_sender_that_is_away_gets_its_acknowledgement_later_and_the_same_one() {
    let receiver = Receiver::willing().await;
    let mut back = Receiver::start(|_, number| match number {
        0 | 1 => Act::Hang,
        _ => Act::Ack(AckCode::CA),
    })
    .await;
    let bed = Bed::start(&with_return(&receiver, &back, [""; 4])).await;
    bed.send(&enhanced("M1", "AL|AL")).await;
    back.until(1).await;
    let heard = back.heard();
    assert_eq!(heard.len(), 3);
    assert!(
        heard.iter().all(|control_id| *control_id == heard[0]),
        "{heard:?}"
    );
    bed.until(DeliveryState::Delivered, 2).await;
}

#[tokio::test]
async fn who_waits_for_delivery_hears_what_the_destination_said() {
    let receiver = Receiver::start_reading(|frame, _| {
        let refused = frame.windows(3).any(|window| window == b"|M2");
        Act::Twist(match refused {
            false => |answer| answer.replace("MSA|AA|M1", "MSA|AA|M1|filed with a warning"),
            true => |answer| answer.replace("MSA|AA|M2", "MSA|AR|M2|no such ward|||204"),
        })
    })
    .await;
    let bed = Bed::start(&config(
        receiver.address,
        ["", "acknowledge = \"on-delivery\"", "", ""],
    ))
    .await;
    let taken = bed.send(&admission("M1", "7")).await;
    assert_eq!(
        (taken.code(), taken.text().as_str()),
        (AckCode::AA, "filed with a warning")
    );
    let refused = bed.send(&admission("M2", "7")).await;
    assert_eq!(
        (refused.code(), refused.condition().as_str()),
        (AckCode::AR, "204")
    );
    assert!(refused.text().ends_with("no such ward"), "{}", refused.text());
    // From the journal it is the same.
    let again = bed.send(&admission("M1", "7")).await;
    assert_eq!(again.text(), "filed with a warning");
}

#[tokio::test]
async fn an_acknowledgement_needs_an_endpoint_that_sends() {
    let (receiver, back) = (Receiver::willing().await, returning().await);
    let sound = with_return(&receiver, &back, [""; 4]);
    let to = "application-ack-to = \"back\"";
    for (spoiled, says) in [
        ("application-ack-to = \"bakc\"", "did you mean `back`"),
        ("application-ack-to = \"in\"", "does not send HL7 v2"),
        (
            "ack-mode = \"original\"\napplication-ack-to = \"back\"",
            "leaves that out",
        ),
    ] {
        let dialects = [&translate::dialect::STANDARD];
        let found = load(&sound.replace(to, spoiled), "test", &dialects).unwrap_err();
        assert_eq!(found[0].key, "source[0].application-ack-to");
        assert!(
            found[0].line > 1 && found[0].to_string().contains(says),
            "{}",
            found[0]
        );
    }
}
