//! NK1 to RelatedPerson and back. Guide: "Segment NK1 to RelatedPerson" (not Patient.contact: always the same one).

use fhir::{ContactPoint, Extension, Patient, RelatedPerson, RelatedPersonCommunication, Text};

use hl7v2::Field;

use crate::back::{Back, FieldWriter};
use crate::context::Context;
use crate::datatype::{address, code, concept, identifier, name, organization, telecom, time};
use crate::keep;
use crate::row::{Extensible, SegmentMap};

type Row = crate::row::Row<RelatedPerson>;

/// NK1-13 has no element of RelatedPerson.
const ORGANIZATION: &str = "NK1-13";
/// Tells NK1-7 from NK1-3, since both are relationships.
const ROLE: &str = "http://terminology.hl7.org/CodeSystem/v2-0131";

/// NK1 to RelatedPerson.
pub(crate) static NK1: SegmentMap<RelatedPerson> = SegmentMap {
    segment: "NK1",
    resource: "RelatedPerson",
    rows: &[
        Row::ignored(1, "a set id; the order of entries says it"),
        Row::new(2, "name", read_names, write_names),
        Row::new(30, "name", read_names, write_names).note("contact person"),
        Row::new(
            3,
            "relationship",
            |field, person, cx| {
                concept::all(
                    field,
                    Some(&cx.vocabulary.relationship),
                    &mut person.relationship,
                    cx,
                )
            },
            |person, field, back| {
                let kin = person.relationship.iter().find(|kind| !is_role(kind));
                concept::put(kin, Some(&back.vocabulary.relationship), field, back);
            },
        )
        .note("table 0063"),
        Row::new(
            7,
            "relationship",
            |field, person, cx| {
                let Some(mut role) = concept::first(field, Some(&cx.vocabulary.contact_role), cx) else {
                    return;
                };
                if !is_role(&role) {
                    role.extension.push(keep::mark("NK1-7"));
                }
                person.relationship.push(role);
            },
            |person, field, back| {
                let role = person.relationship.iter().find(|kind| is_role(kind));
                concept::put(role, Some(&back.vocabulary.contact_role), field, back);
            },
        )
        .note("table 0131"),
        Row::new(4, "address", read_addresses, write_addresses),
        Row::new(32, "address", read_addresses, write_addresses).note("contact person"),
        Row::new(5, "telecom", read_telecom, write_telecom),
        Row::new(6, "telecom", read_telecom, write_telecom).note("work"),
        Row::new(31, "telecom", read_telecom, write_telecom).note("contact person"),
        Row::new(40, "telecom", read_telecom, write_telecom),
        Row::new(41, "telecom", read_telecom, write_telecom).note("contact person"),
        Row::new(
            8,
            "period.start",
            |field, person, cx| {
                if let Some(start) = time::date_time(field, cx, "") {
                    person.period.get_or_insert_default().start = Some(start);
                }
            },
            |person, field, back| {
                time::put(
                    person.period.as_ref().and_then(|p| p.start.as_deref()),
                    field,
                    back,
                )
            },
        ),
        Row::new(
            9,
            "period.end",
            |field, person, cx| {
                if let Some(end) = time::date_time(field, cx, "") {
                    person.period.get_or_insert_default().end = Some(end);
                }
            },
            |person, field, back| {
                time::put(person.period.as_ref().and_then(|p| p.end.as_deref()), field, back)
            },
        ),
        Row::new(33, "identifier", read_identifiers, write_identifiers),
        Row::new(12, "identifier", read_identifiers, write_identifiers).note("employee number"),
        Row::new(
            37,
            "identifier",
            |field, person, cx| {
                if let Some(value) = cx.take(field, ".value") {
                    let social = fhir::Identifier {
                        value: Some(value),
                        ..fhir::Identifier::default()
                    };
                    person.identifier.push(identifier::typed(social, "SS"));
                }
            },
            |person, field, _| {
                let social = person
                    .identifier
                    .iter()
                    .find(|one| identifier::is_typed(one, "SS"));
                field
                    .repetition()
                    .optional(1, social.and_then(|one| one.value.as_ref()));
            },
        )
        .note("table 0203: SS"),
        Row::new(
            13,
            "extension(organization)",
            |field, person, cx| {
                if let Some(found) = organization::read_xon(field.repetition(1), cx) {
                    let value = Extension {
                        value_reference: Some(Box::new(found)),
                        ..Extension::default()
                    };
                    person
                        .extension
                        .push(keep::carry(Text::const_new(ORGANIZATION), value));
                }
            },
            |person, field, back| {
                let found = keep::carried(&person.extension, ORGANIZATION);
                if let Some(found) = found.and_then(|e| e.value_reference.as_ref()) {
                    organization::write_xon(found, field.repetition(), back);
                }
            },
        ),
        Row::new(
            15,
            "gender",
            |field, person, cx| {
                let table = &cx.vocabulary.administrative_sex;
                (person.gender, person.gender_element) = code::read(field, table, cx, "");
            },
            |person, field, back| {
                let table = &back.vocabulary.administrative_sex;
                field.repetition().optional(
                    1,
                    code::write(person.gender.as_ref(), &person.gender_element, table).as_ref(),
                );
            },
        )
        .note("table 0001"),
        Row::new(
            16,
            "birthDate",
            |field, person, cx| person.birth_date = time::date(field, cx, ""),
            |person, field, back| time::put(person.birth_date.as_deref(), field, back),
        ),
        Row::new(
            20,
            "communication.language",
            |field, person, cx| {
                if let Some(language) = concept::first(field, Some(&cx.vocabulary.language), cx) {
                    person.communication.push(RelatedPersonCommunication {
                        language: Some(language),
                        ..RelatedPersonCommunication::default()
                    });
                }
            },
            |person, field, back| {
                let language = person.communication.first().and_then(|one| one.language.as_ref());
                concept::put(language, Some(&back.vocabulary.language), field, back);
            },
        )
        .note("table 0296 to BCP 47"),
        Row::kept(10),
        Row::kept(11),
        Row::kept(14),
        Row::kept(17),
        Row::kept(18),
        Row::kept(19),
        Row::kept(21),
        Row::kept(22),
        Row::kept(23),
        Row::kept(24),
        Row::kept(25),
        Row::kept(26),
        Row::kept(27),
        Row::kept(28),
        Row::kept(29),
        Row::kept(34),
        Row::kept(35),
        Row::kept(36),
        Row::kept(38),
        Row::kept(39),
    ],
};

/// Marks what the usual field would take back: `usual` holds everything that has no mark.
fn mark_from<E: Extensible>(list: &mut [E], from: usize, field: u16, usual: u16) {
    if field != usual {
        for item in list.iter_mut().skip(from) {
            item.extensions_mut().push(keep::mark(format!("NK1-{field}")));
        }
    }
}

/// True for an item that goes back to this field.
fn belongs<E: Extensible>(item: &E, place: &str, usual: &str) -> bool {
    let own = item.extensions().iter().find(|e| {
        e.url.as_deref() == Some(keep::PLACE)
            && e.value_string.as_deref().is_some_and(|at| at.starts_with("NK1-"))
    });
    own.map_or(usual, |mark| mark.value_string.as_deref().unwrap_or(usual)) == place
}

fn read_names(field: Field<'_>, person: &mut RelatedPerson, cx: &mut Context<'_>) {
    let from = person.name.len();
    name::read_all(field, &mut person.name, cx);
    mark_from(&mut person.name, from, cx.rule.field, 2);
}

fn write_names(person: &RelatedPerson, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let place = field.place();
    let own = |one: &&fhir::HumanName| belongs(*one, &place, "NK1-2");
    name::write_all(person.name.iter().filter(own), field, back);
}

fn read_addresses(field: Field<'_>, person: &mut RelatedPerson, cx: &mut Context<'_>) {
    let from = person.address.len();
    for xad in field.repetitions() {
        cx.at(person.address.len());
        person.address.extend(address::read(xad, cx));
    }
    mark_from(&mut person.address, from, cx.rule.field, 4);
}

fn write_addresses(person: &RelatedPerson, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let place = field.place();
    for one in person.address.iter().filter(|one| belongs(*one, &place, "NK1-4")) {
        address::write(one, field.repetition(), back);
    }
}

fn read_telecom(field: Field<'_>, person: &mut RelatedPerson, cx: &mut Context<'_>) {
    let from = person.telecom.len();
    let number = cx.rule.field;
    telecom::read(
        field,
        if number == 6 { "work" } else { "" },
        &mut person.telecom,
        cx,
    );
    for point in person.telecom.iter_mut().skip(from) {
        // A use says it where it can: work is NK1-6, everything else NK1-5.
        if usual_telecom(point) != format!("NK1-{number}") {
            point.extension.push(keep::mark(format!("NK1-{number}")));
        }
    }
}

fn usual_telecom(point: &ContactPoint) -> &'static str {
    if point.use_.as_deref() == Some("work") {
        "NK1-6"
    } else {
        "NK1-5"
    }
}

fn write_telecom(person: &RelatedPerson, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let place = field.place();
    let points = person
        .telecom
        .iter()
        .filter(|point| belongs(*point, &place, usual_telecom(point)));
    telecom::write(points, field, back);
}

fn read_identifiers(field: Field<'_>, person: &mut RelatedPerson, cx: &mut Context<'_>) {
    let from = person.identifier.len();
    for one in field.repetitions() {
        cx.at(person.identifier.len());
        person.identifier.extend(identifier::read_cx(one, cx));
    }
    mark_from(&mut person.identifier, from, cx.rule.field, 33);
}

fn write_identifiers(person: &RelatedPerson, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let place = field.place();
    let plain = |one: &&fhir::Identifier| !identifier::is_typed(one, "SS") || one.assigner.is_some();
    for one in person
        .identifier
        .iter()
        .filter(plain)
        .filter(|one| belongs(*one, &place, "NK1-33"))
    {
        identifier::write_cx(one, field.repetition(), back);
    }
}

fn is_role(kind: &fhir::CodeableConcept) -> bool {
    kind.coding
        .iter()
        .any(|coding| coding.system.as_deref() == Some(ROLE))
        || keep::is_marked(&kind.extension, "NK1-7")
}

/// What tells one relation of a patient from another.
pub(crate) fn key(person: &RelatedPerson) -> [String; 2] {
    let kind = person.relationship.first().and_then(|kind| {
        let coded = kind.coding.first().and_then(|coding| coding.code.clone());
        coded.or_else(|| kind.text.clone())
    });
    let name = person.name.first().map(|name| {
        format!(
            "{}|{}",
            name.family.as_deref().unwrap_or_default(),
            name.given.join(" ")
        )
    });
    [kind.unwrap_or_default().to_string(), name.unwrap_or_default()]
}

/// RelatedPersons of a patient, in the Bundle's order.
pub(crate) fn of_patient<'b>(
    patient: Option<&Patient>,
    back: &Back<'b>,
) -> impl Iterator<Item = &'b RelatedPerson> {
    let id = patient.and_then(|patient| patient.id.clone());
    let found: Vec<&'b RelatedPerson> = back
        .all::<RelatedPerson>()
        .filter(|person| {
            let target = back.resolve::<Patient>(person.patient.as_ref());
            target.is_none_or(|target| target.id == id)
        })
        .collect();
    found.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PID, first, round_trip};

    #[test]
    fn next_of_kin_comes_back_with_every_field_in_its_place() {
        let nk1 = "NK1|1|Example^William^^^Mr|BRO|15 Test Terrace^^London^^ZZ99 3VZ|020 7946 0103^^PH|\
            07700900101^^CP|N|20200101|20301231|||EMP1|ACME LTD||M||||EN|||||||||||Contact^Carl|5551^^PH|\
            1 Work St|ID7^^^RYJ^PI||||SS1";
        let bundle = round_trip("A28", &[PID], &nk1.replace("\\\n            ", ""));
        let person: &RelatedPerson = first(&bundle);
        assert_eq!(person.name.len(), 2);
        assert_eq!(person.telecom.len(), 3);
        assert!(person.patient.is_some());
    }
}
