//! What the face serves: the capability statement and the searches read the same table.

use rest::capability::{SearchParameter, Served, Server, smart_security, statement};

/// A row says only what a type has; what it has not is [`Served::NOTHING`]'s.
pub(super) const SERVED: &[Served<'static>] = &[
    Served {
        resource_type: "Patient",
        interactions: &["read", "search-type", "create"],
        search: &[
            parameter("_id", "token", "Only _count is honoured beside it."),
            parameter("identifier", "token", "Alone is enough."),
            parameter("family", "string", "With given and birthdate."),
            parameter("given", "string", "With family and birthdate."),
            parameter("name", "string", ""),
            parameter("birthdate", "date", "A single valid date."),
            parameter("gender", "token", ""),
            parameter("telecom", "token", ""),
            parameter("address-postalcode", "string", ""),
        ],
        operations: &[("match", "http://hl7.org/fhir/OperationDefinition/Patient-match")],
        ..Served::NOTHING
    },
    Served {
        resource_type: "Encounter",
        interactions: &["read", "search-type"],
        search: &[
            parameter("_id", "token", ""),
            parameter("patient", "reference", "Not together with subject."),
            parameter("subject", "reference", "Not together with patient."),
            parameter("identifier", "token", ""),
            parameter("date", "date", ""),
            parameter("class", "token", ""),
        ],
        ..Served::NOTHING
    },
    Served {
        resource_type: "Observation",
        interactions: &["read", "search-type", "create"],
        search: &[
            parameter("_id", "token", ""),
            parameter("patient", "reference", "With category or code."),
            parameter("subject", "reference", "With category or code."),
            parameter("category", "token", ""),
            parameter("code", "token", ""),
            parameter("date", "date", ""),
        ],
        ..Served::NOTHING
    },
    Served {
        resource_type: "AllergyIntolerance",
        interactions: &["read", "search-type", "create"],
        search: &[
            parameter("_id", "token", ""),
            parameter("patient", "reference", ""),
            parameter("clinical-status", "token", ""),
        ],
        ..Served::NOTHING
    },
    Served {
        resource_type: "Condition",
        interactions: &["read", "search-type", "create"],
        search: &[
            parameter("_id", "token", ""),
            parameter("patient", "reference", "Not together with subject."),
            parameter("subject", "reference", "Not together with patient."),
            parameter("category", "token", ""),
            parameter("clinical-status", "token", ""),
            parameter("code", "token", ""),
            parameter("encounter", "reference", ""),
            parameter("onset-date", "date", ""),
            parameter("recorded-date", "date", ""),
        ],
        ..Served::NOTHING
    },
    Served {
        resource_type: "DiagnosticReport",
        interactions: &["read", "search-type"],
        search: &[
            parameter("_id", "token", ""),
            parameter("patient", "reference", "Not together with subject."),
            parameter("subject", "reference", "Not together with patient."),
            parameter("category", "token", ""),
            parameter("code", "token", ""),
            parameter("date", "date", ""),
            parameter("identifier", "token", ""),
            parameter("status", "token", ""),
        ],
        ..Served::NOTHING
    },
    Served {
        resource_type: "DocumentReference",
        interactions: &["read", "search-type", "create"],
        search: &[
            parameter("_id", "token", ""),
            parameter("patient", "reference", "Not together with subject."),
            parameter("subject", "reference", "Not together with patient."),
            parameter("category", "token", ""),
            parameter("date", "date", ""),
            parameter("docstatus", "token", ""),
            parameter("encounter", "reference", ""),
            parameter("period", "date", ""),
            parameter("status", "token", ""),
            parameter("type", "token", ""),
        ],
        ..Served::NOTHING
    },
    Served {
        resource_type: "Binary",
        interactions: &["read"],
        ..Served::NOTHING
    },
    Served {
        resource_type: "ServiceRequest",
        interactions: &["read", "search-type", "create", "update"],
        search: &[
            parameter("_id", "token", ""),
            parameter("patient", "reference", "Not together with subject."),
            parameter("subject", "reference", "Not together with patient."),
            parameter("authored", "date", ""),
            parameter("category", "token", ""),
            parameter("code", "token", ""),
            parameter("encounter", "reference", ""),
            parameter("identifier", "token", ""),
            parameter("status", "token", ""),
        ],
        ..Served::NOTHING
    },
    Served {
        resource_type: "Appointment",
        interactions: &["read", "search-type"],
        search: &[
            parameter("_id", "token", ""),
            parameter("patient", "reference", ""),
            parameter("date", "date", ""),
            parameter("identifier", "token", ""),
            parameter("service-category", "token", ""),
            parameter("status", "token", ""),
        ],
        ..Served::NOTHING
    },
    Served {
        resource_type: "Group",
        operations: &[(
            "export",
            "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/group-export",
        )],
        ..Served::NOTHING
    },
];

const fn parameter(
    name: &'static str,
    kind: &'static str,
    documentation: &'static str,
) -> SearchParameter<'static> {
    SearchParameter {
        name,
        kind,
        documentation,
    }
}

pub(super) fn capabilities(base: &str, authorises: bool) -> fhir::CapabilityStatement {
    let mut statement = statement(&Server {
        title: "Epic, a mock",
        software: ("Epic, a mock", env!("CARGO_PKG_VERSION")),
        date: "2026-01-01",
        base,
        formats: &["xml", "json"],
        interactions: &[],
        served: SERVED,
    });
    if authorises {
        for rest in &mut statement.rest {
            rest.security = Some(smart_security(&super::access::token_url(base), ""));
        }
    }
    statement
}
