//! What became of every received leaf, and where every new one came from.

use super::leaf::{Leaf, Mark, Origin, Position, Source, split_leaves};
use super::{Edit, is_header, recode};
use crate::{Location, SegmentId};

/// How a rule changed a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// Not at all: only its place, or nothing but a note.
    None,
    /// Same fact, another code or format.
    Transformed,
    /// Not in the message: a default that the rule names.
    Defaulted,
}

/// What became of one received leaf.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// Stands at this place, as it was.
    Kept(Location),
    /// Stands at this place, in another code or format.
    Transformed(Location),
    /// Left out, for this reason.
    Dropped(&'static str),
}

/// One received leaf and its fate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TraceLine {
    /// Where it stood in the message as received.
    pub from: Location,
    /// What became of it.
    pub fate: Fate,
    /// The rule that moved, changed or dropped it; empty when none did.
    pub rule: &'static str,
    /// What the rule remarks; empty when nothing.
    pub note: &'static str,
}

/// One leaf of the output that no received leaf moved to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Added {
    /// Where it stands in the output.
    pub at: Location,
    /// Derived from the message, or a default.
    pub change: Change,
    /// The rule that put it there.
    pub rule: &'static str,
    /// What the rule remarks; empty when nothing.
    pub note: &'static str,
    /// The received leaf it is a copy of, when it is one.
    pub of: Option<Location>,
}

/// The whole account: one line for every received leaf, in order, and one for every leaf that is new.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Trace {
    /// Every received leaf exactly once, in the order of the message.
    pub lines: Vec<TraceLine>,
    /// Every new leaf, in the order of the output.
    pub added: Vec<Added>,
}

impl Trace {
    /// The line of a received leaf.
    pub fn line(&self, from: &Location) -> Option<&TraceLine> {
        self.lines.iter().find(|line| line.from == *from)
    }
}

/// Kept only when asked: who changed what, and what is gone.
#[derive(Default)]
pub(super) struct Log {
    marks: Vec<(&'static str, Change, &'static str)>,
    pub(super) dropped: Vec<(Origin, &'static str, &'static str)>,
}

impl Log {
    pub(super) fn mark(&mut self, rule: &'static str, change: Change, note: &'static str) -> Mark {
        if self.marks.last() != Some(&(rule, change, note)) {
            self.marks.push((rule, change, note));
        }
        Mark(self.marks.len() as u32)
    }

    pub(super) fn read(&self, mark: Mark) -> (&'static str, Change, &'static str) {
        let place = (mark.0 as usize).checked_sub(1);
        place
            .and_then(|place| self.marks.get(place))
            .copied()
            .unwrap_or(("", Change::None, ""))
    }

    /// The same mark with a note added, and with this change where it had none.
    pub(super) fn noted(
        &mut self,
        mark: Mark,
        rule: &'static str,
        change: Change,
        note: &'static str,
    ) -> Mark {
        let (first_rule, first_change, first_note) = self.read(mark);
        let rule = if first_rule.is_empty() { rule } else { first_rule };
        let change = if first_change == Change::None {
            change
        } else {
            first_change
        };
        let note = if first_note.is_empty() { note } else { first_note };
        self.mark(rule, change, note)
    }
}

impl Edit<'_> {
    /// The account of everything done; empty unless the overlay was made by [`Edit::traced`].
    pub fn trace(&self) -> Trace {
        let Some(log) = &self.log else {
            return Trace::default();
        };
        let mut lines: Vec<(Origin, TraceLine)> = Vec::new();
        let mut trace = Trace::default();
        let mut seen: Vec<(SegmentId, u16)> = Vec::new();
        for &index in &self.order {
            let state = &self.states[index as usize];
            let occurrence = count(&mut seen, state.id);
            let base = Location::new(state.id).with_occurrence(occurrence);
            for number in 1..=state.field_count() {
                match state.touched(number) {
                    Some(touched) => {
                        for leaf in &touched.leaves {
                            self.account(
                                log,
                                leaf,
                                at(base.with_field(number), leaf.at),
                                &mut lines,
                                &mut trace,
                            );
                        }
                    }
                    None => self.account_untouched(index, number, base, &mut lines),
                }
            }
        }
        for &(origin, rule, reason) in &log.dropped {
            let line = TraceLine {
                from: self.received(origin),
                fate: Fate::Dropped(reason),
                rule,
                note: "",
            };
            lines.push((origin, line));
        }
        lines.sort_by_key(|(origin, _)| (origin.segment, origin.field, origin.at));
        trace.lines = lines.into_iter().map(|(_, line)| line).collect();
        trace
    }

    fn account(
        &self,
        log: &Log,
        leaf: &Leaf<'_>,
        at: Location,
        lines: &mut Vec<(Origin, TraceLine)>,
        trace: &mut Trace,
    ) {
        let (rule, change, note) = log.read(leaf.mark);
        match leaf.source {
            Source::Own(origin) => {
                let fate = if change == Change::None {
                    Fate::Kept(at)
                } else {
                    Fate::Transformed(at)
                };
                lines.push((
                    origin,
                    TraceLine {
                        from: self.received(origin),
                        fate,
                        rule,
                        note,
                    },
                ));
            }
            Source::Copy(origin) => {
                trace.added.push(Added {
                    at,
                    change,
                    rule,
                    note,
                    of: Some(self.received(origin)),
                });
            }
            Source::New => trace.added.push(Added {
                at,
                change,
                rule,
                note,
                of: None,
            }),
        }
    }

    fn account_untouched(
        &self,
        index: u32,
        number: u16,
        base: Location,
        lines: &mut Vec<(Origin, TraceLine)>,
    ) {
        let state = &self.states[index as usize];
        let raw = state.raw_field(self.message.bytes(), number);
        let leaf = |position: Position, fate: Fate, note: &'static str| {
            let origin = Origin {
                segment: index,
                field: number,
                at: position,
            };
            (
                origin,
                TraceLine {
                    from: self.received(origin),
                    fate,
                    rule: "",
                    note,
                },
            )
        };
        let field = base.with_field(number);
        if number <= 2 && is_header(state.id) {
            if raw.is_empty() {
                return;
            }
            let first = Position {
                repetition: 1,
                component: 1,
                subcomponent: 1,
            };
            let same = self.source.delimiters == self.output.delimiters;
            let fate = if same {
                Fate::Kept(at(field, first))
            } else {
                Fate::Transformed(at(field, first))
            };
            lines.push(leaf(first, fate, ""));
            return;
        }
        for (position, bytes) in split_leaves(raw, &self.source.delimiters) {
            let place = at(field, position);
            let lost = !recode::is_same(bytes, &self.source, &self.output)
                && recode::recode(bytes, &self.source, &self.output, &mut Vec::new()) > 0;
            lines.push(if lost {
                leaf(
                    position,
                    Fate::Transformed(place),
                    "a character that the target's character set does not have",
                )
            } else {
                leaf(position, Fate::Kept(place), "")
            });
        }
    }

    /// The location of a received leaf.
    fn received(&self, origin: Origin) -> Location {
        let segment = self.message.segment_at(origin.segment as usize);
        let base = segment.map_or(Location::new(SegmentId::MSH), |segment| {
            Location::new(segment.id()).with_occurrence(segment.occurrence())
        });
        at(base.with_field(origin.field), origin.at)
    }
}

fn at(field: Location, position: Position) -> Location {
    field
        .with_repetition(position.repetition)
        .with_component(position.component)
        .with_subcomponent(position.subcomponent)
}

/// The occurrence number of the next segment of that name.
fn count(seen: &mut Vec<(SegmentId, u16)>, id: SegmentId) -> u16 {
    match seen.iter_mut().find(|(known, _)| *known == id) {
        Some((_, count)) => {
            *count = count.saturating_add(1);
            *count
        }
        None => {
            seen.push((id, 1));
            1
        }
    }
}
