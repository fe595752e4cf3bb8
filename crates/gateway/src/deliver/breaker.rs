//! Breaker: when an endpoint, not a message, is at fault.
//!
//! An endpoint that cannot be reached, or that refuses one message after the other, is paused as a
//! whole: no message is held or loses an attempt for it, and one probe at a time asks whether it is
//! back. Refusals are counted by message, so that one poisoned message alone never pauses the rest.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::DeliveryLimits;

/// Whether messages may go to an endpoint.
#[derive(Debug)]
pub(crate) struct Breaker {
    state: State,
    /// Different messages refused since the last one taken.
    refused: Vec<u64>,
    first: Duration,
    longest: Duration,
    refusals: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open {
        until: Instant,
        pause: Duration,
    },
    /// One message is out to find how things stand.
    Probing {
        pause: Duration,
    },
}

/// What a worker may do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Send.
    Go,
    /// Not before this moment.
    NotBefore(Instant),
    /// Not before the probe is back.
    AfterProbe,
}

/// What a refusal is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// It counts against the message.
    Message,
    /// It counts against the endpoint: the message stays as it was.
    Endpoint,
}

impl Breaker {
    pub(crate) fn new(limits: &DeliveryLimits) -> Self {
        Self {
            state: State::Closed,
            refused: Vec::new(),
            first: limits.retry_first,
            longest: limits.retry_longest,
            refusals: limits.breaker_refusals,
        }
    }

    /// Asks for leave to send one message. `Go` from an open breaker makes that message the probe.
    pub(crate) fn ask(&mut self, now: Instant) -> Leave {
        match self.state {
            State::Closed => Leave::Go,
            State::Open { until, pause } if until <= now => {
                self.state = State::Probing { pause };
                Leave::Go
            }
            State::Open { until, .. } => Leave::NotBefore(until),
            State::Probing { .. } => Leave::AfterProbe,
        }
    }

    /// A probe was granted and there was nothing to send.
    pub(crate) fn unasked(&mut self, now: Instant) {
        if let State::Probing { pause } = self.state {
            self.state = State::Open { until: now, pause };
        }
    }

    /// The endpoint took a message: it is well.
    pub(crate) fn taken(&mut self) {
        self.state = State::Closed;
        self.refused.clear();
    }

    /// The endpoint refused this message, or did not answer for it.
    pub(crate) fn refused(&mut self, message: u64, now: Instant) -> Weight {
        if self.state != State::Closed {
            self.open(now);
            return Weight::Endpoint;
        }
        if !self.refused.contains(&message) {
            self.refused.push(message);
        }
        if self.refused.len() < self.refusals {
            return Weight::Message;
        }
        self.open(now);
        Weight::Endpoint
    }

    /// The endpoint cannot be reached at all.
    pub(crate) fn unreachable(&mut self, now: Instant) {
        self.open(now);
    }

    /// Whether messages are kept back.
    pub(crate) fn is_open(&self) -> bool {
        self.state != State::Closed
    }

    fn open(&mut self, now: Instant) {
        let pause = match self.state {
            State::Closed => self.first,
            State::Probing { pause } => (pause * 2).min(self.longest),
            // A message sent before the pause began came back: it says nothing new.
            State::Open { .. } => return,
        };
        self.state = State::Open {
            until: now + pause,
            pause,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::test_limits;

    #[test]
    fn one_poisoned_message_never_pauses_an_endpoint() {
        let now = Instant::now();
        let mut breaker = Breaker::new(&test_limits());
        for _ in 0..1_000 {
            assert_eq!(breaker.refused(7, now), Weight::Message);
        }
        assert_eq!(breaker.ask(now), Leave::Go);
    }

    #[test]
    fn refusing_everything_pauses_the_endpoint_and_costs_the_rest_nothing() {
        let now = Instant::now();
        let limits = test_limits();
        let mut breaker = Breaker::new(&limits);
        let weights: Vec<Weight> = (0..5).map(|message| breaker.refused(message, now)).collect();
        let counted = weights
            .iter()
            .filter(|weight| **weight == Weight::Message)
            .count();
        assert_eq!(counted, limits.breaker_refusals - 1);
        assert_eq!(breaker.ask(now), Leave::NotBefore(now + limits.retry_first));
    }

    #[test]
    fn one_probe_at_a_time_and_each_failure_doubles_the_pause() {
        let now = Instant::now();
        let limits = test_limits();
        let mut breaker = Breaker::new(&limits);
        breaker.unreachable(now);
        let later = now + limits.retry_first;
        assert_eq!(breaker.ask(later), Leave::Go);
        assert_eq!(breaker.ask(later), Leave::AfterProbe);
        breaker.unreachable(later);
        assert_eq!(
            breaker.ask(later),
            Leave::NotBefore(later + limits.retry_first * 2)
        );
        let back = later + limits.retry_first * 2;
        assert_eq!(breaker.ask(back), Leave::Go);
        breaker.taken();
        assert_eq!(breaker.ask(back), Leave::Go);
        assert!(!breaker.is_open());
    }

    #[test]
    fn one_taken_message_clears_the_count() {
        let now = Instant::now();
        let mut breaker = Breaker::new(&test_limits());
        for message in 0..100 {
            assert_eq!(breaker.refused(message, now), Weight::Message);
            breaker.taken();
        }
    }
}
