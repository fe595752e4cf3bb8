//! What MSH-1 and MSH-2 say about the rest of the message: its delimiters, and with MSH-18 its encoding.

use crate::Charset;

/// The delimiters a message declares for itself in MSH-1 and MSH-2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Delimiters {
    /// MSH-1, between fields: `|`.
    pub field: u8,
    /// First of MSH-2, between components: `^`.
    pub component: u8,
    /// Second of MSH-2, between repetitions: `~`.
    pub repetition: u8,
    /// Third of MSH-2, around escapes: `\`. Without one, nothing is escaped.
    pub escape: Option<u8>,
    /// Fourth of MSH-2, between subcomponents: `&`. Without one, components are not divided.
    pub subcomponent: Option<u8>,
    /// Fifth of MSH-2 since version 2.7, the sign of a truncated value: `#`.
    pub truncation: Option<u8>,
}

impl Delimiters {
    /// The delimiters nearly everybody uses: `|^~\&`.
    pub const STANDARD: Self = Self {
        field: b'|',
        component: b'^',
        repetition: b'~',
        escape: Some(b'\\'),
        subcomponent: Some(b'&'),
        truncation: None,
    };

    /// Reads MSH-1 and MSH-2 from a header line, which begins `MSH`, `BHS` or `FHS`.
    ///
    /// # Errors
    ///
    /// When the line ends before two encoding characters, names more than five, repeats one, or uses a
    /// character that no delimiter may be (a letter, a digit, a space, a control, a quote, anything not ASCII).
    pub fn read(header: &[u8]) -> Result<Self, DelimiterError> {
        if let Some([b'|', b'^', b'~', b'\\', b'&', b'|']) = header.get(3..9) {
            return Ok(Self::STANDARD);
        }
        let &field = header.get(3).ok_or(DelimiterError::TooFew)?;
        check_character(field)?;
        let rest = header.get(4..).unwrap_or_default();
        let end = rest
            .iter()
            .take(MSH_2_MAX + 1)
            .position(|&b| b == field || b == b'\r' || b == b'\n');
        let named = match end {
            Some(end) => rest.get(..end).unwrap_or_default(),
            None if rest.len() <= MSH_2_MAX => rest,
            None => return Err(DelimiterError::TooMany),
        };
        let &[component, repetition, ref optional @ ..] = named else {
            return Err(DelimiterError::TooFew);
        };
        for (position, &delimiter) in named.iter().enumerate() {
            check_character(delimiter)?;
            if named.iter().take(position).any(|&earlier| earlier == delimiter) {
                return Err(DelimiterError::Repeated);
            }
        }
        Ok(Self {
            field,
            component,
            repetition,
            escape: optional.first().copied(),
            subcomponent: optional.get(1).copied(),
            truncation: optional.get(2).copied(),
        })
    }

    /// MSH-2 as it is written: the encoding characters in their order.
    ///
    /// A gap ends the list, because position is all that tells the characters apart.
    pub fn encoding_characters(&self) -> impl Iterator<Item = u8> {
        [
            Some(self.component),
            Some(self.repetition),
            self.escape,
            self.subcomponent,
            self.truncation,
        ]
        .into_iter()
        .map_while(|delimiter| delimiter)
    }

    /// Whether this byte divides the inside of a field: repetition, component or subcomponent delimiter.
    #[inline]
    pub(crate) fn divides(&self, byte: u8) -> bool {
        byte == self.component || byte == self.repetition || Some(byte) == self.subcomponent
    }
}

impl Default for Delimiters {
    fn default() -> Self {
        Self::STANDARD
    }
}

/// Five characters since version 2.7; more is a mangled header (`^~\&amp;`).
const MSH_2_MAX: usize = 5;

fn check_character(delimiter: u8) -> Result<(), DelimiterError> {
    // A quote would make `""`, the null value, ambiguous.
    if delimiter.is_ascii_punctuation() && delimiter != b'"' {
        Ok(())
    } else {
        Err(DelimiterError::Unusable)
    }
}

/// Why MSH-1 and MSH-2 cannot be used as delimiters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DelimiterError {
    /// The header ends before a field separator and two encoding characters.
    #[error("MSH-2 names fewer than two encoding characters; `^~\\&` is usual")]
    TooFew,
    /// More than five encoding characters: usually a header mangled on its way, such as `^~\&amp;`.
    #[error("MSH-2 names more than five encoding characters; `^~\\&` is usual")]
    TooMany,
    /// Two delimiters are the same character.
    #[error("MSH-1 and MSH-2 give one character two meanings")]
    Repeated,
    /// A letter, digit, space, control, quote or non-ASCII byte as delimiter.
    #[error("MSH-1 or MSH-2 names a character that cannot be a delimiter; use ASCII punctuation")]
    Unusable,
}

/// How the bytes of a message become text: its delimiters and its character set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Encoding {
    /// From MSH-1 and MSH-2.
    pub delimiters: Delimiters,
    /// From the first repetition of MSH-18, or set by the interface.
    pub charset: Charset,
}

impl Encoding {
    /// `|^~\&` and no character set stated.
    pub const STANDARD: Self = Self {
        delimiters: Delimiters::STANDARD,
        charset: Charset::Unstated,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_four_five_and_two_encoding_characters() {
        assert_eq!(Delimiters::read(b"MSH|^~\\&|A"), Ok(Delimiters::STANDARD));
        let truncating = Delimiters::read(b"MSH|^~\\&#|A").unwrap();
        assert_eq!(truncating.truncation, Some(b'#'));
        let short = Delimiters::read(b"MSH|^~\rPID").unwrap();
        assert_eq!((short.escape, short.subcomponent), (None, None));
        let other = Delimiters::read(b"MSH*:+!%*").unwrap();
        assert_eq!(
            (other.field, other.component, other.subcomponent),
            (b'*', b':', Some(b'%'))
        );
    }

    #[test]
    fn refuses_headers_it_cannot_be_sure_of() {
        assert_eq!(Delimiters::read(b"MSH"), Err(DelimiterError::TooFew));
        assert_eq!(Delimiters::read(b"MSH|^|"), Err(DelimiterError::TooFew));
        assert_eq!(Delimiters::read(b"MSH|^~\\&amp;|A"), Err(DelimiterError::TooMany));
        assert_eq!(Delimiters::read(b"MSH|^^\\&|A"), Err(DelimiterError::Repeated));
        assert_eq!(Delimiters::read(b"MSHa^~\\&a"), Err(DelimiterError::Unusable));
        assert_eq!(Delimiters::read(b"MSH|^~\"&|"), Err(DelimiterError::Unusable));
    }

    #[test]
    fn encoding_characters_stop_at_the_first_gap() {
        let gap = Delimiters {
            escape: None,
            ..Delimiters::STANDARD
        };
        assert_eq!(gap.encoding_characters().collect::<Vec<_>>(), b"^~");
    }
}
