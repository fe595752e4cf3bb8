//! Documents, bytes and what has no other name.

use crate::prelude::*;

domain_resource! {
    /// A pointer to a document and what is known about it.
    DocumentReference = "DocumentReference" {
        master_identifier: Option<Identifier> = "masterIdentifier";
        identifier: Vec<Identifier> = "identifier";
        status / status_element: Option<Text> = "status" required;
        doc_status / doc_status_element: Option<Text> = "docStatus";
        type_: Option<CodeableConcept> = "type";
        category: Vec<CodeableConcept> = "category";
        subject: Option<Reference> = "subject";
        date / date_element: Option<Instant> = "date";
        author: Vec<Reference> = "author";
        authenticator: Option<Reference> = "authenticator";
        custodian: Option<Reference> = "custodian";
        relates_to: Vec<DocumentReferenceRelatesTo> = "relatesTo";
        description / description_element: Option<Text> = "description";
        security_label: Vec<CodeableConcept> = "securityLabel";
        content: Vec<DocumentReferenceContent> = "content" required;
        context: Option<DocumentReferenceContext> = "context";
    }
}

backbone! {
    /// The parts of `DocumentReference.relatesTo`.
    DocumentReferenceRelatesTo = "DocumentReference.relatesTo" {
        code / code_element: Option<Text> = "code" required;
        target: Option<Reference> = "target" required;
    }
}

backbone! {
    /// The parts of `DocumentReference.content`.
    DocumentReferenceContent = "DocumentReference.content" {
        attachment: Option<Box<Attachment>> = "attachment" required;
        format: Option<Coding> = "format";
    }
}

backbone! {
    /// The parts of `DocumentReference.context`.
    DocumentReferenceContext = "DocumentReference.context" {
        encounter: Vec<Reference> = "encounter";
        event: Vec<CodeableConcept> = "event";
        period: Option<Period> = "period";
        facility_type: Option<CodeableConcept> = "facilityType";
        practice_setting: Option<CodeableConcept> = "practiceSetting";
        source_patient_info: Option<Reference> = "sourcePatientInfo";
        related: Vec<Reference> = "related";
    }
}

plain_resource! {
    /// Bytes in their own format.
    Binary = "Binary" {
        content_type / content_type_element: Option<Text> = "contentType" required;
        security_context: Option<Reference> = "securityContext";
        data / data_element: Option<Text> = "data";
    }
}

domain_resource! {
    /// A resource for what FHIR has no name for; `code` says what it is.
    Basic = "Basic" {
        identifier: Vec<Identifier> = "identifier";
        code: Option<CodeableConcept> = "code" required;
        subject: Option<Reference> = "subject";
        created / created_element: Option<Date> = "created";
        author: Option<Reference> = "author";
    }
}
