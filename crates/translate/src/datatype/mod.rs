//! Data types: each HL7 v2 type with the FHIR type it becomes, both ways side by side.

pub(crate) mod address;
pub(crate) mod attachment;
pub(crate) mod code;
pub(crate) mod concept;
pub(crate) mod identifier;
pub(crate) mod location;
pub(crate) mod name;
pub(crate) mod organization;
pub(crate) mod person;
pub(crate) mod quantity;
pub(crate) mod telecom;
pub(crate) mod time;
pub(crate) mod value;
