//! The scan, byte by byte: what the vector scan must agree with, and what runs where there is none.

use super::marks::Marks;
use super::{BLOCK, to_u32};

/// Notes every separator and line end from `start` on, but for the end of the message itself.
pub(super) fn scan(bytes: &[u8], start: usize, field: u8, marks: &mut Marks) {
    let mut after_end = false;
    for (at, &byte) in bytes.iter().enumerate().skip(start) {
        let end = byte == b'\r' || byte == b'\n';
        if byte == field {
            marks.separator(to_u32(at));
        } else if end && !after_end {
            marks.line_end(to_u32(at), to_u32(marks.used));
        }
        after_end = end;
        if marks.is_full(marks.used) {
            return;
        }
    }
}

/// One bit for each byte of a block that is any of three.
pub(super) fn find_any(block: &[u8; BLOCK], any: [u8; 3]) -> u64 {
    block
        .iter()
        .rev()
        .fold(0, |mask, byte| (mask << 1) | u64::from(any.contains(byte)))
}
