//! Who asks for an order: a person, a person for an organisation, how both are reached.
//!
//! ORC-12 and OBR-16 name the person, ORC-21 to ORC-24 the facility and the addresses, ORC-14 and OBR-17 the number to
//! call back. ORC-21 turns the requester into a PractitionerRole.

use fhir::{
    Extension, Organization, Practitioner, PractitionerRole, Reference, Resource, ServiceRequest, Text,
};
use hl7v2::Field;

use crate::back::{Back, FieldWriter};
use crate::context::Context;
use crate::datatype::{address, organization, person, telecom};
use crate::entries::reference;
use crate::keep;
use crate::segment::prt::PARTICIPATION;

const CALLBACK: &str = "http://hl7.org/fhir/StructureDefinition/servicerequest-order-callback-phone-number";

/// ORC-12 and OBR-16 name the requester; a mark tells when only one of them did.
const REQUESTER: [&str; 2] = ["ORC-12", "OBR-16"];

/// The first person is the requester; FHIR has room for one, so others travel beside it.
pub(crate) fn read_requester(field: Field<'_>, request: &mut ServiceRequest, cx: &mut Context<'_>) {
    let place = if cx.rule.segment == "ORC" {
        REQUESTER[0]
    } else {
        REQUESTER[1]
    };
    let mut people = person::read_all(field, cx).into_iter();
    let Some(first) = people.next() else { return };
    let known = shared_role(request, cx)
        .and_then(|role| role.practitioner.clone())
        .or_else(|| request.requester.clone());
    if known.as_ref() == Some(&first) {
        request
            .extension
            .retain(|one| !keep::is_marked(std::slice::from_ref(one), REQUESTER[0]));
    } else if request.requester.is_none() {
        request.requester = Some(first);
        request.extension.push(keep::mark(place));
    } else {
        request.extension.push(another(place.to_owned(), first));
    }
    for (number, person) in (2..).zip(people) {
        request
            .extension
            .push(another(format!("{place}[{number}]"), person));
    }
}

fn another(place: String, person: Reference) -> Extension {
    let value = Extension {
        value_reference: Some(Box::new(person)),
        ..Extension::default()
    };
    keep::carry(Text::from(place), value)
}

pub(crate) fn write_requester(request: &ServiceRequest, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let place = field.place();
    let carried = |place: &str| {
        keep::carried(&request.extension, place)?
            .value_reference
            .as_deref()
    };
    let elsewhere = REQUESTER
        .iter()
        .any(|other| *other != place && keep::is_marked(&request.extension, other));
    match carried(&place) {
        Some(person) => person::write_all(person, field, back),
        None if elsewhere => {}
        None => write_first_requester(request, field, back),
    }
    for number in 2.. {
        let Some(person) = carried(&format!("{place}[{number}]")) else {
            break;
        };
        person::write_all(person, field, back);
    }
}

fn write_first_requester(request: &ServiceRequest, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let Some(requester) = request.requester.as_ref().filter(|_| field.is_empty()) else {
        return;
    };
    let role = back.resolve::<PractitionerRole>(Some(requester));
    // Who stood in PRT goes back there.
    let own = |role: &&PractitionerRole| !keep::is_marked(&role.extension, PARTICIPATION);
    let person = match role {
        Some(role) if !own(&role) => None,
        Some(role) => role.practitioner.as_ref(),
        None => Some(requester).filter(|one| back.resolve::<Organization>(Some(one)).is_none()),
    };
    if let Some(person) = person {
        person::write_all(person, field, back);
    }
}

/// ORC-21 turns the requester into a role: a person for an organisation.
pub(super) fn read_facility(field: Field<'_>, request: &mut ServiceRequest, cx: &mut Context<'_>) {
    let Some(facility) = organization::read_xon(field.repetition(1), cx) else {
        return;
    };
    let person = request.requester.take();
    let url = |one: Option<&Reference>| one.and_then(|one| one.reference.clone()).unwrap_or_default();
    let id = cx.entries.id(
        "PractitionerRole",
        &[&url(person.as_ref()), &url(Some(&facility))],
    );
    if cx.entries.shared(id).is_none() {
        let role = PractitionerRole {
            practitioner: person,
            organization: Some(facility),
            ..PractitionerRole::default()
        };
        cx.entries.share(id, role);
    }
    request.requester = Some(reference(id));
}

fn role<'b>(request: &ServiceRequest, back: &Back<'b>) -> Option<&'b PractitionerRole> {
    back.resolve::<PractitionerRole>(request.requester.as_ref())
}

fn facility<'b>(request: &ServiceRequest, back: &Back<'b>) -> Option<&'b Reference> {
    role(request, back).and_then(|role| role.organization.as_ref())
}

pub(super) fn write_facility(request: &ServiceRequest, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    if let Some(facility) = facility(request, back) {
        organization::write_xon(facility, field.repetition(), back);
    }
}

/// The role a request's requester is, while the message is read.
fn shared_role<'e>(request: &ServiceRequest, cx: &'e mut Context<'_>) -> Option<&'e mut PractitionerRole> {
    let url = request
        .requester
        .as_ref()?
        .reference
        .as_deref()?
        .strip_prefix("urn:uuid:")?;
    match cx.entries.shared(uuid::Uuid::parse_str(url).ok()?) {
        Some(Resource::PractitionerRole(role)) => Some(role),
        _ => None,
    }
}

pub(super) fn read_facility_address(field: Field<'_>, request: &mut ServiceRequest, cx: &mut Context<'_>) {
    let Some(place) = shared_role(request, cx).and_then(|role| role.organization.clone()) else {
        keep::read_field(field, request, cx);
        return;
    };
    for xad in field.repetitions() {
        let found = address::read(xad, cx);
        if let Some(known) = organization::shared(&place, cx)
            && let Some(found) = found.filter(|found| !known.address.contains(found))
        {
            known.address.push(found);
        }
    }
}

pub(super) fn write_facility_address(request: &ServiceRequest, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(request, field, back);
    let found = back.resolve::<Organization>(facility(request, back));
    for one in found.iter().flat_map(|found| &found.address) {
        address::write(one, field.repetition(), back);
    }
}

pub(super) fn read_facility_telecom(field: Field<'_>, request: &mut ServiceRequest, cx: &mut Context<'_>) {
    let Some(place) = shared_role(request, cx).and_then(|role| role.organization.clone()) else {
        keep::read_field(field, request, cx);
        return;
    };
    let mut found = Vec::new();
    telecom::read(field, "", &mut found, cx);
    if let Some(known) = organization::shared(&place, cx) {
        found.retain(|one| !known.telecom.contains(one));
        known.telecom.extend(found);
    }
}

pub(super) fn write_facility_telecom(request: &ServiceRequest, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(request, field, back);
    let found = back.resolve::<Organization>(facility(request, back));
    telecom::write(found.iter().flat_map(|found| &found.telecom), field, back);
    if field.is_empty() {
        // Some say how a place is reached by whom one asks for.
        let contacts = found.iter().flat_map(|found| &found.contact);
        telecom::write(contacts.flat_map(|contact| &contact.telecom), field, back);
    }
}

pub(super) fn read_requester_address(field: Field<'_>, request: &mut ServiceRequest, cx: &mut Context<'_>) {
    let direct = request.requester.clone();
    let person = shared_role(request, cx)
        .and_then(|role| role.practitioner.clone())
        .or(direct);
    let id = person
        .and_then(|one| uuid::Uuid::parse_str(one.reference.as_deref()?.strip_prefix("urn:uuid:")?).ok());
    let known = id.is_some_and(|id| matches!(cx.entries.shared_ref(id), Some(Resource::Practitioner(_))));
    let Some(id) = id.filter(|_| known) else {
        keep::read_field(field, request, cx);
        return;
    };
    for xad in field.repetitions() {
        let found = address::read(xad, cx);
        if let Some(Resource::Practitioner(known)) = cx.entries.shared(id)
            && let Some(found) = found.filter(|found| !known.address.contains(found))
        {
            known.address.push(found);
        }
    }
}

pub(super) fn write_requester_address(
    request: &ServiceRequest,
    field: &mut FieldWriter<'_>,
    back: &Back<'_>,
) {
    keep::write_field(request, field, back);
    let person = role(request, back)
        .and_then(|role| role.practitioner.as_ref())
        .or(request.requester.as_ref());
    let found = back.resolve::<Practitioner>(person);
    for one in found.iter().flat_map(|found| &found.address) {
        address::write(one, field.repetition(), back);
    }
}

/// ORC-14 and OBR-17: the number to call back.
pub(crate) fn read_callback(field: Field<'_>, request: &mut ServiceRequest, cx: &mut Context<'_>) {
    let mut points = Vec::new();
    telecom::read(field, "", &mut points, cx);
    for point in points {
        let known = request
            .extension
            .iter()
            .any(|e| e.value_contact_point.as_deref() == Some(&point));
        if !known {
            request.extension.push(Extension {
                url: Some(Text::const_new(CALLBACK)),
                value_contact_point: Some(Box::new(point)),
                ..Extension::default()
            });
        }
    }
}

pub(crate) fn write_callback(request: &ServiceRequest, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let callbacks = request
        .extension
        .iter()
        .filter(|e| e.url.as_deref() == Some(CALLBACK));
    telecom::write(
        callbacks.filter_map(|e| e.value_contact_point.as_deref()),
        field,
        back,
    );
}
