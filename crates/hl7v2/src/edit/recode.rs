//! One field's bytes from one encoding to another, without taking it apart.

use crate::{Charset, Delimiters, Encoding};

/// Whether bytes of one encoding mean the same in another as they stand.
pub(super) fn is_same(raw: &[u8], from: &Encoding, to: &Encoding) -> bool {
    from.delimiters == to.delimiters && (is_same_charset(from.charset, to.charset) || raw.is_ascii())
}

/// Unstated is read as UTF-8: the two hold the same bytes.
fn is_same_charset(from: Charset, to: Charset) -> bool {
    let unicode = |charset| matches!(charset, Charset::Unstated | Charset::Utf8);
    from == to || (unicode(from) && unicode(to))
}

/// Writes bytes of one encoding in another; says how many characters the other has no bytes for.
///
/// Escape sequences that name a delimiter become that character; every other sequence stays a sequence.
pub(super) fn recode(raw: &[u8], from: &Encoding, to: &Encoding, out: &mut Vec<u8>) -> usize {
    if is_same(raw, from, to) {
        out.extend_from_slice(raw);
        return 0;
    }
    let mut rest = raw;
    let mut unencodable = 0;
    while !rest.is_empty() {
        let special = |byte: &u8| {
            !byte.is_ascii() || is_delimiter(*byte, &from.delimiters) || is_delimiter(*byte, &to.delimiters)
        };
        let plain = rest.iter().position(special).unwrap_or(rest.len());
        let (text, after) = rest.split_at(plain);
        out.extend_from_slice(text);
        let Some(&byte) = after.first() else { break };
        let used = if !byte.is_ascii() {
            let end = after.iter().position(u8::is_ascii).unwrap_or(after.len());
            let (text, _) = from.charset.decode(&after[..end]);
            let (bytes, missing) = to.charset.encode(&text);
            unencodable += missing;
            out.extend_from_slice(&bytes);
            end
        } else if Some(byte) == from.delimiters.escape {
            recode_escape(after, from, to, out)
        } else {
            match translated(byte, &from.delimiters, &to.delimiters) {
                Some(delimiter) => out.push(delimiter),
                None => literal(byte, to, out),
            }
            1
        };
        rest = &after[used..];
    }
    unencodable
}

/// Text or raw value as bytes of the output.
pub(super) fn write_text(text: &str, to: &Encoding, out: &mut Vec<u8>) {
    // Codes and numbers, which rules write most, need no escape.
    if text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b' ')
    {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    crate::escape::escape(text, to, out);
}

fn is_delimiter(byte: u8, delimiters: &Delimiters) -> bool {
    byte == delimiters.field
        || byte == delimiters.component
        || byte == delimiters.repetition
        || Some(byte) == delimiters.escape
        || Some(byte) == delimiters.subcomponent
        || Some(byte) == delimiters.truncation
}

/// A structural delimiter's counterpart; none when the byte divides nothing in `from`.
fn translated(byte: u8, from: &Delimiters, to: &Delimiters) -> Option<u8> {
    if byte == from.component {
        Some(to.component)
    } else if byte == from.repetition {
        Some(to.repetition)
    } else if Some(byte) == from.subcomponent {
        to.subcomponent
    } else {
        None
    }
}

/// One character that is a delimiter in one of the two encodings and text here.
fn literal(byte: u8, to: &Encoding, out: &mut Vec<u8>) {
    let mut buffer = [0; 4];
    crate::escape::escape(char::from(byte).encode_utf8(&mut buffer), to, out);
}

/// Reads one escape sequence; returns how many bytes it took.
fn recode_escape(at: &[u8], from: &Encoding, to: &Encoding, out: &mut Vec<u8>) -> usize {
    let escape = at[0];
    let end = at[1..].iter().position(|&byte| byte == escape).map(|end| end + 1);
    let Some(end) = end else {
        literal(escape, to, out);
        return 1;
    };
    let named = match &at[1..end] {
        b"F" => Some(from.delimiters.field),
        b"S" => Some(from.delimiters.component),
        b"R" => Some(from.delimiters.repetition),
        b"E" => Some(escape),
        b"T" => from.delimiters.subcomponent,
        b"P" => from.delimiters.truncation,
        _ => None,
    };
    match (named, to.delimiters.escape) {
        (Some(byte), _) => literal(byte, to, out),
        (None, Some(new)) if crate::escape::unescape(&at[..=end], from).as_bytes() != &at[..=end] => {
            out.push(new);
            out.extend_from_slice(&at[1..end]);
            out.push(new);
        }
        _ => {
            // Not a sequence: the escape character is text, and the next one may open a sequence.
            literal(escape, to, out);
            return 1;
        }
    }
    end + 1
}
