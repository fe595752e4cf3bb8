//! Lives that end in a power cut, between a sender that repeats itself and a receiver that misbehaves.
//!
//! Everything that goes wrong follows from a seed: when the power goes, what of the unsynced bytes is left,
//! how the receiver answers. A failure names its seed; `EPRGW_CRASH_SEEDS=7,8 EPRGW_CRASH_LIVES=60
//! EPRGW_CRASH_MESSAGES=17000` runs others, and longer. Beside the long lives there are many short histories, in which
//! the disk fails in every way it can.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;
#[path = "../../store/tests/power/vfs.rs"]
mod vfs;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use hl7v2::ack::AckCode;
use store::DeliveryState;
use support::{Act, Answer, Bed, Pipe, Receiver, admission, config, event};
use vfs::{Chance, Disk, Fault, Remains};

const PATIENTS: usize = 5;
const CONNECTIONS: usize = 3;

/// What struck, over all seeds: a fault that never strikes proves nothing.
#[derive(Debug, Default)]
struct Struck {
    cuts: AtomicUsize,
    writes: AtomicUsize,
    syncs: AtomicUsize,
    full: AtomicUsize,
    hung: AtomicUsize,
    refused: AtomicUsize,
    foreign: AtomicUsize,
    silent: AtomicUsize,
    lost: AtomicUsize,
    garbage: AtomicUsize,
    resent: AtomicUsize,
}

/// How the receiver meets its n-th frame.
fn act(seed: u64, number: usize, struck: &Struck) -> Act {
    let count = |counter: &AtomicUsize, act| {
        counter.fetch_add(1, Ordering::SeqCst);
        act
    };
    match Chance(seed ^ (number as u64).wrapping_mul(0x9e37_79b9)).below(40) {
        0 => count(&struck.hung, Act::Hang),
        1 | 2 => count(&struck.refused, Act::Ack(AckCode::AE)),
        3 => count(&struck.foreign, Act::Foreign),
        4 => count(&struck.silent, Act::Silence),
        5 => count(&struck.lost, Act::LoseAck),
        6 => count(&struck.garbage, Act::Garbage),
        _ => Act::Ack(AckCode::AA),
    }
}

/// What one connection still has to send, in order, and what was answered AA.
type Feed = Arc<Mutex<VecDeque<String>>>;

/// Sends `window` messages at a time, and the next ones when each has its AA.
async fn send_while_answered(address: std::net::SocketAddr, feed: Feed, window: usize, struck: Arc<Struck>) {
    let Ok(mut pipe) = Pipe::connect(address).await else {
        return;
    };
    loop {
        let next: Vec<String> = feed.lock().unwrap().iter().take(window).cloned().collect();
        if next.is_empty() {
            return;
        }
        let answers = pipe.send_all(&next).await;
        let taken = answers
            .iter()
            .take_while(|answer| answer.code() == AckCode::AA)
            .count();
        feed.lock().unwrap().drain(..taken);
        if taken < next.len() {
            struck.resent.fetch_add(1, Ordering::SeqCst);
            return;
        }
    }
}

fn feeds(messages: usize) -> Vec<Feed> {
    (0..CONNECTIONS)
        .map(|connection| {
            let own = (0..messages).filter(|at| at % PATIENTS % CONNECTIONS == connection);
            let message = |at: usize| {
                let patient = at % PATIENTS;
                event("A08", &format!("P{patient}-{at:06}"), &format!("70{patient}"))
            };
            Arc::new(Mutex::new(own.map(message).collect()))
        })
        .collect()
}

/// Every message once at least, none after a later one of its patient, repeated only where a cut or a lost
/// answer left the gateway in doubt.
fn judge(seed: u64, taken: &[String], messages: usize, doubts: usize) {
    let mut last: HashMap<&str, &str> = HashMap::new();
    let mut distinct = HashSet::new();
    for control_id in taken {
        let (patient, number) = control_id.split_once('-').unwrap();
        let before = last.insert(patient, number);
        assert!(
            before.is_none_or(|before| before <= number),
            "seed {seed}: {control_id} came after {before:?}"
        );
        distinct.insert(control_id);
    }
    assert_eq!(
        distinct.len(),
        messages,
        "seed {seed}: acknowledged and not delivered"
    );
    let repeated = taken.len() - distinct.len();
    assert!(
        repeated <= doubts,
        "seed {seed}: {repeated} repeated, {doubts} in doubt"
    );
}

/// How a life may end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// By a power cut.
    Dark,
    /// By anything a disk can do.
    Any,
}

/// What the disk does to this life, counted from what it has done so far.
fn fault(ends: Ends, chance: &mut Chance, (writes, syncs): (u64, u64), span: u64) -> Fault {
    let cut = Fault::Cut(writes + syncs + 40 + chance.below(span));
    if ends == Ends::Dark {
        return cut;
    }
    match chance.below(8) {
        0 => Fault::Write(writes + 1 + chance.below(span)),
        1 => Fault::HalfWrite(writes + 1 + chance.below(span)),
        2 => Fault::Sync(syncs + 1 + chance.below(span / 8 + 1)),
        3 => Fault::FullFrom(writes + 1 + chance.below(span)),
        _ => cut,
    }
}

/// One history: some lives that end badly, then one that goes well, and what has arrived by then.
async fn run(seed: u64, lives: usize, messages: usize, window: usize, ends: Ends) -> Arc<Struck> {
    let struck = &Arc::new(Struck::default());
    let mut chance = Chance(seed);
    // Operations of the disk between two cuts: fewer than the messages of a life take.
    let span = (messages / lives) as u64 * 25 + 200;
    let counters = struck.clone();
    let mut receiver = Receiver::start(move |_, number| act(seed, number, &counters)).await;
    let limits = "attempts-max = 100000\nbreaker-refusals = 6\nconnections = 8";
    let config = config(
        receiver.address,
        ["queue-deliveries-max = 40\npage-deliveries = 9", "", limits, ""],
    )
    .replace("ack-timeout-ms = 1000", "ack-timeout-ms = 60");
    let feeds = feeds(messages);
    let mut dir = tempfile::tempdir().unwrap();
    let mut cuts = 0;
    while feeds.iter().any(|feed| !feed.lock().unwrap().is_empty()) {
        let disk = Disk::under(dir.path(), Fault::None);
        let bed = Bed::start_in(dir, &config).await;
        let address = bed.running().address("in").unwrap();
        let (writes, syncs, _) = disk.counts();
        let fault = match cuts < lives {
            true => fault(ends, &mut chance, (writes, syncs), span),
            false => Fault::None,
        };
        disk.set(fault);
        let sending = feeds
            .iter()
            .map(|feed| tokio::spawn(send_while_answered(address, feed.clone(), window, struck.clone())));
        for each in sending.collect::<Vec<_>>() {
            each.await.unwrap();
        }
        let counter = match fault {
            Fault::Cut(_) if disk.is_cut() => Some(&struck.cuts),
            Fault::Write(_) | Fault::HalfWrite(_) if disk.counts().2 > 0 => Some(&struck.writes),
            Fault::Sync(_) if disk.counts().2 > 0 => Some(&struck.syncs),
            Fault::FullFrom(_) if disk.counts().2 > 0 => Some(&struck.full),
            _ => None,
        };
        if let Some(counter) = counter {
            counter.fetch_add(1, Ordering::SeqCst);
        }
        cuts += 1;
        disk.cut();
        let left = bed.crash().await;
        dir = disk.remains(Remains::Some(chance.next()));
        drop(left);
    }
    let bed = Bed::start_in(dir, &config).await;
    bed.until(DeliveryState::Delivered, messages as u64).await;
    receiver.until(messages).await;
    let lost = struck.lost.load(Ordering::SeqCst);
    // Per cut at most one message of each patient is under way.
    judge(seed, &receiver.taken(), messages, (cuts + 1) * PATIENTS + lost);
    struck.clone()
}

impl Struck {
    fn all(&self) -> [(&'static str, &AtomicUsize); 11] {
        [
            ("power cut", &self.cuts),
            ("failed write", &self.writes),
            ("failed fsync", &self.syncs),
            ("full disk", &self.full),
            ("closed connection", &self.hung),
            ("AE", &self.refused),
            ("foreign MSA-2", &self.foreign),
            ("silence", &self.silent),
            ("lost ACK", &self.lost),
            ("garbage", &self.garbage),
            ("repeated message", &self.resent),
        ]
    }

    fn add(&self, other: &Self) {
        for ((_, total), (_, more)) in self.all().into_iter().zip(other.all()) {
            total.fetch_add(more.load(Ordering::SeqCst), Ordering::SeqCst);
        }
    }

    /// A fault that never struck proves nothing.
    fn assert_all(&self, but: &[&str]) {
        for (what, counter) in self.all() {
            assert!(
                but.contains(&what) || counter.load(Ordering::SeqCst) > 0,
                "{what} never struck"
            );
        }
    }
}

fn setting<T: std::str::FromStr>(name: &str) -> Option<Vec<T>> {
    let text = std::env::var(name).ok()?;
    text.split(',').map(|part| part.trim().parse().ok()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_reordered_wherever_the_power_goes() {
    let seeds = setting("EPRGW_CRASH_SEEDS").unwrap_or_else(|| vec![1, 2, 3]);
    let lives = setting("EPRGW_CRASH_LIVES").map_or(17, |lives| lives[0]);
    let messages = setting("EPRGW_CRASH_MESSAGES").map_or(lives * 12, |messages| messages[0]);
    let struck = Struck::default();
    for seed in seeds {
        for window in [1, 16] {
            let history = run(seed, lives, messages, window, Ends::Dark).await;
            struck.add(&history);
        }
    }
    println!("{messages} messages per seed and window: {struck:?}");
    struck.assert_all(&["failed write", "failed fsync", "full disk"]);
}

/// Histories of a few messages each, many: gateway, journal on a disk that fails in every way, sender, destination.
///
/// `EPRGW_HISTORIES=2000` runs more of them; `EPRGW_HISTORY=17` runs that one alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_short_history_of_the_whole_gateway_loses_or_reorders() {
    let count = setting("EPRGW_HISTORIES").map_or(60, |count| count[0]);
    let seeds: Vec<u64> = setting("EPRGW_HISTORY").unwrap_or_else(|| (1..=count).collect());
    let alone = seeds.len() == 1;
    let struck = Struck::default();
    let began = std::time::Instant::now();
    // A few at a time: each waits for its own timers most of the time.
    for some in seeds.chunks(24) {
        let running: Vec<_> = some
            .iter()
            .map(|seed| {
                // A write that fails in the middle of a window is refused, and those behind it may be taken before
                // it is sent again: order through a refusal is promised to senders that wait.
                let (window, ends) = match seed % 4 {
                    0 => (4, Ends::Dark),
                    _ => (1, Ends::Any),
                };
                (*seed, tokio::spawn(run(*seed, 3, 30, window, ends)))
            })
            .collect();
        for (seed, history) in running {
            let history = history.await;
            struck.add(&history.unwrap_or_else(|_| panic!("seed {seed}: run it with EPRGW_HISTORY={seed}")));
        }
    }
    println!("{} histories in {:?}: {struck:?}", seeds.len(), began.elapsed());
    if !alone {
        struck.assert_all(&[]);
    }
}

/// 500 of 500: when the ACK is on the wire, the message is beyond a power cut.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ack_leaves_after_the_fsync_of_its_record() {
    let receiver = Receiver::willing().await;
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::under(dir.path(), Fault::None);
    let bed = Arc::new(Bed::start_in(dir, &config(receiver.address, [""; 4])).await);
    let senders = (0..10).map(|connection| {
        let (bed, disk) = (bed.clone(), disk.clone());
        tokio::spawn(async move {
            let mut sender = bed.sender().await;
            for at in 0..50 {
                let control_id = format!("C{connection}-{at:03}-END");
                let message = admission(&control_id, &format!("7{connection}"));
                let answer = Answer(sender.send(message.as_bytes()).await.unwrap());
                assert_eq!(answer.code(), AckCode::AA);
                assert!(disk.holds_durably(control_id.as_bytes()), "{control_id}");
            }
        })
    });
    for each in senders.collect::<Vec<_>>() {
        each.await.unwrap();
    }
}
