//! Character sets of MSH-18 (table 0211): bytes to text and back, with a way to know what was not decodable.
//!
//! Only sets whose ASCII bytes always mean ASCII are read, because delimiters are looked for as bytes. BIG-5,
//! GB 18030 and the ISO-2022 family use delimiter bytes inside characters: they are [`Charset::Unknown`], which
//! reads ASCII and flags the rest rather than splitting a name in half. UTF-16 is refused at the header.

use std::borrow::Cow;

/// The character set of a message's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Charset {
    /// MSH-18 is empty: ASCII by the standard, read as UTF-8 where the bytes are valid UTF-8, flagged otherwise.
    #[default]
    Unstated,
    /// `ASCII`: seven bits; anything else is flagged.
    Ascii,
    /// `UNICODE UTF-8`.
    Utf8,
    /// `8859/1`, read with the windows-1252 characters that senders of Latin-1 mean by 0x80 to 0x9F.
    Latin1,
    /// `8859/2` to `8859/15`.
    Iso8859(u8),
    /// `windows-1252`, not in table 0211 but on many wires.
    Windows1252,
    /// `KS X 1001`.
    Korean,
    /// A set this crate does not read: ASCII is read, anything else is flagged.
    Unknown,
}

impl Charset {
    /// The character set MSH-18 names.
    ///
    /// # Example
    ///
    /// ```
    /// use hl7v2::Charset;
    ///
    /// assert_eq!(Charset::named(b"UNICODE UTF-8"), Charset::Utf8);
    /// assert_eq!(Charset::named(b"8859/1"), Charset::Latin1);
    /// assert_eq!(Charset::named(b""), Charset::Unstated);
    /// assert_eq!(Charset::named(b"BIG-5"), Charset::Unknown);
    /// ```
    pub fn named(msh_18: &[u8]) -> Self {
        // As nearly every message has it.
        match msh_18 {
            b"" => Self::Unstated,
            b"UNICODE UTF-8" => Self::Utf8,
            b"8859/1" => Self::Latin1,
            b"ASCII" => Self::Ascii,
            name => Self::named_otherwise(name.trim_ascii()),
        }
    }

    fn named_otherwise(name: &[u8]) -> Self {
        let is = |spellings: &[&str]| spellings.iter().any(|s| name.eq_ignore_ascii_case(s.as_bytes()));
        if is(&["", "\"\""]) {
            return Self::Unstated;
        }
        if is(&["UNICODE UTF-8", "UTF-8", "UTF8", "UNICODE"]) {
            return Self::Utf8;
        }
        if is(&["ASCII", "US-ASCII", "ISO IR6", "ISO IR-6"]) {
            return Self::Ascii;
        }
        if is(&["WINDOWS-1252", "CP1252"]) {
            return Self::Windows1252;
        }
        if is(&["KS X 1001"]) {
            return Self::Korean;
        }
        let part = [
            "8859/",
            "8859-",
            "ISO-8859-",
            "ISO8859-",
            "ISO 8859-",
            "ISO8859/",
            "ISO-8859/",
            "ISO 8859/",
        ]
        .iter()
        .find_map(|prefix| match name.split_at_checked(prefix.len()) {
            Some((head, part)) if head.eq_ignore_ascii_case(prefix.as_bytes()) => Some(part),
            _ => None,
        });
        match part.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok()) {
            Some(1) => Self::Latin1,
            Some(part @ (2..=11 | 13..=15)) => Self::Iso8859(part),
            _ => Self::Unknown,
        }
    }

    /// The name table 0211 gives this set, for MSH-18; empty when there is none to state.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unstated | Self::Unknown => "",
            Self::Ascii => "ASCII",
            Self::Utf8 => "UNICODE UTF-8",
            Self::Latin1 => "8859/1",
            Self::Windows1252 => "windows-1252",
            Self::Korean => "KS X 1001",
            Self::Iso8859(part) => match part {
                2 => "8859/2",
                3 => "8859/3",
                4 => "8859/4",
                5 => "8859/5",
                6 => "8859/6",
                7 => "8859/7",
                8 => "8859/8",
                9 => "8859/9",
                10 => "8859/10",
                11 => "8859/11",
                13 => "8859/13",
                14 => "8859/14",
                15 => "8859/15",
                _ => "",
            },
        }
    }

    /// Decodes bytes; what this set cannot read becomes U+FFFD and the second half says so.
    pub fn decode(self, bytes: &[u8]) -> (Cow<'_, str>, bool) {
        // Every set read here contains ASCII as it stands.
        if let Ok(text) = std::str::from_utf8(bytes)
            && (matches!(self, Self::Utf8 | Self::Unstated) || text.is_ascii())
        {
            return (Cow::Borrowed(text), true);
        }
        match self.table() {
            Some(table) => {
                let (text, faulty) = table.decode_without_bom_handling(bytes);
                (text, !faulty)
            }
            None => (ascii_only(bytes), false),
        }
    }

    /// Encodes text; the second half counts the characters this set has no bytes for, each written as `?`.
    pub fn encode(self, text: &str) -> (Cow<'_, [u8]>, usize) {
        if text.is_ascii() {
            return (Cow::Borrowed(text.as_bytes()), 0);
        }
        match self.table() {
            Some(table) if table == encoding_rs::UTF_8 => (Cow::Borrowed(text.as_bytes()), 0),
            Some(table) => encode_by_character(table, text),
            None => {
                let bytes = text
                    .chars()
                    .map(|c| u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(b'?'));
                (
                    Cow::Owned(bytes.collect()),
                    text.chars().filter(|c| !c.is_ascii()).count(),
                )
            }
        }
    }

    fn table(self) -> Option<&'static encoding_rs::Encoding> {
        Some(match self {
            Self::Unstated | Self::Utf8 => encoding_rs::UTF_8,
            Self::Ascii | Self::Unknown => return None,
            Self::Latin1 | Self::Windows1252 => encoding_rs::WINDOWS_1252,
            Self::Korean => encoding_rs::EUC_KR,
            Self::Iso8859(part) => match part {
                2 => encoding_rs::ISO_8859_2,
                3 => encoding_rs::ISO_8859_3,
                4 => encoding_rs::ISO_8859_4,
                5 => encoding_rs::ISO_8859_5,
                6 => encoding_rs::ISO_8859_6,
                7 => encoding_rs::ISO_8859_7,
                8 => encoding_rs::ISO_8859_8,
                9 => encoding_rs::WINDOWS_1254,
                10 => encoding_rs::ISO_8859_10,
                11 => encoding_rs::WINDOWS_874,
                13 => encoding_rs::ISO_8859_13,
                14 => encoding_rs::ISO_8859_14,
                15 => encoding_rs::ISO_8859_15,
                _ => return None,
            },
        })
    }
}

fn ascii_only(bytes: &[u8]) -> Cow<'_, str> {
    bytes
        .iter()
        .map(|&b| {
            if b.is_ascii() {
                char::from(b)
            } else {
                char::REPLACEMENT_CHARACTER
            }
        })
        .collect()
}

/// One character at a time, because the library's own fallback writes HTML entities (`&#322;`).
fn encode_by_character(table: &'static encoding_rs::Encoding, text: &str) -> (Cow<'static, [u8]>, usize) {
    let mut out = Vec::with_capacity(text.len());
    let mut unencodable = 0;
    let mut buffer = [0; 4];
    for character in text.chars() {
        let (bytes, _, faulty) = table.encode(character.encode_utf8(&mut buffer));
        if faulty {
            unencodable += 1;
            out.push(b'?');
        } else {
            out.extend_from_slice(&bytes);
        }
    }
    (Cow::Owned(out), unencodable)
}

/// Some bytes of a value are none in the message's character set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{location}: bytes that the character set of MSH-18 does not have")]
pub struct Undecodable {
    /// Where the value stands.
    pub location: crate::Location,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_table_0211_read_back() {
        for part in (2..=11).chain(13..=15) {
            let charset = Charset::Iso8859(part);
            assert_eq!(Charset::named(charset.name().as_bytes()), charset);
            assert!(charset.table().is_some());
        }
        for charset in [
            Charset::Ascii,
            Charset::Utf8,
            Charset::Latin1,
            Charset::Windows1252,
            Charset::Korean,
        ] {
            assert_eq!(Charset::named(charset.name().as_bytes()), charset);
        }
        assert_eq!(Charset::named(b" unicode utf-8 "), Charset::Utf8);
        assert_eq!(Charset::named(b"UNICODE"), Charset::Utf8);
        assert_eq!(Charset::named(b"ISO-8859-15"), Charset::Iso8859(15));
        assert_eq!(Charset::named(b"8859/12"), Charset::Unknown);
        assert_eq!(Charset::named(b"GB 18030-2000"), Charset::Unknown);
    }

    #[test]
    fn undecodable_bytes_are_flagged_whatever_the_set() {
        assert_eq!(Charset::Latin1.decode(b"Zo\xEB"), ("Zo\u{eb}".into(), true));
        assert_eq!(
            Charset::Utf8.decode("Zo\u{eb}".as_bytes()),
            ("Zo\u{eb}".into(), true)
        );
        assert_eq!(
            Charset::Unstated.decode("Zo\u{eb}".as_bytes()),
            ("Zo\u{eb}".into(), true)
        );
        for charset in [Charset::Utf8, Charset::Unstated, Charset::Ascii, Charset::Unknown] {
            assert_eq!(
                charset.decode(b"Zo\xEB"),
                ("Zo\u{fffd}".into(), false),
                "{charset:?}"
            );
        }
    }

    #[test]
    fn a_byte_order_mark_inside_a_value_stays_text() {
        assert_eq!(Charset::Utf8.decode(b"\xEF\xBB\xBFA").0, "\u{feff}A");
    }

    #[test]
    fn unencodable_characters_are_counted() {
        assert_eq!(
            Charset::Latin1.encode("\u{141}\u{f3}d\u{17a}"),
            (b"?\xF3d?".to_vec().into(), 2)
        );
        assert_eq!(Charset::Ascii.encode("Zo\u{eb}"), (b"Zo?".to_vec().into(), 1));
        assert_eq!(Charset::Utf8.encode("\u{141}"), ("\u{141}".as_bytes().into(), 0));
    }
}
