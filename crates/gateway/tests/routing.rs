//! Which messages go where, and in whose dialect.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use hl7v2::ack::AckCode;
use store::DeliveryState;
use support::{Bed, Receiver, admission, event};

/// Two trusts on one listener, two receivers, and one that takes everything that enters.
fn config(north: &Receiver, south: &Receiver, archive: &Receiver) -> String {
    format!(
        r#"
[gateway]
http = "127.0.0.1:0"
[[source]]
name = "pas-one"
system = "pas"
sending-application = ["PAS"]
sending-facility = ["RYJ"]
[[source]]
name = "pas-two"
system = "pas"
sending-application = ["PAS^OID^ISO"]
[[endpoint]]
name = "in"
listen = "mllp://127.0.0.1:0"
[[endpoint]]
name = "north"
send = "mllp://{}"
retry-first-ms = 5
retry-longest-ms = 20
[[endpoint]]
name = "south"
send = "mllp://{}"
[[endpoint]]
name = "archive"
send = "mllp://{}"
[[interface]]
name = "to-north"
from = "pas"
to = "north"
facility = ["RYJ", "7B"]
[[interface]]
name = "to-south"
from = "pas-two"
to = "south"
accept = ["ADT^A03", "ADT^A08"]
[[interface]]
name = "to-archive"
from = "in"
to = "archive"
translate = "none"
"#,
        north.address, south.address, archive.address
    )
}

#[tokio::test]
async fn system_source_event_and_facility_decide() {
    let (mut north, mut south, mut archive) = (
        Receiver::willing().await,
        Receiver::willing().await,
        Receiver::willing().await,
    );
    let bed = Bed::start(&config(&north, &south, &archive)).await;
    let second = |message: String| message.replace("|PAS|RYJ|", "|PAS^OID^ISO|RXX|");
    for message in [
        admission("ONE", "7"),
        second(event("A01", "TWO-A01", "8")),
        second(event("A03", "TWO-A03", "8")),
        second(event("A08", "TWO-7B", "8")).replace("7A^1^1", "7A^1^1^7B"),
        admission("STRANGER", "9").replace("|PAS|", "|LAB|"),
    ] {
        assert_eq!(bed.send(&message).await.code(), AckCode::AA);
    }
    archive.until(5).await;
    north.until(2).await;
    south.until(2).await;
    bed.until(DeliveryState::Delivered, 9).await;
    assert_eq!(north.taken(), ["ONE", "TWO-7B"]);
    assert_eq!(south.taken(), ["TWO-A03", "TWO-7B"]);
}

#[tokio::test]
async fn one_stream_is_split_by_facility_and_what_all_share_reaches_all() {
    let (mut north, mut south) = (Receiver::willing().await, Receiver::willing().await);
    let to = |name: &str, address: std::net::SocketAddr, facility: &str| {
        format!(
            "[[endpoint]]\nname = '{name}'\nsend = 'mllp://{address}'\n\
             [[interface]]\nname = 'to-{name}'\nfrom = 'in'\nto = '{name}'\ntranslate = 'none'\n\
             facility = ['{facility}']\nshared = ['ADT^A31', 'ADT^A40']\n"
        )
    };
    let config = format!(
        "[gateway]\nhttp = '127.0.0.1:0'\n[[endpoint]]\nname = 'in'\nlisten = 'mllp://127.0.0.1:0'\n{}{}",
        to("north", north.address, "RYJ"),
        to("south", south.address, "RQM")
    );
    let bed = Bed::start(&config).await;
    for (event, control, trust) in [("A01", "N1", "RYJ"), ("A01", "S1", "RQM"), ("A31", "BOTH", "RQM")] {
        let message = support::event(event, control, "7").replace("|PAS|RYJ|", &format!("|PAS|{trust}|"));
        assert_eq!(bed.send(&message).await.code(), AckCode::AA);
    }
    let nobodys = event("A01", "NOBODY", "7").replace("|PAS|RYJ|", "|PAS|RXX|");
    assert_eq!(bed.send(&nobodys).await.code(), AckCode::AR);
    bed.until(DeliveryState::Delivered, 4).await;
    north.until(2).await;
    south.until(2).await;
    assert_eq!(north.taken(), ["N1", "BOTH"]);
    assert_eq!(south.taken(), ["S1", "BOTH"]);
}

#[tokio::test]
async fn what_carries_our_own_origin_is_taken_and_goes_nowhere() {
    let mut receiver = Receiver::willing().await;
    let text = format!(
        "[gateway]\nhttp = '127.0.0.1:0'\norigin = 'north'\n\
         [[endpoint]]\nname = 'in'\nlisten = 'mllp://127.0.0.1:0'\n\
         [[endpoint]]\nname = 'out'\nsend = 'mllp://{}'\n\
         [[interface]]\nname = 'in-to-out'\nfrom = 'in'\nto = 'out'\n",
        receiver.address
    );
    let bed = Bed::start(&text).await;
    bed.send(&admission("M1", "7")).await;
    receiver.until(1).await;
    let sent = String::from_utf8(receiver.frames.lock().unwrap()[0].clone()).unwrap();
    assert!(sent.ends_with("\rZOT|north\r"), "{sent}");
    let back = sent.replace("|M1|", "|M2|");
    assert_eq!(
        bed.send(&back).await.code(),
        AckCode::AA,
        "whoever sent it is rid of it"
    );
    let others = sent.replace("|M1|", "|M3|").replace("ZOT|north", "ZOT|south");
    assert_eq!(bed.send(&others).await.code(), AckCode::AA);
    receiver.until(2).await;
    bed.until(DeliveryState::Delivered, 2).await;
    assert_eq!(receiver.taken(), ["M1", "M3"]);
}

#[tokio::test]
async fn an_endpoint_that_is_away_holds_up_no_other() {
    let (north, south, mut archive) = (
        Receiver::willing().await,
        Receiver::willing().await,
        Receiver::willing().await,
    );
    let config = config(&north, &south, &archive);
    let address = north.stop().await;
    let bed = Bed::start(&config).await;
    for number in 0..20 {
        assert_eq!(
            bed.send(&admission(&format!("M{number}"), "7")).await.code(),
            AckCode::AA
        );
    }
    archive.until(20).await;
    bed.until(DeliveryState::Delivered, 20).await;
    let mut north = Receiver::start_at(address, |_, _| support::Act::Ack(AckCode::AA)).await;
    north.until(20).await;
    bed.until(DeliveryState::Delivered, 40).await;
    assert_eq!(north.taken(), archive.taken(), "one patient, one order");
}

#[tokio::test]
async fn one_dialect_becomes_another_and_the_control_id_stays() {
    let mut receiver = Receiver::willing().await;
    let text = format!(
        "[gateway]\nhttp = '127.0.0.1:0'\n\
         [[endpoint]]\nname = 'in'\nlisten = 'mllp://127.0.0.1:0'\ndialect = 'standard'\n\
         [[endpoint]]\nname = 'out'\nsend = 'mllp://{}'\ndialect = 'itk'\n\
         [[interface]]\nname = 'in-to-out'\nfrom = 'in'\nto = 'out'\n",
        receiver.address
    );
    let bed = Bed::start(&text).await;
    bed.send(&admission("M1", "7")).await;
    receiver.until(1).await;
    let sent = receiver.frames.lock().unwrap()[0].clone();
    let sent = String::from_utf8(sent).unwrap();
    assert!(sent.contains("|M1|"), "{sent}");
    // The NHS shape writes the sex as a digit; what it cannot know it does not invent.
    assert!(
        sent.contains("SYNTHETIC^PERSON") && !sent.contains("|19700101|F"),
        "{sent}"
    );
}

#[tokio::test]
async fn a_site_chooses_in_a_dialect_per_interface() {
    let [mut chosen, mut plain, archive] = [
        Receiver::willing().await,
        Receiver::willing().await,
        Receiver::willing().await,
    ];
    let itk = config(&chosen, &plain, &archive)
        .replace(
            "name = \"north\"\nsend",
            "name = \"north\"\ndialect = \"itk\"\nsend",
        )
        .replace(
            "name = \"south\"\nsend",
            "name = \"south\"\ndialect = \"itk\"\nsend",
        )
        .replace("from = \"pas-two\"", "from = \"pas\"")
        .replace("accept = [\"ADT^A03\", \"ADT^A08\"]", "")
        .replace(
            "facility = [\"RYJ\", \"7B\"]",
            "facility = [\"RYJ\", \"7B\"]\noverride = { dialect = { trust = \"RXX\" } }",
        );
    let bed = Bed::start(&itk).await;
    bed.send(&admission("M1", "7")).await;
    chosen.until(1).await;
    plain.until(1).await;
    let ward = |receiver: &Receiver| {
        let frame = receiver.frames.lock().unwrap()[0].clone();
        let message = hl7v2::Message::parse(&frame).unwrap();
        message.field("PV1", 3).component(1).text().into_owned()
    };
    assert_eq!(ward(&chosen), "RXX", "as the site says");
    assert_eq!(ward(&plain), "RYJ", "by MSH-4, where it says nothing");
}
