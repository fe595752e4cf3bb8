//! R4's data types, in the order of its element definitions.

pub(crate) mod coded;
pub(crate) mod definition;
pub(crate) mod general;
pub(crate) mod person;
pub(crate) mod timing;
