//! Lives that end in a power cut, between a sender that repeats itself and a receiver that misbehaves.
//!
//! Everything that goes wrong follows from a seed: when the power goes, what of the unsynced bytes is left,
//! how the receiver answers. A failure names its seed; `EPRGW_CRASH_SEEDS=7,8 EPRGW_CRASH_LIVES=60
//! EPRGW_CRASH_MESSAGES=17000` runs others, and longer.

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

async fn run(seed: u64, lives: usize, messages: usize, window: usize, struck: &Arc<Struck>) {
    let mut chance = Chance(seed);
    let before_lost = struck.lost.load(Ordering::SeqCst);
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
        if cuts < lives {
            disk.set(Fault::Cut(writes + syncs + 40 + chance.below(span)));
        }
        let sending = feeds
            .iter()
            .map(|feed| tokio::spawn(send_while_answered(address, feed.clone(), window, struck.clone())));
        for each in sending.collect::<Vec<_>>() {
            each.await.unwrap();
        }
        if disk.is_cut() {
            cuts += 1;
            struck.cuts.fetch_add(1, Ordering::SeqCst);
        }
        disk.cut();
        let left = bed.crash().await;
        dir = disk.remains(Remains::Some(chance.next()));
        drop(left);
    }
    let bed = Bed::start_in(dir, &config).await;
    bed.until(DeliveryState::Delivered, messages as u64).await;
    receiver.until(messages).await;
    let lost = struck.lost.load(Ordering::SeqCst) - before_lost;
    // Per cut at most one message of each patient is under way.
    judge(seed, &receiver.taken(), messages, (cuts + 1) * PATIENTS + lost);
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
    let struck = Arc::new(Struck::default());
    for seed in seeds {
        for window in [1, 16] {
            run(seed, lives, messages, window, &struck).await;
        }
    }
    println!("{messages} messages per seed and window: {struck:?}");
    for (what, counter) in [
        ("power cut", &struck.cuts),
        ("closed connection", &struck.hung),
        ("AE", &struck.refused),
        ("foreign MSA-2", &struck.foreign),
        ("silence", &struck.silent),
        ("lost ACK", &struck.lost),
        ("garbage", &struck.garbage),
        ("repeated message", &struck.resent),
    ] {
        assert!(counter.load(Ordering::SeqCst) > 0, "{what} never struck");
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
