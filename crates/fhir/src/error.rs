//! Why a text is no FHIR JSON we can take: where and what kind, never the value.

use std::fmt;

/// A refusal to read: the place as a path and an offset, and the fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError(Box<Inside>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inside {
    /// Steps from the inside out: they are added while the readers return.
    steps: Vec<Step>,
    offset: usize,
    fault: Fault,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Member(&'static str),
    Sibling(&'static str),
    Position(usize),
    Root(String),
}

/// What is wrong with the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes are not UTF-8.
    #[error("the bytes are not UTF-8")]
    Encoding,
    /// The text is not JSON.
    #[error("not JSON: {0}")]
    Syntax(&'static str),
    /// Something follows the document.
    #[error("something follows the end of the document")]
    Trailing,
    /// A value of another JSON type than the element has.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// What R4 says the element is.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// A member appears twice in one object.
    #[error("this member appears twice in one object")]
    Duplicate,
    /// Objects and arrays are nested deeper than the limit.
    #[error("nested deeper than {limit} levels")]
    TooDeep {
        /// Levels allowed.
        limit: usize,
    },
    /// The document has more bytes than the limit.
    #[error("longer than {limit} bytes")]
    TooLong {
        /// Bytes allowed.
        limit: usize,
    },
    /// The document holds more objects and list items than the limit.
    #[error("more than {limit} objects and list items")]
    TooMany {
        /// Objects and list items allowed.
        limit: usize,
    },
    /// An object that must be a resource has no `resourceType`.
    #[error("a resource needs a resourceType")]
    NoResourceType,
    /// `resourceType` names another resource than the one asked for.
    #[error("expected a {expected}, found a {found}")]
    ResourceType {
        /// The resource asked for.
        expected: &'static str,
        /// The name found, or a placeholder when it is no name at all.
        found: String,
    },
}

impl ReadError {
    pub(crate) fn new(offset: usize, fault: Fault) -> Self {
        Self(Box::new(Inside {
            steps: Vec::new(),
            offset,
            fault,
        }))
    }

    pub(crate) fn in_member(mut self, name: &'static str) -> Self {
        self.0.steps.push(Step::Member(name));
        self
    }

    pub(crate) fn in_sibling(mut self, name: &'static str) -> Self {
        self.0.steps.push(Step::Sibling(name));
        self
    }

    pub(crate) fn at_position(mut self, index: usize) -> Self {
        self.0.steps.push(Step::Position(index));
        self
    }

    pub(crate) fn in_root(mut self, name: &str) -> Self {
        self.0.steps.push(Step::Root(name.to_owned()));
        self
    }

    /// What is wrong.
    pub fn fault(&self) -> &Fault {
        &self.0.fault
    }

    /// Where in the text, in bytes from its start.
    pub fn offset(&self) -> usize {
        self.0.offset
    }

    /// Where in the document, as FHIRPath: `Patient.name[0].given[1]`. Empty at the top.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for step in self.0.steps.iter().rev() {
            match step {
                Step::Member(_) | Step::Sibling(_) if !path.is_empty() => path.push('.'),
                // A resource inside another one is told by the member that holds it.
                Step::Root(_) if !path.is_empty() => continue,
                _ => {}
            }
            match step {
                Step::Member(name) => path.push_str(name),
                Step::Sibling(name) => {
                    path.push('_');
                    path.push_str(name);
                }
                Step::Position(index) => {
                    path.push('[');
                    path.push_str(&index.to_string());
                    path.push(']');
                }
                Step::Root(name) => path.push_str(name),
            }
        }
        path
    }

    /// Line and column of the place in `text`, both from 1; columns count bytes.
    pub fn line_and_column(&self, text: &[u8]) -> (usize, usize) {
        let before = text.get(..self.0.offset.min(text.len())).unwrap_or_default();
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count() + 1;
        (line, column)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path();
        if path.is_empty() {
            write!(f, "{} (at byte {})", self.0.fault, self.0.offset)
        } else {
            write!(f, "{path}: {} (at byte {})", self.0.fault, self.0.offset)
        }
    }
}

impl std::error::Error for ReadError {}
