//! Names place and fault of a text that could not be read.
//!
//! `serde_json` says where it stopped and why; the place is looked up in the text afterwards, which only a refusal has
//! to pay for. The words of serde are sorted into our faults and never passed on: they may quote a value.

use std::borrow::Cow;
use std::fmt::Display;

use serde::de::IgnoredAny;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::json::children_until;
use crate::error::{Fault, ReadError};
use crate::{limits, resource};

/// What `error` says of `text`, a part of `document`; `root` starts the path, `expected` is the `resourceType` wanted.
pub(crate) fn explain(
    document: &str,
    text: &str,
    error: serde_json::Error,
    root: &str,
    expected: Option<&'static str>,
) -> ReadError {
    // Of a text that is no JSON at all, that comes first.
    let error = match serde_json::from_str::<IgnoredAny>(text) {
        Err(syntax) if error.classify() == Category::Data => syntax,
        _ => error,
    };
    let failure = Failure {
        document,
        text,
        root,
        expected,
        steps: Vec::new(),
        error,
    };
    failure.tell()
}

/// A refusal of a value that was read as raw JSON, which `serde_json` could not place: it carries the value's address.
pub(crate) fn refuse<E: serde::de::Error>(what: &'static str, value: &RawValue, why: impl Display) -> E {
    E::custom(format_args!("{what}{:p} {why}", value.get().as_ptr()))
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

/// How the refusal of a member begins that was there before.
pub(crate) const TWICE: &str = "expected no second one";
/// How the refusal of a decimal begins.
pub(crate) const NO_NUMBER: &str = "no number: ";

/// A step on the way to a value.
enum Step<'a> {
    Member(Cow<'a, str>),
    Item(usize),
}

/// What a reading came to grief on.
struct Failure<'a> {
    document: &'a str,
    text: &'a str,
    root: &'a str,
    /// The `resourceType` the text must have.
    expected: Option<&'static str>,
    steps: Vec<Step<'a>>,
    error: serde_json::Error,
}

impl Failure<'_> {
    fn tell(mut self) -> ReadError {
        if self.error.classify() != Category::Data {
            return self.at_cursor(syntax_fault(&self.error.to_string()));
        }
        let message = self.error.to_string();
        let placed = message.find("0x").and_then(|at| address(message.get(at + 2..)?));
        let at = placed.map(|address| address.saturating_sub(self.text.as_ptr() as usize));
        let (steps, value) = locate(self.text, at.unwrap_or_else(|| self.cursor()));
        self.steps = steps;
        let fault = if message.contains(TWICE) {
            Fault::Duplicate
        } else if message.starts_with("duplicate field") {
            return self.at_cursor(Fault::Duplicate);
        } else if message.starts_with("missing field") {
            Fault::NoResourceType
        } else if message.starts_with(resource::TOO_NESTED) {
            Fault::TooDeep {
                limit: resource::NESTED_MAX,
            }
        } else if message.starts_with(resource::INSIDE) {
            return resource::explain(self.document, value).inside(self.root, path(&self.steps));
        } else if message.starts_with(NO_NUMBER) {
            wrong_type("expected a number", value)
        } else if let Some(fault) = self.other_resource(&message, value) {
            self.steps.pop();
            fault
        } else {
            wrong_type(&message, value)
        };
        self.at(offset(self.document, value), fault)
    }

    fn at(&self, offset: usize, fault: Fault) -> ReadError {
        ReadError::new(offset, fault).inside(self.root, path(&self.steps))
    }

    /// How much of the text was read.
    fn cursor(&self) -> usize {
        let lines = self.text.split_inclusive('\n');
        let before: usize = lines
            .take(self.error.line().saturating_sub(1))
            .map(str::len)
            .sum();
        (before + self.error.column()).min(self.text.len())
    }

    /// The fault at the last byte `serde_json` looked at.
    fn at_cursor(&self, fault: Fault) -> ReadError {
        self.at(
            offset(self.document, self.text) + self.cursor().saturating_sub(1),
            fault,
        )
    }

    fn other_resource(&self, message: &str, value: &str) -> Option<Fault> {
        let expected = self.expected?;
        if !message.starts_with("invalid value: another resourceType") {
            return None;
        }
        let found: String = serde_json::from_str(value).unwrap_or_default();
        // A name is safe to repeat; anything else could be a value that went astray.
        let found = if is_name(&found) {
            found
        } else {
            String::from("something that is no name")
        };
        Some(Fault::ResourceType { expected, found })
    }
}

/// The address in a [`refuse`], which ends at a space.
fn address(text: &str) -> Option<usize> {
    usize::from_str_radix(text.split(' ').next()?, 16).ok()
}

/// The innermost value that a reading which stopped at `cursor` was in or had just read, and the way to it.
///
/// `serde_json` stops in front of an object or list it does not want and behind any other value.
fn locate(text: &str, cursor: usize) -> (Vec<Step<'_>>, &str) {
    let mut steps = Vec::new();
    let mut value = text.trim_ascii();
    loop {
        let (children, _) = children_until(value);
        let inside = |child: &str| {
            let start = offset(text, child);
            start <= cursor && cursor <= start + child.len()
        };
        let found = children
            .into_iter()
            .enumerate()
            .find(|(_, (_, child))| inside(child.get()));
        let Some((index, (name, child))) = found else {
            return (steps, value);
        };
        steps.push(if value.starts_with('[') {
            Step::Item(index)
        } else {
            Step::Member(name)
        });
        value = child.get();
    }
}

/// A path as FHIRPath, each step with its dot or brackets, up to a name that is none: it could be a value.
fn path(steps: &[Step<'_>]) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Member(name) if is_name(name.strip_prefix('_').unwrap_or(name)) => {
                path.push('.');
                path.push_str(name);
            }
            Step::Item(index) => {
                path.push('[');
                path.push_str(&index.to_string());
                path.push(']');
            }
            Step::Member(_) => break,
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

fn wrong_type(message: &str, value: &str) -> Fault {
    // Behind the last one, because a value may say "expected" too.
    let wanted = message.rsplit_once("expected ").map_or("", |(_, wanted)| wanted);
    let expected = EXPECTED
        .iter()
        .find(|(words, _)| wanted.starts_with(words))
        .map_or("another type", |(_, ours)| ours);
    let found = match kind_of(value) {
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
