//! Plain HL7 v2: whoever follows the standard, of whatever version.

use hl7v2::edit::Change;
use hl7v2::{Charset, Delimiters, Encoding};

use super::{Confidence, Dialect, DialectRule, header, unchanged};

/// Any system that follows the standard.
///
/// Canonical already, but for the delimiters, the character set and the older merges.
pub static STANDARD: Dialect = Dialect {
    name: "standard",
    title: "HL7 v2 by the standard",
    source_note: "HL7 2.5.1",
    recognise: |_| 1,
    settings: &[],
    rules: &[ENCODING, MERGE, CONTEXT],
};

/// Standard delimiters and UTF-8, whatever came.
pub const ENCODING: DialectRule = DialectRule {
    name: "MSH-1, MSH-2, MSH-18 > standard",
    places: &["MSH-1", "MSH-2", "MSH-18"],
    source: "HL7 2.5.1 chapter 2",
    confidence: Confidence::Documented,
    why: "One set of delimiters and one character set in everything we write.",
    normalise: |edit, _| {
        let received = edit.message().encoding();
        let readable = !matches!(
            received.charset,
            Charset::Unstated | Charset::Utf8 | Charset::Ascii | Charset::Unknown
        );
        // ASCII bytes are the same in every set we read: nothing to say.
        let convert = readable && !edit.message().bytes().is_ascii();
        let charset = if convert { Charset::Utf8 } else { received.charset };
        edit.encode_as(Encoding {
            delimiters: Delimiters::STANDARD,
            charset,
        });
        let Some(msh) = edit.first("MSH") else { return };
        // Table 0211 has `UNICODE` for sixteen bits; senders who write it mean UTF-8.
        let renamed = charset == Charset::Utf8 && !edit.says(msh.field(18), Charset::Utf8.name());
        if convert || renamed {
            edit.set(
                msh.field(18).component(1),
                Charset::Utf8.name(),
                Change::Transformed,
            );
        }
    },
    render: unchanged,
};

const MERGE: DialectRule = DialectRule {
    name: "A18, A34 > A40",
    places: &["MSH-9", "EVN-1"],
    source: "HL7 2.5.1 chapter 3",
    confidence: Confidence::Documented,
    why: "The older merges are kept by the standard for compatibility; A40 replaced them.",
    normalise: |edit, _| header::to_canonical_merge(edit),
    render: unchanged,
};

const CONTEXT: DialectRule = DialectRule {
    name: "MSH of the interface",
    places: &["MSH-3", "MSH-4", "MSH-5", "MSH-6", "MSH-7", "MSH-10"],
    source: "the interface's configuration",
    confidence: Confidence::Documented,
    why: "What an interface says about its header wins.",
    normalise: unchanged,
    render: header::apply_context,
};
