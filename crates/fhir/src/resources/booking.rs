//! Appointments and the calendars behind them; tasks.

use crate::prelude::*;

domain_resource! {
    /// A booking: who meets whom, when, for what.
    Appointment = "Appointment" {
        identifier: Vec<Identifier> = "identifier";
        status / status_element: Option<Text> = "status" required;
        cancelation_reason: Option<CodeableConcept> = "cancelationReason";
        service_category: Vec<CodeableConcept> = "serviceCategory";
        service_type: Vec<CodeableConcept> = "serviceType";
        specialty: Vec<CodeableConcept> = "specialty";
        appointment_type: Option<CodeableConcept> = "appointmentType";
        reason_code: Vec<CodeableConcept> = "reasonCode";
        reason_reference: Vec<Reference> = "reasonReference";
        priority / priority_element: Option<u32> = "priority";
        description / description_element: Option<Text> = "description";
        supporting_information: Vec<Reference> = "supportingInformation";
        start / start_element: Option<Instant> = "start";
        end / end_element: Option<Instant> = "end";
        minutes_duration / minutes_duration_element: Option<u32> = "minutesDuration";
        slot: Vec<Reference> = "slot";
        created / created_element: Option<DateTime> = "created";
        comment / comment_element: Option<Text> = "comment";
        patient_instruction / patient_instruction_element: Option<Text> = "patientInstruction";
        based_on: Vec<Reference> = "basedOn";
        participant: Vec<AppointmentParticipant> = "participant" required;
        requested_period: Vec<Period> = "requestedPeriod";
    }
}

backbone! {
    /// The parts of `Appointment.participant`.
    AppointmentParticipant = "Appointment.participant" {
        type_: Vec<CodeableConcept> = "type";
        actor: Option<Reference> = "actor";
        required / required_element: Option<Text> = "required";
        status / status_element: Option<Text> = "status" required;
        period: Option<Period> = "period";
    }
}

domain_resource! {
    /// The calendar that slots belong to.
    Schedule = "Schedule" {
        identifier: Vec<Identifier> = "identifier";
        active / active_element: Option<bool> = "active";
        service_category: Vec<CodeableConcept> = "serviceCategory";
        service_type: Vec<CodeableConcept> = "serviceType";
        specialty: Vec<CodeableConcept> = "specialty";
        actor: Vec<Reference> = "actor" required;
        planning_horizon: Option<Period> = "planningHorizon";
        comment / comment_element: Option<Text> = "comment";
    }
}

domain_resource! {
    /// A time that can be booked.
    Slot = "Slot" {
        identifier: Vec<Identifier> = "identifier";
        service_category: Vec<CodeableConcept> = "serviceCategory";
        service_type: Vec<CodeableConcept> = "serviceType";
        specialty: Vec<CodeableConcept> = "specialty";
        appointment_type: Option<CodeableConcept> = "appointmentType";
        schedule: Option<Reference> = "schedule" required;
        status / status_element: Option<Text> = "status" required;
        start / start_element: Option<Instant> = "start" required;
        end / end_element: Option<Instant> = "end" required;
        overbooked / overbooked_element: Option<bool> = "overbooked";
        comment / comment_element: Option<Text> = "comment";
    }
}

domain_resource! {
    /// A piece of work to be done, and how far it is.
    Task = "Task" {
        identifier: Vec<Identifier> = "identifier";
        instantiates_canonical / instantiates_canonical_element: Option<Text> = "instantiatesCanonical";
        instantiates_uri / instantiates_uri_element: Option<Text> = "instantiatesUri";
        based_on: Vec<Reference> = "basedOn";
        group_identifier: Option<Identifier> = "groupIdentifier";
        part_of: Vec<Reference> = "partOf";
        status / status_element: Option<Text> = "status" required;
        status_reason: Option<CodeableConcept> = "statusReason";
        business_status: Option<CodeableConcept> = "businessStatus";
        intent / intent_element: Option<Text> = "intent" required;
        priority / priority_element: Option<Text> = "priority";
        code: Option<CodeableConcept> = "code";
        description / description_element: Option<Text> = "description";
        focus: Option<Reference> = "focus";
        for_: Option<Reference> = "for";
        encounter: Option<Reference> = "encounter";
        execution_period: Option<Period> = "executionPeriod";
        authored_on / authored_on_element: Option<DateTime> = "authoredOn";
        last_modified / last_modified_element: Option<DateTime> = "lastModified";
        requester: Option<Reference> = "requester";
        performer_type: Vec<CodeableConcept> = "performerType";
        owner: Option<Reference> = "owner";
        location: Option<Reference> = "location";
        reason_code: Option<CodeableConcept> = "reasonCode";
        reason_reference: Option<Reference> = "reasonReference";
        insurance: Vec<Reference> = "insurance";
        note: Vec<Annotation> = "note";
        relevant_history: Vec<Reference> = "relevantHistory";
        restriction: Option<TaskRestriction> = "restriction";
        input: Vec<TaskInput> = "input";
        output: Vec<TaskOutput> = "output";
    }
}

backbone! {
    /// The parts of `Task.restriction`.
    TaskRestriction = "Task.restriction" {
        repetitions / repetitions_element: Option<u32> = "repetitions";
        period: Option<Period> = "period";
        recipient: Vec<Reference> = "recipient";
    }
}

backbone! {
    /// The parts of `Task.input`.
    TaskInput = "Task.input" {
        type_: Option<CodeableConcept> = "type" required;
        value_boolean: Option<bool> = "valueBoolean";
        value_code: Option<Text> = "valueCode";
        value_date: Option<Date> = "valueDate";
        value_date_time: Option<DateTime> = "valueDateTime";
        value_decimal: Option<Decimal> = "valueDecimal";
        value_instant: Option<Instant> = "valueInstant";
        value_integer: Option<i32> = "valueInteger";
        value_markdown: Option<Text> = "valueMarkdown";
        value_positive_int: Option<u32> = "valuePositiveInt";
        value_string: Option<Text> = "valueString";
        value_time: Option<Time> = "valueTime";
        value_unsigned_int: Option<u32> = "valueUnsignedInt";
        value_uri: Option<Text> = "valueUri";
        value_url: Option<Text> = "valueUrl";
        value_address: Option<Box<Address>> = "valueAddress";
        value_attachment: Option<Box<Attachment>> = "valueAttachment";
        value_codeable_concept: Option<Box<CodeableConcept>> = "valueCodeableConcept";
        value_coding: Option<Box<Coding>> = "valueCoding";
        value_contact_point: Option<Box<ContactPoint>> = "valueContactPoint";
        value_human_name: Option<Box<HumanName>> = "valueHumanName";
        value_identifier: Option<Box<Identifier>> = "valueIdentifier";
        value_money: Option<Box<Money>> = "valueMoney";
        value_period: Option<Box<Period>> = "valuePeriod";
        value_quantity: Option<Box<Quantity>> = "valueQuantity";
        value_range: Option<Box<Range>> = "valueRange";
        value_ratio: Option<Box<Ratio>> = "valueRatio";
        value_reference: Option<Box<Reference>> = "valueReference";
        value_timing: Option<Box<Timing>> = "valueTiming";
    }
}

backbone! {
    /// The parts of `Task.output`.
    TaskOutput = "Task.output" {
        type_: Option<CodeableConcept> = "type" required;
        value_boolean: Option<bool> = "valueBoolean";
        value_code: Option<Text> = "valueCode";
        value_date: Option<Date> = "valueDate";
        value_date_time: Option<DateTime> = "valueDateTime";
        value_decimal: Option<Decimal> = "valueDecimal";
        value_instant: Option<Instant> = "valueInstant";
        value_integer: Option<i32> = "valueInteger";
        value_markdown: Option<Text> = "valueMarkdown";
        value_positive_int: Option<u32> = "valuePositiveInt";
        value_string: Option<Text> = "valueString";
        value_time: Option<Time> = "valueTime";
        value_unsigned_int: Option<u32> = "valueUnsignedInt";
        value_uri: Option<Text> = "valueUri";
        value_url: Option<Text> = "valueUrl";
        value_address: Option<Box<Address>> = "valueAddress";
        value_attachment: Option<Box<Attachment>> = "valueAttachment";
        value_codeable_concept: Option<Box<CodeableConcept>> = "valueCodeableConcept";
        value_coding: Option<Box<Coding>> = "valueCoding";
        value_contact_point: Option<Box<ContactPoint>> = "valueContactPoint";
        value_human_name: Option<Box<HumanName>> = "valueHumanName";
        value_identifier: Option<Box<Identifier>> = "valueIdentifier";
        value_money: Option<Box<Money>> = "valueMoney";
        value_period: Option<Box<Period>> = "valuePeriod";
        value_quantity: Option<Box<Quantity>> = "valueQuantity";
        value_range: Option<Box<Range>> = "valueRange";
        value_ratio: Option<Box<Ratio>> = "valueRatio";
        value_reference: Option<Box<Reference>> = "valueReference";
        value_timing: Option<Box<Timing>> = "valueTiming";
    }
}
