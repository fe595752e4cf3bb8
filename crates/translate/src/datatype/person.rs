//! XCN, CNN and NDL: people who give care, one Practitioner for each identity.
//!
//! Senders repeat a clinician once for each of their numbers. Repetitions of one field that bear one name and numbers
//! of different registers are one Practitioner with several identifiers. The reference then says, by its marks, which
//! of the identifiers stood in the field, so that the way back writes those and no others.

use fhir::{
    CodeableConcept, Coding, HumanName, Identifier, Practitioner, PractitionerQualification, Reference,
    Resource, Text,
};
use hl7v2::{Component, Field, Repetition};
use uuid::Uuid;

use crate::back::{Back, FieldWriter, RepetitionWriter};
use crate::context::{Composite, Context};
use crate::datatype::identifier::{self, GMC, GMP};
use crate::datatype::{concept, name};
use crate::entries::reference;
use crate::keep;
use crate::ledger::Outcome;
use crate::segment::prt::PARTICIPATION;

/// What one XCN gave.
struct Person {
    id: Identifier,
    name: Option<HumanName>,
    qualification: Option<PractitionerQualification>,
}

/// XCN to a Practitioner of the Bundle, and a reference to it.
pub(crate) fn read(xcn: Repetition<'_>, cx: &mut Context<'_>) -> Option<Reference> {
    let person = read_parts(xcn, cx);
    share(person, Vec::new(), cx)
}

/// Every person that a field names, each once however many of their numbers it lists.
pub(crate) fn read_all<'m>(field: Field<'m>, cx: &mut Context<'_>) -> Vec<Reference> {
    let mut people: Vec<(Person, Vec<Identifier>)> = Vec::new();
    for xcn in field.repetitions() {
        let person = read_parts(xcn, cx);
        match people
            .iter_mut()
            .find(|(known, more)| is_same_person(known, more, &person))
        {
            Some((known, more)) => {
                more.push(person.id);
                known.qualification = known.qualification.take().or(person.qualification);
            }
            None => people.push((person, Vec::new())),
        }
    }
    people
        .into_iter()
        .filter_map(|(person, more)| share(person, more, cx))
        .collect()
}

/// True when the names are one, and no register has numbered the person already.
fn is_same_person(known: &Person, more: &[Identifier], other: &Person) -> bool {
    let (Some(one), Some(two)) = (&known.name, &other.name) else {
        return false;
    };
    let register = |id: &Identifier| {
        (
            id.system.clone(),
            namespace(id),
            identifier::type_code(id).cloned(),
        )
    };
    other.id.value.is_some()
        && std::iter::once(&known.id)
            .chain(more)
            .all(|id| id.value.is_some() && register(id) != register(&other.id))
        && one.family == two.family
        && one.given == two.given
        && one.prefix == two.prefix
        && one.suffix == two.suffix
}

fn namespace(id: &Identifier) -> Option<Text> {
    let assigner = id.assigner.as_ref()?;
    assigner.identifier.as_ref()?.value.clone()
}

fn read_parts(xcn: Repetition<'_>, cx: &mut Context<'_>) -> Person {
    let mut id = Identifier::default();
    let mut person = HumanName::default();
    let mut qualification = None;
    let mut authority = None;
    for (n, part) in xcn.parts() {
        match n {
            1 => id.value = cx.take(part, "Practitioner.identifier.value"),
            7 => {
                qualification = read_degree(part, cx);
                let degree = cx.take(part, "Practitioner.qualification.code");
                name::push_degree(&mut person, degree);
            }
            8 if authority.is_none() => {
                // CN of v2.2 and XCN's source table: an authority where XCN.9 is empty.
                if xcn.component(9).raw().is_empty() && !xcn.component(1).raw().is_empty() {
                    authority = Some(part);
                } else {
                    keep::read_part::<Repetition<'_>>("XCN", n, part, &mut id.extension, cx);
                }
            }
            9 => authority = Some(part),
            10 if is_register(part, cx) => set_register(part, &mut id, cx),
            11 | 12 => identifier::read_check(&mut id, n == 11, part, cx),
            13 => id.type_ = identifier::read_type(part, cx),
            2..=6 | 10 | 17..=21 => name::read_of_person(n, part, &mut person, cx),
            _ => keep::read_part::<Repetition<'_>>("XCN", n, part, &mut id.extension, cx),
        }
    }
    if let Some(authority) = authority
        && id.value.is_some()
    {
        identifier::set_authority(&mut id, authority, cx);
    }
    if id.value.is_none() {
        // What describes a number that is not there has the name to travel on.
        person.extension.append(&mut id.extension);
    }
    Person {
        id,
        name: name::finish(person),
        qualification,
    }
}

/// CNN inside one component, as NDL.1 holds it: id, family, given, second, suffix, prefix, degree, source, authority.
pub(crate) fn read_cnn(cnn: Component<'_>, cx: &mut Context<'_>) -> Option<Reference> {
    let mut id = Identifier::default();
    let mut person = HumanName::default();
    let mut take = |n: usize, member| cx.take(cnn.subcomponent(n), member);
    id.value = take(1, "Practitioner.identifier.value");
    person.family = take(2, "Practitioner.name.family");
    person.given.extend(take(3, "Practitioner.name.given"));
    person.given.extend(take(4, "Practitioner.name.given"));
    person.suffix.extend(take(5, "Practitioner.name.suffix"));
    person.prefix.extend(take(6, "Practitioner.name.prefix"));
    if id.value.is_some() {
        let parts = [cnn.subcomponent(9), cnn.subcomponent(10), cnn.subcomponent(11)];
        identifier::set_authority_parts(&mut id, parts, cx);
    }
    let person = Person {
        id,
        name: name::finish(person),
        qualification: None,
    };
    share(person, Vec::new(), cx)
}

/// British senders put the register where the name type belongs.
fn is_register(part: Component<'_>, cx: &Context<'_>) -> bool {
    cx.peek(part)
        .is_some_and(|text| matches!(text.as_ref(), "GMC" | "GMP"))
}

fn set_register(part: Component<'_>, id: &mut Identifier, cx: &mut Context<'_>) {
    let register = cx.take_as(part, "Practitioner.identifier.system", Outcome::Transformed);
    id.system = Some(Text::const_new(if register.as_deref() == Some("GMC") {
        GMC
    } else {
        GMP
    }));
}

fn read_degree(part: Component<'_>, cx: &mut Context<'_>) -> Option<PractitionerQualification> {
    let degree = cx.take(part, "Practitioner.qualification.code")?;
    let known = cx.vocabulary.degree.to_fhir(&degree).copied();
    let coding = Coding {
        system: known.map(|code| Text::const_new(code.system)),
        code: Some(Text::from(concept::squeeze(&degree).as_ref())),
        ..Coding::default()
    };
    let code = CodeableConcept {
        coding: vec![coding],
        ..CodeableConcept::default()
    };
    Some(PractitionerQualification {
        code: Some(code),
        ..PractitionerQualification::default()
    })
}

/// Finds or adds the Practitioner; what is new about a known one is added to it.
fn share(person: Person, more: Vec<Identifier>, cx: &mut Context<'_>) -> Option<Reference> {
    let Person {
        id,
        name,
        qualification,
    } = person;
    if id.value.is_none() && name.is_none() {
        return None;
    }
    let key = known(&id, &more, cx).map_or_else(|| new_key(&id, name.as_ref(), cx), Some)?;
    if cx.entries.shared_ref(key).is_none() {
        cx.entries.share(key, Practitioner::default());
    }
    let Some(Resource::Practitioner(practitioner)) = cx.entries.shared(key) else {
        return None;
    };
    if let Some(name) = name.filter(|name| !practitioner.name.contains(name)) {
        practitioner.name.push(name);
    }
    if let Some(one) = qualification.filter(|one| !practitioner.qualification.contains(one)) {
        practitioner.qualification.push(one);
    }
    let mut places = Vec::with_capacity(1 + more.len());
    for id in std::iter::once(id).chain(more).filter(|id| id.value.is_some()) {
        let place = practitioner.identifier.iter().position(|known| *known == id);
        places.push(place.unwrap_or(practitioner.identifier.len()));
        if place.is_none() {
            practitioner.identifier.push(id);
        }
    }
    let mut found = reference(key);
    if places != [0] {
        found.extension.extend(
            places
                .iter()
                .map(|place| keep::mark(format!("XCN[{}]", place + 1))),
        );
    }
    Some(found)
}

/// The Practitioner of the Bundle who has one of these numbers already.
fn known(id: &Identifier, more: &[Identifier], cx: &Context<'_>) -> Option<Uuid> {
    let is_one_of = |other: &Identifier| {
        std::iter::once(id).chain(more).any(|id| {
            id.value.is_some()
                && id.value == other.value
                && id.system == other.system
                && namespace(id) == namespace(other)
        })
    };
    cx.entries.find_shared(
        |resource| matches!(resource, Resource::Practitioner(one) if one.identifier.iter().any(is_one_of)),
    )
}

/// The id of a Practitioner: from the first number, else from the name.
fn new_key(id: &Identifier, name: Option<&HumanName>, cx: &mut Context<'_>) -> Option<Uuid> {
    let text = |text: &Option<Text>| text.clone().unwrap_or_default();
    if id.value.is_some() {
        let parts = [
            text(&id.system),
            namespace(id).unwrap_or_default(),
            text(&id.value),
        ];
        let [system, namespace, value] = &parts;
        return Some(cx.entries.id("Practitioner", &[system, namespace, value]));
    }
    let name = name?;
    let given = name.given.join(" ");
    let prefix = name.prefix.join(" ");
    Some(
        cx.entries
            .id("Practitioner", &["name", &text(&name.family), &given, &prefix]),
    )
}

/// The identifiers that stood in the field, by the reference's marks; the first when it has none.
fn sent_identifiers<'p>(
    person: &Reference,
    practitioner: &'p Practitioner,
) -> impl Iterator<Item = Option<&'p Identifier>> {
    let mut places: Vec<usize> = (1..=practitioner.identifier.len())
        .filter(|place| {
            !person.extension.is_empty() && keep::is_marked(&person.extension, &format!("XCN[{place}]"))
        })
        .collect();
    if places.is_empty() {
        places.push(1);
    }
    places
        .into_iter()
        .map(|place| practitioner.identifier.get(place - 1))
}

/// A reference to a Practitioner (or to a role that has one) to XCN: every number that stood in the field.
pub(crate) fn write_all(person: &Reference, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let target = target(person, back);
    let Some(practitioner) = back.resolve::<Practitioner>(Some(target)) else {
        write_unresolved(target, &mut field.repetition(), back);
        return;
    };
    for id in sent_identifiers(person, practitioner) {
        write_one(practitioner, id, &mut field.repetition(), back);
    }
}

/// As [`write_all`], for a place that has room for one number.
pub(crate) fn write(person: &Reference, mut to: RepetitionWriter<'_>, back: &Back<'_>) {
    // Who stood in PRT goes back there.
    let role = back.resolve::<fhir::PractitionerRole>(Some(person));
    if role.is_some_and(|role| keep::is_marked(&role.extension, PARTICIPATION)) {
        return;
    }
    let target = target(person, back);
    let Some(practitioner) = back.resolve::<Practitioner>(Some(target)) else {
        write_unresolved(target, &mut to, back);
        return;
    };
    let id = sent_identifiers(person, practitioner).next().flatten();
    write_one(practitioner, id, &mut to, back);
}

fn target<'r>(person: &'r Reference, back: &Back<'r>) -> &'r Reference {
    let role = back.resolve::<fhir::PractitionerRole>(Some(person));
    role.and_then(|role| role.practitioner.as_ref()).unwrap_or(person)
}

fn write_one(
    practitioner: &Practitioner,
    id: Option<&Identifier>,
    to: &mut RepetitionWriter<'_>,
    back: &Back<'_>,
) {
    if let Some(id) = id {
        write_identifier(id, to, back);
    }
    if let Some(name) = practitioner.name.first() {
        name::write(name, name::XCN, to, back);
    }
    let degree = practitioner
        .qualification
        .first()
        .and_then(|one| one.code.as_ref()?.coding.first()?.code.as_ref());
    to.optional(7, degree);
}

fn write_identifier(id: &Identifier, to: &mut RepetitionWriter<'_>, back: &Back<'_>) {
    to.optional(1, id.value.as_ref());
    let [namespace, universal, kind] = identifier::authority(id, back);
    to.subcomponent(9, 1, &namespace);
    to.subcomponent(9, 2, &universal);
    to.subcomponent(9, 3, &kind);
    identifier::write_check(id, [11, 12], to);
    to.optional(13, identifier::written_type(id, back).as_ref());
    keep::write_parts(&id.extension, "XCN", to);
}

/// A reference that leads nowhere in the Bundle may still say who it is.
fn write_unresolved(person: &Reference, to: &mut RepetitionWriter<'_>, back: &Back<'_>) {
    if let Some(id) = &person.identifier {
        write_identifier(id, to, back);
    }
    to.optional(2, person.display.as_ref());
}

/// A reference to a Practitioner to CNN in the first component, as NDL.1 holds it.
pub(crate) fn write_cnn(person: &Reference, mut to: RepetitionWriter<'_>, back: &Back<'_>) {
    let Some(practitioner) = back.resolve::<Practitioner>(Some(person)) else {
        if let Some(display) = &person.display {
            to.subcomponent(1, 2, display);
        }
        return;
    };
    if let Some(id) = practitioner.identifier.first() {
        if let Some(value) = &id.value {
            to.subcomponent(1, 1, value);
        }
        let [namespace, universal, kind] = identifier::authority(id, back);
        to.subcomponent(1, 9, &namespace);
        to.subcomponent(1, 10, &universal);
        to.subcomponent(1, 11, &kind);
    }
    let Some(name) = practitioner.name.first() else {
        return;
    };
    let parts = [
        (2, name.family.as_ref()),
        (3, name.given.first()),
        (4, name.given.get(1)),
        (5, name.suffix.first()),
        (6, name.prefix.first()),
    ];
    for (n, text) in parts {
        if let Some(text) = text {
            to.subcomponent(1, n, text);
        }
    }
}
