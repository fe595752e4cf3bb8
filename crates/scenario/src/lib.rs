//! Clinical stories as data, run over the wire.
//!
//! A synthetic London ([`world`]) goes through the systems of a hospital as a hospital would: by MLLP and by FHIR over
//! HTTP, never by a function call into the thing under test. What comes out is a report that says what was compared,
//! what agreed, what did not and why, and what was not tested.
//!
//! Refused here: the systems themselves, and any product's name. What a feed looks like stands in data files; where
//! the systems listen is told by whoever starts them.

pub mod bundled;
mod error;
pub mod feed;
pub mod host;
pub mod read;
pub mod reconcile;
pub mod report;
pub mod research;
pub mod run;
pub mod story;
pub mod trust;
pub mod wire;
pub mod world;

pub use error::RunError;
