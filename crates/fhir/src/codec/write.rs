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
    let (words, rest) = bytes.as_chunks::<8>();
    words.iter().any(|word| any_escape(u64::from_le_bytes(*word)))
        || rest
            .iter()
            .any(|&byte| byte < b' ' || byte == b'"' || byte == b'\\')
}

/// The same of eight bytes at once.
fn any_escape(word: u64) -> bool {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES * 0x80;
    // The high bit of a byte below `limit`; other bytes may follow suit only where one is.
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGH;
    let quote = word ^ (ONES * u64::from(b'"'));
    let backslash = word ^ (ONES * u64::from(b'\\'));
    below(word, 0x20) | below(quote, 1) | below(backslash, 1) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_judged_alike_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            let wanted = byte < b' ' || byte == b'"' || byte == b'\\';
            for place in 0..20 {
                let mut bytes = [b'a'; 20];
                bytes[place] = byte;
                assert_eq!(has_escapes(&bytes), wanted, "{byte:#x} at {place}");
            }
        }
    }
}
