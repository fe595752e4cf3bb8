//! How much a document may ask of us before we refuse it.

use std::str;

use memchr::memchr2;

use crate::error::{Fault, ReadError};

/// Bounds on a document; every reader has them.
///
/// Depth protects the stack. The count of objects and list items protects memory: three bytes of JSON can
/// stand for a structure of several hundred. Both are counted before anything is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest document.
    pub bytes_max: usize,
    /// Deepest nesting of objects and arrays; `serde_json` refuses more than 128 whatever stands here.
    pub depth_max: usize,
    /// Most objects and list items in one document.
    pub items_max: usize,
}

/// The nesting `serde_json` refuses by itself.
pub(crate) const SERDE_JSON_DEPTH: usize = 128;

impl Limits {
    /// What is used where nothing else is said.
    pub const DEFAULT: Self = Self {
        bytes_max: 16 * 1024 * 1024,
        depth_max: 64,
        items_max: 500_000,
    };

    /// The bytes as text, when they keep the limits; a byte order mark stays in front.
    pub(crate) fn admit<'a>(&self, bytes: &'a [u8]) -> Result<&'a str, ReadError> {
        let limit = self.bytes_max;
        if bytes.len() > limit {
            return Err(ReadError::new(limit, Fault::TooLong { limit }));
        }
        self.measure(bytes)?;
        str::from_utf8(bytes).map_err(|error| ReadError::new(error.valid_up_to(), Fault::Encoding))
    }

    /// Counts brackets and commas outside strings; whether they are JSON is seen later.
    fn measure(&self, bytes: &[u8]) -> Result<(), ReadError> {
        let mut open = Vec::with_capacity(self.depth_max.min(SERDE_JSON_DEPTH));
        let (mut at, mut items) = (0, 0);
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'"' => at = end_of_string(bytes, at + 1),
                b'{' | b'[' => {
                    if open.len() >= self.depth_max {
                        let limit = self.depth_max;
                        return Err(ReadError::new(at, Fault::TooDeep { limit }));
                    }
                    open.push(byte);
                    items += 1;
                }
                b'}' | b']' => {
                    open.pop();
                }
                b',' if open.last() == Some(&b'[') => items += 1,
                _ => {}
            }
            if items > self.items_max {
                let limit = self.items_max;
                return Err(ReadError::new(at, Fault::TooMany { limit }));
            }
            at += 1;
        }
        Ok(())
    }
}

/// The text behind a byte order mark: Windows tools write one, and it says nothing.
pub(crate) fn without_mark(document: &str) -> &str {
    document.strip_prefix('\u{feff}').unwrap_or(document)
}

/// The place of the quote that ends the string, or the end of the text.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if bytes.get(at) == Some(&b'"') {
            return at;
        }
        at += 2;
    }
    bytes.len()
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
