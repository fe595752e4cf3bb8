//! What a server says it can do.

use crate::prelude::*;

domain_resource! {
    /// What a server says it can do.
    CapabilityStatement = "CapabilityStatement" {
        url / url_element: Option<Text> = "url";
        version / version_element: Option<Text> = "version";
        name / name_element: Option<Text> = "name";
        title / title_element: Option<Text> = "title";
        status / status_element: Option<Text> = "status" required;
        experimental / experimental_element: Option<bool> = "experimental";
        date / date_element: Option<DateTime> = "date" required;
        publisher / publisher_element: Option<Text> = "publisher";
        contact: Vec<ContactDetail> = "contact";
        description / description_element: Option<Text> = "description";
        use_context: Vec<UsageContext> = "useContext";
        jurisdiction: Vec<CodeableConcept> = "jurisdiction";
        purpose / purpose_element: Option<Text> = "purpose";
        copyright / copyright_element: Option<Text> = "copyright";
        kind / kind_element: Option<Text> = "kind" required;
        instantiates / instantiates_element: Vec<Text> = "instantiates";
        imports / imports_element: Vec<Text> = "imports";
        software: Option<CapabilityStatementSoftware> = "software";
        implementation: Option<CapabilityStatementImplementation> = "implementation";
        fhir_version / fhir_version_element: Option<Text> = "fhirVersion" required;
        format / format_element: Vec<Text> = "format" required;
        patch_format / patch_format_element: Vec<Text> = "patchFormat";
        implementation_guide / implementation_guide_element: Vec<Text> = "implementationGuide";
        rest: Vec<CapabilityStatementRest> = "rest";
        messaging: Vec<CapabilityStatementMessaging> = "messaging";
        document: Vec<CapabilityStatementDocument> = "document";
    }
}

backbone! {
    /// The parts of `CapabilityStatement.software`.
    CapabilityStatementSoftware = "CapabilityStatement.software" {
        name / name_element: Option<Text> = "name" required;
        version / version_element: Option<Text> = "version";
        release_date / release_date_element: Option<DateTime> = "releaseDate";
    }
}

backbone! {
    /// The parts of `CapabilityStatement.implementation`.
    CapabilityStatementImplementation = "CapabilityStatement.implementation" {
        description / description_element: Option<Text> = "description" required;
        url / url_element: Option<Text> = "url";
        custodian: Option<Reference> = "custodian";
    }
}

backbone! {
    /// The parts of `CapabilityStatement.rest`.
    CapabilityStatementRest = "CapabilityStatement.rest" {
        mode / mode_element: Option<Text> = "mode" required;
        documentation / documentation_element: Option<Text> = "documentation";
        security: Option<CapabilityStatementRestSecurity> = "security";
        resource: Vec<CapabilityStatementRestResource> = "resource";
        interaction: Vec<CapabilityStatementRestInteraction> = "interaction";
        search_param: Vec<CapabilityStatementRestResourceSearchParam> = "searchParam";
        operation: Vec<CapabilityStatementRestResourceOperation> = "operation";
        compartment / compartment_element: Vec<Text> = "compartment";
    }
}

backbone! {
    /// The parts of `CapabilityStatement.rest.security`.
    CapabilityStatementRestSecurity = "CapabilityStatement.rest.security" {
        cors / cors_element: Option<bool> = "cors";
        service: Vec<CodeableConcept> = "service";
        description / description_element: Option<Text> = "description";
    }
}

backbone! {
    /// The parts of `CapabilityStatement.rest.resource`.
    CapabilityStatementRestResource = "CapabilityStatement.rest.resource" {
        type_ / type_element: Option<Text> = "type" required;
        profile / profile_element: Option<Text> = "profile";
        supported_profile / supported_profile_element: Vec<Text> = "supportedProfile";
        documentation / documentation_element: Option<Text> = "documentation";
        interaction: Vec<CapabilityStatementRestResourceInteraction> = "interaction";
        versioning / versioning_element: Option<Text> = "versioning";
        read_history / read_history_element: Option<bool> = "readHistory";
        update_create / update_create_element: Option<bool> = "updateCreate";
        conditional_create / conditional_create_element: Option<bool> = "conditionalCreate";
        conditional_read / conditional_read_element: Option<Text> = "conditionalRead";
        conditional_update / conditional_update_element: Option<bool> = "conditionalUpdate";
        conditional_delete / conditional_delete_element: Option<Text> = "conditionalDelete";
        reference_policy / reference_policy_element: Vec<Text> = "referencePolicy";
        search_include / search_include_element: Vec<Text> = "searchInclude";
        search_rev_include / search_rev_include_element: Vec<Text> = "searchRevInclude";
        search_param: Vec<CapabilityStatementRestResourceSearchParam> = "searchParam";
        operation: Vec<CapabilityStatementRestResourceOperation> = "operation";
    }
}

backbone! {
    /// The parts of `CapabilityStatement.rest.resource.interaction`.
    CapabilityStatementRestResourceInteraction = "CapabilityStatement.rest.resource.interaction" {
        code / code_element: Option<Text> = "code" required;
        documentation / documentation_element: Option<Text> = "documentation";
    }
}

backbone! {
    /// The parts of `CapabilityStatement.rest.resource.searchParam`.
    CapabilityStatementRestResourceSearchParam = "CapabilityStatement.rest.resource.searchParam" {
        name / name_element: Option<Text> = "name" required;
        definition / definition_element: Option<Text> = "definition";
        type_ / type_element: Option<Text> = "type" required;
        documentation / documentation_element: Option<Text> = "documentation";
    }
}

backbone! {
    /// The parts of `CapabilityStatement.rest.resource.operation`.
    CapabilityStatementRestResourceOperation = "CapabilityStatement.rest.resource.operation" {
        name / name_element: Option<Text> = "name" required;
        definition / definition_element: Option<Text> = "definition" required;
        documentation / documentation_element: Option<Text> = "documentation";
    }
}

backbone! {
    /// The parts of `CapabilityStatement.rest.interaction`.
    CapabilityStatementRestInteraction = "CapabilityStatement.rest.interaction" {
        code / code_element: Option<Text> = "code" required;
        documentation / documentation_element: Option<Text> = "documentation";
    }
}

backbone! {
    /// The parts of `CapabilityStatement.messaging`.
    CapabilityStatementMessaging = "CapabilityStatement.messaging" {
        endpoint: Vec<CapabilityStatementMessagingEndpoint> = "endpoint";
        reliable_cache / reliable_cache_element: Option<u32> = "reliableCache";
        documentation / documentation_element: Option<Text> = "documentation";
        supported_message: Vec<CapabilityStatementMessagingSupportedMessage> = "supportedMessage";
    }
}

backbone! {
    /// The parts of `CapabilityStatement.messaging.endpoint`.
    CapabilityStatementMessagingEndpoint = "CapabilityStatement.messaging.endpoint" {
        protocol: Option<Coding> = "protocol" required;
        address / address_element: Option<Text> = "address" required;
    }
}

backbone! {
    /// The parts of `CapabilityStatement.messaging.supportedMessage`.
    CapabilityStatementMessagingSupportedMessage = "CapabilityStatement.messaging.supportedMessage" {
        mode / mode_element: Option<Text> = "mode" required;
        definition / definition_element: Option<Text> = "definition" required;
    }
}

backbone! {
    /// The parts of `CapabilityStatement.document`.
    CapabilityStatementDocument = "CapabilityStatement.document" {
        mode / mode_element: Option<Text> = "mode" required;
        documentation / documentation_element: Option<Text> = "documentation";
        profile / profile_element: Option<Text> = "profile" required;
    }
}
