//! Search parameters: names, modifiers, and values with their prefixes, tokens and references.
//!
//! This reads what was asked; which parameters exist and what they look at is the service's.

/// One search parameter of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The name before the colon: `family`, `_id`, `subject`.
    pub name: String,
    /// What stands after the colon: `exact`, `contains`, `missing`, a resource type.
    pub modifier: Option<String>,
    /// The alternatives, separated by commas; any one may match.
    pub values: Vec<String>,
}

impl Parameter {
    /// Takes a name and a decoded value apart. `\,` is a comma inside a value.
    pub fn parse(name: &str, value: &str) -> Self {
        let (name, modifier) = match name.split_once(':') {
            Some((name, modifier)) => (name, Some(modifier.to_owned())),
            None => (name, None),
        };
        Self {
            name: name.to_owned(),
            modifier,
            values: alternatives(value),
        }
    }

    /// The first value; empty when there is none.
    pub fn value(&self) -> &str {
        self.values.first().map_or("", String::as_str)
    }
}

/// Splits at commas that no backslash escapes; other escapes stay for what reads the value.
fn alternatives(value: &str) -> Vec<String> {
    let mut values = vec![String::new()];
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        let Some(last) = values.last_mut() else { break };
        match character {
            ',' => values.push(String::new()),
            '\\' => match characters.next() {
                Some(',') => last.push(','),
                Some(other) => {
                    last.push('\\');
                    last.push(other);
                }
                None => last.push('\\'),
            },
            _ => last.push(character),
        }
    }
    values
}
