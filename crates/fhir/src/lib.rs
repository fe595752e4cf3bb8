//! The FHIR R4 resources we speak, typed; pure.
