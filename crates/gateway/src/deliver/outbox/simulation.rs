//! A simulated endpoint: thousands of histories of one outbox, each following from a seed alone.
//!
//! One thread, a clock that stands still until it is moved, a journal in memory. Messages arrive, pages are
//! read while more comes, workers send, the endpoint refuses, vanishes, is cut off by a crash, people decide
//! about what is held. Afterwards everything goes well, and then: every message has arrived or was left out, in
//! the order of each patient, and nothing arrived twice but around a crash. A failure names its seed;
//! `EPRGW_SIMULATION_SEED=7` runs that one, `EPRGW_SIMULATION_RUNS=20000` more of them.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use store::{Cursor, DeliveryId, MessageId};
use tokio::time::Instant;
use translate::dialect::STANDARD;
use uuid::Uuid;

use super::{Outbox, Step, Wanted};
use crate::config::DeliveryLimits;
use crate::deliver::breaker::Weight;
use crate::deliver::lanes::{LaneKey, LaneKeys};
use crate::deliver::{Delivery, Job, retry, test_limits};
use crate::phi::Phi;

const PATIENTS: u64 = 5;
const INTERFACES: usize = 2;
const PAGE: usize = 4;
const ROOM: usize = 8;
const WORKERS: usize = 4;

/// The same numbers for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (((mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb)) >> 16) % limit
    }

    fn pick(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("small")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Queued,
    Held,
    Delivered,
    LeftOut,
}

/// A delivery in the journal; its place there is its number.
#[derive(Debug)]
struct Row {
    interface: usize,
    patients: Vec<u64>,
    state: State,
    /// Its order is a person's business from then on, where held messages let others pass.
    was_held: bool,
}

/// How often each thing struck.
#[derive(Clone, Debug, Default)]
struct Struck {
    merges: usize,
    pages: usize,
    refused: usize,
    paused: usize,
    vanished: usize,
    unsendable: usize,
    held: usize,
    resent: usize,
    discarded: usize,
    crashes: usize,
}

struct World {
    chance: Chance,
    /// Whether held messages are waited for.
    waits: bool,
    limits: DeliveryLimits,
    outbox: Outbox,
    rows: Vec<Row>,
    /// Committed, and not yet handed to the outbox.
    committed: VecDeque<usize>,
    page: Option<(Wanted, Vec<usize>, Option<usize>)>,
    sending: Vec<Job>,
    /// What the endpoint took, in order.
    taken: Vec<usize>,
    struck: Struck,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut chance = Chance(seed);
        let waits = chance.below(2) == 0;
        let limits = test_limits();
        Self {
            outbox: Self::outbox(&limits),
            chance,
            waits,
            limits,
            rows: Vec::new(),
            committed: VecDeque::new(),
            page: None,
            sending: Vec::new(),
            taken: Vec::new(),
            struck: Struck::default(),
        }
    }

    fn outbox(limits: &DeliveryLimits) -> Outbox {
        Outbox::new(limits, ROOM, 1 << 20, 0..INTERFACES)
    }

    fn delivery(&self, at: usize) -> Delivery {
        let row = &self.rows[at];
        let interface = row.interface as u64;
        let keys = row
            .patients
            .iter()
            .map(|patient| LaneKey(patient * 10 + interface));
        Delivery {
            id: DeliveryId {
                message: MessageId(Uuid::from_u128(at as u128)),
                ordinal: 1,
            },
            interface: row.interface,
            from: &STANDARD,
            control_id: "M".into(),
            frame: Phi::new(Bytes::from_static(b"MSH|")),
            received_at_ms: 0,
            keys: keys.collect::<LaneKeys>(),
            attempts: 0,
            relayed: false,
        }
    }

    fn number(job: &Job) -> usize {
        usize::try_from(job.delivery.id.message.0.as_u128()).expect("small")
    }

    fn arrive(&mut self) {
        let mut patients = vec![self.chance.below(PATIENTS)];
        if self.chance.below(6) == 0 {
            patients.push(self.chance.below(PATIENTS));
            self.struck.merges += 1;
        }
        self.committed.push_back(self.rows.len());
        let interface = self.chance.pick(INTERFACES);
        self.rows.push(Row {
            interface,
            patients,
            state: State::Queued,
            was_held: false,
        });
    }

    fn hand_over(&mut self) {
        if let Some(at) = self.committed.pop_front() {
            self.outbox.offer(self.delivery(at), cursor(at));
        }
    }

    /// Begins to read a page: what it shows is what is committed now.
    fn read(&mut self) {
        if self.page.is_some() {
            return;
        }
        let Some(wanted) = self.outbox.wants() else { return };
        let from = wanted.after.map_or(0, |cursor| place(&cursor.to_string()) + 1);
        let queued = |at: &usize| {
            self.rows[*at].state == State::Queued && self.rows[*at].interface == wanted.interface
        };
        let mut found: Vec<usize> = (from..self.rows.len()).filter(queued).take(PAGE + 1).collect();
        let more = found.len() > PAGE;
        found.truncate(PAGE);
        let next = found.last().copied().filter(|_| more);
        self.page = Some((wanted, found, next));
        self.struck.pages += 1;
    }

    /// The page has been read.
    fn turn(&mut self) {
        let Some((wanted, found, next)) = self.page.take() else {
            return;
        };
        let through = found.last().copied().map(cursor);
        let deliveries: Vec<Delivery> = found.into_iter().map(|at| self.delivery(at)).collect();
        let deliveries = deliveries.into_iter().filter(|each| !self.outbox.holds(each.id));
        let deliveries = deliveries.collect();
        self.outbox.page(wanted, deliveries, through, next.map(cursor));
    }

    fn send(&mut self) {
        if self.sending.len() < WORKERS
            && let Step::Send(job) = self.outbox.step(Instant::now())
        {
            self.sending.push(*job);
        }
    }

    fn end(&mut self, well: bool) {
        if self.sending.is_empty() {
            return;
        }
        let at = self.chance.pick(self.sending.len());
        let mut job = self.sending.swap_remove(at);
        match if well { 99 } else { self.chance.below(20) } {
            0 | 1 => {
                self.struck.vanished += 1;
                self.outbox.unreachable();
                self.outbox.again(job);
            }
            2..=5 => {
                self.struck.refused += 1;
                if self.outbox.refused(job.delivery.seed()) == Weight::Endpoint {
                    self.struck.paused += 1;
                    return self.outbox.again(job);
                }
                job.delivery.attempts += 1;
                if job.delivery.attempts >= self.limits.attempts_max {
                    return self.hold(job);
                }
                let pause = retry::pause(&self.limits, job.delivery.attempts, job.delivery.seed());
                self.outbox.later(job, Instant::now() + pause);
            }
            6 => {
                self.struck.unsendable += 1;
                self.outbox.unsendable();
                self.hold(job);
            }
            _ => {
                let number = Self::number(&job);
                self.taken.push(number);
                self.outbox.taken();
                self.rows[number].state = State::Delivered;
                self.outbox.leave(&job);
            }
        }
    }

    fn hold(&mut self, job: Job) {
        self.struck.held += 1;
        let row = &mut self.rows[Self::number(&job)];
        row.state = State::Held;
        row.was_held = true;
        match self.waits {
            true => self.outbox.park(job),
            false => self.outbox.leave(&job),
        }
    }

    /// A person decides about something that is held.
    fn decide(&mut self) {
        let held: Vec<usize> = (0..self.rows.len())
            .filter(|at| self.rows[*at].state == State::Held)
            .collect();
        if held.is_empty() {
            return;
        }
        let at = held[self.chance.pick(held.len())];
        let delivery = self.delivery(at);
        let parked = self.outbox.unpark(delivery.id);
        if self.chance.below(4) == 0 {
            self.struck.discarded += 1;
            self.rows[at].state = State::LeftOut;
            if let Some(job) = parked {
                self.outbox.leave(&job);
            }
            return;
        }
        self.struck.resent += 1;
        self.rows[at].state = State::Queued;
        match parked {
            Some(mut job) => {
                job.delivery.attempts = 0;
                self.outbox.again(job);
            }
            None => self.outbox.offer_again(delivery),
        }
    }

    /// All that is in memory is gone. What was under way may have been taken, unknown to the journal.
    fn crash(&mut self) {
        self.struck.crashes += 1;
        for job in std::mem::take(&mut self.sending) {
            if self.chance.below(2) == 0 {
                self.taken.push(Self::number(&job));
            }
        }
        self.committed.clear();
        self.page = None;
        self.outbox = Self::outbox(&self.limits);
        if self.waits {
            for at in 0..self.rows.len() {
                if self.rows[at].state == State::Held {
                    self.outbox.admit_held(self.delivery(at));
                }
            }
        }
    }

    async fn act(&mut self) {
        match self.chance.below(100) {
            0..18 => self.arrive(),
            18..34 => self.hand_over(),
            34..44 => self.read(),
            44..54 => self.turn(),
            54..70 => self.send(),
            70..86 => self.end(false),
            86..91 => self.decide(),
            91 if self.chance.below(3) == 0 => self.crash(),
            _ => tokio::time::advance(Duration::from_millis(7)).await,
        }
    }

    fn is_done(&self) -> bool {
        let open = |row: &Row| matches!(row.state, State::Queued | State::Held);
        !self.rows.iter().any(open)
    }

    /// From here on everything goes well, and a person lets out what is held.
    async fn settle(&mut self, seed: u64) {
        for _ in 0..40_000 {
            if self.is_done() {
                return;
            }
            self.hand_over();
            self.read();
            self.turn();
            self.send();
            self.end(true);
            if self.chance.below(8) == 0 {
                self.decide();
            }
            tokio::time::advance(Duration::from_millis(3)).await;
        }
        let left: Vec<(usize, &Row)> = self
            .rows
            .iter()
            .enumerate()
            .filter(|(_, row)| row.state != State::Delivered && row.state != State::LeftOut)
            .collect();
        panic!("seed {seed}: stuck with {left:?}");
    }

    fn judge(&self, seed: u64) {
        let mut counts: HashMap<usize, usize> = HashMap::new();
        let mut last: HashMap<(usize, u64), usize> = HashMap::new();
        for at in &self.taken {
            *counts.entry(*at).or_default() += 1;
            let row = &self.rows[*at];
            if row.was_held && !self.waits {
                continue;
            }
            for patient in &row.patients {
                let before = last.insert((row.interface, *patient), *at);
                assert!(
                    before.is_none_or(|before| before <= *at),
                    "seed {seed}: {at} came after {before:?}: {:?}",
                    self.taken
                );
            }
        }
        for (at, row) in self.rows.iter().enumerate() {
            let count = counts.get(&at).copied().unwrap_or(0);
            let fine = match row.state {
                State::Delivered => count >= 1,
                // Taken by the endpoint in the moment of a crash, and left out by a person afterwards.
                State::LeftOut => count == 0 || self.struck.crashes > 0,
                State::Queued | State::Held => false,
            };
            assert!(fine, "seed {seed}: {at} is {row:?} and was taken {count} times");
        }
        let repeated = self.taken.len() - counts.len();
        assert!(
            repeated <= self.struck.crashes * WORKERS,
            "seed {seed}: {repeated} repeated over {} crashes",
            self.struck.crashes
        );
    }
}

/// A place in the journal.
fn cursor(at: usize) -> Cursor {
    format!("0.{at:x}").parse().expect("a cursor")
}

/// The place in a cursor's text, `time.sequence` in hexadecimal digits.
fn place(cursor: &str) -> usize {
    let (_, sequence) = cursor.split_once('.').expect("two parts");
    usize::from_str_radix(sequence, 16).expect("a number")
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[tokio::test(start_paused = true)]
async fn no_history_loses_reorders_or_repeats() {
    let seeds = match setting("EPRGW_SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..setting("EPRGW_SIMULATION_RUNS").unwrap_or(1_000),
    };
    let single = seeds.end - seeds.start == 1;
    let mut sum = Struck::default();
    for seed in seeds {
        let mut world = World::new(seed);
        for _ in 0..400 {
            world.act().await;
        }
        world.settle(seed).await;
        world.judge(seed);
        let Struck {
            merges,
            pages,
            refused,
            paused,
            vanished,
            unsendable,
            held,
            resent,
            discarded,
            crashes,
        } = world.struck;
        sum = Struck {
            merges: sum.merges + merges,
            pages: sum.pages + pages,
            refused: sum.refused + refused,
            paused: sum.paused + paused,
            vanished: sum.vanished + vanished,
            unsendable: sum.unsendable + unsendable,
            held: sum.held + held,
            resent: sum.resent + resent,
            discarded: sum.discarded + discarded,
            crashes: sum.crashes + crashes,
        };
    }
    println!("{sum:?}");
    let Struck {
        merges,
        pages,
        refused,
        paused,
        vanished,
        unsendable,
        held,
        resent,
        discarded,
        crashes,
    } = sum;
    let all = [
        merges, pages, refused, paused, vanished, unsendable, held, resent, discarded, crashes,
    ];
    assert!(
        single || all.iter().all(|count| *count > 0),
        "something never struck: {all:?}"
    );
}
