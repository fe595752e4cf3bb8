//! CapabilityStatements, built from a list of what is served: the list is the truth, the resource its form.

use fhir::{
    CapabilityStatement, CapabilityStatementImplementation, CapabilityStatementRest,
    CapabilityStatementRestResource, CapabilityStatementRestResourceInteraction,
    CapabilityStatementRestResourceOperation, CapabilityStatementRestResourceSearchParam,
    CapabilityStatementRestSecurity, CapabilityStatementSoftware, CodeableConcept, Coding, Extension, Text,
};

/// A server as a whole.
#[derive(Clone, Debug, Default)]
pub struct Server<'a> {
    /// What it is, for people.
    pub title: &'a str,
    /// Software name and version; empty when it keeps them to itself.
    pub software: (&'a str, &'a str),
    /// When the statement was last changed: a FHIR date.
    pub date: &'a str,
    /// Its base URL.
    pub base: &'a str,
    /// `json`, `xml`, or media types.
    pub formats: &'a [&'a str],
    /// `transaction`, `batch`, `search-system`.
    pub interactions: &'a [&'a str],
    /// The resource types.
    pub served: &'a [Served<'a>],
}

/// One resource type that is served.
#[derive(Clone, Copy, Debug, Default)]
pub struct Served<'a> {
    /// The resource type.
    pub resource_type: &'a str,
    /// `read`, `search-type`, `create`, `update`, …
    pub interactions: &'a [&'a str],
    /// The search parameters.
    pub search: &'a [SearchParameter<'a>],
    /// The operations: name without dollar sign, and definition URL.
    pub operations: &'a [(&'a str, &'a str)],
    /// What `_include` takes.
    pub includes: &'a [&'a str],
    /// What `_revinclude` takes.
    pub reverse_includes: &'a [&'a str],
}

impl Served<'_> {
    /// A type without anything: what the rows of a table start from, so that they say only what there is.
    pub const NOTHING: Self = Self {
        resource_type: "",
        interactions: &[],
        search: &[],
        operations: &[],
        includes: &[],
        reverse_includes: &[],
    };
}

/// One search parameter.
#[derive(Clone, Copy, Debug)]
pub struct SearchParameter<'a> {
    /// Its name.
    pub name: &'a str,
    /// `string`, `token`, `date`, `reference`, …
    pub kind: &'a str,
    /// What to know about it; may be empty.
    pub documentation: &'a str,
}

/// What a server that wants tokens says about itself: SMART on FHIR, and where tokens are given.
pub fn smart_security(token_endpoint: &str, description: &str) -> CapabilityStatementRestSecurity {
    let extension = |url: &str, value: Option<&str>, inner: Vec<Extension>| Extension {
        url: text(url),
        value_uri: value.and_then(text).map(Box::new),
        extension: inner,
        ..Extension::default()
    };
    CapabilityStatementRestSecurity {
        cors: Some(true),
        description: text(description),
        service: vec![CodeableConcept {
            coding: vec![Coding {
                system: text("http://terminology.hl7.org/CodeSystem/restful-security-service"),
                code: text("SMART-on-FHIR"),
                display: text("SMART-on-FHIR"),
                ..Coding::default()
            }],
            text: text("OAuth2 using SMART-on-FHIR profile (see http://docs.smarthealthit.org)"),
            ..CodeableConcept::default()
        }],
        extension: vec![extension(
            "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
            None,
            vec![extension("token", Some(token_endpoint), Vec::new())],
        )],
        ..CapabilityStatementRestSecurity::default()
    }
}

fn text(value: &str) -> Option<Text> {
    (!value.is_empty()).then(|| value.into())
}

fn texts(values: &[&str]) -> Vec<Text> {
    values.iter().map(|&value| value.into()).collect()
}

/// The CapabilityStatement of a server.
pub fn statement(server: &Server<'_>) -> CapabilityStatement {
    let (name, version) = server.software;
    CapabilityStatement {
        title: text(server.title),
        status: text("active"),
        date: text(server.date).map(Into::into),
        kind: text("instance"),
        software: text(name).map(|name| CapabilityStatementSoftware {
            name: Some(name),
            version: text(version),
            ..CapabilityStatementSoftware::default()
        }),
        implementation: text(server.base).map(|url| CapabilityStatementImplementation {
            description: text(server.title),
            url: Some(url),
            ..CapabilityStatementImplementation::default()
        }),
        fhir_version: text("4.0.1"),
        format: texts(server.formats),
        rest: vec![CapabilityStatementRest {
            mode: text("server"),
            resource: server.served.iter().map(resource).collect(),
            interaction: server
                .interactions
                .iter()
                .map(|&code| system_interaction(code))
                .collect(),
            ..CapabilityStatementRest::default()
        }],
        ..CapabilityStatement::default()
    }
}

fn system_interaction(code: &str) -> fhir::CapabilityStatementRestInteraction {
    fhir::CapabilityStatementRestInteraction {
        code: text(code),
        ..Default::default()
    }
}

fn resource(served: &Served<'_>) -> CapabilityStatementRestResource {
    CapabilityStatementRestResource {
        type_: text(served.resource_type),
        interaction: served
            .interactions
            .iter()
            .map(|&code| CapabilityStatementRestResourceInteraction {
                code: text(code),
                ..Default::default()
            })
            .collect(),
        search_include: texts(served.includes),
        search_rev_include: texts(served.reverse_includes),
        search_param: served
            .search
            .iter()
            .map(|parameter| CapabilityStatementRestResourceSearchParam {
                name: text(parameter.name),
                type_: text(parameter.kind),
                documentation: text(parameter.documentation),
                ..Default::default()
            })
            .collect(),
        operation: served
            .operations
            .iter()
            .map(|&(name, definition)| CapabilityStatementRestResourceOperation {
                name: text(name),
                definition: text(definition),
                ..Default::default()
            })
            .collect(),
        ..CapabilityStatementRestResource::default()
    }
}
