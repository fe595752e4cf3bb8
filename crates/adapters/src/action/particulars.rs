//! The particulars of the later actions: bookings, orders, documents, allergies, problems, and repairs.

use serde::{Deserialize, Serialize};

/// Two visits of one person that are one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MergeVisitOf {
    /// Any number the person is known by.
    pub patient: String,
    /// The number of the visit that stays.
    pub survivor: String,
    /// The number of the visit that goes.
    pub loser: String,
}

/// A visit under the wrong person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MoveVisitOf {
    /// Any number of the person it was filed under.
    pub patient: String,
    /// The number of the visit.
    pub visit: String,
    /// Any number of the person it was about.
    pub to: String,
}

/// Another hospital number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RenumberOf {
    /// Any number the person is known by.
    pub patient: String,
    /// The new number; issued when left out.
    #[serde(default)]
    pub number: Option<String>,
}

/// A test that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OrderOf {
    /// Any number the person is known by.
    pub patient: String,
    /// The order's number; issued when left out.
    #[serde(default)]
    pub number: Option<String>,
    /// Code, then words.
    pub service: [String; 2],
    /// `laboratory` (the default) or `imaging`.
    #[serde(default)]
    pub category: Option<String>,
    /// `R` routine, `S` at once, as the product writes it.
    #[serde(default)]
    pub priority: Option<String>,
    /// The code of whoever asks.
    #[serde(default)]
    pub by: Option<String>,
    /// What whoever does it should know.
    #[serde(default)]
    pub note: Option<String>,
    /// When it is to be done; now by default.
    #[serde(default)]
    pub at: Option<String>,
}

/// One order or booking.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OfNumber {
    /// Any number the person is known by.
    pub patient: String,
    /// Its number.
    pub number: String,
    /// Why, in words.
    #[serde(default)]
    pub reason: Option<String>,
}

/// An appointment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BookOf {
    /// Any number the person is known by.
    pub patient: String,
    /// The booking's number; issued when left out.
    #[serde(default)]
    pub number: Option<String>,
    /// Clinic or room.
    pub clinic: String,
    /// `2026-06-02T09:30`.
    pub start: String,
    /// Half an hour later by default.
    #[serde(default)]
    pub end: Option<String>,
    /// What for: code, then words.
    #[serde(default)]
    pub service: Option<[String; 2]>,
    /// The code of whoever is seen.
    #[serde(default)]
    pub by: Option<String>,
    /// Why, in words.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Another time for an appointment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RebookOf {
    /// Any number the person is known by.
    pub patient: String,
    /// The booking's number.
    pub number: String,
    /// The new time.
    pub start: String,
    /// Half an hour later by default.
    #[serde(default)]
    pub end: Option<String>,
    /// Another clinic.
    #[serde(default)]
    pub clinic: Option<String>,
}

/// An allergy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AllergyOf {
    /// Any number the person is known by.
    pub patient: String,
    /// Code, then words.
    pub substance: [String; 2],
    /// `drug`, `food` or `environment`.
    #[serde(default)]
    pub category: Option<String>,
    /// `high` or `low`.
    #[serde(default)]
    pub criticality: Option<String>,
    /// `active` (the default), `inactive`, `resolved`, or `error` when it never was one.
    #[serde(default)]
    pub status: Option<String>,
    /// What happens, in words.
    #[serde(default)]
    pub reaction: Option<String>,
    /// Since when.
    #[serde(default)]
    pub onset: Option<String>,
    /// Anything else.
    #[serde(default)]
    pub note: Option<String>,
}

/// A problem.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProblemOf {
    /// Any number the person is known by.
    pub patient: String,
    /// Code, then words.
    pub problem: [String; 2],
    /// `problem` (the default) or `diagnosis`.
    #[serde(default)]
    pub category: Option<String>,
    /// `active` (the default), `inactive`, `resolved`, or `error` when it never was one.
    #[serde(default)]
    pub status: Option<String>,
    /// Since when.
    #[serde(default)]
    pub onset: Option<String>,
}

/// A document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DocumentOf {
    /// Any number the person is known by.
    pub patient: String,
    /// The document's number; issued when left out.
    #[serde(default)]
    pub number: Option<String>,
    /// What it is: code, then words.
    pub kind: [String; 2],
    /// Its text.
    #[serde(default)]
    pub text: Option<String>,
    /// Its bytes, in base64.
    #[serde(default)]
    pub pdf: Option<String>,
    /// `preliminary`, `final` (the default) or `error`.
    #[serde(default)]
    pub status: Option<String>,
    /// The code of who wrote it.
    #[serde(default)]
    pub by: Option<String>,
    /// When it was about; now by default.
    #[serde(default)]
    pub at: Option<String>,
}

/// Messages to send again: one by its control id, or all of a span of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ResendOf {
    /// MSH-10 of the message.
    #[serde(default)]
    pub control_id: Option<String>,
    /// The first moment.
    #[serde(default)]
    pub from: Option<String>,
    /// The last moment.
    #[serde(default)]
    pub to: Option<String>,
}

/// A message in the error queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RetriggerOf {
    /// MSH-10 of the message as it came.
    pub control_id: String,
}
