//! Recent: the window in which a repeated message is recognised.
//!
//! A sender that missed its ACK sends again. The same sender, control id and content get the same ACK and
//! no second delivery; the same control id with other content is another message, and flagged. Bounded by
//! `duplicate-window`; filled again from the journal at start.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use store::MessageId;
use tokio::sync::watch;

/// How a message ended, for those who came later with the same one.
pub(crate) type Ended = Option<Result<(), crate::verdict::Failure>>;

/// A message seen before.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Its id in the journal.
    pub(crate) message: MessageId,
    /// Hash of its bytes.
    pub(crate) content: u64,
    /// How it ended, once it has.
    pub(crate) ended: watch::Receiver<Ended>,
}

/// What the window says about a message.
#[derive(Debug)]
pub(crate) enum Sight {
    /// Not seen before.
    New,
    /// This very message.
    Repeated(Known),
    /// Another message under the same control id.
    Reused,
}

/// The window.
#[derive(Debug)]
pub(crate) struct Recent {
    inner: Mutex<Inner>,
    window: usize,
}

#[derive(Debug, Default)]
struct Inner {
    known: HashMap<u64, Known>,
    order: VecDeque<(u64, MessageId)>,
}

impl Recent {
    pub(crate) fn new(window: usize) -> Self {
        Self {
            inner: Mutex::default(),
            window,
        }
    }

    /// Looks a message up by its [`key`](crate::identify::key), and remembers it if it is none that was seen.
    pub(crate) fn see(&self, key: u64, known: Known) -> Sight {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let sight = match inner.known.get(&key) {
            Some(before) if before.content == known.content => return Sight::Repeated(before.clone()),
            Some(_) => Sight::Reused,
            None => Sight::New,
        };
        inner.order.push_back((key, known.message));
        inner.known.insert(key, known);
        while inner.order.len() > self.window {
            let Some((key, message)) = inner.order.pop_front() else {
                break;
            };
            if inner
                .known
                .get(&key)
                .is_some_and(|known| known.message == message)
            {
                inner.known.remove(&key);
            }
        }
        sight
    }

    /// Forgets a message that was not kept after all: when it comes again it is new.
    pub(crate) fn forget(&self, key: u64, message: MessageId) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner
            .known
            .get(&key)
            .is_some_and(|known| known.message == message)
        {
            inner.known.remove(&key);
        }
    }
}
