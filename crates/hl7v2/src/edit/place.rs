//! Naming a place in an [`Edit`]: by [`Location`] as configuration and people do, or by [`Spot`] as rules do.

use super::Edit;
use crate::Location;

/// A segment of an [`Edit`]; stays valid while others come, go and move.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct SegmentRef(pub(super) u32);

impl SegmentRef {
    /// A field of it, numbered from 1.
    pub const fn field(self, number: u16) -> Spot {
        Spot {
            segment: self,
            field: number,
            repetition: 0,
            component: 0,
            subcomponent: 0,
        }
    }
}

/// A place below a segment; a level that is 0 is not given.
///
/// Reading and setting take the first leaf below a place; moving and dropping take all of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spot {
    pub(super) segment: SegmentRef,
    pub(super) field: u16,
    pub(super) repetition: u16,
    pub(super) component: u16,
    pub(super) subcomponent: u16,
}

impl Spot {
    /// One repetition of the field.
    pub const fn repetition(mut self, number: u16) -> Self {
        self.repetition = number;
        self
    }

    /// One component, of the first repetition unless another was named.
    pub const fn component(mut self, number: u16) -> Self {
        if self.repetition == 0 {
            self.repetition = 1;
        }
        self.component = number;
        self
    }

    /// One subcomponent, of the first component unless another was named.
    pub const fn subcomponent(mut self, number: u16) -> Self {
        if self.component == 0 {
            self = self.component(1);
        }
        self.subcomponent = number;
        self
    }

    /// The segment.
    pub const fn segment(self) -> SegmentRef {
        self.segment
    }

    /// The number of the field.
    pub const fn field_number(self) -> u16 {
        self.field
    }

    /// The number of the repetition, 0 when not given.
    pub const fn repetition_number(self) -> u16 {
        self.repetition
    }

    /// The number of the component, 0 when not given.
    pub const fn component_number(self) -> u16 {
        self.component
    }

    /// The first leaf below.
    pub(super) const fn leaf(self) -> Self {
        let component = if self.component == 0 {
            self.component(1)
        } else {
            self
        };
        if component.subcomponent == 0 {
            component.subcomponent(1)
        } else {
            component
        }
    }
}

/// What names a place: a [`Spot`], or a [`Location`] with its segment's occurrence counted as things stand now.
pub trait Place {
    /// The spot, when that segment is there.
    fn resolve(&self, edit: &Edit<'_>) -> Option<Spot>;
}

impl Place for Spot {
    fn resolve(&self, _: &Edit<'_>) -> Option<Spot> {
        Some(*self)
    }
}

impl Place for Location {
    fn resolve(&self, edit: &Edit<'_>) -> Option<Spot> {
        let segment = edit.occurrence(self.segment.as_str(), self.occurrence)?;
        Some(Spot {
            segment,
            field: self.field,
            repetition: self.repetition,
            component: self.component,
            subcomponent: self.subcomponent,
        })
    }
}

impl<P: Place> Place for &P {
    fn resolve(&self, edit: &Edit<'_>) -> Option<Spot> {
        (**self).resolve(edit)
    }
}
