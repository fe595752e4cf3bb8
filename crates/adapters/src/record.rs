//! The EPR's own file: whole documents, receipts and the outbox in SQLite, committed before anything is acknowledged.
//!
//! One writer thread groups whatever waits into one transaction and one fsync; order of submission is order of commit.
//! A document is a whole person (with encounters) or a whole report as JSON: a later one replaces an earlier one, so
//! the file is always a state the EPR was in.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rusqlite::{Connection, Transaction, params};
use store::group::{Apply, Settings, WriteError, Writer, open};

use crate::intake::answer::{RECEIPTS_MAX, Receipt};
use crate::state::person::Person;
use crate::state::report::Report;
use crate::trouble::{TROUBLES_MAX, Trouble};

/// Changed documents, written out while the state was locked.
#[derive(Default)]
pub(crate) struct Documents(Vec<(Table, u32, Vec<u8>)>);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Table {
    Person,
    Report,
}

impl Documents {
    pub(crate) fn person(&mut self, person: &Person) {
        self.push(Table::Person, person.key, serde_json::to_vec(person));
    }

    pub(crate) fn report(&mut self, report: &Report) {
        self.push(Table::Report, report.key, serde_json::to_vec(report));
    }

    fn push(&mut self, table: Table, key: u32, json: serde_json::Result<Vec<u8>>) {
        self.0.retain(|(held, other, _)| (*held, *other) != (table, key));
        // Structs of strings and numbers always have a JSON form.
        if let Ok(json) = json {
            self.0.push((table, key, json));
        }
    }
}

/// A message that waits to be sent.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub sequence: u64,
    pub control_id: String,
    pub message: Bytes,
    /// It may not leave before this moment; 0 when it may at once.
    pub not_before_ms: i64,
    /// When it was written.
    pub at_ms: i64,
}

/// Messages kept after they were taken, to be sent again on demand.
pub(crate) const SENT_MAX: usize = 4_096;

/// What becomes durable together.
#[derive(Default)]
pub(crate) struct Entry {
    pub documents: Documents,
    pub receipt: Option<Receipt>,
    pub outgoing: Option<Outgoing>,
    /// The message of that sequence was taken by the receiver.
    pub delivered: Option<u64>,
    /// The message of that sequence was refused for good.
    pub refused: Option<u64>,
    /// Control ids below this number may be in use.
    pub control_ids_below: Option<u64>,
    /// A message that was accepted and could not be filed.
    pub trouble: Option<Trouble>,
    /// The message of that control id left the error queue.
    pub settled: Option<String>,
    /// Whether the record is read-only from now on.
    pub frozen: Option<bool>,
    /// The file holds everybody it was seeded with.
    pub seeded: bool,
}

/// Everything a file held when it was opened.
#[derive(Default)]
pub(crate) struct Loaded {
    pub people: Vec<Person>,
    pub reports: Vec<Report>,
    pub receipts: Vec<Receipt>,
    pub outgoing: Vec<Outgoing>,
    pub sent: Vec<Outgoing>,
    pub troubles: Vec<Trouble>,
    pub frozen: bool,
    pub refused: u64,
    pub control_ids_below: u64,
    pub seeded: bool,
}

/// Why a file could not be opened or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// SQLite says no.
    #[error("the record's file: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A later version wrote the file.
    #[error(
        "the record's file {file} is of schema {found}, this version knows up to {known}: start it with the version that \
         wrote it, or move the file away to begin anew"
    )]
    Newer {
        /// Which file.
        file: String,
        /// Its schema.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// A document in the file is none of ours.
    #[error("the record's file: {table} {key} cannot be read ({source}); was it written by a newer version?")]
    Document {
        /// Which table.
        table: &'static str,
        /// Which row.
        key: u32,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// The schema this version writes, in SQLite's `user_version`. Files without one are of the builds before it had a number.
const SCHEMA_VERSION: i64 = 1;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS person (key INTEGER PRIMARY KEY, document BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS report (key INTEGER PRIMARY KEY, document BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS receipt (
        place INTEGER PRIMARY KEY AUTOINCREMENT, key INTEGER NOT NULL UNIQUE, content INTEGER NOT NULL,
        answer BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS outgoing (
        sequence INTEGER PRIMARY KEY, control_id TEXT NOT NULL, message BLOB NOT NULL,
        state INTEGER NOT NULL DEFAULT 0, not_before_ms INTEGER NOT NULL DEFAULT 0,
        at_ms INTEGER NOT NULL DEFAULT 0);
    CREATE INDEX IF NOT EXISTS outgoing_state ON outgoing (state, sequence);
    CREATE TABLE IF NOT EXISTS trouble (
        place INTEGER PRIMARY KEY AUTOINCREMENT, control_id TEXT NOT NULL, event TEXT NOT NULL,
        reason TEXT NOT NULL, at_ms INTEGER NOT NULL, message BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
";

/// The thread that writes one EPR's file.
pub(crate) struct Recorder(Writer<Recording>);

/// A submitted entry; resolves once it is on disk.
pub(crate) type Pending = store::group::Pending<()>;

impl Recorder {
    /// Opens the file (or memory, when there is none), reads all of it, and starts the writer.
    ///
    /// # Errors
    /// When SQLite cannot open it, or it holds what this version cannot read.
    pub(crate) fn open(name: &str, path: Option<PathBuf>) -> Result<(Self, Loaded), RecordError> {
        let mut connection = connect(path.as_deref())?;
        lay_out(&mut connection, path.as_deref())?;
        let loaded = load(&connection)?;
        drop(connection);
        let writer = Writer::start(name, move || connect(path.as_deref()), Recording, SETTINGS)?;
        Ok((Self(writer), loaded))
    }

    /// Puts an entry in line, in the order of the calls; never waits.
    ///
    /// # Errors
    /// When the line is full or the recorder closed: the entry is not recorded.
    pub(crate) fn submit(&self, entry: Entry) -> Result<Pending, WriteError> {
        self.0.try_submit(entry)
    }

    /// Puts an entry in line when there is room.
    pub(crate) async fn submit_patiently(&self, entry: Entry) -> Result<Pending, WriteError> {
        self.0.submit(entry).await
    }

    /// Commits what was submitted and closes the file.
    pub(crate) async fn close(&self) {
        self.0.close().await;
    }
}

/// More than a listener can have in flight (its connections times its window).
const SETTINGS: Settings = Settings {
    queue_max: 65_536,
    batch_max: 512,
    linger_us: 200,
};

fn connect(path: Option<&Path>) -> rusqlite::Result<Connection> {
    match path {
        Some(path) => open(path),
        None => {
            let connection = Connection::open_in_memory()?;
            connection.execute_batch(SCHEMA)?;
            Ok(connection)
        }
    }
}

/// Opens a file as this version has it: a fresh one is laid out, an earlier one brought up to date, a later one refused.
fn lay_out(connection: &mut Connection, path: Option<&Path>) -> Result<(), RecordError> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > SCHEMA_VERSION {
        return Err(RecordError::Newer {
            file: path.map(|path| path.display().to_string()).unwrap_or_default(),
            found,
            known: SCHEMA_VERSION,
        });
    }
    // All or nothing: a file is never left between two schemas.
    let transaction = connection.transaction()?;
    if found == 0 && has_table(&transaction, "outgoing")? {
        number(&transaction)?;
    }
    transaction.execute_batch(SCHEMA)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()?;
    Ok(())
}

/// Brings a file of the time before schemas had numbers up to the first.
fn number(connection: &Connection) -> rusqlite::Result<()> {
    // The outbox said only what was refused, and not when a message was written or until when it waits.
    if !has_column(connection, "state")? {
        connection.execute_batch(
            "ALTER TABLE outgoing ADD COLUMN state INTEGER NOT NULL DEFAULT 0;
            UPDATE outgoing SET state = refused;",
        )?;
    }
    for column in ["not_before_ms", "at_ms"] {
        if !has_column(connection, column)? {
            let sql = format!("ALTER TABLE outgoing ADD COLUMN {column} INTEGER NOT NULL DEFAULT 0");
            connection.execute(&sql, [])?;
        }
    }
    // Whoever is in the file is all who should be.
    connection.execute(
        "INSERT OR IGNORE INTO fact (name, value) SELECT 'seeded', 1 FROM person LIMIT 1",
        [],
    )?;
    Ok(())
}

fn has_table(connection: &Connection, table: &str) -> rusqlite::Result<bool> {
    connection.query_row(
        "SELECT count(*) > 0 FROM sqlite_master WHERE type = 'table' AND name = ?1",
        [table],
        |row| row.get(0),
    )
}

fn has_column(connection: &Connection, column: &str) -> rusqlite::Result<bool> {
    connection.query_row(
        "SELECT count(*) > 0 FROM pragma_table_info('outgoing') WHERE name = ?1",
        [column],
        |row| row.get(0),
    )
}

/// Carries out entries inside the transaction of their group.
struct Recording;

impl Apply for Recording {
    type Command = Entry;
    type Outcome = ();

    /// Of several documents of one person only the last need be written: all become durable together.
    fn prepare(&mut self, batch: &mut [Entry]) {
        let mut seen = HashSet::new();
        for entry in batch.iter_mut().rev() {
            entry
                .documents
                .0
                .retain(|(table, key, _)| seen.insert((*table, *key)));
        }
    }

    fn apply(&mut self, transaction: &Transaction<'_>, entry: Entry) -> rusqlite::Result<()> {
        write(transaction, &entry)
    }
}

fn load(connection: &Connection) -> Result<Loaded, RecordError> {
    let mut loaded = Loaded {
        people: documents(connection, "person")?,
        reports: documents(connection, "report")?,
        ..Loaded::default()
    };
    let mut receipts = connection.prepare("SELECT key, content, answer FROM receipt ORDER BY place")?;
    let rows = receipts.query_map([], |row| {
        Ok(Receipt {
            key: row.get::<_, i64>(0)?.cast_unsigned(),
            content: row.get::<_, i64>(1)?.cast_unsigned(),
            answer: row.get::<_, Vec<u8>>(2)?.into(),
        })
    })?;
    loaded.receipts = rows.collect::<Result<_, _>>()?;
    loaded.outgoing = outgoing(connection, WAITING)?;
    loaded.sent = outgoing(connection, SENT)?;
    loaded.troubles = troubles(connection)?;
    loaded.refused = connection
        .query_row("SELECT count(*) FROM outgoing WHERE state = 1", [], |row| {
            row.get::<_, i64>(0)
        })?
        .cast_unsigned();
    let mut facts = connection.prepare("SELECT name, value FROM fact")?;
    let rows = facts.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?.cast_unsigned()))
    })?;
    for row in rows {
        match row? {
            (name, value) if name == "control-ids-below" => loaded.control_ids_below = value,
            (name, value) if name == "frozen" => loaded.frozen = value == 1,
            (name, value) if name == "seeded" => loaded.seeded = value == 1,
            _ => {}
        }
    }
    Ok(loaded)
}

/// States of an outgoing message; 1 is one that was refused for good.
const WAITING: i64 = 0;
const SENT: i64 = 2;

fn outgoing(connection: &Connection, state: i64) -> rusqlite::Result<Vec<Outgoing>> {
    let mut statement = connection.prepare(
        "SELECT sequence, control_id, message, not_before_ms, at_ms FROM outgoing WHERE state = ?1
        ORDER BY sequence",
    )?;
    let rows = statement.query_map([state], |row| {
        Ok(Outgoing {
            sequence: row.get::<_, i64>(0)?.cast_unsigned(),
            control_id: row.get(1)?,
            message: row.get::<_, Vec<u8>>(2)?.into(),
            not_before_ms: row.get(3)?,
            at_ms: row.get(4)?,
        })
    })?;
    rows.collect()
}

fn troubles(connection: &Connection) -> rusqlite::Result<Vec<Trouble>> {
    let mut statement =
        connection.prepare("SELECT control_id, event, reason, at_ms, message FROM trouble ORDER BY place")?;
    let rows = statement.query_map([], |row| {
        Ok(Trouble {
            control_id: row.get(0)?,
            event: row.get(1)?,
            reason: row.get(2)?,
            at_ms: row.get(3)?,
            message: row.get::<_, Vec<u8>>(4)?.into(),
        })
    })?;
    rows.collect()
}

fn documents<T: serde::de::DeserializeOwned>(
    connection: &Connection,
    table: &'static str,
) -> Result<Vec<T>, RecordError> {
    let mut statement = connection.prepare(&format!("SELECT key, document FROM {table} ORDER BY key"))?;
    let mut rows = statement.query([])?;
    let mut documents = Vec::new();
    while let Some(row) = rows.next()? {
        let key: u32 = row.get(0)?;
        let document = serde_json::from_slice(row.get_ref(1)?.as_blob().unwrap_or_default());
        documents.push(document.map_err(|source| RecordError::Document { table, key, source })?);
    }
    Ok(documents)
}

fn write(transaction: &Transaction<'_>, entry: &Entry) -> rusqlite::Result<()> {
    for (table, key, document) in &entry.documents.0 {
        let sql = match table {
            Table::Person => {
                "INSERT INTO person (key, document) VALUES (?1, ?2)
                ON CONFLICT (key) DO UPDATE SET document = excluded.document"
            }
            Table::Report => {
                "INSERT INTO report (key, document) VALUES (?1, ?2)
                ON CONFLICT (key) DO UPDATE SET document = excluded.document"
            }
        };
        transaction.prepare_cached(sql)?.execute(params![key, document])?;
    }
    if let Some(receipt) = &entry.receipt {
        transaction
            .prepare_cached("INSERT OR REPLACE INTO receipt (key, content, answer) VALUES (?1, ?2, ?3)")?
            .execute(params![
                receipt.key.cast_signed(),
                receipt.content.cast_signed(),
                &receipt.answer[..]
            ])?;
        transaction
            .prepare_cached("DELETE FROM receipt WHERE place <= ?1")?
            .execute([transaction.last_insert_rowid() - RECEIPTS_MAX as i64])?;
    }
    if let Some(outgoing) = &entry.outgoing {
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO outgoing (sequence, control_id, message, not_before_ms, at_ms)
                VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                outgoing.sequence.cast_signed(),
                outgoing.control_id,
                &outgoing.message[..],
                outgoing.not_before_ms,
                outgoing.at_ms,
            ])?;
    }
    if let Some(sequence) = entry.delivered {
        transaction
            .prepare_cached("UPDATE outgoing SET state = 2 WHERE sequence = ?1")?
            .execute([sequence.cast_signed()])?;
        transaction
            .prepare_cached("DELETE FROM outgoing WHERE state = 2 AND sequence <= ?1")?
            .execute([sequence.cast_signed() - SENT_MAX as i64])?;
    }
    if let Some(sequence) = entry.refused {
        transaction
            .prepare_cached("UPDATE outgoing SET state = 1 WHERE sequence = ?1")?
            .execute([sequence.cast_signed()])?;
    }
    if let Some(trouble) = &entry.trouble {
        transaction
            .prepare_cached(
                "INSERT INTO trouble (control_id, event, reason, at_ms, message) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                trouble.control_id,
                trouble.event,
                trouble.reason,
                trouble.at_ms,
                &trouble.message[..]
            ])?;
        transaction
            .prepare_cached("DELETE FROM trouble WHERE place <= ?1")?
            .execute([transaction.last_insert_rowid() - TROUBLES_MAX as i64])?;
    }
    if let Some(control_id) = &entry.settled {
        transaction
            .prepare_cached("DELETE FROM trouble WHERE control_id = ?1")?
            .execute([control_id])?;
    }
    let facts = [
        ("frozen", entry.frozen.map(u64::from)),
        ("control-ids-below", entry.control_ids_below),
        ("seeded", entry.seeded.then_some(1)),
    ];
    for (name, value) in facts {
        if let Some(value) = value {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO fact (name, value) VALUES (?1, ?2)")?
                .execute(params![name, value.cast_signed()])?;
        }
    }
    Ok(())
}
