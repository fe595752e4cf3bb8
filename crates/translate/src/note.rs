//! What a translation remarks on: where, never what.

use hl7v2::Location;
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// How much a remark matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing: a code passed through as it was.
    Information,
    /// Something could not be said in FHIR; the Bundle's OperationOutcome repeats it.
    Warning,
}

/// One remark of a translation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// The place it is about, when it is about one.
    pub location: Option<Location>,
    /// A short name that does not change: `unknown-code`.
    pub code: &'static str,
    /// What is the matter, in a sentence without any value.
    pub text: &'static str,
    /// The HL7 table concerned, or empty.
    pub table: &'static str,
    /// How much it matters.
    pub severity: Severity,
}

impl Note {
    /// A code that its table does not hold: passed through as it was sent.
    #[must_use]
    pub fn unknown_code(location: Location, table: &'static str) -> Self {
        let text = "the code is not in its table; it passes through as sent";
        Self {
            location: Some(location),
            code: "unknown-code",
            text,
            table,
            severity: Severity::Information,
        }
    }

    /// A value that is no date or time.
    #[must_use]
    pub fn bad_time(location: Location) -> Self {
        Self::warning(Some(location), "bad-time", "the value is no HL7 date or time")
    }

    /// A value that is no number.
    #[must_use]
    pub fn bad_number(location: Location) -> Self {
        Self::warning(Some(location), "bad-number", "the value is no number")
    }

    /// Something worth knowing.
    #[must_use]
    pub fn information(location: Option<Location>, code: &'static str, text: &'static str) -> Self {
        Self {
            location,
            code,
            text,
            table: "",
            severity: Severity::Information,
        }
    }

    /// Something that could not be said.
    #[must_use]
    pub fn warning(location: Option<Location>, code: &'static str, text: &'static str) -> Self {
        Self {
            location,
            code,
            text,
            table: "",
            severity: Severity::Warning,
        }
    }
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(location) = self.location {
            write!(f, "{location}: ")?;
        }
        f.write_str(self.text)?;
        if self.table.is_empty() {
            Ok(())
        } else {
            write!(f, " (table {})", self.table)
        }
    }
}

impl Serialize for Note {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut note = serializer.serialize_struct("Note", 5)?;
        note.serialize_field("location", &self.location.map(|location| location.to_string()))?;
        note.serialize_field("code", self.code)?;
        note.serialize_field("text", self.text)?;
        note.serialize_field("table", self.table)?;
        note.serialize_field("severity", &self.severity)?;
        note.end()
    }
}
