//! What the face serves: the capability statement and the searches read the same table.

use rest::capability::{SearchParameter, Served, Server, smart_security, statement};

/// A row says only what a type has; what it has not is [`Served::NOTHING`]'s.
pub(super) const SERVED: &[Served<'static>] = &[
    Served {
        resource_type: "Patient",
        interactions: &["read", "search-type"],
        search: &[
            parameter("_id", "token"),
            parameter("identifier", "token"),
            parameter("name", "string"),
            parameter("family", "string"),
            parameter("given", "string"),
            parameter("birthdate", "date"),
            parameter("phone", "token"),
            parameter("email", "token"),
            parameter("address-postalcode", "string"),
            parameter("gender", "token"),
        ],
        ..Served::NOTHING
    },
    Served {
        resource_type: "Encounter",
        interactions: &["read", "search-type"],
        search: &[
            parameter("_id", "token"),
            parameter("patient", "reference"),
            parameter("subject", "reference"),
            parameter("identifier", "token"),
            parameter("date", "date"),
            parameter("status", "token"),
        ],
        ..Served::NOTHING
    },
    Served {
        resource_type: "Observation",
        interactions: &["read", "search-type", "create"],
        search: &[
            parameter("_id", "token"),
            parameter("patient", "reference"),
            parameter("subject", "reference"),
            parameter("category", "token"),
            parameter("code", "token"),
            parameter("date", "date"),
            parameter("_lastUpdated", "date"),
        ],
        ..Served::NOTHING
    },
    Served {
        resource_type: "AllergyIntolerance",
        interactions: &["read", "search-type", "create", "update"],
        search: &[
            parameter("_id", "token"),
            parameter("patient", "reference"),
            parameter("clinical-status", "token"),
            parameter("_lastUpdated", "date"),
        ],
        ..Served::NOTHING
    },
    Served {
        resource_type: "Condition",
        interactions: &["read", "search-type", "create", "update"],
        search: &[
            parameter("_id", "token"),
            parameter("patient", "reference"),
            parameter("subject", "reference"),
            parameter("encounter", "reference"),
            parameter("category", "token"),
            parameter("clinical-status", "token"),
        ],
        ..Served::NOTHING
    },
    Served {
        resource_type: "DiagnosticReport",
        interactions: &["read", "search-type"],
        search: &[
            parameter("_id", "token"),
            parameter("patient", "reference"),
            parameter("subject", "reference"),
            parameter("encounter", "reference"),
            parameter("category", "token"),
            parameter("code", "token"),
            parameter("date", "date"),
            parameter("_lastUpdated", "date"),
        ],
        ..Served::NOTHING
    },
    Served {
        resource_type: "DocumentReference",
        interactions: &["read", "search-type", "create"],
        search: &[
            parameter("_id", "token"),
            parameter("patient", "reference"),
            parameter("subject", "reference"),
            parameter("encounter", "reference"),
            parameter("category", "token"),
            parameter("type", "token"),
            parameter("period", "date"),
            parameter("_lastUpdated", "date"),
        ],
        ..Served::NOTHING
    },
    Served {
        resource_type: "ChargeItem",
        interactions: &["read", "search-type"],
        search: &[
            parameter("_id", "token"),
            parameter("patient", "reference"),
            parameter("subject", "reference"),
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
        interactions: &["read", "search-type"],
        search: &[
            parameter("_id", "token"),
            parameter("patient", "reference"),
            parameter("subject", "reference"),
            parameter("authored", "date"),
            parameter("category", "token"),
            parameter("code", "token"),
            parameter("status", "token"),
            parameter("_lastUpdated", "date"),
        ],
        ..Served::NOTHING
    },
    Served {
        resource_type: "Appointment",
        interactions: &["read", "search-type"],
        search: &[
            parameter("_id", "token"),
            parameter("patient", "reference"),
            parameter("date", "date"),
            parameter("-date-or-req-period", "date"),
            parameter("status", "token"),
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

const fn parameter(name: &'static str, kind: &'static str) -> SearchParameter<'static> {
    SearchParameter {
        name,
        kind,
        documentation: "",
    }
}

/// Whether this type is served at all; others do not exist here.
pub(super) fn known(resource_type: &str) -> bool {
    SERVED.iter().any(|served| served.resource_type == resource_type)
}

/// Whether a type has that search parameter.
pub(super) fn is_parameter(resource_type: &str, name: &str) -> bool {
    SERVED
        .iter()
        .filter(|served| served.resource_type == resource_type)
        .any(|served| served.search.iter().any(|parameter| parameter.name == name))
}

pub(super) fn capabilities(base: &str, authorises: bool) -> fhir::CapabilityStatement {
    let mut statement = statement(&Server {
        title: "Millennium, a mock",
        software: ("", ""),
        date: "2026-01-01",
        base,
        formats: &["json"],
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
