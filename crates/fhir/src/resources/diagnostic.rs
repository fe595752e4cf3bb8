//! Orders, specimens, results and reports.

use crate::prelude::*;

domain_resource! {
    /// An order for an investigation or a service.
    ServiceRequest = "ServiceRequest" {
        identifier: Vec<Identifier> = "identifier";
        instantiates_canonical / instantiates_canonical_element: Vec<Text> = "instantiatesCanonical";
        instantiates_uri / instantiates_uri_element: Vec<Text> = "instantiatesUri";
        based_on: Vec<Reference> = "basedOn";
        replaces: Vec<Reference> = "replaces";
        requisition: Option<Identifier> = "requisition";
        status / status_element: Option<Text> = "status" required;
        intent / intent_element: Option<Text> = "intent" required;
        category: Vec<CodeableConcept> = "category";
        priority / priority_element: Option<Text> = "priority";
        do_not_perform / do_not_perform_element: Option<bool> = "doNotPerform";
        code: Option<CodeableConcept> = "code";
        order_detail: Vec<CodeableConcept> = "orderDetail";
        quantity_quantity: Option<Quantity> = "quantityQuantity";
        quantity_ratio: Option<Box<Ratio>> = "quantityRatio";
        quantity_range: Option<Box<Range>> = "quantityRange";
        subject: Option<Reference> = "subject" required;
        encounter: Option<Reference> = "encounter";
        occurrence_date_time / occurrence_date_time_element: Option<DateTime> = "occurrenceDateTime";
        occurrence_period: Option<Period> = "occurrencePeriod";
        occurrence_timing: Option<Box<Timing>> = "occurrenceTiming";
        as_needed_boolean / as_needed_boolean_element: Option<bool> = "asNeededBoolean";
        as_needed_codeable_concept: Option<CodeableConcept> = "asNeededCodeableConcept";
        authored_on / authored_on_element: Option<DateTime> = "authoredOn";
        requester: Option<Reference> = "requester";
        performer_type: Option<CodeableConcept> = "performerType";
        performer: Vec<Reference> = "performer";
        location_code: Vec<CodeableConcept> = "locationCode";
        location_reference: Vec<Reference> = "locationReference";
        reason_code: Vec<CodeableConcept> = "reasonCode";
        reason_reference: Vec<Reference> = "reasonReference";
        insurance: Vec<Reference> = "insurance";
        supporting_info: Vec<Reference> = "supportingInfo";
        specimen: Vec<Reference> = "specimen";
        body_site: Vec<CodeableConcept> = "bodySite";
        note: Vec<Annotation> = "note";
        patient_instruction / patient_instruction_element: Option<Text> = "patientInstruction";
        relevant_history: Vec<Reference> = "relevantHistory";
    }
}

domain_resource! {
    /// A sample taken for examination.
    Specimen = "Specimen" {
        identifier: Vec<Identifier> = "identifier";
        accession_identifier: Option<Identifier> = "accessionIdentifier";
        status / status_element: Option<Text> = "status";
        type_: Option<CodeableConcept> = "type";
        subject: Option<Reference> = "subject";
        received_time / received_time_element: Option<DateTime> = "receivedTime";
        parent: Vec<Reference> = "parent";
        request: Vec<Reference> = "request";
        collection: Option<SpecimenCollection> = "collection";
        processing: Vec<SpecimenProcessing> = "processing";
        container: Vec<SpecimenContainer> = "container";
        condition: Vec<CodeableConcept> = "condition";
        note: Vec<Annotation> = "note";
    }
}

backbone! {
    /// The parts of `Specimen.collection`.
    SpecimenCollection = "Specimen.collection" {
        collector: Option<Reference> = "collector";
        collected_date_time / collected_date_time_element: Option<DateTime> = "collectedDateTime";
        collected_period: Option<Period> = "collectedPeriod";
        duration: Option<Quantity> = "duration";
        quantity: Option<Quantity> = "quantity";
        method: Option<CodeableConcept> = "method";
        body_site: Option<CodeableConcept> = "bodySite";
        fasting_status_codeable_concept: Option<CodeableConcept> = "fastingStatusCodeableConcept";
        fasting_status_duration: Option<Quantity> = "fastingStatusDuration";
    }
}

backbone! {
    /// The parts of `Specimen.processing`.
    SpecimenProcessing = "Specimen.processing" {
        description / description_element: Option<Text> = "description";
        procedure: Option<CodeableConcept> = "procedure";
        additive: Vec<Reference> = "additive";
        time_date_time / time_date_time_element: Option<DateTime> = "timeDateTime";
        time_period: Option<Period> = "timePeriod";
    }
}

backbone! {
    /// The parts of `Specimen.container`.
    SpecimenContainer = "Specimen.container" {
        identifier: Vec<Identifier> = "identifier";
        description / description_element: Option<Text> = "description";
        type_: Option<CodeableConcept> = "type";
        capacity: Option<Quantity> = "capacity";
        specimen_quantity: Option<Quantity> = "specimenQuantity";
        additive_codeable_concept: Option<CodeableConcept> = "additiveCodeableConcept";
        additive_reference: Option<Reference> = "additiveReference";
    }
}

domain_resource! {
    /// One measurement or finding.
    Observation = "Observation" {
        identifier: Vec<Identifier> = "identifier";
        based_on: Vec<Reference> = "basedOn";
        part_of: Vec<Reference> = "partOf";
        status / status_element: Option<Text> = "status" required;
        category: Vec<CodeableConcept> = "category";
        code: Option<CodeableConcept> = "code" required;
        subject: Option<Reference> = "subject";
        focus: Vec<Reference> = "focus";
        encounter: Option<Reference> = "encounter";
        effective_date_time / effective_date_time_element: Option<DateTime> = "effectiveDateTime";
        effective_period: Option<Period> = "effectivePeriod";
        effective_timing: Option<Box<Timing>> = "effectiveTiming";
        effective_instant / effective_instant_element: Option<Instant> = "effectiveInstant";
        issued / issued_element: Option<Instant> = "issued";
        performer: Vec<Reference> = "performer";
        value_quantity: Option<Quantity> = "valueQuantity";
        value_codeable_concept: Option<CodeableConcept> = "valueCodeableConcept";
        value_string / value_string_element: Option<Text> = "valueString";
        value_boolean / value_boolean_element: Option<bool> = "valueBoolean";
        value_integer / value_integer_element: Option<i32> = "valueInteger";
        value_range: Option<Box<Range>> = "valueRange";
        value_ratio: Option<Box<Ratio>> = "valueRatio";
        value_sampled_data: Option<Box<SampledData>> = "valueSampledData";
        value_time / value_time_element: Option<Time> = "valueTime";
        value_date_time / value_date_time_element: Option<DateTime> = "valueDateTime";
        value_period: Option<Period> = "valuePeriod";
        data_absent_reason: Option<CodeableConcept> = "dataAbsentReason";
        interpretation: Vec<CodeableConcept> = "interpretation";
        note: Vec<Annotation> = "note";
        body_site: Option<CodeableConcept> = "bodySite";
        method: Option<CodeableConcept> = "method";
        specimen: Option<Reference> = "specimen";
        device: Option<Reference> = "device";
        reference_range: Vec<ObservationReferenceRange> = "referenceRange";
        has_member: Vec<Reference> = "hasMember";
        derived_from: Vec<Reference> = "derivedFrom";
        component: Vec<ObservationComponent> = "component";
    }
}

backbone! {
    /// The parts of `Observation.referenceRange`.
    ObservationReferenceRange = "Observation.referenceRange" {
        low: Option<Quantity> = "low";
        high: Option<Quantity> = "high";
        type_: Option<CodeableConcept> = "type";
        applies_to: Vec<CodeableConcept> = "appliesTo";
        age: Option<Box<Range>> = "age";
        text / text_element: Option<Text> = "text";
    }
}

backbone! {
    /// The parts of `Observation.component`.
    ObservationComponent = "Observation.component" {
        code: Option<CodeableConcept> = "code" required;
        value_quantity: Option<Quantity> = "valueQuantity";
        value_codeable_concept: Option<CodeableConcept> = "valueCodeableConcept";
        value_string / value_string_element: Option<Text> = "valueString";
        value_boolean / value_boolean_element: Option<bool> = "valueBoolean";
        value_integer / value_integer_element: Option<i32> = "valueInteger";
        value_range: Option<Box<Range>> = "valueRange";
        value_ratio: Option<Box<Ratio>> = "valueRatio";
        value_sampled_data: Option<Box<SampledData>> = "valueSampledData";
        value_time / value_time_element: Option<Time> = "valueTime";
        value_date_time / value_date_time_element: Option<DateTime> = "valueDateTime";
        value_period: Option<Period> = "valuePeriod";
        data_absent_reason: Option<CodeableConcept> = "dataAbsentReason";
        interpretation: Vec<CodeableConcept> = "interpretation";
        reference_range: Vec<ObservationReferenceRange> = "referenceRange";
    }
}

domain_resource! {
    /// The result of an investigation: its status, its observations, its conclusion.
    DiagnosticReport = "DiagnosticReport" {
        identifier: Vec<Identifier> = "identifier";
        based_on: Vec<Reference> = "basedOn";
        status / status_element: Option<Text> = "status" required;
        category: Vec<CodeableConcept> = "category";
        code: Option<CodeableConcept> = "code" required;
        subject: Option<Reference> = "subject";
        encounter: Option<Reference> = "encounter";
        effective_date_time / effective_date_time_element: Option<DateTime> = "effectiveDateTime";
        effective_period: Option<Period> = "effectivePeriod";
        issued / issued_element: Option<Instant> = "issued";
        performer: Vec<Reference> = "performer";
        results_interpreter: Vec<Reference> = "resultsInterpreter";
        specimen: Vec<Reference> = "specimen";
        result: Vec<Reference> = "result";
        imaging_study: Vec<Reference> = "imagingStudy";
        media: Vec<DiagnosticReportMedia> = "media";
        conclusion / conclusion_element: Option<Text> = "conclusion";
        conclusion_code: Vec<CodeableConcept> = "conclusionCode";
        presented_form: Vec<Attachment> = "presentedForm";
    }
}

backbone! {
    /// The parts of `DiagnosticReport.media`.
    DiagnosticReportMedia = "DiagnosticReport.media" {
        comment / comment_element: Option<Text> = "comment";
        link: Option<Reference> = "link" required;
    }
}
