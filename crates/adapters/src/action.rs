//! What a test or a scenario may do at an EPR, in clinical words.
//!
//! `{"admit": {"patient": "40012345", "ward": "T07"}}`: the word, then its particulars. An action changes the
//! record exactly as a message would, and the EPR tells the world in its own dialect.

mod particulars;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use self::particulars::{
    AllergyOf, BookOf, DocumentOf, MergeVisitOf, MoveVisitOf, OfNumber, OrderOf, ProblemOf, RebookOf,
    RenumberOf, ResendOf, RetriggerOf,
};

/// One thing a person at the EPR's keyboard does.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Action {
    /// Puts a new person on the index.
    Register(Register),
    /// Changes what is known about a person.
    Update(Update),
    /// Begins an in-patient stay.
    Admit(Admit),
    /// Begins an out-patient or emergency attendance.
    Attend(Admit),
    /// Announces an admission.
    PreAdmit(Admit),
    /// Moves an in-patient to another ward, room or bed.
    Transfer(Transfer),
    /// Takes the last move back.
    CancelTransfer(OfVisit),
    /// Ends a stay.
    Discharge(Discharge),
    /// Takes the discharge back: the patient is still in the bed.
    CancelDischarge(OfVisit),
    /// Takes the admission back: it never was.
    CancelAdmit(OfVisit),
    /// Merges one record into another.
    Merge(MergeOf),
    /// Makes a visit before anybody is there.
    CreateEncounter(Admit),
    /// Announces a move.
    PlanTransfer(Transfer),
    /// Takes the announcement of a move back.
    CancelPlanTransfer(OfVisit),
    /// Takes an announced admission back.
    CancelPreAdmit(OfVisit),
    /// Sets two records apart again that were merged by mistake.
    Unmerge(MergeOf),
    /// Makes one visit of two.
    MergeVisit(MergeVisitOf),
    /// Moves a visit to the person it was about.
    MoveVisit(MoveVisitOf),
    /// Gives a person another hospital number.
    Renumber(RenumberOf),
    /// Orders a test.
    Order(OrderOf),
    /// Cancels an order.
    CancelOrder(OfNumber),
    /// Books an appointment.
    Book(BookOf),
    /// Moves an appointment to another time.
    Rebook(RebookOf),
    /// Notes that somebody came to their appointment.
    Arrive(OfNumber),
    /// Notes that somebody did not come.
    NoShow(OfNumber),
    /// Cancels an appointment.
    CancelBooking(OfNumber),
    /// Notes an allergy, or what is known anew about one.
    Allergy(AllergyOf),
    /// Notes a problem or diagnosis.
    Problem(ProblemOf),
    /// Files a document.
    Document(DocumentOf),
    /// Files a result.
    Result(ResultOf),
    /// Files a correction of a result already sent.
    CorrectResult(ResultOf),
    /// Makes the record read-only: what is queued still leaves, nothing else changes.
    Freeze,
    /// Ends a freeze.
    Thaw,
    /// Sends again what was sent before.
    Resend(ResendOf),
    /// Takes a message out of the error queue and tries to file it again.
    Retrigger(RetriggerOf),
}

/// A new person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Register {
    /// The hospital number to give; the EPR issues one when left out.
    #[serde(default)]
    pub mrn: Option<String>,
    /// The pool or authority of that number, when not the EPR's own.
    #[serde(default)]
    pub authority: Option<String>,
    /// What is known about them.
    #[serde(flatten)]
    pub details: Details,
}

/// What may be known about a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Details {
    /// Ten digits.
    #[serde(default)]
    pub nhs_number: Option<String>,
    /// Family name.
    #[serde(default)]
    pub family: Option<String>,
    /// First name.
    #[serde(default)]
    pub given: Option<String>,
    /// Title.
    #[serde(default)]
    pub title: Option<String>,
    /// `1970-02-28`.
    #[serde(default)]
    pub birth_date: Option<String>,
    /// `male`, `female`, `other` or `unknown`.
    #[serde(default)]
    pub sex: Option<String>,
    /// First line of the address.
    #[serde(default)]
    pub address: Option<String>,
    /// Town.
    #[serde(default)]
    pub city: Option<String>,
    /// Postcode.
    #[serde(default)]
    pub postcode: Option<String>,
    /// Telephone at home.
    #[serde(default)]
    pub phone: Option<String>,
    /// NHS ethnic category.
    #[serde(default)]
    pub ethnicity: Option<String>,
    /// NHS marital status.
    #[serde(default)]
    pub marital_status: Option<String>,
    /// Date and time of death.
    #[serde(default)]
    pub died: Option<String>,
    /// Whether the record is opened only by those who say why.
    #[serde(default)]
    pub protected: Option<bool>,
}

/// A change to a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Update {
    /// Any number the person is known by.
    pub patient: String,
    /// What is said anew.
    #[serde(flatten)]
    pub details: Details,
    /// What is taken away, by the names of `details`: sent as HL7 null.
    #[serde(default)]
    pub clear: Vec<String>,
}

/// The start of a visit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Admit {
    /// Any number the person is known by.
    pub patient: String,
    /// Visit number; issued when left out.
    #[serde(default)]
    pub visit: Option<String>,
    /// `inpatient`, `outpatient`, `emergency` or `daycase`; by default what the action's name says.
    #[serde(default)]
    pub class: Option<String>,
    /// Ward or clinic.
    #[serde(default)]
    pub ward: Option<String>,
    /// Room or bay.
    #[serde(default)]
    pub room: Option<String>,
    /// Bed.
    #[serde(default)]
    pub bed: Option<String>,
    /// The site, in a domain of several: the product's own when left out.
    #[serde(default)]
    pub facility: Option<String>,
    /// Whether nobody but the owner may see it: sexual health, fertility, staff as patients.
    #[serde(default)]
    pub restricted: bool,
    /// Consultant's code.
    #[serde(default)]
    pub consultant: Option<String>,
    /// Specialty, in the EPR's own codes.
    #[serde(default)]
    pub specialty: Option<String>,
    /// Why, in words.
    #[serde(default)]
    pub reason: Option<String>,
    /// When; now by default.
    #[serde(default)]
    pub at: Option<String>,
}

/// A move.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Transfer {
    /// Any number the person is known by.
    pub patient: String,
    /// The visit meant; the open one by default.
    #[serde(default)]
    pub visit: Option<String>,
    /// New ward.
    pub ward: String,
    /// New room or bay.
    #[serde(default)]
    pub room: Option<String>,
    /// New bed.
    #[serde(default)]
    pub bed: Option<String>,
    /// When; now by default.
    #[serde(default)]
    pub at: Option<String>,
}

/// Something said of a visit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OfVisit {
    /// Any number the person is known by.
    pub patient: String,
    /// The visit meant; the one it can only be by default.
    #[serde(default)]
    pub visit: Option<String>,
    /// When; now by default.
    #[serde(default)]
    pub at: Option<String>,
}

/// The end of a stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Discharge {
    /// Any number the person is known by.
    pub patient: String,
    /// The visit meant; the open one by default.
    #[serde(default)]
    pub visit: Option<String>,
    /// NHS discharge method.
    #[serde(default)]
    pub method: Option<String>,
    /// NHS discharge destination.
    #[serde(default)]
    pub destination: Option<String>,
    /// When; now by default.
    #[serde(default)]
    pub at: Option<String>,
}

/// Two records that are one person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MergeOf {
    /// A number of the record that stays.
    pub survivor: String,
    /// A number of the record that goes.
    pub loser: String,
}

/// A report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ResultOf {
    /// Any number the person is known by.
    pub patient: String,
    /// The laboratory's number; issued when left out, needed to correct.
    #[serde(default)]
    pub filler: Option<String>,
    /// The number of the order it answers.
    #[serde(default)]
    pub placer: Option<String>,
    /// What was asked for: code, then words.
    #[serde(default)]
    pub service: Option<[String; 2]>,
    /// `preliminary` or `final` (the default); a correction is always corrected.
    #[serde(default)]
    pub status: Option<String>,
    /// The measurements.
    pub tests: Vec<TestOf>,
    /// When the sample was taken; now by default.
    #[serde(default)]
    pub at: Option<String>,
}

/// One measurement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TestOf {
    /// Local code.
    pub code: String,
    /// What the code means.
    #[serde(default)]
    pub name: Option<String>,
    /// The value as written; its digits are kept.
    pub value: String,
    /// Unit.
    #[serde(default)]
    pub units: Option<String>,
    /// Reference range.
    #[serde(default)]
    pub range: Option<String>,
    /// `H`, `L`, `N`…
    #[serde(default)]
    pub flag: Option<String>,
}

/// What an action did.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ActReport {
    /// What was sent, such as `ADT^A01`.
    pub event: String,
    /// MSH-10 of what was sent.
    pub control_id: String,
    /// The hospital number of whom it was about.
    pub mrn: String,
    /// Their logical id on the FHIR face, where there is one.
    pub fhir_id: Option<String>,
    /// The visit it was about.
    pub visit: Option<String>,
    /// The laboratory's number of the report.
    pub filler: Option<String>,
    /// The number of the order, booking or document.
    pub number: Option<String>,
    /// Whether the message waits in the outbox: false when the EPR sends to nobody.
    pub queued: bool,
    /// The message itself.
    #[serde(skip)]
    pub message: Bytes,
}

/// Why an action did nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ActError {
    /// Nobody is known by that number.
    #[error("{field}: nobody here is known by that number; register the person first")]
    UnknownPatient {
        /// The member that named the person.
        field: &'static str,
    },
    /// No visit is in a state to which the action could apply.
    #[error("visit: this person has no visit that could be meant; admit them first")]
    UnknownVisit,
    /// A member has a value the EPR cannot use.
    #[error("{field}: {problem}")]
    Bad {
        /// The member at fault.
        field: &'static str,
        /// What is wrong and what would do.
        problem: &'static str,
    },
    /// No order, booking or document of this person has that number.
    #[error("number: nothing of this person has that number; enter it first")]
    UnknownNumber,
    /// The product has no such event.
    #[error("this product has no such event; another vendor's might")]
    NotHere,
    /// The record is read-only.
    #[error("the record is frozen; thaw it first")]
    Frozen,
    /// A correction of a report that was never filed.
    #[error("filler: no report of this person has that number; file the result first")]
    UnknownReport,
    /// An NHS number outside the configured ranges.
    #[error("nhs-number: outside the ranges kept for tests; use 999 000 0000 to 999 999 9999")]
    LiveNhsNumber,
    /// The record could not be written; nothing was sent.
    #[error("the record could not be written; nothing was changed on disk and nothing was sent")]
    NotRecorded,
    /// The EPR is shutting down.
    #[error("the EPR is shutting down")]
    Closed,
}
