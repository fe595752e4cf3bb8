//! SCH to Appointment and back. Guide: "Segment SCH to Appointment".
//!
//! The appointment's time may stand in SCH-11, in a TQ1 or in the first resource of the schedule: the mark on the
//! resource says where it stood, and the way back writes it there. Contacts of placer and filler are participants.

mod contact;

use fhir::{
    Appointment, AppointmentParticipant, Extension, Instant, Practitioner, PractitionerRole, Reference,
    Resource, ServiceRequest, Text,
};
use hl7v2::{Field, Repetition};

pub(crate) use self::contact::is_contact;
use self::contact::*;
use crate::back::{Back, FieldWriter};
use crate::context::{Coded, Composite, Context};
use crate::datatype::{address, concept, identifier, location, person, telecom, time};
use crate::entries::reference;
use crate::keep;
use crate::ledger::Outcome;
use crate::row::SegmentMap;
use crate::segment::{msh, orc};

type Row = crate::row::Row<Appointment>;

/// What a participant did with the appointment.
const PARTICIPANT: &str = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";
/// Marks an end that the length gave.
pub(crate) const LENGTH: &str = "SCH-9";
/// Marks where the appointment's time stood.
pub(crate) const TIMED_HERE: &str = "SCH-11";
/// Marks a status that the trigger event gave.
const BY_EVENT: &str = "MSH-9.2";
/// Marks an answer that follows from the appointment's status.
pub(crate) const STATUS: &str = "SCH-25";
const PLACER: &str = "SCH-12";
const FILLER: &str = "SCH-16";
const ENTERER: &str = "SCH-20";

/// SCH to Appointment.
pub(crate) static SCH: SegmentMap<Appointment> = SegmentMap {
    segment: "SCH",
    resource: "Appointment",
    rows: &[
        Row::new(25, "status", read_status, write_status).note("table 0278; else by trigger event"),
        Row::new(
            1,
            "identifier",
            |field, appointment, cx| read_number(field, "PLAC", appointment, cx),
            |appointment, field, back| orc::write_number(&appointment.identifier, "PLAC", field, back),
        )
        .note("table 0203: PLAC"),
        Row::new(
            2,
            "identifier",
            |field, appointment, cx| read_number(field, "FILL", appointment, cx),
            write_filler_number,
        )
        .note("table 0203: FILL"),
        Row::new(
            6,
            "cancelationReason",
            read_event_reason,
            |appointment, field, back| {
                keep::write_field(appointment, field, back);
                if field.is_empty() {
                    concept::put(appointment.cancelation_reason.as_ref(), None, field, back);
                }
            },
        )
        .note("when the appointment is cancelled; else kept"),
        Row::new(7, "reasonCode", read_reason, |appointment, field, back| {
            let table = &back.vocabulary.appointment_reason;
            concept::put(appointment.reason_code.first(), Some(table), field, back);
        })
        .note("table 0276"),
        Row::new(
            8,
            "appointmentType",
            |field, appointment, cx| {
                let table = &cx.vocabulary.appointment_type;
                appointment.appointment_type = concept::first(field, Some(table), cx);
            },
            |appointment, field, back| {
                let table = &back.vocabulary.appointment_type;
                concept::put(appointment.appointment_type.as_ref(), Some(table), field, back);
            },
        )
        .note("table 0277"),
        Row::new(9, "minutesDuration", read_duration, write_duration).note("when SCH-10 says the units"),
        Row::new(10, "minutesDuration", read_units, write_units).note("minutes, hours, seconds"),
        Row::new(11, "start", read_timing, write_timing).note("TQ.4 and TQ.5; also end"),
        contact(12, read_placer, |appointment, field, back| {
            write_contact(appointment, PLACER, field, back);
        }),
        telephone(
            13,
            |field, appointment, cx| read_telecom(field, PLACER, appointment, cx),
            |a, f, back| {
                write_telecom(a, PLACER, f, back);
            },
        ),
        postal(
            14,
            |field, appointment, cx| read_address(field, PLACER, appointment, cx),
            |a, f, back| {
                write_address(a, PLACER, f, back);
            },
        ),
        place(
            15,
            |field, appointment, cx| read_place(field, PLACER, appointment, cx),
            |a, f, back| {
                write_place(a, PLACER, f, back);
            },
        ),
        contact(16, read_filler, |appointment, field, back| {
            write_contact(appointment, FILLER, field, back);
        }),
        telephone(
            17,
            |field, appointment, cx| read_telecom(field, FILLER, appointment, cx),
            |a, f, back| {
                write_telecom(a, FILLER, f, back);
            },
        ),
        postal(
            18,
            |field, appointment, cx| read_address(field, FILLER, appointment, cx),
            |a, f, back| {
                write_address(a, FILLER, f, back);
            },
        ),
        place(
            19,
            |field, appointment, cx| read_place(field, FILLER, appointment, cx),
            |a, f, back| {
                write_place(a, FILLER, f, back);
            },
        ),
        contact(20, read_enterer, |appointment, field, back| {
            write_contact(appointment, ENTERER, field, back);
        })
        .note("enterer"),
        telephone(
            21,
            |field, appointment, cx| read_telecom(field, ENTERER, appointment, cx),
            |a, f, back| {
                write_telecom(a, ENTERER, f, back);
            },
        ),
        place(
            22,
            |field, appointment, cx| read_place(field, ENTERER, appointment, cx),
            |a, f, back| {
                write_place(a, ENTERER, f, back);
            },
        ),
        Row::kept(3),
        Row::kept(4),
        Row::kept(5),
        Row::kept(23),
        Row::kept(24),
        Row::kept(28),
    ],
};

/// SCH to ServiceRequest: the order that the appointment is for.
pub(crate) static ORDER: SegmentMap<ServiceRequest> = SegmentMap {
    segment: "SCH",
    resource: "ServiceRequest",
    rows: &[
        crate::row::Row::<ServiceRequest>::new(
            26,
            "identifier",
            |field, request, cx| orc::read_number(field, "PLAC", request, cx),
            |request, field, back| orc::write_number(&request.identifier, "PLAC", field, back),
        )
        .note("table 0203: PLAC"),
        crate::row::Row::<ServiceRequest>::new(
            27,
            "identifier",
            |field, request, cx| orc::read_number(field, "FILL", request, cx),
            |request, field, back| orc::write_number(&request.identifier, "FILL", field, back),
        )
        .note("table 0203: FILL"),
    ],
};

/// A person to talk to about the appointment.
const fn contact(
    field: u16,
    read: crate::row::Read<Appointment>,
    write: crate::row::Write<Appointment>,
) -> Row {
    Row::new(field, "participant.actor", read, write)
}

const fn telephone(
    field: u16,
    read: crate::row::Read<Appointment>,
    write: crate::row::Write<Appointment>,
) -> Row {
    Row::new(field, "participant.actor(PractitionerRole.telecom)", read, write)
}

const fn postal(
    field: u16,
    read: crate::row::Read<Appointment>,
    write: crate::row::Write<Appointment>,
) -> Row {
    Row::new(field, "participant.actor(Practitioner.address)", read, write)
}

const fn place(
    field: u16,
    read: crate::row::Read<Appointment>,
    write: crate::row::Write<Appointment>,
) -> Row {
    Row::new(field, "participant.actor(PractitionerRole.location)", read, write)
}

fn read_number(field: Field<'_>, kind: &'static str, appointment: &mut Appointment, cx: &mut Context<'_>) {
    cx.at(appointment.identifier.len());
    let found = identifier::read_ei(field.repetition(1), cx);
    appointment
        .identifier
        .extend(found.map(|one| identifier::typed(one, kind)));
}

/// An identifier of others that says neither placer nor filler is the filler's: who keeps the book has the number.
fn write_filler_number(appointment: &Appointment, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    orc::write_number(&appointment.identifier, "FILL", field, back);
    let plain = |one: &&fhir::Identifier| !identifier::is_typed(one, "PLAC");
    if field.is_empty()
        && let Some(one) = appointment.identifier.iter().find(plain)
    {
        identifier::write_ei(one, field.repetition(), back);
    }
}

fn read_status(field: Field<'_>, appointment: &mut Appointment, cx: &mut Context<'_>) {
    let sent = field.repetition(1);
    match cx.look_up(sent.component(1), &cx.vocabulary.appointment_status, "") {
        Coded::Known(code) if !code.alias && sent.parts().count() == 1 => {
            appointment.status = Some(Text::const_new(code.fhir));
        }
        // Capitals, words beside the code, a code that FHIR has no status for: it also travels as sent.
        Coded::Known(code) => {
            appointment.status = Some(Text::const_new(code.fhir));
            keep::read_field(field, appointment, cx);
        }
        Coded::Unknown(_) | Coded::None => keep::read_field(field, appointment, cx),
    }
}

fn write_status(appointment: &Appointment, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(appointment, field, back);
    // A status that the trigger event gave goes back there.
    if field.is_empty() && !keep::is_marked(&appointment.extension, BY_EVENT) {
        let table = &back.vocabulary.appointment_status;
        let known = appointment
            .status
            .as_deref()
            .and_then(|status| table.to_hl7("", status));
        field.set(known.map_or("", |code| code.hl7));
    }
}

fn read_event_reason(field: Field<'_>, appointment: &mut Appointment, cx: &mut Context<'_>) {
    let by_event = cx
        .vocabulary
        .event_appointment
        .to_fhir(&cx.event)
        .map(|code| code.fhir);
    let status = appointment.status.as_deref().or(by_event);
    if matches!(status, Some("cancelled" | "noshow")) {
        appointment.cancelation_reason = concept::first(field, None, cx);
    } else {
        keep::read_field(field, appointment, cx);
    }
}

fn read_reason(field: Field<'_>, appointment: &mut Appointment, cx: &mut Context<'_>) {
    let table = &cx.vocabulary.appointment_reason;
    concept::all(field, Some(table), &mut appointment.reason_code, cx);
}

/// How many seconds one of these units has.
fn unit_seconds(unit: &str) -> Option<u64> {
    Some(match unit.trim().to_ascii_lowercase().as_str() {
        "s" | "sec" | "second" | "seconds" => 1,
        "m" | "min" | "minute" | "minutes" => 60,
        "h" | "hr" | "hour" | "hours" => 3600,
        "d" | "day" | "days" => 86_400,
        _ => return None,
    })
}

/// A number and its units as seconds, when both are plain.
pub(crate) fn seconds(number: &str, unit: &str) -> Option<u64> {
    number
        .trim()
        .parse::<u64>()
        .ok()?
        .checked_mul(unit_seconds(unit)?)
}

fn read_duration(field: Field<'_>, appointment: &mut Appointment, cx: &mut Context<'_>) {
    let unit = cx.sibling(10).and_then(|unit| cx.peek(unit));
    let length = cx
        .peek(field)
        .and_then(|number| seconds(&number, unit.as_deref()?));
    let minutes = length.filter(|length| length % 60 == 0).map(|length| length / 60);
    match minutes
        .and_then(|minutes| u32::try_from(minutes).ok())
        .filter(|minutes| *minutes > 0)
    {
        Some(minutes) => {
            appointment.minutes_duration = Some(minutes);
            if in_minutes(cx) {
                cx.take(field, "");
            } else {
                cx.record_field(field, Outcome::Transformed, "", "");
                keep::read_field(field, appointment, cx);
            }
        }
        None => keep::read_field(field, appointment, cx),
    }
}

fn in_minutes(cx: &Context<'_>) -> bool {
    let unit = cx.sibling(10).and_then(|unit| cx.peek(unit));
    unit.is_some_and(|unit| unit_seconds(&unit) == Some(60))
}

fn write_duration(appointment: &Appointment, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(appointment, field, back);
    if let Some(minutes) = appointment.minutes_duration.filter(|_| field.is_empty()) {
        field.set(minutes.to_string());
    }
}

fn read_units(field: Field<'_>, appointment: &mut Appointment, cx: &mut Context<'_>) {
    keep::read_field(field, appointment, cx);
    if appointment.minutes_duration.is_some() {
        cx.record_field(field, Outcome::Transformed, "", "");
    }
}

fn write_units(appointment: &Appointment, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(appointment, field, back);
    if field.is_empty() && appointment.minutes_duration.is_some() {
        field.set(Text::const_new("MIN"));
    }
}

/// TQ: start and end; what else it says travels as it was sent.
fn read_timing(field: Field<'_>, appointment: &mut Appointment, cx: &mut Context<'_>) {
    let tq = field.repetition(1);
    for (n, part) in tq.parts() {
        match n {
            4 => appointment.start = time::instant(part, cx, ""),
            5 => appointment.end = time::instant(part, cx, "Appointment.end"),
            _ => keep::read_part::<Repetition<'_>>("TQ", n, part, &mut appointment.extension, cx),
        }
    }
    if appointment.start.is_some() || appointment.end.is_some() {
        appointment.extension.push(keep::mark(TIMED_HERE));
    }
    for more in field.repetitions().skip(1) {
        cx.record_repetition(more, Outcome::IgnoredByRule, "", "an appointment has one time");
    }
}

fn write_timing(appointment: &Appointment, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let mut to = field.repetition();
    if is_timed(appointment, TIMED_HERE) {
        let [start, end] = times(appointment);
        for (n, moment) in [(4, start), (5, end)] {
            if let Some(moment) = moment {
                to.component(n, &time::to_hl7(moment, back));
            }
        }
    }
    for (n, place) in [(4, "SCH-11.4"), (5, "SCH-11.5")] {
        let other = keep::carried(&appointment.extension, place);
        if let Some(moment) = other.and_then(|value| value.value_instant.as_deref()) {
            to.component(n, &time::to_hl7(moment, back));
        }
    }
    keep::write_parts(&appointment.extension, "TQ", &mut to);
}

/// Start and end as they were said; an end that the length gave was not.
pub(crate) fn times(appointment: &Appointment) -> [Option<&Instant>; 2] {
    let said = !keep::is_marked(&appointment.extension, LENGTH);
    [
        appointment.start.as_ref(),
        appointment.end.as_ref().filter(|_| said),
    ]
}

/// True when the time belongs here: it stood here, or nobody says where it stood.
pub(crate) fn is_timed(appointment: &Appointment, here: &str) -> bool {
    let marked = |place: &str| keep::is_marked(&appointment.extension, place);
    let elsewhere = [TIMED_HERE, "TQ1-7", "AIS-4"].iter().any(|place| marked(place));
    marked(here) || (!elsewhere && here == TIMED_HERE)
}

/// TQ1 says the time: what SCH-11 said of it gives way and travels as it was sent.
pub(crate) fn give_way(appointment: &mut Appointment) {
    if !keep::is_marked(&appointment.extension, TIMED_HERE) {
        return;
    }
    appointment.extension.retain(|one| {
        one.url.as_deref() != Some(keep::PLACE) || one.value_string.as_deref() != Some(TIMED_HERE)
    });
    let times: [(&'static str, Option<Instant>); 2] = [
        ("SCH-11.4", appointment.start.take()),
        ("SCH-11.5", appointment.end.take()),
    ];
    for (place, moment) in times {
        if moment.is_some() {
            let value = Extension {
                value_instant: moment.map(Box::new),
                ..Extension::default()
            };
            appointment
                .extension
                .push(keep::carry(Text::const_new(place), value));
        }
    }
}

/// The status that the trigger event gives where SCH-25 gave none.
fn by_event(appointment: &mut Appointment, cx: &Context<'_>) {
    if appointment.status.is_some() {
        return;
    }
    match cx.vocabulary.event_appointment.to_fhir(&cx.event) {
        Some(code) => {
            appointment.status = Some(Text::const_new(code.fhir));
            appointment.extension.push(keep::mark(BY_EVENT));
        }
        None => appointment.status_element = msh::absent(),
    }
}

/// Settles the status and fills what FHIR requires.
///
/// An appointment has a start and an end or neither; a length that is known gives the end, else it is said to be
/// unknown. Who was asked to come and gave no answer is `accepted` once the appointment is booked.
pub(crate) fn complete(appointment: &mut Appointment, cx: &Context<'_>) {
    by_event(appointment, cx);
    if let (Some(start), None, Some(minutes)) =
        (&appointment.start, &appointment.end, appointment.minutes_duration)
    {
        appointment.end = later(start, u64::from(minutes) * 60);
        appointment.extension.push(keep::mark(LENGTH));
    }
    if appointment.start.is_some() && appointment.end.is_none() {
        appointment.end_element = msh::absent();
    }
    if appointment.end.is_some() && appointment.start.is_none() {
        appointment.start_element = msh::absent();
    }
    if appointment.participant.is_empty() {
        appointment.participant.push(nobody());
    }
    let settled = matches!(
        appointment.status.as_deref(),
        Some("booked" | "arrived" | "checked-in" | "fulfilled")
    );
    for one in &mut appointment.participant {
        if one.status.is_none() {
            let word = if settled { "accepted" } else { "needs-action" };
            one.status = Some(Text::const_new(word));
            one.extension.push(keep::mark(STATUS));
        }
    }
}

/// The first resource's time is the appointment's where neither SCH nor TQ1 says one.
pub(crate) fn start_from(appointment: &mut Appointment, participant: &AppointmentParticipant) {
    let Some(period) = participant
        .period
        .as_ref()
        .filter(|_| appointment.start.is_none())
    else {
        return;
    };
    let moment = |text: &Option<fhir::DateTime>| {
        let text = text.as_deref().filter(|text| text.contains('T'))?;
        Some(Instant::from(text))
    };
    if let Some(start) = moment(&period.start) {
        appointment.start = Some(start);
        appointment.end = moment(&period.end);
        appointment.extension.push(keep::mark("AIS-4"));
    }
}

/// FHIR wants somebody to come: a participant of whom nothing is known.
fn nobody() -> AppointmentParticipant {
    let extension = msh::absent().map(|element| element.extension).unwrap_or_default();
    AppointmentParticipant {
        actor: Some(Reference {
            extension,
            ..Reference::default()
        }),
        ..AppointmentParticipant::default()
    }
}

/// A moment so many seconds later, at the same offset.
pub(crate) fn later(moment: &str, seconds: u64) -> Option<Instant> {
    let (day, rest) = moment.split_once('T')?;
    let (clock, offset) = rest.split_at(rest.find(['Z', '+', '-']).unwrap_or(rest.len()));
    let start: jiff::civil::DateTime = format!("{day}T{clock}").parse().ok()?;
    let end = start
        .checked_add(jiff::Span::new().try_seconds(i64::try_from(seconds).ok()?).ok()?)
        .ok()?;
    Some(Instant::new(format!(
        "{}{offset}",
        end.strftime("%Y-%m-%dT%H:%M:%S")
    )))
}

/// A coding of a filler status as a participant's status.
pub(crate) fn answer(field: Field<'_>, participant: &mut AppointmentParticipant, cx: &mut Context<'_>) {
    let sent = field.repetition(1);
    for n in 2..=9 {
        cx.record_component(
            sent.component(n),
            Outcome::IgnoredByRule,
            "",
            "the status is a code",
        );
    }
    let table = &cx.vocabulary.participation_status;
    match cx.look_up(sent.component(1), table, "") {
        Coded::None => {}
        Coded::Known(code) => {
            participant.status = Some(Text::const_new(code.fhir));
            if code.alias {
                keep::read_field(field, participant, cx);
            }
        }
        Coded::Unknown(_) => keep::read_field(field, participant, cx),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PID, first, message, read, round_trip};

    const AIP: &str = "AIP|1||C1^Consult^Clara|CON^Consultant^L||20260310093000|||30|MIN||Booked";

    #[test]
    fn an_appointment_comes_back() {
        let sch = "SCH|P1^PAS|F1^OPD|||CLIN7|NEW^New referral^L|CHECKUP|Normal|30|MIN|^^^20260310093000^20260310100000|C1^Consult^Clara|020 7946 0101^^PH|1 High St^^London|OPD^R1^^RYJ01|U1^Clerk^Cleo|020 7946 0102^^PH||||||||Booked";
        let bundle = round_trip("S12", &[], sch);
        let appointment: &Appointment = first(&bundle);
        assert_eq!(appointment.status.as_deref(), Some("booked"));
        assert_eq!(appointment.start.as_deref(), Some("2026-03-10T09:30:00+00:00"));
        assert_eq!(appointment.end.as_deref(), Some("2026-03-10T10:00:00+00:00"));
        assert_eq!(appointment.minutes_duration, Some(30));
    }

    #[test]
    fn the_event_says_the_status_where_sch_does_not() {
        for (event, status) in [
            ("S12", "booked"),
            ("S15", "cancelled"),
            ("S17", "entered-in-error"),
            ("S26", "noshow"),
        ] {
            let (bundle, _) = read(&message(event, &["SCH|P1|F1", PID, "RGS|1", AIP]));
            let appointment: &Appointment = first(&bundle);
            assert_eq!(appointment.status.as_deref(), Some(status), "{event}");
            let written = crate::testing::back(&bundle);
            assert_eq!(
                written.get(1).map(String::as_str),
                Some("SCH|P1|F1"),
                "{written:?}"
            );
        }
    }

    #[test]
    fn an_unknown_filler_status_is_kept() {
        let bundle = round_trip("S14", &[], "SCH|P1|F1|||||||||||||||||||||||Overbook");
        assert_eq!(first::<Appointment>(&bundle).status.as_deref(), Some("booked"));
    }

    #[test]
    fn a_length_gives_the_end() {
        let bundle = round_trip("S12", &[], "SCH|P1|F1|||||||2|HR|^^^20260310093000");
        let appointment: &Appointment = first(&bundle);
        assert_eq!(appointment.minutes_duration, Some(120));
        assert_eq!(appointment.end.as_deref(), Some("2026-03-10T11:30:00+00:00"));
    }

    #[test]
    fn an_end_that_nobody_said_is_unknown() {
        let bundle = round_trip("S12", &[], "SCH|P1|F1|||||||||^^^20260310093000");
        let appointment: &Appointment = first(&bundle);
        assert!(appointment.end.is_none() && appointment.end_element.is_some());
    }
}
