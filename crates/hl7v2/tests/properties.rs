//! What holds for every input: no panic, nothing lost, nothing invented.

use hl7v2::{
    Batch, Builder, Charset, Delimiters, Encoding, Index, Location, Message, PartKind, Presence, Time, ack,
    escape, nhs, read_batch,
};
use proptest::prelude::*;

/// Bytes that look like HL7 often enough to get past the header.
fn hl7ish() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"|".to_vec()),
        2 => prop_oneof![Just("\r"), Just("\n"), Just("\r\n"), Just("\r\r")].prop_map(|s| s.as_bytes().to_vec()),
        2 => prop_oneof![Just("^"), Just("~"), Just("&"), Just("\\"), Just("#"), Just("\"\""), Just("\\T\\")]
            .prop_map(|s| s.as_bytes().to_vec()),
        3 => prop_oneof![Just("PID|"), Just("OBX|"), Just("ZZ1"), Just("PV"), Just("MSH|"), Just("BTS|1")]
            .prop_map(|s| s.as_bytes().to_vec()),
        2 => "[A-Za-z0-9 ]{0,6}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
    ];
    let header = prop_oneof![
        6 => Just(b"MSH|^~\\&|".to_vec()),
        1 => Just(b"MSH|^~\\&#|A^B~C|".to_vec()),
        1 => Just(b"MSH*:+!%*x:y%z*".to_vec()),
        1 => Just(b"MSH|^~|a".to_vec()),
        1 => Just(b"\xEF\xBB\xBF\r\nMSH|^~\\&|".to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..12),
    ];
    (header, proptest::collection::vec(piece, 0..40))
        .prop_map(|(header, pieces)| [header, pieces.concat()].concat())
}

/// Reads a message every way there is; anything that could panic gets the chance to.
fn read_all(message: &Message<'_>) {
    for segment in message.segments() {
        for field in segment.fields() {
            let _ = (
                field.text(),
                field.full_text(),
                field.checked_text().is_ok(),
                field.repetition_count(),
            );
            for repetition in field.repetitions() {
                for component in repetition.components() {
                    for subcomponent in component.subcomponents() {
                        let _ = (subcomponent.text(), subcomponent.presence());
                    }
                }
            }
        }
        assert_eq!(
            segment.field(segment.field_count() + 1).presence(),
            Presence::Absent
        );
        assert_eq!(segment.field(0).presence(), Presence::Absent);
    }
    let _ = (
        message.undecodable().count(),
        nhs::live_numbers(message, &nhs::Ranges::default()),
    );
    let _ = (
        ack::read(message).is_ok(),
        ack::wanted(&message.header(), true),
        format!("{message:?}"),
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_parse_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(message) = Message::parse(&bytes) {
            read_all(&message);
        }
    }

    #[test]
    fn parse_then_print_is_the_identity(bytes in hl7ish()) {
        if let Ok(message) = Message::parse(&bytes) {
            read_all(&message);
            let mut printed = Vec::new();
            message.write(&mut printed);
            prop_assert_eq!(printed, bytes);
        }
    }

    #[test]
    fn no_byte_is_left_unread(bytes in hl7ish()) {
        let Ok(message) = Message::parse(&bytes) else { return Ok(()) };
        let mut read = vec![false; bytes.len()];
        let segments = message.segments().map(|segment| segment.start()..segment.end());
        let junk = message.junk().iter().map(|junk| junk.start as usize..junk.end as usize);
        for at in segments.chain(junk).flatten() {
            prop_assert!(!read[at], "byte {} is read twice", at);
            read[at] = true;
        }
        // Line ends, and the literal ones that a header with such an end announces, belong to nobody.
        let literal = message.junk().iter().any(|junk| bytes[junk.start as usize..].starts_with(b"\\r"));
        for (at, read) in read.iter().enumerate() {
            let terminator = matches!(bytes[at], b'\r' | b'\n');
            prop_assert!(*read || terminator || (literal && b"\\r".contains(&bytes[at])), "byte {} is lost", at);
        }
    }

    #[test]
    fn a_reused_index_reads_as_a_fresh_one(first in hl7ish(), second in hl7ish()) {
        let mut index = Index::new();
        drop(index.parse(&first));
        let seen = |message: &Message<'_>| -> Vec<(Location, Vec<u8>)> {
            message.leaves().map(|leaf| (leaf.location, leaf.raw.to_vec())).collect()
        };
        let reused = index.parse(&second).map(|message| (seen(&message), message.junk().to_vec()));
        let fresh = Message::parse(&second).map(|message| (seen(&message), message.junk().to_vec()));
        prop_assert_eq!(reused, fresh);
    }

    #[test]
    fn every_leaf_is_found_at_its_location(bytes in hl7ish()) {
        let Ok(message) = Message::parse(&bytes) else { return Ok(()) };
        let mut previous = None;
        for leaf in message.leaves() {
            let value = message.value(&leaf.location);
            prop_assert_eq!(value.raw(), leaf.raw);
            prop_assert_eq!(value.text(), leaf.text());
            prop_assert_eq!(leaf.location.to_string().parse::<Location>().map(Location::to_leaf), Ok(leaf.location));
            let segment = message.segments().position(|s| {
                (s.id(), s.occurrence()) == (leaf.location.segment, leaf.location.occurrence)
            });
            let place = Some((segment, leaf.location));
            prop_assert!(previous < place, "leaves come in order");
            previous = place;
        }
    }

    #[test]
    fn leaves_are_what_the_levels_hold(bytes in hl7ish()) {
        let Ok(message) = Message::parse(&bytes) else { return Ok(()) };
        let walked: Vec<&[u8]> = message.segments().flat_map(|s| s.fields())
            .flat_map(|f| f.repetitions()).flat_map(|r| r.components()).flat_map(|c| c.subcomponents())
            .map(|s| s.raw()).filter(|raw| !raw.is_empty()).collect();
        let leaves: Vec<&[u8]> = message.leaves().map(|leaf| leaf.raw).collect();
        prop_assert_eq!(leaves, walked);
    }

    #[test]
    fn what_is_escaped_reads_back(text in any::<String>(), truncation in proptest::option::of(Just(b'#'))) {
        let delimiters = Delimiters { truncation, ..Delimiters::STANDARD };
        for charset in [Charset::Utf8, Charset::Unstated] {
            let encoding = Encoding { delimiters, charset };
            for write in [escape::escape, escape::escape_formatted] {
                let mut raw = Vec::new();
                prop_assert_eq!(write(&text, &encoding, &mut raw), 0);
                prop_assert!(!raw.iter().any(|b| b"\r\n\x0b\x1c|^~&".contains(b)));
                prop_assert!(raw != b"\"\"");
                let read = escape::unescape(&raw, &encoding);
                prop_assert!(read == text || read == text.replace("\r\n", "\n"));
            }
        }
    }

    #[test]
    fn unescaping_any_bytes_writes_back_to_the_same_text(raw in proptest::collection::vec(
        prop_oneof![Just(b'\\'), Just(b'X'), Just(b'0'), Just(b'.'), Just(b'b'), Just(b'r'), Just(b'T'), any::<u8>()], 0..30,
    )) {
        let encoding = Encoding { charset: Charset::Latin1, ..Encoding::STANDARD };
        let (text, complete) = escape::unescape_checked(&raw, &encoding);
        prop_assert!(complete, "Latin-1 has every byte");
        let mut again = Vec::new();
        prop_assert_eq!(escape::escape(&text, &encoding, &mut again), 0);
        prop_assert_eq!(escape::unescape(&again, &encoding), text);
    }

    #[test]
    fn built_messages_read_back(values in proptest::collection::vec(
        (1..6_u16, 1..4_u16, 1..4_u16, 1..4_u16, any::<String>()), 0..12,
    )) {
        let mut builder = Builder::new(Encoding { charset: Charset::Utf8, ..Encoding::STANDARD });
        builder.segment("MSH").field(18, "UNICODE UTF-8");
        let mut expected = std::collections::BTreeMap::new();
        for (field, repetition, component, subcomponent, text) in &values {
            let segment = Location::of("PID", *field).with_repetition(*repetition);
            let location = segment.with_component(*component).with_subcomponent(*subcomponent);
            builder.set_at(&location, text).unwrap();
            expected.insert(location, text);
        }
        let bytes = builder.finish();
        let message = Message::parse(&bytes).unwrap();
        prop_assert_eq!(message.junk(), []);
        for (location, text) in &expected {
            prop_assert_eq!(message.value(location).text(), text.as_str());
        }
        let populated = expected.values().filter(|text| !text.is_empty()).count();
        prop_assert_eq!(message.leaves().filter(|leaf| leaf.location.segment == "PID").count(), populated);
    }

    #[test]
    fn times_come_back_as_written(text in "[0-9]{4,14}(\\.[0-9]{1,4})?([+-][0-9]{4})?") {
        if let Ok(time) = Time::parse(&text) {
            prop_assert_eq!(time.to_string(), text);
        }
    }

    #[test]
    fn any_text_is_a_time_or_an_error(text in any::<String>()) {
        if let Ok(time) = Time::parse(&text) {
            prop_assert_eq!(time.to_string(), text);
        }
    }

    #[test]
    fn batches_lose_no_message(bytes in hl7ish(), more in hl7ish()) {
        let file = [bytes, b"\rMSH|^~\\&|\r".to_vec(), more].concat();
        let parts: Vec<_> = read_batch(&file).collect();
        let mut end = 0;
        for part in &parts {
            prop_assert!(part.range.start >= end && part.range.end >= part.range.start);
            end = part.range.end;
        }
        prop_assert!(parts.iter().any(|part| part.kind == PartKind::Message));
        let messages = Batch::messages(read_batch(&file));
        for message in messages {
            // One MSH each: what comes out of a batch is never two messages.
            let error = Message::parse(message).err();
            let doubled = matches!(error, Some(hl7v2::ParseError::SecondHeader { .. }));
            prop_assert!(!doubled);
        }
    }

    #[test]
    fn every_frame_gets_an_answer(frame in hl7ish(), text in any::<String>()) {
        let ack = ack::Ack { code: ack::AckCode::AR, error: None, text: &text };
        let answer = ack::acknowledge_unreadable(&frame, &ack, "1", "20240101000000");
        let message = Message::parse(&answer).unwrap();
        prop_assert_eq!(ack::read(&message).map(|ack| ack.code), Ok(ack::AckCode::AR));
        prop_assert!(!answer.iter().any(|b| b"\n\x0b\x1c".contains(b)));
    }
}
