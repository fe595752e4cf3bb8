//! The overlay editor: a message seen through changes, written in one pass.
//!
//! Nothing is copied until it changes. A rule reads through [`Edit`] and sees what earlier rules did; a field that a
//! rule touches is taken apart into its leaves, every other field goes from the received bytes to the output as it
//! stands. With [`Edit::traced`] each leaf remembers where it came from, and [`Edit::trace`] accounts for every one.
//!
//! Refuses nothing: a place that is not there reads as absent, and a change to it says `false`.
//! Dialects (in `translate`) are the caller; [`crate::Message`] below is only read.

mod change;
mod leaf;
mod place;
mod read;
mod recode;
mod trace;
mod write;

use self::leaf::State;
pub use self::place::{Place, SegmentRef, Spot};
use self::trace::Log;
pub use self::trace::{Added, Change, Fate, Trace, TraceLine};
use crate::{Encoding, Message, SegmentId};

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
    /// Leaves on their way from one place to another; kept for its room.
    moving: Vec<leaf::Leaf<'m>>,
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
            moving: Vec::new(),
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

/// Segments whose first two fields are the delimiters themselves.
fn is_header(id: SegmentId) -> bool {
    id == "MSH" || id == "BHS" || id == "FHS"
}

#[cfg(test)]
mod tests;
