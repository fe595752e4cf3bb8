//! Outbox: what one endpoint still has to get, in memory, and who may send what next.
//!
//! Holds the lanes, the pauses of messages that are tried again, and the breaker. Bounded: beyond its
//! limits deliveries stay in the journal, and `backlog` reads them in page by page as room comes free.
//! Knows no wire; workers ask [`Outbox::next`] and report back.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use store::{Cursor, DeliveryId};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::breaker::{Breaker, Leave, Weight};
use super::lanes::{Lanes, Ticket};
use super::{Delivery, Job};
use crate::config::DeliveryLimits;

/// Deliveries kept while one page is read, and their bytes.
const NEWCOMERS_MAX: usize = 256;
const NEWCOMER_BYTES_MAX: usize = 4 << 20;

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
    /// Held messages that keep their place, because others wait for them.
    parked: HashMap<DeliveryId, Job>,
    breaker: Breaker,
    /// All that has a place here, wherever it is at the moment.
    present: HashSet<DeliveryId>,
    bytes: usize,
    /// By interface: what is only in the journal.
    backlogs: BTreeMap<usize, Backlog>,
    /// By interface: how far the journal has been read, ever. What stands up to there has been shown by a page,
    /// also when its own message comes to hand it over only afterwards.
    read_through: HashMap<usize, Cursor>,
    /// The interface whose page was read last: the others have their turn first.
    read_last: usize,
    /// What left while a page was being read: the page may still show it.
    left: HashSet<DeliveryId>,
    stopped: bool,
}

/// Deliveries of one interface that are only in the journal.
#[derive(Debug, Default)]
struct Backlog {
    /// Where the last page ended.
    after: Option<Cursor>,
    /// What came by since the page in hand was asked for; none when it was too much to keep.
    ///
    /// The page shows what was committed before, this what was committed since: with both in hand the
    /// queue is in memory again, however fast messages come.
    newcomers: Option<Vec<(Cursor, Delivery)>>,
    newcomer_bytes: usize,
    /// How often it was decided to read from the beginning again.
    rewound: u64,
}

impl Backlog {
    fn pass(&mut self, delivery: Delivery, place: Cursor) {
        let Some(newcomers) = &mut self.newcomers else {
            return;
        };
        self.newcomer_bytes += delivery.frame.expose().len();
        if newcomers.len() < NEWCOMERS_MAX && self.newcomer_bytes <= NEWCOMER_BYTES_MAX {
            newcomers.push((place, delivery));
        } else {
            self.newcomers = None;
        }
    }

    /// A delivery further up in the queue than what has been read is to be sent again.
    fn rewind(&mut self) {
        self.after = None;
        self.newcomers = None;
        self.rewound += 1;
    }
}

/// The page that an outbox has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) interface: usize,
    pub(crate) after: Option<Cursor>,
    pub(crate) bytes_max: usize,
    rewound: u64,
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
    /// An empty outbox; the queues of these interfaces may be on disk.
    pub(crate) fn new(
        limits: &DeliveryLimits,
        deliveries_max: usize,
        bytes_max: usize,
        interfaces: impl Iterator<Item = usize>,
    ) -> Self {
        Self {
            inner: Mutex::new(Inner {
                lanes: Lanes::default(),
                later: BinaryHeap::new(),
                parked: HashMap::new(),
                breaker: Breaker::new(limits),
                present: HashSet::new(),
                bytes: 0,
                backlogs: interfaces
                    .map(|interface| (interface, Backlog::default()))
                    .collect(),
                read_through: HashMap::new(),
                read_last: 0,
                left: HashSet::new(),
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

    /// Takes a delivery the journal has just committed at this place, or leaves it on disk when there is no room.
    pub(crate) fn offer(&self, delivery: Delivery, place: Cursor) {
        let mut inner = self.lock();
        if inner.was_read(delivery.interface, place) {
            return;
        }
        let full = self.is_full(&inner);
        if let Some(backlog) = inner.backlogs.get_mut(&delivery.interface) {
            backlog.pass(delivery, place);
        } else if full {
            inner.backlogs.insert(delivery.interface, Backlog::default());
        } else {
            inner.admit(delivery);
            drop(inner);
            self.work.notify_one();
        }
    }

    /// Takes a delivery that was held and is queued again: its place in the journal may lie before what has
    /// been read from there.
    pub(crate) fn offer_again(&self, delivery: Delivery) {
        let mut inner = self.lock();
        if inner.present.contains(&delivery.id) {
            return;
        }
        let full = self.is_full(&inner);
        match inner.backlogs.get_mut(&delivery.interface) {
            Some(backlog) => backlog.rewind(),
            None if full => {
                inner.backlogs.insert(delivery.interface, Backlog::default());
            }
            None => {
                inner.admit(delivery);
                drop(inner);
                self.work.notify_one();
                return;
            }
        }
        drop(inner);
        self.room.notify_one();
    }

    fn is_full(&self, inner: &Inner) -> bool {
        inner.present.len() >= self.deliveries_max || inner.bytes >= self.bytes_max
    }

    /// The next page to read, if there is one to read and room for it; each interface in its turn.
    pub(crate) fn wants(&self) -> Option<Wanted> {
        let mut inner = self.lock();
        if inner.stopped || !self.has_room(&inner) {
            return None;
        }
        let next = inner.backlogs.range(inner.read_last + 1..).next();
        let interface = *next.or_else(|| inner.backlogs.first_key_value())?.0;
        let bytes_max = self.bytes_max.saturating_sub(inner.bytes);
        let backlog = inner.backlogs.get_mut(&interface)?;
        backlog.newcomers = Some(Vec::new());
        backlog.newcomer_bytes = 0;
        let wanted = Wanted {
            interface,
            after: backlog.after,
            bytes_max,
            rewound: backlog.rewound,
        };
        inner.read_last = interface;
        inner.left.clear();
        Some(wanted)
    }

    fn has_room(&self, inner: &Inner) -> bool {
        inner.present.len() * 2 <= self.deliveries_max && inner.bytes * 2 <= self.bytes_max
    }

    /// Whether a delivery has a place here, or had one when the page in hand was asked for.
    pub(crate) fn holds(&self, id: DeliveryId) -> bool {
        self.lock().knows(id)
    }

    /// A message turned out to be one that cannot be sent: it says nothing about the endpoint.
    pub(crate) fn unsendable(&self) {
        self.lock().breaker.unasked(Instant::now());
        self.work.notify_one();
    }

    /// Waits until there may be room to fill from disk.
    pub(crate) async fn room(&self) {
        self.room.notified().await;
    }

    /// Takes the page that was wanted; `through` is the place of its last delivery, `next` where the following one
    /// begins.
    pub(crate) fn page(
        &self,
        wanted: Wanted,
        deliveries: Vec<Delivery>,
        through: Option<Cursor>,
        next: Option<Cursor>,
    ) {
        let mut inner = self.lock();
        if let Some(through) = through {
            let read = inner.read_through.entry(wanted.interface).or_insert(through);
            *read = through.max(*read);
        }
        for delivery in deliveries {
            if !inner.knows(delivery.id) {
                inner.admit(delivery);
            }
        }
        if let Some(backlog) = inner.backlogs.get_mut(&wanted.interface) {
            let newcomers = backlog.newcomers.take();
            match (next, newcomers) {
                _ if backlog.rewound != wanted.rewound => {}
                (Some(next), _) => backlog.after = Some(next),
                (None, Some(newcomers)) => {
                    inner.backlogs.remove(&wanted.interface);
                    for (place, delivery) in newcomers {
                        if !inner.was_read(delivery.interface, place) {
                            inner.admit(delivery);
                        }
                    }
                }
                // More came by than was kept: the rest of the queue is read once more from where it was.
                (None, None) => {}
            }
        }
        drop(inner);
        self.work.notify_one();
    }

    /// Puts a held message back into its lanes, to be waited for.
    pub(crate) fn admit_held(&self, delivery: Delivery) {
        let mut inner = self.lock();
        let id = delivery.id;
        let ticket = inner.admit(delivery);
        // At the head of its lanes it would be sent; behind others it has its turn to come.
        if let Some(delivery) = inner.lanes.take_last(ticket) {
            inner.parked.insert(id, Job { ticket, delivery });
        }
    }

    /// Keeps a held message in its place.
    pub(crate) fn park(&self, job: Job) {
        self.lock().parked.insert(job.delivery.id, job);
    }

    /// Takes a held message out of its parking place; its lanes still wait for it.
    pub(crate) fn unpark(&self, id: DeliveryId) -> Option<Job> {
        self.lock().parked.remove(&id)
    }

    /// Sends what was parked for this interface again, if it still is.
    pub(crate) fn resume(&self, id: DeliveryId, interface: usize) {
        let mut inner = self.lock();
        if inner
            .parked
            .get(&id)
            .is_none_or(|job| job.delivery.interface != interface)
        {
            return;
        }
        if let Some(job) = inner.parked.remove(&id) {
            inner.lanes.again(job.ticket, job.delivery);
            drop(inner);
            self.work.notify_one();
        }
    }

    /// Puts a mended message where the held one stood. False when that one keeps no place here.
    pub(crate) fn replace(&self, held: DeliveryId, delivery: Delivery) -> bool {
        let mut inner = self.lock();
        let Some(Job {
            ticket,
            delivery: old,
        }) = inner.parked.remove(&held)
        else {
            return false;
        };
        inner.present.remove(&held);
        inner.present.insert(delivery.id);
        inner.bytes = inner.bytes.saturating_sub(old.frame.expose().len()) + delivery.frame.expose().len();
        // It keeps the lanes of the held one: those behind it wait for the same patient still.
        inner.lanes.again(ticket, delivery);
        drop(inner);
        self.work.notify_one();
        true
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
    pub(crate) fn leave(&self, job: &Job) {
        let mut inner = self.lock();
        let freed = inner.lanes.leave(job.ticket);
        inner.present.remove(&job.delivery.id);
        inner.bytes = inner.bytes.saturating_sub(job.delivery.frame.expose().len());
        let refill = !inner.backlogs.is_empty();
        if refill {
            inner.left.insert(job.delivery.id);
        }
        let refill = refill && self.has_room(&inner);
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
        (
            inner.present.len(),
            !inner.backlogs.is_empty(),
            inner.breaker.is_open(),
        )
    }
}

enum Step {
    Send(Box<Job>),
    Wait(Option<Instant>),
    Stop,
}

impl Inner {
    fn was_read(&self, interface: usize, place: Cursor) -> bool {
        self.read_through
            .get(&interface)
            .is_some_and(|read| place <= *read)
    }

    fn knows(&self, id: DeliveryId) -> bool {
        self.present.contains(&id) || self.left.contains(&id)
    }

    fn admit(&mut self, delivery: Delivery) -> Ticket {
        self.bytes += delivery.frame.expose().len();
        self.present.insert(delivery.id);
        let keys = delivery.keys.clone();
        self.lanes.join(&keys, delivery)
    }
}

#[cfg(test)]
mod simulation;

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use store::MessageId;
    use translate::dialect::STANDARD;
    use uuid::Uuid;

    use super::*;
    use crate::deliver::lanes::{LaneKey, LaneKeys};
    use crate::deliver::test_limits;

    fn outbox() -> Outbox {
        let outbox = Outbox::new(&test_limits(), 10, 1 << 20, 0..1);
        let wanted = outbox.wants().unwrap();
        outbox.page(wanted, Vec::new(), None, None);
        outbox
    }

    fn place(number: u64) -> Cursor {
        format!("0.{number:x}").parse().unwrap()
    }

    /// A page may be read between a commit and the moment its message comes to hand it over.
    #[tokio::test(start_paused = true)]
    async fn what_a_page_has_shown_is_not_taken_again_when_its_message_comes() {
        let outbox = Outbox::new(&test_limits(), 10, 1 << 20, 0..1);
        let wanted = outbox.wants().unwrap();
        outbox.page(wanted, vec![delivery(1)], Some(place(1)), None);
        let job = sent(&outbox, std::time::Duration::ZERO).expect("from the page");
        outbox.leave(&job);
        outbox.offer(delivery(1), place(1));
        assert!(sent(&outbox, std::time::Duration::ZERO).is_none(), "sent twice");
        outbox.offer(delivery(2), place(2));
        assert!(sent(&outbox, std::time::Duration::ZERO).is_some());
    }

    fn delivery(number: u128) -> Delivery {
        Delivery {
            id: DeliveryId {
                message: MessageId(Uuid::from_u128(number)),
                ordinal: 1,
            },
            interface: 0,
            from: &STANDARD,
            control_id: "M".into(),
            frame: crate::phi::Phi::new(Bytes::from_static(b"MSH|")),
            received_at_ms: 0,
            keys: LaneKeys::from_slice(&[LaneKey(u64::try_from(number).unwrap())]),
            attempts: 0,
            relayed: false,
        }
    }

    fn sent(outbox: &Outbox, after: std::time::Duration) -> Option<Job> {
        match outbox.step(Instant::now() + after) {
            Step::Send(job) => Some(*job),
            Step::Wait(_) | Step::Stop => None,
        }
    }

    /// A probe that cannot be sent says nothing about the endpoint: another one has to.
    #[tokio::test(start_paused = true)]
    async fn a_probe_that_cannot_be_sent_does_not_keep_the_endpoint_paused() {
        let outbox = outbox();
        let pause = test_limits().retry_longest;
        outbox.offer(delivery(1), place(1));
        outbox.offer(delivery(2), place(2));
        outbox.unreachable();
        let probe = sent(&outbox, pause).expect("a probe");
        assert!(sent(&outbox, pause).is_none(), "one probe at a time");
        outbox.unsendable();
        outbox.leave(&probe);
        assert!(sent(&outbox, pause).is_some(), "the next one probes");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_offered_twice_is_sent_once() {
        let outbox = outbox();
        outbox.offer_again(delivery(1));
        outbox.offer_again(delivery(1));
        assert!(sent(&outbox, std::time::Duration::ZERO).is_some());
        assert!(sent(&outbox, std::time::Duration::ZERO).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_while_the_last_page_is_read_follows_it() {
        let outbox = Outbox::new(&test_limits(), 10, 1 << 20, 0..1);
        let wanted = outbox.wants().unwrap();
        outbox.offer(delivery(2), place(2));
        outbox.offer(delivery(3), place(3));
        // The page was read after the second had come: it is in both.
        outbox.page(wanted, vec![delivery(1), delivery(2)], Some(place(2)), None);
        let order: Vec<_> = std::iter::from_fn(|| sent(&outbox, std::time::Duration::ZERO))
            .map(|job| job.delivery.id.message.0.as_u128())
            .collect();
        assert_eq!(order, [1, 2, 3]);
        assert!(outbox.wants().is_none(), "nothing is only on disk any more");
    }

    #[tokio::test(start_paused = true)]
    async fn interfaces_are_read_in_turn() {
        let outbox = Outbox::new(&test_limits(), 100, 1 << 20, 0..3);
        let mut after = Vec::new();
        for _ in 0..6 {
            let wanted = outbox.wants().unwrap();
            after.push(wanted.interface);
            outbox.page(wanted, Vec::new(), None, Some(place(1)));
        }
        assert_eq!(after, [1, 2, 0, 1, 2, 0]);
    }
}
