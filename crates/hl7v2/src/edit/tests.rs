//! The overlay against small messages, and against generated ones for what must always hold.

use proptest::prelude::*;

use super::*;
use crate::{Charset, Delimiters, Location, Presence};

const ADT: &[u8] = b"MSH|^~\\&|A|B|||202601011200||ADT^A01|1|P|2.4\rPID|1||1^^^X^MR~2||DOE^JANE^^^MRS|||1\rOBX|1|ST|a&b^c||x~y\rOBX|2|ST|d||z\r";

fn parsed(bytes: &[u8]) -> Message<'_> {
    Message::parse(bytes).unwrap()
}

fn written(edit: &Edit<'_>) -> String {
    let mut out = Vec::new();
    edit.finish(&mut out);
    String::from_utf8(out).unwrap().replace('\r', "\n")
}

fn location(place: &str) -> Location {
    place.parse::<Location>().unwrap().to_leaf()
}

#[test]
fn without_changes_the_segments_are_the_received_bytes() {
    let message = parsed(ADT);
    let mut out = Vec::new();
    Edit::new(&message).finish(&mut out);
    assert_eq!(out, ADT);
}

#[test]
fn reads_see_earlier_changes() {
    let message = parsed(ADT);
    let mut edit = Edit::new(&message);
    let pid = edit.first("PID").unwrap();
    assert_eq!(edit.text(pid.field(8)), "1");
    assert!(edit.set(pid.field(8), "F", Change::Transformed));
    assert!(
        !edit.set(pid.field(8), "F", Change::Transformed),
        "the same text again is no change"
    );
    assert_eq!(edit.text(location("PID-8")), "F");
    edit.set(pid.field(22).component(2), "a|b", Change::Defaulted);
    assert_eq!(edit.presence(pid.field(22)), Presence::Empty);
    assert_eq!(edit.presence(pid.field(40)), Presence::Absent);
    assert_eq!(edit.field_count(pid), 22);
    assert!(written(&edit).contains("PID|1||1^^^X^MR~2||DOE^JANE^^^MRS|||F||||||||||||||^a\\F\\b\n"));
}

#[test]
fn null_is_neither_text_nor_absence() {
    let message = parsed(b"MSH|^~\\&|A\rPID|1|\"\"||4\r");
    let mut edit = Edit::new(&message);
    let pid = edit.first("PID").unwrap();
    assert_eq!(edit.presence(pid.field(2)), Presence::Null);
    assert_eq!(edit.text(pid.field(2)), "");
    edit.move_to(pid.field(2), pid.field(3));
    edit.set_null(pid.field(4), Change::Transformed);
    edit.set(pid.field(5), "\"\"", Change::Transformed);
    assert!(
        written(&edit).contains("PID|1||\"\"|\"\"|\\X2222\\\n"),
        "a text of two quotes is not null"
    );
}

#[test]
fn values_move_with_their_shape() {
    let message = parsed(ADT);
    let mut edit = Edit::new(&message);
    let pid = edit.first("PID").unwrap();
    edit.move_to(pid.field(3).repetition(1), pid.field(18));
    edit.close_gaps(pid.field(3));
    edit.move_to(pid.field(5).component(5), pid.field(5).component(6));
    edit.copy_to(pid.field(5).component(2), pid.field(9).component(1));
    assert!(written(&edit).contains("PID|1||2||DOE^JANE^^^^MRS|||1|JANE|||||||||1^^^X^MR\n"));
}

#[test]
fn repetitions_sort_and_trace_says_where_they_went() {
    let message = parsed(b"MSH|^~\\&|A\rPID|||b~~c~a^1\r");
    let mut edit = Edit::traced(&message);
    let pid = edit.first("PID").unwrap();
    edit.sort_repetitions(pid.field(3), |edit, at| edit.text(at).is_empty());
    assert!(written(&edit).contains("PID|||b~c~a^1\n"));
    edit.sort_repetitions(pid.field(3), |edit, at| edit.text(at).into_owned());
    assert!(written(&edit).contains("PID|||a^1~b~c\n"));
    let trace = edit.trace();
    assert_eq!(
        trace.line(&location("PID-3[4].2")).unwrap().fate,
        Fate::Kept(location("PID-3[1].2"))
    );
}

#[test]
fn segments_come_go_move_and_change_their_names() {
    let message = parsed(ADT);
    let mut edit = Edit::traced(&message);
    let (pid, first) = (edit.first("PID").unwrap(), edit.first("OBX").unwrap());
    let new = edit.insert_segment(SegmentId::of("PV2"), Some(pid));
    edit.set(new.field(25), "U", Change::Transformed);
    edit.rule("Z");
    edit.rename_segment(first, SegmentId::of("ZZZ"));
    edit.move_segment(first, pid);
    assert_eq!(edit.occurrences("OBX"), 1);
    assert_eq!(edit.text(location("OBX-5")), "z");
    edit.remove_segment(edit.first("OBX").unwrap(), "not said here");
    assert!(written(&edit).ends_with("\nZZZ|1|ST|a&b^c||x~y\nPV2|||||||||||||||||||||||||U\n"));
    let trace = edit.trace();
    assert_eq!(
        trace.line(&location("OBX-3.1.2")).unwrap().fate,
        Fate::Kept(location("ZZZ-3.1.2"))
    );
    assert_eq!(
        trace.line(&location("OBX[2]-5")).unwrap().fate,
        Fate::Dropped("not said here")
    );
    assert_eq!(trace.added.len(), 1);
}

#[test]
fn a_trace_names_rule_change_and_note() {
    let message = parsed(ADT);
    let mut edit = Edit::traced(&message);
    let pid = edit.first("PID").unwrap();
    edit.rule("PID-8 > table");
    edit.set_noted(pid.field(8), "F", Change::Transformed, "was a number");
    edit.rule("PID-5");
    edit.note(pid.field(5), "looked at");
    edit.rule("PID-3 > PID-4");
    edit.move_to(pid.field(3).repetition(2), pid.field(4));
    edit.remark(pid.field(4), Change::Transformed, "a candidate");
    let trace = edit.trace();
    let line = |place: &str| *trace.line(&location(place)).unwrap();
    assert_eq!(line("PID-8").fate, Fate::Transformed(location("PID-8")));
    assert_eq!(
        (line("PID-8").rule, line("PID-8").note),
        ("PID-8 > table", "was a number")
    );
    assert_eq!(
        (line("PID-5").fate, line("PID-5").note),
        (Fate::Kept(location("PID-5")), "looked at")
    );
    assert_eq!(line("PID-3[2]").fate, Fate::Transformed(location("PID-4")));
    assert_eq!(
        (line("PID-3[2]").rule, line("PID-3[2]").note),
        ("PID-3 > PID-4", "a candidate")
    );
    assert_eq!(line("PID-5.2").rule, "");
}

#[test]
fn overwriting_by_a_move_is_no_silent_loss() {
    let message = parsed(ADT);
    let mut edit = Edit::traced(&message);
    let pid = edit.first("PID").unwrap();
    edit.rule("R");
    edit.move_to(pid.field(5).component(1), pid.field(5).component(2));
    let trace = edit.trace();
    assert!(matches!(
        trace.line(&location("PID-5.2")).unwrap().fate,
        Fate::Dropped(_)
    ));
    assert_eq!(
        trace.line(&location("PID-5.1")).unwrap().fate,
        Fate::Kept(location("PID-5.2"))
    );
}

#[test]
fn other_delimiters_and_character_sets_are_written_over() {
    let bytes =
        b"MSH#*!?@#A|B#C?F?D#####ADT*A01#1#P#2.4######8859/1\rPID###1***X!2@3##Zo\xeb*d^e?S?f?.br?g?Zx?h\r";
    let message = parsed(bytes);
    let mut edit = Edit::traced(&message);
    edit.encode_as(Encoding {
        delimiters: Delimiters::STANDARD,
        charset: Charset::Utf8,
    });
    assert_eq!(
        written(&edit),
        "MSH|^~\\&|A\\F\\B|C#D|||||ADT^A01|1|P|2.4||||||8859/1\nPID|||1^^^X~2&3||Zo\u{eb}^d\\S\\e*f\\.br\\g?Zx?h\n"
    );
    let ascii = Encoding {
        delimiters: Delimiters::STANDARD,
        charset: Charset::Ascii,
    };
    edit.encode_as(ascii);
    assert!(written(&edit).contains("Zo?"));
    let fate = edit.trace().line(&location("PID-5")).unwrap().fate;
    assert_eq!(
        fate,
        Fate::Transformed(location("PID-5")),
        "a lost character is said"
    );
}

/// Messages of few segments with every level and some emptiness in them.
fn message_bytes() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        Just(String::new()),
        Just("\"\"".to_owned()),
        "[a-c]{1,3}",
        Just("\\T\\x".to_owned())
    ];
    let field = prop::collection::vec((leaf, prop::sample::select(vec!["^", "~", "&", ""])), 0..5).prop_map(
        |parts| {
            parts
                .into_iter()
                .map(|(leaf, delimiter)| leaf + delimiter)
                .collect::<String>()
        },
    );
    let segment = (
        prop::sample::select(vec!["PID", "PV1", "OBX", "ZZZ"]),
        prop::collection::vec(field, 0..6),
    )
        .prop_map(|(id, fields)| format!("{id}|{}", fields.join("|")));
    prop::collection::vec(segment, 0..6)
        .prop_map(|segments| format!("MSH|^~\\&|A|B\r{}\r", segments.join("\r")).into_bytes())
}

/// Something a rule might do, at some place.
fn change() -> impl Strategy<Value = (u8, usize, u16, u16, u16, u16)> {
    (0..9u8, 0..6usize, 1..6u16, 0..3u16, 0..3u16, 1..6u16)
}

fn apply(
    edit: &mut Edit<'_>,
    (kind, ordinal, field, repetition, component, other): (u8, usize, u16, u16, u16, u16),
) {
    let Some(segment) = edit.segment_at(ordinal) else {
        return;
    };
    if edit.id(segment) == "MSH" {
        return;
    }
    let mut spot = segment.field(field).repetition(repetition);
    if component > 0 {
        spot = spot.component(component);
    }
    match kind {
        0 => _ = edit.set(spot, "new", Change::Transformed),
        1 => _ = edit.move_to(spot, segment.field(other).repetition(2)),
        2 => _ = edit.copy_to(spot, segment.field(other)),
        3 => _ = edit.drop(spot, "for a test"),
        4 => edit.remove_segment(segment, "for a test"),
        5 => edit.rename_segment(segment, SegmentId::of("ZZY")),
        6 => edit.close_gaps(spot),
        7 => edit.sort_repetitions(spot, |edit, at| edit.text(at).into_owned()),
        _ => edit.note(spot, "noted"),
    }
}

proptest! {
    #[test]
    fn every_received_leaf_is_accounted_for_exactly_once(
        bytes in message_bytes(),
        changes in prop::collection::vec(change(), 0..8),
    ) {
        let message = parsed(&bytes);
        let mut edit = Edit::traced(&message);
        edit.rule("test");
        for one in changes {
            apply(&mut edit, one);
        }
        let trace = edit.trace();
        let received: Vec<Location> = message.leaves().map(|leaf| leaf.location).collect();
        let accounted: Vec<Location> = trace.lines.iter().map(|line| line.from).collect();
        prop_assert_eq!(received, accounted);
        // And the output holds exactly what the trace places in it.
        let mut out = Vec::new();
        edit.finish(&mut out);
        let output = parsed(&out);
        let mut placed: Vec<Location> = trace.added.iter().map(|added| added.at).collect();
        placed.extend(trace.lines.iter().filter_map(|line| match line.fate {
            Fate::Kept(at) | Fate::Transformed(at) => Some(at),
            Fate::Dropped(_) => None,
        }));
        placed.sort();
        let mut written: Vec<Location> = output.leaves().map(|leaf| leaf.location).collect();
        written.sort();
        prop_assert_eq!(placed, written);
        for line in &trace.lines {
            if let Fate::Kept(at) = line.fate {
                prop_assert_eq!(message.value(&line.from).raw(), output.value(&at).raw());
            }
        }
    }

    #[test]
    fn tracing_changes_nothing_in_what_is_written(
        bytes in message_bytes(),
        changes in prop::collection::vec(change(), 0..8),
    ) {
        let message = parsed(&bytes);
        let (mut plain, mut traced) = (Edit::new(&message), Edit::traced(&message));
        for one in changes {
            apply(&mut plain, one);
            apply(&mut traced, one);
        }
        // A note takes a field apart, which tidies trailing separators: compare what is said, not how.
        let (mut left, mut right) = (Vec::new(), Vec::new());
        plain.finish(&mut left);
        traced.finish(&mut right);
        let leaves = |bytes: &[u8]| parsed(bytes).leaves().map(|leaf| (leaf.location, leaf.raw.to_vec())).collect::<Vec<_>>();
        prop_assert_eq!(leaves(&left), leaves(&right));
    }
}
