//! Extensions that carry what has no element of its own, as it was sent.
//!
//! Three extensions, described in `crates/translate/definitions/`:
//!
//! - [`FIELD`] carries a value together with its place: `place` = `PV1-18`, `value` = the field as ER7;
//! - [`SEGMENT`] carries a whole segment that no map reads, a Z segment above all, on the MessageHeader;
//! - [`PLACE`] carries nothing: it says where an element stood that could have stood elsewhere.
//!
//! The ER7 in them has the standard delimiters, whatever the message used, so that anyone can read it alone.

use fhir::{Extension, Text};
use hl7v2::{Delimiters, Encoding, Field, Message, Presence, Segment, escape};

use crate::back::writer::{Form, OutLeaf};
use crate::back::{Back, FieldWriter, RepetitionWriter, SegmentWriter};
use crate::context::{Composite, Context, Leaf};
use crate::ledger::Outcome;
use crate::row::Extensible;

/// Carries a value and its place.
pub(crate) const FIELD: &str = "urn:eprgw:hl7v2-field";
/// Carries a segment.
pub(crate) const SEGMENT: &str = "urn:eprgw:hl7v2-segment";
/// Says where an element stood.
pub(crate) const PLACE: &str = "urn:eprgw:hl7v2-place";

/// An extension that carries a value — its `value[x]` is already set — from a place.
pub(crate) fn carry(place: Text, mut value: Extension) -> Extension {
    value.url = Some(Text::const_new("value"));
    let place = Extension {
        url: Some(Text::const_new("place")),
        value_string: Some(place),
        ..Extension::default()
    };
    Extension {
        url: Some(Text::const_new(FIELD)),
        extension: vec![place, value],
        ..Extension::default()
    }
}

/// As [`carry`], for text.
pub(crate) fn carry_text(place: impl Into<Text>, text: Text) -> Extension {
    carry(
        place.into(),
        Extension {
            value_string: Some(text),
            ..Extension::default()
        },
    )
}

/// `PV1-18`, `CX.6`.
fn place(name: &str, mark: char, number: u16) -> Text {
    let mut place = Text::from(name);
    place.push(mark);
    place.push_str(itoa::Buffer::new().format(number));
    place
}

/// The value that was carried from a place.
pub(crate) fn carried<'e>(extensions: &'e [Extension], place: &str) -> Option<&'e Extension> {
    let inner =
        |outer: &'e Extension, url: &str| outer.extension.iter().find(|e| e.url.as_deref() == Some(url));
    extensions
        .iter()
        .filter(|outer| outer.url.as_deref() == Some(FIELD))
        .find(|outer| inner(outer, "place").is_some_and(|e| e.value_string.as_deref() == Some(place)))
        .and_then(|outer| inner(outer, "value"))
}

/// The text that was carried from a place.
pub(crate) fn carried_text<'e>(extensions: &'e [Extension], place: &str) -> Option<&'e Text> {
    carried(extensions, place).and_then(|value| value.value_string.as_ref())
}

/// Carries a part of a data type that FHIR's type has no room for, as ER7: place `CX.6`.
pub(crate) fn read_part<'m, C: Composite<'m>>(
    kind: &'static str,
    n: u16,
    part: C::Part,
    to: &mut Vec<Extension>,
    cx: &mut Context<'_>,
) {
    if part.presence() == Presence::Null {
        cx.account_nothing(part);
        return;
    }
    let mut er7 = Vec::with_capacity(part.raw().len());
    standard(part.raw(), part.encoding(), &mut er7);
    C::record_part(part, cx, Outcome::Kept, ".extension");
    if let Some(text) = text(er7) {
        to.push(carry_text(place(kind, '.', n), text));
    }
}

/// Writes the carried parts of a data type back.
pub(crate) fn write_parts(extensions: &[Extension], kind: &str, to: &mut RepetitionWriter<'_>) {
    for outer in extensions
        .iter()
        .filter(|outer| outer.url.as_deref() == Some(FIELD))
    {
        let inner = |url: &str| {
            let found = outer.extension.iter().find(|e| e.url.as_deref() == Some(url));
            found.and_then(|e| e.value_string.as_deref())
        };
        let number =
            inner("place").and_then(|place| place.strip_prefix(kind)?.strip_prefix('.')?.parse().ok());
        let (Some(component), Some(er7)) = (number, inner("value")) else {
            continue;
        };
        if to.has(component) {
            continue;
        }
        for leaf in leaves(1, er7)
            .iter()
            .filter(|leaf| leaf.component == 1 && leaf.repetition == 1)
        {
            to.subcomponent(component, leaf.subcomponent, &leaf.text);
        }
    }
}

/// Marks where an element stood.
pub(crate) fn mark(place: impl Into<Text>) -> Extension {
    Extension {
        url: Some(Text::const_new(PLACE)),
        value_string: Some(place.into()),
        ..Extension::default()
    }
}

/// True when the mark names this place.
pub(crate) fn is_marked(extensions: &[Extension], place: &str) -> bool {
    extensions
        .iter()
        .any(|e| e.url.as_deref() == Some(PLACE) && e.value_string.as_deref() == Some(place))
}

/// Reads a field into an extension.
pub(crate) fn read_field<R: Extensible>(field: Field<'_>, target: &mut R, cx: &mut Context<'_>) {
    let mut er7 = Vec::with_capacity(field.raw().len());
    standard(field.raw(), field.encoding(), &mut er7);
    let place = place(cx.rule.segment, '-', cx.rule.field);
    cx.record_field(field, Outcome::Kept, "", "");
    if let Some(text) = text(er7) {
        target.extensions_mut().push(carry_text(place, text));
    }
}

/// Writes a field back from its extension.
pub(crate) fn write_field<R: Extensible>(source: &R, field: &mut FieldWriter<'_>, _: &Back<'_>) {
    let extensions = source.extensions();
    if extensions.iter().any(|e| e.url.as_deref() == Some(FIELD))
        && let Some(text) = carried_text(extensions, &field.place())
    {
        field.put_er7(text);
    }
}

/// Reads a whole segment into an extension.
pub(crate) fn read_segment(segment: Segment<'_>, cx: &mut Context<'_>) -> Option<Extension> {
    let mut er7 = Vec::with_capacity(segment.raw().len());
    er7.extend_from_slice(segment.id().as_bytes());
    for field in segment.fields() {
        er7.push(b'|');
        standard(field.raw(), field.encoding(), &mut er7);
        cx.record_field(
            field,
            Outcome::Kept,
            "MessageHeader.extension",
            "no map reads this segment",
        );
    }
    Some(Extension {
        url: Some(Text::const_new(SEGMENT)),
        value_string: Some(text(er7)?),
        ..Extension::default()
    })
}

/// A segment back from its extension.
pub(crate) fn write_segment(extension: &Extension) -> Option<SegmentWriter> {
    if extension.url.as_deref() != Some(SEGMENT) {
        return None;
    }
    SegmentWriter::verbatim(extension.value_string.as_ref()?)
}

fn text(er7: Vec<u8>) -> Option<Text> {
    let text = String::from_utf8(er7).ok()?;
    (!text.trim().is_empty()).then(|| Text::from(text))
}

/// Appends raw ER7 with the standard delimiters, as UTF-8.
fn standard(raw: &[u8], encoding: Encoding, out: &mut Vec<u8>) {
    let from = &encoding.delimiters;
    if *from == Delimiters::STANDARD
        && raw.is_ascii()
        && raw.iter().all(|byte| *byte >= b' ' && *byte != 0x7F)
    {
        out.extend_from_slice(raw);
        return;
    }
    let mut rest = raw;
    loop {
        let end = rest.iter().position(|&byte| {
            byte == from.repetition || byte == from.component || Some(byte) == from.subcomponent
        });
        let (leaf, after) = rest.split_at(end.unwrap_or(rest.len()));
        if leaf == b"\"\"" {
            out.extend_from_slice(leaf);
        } else {
            escape::escape(&escape::unescape(leaf, &encoding), &Encoding::STANDARD, out);
        }
        let Some((&delimiter, more)) = after.split_first() else {
            return;
        };
        out.push(match delimiter {
            byte if byte == from.repetition => b'~',
            byte if byte == from.component => b'^',
            _ => b'&',
        });
        rest = more;
    }
}

/// The leaves of one field's ER7 text with standard delimiters.
pub(crate) fn leaves(field: u16, er7: &str) -> Vec<OutLeaf> {
    // Reading it as a field of a message keeps one reader for ER7.
    let framed = format!("MSH|^~\\&\rZZZ|{}\r", er7.replace(['\r', '\n', '|'], " "));
    let Ok(message) = Message::parse(framed.as_bytes()) else {
        return Vec::new();
    };
    message
        .leaves()
        .filter(|leaf| leaf.location.segment == "ZZZ" && leaf.location.field == 1)
        .map(|leaf| OutLeaf {
            field,
            repetition: leaf.location.repetition,
            component: leaf.location.component,
            subcomponent: leaf.location.subcomponent,
            text: if leaf.is_null() {
                Text::const_new("\"\"")
            } else {
                Text::from(leaf.text().as_ref())
            },
            form: if leaf.is_null() { Form::Null } else { Form::Plain },
        })
        .collect()
}
