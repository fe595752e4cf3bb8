//! SMART scopes of clients that act for themselves: `system/Patient.read` (version 1), `system/Patient.rs` (version 2).
//!
//! Scopes of users and patients are refused, being nothing a system could hold, and so are version 2's searches
//! (`?category=…`): a scope that is only half understood would let in too much.

use std::fmt;

/// What may be done with a resource; the letters of SMART version 2, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// `c`
    Create,
    /// `r`
    Read,
    /// `u`
    Update,
    /// `d`
    Delete,
    /// `s`
    Search,
}

const LETTERS: [(char, Right); 5] = [
    ('c', Right::Create),
    ('r', Right::Read),
    ('u', Right::Update),
    ('d', Right::Delete),
    ('s', Right::Search),
];

/// In which version of SMART a scope is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `.read`, `.write`, `.*`
    V1,
    /// `.cruds`
    V2,
}

/// One scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// A resource type, or `*`.
    resource_type: String,
    /// By the order of `LETTERS`.
    rights: [bool; 5],
    style: Style,
}

/// Why a text is no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScopeError {
    /// It does not start with `system/`.
    #[error("starts with system/: clients of this sort act for themselves")]
    Context,
    /// No resource type, nor `*`.
    #[error("names a resource type, or *, after system/")]
    ResourceType,
    /// Nothing of either version after the dot.
    #[error("ends with .read, .write or .*, or with letters of .cruds in that order")]
    Rights,
}

impl Scope {
    /// Reads one scope.
    ///
    /// # Errors
    /// The part that is not right.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let rest = text.strip_prefix("system/").ok_or(ScopeError::Context)?;
        let (resource_type, rights) = rest.split_once('.').ok_or(ScopeError::Rights)?;
        let is_type = resource_type.starts_with(|first: char| first.is_ascii_uppercase())
            && resource_type.bytes().all(|byte| byte.is_ascii_alphabetic());
        if resource_type != "*" && !is_type {
            return Err(ScopeError::ResourceType);
        }
        let letters = match rights {
            "read" => "rs",
            "write" => "cud",
            "*" => "cruds",
            letters => letters,
        };
        let style = if letters == rights { Style::V2 } else { Style::V1 };
        let mut wanted = letters.chars().peekable();
        let held = LETTERS.map(|(letter, _)| wanted.next_if_eq(&letter).is_some());
        if wanted.next().is_some() || letters.is_empty() {
            return Err(ScopeError::Rights);
        }
        Ok(Self {
            resource_type: resource_type.to_owned(),
            rights: held,
            style,
        })
    }

    /// Whether it lets a holder do that with resources of that type.
    #[must_use]
    pub fn allows(&self, resource_type: &str, right: Right) -> bool {
        let of_type = self.resource_type == "*" || self.resource_type == resource_type;
        of_type && self.rights().any(|held| held == right)
    }

    /// The resource type, or `*`.
    #[must_use]
    pub fn resource_type(&self) -> &str {
        &self.resource_type
    }

    /// In which version it was written.
    #[must_use]
    pub fn style(&self) -> Style {
        self.style
    }

    /// The same scope in a version's words. Version 1 has fewer: reading and searching are one there.
    #[must_use]
    pub fn written(&self, style: Style) -> Vec<String> {
        let name = &self.resource_type;
        let any = |wanted: &[Right]| self.rights().any(|held| wanted.contains(&held));
        let words: Vec<String> = match style {
            Style::V2 => {
                let held = LETTERS.iter().zip(self.rights).filter(|(_, held)| *held);
                vec![held.map(|((letter, _), _)| *letter).collect()]
            }
            Style::V1 => [
                ("read", any(&[Right::Read, Right::Search])),
                ("write", any(&[Right::Create, Right::Update, Right::Delete])),
            ]
            .into_iter()
            .filter(|(_, held)| *held)
            .map(|(word, _)| word.to_owned())
            .collect(),
        };
        words.iter().map(|word| format!("system/{name}.{word}")).collect()
    }

    fn rights(&self) -> impl Iterator<Item = Right> {
        let held = LETTERS.iter().zip(self.rights).filter(|(_, held)| *held);
        held.map(|((_, right), _)| *right)
    }
}

/// As it was written.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.style, self.rights) {
            (Style::V1, [true, true, ..]) => write!(f, "system/{}.*", self.resource_type),
            _ => f.write_str(&self.written(self.style).join(" ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_read_and_written_back() {
        for (text, create, read, search) in [
            ("system/Patient.read", false, true, true),
            ("system/Patient.write", true, false, false),
            ("system/Patient.*", true, true, true),
            ("system/*.read", false, true, true),
            ("system/Patient.rs", false, true, true),
            ("system/Patient.r", false, true, false),
            ("system/Patient.cruds", true, true, true),
            ("system/*.cs", true, false, true),
        ] {
            let scope = Scope::parse(text).unwrap();
            assert_eq!(scope.to_string(), text);
            assert_eq!(scope.allows("Patient", Right::Create), create, "{text}");
            assert_eq!(scope.allows("Patient", Right::Read), read, "{text}");
            assert_eq!(scope.allows("Patient", Right::Search), search, "{text}");
            let all = scope.resource_type() == "*";
            assert_eq!(scope.allows("Encounter", Right::Search), all && search, "{text}");
        }
        let both = Scope::parse("system/Patient.crs").unwrap();
        assert_eq!(
            both.written(Style::V1),
            ["system/Patient.read", "system/Patient.write"]
        );
    }

    #[test]
    fn what_is_no_scope_of_a_system_is_refused_by_its_part() {
        for (text, expected) in [
            ("", ScopeError::Context),
            ("user/Patient.read", ScopeError::Context),
            ("patient/Patient.rs", ScopeError::Context),
            ("openid", ScopeError::Context),
            ("system/patient.read", ScopeError::ResourceType),
            ("system/.read", ScopeError::ResourceType),
            ("system/Patient", ScopeError::Rights),
            ("system/Patient.", ScopeError::Rights),
            ("system/Patient.sr", ScopeError::Rights),
            ("system/Patient.rr", ScopeError::Rights),
            ("system/Patient.rx", ScopeError::Rights),
            ("system/Patient.Read", ScopeError::Rights),
            ("system/Patient.rs?_id=1", ScopeError::Rights),
        ] {
            assert_eq!(Scope::parse(text), Err(expected), "{text}");
        }
    }
}
