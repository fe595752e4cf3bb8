//! XCN, CNN and NDL: people who give care, one Practitioner for each identity.

use fhir::{
    CodeableConcept, Coding, HumanName, Identifier, Practitioner, PractitionerQualification, Reference,
    Resource, Text,
};
use hl7v2::{Component, Repetition};

use crate::back::{Back, RepetitionWriter};
use crate::context::{Composite, Context};
use crate::datatype::identifier::{self, GMC, GMP};
use crate::datatype::{concept, name};
use crate::entries::reference;
use crate::ledger::Outcome;

/// XCN to a Practitioner of the Bundle, and a reference to it.
pub(crate) fn read(xcn: Repetition<'_>, cx: &mut Context<'_>) -> Option<Reference> {
    let mut id = Identifier::default();
    let mut person = HumanName::default();
    let mut qualification = None;
    let mut authority = None;
    for (n, part) in xcn.parts() {
        match n {
            1 => id.value = cx.take(part, "Practitioner.identifier.value"),
            7 => qualification = read_degree(part, cx),
            8 if authority.is_none() => {
                // CN of v2.2 and XCN's source table: an authority where XCN.9 is empty.
                if xcn.component(9).raw().is_empty() && !xcn.component(1).raw().is_empty() {
                    authority = Some(part);
                }
            }
            9 => authority = Some(part),
            10 if is_register(part, cx) => set_register(part, &mut id, cx),
            13 => id.type_ = identifier::read_type(part, cx),
            _ => name::read_of_person(n, part, &mut person, cx),
        }
    }
    if let Some(authority) = authority
        && id.value.is_some()
    {
        identifier::set_authority(&mut id, authority, cx);
    }
    share(id, name::finish(person), qualification, cx)
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
    share(id, name::finish(person), None, cx)
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
fn share(
    id: Identifier,
    person: Option<HumanName>,
    qualification: Option<PractitionerQualification>,
    cx: &mut Context<'_>,
) -> Option<Reference> {
    if id.value.is_none() && person.is_none() {
        return None;
    }
    let text = |text: &Option<Text>| text.clone().unwrap_or_default();
    let key = if id.value.is_some() {
        let assigner = id
            .assigner
            .as_ref()
            .and_then(|assigner| assigner.identifier.as_ref());
        let namespace = assigner
            .and_then(|identifier| identifier.value.clone())
            .unwrap_or_default();
        cx.entries
            .id("Practitioner", &[&text(&id.system), &namespace, &text(&id.value)])
    } else {
        let person = person.as_ref()?;
        cx.entries.id(
            "Practitioner",
            &[
                "name",
                &text(&person.family),
                &person.given.join(" "),
                &person.prefix.join(" "),
            ],
        )
    };
    if let Some(Resource::Practitioner(known)) = cx.entries.shared(key) {
        if let Some(person) = person.filter(|person| !known.name.contains(person)) {
            known.name.push(person);
        }
        if let Some(one) = qualification.filter(|one| !known.qualification.contains(one)) {
            known.qualification.push(one);
        }
        if id.value.is_some() && !known.identifier.contains(&id) {
            known.identifier.push(id);
        }
    } else {
        let identifier = if id.value.is_some() { vec![id] } else { Vec::new() };
        let practitioner = Practitioner {
            identifier,
            name: person.into_iter().collect(),
            qualification: qualification.into_iter().collect(),
            ..Practitioner::default()
        };
        cx.entries.share(key, practitioner);
    }
    Some(reference(key))
}

/// A reference to a Practitioner (or to a role that has one) to XCN.
pub(crate) fn write(person: &Reference, mut to: RepetitionWriter<'_>, back: &Back<'_>) {
    let role = back.resolve::<fhir::PractitionerRole>(Some(person));
    let target = role.and_then(|role| role.practitioner.as_ref()).unwrap_or(person);
    let Some(practitioner) = back.resolve::<Practitioner>(Some(target)) else {
        write_unresolved(target, &mut to, back);
        return;
    };
    if let Some(id) = practitioner.identifier.first() {
        write_identifier(id, &mut to, back);
    }
    if let Some(name) = practitioner.name.first() {
        name::write(name, name::XCN, &mut to, back);
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
    to.optional(13, identifier::type_code(id));
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
