//! The text of a resource, written straight: the bytes `serde_json` would write, at a third of the price.
//!
//! The names of members come quoted from the declarations, so only values are looked at; nearly all of them are plain
//! and copied. A string with something to escape goes to `serde_json`. `tests/property.rs` holds the two ways against
//! each other.

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
    // No branch inside a chunk, so that its bytes are compared at once.
    let any = |chunk: &[u8]| {
        chunk.iter().fold(false, |any, &byte| {
            any | (byte < b' ') | (byte == b'"') | (byte == b'\\')
        })
    };
    let (chunks, rest) = bytes.as_chunks::<16>();
    chunks.iter().any(|chunk| any(chunk)) || any(rest)
}
