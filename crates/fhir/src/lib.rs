//! The FHIR R4 (4.0.1) resources we speak, typed; pure.
//!
//! A resource that is read and written keeps everything: decimals and times as their digits stood, members we do not
//! model in `other`, resources we do not model in [`Resource::Other`]. Members are written in R4's order; what is empty
//! is not written. Text is FHIR's JSON only; `rest` carries it, `translate` fills it.
//!
//! Element names are R4's in snake case; a trailing underscore keeps clear of Rust's words (`type_`, `use_`) and of the
//! list of unknown members (`other_`). A choice is one member per type (`value_quantity`, `value_string`). What R4 says
//! about a primitive in `_birthDate` is `birth_date_element`; in the two lists of a repeated primitive an empty text or
//! `None` holds a place, written as `null`.
//!
//! Every structure is serde's: [`from_slice`] and [`to_vec`] are `serde_json` with limits and with a refusal that names
//! place and fault. Through `serde_json` alone a value can be read from text (not from a reader), with its own limit on
//! depth only, and its refusals may quote what was read.
//!
//! Reading is strict about JSON and types and lenient about emptiness: `null`, `{}` and `[]` say nothing and are read as
//! absent. It refuses a member given twice, and a document too long, too deep or too full. A refusal names place and
//! fault, never the value.
//!
//! # Example
//! ```
//! use fhir::{HumanName, Patient, Resource};
//!
//! let patient = Patient {
//!     name: vec![HumanName { family: Some("Example".into()), ..HumanName::default() }],
//!     ..Patient::default()
//! };
//! let json = fhir::to_vec(&patient);
//! assert_eq!(json, br#"{"resourceType":"Patient","name":[{"family":"Example"}]}"#);
//! assert_eq!(Resource::from_slice(&json)?, Resource::from(patient));
//! # Ok::<(), fhir::ReadError>(())
//! ```

mod bundle;
pub mod check;
pub mod codec;
mod decimal;
mod error;
mod limits;
mod make;
mod other;
mod resource;
mod resources;
mod time;
mod types;
pub mod xml;

pub use decimal::{Decimal, DecimalError};
pub use error::{Fault, ReadError};
pub use limits::Limits;
pub use other::Other;
pub use resource::{RESOURCE_TYPES, RawResource, Resource, ResourceType};
pub use resources::booking::*;
pub use resources::capability::*;
pub use resources::clinical::*;
pub use resources::diagnostic::*;
pub use resources::document::*;
pub use resources::encounter::*;
pub use resources::exchange::*;
pub use resources::finance::*;
pub use resources::medication::*;
pub use resources::patient::*;
pub use resources::place::*;
pub use time::{Date, DateTime, Instant, Time};
pub use types::coded::*;
pub use types::definition::*;
pub use types::general::*;
pub use types::person::*;
pub use types::timing::*;

/// Every FHIR string, code, uri and id: short ones need no allocation.
pub type Text = compact_str::CompactString;

/// What the declarations of structures need.
mod prelude {
    pub(crate) use crate::codec::declare::{backbone, data_type, domain_resource, plain_resource, structure};
    pub(crate) use crate::resources::{
        booking::*, capability::*, clinical::*, diagnostic::*, document::*, encounter::*, exchange::*,
        finance::*, medication::*, patient::*, place::*,
    };
    pub(crate) use crate::types::{coded::*, definition::*, general::*, person::*, timing::*};
    pub(crate) use crate::{Date, DateTime, Decimal, Instant, Resource, Text, Time};
}

/// Reads one structure, such as a `Patient` or a `HumanName`, within the default limits.
///
/// # Errors
/// When the bytes are no JSON, of another type (for a resource: another `resourceType`), or break a limit.
pub fn from_slice<T: codec::Item + codec::Structure + Default>(bytes: &[u8]) -> Result<T, ReadError> {
    from_slice_within(bytes, Limits::DEFAULT)
}

/// Reads one structure, such as a `Patient` or a `HumanName`.
///
/// # Errors
/// When the bytes are no JSON, of another type (for a resource: another `resourceType`), or break a limit.
pub fn from_slice_within<T: codec::Item + codec::Structure + Default>(
    bytes: &[u8],
    limits: Limits,
) -> Result<T, ReadError> {
    let document = limits.admit(bytes)?;
    let text = limits::without_mark(document);
    T::read_text(text)
        .map_err(|error| codec::explain::explain(document, text, error, T::PLACE, T::RESOURCE_TYPE))
}

/// Writes one structure or resource as JSON.
pub fn to_vec<T: codec::Item>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4096);
    to_bytes(value, &mut bytes);
    bytes
}

/// Appends one structure or resource as JSON to a buffer that can be used again.
pub fn to_bytes<T: codec::Item>(value: &T, bytes: &mut Vec<u8>) {
    value.write_item(bytes);
}
