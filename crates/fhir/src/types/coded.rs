//! Codes, identifiers and amounts.

use crate::prelude::*;

data_type! {
    /// A concept: its codings, and its text where no code says it.
    CodeableConcept = "CodeableConcept" {
        coding: Vec<Coding> = "coding";
        text / text_element: Option<Text> = "text";
    }
}

data_type! {
    /// One code of one code system.
    Coding = "Coding" {
        system / system_element: Option<Text> = "system";
        version / version_element: Option<Text> = "version";
        code / code_element: Option<Text> = "code";
        display / display_element: Option<Text> = "display";
        user_selected / user_selected_element: Option<bool> = "userSelected";
    }
}

data_type! {
    /// A number or text that identifies, with the system that assigned it.
    Identifier = "Identifier" {
        use_ / use_element: Option<Text> = "use";
        type_: Option<CodeableConcept> = "type";
        system / system_element: Option<Text> = "system";
        value / value_element: Option<Text> = "value";
        period: Option<Period> = "period";
        assigner: Option<Box<Reference>> = "assigner";
    }
}

data_type! {
    /// A measured amount; also FHIR's Age, Count, Distance, Duration and SimpleQuantity.
    Quantity = "Quantity" {
        value / value_element: Option<Decimal> = "value";
        comparator / comparator_element: Option<Text> = "comparator";
        unit / unit_element: Option<Text> = "unit";
        system / system_element: Option<Text> = "system";
        code / code_element: Option<Text> = "code";
    }
}

data_type! {
    /// A low and a high value.
    Range = "Range" {
        low: Option<Quantity> = "low";
        high: Option<Quantity> = "high";
    }
}

data_type! {
    /// A numerator and a denominator, such as a titre.
    Ratio = "Ratio" {
        numerator: Option<Quantity> = "numerator";
        denominator: Option<Quantity> = "denominator";
    }
}

data_type! {
    /// A series of measurements, such as a trace.
    SampledData = "SampledData" {
        origin: Option<Quantity> = "origin" required;
        period / period_element: Option<Decimal> = "period" required;
        factor / factor_element: Option<Decimal> = "factor";
        lower_limit / lower_limit_element: Option<Decimal> = "lowerLimit";
        upper_limit / upper_limit_element: Option<Decimal> = "upperLimit";
        dimensions / dimensions_element: Option<u32> = "dimensions" required;
        data / data_element: Option<Text> = "data";
    }
}

data_type! {
    /// An amount and its currency.
    Money = "Money" {
        value / value_element: Option<Decimal> = "value";
        currency / currency_element: Option<Text> = "currency";
    }
}
