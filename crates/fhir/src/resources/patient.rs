//! Patients and those around them.

use crate::prelude::*;

domain_resource! {
    /// A person in care.
    Patient = "Patient" {
        identifier: Vec<Identifier> = "identifier";
        active / active_element: Option<bool> = "active";
        name: Vec<HumanName> = "name";
        telecom: Vec<ContactPoint> = "telecom";
        gender / gender_element: Option<Text> = "gender";
        birth_date / birth_date_element: Option<Date> = "birthDate";
        deceased_boolean / deceased_boolean_element: Option<bool> = "deceasedBoolean";
        deceased_date_time / deceased_date_time_element: Option<DateTime> = "deceasedDateTime";
        address: Vec<Address> = "address";
        marital_status: Option<CodeableConcept> = "maritalStatus";
        multiple_birth_boolean / multiple_birth_boolean_element: Option<bool> = "multipleBirthBoolean";
        multiple_birth_integer / multiple_birth_integer_element: Option<i32> = "multipleBirthInteger";
        photo: Vec<Attachment> = "photo";
        contact: Vec<PatientContact> = "contact";
        communication: Vec<PatientCommunication> = "communication";
        general_practitioner: Vec<Reference> = "generalPractitioner";
        managing_organization: Option<Reference> = "managingOrganization";
        link: Vec<PatientLink> = "link";
    }
}

backbone! {
    /// The parts of `Patient.contact`.
    PatientContact = "Patient.contact" {
        relationship: Vec<CodeableConcept> = "relationship";
        name: Option<HumanName> = "name";
        telecom: Vec<ContactPoint> = "telecom";
        address: Option<Address> = "address";
        gender / gender_element: Option<Text> = "gender";
        organization: Option<Reference> = "organization";
        period: Option<Period> = "period";
    }
}

backbone! {
    /// The parts of `Patient.communication`.
    PatientCommunication = "Patient.communication" {
        language: Option<CodeableConcept> = "language" required;
        preferred / preferred_element: Option<bool> = "preferred";
    }
}

backbone! {
    /// The parts of `Patient.link`.
    PatientLink = "Patient.link" {
        other_: Option<Reference> = "other" required;
        type_ / type_element: Option<Text> = "type" required;
    }
}

domain_resource! {
    /// Someone close to a patient: next of kin, carer.
    RelatedPerson = "RelatedPerson" {
        identifier: Vec<Identifier> = "identifier";
        active / active_element: Option<bool> = "active";
        patient: Option<Reference> = "patient" required;
        relationship: Vec<CodeableConcept> = "relationship";
        name: Vec<HumanName> = "name";
        telecom: Vec<ContactPoint> = "telecom";
        gender / gender_element: Option<Text> = "gender";
        birth_date / birth_date_element: Option<Date> = "birthDate";
        address: Vec<Address> = "address";
        photo: Vec<Attachment> = "photo";
        period: Option<Period> = "period";
        communication: Vec<RelatedPersonCommunication> = "communication";
    }
}

backbone! {
    /// The parts of `RelatedPerson.communication`.
    RelatedPersonCommunication = "RelatedPerson.communication" {
        language: Option<CodeableConcept> = "language" required;
        preferred / preferred_element: Option<bool> = "preferred";
    }
}
