//! What a crash or a torn file leaves behind.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};

use store::{Journal, MessageState, Query, Settings, SqliteJournal};

use super::{Rig, id, received, routed, to};

/// Copies the files as they lie while the journal is open: what a power cut would leave.
fn snapshot(rig: &Rig) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    for name in ["journal.sqlite", "journal.sqlite-wal"] {
        std::fs::copy(rig.dir.path().join(name), copy.path().join(name)).expect("copied");
    }
    copy
}

#[tokio::test]
async fn what_was_durable_is_there_after_a_crash() {
    let rig = Rig::new();
    for number in 1..=40 {
        rig.put(received(number), routed(number, vec![to("west", "a")]))
            .await;
        if number % 10 == 0 {
            let copy = snapshot(&rig);
            let journal = SqliteJournal::open(copy.path(), Settings::default()).expect("opens");
            let found = journal
                .search(Query {
                    limit: 100,
                    ..Query::default()
                })
                .await
                .expect("reads")
                .items;
            assert_eq!(found.len() as u128, number);
            assert_eq!(found[0].id, id(number));
            assert_eq!(
                journal
                    .queued("west".into(), None, 100, 1 << 20)
                    .await
                    .expect("reads")
                    .items
                    .len() as u128,
                number
            );
            journal.close().await;
        }
    }
}

#[tokio::test]
async fn bytes_after_the_last_record_are_ignored() {
    let rig = Rig::new();
    for number in 1..=5 {
        rig.put(received(number), routed(number, vec![])).await;
    }
    let copy = snapshot(&rig);
    let mut tail = OpenOptions::new()
        .append(true)
        .open(copy.path().join("journal.sqlite-wal"))
        .expect("opens");
    tail.seek(SeekFrom::End(0)).expect("at the end");
    tail.write_all(&[0xA5; 10_000]).expect("torn");
    let journal = SqliteJournal::open(copy.path(), Settings::default()).expect("opens");
    let counts = journal.counts().await.expect("reads");
    assert_eq!(counts.messages, [(MessageState::Routed, 5)]);
    journal
        .record(received(6))
        .await
        .expect("accepted")
        .await
        .expect("durable: it goes on");
    journal.close().await;
}
