//! Refusals and remarks in the product's own codes.

use fhir::{OperationOutcome, OperationOutcomeIssue};
use rest::Reply;
use rest::outcome as common;

/// The instance part of this installation's OID arc: ours, made up.
pub(super) const INSTANCE: &str = "1.2.840.114350.1.13.9990";

/// The codes in use, each with severity, FHIR issue type and text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    NoResults,
    BadId,
    Merged,
    RequiredMissing,
    BadCombination,
    PageExpired,
    BadValue,
    TooMany,
    InvalidId,
    UnknownParameter,
    ContentMissing,
    BadDemographics,
    NotSupported,
    BadBody,
    Duplicate,
    UnknownReference,
    ElementInvalid,
    NotFiled,
    NotAuthorised,
    GlassNeeded,
    GlassRefused,
}

impl Code {
    fn row(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::NoResults => (
                "4101",
                "warning",
                "processing",
                "Resource request returns no results.",
            ),
            Self::BadId => (
                "4102",
                "fatal",
                "value",
                "The read resource request contained an invalid resource ID.",
            ),
            Self::Merged => (
                "4107",
                "warning",
                "processing",
                "The read resource request contained an ID that was merged.",
            ),
            Self::RequiredMissing => (
                "4111",
                "fatal",
                "required",
                "Required parameter(s) are missing from the request.",
            ),
            Self::BadCombination => (
                "4112",
                "fatal",
                "invalid",
                "The combination of parameters is invalid.",
            ),
            Self::PageExpired => (
                "4113",
                "fatal",
                "processing",
                "Session ID for the page has expired or is invalid.",
            ),
            Self::BadValue => ("4115", "fatal", "value", "A parameter has an invalid value."),
            Self::TooMany => (
                "4127",
                "fatal",
                "too-costly",
                "Too many patients match; narrow the search.",
            ),
            Self::InvalidId => (
                "59008",
                "fatal",
                "not-found",
                "The FHIR ID provided was not found.",
            ),
            Self::UnknownParameter => (
                "59100",
                "information",
                "invalid",
                "Content invalid against the specification or a profile.",
            ),
            Self::ContentMissing => ("59108", "fatal", "required", "A required element is missing."),
            Self::BadDemographics => (
                "59159",
                "fatal",
                "business-rule",
                "The content/operation failed to pass a business rule and so could not proceed.",
            ),
            Self::BadBody => ("59105", "fatal", "structure", "The content cannot be read."),
            Self::Duplicate => (
                "59141",
                "fatal",
                "duplicate",
                "The content is a duplicate of a record that exists.",
            ),
            Self::UnknownReference => (
                "59144",
                "fatal",
                "not-found",
                "A referenced record was not found.",
            ),
            Self::ElementInvalid => ("59111", "fatal", "value", "A required element is invalid."),
            Self::NotFiled => (
                "59177",
                "fatal",
                "exception",
                "An internal error kept the content from being filed.",
            ),
            Self::NotAuthorised => (
                "4118",
                "fatal",
                "forbidden",
                "The authenticated user is not authorized for this request.",
            ),
            Self::GlassNeeded => (
                "4130",
                "fatal",
                "suppressed",
                "Break-the-Glass: the chart opens only after a reason was given.",
            ),
            Self::GlassRefused => (
                "4131",
                "fatal",
                "suppressed",
                "Break-the-Glass: the chart does not open to this user.",
            ),
            Self::NotSupported => (
                "4100",
                "fatal",
                "not-supported",
                "The resource request contained an invalid parameter.",
            ),
        }
    }
}

/// One issue; `more` says which parameter or why.
pub(super) fn issue(code: Code, more: &str) -> OperationOutcomeIssue {
    let (number, severity, kind, text) = code.row();
    let issue = common::issue(severity, kind, more);
    common::with_details(issue, &format!("urn:oid:{INSTANCE}.7.2.657369"), number, text)
}

pub(super) fn of(issues: &[OperationOutcomeIssue]) -> OperationOutcome {
    common::of_issues(issues.to_vec())
}

pub(super) fn refused(status: u16, issues: &[OperationOutcomeIssue]) -> Reply {
    Reply::outcome(status, of(issues))
}

/// The answer to an id nobody has.
pub(super) fn bad_id() -> Reply {
    let mut issue = issue(Code::InvalidId, "Invalid FHIR ID provided");
    issue.location.push("/f:id".into());
    refused(404, &[issue])
}

/// The answer to the id of somebody merged away: follow to the survivor.
pub(super) fn merged(location: &str) -> Reply {
    refused(301, &[issue(Code::Merged, "")]).location(location)
}

/// The fullUrl of an outcome entry, the same for the same search.
pub(super) fn urn(search: &str) -> String {
    format!(
        "urn:uuid:{}",
        uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, search.as_bytes())
    )
}
