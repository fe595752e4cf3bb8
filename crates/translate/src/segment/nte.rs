//! NTE to a note and back. Guide: "Segment NTE to Observation", "… to ServiceRequest".

use fhir::{Annotation, Text};

use crate::datatype::{person, time};
use crate::row::SegmentMap;

type Row = crate::row::Row<Annotation>;

/// NTE to Annotation.
pub(crate) static NTE: SegmentMap<Annotation> = SegmentMap {
    segment: "NTE",
    resource: "Annotation",
    rows: &[
        Row::ignored(1, "a set id; the order of notes says it"),
        Row::new(
            3,
            "text",
            |field, note, cx| {
                // Repetitions are the lines of one comment.
                let mut lines = Text::const_new("");
                let mut any = false;
                for repetition in field.repetitions() {
                    if let Some(line) = cx.take(repetition, "") {
                        if any {
                            lines.push('\n');
                        }
                        lines.push_str(&line);
                        any = true;
                    }
                }
                note.text = any.then_some(lines);
            },
            |note, field, _| {
                if let Some(text) = &note.text {
                    field.set_formatted(text);
                }
            },
        ),
        Row::new(
            5,
            "authorReference",
            |field, note, cx| note.author_reference = person::read(field.repetition(1), cx),
            |note, field, back| {
                if let Some(author) = &note.author_reference {
                    person::write(author, field.repetition(), back);
                }
            },
        ),
        Row::new(
            6,
            "time",
            |field, note, cx| note.time = time::date_time(field, cx, ""),
            |note, field, back| time::put(note.time.as_deref(), field, back),
        ),
        Row::kept(2),
        Row::kept(4),
        Row::kept(7),
        Row::kept(8),
        Row::kept(9),
    ],
};

#[cfg(test)]
mod tests {
    use fhir::Observation;

    use crate::testing::{PID, first, round_trip};

    #[test]
    fn a_comment_keeps_its_lines() {
        let before = [PID, "OBR|1||F1|FBC", "OBX|1|ST|HB^Haemoglobin||low"];
        let bundle = round_trip(
            "R01",
            &before,
            "NTE|1|L|Repeat in a week.\\.br\\Thank you.||C1^Consult^Clara|20260302",
        );
        let note = &first::<Observation>(&bundle).note[0];
        assert_eq!(note.text.as_deref(), Some("Repeat in a week.\nThank you."));
        assert_eq!(note.time.as_deref(), Some("2026-03-02"));
    }
}
