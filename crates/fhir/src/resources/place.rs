//! Who and where: practitioners, organisations, locations, teams, devices.

use crate::prelude::*;

domain_resource! {
    /// A person who gives care.
    Practitioner = "Practitioner" {
        identifier: Vec<Identifier> = "identifier";
        active / active_element: Option<bool> = "active";
        name: Vec<HumanName> = "name";
        telecom: Vec<ContactPoint> = "telecom";
        address: Vec<Address> = "address";
        gender / gender_element: Option<Text> = "gender";
        birth_date / birth_date_element: Option<Date> = "birthDate";
        photo: Vec<Attachment> = "photo";
        qualification: Vec<PractitionerQualification> = "qualification";
        communication: Vec<CodeableConcept> = "communication";
    }
}

backbone! {
    /// The parts of `Practitioner.qualification`.
    PractitionerQualification = "Practitioner.qualification" {
        identifier: Vec<Identifier> = "identifier";
        code: Option<CodeableConcept> = "code" required;
        period: Option<Period> = "period";
        issuer: Option<Reference> = "issuer";
    }
}

domain_resource! {
    /// What a practitioner does, for which organisation, where.
    PractitionerRole = "PractitionerRole" {
        identifier: Vec<Identifier> = "identifier";
        active / active_element: Option<bool> = "active";
        period: Option<Period> = "period";
        practitioner: Option<Reference> = "practitioner";
        organization: Option<Reference> = "organization";
        code: Vec<CodeableConcept> = "code";
        specialty: Vec<CodeableConcept> = "specialty";
        location: Vec<Reference> = "location";
        healthcare_service: Vec<Reference> = "healthcareService";
        telecom: Vec<ContactPoint> = "telecom";
        available_time: Vec<PractitionerRoleAvailableTime> = "availableTime";
        not_available: Vec<PractitionerRoleNotAvailable> = "notAvailable";
        availability_exceptions / availability_exceptions_element: Option<Text> = "availabilityExceptions";
        endpoint: Vec<Reference> = "endpoint";
    }
}

backbone! {
    /// The parts of `PractitionerRole.availableTime`.
    PractitionerRoleAvailableTime = "PractitionerRole.availableTime" {
        days_of_week / days_of_week_element: Vec<Text> = "daysOfWeek";
        all_day / all_day_element: Option<bool> = "allDay";
        available_start_time / available_start_time_element: Option<Time> = "availableStartTime";
        available_end_time / available_end_time_element: Option<Time> = "availableEndTime";
    }
}

backbone! {
    /// The parts of `PractitionerRole.notAvailable`.
    PractitionerRoleNotAvailable = "PractitionerRole.notAvailable" {
        description / description_element: Option<Text> = "description" required;
        during: Option<Period> = "during";
    }
}

domain_resource! {
    /// A hospital, a practice, an authority that assigns identifiers.
    Organization = "Organization" {
        identifier: Vec<Identifier> = "identifier";
        active / active_element: Option<bool> = "active";
        type_: Vec<CodeableConcept> = "type";
        name / name_element: Option<Text> = "name";
        alias / alias_element: Vec<Text> = "alias";
        telecom: Vec<ContactPoint> = "telecom";
        address: Vec<Address> = "address";
        part_of: Option<Reference> = "partOf";
        contact: Vec<OrganizationContact> = "contact";
        endpoint: Vec<Reference> = "endpoint";
    }
}

backbone! {
    /// The parts of `Organization.contact`.
    OrganizationContact = "Organization.contact" {
        purpose: Option<CodeableConcept> = "purpose";
        name: Option<HumanName> = "name";
        telecom: Vec<ContactPoint> = "telecom";
        address: Option<Address> = "address";
    }
}

domain_resource! {
    /// A place: a hospital, a ward, a bay, a bed.
    Location = "Location" {
        identifier: Vec<Identifier> = "identifier";
        status / status_element: Option<Text> = "status";
        operational_status: Option<Coding> = "operationalStatus";
        name / name_element: Option<Text> = "name";
        alias / alias_element: Vec<Text> = "alias";
        description / description_element: Option<Text> = "description";
        mode / mode_element: Option<Text> = "mode";
        type_: Vec<CodeableConcept> = "type";
        telecom: Vec<ContactPoint> = "telecom";
        address: Option<Address> = "address";
        physical_type: Option<CodeableConcept> = "physicalType";
        position: Option<LocationPosition> = "position";
        managing_organization: Option<Reference> = "managingOrganization";
        part_of: Option<Reference> = "partOf";
        hours_of_operation: Vec<LocationHoursOfOperation> = "hoursOfOperation";
        availability_exceptions / availability_exceptions_element: Option<Text> = "availabilityExceptions";
        endpoint: Vec<Reference> = "endpoint";
    }
}

backbone! {
    /// The parts of `Location.position`.
    LocationPosition = "Location.position" {
        longitude / longitude_element: Option<Decimal> = "longitude" required;
        latitude / latitude_element: Option<Decimal> = "latitude" required;
        altitude / altitude_element: Option<Decimal> = "altitude";
    }
}

backbone! {
    /// The parts of `Location.hoursOfOperation`.
    LocationHoursOfOperation = "Location.hoursOfOperation" {
        days_of_week / days_of_week_element: Vec<Text> = "daysOfWeek";
        all_day / all_day_element: Option<bool> = "allDay";
        opening_time / opening_time_element: Option<Time> = "openingTime";
        closing_time / closing_time_element: Option<Time> = "closingTime";
    }
}

domain_resource! {
    /// What an organisation offers: a clinic, a test, a procedure that can be booked.
    HealthcareService = "HealthcareService" {
        identifier: Vec<Identifier> = "identifier";
        active / active_element: Option<bool> = "active";
        provided_by: Option<Reference> = "providedBy";
        category: Vec<CodeableConcept> = "category";
        type_: Vec<CodeableConcept> = "type";
        specialty: Vec<CodeableConcept> = "specialty";
        location: Vec<Reference> = "location";
        name / name_element: Option<Text> = "name";
        comment / comment_element: Option<Text> = "comment";
        extra_details / extra_details_element: Option<Text> = "extraDetails";
        photo: Option<Box<Attachment>> = "photo";
        telecom: Vec<ContactPoint> = "telecom";
        coverage_area: Vec<Reference> = "coverageArea";
        service_provision_code: Vec<CodeableConcept> = "serviceProvisionCode";
        eligibility: Vec<HealthcareServiceEligibility> = "eligibility";
        program: Vec<CodeableConcept> = "program";
        characteristic: Vec<CodeableConcept> = "characteristic";
        communication: Vec<CodeableConcept> = "communication";
        referral_method: Vec<CodeableConcept> = "referralMethod";
        appointment_required / appointment_required_element: Option<bool> = "appointmentRequired";
        available_time: Vec<HealthcareServiceAvailableTime> = "availableTime";
        not_available: Vec<HealthcareServiceNotAvailable> = "notAvailable";
        availability_exceptions / availability_exceptions_element: Option<Text> = "availabilityExceptions";
        endpoint: Vec<Reference> = "endpoint";
    }
}

backbone! {
    /// The parts of `HealthcareService.eligibility`.
    HealthcareServiceEligibility = "HealthcareService.eligibility" {
        code: Option<CodeableConcept> = "code";
        comment / comment_element: Option<Text> = "comment";
    }
}

backbone! {
    /// The parts of `HealthcareService.availableTime`.
    HealthcareServiceAvailableTime = "HealthcareService.availableTime" {
        days_of_week / days_of_week_element: Vec<Text> = "daysOfWeek";
        all_day / all_day_element: Option<bool> = "allDay";
        available_start_time / available_start_time_element: Option<Time> = "availableStartTime";
        available_end_time / available_end_time_element: Option<Time> = "availableEndTime";
    }
}

backbone! {
    /// The parts of `HealthcareService.notAvailable`.
    HealthcareServiceNotAvailable = "HealthcareService.notAvailable" {
        description / description_element: Option<Text> = "description" required;
        during: Option<Period> = "during";
    }
}

domain_resource! {
    /// The people who look after a patient.
    CareTeam = "CareTeam" {
        identifier: Vec<Identifier> = "identifier";
        status / status_element: Option<Text> = "status";
        category: Vec<CodeableConcept> = "category";
        name / name_element: Option<Text> = "name";
        subject: Option<Reference> = "subject";
        encounter: Option<Reference> = "encounter";
        period: Option<Period> = "period";
        participant: Vec<CareTeamParticipant> = "participant";
        reason_code: Vec<CodeableConcept> = "reasonCode";
        reason_reference: Vec<Reference> = "reasonReference";
        managing_organization: Vec<Reference> = "managingOrganization";
        telecom: Vec<ContactPoint> = "telecom";
        note: Vec<Annotation> = "note";
    }
}

backbone! {
    /// The parts of `CareTeam.participant`.
    CareTeamParticipant = "CareTeam.participant" {
        role: Vec<CodeableConcept> = "role";
        member: Option<Reference> = "member";
        on_behalf_of: Option<Reference> = "onBehalfOf";
        period: Option<Period> = "period";
    }
}

domain_resource! {
    /// A piece of equipment, or the software that sent a message.
    Device = "Device" {
        identifier: Vec<Identifier> = "identifier";
        definition: Option<Reference> = "definition";
        udi_carrier: Vec<DeviceUdiCarrier> = "udiCarrier";
        status / status_element: Option<Text> = "status";
        status_reason: Vec<CodeableConcept> = "statusReason";
        distinct_identifier / distinct_identifier_element: Option<Text> = "distinctIdentifier";
        manufacturer / manufacturer_element: Option<Text> = "manufacturer";
        manufacture_date / manufacture_date_element: Option<DateTime> = "manufactureDate";
        expiration_date / expiration_date_element: Option<DateTime> = "expirationDate";
        lot_number / lot_number_element: Option<Text> = "lotNumber";
        serial_number / serial_number_element: Option<Text> = "serialNumber";
        device_name: Vec<DeviceDeviceName> = "deviceName";
        model_number / model_number_element: Option<Text> = "modelNumber";
        part_number / part_number_element: Option<Text> = "partNumber";
        type_: Option<CodeableConcept> = "type";
        specialization: Vec<DeviceSpecialization> = "specialization";
        version: Vec<DeviceVersion> = "version";
        property: Vec<DeviceProperty> = "property";
        patient: Option<Reference> = "patient";
        owner: Option<Reference> = "owner";
        contact: Vec<ContactPoint> = "contact";
        location: Option<Reference> = "location";
        url / url_element: Option<Text> = "url";
        note: Vec<Annotation> = "note";
        safety: Vec<CodeableConcept> = "safety";
        parent: Option<Reference> = "parent";
    }
}

backbone! {
    /// The parts of `Device.udiCarrier`.
    DeviceUdiCarrier = "Device.udiCarrier" {
        device_identifier / device_identifier_element: Option<Text> = "deviceIdentifier";
        issuer / issuer_element: Option<Text> = "issuer";
        jurisdiction / jurisdiction_element: Option<Text> = "jurisdiction";
        carrier_aidc / carrier_aidc_element: Option<Text> = "carrierAIDC";
        carrier_hrf / carrier_hrf_element: Option<Text> = "carrierHRF";
        entry_type / entry_type_element: Option<Text> = "entryType";
    }
}

backbone! {
    /// The parts of `Device.deviceName`.
    DeviceDeviceName = "Device.deviceName" {
        name / name_element: Option<Text> = "name" required;
        type_ / type_element: Option<Text> = "type" required;
    }
}

backbone! {
    /// The parts of `Device.specialization`.
    DeviceSpecialization = "Device.specialization" {
        system_type: Option<CodeableConcept> = "systemType" required;
        version / version_element: Option<Text> = "version";
    }
}

backbone! {
    /// The parts of `Device.version`.
    DeviceVersion = "Device.version" {
        type_: Option<CodeableConcept> = "type";
        component: Option<Identifier> = "component";
        value / value_element: Option<Text> = "value" required;
    }
}

backbone! {
    /// The parts of `Device.property`.
    DeviceProperty = "Device.property" {
        type_: Option<CodeableConcept> = "type" required;
        value_quantity: Vec<Quantity> = "valueQuantity";
        value_code: Vec<CodeableConcept> = "valueCode";
    }
}
