//! Visits, stays and episodes.

use crate::prelude::*;

domain_resource! {
    /// A visit or a stay: from registration to discharge.
    Encounter = "Encounter" {
        identifier: Vec<Identifier> = "identifier";
        status / status_element: Option<Text> = "status" required;
        status_history: Vec<EncounterStatusHistory> = "statusHistory";
        class: Option<Coding> = "class" required;
        class_history: Vec<EncounterClassHistory> = "classHistory";
        type_: Vec<CodeableConcept> = "type";
        service_type: Option<CodeableConcept> = "serviceType";
        priority: Option<CodeableConcept> = "priority";
        subject: Option<Reference> = "subject";
        episode_of_care: Vec<Reference> = "episodeOfCare";
        based_on: Vec<Reference> = "basedOn";
        participant: Vec<EncounterParticipant> = "participant";
        appointment: Vec<Reference> = "appointment";
        period: Option<Period> = "period";
        length: Option<Quantity> = "length";
        reason_code: Vec<CodeableConcept> = "reasonCode";
        reason_reference: Vec<Reference> = "reasonReference";
        diagnosis: Vec<EncounterDiagnosis> = "diagnosis";
        account: Vec<Reference> = "account";
        hospitalization: Option<EncounterHospitalization> = "hospitalization";
        location: Vec<EncounterLocation> = "location";
        service_provider: Option<Reference> = "serviceProvider";
        part_of: Option<Reference> = "partOf";
    }
}

backbone! {
    /// The parts of `Encounter.statusHistory`.
    EncounterStatusHistory = "Encounter.statusHistory" {
        status / status_element: Option<Text> = "status" required;
        period: Option<Period> = "period" required;
    }
}

backbone! {
    /// The parts of `Encounter.classHistory`.
    EncounterClassHistory = "Encounter.classHistory" {
        class: Option<Coding> = "class" required;
        period: Option<Period> = "period" required;
    }
}

backbone! {
    /// The parts of `Encounter.participant`.
    EncounterParticipant = "Encounter.participant" {
        type_: Vec<CodeableConcept> = "type";
        period: Option<Period> = "period";
        individual: Option<Reference> = "individual";
    }
}

backbone! {
    /// The parts of `Encounter.diagnosis`.
    EncounterDiagnosis = "Encounter.diagnosis" {
        condition: Option<Reference> = "condition" required;
        use_: Option<CodeableConcept> = "use";
        rank / rank_element: Option<u32> = "rank";
    }
}

backbone! {
    /// The parts of `Encounter.hospitalization`.
    EncounterHospitalization = "Encounter.hospitalization" {
        pre_admission_identifier: Option<Identifier> = "preAdmissionIdentifier";
        origin: Option<Reference> = "origin";
        admit_source: Option<CodeableConcept> = "admitSource";
        re_admission: Option<CodeableConcept> = "reAdmission";
        diet_preference: Vec<CodeableConcept> = "dietPreference";
        special_courtesy: Vec<CodeableConcept> = "specialCourtesy";
        special_arrangement: Vec<CodeableConcept> = "specialArrangement";
        destination: Option<Reference> = "destination";
        discharge_disposition: Option<CodeableConcept> = "dischargeDisposition";
    }
}

backbone! {
    /// The parts of `Encounter.location`.
    EncounterLocation = "Encounter.location" {
        location: Option<Reference> = "location" required;
        status / status_element: Option<Text> = "status";
        physical_type: Option<CodeableConcept> = "physicalType";
        period: Option<Period> = "period";
    }
}

domain_resource! {
    /// A longer span of care that holds several encounters.
    EpisodeOfCare = "EpisodeOfCare" {
        identifier: Vec<Identifier> = "identifier";
        status / status_element: Option<Text> = "status" required;
        status_history: Vec<EpisodeOfCareStatusHistory> = "statusHistory";
        type_: Vec<CodeableConcept> = "type";
        diagnosis: Vec<EpisodeOfCareDiagnosis> = "diagnosis";
        patient: Option<Reference> = "patient" required;
        managing_organization: Option<Reference> = "managingOrganization";
        period: Option<Period> = "period";
        referral_request: Vec<Reference> = "referralRequest";
        care_manager: Option<Reference> = "careManager";
        team: Vec<Reference> = "team";
        account: Vec<Reference> = "account";
    }
}

backbone! {
    /// The parts of `EpisodeOfCare.statusHistory`.
    EpisodeOfCareStatusHistory = "EpisodeOfCare.statusHistory" {
        status / status_element: Option<Text> = "status" required;
        period: Option<Period> = "period" required;
    }
}

backbone! {
    /// The parts of `EpisodeOfCare.diagnosis`.
    EpisodeOfCareDiagnosis = "EpisodeOfCare.diagnosis" {
        condition: Option<Reference> = "condition" required;
        role: Option<CodeableConcept> = "role";
        rank / rank_element: Option<u32> = "rank";
    }
}
