//! The overlay editor: a message seen through changes, written in one pass.
//!
//! Nothing is copied until it changes. A rule reads through [`Edit`] and sees what earlier rules did; a field that a
//! rule touches is taken apart into its leaves, every other field goes from the received bytes to the output as it
//! stands. With [`Edit::traced`] each leaf remembers where it came from, and [`Edit::trace`] accounts for every one.
//!
//! Refuses nothing: a place that is not there reads as absent, and a change to it says `false`.
//! Dialects (in `translate`) are the caller; [`crate::Message`] below is only read.

mod leaf;
mod place;
mod recode;
mod trace;
mod write;

use std::borrow::Cow;

use self::leaf::{Leaf, Mark, Position, Source, State, Touched, Value, split_leaves};
pub use self::place::{Place, SegmentRef, Spot};
use self::trace::Log;
pub use self::trace::{Added, Change, Fate, Trace, TraceLine};
use crate::{Encoding, Message, Presence, SegmentId};

/// A message and the changes made to it.
///
/// # Example
/// ```
/// use hl7v2::{Message, edit::{Change, Edit}};
/// let message = Message::parse(b"MSH|^~\\&|A|B\rPID|||1||DOE^JANE||19700101|1").unwrap();
/// let mut edit = Edit::new(&message);
/// let pid = edit.first("PID").unwrap();
/// edit.set(pid.field(8), "M", Change::Transformed);
/// let mut out = Vec::new();
/// edit.finish(&mut out);
/// assert_eq!(out, b"MSH|^~\\&|A|B\rPID|||1||DOE^JANE||19700101|M\r");
/// ```
pub struct Edit<'m> {
    message: &'m Message<'m>,
    /// Every segment that is or was, received ones first; a [`SegmentRef`] is an index here and stays valid.
    states: Vec<State<'m>>,
    /// The living segments in output order.
    order: Vec<u32>,
    source: Encoding,
    output: Encoding,
    rule: &'static str,
    log: Option<Log>,
}

impl<'m> Edit<'m> {
    /// An overlay that keeps no trace.
    pub fn new(message: &'m Message<'m>) -> Self {
        let states: Vec<State<'m>> = message.segments().map(State::received).collect();
        let order = (0..states.len() as u32).collect();
        let source = message.encoding();
        Self {
            message,
            states,
            order,
            source,
            output: source,
            rule: "",
            log: None,
        }
    }

    /// An overlay that can account for every leaf afterwards.
    pub fn traced(message: &'m Message<'m>) -> Self {
        let mut edit = Self::new(message);
        edit.log = Some(Log::default());
        edit
    }

    /// The message as received.
    pub fn message(&self) -> &'m Message<'m> {
        self.message
    }

    /// Names the rule that makes the changes from here on.
    pub fn rule(&mut self, name: &'static str) {
        self.rule = name;
    }

    /// Writes with these delimiters and this character set instead of the received ones.
    pub fn encode_as(&mut self, encoding: Encoding) {
        self.output = encoding;
    }

    /// What [`Edit::finish`] will write in.
    pub fn encoding(&self) -> Encoding {
        self.output
    }
}

/// Segments.
impl<'m> Edit<'m> {
    /// The living segments, in output order.
    pub fn segments(&self) -> impl Iterator<Item = SegmentRef> + '_ {
        self.order.iter().map(|&state| SegmentRef(state))
    }

    /// How many segments there are now: with [`Edit::segment_at`] a loop that may change things on its way.
    pub fn segment_count(&self) -> usize {
        self.order.len()
    }

    /// The segment at a place in output order, counted from 0 as segments of a message are.
    pub fn segment_at(&self, ordinal: usize) -> Option<SegmentRef> {
        self.order.get(ordinal).map(|&state| SegmentRef(state))
    }

    /// The name of a segment.
    pub fn id(&self, segment: SegmentRef) -> SegmentId {
        self.state(segment).id
    }

    /// The first segment of that name.
    pub fn first(&self, id: &str) -> Option<SegmentRef> {
        self.segments().find(|&segment| self.id(segment) == id)
    }

    /// The segments of that name, in output order.
    pub fn named<'e>(&'e self, id: &'e str) -> impl Iterator<Item = SegmentRef> + 'e {
        self.segments().filter(move |&segment| self.id(segment) == id)
    }

    /// How many segments bear that name.
    pub fn occurrences(&self, id: &str) -> u16 {
        self.named(id).count().min(usize::from(u16::MAX)) as u16
    }

    /// The segment a place such as `OBX[3]` names, counting occurrences as they stand now.
    pub fn occurrence(&self, id: &str, occurrence: u16) -> Option<SegmentRef> {
        self.named(id).nth(usize::from(occurrence.max(1)) - 1)
    }

    /// The highest field number that may hold something.
    pub fn field_count(&self, segment: SegmentRef) -> u16 {
        self.state(segment).field_count()
    }

    /// Puts a new, empty segment after another (or at the very end).
    pub fn insert_segment(&mut self, id: SegmentId, after: Option<SegmentRef>) -> SegmentRef {
        let new = self.states.len() as u32;
        self.states.push(State::added(id));
        let place = after.and_then(|anchor| self.order.iter().position(|&state| state == anchor.0));
        match place {
            Some(place) => self.order.insert(place + 1, new),
            None => self.order.push(new),
        }
        SegmentRef(new)
    }

    /// Moves a segment to stand after another.
    pub fn move_segment(&mut self, segment: SegmentRef, after: SegmentRef) {
        if segment == after {
            return;
        }
        self.order.retain(|&state| state != segment.0);
        let place = self.order.iter().position(|&state| state == after.0);
        self.order
            .insert(place.map_or(self.order.len(), |place| place + 1), segment.0);
    }

    /// Gives a segment another name; what it holds is kept.
    pub fn rename_segment(&mut self, segment: SegmentRef, id: SegmentId) {
        self.state_mut(segment).id = id;
    }

    /// Takes a segment out; everything in it counts as dropped for this reason.
    pub fn remove_segment(&mut self, segment: SegmentRef, reason: &'static str) {
        if self.log.is_some() {
            for field in 1..=self.field_count(segment) {
                self.drop(segment.field(field), reason);
            }
        }
        self.order.retain(|&state| state != segment.0);
    }

    /// Whether nothing in the segment holds anything.
    pub fn is_empty(&self, segment: SegmentRef) -> bool {
        (1..=self.field_count(segment)).all(|field| !self.is_present(segment.field(field)))
    }

    fn state(&self, segment: SegmentRef) -> &State<'m> {
        &self.states[segment.0 as usize]
    }

    fn state_mut(&mut self, segment: SegmentRef) -> &mut State<'m> {
        &mut self.states[segment.0 as usize]
    }
}

/// Reading, with the changes so far seen.
impl<'m> Edit<'m> {
    /// The bytes of one leaf in the received encoding, when it still stands in it.
    fn leaf(&self, spot: Spot) -> Option<Value<'m>> {
        let state = self.state(spot.segment);
        let at = Position::first_under(&spot);
        if let Some(touched) = state.touched(spot.field) {
            return touched.get(at).map(|leaf| leaf.value.clone());
        }
        let raw = leaf::nth_leaf(state.raw_field(spot.field), at, &self.source.delimiters);
        (!raw.is_empty()).then_some(Value::Raw(raw))
    }

    /// The first leaf at that place as text: decoded and unescaped; absent, empty and null all read as "".
    pub fn text(&self, at: impl Place) -> Cow<'m, str> {
        let Some(spot) = at.resolve(self) else {
            return Cow::Borrowed("");
        };
        match self.leaf(spot) {
            None => Cow::Borrowed(""),
            Some(Value::Raw(b"\"\"")) => Cow::Borrowed(""),
            Some(Value::Raw(raw)) => crate::escape::unescape(raw, &self.source),
            Some(Value::Text(text)) => text,
        }
    }

    /// What stands in the first leaf at that place.
    pub fn presence(&self, at: impl Place) -> Presence {
        let Some(spot) = at.resolve(self) else {
            return Presence::Absent;
        };
        match self.leaf(spot) {
            Some(Value::Raw(b"\"\"")) => Presence::Null,
            Some(_) => Presence::Valued,
            None if self.field_count(spot.segment) < spot.field => Presence::Absent,
            None => Presence::Empty,
        }
    }

    /// Whether the first leaf at that place holds a value (not empty, not null).
    pub fn is_valued(&self, at: impl Place) -> bool {
        self.presence(at) == Presence::Valued
    }

    /// Whether anything at all, null included, stands at or below that place.
    pub fn is_present(&self, at: impl Place) -> bool {
        let Some(spot) = at.resolve(self) else {
            return false;
        };
        let state = self.state(spot.segment);
        if let Some(touched) = state.touched(spot.field) {
            return touched.leaves.iter().any(|leaf| leaf.at.is_under(&spot));
        }
        let raw = state.raw_field(spot.field);
        if raw.is_empty() {
            return false;
        }
        split_leaves(raw, &self.source.delimiters).any(|(at, _)| at.is_under(&spot))
    }

    /// The number of the last repetition of the field that holds anything; 0 when none does.
    pub fn repetitions(&self, at: impl Place) -> u16 {
        self.last(at, |_| true, |at| at.repetition)
    }

    /// The number of the last component that holds anything in that repetition; 0 when none does.
    pub fn components(&self, at: impl Place) -> u16 {
        let repetition = at.resolve(self).map_or(1, |spot| spot.repetition.max(1));
        self.last(at, |at| at.repetition == repetition, |at| at.component)
    }

    fn last(&self, at: impl Place, keep: impl Fn(Position) -> bool, number: impl Fn(Position) -> u16) -> u16 {
        let Some(spot) = at.resolve(self) else { return 0 };
        let state = self.state(spot.segment);
        if let Some(touched) = state.touched(spot.field) {
            return touched
                .leaves
                .iter()
                .map(|leaf| leaf.at)
                .filter(|&at| keep(at))
                .map(number)
                .max()
                .unwrap_or(0);
        }
        let raw = state.raw_field(spot.field);
        if raw.is_empty() {
            return 0;
        }
        let leaves = split_leaves(raw, &self.source.delimiters);
        leaves
            .map(|(at, _)| at)
            .filter(|&at| keep(at))
            .map(number)
            .max()
            .unwrap_or(0)
    }
}

/// Changing.
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
            return self.drop(spot.leaf(), note);
        }
        if self.is_valued(spot) && self.text(spot) == text {
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
        let mut moving = self.touch(from).take(&from);
        self.drop(to, "another value was moved to its place");
        let mark = self.mark(Change::None, "");
        for leaf in &mut moving {
            leaf.at = leaf.at.rebased(&from, &to);
            leaf.mark = leaf.mark.or(mark);
        }
        let target = self.touch(to);
        // A whole field into one repetition: what no longer fits is said to be dropped.
        let displaced: Vec<Leaf<'m>> = moving
            .into_iter()
            .filter_map(|leaf| target.insert(leaf))
            .collect();
        self.log_dropped(&displaced, "several values were moved to one place");
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
        let dropped = self.touch(spot).take(&spot);
        self.log_dropped(&dropped, reason);
        true
    }

    fn log_dropped(&mut self, leaves: &[Leaf<'m>], reason: &'static str) {
        let rule = self.rule;
        if let Some(log) = &mut self.log {
            log.dropped
                .extend(leaves.iter().filter_map(|leaf| match leaf.source {
                    Source::Own(origin) => Some((origin, rule, reason)),
                    Source::Copy(_) | Source::New => None,
                }));
        }
    }
    /// Renumbers the repetitions of a field so that none between the first and the last is empty.
    pub fn close_gaps(&mut self, at: impl Place) {
        let Some(spot) = at.resolve(self) else { return };
        if self.repetitions(spot) > 1 || !self.is_present(spot.repetition(1)) {
            let mark = self.mark(Change::None, "");
            self.touch(spot).close_gaps(mark);
        }
    }

    /// Reorders the repetitions of a field by a rank, equal ranks staying as they are; gaps close.
    pub fn sort_repetitions<K: Ord>(&mut self, at: impl Place, rank: impl Fn(&Self, Spot) -> K) {
        let Some(spot) = at.resolve(self) else { return };
        let count = self.repetitions(spot);
        let mut order: Vec<(K, u16)> = (1..=count)
            .map(|number| (rank(self, spot.repetition(number)), number))
            .collect();
        if order.is_sorted_by(|left, right| left.0 <= right.0) {
            return;
        }
        order.sort_by(|left, right| left.0.cmp(&right.0).then(left.1.cmp(&right.1)));
        let mark = self.mark(Change::None, "");
        let touched = self.touch(spot);
        let place = |number: u16| order.iter().position(|(_, ordered)| *ordered == number);
        touched.renumber(
            |number| place(number).map_or(count, |place| place as u16 + 1),
            mark,
        );
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
        for number in 1..=self.field_count(segment) {
            let field = segment.field(number);
            let state = self.state(segment);
            if state.touched(number).is_none() && !concerns(state.raw_field(number)) {
                continue;
            }
            if number <= 2 && is_header(state.id) {
                continue;
            }
            let places: Vec<Position> = match state.touched(number) {
                Some(touched) => touched.leaves.iter().map(|leaf| leaf.at).collect(),
                None => split_leaves(state.raw_field(number), &self.source.delimiters)
                    .map(|(at, _)| at)
                    .collect(),
            };
            for at in places {
                let spot = field
                    .repetition(at.repetition)
                    .component(at.component)
                    .subcomponent(at.subcomponent);
                if !self.is_valued(spot) {
                    continue;
                }
                if let Some((text, note)) = rewrite(spot, &self.text(spot)) {
                    self.set_noted(spot, text, Change::Transformed, note);
                }
            }
        }
    }

    fn mark(&mut self, change: Change, note: &'static str) -> Mark {
        let rule = self.rule;
        self.log
            .as_mut()
            .map_or(Mark::NONE, |log| log.mark(rule, change, note))
    }

    /// The field taken apart, so that its leaves can change.
    fn touch(&mut self, spot: Spot) -> &mut Touched<'m> {
        let delimiters = self.source.delimiters;
        self.states[spot.segment.0 as usize].touch(spot.segment.0, spot.field, &delimiters)
    }
}

/// Segments whose first two fields are the delimiters themselves.
fn is_header(id: SegmentId) -> bool {
    id == "MSH" || id == "BHS" || id == "FHS"
}

#[cfg(test)]
mod tests;
