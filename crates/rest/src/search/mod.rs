//! Search parameters: names, modifiers, and values with their prefixes, tokens and references.
//!
//! This reads what was asked and compares it with one value; which parameters exist, which elements they look at and
//! what happens to those nobody knows is the service's.

mod date;
mod text;
mod token;

pub use date::{DateRange, DateSearch, Prefix};
pub use text::matches_text;
pub use token::{Token, TokenSystem, matches_reference};

/// One search parameter of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The name before the colon: `family`, `_id`, `subject`.
    pub name: String,
    /// What stands after the colon: `exact`, `contains`, `missing`, a resource type.
    pub modifier: Option<String>,
    /// The alternatives, separated by commas; any one may match. `\,` is a comma inside a value; other escapes stay
    /// for what reads the value.
    pub values: Vec<String>,
}

impl Parameter {
    /// Takes a name and a decoded value apart.
    pub fn parse(name: &str, value: &str) -> Self {
        let (name, modifier) = match name.split_once(':') {
            Some((name, modifier)) => (name, Some(modifier.to_owned())),
            None => (name, None),
        };
        Self {
            name: name.to_owned(),
            modifier,
            values: split(value, ','),
        }
    }

    /// The first value; empty when there is none.
    pub fn value(&self) -> &str {
        self.values.first().map_or("", String::as_str)
    }

    /// Whether the modifier is this one.
    pub fn is(&self, modifier: &str) -> bool {
        self.modifier.as_deref() == Some(modifier)
    }

    /// The values as tokens.
    pub fn tokens(&self) -> impl Iterator<Item = Token> {
        self.values.iter().map(|value| Token::parse(value))
    }
}

/// Splits at separators that no backslash escapes; of the escapes only that of the separator is taken away.
fn split(value: &str, separator: char) -> Vec<String> {
    let mut values = Vec::new();
    let mut current = String::new();
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        if character == separator {
            values.push(std::mem::take(&mut current));
        } else if character == '\\' {
            match characters.next() {
                Some(escaped) if escaped == separator => current.push(separator),
                Some(escaped) => current.extend(['\\', escaped]),
                None => current.push('\\'),
            }
        } else {
            current.push(character);
        }
    }
    values.push(current);
    values
}

/// Takes the remaining escapes away.
fn unescape(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.extend(characters.next().or(Some('\\'))),
            _ => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_taken_apart() {
        let parameter = Parameter::parse("family:exact", r"Smith\,Jones,O\\Neil,");
        assert_eq!(
            (parameter.name.as_str(), parameter.modifier.as_deref()),
            ("family", Some("exact"))
        );
        assert_eq!(parameter.values, ["Smith,Jones", r"O\\Neil", ""]);
        assert_eq!(Parameter::parse("_id", "1").modifier, None);
        assert_eq!(
            Parameter::parse("subject:Patient", "1").modifier.as_deref(),
            Some("Patient")
        );
    }
}
