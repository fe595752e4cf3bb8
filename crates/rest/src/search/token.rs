//! Tokens (`system|code`) and references in searches.

use super::{split, unescape};

/// A token: which system, which code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it says about the system.
    pub system: TokenSystem,
    /// The code or value; empty when any will do.
    pub code: String,
}

/// What a token says about the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSystem {
    /// `code`: any.
    Any,
    /// `|code`: there is none.
    None,
    /// `system|code`
    Is(String),
}

impl Token {
    /// Reads `code`, `|code`, `system|code` or `system|`.
    pub fn parse(value: &str) -> Self {
        let mut parts = split(value, '|').into_iter();
        let first = parts.next().unwrap_or_default();
        // A bar too many belongs to the code.
        let rest: Vec<String> = parts.collect();
        if rest.is_empty() {
            return Self {
                system: TokenSystem::Any,
                code: unescape(&first),
            };
        }
        let system = if first.is_empty() {
            TokenSystem::None
        } else {
            TokenSystem::Is(unescape(&first))
        };
        Self {
            system,
            code: unescape(&rest.join("|")),
        }
    }

    /// Whether an element with this system and code is found. Codes are compared as they stand.
    pub fn matches(&self, system: Option<&str>, code: Option<&str>) -> bool {
        let system_fits = match &self.system {
            TokenSystem::Any => true,
            TokenSystem::None => system.is_none_or(str::is_empty),
            TokenSystem::Is(wanted) => system == Some(wanted),
        };
        system_fits && (self.code.is_empty() && self.system != TokenSystem::Any || code == Some(&self.code))
    }
}

/// Whether a reference in a resource is the one searched for.
///
/// `wanted` may be an id, `Type/id` or a URL under `base`; `resource_type` is the modifier or the only type possible.
pub fn matches_reference(wanted: &str, resource_type: Option<&str>, reference: &str, base: &str) -> bool {
    fn under<'a>(url: &'a str, base: &str) -> &'a str {
        url.strip_prefix(base)
            .and_then(|rest| rest.strip_prefix('/'))
            .unwrap_or(url)
    }
    let (wanted, reference) = (under(wanted, base), under(reference, base));
    let reference = reference.split("/_history/").next().unwrap_or_default();
    match (wanted.contains(['/', ':']), resource_type) {
        (true, _) => wanted == reference,
        (false, Some(resource_type)) => {
            reference
                .strip_prefix(resource_type)
                .and_then(|rest| rest.strip_prefix('/'))
                == Some(wanted)
        }
        (false, None) => reference.split_once('/').is_some_and(|(_, id)| id == wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_compare_system_and_code() {
        let found = |token: &str, system, code| Token::parse(token).matches(system, code);
        assert!(found("RQM1", Some("urn:a"), Some("RQM1")) && found("RQM1", None, Some("RQM1")));
        assert!(
            found("urn:a|RQM1", Some("urn:a"), Some("RQM1"))
                && !found("urn:a|RQM1", Some("urn:b"), Some("RQM1"))
        );
        assert!(found("|RQM1", None, Some("RQM1")) && !found("|RQM1", Some("urn:a"), Some("RQM1")));
        assert!(found("urn:a|", Some("urn:a"), Some("anything")) && !found("urn:a|", None, Some("anything")));
        assert!(!found("", Some("urn:a"), Some("x")) && !found("rqm1", None, Some("RQM1")));
        assert!(found(r"urn:a|x\|y", Some("urn:a"), Some("x|y")));
        assert!(found(r"a\\b\$c", None, Some(r"a\b$c")));
    }

    #[test]
    fn references_compare_with_and_without_type_and_base() {
        let base = "http://h/fhir";
        for wanted in ["1", "Patient/1", "http://h/fhir/Patient/1"] {
            for reference in ["Patient/1", "http://h/fhir/Patient/1", "Patient/1/_history/2"] {
                assert!(
                    matches_reference(wanted, Some("Patient"), reference, base),
                    "{wanted} {reference}"
                );
            }
            assert!(!matches_reference(wanted, Some("Patient"), "Patient/11", base));
            assert!(!matches_reference(wanted, Some("Patient"), "Group/1", base));
        }
        assert!(matches_reference("1", None, "Group/1", base));
        assert!(!matches_reference(
            "http://other/Patient/1",
            None,
            "Patient/1",
            base
        ));
        assert!(matches_reference("urn:uuid:1", None, "urn:uuid:1", base));
    }
}
