//! ED and RP: documents inside a message, or pointed at.
//!
//! Base64 stays as it was sent, byte for byte. Other encodings (text, hex) become base64, since FHIR has nothing
//! else; the way back writes base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fhir::{Attachment, Text};
use hl7v2::Repetition;

use crate::back::RepetitionWriter;
use crate::context::{Context, Leaf};
use crate::ledger::Outcome;
use crate::note::Note;

/// ED to Attachment.
pub(crate) fn read_ed(ed: Repetition<'_>, cx: &mut Context<'_>) -> Option<Attachment> {
    let title = cx.take(ed.component(1), ".title");
    let mut attachment = Attachment {
        title,
        ..Attachment::default()
    };
    let family = cx.take(ed.component(2), ".contentType");
    let subtype = cx.take(ed.component(3), ".contentType");
    attachment.content_type = mime(family.as_deref(), subtype.as_deref());
    let encoding = cx.take_as(ed.component(4), ".data", Outcome::Transformed);
    let data = ed.component(5);
    if data.raw().is_empty() {
        cx.note(broken(data, "the document is empty"));
        return None;
    }
    attachment.data = match encoding.as_deref() {
        Some("Base64" | "BASE64" | "base64") => {
            let text = data.full_text();
            cx.record_component(data, Outcome::Mapped, ".data", "");
            Some(text.chars().filter(|c| !c.is_whitespace()).collect())
        }
        Some("Hex" | "HEX" | "hex") => {
            let Some(bytes) = unhex(&data.text()) else {
                cx.note(broken(data, "the document is not the hexadecimal it says it is"));
                return None;
            };
            cx.record_component(data, Outcome::Transformed, ".data", "");
            Some(Text::from(STANDARD.encode(bytes)))
        }
        _ => {
            let text = data.full_text();
            cx.record_component(data, Outcome::Transformed, ".data", "");
            Some(Text::from(STANDARD.encode(text.as_bytes())))
        }
    };
    if attachment
        .data
        .as_deref()
        .is_some_and(|data| STANDARD.decode(data).is_err())
    {
        // FHIR's base64Binary must be base64; what is not is encoded once more, so that nothing is lost.
        let text = "the document is not the base64 it says it is; it stands as sent, encoded once more";
        cx.note(broken(data, text));
        let broken = attachment.data.take().unwrap_or_default();
        attachment.data = Some(Text::from(STANDARD.encode(broken.as_bytes())));
    }
    attachment.data.is_some().then_some(attachment)
}

fn broken(data: hl7v2::Component<'_>, text: &'static str) -> Note {
    Note::warning(Some(Leaf::location(data)), "bad-document", text)
}

/// RP to Attachment: a pointer.
pub(crate) fn read_rp(rp: Repetition<'_>, cx: &mut Context<'_>) -> Option<Attachment> {
    let url = cx.take(rp.component(1), ".url")?;
    let title = cx.take(rp.component(2), ".title");
    let family = cx.take(rp.component(3), ".contentType");
    let subtype = cx.take(rp.component(4), ".contentType");
    let url = Text::from(url.split_whitespace().collect::<Vec<_>>().join("%20"));
    let content_type = mime(family.as_deref(), subtype.as_deref());
    Some(Attachment {
        url: Some(url),
        title,
        content_type,
        ..Attachment::default()
    })
}

/// `AP` + `PDF` is `application/pdf`: HL7 table 0191 and 0291 in MIME's words.
fn mime(family: Option<&str>, subtype: Option<&str>) -> Option<Text> {
    let subtype = subtype.filter(|subtype| !subtype.is_empty());
    if let Some(whole) = subtype.filter(|subtype| subtype.contains('/')) {
        return Some(Text::from(whole.to_lowercase()));
    }
    let family = family.map(|family| match family {
        "AP" | "APPLICATION" | "Application" => "application".to_owned(),
        "AU" => "audio".to_owned(),
        "IM" => "image".to_owned(),
        "TEXT" | "FT" | "TX" => "text".to_owned(),
        other => other.to_lowercase(),
    });
    match (family, subtype.map(str::to_lowercase)) {
        (Some(family), Some(subtype)) => Some(Text::from(format!("{family}/{subtype}"))),
        (None, Some(subtype)) => Some(Text::from(match subtype.as_str() {
            "pdf" | "rtf" | "xml" => format!("application/{subtype}"),
            "jpeg" | "gif" | "tiff" | "png" => format!("image/{subtype}"),
            _ => subtype,
        })),
        (Some(family), None) if family.contains('/') => Some(Text::from(family)),
        (Some(family), None) => Some(Text::from(family)),
        (None, None) => None,
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// Attachment to ED.
pub(crate) fn write_ed(attachment: &Attachment, mut to: RepetitionWriter<'_>) {
    to.optional(1, attachment.title.as_ref());
    write_mime(attachment, [2, 3], &mut to);
    if let Some(data) = &attachment.data {
        to.component(4, "Base64");
        to.component(5, data);
    }
}

/// Attachment to RP.
pub(crate) fn write_rp(attachment: &Attachment, mut to: RepetitionWriter<'_>) {
    to.optional(1, attachment.url.as_ref());
    to.optional(2, attachment.title.as_ref());
    write_mime(attachment, [3, 4], &mut to);
}

fn write_mime(attachment: &Attachment, [family, subtype]: [u16; 2], to: &mut RepetitionWriter<'_>) {
    let Some(mime) = &attachment.content_type else {
        return;
    };
    match mime.split_once('/') {
        Some((kind, sub)) => {
            let kind = match kind {
                "application" => "AP",
                "audio" => "AU",
                "image" => "IM",
                "text" => "TEXT",
                other => other,
            };
            to.component(family, kind);
            to.component(subtype, &sub.to_uppercase());
        }
        None => to.component(subtype, mime),
    }
}
