//! TQ1 to the timing of a ServiceRequest or the time of an Appointment, and back. Guide: "Segment TQ1 to
//! ServiceRequest".

use fhir::{Annotation, Appointment, Period, ServiceRequest, Timing, TimingRepeat};
use hl7v2::{Field, Repetition};

use crate::back::{Back, FieldWriter};
use crate::context::{Composite, Context};
use crate::datatype::{code, concept, quantity, time};
use crate::keep;
use crate::row::{Row, SegmentMap};
use crate::segment::sch;

/// Marks a note that stood in TQ1-11.
pub(crate) const INSTRUCTION: &str = "TQ1-11";
/// Marks a priority that stood in TQ1-9.
pub(crate) const PRIORITY: &str = "TQ1-9";

/// TQ1 to ServiceRequest.
pub(crate) static TQ1: SegmentMap<ServiceRequest> = SegmentMap {
    segment: "TQ1",
    resource: "ServiceRequest",
    rows: &[
        Row::ignored(1, "a set id; an order has one timing"),
        Row::<ServiceRequest>::new(
            2,
            "quantityQuantity",
            |field, request, cx| request.quantity_quantity = quantity::read_cq(field.repetition(1), cx),
            |request, field, back| {
                if let Some(amount) = &request.quantity_quantity {
                    quantity::write_cq(amount, field.repetition(), back);
                }
            },
        ),
        Row::<ServiceRequest>::new(3, "occurrenceTiming.code", read_pattern, write_pattern)
            .note("table 0335"),
        Row::<ServiceRequest>::new(4, "occurrenceTiming.repeat.timeOfDay", read_clock, write_clock),
        Row::<ServiceRequest>::new(
            7,
            "occurrenceTiming.repeat.boundsPeriod.start",
            |field, request, cx| {
                if let Some(start) = time::date_time(field, cx, "") {
                    bounds(request).start = Some(start);
                }
            },
            |request, field, back| {
                time::put(
                    period(request).and_then(|period| period.start.as_deref()),
                    field,
                    back,
                );
            },
        ),
        Row::<ServiceRequest>::new(
            8,
            "occurrenceTiming.repeat.boundsPeriod.end",
            |field, request, cx| {
                if let Some(end) = time::date_time(field, cx, "") {
                    bounds(request).end = Some(end);
                }
            },
            |request, field, back| {
                time::put(
                    period(request).and_then(|period| period.end.as_deref()),
                    field,
                    back,
                );
            },
        ),
        Row::<ServiceRequest>::new(9, "priority", read_priority, write_priority).note("table 0485"),
        Row::<ServiceRequest>::new(11, "note", read_instruction, write_instruction),
        Row::<ServiceRequest>::new(
            14,
            "occurrenceTiming.repeat.count",
            |field, request, cx| {
                if let Some(count) = quantity::positive(field, cx, "") {
                    repeat(request).count = Some(count);
                }
            },
            |request, field, _| {
                let count = timing(request).and_then(|timing| timing.repeat.as_ref()?.count);
                if let Some(count) = count {
                    field.set(count.to_string());
                }
            },
        ),
        Row::kept(5),
        Row::kept(6),
        Row::kept(10),
        Row::kept(12),
        Row::kept(13),
    ],
};

/// TQ1 to Appointment, where it says when the appointment is.
pub(crate) static APPOINTMENT: SegmentMap<Appointment> = SegmentMap {
    segment: "TQ1",
    resource: "Appointment",
    rows: &[
        Row::ignored(1, "a set id; an appointment has one time"),
        Row::<Appointment>::new(
            7,
            "start",
            |field, appointment, cx| {
                let start = time::instant(field, cx, "");
                if start.is_some() {
                    claim(appointment);
                    appointment.start = start;
                }
            },
            |appointment, field, back| {
                if sch::is_timed(appointment, HERE) {
                    time::put(sch::times(appointment)[0].map(|start| &**start), field, back);
                }
            },
        ),
        Row::<Appointment>::new(
            8,
            "end",
            |field, appointment, cx| {
                let end = time::instant(field, cx, "");
                if end.is_some() {
                    claim(appointment);
                    appointment.end = end;
                }
            },
            |appointment, field, back| {
                if sch::is_timed(appointment, HERE) {
                    time::put(sch::times(appointment)[1].map(|end| &**end), field, back);
                }
            },
        ),
        Row::kept(2),
        Row::kept(3),
        Row::kept(4),
        Row::kept(5),
        Row::kept(6),
        Row::kept(9),
        Row::kept(10),
        Row::kept(11),
        Row::kept(12),
        Row::kept(13),
        Row::kept(14),
    ],
};

/// Marks an appointment whose time stood in a TQ1.
const HERE: &str = "TQ1-7";

fn claim(appointment: &mut Appointment) {
    sch::give_way(appointment);
    if !keep::is_marked(&appointment.extension, HERE) {
        appointment.extension.push(keep::mark(HERE));
    }
}

fn timing(request: &ServiceRequest) -> Option<&Timing> {
    request.occurrence_timing.as_deref()
}

/// The timing; what OBR-6 said becomes the moment that it names.
fn timed(request: &mut ServiceRequest) -> &mut Timing {
    let timing = request.occurrence_timing.get_or_insert_default();
    timing.event.extend(request.occurrence_date_time.take());
    timing
}

fn repeat(request: &mut ServiceRequest) -> &mut TimingRepeat {
    timed(request).repeat.get_or_insert_default()
}

fn bounds(request: &mut ServiceRequest) -> &mut Period {
    repeat(request).bounds_period.get_or_insert_default()
}

/// When the order is for, as TQ1-7 and TQ1-8 say it; in a Bundle of others also a plain period.
fn period(request: &ServiceRequest) -> Option<&Period> {
    let bounds = timing(request).and_then(|timing| timing.repeat.as_ref()?.bounds_period.as_ref());
    bounds.or(request.occurrence_period.as_ref())
}

/// RPT: the pattern's code; its other parts travel as they were sent.
fn read_pattern(field: Field<'_>, request: &mut ServiceRequest, cx: &mut Context<'_>) {
    if field.repetitions().count() > 1 {
        return keep::read_field(field, request, cx);
    }
    let mut found = Timing::default();
    for (n, part) in field.repetition(1).parts() {
        match n {
            1 => found.code = concept::read(part, None, cx),
            _ => keep::read_part::<Repetition<'_>>("RPT", n, part, &mut found.extension, cx),
        }
    }
    if found == Timing::default() {
        return;
    }
    let timing = timed(request);
    timing.code = found.code;
    timing.extension = found.extension;
}

fn write_pattern(request: &ServiceRequest, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(request, field, back);
    let Some(timing) = timing(request).filter(|_| field.is_empty()) else {
        return;
    };
    let mut to = field.repetition();
    if let Some(code) = &timing.code {
        concept::write_within(code, 1, &mut to, back);
    }
    keep::write_parts(&timing.extension, "RPT", &mut to);
}

fn read_clock(field: Field<'_>, request: &mut ServiceRequest, cx: &mut Context<'_>) {
    let mut found = Vec::new();
    for one in field.repetitions() {
        found.extend(time::time(one, cx, ""));
    }
    if !found.is_empty() {
        repeat(request).time_of_day = found;
    }
}

fn write_clock(request: &ServiceRequest, field: &mut FieldWriter<'_>, _: &Back<'_>) {
    let clocks = timing(request).and_then(|timing| Some(&timing.repeat.as_ref()?.time_of_day));
    for clock in clocks.into_iter().flatten() {
        field.repetition().component(1, &time::clock_to_hl7(clock));
    }
}

/// OBR-5 says the priority where it is valued; a second opinion is kept.
fn read_priority(field: Field<'_>, request: &mut ServiceRequest, cx: &mut Context<'_>) {
    let one = field.repetition(1);
    let plain = one.parts().count() == 1 && field.repetitions().count() == 1;
    if !plain || request.priority.is_some() {
        return keep::read_field(field, request, cx);
    }
    (request.priority, request.priority_element) =
        code::read(one.component(1), &cx.vocabulary.priority, cx, "");
    let element = request.priority_element.get_or_insert_default();
    element.extension.push(keep::mark(PRIORITY));
}

fn write_priority(request: &ServiceRequest, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(request, field, back);
    if field.is_empty() && stood_here(request) {
        let code = code::write(
            request.priority.as_ref(),
            &request.priority_element,
            &back.vocabulary.priority,
        );
        field.repetition().optional(1, code.as_ref());
    }
}

/// True for a priority that TQ1 gave.
pub(crate) fn stood_here(request: &ServiceRequest) -> bool {
    let element = request.priority_element.as_ref();
    element.is_some_and(|one| keep::is_marked(&one.extension, PRIORITY))
}

fn read_instruction(field: Field<'_>, request: &mut ServiceRequest, cx: &mut Context<'_>) {
    if let Some(text) = cx.take(field, ".text") {
        request.note.push(Annotation {
            extension: vec![keep::mark(INSTRUCTION)],
            text: Some(text),
            ..Annotation::default()
        });
    }
}

fn write_instruction(request: &ServiceRequest, field: &mut FieldWriter<'_>, _: &Back<'_>) {
    let mut notes = request.note.iter();
    let own = notes.find(|note| keep::is_marked(&note.extension, INSTRUCTION));
    if let Some(text) = own.and_then(|note| note.text.as_deref()) {
        field.set_formatted(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PID, first, round_trip};

    #[test]
    fn the_timing_of_an_order_comes_back() {
        let tq1 = "TQ1|1|2|TID^^^^8^h|080000~140000||3^d|20260310|20260313|S|before food|Fasting|||9";
        let bundle = round_trip("O21", &[PID, "ORC|NW|P1"], tq1);
        let request: &ServiceRequest = first(&bundle);
        let timing = request.occurrence_timing.as_ref().unwrap();
        let repeat = timing.repeat.as_ref().unwrap();
        assert_eq!(repeat.time_of_day.len(), 2);
        assert_eq!(repeat.count, Some(9));
        assert_eq!(request.priority.as_deref(), Some("stat"));
    }

    #[test]
    fn what_obr_says_of_the_time_waits_for_tq1() {
        let before = [PID, "ORC|NW|P1", "TQ1|1||||||20260310|20260313|R"];
        let bundle = round_trip("O21", &before, "OBR|1|P1||FBC^Full blood count|S|20260301");
        let request: &ServiceRequest = first(&bundle);
        assert!(request.occurrence_date_time.is_none());
        assert_eq!(request.priority.as_deref(), Some("routine"));
    }

    #[test]
    fn a_tq1_says_when_the_appointment_is() {
        let before = ["SCH|P1|F1|||||||||^^^20260301093000^20260301100000^R", PID];
        let bundle = round_trip("S12", &before, "TQ1|1||||||20260310093000|20260310100000|R");
        let appointment: &Appointment = first(&bundle);
        assert_eq!(appointment.start.as_deref(), Some("2026-03-10T09:30:00+00:00"));
    }
}
