//! Field values that are composed before they are put into a segment: components, repetitions, null.

use hl7v2::{Encoding, SegmentBuilder, escape};

use crate::state::{Text, plain};

/// A field's content in ER7, already escaped.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Er7(String);

impl Er7 {
    /// HL7 null.
    pub(crate) fn null() -> Self {
        Self("\"\"".into())
    }

    pub(crate) fn text(text: &str) -> Self {
        parts(&[text])
    }

    /// Repetitions of one field; empty ones hold their place unless they are last.
    pub(crate) fn repeated(repetitions: impl IntoIterator<Item = Self>) -> Self {
        let mut all: Vec<String> = repetitions.into_iter().map(|repetition| repetition.0).collect();
        while all.last().is_some_and(String::is_empty) {
            all.pop();
        }
        Self(all.join("~"))
    }
}

/// Components of one repetition, without those left empty at the end.
pub(crate) fn parts(components: &[&str]) -> Er7 {
    let used = components
        .iter()
        .rposition(|component| !component.is_empty())
        .map_or(0, |last| last + 1);
    let mut out = Vec::with_capacity(64);
    for (position, component) in components.iter().take(used).enumerate() {
        if position > 0 {
            out.push(b'^');
        }
        escape::escape(component, &Encoding::STANDARD, &mut out);
    }
    Er7(String::from_utf8_lossy(&out).into_owned())
}

/// Putting composed values into a segment; what is empty is not put.
pub(crate) trait Put {
    fn put(&mut self, field: u16, value: Er7) -> &mut Self;
    fn set(&mut self, field: u16, text: &str) -> &mut Self;
    fn maybe(&mut self, field: u16, text: Option<&Text>) -> &mut Self;
}

impl Put for SegmentBuilder<'_> {
    fn put(&mut self, field: u16, value: Er7) -> &mut Self {
        if value.0.is_empty() {
            self
        } else {
            self.raw(field, value.0.as_bytes())
        }
    }

    fn set(&mut self, field: u16, text: &str) -> &mut Self {
        if text.is_empty() {
            self
        } else {
            self.field(field, text)
        }
    }

    fn maybe(&mut self, field: u16, text: Option<&Text>) -> &mut Self {
        self.set(field, text.map_or("", Text::as_str))
    }
}

/// A message without letters beyond ASCII, for products whose character set has none.
pub(crate) fn to_ascii(message: Vec<u8>) -> Vec<u8> {
    if message.is_ascii() {
        return message;
    }
    let text = String::from_utf8_lossy(&message);
    let mut plainly = String::with_capacity(text.len());
    for letter in text.chars() {
        match plain(letter) {
            _ if letter.is_ascii() => plainly.push(letter),
            Some(plain) if letter.is_uppercase() => plainly.push_str(&plain.to_uppercase()),
            Some(plain) => plainly.push_str(plain),
            None => plainly.push('?'),
        }
    }
    plainly.into_bytes()
}

#[cfg(test)]
mod tests {
    use hl7v2::Builder;

    use super::*;

    #[test]
    fn components_are_escaped_and_trailing_ones_dropped() {
        let mut message = Builder::new(Encoding::STANDARD);
        let name = Er7::repeated([parts(&["A&E", "x^y", "", ""]), parts(&["B"]), Er7::default()]);
        message
            .segment("PID")
            .put(5, name)
            .put(7, Er7::null())
            .set(8, "F")
            .set(9, "");
        assert_eq!(message.finish(), b"PID|||||A\\T\\E^x\\S\\y~B||\"\"|F\r");
    }

    #[test]
    fn accents_are_folded_where_the_character_set_has_none() {
        assert_eq!(to_ascii("ÉLODIE Søren".into()), b"ELODIE Soren");
    }
}
