//! Folds the write-ahead log into the database file beside the writer, so that no commit waits for it.
//!
//! SQLite would do it inside the commit that crosses a limit: hundreds of milliseconds for somebody's
//! ACK. Here a second thread folds most of the log while commits go on; the writer then folds the small
//! rest between two batches, after which the log starts over.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::hooks::Wal;
use rusqlite::{Connection, OpenFlags};

/// Pages in the log before it is folded: 32 MiB. A page written a hundred times is then folded once, and
/// a restart still reads the log in a moment.
pub(super) const CHECKPOINT_PAGES: usize = 8_000;
/// The log may grow to this many times its limit before the writer waits for the other thread.
const OVERSHOOT_MAX: usize = 8;

#[derive(Debug)]
pub(super) struct Checkpointer {
    pages_max: usize,
    /// Pages in the log, told by SQLite at each commit.
    pages: Arc<AtomicUsize>,
    pages_before: usize,
    /// Fold when the log is this long.
    next_at: usize,
    helper: Option<Helper>,
    is_folding: bool,
}

#[derive(Debug)]
struct Helper {
    ask: SyncSender<()>,
    done: Receiver<()>,
    thread: JoinHandle<()>,
}

impl Checkpointer {
    pub(super) fn new(pages_max: usize) -> Self {
        let pages_max = pages_max.max(1);
        Self {
            pages_max,
            pages: Arc::default(),
            pages_before: 0,
            next_at: pages_max,
            helper: None,
            is_folding: false,
        }
    }

    /// Takes over from SQLite's own checkpoints on the writer's connection.
    pub(super) fn watch(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        let pages = self.pages.clone();
        connection.wal_hook(Some(move |_: &mut Wal, count: i32| {
            pages.store(usize::try_from(count).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))
    }

    /// Between two batches, after the replies: folds, or has folded, what is due.
    pub(super) fn tend(&mut self, connection: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.pages_before {
            self.next_at = self.pages_max;
        }
        self.pages_before = pages;
        if self.is_folding {
            let Some(helper) = &self.helper else { return };
            let must_wait = pages >= self.pages_max.saturating_mul(OVERSHOOT_MAX);
            let is_done = if must_wait {
                helper.done.recv().is_ok()
            } else {
                helper.done.try_recv().is_ok()
            };
            if is_done {
                self.is_folding = false;
                fold(connection);
                // A reader of an old snapshot can keep the log from starting over: do not ask at each batch.
                self.next_at = pages + self.pages_max;
            }
        } else if pages >= self.next_at {
            let helper = match &self.helper {
                Some(helper) => helper,
                None => match Helper::start(connection) {
                    Ok(helper) => self.helper.insert(helper),
                    // Without a thread the writer folds by itself.
                    Err(error) => {
                        tracing::warn!(%error, "no checkpoint thread");
                        fold(connection);
                        self.next_at = pages + self.pages_max;
                        return;
                    }
                },
            };
            self.is_folding = helper.ask.try_send(()).is_ok();
        }
    }

    /// Ends the thread.
    pub(super) fn end(self) {
        let Some(Helper { ask, done, thread }) = self.helper else {
            return;
        };
        drop((ask, done));
        if thread.join().is_err() {
            tracing::error!("the checkpoint thread panicked");
        }
    }
}

impl Helper {
    fn start(connection: &Connection) -> std::io::Result<Self> {
        let path = PathBuf::from(connection.path().unwrap_or_default());
        let (ask, asked) = sync_channel(1);
        let (finished, done) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || {
                let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let connection = Connection::open_with_flags(&path, flags);
                while asked.recv().is_ok() {
                    match &connection {
                        Ok(connection) => fold(connection),
                        Err(error) => tracing::warn!(%error, "no checkpoint connection"),
                    }
                    if finished.send(()).is_err() {
                        return;
                    }
                }
            })?;
        Ok(Self { ask, done, thread })
    }
}

/// PASSIVE: waits for nobody, folds what it can.
fn fold(connection: &Connection) {
    let folded = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
        Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    });
    match folded {
        Ok((pages, folded)) => tracing::trace!(pages, folded, "checkpoint"),
        Err(error) => tracing::warn!(%error, "checkpoint failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_stays_bounded_and_nothing_is_lost() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut connection = crate::group::open(&dir.path().join("a.sqlite")).expect("opens");
        connection
            .execute_batch("CREATE TABLE line (text TEXT)")
            .expect("creates");
        let mut checkpointer = Checkpointer::new(50);
        checkpointer.watch(&mut connection).expect("watches");
        let mut longest = 0;
        for _ in 0..2_000 {
            connection
                .execute("INSERT INTO line VALUES (?1)", ["x".repeat(2_000)])
                .expect("inserts");
            checkpointer.tend(&connection);
            longest = longest.max(checkpointer.pages.load(Ordering::Relaxed));
        }
        checkpointer.end();
        assert!(longest >= 50, "the limit of 50 was never reached: {longest}");
        assert!(
            longest <= 50 * OVERSHOOT_MAX + 10,
            "the log grew to {longest} pages"
        );
        let count: i64 = connection
            .query_row("SELECT count(*) FROM line", [], |row| row.get(0))
            .expect("reads");
        assert_eq!(count, 2_000);
    }

    #[test]
    fn a_reader_of_an_old_snapshot_delays_folding_and_breaks_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a.sqlite");
        let mut connection = crate::group::open(&path).expect("opens");
        connection
            .execute_batch("CREATE TABLE line (text TEXT)")
            .expect("creates");
        let mut checkpointer = Checkpointer::new(10);
        checkpointer.watch(&mut connection).expect("watches");
        let reader = Connection::open(&path).expect("opens");
        reader
            .execute_batch("BEGIN; SELECT count(*) FROM line")
            .expect("takes its snapshot");
        for _ in 0..200 {
            connection
                .execute("INSERT INTO line VALUES ('x')", [])
                .expect("inserts");
            checkpointer.tend(&connection);
        }
        reader.execute_batch("COMMIT").expect("lets go");
        for _ in 0..400 {
            connection
                .execute("INSERT INTO line VALUES ('x')", [])
                .expect("inserts");
            checkpointer.tend(&connection);
        }
        let checkpointer_pages = checkpointer.pages.clone();
        checkpointer.end();
        let pages = checkpointer_pages.load(Ordering::Relaxed);
        assert!(pages < 600, "the log started over at least once: {pages} pages");
    }
}
