//! Measures the journal: durable messages per second, and every shape of search at a million messages.
//!
//! ```text
//! cargo run --release -p store --example measure -- [FOLDER] [MESSAGES]
//! ```
//!
//! The folder keeps the filled journal, so that a second run only asks.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use hdrhistogram::Histogram;
use store::{
    Cursor, DeliveryId, DeliveryState, Identity, Journal, MessageId, MessageState, NewDelivery, Original,
    Progress, Query, Received, Settings, Settled, Settlement, SqliteJournal,
};
use uuid::Uuid;

const START_MS: i64 = 1_760_000_000_000;
const SUBMITTERS: u64 = 64;
const SYSTEMS: [&str; 4] = ["north", "east", "west", "itk"];
/// ADT dominates, as in life; the last is rare.
const KINDS: [(&str, &str); 10] = [
    ("ADT", "A01"),
    ("ADT", "A08"),
    ("ADT", "A08"),
    ("ADT", "A02"),
    ("ADT", "A03"),
    ("ORU", "R01"),
    ("ORU", "R01"),
    ("ORU", "R01"),
    ("SIU", "S12"),
    ("ADT", "A40"),
];

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments
        .next()
        .map_or_else(|| std::env::temp_dir().join("eprgw-measure"), PathBuf::from);
    let messages: u64 = arguments.next().map_or(Ok(1_000_000), |count| count.parse())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        say(&format!("fdatasync of an append: {}", fsync(&folder)?));
        let opening = Instant::now();
        let journal = Arc::new(SqliteJournal::open(&folder, Settings::default())?);
        let kept = kept(&journal).await?;
        say(&format!("opened with {kept} messages in {:?}", opening.elapsed()));
        if kept < messages {
            fill(&journal, kept, messages).await?;
        }
        durable(&journal, 1, 2_000).await?;
        durable(&journal, 16, 20_000).await?;
        durable(&journal, SUBMITTERS, 60_000).await?;
        search(&journal).await?;
        journal.close().await;
        Ok(())
    })
}

/// The floor: what the disk allows one message at a time.
fn fsync(folder: &std::path::Path) -> Result<String, Failure> {
    use std::io::Write;
    std::fs::create_dir_all(folder)?;
    let path = folder.join("fsync.probe");
    let mut file = std::fs::File::create(&path)?;
    let mut times = Histogram::<u64>::new(3)?;
    for _ in 0..300 {
        file.write_all(&[0; 4096])?;
        let start = Instant::now();
        file.sync_data()?;
        record(&mut times, start)?;
    }
    std::fs::remove_file(path)?;
    Ok(spread(&times))
}

async fn kept(journal: &SqliteJournal) -> Result<u64, Failure> {
    Ok(journal
        .counts()
        .await?
        .messages
        .iter()
        .map(|(_, count)| count)
        .sum())
}

async fn fill(journal: &Arc<SqliteJournal>, from: u64, to: u64) -> Result<(), Failure> {
    let start = Instant::now();
    let mut tasks = Vec::new();
    for submitter in 0..SUBMITTERS {
        let journal = journal.clone();
        tasks.push(tokio::spawn(async move {
            let mut pending = std::collections::VecDeque::new();
            for number in (from + submitter..to).step_by(64) {
                let (received, settlement) = message(number);
                drop(journal.record(received).await?);
                pending.push_back(journal.settle(settlement).await?);
                if pending.len() >= 16
                    && let Some(oldest) = pending.pop_front()
                {
                    oldest.await?;
                }
            }
            for each in pending {
                each.await?;
            }
            Ok::<_, Failure>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    let seconds = start.elapsed().as_secs_f64();
    say(&format!(
        "filled {} messages in {seconds:.1} s: {:.0}/s",
        to - from,
        (to - from) as f64 / seconds
    ));
    Ok(())
}

/// Each submitter waits until its message is durable before it sends the next, as an MLLP sender does;
/// then its delivery is marked delivered without waiting, as the gateway does.
async fn durable(journal: &Arc<SqliteJournal>, submitters: u64, messages: u64) -> Result<(), Failure> {
    let from = kept(journal).await?;
    let start = Instant::now();
    let mut tasks = Vec::new();
    for submitter in 0..submitters {
        let journal = journal.clone();
        tasks.push(tokio::spawn(async move {
            let mut times = Histogram::<u64>::new(3)?;
            for number in (from + submitter..from + messages).step_by(submitters as usize) {
                let (received, settlement) = message(number);
                let (id, at_ms) = (received.id, received.received_at_ms);
                let start = Instant::now();
                let recorded = journal.record(received).await?;
                let settled = journal.settle(settlement).await?;
                recorded.await?;
                let settled = settled.await?;
                record(&mut times, start)?;
                if matches!(settled, Settled::Fresh { .. }) && number % 100 != 7 {
                    drop(journal.progress(delivered(id, at_ms)).await?);
                }
            }
            Ok::<_, Failure>(times)
        }));
    }
    let mut times = Histogram::<u64>::new(3)?;
    for task in tasks {
        times.add(task.await??)?;
    }
    let rate = messages as f64 / start.elapsed().as_secs_f64();
    say(&format!(
        "{submitters:>3} submitters: {rate:>6.0} durable messages/s, wait {}",
        spread(&times)
    ));
    Ok(())
}

async fn search(journal: &SqliteJournal) -> Result<(), Failure> {
    let count = kept(journal).await?;
    let text = |text: &str| Some(text.to_owned());
    let all = Query::default;
    let middle = START_MS + (count / 2) as i64 * 10;
    let deep: Option<Cursor> = journal
        .search(Query {
            to_ms: Some(middle),
            limit: 1,
            ..all()
        })
        .await?
        .next;
    let shapes: Vec<(&str, Query)> = vec![
        ("newest", all()),
        (
            "time range",
            Query {
                from_ms: Some(middle),
                to_ms: Some(middle + 60_000),
                ..all()
            },
        ),
        ("page in the middle", Query { after: deep, ..all() }),
        (
            "patient",
            Query {
                patient: text("NHS|9990004242"),
                ..all()
            },
        ),
        (
            "patient + type",
            Query {
                patient: text("NHS|9990004242"),
                message_code: text("ORU"),
                ..all()
            },
        ),
        (
            "patient + type + state",
            Query {
                patient: text("NHS|9990004242"),
                message_code: text("ORU"),
                state: Some(MessageState::Routed),
                ..all()
            },
        ),
        (
            "patient, unknown",
            Query {
                patient: text("nobody"),
                ..all()
            },
        ),
        (
            "control id",
            Query {
                control_id: text("CTL00424242"),
                ..all()
            },
        ),
        (
            "control id, unknown",
            Query {
                control_id: text("none"),
                ..all()
            },
        ),
        (
            "code",
            Query {
                message_code: text("ADT"),
                ..all()
            },
        ),
        (
            "code + trigger, rare",
            Query {
                message_code: text("ADT"),
                trigger_event: text("A40"),
                ..all()
            },
        ),
        (
            "trigger alone",
            Query {
                trigger_event: text("R01"),
                ..all()
            },
        ),
        (
            "system",
            Query {
                system: text("west"),
                ..all()
            },
        ),
        (
            "system + code + trigger",
            Query {
                system: text("west"),
                message_code: text("ADT"),
                trigger_event: text("A40"),
                ..all()
            },
        ),
        (
            "system + type that never meet",
            Query {
                system: text("itk"),
                message_code: text("SIU"),
                ..all()
            },
        ),
        (
            "state, common",
            Query {
                state: Some(MessageState::Routed),
                ..all()
            },
        ),
        (
            "state, rare",
            Query {
                state: Some(MessageState::Rejected),
                ..all()
            },
        ),
        (
            "state + system + code",
            Query {
                state: Some(MessageState::Rejected),
                system: text("east"),
                message_code: text("ORU"),
                ..all()
            },
        ),
        (
            "state + time range",
            Query {
                state: Some(MessageState::Rejected),
                from_ms: Some(middle),
                to_ms: Some(middle + 600_000),
                ..all()
            },
        ),
        (
            "everything at once",
            Query {
                patient: text("NHS|9990004242"),
                message_code: text("ADT"),
                trigger_event: text("A08"),
                system: text("north"),
                state: Some(MessageState::Routed),
                from_ms: Some(START_MS),
                ..all()
            },
        ),
        (
            "500 in a page",
            Query {
                message_code: text("ADT"),
                limit: 500,
                ..all()
            },
        ),
    ];
    say(&format!("search over {count} messages, page of 50 unless said:"));
    for (name, query) in shapes {
        let mut times = Histogram::<u64>::new(3)?;
        let mut found = 0;
        for _ in 0..300 {
            let query = query.clone();
            let start = Instant::now();
            found = journal.search(query).await?.items.len();
            record(&mut times, start)?;
        }
        say(&format!("  {name:<32} {found:>4} found, {}", spread(&times)));
    }
    let mut times = Histogram::<u64>::new(3)?;
    for number in 0..300_u64 {
        let original = Original {
            sending_application: "APP".to_owned(),
            sending_facility: "FAC".to_owned(),
            control_id: format!("CTL{:08}", number * 3_000 % count),
            since_ms: 0,
        };
        let start = Instant::now();
        journal.duplicate(original).await?;
        record(&mut times, start)?;
    }
    say(&format!(
        "  {:<32}             {}",
        "duplicate look-up",
        spread(&times)
    ));
    let start = Instant::now();
    journal.counts().await?;
    say(&format!(
        "  {:<32}             {:?}",
        "counts by state",
        start.elapsed()
    ));
    Ok(())
}

/// One KB, two patient keys, one delivery; a hundredth is rejected, `itk` sends only ADT.
fn message(number: u64) -> (Received, Settlement) {
    let id = MessageId(Uuid::from_u128(
        u128::from(number) << 64 | u128::from(scatter(number)),
    ));
    let system = SYSTEMS[(scatter(number) % 4) as usize];
    let (code, trigger) = match KINDS[(scatter(number + 1) % 10) as usize] {
        ("ADT", "A40") if !number.is_multiple_of(97) => ("ADT", "A08"),
        (_, _) if system == "itk" => ("ADT", "A01"),
        kind => kind,
    };
    let patient = scatter(number + 2) % 50_000;
    let mut raw =
        format!("MSH|^~\\&|APP|FAC|EPRGW||20260101||{code}^{trigger}|CTL{number:08}|P|2.4\r").into_bytes();
    raw.resize(1_024, b'x');
    let received = Received {
        id,
        received_at_ms: START_MS + number as i64 * 10,
        endpoint: format!("{system}-adt"),
        peer: "127.0.0.1:40000".to_owned(),
        parent: None,
        raw: raw.into(),
    };
    let is_rejected = number % 100 == 13;
    let delivery = NewDelivery {
        interface: format!("{system}-to-west"),
        lane: format!("{system}-to-west/999{patient:07}"),
        state: DeliveryState::Queued,
        cause: None,
        replaces: None,
    };
    let settlement = Settlement {
        identity: Identity {
            system: system.to_owned(),
            message_code: code.to_owned(),
            trigger_event: trigger.to_owned(),
            control_id: format!("CTL{number:08}"),
            sending_application: "APP".to_owned(),
            sending_facility: "FAC".to_owned(),
            patients: vec![
                format!("NHS|999{patient:07}"),
                format!("MRN|{}", 40_000_000 + patient),
            ],
        },
        ack: Some(Bytes::from(format!(
            "MSH|^~\\&|EPRGW||APP|FAC|20260101||ACK|{number}|P|2.4\rMSA|AA|CTL{number:08}\r"
        ))),
        deliveries: if is_rejected { vec![] } else { vec![delivery] },
        duplicate_window_ms: Some(86_400_000),
        ..Settlement::new(
            id,
            if is_rejected {
                MessageState::Rejected
            } else {
                MessageState::Routed
            },
        )
    };
    (received, settlement)
}

fn delivered(id: MessageId, at_ms: i64) -> Progress {
    Progress {
        id: DeliveryId {
            message: id,
            ordinal: 1,
        },
        state: DeliveryState::Delivered,
        attempts: 1,
        at_ms,
        cause: None,
        sent: None,
        answered: None,
    }
}

/// A fixed shuffle: the same run every time.
fn scatter(number: u64) -> u64 {
    let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ (mixed >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 20
}

fn record(times: &mut Histogram<u64>, start: Instant) -> Result<(), Failure> {
    Ok(times.record(u64::try_from(start.elapsed().as_micros())?)?)
}

fn spread(times: &Histogram<u64>) -> String {
    let milliseconds = |quantile| times.value_at_quantile(quantile) as f64 / 1_000.0;
    format!(
        "p50 {:.3} ms, p99 {:.3} ms",
        milliseconds(0.5),
        milliseconds(0.99)
    )
}

#[allow(clippy::print_stdout)] // the measurements are this program's output
fn say(line: &str) {
    println!("{line}");
}
