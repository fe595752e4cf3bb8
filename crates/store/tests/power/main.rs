//! The journal on a disk that fails: each write, each fsync, a full disk, a power cut at every operation.
//!
//! What must hold, whatever struck: what was called durable is there afterwards; what was not is not called
//! so; and the journal goes on, or opens again, without help.

mod vfs;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use store::{
    DeliveryId, DeliveryState, Identity, Journal, JournalError, MessageId, MessageState, NewDelivery,
    NewResource, Pending, Progress, Received, ResourceKey, Settings, Settlement, SqliteJournal,
};
use uuid::Uuid;
use vfs::{Disk, Fault, Remains};

/// Messages of one run.
const MESSAGES: u128 = 8;

fn id(number: u128) -> MessageId {
    MessageId(Uuid::from_u128(number))
}

fn marker(number: u128) -> String {
    format!("MARK{number:05}END")
}

fn received(number: u128) -> Received {
    // Some are longer than a page, so that a record takes several writes.
    let length = if number.is_multiple_of(5) { 9_000 } else { 600 };
    Received {
        id: id(number),
        received_at_ms: 1_000 + i64::try_from(number).expect("small"),
        endpoint: "north-adt".to_owned(),
        peer: "192.0.2.7:4000".to_owned(),
        parent: None,
        raw: Bytes::from(format!("MSH|^~\\&|{}|{}", marker(number), "x".repeat(length))),
    }
}

fn settlement(number: u128) -> Settlement {
    Settlement {
        identity: Identity {
            system: "north".to_owned(),
            message_code: "ADT".to_owned(),
            trigger_event: "A01".to_owned(),
            control_id: format!("C{number}"),
            patients: vec![format!("P{}", number % 3)],
            ..Identity::default()
        },
        ack: Some(Bytes::from(format!("MSA|AA|C{number}"))),
        deliveries: vec![NewDelivery {
            interface: "west".to_owned(),
            lane: format!("west:P{}", number % 3),
            state: DeliveryState::Queued,
            cause: None,
            replaces: None,
        }],
        duplicate_window_ms: Some(3_600_000),
        ..Settlement::new(id(number), MessageState::Routed)
    }
}

fn delivered(number: u128) -> Progress {
    Progress {
        id: DeliveryId {
            message: id(number),
            ordinal: 1,
        },
        state: DeliveryState::Delivered,
        attempts: 1,
        at_ms: 5_000,
        cause: None,
        sent: None,
        answered: None,
    }
}

/// What the journal called durable.
#[derive(Debug, Default)]
struct Promised {
    routed: Vec<u128>,
    delivered: Vec<u128>,
    resources: u32,
    refusals: usize,
}

async fn resolved<T>(accepted: Result<Pending<T>, JournalError>) -> Result<T, JournalError> {
    accepted?.await
}

/// A life of the journal as the gateway leads it. Ends early when the power goes.
async fn live(journal: &SqliteJournal, disk: &Disk) -> Promised {
    let mut promised = Promised::default();
    for number in 1..=MESSAGES {
        // Two lives out of three settle in the same breath; the others after the record is durable.
        let recorded = journal.record(received(number)).await;
        let settled = if number.is_multiple_of(3) {
            let recorded = resolved(recorded).await;
            let settled = resolved(journal.settle(settlement(number)).await).await;
            recorded.and(settled)
        } else {
            let settled = journal.settle(settlement(number)).await;
            let recorded = resolved(recorded).await;
            let settled = resolved(settled).await;
            recorded.and(settled)
        };
        match settled {
            Ok(_) => promised.routed.push(number),
            Err(_) => promised.refusals += 1,
        }
        if number.is_multiple_of(2) && promised.routed.contains(&number) {
            match resolved(journal.progress(delivered(number)).await).await {
                Ok(()) => promised.delivered.push(number),
                Err(_) => promised.refusals += 1,
            }
        }
        if number.is_multiple_of(4) {
            let resource = NewResource {
                key: key(),
                updated_at_ms: 0,
                json: Bytes::from(format!("{{\"n\":{number}}}")),
                terms: Vec::new(),
                if_version: None,
            };
            if resolved(journal.put_resource(resource).await).await.is_ok() {
                promised.resources += 1;
            }
        }
        if number == 5 {
            fold(&disk_path(disk));
        }
        if disk.is_cut() {
            break;
        }
    }
    promised
}

fn key() -> ResourceKey {
    ResourceKey {
        system: "north".to_owned(),
        resource_type: "Patient".to_owned(),
        id: "1".to_owned(),
    }
}

fn disk_path(disk: &Disk) -> std::path::PathBuf {
    disk.folder().join("journal.sqlite")
}

/// Folds the log into the file, as the checkpoint thread does in a longer life. It may fail like anything else.
fn fold(path: &std::path::Path) {
    let folded = rusqlite::Connection::open(path)
        .and_then(|connection| connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())));
    drop(folded);
}

/// A folder with an empty journal in it: making the tables is a life of its own.
fn folder() -> tempfile::TempDir {
    static EMPTY: OnceLock<Vec<u8>> = OnceLock::new();
    let empty = EMPTY.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a folder");
        drop(SqliteJournal::open(dir.path(), Settings::default()).expect("opens"));
        let path = dir.path().join("journal.sqlite");
        let copy = dir.path().join("copy.sqlite");
        rusqlite::Connection::open(&path)
            .and_then(|file| file.execute("VACUUM INTO ?1", [copy.to_string_lossy()]))
            .expect("copied");
        std::fs::read(copy).expect("read")
    });
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("journal.sqlite"), empty).expect("written");
    dir
}

/// Opens the journal; a fault during opening may cost a second try, never more.
fn open(dir: &std::path::Path, disk: &Disk) -> Option<SqliteJournal> {
    for _ in 0..2 {
        match SqliteJournal::open(dir, Settings::default()) {
            Ok(journal) => return Some(journal),
            Err(error) if disk.is_cut() => {
                assert!(matches!(error, JournalError::Open(_)), "{error}");
                return None;
            }
            Err(error) => assert!(matches!(error, JournalError::Open(_)), "{error}"),
        }
    }
    panic!("the journal does not open although the fault has passed");
}

/// Everything that was promised is there, in order, and the journal takes more.
async fn check(dir: &std::path::Path, promised: &Promised, what: &str) {
    let _disk = Disk::under(dir, Fault::None);
    let journal = SqliteJournal::open(dir, Settings::default())
        .unwrap_or_else(|error| panic!("{what}: does not open: {error}"));
    for number in &promised.routed {
        let message = journal.message(id(*number)).await.expect("reads");
        let message = message.unwrap_or_else(|| panic!("{what}: message {number} was promised and is gone"));
        assert_eq!(message.raw, received(*number).raw, "{what}: message {number}");
        assert_eq!(
            message.summary.state,
            MessageState::Routed,
            "{what}: message {number}"
        );
        assert!(message.ack.is_some(), "{what}: message {number} lost its ACK");
    }
    let page = journal
        .queued("west".to_owned(), None, 1_000, usize::MAX)
        .await
        .expect("reads");
    let queued: Vec<u128> = page
        .items
        .iter()
        .map(|queued| queued.delivery.id.message.0.as_u128())
        .collect();
    assert!(
        queued.is_sorted(),
        "{what}: the queue is out of order: {queued:?}"
    );
    for number in &promised.delivered {
        assert!(
            !queued.contains(number),
            "{what}: {number} was delivered and is queued again"
        );
    }
    for number in promised.routed.iter().filter(|number| *number % 2 == 1) {
        assert!(
            queued.contains(number),
            "{what}: the delivery of {number} is gone"
        );
    }
    let found = journal.resource(key()).await.expect("reads");
    let version = found.map_or(0, |resource| u32::try_from(resource.version).expect("small"));
    assert!(
        version >= promised.resources,
        "{what}: a resource went back in time"
    );
    let again = resolved(journal.record(received(900)).await).await;
    assert!(again.is_ok(), "{what}: takes nothing more: {again:?}");
    journal.close().await;
}

/// What a life consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// Making the tables in an empty folder.
    First,
    /// Messages.
    Busy,
}

impl Life {
    fn folder(self) -> tempfile::TempDir {
        match self {
            Self::First => tempfile::tempdir().expect("a folder"),
            Self::Busy => folder(),
        }
    }

    async fn live(self, journal: &SqliteJournal, disk: &Disk) -> Promised {
        match self {
            Self::First => Promised::default(),
            Self::Busy => live(journal, disk).await,
        }
    }

    /// A life without a fault: how many writes and fsyncs it takes.
    async fn harmless(self) -> (u64, u64) {
        let dir = self.folder();
        let disk = Disk::under(dir.path(), Fault::None);
        let journal = open(dir.path(), &disk).expect("opens");
        let promised = self.live(&journal, &disk).await;
        assert_eq!(promised.refusals, 0);
        assert!(self == Self::First || promised.routed.len() as u128 == MESSAGES);
        journal.close().await;
        drop(journal);
        let (writes, syncs, struck) = disk.counts();
        assert_eq!(struck, 0);
        eprintln!("{self:?}: {writes} writes, {syncs} fsyncs");
        drop(disk);
        check(dir.path(), &promised, "no fault").await;
        (writes, syncs)
    }

    /// One life with one fault, and what it left.
    async fn with(self, fault: Fault) -> u64 {
        let dir = self.folder();
        let disk = Disk::under(dir.path(), fault);
        let journal = open(dir.path(), &disk).expect("a fault that passes");
        let promised = self.live(&journal, &disk).await;
        assert!(
            promised.refusals <= 2,
            "{fault:?}: one fault refuses one batch: {promised:?}"
        );
        journal.close().await;
        drop(journal);
        let (_, _, struck) = disk.counts();
        drop(disk);
        check(dir.path(), &promised, &format!("{self:?}, {fault:?}")).await;
        struck
    }

    /// A life that ends in a power cut, and every way its disk may look afterwards.
    async fn cut(self, at: u64) {
        let dir = self.folder();
        let disk = Disk::under(dir.path(), Fault::Cut(at));
        let mut promised = Promised::default();
        if let Some(journal) = open(dir.path(), &disk) {
            promised = self.live(&journal, &disk).await;
            disk.cut();
            journal.close().await;
        }
        for remains in [Remains::Nothing, Remains::Everything, Remains::Some(at)] {
            let left = disk.remains(remains);
            check(
                left.path(),
                &promised,
                &format!("{self:?}, cut at {at}, {remains:?}"),
            )
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_write_fails_nothing_promised_is_lost() {
    for life in [Life::First, Life::Busy] {
        let (writes, _) = life.harmless().await;
        let (mut struck, mut expected) = (0, 0);
        for at in 1..=writes {
            struck += life.with(Fault::Write(at)).await;
            struck += life.with(Fault::HalfWrite(at)).await;
            expected += 2;
        }
        // Batches may fall out otherwise than in the harmless life, so that the last few never come.
        assert!(
            struck * 10 >= expected * 9,
            "only {struck} of {expected} faults struck"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_fsync_fails_nothing_promised_is_lost() {
    for life in [Life::First, Life::Busy] {
        let (_, syncs) = life.harmless().await;
        let mut struck = 0;
        for at in 1..=syncs {
            struck += life.with(Fault::Sync(at)).await;
        }
        assert!(struck * 10 >= syncs * 8, "only {struck} of {syncs} faults struck");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_the_power_goes_nothing_promised_is_lost() {
    for life in [Life::First, Life::Busy] {
        let (writes, syncs) = life.harmless().await;
        for at in 1..=writes + syncs {
            life.cut(at).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_and_room_heals_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let disk = Disk::under(dir.path(), Fault::None);
    let journal = open(dir.path(), &disk).expect("opens");
    resolved(journal.record(received(1)).await)
        .await
        .expect("durable");
    let (writes, _, _) = disk.counts();
    disk.set(Fault::FullFrom(writes + 1));
    for number in 2..20 {
        let refused = resolved(journal.record(received(number)).await).await;
        assert!(
            matches!(refused, Err(JournalError::NotCommitted(_))),
            "{number}: {refused:?}"
        );
    }
    disk.make_room();
    let healed = tokio::time::timeout(
        Duration::from_secs(10),
        resolved(journal.record(received(20)).await),
    );
    healed.await.expect("in time").expect("durable again");
    journal.close().await;
    assert!(disk.counts().2 >= 18, "the disk was full for each of them");
}

/// An answer means that the fsync is done: 500 of 500, alone and in crowds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_called_durable_before_its_fsync() {
    let dir = tempfile::tempdir().expect("a folder");
    let disk = Disk::under(dir.path(), Fault::None);
    let journal = Arc::new(open(dir.path(), &disk).expect("opens"));
    for number in 1..=100 {
        resolved(journal.record(received(number)).await)
            .await
            .expect("durable");
        assert!(disk.holds_durably(marker(number).as_bytes()), "message {number}");
    }
    let crowd = (101..=500).map(|number| {
        let (journal, disk) = (journal.clone(), disk.clone());
        tokio::spawn(async move {
            resolved(journal.record(received(number)).await)
                .await
                .expect("durable");
            assert!(disk.holds_durably(marker(number).as_bytes()), "message {number}");
        })
    });
    for each in crowd.collect::<Vec<_>>() {
        each.await.expect("held");
    }
    journal.close().await;
}
