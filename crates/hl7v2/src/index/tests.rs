//! What the index makes of good lines, bad lines and too many of either; and that both scans agree.

use proptest::prelude::*;

use super::*;

/// Segments as `ID[occurrence]/fields`, and junk by line.
type Shape = (Vec<String>, Vec<(u32, JunkKind)>);

fn shape(bytes: &[u8]) -> Result<Shape, ParseError> {
    let message = Message::parse(bytes)?;
    let segments = message
        .segments()
        .map(|s| format!("{}[{}]/{}", s.id(), s.occurrence(), s.field_count()))
        .collect();
    Ok((
        segments,
        message.junk().iter().map(|junk| (junk.line, junk.kind)).collect(),
    ))
}

fn segments(bytes: &[u8]) -> Vec<String> {
    shape(bytes).unwrap().0
}

#[test]
fn every_terminator_and_mixture_divides_the_same_way() {
    let expected = ["MSH[1]/3", "PID[1]/2", "ZZ1[1]/0"];
    for terminator in ["\r", "\n", "\r\n", "\r\r", "\n\n", "\r\n\r\n", "\n\r", "\r\r\n"] {
        let bytes = ["MSH|^~\\&|", "PID|1|", "ZZ1"].join(terminator);
        assert_eq!(segments(bytes.as_bytes()), expected, "{terminator:?}");
        assert_eq!(
            segments(format!("{bytes}{terminator}").as_bytes()),
            expected,
            "{terminator:?} at the end"
        );
        assert_eq!(shape(bytes.as_bytes()).unwrap().1, []);
    }
    assert_eq!(segments(b"MSH|^~\\&|\r\nPID|1|\nZZ1\r"), expected);
}

#[test]
fn what_precedes_the_header_is_skipped_and_reported() {
    for lead in ["\n\n", "\u{feff}", "\x0b", " \r\n\x0b", "\x1c\r\x0b"] {
        let bytes = format!("{lead}MSH|^~\\&|A\r");
        let message = Message::parse(bytes.as_bytes()).unwrap();
        let end = u32::try_from(lead.len()).unwrap();
        assert_eq!(
            message.junk(),
            [Junk {
                line: 1,
                start: 0,
                end,
                kind: JunkKind::Padding
            }]
        );
        assert_eq!(message.field("MSH", 3).raw(), b"A");
    }
}

#[test]
fn junk_lines_are_reported_and_swallow_nothing() {
    let bytes = b"MSH|^~\\&|A\r\nPV|x|y\r\rhello world\npid|1\nPIDX|1\n\x1c\n|\nPID|1|2\r";
    let (segments, junk) = shape(bytes).unwrap();
    assert_eq!(segments, ["MSH[1]/3", "PID[1]/2"]);
    let line = |n| (n, JunkKind::Line);
    assert_eq!(
        junk,
        [
            line(2),
            line(4),
            line(5),
            line(6),
            (7, JunkKind::Padding),
            line(8)
        ]
    );
    let message = Message::parse(bytes).unwrap();
    assert_eq!(
        message.field("PID", 2).text(),
        "2",
        "separators of junk lines are forgotten"
    );
    let Junk { start, end, .. } = message.junk()[1];
    assert_eq!(&bytes[start as usize..end as usize], b"hello world");
}

#[test]
fn occurrences_count_per_id() {
    let bytes = b"MSH|^~\\&\rOBR|\rOBX|\rNTE|\rOBX|\rOBR|\rOBX|\rZZ\rNTE|";
    let expected = [
        "MSH[1]/2", "OBR[1]/1", "OBX[1]/1", "NTE[1]/1", "OBX[2]/1", "OBR[2]/1", "OBX[3]/1", "NTE[2]/1",
    ];
    assert_eq!(segments(bytes), expected);
    let all: String = (0..60_000).map(|n| format!("Z{:02}\r", n % 100)).collect();
    let all = format!("MSH|^~\\&\r{all}");
    let message = Message::parse(all.as_bytes()).unwrap();
    assert_eq!(
        message.segment_at(60_000).unwrap().location().to_string(),
        "Z99[600]"
    );
}

#[test]
fn headers_that_are_none_say_which_line() {
    let refused = |bytes: &[u8]| shape(bytes).unwrap_err();
    assert_eq!(refused(b""), ParseError::Empty);
    assert_eq!(refused(b"\r\n \x0b\x1c\r"), ParseError::Empty);
    assert_eq!(refused(b"GET / HTTP/1.1\r\n"), ParseError::NoHeader { line: 1 });
    assert_eq!(refused(b"\r\n\nPID|1\r"), ParseError::NoHeader { line: 3 });
    assert_eq!(
        refused(b"\rFHS|^~\\&\r"),
        ParseError::IsBatch {
            line: 2,
            header: "FHS"
        }
    );
    assert_eq!(
        refused(b"BHS|^~\\&\r"),
        ParseError::IsBatch {
            line: 1,
            header: "BHS"
        }
    );
    assert_eq!(
        refused(b"MSH"),
        ParseError::Delimiters(crate::DelimiterError::TooFew)
    );
    assert_eq!(
        refused(b"MSH|^~\\&|A\r\n\r\nMSH|^~\\&|B\r"),
        ParseError::SecondHeader { line: 3 }
    );
    assert_eq!(refused(b"M\0S\0H\0|\0"), ParseError::WideCharacters);
    assert_eq!(refused(b"\xFF\xFEM\0S\0"), ParseError::WideCharacters);
}

#[test]
fn literal_terminators_are_refused_alone_and_taken_off_before_real_ones() {
    let one_line = b"MSH|^~\\&|A|\\rPID|1\\rPV1|1";
    assert_eq!(shape(one_line).unwrap_err(), ParseError::LiteralTerminators);
    let both = b"MSH|^~\\&|A\\r\nPID|1|x\\r\nNTE|C:\\rPID\n";
    let message = Message::parse(both).unwrap();
    assert_eq!(message.field("MSH", 3).text(), "A");
    assert_eq!(message.field("PID", 2).raw(), b"x");
    assert_eq!(message.field("NTE", 1).text(), "C:\\rPID");
    assert_eq!(
        message.junk(),
        [Junk {
            line: 1,
            start: 10,
            end: 12,
            kind: JunkKind::Padding
        }]
    );
    let text = b"MSH|^~\\&|A\nNTE|C:\\r\n";
    assert_eq!(
        Message::parse(text).unwrap().field("NTE", 1).text(),
        "C:\\r",
        "a value of its own is kept"
    );
}

#[test]
fn limits_hold_to_the_last_one_allowed() {
    let with =
        |body: String| shape(format!("MSH|^~\\&\r{body}").as_bytes()).map(|(segments, _)| segments.len());
    assert_eq!(with("ZZZ\r".repeat(SEGMENTS_MAX - 1)), Ok(SEGMENTS_MAX));
    let line = u32::try_from(SEGMENTS_MAX).unwrap() + 1;
    assert_eq!(
        with("ZZZ\r".repeat(SEGMENTS_MAX)),
        Err(ParseError::TooManySegments {
            line,
            limit: SEGMENTS_MAX
        })
    );
    assert_eq!(with(format!("ZZZ{}", "|".repeat(FIELDS_MAX))), Ok(2));
    let fields = with(format!("ZZZ{}", "|".repeat(FIELDS_MAX + 1)));
    assert_eq!(
        fields,
        Err(ParseError::TooManyFields {
            line: 2,
            limit: FIELDS_MAX
        })
    );
    let fields = with("|".repeat(FIELDS_MAX + 1));
    assert_eq!(
        fields,
        Err(ParseError::TooManyFields {
            line: 2,
            limit: FIELDS_MAX
        }),
        "in a junk line too"
    );
    let row = format!("ZZZ{}\r", "|".repeat(50_000));
    assert_eq!(with(row.repeat(83)), Ok(84));
    let total = with(row.repeat(84));
    assert_eq!(
        total,
        Err(ParseError::TooManyFields {
            line: 85,
            limit: MESSAGE_FIELDS_MAX
        })
    );
    assert_eq!(with(format!("ZZZ|{}", "~".repeat(INSIDE_FIELD_MAX - 1))), Ok(2));
    let location = "ZZZ-1".parse().unwrap();
    let inside = with(format!("ZZZ|{}", "^&~".repeat(INSIDE_FIELD_MAX / 3)));
    assert_eq!(
        inside,
        Err(ParseError::TooManyInsideField {
            location,
            limit: INSIDE_FIELD_MAX
        })
    );
    assert_eq!(with("x\r".repeat(JUNK_LINES_MAX)), Ok(1));
    let junk = with("x\r".repeat(JUNK_LINES_MAX + 1));
    assert_eq!(
        junk,
        Err(ParseError::TooManyJunkLines {
            line: 1_002,
            limit: JUNK_LINES_MAX
        })
    );
}

#[test]
fn a_huge_message_does_not_keep_its_memory() {
    let mut index = Index::new();
    let huge = format!("MSH|^~\\&\r{}", format!("ZZZ{}\r", "|".repeat(60_000)).repeat(6));
    index.parse(huge.as_bytes()).unwrap();
    index.parse(b"MSH|^~\\&\r").unwrap();
    assert!(index.marks.capacity() <= marks::SEPARATORS_KEPT_MAX);
}

/// What a scan left behind.
#[cfg(target_arch = "x86_64")]
fn marked(bytes: &[u8], scan: impl FnOnce(&[u8], usize, u8, &mut Marks)) -> (Vec<u32>, Vec<marks::LineMark>) {
    let mut marks = Marks::default();
    scan(bytes, 0, b'|', &mut marks);
    (marks.separators().to_vec(), marks.lines)
}

#[cfg(target_arch = "x86_64")]
#[test]
fn both_scans_agree_at_every_length_and_offset() {
    for length in 0..200 {
        for lead in [0, 1, 31, 63] {
            let bytes: Vec<u8> = std::iter::repeat_n(b'\n', lead)
                .chain(*b"MSH|^~\\&")
                .chain(
                    b"|a|bc\rPID||~\n||||||||||\r\nxyz\r"
                        .iter()
                        .copied()
                        .cycle()
                        .take(length),
                )
                .collect();
            assert_eq!(
                marked(&bytes, scan),
                marked(&bytes, scalar::scan),
                "{length} {lead}"
            );
        }
    }
}

#[cfg(target_arch = "x86_64")]
proptest! {
    #[test]
    fn both_scans_agree_on_anything(body in proptest::collection::vec(prop_oneof![
        3 => Just(b'|'), 1 => Just(b'\r'), 1 => Just(b'\n'), 2 => b'A'..=b'Z', 1 => any::<u8>(),
    ], 0..600)) {
        prop_assert_eq!(marked(&body, scan), marked(&body, scalar::scan));
    }

    #[test]
    fn both_searches_agree_on_anything(block in any::<[[u8; 8]; 8]>(), any in any::<[u8; 3]>()) {
        let mut block: [u8; BLOCK] = block.concat().try_into().unwrap();
        block[usize::from(any[0] % 64)] = any[1];
        prop_assert_eq!(find_any(&block, any), scalar::find_any(&block, any));
    }
}
