//! AIS, AIG, AIL and AIP to participants of an Appointment, and back. Guide: "Segment AIS to Appointment", "AIG …",
//! "AIL …", "AIP …".
//!
//! A service is a HealthcareService, a general resource a Device, a place a Location, a person a Practitioner. The
//! service also stands in Appointment.serviceType, where receivers look for it.

use fhir::{
    AppointmentParticipant, CodeableConcept, DateTime, Device, DeviceDeviceName, HealthcareService,
    Identifier, Location, Reference, Text,
};
use hl7v2::Field;

use crate::back::{Back, FieldWriter};
use crate::context::Context;
use crate::datatype::{concept, location, person, time};
use crate::entries::reference;
use crate::keep;
use crate::ledger::Outcome;
use crate::row::{Read, SegmentMap, Write};
use crate::segment::sch;

type Row = crate::row::Row<AppointmentParticipant>;

/// AIS to a participant: a service.
pub(crate) static AIS: SegmentMap<AppointmentParticipant> = SegmentMap {
    segment: "AIS",
    resource: "Appointment.participant",
    rows: &[
        Row::ignored(1, "a set id; the order of participants says it"),
        Row::new(3, "actor(HealthcareService.type)", read_service, write_service)
            .note("also Appointment.serviceType"),
        start(4),
        length(7, |field, to, cx| read_length(field, 8, to, cx)),
        units(8),
        status(10),
        Row::kept(2),
        Row::kept(5),
        Row::kept(6),
        Row::kept(9),
        Row::kept(11),
        Row::kept(12),
    ],
};

/// AIG to a participant: equipment and the like.
pub(crate) static AIG: SegmentMap<AppointmentParticipant> = SegmentMap {
    segment: "AIG",
    resource: "Appointment.participant",
    rows: &[
        Row::ignored(1, "a set id; the order of participants says it"),
        Row::new(3, "actor(Device.identifier)", read_device, write_device),
        kind(4),
        start(8),
        length(11, |field, to, cx| read_length(field, 12, to, cx)),
        units(12),
        status(14),
        Row::kept(2),
        Row::kept(5),
        Row::kept(6),
        Row::kept(7),
        Row::kept(9),
        Row::kept(10),
        Row::kept(13),
    ],
};

/// AIL to a participant: a place.
pub(crate) static AIL: SegmentMap<AppointmentParticipant> = SegmentMap {
    segment: "AIL",
    resource: "Appointment.participant",
    rows: &[
        Row::ignored(1, "a set id; the order of participants says it"),
        Row::new(
            3,
            "actor(Location)",
            |field, to, cx| {
                keep_more(field, to, cx);
                to.actor = location::read(field.repetition(1), cx);
            },
            |from, field, back| {
                keep::write_field(from, field, back);
                if let Some(place) = from.actor.as_ref().filter(|_| field.is_empty()) {
                    location::write(place, field.repetition(), back);
                }
            },
        ),
        kind(4),
        start(6),
        length(9, |field, to, cx| read_length(field, 10, to, cx)),
        units(10),
        status(12),
        Row::kept(2),
        Row::kept(5),
        Row::kept(7),
        Row::kept(8),
        Row::kept(11),
    ],
};

/// AIP to a participant: a person.
pub(crate) static AIP: SegmentMap<AppointmentParticipant> = SegmentMap {
    segment: "AIP",
    resource: "Appointment.participant",
    rows: &[
        Row::ignored(1, "a set id; the order of participants says it"),
        Row::new(
            3,
            "actor(Practitioner)",
            |field, to, cx| {
                keep_more(field, to, cx);
                to.actor = person::read(field.repetition(1), cx);
            },
            |from, field, back| {
                keep::write_field(from, field, back);
                if let Some(person) = from.actor.as_ref().filter(|_| field.is_empty()) {
                    person::write(person, field.repetition(), back);
                }
            },
        ),
        kind(4),
        start(6),
        length(9, |field, to, cx| read_length(field, 10, to, cx)),
        units(10),
        status(12),
        Row::kept(2),
        Row::kept(5),
        Row::kept(7),
        Row::kept(8),
        Row::kept(11),
    ],
};

/// A participant is one actor: when the field repeats it also travels whole.
fn keep_more(field: Field<'_>, to: &mut AppointmentParticipant, cx: &mut Context<'_>) {
    if field.repetitions().count() > 1 {
        keep::read_field(field, to, cx);
    }
}

const fn kind(field: u16) -> Row {
    Row::new(
        field,
        "type",
        |field, to, cx| to.type_.extend(concept::first(field, None, cx)),
        |from, field, back| concept::put(from.type_.first(), None, field, back),
    )
}

const fn start(field: u16) -> Row {
    Row::new(
        field,
        "period.start",
        |field, to, cx| {
            if let Some(moment) = time::date_time(field, cx, "") {
                to.period.get_or_insert_default().start = Some(moment);
            }
        },
        |from, field, back| {
            let start = from.period.as_ref().and_then(|period| period.start.as_deref());
            time::put(start, field, back);
        },
    )
}

const fn length(field: u16, read: Read<AppointmentParticipant>) -> Row {
    const WRITE: Write<AppointmentParticipant> = write_length;
    Row::new(field, "period.end", read, WRITE).note("with the units that follow it; else kept")
}

const fn units(field: u16) -> Row {
    Row::new(
        field,
        "period.end",
        |field, to, cx| {
            keep::read_field(field, to, cx);
            if to.period.as_ref().is_some_and(|period| period.end.is_some()) {
                cx.record_field(field, Outcome::Transformed, "", "");
            }
        },
        |from, field, back| {
            keep::write_field(from, field, back);
            if field.is_empty() && minutes(from).is_some() {
                field.set(Text::const_new("MIN"));
            }
        },
    )
}

const fn status(field: u16) -> Row {
    Row::new(field, "status", sch::answer, write_answer).note("table 0278")
}

/// The length gives the end; it also travels as it was sent, since many lengths give the same end.
fn read_length(field: Field<'_>, units: usize, to: &mut AppointmentParticipant, cx: &mut Context<'_>) {
    keep::read_field(field, to, cx);
    let unit = cx.sibling(units).and_then(|unit| cx.peek(unit));
    let length = cx
        .peek(field)
        .and_then(|number| sch::seconds(&number, unit.as_deref()?));
    let Some(period) = &mut to.period else { return };
    let end = period
        .start
        .as_deref()
        .zip(length)
        .and_then(|(start, length)| sch::later(start, length));
    if let Some(end) = end {
        period.end = Some(DateTime::from(end.as_str()));
        cx.record_field(field, Outcome::Transformed, "", "");
    }
}

/// The whole minutes of a participant's time, in a Bundle of others.
fn minutes(from: &AppointmentParticipant) -> Option<i64> {
    let carried = from
        .extension
        .iter()
        .any(|one| one.url.as_deref() == Some(keep::FIELD));
    let period = from.period.as_ref().filter(|_| !carried)?;
    let stamp = |moment: &Option<DateTime>| moment.as_deref()?.parse::<jiff::Timestamp>().ok();
    let seconds = stamp(&period.end)?.as_second() - stamp(&period.start)?.as_second();
    (seconds > 0 && seconds % 60 == 0).then_some(seconds / 60)
}

fn write_length(from: &AppointmentParticipant, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(from, field, back);
    if let Some(minutes) = minutes(from).filter(|_| field.is_empty()) {
        field.set(minutes.to_string());
    }
}

fn write_answer(from: &AppointmentParticipant, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(from, field, back);
    // An answer that follows from the appointment's status was not sent.
    if !field.is_empty() || keep::is_marked(&from.extension, sch::STATUS) {
        return;
    }
    let table = &back.vocabulary.participation_status;
    let known = from.status.as_deref().and_then(|status| table.to_hl7("", status));
    field.set(known.map_or("", |code| code.hl7));
}

fn read_service(field: Field<'_>, to: &mut AppointmentParticipant, cx: &mut Context<'_>) {
    let Some(kind) = concept::first(field, None, cx) else {
        return;
    };
    let id = cx.entries.id("HealthcareService", &[&key(&kind)]);
    if cx.entries.shared(id).is_none() {
        let name = words(&kind);
        let service = HealthcareService {
            type_: vec![kind],
            name,
            ..HealthcareService::default()
        };
        cx.entries.share(id, service);
    }
    to.actor = Some(reference(id));
}

/// The service that an AIS named.
pub(crate) fn service(participant: &AppointmentParticipant, cx: &mut Context<'_>) -> Option<CodeableConcept> {
    let url = participant
        .actor
        .as_ref()?
        .reference
        .as_deref()?
        .strip_prefix("urn:uuid:")?;
    match cx.entries.shared(uuid::Uuid::parse_str(url).ok()?) {
        Some(fhir::Resource::HealthcareService(known)) => known.type_.first().cloned(),
        _ => None,
    }
}

fn key(kind: &CodeableConcept) -> String {
    super::dg1::concept_key(Some(kind)).join("|")
}

fn words(kind: &CodeableConcept) -> Option<Text> {
    let coding = kind.coding.first();
    let display = coding.and_then(|coding| coding.display.clone());
    display
        .or_else(|| kind.text.clone())
        .or_else(|| coding.and_then(|coding| coding.code.clone()))
}

fn write_service(from: &AppointmentParticipant, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    if let Some(service) = back.resolve::<HealthcareService>(from.actor.as_ref()) {
        concept::put(service.type_.first(), None, field, back);
        if field.is_empty() {
            field.repetition().optional(2, service.name.as_ref());
        }
    }
}

/// A general resource: its code is its identifier.
fn read_device(field: Field<'_>, to: &mut AppointmentParticipant, cx: &mut Context<'_>) {
    keep_more(field, to, cx);
    let Some(kind) = concept::first(field, None, cx) else {
        return;
    };
    let id = cx.entries.id("Device", &[&key(&kind)]);
    if cx.entries.shared(id).is_none() {
        let coding = kind.coding.first();
        let identifier = coding
            .and_then(|coding| coding.code.clone())
            .map(|code| Identifier {
                system: coding.and_then(|coding| coding.system.clone()),
                value: Some(code),
                ..Identifier::default()
            });
        let name = words(&kind).map(|name| DeviceDeviceName {
            name: Some(name),
            type_: Some(Text::const_new("user-friendly-name")),
            ..DeviceDeviceName::default()
        });
        let device = Device {
            identifier: identifier.into_iter().collect(),
            device_name: name.into_iter().collect(),
            type_: Some(kind),
            ..Device::default()
        };
        cx.entries.share(id, device);
    }
    to.actor = Some(reference(id));
}

fn write_device(from: &AppointmentParticipant, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(from, field, back);
    let Some(device) = back
        .resolve::<Device>(from.actor.as_ref())
        .filter(|_| field.is_empty())
    else {
        return;
    };
    if device.type_.as_ref().is_some_and(|kind| !kind.coding.is_empty()) || device.identifier.is_empty() {
        concept::put(device.type_.as_ref(), None, field, back);
        return;
    }
    let mut to = field.repetition();
    to.optional(1, device.identifier.first().and_then(|id| id.value.as_ref()));
    to.optional(2, device.device_name.first().and_then(|name| name.name.as_ref()));
}

/// Which segment a participant goes back to; nothing for the patient and for SCH's contacts.
pub(crate) fn segment_of(one: &AppointmentParticipant, back: &Back<'_>) -> Option<&'static str> {
    if sch::is_contact(one) {
        return None;
    }
    let actor: Option<&Reference> = one.actor.as_ref();
    if back.resolve::<HealthcareService>(actor).is_some() {
        return Some("AIS");
    }
    if back.resolve::<Device>(actor).is_some() {
        return Some("AIG");
    }
    if back.resolve::<Location>(actor).is_some() {
        return Some("AIL");
    }
    let person = back.resolve::<fhir::Practitioner>(actor).is_some()
        || back.resolve::<fhir::PractitionerRole>(actor).is_some();
    if person {
        return Some("AIP");
    }
    // A reference that leads out of the Bundle still says what it points at.
    let url = actor?.reference.as_deref().unwrap_or_default();
    let kind = actor?.type_.as_deref().unwrap_or_default();
    let says = |name: &str| kind == name || url.split('/').rev().nth(1) == Some(name);
    [
        ("HealthcareService", "AIS"),
        ("Device", "AIG"),
        ("Location", "AIL"),
        ("Practitioner", "AIP"),
        ("PractitionerRole", "AIP"),
    ]
    .into_iter()
    .find(|(name, _)| says(name))
    .map(|(_, segment)| segment)
}

#[cfg(test)]
mod tests {
    use fhir::Appointment;

    use super::*;
    use crate::testing::{PID, all, first, round_trip};

    const BEFORE: [&str; 3] = ["SCH|P1|F1", PID, "RGS|1"];

    #[test]
    fn every_resource_comes_back() {
        for segment in [
            "AIS|1|A|CONS^Consultation^L|20260310093000|0|MIN|30|MIN||Booked|X^Y^L",
            "AIG|1|A|US7^Ultrasound 7^L|EQ^Equipment^L||1||20260310093000|||30|MIN||Pending",
            "AIL|1|A|OPD^R1^^RYJ01|C^Clinic^HL70305||20260310093000|||30|MIN||Booked",
            "AIP|1|A|C1^Consult^Clara|CON^Consultant^L||20260310093000|||30|MIN||Cancelled",
            "AIP|1||C1^Consult^Clara~C2^Other^Olga",
            "AIL|1||OPD^R1|||||||||Odd",
        ] {
            round_trip("S12", &BEFORE, segment);
        }
    }

    #[test]
    fn each_kind_of_resource_is_a_participant() {
        let ais = "AIS|1||CONS^Consultation^L|20260310093000|||30|MIN";
        let before = [
            &BEFORE[..],
            &[
                "AIG|1||US7^Ultrasound 7^L",
                "AIL|1||OPD^R1",
                "AIP|1||C1^Consult^Clara",
            ],
        ]
        .concat();
        let bundle = round_trip("S12", &before, ais);
        let appointment: &Appointment = first(&bundle);
        assert_eq!(appointment.participant.len(), 5);
        assert_eq!(
            appointment.service_type[0].coding[0].code.as_deref(),
            Some("CONS")
        );
        assert_eq!(all::<Device>(&bundle).len(), 1);
        assert_eq!(all::<HealthcareService>(&bundle).len(), 1);
        let period = appointment
            .participant
            .iter()
            .find_map(|one| one.period.as_ref())
            .unwrap();
        assert_eq!(period.end.as_deref(), Some("2026-03-10T10:00:00+00:00"));
        assert_eq!(appointment.start.as_deref(), Some("2026-03-10T09:30:00+00:00"));
    }
}
