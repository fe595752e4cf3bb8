//! NK1 to RelatedPerson and back. Guide: "Segment NK1 to RelatedPerson" (not Patient.contact: always the same one).

use fhir::{Extension, Patient, RelatedPerson, RelatedPersonCommunication, Text};

use crate::datatype::{address, code, concept, identifier, name, organization, telecom, time};
use crate::keep;
use crate::row::SegmentMap;

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
        Row::new(
            2,
            "name",
            |field, person, cx| {
                for xpn in field.repetitions() {
                    cx.at(person.name.len());
                    person.name.extend(name::read(xpn, cx));
                }
            },
            |person, field, back| {
                for one in &person.name {
                    name::write(one, name::XPN, &mut field.repetition(), back);
                }
            },
        ),
        Row::new(
            30,
            "name",
            |field, person, cx| {
                for xpn in field.repetitions() {
                    cx.at(person.name.len());
                    person.name.extend(name::read(xpn, cx));
                }
            },
            |_, _, _| {}, // NK1-2 carries every name back.
        )
        .note("writes back to NK1-2"),
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
        Row::new(
            4,
            "address",
            |field, person, cx| {
                for xad in field.repetitions() {
                    cx.at(person.address.len());
                    person.address.extend(address::read(xad, cx));
                }
            },
            |person, field, back| {
                for one in &person.address {
                    address::write(one, field.repetition(), back);
                }
            },
        ),
        Row::new(
            32,
            "address",
            |field, person, cx| {
                for xad in field.repetitions() {
                    cx.at(person.address.len());
                    person.address.extend(address::read(xad, cx));
                }
            },
            |_, _, _| {}, // NK1-4 carries every address back.
        )
        .note("writes back to NK1-4"),
        Row::new(
            5,
            "telecom",
            |field, person, cx| telecom::read(field, "", &mut person.telecom, cx),
            |person, field, back| {
                let points = person
                    .telecom
                    .iter()
                    .filter(|one| one.use_.as_deref() != Some("work"));
                telecom::write(points, "", field, back);
            },
        ),
        Row::new(
            6,
            "telecom",
            |field, person, cx| telecom::read(field, "work", &mut person.telecom, cx),
            |person, field, back| {
                let points = person
                    .telecom
                    .iter()
                    .filter(|one| one.use_.as_deref() == Some("work"));
                telecom::write(points, "work", field, back);
            },
        ),
        Row::new(
            31,
            "telecom",
            |field, person, cx| telecom::read(field, "", &mut person.telecom, cx),
            |_, _, _| {},
        )
        .note("writes back to NK1-5"),
        Row::new(
            40,
            "telecom",
            |field, person, cx| telecom::read(field, "", &mut person.telecom, cx),
            |_, _, _| {},
        )
        .note("writes back to NK1-5"),
        Row::new(
            41,
            "telecom",
            |field, person, cx| telecom::read(field, "", &mut person.telecom, cx),
            |_, _, _| {},
        )
        .note("writes back to NK1-5"),
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
        Row::new(
            33,
            "identifier",
            |field, person, cx| {
                for one in field.repetitions() {
                    cx.at(person.identifier.len());
                    person.identifier.extend(identifier::read_cx(one, cx));
                }
            },
            |person, field, back| {
                for one in person
                    .identifier
                    .iter()
                    .filter(|one| !identifier::is_typed(one, "SS"))
                {
                    identifier::write_cx(one, field.repetition(), back);
                }
            },
        ),
        Row::new(
            12,
            "identifier",
            |field, person, cx| {
                cx.at(person.identifier.len());
                person
                    .identifier
                    .extend(identifier::read_cx(field.repetition(1), cx));
            },
            |_, _, _| {}, // NK1-33 carries every identifier back.
        )
        .note("writes back to NK1-33"),
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
                if let Some(language) = concept::first(field, None, cx) {
                    person.communication.push(RelatedPersonCommunication {
                        language: Some(language),
                        ..RelatedPersonCommunication::default()
                    });
                }
            },
            |person, field, back| {
                let language = person.communication.first().and_then(|one| one.language.as_ref());
                concept::put(language, None, field, back);
            },
        ),
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
    back: &crate::back::Back<'b>,
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
