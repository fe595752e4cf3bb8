//! The tables, and how an older file becomes the newest.
//!
//! A migration is appended, never edited: files in the field carry the number of the last one they saw.

use rusqlite::{Connection, TransactionBehavior};

use crate::JournalError;

/// Version `n` of the schema is the first `n` of these applied.
const MIGRATIONS: &[&str] = &[FIRST, SECOND, THIRD, FOURTH];

/// Why the indexes are these:
/// - A *facet* is one combination of system, message code, trigger event and state that occurs. There are
///   few, so one index (facet, time) answers every mix of those four, newest first, by merging the few
///   facets that match; an index per mix would be eleven.
/// - `message_unsettled` and `delivery_open` are partial: they hold what is in the air, not what is done.
/// - Bytes stand last in a row, so that reading the columns before them does not touch their pages.
const FIRST: &str = "
CREATE TABLE facet (
    id              INTEGER PRIMARY KEY,
    system          TEXT NOT NULL,
    code            TEXT NOT NULL,
    trigger_event   TEXT NOT NULL,
    state           TEXT NOT NULL,
    mixed           INTEGER NOT NULL,
    messages        INTEGER NOT NULL DEFAULT 0,
    UNIQUE (system, code, trigger_event, state, mixed)
);

CREATE TABLE message (
    sequence            INTEGER PRIMARY KEY,
    id                  BLOB NOT NULL UNIQUE,
    received_at         INTEGER NOT NULL,
    facet               INTEGER NOT NULL,
    state               TEXT NOT NULL,
    endpoint            TEXT NOT NULL,
    peer                TEXT NOT NULL,
    system              TEXT NOT NULL,
    code                TEXT NOT NULL,
    trigger_event       TEXT NOT NULL,
    control_id          TEXT NOT NULL,
    sending_application TEXT NOT NULL,
    sending_facility    TEXT NOT NULL,
    parent              BLOB,
    cause               TEXT,
    patients            TEXT NOT NULL,
    content_hash        BLOB NOT NULL,
    ack                 BLOB,
    raw                 BLOB NOT NULL
);
CREATE INDEX message_time ON message (received_at);
CREATE INDEX message_facet ON message (facet, received_at);
CREATE INDEX message_control ON message (control_id, received_at) WHERE control_id <> '';
CREATE INDEX message_unsettled ON message (state) WHERE state = 'received';

CREATE TABLE patient (
    patient     TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    message     INTEGER NOT NULL,
    PRIMARY KEY (patient, received_at, message)
) WITHOUT ROWID;

CREATE TABLE delivery (
    sequence    INTEGER PRIMARY KEY,
    message     INTEGER NOT NULL,
    ordinal     INTEGER NOT NULL,
    state       TEXT NOT NULL,
    interface   TEXT NOT NULL,
    lane        TEXT NOT NULL,
    attempts    INTEGER NOT NULL,
    cause       TEXT,
    queued_at   INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL,
    sent        BLOB,
    answered    BLOB
);
CREATE UNIQUE INDEX delivery_message ON delivery (message, ordinal);
CREATE INDEX delivery_open ON delivery (state) WHERE state <> 'delivered';
CREATE INDEX delivery_lane ON delivery (lane) WHERE state = 'queued';

CREATE TABLE delivery_tally (
    interface   TEXT NOT NULL,
    state       TEXT NOT NULL,
    deliveries  INTEGER NOT NULL,
    PRIMARY KEY (interface, state)
) WITHOUT ROWID;

CREATE TABLE resource (
    sequence    INTEGER PRIMARY KEY,
    system      TEXT NOT NULL,
    type        TEXT NOT NULL,
    id          TEXT NOT NULL,
    version     INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    json        BLOB NOT NULL
);
CREATE UNIQUE INDEX resource_key ON resource (system, type, id);
CREATE INDEX resource_order ON resource (system, type);

CREATE TABLE resource_term (
    system      TEXT NOT NULL,
    type        TEXT NOT NULL,
    parameter   TEXT NOT NULL,
    value       TEXT NOT NULL,
    namespace   TEXT NOT NULL,
    resource    INTEGER NOT NULL,
    PRIMARY KEY (system, type, parameter, value, namespace, resource)
) WITHOUT ROWID;
CREATE INDEX resource_term_owner ON resource_term (resource);
";

/// - A *conflict* is a message whose control id its sender had used for other content before. It is rare, so it
///   has a table of its own and costs the others nothing.
/// - The queue of an interface is read in pages, from an index that holds what is queued and nothing else:
///   a page costs the same at ten deliveries and at a million, whoever else has a queue.
const SECOND: &str = "
CREATE TABLE conflict (
    message     INTEGER PRIMARY KEY,
    received_at INTEGER NOT NULL,
    other       BLOB NOT NULL
);
CREATE INDEX conflict_time ON conflict (received_at);
DROP INDEX delivery_lane;
CREATE INDEX delivery_queue ON delivery (interface) WHERE state = 'queued';
";

/// - The *audit* holds one row per commit: its changes in short, and a hash over them and the row before, so that a
///   row changed or left out shows. Row 0 says how many messages are older than the chain.
const THIRD: &str = "
CREATE TABLE audit (
    sequence    INTEGER PRIMARY KEY,
    entries     BLOB NOT NULL,
    hash        BLOB NOT NULL
);
INSERT INTO audit (sequence, entries, hash)
    SELECT 0, CAST(count(*) AS TEXT), zeroblob(32) FROM message;
";

/// - A *link* counts its messages: the number that comes next, by link.
const FOURTH: &str = "
CREATE TABLE link (
    name        TEXT PRIMARY KEY,
    expected    INTEGER NOT NULL
) WITHOUT ROWID;
";

/// Brings the file to the newest version, each step in its own transaction.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), JournalError> {
    let open = |error: rusqlite::Error| JournalError::Open(error.to_string());
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(open)?;
    let found: i64 = transaction
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(open)?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let done = usize::try_from(found)
        .ok()
        .filter(|done| *done <= MIGRATIONS.len())
        .ok_or(JournalError::Newer { found, known })?;
    for step in &MIGRATIONS[done..] {
        transaction.execute_batch(step).map_err(open)?;
    }
    transaction
        .pragma_update(None, "user_version", known)
        .map_err(open)?;
    transaction.commit().map_err(open)
}
