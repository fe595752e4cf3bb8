//! HL7 v2 to FHIR R4 and back; dialects; the ledger; pure.

pub mod dialect;
