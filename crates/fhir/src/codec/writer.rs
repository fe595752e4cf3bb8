//! Writes JSON members into bytes; what is empty leaves no trace.

use super::scan::plain_end;

/// A JSON text being written.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Starts a member: a comma when one stands before it, then `key`, which brings its quotes and colon.
    #[inline]
    pub(crate) fn key(&mut self, key: &'static str) {
        self.comma();
        self.bytes.extend_from_slice(key.as_bytes());
    }

    /// A comma unless this is the first in its object or list.
    #[inline]
    pub(crate) fn comma(&mut self) {
        if !matches!(self.bytes.last(), Some(b'{' | b'[') | None) {
            self.bytes.push(b',');
        }
    }

    #[inline]
    pub(crate) fn raw(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets what was written after `length`: it turned out to be empty.
    pub(crate) fn back_to(&mut self, length: usize) {
        self.bytes.truncate(length);
    }

    pub(crate) fn ends_with(&self, byte: u8) -> bool {
        self.bytes.last() == Some(&byte)
    }

    /// A string in quotes, escaped as far as JSON asks and no further.
    pub(crate) fn string(&mut self, text: &str) {
        self.bytes.reserve(text.len() + 2);
        self.bytes.push(b'"');
        let bytes = text.as_bytes();
        let mut start = 0;
        loop {
            let end = plain_end(bytes, start);
            self.bytes
                .extend_from_slice(bytes.get(start..end).unwrap_or_default());
            let Some(&byte) = bytes.get(end) else { break };
            self.escape(byte);
            start = end + 1;
        }
        self.bytes.push(b'"');
    }

    #[cold]
    fn escape(&mut self, byte: u8) {
        let short = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            0x08 => b"\\b",
            0x0C => b"\\f",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                self.bytes.extend_from_slice(b"\\u00");
                self.bytes.push(DIGITS[usize::from(byte >> 4)]);
                self.bytes.push(DIGITS[usize::from(byte & 15)]);
                return;
            }
        };
        self.bytes.extend_from_slice(short);
    }
}
