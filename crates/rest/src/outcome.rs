//! OperationOutcomes: what went wrong, in FHIR's words, without the values.

use fhir::check::Issue;
use fhir::{CodeableConcept, Coding, Fault, OperationOutcome, OperationOutcomeIssue, ReadError};

/// One issue: severity (`fatal`, `error`, `warning`, `information`), issue type, and a text for people.
pub fn issue(severity: &str, code: &str, diagnostics: &str) -> OperationOutcomeIssue {
    OperationOutcomeIssue {
        severity: Some(severity.into()),
        code: Some(code.into()),
        diagnostics: Some(diagnostics.into()).filter(|_| !diagnostics.is_empty()),
        ..OperationOutcomeIssue::default()
    }
}

/// An outcome with one issue.
pub fn outcome(severity: &str, code: &str, diagnostics: &str) -> OperationOutcome {
    of_issues(vec![issue(severity, code, diagnostics)])
}

/// An outcome with these issues.
pub fn of_issues(issue: Vec<OperationOutcomeIssue>) -> OperationOutcome {
    OperationOutcome {
        issue,
        ..OperationOutcome::default()
    }
}

/// Adds a server's own code to an issue.
#[must_use]
pub fn with_details(
    mut issue: OperationOutcomeIssue,
    system: &str,
    code: &str,
    display: &str,
) -> OperationOutcomeIssue {
    issue.details = Some(CodeableConcept {
        coding: vec![Coding {
            system: Some(system.into()),
            code: Some(code.into()),
            display: Some(display.into()).filter(|_| !display.is_empty()),
            ..Coding::default()
        }],
        text: Some(display.into()).filter(|_| !display.is_empty()),
        ..CodeableConcept::default()
    });
    issue
}

/// Adds the place in the resource, as FHIRPath.
#[must_use]
pub fn at(mut issue: OperationOutcomeIssue, expression: &str) -> OperationOutcomeIssue {
    issue.expression.push(expression.into());
    issue
}

/// The outcome of a body that could not be read.
pub fn of_read_error(error: &ReadError, body: &[u8]) -> OperationOutcome {
    let code = match error.fault() {
        Fault::TooDeep { .. } | Fault::TooMany { .. } | Fault::TooLong { .. } => "too-long",
        Fault::ResourceType { .. } | Fault::NoResourceType => "invalid",
        _ => "structure",
    };
    let (line, column) = error.line_and_column(body);
    let text = format!("{} at line {line}, column {column}", error.fault());
    let issue = issue("error", code, &text);
    let path = error.path();
    of_issues(vec![if path.is_empty() { issue } else { at(issue, &path) }])
}

/// The outcome of a resource that R4 does not allow, as [`fhir::Resource::check`] found.
pub fn of_check(issues: &[Issue]) -> OperationOutcome {
    let to_issue = |found: &Issue| {
        let code = if found.what.ends_with("is required") {
            "required"
        } else {
            "value"
        };
        at(issue("error", code, found.what), &found.path)
    };
    of_issues(issues.iter().map(to_issue).collect())
}
