//! TQ1 to the dosage of MedicationRequest and back. Guide: "Segment TQ1 to MedicationRequest".

use fhir::{Dosage, Period, Text, Timing, TimingRepeat};
use hl7v2::Field;

use super::Prescription;
use crate::back::{Back, FieldWriter};
use crate::context::Context;
use crate::datatype::{code, concept, quantity, time};
use crate::keep;
use crate::row::SegmentMap;

type Row = crate::row::Row<Prescription>;

/// Marks the instruction that stood in TQ1-10.
pub(crate) const CONDITION: &str = "TQ1-10";
/// The units that FHIR's timing knows, and what v2 senders write for them.
const UNITS: &[(&str, &str)] = &[
    ("a", "a"),
    ("d", "d"),
    ("day", "d"),
    ("days", "d"),
    ("h", "h"),
    ("hr", "h"),
    ("hour", "h"),
    ("hours", "h"),
    ("min", "min"),
    ("mo", "mo"),
    ("month", "mo"),
    ("s", "s"),
    ("wk", "wk"),
    ("week", "wk"),
];

/// TQ1 to MedicationRequest.
pub(crate) static TQ1: SegmentMap<Prescription> = SegmentMap {
    segment: "TQ1",
    resource: "MedicationRequest",
    rows: &[
        Row::ignored(1, crate::row::cells::SET_ID),
        Row::new(
            2,
            "dosageInstruction.doseAndRate.doseQuantity",
            |field, order, cx| match quantity::read_cq(field.repetition(1), cx) {
                Some(found) => order.timed = Some(found),
                None => keep::read_field(field, order, cx),
            },
            |order, field, back| {
                keep::write_field(order, field, back);
                if let Some(found) = &order.timed {
                    quantity::write_cq(found, field.nth(1), back);
                }
            },
        ),
        Row::new(3, "dosageInstruction.timing.code", read_pattern, write_pattern)
            .note("table 0335; what else a pattern says is kept"),
        Row::new(
            4,
            "dosageInstruction.timing.repeat.timeOfDay",
            |field, order, cx| {
                for clock in field.repetitions() {
                    if let Some(found) = time::time(clock, cx, "") {
                        repeat(order).time_of_day.push(found);
                    }
                }
            },
            |order, field, _| {
                let found = repeat_of(&order.dosage);
                for clock in found.iter().flat_map(|repeat| &repeat.time_of_day) {
                    field.repetition().component(1, &time::clock_to_hl7(clock));
                }
            },
        ),
        Row::new(
            6,
            "dosageInstruction.timing.repeat.boundsDuration",
            read_bounds,
            write_bounds,
        )
        .note("when neither TQ1-7 nor TQ1-8 is valued"),
        Row::new(
            7,
            "dosageInstruction.timing.repeat.boundsPeriod.start",
            |field, order, cx| {
                if let Some(start) = time::date_time(field, cx, "") {
                    bounds(order).start = Some(start);
                }
            },
            |order, field, back| {
                let found = bounds_of(&order.dosage).and_then(|period| period.start.as_deref());
                time::put(found, field, back);
            },
        ),
        Row::new(
            8,
            "dosageInstruction.timing.repeat.boundsPeriod.end",
            |field, order, cx| {
                if let Some(end) = time::date_time(field, cx, "") {
                    bounds(order).end = Some(end);
                }
            },
            |order, field, back| {
                let found = bounds_of(&order.dosage).and_then(|period| period.end.as_deref());
                time::put(found, field, back);
            },
        ),
        Row::new(9, "priority", read_priority, write_priority).note("table 0485"),
        Row::new(
            10,
            "dosageInstruction.additionalInstruction.text",
            |field, order, cx| {
                if let Some(text) = cx.take(field, "") {
                    let mut found = concept::of_text(text);
                    found.extension.push(keep::mark(CONDITION));
                    order.dosage.additional_instruction.push(found);
                }
                crate::row::cells::keep_more(field, order, cx);
            },
            |order, field, back| {
                keep::write_field(order, field, back);
                let mut all = order.dosage.additional_instruction.iter();
                let found = all.find(|one| keep::is_marked(&one.extension, CONDITION));
                field.nth(1).optional(1, found.and_then(|one| one.text.as_ref()));
            },
        ),
        text!(11, "dosageInstruction.text", dosage.text),
        Row::new(
            13,
            "dosageInstruction.timing.repeat.duration",
            read_duration,
            write_duration,
        )
        .note("when the unit is one of FHIR's"),
        Row::new(
            14,
            "dosageInstruction.timing.repeat.count",
            |field, order, cx| match quantity::positive(field, cx, "") {
                Some(count) => repeat(order).count = Some(count),
                None => keep::read_field(field, order, cx),
            },
            |order, field, back| {
                keep::write_field(order, field, back);
                if let Some(count) = repeat_of(&order.dosage).and_then(|repeat| repeat.count) {
                    field.set(count.to_string());
                }
            },
        ),
        Row::kept(5),
        Row::kept(12),
    ],
};

fn timing(order: &mut Prescription) -> &mut Timing {
    order.dosage.timing.get_or_insert_default()
}

fn repeat(order: &mut Prescription) -> &mut TimingRepeat {
    timing(order).repeat.get_or_insert_default()
}

fn repeat_of(dosage: &Dosage) -> Option<&TimingRepeat> {
    dosage.timing.as_ref()?.repeat.as_ref()
}

fn bounds(order: &mut Prescription) -> &mut Period {
    repeat(order).bounds_period.get_or_insert_default()
}

fn bounds_of(dosage: &Dosage) -> Option<&Period> {
    repeat_of(dosage)?.bounds_period.as_ref()
}

/// FHIR's word for a unit of time.
fn unit_of_time(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    UNITS
        .iter()
        .find(|(sent, _)| *sent == lower)
        .map(|(_, unit)| *unit)
}

/// RPT: the pattern's code is the timing's; days, offsets and events stand in the field as it was sent.
fn read_pattern(field: Field<'_>, order: &mut Prescription, cx: &mut Context<'_>) {
    let first = field.repetition(1);
    let table = &cx.vocabulary.repeat_pattern;
    let code = concept::read(first.component(1), Some(table), cx);
    if code.is_some() {
        timing(order).code = code;
    }
    let coded = first.component(1).subcomponents().count() > 1;
    if coded || field.repetitions().count() > 1 || first.components().count() > 1 {
        keep::read_field(field, order, cx);
    }
}

fn write_pattern(order: &Prescription, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(order, field, back);
    if !field.is_empty() {
        return;
    }
    let code = order
        .dosage
        .timing
        .as_ref()
        .and_then(|timing| timing.code.as_ref());
    let sent = code.and_then(|code| code.coding.iter().find_map(|coding| coding.code.as_ref()));
    let words = code.and_then(|code| code.text.as_ref());
    if let Some(text) = sent.or(words) {
        field.set(text.clone());
    }
}

fn read_bounds(field: Field<'_>, order: &mut Prescription, cx: &mut Context<'_>) {
    if cx.sibling_valued(7) || cx.sibling_valued(8) {
        keep::read_field(field, order, cx);
        return;
    }
    match quantity::read_cq(field.repetition(1), cx) {
        Some(found) => repeat(order).bounds_duration = Some(found),
        None => keep::read_field(field, order, cx),
    }
}

fn write_bounds(order: &Prescription, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(order, field, back);
    if let Some(found) = repeat_of(&order.dosage).and_then(|repeat| repeat.bounds_duration.as_ref()) {
        quantity::write_cq(found, field.nth(1), back);
    }
}

fn read_priority(field: Field<'_>, order: &mut Prescription, cx: &mut Context<'_>) {
    let table = &cx.vocabulary.priority;
    let one = &mut order.request;
    (one.priority, one.priority_element) = code::read(field, table, cx, "");
    crate::row::cells::keep_more(field, order, cx);
}

fn write_priority(order: &Prescription, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(order, field, back);
    let one = &order.request;
    let code = code::write(
        one.priority.as_ref(),
        &one.priority_element,
        &back.vocabulary.priority,
    );
    field.nth(1).optional(1, code.as_ref());
}

fn read_duration(field: Field<'_>, order: &mut Prescription, cx: &mut Context<'_>) {
    let first = field.repetition(1);
    let unit = cx.peek(first.component(2)).and_then(|text| unit_of_time(&text));
    let value = unit.and_then(|_| quantity::decimal(first.component(1), cx, ""));
    match (unit, value) {
        (Some(unit), Some(value)) => {
            let same = cx.peek(first.component(2)).is_some_and(|sent| sent == unit);
            let repeat = repeat(order);
            repeat.duration = Some(value);
            repeat.duration_unit = Some(Text::const_new(unit));
            if same {
                cx.take(
                    first.component(2),
                    "MedicationRequest.dosageInstruction.timing.repeat.durationUnit",
                );
            } else {
                keep::read_field(field, order, cx);
            }
        }
        _ => keep::read_field(field, order, cx),
    }
}

fn write_duration(order: &Prescription, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(order, field, back);
    let Some(repeat) = repeat_of(&order.dosage).filter(|_| field.is_empty()) else {
        return;
    };
    if let Some(value) = &repeat.duration {
        field.nth(1).component(1, value.as_str());
        field.nth(1).optional(2, repeat.duration_unit.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use fhir::MedicationRequest;

    use crate::testing::{PID, comes_back, first};

    const ORC: &str = "ORC|NW|P1^RYJ";
    const RXE: &str = "RXE||322236009^Paracetamol^SCT|500";

    #[test]
    fn times_without_an_equal_in_fhir_are_kept() {
        let tq1 =
            "TQ1|1||P&Post&HL70335^^^^180^min^^PCM|083000|3^Hr|17^h||20260309|S^Stat^HL70485||||1^ann|0";
        let bundle = comes_back("O11", &[PID, ORC, RXE, tq1, "TQ1|2||TID"], &["TQ1"]);
        let request: &MedicationRequest = first(&bundle);
        assert_eq!(request.priority.as_deref(), Some("stat"));
        assert_eq!(request.dosage_instruction.len(), 2, "two times, two dosages");
    }
}
