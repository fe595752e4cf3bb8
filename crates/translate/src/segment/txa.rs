//! TXA to DocumentReference and back, and OBX to its content. Guide: "Segment TXA to DocumentReference", "Segment OBX
//! to DocumentReference".
//!
//! Text that comes line by line, one OBX each, is one content: a document is read as a whole.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fhir::{
    Attachment, DocumentReference, DocumentReferenceContent, DocumentReferenceRelatesTo, Identifier,
    Reference, Text,
};
use hl7v2::{Field, Segment};

use crate::back::{Back, FieldWriter};
use crate::context::Context;
use crate::datatype::value::{self, Found, Value};
use crate::datatype::{attachment, code, concept, identifier, person, time};
use crate::keep;
use crate::ledger::Outcome;
use crate::row::SegmentMap;
use crate::segment::msh;

type Row = crate::row::Row<DocumentReference>;
type Part = crate::row::Row<DocumentReferenceContent>;

/// Marks the identifier that is a file's name.
const FILE: &str = "TXA-16";
/// Marks a text whose lines stood in one OBX each.
const LINES: &str = "OBX";
/// Marks a text whose lines were repetitions.
const REPETITIONS: &str = "OBX-5[2]";
const PLAIN: &str = "text/plain";

/// TXA to DocumentReference.
pub(crate) static TXA: SegmentMap<DocumentReference> = SegmentMap {
    segment: "TXA",
    resource: "DocumentReference",
    rows: &[
        Row::ignored(1, "a set id; a message has one document"),
        Row::new(
            12,
            "masterIdentifier",
            |field, document, cx| document.master_identifier = identifier::read_ei(field.repetition(1), cx),
            |document, field, back| {
                let mut others = document.identifier.iter();
                let other = others.find(|one| !keep::is_marked(&one.extension, FILE));
                if let Some(one) = document.master_identifier.as_ref().or(other) {
                    identifier::write_ei(one, field.repetition(), back);
                }
            },
        ),
        Row::new(16, "identifier", read_file, write_file).note("the file's name"),
        Row::new(
            2,
            "type",
            |field, document, cx| document.type_ = concept::first(field, None, cx),
            |document, field, back| concept::put(document.type_.as_ref(), None, field, back),
        )
        .note("table 0270"),
        Row::new(6, "date", read_date, |document, field, back| {
            keep::write_field(document, field, back);
            if field.is_empty() {
                time::put(document.date.as_deref(), field, back);
            }
        })
        .note("when it has a time; else kept"),
        Row::new(
            9,
            "author",
            |field, document, cx| {
                for xcn in field.repetitions() {
                    cx.at(document.author.len());
                    document.author.extend(person::read(xcn, cx));
                }
            },
            |document, field, back| {
                for author in &document.author {
                    person::write(author, field.repetition(), back);
                }
            },
        ),
        Row::new(
            10,
            "authenticator",
            read_authenticator,
            |document, field, back| {
                keep::write_field(document, field, back);
                if let Some(one) = document.authenticator.as_ref().filter(|_| field.is_empty()) {
                    person::write(one, field.repetition(), back);
                }
            },
        ),
        Row::new(13, "relatesTo", read_parent, write_parent)
            .note("an addendum appends, a replacement replaces; else kept"),
        Row::new(
            17,
            "docStatus",
            |field, document, cx| {
                let table = &cx.vocabulary.document_completion;
                (document.doc_status, document.doc_status_element) = code::read(field, table, cx, "");
            },
            |document, field, back| {
                let table = &back.vocabulary.document_completion;
                let code = code::write(document.doc_status.as_ref(), &document.doc_status_element, table);
                field.repetition().optional(1, code.as_ref());
            },
        )
        .note("table 0271"),
        Row::new(
            18,
            "securityLabel",
            |field, document, cx| {
                let table = &cx.vocabulary.document_confidentiality;
                concept::all(field, Some(table), &mut document.security_label, cx);
            },
            |document, field, back| {
                let table = &back.vocabulary.document_confidentiality;
                concept::put_all(&document.security_label, Some(table), field, back);
            },
        )
        .note("table 0272"),
        Row::new(19, "status", read_status, write_status).note("table 0273"),
        Row::new(
            25,
            "description",
            |field, document, cx| document.description = cx.take(field, ""),
            |document, field, _| {
                if let Some(text) = &document.description {
                    field.set(text.clone());
                }
            },
        ),
        Row::kept(3),
        Row::kept(4),
        Row::kept(5),
        Row::kept(7),
        Row::kept(8),
        Row::kept(11),
        Row::kept(14),
        Row::kept(15),
        Row::kept(20),
        Row::kept(21),
        Row::kept(22),
        Row::kept(23),
        Row::kept(24),
        Row::kept(26),
        Row::kept(27),
        Row::kept(28),
    ],
};

/// OBX to the content of a DocumentReference.
pub(crate) static CONTENT: SegmentMap<DocumentReferenceContent> = SegmentMap {
    segment: "OBX",
    resource: "DocumentReference.content",
    rows: &[
        Part::ignored(1, "a set id; the order of contents says it"),
        Part::new(5, "attachment", read_content, write_content).note("ED, RP, TX, FT"),
        Part::new(2, "attachment", read_kind, write_kind).note("table 0125"),
        Part::kept(3),
        Part::kept(4),
        Part::kept(6),
        Part::kept(7),
        Part::kept(8),
        Part::kept(9),
        Part::kept(10),
        Part::kept(11),
        Part::kept(12),
        Part::kept(13),
        Part::kept(14),
        Part::kept(15),
        Part::kept(16),
        Part::kept(17),
        Part::kept(18),
        Part::kept(19),
        Part::kept(20),
        Part::kept(21),
        Part::kept(22),
        Part::kept(23),
        Part::kept(24),
        Part::kept(25),
        Part::kept(26),
        Part::kept(27),
        Part::kept(28),
        Part::kept(29),
        Part::kept(30),
    ],
};

fn read_file(field: Field<'_>, document: &mut DocumentReference, cx: &mut Context<'_>) {
    cx.at(document.identifier.len());
    if let Some(name) = cx.take(field, ".value") {
        document.identifier.push(Identifier {
            extension: vec![keep::mark(FILE)],
            value: Some(name),
            ..Identifier::default()
        });
    }
}

fn write_file(document: &DocumentReference, field: &mut FieldWriter<'_>, _: &Back<'_>) {
    let mut list = document.identifier.iter();
    let file = list.find(|one| keep::is_marked(&one.extension, FILE));
    field
        .repetition()
        .optional(1, file.and_then(|one| one.value.as_ref()));
}

/// `date` is an instant: a day alone would get a midnight that nobody meant.
fn read_date(field: Field<'_>, document: &mut DocumentReference, cx: &mut Context<'_>) {
    if cx.peek(field).is_some_and(|text| text.len() <= 8) {
        return keep::read_field(field, document, cx);
    }
    document.date = time::instant(field, cx, "");
}

fn read_authenticator(field: Field<'_>, document: &mut DocumentReference, cx: &mut Context<'_>) {
    if field.repetitions().count() > 1 {
        keep::read_field(field, document, cx);
    }
    document.authenticator = person::read(field.repetition(1), cx);
}

/// What an event does to the document that TXA-13 names.
fn relation(event: &str) -> Option<&'static str> {
    match event {
        "T05" | "T06" => Some("appends"),
        "T09" | "T10" => Some("replaces"),
        _ => None,
    }
}

fn read_parent(field: Field<'_>, document: &mut DocumentReference, cx: &mut Context<'_>) {
    let Some(code) = relation(&cx.event) else {
        return keep::read_field(field, document, cx);
    };
    let Some(parent) = identifier::read_ei(field.repetition(1), cx) else {
        return;
    };
    document.relates_to.push(DocumentReferenceRelatesTo {
        code: Some(Text::const_new(code)),
        target: Some(Reference {
            type_: Some(Text::const_new("DocumentReference")),
            identifier: Some(Box::new(parent)),
            ..Reference::default()
        }),
        ..DocumentReferenceRelatesTo::default()
    });
}

fn write_parent(document: &DocumentReference, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(document, field, back);
    let target = document.relates_to.first().and_then(|one| one.target.as_ref());
    let Some(target) = target.filter(|_| field.is_empty()) else {
        return;
    };
    let other = back.resolve::<DocumentReference>(Some(target));
    let number = other.and_then(|other| other.master_identifier.as_ref().or(other.identifier.first()));
    if let Some(number) = target.identifier.as_deref().or(number) {
        identifier::write_ei(number, field.repetition(), back);
    }
}

/// Table 0273: what FHIR says less finely, the code beside it says as sent.
fn read_status(field: Field<'_>, document: &mut DocumentReference, cx: &mut Context<'_>) {
    let table = &cx.vocabulary.document_availability;
    (document.status, document.status_element) = code::read(field, table, cx, "");
}

fn write_status(document: &DocumentReference, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let derived = document
        .status_element
        .as_ref()
        .is_some_and(|one| keep::is_marked(&one.extension, DERIVED));
    if derived {
        return;
    }
    let table = &back.vocabulary.document_availability;
    let code = code::write(document.status.as_ref(), &document.status_element, table);
    field.repetition().optional(1, code.as_ref());
}

/// Marks a status that TXA-19 did not say.
const DERIVED: &str = "MSH-9.2";

/// Settles the status and fills what FHIR requires.
///
/// A cancelled document was a mistake; any other is current unless TXA-19 says that it is not.
pub(crate) fn complete(document: &mut DocumentReference, cx: &Context<'_>) {
    let cancelled = cx.event == "T11";
    let silent = document.status.is_none() && document.status_element.is_none();
    if silent || cancelled {
        let said = document.status.is_some();
        let word = if cancelled { "entered-in-error" } else { "current" };
        document.status = Some(Text::const_new(word));
        let element = document.status_element.get_or_insert_default();
        if !said && element.extension.is_empty() {
            element.extension.push(keep::mark(DERIVED));
        } else if said && element.extension.is_empty() {
            // AV of a cancelled document: it was there to be read.
            *element = code::alternate("0273", Text::const_new("AV"));
        }
    }
    if document.content.is_empty() {
        // The content stays with the sender: FHIR wants to hear of it all the same.
        document.content.push(DocumentReferenceContent {
            attachment: Some(Box::new(unknown())),
            ..DocumentReferenceContent::default()
        });
    }
}

/// True for an OBX that holds the document, or a part of it.
pub(crate) fn is_content(segment: Segment<'_>) -> bool {
    matches!(segment.field(2).text().as_ref(), "ED" | "RP" | "TX" | "FT")
}

fn read_content(field: Field<'_>, content: &mut DocumentReferenceContent, cx: &mut Context<'_>) {
    let kind = cx
        .sibling(2)
        .map(|kind| kind.text().into_owned())
        .unwrap_or_default();
    let mut values: Vec<Value> = field
        .repetitions()
        .filter_map(|one| value::read(&kind, one, cx))
        .collect();
    let mut lines = Vec::new();
    for value in &values {
        if let Value::Text(line) = value {
            lines.push(line.as_str());
        }
    }
    if !lines.is_empty() {
        if lines.len() > 1 {
            content.extension.push(keep::mark(REPETITIONS));
        }
        cx.record_field(field, Outcome::Transformed, ".data", "");
        content.attachment = Some(Box::new(of_text(&lines.join("\n"))));
        return;
    }
    if values.len() > 1 {
        // One OBX, one content: the other repetitions travel as they were sent.
        keep::read_field(field, content, cx);
        values.truncate(1);
    }
    if let Some(Value::Attachment(found)) = values.pop() {
        content.attachment = Some(found);
    }
}

fn of_text(text: &str) -> Attachment {
    Attachment {
        content_type: Some(Text::const_new(PLAIN)),
        data: Some(Text::from(BASE64.encode(text))),
        ..Attachment::default()
    }
}

/// The text of a content that is plain text.
fn text_of(content: &DocumentReferenceContent) -> Option<String> {
    let attachment = content.attachment.as_deref()?;
    let plain = attachment
        .content_type
        .as_deref()
        .is_some_and(|mime| mime.starts_with(PLAIN));
    let data = attachment.data.as_deref().filter(|_| plain)?;
    String::from_utf8(BASE64.decode(data).ok()?).ok()
}

fn implied(content: &DocumentReferenceContent) -> &'static str {
    let Some(attachment) = &content.attachment else {
        return "";
    };
    match (text_of(content), &attachment.data, &attachment.url) {
        (Some(_), _, _) => "TX",
        (None, Some(_), _) => "ED",
        (None, None, Some(_)) => "RP",
        (None, None, None) => "",
    }
}

fn read_kind(field: Field<'_>, content: &mut DocumentReferenceContent, cx: &mut Context<'_>) {
    let kind = cx.peek(field).map(|kind| kind.into_owned()).unwrap_or_default();
    if content.attachment.is_none() && matches!(kind.as_str(), "TX" | "FT") {
        // An OBX without a value is an empty line.
        content.attachment = Some(Box::new(of_text("")));
    }
    if kind == implied(content) {
        cx.take(field, ".contentType");
    } else {
        keep::read_field(field, content, cx);
    }
}

fn write_kind(content: &DocumentReferenceContent, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(content, field, back);
    if field.is_empty() {
        field.set(implied(content));
    }
}

fn write_content(content: &DocumentReferenceContent, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(content, field, back);
    let Some(attachment) = content.attachment.as_deref().filter(|_| field.is_empty()) else {
        return;
    };
    let kind = keep::carried_text(&content.extension, "OBX-2").map_or(implied(content), Text::as_str);
    match text_of(content).filter(|_| kind != "ED") {
        Some(text) if keep::is_marked(&content.extension, REPETITIONS) => {
            for line in text.split('\n') {
                Found::Text(&Text::from(line)).write(kind, field.repetition(), back);
            }
        }
        Some(text) => Found::Text(&Text::from(text)).write(kind, field.repetition(), back),
        None if attachment.data.is_some() => attachment::write_ed(attachment, field.repetition()),
        None => attachment::write_rp(attachment, field.repetition()),
    }
}

/// Adds a line of text to the content before it, when all else about the two is the same.
pub(crate) fn join_line(before: &mut DocumentReferenceContent, line: &DocumentReferenceContent) -> bool {
    let others = |content: &DocumentReferenceContent| -> Vec<fhir::Extension> {
        let own = |one: &&fhir::Extension| one.url.as_deref() == Some(keep::FIELD);
        content.extension.iter().filter(own).cloned().collect()
    };
    let repeated = |content: &DocumentReferenceContent| keep::is_marked(&content.extension, REPETITIONS);
    let (Some(whole), Some(more)) = (text_of(before), text_of(line)) else {
        return false;
    };
    if repeated(before) || repeated(line) || more.contains('\n') || others(before) != others(line) {
        return false;
    }
    let joined = keep::is_marked(&before.extension, LINES);
    if !joined && whole.contains('\n') {
        return false;
    }
    if !joined {
        before.extension.push(keep::mark(LINES));
    }
    before.attachment = Some(Box::new(of_text(&format!("{whole}\n{more}"))));
    true
}

/// FHIR wants an attachment, and one that holds something.
pub(crate) fn settle(content: &mut DocumentReferenceContent) {
    let empty = content
        .attachment
        .as_deref()
        .is_none_or(|one| one.data.as_deref().is_none_or(str::is_empty) && one.url.is_none());
    if empty {
        content.attachment = Some(Box::new(unknown()));
    }
}

/// A content that stays with the sender.
fn unknown() -> Attachment {
    Attachment {
        extension: msh::absent().map(|element| element.extension).unwrap_or_default(),
        ..Attachment::default()
    }
}

/// The contents as OBX hold them: one for each line where that is how they came.
pub(crate) fn split_lines(content: &DocumentReferenceContent) -> Vec<DocumentReferenceContent> {
    let Some(text) = text_of(content).filter(|_| keep::is_marked(&content.extension, LINES)) else {
        return vec![content.clone()];
    };
    let line = |line: &str| DocumentReferenceContent {
        attachment: Some(Box::new(of_text(line))),
        ..content.clone()
    };
    text.split('\n').map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PID, back, first, message, read, round_trip};

    #[test]
    fn a_document_comes_back() {
        let txa = "TXA|1|DS^Discharge summary^L|TX|20260302|C1^Consult^Clara|20260302101500|||C1^Consult^Clara|C2^Sign^Sam||D1^RYJ||P1|F1|letter.pdf|LA|R|AV||Typing";
        let bundle = round_trip("T02", &[PID], txa);
        let document: &DocumentReference = first(&bundle);
        assert_eq!(document.status.as_deref(), Some("current"));
        assert_eq!(document.doc_status.as_deref(), Some("final"));
        assert_eq!(document.date.as_deref(), Some("2026-03-02T10:15:00+00:00"));
    }

    #[test]
    fn an_addendum_appends_and_a_replacement_replaces() {
        for (event, code) in [("T06", "appends"), ("T10", "replaces")] {
            let bundle = round_trip(event, &[PID], "TXA|1|DS||||||||||D2^RYJ|D1^RYJ||||AU");
            let document: &DocumentReference = first(&bundle);
            assert_eq!(document.relates_to[0].code.as_deref(), Some(code));
        }
        let bundle = round_trip("T11", &[PID], "TXA|1|DS||||||||||D2^RYJ");
        assert_eq!(
            first::<DocumentReference>(&bundle).status.as_deref(),
            Some("entered-in-error")
        );
        let bundle = round_trip("T01", &[PID], "TXA|1|DS||||||||||D2^RYJ|||||DO||OB");
        assert_eq!(
            first::<DocumentReference>(&bundle).status.as_deref(),
            Some("superseded")
        );
    }

    #[test]
    fn lines_are_one_text_and_come_back_as_lines() {
        let obx = [
            "OBX|1|TX|DS^Discharge summary^L||Dear Doctor,||||||F",
            "OBX|2|TX|DS^Discharge summary^L||||||||F",
            "OBX|3|TX|DS^Discharge summary^L||she went home \\T\\ is well.||||||F",
            "OBX|4|ED|DS^Discharge summary^L||REPORT^AP^PDF^Base64^JVBERi0xLjQK||||||F",
            "OBX|5|FT|X||One~Two",
            "OBX|6|RP|X||http://example.invalid/1.png^ARCHIVE^IM^PNG",
        ];
        let segments = [&[PID, "TXA|1|DS||||||||||D2^RYJ"][..], &obx].concat();
        let (bundle, ledger) = read(&message("T02", &segments));
        assert_eq!(ledger.totals().lost, 0);
        let document: &DocumentReference = first(&bundle);
        assert_eq!(document.content.len(), 4);
        assert_eq!(
            text_of(&document.content[0]).as_deref(),
            Some("Dear Doctor,\n\nshe went home & is well.")
        );
        let written = back(&bundle);
        let lines: Vec<&String> = written.iter().filter(|line| line.starts_with("OBX")).collect();
        assert_eq!(lines, obx);
    }

    #[test]
    fn an_order_and_a_finding_belong_to_the_document() {
        let segments = [
            PID,
            "ORC|RE|P1|F1",
            "OBR|1|P1|F1|ECHO^Echocardiogram^L",
            "TXA|1|DS||||||||||D2^RYJ",
            "OBX|1|NM|EF^Ejection fraction^L||55|%|||||F",
        ];
        let (bundle, ledger) = read(&message("T02", &segments));
        assert_eq!(ledger.totals().lost, 0);
        let document: &DocumentReference = first(&bundle);
        assert_eq!(document.context.as_ref().unwrap().related.len(), 2);
        assert_eq!(back(&bundle).get(2..).unwrap(), segments);
    }
}
