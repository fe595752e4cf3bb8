//! How far a string runs before JSON has something to say about it: eight bytes at a time.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Marks the bytes that are zero; marks above the lowest one may be wrong.
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

/// Marks quotes, backslashes and control characters; the lowest mark is right.
const fn special(word: u64) -> u64 {
    let quote = zeros(word ^ (ONES * b'"' as u64));
    let backslash = zeros(word ^ (ONES * b'\\' as u64));
    let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
    quote | backslash | control
}

/// The place of the first quote, backslash or control character at or after `from`; the length when there is none.
pub(crate) fn plain_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let marks = special(u64::from_le_bytes(*chunk));
        if marks != 0 {
            return at + (marks.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(&byte) = bytes.get(at) {
        if matches!(byte, b'"' | b'\\' | 0..0x20) {
            break;
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte at every place among every neighbour that could borrow from it.
    #[test]
    fn agrees_with_looking_at_each_byte() {
        let neighbours = [
            0x00, 0x1F, 0x20, 0x21, 0x22, 0x23, 0x5B, 0x5C, 0x5D, 0x7F, 0x80, 0xFF,
        ];
        for byte in 0..=u8::MAX {
            for place in 0..19 {
                for neighbour in neighbours {
                    let mut bytes = [b'a'; 19];
                    bytes[place] = byte;
                    if let Some(next) = bytes.get_mut(place + 1) {
                        *next = neighbour;
                    }
                    let slow = bytes
                        .iter()
                        .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))
                        .unwrap_or(bytes.len());
                    assert_eq!(
                        plain_end(&bytes, 0),
                        slow,
                        "{byte:#x} at {place} before {neighbour:#x}"
                    );
                }
            }
        }
    }
}
