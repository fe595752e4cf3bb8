//! Names place and fault of a text that could not be read, by reading it a second time with the path kept.
//!
//! The first reading is plain `serde_json`; only a refusal costs this one, through `serde_path_to_error`. The words of
//! serde are sorted into our faults and never passed on: they may quote a value.

use serde::Deserialize;
use serde_json::error::Category;
use serde_path_to_error::Segment;

use super::Structure;
use super::json::children_until;
use crate::error::{Fault, ReadError};
use crate::{limits, resource};

/// Why `text`, a part of `document`, is no `T`.
pub(crate) fn explain<T: Structure>(document: &str, text: &str) -> ReadError {
    explain_as::<T>(document, text, T::PLACE, T::RESOURCE_TYPE)
}

/// The same for a `T` that is no structure; `root` starts the path.
pub(crate) fn explain_as<'a, T: Deserialize<'a>>(
    document: &str,
    text: &'a str,
    root: &str,
    expected: Option<&'static str>,
) -> ReadError {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let (steps, error) = match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Err(error) => (error.path().iter().cloned().collect(), error.into_inner()),
        Ok(_) => match deserializer.end() {
            Err(error) => (Vec::new(), error),
            Ok(()) => return ReadError::new(offset(document, text), Fault::Syntax(NOT_JSON)),
        },
    };
    Failure {
        document,
        text,
        root,
        expected,
        steps,
        error,
    }
    .tell()
}

/// Why `text`, a part of `document`, is not JSON.
pub(crate) fn explain_syntax(document: &str, text: &str, error: serde_json::Error) -> ReadError {
    let (root, expected, steps) = ("", None, Vec::new());
    Failure {
        document,
        text,
        root,
        expected,
        steps,
        error,
    }
    .tell()
}

/// Where in `document` its part `text` starts.
pub(crate) fn offset(document: &str, text: &str) -> usize {
    (text.as_ptr() as usize).saturating_sub(document.as_ptr() as usize)
}

/// What kind of value a text starts with; `None` when it is not JSON.
pub(crate) fn kind_of(text: &str) -> Option<&'static str> {
    Some(match text.bytes().next()? {
        b'{' => "an object",
        b'[' => "a list",
        b'"' => "a string",
        b't' | b'f' => "true or false",
        b'n' => "null",
        b'-' | b'0'..=b'9' => "a number",
        _ => return None,
    })
}

/// What a reading came to grief on.
struct Failure<'a> {
    document: &'a str,
    text: &'a str,
    root: &'a str,
    /// The `resourceType` the text must have.
    expected: Option<&'static str>,
    steps: Vec<Segment>,
    error: serde_json::Error,
}

impl Failure<'_> {
    fn tell(mut self) -> ReadError {
        if self.error.classify() != Category::Data {
            return self.at_cursor(syntax_fault(&self.error.to_string()));
        }
        let message = self.error.to_string();
        let value = find(self.text, &self.steps);
        let fault = if message.starts_with("duplicate field") {
            return self.at_cursor(Fault::Duplicate);
        } else if message.starts_with("missing field") {
            Fault::NoResourceType
        } else if message.starts_with(resource::TOO_NESTED) {
            Fault::TooDeep {
                limit: resource::NESTED_MAX,
            }
        } else if let Some(value) = value.filter(|_| message.starts_with(resource::INSIDE)) {
            return resource::explain(self.document, value).inside(self.root, path(&self.steps));
        } else if let Some(fault) = self.other_resource(&message, value) {
            self.steps.pop();
            fault
        } else {
            wrong_type(&message, value)
        };
        match value {
            Some(value) => self.at(offset(self.document, value), fault),
            None => self.at_cursor(fault),
        }
    }

    fn at(&self, offset: usize, fault: Fault) -> ReadError {
        ReadError::new(offset, fault).inside(self.root, path(&self.steps))
    }

    /// The fault where `serde_json` stopped, which for a value of the wrong type is behind it.
    fn at_cursor(&self, fault: Fault) -> ReadError {
        let lines = self.text.split_inclusive('\n');
        let before: usize = lines
            .take(self.error.line().saturating_sub(1))
            .map(str::len)
            .sum();
        let cursor = (before + self.error.column().saturating_sub(1)).min(self.text.len());
        self.at(offset(self.document, self.text) + cursor, fault)
    }

    fn other_resource(&self, message: &str, value: Option<&str>) -> Option<Fault> {
        let expected = self.expected?;
        if !message.starts_with("invalid value: another resourceType") {
            return None;
        }
        let found: String = value
            .and_then(|value| serde_json::from_str(value).ok())
            .unwrap_or_default();
        // A name is safe to repeat; anything else could be a value that went astray.
        let found = if is_name(&found) {
            found
        } else {
            String::from("something that is no name")
        };
        Some(Fault::ResourceType { expected, found })
    }
}

/// The value at the end of a path, from its first byte on.
fn find<'a>(text: &'a str, steps: &[Segment]) -> Option<&'a str> {
    let Some((step, steps)) = steps.split_first() else {
        return Some(text.trim_ascii_start());
    };
    let (children, _) = children_until(text);
    let mut children = children.into_iter();
    let (_, value) = match step {
        Segment::Map { key } => children.find(|(name, _)| name == key)?,
        Segment::Seq { index } => children.nth(*index)?,
        Segment::Enum { .. } | Segment::Unknown => return None,
    };
    find(value.get(), steps)
}

/// A path as FHIRPath, each step with its dot or brackets, up to a name that is none: it could be a value.
fn path(steps: &[Segment]) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            Segment::Map { key } if is_name(key.strip_prefix('_').unwrap_or(key)) => {
                path.push('.');
                path.push_str(key);
            }
            Segment::Seq { index } => {
                path.push('[');
                path.push_str(&index.to_string());
                path.push(']');
            }
            _ => break,
        }
    }
    path
}

/// Whether it could be the name of a resource or of an element.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// What the readers of members expect, in serde's words and in ours.
const EXPECTED: [(&str, &str); 8] = [
    ("an object", "an object"),
    ("a list", "a list"),
    ("a string", "a string"),
    ("string", "a string"),
    ("a boolean", "true or false"),
    ("a number", "a number"),
    ("i32", "a whole number"),
    ("u32", "a whole number, zero or more"),
];

fn wrong_type(message: &str, value: Option<&str>) -> Fault {
    // Behind the last one, because a value may say "expected" too.
    let wanted = message.rsplit_once("expected ").map_or("", |(_, wanted)| wanted);
    let expected = EXPECTED
        .iter()
        .find(|(words, _)| wanted.starts_with(words))
        .map_or("another type", |(_, ours)| ours);
    let found = match value.and_then(kind_of) {
        Some("a number") if expected.starts_with("a whole number") => "another number",
        Some(kind) => kind,
        None => "something else",
    };
    Fault::WrongType { expected, found }
}

const NOT_JSON: &str = "this cannot be read";

/// What `serde_json` says about text that is not JSON; none of it quotes the text.
const SYNTAX: [&str; 17] = [
    "EOF while parsing a list",
    "EOF while parsing an object",
    "EOF while parsing a string",
    "EOF while parsing a value",
    "expected `:`",
    "expected `,` or `]`",
    "expected `,` or `}`",
    "expected ident",
    "expected value",
    "invalid escape",
    "invalid number",
    "number out of range",
    "invalid unicode code point",
    "control character (\\u0000-\\u001F) found while parsing a string",
    "key must be a string",
    "lone leading surrogate in hex escape",
    "trailing comma",
];

fn syntax_fault(message: &str) -> Fault {
    if message.starts_with("trailing characters") {
        return Fault::Trailing;
    }
    if message.starts_with("recursion limit") {
        return Fault::TooDeep {
            limit: limits::SERDE_JSON_DEPTH,
        };
    }
    let known = SYNTAX.iter().find(|words| message.starts_with(*words));
    Fault::Syntax(known.copied().unwrap_or(NOT_JSON))
}
