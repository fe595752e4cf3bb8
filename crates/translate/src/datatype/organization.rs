//! XON and HD: organisations, one entry for each identity.

use fhir::{CodeableConcept, Coding, Identifier, Organization, Reference, Resource, Text};
use hl7v2::Repetition;

use crate::back::{Back, RepetitionWriter, foreign};
use crate::context::{Composite, Context};
use crate::datatype::identifier::{self, ODS};
use crate::entries::reference;
use crate::keep;
use crate::vocabulary::{Vocabulary, system};

/// XON to an Organization of the Bundle.
pub(crate) fn read_xon(xon: Repetition<'_>, cx: &mut Context<'_>) -> Option<Reference> {
    let mut organization = Organization::default();
    let mut id = Identifier::default();
    let mut number = None;
    let mut authority = None;
    for (n, part) in xon.parts() {
        match n {
            1 => organization.name = cx.take(part, "Organization.name"),
            2 => {
                if let Some(code) = cx.take(part, "Organization.type.coding.code") {
                    let coding = Coding {
                        system: Some(system::concat(system::TABLE, "0204")),
                        code: Some(code),
                        ..Coding::default()
                    };
                    organization.type_.push(CodeableConcept {
                        coding: vec![coding],
                        ..CodeableConcept::default()
                    });
                }
            }
            3 => number = Some(part),
            6 => authority = Some(part),
            7 => id.type_ = identifier::read_type(part, cx),
            10 => id.value = cx.take(part, "Organization.identifier.value"),
            _ => keep::read_part::<Repetition<'_>>("XON", n, part, &mut organization.extension, cx),
        }
    }
    if id.value.is_none()
        && let Some(number) = number
    {
        id.value = cx.take(number, "Organization.identifier.value");
        id.extension.push(keep::mark("XON.3"));
    }
    if id.value.is_some() {
        if let Some(authority) = authority {
            identifier::set_authority(&mut id, authority, cx);
        }
        mark_ods(&mut id, cx);
        organization.identifier.push(id);
    }
    share(organization, cx)
}

/// HD — three parts of a component, or three components of a field — to an Organization.
pub(crate) fn read_hd<'m>(hd: impl Composite<'m>, cx: &mut Context<'_>) -> Option<Reference> {
    let mut organization = Organization::default();
    let mut known = None;
    if let Some(value) = cx.take(hd.part(1), "Organization.identifier.value") {
        let mut id = Identifier {
            value: Some(value),
            ..Identifier::default()
        };
        known = mark_ods(&mut id, cx);
        organization.identifier.push(id);
    }
    if let Some(uri) = identifier::universal_uri(hd.part(2), hd.part(3), cx, "Organization.identifier.value")
    {
        organization.identifier.push(Identifier {
            system: Some(Text::const_new("urn:ietf:rfc:3986")),
            value: Some(uri),
            ..Identifier::default()
        });
    }
    let found = share(organization, cx)?;
    // A name that the message gives wins over the table's.
    if let Some(one) = shared(&found, cx).filter(|one| one.name.is_none()) {
        one.name = known;
    }
    Some(found)
}

/// Gives a known NHS organisation code its system; the organisation's name comes from the table.
pub(crate) fn mark_ods(id: &mut Identifier, cx: &Context<'_>) -> Option<Text> {
    let code = cx.vocabulary.ods.to_fhir(id.value.as_deref()?)?;
    if id.system.is_none() {
        id.system = Some(Text::const_new(ODS));
    }
    Some(Text::const_new(code.display))
}

/// Adds the Organization when it is not there yet.
pub(crate) fn share(organization: Organization, cx: &mut Context<'_>) -> Option<Reference> {
    let ods = &cx.vocabulary.ods;
    let text = |text: &Option<Text>| text.clone().unwrap_or_default();
    let id = match organization.identifier.first() {
        Some(first) => {
            let assigner = first
                .assigner
                .as_ref()
                .and_then(|assigner| assigner.identifier.as_ref());
            let namespace = assigner
                .and_then(|identifier| identifier.value.clone())
                .unwrap_or_default();
            cx.entries.id(
                "Organization",
                &[&text(&first.system), &namespace, &text(&first.value)],
            )
        }
        None => {
            let name = organization.name.clone()?;
            cx.entries.id("Organization", &["name", &name])
        }
    };
    if let Some(Resource::Organization(known)) = cx.entries.shared(id) {
        match (&known.name, organization.name) {
            (None, Some(name)) => known.name = Some(name),
            (Some(one), Some(other)) if *one != other && is_table_name(known, ods) => {
                known.name = Some(other)
            }
            (Some(one), Some(other)) if *one != other && !known.alias.contains(&other) => {
                known.alias.push(other)
            }
            _ => {}
        }
        for other in organization.identifier {
            if !known.identifier.contains(&other) {
                known.identifier.push(other);
            }
        }
        for kind in organization.type_ {
            if !known.type_.contains(&kind) {
                known.type_.push(kind);
            }
        }
    } else {
        cx.entries.share(id, organization);
    }
    Some(reference(id))
}

/// True when the name came from the table of NHS organisation codes.
fn is_table_name(one: &Organization, ods: &Vocabulary) -> bool {
    let code = one
        .identifier
        .first()
        .and_then(|id| ods.to_fhir(id.value.as_deref()?));
    code.is_some_and(|code| one.name.as_deref() == Some(code.display))
}

/// The Organization a shared reference of this Bundle points at, to add to it.
pub(crate) fn shared<'e>(organization: &Reference, cx: &'e mut Context<'_>) -> Option<&'e mut Organization> {
    let id = organization.reference.as_deref()?.strip_prefix("urn:uuid:")?;
    let id = uuid::Uuid::parse_str(id).ok()?;
    match cx.entries.shared(id) {
        Some(Resource::Organization(known)) => Some(known),
        _ => None,
    }
}

/// A reference to an Organization to XON.
pub(crate) fn write_xon(organization: &Reference, mut to: RepetitionWriter<'_>, back: &Back<'_>) {
    let Some(found) = back.resolve::<Organization>(Some(organization)) else {
        to.optional(1, organization.display.as_ref());
        if let Some(id) = &organization.identifier {
            write_id(id, &mut to, back);
        }
        return;
    };
    to.optional(1, found.name.as_ref());
    keep::write_parts(&found.extension, "XON", &mut to);
    let kind = found
        .type_
        .first()
        .and_then(|kind| kind.coding.first()?.code.as_ref());
    to.optional(2, kind);
    if let Some(id) = found.identifier.first() {
        write_id(id, &mut to, back);
    }
    if back.foreign {
        foreign::write_xon(found, &mut to);
    }
}

fn write_id(id: &Identifier, to: &mut RepetitionWriter<'_>, back: &Back<'_>) {
    let [namespace, universal, kind] = identifier::authority(id, back);
    to.subcomponent(6, 1, &namespace);
    to.subcomponent(6, 2, &universal);
    to.subcomponent(6, 3, &kind);
    to.optional(7, identifier::written_type(id, back).as_ref());
    // Before v2.5 the number stood in XON.3.
    let component = if keep::is_marked(&id.extension, "XON.3") {
        3
    } else {
        10
    };
    to.optional(component, id.value.as_ref());
}

/// A reference to an Organization to HD in the components of a field.
pub(crate) fn write_hd(organization: &Reference, mut to: RepetitionWriter<'_>, back: &Back<'_>) {
    let found = back.resolve::<Organization>(Some(organization));
    let ids: &[Identifier] = match (found, &organization.identifier) {
        (Some(found), _) => &found.identifier,
        (None, Some(id)) => std::slice::from_ref(id),
        (None, None) => &[],
    };
    let mut named = false;
    for id in ids {
        if id.system.as_deref() == Some("urn:ietf:rfc:3986") {
            let [universal, kind] = identifier::split_uri(id.value.as_deref().unwrap_or_default());
            to.component(2, &universal);
            to.component(3, &kind);
        } else if !named {
            to.optional(1, id.value.as_ref());
            named = id.value.is_some();
        }
    }
    if !named && ids.is_empty() {
        to.optional(
            1,
            found
                .and_then(|found| found.name.as_ref())
                .or(organization.display.as_ref()),
        );
    }
}
