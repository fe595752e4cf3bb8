//! PL: a place in the hospital, one Location for each level that is named.
//!
//! The finest level is the one referred to; each hangs on the next coarser one that is named: bed, room, point of
//! care, floor, building, site. A ward is one entry however many beds are named in it.

use fhir::{CodeableConcept, Coding, Identifier, Location, Reference, Resource, Text};
use hl7v2::Repetition;

use crate::back::{Back, RepetitionWriter};
use crate::context::{Composite, Context};
use crate::datatype::identifier::{self, ODS};
use crate::entries::reference;

const PHYSICAL_TYPE: &str = "http://terminology.hl7.org/CodeSystem/location-physical-type";

/// PL's levels from the coarsest: component, physical type, display.
const LEVELS: [(u16, &str, &str); 6] = [
    (4, "si", "Site"),
    (7, "bu", "Building"),
    (8, "lvl", "Level"),
    (1, "wa", "Ward"),
    (2, "ro", "Room"),
    (3, "bd", "Bed"),
];

/// PL to a chain of Locations, and a reference to the finest.
pub(crate) fn read(pl: Repetition<'_>, cx: &mut Context<'_>) -> Option<Reference> {
    let mut path = String::new();
    let mut coarser: Option<uuid::Uuid> = None;
    for (n, code, display) in LEVELS {
        let part = pl.component(usize::from(n));
        let value = cx.take(part.part(1), "Location.identifier.value");
        let uri = identifier::universal_uri(part.part(2), part.part(3), cx, "Location.identifier.value");
        if value.is_none() && uri.is_none() {
            continue;
        }
        for part in [
            code,
            value.as_deref().unwrap_or_default(),
            uri.as_deref().unwrap_or_default(),
        ] {
            path.push('|');
            path.push_str(part);
        }
        let id = cx.entries.id("Location", &[&path]);
        if cx.entries.shared(id).is_none() {
            let location = level(value, uri, code, display, coarser, cx);
            cx.entries.share(id, location);
        }
        coarser = Some(id);
    }
    let finest = coarser?;
    read_rest(pl, finest, cx);
    Some(reference(finest))
}

fn level(
    value: Option<Text>,
    uri: Option<Text>,
    code: &'static str,
    display: &'static str,
    coarser: Option<uuid::Uuid>,
    cx: &Context<'_>,
) -> Location {
    let mut location = Location {
        name: value.clone().or_else(|| uri.clone()),
        mode: Some(Text::const_new("instance")),
        part_of: coarser.map(reference),
        ..Location::default()
    };
    if value.is_some() {
        let mut id = Identifier {
            value,
            ..Identifier::default()
        };
        if code == "si"
            && let Some(known) = cx.vocabulary.ods.to_fhir(id.value.as_deref().unwrap_or_default())
        {
            id.system = Some(Text::const_new(ODS));
            location.name = Some(Text::const_new(known.display));
        }
        location.identifier.push(id);
    }
    if uri.is_some() {
        location.identifier.push(Identifier {
            system: Some(Text::const_new("urn:ietf:rfc:3986")),
            value: uri,
            ..Identifier::default()
        });
    }
    let coding = Coding {
        system: Some(Text::const_new(PHYSICAL_TYPE)),
        code: Some(Text::const_new(code)),
        display: Some(Text::const_new(display)),
        ..Coding::default()
    };
    location.physical_type = Some(CodeableConcept {
        coding: vec![coding],
        ..CodeableConcept::default()
    });
    location
}

/// PL.5, PL.6 and PL.9 to PL.11 describe the finest level.
fn read_rest(pl: Repetition<'_>, finest: uuid::Uuid, cx: &mut Context<'_>) {
    let status = cx.take(pl.component(5), "Location.operationalStatus.code");
    let kind = cx.take(pl.component(6), "Location.type.coding.code");
    let description = cx.take(pl.component(9), "Location.description");
    let comprehensive = cx.take(pl.component(10).part(1), "Location.identifier.value");
    let status = status.map(|code| bed_status(code, cx));
    let Some(Resource::Location(location)) = cx.entries.shared(finest) else {
        return;
    };
    if status.is_some() {
        location.operational_status = status;
    }
    if let Some(code) = kind {
        let coding = Coding {
            code: Some(code),
            ..Coding::default()
        };
        let kind = CodeableConcept {
            coding: vec![coding],
            ..CodeableConcept::default()
        };
        if !location.type_.contains(&kind) {
            location.type_.push(kind);
        }
    }
    if description.is_some() {
        location.description = description;
    }
    if let Some(value) = comprehensive {
        let id = identifier::typed(
            Identifier {
                value: Some(value),
                ..Identifier::default()
            },
            "XX",
        );
        if !location.identifier.contains(&id) {
            location.identifier.push(id);
        }
    }
}

/// HL7 table 0116 as the operational status of a bed; a code outside it has no system.
pub(crate) fn bed_status(code: Text, cx: &Context<'_>) -> Coding {
    let known = cx.vocabulary.bed_status.to_fhir(&code);
    Coding {
        system: known.map(|known| Text::const_new(known.system)),
        code: Some(code),
        ..Coding::default()
    }
}

/// A reference to the finest Location to PL.
pub(crate) fn write(place: &Reference, mut to: RepetitionWriter<'_>, back: &Back<'_>) {
    let mut next = back.resolve::<Location>(Some(place));
    if next.is_none() {
        to.optional(1, place.display.as_ref());
        return;
    }
    let mut taken: Vec<u16> = Vec::with_capacity(6);
    // A chain that bites its tail ends here.
    for depth in 0..LEVELS.len() + 2 {
        let Some(location) = next else { break };
        if depth == 0 {
            write_rest(location, &mut to);
        }
        let component = component_of(location).unwrap_or_else(|| fallback(&taken));
        if !taken.contains(&component) {
            taken.push(component);
            write_level(location, component, &mut to);
        }
        next = back.resolve::<Location>(location.part_of.as_ref());
    }
}

fn component_of(location: &Location) -> Option<u16> {
    let codes = location.physical_type.iter().flat_map(|kind| &kind.coding);
    let mut codes = codes.filter_map(|coding| coding.code.as_deref());
    codes.find_map(|code| {
        LEVELS
            .iter()
            .find(|(_, known, _)| *known == code)
            .map(|(component, _, _)| *component)
    })
}

/// A Location that does not say what it is: the finest is taken for a point of care, its whole for a site.
fn fallback(taken: &[u16]) -> u16 {
    [1, 4, 7]
        .into_iter()
        .find(|component| !taken.contains(component))
        .unwrap_or(7)
}

fn write_level(location: &Location, component: u16, to: &mut RepetitionWriter<'_>) {
    let mut named = false;
    for id in &location.identifier {
        if id.system.as_deref() == Some("urn:ietf:rfc:3986") {
            let [universal, kind] = identifier::split_uri(id.value.as_deref().unwrap_or_default());
            to.subcomponent(component, 2, &universal);
            to.subcomponent(component, 3, &kind);
        } else if !named
            && !identifier::is_typed(id, "XX")
            && let Some(value) = &id.value
        {
            to.subcomponent(component, 1, value);
            named = true;
        }
    }
    if !named
        && location.identifier.is_empty()
        && let Some(name) = &location.name
    {
        to.subcomponent(component, 1, name);
    }
}

fn write_rest(location: &Location, to: &mut RepetitionWriter<'_>) {
    to.optional(
        5,
        location
            .operational_status
            .as_ref()
            .and_then(|status| status.code.as_ref()),
    );
    let kind = location
        .type_
        .first()
        .and_then(|kind| kind.coding.first()?.code.as_ref());
    to.optional(6, kind);
    to.optional(9, location.description.as_ref());
    let comprehensive = location
        .identifier
        .iter()
        .find(|id| identifier::is_typed(id, "XX"));
    if let Some(value) = comprehensive.and_then(|id| id.value.as_ref()) {
        to.subcomponent(10, 1, value);
    }
}
