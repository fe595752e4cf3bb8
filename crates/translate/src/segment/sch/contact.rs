//! Contacts of placer and filler, and who entered the appointment: SCH-12 to SCH-22.

use super::*;

fn read_contact(
    field: Field<'_>,
    place: &'static str,
    kind: fhir::CodeableConcept,
    appointment: &mut Appointment,
    cx: &mut Context<'_>,
) {
    for xcn in field.repetitions() {
        cx.at(appointment.participant.len());
        if let Some(actor) = person::read(xcn, cx) {
            appointment.participant.push(AppointmentParticipant {
                extension: vec![keep::mark(place)],
                type_: vec![kind.clone()],
                actor: Some(actor),
                ..AppointmentParticipant::default()
            });
        }
    }
}

pub(super) fn read_placer(field: Field<'_>, appointment: &mut Appointment, cx: &mut Context<'_>) {
    let kind = concept::of_text(Text::const_new("Placer contact person"));
    read_contact(field, PLACER, kind, appointment, cx);
}

pub(super) fn read_filler(field: Field<'_>, appointment: &mut Appointment, cx: &mut Context<'_>) {
    let kind = concept::of_text(Text::const_new("Filler contact person"));
    read_contact(field, FILLER, kind, appointment, cx);
}

pub(super) fn read_enterer(field: Field<'_>, appointment: &mut Appointment, cx: &mut Context<'_>) {
    let kind = concept::of_code(PARTICIPANT, "enterer", "Enterer");
    read_contact(field, ENTERER, kind, appointment, cx);
}

fn contacts<'a>(appointment: &'a Appointment, place: &'a str) -> impl Iterator<Item = &'a Reference> {
    let here = move |one: &&AppointmentParticipant| keep::is_marked(&one.extension, place);
    appointment
        .participant
        .iter()
        .filter(here)
        .filter_map(|one| one.actor.as_ref())
}

/// True for a participant that SCH names.
pub(crate) fn is_contact(one: &AppointmentParticipant) -> bool {
    [PLACER, FILLER, ENTERER]
        .iter()
        .any(|place| keep::is_marked(&one.extension, place))
}

pub(super) fn write_contact(
    appointment: &Appointment,
    place: &str,
    field: &mut FieldWriter<'_>,
    back: &Back<'_>,
) {
    for actor in contacts(appointment, place) {
        person::write(actor, field.repetition(), back);
    }
}

/// The role of the first contact of a place, which telephone and location describe; made when there is none yet.
fn shared_role<'e>(
    place: &'static str,
    appointment: &mut Appointment,
    cx: &'e mut Context<'_>,
) -> Option<&'e mut PractitionerRole> {
    let mut marked = appointment.participant.iter_mut();
    let actor = marked
        .find(|one| keep::is_marked(&one.extension, place))?
        .actor
        .as_mut()?;
    let id = uuid::Uuid::parse_str(actor.reference.as_deref()?.strip_prefix("urn:uuid:")?).ok()?;
    let role = if matches!(cx.entries.shared_ref(id), Some(Resource::PractitionerRole(_))) {
        id
    } else {
        let made = cx.entries.id("PractitionerRole", &[&id.to_string(), place]);
        if cx.entries.shared(made).is_none() {
            let role = PractitionerRole {
                practitioner: Some(actor.clone()),
                ..PractitionerRole::default()
            };
            cx.entries.share(made, role);
        }
        *actor = reference(made);
        made
    };
    match cx.entries.shared(role) {
        Some(Resource::PractitionerRole(role)) => Some(role),
        _ => None,
    }
}

pub(super) fn read_telecom(
    field: Field<'_>,
    place: &'static str,
    appointment: &mut Appointment,
    cx: &mut Context<'_>,
) {
    if shared_role(place, appointment, cx).is_none() {
        return keep::read_field(field, appointment, cx);
    }
    let mut found = Vec::new();
    telecom::read(field, "", &mut found, cx);
    if let Some(role) = shared_role(place, appointment, cx) {
        found.retain(|one| !role.telecom.contains(one));
        role.telecom.extend(found);
    }
}

fn role<'b>(appointment: &Appointment, place: &str, back: &Back<'b>) -> Option<&'b PractitionerRole> {
    back.resolve::<PractitionerRole>(contacts(appointment, place).next())
}

pub(super) fn write_telecom(
    appointment: &Appointment,
    place: &str,
    field: &mut FieldWriter<'_>,
    back: &Back<'_>,
) {
    keep::write_field(appointment, field, back);
    let role = role(appointment, place, back);
    telecom::write(role.iter().flat_map(|role| &role.telecom), field, back);
}

pub(super) fn read_place(
    field: Field<'_>,
    place: &'static str,
    appointment: &mut Appointment,
    cx: &mut Context<'_>,
) {
    if shared_role(place, appointment, cx).is_none() {
        return keep::read_field(field, appointment, cx);
    }
    let found = location::read(field.repetition(1), cx);
    if let Some(role) = shared_role(place, appointment, cx) {
        role.location.extend(found);
    }
}

pub(super) fn write_place(
    appointment: &Appointment,
    place: &str,
    field: &mut FieldWriter<'_>,
    back: &Back<'_>,
) {
    keep::write_field(appointment, field, back);
    let found = role(appointment, place, back).and_then(|role| role.location.first());
    if let Some(found) = found {
        location::write(found, field.repetition(), back);
    }
}

/// The address belongs to the person; the mark says which contact's it was.
pub(super) fn read_address(
    field: Field<'_>,
    place: &'static str,
    appointment: &mut Appointment,
    cx: &mut Context<'_>,
) {
    let direct = contacts(appointment, place).next().cloned();
    let role = shared_role(place, appointment, cx).and_then(|role| role.practitioner.clone());
    let url = role.or(direct).and_then(|one| one.reference);
    let id = url.and_then(|url| uuid::Uuid::parse_str(url.strip_prefix("urn:uuid:")?).ok());
    let Some(id) = id else {
        return keep::read_field(field, appointment, cx);
    };
    for xad in field.repetitions() {
        let Some(mut found) = address::read(xad, cx) else {
            continue;
        };
        found.extension.push(keep::mark(place));
        if let Some(Resource::Practitioner(known)) = cx.entries.shared(id)
            && !known.address.contains(&found)
        {
            known.address.push(found);
        }
    }
}

pub(super) fn write_address(
    appointment: &Appointment,
    place: &str,
    field: &mut FieldWriter<'_>,
    back: &Back<'_>,
) {
    keep::write_field(appointment, field, back);
    let actor = contacts(appointment, place).next();
    let role = role(appointment, place, back).and_then(|role| role.practitioner.as_ref());
    let Some(person) = back.resolve::<Practitioner>(role.or(actor)) else {
        return;
    };
    for one in person
        .address
        .iter()
        .filter(|one| keep::is_marked(&one.extension, place))
    {
        address::write(one, field.repetition(), back);
    }
}
