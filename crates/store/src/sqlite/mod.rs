//! The journal in one SQLite file: one writer thread, a few readers.

mod apply;
mod audit;
mod facet;
mod read;
mod resources;
mod schema;
mod search;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use apply::{Changes, Command, Outcome, Recorded};

use crate::group::{self, WriteError, Writer};
use crate::{
    AuditEntry, AuditVerdict, ContentHash, Counts, Cursor, Delivery, DeliveryQuery, Earlier, HeldCause,
    Journal, JournalError, Message, MessageId, NewResource, Original, Page, Pending, Progress, Put, Query,
    Queued, Received, Resource, ResourceKey, ResourceQuery, Settled, Settlement, Summary,
};

const FILE_NAME: &str = "journal.sqlite";
const LOCK_NAME: &str = "journal.lock";

/// Bounds of a [`SqliteJournal`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Changes that may wait for the writer; one more is refused as not committed. Whoever submits holds
    /// the bytes, so that memory is bounded where messages enter.
    pub queue_max: usize,
    /// Changes in one transaction.
    pub batch_max: usize,
    /// Longest wait of a recorded message for its settlement, to share one insert and one fsync.
    pub linger_us: u64,
    /// Reads at the same time, each on its own connection.
    pub readers_max: usize,
    /// Page cache of the writer.
    pub writer_cache_kib: u32,
    /// Page cache of each reader.
    pub reader_cache_kib: u32,
}

impl Default for Settings {
    fn default() -> Self {
        let group = group::Settings::default();
        Self {
            queue_max: 65_536,
            batch_max: group.batch_max,
            linger_us: group.linger_us,
            readers_max: 4,
            writer_cache_kib: 32 << 10,
            reader_cache_kib: 2 << 10,
        }
    }
}

/// The journal in one folder: `journal.sqlite` and its write-ahead log.
#[derive(Debug)]
pub struct SqliteJournal {
    writer: Writer<Changes>,
    readers: Arc<Readers>,
    /// Held as long as the folder is ours.
    _lock: File,
}

impl SqliteJournal {
    /// Opens the journal in `dir`, making the folder and the tables where they are missing.
    ///
    /// # Errors
    /// [`JournalError::InUse`], [`JournalError::Newer`], [`JournalError::Open`].
    pub fn open(dir: &Path, settings: Settings) -> Result<Self, JournalError> {
        create(dir).map_err(|error| JournalError::Open(format!("{}: {error}", dir.display())))?;
        let lock = lock(&dir.join(LOCK_NAME))?;
        let path = dir.join(FILE_NAME);
        let open = |error: rusqlite::Error| JournalError::Open(format!("{}: {error}", path.display()));
        schema::migrate(&mut group::open(&path).map_err(open)?)?;
        let (writer_path, writer_cache_kib) = (path.clone(), settings.writer_cache_kib);
        let connect = move || {
            let connection = group::open(&writer_path)?;
            connection.pragma_update(None, "cache_size", -i64::from(writer_cache_kib))?;
            Ok(connection)
        };
        let group = group::Settings {
            queue_max: settings.queue_max,
            batch_max: settings.batch_max,
            linger_us: settings.linger_us,
        };
        let writer = Writer::start("journal", connect, Changes::default(), group).map_err(open)?;
        let readers = Arc::new(Readers {
            path,
            cache_kib: settings.reader_cache_kib,
            room: Semaphore::new(settings.readers_max.max(1)),
            idle: Mutex::default(),
        });
        Ok(Self {
            writer,
            readers,
            _lock: lock,
        })
    }

    /// Commits what was accepted and closes the file. Later changes fail with [`JournalError::Closed`].
    pub async fn close(&self) {
        self.writer.close().await;
        self.readers
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn change<T: 'static>(
        &self,
        command: Command,
        outcome: fn(Outcome) -> Option<T>,
    ) -> Result<Pending<T>, JournalError> {
        // At once or not at all: a wait for room here would let whoever is woken first go first.
        let pending = self.writer.try_submit(command).map_err(write_error)?;
        Ok(Pending::new(async move {
            let done = pending.await.map_err(write_error)?;
            outcome(done).ok_or_else(|| JournalError::Refused("the change had another outcome".to_owned()))
        }))
    }

    async fn read<T, F>(&self, read: F) -> Result<T, JournalError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let _room = self
            .readers
            .room
            .acquire()
            .await
            .map_err(|_| JournalError::Closed)?;
        let readers = self.readers.clone();
        tokio::task::spawn_blocking(move || readers.read(read))
            .await
            .map_err(|_| JournalError::Read("the reader panicked".to_owned()))?
            .map_err(|error| JournalError::Read(error.to_string()))
    }
}

impl Journal for SqliteJournal {
    async fn record(&self, received: Received) -> Result<Pending<()>, JournalError> {
        let content_hash = ContentHash::of(&received.raw);
        let recorded = Recorded {
            received,
            content_hash,
            settlement: None,
        };
        self.change(Command::Record(Box::new(recorded)), done)
    }

    async fn settle(&self, settlement: Settlement) -> Result<Pending<Settled>, JournalError> {
        let settled = |outcome| match outcome {
            Outcome::Settled(settled) => Some(settled),
            _ => None,
        };
        self.change(Command::Settle(Box::new(settlement)), settled)
    }

    async fn acknowledge(&self, id: MessageId, ack: Bytes) -> Result<Pending<()>, JournalError> {
        self.change(Command::Acknowledge(id, ack), done)
    }

    async fn progress(&self, progress: Progress) -> Result<Pending<()>, JournalError> {
        self.change(Command::Progress(Box::new(progress)), done)
    }

    async fn keep_link(&self, link: String, expected: i64) -> Result<Pending<()>, JournalError> {
        self.change(Command::Link(link, expected), done)
    }

    async fn link(&self, link: String) -> Result<Option<i64>, JournalError> {
        self.read(move |connection| read::link(connection, &link)).await
    }

    async fn put_resource(&self, resource: NewResource) -> Result<Pending<Put>, JournalError> {
        let put = |outcome| match outcome {
            Outcome::Put(put) => Some(put),
            _ => None,
        };
        self.change(Command::PutResource(Box::new(resource)), put)
    }

    async fn message(&self, id: MessageId) -> Result<Option<Message>, JournalError> {
        self.read(move |connection| read::message(connection, id)).await
    }

    async fn search(&self, query: Query) -> Result<Page<Summary>, JournalError> {
        self.read(move |connection| search::search(connection, &query))
            .await
    }

    async fn duplicate(&self, original: Original) -> Result<Option<Earlier>, JournalError> {
        self.read(move |connection| read::earlier(connection, &original, None, None))
            .await
    }

    async fn unsettled(&self, after: Option<Cursor>, limit: usize) -> Result<Page<Message>, JournalError> {
        self.read(move |connection| read::unsettled(connection, after, limit))
            .await
    }

    async fn queued(
        &self,
        interface: String,
        after: Option<Cursor>,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Page<Queued>, JournalError> {
        self.read(move |connection| read::queued(connection, &interface, after, limit, bytes_max))
            .await
    }

    async fn deliveries(&self, query: DeliveryQuery) -> Result<Page<Delivery>, JournalError> {
        self.read(move |connection| read::deliveries(connection, &query))
            .await
    }

    async fn held_causes(&self) -> Result<Vec<HeldCause>, JournalError> {
        self.read(read::held_causes).await
    }

    async fn audit(&self, after: Option<Cursor>, limit: usize) -> Result<Page<AuditEntry>, JournalError> {
        self.read(move |connection| audit::entries(connection, after, limit))
            .await
    }

    async fn verify_audit(&self) -> Result<AuditVerdict, JournalError> {
        self.read(audit::verify).await
    }

    async fn counts(&self) -> Result<Counts, JournalError> {
        self.read(read::counts).await
    }

    async fn resource(&self, key: ResourceKey) -> Result<Option<Resource>, JournalError> {
        self.read(move |connection| resources::read(connection, &key))
            .await
    }

    async fn find_resources(&self, query: ResourceQuery) -> Result<Page<Resource>, JournalError> {
        self.read(move |connection| resources::find(connection, &query))
            .await
    }
}

fn done(outcome: Outcome) -> Option<()> {
    matches!(outcome, Outcome::Done).then_some(())
}

fn write_error(error: WriteError) -> JournalError {
    match error {
        WriteError::Stopped => JournalError::Closed,
        WriteError::Refused(reason) => JournalError::Refused(reason.to_string()),
        WriteError::Failed(reason) => JournalError::NotCommitted(reason.to_string()),
        WriteError::Full => JournalError::NotCommitted(error.to_string()),
    }
}

/// Connections that only read; opened when first needed, kept for the next.
#[derive(Debug)]
struct Readers {
    path: PathBuf,
    cache_kib: u32,
    room: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = idle.map_or_else(|| self.connect(), Ok)?;
        // One snapshot for all statements of one question.
        let snapshot = connection.unchecked_transaction()?;
        let result = read(&snapshot);
        snapshot.finish()?;
        if result.is_ok() {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
        }
        result
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.pragma_update(None, "cache_size", -i64::from(self.cache_kib))?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    }
}

/// Makes the folder, for its owner's eyes only: it will hold patient data.
fn create(dir: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Two writers in one folder would each believe in their own order.
fn lock(path: &Path) -> Result<File, JournalError> {
    let open = |error: std::io::Error| JournalError::Open(format!("{}: {error}", path.display()));
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(open)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(JournalError::InUse),
        Err(std::fs::TryLockError::Error(error)) => Err(open(error)),
    }
}
