//! Changing through the overlay: values set, moved, copied and dropped, each with its line in the log.

use std::borrow::Cow;

use super::leaf::{Leaf, Mark, Position, Source, Touched, Value, split_leaves};
use super::{Change, Edit, Place, SegmentRef, Spot, is_header};

impl<'m> Edit<'m> {
    /// Puts a text at a place (its first leaf). Writing what already stands there changes nothing.
    ///
    /// Says whether anything changed.
    pub fn set(&mut self, at: impl Place, text: impl Into<Cow<'m, str>>, change: Change) -> bool {
        self.set_noted(at, text, change, "")
    }

    /// [`Edit::set`] with a note for the trace.
    pub fn set_noted(
        &mut self,
        at: impl Place,
        text: impl Into<Cow<'m, str>>,
        change: Change,
        note: &'static str,
    ) -> bool {
        let Some(spot) = at.resolve(self) else {
            return false;
        };
        let text = text.into();
        if text.is_empty() {
            let reason = if note.is_empty() {
                "nothing of it is said here"
            } else {
                note
            };
            return self.drop(spot.leaf(), reason);
        }
        if self.says(spot, &text) {
            return false;
        }
        let mark = self.mark(change, note);
        self.touch(spot)
            .put(Position::first_under(&spot), Value::Text(text), mark);
        true
    }

    /// Writes a null (`""`, "delete it") at a place.
    pub fn set_null(&mut self, at: impl Place, change: Change) -> bool {
        let Some(spot) = at.resolve(self) else {
            return false;
        };
        let mark = self.mark(change, "");
        self.touch(spot)
            .put(Position::first_under(&spot), Value::Raw(b"\"\""), mark);
        true
    }

    /// Leaves a value as it is and adds a note to its line in the trace.
    pub fn note(&mut self, at: impl Place, note: &'static str) {
        self.remark(at, Change::None, note);
    }

    /// Leaves a text as it is, but says that what it means was changed around it.
    pub fn remark(&mut self, at: impl Place, change: Change, note: &'static str) {
        if self.log.is_none() {
            return;
        }
        let Some(spot) = at.resolve(self) else { return };
        let (rule, first) = (self.rule, Position::first_under(&spot));
        let Some(mark) = self.touch(spot).get(first).map(|leaf| leaf.mark) else {
            return;
        };
        let mark = self
            .log
            .as_mut()
            .map_or(Mark::NONE, |log| log.noted(mark, rule, change, note));
        if let Some(leaf) = self.touch(spot).get_mut(first) {
            leaf.mark = mark;
        }
    }

    /// Moves everything at or below one place to another, keeping its shape.
    ///
    /// What stood at the target is dropped, and the trace says so: look first. Says whether anything moved.
    pub fn move_to(&mut self, from: impl Place, to: impl Place) -> bool {
        let (Some(from), Some(to)) = (from.resolve(self), to.resolve(self)) else {
            return false;
        };
        if from == to || !self.is_present(from) {
            return false;
        }
        let mark = self.mark(Change::None, "");
        let same_field = from.segment == to.segment && from.field == to.field;
        if same_field && !widens(&from, &to) && !overlap(&from, &to) {
            let touched = self.touch(from);
            if touched
                .of_repetition(to.repetition)
                .iter()
                .any(|leaf| leaf.at.is_under(&to))
            {
                self.drop(to, "another value was moved to its place");
            }
            self.touch(from).shift(&from, &to, mark);
            return true;
        }
        let mut moving = std::mem::take(&mut self.moving);
        self.touch(from).take(&from, &mut moving);
        self.drop(to, "another value was moved to its place");
        for mut leaf in moving.drain(..) {
            leaf.at = leaf.at.rebased(&from, &to);
            leaf.mark = leaf.mark.or(mark);
            // A whole field into one repetition: what no longer fits is said to be dropped.
            if let Some(displaced) = self.touch(to).insert(leaf) {
                self.log_dropped(&displaced, "several values were moved to one place");
            }
        }
        self.moving = moving;
        true
    }

    /// Exchanges what stands at or below two places of one field.
    ///
    /// Says whether anything moved; places of different fields, or one inside the other, do not.
    pub fn swap(&mut self, left: Spot, right: Spot) -> bool {
        let same_level = (left.repetition == 0) == (right.repetition == 0)
            && (left.component == 0) == (right.component == 0)
            && (left.subcomponent == 0) == (right.subcomponent == 0);
        let same_field = left.segment == right.segment && left.field == right.field;
        if !same_level || !same_field || left == right {
            return false;
        }
        if !self.is_present(left) && !self.is_present(right) {
            return false;
        }
        let mark = self.mark(Change::None, "");
        self.touch(left).swap(&left, &right, mark);
        true
    }

    /// Copies everything at or below one place to another; the original stays and keeps its line in the trace.
    pub fn copy_to(&mut self, from: impl Place, to: impl Place) -> bool {
        let (Some(from), Some(to)) = (from.resolve(self), to.resolve(self)) else {
            return false;
        };
        if from == to || !self.is_present(from) {
            return false;
        }
        let mark = self.mark(Change::Transformed, "");
        let copies: Vec<Leaf<'m>> = self.touch(from).copies(&from, mark);
        self.drop(to, "another value was copied to its place");
        let target = self.touch(to);
        for mut leaf in copies {
            leaf.at = leaf.at.rebased(&from, &to);
            target.insert(leaf);
        }
        true
    }

    /// Drops everything at or below a place, for this reason. Says whether there was anything.
    pub fn drop(&mut self, at: impl Place, reason: &'static str) -> bool {
        let Some(spot) = at.resolve(self) else {
            return false;
        };
        if !self.is_present(spot) {
            return false;
        }
        if self.log.is_none() {
            self.touch(spot).leaves.retain(|leaf| !leaf.at.is_under(&spot));
            return true;
        }
        let mut dropped = Vec::new();
        self.touch(spot).take(&spot, &mut dropped);
        for leaf in &dropped {
            self.log_dropped(leaf, reason);
        }
        true
    }

    fn log_dropped(&mut self, leaf: &Leaf<'m>, reason: &'static str) {
        let rule = self.rule;
        if let (Some(log), Source::Own(origin)) = (&mut self.log, leaf.source) {
            log.dropped.push((origin, rule, reason));
        }
    }

    /// Takes a field apart ahead of many looks at its repetitions; what it says stays the same.
    pub fn take_apart(&mut self, at: impl Place) {
        if let Some(spot) = at.resolve(self) {
            self.touch(spot);
        }
    }

    /// Renumbers the repetitions of a field so that none between the first and the last is empty.
    pub fn close_gaps(&mut self, at: impl Place) {
        let Some(spot) = at.resolve(self) else { return };
        let count = self.repetitions(spot);
        if (1..count).any(|number| !self.is_present(spot.repetition(number))) {
            let mark = self.mark(Change::None, "");
            self.touch(spot).close_gaps(mark);
        }
    }

    /// Reorders the repetitions of a field by a rank, equal ranks staying as they are; gaps close.
    pub fn sort_repetitions<K: Ord>(&mut self, at: impl Place, rank: impl Fn(&Self, Spot) -> K) {
        let Some(spot) = at.resolve(self) else { return };
        let count = self.repetitions(spot);
        if count < 2 {
            return;
        }
        let mut order: Vec<(K, u16)> = (1..=count)
            .map(|number| (rank(self, spot.repetition(number)), number))
            .collect();
        if order.is_sorted_by(|left, right| left.0 <= right.0) {
            return;
        }
        order.sort_by(|left, right| left.0.cmp(&right.0).then(left.1.cmp(&right.1)));
        let mut places = vec![0; usize::from(count) + 1];
        for (place, (_, number)) in (1..).zip(&order) {
            places[usize::from(*number)] = place;
        }
        let mark = self.mark(Change::None, "");
        let touched = self.touch(spot);
        touched.renumber(|number| places[usize::from(number)], mark);
        touched.leaves.sort_by_key(|leaf| leaf.at);
        touched.close_gaps(mark);
    }

    /// Rewrites the texts of a segment: `rewrite` gets each valued leaf and may give its new text and a note.
    ///
    /// Cheap for what it leaves alone: `concerns` sees the bytes first and says whether to look at all.
    pub fn rewrite(
        &mut self,
        segment: SegmentRef,
        concerns: impl Fn(&[u8]) -> bool,
        mut rewrite: impl FnMut(Spot, &str) -> Option<(String, &'static str)>,
    ) {
        let first = if is_header(self.id(segment)) { 3 } else { 1 };
        for number in first..=self.field_count(segment) {
            self.rewrite_field(segment.field(number), &concerns, &mut rewrite);
        }
    }

    /// [`Edit::rewrite`] for one field.
    pub fn rewrite_field(
        &mut self,
        field: Spot,
        concerns: impl Fn(&[u8]) -> bool,
        mut rewrite: impl FnMut(Spot, &str) -> Option<(String, &'static str)>,
    ) {
        let touched = self.state(field.segment).touched(field.field);
        let raw = self.raw_field(field.segment, field.field);
        if touched.is_none() && !concerns(raw) {
            return;
        }
        // First the reading, then the writing: a field of many leaves is walked once.
        let mut rewritten: Vec<(Spot, String, &'static str)> = Vec::new();
        let mut visit = |at: Position, text: &str| {
            if !text.is_empty() {
                let spot = field
                    .repetition(at.repetition)
                    .component(at.component)
                    .subcomponent(at.subcomponent);
                rewritten.extend(rewrite(spot, text).map(|(text, note)| (spot, text, note)));
            }
        };
        match touched {
            Some(touched) => touched.leaves.iter().for_each(|leaf| match &leaf.value {
                Value::Raw(raw) => visit(leaf.at, &self.decoded(raw)),
                Value::Text(text) => visit(leaf.at, text),
            }),
            None => {
                let leaves = split_leaves(raw, &self.source.delimiters);
                leaves.for_each(|(at, raw)| visit(at, &self.decoded(raw)));
            }
        }
        for (spot, text, note) in rewritten {
            self.set_noted(spot, text, Change::Transformed, note);
        }
    }

    #[inline]
    fn mark(&mut self, change: Change, note: &'static str) -> Mark {
        let rule = self.rule;
        self.log
            .as_mut()
            .map_or(Mark::NONE, |log| log.mark(rule, change, note))
    }

    /// The field taken apart, so that its leaves can change.
    fn touch(&mut self, spot: Spot) -> &mut Touched<'m> {
        let (delimiters, bytes) = (self.source.delimiters, self.message.bytes());
        self.states[spot.segment.0 as usize].touch(bytes, spot.segment.0, spot.field, &delimiters)
    }
}

/// Whether one place holds the other.
fn overlap(left: &Spot, right: &Spot) -> bool {
    let meet = |left: u16, right: u16| left == 0 || right == 0 || left == right;
    meet(left.repetition, right.repetition)
        && meet(left.component, right.component)
        && meet(left.subcomponent, right.subcomponent)
}

/// Whether several values at `from` would fall together at `to`, because that names a level which `from` leaves open.
fn widens(from: &Spot, to: &Spot) -> bool {
    (from.repetition == 0 && to.repetition != 0)
        || (from.component == 0 && to.component != 0)
        || (from.subcomponent == 0 && to.subcomponent != 0)
}
