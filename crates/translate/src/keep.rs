//! Extensions that carry what has no element of its own, as it was sent.
//!
//! A field without an element travels on its resource as
//! `{"url": "urn:hl7v2:field:PV1-18", "valueString": "…"}`; a segment that no map reads, a Z segment above all,
//! travels on the MessageHeader as `{"url": "urn:hl7v2:segment:ZUK", "valueString": "ZUK|1|…"}`. The text is ER7
//! with the standard delimiters, whatever the message used, so that anyone can read it without the message.

use fhir::{Extension, Text};
use hl7v2::{Delimiters, Encoding, Field, Message, Segment, escape};

use crate::back::writer::{Form, OutLeaf};
use crate::back::{Back, FieldWriter, SegmentWriter};
use crate::context::Context;
use crate::ledger::Outcome;
use crate::row::Extensible;

/// Start of the url of a kept field.
pub(crate) const FIELD: &str = "urn:hl7v2:field:";
/// Start of the url of a kept segment.
pub(crate) const SEGMENT: &str = "urn:hl7v2:segment:";

/// Reads a field into an extension.
pub(crate) fn read_field<R: Extensible>(field: Field<'_>, target: &mut R, cx: &mut Context<'_>) {
    let mut er7 = Vec::with_capacity(field.raw().len());
    standard(field.raw(), field.encoding(), &mut er7);
    let url = format!("{FIELD}{}-{}", cx.rule.segment, cx.rule.field);
    cx.record_field(field, Outcome::Kept, "", "");
    if let Some(text) = text(er7) {
        target.extensions_mut().push(Extension {
            url: Some(Text::from(url)),
            value_string: Some(text),
            ..Extension::default()
        });
    }
}

/// Writes a field back from its extension.
pub(crate) fn write_field<R: Extensible>(source: &R, field: &mut FieldWriter<'_>, _: &Back<'_>) {
    let place = field.place();
    for extension in source.extensions() {
        let url = extension.url.as_deref().unwrap_or_default();
        if url.strip_prefix(FIELD) == Some(place.as_str())
            && let Some(text) = &extension.value_string
        {
            field.put_er7(text);
        }
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
        url: Some(Text::from(format!("{SEGMENT}{}", segment.id()))),
        value_string: Some(text(er7)?),
        ..Extension::default()
    })
}

/// A segment back from its extension.
pub(crate) fn write_segment(extension: &Extension) -> Option<SegmentWriter> {
    extension.url.as_deref()?.strip_prefix(SEGMENT)?;
    SegmentWriter::verbatim(extension.value_string.as_ref()?)
}

fn text(er7: Vec<u8>) -> Option<Text> {
    let text = String::from_utf8(er7).ok()?;
    (!text.trim().is_empty()).then(|| Text::from(text))
}

/// Appends raw ER7 with the standard delimiters, as UTF-8.
fn standard(raw: &[u8], encoding: Encoding, out: &mut Vec<u8>) {
    let from = &encoding.delimiters;
    if *from == Delimiters::STANDARD && raw.is_ascii() {
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
