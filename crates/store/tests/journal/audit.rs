//! The audit record: everything that happened is in it, and tampering shows.

use store::{AuditEntry, DeliveryId, DeliveryState, Happened, Journal, MessageState, Progress};

use super::{Rig, id, received, routed, to};

async fn delivered(rig: &Rig, number: u128) {
    let progress = Progress {
        id: DeliveryId {
            message: id(number),
            ordinal: 1,
        },
        state: DeliveryState::Delivered,
        attempts: 1,
        at_ms: 9_000,
        cause: None,
        sent: None,
        answered: None,
    };
    let accepted = rig.journal.progress(progress).await.expect("accepted");
    accepted.await.expect("durable");
}

async fn filled() -> Rig {
    let rig = Rig::new();
    for number in 1..=6 {
        rig.put(received(number), routed(number, vec![to("west", "a")]))
            .await;
    }
    rig.put_apart(received(7), routed(7, vec![to("west", "a")])).await;
    delivered(&rig, 2).await;
    rig
}

async fn all(rig: &Rig, limit: usize) -> Vec<AuditEntry> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = rig.journal.audit(after, limit).await.expect("reads");
        found.extend(page.items);
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

#[tokio::test]
async fn every_change_is_in_the_audit_record_once_and_in_order() {
    let rig = filled().await;
    let entries = all(&rig, 1_000).await;
    for (at, entry) in entries.iter().take(6).enumerate() {
        assert_eq!(entry.message, id(at as u128 + 1));
        assert!(matches!(
            entry.what,
            Happened::Recorded {
                state: MessageState::Routed,
                ..
            }
        ));
    }
    assert!(matches!(
        entries[6].what,
        Happened::Recorded {
            state: MessageState::Received,
            ..
        }
    ));
    assert_eq!(entries[7].what, Happened::Settled(MessageState::Routed));
    let last = AuditEntry {
        at_ms: 9_000,
        message: id(2),
        what: Happened::Delivery {
            ordinal: 1,
            state: DeliveryState::Delivered,
        },
    };
    assert_eq!(entries[8..], [last]);
    assert_eq!(all(&rig, 2).await, entries, "in pages too");
    let rig = rig.restart().await;
    delivered(&rig, 3).await;
    let verdict = rig.journal.verify_audit().await.expect("reads");
    assert_eq!((verdict.entries, verdict.older_messages), (10, 0));
    assert_eq!(verdict.faults, [] as [String; 0]);
}

#[tokio::test]
async fn tampering_shows() {
    for (what, sql, says) in [
        ("other bytes", "UPDATE message SET raw = x'4d' WHERE sequence = 3", "not what was received"),
        ("a message gone", "DELETE FROM message WHERE sequence = 3", "is gone"),
        ("a commit gone", "DELETE FROM audit WHERE sequence = 3", "commit 3 is missing"),
        ("the last commit gone", "DELETE FROM audit WHERE sequence = 1", "commit 1 is missing"),
        (
            "a commit changed",
            "UPDATE audit SET entries = (SELECT entries FROM audit WHERE sequence = 5) WHERE sequence = 4",
            "commit 4 does not follow",
        ),
        (
            "a message slipped in",
            "INSERT INTO message SELECT 99, x'99', received_at, facet, state, endpoint, peer, system, code, trigger_event,
                control_id, sending_application, sending_facility, parent, cause, patients, content_hash, ack, raw
             FROM message WHERE sequence = 1",
            "the journal holds 8 messages",
        ),
    ] {
        let rig = filled().await;
        let file = rusqlite::Connection::open(rig.dir.path().join("journal.sqlite")).expect("opens");
        assert!(file.execute(sql, []).expect("changed") > 0);
        let verdict = rig.journal.verify_audit().await.expect("reads");
        assert!(
            verdict.faults.iter().any(|fault| fault.contains(says)),
            "{what}: {:?}",
            verdict.faults
        );
    }
}
