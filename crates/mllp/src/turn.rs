//! Turns: the order of one connection's frames, for whoever must keep it past a wait.
//!
//! Calls of one connection run side by side, and the runtime may wake the later one first. What must happen in
//! the order of arrival after a wait happens between [`Turn::come`] and the turn's end, which is its drop.

use tokio::sync::oneshot;

/// What a turn leaves to the next: whom that one has to wait for still.
#[derive(Debug)]
struct Ended(Option<oneshot::Receiver<Self>>);

/// A frame's place among the frames of its connection. Dropped, it lets the next one come.
///
/// One that ends without having come hands on whom it should have waited for, so that no turn ever comes before
/// the end of every earlier one.
#[derive(Debug)]
pub struct Turn {
    before: Option<oneshot::Receiver<Ended>>,
    after: Option<oneshot::Sender<Ended>>,
}

impl Turn {
    /// A turn that nobody waits for and that waits for nobody (tests, replay).
    pub fn free() -> Self {
        Self {
            before: None,
            after: None,
        }
    }

    /// Waits until the turn of every earlier frame of this connection has ended.
    pub async fn come(&mut self) {
        while let Some(before) = &mut self.before {
            self.before = match before.await {
                Ok(Ended(earlier)) => earlier,
                Err(_) => None,
            };
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(after) = self.after.take() {
            // The next frame may never have come; then nobody waits.
            drop(after.send(Ended(self.before.take())));
        }
    }
}

/// Hands out the turns of one connection.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    last: Option<oneshot::Receiver<Ended>>,
}

impl Turns {
    /// The next turn; `alone` when no earlier call is under way.
    pub(crate) fn next(&mut self, alone: bool) -> Turn {
        let (after, ended) = oneshot::channel();
        let before = self.last.replace(ended).filter(|_| !alone);
        Turn {
            before,
            after: Some(after),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_turn_comes_when_the_one_before_has_ended() {
        let mut turns = Turns::default();
        let (mut first, mut second) = (turns.next(true), turns.next(false));
        assert!(first.come().now_or_never().is_some());
        assert!(second.come().now_or_never().is_none());
        drop(first);
        assert!(second.come().now_or_never().is_some());
        assert!(turns.next(true).come().now_or_never().is_some(), "alone");
    }

    /// A frame that is refused needs no turn, and must not let the one behind it overtake the one before it.
    #[test]
    fn a_turn_that_ends_without_having_come_lets_nobody_overtake() {
        let mut turns = Turns::default();
        let (mut first, second, third) = (turns.next(true), turns.next(false), turns.next(false));
        let mut fourth = turns.next(false);
        assert!(first.come().now_or_never().is_some());
        drop(third);
        drop(second);
        assert!(fourth.come().now_or_never().is_none());
        drop(first);
        assert!(fourth.come().now_or_never().is_some());
    }
}
