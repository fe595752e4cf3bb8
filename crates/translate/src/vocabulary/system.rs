//! Coding systems: the name in CWE.3 to a URI and back.
//!
//! Known names stand in `0396-coding-system.csv`; the rest follows four rules: `HL7nnnn` is the v2 table,
//! a dotted number is an OID, something that is a URI already stays, and any other name is the sender's own
//! and becomes `urn:eprgw:coding-system:NAME`, so that it is neither lost nor passed off as a known system.

use std::borrow::Cow;

use fhir::Text;

use super::Vocabulary;

/// Prefix of the systems that only their sender knows.
pub const LOCAL: &str = "urn:eprgw:coding-system:";
/// Prefix of the HL7 v2 tables.
pub const TABLE: &str = "http://terminology.hl7.org/CodeSystem/v2-";

/// The URI of a coding system named in CWE.3.
#[must_use]
pub fn to_uri(table: &Vocabulary, name: &str) -> Text {
    if let Some(code) = table.to_fhir(name) {
        return Text::const_new(code.fhir);
    }
    if let Some(number) = table_number(name) {
        return concat(TABLE, number);
    }
    if is_oid(name) {
        return concat("urn:oid:", name);
    }
    if name.starts_with("http://") || name.starts_with("https://") || name.starts_with("urn:") {
        return Text::from(name);
    }
    concat(LOCAL, &encode(name))
}

/// The name for CWE.3 of a system's URI.
#[must_use]
pub fn to_name<'u>(table: &Vocabulary, uri: &'u str) -> Cow<'u, str> {
    if let Some(code) = table.to_hl7("", uri) {
        return Cow::Borrowed(code.hl7);
    }
    if let Some(name) = uri.strip_prefix(LOCAL) {
        return decode(name);
    }
    if let Some(number) = uri.strip_prefix(TABLE) {
        return Cow::Owned(format!("HL7{number}"));
    }
    Cow::Borrowed(uri.strip_prefix("urn:oid:").unwrap_or(uri))
}

/// `HL70005` and `HL7 0005` are table 0005.
fn table_number(name: &str) -> Option<&str> {
    let number = name.strip_prefix("HL7")?.trim_start_matches([' ', '-']);
    (number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
}

/// True for a dotted number such as `2.16.840.1.113883.6.1`.
#[must_use]
pub fn is_oid(text: &str) -> bool {
    let mut arcs = text.split('.');
    let first = arcs.next().is_some_and(|arc| matches!(arc, "0" | "1" | "2"));
    first && text.contains('.') && arcs.all(|arc| !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit()))
}

pub(crate) fn concat(head: &str, tail: &str) -> Text {
    let mut text = Text::with_capacity(head.len() + tail.len());
    text.push_str(head);
    text.push_str(tail);
    text
}

/// Percent-encodes what a URN may not hold.
pub(crate) fn encode(name: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'+' | b'*');
    if name.bytes().all(plain) {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len() + 8);
    for byte in name.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    Cow::Owned(out)
}

fn decode(name: &str) -> Cow<'_, str> {
    if !name.contains('%') {
        return Cow::Borrowed(name);
    }
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match hex.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(value) if byte == b'%' => {
                bytes.push(value);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(name), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::super::Vocabularies;
    use super::*;

    #[test]
    fn a_name_becomes_a_uri_and_comes_back() {
        let table = Vocabularies::embedded().unwrap().coding_system;
        for (name, uri) in [
            ("LN", "http://loinc.org"),
            ("HL70078", "http://terminology.hl7.org/CodeSystem/v2-0078"),
            ("2.16.840.1.113883.6.1", "urn:oid:2.16.840.1.113883.6.1"),
            ("WinPath", "urn:eprgw:coding-system:WinPath"),
            ("PLW HL7", "urn:eprgw:coding-system:PLW%20HL7"),
            ("http://example.org/x", "http://example.org/x"),
        ] {
            assert_eq!(to_uri(&table, name), uri);
            assert_eq!(to_name(&table, uri), name);
        }
        assert_eq!(to_uri(&table, "LOINC"), "http://loinc.org");
        assert!(!is_oid("3.1"), "an OID starts with 0, 1 or 2");
        assert!(!is_oid("1"));
    }
}
