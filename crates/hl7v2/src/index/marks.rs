//! What a scan leaves behind: where the field separators stand, and where lines end.

use super::{JUNK_LINES_MAX, MESSAGE_FIELDS_MAX, SEGMENTS_MAX};

/// More lines than a message can have without breaking a limit.
const LINES_MAX: usize = SEGMENTS_MAX + JUNK_LINES_MAX + 1;

/// Separators kept allocated between messages (1 MiB); a larger buffer is given back.
pub(super) const SEPARATORS_KEPT_MAX: usize = 1 << 18;
/// Lines, and so segments, kept allocated between messages.
pub(super) const LINES_KEPT_MAX: usize = 1 << 14;

/// Offsets in the order of the message; buffers are kept from one message to the next.
#[derive(Clone, Default)]
pub(super) struct Marks {
    /// Offsets of field separators; beyond `used` stand leftovers.
    separators: Vec<u32>,
    pub(super) used: usize,
    pub(super) lines: Vec<LineMark>,
}

/// The end of a line that is not blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LineMark {
    /// Offset of its terminator.
    pub(super) end: u32,
    /// Separators up to here, all lines together.
    pub(super) separators: u32,
}

impl Marks {
    pub(super) fn clear(&mut self) {
        self.used = 0;
        self.lines.clear();
        if self.separators.len() > SEPARATORS_KEPT_MAX {
            self.separators = Vec::new();
        }
        if self.lines.capacity() > LINES_KEPT_MAX {
            self.lines = Vec::new();
        }
    }

    /// The separators noted so far.
    #[inline]
    pub(super) fn separators(&self) -> &[u32] {
        self.separators.get(..self.used).unwrap_or_default()
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.separators.capacity()
    }

    /// Notes one separator.
    #[inline]
    pub(super) fn separator(&mut self, at: u32) {
        if self.used == self.separators.len() {
            self.grow();
        }
        if let Some(slot) = self.separators.get_mut(self.used) {
            *slot = at;
            self.used += 1;
        }
    }

    /// Notes the end of a line.
    #[inline]
    pub(super) fn line_end(&mut self, end: u32, separators: u32) {
        self.lines.push(LineMark { end, separators });
    }

    /// Whether a limit is broken already with this many separators, so that scanning on would only cost memory.
    #[inline]
    pub(super) fn is_full(&self, used: usize) -> bool {
        used > MESSAGE_FIELDS_MAX || self.lines.len() > LINES_MAX
    }

    /// Room for so many more after the first `used`; the scan sets [`Marks::used`] when it is done.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) fn free<const N: usize>(&mut self, used: usize) -> &mut [u32; N] {
        if self.separators.len() - used < N {
            self.grow();
        }
        self.separators
            .get_mut(used..)
            .and_then(<[u32]>::first_chunk_mut)
            .expect("grow adds more than N")
    }

    #[cold]
    fn grow(&mut self) {
        let length = self.separators.len() * 2;
        self.separators.resize(length.max(256), 0);
    }
}
