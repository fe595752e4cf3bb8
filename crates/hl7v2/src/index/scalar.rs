//! The scan, byte by byte: what the vector scan must agree with, and what runs where there is none.

use super::Lines;
use crate::ParseError;

/// Feeds every separator and line end from `start` on, but for the end of the message itself.
pub(super) fn scan(bytes: &[u8], start: usize, field: u8, lines: &mut Lines<'_>) -> Result<(), ParseError> {
    for (at, &byte) in bytes.iter().enumerate().skip(start) {
        if byte == field {
            lines.separator(at);
        } else if byte == b'\r' || byte == b'\n' {
            lines.end(at)?;
        }
    }
    Ok(())
}
