//! What is known and done about a patient's health.

use crate::prelude::*;

domain_resource! {
    /// A patient's allergy or intolerance to a substance.
    AllergyIntolerance = "AllergyIntolerance" {
        identifier: Vec<Identifier> = "identifier";
        clinical_status: Option<CodeableConcept> = "clinicalStatus";
        verification_status: Option<CodeableConcept> = "verificationStatus";
        type_ / type_element: Option<Text> = "type";
        category / category_element: Vec<Text> = "category";
        criticality / criticality_element: Option<Text> = "criticality";
        code: Option<CodeableConcept> = "code";
        patient: Option<Reference> = "patient" required;
        encounter: Option<Reference> = "encounter";
        onset_date_time / onset_date_time_element: Option<DateTime> = "onsetDateTime";
        onset_age: Option<Quantity> = "onsetAge";
        onset_period: Option<Period> = "onsetPeriod";
        onset_range: Option<Box<Range>> = "onsetRange";
        onset_string / onset_string_element: Option<Text> = "onsetString";
        recorded_date / recorded_date_element: Option<DateTime> = "recordedDate";
        recorder: Option<Reference> = "recorder";
        asserter: Option<Reference> = "asserter";
        last_occurrence / last_occurrence_element: Option<DateTime> = "lastOccurrence";
        note: Vec<Annotation> = "note";
        reaction: Vec<AllergyIntoleranceReaction> = "reaction";
    }
}

backbone! {
    /// The parts of `AllergyIntolerance.reaction`.
    AllergyIntoleranceReaction = "AllergyIntolerance.reaction" {
        substance: Option<CodeableConcept> = "substance";
        manifestation: Vec<CodeableConcept> = "manifestation" required;
        description / description_element: Option<Text> = "description";
        onset / onset_element: Option<DateTime> = "onset";
        severity / severity_element: Option<Text> = "severity";
        exposure_route: Option<CodeableConcept> = "exposureRoute";
        note: Vec<Annotation> = "note";
    }
}

domain_resource! {
    /// A problem or diagnosis.
    Condition = "Condition" {
        identifier: Vec<Identifier> = "identifier";
        clinical_status: Option<CodeableConcept> = "clinicalStatus";
        verification_status: Option<CodeableConcept> = "verificationStatus";
        category: Vec<CodeableConcept> = "category";
        severity: Option<CodeableConcept> = "severity";
        code: Option<CodeableConcept> = "code";
        body_site: Vec<CodeableConcept> = "bodySite";
        subject: Option<Reference> = "subject" required;
        encounter: Option<Reference> = "encounter";
        onset_date_time / onset_date_time_element: Option<DateTime> = "onsetDateTime";
        onset_age: Option<Quantity> = "onsetAge";
        onset_period: Option<Period> = "onsetPeriod";
        onset_range: Option<Box<Range>> = "onsetRange";
        onset_string / onset_string_element: Option<Text> = "onsetString";
        abatement_date_time / abatement_date_time_element: Option<DateTime> = "abatementDateTime";
        abatement_age: Option<Quantity> = "abatementAge";
        abatement_period: Option<Period> = "abatementPeriod";
        abatement_range: Option<Box<Range>> = "abatementRange";
        abatement_string / abatement_string_element: Option<Text> = "abatementString";
        recorded_date / recorded_date_element: Option<DateTime> = "recordedDate";
        recorder: Option<Reference> = "recorder";
        asserter: Option<Reference> = "asserter";
        stage: Vec<ConditionStage> = "stage";
        evidence: Vec<ConditionEvidence> = "evidence";
        note: Vec<Annotation> = "note";
    }
}

backbone! {
    /// The parts of `Condition.stage`.
    ConditionStage = "Condition.stage" {
        summary: Option<CodeableConcept> = "summary";
        assessment: Vec<Reference> = "assessment";
        type_: Option<CodeableConcept> = "type";
    }
}

backbone! {
    /// The parts of `Condition.evidence`.
    ConditionEvidence = "Condition.evidence" {
        code: Vec<CodeableConcept> = "code";
        detail: Vec<Reference> = "detail";
    }
}

domain_resource! {
    /// Something done to a patient.
    Procedure = "Procedure" {
        identifier: Vec<Identifier> = "identifier";
        instantiates_canonical / instantiates_canonical_element: Vec<Text> = "instantiatesCanonical";
        instantiates_uri / instantiates_uri_element: Vec<Text> = "instantiatesUri";
        based_on: Vec<Reference> = "basedOn";
        part_of: Vec<Reference> = "partOf";
        status / status_element: Option<Text> = "status" required;
        status_reason: Option<CodeableConcept> = "statusReason";
        category: Option<CodeableConcept> = "category";
        code: Option<CodeableConcept> = "code";
        subject: Option<Reference> = "subject" required;
        encounter: Option<Reference> = "encounter";
        performed_date_time / performed_date_time_element: Option<DateTime> = "performedDateTime";
        performed_period: Option<Period> = "performedPeriod";
        performed_string / performed_string_element: Option<Text> = "performedString";
        performed_age: Option<Quantity> = "performedAge";
        performed_range: Option<Box<Range>> = "performedRange";
        recorder: Option<Reference> = "recorder";
        asserter: Option<Reference> = "asserter";
        performer: Vec<ProcedurePerformer> = "performer";
        location: Option<Reference> = "location";
        reason_code: Vec<CodeableConcept> = "reasonCode";
        reason_reference: Vec<Reference> = "reasonReference";
        body_site: Vec<CodeableConcept> = "bodySite";
        outcome: Option<CodeableConcept> = "outcome";
        report: Vec<Reference> = "report";
        complication: Vec<CodeableConcept> = "complication";
        complication_detail: Vec<Reference> = "complicationDetail";
        follow_up: Vec<CodeableConcept> = "followUp";
        note: Vec<Annotation> = "note";
        focal_device: Vec<ProcedureFocalDevice> = "focalDevice";
        used_reference: Vec<Reference> = "usedReference";
        used_code: Vec<CodeableConcept> = "usedCode";
    }
}

backbone! {
    /// The parts of `Procedure.performer`.
    ProcedurePerformer = "Procedure.performer" {
        function: Option<CodeableConcept> = "function";
        actor: Option<Reference> = "actor" required;
        on_behalf_of: Option<Reference> = "onBehalfOf";
    }
}

backbone! {
    /// The parts of `Procedure.focalDevice`.
    ProcedureFocalDevice = "Procedure.focalDevice" {
        action: Option<CodeableConcept> = "action";
        manipulated: Option<Reference> = "manipulated" required;
    }
}

domain_resource! {
    /// A warning that those who treat the patient should see.
    Flag = "Flag" {
        identifier: Vec<Identifier> = "identifier";
        status / status_element: Option<Text> = "status" required;
        category: Vec<CodeableConcept> = "category";
        code: Option<CodeableConcept> = "code" required;
        subject: Option<Reference> = "subject" required;
        period: Option<Period> = "period";
        encounter: Option<Reference> = "encounter";
        author: Option<Reference> = "author";
    }
}

domain_resource! {
    /// A vaccine given or not given.
    Immunization = "Immunization" {
        identifier: Vec<Identifier> = "identifier";
        status / status_element: Option<Text> = "status" required;
        status_reason: Option<CodeableConcept> = "statusReason";
        vaccine_code: Option<CodeableConcept> = "vaccineCode" required;
        patient: Option<Reference> = "patient" required;
        encounter: Option<Reference> = "encounter";
        occurrence_date_time / occurrence_date_time_element: Option<DateTime> = "occurrenceDateTime";
        occurrence_string / occurrence_string_element: Option<Text> = "occurrenceString";
        recorded / recorded_element: Option<DateTime> = "recorded";
        primary_source / primary_source_element: Option<bool> = "primarySource";
        report_origin: Option<CodeableConcept> = "reportOrigin";
        location: Option<Reference> = "location";
        manufacturer: Option<Reference> = "manufacturer";
        lot_number / lot_number_element: Option<Text> = "lotNumber";
        expiration_date / expiration_date_element: Option<Date> = "expirationDate";
        site: Option<CodeableConcept> = "site";
        route: Option<CodeableConcept> = "route";
        dose_quantity: Option<Quantity> = "doseQuantity";
        performer: Vec<ImmunizationPerformer> = "performer";
        note: Vec<Annotation> = "note";
        reason_code: Vec<CodeableConcept> = "reasonCode";
        reason_reference: Vec<Reference> = "reasonReference";
        is_subpotent / is_subpotent_element: Option<bool> = "isSubpotent";
        subpotent_reason: Vec<CodeableConcept> = "subpotentReason";
        education: Vec<ImmunizationEducation> = "education";
        program_eligibility: Vec<CodeableConcept> = "programEligibility";
        funding_source: Option<CodeableConcept> = "fundingSource";
        reaction: Vec<ImmunizationReaction> = "reaction";
        protocol_applied: Vec<ImmunizationProtocolApplied> = "protocolApplied";
    }
}

backbone! {
    /// The parts of `Immunization.performer`.
    ImmunizationPerformer = "Immunization.performer" {
        function: Option<CodeableConcept> = "function";
        actor: Option<Reference> = "actor" required;
    }
}

backbone! {
    /// The parts of `Immunization.education`.
    ImmunizationEducation = "Immunization.education" {
        document_type / document_type_element: Option<Text> = "documentType";
        reference / reference_element: Option<Text> = "reference";
        publication_date / publication_date_element: Option<DateTime> = "publicationDate";
        presentation_date / presentation_date_element: Option<DateTime> = "presentationDate";
    }
}

backbone! {
    /// The parts of `Immunization.reaction`.
    ImmunizationReaction = "Immunization.reaction" {
        date / date_element: Option<DateTime> = "date";
        detail: Option<Reference> = "detail";
        reported / reported_element: Option<bool> = "reported";
    }
}

backbone! {
    /// The parts of `Immunization.protocolApplied`.
    ImmunizationProtocolApplied = "Immunization.protocolApplied" {
        series / series_element: Option<Text> = "series";
        authority: Option<Reference> = "authority";
        target_disease: Vec<CodeableConcept> = "targetDisease";
        dose_number_positive_int / dose_number_positive_int_element: Option<u32> = "doseNumberPositiveInt";
        dose_number_string / dose_number_string_element: Option<Text> = "doseNumberString";
        series_doses_positive_int / series_doses_positive_int_element: Option<u32> = "seriesDosesPositiveInt";
        series_doses_string / series_doses_string_element: Option<Text> = "seriesDosesString";
    }
}

domain_resource! {
    /// What a patient's care aims at.
    Goal = "Goal" {
        identifier: Vec<Identifier> = "identifier";
        lifecycle_status / lifecycle_status_element: Option<Text> = "lifecycleStatus" required;
        achievement_status: Option<CodeableConcept> = "achievementStatus";
        category: Vec<CodeableConcept> = "category";
        priority: Option<CodeableConcept> = "priority";
        description: Option<CodeableConcept> = "description" required;
        subject: Option<Reference> = "subject" required;
        start_date / start_date_element: Option<Date> = "startDate";
        start_codeable_concept: Option<CodeableConcept> = "startCodeableConcept";
        target: Vec<GoalTarget> = "target";
        status_date / status_date_element: Option<Date> = "statusDate";
        status_reason / status_reason_element: Option<Text> = "statusReason";
        expressed_by: Option<Reference> = "expressedBy";
        addresses: Vec<Reference> = "addresses";
        note: Vec<Annotation> = "note";
        outcome_code: Vec<CodeableConcept> = "outcomeCode";
        outcome_reference: Vec<Reference> = "outcomeReference";
    }
}

backbone! {
    /// The parts of `Goal.target`.
    GoalTarget = "Goal.target" {
        measure: Option<CodeableConcept> = "measure";
        detail_quantity: Option<Quantity> = "detailQuantity";
        detail_range: Option<Box<Range>> = "detailRange";
        detail_codeable_concept: Option<CodeableConcept> = "detailCodeableConcept";
        detail_string / detail_string_element: Option<Text> = "detailString";
        detail_boolean / detail_boolean_element: Option<bool> = "detailBoolean";
        detail_integer / detail_integer_element: Option<i32> = "detailInteger";
        detail_ratio: Option<Box<Ratio>> = "detailRatio";
        due_date / due_date_element: Option<Date> = "dueDate";
        due_duration: Option<Quantity> = "dueDuration";
    }
}
