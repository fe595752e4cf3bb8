//! Who pays for what.

use crate::prelude::*;

domain_resource! {
    /// What is billed for a patient's care, and to whom.
    Account = "Account" {
        identifier: Vec<Identifier> = "identifier";
        status / status_element: Option<Text> = "status" required;
        type_: Option<CodeableConcept> = "type";
        name / name_element: Option<Text> = "name";
        subject: Vec<Reference> = "subject";
        service_period: Option<Period> = "servicePeriod";
        coverage: Vec<AccountCoverage> = "coverage";
        owner: Option<Reference> = "owner";
        description / description_element: Option<Text> = "description";
        guarantor: Vec<AccountGuarantor> = "guarantor";
        part_of: Option<Reference> = "partOf";
    }
}

backbone! {
    /// The parts of `Account.coverage`.
    AccountCoverage = "Account.coverage" {
        coverage: Option<Reference> = "coverage" required;
        priority / priority_element: Option<u32> = "priority";
    }
}

backbone! {
    /// The parts of `Account.guarantor`.
    AccountGuarantor = "Account.guarantor" {
        party: Option<Reference> = "party" required;
        on_hold / on_hold_element: Option<bool> = "onHold";
        period: Option<Period> = "period";
    }
}

domain_resource! {
    /// One item of a patient's bill.
    ChargeItem = "ChargeItem" {
        identifier: Vec<Identifier> = "identifier";
        definition_uri / definition_uri_element: Vec<Text> = "definitionUri";
        definition_canonical / definition_canonical_element: Vec<Text> = "definitionCanonical";
        status / status_element: Option<Text> = "status" required;
        part_of: Vec<Reference> = "partOf";
        code: Option<CodeableConcept> = "code" required;
        subject: Option<Reference> = "subject" required;
        context: Option<Reference> = "context";
        occurrence_date_time / occurrence_date_time_element: Option<DateTime> = "occurrenceDateTime";
        occurrence_period: Option<Period> = "occurrencePeriod";
        occurrence_timing: Option<Box<Timing>> = "occurrenceTiming";
        performer: Vec<ChargeItemPerformer> = "performer";
        performing_organization: Option<Reference> = "performingOrganization";
        requesting_organization: Option<Reference> = "requestingOrganization";
        cost_center: Option<Reference> = "costCenter";
        quantity: Option<Quantity> = "quantity";
        bodysite: Vec<CodeableConcept> = "bodysite";
        factor_override / factor_override_element: Option<Decimal> = "factorOverride";
        price_override: Option<Money> = "priceOverride";
        override_reason / override_reason_element: Option<Text> = "overrideReason";
        enterer: Option<Reference> = "enterer";
        entered_date / entered_date_element: Option<DateTime> = "enteredDate";
        reason: Vec<CodeableConcept> = "reason";
        service: Vec<Reference> = "service";
        product_reference: Option<Reference> = "productReference";
        product_codeable_concept: Option<CodeableConcept> = "productCodeableConcept";
        account: Vec<Reference> = "account";
        note: Vec<Annotation> = "note";
        supporting_information: Vec<Reference> = "supportingInformation";
    }
}

backbone! {
    /// The parts of `ChargeItem.performer`.
    ChargeItemPerformer = "ChargeItem.performer" {
        function: Option<CodeableConcept> = "function";
        actor: Option<Reference> = "actor" required;
    }
}

domain_resource! {
    /// Who pays: an insurance policy or a payment agreement.
    Coverage = "Coverage" {
        identifier: Vec<Identifier> = "identifier";
        status / status_element: Option<Text> = "status" required;
        type_: Option<CodeableConcept> = "type";
        policy_holder: Option<Reference> = "policyHolder";
        subscriber: Option<Reference> = "subscriber";
        subscriber_id / subscriber_id_element: Option<Text> = "subscriberId";
        beneficiary: Option<Reference> = "beneficiary" required;
        dependent / dependent_element: Option<Text> = "dependent";
        relationship: Option<CodeableConcept> = "relationship";
        period: Option<Period> = "period";
        payor: Vec<Reference> = "payor" required;
        class: Vec<CoverageClass> = "class";
        order / order_element: Option<u32> = "order";
        network / network_element: Option<Text> = "network";
        cost_to_beneficiary: Vec<CoverageCostToBeneficiary> = "costToBeneficiary";
        subrogation / subrogation_element: Option<bool> = "subrogation";
        contract: Vec<Reference> = "contract";
    }
}

backbone! {
    /// The parts of `Coverage.class`.
    CoverageClass = "Coverage.class" {
        type_: Option<CodeableConcept> = "type" required;
        value / value_element: Option<Text> = "value" required;
        name / name_element: Option<Text> = "name";
    }
}

backbone! {
    /// The parts of `Coverage.costToBeneficiary`.
    CoverageCostToBeneficiary = "Coverage.costToBeneficiary" {
        type_: Option<CodeableConcept> = "type";
        value_quantity: Option<Quantity> = "valueQuantity";
        value_money: Option<Money> = "valueMoney";
        exception: Vec<CoverageCostToBeneficiaryException> = "exception";
    }
}

backbone! {
    /// The parts of `Coverage.costToBeneficiary.exception`.
    CoverageCostToBeneficiaryException = "Coverage.costToBeneficiary.exception" {
        type_: Option<CodeableConcept> = "type" required;
        period: Option<Period> = "period";
    }
}
