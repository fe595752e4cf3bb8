//! What exchange itself needs: headers, Bundles, outcomes, provenance.

use crate::prelude::*;

domain_resource! {
    /// The first entry of a message Bundle: the event, who sends, who receives.
    MessageHeader = "MessageHeader" {
        event_coding: Option<Coding> = "eventCoding";
        event_uri / event_uri_element: Option<Text> = "eventUri";
        destination: Vec<MessageHeaderDestination> = "destination";
        sender: Option<Reference> = "sender";
        enterer: Option<Reference> = "enterer";
        author: Option<Reference> = "author";
        source: Option<MessageHeaderSource> = "source" required;
        responsible: Option<Reference> = "responsible";
        reason: Option<CodeableConcept> = "reason";
        response: Option<MessageHeaderResponse> = "response";
        focus: Vec<Reference> = "focus";
        definition / definition_element: Option<Text> = "definition";
    }
}

backbone! {
    /// The parts of `MessageHeader.destination`.
    MessageHeaderDestination = "MessageHeader.destination" {
        name / name_element: Option<Text> = "name";
        target: Option<Reference> = "target";
        endpoint / endpoint_element: Option<Text> = "endpoint" required;
        receiver: Option<Reference> = "receiver";
    }
}

backbone! {
    /// The parts of `MessageHeader.source`.
    MessageHeaderSource = "MessageHeader.source" {
        name / name_element: Option<Text> = "name";
        software / software_element: Option<Text> = "software";
        version / version_element: Option<Text> = "version";
        contact: Option<ContactPoint> = "contact";
        endpoint / endpoint_element: Option<Text> = "endpoint" required;
    }
}

backbone! {
    /// The parts of `MessageHeader.response`.
    MessageHeaderResponse = "MessageHeader.response" {
        identifier / identifier_element: Option<Text> = "identifier" required;
        code / code_element: Option<Text> = "code" required;
        details: Option<Reference> = "details";
    }
}

plain_resource! {
    /// A set of resources that travel together: a message, a transaction, a search result.
    Bundle = "Bundle" {
        identifier: Option<Identifier> = "identifier";
        type_ / type_element: Option<Text> = "type" required;
        timestamp / timestamp_element: Option<Instant> = "timestamp";
        total / total_element: Option<u32> = "total";
        link: Vec<BundleLink> = "link";
        entry: Vec<BundleEntry> = "entry";
        signature: Option<Box<Signature>> = "signature";
    }
}

backbone! {
    /// The parts of `Bundle.link`.
    BundleLink = "Bundle.link" {
        relation / relation_element: Option<Text> = "relation" required;
        url / url_element: Option<Text> = "url" required;
    }
}

backbone! {
    /// The parts of `Bundle.entry`.
    BundleEntry = "Bundle.entry" {
        link: Vec<BundleLink> = "link";
        full_url / full_url_element: Option<Text> = "fullUrl";
        resource: Option<Resource> = "resource";
        search: Option<BundleEntrySearch> = "search";
        request: Option<BundleEntryRequest> = "request";
        response: Option<BundleEntryResponse> = "response";
    }
}

backbone! {
    /// The parts of `Bundle.entry.search`.
    BundleEntrySearch = "Bundle.entry.search" {
        mode / mode_element: Option<Text> = "mode";
        score / score_element: Option<Decimal> = "score";
    }
}

backbone! {
    /// The parts of `Bundle.entry.request`.
    BundleEntryRequest = "Bundle.entry.request" {
        method / method_element: Option<Text> = "method" required;
        url / url_element: Option<Text> = "url" required;
        if_none_match / if_none_match_element: Option<Text> = "ifNoneMatch";
        if_modified_since / if_modified_since_element: Option<Instant> = "ifModifiedSince";
        if_match / if_match_element: Option<Text> = "ifMatch";
        if_none_exist / if_none_exist_element: Option<Text> = "ifNoneExist";
    }
}

backbone! {
    /// The parts of `Bundle.entry.response`.
    BundleEntryResponse = "Bundle.entry.response" {
        status / status_element: Option<Text> = "status" required;
        location / location_element: Option<Text> = "location";
        etag / etag_element: Option<Text> = "etag";
        last_modified / last_modified_element: Option<Instant> = "lastModified";
        outcome: Option<Resource> = "outcome";
    }
}

domain_resource! {
    /// What went wrong, or well, in a request.
    OperationOutcome = "OperationOutcome" {
        issue: Vec<OperationOutcomeIssue> = "issue" required;
    }
}

backbone! {
    /// The parts of `OperationOutcome.issue`.
    OperationOutcomeIssue = "OperationOutcome.issue" {
        severity / severity_element: Option<Text> = "severity" required;
        code / code_element: Option<Text> = "code" required;
        details: Option<CodeableConcept> = "details";
        diagnostics / diagnostics_element: Option<Text> = "diagnostics";
        location / location_element: Vec<Text> = "location";
        expression / expression_element: Vec<Text> = "expression";
    }
}

domain_resource! {
    /// Who did what to a resource, when, from which source.
    Provenance = "Provenance" {
        target: Vec<Reference> = "target" required;
        occurred_period: Option<Period> = "occurredPeriod";
        occurred_date_time / occurred_date_time_element: Option<DateTime> = "occurredDateTime";
        recorded / recorded_element: Option<Instant> = "recorded" required;
        policy / policy_element: Vec<Text> = "policy";
        location: Option<Reference> = "location";
        reason: Vec<CodeableConcept> = "reason";
        activity: Option<CodeableConcept> = "activity";
        agent: Vec<ProvenanceAgent> = "agent" required;
        entity: Vec<ProvenanceEntity> = "entity";
        signature: Vec<Signature> = "signature";
    }
}

backbone! {
    /// The parts of `Provenance.agent`.
    ProvenanceAgent = "Provenance.agent" {
        type_: Option<CodeableConcept> = "type";
        role: Vec<CodeableConcept> = "role";
        who: Option<Reference> = "who" required;
        on_behalf_of: Option<Reference> = "onBehalfOf";
    }
}

backbone! {
    /// The parts of `Provenance.entity`.
    ProvenanceEntity = "Provenance.entity" {
        role / role_element: Option<Text> = "role" required;
        what: Option<Reference> = "what" required;
        agent: Vec<ProvenanceAgent> = "agent";
    }
}

plain_resource! {
    /// The inputs and outputs of an operation.
    Parameters = "Parameters" {
        parameter: Vec<ParametersParameter> = "parameter";
    }
}

backbone! {
    /// The parts of `Parameters.parameter`.
    ParametersParameter = "Parameters.parameter" {
        name / name_element: Option<Text> = "name" required;
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
        resource: Option<Resource> = "resource";
        part: Vec<ParametersParameter> = "part";
    }
}
