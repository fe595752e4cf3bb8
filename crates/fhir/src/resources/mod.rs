//! R4's resources, in the order of its element definitions.

pub(crate) mod booking;
pub(crate) mod capability;
pub(crate) mod clinical;
pub(crate) mod diagnostic;
pub(crate) mod document;
pub(crate) mod encounter;
pub(crate) mod exchange;
pub(crate) mod finance;
pub(crate) mod medication;
pub(crate) mod patient;
pub(crate) mod place;
