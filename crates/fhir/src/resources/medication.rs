//! Medicines: ordered, given, supplied, taken.

use crate::prelude::*;

domain_resource! {
    /// A medicine, as itself.
    Medication = "Medication" {
        identifier: Vec<Identifier> = "identifier";
        code: Option<CodeableConcept> = "code";
        status / status_element: Option<Text> = "status";
        manufacturer: Option<Reference> = "manufacturer";
        form: Option<CodeableConcept> = "form";
        amount: Option<Box<Ratio>> = "amount";
        ingredient: Vec<MedicationIngredient> = "ingredient";
        batch: Option<MedicationBatch> = "batch";
    }
}

backbone! {
    /// The parts of `Medication.ingredient`.
    MedicationIngredient = "Medication.ingredient" {
        item_codeable_concept: Option<CodeableConcept> = "itemCodeableConcept";
        item_reference: Option<Reference> = "itemReference";
        is_active / is_active_element: Option<bool> = "isActive";
        strength: Option<Box<Ratio>> = "strength";
    }
}

backbone! {
    /// The parts of `Medication.batch`.
    MedicationBatch = "Medication.batch" {
        lot_number / lot_number_element: Option<Text> = "lotNumber";
        expiration_date / expiration_date_element: Option<DateTime> = "expirationDate";
    }
}

domain_resource! {
    /// A medicine ordered.
    MedicationRequest = "MedicationRequest" {
        identifier: Vec<Identifier> = "identifier";
        status / status_element: Option<Text> = "status" required;
        status_reason: Option<CodeableConcept> = "statusReason";
        intent / intent_element: Option<Text> = "intent" required;
        category: Vec<CodeableConcept> = "category";
        priority / priority_element: Option<Text> = "priority";
        do_not_perform / do_not_perform_element: Option<bool> = "doNotPerform";
        reported_boolean / reported_boolean_element: Option<bool> = "reportedBoolean";
        reported_reference: Option<Reference> = "reportedReference";
        medication_codeable_concept: Option<CodeableConcept> = "medicationCodeableConcept";
        medication_reference: Option<Reference> = "medicationReference";
        subject: Option<Reference> = "subject" required;
        encounter: Option<Reference> = "encounter";
        supporting_information: Vec<Reference> = "supportingInformation";
        authored_on / authored_on_element: Option<DateTime> = "authoredOn";
        requester: Option<Reference> = "requester";
        performer: Option<Reference> = "performer";
        performer_type: Option<CodeableConcept> = "performerType";
        recorder: Option<Reference> = "recorder";
        reason_code: Vec<CodeableConcept> = "reasonCode";
        reason_reference: Vec<Reference> = "reasonReference";
        instantiates_canonical / instantiates_canonical_element: Vec<Text> = "instantiatesCanonical";
        instantiates_uri / instantiates_uri_element: Vec<Text> = "instantiatesUri";
        based_on: Vec<Reference> = "basedOn";
        group_identifier: Option<Identifier> = "groupIdentifier";
        course_of_therapy_type: Option<CodeableConcept> = "courseOfTherapyType";
        insurance: Vec<Reference> = "insurance";
        note: Vec<Annotation> = "note";
        dosage_instruction: Vec<Dosage> = "dosageInstruction";
        dispense_request: Option<MedicationRequestDispenseRequest> = "dispenseRequest";
        substitution: Option<MedicationRequestSubstitution> = "substitution";
        prior_prescription: Option<Reference> = "priorPrescription";
        detected_issue: Vec<Reference> = "detectedIssue";
        event_history: Vec<Reference> = "eventHistory";
    }
}

backbone! {
    /// The parts of `MedicationRequest.dispenseRequest`.
    MedicationRequestDispenseRequest = "MedicationRequest.dispenseRequest" {
        initial_fill: Option<MedicationRequestDispenseRequestInitialFill> = "initialFill";
        dispense_interval: Option<Quantity> = "dispenseInterval";
        validity_period: Option<Period> = "validityPeriod";
        number_of_repeats_allowed / number_of_repeats_allowed_element: Option<u32> = "numberOfRepeatsAllowed";
        quantity: Option<Quantity> = "quantity";
        expected_supply_duration: Option<Quantity> = "expectedSupplyDuration";
        performer: Option<Reference> = "performer";
    }
}

backbone! {
    /// The parts of `MedicationRequest.dispenseRequest.initialFill`.
    MedicationRequestDispenseRequestInitialFill = "MedicationRequest.dispenseRequest.initialFill" {
        quantity: Option<Quantity> = "quantity";
        duration: Option<Quantity> = "duration";
    }
}

backbone! {
    /// The parts of `MedicationRequest.substitution`.
    MedicationRequestSubstitution = "MedicationRequest.substitution" {
        allowed_boolean / allowed_boolean_element: Option<bool> = "allowedBoolean";
        allowed_codeable_concept: Option<CodeableConcept> = "allowedCodeableConcept";
        reason: Option<CodeableConcept> = "reason";
    }
}

domain_resource! {
    /// A medicine given to a patient.
    MedicationAdministration = "MedicationAdministration" {
        identifier: Vec<Identifier> = "identifier";
        instantiates / instantiates_element: Vec<Text> = "instantiates";
        part_of: Vec<Reference> = "partOf";
        status / status_element: Option<Text> = "status" required;
        status_reason: Vec<CodeableConcept> = "statusReason";
        category: Option<CodeableConcept> = "category";
        medication_codeable_concept: Option<CodeableConcept> = "medicationCodeableConcept";
        medication_reference: Option<Reference> = "medicationReference";
        subject: Option<Reference> = "subject" required;
        context: Option<Reference> = "context";
        supporting_information: Vec<Reference> = "supportingInformation";
        effective_date_time / effective_date_time_element: Option<DateTime> = "effectiveDateTime";
        effective_period: Option<Period> = "effectivePeriod";
        performer: Vec<MedicationAdministrationPerformer> = "performer";
        reason_code: Vec<CodeableConcept> = "reasonCode";
        reason_reference: Vec<Reference> = "reasonReference";
        request: Option<Reference> = "request";
        device: Vec<Reference> = "device";
        note: Vec<Annotation> = "note";
        dosage: Option<MedicationAdministrationDosage> = "dosage";
        event_history: Vec<Reference> = "eventHistory";
    }
}

backbone! {
    /// The parts of `MedicationAdministration.performer`.
    MedicationAdministrationPerformer = "MedicationAdministration.performer" {
        function: Option<CodeableConcept> = "function";
        actor: Option<Reference> = "actor" required;
    }
}

backbone! {
    /// The parts of `MedicationAdministration.dosage`.
    MedicationAdministrationDosage = "MedicationAdministration.dosage" {
        text / text_element: Option<Text> = "text";
        site: Option<CodeableConcept> = "site";
        route: Option<CodeableConcept> = "route";
        method: Option<CodeableConcept> = "method";
        dose: Option<Quantity> = "dose";
        rate_ratio: Option<Box<Ratio>> = "rateRatio";
        rate_quantity: Option<Quantity> = "rateQuantity";
    }
}

domain_resource! {
    /// A medicine supplied to a patient.
    MedicationDispense = "MedicationDispense" {
        identifier: Vec<Identifier> = "identifier";
        part_of: Vec<Reference> = "partOf";
        status / status_element: Option<Text> = "status" required;
        status_reason_codeable_concept: Option<CodeableConcept> = "statusReasonCodeableConcept";
        status_reason_reference: Option<Reference> = "statusReasonReference";
        category: Option<CodeableConcept> = "category";
        medication_codeable_concept: Option<CodeableConcept> = "medicationCodeableConcept";
        medication_reference: Option<Reference> = "medicationReference";
        subject: Option<Reference> = "subject";
        context: Option<Reference> = "context";
        supporting_information: Vec<Reference> = "supportingInformation";
        performer: Vec<MedicationDispensePerformer> = "performer";
        location: Option<Reference> = "location";
        authorizing_prescription: Vec<Reference> = "authorizingPrescription";
        type_: Option<CodeableConcept> = "type";
        quantity: Option<Quantity> = "quantity";
        days_supply: Option<Quantity> = "daysSupply";
        when_prepared / when_prepared_element: Option<DateTime> = "whenPrepared";
        when_handed_over / when_handed_over_element: Option<DateTime> = "whenHandedOver";
        destination: Option<Reference> = "destination";
        receiver: Vec<Reference> = "receiver";
        note: Vec<Annotation> = "note";
        dosage_instruction: Vec<Dosage> = "dosageInstruction";
        substitution: Option<MedicationDispenseSubstitution> = "substitution";
        detected_issue: Vec<Reference> = "detectedIssue";
        event_history: Vec<Reference> = "eventHistory";
    }
}

backbone! {
    /// The parts of `MedicationDispense.performer`.
    MedicationDispensePerformer = "MedicationDispense.performer" {
        function: Option<CodeableConcept> = "function";
        actor: Option<Reference> = "actor" required;
    }
}

backbone! {
    /// The parts of `MedicationDispense.substitution`.
    MedicationDispenseSubstitution = "MedicationDispense.substitution" {
        was_substituted / was_substituted_element: Option<bool> = "wasSubstituted" required;
        type_: Option<CodeableConcept> = "type";
        reason: Vec<CodeableConcept> = "reason";
        responsible_party: Vec<Reference> = "responsibleParty";
    }
}

domain_resource! {
    /// A medicine a patient is said to take.
    MedicationStatement = "MedicationStatement" {
        identifier: Vec<Identifier> = "identifier";
        based_on: Vec<Reference> = "basedOn";
        part_of: Vec<Reference> = "partOf";
        status / status_element: Option<Text> = "status" required;
        status_reason: Vec<CodeableConcept> = "statusReason";
        category: Option<CodeableConcept> = "category";
        medication_codeable_concept: Option<CodeableConcept> = "medicationCodeableConcept";
        medication_reference: Option<Reference> = "medicationReference";
        subject: Option<Reference> = "subject" required;
        context: Option<Reference> = "context";
        effective_date_time / effective_date_time_element: Option<DateTime> = "effectiveDateTime";
        effective_period: Option<Period> = "effectivePeriod";
        date_asserted / date_asserted_element: Option<DateTime> = "dateAsserted";
        information_source: Option<Reference> = "informationSource";
        derived_from: Vec<Reference> = "derivedFrom";
        reason_code: Vec<CodeableConcept> = "reasonCode";
        reason_reference: Vec<Reference> = "reasonReference";
        note: Vec<Annotation> = "note";
        dosage: Vec<Dosage> = "dosage";
    }
}
