//! The two dialects that are nobody's product, and the machinery they share with the others.

use hl7v2::Message;
use hl7v2::edit::{Fate, Trace};

use super::*;

fn normalised(dialect: &Dialect, bytes: &[u8]) -> (Vec<u8>, Trace) {
    let (mut out, mut trace) = (Vec::new(), Trace::default());
    dialect.normalise(&Message::parse(bytes).unwrap(), &mut out, Some(&mut trace));
    (out, trace)
}

fn rendered(dialect: &Dialect, bytes: &[u8]) -> String {
    let mut out = Vec::new();
    dialect.render(&Message::parse(bytes).unwrap(), &mut out, None);
    String::from_utf8(out).unwrap()
}

#[test]
fn standard_leaves_a_standard_message_alone() {
    let bytes = b"MSH|^~\\&|A|B|C|D|20260101120000+0000||ADT^A08^ADT_A01|1|P|2.3.1\rPID|1||1^^^X^MR||DOE^J|||1|||||\"\"\rZZZ|a&b\r";
    assert_eq!(normalised(&STANDARD, bytes).0, bytes);
    assert_eq!(rendered(&STANDARD, bytes).as_bytes(), bytes);
}

#[test]
fn standard_writes_delimiters_character_set_and_merge_as_everybody_reads_them() {
    let bytes =
        b"MSH#*!?@#A#B###2026##ADT*A34#1#P#2.3######8859/1\rPID#1##1***X*MR##Zo\xeb*J\rMRG#2***X*MR\r";
    let (out, trace) = normalised(&STANDARD, bytes);
    let expected = "MSH|^~\\&|A|B|||2026||ADT^A40|1|P|2.3||||||UNICODE UTF-8\rPID|1||1^^^X^MR||Zo\u{eb}^J\rMRG|2^^^X^MR\r";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
    let changed = trace
        .lines
        .iter()
        .filter(|line| matches!(line.fate, Fate::Transformed(_)));
    let changed: Vec<String> = changed.map(|line| line.from.to_string()).collect();
    assert_eq!(changed, ["MSH-1.1.1", "MSH-2.1.1", "MSH-9.2.1", "MSH-18.1.1"]);
}

#[test]
fn characters_that_the_set_does_not_have_are_not_guessed() {
    // ASCII is declared and not kept: the bytes stay as they came.
    let bytes = b"MSH|^~\\&|A|B|||2026||ADT^A08|1|P|2.3||||||ASCII\rPID|1||1||Zo\xeb\r";
    assert_eq!(normalised(&STANDARD, bytes).0, bytes);
}

#[test]
fn itk_labels_and_zu_segments() {
    let bytes = b"MSH|^~\\&|PAS|RYJ|ROUTE|ROUTE|202603020745||ADT^A01^ADT_A01|1|P|2.4|88006|20260302074512|||GBR|UNICODE|EN||iTKv1.0\rEVN||202603020745\rPID|1||9994100378^^^NHS\rZU1|x^y&z|\"\"\r";
    let (out, trace) = normalised(&ITK, bytes);
    let canonical = String::from_utf8(out).unwrap();
    assert!(
        canonical.contains("\rEVN|A01|202603020745\rPID|1||9994100378^^^NHS^NH\rZU1|x^y&z|\"\"\r"),
        "{canonical}"
    );
    assert!(!canonical.contains("iTK"));
    let label = trace.lines.iter().find(|line| line.from.field == 21).unwrap();
    assert!(matches!(label.fate, Fate::Dropped(reason) if !reason.is_empty()));
    assert_eq!(rendered(&ITK, canonical.as_bytes()).as_bytes(), bytes);
}

#[test]
fn recognition_needs_more_than_one_weak_sign() {
    let weak: Dialect = Dialect {
        name: "weak",
        recognise: |_| 39,
        ..plain()
    };
    let strong: Dialect = Dialect {
        name: "strong",
        recognise: |_| 40,
        ..plain()
    };
    let message = Message::parse(b"MSH|^~\\&|A").unwrap();
    assert_eq!(recognise(&message, [&weak]).name, "standard");
    assert_eq!(recognise(&message, [&weak, &strong, &ITK]).name, "strong");
}

fn plain() -> Dialect {
    Dialect {
        name: "",
        title: "",
        source_note: "",
        recognise: |_| 0,
        settings: &[],
        rules: &[],
    }
}

#[test]
fn times_keep_their_precision_or_lose_it_with_a_note() {
    let bytes = b"MSH|^~\\&|A|B|||20260701120059.123+0100||ADT^A01|1|P|2.5.1\rPID|1||1^^^X^MR||||194708\rPV1|1|I||||||||||||||||||||||||||||||||||||||||||20260701||202613011200+0000\r";
    let (mut out, mut trace) = (Vec::new(), Trace::default());
    ITK.render(&Message::parse(bytes).unwrap(), &mut out, Some(&mut trace));
    let told = String::from_utf8(out).unwrap();
    let read = Message::parse(told.as_bytes()).unwrap();
    assert_eq!(read.field("MSH", 7).text(), "202607011200");
    assert_eq!(read.field("PID", 7).text(), "194708", "a month stays a month");
    assert_eq!(read.field("PV1", 44).text(), "20260701", "a day stays a day");
    let time = trace
        .lines
        .iter()
        .find(|line| line.from.field == 7 && line.from.segment == "MSH")
        .unwrap();
    assert!(time.note.contains("finer digits"), "{time:?}");
}

#[test]
fn structures_of_the_merge_family() {
    assert_eq!(structure_of("ADT", A40), Some("ADT_A39"));
    assert_eq!(structure_of("ADT", A34), Some("ADT_A30"));
    assert_eq!(structure_of("ADT", "A99"), None);
}

#[test]
fn telecoms_order_themselves_and_keep_what_has_no_place() {
    let typed = "077^PRS^CP~^NET^Internet^a@example.org~020^PRN^PH~0800^WPN^PH~021^PRN^PH";
    let bytes = format!("MSH|^~\\&|A\rPID|1||||||||||||{typed}\r").into_bytes();
    let message = Message::parse(&bytes).unwrap();
    let mut edit = Edit::traced(&message);
    let field = edit.first("PID").unwrap().field(13);
    telecoms_to_order(&mut edit, field);
    let mut out = Vec::new();
    edit.finish(&mut out);
    let told = String::from_utf8(out).unwrap();
    assert!(
        told.contains("||020~077~a@example.org~0800^WPN^PH~021^PRN^PH\r"),
        "{told}"
    );
}
