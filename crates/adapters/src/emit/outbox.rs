//! The outbox: what an EPR has to tell leaves in order, is waited for, and survives a restart.
//!
//! A message may leave once its change is on disk. One is in flight at a time; the answer must name it in MSA-2.
//! Any doubt drops the connection, so that a late answer is never credited to the next message. A receiver that is
//! away is tried again for ever, ever more slowly; one that says AE is tried again so many times, one that says AR
//! is believed.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hl7v2::Message;
use hl7v2::ack::{AckCode, read};
use mllp::{Sender, SenderLimits};
use tokio::sync::watch;

use crate::epr::{Outbox, Shared};
use crate::fault::FaultKind;
use crate::record::{Entry, Outgoing, SENT_MAX};

/// Bounds of an outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The first pause after a failure.
    pub retry_delay_ms: u64,
    /// The longest pause; each is twice the one before.
    pub retry_delay_max_ms: u64,
    /// How often a message is sent that the receiver answers with AE.
    pub attempts_max: u32,
    /// How long the outbox may drain at shutdown.
    pub drain_ms: u64,
    /// Bounds of the connection.
    pub connection: SenderLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            retry_delay_ms: 50,
            retry_delay_max_ms: 30_000,
            attempts_max: 8,
            drain_ms: 5_000,
            connection: SenderLimits::default(),
        }
    }
}

/// The queue in memory; the same queue is in the file.
pub(crate) struct Post {
    queue: Mutex<VecDeque<Outgoing>>,
    /// What was taken, newest last, to be sent again on demand.
    sent: Mutex<VecDeque<Outgoing>>,
    /// How many wait, for those who wait for that.
    waiting: watch::Sender<usize>,
    /// Everything below this sequence is on disk and may leave.
    durable_below: watch::Sender<u64>,
    delivered: AtomicU64,
    refused: AtomicU64,
    has_receiver: bool,
}

impl Post {
    pub(crate) fn new(waiting: Vec<Outgoing>, sent: Vec<Outgoing>, refused: u64, has_receiver: bool) -> Self {
        let durable_below = waiting.last().map_or(0, |last| last.sequence + 1);
        Self {
            waiting: watch::Sender::new(waiting.len()),
            queue: Mutex::new(waiting.into()),
            sent: Mutex::new(sent.into()),
            durable_below: watch::Sender::new(durable_below),
            delivered: AtomicU64::new(0),
            refused: AtomicU64::new(refused),
            has_receiver,
        }
    }

    /// Whether there is anybody to tell.
    pub(crate) fn has_receiver(&self) -> bool {
        self.has_receiver
    }

    /// Puts a message in line; call under the state's lock, so that the line has the order of the events.
    pub(crate) fn put(&self, outgoing: Outgoing) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.push_back(outgoing);
        self.waiting.send_replace(queue.len());
    }

    /// Takes a message out of the line whose change did not reach the disk.
    pub(crate) fn take_back(&self, sequence: u64) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.retain(|outgoing| outgoing.sequence != sequence);
        self.waiting.send_replace(queue.len());
    }

    /// Everything up to this sequence is on disk.
    pub(crate) fn release(&self, sequence: u64) {
        self.durable_below.send_if_modified(|below| {
            let news = *below <= sequence;
            *below = (*below).max(sequence + 1);
            news
        });
    }

    pub(crate) fn counts(&self) -> Outbox {
        let queued = self.queue.lock().unwrap_or_else(PoisonError::into_inner).len();
        Outbox {
            queued: u64::try_from(queued).unwrap_or(u64::MAX),
            delivered: self.delivered.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    /// Waits until nothing is in line.
    pub(crate) async fn empty(&self) {
        // The sender lives in `self`: waiting cannot fail.
        let mut waiting = self.waiting.subscribe();
        drop(waiting.wait_for(|count| *count == 0).await);
    }

    /// What may leave next: the first that is on disk and whose time has come; the second when `swapped`.
    fn head(&self, now_ms: i64, swapped: bool) -> Option<Outgoing> {
        let below = *self.durable_below.borrow();
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ready = queue
            .iter()
            .filter(|outgoing| outgoing.sequence < below && outgoing.not_before_ms <= now_ms);
        let first = ready.next()?;
        Some(ready.next().filter(|_| swapped).unwrap_or(first).clone())
    }

    /// Whether two are ready, so that they could change places.
    fn two_ready(&self, now_ms: i64) -> bool {
        let below = *self.durable_below.borrow();
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = |outgoing: &&Outgoing| outgoing.sequence < below && outgoing.not_before_ms <= now_ms;
        queue.iter().filter(ready).count() > 1
    }

    fn done(&self, outgoing: &Outgoing, taken: bool) {
        let count = if taken { &self.delivered } else { &self.refused };
        count.fetch_add(1, Ordering::Relaxed);
        if taken {
            let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
            if sent.len() >= SENT_MAX {
                sent.pop_front();
            }
            sent.push_back(outgoing.clone());
        }
        self.take_back(outgoing.sequence);
    }

    /// What was sent and taken, oldest first.
    pub(crate) fn sent(&self) -> Vec<Outgoing> {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.iter().cloned().collect()
    }
}

/// What came of one attempt.
enum Attempt {
    Taken,
    /// AE or CE: perhaps later.
    NotNow,
    /// AR or CR: not this message.
    Refused,
    /// No answer that can be believed.
    Doubt,
}

/// How often a queue that may not leave is looked at again.
const PATIENCE: Duration = Duration::from_millis(100);

/// Sends what is in line, until aborted.
pub(crate) async fn run(shared: Arc<Shared>, address: String, limits: Limits) {
    let mut durable = shared.post.durable_below.subscribe();
    let mut waiting = shared.post.waiting.subscribe();
    let mut connection: Option<Sender> = None;
    loop {
        durable.borrow_and_update();
        waiting.borrow_and_update();
        let held = shared.is_silent() || shared.faults.stands(FaultKind::Hold);
        let now_ms = shared.local.now_ms();
        let swapped =
            !held && shared.post.two_ready(now_ms) && shared.faults.strikes(FaultKind::Reorder).is_some();
        let Some(outgoing) = shared.post.head(now_ms, swapped).filter(|_| !held) else {
            tokio::select! {
                changed = durable.changed() => if changed.is_err() { return },
                changed = waiting.changed() => if changed.is_err() { return },
                // A clock, a switch or a silence does not say when it ends.
                () = tokio::time::sleep(PATIENCE), if shared.post.counts().queued > 0 => {}
            }
            continue;
        };
        deliver(&shared, &address, &limits, &mut connection, &outgoing).await;
    }
}

/// Sends one message until it is taken or refused for good.
async fn deliver(
    shared: &Shared,
    address: &str,
    limits: &Limits,
    connection: &mut Option<Sender>,
    outgoing: &Outgoing,
) {
    let mut attempts = 0;
    let torn;
    let outgoing = match shared.faults.strikes(FaultKind::Corrupt) {
        Some(_) => {
            torn = Outgoing {
                message: outgoing.message.slice(..outgoing.message.len() * 2 / 3),
                ..outgoing.clone()
            };
            &torn
        }
        None => outgoing,
    };
    let mut again = shared.faults.strikes(FaultKind::Duplicate).is_some();
    let mut delay_ms = limits.retry_delay_ms;
    let taken = loop {
        match attempt(address, limits, connection, outgoing).await {
            Attempt::Taken if again => {
                again = false;
                continue;
            }
            Attempt::Taken => break true,
            Attempt::Refused => break false,
            Attempt::NotNow => {
                attempts += 1;
                if attempts >= limits.attempts_max {
                    break false;
                }
            }
            Attempt::Doubt => *connection = None,
        }
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        delay_ms = (delay_ms * 2).min(limits.retry_delay_max_ms);
    };
    if !taken {
        tracing::warn!(
            system = shared.vendor.name,
            control_id = outgoing.control_id,
            "the receiver refused a message"
        );
    }
    let sequence = outgoing.sequence;
    let entry = if taken {
        Entry {
            delivered: Some(sequence),
            ..Entry::default()
        }
    } else {
        Entry {
            refused: Some(sequence),
            ..Entry::default()
        }
    };
    // Should this be lost in a crash, the message is sent again: at least once.
    match shared.recorder.submit_patiently(entry).await {
        Ok(pending) => drop(pending),
        Err(error) => {
            tracing::error!(system = shared.vendor.name, %error, "a delivery could not be recorded")
        }
    }
    shared.post.done(outgoing, taken);
}

async fn attempt(
    address: &str,
    limits: &Limits,
    connection: &mut Option<Sender>,
    outgoing: &Outgoing,
) -> Attempt {
    if !connection.as_ref().is_some_and(Sender::is_usable) {
        *connection = Sender::connect(address, limits.connection.clone()).await.ok();
    }
    let Some(sender) = connection else {
        return Attempt::Doubt;
    };
    let Ok(answer) = sender.send(&outgoing.message).await else {
        return Attempt::Doubt;
    };
    let Ok(answer) = Message::parse(&answer) else {
        return Attempt::Doubt;
    };
    let Ok(acknowledgement) = read(&answer) else {
        return Attempt::Doubt;
    };
    if acknowledgement.control_id != outgoing.control_id {
        return Attempt::Doubt;
    }
    match acknowledgement.code {
        AckCode::AA | AckCode::CA => Attempt::Taken,
        AckCode::AE | AckCode::CE => Attempt::NotNow,
        AckCode::AR | AckCode::CR => Attempt::Refused,
    }
}
