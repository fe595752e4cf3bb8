//! The group commit: order, sharing, and that no failure is ever called durable.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rusqlite::{Connection, Transaction};
use store::group::{Apply, Settings, WriteError, Writer, open};

/// Inserts lines; `panic` panics, a doubled line breaks the unique constraint.
#[derive(Default)]
struct Lines {
    batches: Arc<AtomicUsize>,
}

impl Apply for Lines {
    type Command = String;
    type Outcome = i64;

    fn apply(&mut self, transaction: &Transaction<'_>, line: String) -> rusqlite::Result<i64> {
        transaction.execute("INSERT INTO trail (line) VALUES (?1)", [&line])?;
        assert_ne!(line, "panic", "asked for");
        transaction
            .prepare_cached("INSERT INTO line (line) VALUES (?1)")?
            .insert([line])
    }

    fn before_commit(&mut self, _transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        self.batches.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

fn tables(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open(path)?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS line (sequence INTEGER PRIMARY KEY, line TEXT UNIQUE);
         CREATE TABLE IF NOT EXISTS trail (line TEXT);",
    )?;
    Ok(connection)
}

fn lines(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).expect("opens");
    let mut statement = connection
        .prepare("SELECT line FROM line ORDER BY sequence")
        .expect("reads");
    statement
        .query_map([], |row| row.get(0))
        .expect("reads")
        .collect::<Result<_, _>>()
        .expect("reads")
}

struct Rig {
    dir: tempfile::TempDir,
    writer: Writer<Lines>,
    batches: Arc<AtomicUsize>,
}

impl Rig {
    fn new() -> Self {
        Self::with(Settings::default(), tables)
    }

    fn with(
        settings: Settings,
        mut connect: impl FnMut(&Path) -> rusqlite::Result<Connection> + Send + 'static,
    ) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("lines.sqlite");
        let apply = Lines::default();
        let batches = apply.batches.clone();
        let writer = Writer::start("lines", move || connect(&path), apply, settings).expect("starts");
        Self { dir, writer, batches }
    }

    async fn lines(self) -> Vec<String> {
        self.writer.close().await;
        lines(&self.dir.path().join("lines.sqlite"))
    }
}

#[tokio::test]
async fn the_order_of_submission_is_the_order_of_commit() {
    let rig = Rig::new();
    let mut pending = Vec::new();
    for number in 0..2_000 {
        pending.push(rig.writer.submit(number.to_string()).await.expect("accepted"));
    }
    for (at, each) in pending.into_iter().enumerate() {
        assert_eq!(each.await.expect("durable"), at as i64 + 1);
    }
    let batches = rig.batches.load(Ordering::SeqCst);
    assert!(
        batches < 1_000,
        "{batches} commits for 2000 commands: they are not shared"
    );
    let expected: Vec<_> = (0..2_000).map(|number| number.to_string()).collect();
    assert_eq!(rig.lines().await, expected);
}

#[tokio::test]
async fn a_resolved_pending_is_readable_by_others() {
    let rig = Rig::new();
    let path = rig.dir.path().join("lines.sqlite");
    for number in 0..50 {
        rig.writer.write(number.to_string()).await.expect("durable");
        assert_eq!(lines(&path).len(), number + 1);
    }
}

#[tokio::test]
async fn a_refused_command_is_undone_alone() {
    let rig = Rig::new();
    let mut pending = Vec::new();
    for line in ["a", "b", "a", "c"] {
        pending.push(rig.writer.submit(line.to_owned()).await.expect("accepted"));
    }
    let mut outcomes = Vec::new();
    for each in pending {
        outcomes.push(each.await);
    }
    assert!(
        matches!(outcomes[2], Err(WriteError::Refused(_))),
        "{:?}",
        outcomes[2]
    );
    assert!(outcomes[0].is_ok() && outcomes[1].is_ok() && outcomes[3].is_ok());
    let path = rig.dir.path().join("lines.sqlite");
    assert_eq!(rig.writer.close().await, ());
    assert_eq!(lines(&path), ["a", "b", "c"]);
    let trail: i64 = Connection::open(&path)
        .and_then(|connection| connection.query_row("SELECT count(*) FROM trail", [], |row| row.get(0)))
        .expect("reads");
    assert_eq!(trail, 3, "the first half of the refused command is gone too");
}

#[tokio::test]
async fn a_panic_fails_its_batch_and_the_writer_lives_on() {
    let rig = Rig::new();
    let error = rig
        .writer
        .write("panic".to_owned())
        .await
        .expect_err("not durable");
    assert!(matches!(error, WriteError::Failed(_)), "{error}");
    rig.writer.write("after".to_owned()).await.expect("durable");
    assert_eq!(rig.lines().await, ["after"]);
}

/// The n-th commit fails, for every n: what was called durable is there, what was not is not.
#[tokio::test]
async fn whichever_commit_fails_nothing_of_it_is_called_durable() {
    const COMMANDS: usize = 40;
    for failing in 1..=12_usize {
        let commits = Arc::new(AtomicUsize::new(0));
        let rig = Rig::with(
            Settings {
                batch_max: 4,
                ..Settings::default()
            },
            move |path| {
                let mut connection = tables(path)?;
                let commits = commits.clone();
                connection.commit_hook(Some(move || {
                    commits.fetch_add(1, Ordering::SeqCst) + 1 == failing
                }))?;
                Ok(connection)
            },
        );
        let mut pending = Vec::new();
        for number in 0..COMMANDS {
            pending.push((
                number,
                rig.writer.submit(number.to_string()).await.expect("accepted"),
            ));
        }
        let mut durable = Vec::new();
        for (number, each) in pending {
            match each.await {
                Ok(_) => durable.push(number.to_string()),
                Err(error) => assert!(matches!(error, WriteError::Failed(_)), "{error}"),
            }
        }
        let hit = durable.len() < COMMANDS;
        assert!(
            hit || failing > COMMANDS / 4,
            "the fault at commit {failing} was never met"
        );
        assert_eq!(rig.lines().await, durable, "commit {failing} failed");
    }
}

#[tokio::test]
async fn a_full_disk_is_said_so_and_room_heals_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("lines.sqlite");
    let pages_max = Arc::new(AtomicUsize::new(12));
    let limit = pages_max.clone();
    let connect = move || {
        let connection = tables(&path)?;
        connection.pragma_update(None, "max_page_count", limit.load(Ordering::SeqCst) as i64)?;
        Ok(connection)
    };
    let writer = Writer::start("lines", connect, Lines::default(), Settings::default()).expect("starts");
    let mut durable = 0;
    let error = loop {
        match writer.write(format!("{durable} {}", "x".repeat(2_000))).await {
            Ok(_) => durable += 1,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(&error, WriteError::Failed(reason) if reason.contains("full")),
        "{error}"
    );
    assert!(
        matches!(writer.write("y".repeat(4_000)).await, Err(WriteError::Failed(_))),
        "still full"
    );
    pages_max.store(10_000, Ordering::SeqCst);
    // The connection is opened anew after each failure, so the next command finds the room.
    writer.write("after".to_owned()).await.expect("durable again");
    writer.close().await;
    let found = lines(&dir.path().join("lines.sqlite"));
    assert_eq!(
        (found.len(), found.last().map(String::as_str)),
        (durable + 1, Some("after"))
    );
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_makes_others_wait() {
    let rig = Rig::with(
        Settings {
            queue_max: 1,
            ..Settings::default()
        },
        tables,
    );
    // Keep the writer waiting for the database, so that its queue fills.
    let blocker = Connection::open(rig.dir.path().join("lines.sqlite")).expect("opens");
    blocker.execute_batch("BEGIN IMMEDIATE").expect("locks");
    let first = rig.writer.submit("first".to_owned()).await.expect("accepted");
    let second = rig
        .writer
        .submit("second".to_owned())
        .await
        .expect("accepted once the first is taken");
    assert!(matches!(
        rig.writer.try_submit("third".to_owned()),
        Err(WriteError::Full)
    ));
    let mut fourth = Box::pin(rig.writer.submit("fourth".to_owned()));
    let is_waiting =
        std::future::poll_fn(|cx| std::task::Poll::Ready(Future::poll(fourth.as_mut(), cx).is_pending()));
    assert!(is_waiting.await, "there is no room");
    blocker.execute_batch("ROLLBACK").expect("unlocks");
    first.await.expect("durable");
    second.await.expect("durable");
    fourth.await.expect("accepted").await.expect("durable");
    assert_eq!(rig.lines().await, ["first", "second", "fourth"]);
}

#[tokio::test]
async fn closing_commits_what_was_accepted_and_takes_no_more() {
    let rig = Rig::new();
    let accepted = rig.writer.submit("accepted".to_owned()).await.expect("accepted");
    rig.writer.close().await;
    accepted.await.expect("durable");
    assert!(matches!(
        rig.writer.submit("late".to_owned()).await,
        Err(WriteError::Stopped)
    ));
    assert_eq!(rig.lines().await, ["accepted"]);
}

#[test]
fn a_writer_that_cannot_open_says_so() {
    let connect = || open(Path::new("/nowhere/at/all.sqlite"));
    assert!(Writer::start("lines", connect, Lines::default(), Settings::default()).is_err());
}
