//! Any bytes as a file of messages: parts in order, none overlapping, no message with two headers.
#![no_main]

use hl7v2::{Message, ParseError, PartKind, read_batch};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let mut end = 0;
    let mut line = 0;
    for part in read_batch(file) {
        assert!(
            part.range.start >= end && part.range.end >= part.range.start && part.range.end <= file.len()
        );
        assert!(part.line >= line);
        (end, line) = (part.range.end, part.line);
        let _ = (
            part.field(0).text(),
            part.field(1).text(),
            part.field(2).text(),
            part.field(11).text(),
        );
        if part.kind == PartKind::Message {
            let error = Message::parse(part.bytes()).err();
            assert!(!matches!(
                error,
                Some(ParseError::SecondHeader { .. } | ParseError::NoHeader { .. })
            ));
        }
    }
});
