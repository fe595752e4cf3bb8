//! The text of a resource, written straight: the bytes `serde_json` would write, at a third of the price.
//!
//! The names of members come quoted from the declarations, so only values are looked at; nearly all of them are plain
//! and copied. A string with something to escape goes to `serde_json`. `tests/property.rs` holds the two ways against
//! each other.

use std::fmt;

/// `Patient {"id":"1"}`: the debug form of a structure, on one line.
pub(crate) fn debug(place: &str, write: &dyn Fn(&mut Vec<u8>), f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut json = Vec::new();
    write(&mut json);
    write!(f, "{place} {}", String::from_utf8_lossy(&json))
}

/// Appends a string with its quotes.
pub(crate) fn string(text: &str, out: &mut Vec<u8>) {
    if has_escapes(text.as_bytes()) {
        return serde_json::to_writer(out, text).expect("a Vec takes every byte");
    }
    out.reserve(text.len() + 3);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Ends an object or a list, each of whose members ended in a comma.
pub(crate) fn close(bracket: u8, out: &mut Vec<u8>) {
    match out.last_mut() {
        Some(comma) if *comma == b',' => *comma = bracket,
        _ => out.push(bracket),
    }
}

/// Whether JSON wants one of the bytes escaped.
fn has_escapes(bytes: &[u8]) -> bool {
    // Chunks, the last of which may overlap the one before: no byte is looked at alone but in the shortest strings.
    if let Some(last) = bytes.last_chunk::<16>() {
        let (chunks, _) = bytes.as_chunks::<16>();
        return chunks.iter().any(any_escape) || any_escape(last);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        return any_escape(first) || any_escape(last);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        return any_escape(first) || any_escape(last);
    }
    bytes.iter().any(|byte| any_escape(&[*byte]))
}

/// The same of a few bytes at once: without a branch, so that the compiler compares all of them in one go.
#[inline]
fn any_escape<const N: usize>(chunk: &[u8; N]) -> bool {
    chunk.iter().fold(false, |any, &byte| {
        any | (byte < b' ') | (byte == b'"') | (byte == b'\\')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_judged_alike_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            let wanted = byte < b' ' || byte == b'"' || byte == b'\\';
            for length in 1..40 {
                for place in 0..length {
                    let mut bytes = vec![b'a'; length];
                    bytes[place] = byte;
                    assert_eq!(has_escapes(&bytes), wanted, "{byte:#x} at {place} of {length}");
                }
            }
        }
    }
}
