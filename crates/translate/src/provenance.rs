//! The original message on its journey: a DocumentReference that carries it, and how to find it again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fhir::{Attachment, Bundle, Coding, DocumentReference, DocumentReferenceContent, Text};
use hl7v2::Message;

use crate::dialect::Dialect;

/// The content type of ER7 text.
pub(crate) const ER7: &str = "application/x-hl7-v2+er7";
/// What the two contents of the DocumentReference are.
const FORMAT: &str = "urn:hl7v2:original";

/// The DocumentReference that carries a message: as received and, where a dialect changed it, in its canonical form.
pub(crate) fn document(
    canonical: &Message<'_>,
    received: &Message<'_>,
    dialect: &Dialect,
) -> DocumentReference {
    let mut document = DocumentReference {
        status: Some(Text::const_new("current")),
        ..DocumentReference::default()
    };
    document.content.push(content(
        received.bytes(),
        Text::const_new("received"),
        Some(dialect.name),
    ));
    if canonical.bytes() != received.bytes() {
        document
            .content
            .push(content(canonical.bytes(), Text::const_new("canonical"), None));
    }
    document
}

fn content(bytes: &[u8], code: Text, dialect: Option<&'static str>) -> DocumentReferenceContent {
    let attachment = Attachment {
        content_type: Some(Text::const_new(ER7)),
        data: Some(Text::from(BASE64.encode(bytes))),
        ..Attachment::default()
    };
    let format = Coding {
        system: Some(Text::const_new(FORMAT)),
        code: Some(code),
        display: dialect.map(Text::const_new),
        ..Coding::default()
    };
    DocumentReferenceContent {
        attachment: Some(Box::new(attachment)),
        format: Some(format),
        ..DocumentReferenceContent::default()
    }
}

/// The original message of a Bundle.
pub(crate) struct Original {
    /// As received.
    pub(crate) received: Vec<u8>,
    /// In canonical form.
    pub(crate) canonical: Vec<u8>,
    /// The dialect it was received in.
    pub(crate) dialect: String,
}

/// Finds the original message that travels with a Bundle.
pub(crate) fn original(bundle: &Bundle) -> Option<Original> {
    let documents = bundle
        .entry
        .iter()
        .filter_map(|entry| entry.resource.as_ref()?.as_type::<DocumentReference>());
    for document in documents {
        let part = |code: &str| {
            document.content.iter().find(|content| {
                let format = content.format.as_ref();
                format.is_some_and(|format| {
                    format.system.as_deref() == Some(FORMAT) && format.code.as_deref() == Some(code)
                })
            })
        };
        let bytes = |content: &DocumentReferenceContent| {
            BASE64.decode(content.attachment.as_ref()?.data.as_deref()?).ok()
        };
        let Some(found) = part("received") else { continue };
        let received = bytes(found)?;
        let canonical = part("canonical")
            .and_then(bytes)
            .unwrap_or_else(|| received.clone());
        let dialect = found
            .format
            .as_ref()
            .and_then(|format| format.display.as_deref())
            .unwrap_or_default();
        return Some(Original {
            received,
            canonical,
            dialect: dialect.to_owned(),
        });
    }
    None
}
