//! What the overlay is made of: segments, the fields taken apart, their leaves.

use std::borrow::Cow;

use super::place::Spot;
use crate::{Delimiters, Segment, SegmentId};

/// Where a leaf stands inside its field; all three numbers are given.
#[derive(Clone, Copy, Debug)]
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

    #[inline]
    pub(super) fn is_under(self, spot: &Spot) -> bool {
        let level = |number: u16| if number == 0 { 0 } else { u64::from(u16::MAX) };
        let mask = level(spot.repetition) << 32 | level(spot.component) << 16 | level(spot.subcomponent);
        let wanted =
            u64::from(spot.repetition) << 32 | u64::from(spot.component) << 16 | u64::from(spot.subcomponent);
        self.key() & mask == wanted
    }

    /// All three numbers in one, in their order: positions are compared more than anything else here.
    #[inline]
    const fn key(self) -> u64 {
        (self.repetition as u64) << 32 | (self.component as u64) << 16 | self.subcomponent as u64
    }

    /// The position after a delimiter.
    #[inline]
    fn after(self, delimiter: u8, delimiters: &Delimiters) -> Self {
        if delimiter == delimiters.component {
            Self {
                component: self.component.saturating_add(1),
                subcomponent: 1,
                ..self
            }
        } else if delimiter == delimiters.repetition {
            Self {
                repetition: self.repetition.saturating_add(1),
                component: 1,
                subcomponent: 1,
            }
        } else {
            Self {
                subcomponent: self.subcomponent.saturating_add(1),
                ..self
            }
        }
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

impl PartialEq for Position {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Position {}

impl PartialOrd for Position {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Position {
    #[inline]
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
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
    /// Few leaves, so a scan; a field blown up by its sender is searched.
    #[inline]
    fn find(&self, at: Position) -> Result<usize, usize> {
        if self.leaves.len() > SCANNED_MAX {
            return self.leaves.binary_search_by_key(&at, |leaf| leaf.at);
        }
        match self.leaves.iter().position(|leaf| leaf.at >= at) {
            Some(place) if self.leaves[place].at == at => Ok(place),
            Some(place) => Err(place),
            None => Err(self.leaves.len()),
        }
    }

    /// The leaves of one repetition, or of all when that is 0.
    pub(super) fn of_repetition(&self, repetition: u16) -> &[Leaf<'m>] {
        if repetition == 0
            || self.leaves.last().is_some_and(|last| last.at.repetition == 1) && repetition == 1
        {
            return &self.leaves;
        }
        let start = self
            .leaves
            .partition_point(|leaf| leaf.at.repetition < repetition);
        let rest = &self.leaves[start..];
        &rest[..rest.partition_point(|leaf| leaf.at.repetition == repetition)]
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

    /// Takes out what stands under a place.
    pub(super) fn take(&mut self, under: &Spot, into: &mut Vec<Leaf<'m>>) {
        into.extend(self.leaves.extract_if(.., |leaf| leaf.at.is_under(under)));
    }

    /// Moves what stands under one place to another of the field, where nothing stands.
    pub(super) fn shift(&mut self, from: &Spot, to: &Spot, mark: Mark) {
        for leaf in &mut self.leaves {
            if leaf.at.is_under(from) {
                leaf.at = leaf.at.rebased(from, to);
                leaf.mark = leaf.mark.or(mark);
            }
        }
        self.restore_order();
    }

    /// Exchanges what stands under two places.
    pub(super) fn swap(&mut self, left: &Spot, right: &Spot, mark: Mark) {
        for leaf in &mut self.leaves {
            let (from, to) = if leaf.at.is_under(left) {
                (left, right)
            } else if leaf.at.is_under(right) {
                (right, left)
            } else {
                continue;
            };
            leaf.at = leaf.at.rebased(from, to);
            leaf.mark = leaf.mark.or(mark);
        }
        self.restore_order();
    }

    fn restore_order(&mut self) {
        // Few leaves, nearly in order: what the standard sort does best.
        self.leaves.sort_by_key(|leaf| leaf.at);
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

/// Up to here a scan beats a search.
const SCANNED_MAX: usize = 24;

/// A segment with its changed fields.
pub(super) struct State<'m> {
    pub(super) id: SegmentId,
    pub(super) received: Option<Segment<'m>>,
    /// In order of field number; mostly empty.
    pub(super) touched: Vec<Touched<'m>>,
    /// A bit for each field among the touched, modulo 64: most looks are at fields that nobody touched.
    mask: u64,
}

impl<'m> State<'m> {
    pub(super) fn received(segment: Segment<'m>) -> Self {
        Self {
            id: segment.id(),
            received: Some(segment),
            touched: Vec::new(),
            mask: 0,
        }
    }

    pub(super) fn added(id: SegmentId) -> Self {
        Self {
            id,
            received: None,
            touched: Vec::new(),
            mask: 0,
        }
    }

    pub(super) fn field_count(&self) -> u16 {
        let received = self.received.map_or(0, |segment| {
            segment.field_count().min(usize::from(u16::MAX)) as u16
        });
        received.max(self.touched.last().map_or(0, |touched| touched.field))
    }

    #[inline]
    pub(super) fn raw_field(&self, bytes: &'m [u8], number: u16) -> &'m [u8] {
        let range = self
            .received
            .as_ref()
            .and_then(|segment| segment.field_range(usize::from(number)));
        range.and_then(|range| bytes.get(range)).unwrap_or_default()
    }

    #[inline]
    pub(super) fn touched(&self, number: u16) -> Option<&Touched<'m>> {
        if self.mask & bit(number) == 0 {
            return None;
        }
        self.touched.iter().find(|touched| touched.field == number)
    }

    pub(super) fn touch(
        &mut self,
        bytes: &'m [u8],
        segment: u32,
        number: u16,
        delimiters: &Delimiters,
    ) -> &mut Touched<'m> {
        let place = match self.touched.iter().position(|touched| touched.field >= number) {
            Some(place) if self.touched[place].field == number => return &mut self.touched[place],
            Some(place) => place,
            None => self.touched.len(),
        };
        let raw = self.raw_field(bytes, number);
        let mut leaves = Vec::with_capacity(LEAVES_EXPECTED + raw.len() / 8);
        leaves.extend(split_leaves(raw, delimiters).map(|(at, raw)| Leaf {
            at,
            value: Value::Raw(raw),
            source: Source::Own(Origin {
                segment,
                field: number,
                at,
            }),
            mark: Mark::NONE,
        }));
        self.mask |= bit(number);
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

/// Room for what rules add to a field, beside what its length lets expect.
const LEAVES_EXPECTED: usize = 4;

const fn bit(field: u16) -> u64 {
    1 << (field % 64)
}

/// The populated leaves of a field.
#[inline]
pub(super) fn split_leaves<'m>(
    field: &'m [u8],
    delimiters: &Delimiters,
) -> impl Iterator<Item = (Position, &'m [u8])> + use<'m> {
    let delimiters = *delimiters;
    let mut at = Position {
        repetition: 1,
        component: 1,
        subcomponent: 1,
    };
    let (mut start, mut ended) = (0, false);
    std::iter::from_fn(move || {
        while !ended {
            let here = at;
            let rest = &field[start..];
            let length = rest
                .iter()
                .position(|&byte| delimiters.divides(byte))
                .unwrap_or(rest.len());
            match rest.get(length) {
                Some(&byte) => at = at.after(byte, &delimiters),
                None => ended = true,
            }
            start += length + 1;
            if length > 0 {
                return Some((here, &rest[..length]));
            }
        }
        None
    })
}

/// One leaf of a field, empty when it is not there.
pub(super) fn nth_leaf<'m>(field: &'m [u8], wanted: Position, delimiters: &Delimiters) -> &'m [u8] {
    let mut at = Position {
        repetition: 1,
        component: 1,
        subcomponent: 1,
    };
    let mut start = 0;
    for (place, &byte) in field.iter().enumerate() {
        if !delimiters.divides(byte) {
            continue;
        }
        if at >= wanted {
            return if at == wanted { &field[start..place] } else { b"" };
        }
        at = at.after(byte, delimiters);
        start = place + 1;
    }
    if at == wanted { &field[start..] } else { b"" }
}
