//! Outbox: what one endpoint still has to get, in memory, and who may send what next.
//!
//! Holds the lanes, the pauses of messages that are tried again, and the breaker. Bounded: beyond its
//! limits deliveries stay in the journal, and `backlog` reads them in page by page as room comes free.
//! Knows no wire; workers ask [`Outbox::next`] and report back.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use store::DeliveryId;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::breaker::{Breaker, Leave, Weight};
use super::lanes::{Lanes, Ticket};
use super::{Delivery, Job};
use crate::config::DeliveryLimits;

/// The queue of one endpoint.
#[derive(Debug)]
pub(crate) struct Outbox {
    inner: Mutex<Inner>,
    /// Something can be sent, or time has come to look.
    work: Notify,
    /// There is room again, and deliveries on disk to fill it.
    room: Notify,
    deliveries_max: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct Inner {
    lanes: Lanes<Delivery>,
    later: BinaryHeap<Reverse<Later>>,
    breaker: Breaker,
    deliveries: usize,
    bytes: usize,
    /// The last delivery that found room.
    admitted: Option<DeliveryId>,
    backlog: Option<Backlog>,
    stopped: bool,
}

/// Deliveries that are only in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backlog {
    /// All up to here have been read in.
    pub(crate) read_to: Option<DeliveryId>,
    /// The last one that came by while there was no room; none at start, when all is on disk.
    pub(crate) passed_by: Option<DeliveryId>,
}

#[derive(Debug)]
struct Later {
    due: Instant,
    job: Job,
}

impl PartialEq for Later {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Later {}

impl PartialOrd for Later {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Later {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.due
            .cmp(&other.due)
            .then_with(|| self.job.delivery.id.cmp(&other.job.delivery.id))
    }
}

impl Outbox {
    /// An empty outbox whose whole queue may still be on disk.
    pub(crate) fn new(limits: &DeliveryLimits, deliveries_max: usize, bytes_max: usize) -> Self {
        Self {
            inner: Mutex::new(Inner {
                lanes: Lanes::default(),
                later: BinaryHeap::new(),
                breaker: Breaker::new(limits),
                deliveries: 0,
                bytes: 0,
                admitted: None,
                backlog: Some(Backlog {
                    read_to: None,
                    passed_by: None,
                }),
                stopped: false,
            }),
            work: Notify::new(),
            room: Notify::new(),
            deliveries_max,
            bytes_max,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while it was held cannot have left it half changed: every change is made of whole steps.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a delivery the journal has just committed, or leaves it on disk when there is no room.
    pub(crate) fn offer(&self, delivery: Delivery) {
        let mut inner = self.lock();
        if let Some(backlog) = &mut inner.backlog {
            backlog.passed_by = Some(delivery.id);
            return;
        }
        if inner.full(self) {
            inner.backlog = Some(Backlog {
                read_to: inner.admitted,
                passed_by: Some(delivery.id),
            });
            return;
        }
        inner.admit(delivery);
        drop(inner);
        self.work.notify_one();
    }

    /// What is on disk, if anything may be and there is room for more.
    pub(crate) fn wants(&self) -> Option<Backlog> {
        let inner = self.lock();
        inner.backlog.filter(|_| {
            !inner.stopped && inner.deliveries * 2 <= self.deliveries_max && inner.bytes * 2 <= self.bytes_max
        })
    }

    /// Waits until there may be room to fill from disk.
    pub(crate) async fn room(&self) {
        self.room.notified().await;
    }

    /// Takes a page read from disk after `seen` was asked for; `last` when the journal had no more.
    pub(crate) fn page(&self, deliveries: Vec<Delivery>, seen: Backlog, last: bool) {
        let mut inner = self.lock();
        for delivery in deliveries {
            inner.admit(delivery);
        }
        // What came by while the page was read may not be in it: then the journal is asked once more.
        inner.backlog = match inner.backlog {
            Some(backlog) if last && backlog.passed_by == seen.passed_by => None,
            Some(backlog) => Some(Backlog {
                read_to: inner.admitted,
                ..backlog
            }),
            None => None,
        };
        drop(inner);
        self.work.notify_one();
    }

    /// The next message to send; none once stopped.
    pub(crate) async fn next(&self) -> Option<Job> {
        loop {
            let wait_until = match self.step(Instant::now()) {
                Step::Send(job) => return Some(*job),
                Step::Stop => return None,
                Step::Wait(until) => until,
            };
            // `notify_one` stores a permit, so a notice between the step and here is not lost.
            match wait_until {
                None => self.work.notified().await,
                Some(until) => tokio::select! {
                    () = self.work.notified() => {}
                    () = sleep_until(until) => {}
                },
            }
        }
    }

    fn step(&self, now: Instant) -> Step {
        let mut inner = self.lock();
        if inner.stopped {
            drop(inner);
            self.work.notify_one();
            return Step::Stop;
        }
        while let Some(Reverse(later)) = inner.later.peek() {
            if later.due > now {
                break;
            }
            let Some(Reverse(later)) = inner.later.pop() else {
                break;
            };
            inner.lanes.again(later.job.ticket, later.job.delivery);
        }
        let due = inner.later.peek().map(|Reverse(later)| later.due);
        if inner.lanes.ready() == 0 {
            return Step::Wait(due);
        }
        match inner.breaker.ask(now) {
            Leave::Go => {}
            Leave::NotBefore(until) => return Step::Wait(Some(until)),
            Leave::AfterProbe => return Step::Wait(due),
        }
        let Some((ticket, delivery)) = inner.lanes.take() else {
            inner.breaker.unasked(now);
            return Step::Wait(due);
        };
        let more = inner.lanes.ready() > 0 && !inner.breaker.is_open();
        drop(inner);
        if more {
            self.work.notify_one();
        }
        Step::Send(Box::new(Job { ticket, delivery }))
    }

    /// The endpoint took a message. Its place is kept until [`Self::leave`].
    pub(crate) fn taken(&self) {
        let mut inner = self.lock();
        let was_open = inner.breaker.is_open();
        inner.breaker.taken();
        drop(inner);
        if was_open {
            self.work.notify_one();
        }
    }

    /// The endpoint refused a message: against whom does that count?
    pub(crate) fn refused(&self, message: u64) -> Weight {
        self.lock().breaker.refused(message, Instant::now())
    }

    /// The endpoint cannot be reached.
    pub(crate) fn unreachable(&self) {
        self.lock().breaker.unreachable(Instant::now());
    }

    /// Sends a message again, at once if the breaker lets it.
    pub(crate) fn again(&self, job: Job) {
        self.lock().lanes.again(job.ticket, job.delivery);
        self.work.notify_one();
    }

    /// Sends a message again at a later moment; its lanes wait with it.
    pub(crate) fn later(&self, job: Job, due: Instant) {
        self.lock().later.push(Reverse(Later { due, job }));
        self.work.notify_one();
    }

    /// A message is settled, durably: those behind it in its lanes may go.
    pub(crate) fn leave(&self, ticket: Ticket, bytes: usize) {
        let mut inner = self.lock();
        let freed = inner.lanes.leave(ticket);
        inner.deliveries = inner.deliveries.saturating_sub(1);
        inner.bytes = inner.bytes.saturating_sub(bytes);
        let refill = inner.backlog.is_some() && inner.deliveries * 2 <= self.deliveries_max;
        drop(inner);
        if freed > 0 {
            self.work.notify_one();
        }
        if refill {
            self.room.notify_one();
        }
    }

    /// Lets nothing more out.
    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.work.notify_one();
        self.room.notify_one();
    }

    /// Whether [`Self::stop`] was called.
    pub(crate) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Deliveries in memory, whether more are on disk, and whether the breaker is open.
    pub(crate) fn condition(&self) -> (usize, bool, bool) {
        let inner = self.lock();
        (inner.deliveries, inner.backlog.is_some(), inner.breaker.is_open())
    }
}

enum Step {
    Send(Box<Job>),
    Wait(Option<Instant>),
    Stop,
}

impl Inner {
    fn full(&self, outbox: &Outbox) -> bool {
        self.deliveries >= outbox.deliveries_max || self.bytes >= outbox.bytes_max
    }

    fn admit(&mut self, delivery: Delivery) {
        self.deliveries += 1;
        self.bytes += delivery.frame.len();
        self.admitted = self.admitted.max(Some(delivery.id));
        let keys = delivery.keys.clone();
        self.lanes.join(&keys, delivery);
    }
}
