//! Reading through the overlay: what stands at a place now.

use std::borrow::Cow;

use super::leaf::{Position, Value, nth_leaf, split_leaves};
use super::{Edit, Place, SegmentRef, Spot};
use crate::{Presence, escape};

const NULL: &[u8] = b"\"\"";

impl<'m> Edit<'m> {
    /// The first leaf at that place as text: decoded and unescaped; absent, empty and null all read as "".
    #[inline]
    pub fn text(&self, at: impl Place) -> Cow<'m, str> {
        match at.resolve(self) {
            Some(spot) => self.text_of(spot),
            None => Cow::Borrowed(""),
        }
    }

    /// Whether the first leaf at that place says exactly this: `edit.says(at, "NH")` looks without decoding.
    #[inline]
    pub fn says(&self, at: impl Place, text: &str) -> bool {
        let Some(spot) = at.resolve(self) else {
            return text.is_empty();
        };
        match self.leaf(spot) {
            Leaf::None => text.is_empty(),
            Leaf::Raw(raw) => self.raw_says(raw, text),
            Leaf::Text(said) => said == text,
        }
    }

    /// What stands in the first leaf at that place.
    pub fn presence(&self, at: impl Place) -> Presence {
        let Some(spot) = at.resolve(self) else {
            return Presence::Absent;
        };
        match self.leaf(spot) {
            Leaf::Raw(NULL) => Presence::Null,
            Leaf::Raw(_) | Leaf::Text(_) => Presence::Valued,
            Leaf::None if self.field_count(spot.segment) < spot.field => Presence::Absent,
            Leaf::None => Presence::Empty,
        }
    }

    /// Whether the first leaf at that place holds a value (not empty, not null).
    #[inline]
    pub fn is_valued(&self, at: impl Place) -> bool {
        let Some(spot) = at.resolve(self) else {
            return false;
        };
        !matches!(self.leaf(spot), Leaf::None | Leaf::Raw(NULL))
    }

    /// Whether anything at all, null included, stands at or below that place.
    #[inline]
    pub fn is_present(&self, at: impl Place) -> bool {
        let Some(spot) = at.resolve(self) else {
            return false;
        };
        let state = self.state(spot.segment);
        if let Some(touched) = state.touched(spot.field) {
            return touched
                .of_repetition(spot.repetition)
                .iter()
                .any(|leaf| leaf.at.is_under(&spot));
        }
        let raw = self.raw_field(spot.segment, spot.field);
        if raw.is_empty() {
            return false;
        }
        let mut leaves = split_leaves(raw, &self.source.delimiters);
        leaves.any(|(at, _)| at.is_under(&spot))
    }

    /// The number of the last repetition of the field that holds anything; 0 when none does.
    pub fn repetitions(&self, at: impl Place) -> u16 {
        let Some(spot) = at.resolve(self) else { return 0 };
        if let Some(touched) = self.state(spot.segment).touched(spot.field) {
            return touched.leaves.last().map_or(0, |leaf| leaf.at.repetition);
        }
        let raw = self.raw_field(spot.segment, spot.field);
        if raw.is_empty() {
            return 0;
        }
        if !raw.contains(&self.source.delimiters.repetition) {
            return u16::from(raw.iter().any(|byte| !self.source.delimiters.divides(*byte)));
        }
        split_leaves(raw, &self.source.delimiters)
            .last()
            .map_or(0, |(at, _)| at.repetition)
    }

    /// The number of the last component that holds anything in that repetition; 0 when none does.
    pub fn components(&self, at: impl Place) -> u16 {
        let Some(spot) = at.resolve(self) else { return 0 };
        let repetition = spot.repetition.max(1);
        if let Some(touched) = self.state(spot.segment).touched(spot.field) {
            return touched
                .of_repetition(repetition)
                .last()
                .map_or(0, |leaf| leaf.at.component);
        }
        let leaves = split_leaves(self.raw_field(spot.segment, spot.field), &self.source.delimiters);
        let until = leaves.take_while(|(at, _)| at.repetition <= repetition);
        until
            .filter(|(at, _)| at.repetition == repetition)
            .last()
            .map_or(0, |(at, _)| at.component)
    }

    fn text_of(&self, spot: Spot) -> Cow<'m, str> {
        let state = self.state(spot.segment);
        let at = Position::first_under(&spot);
        let raw = match state.touched(spot.field) {
            Some(touched) => match touched.get(at).map(|leaf| &leaf.value) {
                None => return Cow::Borrowed(""),
                Some(Value::Text(text)) => return text.clone(),
                Some(Value::Raw(raw)) => *raw,
            },
            None => nth_leaf(
                self.raw_field(spot.segment, spot.field),
                at,
                &self.source.delimiters,
            ),
        };
        self.decoded(raw)
    }

    /// Received bytes as text; the short plain ones, which are most, without a detour.
    pub(super) fn decoded(&self, raw: &'m [u8]) -> Cow<'m, str> {
        if raw.is_empty() || raw == NULL {
            return Cow::Borrowed("");
        }
        if is_plain(raw, self.source.delimiters.escape)
            && let Ok(text) = std::str::from_utf8(raw)
        {
            return Cow::Borrowed(text);
        }
        escape::unescape(raw, &self.source)
    }

    pub(super) fn raw_says(&self, raw: &[u8], text: &str) -> bool {
        if raw == NULL {
            return text.is_empty();
        }
        if is_plain(raw, self.source.delimiters.escape) {
            return raw == text.as_bytes();
        }
        escape::unescape(raw, &self.source) == text
    }

    fn leaf(&self, spot: Spot) -> Leaf<'_> {
        let state = self.state(spot.segment);
        let at = Position::first_under(&spot);
        if let Some(touched) = state.touched(spot.field) {
            return match touched.get(at).map(|leaf| &leaf.value) {
                None => Leaf::None,
                Some(Value::Raw(raw)) => Leaf::Raw(raw),
                Some(Value::Text(text)) => Leaf::Text(text),
            };
        }
        match nth_leaf(
            self.raw_field(spot.segment, spot.field),
            at,
            &self.source.delimiters,
        ) {
            b"" => Leaf::None,
            raw => Leaf::Raw(raw),
        }
    }

    /// The bytes of a field as received; none when the segment was added or the field is beyond its end.
    #[inline]
    pub(super) fn raw_field(&self, segment: SegmentRef, number: u16) -> &'m [u8] {
        self.state(segment).raw_field(self.message.bytes(), number)
    }
}

/// A leaf as a look sees it.
enum Leaf<'e> {
    None,
    Raw(&'e [u8]),
    Text(&'e str),
}

/// ASCII without an escape: the bytes are the text.
fn is_plain(raw: &[u8], escape: Option<u8>) -> bool {
    raw.iter().all(|&byte| byte.is_ascii() && Some(byte) != escape)
}
