//! Short ways to make the data types that occur everywhere.

use crate::{CodeableConcept, Coding, Extension, Identifier, Quantity, Reference, Text};

impl Coding {
    /// A code of a system.
    pub fn new(system: impl Into<Text>, code: impl Into<Text>) -> Self {
        Self {
            system: Some(system.into()),
            code: Some(code.into()),
            ..Self::default()
        }
    }

    /// The same with a display text.
    #[must_use]
    pub fn with_display(mut self, display: impl Into<Text>) -> Self {
        self.display = Some(display.into());
        self
    }
}

impl From<Coding> for CodeableConcept {
    fn from(coding: Coding) -> Self {
        Self {
            coding: vec![coding],
            ..Self::default()
        }
    }
}

impl CodeableConcept {
    /// A concept with one code.
    pub fn new(system: impl Into<Text>, code: impl Into<Text>) -> Self {
        Coding::new(system, code).into()
    }

    /// A concept that is only text.
    pub fn of_text(text: impl Into<Text>) -> Self {
        Self {
            text: Some(text.into()),
            ..Self::default()
        }
    }

    /// The code in a system, when there is one.
    pub fn code_in(&self, system: &str) -> Option<&str> {
        self.coding
            .iter()
            .find(|coding| coding.system.as_deref() == Some(system))?
            .code
            .as_deref()
    }
}

impl Identifier {
    /// A value of a system.
    pub fn new(system: impl Into<Text>, value: impl Into<Text>) -> Self {
        Self {
            system: Some(system.into()),
            value: Some(value.into()),
            ..Self::default()
        }
    }
}

impl Reference {
    /// A literal reference: `Patient/1`, `urn:uuid:…`.
    pub fn to(reference: impl Into<Text>) -> Self {
        Self {
            reference: Some(reference.into()),
            ..Self::default()
        }
    }
}

impl Quantity {
    /// Whether value, unit, comparator and code are all missing.
    pub fn is_empty(&self) -> bool {
        self.value.is_none() && self.unit.is_none() && self.comparator.is_none() && self.code.is_none()
    }
}

impl Extension {
    /// An extension whose value is still to be set.
    pub fn new(url: impl Into<Text>) -> Self {
        Self {
            url: Some(url.into()),
            ..Self::default()
        }
    }

    /// An extension with a string.
    pub fn string(url: impl Into<Text>, value: impl Into<Text>) -> Self {
        Self {
            value_string: Some(value.into()),
            ..Self::new(url)
        }
    }

    /// An extension with a code.
    pub fn code(url: impl Into<Text>, value: impl Into<Text>) -> Self {
        Self {
            value_code: Some(value.into()),
            ..Self::new(url)
        }
    }
}
