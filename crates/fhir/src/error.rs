//! Why a text is no FHIR JSON we can take: where and what kind, never the value.

use std::fmt;

/// A refusal to read: the place as a path and an offset, and the fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError(Box<Inside>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inside {
    /// The type of the outermost structure.
    root: String,
    /// The steps from there, each with its dot or brackets.
    steps: String,
    offset: usize,
    fault: Fault,
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
            root: String::new(),
            steps: String::new(),
            offset,
            fault,
        }))
    }

    /// The same with its path inside `root`, behind `steps`; a root inside another one is told by the member that
    /// holds it.
    pub(crate) fn inside(mut self, root: &str, steps: String) -> Self {
        root.clone_into(&mut self.0.root);
        self.0.steps.insert_str(0, &steps);
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
        let Inside { root, steps, .. } = self.0.as_ref();
        if root.is_empty() {
            return steps.trim_start_matches('.').to_owned();
        }
        format!("{root}{steps}")
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
