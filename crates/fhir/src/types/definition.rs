//! Data types of definitions, such as a CapabilityStatement.

use crate::prelude::*;

data_type! {
    /// Where a definition is meant to be used.
    UsageContext = "UsageContext" {
        code: Option<Coding> = "code" required;
        value_codeable_concept: Option<CodeableConcept> = "valueCodeableConcept";
        value_quantity: Option<Quantity> = "valueQuantity";
        value_range: Option<Box<Range>> = "valueRange";
        value_reference: Option<Reference> = "valueReference";
    }
}
