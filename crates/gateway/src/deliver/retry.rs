//! Retry: how long a message waits before it is sent again.
//!
//! Doubling from the first pause to the longest, with a jitter of up to half taken off, so that the
//! many messages one outage stopped do not come back in step. The jitter is derived from the message,
//! not drawn: the same history waits the same time.

use std::time::Duration;

use crate::config::DeliveryLimits;

/// The pause after the `attempt`th failed attempt (from 1).
pub(crate) fn pause(limits: &DeliveryLimits, attempt: u32, seed: u64) -> Duration {
    let doubled = limits
        .retry_first
        .saturating_mul(1_u32 << attempt.saturating_sub(1).min(20));
    let longest = doubled.min(limits.retry_longest);
    let mixed = (seed ^ u64::from(attempt)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let off = u32::try_from(mixed >> 48).unwrap_or_default();
    longest - longest * off / (2 * 0x1_0000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::test_limits;

    #[test]
    fn pauses_grow_to_the_longest_and_no_further() {
        let limits = test_limits();
        for seed in [0, 1, 99, u64::MAX] {
            for attempt in 1..200 {
                let pause = pause(&limits, attempt, seed);
                let full = limits
                    .retry_first
                    .saturating_mul(1 << (attempt - 1).min(20))
                    .min(limits.retry_longest);
                assert!(
                    pause <= full && pause >= full / 2,
                    "attempt {attempt}: {pause:?} of {full:?}"
                );
            }
        }
    }

    #[test]
    fn two_messages_do_not_come_back_in_step() {
        let limits = test_limits();
        assert_ne!(pause(&limits, 8, 1), pause(&limits, 8, 2));
    }
}
