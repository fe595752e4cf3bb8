//! Escape sequences inside values: decoded once on the way in, written back so that no value can break framing.
//!
//! Decoded: `\F\ \S\ \T\ \R\ \E\ \P\` (the delimiters), `\Xhh..\` (bytes of the message's character set),
//! `\.br\ \.ce\ \.sp3\ \.sk3\` (line ends and spaces), and `\H\ \N\ \.in\ \.ti\ \.fi\ \.nf\`, which only style
//! and stand for no character. Everything else, a stray backslash included, is text and stays as it is.

use std::borrow::Cow;

use crate::{Delimiters, Encoding};

/// Decodes a raw value: escapes first, then the character set.
///
/// Bytes the character set does not have become U+FFFD; [`unescape_checked`] says whether there were any.
///
/// # Example
///
/// ```
/// use hl7v2::{Encoding, escape::unescape};
///
/// assert_eq!(unescape(br"Marks \T\ Spencer", &Encoding::STANDARD), "Marks & Spencer");
/// assert_eq!(unescape(br"C:\dir", &Encoding::STANDARD), r"C:\dir");
/// ```
pub fn unescape<'a>(raw: &'a [u8], encoding: &Encoding) -> Cow<'a, str> {
    unescape_checked(raw, encoding).0
}

/// Decodes a raw value, and says whether the character set had every byte.
pub fn unescape_checked<'a>(raw: &'a [u8], encoding: &Encoding) -> (Cow<'a, str>, bool) {
    let escaped = encoding.delimiters.escape.filter(|escape| raw.contains(escape));
    let Some(escape) = escaped else {
        return encoding.charset.decode(raw);
    };
    let bytes = unescape_bytes(raw, escape, &encoding.delimiters);
    let (text, complete) = encoding.charset.decode(&bytes);
    (Cow::Owned(text.into_owned()), complete)
}

/// Decodes the escapes only; several `\X..\` in a row may spell one character between them.
fn unescape_bytes(raw: &[u8], escape: u8, delimiters: &Delimiters) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(open) = memchr::memchr(escape, rest) {
        let (before, from_escape) = rest.split_at(open);
        out.extend_from_slice(before);
        let inside = from_escape.get(1..).unwrap_or_default();
        let close = memchr::memchr(escape, inside);
        let decoded = close.is_some_and(|close| {
            let (sequence, _) = inside.split_at(close);
            decode_sequence(sequence, escape, delimiters, &mut out)
        });
        rest = match close {
            Some(close) if decoded => inside.get(close + 1..).unwrap_or_default(),
            // Unknown or unclosed: the escape character is text, and the next one may open a sequence.
            _ => {
                out.push(escape);
                inside
            }
        };
    }
    out.extend_from_slice(rest);
    out
}

/// Appends what one sequence stands for; false when it is none.
fn decode_sequence(sequence: &[u8], escape: u8, delimiters: &Delimiters, out: &mut Vec<u8>) -> bool {
    match sequence {
        b"F" => out.push(delimiters.field),
        b"S" => out.push(delimiters.component),
        b"R" => out.push(delimiters.repetition),
        b"E" => out.push(escape),
        b"T" => out.push(delimiters.subcomponent.unwrap_or(b'&')),
        b"P" => out.push(delimiters.truncation.unwrap_or(b'#')),
        b"H" | b"N" => {}
        [b'X', digits @ ..] => return decode_hexadecimal(digits, out),
        [b'.', command @ ..] => return decode_formatting(command, out),
        _ => return false,
    }
    true
}

fn decode_hexadecimal(digits: &[u8], out: &mut Vec<u8>) -> bool {
    let (pairs, odd) = digits.as_chunks::<2>();
    if pairs.is_empty() || !odd.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return false;
    }
    out.extend(pairs.iter().map(|&[high, low]| (nibble(high) << 4) | nibble(low)));
    true
}

fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A').wrapping_add(10),
    }
}

/// The longest run that one `\.sp9\` or `\.sk9\` may ask for; more is text.
const FORMATTING_RUN_MAX: usize = 255;

fn decode_formatting(command: &[u8], out: &mut Vec<u8>) -> bool {
    let (name, argument) = command.split_at(command.len().min(2));
    let argument = argument.trim_ascii();
    let mut folded = [0; 2];
    for (to, from) in folded.iter_mut().zip(name) {
        *to = from.to_ascii_lowercase();
    }
    let (filler, count) = match (&folded, run_length(argument)) {
        (b"br" | b"ce", _) if argument.is_empty() => (b'\n', 1),
        (b"fi" | b"nf", _) if argument.is_empty() => return true,
        (b"in" | b"ti", Some(_)) => return true,
        (b"sp", Some(count)) => (b'\n', count),
        (b"sk", Some(count)) => (b' ', count),
        _ => return false,
    };
    out.resize(out.len() + count, filler);
    true
}

/// `3`, `+3`, and 1 for nothing at all.
fn run_length(argument: &[u8]) -> Option<usize> {
    if argument.is_empty() {
        return Some(1);
    }
    let digits = argument
        .strip_prefix(b"+")
        .or_else(|| argument.strip_prefix(b"-"))
        .unwrap_or(argument);
    if digits.len() > 3 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let count = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (count <= FORMATTING_RUN_MAX).then_some(count)
}

/// Appends text as a raw value: delimiters as `\F\` and kin, control characters as `\X0D\`, in the message's
/// character set. Gives the number of characters that set could not hold (written as `?`), so that a caller
/// who cares can refuse or report.
///
/// No text can add a field, a segment or a frame end, nor become HL7's null. Where the message declares no
/// escape character, delimiters and line ends become spaces, since there is no way to write them.
///
/// # Example
///
/// ```
/// use hl7v2::{Encoding, escape::escape};
///
/// let mut raw = Vec::new();
/// escape("AT&T\r", &Encoding::STANDARD, &mut raw);
/// assert_eq!(raw, br"AT\T\T\X0D\");
/// ```
pub fn escape(text: &str, encoding: &Encoding, out: &mut Vec<u8>) -> usize {
    escape_with(text, encoding, out, false)
}

/// As [`escape`], but line ends become `\.br\`: for FT and TX values (OBX-5, NTE-3), whose readers show it.
pub fn escape_formatted(text: &str, encoding: &Encoding, out: &mut Vec<u8>) -> usize {
    escape_with(text, encoding, out, true)
}

fn escape_with(text: &str, encoding: &Encoding, out: &mut Vec<u8>, formatted: bool) -> usize {
    let (bytes, unencodable) = encoding.charset.encode(text);
    let delimiters = &encoding.delimiters;
    if *bytes == *b"\"\"" {
        // Two quotes as text, not as an order to delete.
        match delimiters.escape {
            Some(escape) => out.extend_from_slice(&[escape, b'X', b'2', b'2', b'2', b'2', escape]),
            None => out.extend_from_slice(b"\" \""),
        }
        return unencodable;
    }
    let mut rest: &[u8] = &bytes;
    while let Some(at) = rest.iter().position(|&b| needs_escape(b, delimiters)) {
        let (clean, from) = rest.split_at(at);
        out.extend_from_slice(clean);
        let mut used = 1;
        match (delimiters.escape, from) {
            (None, _) => out.push(b' '),
            (Some(escape), [b'\r', b'\n', ..]) if formatted => {
                used = 2;
                out.extend_from_slice(&[escape, b'.', b'b', b'r', escape]);
            }
            (Some(escape), [b'\n', ..]) if formatted => {
                out.extend_from_slice(&[escape, b'.', b'b', b'r', escape]);
            }
            (Some(escape), [byte, ..]) => write_sequence(*byte, escape, delimiters, out),
            (Some(_), []) => {}
        }
        rest = from.get(used..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    unencodable
}

/// Appends a field that is raw already, escaping only what would end it: field separators and controls.
pub(crate) fn escape_raw(raw: &[u8], encoding: &Encoding, out: &mut Vec<u8>) {
    let delimiters = &encoding.delimiters;
    for &byte in raw {
        match delimiters.escape {
            _ if byte != delimiters.field && !is_control(byte) => out.push(byte),
            Some(escape) => write_sequence(byte, escape, delimiters, out),
            None => out.push(b' '),
        }
    }
}

/// TAB is the one control character that text may hold as it is.
fn is_control(byte: u8) -> bool {
    byte < b' ' && byte != b'\t'
}

fn needs_escape(byte: u8, delimiters: &Delimiters) -> bool {
    byte == delimiters.field
        || delimiters.divides(byte)
        || Some(byte) == delimiters.escape
        || Some(byte) == delimiters.truncation
        || is_control(byte)
}

fn write_sequence(byte: u8, escape: u8, delimiters: &Delimiters, out: &mut Vec<u8>) {
    let letter = match byte {
        _ if byte == delimiters.field => b'F',
        _ if byte == delimiters.component => b'S',
        _ if byte == delimiters.repetition => b'R',
        _ if byte == escape => b'E',
        _ if Some(byte) == delimiters.subcomponent => b'T',
        _ if Some(byte) == delimiters.truncation => b'P',
        _ => {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            let [high, low] = [byte >> 4, byte & 15].map(|n| DIGITS[usize::from(n)]);
            out.extend_from_slice(&[escape, b'X', high, low, escape]);
            return;
        }
    };
    out.extend_from_slice(&[escape, letter, escape]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Charset;

    fn decoded(raw: &[u8]) -> String {
        unescape(
            raw,
            &Encoding {
                charset: Charset::Utf8,
                ..Encoding::STANDARD
            },
        )
        .into_owned()
    }

    fn written(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        escape(text, &Encoding::STANDARD, &mut out);
        out
    }

    #[test]
    fn known_sequences_are_decoded_once() {
        assert_eq!(decoded(br"\F\\S\\T\\R\\E\\P\"), r"|^&~\#");
        assert_eq!(
            decoded(br"\E\T\E\"),
            r"\T\",
            "an escaped escape does not open a second round"
        );
        assert_eq!(
            decoded(br"M\XC3BC\ller, M\XC3\\XBC\ller"),
            "M\u{fc}ller, M\u{fc}ller"
        );
        assert_eq!(
            decoded(br"a\X0D\b\.br\c\.BR\d\.sp2\e\.sk3\f"),
            "a\rb\nc\nd\n\ne   f"
        );
        assert_eq!(decoded(br"\H\high\N\ \.in+4\x\.fi\"), "high x");
    }

    #[test]
    fn unknown_sequences_and_stray_escapes_are_text() {
        for text in [
            r"C:\dir",
            r"C:\dir\",
            r"\",
            r"\\",
            r"\Zx\",
            r"\XZZ\",
            r"\XABC\",
            r"\X\",
            r"\.zz\",
            r"\.sp9999\",
            r"\f\",
            r"\M242170\",
        ] {
            assert_eq!(decoded(text.as_bytes()), text, "{text}");
        }
        assert_eq!(
            decoded(br"a\b\T\c"),
            r"a\b&c",
            "the closing escape of an unknown sequence may open a known one"
        );
    }

    #[test]
    fn hexadecimal_bytes_are_of_the_messages_character_set() {
        let latin = Encoding {
            charset: Charset::Latin1,
            ..Encoding::STANDARD
        };
        assert_eq!(unescape(br"Zo\XEB\", &latin), "Zo\u{eb}");
        assert!(!unescape_checked(br"Zo\XEB\", &Encoding::STANDARD).1);
    }

    #[test]
    fn nothing_written_can_frame_divide_or_delete() {
        assert_eq!(written("a|b^c~d&e\\f#"), br"a\F\b\S\c\R\d\T\e\E\f#");
        assert_eq!(
            written("\r\n\x0b\x1c\0\t"),
            b"\\X0D\\\\X0A\\\\X0B\\\\X1C\\\\X00\\\t"
        );
        assert_eq!(written("\"\""), br"\X2222\");
        assert_eq!(decoded(br"\X2222\"), "\"\"");
        let mut out = Vec::new();
        escape_formatted("one\r\ntwo\nthree\r", &Encoding::STANDARD, &mut out);
        assert_eq!(out, br"one\.br\two\.br\three\X0D\");
    }

    #[test]
    fn without_an_escape_character_delimiters_become_spaces() {
        let bare = Delimiters {
            escape: None,
            subcomponent: None,
            ..Delimiters::STANDARD
        };
        let encoding = Encoding {
            delimiters: bare,
            charset: Charset::Unstated,
        };
        let mut out = Vec::new();
        escape("a|b\r\\c&d", &encoding, &mut out);
        assert_eq!(out, br"a b \c&d");
        out.clear();
        escape("\"\"", &encoding, &mut out);
        assert_ne!(out, b"\"\"");
    }

    #[test]
    fn truncation_is_escaped_only_where_it_is_declared() {
        let truncating = Delimiters {
            truncation: Some(b'#'),
            ..Delimiters::STANDARD
        };
        let mut out = Vec::new();
        escape(
            "#",
            &Encoding {
                delimiters: truncating,
                charset: Charset::Unstated,
            },
            &mut out,
        );
        assert_eq!(out, br"\P\");
    }
}
