//! Recording, settling, replays.

use bytes::Bytes;
use store::{
    ContentHash, DeliveryQuery, Identity, Journal, JournalError, MessageState, Original, Query, Received,
    Settings, Settled, Settlement, SqliteJournal,
};

use super::{Rig, id, received, routed, to};

#[tokio::test]
async fn a_frame_is_kept_as_received_before_anything_is_known() {
    let rig = Rig::new();
    let raw = Bytes::from_static(b"\xff\x00 not HL7 \x1c");
    rig.journal
        .record(Received {
            raw: raw.clone(),
            ..received(1)
        })
        .await
        .expect("accepted")
        .await
        .expect("durable");
    let message = rig.restart().await.message(1).await;
    assert_eq!(message.summary.state, MessageState::Received);
    assert_eq!(
        (message.raw.clone(), message.content_hash),
        (raw.clone(), ContentHash::of(&raw))
    );
    assert_eq!(message.summary.raw_bytes, raw.len() as u64);
    assert_eq!(
        (message.summary.endpoint.as_str(), message.summary.received_at_ms),
        ("north-adt", 1_000)
    );
    assert_eq!((message.ack, message.patients), (None, Vec::new()));
}

#[tokio::test]
async fn settling_together_or_apart_keeps_the_same() {
    let rig = Rig::new();
    let first = rig.put(received(1), routed(1, vec![to("west", "west/P1")])).await;
    let second = rig
        .put_apart(received(2), routed(2, vec![to("west", "west/P2")]))
        .await;
    // Each says where its deliveries stand, as the queue shows them.
    let queue = rig
        .journal
        .queued("west".into(), None, 10, 1 << 20)
        .await
        .expect("reads");
    let places: Vec<_> = queue.items.iter().map(|queued| Some(queued.place)).collect();
    for (settled, place) in [first, second].into_iter().zip(places) {
        let expected = Settled::Fresh {
            conflict: None,
            first: place,
        };
        assert_eq!(settled, expected);
    }
    let (one, two) = (rig.message(1).await, rig.message(2).await);
    for (number, message) in [(1, &one), (2, &two)] {
        assert_eq!(message.summary.state, MessageState::Routed);
        assert_eq!(message.summary.control_id, format!("C{number}"));
        assert_eq!(message.summary.message_code, "ADT");
        assert_eq!(message.patients, [format!("P{number}")]);
        assert_eq!(
            message.ack.as_deref(),
            Some(format!("MSA|AA|C{number}").as_bytes())
        );
        let query = DeliveryQuery {
            message: Some(id(number)),
            ..DeliveryQuery::default()
        };
        let deliveries = rig.journal.deliveries(query).await.expect("reads").items;
        assert_eq!(deliveries.len(), 1);
        assert_eq!(
            (deliveries[0].id.ordinal, deliveries[0].lane.as_str()),
            (1, &*format!("west/P{number}"))
        );
    }
    let counts = rig.journal.counts().await.expect("reads");
    assert_eq!(counts.messages, [(MessageState::Routed, 2)]);
}

#[tokio::test]
async fn a_replay_gets_the_stored_ack_and_no_delivery() {
    let rig = Rig::new();
    rig.put(received(1), routed(1, vec![to("west", "a")])).await;
    let again = |number| {
        let copy = Received {
            raw: received(1).raw,
            ..received(number)
        };
        let settlement = Settlement {
            id: id(number),
            ack: Some("MSA|AA|new".into()),
            ..routed(1, vec![to("west", "a")])
        };
        (copy, settlement)
    };
    let expected = Settled::Duplicate {
        of: id(1),
        ack: Some("MSA|AA|C1".into()),
    };
    let (copy, settlement) = again(2);
    assert_eq!(rig.put(copy, settlement).await, expected);
    let (copy, settlement) = again(3);
    assert_eq!(rig.put_apart(copy, settlement).await, expected);
    for number in [2, 3] {
        let message = rig.message(number).await;
        assert_eq!(message.summary.state, MessageState::Duplicate);
        assert_eq!(message.summary.parent, Some(id(1)), "and never the other copy");
        let query = DeliveryQuery {
            message: Some(id(number)),
            ..DeliveryQuery::default()
        };
        assert!(
            rig.journal
                .deliveries(query)
                .await
                .expect("reads")
                .items
                .is_empty()
        );
    }
}

#[tokio::test]
async fn two_copies_in_one_batch_cannot_both_be_first() {
    let rig = Rig::new();
    let mut settled = Vec::new();
    for number in [1, 2] {
        let copy = Received {
            raw: received(1).raw,
            ..received(number)
        };
        drop(rig.journal.record(copy).await.expect("accepted"));
        let settlement = Settlement {
            id: id(number),
            ..routed(1, vec![to("west", "a")])
        };
        settled.push(rig.journal.settle(settlement).await.expect("accepted"));
    }
    let mut outcomes = Vec::new();
    for each in settled {
        outcomes.push(each.await.expect("durable"));
    }
    assert!(matches!(outcomes[0], Settled::Fresh { conflict: None, .. }));
    assert!(
        matches!(&outcomes[1], Settled::Duplicate { of, .. } if *of == id(1)),
        "{:?}",
        outcomes[1]
    );
}

#[tokio::test]
async fn the_same_control_id_with_other_content_is_flagged_and_kept() {
    let rig = Rig::new();
    rig.put(received(1), routed(1, vec![])).await;
    let settlement = Settlement {
        id: id(2),
        ..routed(1, vec![to("west", "a")])
    };
    let settled = rig.put(received(2), settlement).await;
    assert!(matches!(settled, Settled::Fresh { conflict: Some(other), .. } if other == id(1)));
    // The flag is part of the record, found by a search, and outlives the process.
    let rig = rig.restart().await;
    let summary = rig.message(2).await.summary;
    assert_eq!(
        (summary.state, summary.conflict),
        (MessageState::Routed, Some(id(1)))
    );
    assert_eq!(rig.message(1).await.summary.conflict, None);
    for query in [
        Query::default(),
        Query {
            control_id: Some("C1".into()),
            patient: Some("P1".into()),
            ..Query::default()
        },
    ] {
        let query = Query {
            conflict: true,
            ..query
        };
        let found = rig.journal.search(query).await.expect("reads").items;
        assert_eq!(found, std::slice::from_ref(&summary));
    }
    let nobody = Query {
        conflict: true,
        patient: Some("P9".into()),
        ..Query::default()
    };
    assert_eq!(rig.journal.search(nobody).await.expect("reads").items, []);
}

#[tokio::test]
async fn what_is_no_replay() {
    let rig = Rig::new();
    rig.put(received(1), routed(1, vec![])).await;
    rig.put(
        received(50),
        Settlement {
            state: MessageState::Rejected,
            ..routed(50, vec![])
        },
    )
    .await;
    let same = Settlement {
        id: id(2),
        ..routed(1, vec![])
    };
    let other_sender = Identity {
        sending_facility: "ELSEWHERE".to_owned(),
        ..same.identity.clone()
    };
    let no_control_id = Identity {
        control_id: String::new(),
        ..same.identity.clone()
    };
    let cases = [
        (
            "another facility",
            1,
            Settlement {
                identity: other_sender,
                ..same.clone()
            },
            2_000,
        ),
        (
            "no control id",
            1,
            Settlement {
                identity: no_control_id,
                ..same.clone()
            },
            2_000,
        ),
        ("outside the window", 1, same.clone(), 1_000 + 3_600_001),
        (
            "the first was rejected",
            50,
            Settlement {
                identity: super::identity(50),
                ..same.clone()
            },
            60_000,
        ),
        (
            "not asked",
            1,
            Settlement {
                duplicate_window_ms: None,
                ..same.clone()
            },
            2_000,
        ),
    ];
    for (at, (name, original, settlement, received_at_ms)) in cases.into_iter().enumerate() {
        let number = 100 + at as u128;
        let copy = Received {
            id: id(number),
            received_at_ms,
            ..received(original)
        };
        let settled = rig
            .put(
                copy,
                Settlement {
                    id: id(number),
                    ..settlement
                },
            )
            .await;
        assert!(matches!(settled, Settled::Fresh { conflict: None, .. }), "{name}");
    }
}

#[tokio::test]
async fn an_earlier_message_can_be_looked_up() {
    let rig = Rig::new();
    rig.put(received(1), routed(1, vec![])).await;
    let original = |since_ms| Original {
        sending_application: "APP".to_owned(),
        sending_facility: "FAC".to_owned(),
        control_id: "C1".to_owned(),
        since_ms,
    };
    let found = rig
        .journal
        .duplicate(original(1_000))
        .await
        .expect("reads")
        .expect("is there");
    assert_eq!((found.id, found.ack.as_deref()), (id(1), Some(&b"MSA|AA|C1"[..])));
    assert_eq!(found.content_hash, ContentHash::of(&received(1).raw));
    assert_eq!(rig.journal.duplicate(original(1_001)).await.expect("reads"), None);
}

#[tokio::test]
async fn a_later_ack_is_kept_for_the_replay() {
    let rig = Rig::new();
    rig.put(
        received(1),
        Settlement {
            ack: None,
            ..routed(1, vec![])
        },
    )
    .await;
    rig.journal
        .acknowledge(id(1), "MSA|AA|late".into())
        .await
        .expect("accepted")
        .await
        .expect("durable");
    assert_eq!(rig.message(1).await.ack.as_deref(), Some(&b"MSA|AA|late"[..]));
}

#[tokio::test]
async fn a_rejection_keeps_its_cause() {
    let rig = Rig::new();
    let cause = Some("MSH-9 is missing".to_owned());
    rig.put(
        received(1),
        Settlement {
            cause: cause.clone(),
            ..Settlement::new(id(1), MessageState::Rejected)
        },
    )
    .await;
    let message = rig.message(1).await;
    assert_eq!(
        (message.summary.state, message.summary.cause),
        (MessageState::Rejected, cause)
    );
}

#[tokio::test]
async fn what_was_recorded_and_not_settled_is_listed_after_a_restart() {
    let rig = Rig::new();
    for number in 1..=5 {
        rig.journal
            .record(received(number))
            .await
            .expect("accepted")
            .await
            .expect("durable");
    }
    rig.journal
        .settle(routed(3, vec![]))
        .await
        .expect("accepted")
        .await
        .expect("durable");
    let rig = rig.restart().await;
    let first = rig.journal.unsettled(None, 2).await.expect("reads");
    let second = rig.journal.unsettled(first.next, 2).await.expect("reads");
    let ids: Vec<_> = first
        .items
        .iter()
        .chain(&second.items)
        .map(|message| message.summary.id)
        .collect();
    assert_eq!(ids, [id(1), id(2), id(4), id(5)]);
    assert_eq!((first.items[0].raw.clone(), second.next), (received(1).raw, None));
}

#[tokio::test]
async fn contradictions_are_refused_and_harm_nothing() {
    let rig = Rig::new();
    rig.put(received(1), routed(1, vec![])).await;
    let refused = |error| matches!(error, JournalError::Refused(_));
    // The same id again, with its settlement in the same batch.
    let record = rig.journal.record(received(1)).await.expect("accepted");
    let settle = rig
        .journal
        .settle(routed(1, vec![to("west", "a")]))
        .await
        .expect("accepted");
    assert!(refused(record.await.expect_err("an id is used once")));
    assert!(refused(settle.await.expect_err("its record failed")));
    let unknown = rig.journal.settle(routed(9, vec![])).await.expect("accepted");
    assert!(refused(unknown.await.expect_err("no such message")));
    let unknown = rig
        .journal
        .acknowledge(id(9), "x".into())
        .await
        .expect("accepted");
    assert!(refused(unknown.await.expect_err("no such message")));
    let counts = rig.journal.counts().await.expect("reads");
    assert_eq!(
        (counts.messages, counts.deliveries),
        (vec![(MessageState::Routed, 1)], vec![])
    );
}

#[tokio::test]
async fn a_folder_has_one_owner() {
    let rig = Rig::new();
    let error = SqliteJournal::open(rig.dir.path(), Settings::default()).expect_err("in use");
    assert_eq!(error, JournalError::InUse);
    rig.journal.close().await;
    let closed = rig.journal.record(received(1)).await.expect_err("closed");
    assert_eq!(closed, JournalError::Closed);
}

#[tokio::test]
async fn a_newer_file_is_refused_and_left_alone() {
    let rig = Rig::new();
    rig.journal.close().await;
    let Rig { journal, dir } = rig;
    drop(journal);
    let file = rusqlite::Connection::open(dir.path().join("journal.sqlite")).expect("opens");
    file.pragma_update(None, "user_version", 99).expect("writes");
    drop(file);
    let error = SqliteJournal::open(dir.path(), Settings::default()).expect_err("newer");
    assert!(matches!(error, JournalError::Newer { found: 99, .. }), "{error}");
    std::fs::write(
        dir.path().join("journal.sqlite"),
        b"not a database, but long enough to be looked at",
    )
    .expect("writes");
    let error = SqliteJournal::open(dir.path(), Settings::default()).expect_err("not a database");
    assert!(matches!(error, JournalError::Open(_)), "{error}");
}

/// A link counts its messages: in the same commit as the message, through restarts, replays and refusals.
#[tokio::test]
async fn a_link_takes_its_numbers_in_turn_and_remembers_them() {
    let mut rig = Rig::new();
    let table = [
        (-1, Err(1), "an unknown link expects 1"),
        (7, Ok(()), "and takes the first number as it comes"),
        (9, Err(8), "a gap"),
        (7, Err(8), "a number used before, with other content"),
        (8, Ok(()), "the next"),
        (-1, Err(9), "a question"),
        (0, Err(1), "a new beginning"),
        (1, Ok(()), "from 1"),
    ];
    for (at, (number, expected, what)) in (1_u128..).zip(table) {
        let mut settlement = Settlement::new(id(at), MessageState::Routed);
        settlement.ack = Some(Bytes::from_static(b"AA"));
        settlement.step = Some(store::Step {
            link: "in|PAS".into(),
            number,
        });
        let settled = rig.put(received(at), settlement).await;
        let kept = rig.message(at).await;
        match expected {
            Ok(()) => assert!(matches!(settled, Settled::Fresh { .. }), "{what}: {settled:?}"),
            Err(expected) => {
                assert_eq!(settled, Settled::OutOfStep { expected }, "{what}");
                assert_eq!(
                    (kept.summary.state, kept.ack),
                    (MessageState::Rejected, None),
                    "{what}"
                );
            }
        }
        rig = rig.restart().await;
    }
    assert_eq!(rig.journal.link("in|PAS".into()).await, Ok(Some(2)));
    assert_eq!(rig.journal.link("in|LAB".into()).await, Ok(None));
}
