//! Chance without chance: numbers that follow from a seed and a name, the same on every machine.
//!
//! Not for secrets. A person is a pure function of (seed, index), so people can be made in any order and none need be kept.

/// A stream of numbers for one purpose.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The stream of that purpose and number under a seed.
    pub(crate) fn new(seed: u64, purpose: &str, number: u64) -> Self {
        let mut state = 0xcbf2_9ce4_8422_2325 ^ mix(seed);
        for byte in purpose.bytes() {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Self(mix(state ^ mix(number.wrapping_add(0x9e37_79b9_7f4a_7c15))))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `bound`; 0 when the bound is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }

    /// The same as an `i64`, for dates.
    pub(crate) fn days(&mut self, bound: u64) -> i64 {
        i64::try_from(self.below(bound)).unwrap_or(0)
    }

    /// Whether something with that many chances in ten thousand happens.
    pub(crate) fn happens(&mut self, per_10_000: u32) -> bool {
        self.below(10_000) < u64::from(per_10_000)
    }

    pub(crate) fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        let at = self.below(choices.len() as u64);
        choices[usize::try_from(at).unwrap_or(0)]
    }

    /// The place a draw falls in a table of weights.
    pub(crate) fn weighted(&mut self, weights: &[u32]) -> usize {
        let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        let mut drawn = self.below(total);
        for (at, weight) in weights.iter().enumerate() {
            if drawn < u64::from(*weight) {
                return at;
            }
            drawn -= u64::from(*weight);
        }
        weights.len().saturating_sub(1)
    }
}

/// The finaliser of SplitMix64: a bijection on 64 bits.
fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
