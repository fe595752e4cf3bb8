//! Turns: the order of one connection's frames, for whoever must keep it past a wait.
//!
//! Calls of one connection run side by side, and the runtime may wake the later one first. What must happen in
//! the order of arrival after a wait happens between [`Turn::come`] and the turn's end, which is its drop.

use tokio::sync::oneshot;

/// Nothing is ever sent: only the end of the sender counts.
#[derive(Debug)]
enum Never {}

/// A frame's place among the frames of its connection. Dropped, it lets the next one come.
#[derive(Debug)]
pub struct Turn {
    before: Option<oneshot::Receiver<Never>>,
    /// Held only to be dropped.
    _after: Option<oneshot::Sender<Never>>,
}

impl Turn {
    /// A turn that nobody waits for and that waits for nobody (tests, replay).
    pub fn free() -> Self {
        Self {
            before: None,
            _after: None,
        }
    }

    /// Waits until the turn of every earlier frame of this connection has ended.
    pub async fn come(&mut self) {
        if let Some(before) = &mut self.before {
            match before.await {
                Ok(never) => match never {},
                // It ended: its turn has been dropped.
                Err(_) => self.before = None,
            }
        }
    }
}

/// Hands out the turns of one connection.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    last: Option<oneshot::Receiver<Never>>,
}

impl Turns {
    /// The next turn; `alone` when no earlier call is under way.
    pub(crate) fn next(&mut self, alone: bool) -> Turn {
        let (after, ended) = oneshot::channel();
        let before = self.last.replace(ended).filter(|_| !alone);
        Turn {
            before,
            _after: Some(after),
        }
    }
}
