//! What the overlay is made of: segments, the fields taken apart, their leaves.

use std::borrow::Cow;

use super::place::Spot;
use crate::{Delimiters, Segment, SegmentId};

/// Where a leaf stands inside its field; all three numbers are given.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Position {
    pub(super) repetition: u16,
    pub(super) component: u16,
    pub(super) subcomponent: u16,
}

impl Position {
    pub(super) fn first_under(spot: &Spot) -> Self {
        Self {
            repetition: spot.repetition.max(1),
            component: spot.component.max(1),
            subcomponent: spot.subcomponent.max(1),
        }
    }

    pub(super) fn is_under(self, spot: &Spot) -> bool {
        (spot.repetition == 0 || spot.repetition == self.repetition)
            && (spot.component == 0 || spot.component == self.component)
            && (spot.subcomponent == 0 || spot.subcomponent == self.subcomponent)
    }

    /// The same position relative to another place: levels `from` named come from `to`.
    pub(super) fn rebased(self, from: &Spot, to: &Spot) -> Self {
        let level = |own: u16, from: u16, to: u16| match (from, to) {
            (0, 0) => own,
            (_, 0) => 1,
            (_, to) => to,
        };
        Self {
            repetition: level(self.repetition, from.repetition, to.repetition),
            component: level(self.component, from.component, to.component),
            subcomponent: level(self.subcomponent, from.subcomponent, to.subcomponent),
        }
    }
}

/// The received leaf: its segment's ordinal, its field, its position.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub(super) segment: u32,
    pub(super) field: u16,
    pub(super) at: Position,
}

/// Whose value a leaf holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// A received leaf, here or moved here.
    Own(Origin),
    /// Another place shows the same received leaf.
    Copy(Origin),
    /// No received leaf.
    New,
}

/// An index into the log of who changed what; nothing when no trace is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Mark(pub(super) u32);

impl Mark {
    pub(super) const NONE: Self = Self(0);

    /// This mark, or the other where this is none: a change outranks a later note.
    pub(super) fn or(self, other: Self) -> Self {
        if self == Self::NONE { other } else { self }
    }
}

/// A leaf's content.
#[derive(Clone, Debug)]
pub(super) enum Value<'m> {
    /// As received, in the received encoding.
    Raw(&'m [u8]),
    /// Set by a rule; escaped when written.
    Text(Cow<'m, str>),
}

#[derive(Clone, Debug)]
pub(super) struct Leaf<'m> {
    pub(super) at: Position,
    pub(super) value: Value<'m>,
    pub(super) source: Source,
    pub(super) mark: Mark,
}

/// A field taken apart: its leaves in order, empty ones left out.
#[derive(Clone, Debug)]
pub(super) struct Touched<'m> {
    pub(super) field: u16,
    pub(super) leaves: Vec<Leaf<'m>>,
}

impl<'m> Touched<'m> {
    fn find(&self, at: Position) -> Result<usize, usize> {
        // A field has a handful of leaves: a scan beats a search.
        match self.leaves.iter().position(|leaf| leaf.at >= at) {
            Some(place) if self.leaves[place].at == at => Ok(place),
            Some(place) => Err(place),
            None => Err(self.leaves.len()),
        }
    }

    pub(super) fn get(&self, at: Position) -> Option<&Leaf<'m>> {
        self.find(at).ok().map(|place| &self.leaves[place])
    }

    pub(super) fn get_mut(&mut self, at: Position) -> Option<&mut Leaf<'m>> {
        self.find(at).ok().map(|place| &mut self.leaves[place])
    }

    pub(super) fn put(&mut self, at: Position, value: Value<'m>, mark: Mark) {
        match self.find(at) {
            Ok(place) => {
                self.leaves[place].value = value;
                self.leaves[place].mark = mark;
            }
            Err(place) => self.leaves.insert(
                place,
                Leaf {
                    at,
                    value,
                    source: Source::New,
                    mark,
                },
            ),
        }
    }

    /// Puts a leaf at its place; gives back the one that stood there.
    pub(super) fn insert(&mut self, leaf: Leaf<'m>) -> Option<Leaf<'m>> {
        match self.find(leaf.at) {
            Ok(place) => Some(std::mem::replace(&mut self.leaves[place], leaf)),
            Err(place) => {
                self.leaves.insert(place, leaf);
                None
            }
        }
    }

    pub(super) fn take(&mut self, under: &Spot) -> Vec<Leaf<'m>> {
        if self.leaves.iter().all(|leaf| leaf.at.is_under(under)) {
            return std::mem::take(&mut self.leaves);
        }
        self.leaves
            .extract_if(.., |leaf| leaf.at.is_under(under))
            .collect()
    }

    pub(super) fn copies(&self, under: &Spot, mark: Mark) -> Vec<Leaf<'m>> {
        let copy = |leaf: &Leaf<'m>| Leaf {
            source: match leaf.source {
                Source::Own(origin) | Source::Copy(origin) => Source::Copy(origin),
                Source::New => Source::New,
            },
            mark,
            ..leaf.clone()
        };
        self.leaves
            .iter()
            .filter(|leaf| leaf.at.is_under(under))
            .map(copy)
            .collect()
    }

    /// Gives every repetition another number; leaves that move bear the mark.
    pub(super) fn renumber(&mut self, mut number: impl FnMut(u16) -> u16, mark: Mark) {
        for leaf in &mut self.leaves {
            let new = number(leaf.at.repetition);
            if new != leaf.at.repetition {
                leaf.at.repetition = new;
                leaf.mark = leaf.mark.or(mark);
            }
        }
    }

    pub(super) fn close_gaps(&mut self, mark: Mark) {
        let (mut last, mut next) = (0, 0);
        self.renumber(
            |number| {
                if number != last {
                    last = number;
                    next += 1;
                }
                next
            },
            mark,
        );
    }
}

/// A segment with its changed fields.
pub(super) struct State<'m> {
    pub(super) id: SegmentId,
    pub(super) received: Option<Segment<'m>>,
    /// In order of field number; mostly empty.
    pub(super) touched: Vec<Touched<'m>>,
}

impl<'m> State<'m> {
    pub(super) fn received(segment: Segment<'m>) -> Self {
        Self {
            id: segment.id(),
            received: Some(segment),
            touched: Vec::new(),
        }
    }

    pub(super) fn added(id: SegmentId) -> Self {
        Self {
            id,
            received: None,
            touched: Vec::new(),
        }
    }

    pub(super) fn field_count(&self) -> u16 {
        let received = self.received.map_or(0, |segment| {
            segment.field_count().min(usize::from(u16::MAX)) as u16
        });
        received.max(self.touched.last().map_or(0, |touched| touched.field))
    }

    pub(super) fn raw_field(&self, number: u16) -> &'m [u8] {
        self.received
            .map_or(b"", |segment| segment.field(usize::from(number)).raw())
    }

    pub(super) fn touched(&self, number: u16) -> Option<&Touched<'m>> {
        self.touched.iter().find(|touched| touched.field == number)
    }

    pub(super) fn touch(&mut self, segment: u32, number: u16, delimiters: &Delimiters) -> &mut Touched<'m> {
        let place = match self.touched.iter().position(|touched| touched.field >= number) {
            Some(place) if self.touched[place].field == number => return &mut self.touched[place],
            Some(place) => place,
            None => self.touched.len(),
        };
        let leaf = |(at, raw): (Position, &'m [u8])| Leaf {
            at,
            value: Value::Raw(raw),
            source: Source::Own(Origin {
                segment,
                field: number,
                at,
            }),
            mark: Mark::NONE,
        };
        let leaves = split_leaves(self.raw_field(number), delimiters)
            .map(leaf)
            .collect();
        self.touched.insert(
            place,
            Touched {
                field: number,
                leaves,
            },
        );
        &mut self.touched[place]
    }
}

/// The populated leaves of a field.
pub(super) fn split_leaves<'m>(
    field: &'m [u8],
    delimiters: &Delimiters,
) -> impl Iterator<Item = (Position, &'m [u8])> + use<'m> {
    let delimiters = *delimiters;
    let mut rest = Some(field);
    let mut at = Position {
        repetition: 1,
        component: 1,
        subcomponent: 1,
    };
    std::iter::from_fn(move || {
        loop {
            let bytes = rest?;
            let here = at;
            let end = bytes.iter().position(|&byte| {
                byte == delimiters.component
                    || Some(byte) == delimiters.subcomponent
                    || byte == delimiters.repetition
            });
            let leaf = end.map_or(bytes, |end| &bytes[..end]);
            rest = end.map(|end| &bytes[end + 1..]);
            match end.map(|end| bytes[end]) {
                Some(byte) if byte == delimiters.repetition => {
                    at = Position {
                        repetition: here.repetition.saturating_add(1),
                        component: 1,
                        subcomponent: 1,
                    };
                }
                Some(byte) if byte == delimiters.component => {
                    at.component = here.component.saturating_add(1);
                    at.subcomponent = 1;
                }
                _ => at.subcomponent = here.subcomponent.saturating_add(1),
            }
            if !leaf.is_empty() {
                return Some((here, leaf));
            }
        }
    })
}

/// One leaf of a field, empty when it is not there.
pub(super) fn nth_leaf<'m>(field: &'m [u8], at: Position, delimiters: &Delimiters) -> &'m [u8] {
    let nth = |bytes: &'m [u8], delimiter: u8, number: u16| {
        bytes
            .split(move |&byte| byte == delimiter)
            .nth(usize::from(number) - 1)
            .unwrap_or(b"")
    };
    let repetition = nth(field, delimiters.repetition, at.repetition);
    let component = nth(repetition, delimiters.component, at.component);
    match delimiters.subcomponent {
        Some(delimiter) => nth(component, delimiter, at.subcomponent),
        None if at.subcomponent == 1 => component,
        None => b"",
    }
}
