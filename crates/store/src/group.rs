//! Group commit: one thread, one SQLite transaction for whatever waits, one fsync for all of it.
//!
//! An fsync costs as much for a hundred commands as for one, so throughput comes from sharing it. The
//! order of submission is the order of commit. A [`Pending`] resolves after the fsync, never before;
//! when a commit fails, every command of its batch is told so. The gateway's journal and each mock
//! EPR's record stand on this; what a command means is theirs ([`Apply`]).
//!
//! # Example
//! ```
//! use store::group::{Apply, Settings, Writer, open};
//!
//! struct Names;
//!
//! impl Apply for Names {
//!     type Command = String;
//!     type Outcome = i64;
//!     fn apply(&mut self, transaction: &rusqlite::Transaction<'_>, name: String) -> rusqlite::Result<i64> {
//!         transaction.prepare_cached("INSERT INTO name (name) VALUES (?1)")?.insert([name])
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let dir = tempfile::tempdir()?;
//! let path = dir.path().join("names.sqlite");
//! let connect = move || {
//!     let connection = open(&path)?;
//!     connection.execute_batch("CREATE TABLE IF NOT EXISTS name (id INTEGER PRIMARY KEY, name TEXT)")?;
//!     Ok(connection)
//! };
//! let writer = Writer::start("names", connect, Names, Settings::default())?;
//! let first = writer.submit("Ada".to_owned()).await?;
//! let second = writer.submit("Grace".to_owned()).await?;
//! assert_eq!((first.await?, second.await?), (1, 2)); // both are on disk now
//! writer.close().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod checkpoint;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use tokio::sync::{Semaphore, oneshot};

use checkpoint::{CHECKPOINT_PAGES, Checkpointer};

/// Statements kept ready per connection.
const STATEMENTS_MAX: usize = 96;

/// What a [`Writer`] does with its commands.
pub trait Apply: Send + 'static {
    /// What is asked for.
    type Command: Send + 'static;
    /// What the submitter learns once it is durable.
    type Outcome: Send + 'static;

    /// True when a command that is refused has surely written nothing that matters: it then needs no
    /// savepoint of its own, which costs about a tenth of the writer's time.
    const CHECKS_FIRST: bool = false;

    /// Carries out one command inside the batch's transaction.
    ///
    /// # Errors
    /// A constraint or conversion error undoes and refuses this command alone. Any other error (disk
    /// full, input/output) fails the whole batch.
    fn apply(
        &mut self,
        transaction: &Transaction<'_>,
        command: Self::Command,
    ) -> rusqlite::Result<Self::Outcome>;

    /// A command joins the batch; `true` asks to wait a moment ([`Settings::linger_us`]) for its companion.
    fn gather(&mut self, _command: &Self::Command) -> bool {
        false
    }

    /// The batch is complete and about to be applied: the place to merge commands.
    fn prepare(&mut self, _batch: &mut [Self::Command]) {}

    /// The last statements of the transaction.
    ///
    /// # Errors
    /// Any error fails the batch.
    fn before_commit(&mut self, _transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        Ok(())
    }

    /// The batch is over. When it was not committed, anything remembered from it must be forgotten.
    fn finished(&mut self, _committed: bool) {}
}

/// Bounds of a [`Writer`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Commands that may wait; a further submitter waits for room.
    pub queue_max: usize,
    /// Commands in one transaction.
    pub batch_max: usize,
    /// Longest wait for a companion that [`Apply::gather`] asked for.
    pub linger_us: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            queue_max: 4_096,
            batch_max: 512,
            linger_us: 200,
        }
    }
}

/// Why a command is not durable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// [`Writer::try_submit`] found no room.
    #[error("the writer's queue is full")]
    Full,
    /// The writer has been closed.
    #[error("the writer has stopped")]
    Stopped,
    /// The database refused this command; others of its batch may be durable.
    #[error("the database refused the command: {0}")]
    Refused(Arc<str>),
    /// The batch was not committed. Nothing of it may be acknowledged; it may be submitted again.
    #[error("the batch was not committed: {0}")]
    Failed(Arc<str>),
}

/// A submitted command; resolves when it is durable, or surely is not.
#[derive(Debug)]
#[must_use = "a command is durable only when its Pending has resolved"]
pub struct Pending<T>(oneshot::Receiver<Result<T, WriteError>>);

impl<T> Future for Pending<T> {
    type Output = Result<T, WriteError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(ready!(Pin::new(&mut self.0).poll(cx)).unwrap_or(Err(WriteError::Stopped)))
    }
}

struct Job<A: Apply> {
    command: A::Command,
    reply: Reply<A>,
}

type Reply<A> = oneshot::Sender<Result<<A as Apply>::Outcome, WriteError>>;

/// The one thread that writes to a database; share it in an `Arc`.
///
/// Dropped, it still commits what was submitted; [`close`](Self::close) waits for that.
#[derive(Debug)]
pub struct Writer<A: Apply> {
    room: Arc<Semaphore>,
    jobs: Mutex<Option<Sender<Job<A>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl<A: Apply> Writer<A> {
    /// Starts the thread `name`. `connect` is called now, and again after a failed commit.
    ///
    /// # Errors
    /// What `connect` says now, or the operating system when it gives no thread.
    pub fn start<F>(name: &str, mut connect: F, apply: A, settings: Settings) -> rusqlite::Result<Self>
    where
        F: FnMut() -> rusqlite::Result<Connection> + Send + 'static,
    {
        let mut connection = connect()?;
        let checkpointer = Checkpointer::new(CHECKPOINT_PAGES);
        checkpointer.watch(&mut connection)?;
        let room = Arc::new(Semaphore::new(
            settings.queue_max.clamp(1, Semaphore::MAX_PERMITS),
        ));
        let (jobs, waiting) = channel();
        let shared_room = room.clone();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let worker = Worker {
                    connect,
                    connection: Some(connection),
                    apply,
                    settings,
                    checkpointer,
                };
                worker.run(&waiting, &shared_room);
            })
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        Ok(Self {
            room,
            jobs: Mutex::new(Some(jobs)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Puts a command in the queue, waiting for room in the order of the first poll.
    ///
    /// # Errors
    /// [`WriteError::Stopped`].
    pub async fn submit(&self, command: A::Command) -> Result<Pending<A::Outcome>, WriteError> {
        self.room
            .acquire()
            .await
            .map_err(|_| WriteError::Stopped)?
            .forget();
        self.send(command)
    }

    /// Puts a command in the queue if there is room now.
    ///
    /// # Errors
    /// [`WriteError::Full`], [`WriteError::Stopped`].
    pub fn try_submit(&self, command: A::Command) -> Result<Pending<A::Outcome>, WriteError> {
        match self.room.try_acquire() {
            Ok(permit) => permit.forget(),
            Err(tokio::sync::TryAcquireError::NoPermits) => return Err(WriteError::Full),
            Err(tokio::sync::TryAcquireError::Closed) => return Err(WriteError::Stopped),
        }
        self.send(command)
    }

    /// Submits a command and waits until it is durable.
    ///
    /// # Errors
    /// As [`submit`](Self::submit), and as the batch fared.
    pub async fn write(&self, command: A::Command) -> Result<A::Outcome, WriteError> {
        self.submit(command).await?.await
    }

    /// Commits what has been submitted, closes the database, ends the thread. Later submissions fail.
    pub async fn close(&self) {
        self.room.close();
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        let joined = tokio::task::spawn_blocking(move || thread.join()).await;
        if !matches!(joined, Ok(Ok(()))) {
            tracing::error!("a writer thread ended badly");
        }
    }

    fn send(&self, command: A::Command) -> Result<Pending<A::Outcome>, WriteError> {
        let (reply, receiver) = oneshot::channel();
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let jobs = jobs.as_ref().ok_or(WriteError::Stopped)?;
        jobs.send(Job { command, reply })
            .map_err(|_| WriteError::Stopped)?;
        Ok(Pending(receiver))
    }
}

/// Opens a database the way a durable record needs it: WAL, and an fsync at every commit.
///
/// # Errors
/// What SQLite says: no such folder, not a database, no permission.
pub fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // FULL, not NORMAL: in WAL mode NORMAL skips the fsync at commit, and an ACK would be a guess.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Without this, a statement that a partial index may serve is planned anew for every value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

struct Worker<A, F> {
    connect: F,
    connection: Option<Connection>,
    apply: A,
    settings: Settings,
    checkpointer: Checkpointer,
}

impl<A, F> Worker<A, F>
where
    A: Apply,
    F: FnMut() -> rusqlite::Result<Connection>,
{
    fn run(mut self, waiting: &Receiver<Job<A>>, room: &Semaphore) {
        while let Ok(first) = waiting.recv() {
            let (mut commands, replies) = self.gather(first, waiting);
            room.add_permits(commands.len());
            self.apply.prepare(&mut commands);
            self.carry(commands, replies);
            if let Some(connection) = &self.connection {
                self.checkpointer.tend(connection);
            }
        }
        self.checkpointer.end();
        if let Some(connection) = &self.connection
            && let Err(error) = connection.execute_batch("PRAGMA optimize")
        {
            tracing::debug!(%error, "PRAGMA optimize failed at close");
        }
    }

    /// Takes whatever waits, and waits a moment more when a companion is due.
    fn gather(&mut self, first: Job<A>, waiting: &Receiver<Job<A>>) -> (Vec<A::Command>, Vec<Reply<A>>) {
        let (mut commands, mut replies) = (Vec::new(), Vec::new());
        let mut deadline = None;
        let mut next = Some(first);
        while let Some(job) = next.take() {
            let expects_more = self.apply.gather(&job.command);
            commands.push(job.command);
            replies.push(job.reply);
            if commands.len() >= self.settings.batch_max {
                break;
            }
            next = match waiting.try_recv() {
                Ok(job) => Some(job),
                Err(TryRecvError::Empty) if expects_more => {
                    let linger = Duration::from_micros(self.settings.linger_us);
                    let deadline = *deadline.get_or_insert_with(|| Instant::now() + linger);
                    waiting
                        .recv_timeout(deadline.saturating_duration_since(Instant::now()))
                        .ok()
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
            };
        }
        (commands, replies)
    }

    /// One batch: its transaction, then its replies.
    fn carry(&mut self, commands: Vec<A::Command>, replies: Vec<Reply<A>>) {
        // A panic in `apply` must not leave submitters without an answer, nor half a transaction.
        let result = catch_unwind(AssertUnwindSafe(|| self.commit(commands)))
            .unwrap_or_else(|_| Err(WriteError::Failed("a command panicked".into())));
        self.apply.finished(result.is_ok());
        match result {
            Ok(outcomes) => {
                for (reply, outcome) in replies.into_iter().zip(outcomes) {
                    // A submitter who no longer waits is no error.
                    drop(reply.send(outcome));
                }
            }
            Err(error) => {
                tracing::error!(%error, commands = replies.len(), "commit failed");
                // After a failed write or fsync the connection's view is not to be trusted: open anew.
                self.connection = None;
                for reply in replies {
                    drop(reply.send(Err(error.clone())));
                }
            }
        }
    }

    #[allow(clippy::type_complexity)]
    fn commit(
        &mut self,
        commands: Vec<A::Command>,
    ) -> Result<Vec<Result<A::Outcome, WriteError>>, WriteError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let mut connection = (self.connect)().map_err(failed)?;
                self.checkpointer.watch(&mut connection).map_err(failed)?;
                none.insert(connection)
            }
        };
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        let mut outcomes = Vec::with_capacity(commands.len());
        for command in commands {
            outcomes.push(apply_one(&mut self.apply, &transaction, command)?);
        }
        self.apply.before_commit(&transaction).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(outcomes)
    }
}

/// One command, within a savepoint if it needs one: refused alone, or fatal to the batch.
fn apply_one<A: Apply>(
    apply: &mut A,
    transaction: &Transaction<'_>,
    command: A::Command,
) -> Result<Result<A::Outcome, WriteError>, WriteError> {
    let run = |sql| match A::CHECKS_FIRST {
        true => Ok(()),
        false => transaction.prepare_cached(sql)?.execute([]).map(drop),
    };
    run("SAVEPOINT command").map_err(failed)?;
    let outcome = match apply.apply(transaction, command) {
        Ok(outcome) => Ok(outcome),
        Err(error) if is_refusal(&error) => {
            run("ROLLBACK TO command").map_err(failed)?;
            Err(WriteError::Refused(error.to_string().into()))
        }
        Err(error) => return Err(failed(error)),
    };
    run("RELEASE command").map_err(failed)?;
    Ok(outcome)
}

fn failed(error: rusqlite::Error) -> WriteError {
    WriteError::Failed(error.to_string().into())
}

/// Whether the command is at fault rather than the disk.
fn is_refusal(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => matches!(
            failure.code,
            ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch
        ),
        _ => true,
    }
}
