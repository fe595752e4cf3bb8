//! The EPR's file over time: one of an earlier build opens with all it holds, one of a later build is refused with a way on.

#![allow(clippy::unwrap_used)] // also in what the tests call

mod harness;

use std::path::Path;

use adapters::{Epr, EprSettings, VENDORS, Vendor};
use harness::{Receiver, System, settings};
use rusqlite::Connection;
use serde_json::json;

/// Settings over a folder, with a receiver that is away.
fn over(vendor: &'static Vendor, folder: &Path, send_to: &str) -> EprSettings {
    let mut settings = settings(vendor, vendor.default_profile().name);
    settings.data = Some(folder.to_owned());
    settings.people = 3;
    settings.send_to = Some(send_to.to_owned());
    settings.sending.drain_ms = 0;
    settings
}

#[tokio::test]
async fn a_file_of_an_earlier_build_opens_and_what_waited_in_it_is_sent() {
    for vendor in VENDORS {
        let folder = tempfile::tempdir().unwrap();
        let away = "127.0.0.1:9";
        let system = System::with(vendor, over(vendor, folder.path(), away)).await;
        let told = system.act(json!({"register": {"family": "Plum"}})).await;
        let people = system.epr.people();
        system.epr.shutdown().await;

        // As the first build laid it out.
        let file = folder.path().join(format!("{}.sqlite", vendor.name));
        let connection = Connection::open(&file).unwrap();
        connection
            .execute_batch(
                "PRAGMA user_version = 0;
                DELETE FROM fact WHERE name = 'seeded';
                DROP INDEX outgoing_state;
                ALTER TABLE outgoing RENAME TO later;
                CREATE TABLE outgoing (sequence INTEGER PRIMARY KEY, control_id TEXT NOT NULL, message BLOB NOT NULL,
                    refused INTEGER NOT NULL DEFAULT 0);
                INSERT INTO outgoing SELECT sequence, control_id, message, 0 FROM later;
                INSERT INTO outgoing SELECT sequence + 1000, 'REFUSED', message, 1 FROM later;
                DROP TABLE later;
                DROP TABLE trouble;",
            )
            .unwrap();
        drop(connection);

        let receiver = Receiver::start().await;
        let system = System::with(vendor, over(vendor, folder.path(), &receiver.address())).await;
        assert_eq!(system.epr.people(), people, "{}", vendor.name);
        system.epr.outbox_empty().await;
        let messages = receiver.messages();
        assert_eq!(messages.len(), 1, "{}", vendor.name);
        assert!(messages[0].contains(&told.control_id), "{}", vendor.name);
        assert_eq!(system.epr.outbox().refused, 1);
        // Brought up to date once; from now on it opens as it is.
        system.act(json!({"register": {"family": "Pear"}})).await;
        system.epr.shutdown().await;
        let again = System::with(vendor, over(vendor, folder.path(), &receiver.address())).await;
        assert_eq!(again.epr.people(), people + 1, "{}", vendor.name);
    }
}

#[tokio::test]
async fn a_file_of_a_later_build_is_refused_untouched_with_the_next_step() {
    let vendor = VENDORS[0];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(format!("{}.sqlite", vendor.name));
    let connection = Connection::open(&file).unwrap();
    connection
        .execute_batch("PRAGMA user_version = 999; CREATE TABLE later (what TEXT);")
        .unwrap();
    drop(connection);
    let error = match Epr::start(vendor, over(vendor, folder.path(), "127.0.0.1:9")).await {
        Ok(_) => panic!("it was opened"),
        Err(error) => error.to_string(),
    };
    assert!(
        error.contains("schema 999")
            && error.contains("lastword.sqlite")
            && error.contains("move the file away"),
        "{error}"
    );
    let connection = Connection::open(&file).unwrap();
    let tables: i64 = connection
        .query_row(
            "SELECT count(*) FROM sqlite_master WHERE type = 'table'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(tables, 1);
}
