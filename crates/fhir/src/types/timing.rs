//! Times, repeated or not, and doses.

use crate::prelude::*;

data_type! {
    /// A time from start to end; either may be open.
    Period = "Period" {
        start / start_element: Option<DateTime> = "start";
        end / end_element: Option<DateTime> = "end";
    }
}

backbone! {
    /// When something happens, once or repeatedly.
    Timing = "Timing" {
        event / event_element: Vec<DateTime> = "event";
        repeat: Option<TimingRepeat> = "repeat";
        code: Option<CodeableConcept> = "code";
    }
}

data_type! {
    /// The parts of `Timing.repeat`.
    TimingRepeat = "Timing.repeat" {
        bounds_duration: Option<Quantity> = "boundsDuration";
        bounds_range: Option<Box<Range>> = "boundsRange";
        bounds_period: Option<Period> = "boundsPeriod";
        count / count_element: Option<u32> = "count";
        count_max / count_max_element: Option<u32> = "countMax";
        duration / duration_element: Option<Decimal> = "duration";
        duration_max / duration_max_element: Option<Decimal> = "durationMax";
        duration_unit / duration_unit_element: Option<Text> = "durationUnit";
        frequency / frequency_element: Option<u32> = "frequency";
        frequency_max / frequency_max_element: Option<u32> = "frequencyMax";
        period / period_element: Option<Decimal> = "period";
        period_max / period_max_element: Option<Decimal> = "periodMax";
        period_unit / period_unit_element: Option<Text> = "periodUnit";
        day_of_week / day_of_week_element: Vec<Text> = "dayOfWeek";
        time_of_day / time_of_day_element: Vec<Time> = "timeOfDay";
        when / when_element: Vec<Text> = "when";
        offset / offset_element: Option<u32> = "offset";
    }
}

backbone! {
    /// How a medicine is to be taken.
    Dosage = "Dosage" {
        sequence / sequence_element: Option<i32> = "sequence";
        text / text_element: Option<Text> = "text";
        additional_instruction: Vec<CodeableConcept> = "additionalInstruction";
        patient_instruction / patient_instruction_element: Option<Text> = "patientInstruction";
        timing: Option<Box<Timing>> = "timing";
        as_needed_boolean / as_needed_boolean_element: Option<bool> = "asNeededBoolean";
        as_needed_codeable_concept: Option<CodeableConcept> = "asNeededCodeableConcept";
        site: Option<CodeableConcept> = "site";
        route: Option<CodeableConcept> = "route";
        method: Option<CodeableConcept> = "method";
        dose_and_rate: Vec<DosageDoseAndRate> = "doseAndRate";
        max_dose_per_period: Option<Box<Ratio>> = "maxDosePerPeriod";
        max_dose_per_administration: Option<Quantity> = "maxDosePerAdministration";
        max_dose_per_lifetime: Option<Quantity> = "maxDosePerLifetime";
    }
}

data_type! {
    /// The parts of `Dosage.doseAndRate`.
    DosageDoseAndRate = "Dosage.doseAndRate" {
        type_: Option<CodeableConcept> = "type";
        dose_range: Option<Box<Range>> = "doseRange";
        dose_quantity: Option<Quantity> = "doseQuantity";
        rate_ratio: Option<Box<Ratio>> = "rateRatio";
        rate_range: Option<Box<Range>> = "rateRange";
        rate_quantity: Option<Quantity> = "rateQuantity";
    }
}
