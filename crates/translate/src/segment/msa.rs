//! MSA to MessageHeader.response and back. Guide: "Segment MSA to MessageHeader".

use fhir::{MessageHeader, MessageHeaderResponse};

use crate::datatype::code;
use crate::keep;
use crate::row::SegmentMap;

type Row = crate::row::Row<MessageHeader>;

/// MSA to MessageHeader.
pub(crate) static MSA: SegmentMap<MessageHeader> = SegmentMap {
    segment: "MSA",
    resource: "MessageHeader",
    rows: &[
        Row::new(
            1,
            "response.code",
            |field, header, cx| {
                let (code, sibling) = code::read(field, &cx.vocabulary.response_code, cx, "");
                let response = header.response.get_or_insert_default();
                (response.code, response.code_element) = (code, sibling);
            },
            |header, field, back| {
                let Some(response) = &header.response else { return };
                let table = &back.vocabulary.response_code;
                let code = code::write(response.code.as_ref(), &response.code_element, table);
                field.repetition().optional(1, code.as_ref());
            },
        )
        .note("table 0008"),
        text!(2, "response.identifier", response => identifier),
        Row::kept(3),
        Row::kept(4),
        Row::kept(5),
        Row::kept(6),
        Row::kept(7),
        Row::kept(8),
    ],
};

/// R4 has no response without the message it answers and a code: what is not known is said to be absent.
pub(crate) fn complete(header: &mut MessageHeader) {
    let Some(response) = &mut header.response else {
        return;
    };
    if response.identifier.is_none() {
        response.identifier_element = crate::segment::msh::absent();
    }
    if response.code.is_none() && response.code_element.is_none() {
        response.code_element = crate::segment::msh::absent();
    }
    if *response == MessageHeaderResponse::default() {
        header.response = None;
    }
}

/// True when the header answers another message.
pub(crate) fn answers(header: &MessageHeader) -> bool {
    header.response.is_some() || keep::carried(&header.extension, "MSA-3").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{comes_back, first};

    #[test]
    fn an_answer_comes_back() {
        let bundle = comes_back("A01", &["MSA|AE|MSG1|Wrong ward"], &["MSA"]);
        let response = first::<MessageHeader>(&bundle).response.as_ref().unwrap();
        assert_eq!(response.code.as_deref(), Some("transient-error"));
        comes_back("A01", &["MSA|CA|MSG1"], &["MSA"]);
    }

    #[test]
    fn an_odd_code_and_a_missing_number_are_no_reason_to_fail() {
        let bundle = comes_back("A01", &["MSA|XX"], &["MSA"]);
        let response = first::<MessageHeader>(&bundle).response.as_ref().unwrap();
        assert!(response.code.is_none() && response.code_element.is_some());
    }
}
