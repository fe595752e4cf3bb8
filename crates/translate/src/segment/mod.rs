//! Segments: each with the resources it becomes, both ways side by side.

pub(crate) mod msh;
pub(crate) mod pid;

use crate::row::Table;

/// Every map, in the order of the guide's chapters.
pub(crate) static TABLES: &[&dyn Table] = &[&msh::HEADER, &msh::BUNDLE, &pid::PID];
