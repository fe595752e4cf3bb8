//! Lanes: strict order for each patient on each interface, all patients side by side.
//!
//! A lane is one identifier at one interface. A message stands in the lane of every identifier it
//! names and goes when it is at the head of all of them, so two messages that share any identifier
//! keep their order, whichever others they carry. A merge names both identities and is thereby a
//! barrier: it waits for what came before in either, and what comes after in either waits for it.
//!
//! Keys are hashes: two people on one lane would wait for each other, which costs time and never order.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use smallvec::SmallVec;

/// Identifiers of one message that are given a lane. More than this, and the rest do not count.
pub(crate) const KEYS_MAX: usize = 16;

/// One lane: a hash over interface and identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LaneKey(pub(crate) u64);

/// The lanes of one message.
pub(crate) type LaneKeys = SmallVec<[LaneKey; 4]>;

/// A place in the lanes, given back when the message is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ticket(usize);

/// Messages waiting for their turn.
#[derive(Debug)]
pub(crate) struct Lanes<T> {
    queues: HashMap<LaneKey, VecDeque<Ticket>, BuildHasherDefault<KeyHasher>>,
    standing: Vec<Option<Standing<T>>>,
    free: Vec<usize>,
    ready: VecDeque<Ticket>,
}

#[derive(Debug)]
struct Standing<T> {
    keys: LaneKeys,
    /// Lanes in which someone stands before it.
    blocked: usize,
    /// Away while a worker has it.
    item: Option<T>,
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self {
            queues: HashMap::default(),
            standing: Vec::new(),
            free: Vec::new(),
            ready: VecDeque::new(),
        }
    }
}

impl<T> Lanes<T> {
    /// Puts a message at the end of its lanes.
    pub(crate) fn join(&mut self, keys: &[LaneKey], item: T) -> Ticket {
        let mut own: LaneKeys = SmallVec::from_slice(keys);
        own.sort_unstable();
        own.dedup();
        let ticket = Ticket(self.free.pop().unwrap_or_else(|| {
            self.standing.push(None);
            self.standing.len() - 1
        }));
        let mut blocked = 0;
        for key in &own {
            let queue = self.queues.entry(*key).or_default();
            blocked += usize::from(!queue.is_empty());
            queue.push_back(ticket);
        }
        self.standing[ticket.0] = Some(Standing {
            keys: own,
            blocked,
            item: Some(item),
        });
        if blocked == 0 {
            self.ready.push_back(ticket);
        }
        ticket
    }

    /// The next message whose turn it is. It keeps its place until [`Self::leave`].
    pub(crate) fn take(&mut self) -> Option<(Ticket, T)> {
        let ticket = self.ready.pop_front()?;
        let item = self.standing[ticket.0]
            .as_mut()
            .and_then(|standing| standing.item.take());
        Some((ticket, item.expect("a ready ticket stands with its item")))
    }

    /// Takes the message that joined last, if its turn is now.
    pub(crate) fn take_last(&mut self, ticket: Ticket) -> Option<T> {
        if self.ready.back() != Some(&ticket) {
            return None;
        }
        self.ready.pop_back();
        self.standing[ticket.0]
            .as_mut()
            .and_then(|standing| standing.item.take())
    }

    /// Gives a message back for another turn, behind the others that are ready.
    pub(crate) fn again(&mut self, ticket: Ticket, item: T) {
        if let Some(standing) = self.standing[ticket.0].as_mut() {
            standing.item = Some(item);
            self.ready.push_back(ticket);
        }
    }

    /// Settles a message: those behind it move up. Says how many became ready.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> usize {
        let Some(gone) = self.standing[ticket.0].take() else {
            return 0;
        };
        self.free.push(ticket.0);
        let before = self.ready.len();
        for key in gone.keys {
            let Some(queue) = self.queues.get_mut(&key) else {
                continue;
            };
            let head = queue.pop_front();
            debug_assert_eq!(head, Some(ticket), "only the head of a lane leaves it");
            match queue.front() {
                None => {
                    self.queues.remove(&key);
                }
                Some(next) => {
                    let standing = self.standing[next.0].as_mut().expect("a queued ticket stands");
                    standing.blocked -= 1;
                    if standing.blocked == 0 {
                        self.ready.push_back(*next);
                    }
                }
            }
        }
        self.ready.len() - before
    }

    /// Messages whose turn it is.
    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }
}

/// The keys are hashes already.
#[derive(Debug, Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[u64]) -> Vec<LaneKey> {
        keys.iter().map(|key| LaneKey(*key)).collect()
    }

    #[test]
    fn one_lane_is_strictly_in_order_and_lanes_run_side_by_side() {
        let mut lanes = Lanes::default();
        for (key, item) in [(1, "a1"), (1, "a2"), (2, "b1")] {
            lanes.join(&keys(&[key]), item);
        }
        let (first, item) = lanes.take().unwrap();
        assert_eq!(item, "a1");
        assert_eq!(lanes.take().unwrap().1, "b1");
        assert!(lanes.take().is_none(), "a2 waits for a1");
        assert_eq!(lanes.leave(first), 1);
        assert_eq!(lanes.take().unwrap().1, "a2");
    }

    #[test]
    fn a_retried_message_is_not_overtaken_in_its_lane() {
        let mut lanes = Lanes::default();
        lanes.join(&keys(&[1]), "a1");
        lanes.join(&keys(&[1]), "a2");
        let (ticket, item) = lanes.take().unwrap();
        lanes.again(ticket, item);
        assert_eq!(lanes.take().unwrap().1, "a1");
        assert!(lanes.take().is_none());
    }

    #[test]
    fn a_merge_is_a_barrier_over_both_identities() {
        let mut lanes = Lanes::default();
        lanes.join(&keys(&[1]), "survivor before");
        lanes.join(&keys(&[2]), "loser before");
        lanes.join(&keys(&[1, 2]), "merge");
        lanes.join(&keys(&[2]), "loser after");
        lanes.join(&keys(&[1]), "survivor after");
        let (survivor, _) = lanes.take().unwrap();
        let (loser, _) = lanes.take().unwrap();
        lanes.leave(survivor);
        assert!(lanes.take().is_none(), "the loser's earlier message is still out");
        lanes.leave(loser);
        let (merge, item) = lanes.take().unwrap();
        assert_eq!(item, "merge");
        assert!(lanes.take().is_none());
        assert_eq!(lanes.leave(merge), 2);
    }

    #[test]
    fn the_same_identifier_twice_does_not_block_itself() {
        let mut lanes = Lanes::default();
        let ticket = lanes.join(&keys(&[7, 7]), ());
        assert!(lanes.take().is_some());
        lanes.leave(ticket);
        assert!(lanes.queues.is_empty());
    }

    /// Any history of joins, takes and leaves keeps, for each key, the order of joining.
    #[test]
    fn order_holds_for_every_shared_identifier_whatever_the_pace() {
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = move |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % below
        };
        let mut lanes = Lanes::default();
        let mut sent: HashMap<u64, Vec<usize>> = HashMap::new();
        let mut out = Vec::new();
        let mut joined = 0;
        while joined < 5_000 || !out.is_empty() || lanes.ready() > 0 {
            if joined < 5_000 && next(3) > 0 {
                let own: Vec<u64> = (0..=next(3)).map(|_| next(40)).collect();
                lanes.join(&keys(&own), (joined, own.clone()));
                joined += 1;
            }
            if next(2) == 0
                && let Some((ticket, (number, own))) = lanes.take()
            {
                let mut own = own;
                own.sort_unstable();
                own.dedup();
                for key in own {
                    sent.entry(key).or_default().push(number);
                }
                out.push(ticket);
            }
            if !out.is_empty() && next(2) == 0 {
                let at = usize::try_from(next(out.len() as u64)).unwrap();
                lanes.leave(out.swap_remove(at));
            }
        }
        assert!(lanes.queues.is_empty(), "every lane ran empty");
        for (key, numbers) in sent {
            assert!(numbers.is_sorted(), "lane {key} was reordered");
        }
    }
}
