//! The same bytes through `hl7-parser` 0.3.0, the most used HL7 v2 crate: where both answer they must agree, and
//! where they do not, the test says who is right and by which page of the standard (HL7 v2.5.1, chapter 2).

use hl7v2::Message;

/// Every populated leaf but MSH-1 and MSH-2, decoded.
fn own(bytes: &str) -> Vec<String> {
    let message = Message::parse(bytes.as_bytes()).expect("we read every message of this test");
    let leaves = message
        .leaves()
        .filter(|leaf| !(leaf.location.segment == "MSH" && leaf.location.field <= 2));
    leaves
        .map(|leaf| {
            if leaf.is_null() {
                "\"\"".to_owned()
            } else {
                leaf.text().into_owned()
            }
        })
        .collect()
}

/// The same of the rival; none when it refuses the message.
fn rival(bytes: &str) -> Option<Vec<String>> {
    let message = hl7_parser::Message::parse(bytes).ok()?;
    let mut leaves = Vec::new();
    for segment in message.segments() {
        let header = if segment.name == "MSH" { 2 } else { 0 };
        for field in segment.fields().skip(header) {
            for component in field.repeats().flat_map(|repeat| repeat.components()) {
                for subcomponent in component.subcomponents() {
                    let text = message.separators.decode(subcomponent.raw_value()).to_string();
                    leaves.extend((!text.is_empty()).then_some(text));
                }
            }
        }
    }
    Some(leaves)
}

#[test]
fn both_read_ordinary_messages_alike() {
    let ordinary = [
        include_str!("../../../fixtures/bench/adt_a01.hl7"),
        include_str!("../../../fixtures/bench/oru_r01.hl7"),
        "MSH|^~\\&|A|B|C|D|20240101||ADT^A01^ADT_A01|1|T|2.5\rPID|1||9^^^X&1.2&ISO^MR~8||A^B||||\rPV1||\"\"\r",
        "MSH|^~\\&|A\rNTE|1||a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f\r",
        "MSH|^~\\&|A\rNTE|1||a\\X0D\\b",
        "MSH*:+!%*A\rPID*1**9:::X%1.2*a+b!T!c\r",
    ];
    for bytes in ordinary {
        assert_eq!(Some(own(bytes)), rival(bytes));
    }
}

/// One disagreement: the bytes, what each side reads, and why we are right.
struct Disagreement {
    bytes: &'static str,
    own: &'static [&'static str],
    rival: Option<&'static [&'static str]>,
}

const DISAGREEMENTS: &[Disagreement] = &[
    // "Rules for the recipient": what is not expected is ignored, and reading goes on. A blank line ends the rival's
    // reading, and it answers Ok: a result message loses its results. We are right to read on.
    Disagreement {
        bytes: "MSH|^~\\&|A\r\rPID|1\r",
        own: &["A", "1"],
        rival: Some(&["A"]),
    },
    // As above, for a line that names no segment: we report it and read on, the rival stops and says Ok.
    Disagreement {
        bytes: "MSH|^~\\&|A\rPV|x\rPID|1\r",
        own: &["A", "1"],
        rival: Some(&["A"]),
    },
    // "Message delimiters": the segment terminator is CR. LF is what files and editors make of it. To the letter the
    // rival is right that LF ends nothing, but its reading has no PID and MSH-3 spans two lines; we take LF and CRLF
    // for the terminators they were.
    Disagreement {
        bytes: "MSH|^~\\&|A\nPID|1\n",
        own: &["A", "1"],
        rival: Some(&["A\nPID", "1\n"]),
    },
    // "Use of escape sequences in text fields": a sequence is two escape characters with a code between; this is not one, so it is text.
    // The rival drops the rest of the value; we are right.
    Disagreement {
        bytes: "MSH|^~\\&|A\rNTE|C:\\dir\r",
        own: &["A", "C:\\dir"],
        rival: Some(&["A", "C:"]),
    },
    // "Local" escape sequences (`\Z..\`) are for sites to agree on: without an agreement, the sequence is kept for those who have.
    // The rival takes its markers away, after which nobody can tell that there was one; we are right.
    Disagreement {
        bytes: "MSH|^~\\&|A\rNTE|a\\Zx\\b\r",
        own: &["A", "a\\Zx\\b"],
        rival: Some(&["A", "aZxb"]),
    },
    // "Hexadecimal": `\Xdddd...\` is pairs of digits, one byte each. Two bytes are one character in UTF-8; the rival reads
    // only sequences of one byte; we are right.
    Disagreement {
        bytes: "MSH|^~\\&|A\rNTE|M\\XC3BC\\ller\r",
        own: &["A", "M\u{fc}ller"],
        rival: Some(&["A", "MXC3BCller"]),
    },
    // "Formatted text": `\.br\` begins a new output line. The standard names no character for it; we give LF, the
    // rival CR, which ends the segment when somebody writes it back unescaped. Both may be right, ours is safer.
    Disagreement {
        bytes: "MSH|^~\\&|A\rNTE|a\\.br\\b\r",
        own: &["A", "a\nb"],
        rival: Some(&["A", "a\rb"]),
    },
    // Version 2.7, MSH-2: the fifth encoding character announces truncation and divides nothing. The
    // rival takes it for a value of its own before MSH-3; we are right.
    Disagreement {
        bytes: "MSH|^~\\&#|A|B|C|D|1||ADT^A01|1\r",
        own: &["A", "B", "C", "D", "1", "ADT", "A01", "1"],
        rival: Some(&["#", "A", "B", "C", "D", "1", "ADT", "A01", "1"]),
    },
    // Blank lines and a byte order mark before MSH are no part of a message. The rival may refuse them; we skip and
    // report them, because files have them.
    Disagreement {
        bytes: "\r\nMSH|^~\\&|A\r",
        own: &["A"],
        rival: None,
    },
    Disagreement {
        bytes: "\u{feff}MSH|^~\\&|A\r",
        own: &["A"],
        rival: None,
    },
];

#[test]
fn every_disagreement_is_known() {
    for Disagreement {
        bytes,
        own: ours,
        rival: theirs,
    } in DISAGREEMENTS
    {
        assert_eq!(own(bytes), *ours, "own reading of {bytes:?}");
        let theirs = theirs.map(|leaves| leaves.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(rival(bytes), theirs, "hl7-parser's reading of {bytes:?}");
    }
}

#[test]
fn only_one_of_them_writes_back_what_it_read() {
    // "Message delimiters": `^` divides components, `~` repetitions. The rival writes components with the repetition separator.
    let bytes = "MSH|^~\\&|A\rPID|1||A^B&C~D^E\r";
    let mut own = Vec::new();
    Message::parse(bytes.as_bytes()).unwrap().write(&mut own);
    assert_eq!(own, bytes.as_bytes());
    let rival = hl7_parser::Message::parse(bytes).unwrap();
    let field = rival.segment("PID").unwrap().field(3).unwrap();
    assert_eq!(field.display(&rival.separators).to_string(), "A~B&C~D~E");
}

#[test]
fn two_messages_in_one_frame_are_refused_by_us_alone() {
    // "MSH - message header segment": a message has one header. Reading two as one would give the second patient's data to the first.
    let bytes = "MSH|^~\\&|A\rPID|1\rMSH|^~\\&|B\rPID|2\r";
    assert!(matches!(
        Message::parse(bytes.as_bytes()),
        Err(hl7v2::ParseError::SecondHeader { line: 3 })
    ));
    assert!(hl7_parser::Message::parse(bytes).is_ok());
}
